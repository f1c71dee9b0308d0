/*
 * id_map - what ids are called in a user namespace.
 *
 * Theory:  a map is a list of extents, at most 340, that is written once as
 *          text with ids of the parent namespace and kept with kernel ids.  So
 *          one search translates, however deep the namespace lies.  A map of
 *          more than 5 extents is sorted, as Linux's is: it is also shown so.
 *          Who may map what: user_namespaces(7), "Defining user and group ID
 *          mappings".
 * Locks:   maps_mutex orders the writers of maps and of denies_setgroups;
 *          readers see a map's pointer change once, from NULL.
 */
#include "task_impl.h"

#include <fs/seq.h>
#include <kernel/init.h>
#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/sort.h>
#include <lib/string.h>

#define MAX_EXTENTS 340u
#define SORTED_FROM 6u

static struct mutex maps_mutex = MUTEX_INIT(maps_mutex, RANK_SLEEP_C,
					    "id maps");

static const struct id_map *map_of(const struct user_ns *ns, enum id_kind kind)
{
	return LOAD_ACQUIRE(ns->maps[kind]);
}

/* All of [id, id + count) in one extent: where it begins on the other side. */
static u32 range_to_kernel(const struct id_map *m, u32 id, u32 count)
{
	for (u32 i = 0; m && i < m->n; i++) {
		const struct id_extent *e = &m->extents[i];

		if (id - e->first < e->count &&
		    id - e->first + (count - 1) < e->count)
			return e->lower + (id - e->first);
	}
	return INVALID_ID;
}

u32 id_to_kernel(const struct user_ns *ns, enum id_kind kind, u32 id)
{
	return range_to_kernel(map_of(ns, kind), id, 1);
}

u32 id_from_kernel(const struct user_ns *ns, enum id_kind kind, u32 id)
{
	const struct id_map *m = map_of(ns, kind);

	for (u32 i = 0; m && i < m->n; i++)
		if (id - m->extents[i].lower < m->extents[i].count)
			return m->extents[i].first + (id - m->extents[i].lower);
	return INVALID_ID;
}

u32 id_munged(const struct user_ns *ns, enum id_kind kind, u32 id)
{
	u32 shown = id_from_kernel(ns, kind, id);

	return shown == INVALID_ID ? OVERFLOW_ID : shown;
}

/* The other side is shown as the reader names it; the namespace's own members
 * see what its maker wrote. */
void id_map_show(struct seq *s, const struct user_ns *ns, enum id_kind kind,
		 struct user_ns *reader)
{
	const struct id_map *m = map_of(ns, kind);
	const struct user_ns *as = reader;

	if (as == ns && ns->parent)
		as = ns->parent;
	for (u32 i = 0; m && i < m->n; i++)
		seq_printf(s, "%10u %10u %10u\n", m->extents[i].first,
			   id_from_kernel(as, kind, m->extents[i].lower),
			   m->extents[i].count);
}

/* --- reading a map --------------------------------------------------------*/
static char *skip_spaces(char *p)
{
	while (isspace(*p))
		p++;
	return p;
}

static char *read_id(char *p, u32 *out)
{
	u64 v = 0;

	p = skip_spaces(p);
	while (isdigit(*p))
		v = v * 10 + (u64)(*p++ - '0');
	*out = (u32)v;
	return p;
}

static int parse_extent(char *p, struct id_extent *e)
{
	p = read_id(p, &e->first);
	if (!isspace(*p))
		return -EINVAL;
	p = read_id(p, &e->lower);
	if (!isspace(*p))
		return -EINVAL;
	p = skip_spaces(read_id(p, &e->count));
	if (*p || e->first == INVALID_ID || e->lower == INVALID_ID ||
	    e->first + e->count <= e->first || e->lower + e->count <= e->lower)
		return -EINVAL;
	return 0;
}

static bool ranges_meet(u32 a, u32 na, u32 b, u32 nb)
{
	return a < b + nb && b < a + na;
}

static bool overlaps(const struct id_map *m, const struct id_extent *e)
{
	for (u32 i = 0; i < m->n; i++) {
		const struct id_extent *o = &m->extents[i];

		if (ranges_meet(o->first, o->count, e->first, e->count) ||
		    ranges_meet(o->lower, o->count, e->lower, e->count))
			return true;
	}
	return false;
}

static int parse_map(char *text, struct id_map *m)
{
	struct id_extent e;
	char *next;
	int err;

	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (next && !*next)
			next = NULL;
		err = parse_extent(line, &e);
		if (err)
			return err;
		if (m->n == MAX_EXTENTS || overlaps(m, &e))
			return -EINVAL;
		m->extents[m->n++] = e;
	}
	return 0;
}

