/*
 * statmount - what mounts there are: statmount(2) and listmount(2).
 *
 * Theory:  the number that these calls use is the one of mountinfo, moved up
 *          past what fits there; both are never used again.
 * Locks:   mount_mutex.
 */
#include "dpath_impl.h"
#include "mount_impl.h"
#include <fs/mount_api.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>
#include <task/ns.h>

#define SB_BASIC 1u
#define MNT_BASIC 2u
#define FROM 4u
#define ROOT 8u
#define POINT 16u
#define TYPE 32u
#define NS_ID 64u
#define OPTS 128u
#define WHOLE_NS (~0ull)

struct statmount {
	u32 size, opts;
	u64 mask;
	u32 dev_major, dev_minor;
	u64 magic;
	u32 sb_flags, type;
	u64 id, parent_id;
	u32 old_id, old_parent_id;
	u64 attr, propagation, peer_group, master, from;
	u32 root, point;
	u64 ns_id, spare[49];
	char text[];
};
static_assert(sizeof(struct statmount) == STATMOUNT_BYTES, "as Linux has it");

struct out {
	struct statmount *s;
	size_t room, used;	/* of text */
	char *tmp;
};

static u64 id_of(const struct mount *m)
{
	return MNT_UNIQUE_OFFSET + (u64)m->id;
}

static struct mnt_namespace *own_ns(void)
{
	return current->nsproxy ? current->nsproxy->mnt : init_mnt_ns;
}

static struct mount *find_locked(u64 id)
{
	struct mount *m;

	list_for_each_entry(m, &own_ns()->mounts, ns_node)
		if (id_of(m) == id)
			return m;
	return NULL;
}

static int put_text(struct out *o, const char *text, u32 *at)
{
	size_t n = strlen(text) + 1;

	if (n > o->room - o->used)
		return -EOVERFLOW;
	memcpy(o->s->text + o->used, text, n);
	*at = (u32)o->used;
	o->used += n;
	return 0;
}

static int put_point(struct out *o, struct mount *m, bool *is_below)
{
	struct path p = { m, m->root }, root;
	char *text;
	int err, where;

	fs_get_root(current->fs, &root);
	err = path_text(&p, &root, o->tmp, PATH_MAX, &text, &where);
	if (o->s->mask & FROM)
		o->s->from = (u64)group_seen_above(m, &root);
	path_put(&root);
	*is_below = !err && !where;
	if (!*is_below || !(o->s->mask & POINT))
		return err;
	return put_text(o, text, &o->s->point);
}

static int put_opts(struct out *o, struct mount *m)
{
	o->tmp[0] = 0;
	if (m->sb->ops->show_options)
		m->sb->ops->show_options(m->sb, o->tmp, PATH_MAX);
	return put_text(o, o->tmp + (o->tmp[0] == ','), &o->s->opts);
}

static void put_basics(struct statmount *s, struct mount *m)
{
	struct mount *up = m->parent ? m->parent : m;

	if (s->mask & SB_BASIC) {
		s->dev_major = MAJOR(m->sb->dev);
		s->dev_minor = MINOR(m->sb->dev);
		s->magic = m->sb->magic;
		s->sb_flags = m->sb->flags &
			      (SB_RDONLY | SB_SYNCHRONOUS | SB_DIRSYNC);
	}
	if (s->mask & MNT_BASIC) {
		s->id = id_of(m);
		s->parent_id = id_of(up);
		s->old_id = (u32)m->id;
		s->old_parent_id = (u32)up->id;
		s->attr = mount_attr_of_flags(m->flags);
		s->propagation = m->peer_group   ? MS_SHARED :
				 m->master_group ? MS_SLAVE :
				 m->propagation == PROP_UNBINDABLE ?
						   MS_UNBINDABLE : MS_PRIVATE;
		s->peer_group = (u64)m->peer_group;
		s->master = (u64)m->master_group;
	}
	if (s->mask & NS_ID)
		s->ns_id = own_ns()->id;
}

static int put_texts(struct out *o, struct mount *m)
{
	struct statmount *s = o->s;
	char *text;
	int err = 0;

	if (s->mask & TYPE)
		err = put_text(o, m->sb->fs->name, &s->type);
	if (!err && (s->mask & ROOT)) {
		err = dentry_text(m->root, o->tmp, PATH_MAX, &text);
		if (!err)
			err = put_text(o, text, &s->root);
	}
	if (!err && (s->mask & OPTS))
		err = put_opts(o, m);
	return err;
}

static int stat_locked(struct out *o, u64 id)
{
	struct mount *m = find_locked(id);
	bool is_below;
	int err;

	if (!m)
		return -ENOENT;
	err = put_point(o, m, &is_below);
	if (err)
		return err;
	if (!is_below && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	put_basics(o->s, m);
	return put_texts(o, m);
}

int mount_stat(u64 id, u64 mask, void *buf, size_t n, size_t *used)
{
	struct out o = { .s = buf, .room = n - sizeof(struct statmount) };
	int err;

	o.tmp = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!o.tmp)
		return -ENOMEM;
	o.s->mask = mask & (SB_BASIC | MNT_BASIC | FROM | ROOT | POINT | TYPE |
			    NS_ID | OPTS);
	mutex_lock(&mount_mutex);
	err = stat_locked(&o, id);
	mutex_unlock(&mount_mutex);
	kfree(o.tmp);
	*used = sizeof(struct statmount) + o.used;
	o.s->size = (u32)*used;
	return err;
}

static bool is_below(const struct mount *m, const struct mount *top)
{
	for (m = m->parent; m; m = m->parent)
		if (m == top)
			return true;
	return false;
}

/* The next one after `last` in that order below top; NULL: none. */
static struct mount *next_locked(const struct mount *top, u64 last, bool back)
{
	struct mount *m, *best = NULL;

	list_for_each_entry(m, &own_ns()->mounts, ns_node) {
		if (last && (back ? id_of(m) >= last : id_of(m) <= last))
			continue;
		if (best && (back ? id_of(m) < id_of(best) :
				    id_of(m) > id_of(best)))
			continue;
		if (is_below(m, top))
			best = m;
	}
	return best;
}

int mount_list(u64 id, u64 last, bool is_reverse, u64 *ids, size_t n,
	       size_t *got)
{
	struct mount *top, *m;
	int err = 0;

	mutex_lock(&mount_mutex);
	top = id == WHOLE_NS ? own_ns()->root : find_locked(id);
	if (!top)
		err = -ENOENT;
	for (*got = 0; !err && *got < n; (*got)++) {
		m = next_locked(top, last, is_reverse);
		if (!m)
			break;
		ids[*got] = last = id_of(m);
	}
	mutex_unlock(&mount_mutex);
	return err;
}
