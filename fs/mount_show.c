/* mount_show - one mount as /proc/PID/{mounts,mountinfo,mountstats} show it. */
#include "dpath_impl.h"
#include "mount_impl.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

struct out {
	char *buf;
	size_t size, used;
};

static void put_text(struct out *o, const char *s)
{
	o->used += (size_t)kscnprintf(o->buf + o->used, o->size - o->used,
				      "%s", s);
}

/* Blanks and what else would break the columns, as \ooo. */
static void put_escaped(struct out *o, const char *s)
{
	for (; *s; s++) {
		if (strchr(" \t\n\\#", *s))
			o->used += (size_t)kscnprintf(o->buf + o->used,
						      o->size - o->used,
						      "\\%03o", (u8)*s);
		else if (o->used + 1 < o->size)
			o->buf[o->used++] = *s;
	}
}

static void put_mnt_flags(struct out *o, u32 flags)
{
	static const struct {
		u32 flag;
		const char *text;
	} names[] = {
		{ MNT_NOSUID, ",nosuid" },
		{ MNT_NODEV, ",nodev" },
		{ MNT_NOEXEC, ",noexec" },
		{ MNT_NOATIME, ",noatime" },
		{ MNT_NODIRATIME, ",nodiratime" },
		{ MNT_RELATIME, ",relatime" },
		{ MNT_NOSYMFOLLOW, ",nosymfollow" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].flag)
			put_text(o, names[i].text);
}

static void put_sb_flags(struct out *o, const struct super_block *sb)
{
	if (sb->flags & SB_SYNCHRONOUS)
		put_text(o, ",sync");
	if (sb->flags & SB_DIRSYNC)
		put_text(o, ",dirsync");
}

static void put_fs_options(struct out *o, struct super_block *sb)
{
	if (sb->ops->show_options)
		o->used += sb->ops->show_options(sb, o->buf + o->used,
						 o->size - o->used);
}

static void put_device(struct out *o, struct mount *m)
{
	const char *name = m->devname;

	if (m->sb->ops->show_devname)
		name = m->sb->ops->show_devname(m->sb);
	put_escaped(o, *name ? name : "none");
}

/* The place as seen from the caller's root; false: not below it. */
static bool put_place(struct out *o, struct mount *m, char *tmp)
{
	struct path p = { m, m->root }, root;
	char *text;
	int err, where;

	fs_get_root(current->fs, &root);
	err = path_text(&p, &root, tmp, PATH_MAX, &text, &where);
	path_put(&root);
	if (err || where)
		return false;
	put_escaped(o, text);
	return true;
}

static bool show_mounts(struct out *o, struct mount *m, char *tmp)
{
	put_device(o, m);
	put_text(o, " ");
	if (!put_place(o, m, tmp))
		return false;
	put_text(o, " ");
	put_escaped(o, m->sb->fs->name);
	put_text(o, mnt_is_readonly(m) ? " ro" : " rw");
	put_sb_flags(o, m->sb);
	put_mnt_flags(o, m->flags);
	put_fs_options(o, m->sb);
	put_text(o, " 0 0\n");
	return true;
}

/* Where it receives from, if its master cannot be seen but others can. */
static void put_origin(struct out *o, struct mount *m)
{
	struct path root;
	char text[48];
	int group;

	if (!m->master_group)
		return;
	fs_get_root(current->fs, &root);
	group = group_seen_above(m, &root);
	path_put(&root);
	if (!group || group == m->master_group)
		return;
	ksnprintf(text, sizeof(text), " propagate_from:%d", group);
	put_text(o, text);
}

static void put_propagation(struct out *o, struct mount *m)
{
	char text[48];

	if (m->peer_group) {
		ksnprintf(text, sizeof(text), " shared:%d", m->peer_group);
		put_text(o, text);
	}
	if (m->master_group) {
		ksnprintf(text, sizeof(text), " master:%d", m->master_group);
		put_text(o, text);
	}
	put_origin(o, m);
	if (m->propagation == PROP_UNBINDABLE)
		put_text(o, " unbindable");
}

static bool show_mountinfo(struct out *o, struct mount *m, char *tmp)
{
	struct mount *parent = m->parent;
	char text[64], *root;

	ksnprintf(text, sizeof(text), "%d %d %u:%u ", m->id,
		  parent ? parent->id : m->id, MAJOR(m->sb->dev),
		  MINOR(m->sb->dev));
	put_text(o, text);
	if (m->root->ops && m->root->ops->describe) {
		m->root->ops->describe(m->root, tmp, PATH_MAX);
		root = tmp;
	} else if (dentry_text(m->root, tmp, PATH_MAX, &root)) {
		return false;
	}
	put_escaped(o, root);
	put_text(o, " ");
	if (!put_place(o, m, tmp))
		return false;
	put_text(o, m->flags & MNT_READONLY ? " ro" : " rw");
	put_mnt_flags(o, m->flags);
	put_propagation(o, m);
	put_text(o, " - ");
	put_escaped(o, m->sb->fs->name);
	put_text(o, " ");
	put_device(o, m);
	put_text(o, sb_is_readonly(m->sb) ? " ro" : " rw");
	put_sb_flags(o, m->sb);
	put_fs_options(o, m->sb);
	put_text(o, "\n");
	return true;
}

static bool show_mountstats(struct out *o, struct mount *m, char *tmp)
{
	put_text(o, "device ");
	put_device(o, m);
	put_text(o, " mounted on ");
	if (!put_place(o, m, tmp))
		return false;
	put_text(o, " with fstype ");
	put_escaped(o, m->sb->fs->name);
	put_text(o, "\n");
	return true;
}

size_t mount_show(struct mount *m, int form, char *buf, size_t n)
{
	struct out o = { .buf = buf, .size = n };
	char *tmp = kmalloc(PATH_MAX, GFP_KERNEL);
	bool ok = false;

	if (!tmp)
		return 0;
	if (form == 0)
		ok = show_mounts(&o, m, tmp);
	else if (form == 1)
		ok = show_mountinfo(&o, m, tmp);
	else if (form == 2)
		ok = show_mountstats(&o, m, tmp);
	kfree(tmp);
	return ok ? o.used : 0;
}