/* --- may it be written? ---------------------------------------------------*/
/* Who maps the parent's root could give files capabilities by that. */
static bool may_map_root(const struct user_ns *ns, const struct id_map *m,
			 const struct cred *opener)
{
	bool has_root = false;

	for (u32 i = 0; i < m->n; i++)
		has_root |= m->extents[i].lower == 0;
	if (!has_root)
		return true;
	if (ns == opener->user_ns)
		return ns->parent_could_setfcap;
	return cred_has_cap_in(opener, ns->parent, CAP_SETFCAP);
}

/* Its owner may map its own id, and nothing else. */
static bool is_own_id(const struct user_ns *ns, enum id_kind kind,
		      const struct id_map *m, const struct cred *opener)
{
	u32 id = m->extents[0].lower;

	if (m->n != 1 || m->extents[0].count != 1 || ns->owner != opener->euid)
		return false;
	if (kind == ID_UID)
		return make_kuid(ns->parent, id) == opener->euid;
	return kind == ID_GID && ns->denies_setgroups &&
	       make_kgid(ns->parent, id) == opener->egid;
}

static bool is_permitted(const struct user_ns *ns, enum id_kind kind,
			 const struct id_map *m, const struct cred *opener)
{
	int cap = kind == ID_UID ? CAP_SETUID : CAP_SETGID;

	if (kind == ID_UID && !may_map_root(ns, m, opener))
		return false;
	if (kind == ID_PROJID || is_own_id(ns, kind, m, opener))
		return true;
	return ns_capable(ns->parent, cap) &&
	       cred_has_cap_in(opener, ns->parent, cap);
}

/* --- writing it -----------------------------------------------------------*/
static int by_first(const void *a, const void *b, void *ctx)
{
	const struct id_extent *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int check_and_publish(struct user_ns *ns, enum id_kind kind,
			     struct id_map *m, const struct cred *opener)
	__must_hold(&maps_mutex)
{
	const struct id_map *up = map_of(ns->parent, kind);

	if (!is_permitted(ns, kind, m, opener))
		return -EPERM;
	for (u32 i = 0; i < m->n; i++) {
		struct id_extent *e = &m->extents[i];

		e->lower = range_to_kernel(up, e->lower, e->count);
		if (e->lower == INVALID_ID)
			return -EPERM;
	}
	if (m->n >= SORTED_FROM)
		sort(m->extents, m->n, sizeof(m->extents[0]), by_first, NULL);
	STORE_RELEASE(ns->maps[kind], m);
	return 0;
}

static int write_locked(struct user_ns *ns, enum id_kind kind, char *text,
			const struct cred *opener, struct id_map *m)
	__must_hold(&maps_mutex)
{
	int err;

	if (ns->maps[kind])
		return -EPERM;
	if (kind != ID_PROJID && !cred_has_cap_in(opener, ns, CAP_SYS_ADMIN))
		return -EPERM;
	err = parse_map(text, m);
	return err ? err : check_and_publish(ns, kind, m, opener);
}

int id_map_write(struct user_ns *ns, enum id_kind kind, char *text,
		 const struct cred *opener)
{
	struct id_map *m;
	size_t lines = 1;
	int err;

	if (!ns->parent ||
	    (opener->user_ns != ns && opener->user_ns != ns->parent))
		return -EPERM;
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	lines = min(lines, (size_t)MAX_EXTENTS);
	m = kzalloc(sizeof(*m) + lines * sizeof(m->extents[0]), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	mutex_lock(&maps_mutex);
	err = write_locked(ns, kind, text, opener, m);
	mutex_unlock(&maps_mutex);
	if (err)
		kfree(m);
	return err;
}

/* --- setgroups ------------------------------------------------------------*/
bool user_ns_may_setgroups(const struct user_ns *ns)
{
	bool yes;

	if (ns == &init_user_ns)
		return true;
	mutex_lock(&maps_mutex);
	yes = ns->maps[ID_GID] && !ns->denies_setgroups;
	mutex_unlock(&maps_mutex);
	return yes;
}

int user_ns_deny_setgroups(struct user_ns *ns, bool deny)
{
	int err = 0;

	mutex_lock(&maps_mutex);
	/* Once denied, or once groups are mapped, it stays as it is. */
	if (deny ? ns->maps[ID_GID] != NULL : ns->denies_setgroups)
		err = -EPERM;
	else
		ns->denies_setgroups = deny;
	mutex_unlock(&maps_mutex);
	return err;
}
