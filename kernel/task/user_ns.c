/*
 * user_ns - user namespaces: their life, their owners, what may be had of them.
 *
 * Theory:  a tree below init_user_ns.  A namespace's maker has every
 *          capability in it and below it, and so has who enters it with
 *          setns(); nobody in it has one outside.  Any other namespace, a
 *          superblock and an address space name the user namespace that they
 *          belong to; a capability is asked for there (ns_capable).
 *          A user may have so many namespaces of a kind in a user namespace,
 *          and its owner so many in the one above: counts go up the tree.
 * Locks:   count_lock guards all lists of counts.
 * Life:    counted by credentials, children and what it owns.  init_user_ns is
 *          not counted.  Who reads other tasks' credentials under RCU may read
 *          their namespace too, since the reference goes a grace period later.
 */
#include "task_impl.h"

#include <fs/vfs.h>
#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <task/fork.h>

struct user_count {
	struct user_count *next;
	u32 uid;
	int n[NS_COUNTS];
};

/* Credentials are freed by interrupts too. */
static struct irqlock count_lock = IRQLOCK_INIT(RANK_LEAF, "ns counts");
static struct slab_cache *user_ns_cache;

static struct id_map everybody = {
	.n = 1,
	.extents = { { 0, 0, INVALID_ID } },
};

struct user_ns init_user_ns = {
	.refs = REF_INIT(1),
	.ino = 0xeffffffdu,
	.parent_could_setfcap = true,
	.maps = { &everybody, &everybody, &everybody },
};

/* --- counts ---------------------------------------------------------------*/
static struct user_count **find_count(struct user_ns *ns, u32 uid)
	__must_hold(&count_lock)
{
	struct user_count **link = &ns->counts;

	while (*link && (*link)->uid != uid)
		link = &(*link)->next;
	return link;
}

static int count_up(struct user_ns *ns, u32 uid, enum ns_count kind)
{
	struct user_count *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	struct user_count **link;
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	fresh->uid = uid;
	irq_lock(&count_lock);
	link = find_count(ns, uid);
	if ((*link ? (*link)->n[kind] : 0) >= READ_ONCE(ns->max[kind])) {
		err = -ENOSPC;
	} else {
		if (!*link) {
			*link = fresh;
			fresh = NULL;
		}
		(*link)->n[kind]++;
	}
	irq_unlock(&count_lock);
	kfree(fresh);
	return err;
}

static void count_down(struct user_ns *ns, u32 uid, enum ns_count kind)
{
	struct user_count **link, *c;
	int left = 0;

	irq_lock(&count_lock);
	link = find_count(ns, uid);
	c = *link;
	c->n[kind]--;
	for (int k = 0; k < NS_COUNTS; k++)
		left += c->n[k];
	if (!left)
		*link = c->next;
	irq_unlock(&count_lock);
	if (!left)
		kfree(c);
}

/* From ns up to, not including, `end`. */
static void uncharge(struct user_ns *ns, u32 uid, enum ns_count kind,
		     const struct user_ns *end)
{
	while (ns != end) {
		count_down(ns, uid, kind);
		uid = ns->owner;
		ns = ns->parent;
	}
}

static int charge(struct user_ns *ns, u32 uid, enum ns_count kind)
{
	struct user_ns *at = ns;
	u32 who = uid;
	int err;

	while (at) {
		err = count_up(at, who, kind);
		if (err) {
			uncharge(ns, uid, kind, at);
			return err;
		}
		who = at->owner;
		at = at->parent;
	}
	return 0;
}

int ns_owner_init(struct ns_owner *o, struct user_ns *ns, enum ns_count kind)
{
	u32 uid = current_euid();
	int err = charge(ns, uid, kind);

	if (err)
		return err;
	o->user_ns = user_ns_get(ns);
	o->uid = uid;
	return 0;
}

void ns_owner_release(struct ns_owner *o, enum ns_count kind)
{
	uncharge(o->user_ns, o->uid, kind, NULL);
	user_ns_put(o->user_ns);
}

/* --- life -----------------------------------------------------------------*/
void user_ns_put(struct user_ns *ns)
{
	while (ns && ns != &init_user_ns && ref_put(&ns->refs)) {
		struct user_ns *parent = ns->parent;

		uncharge(parent, ns->owner, NS_COUNT_USER, NULL);
		for (int k = 0; k < ID_KINDS; k++)
			kfree(ns->maps[k]);
		slab_free(user_ns_cache, ns);
		ns = parent;
	}
}

bool user_ns_is_below(const struct user_ns *ns, const struct user_ns *top)
{
	while (ns->level > top->level)
		ns = ns->parent;
	return ns == top;
}

void cred_enter_user_ns(struct cred *c, struct user_ns *ns)
{
	struct user_ns *old = c->user_ns;

	c->securebits = 0;
	c->inheritable = 0;
	c->ambient = 0;
	c->permitted = c->effective = c->bounding = CAP_ALL;
	c->user_ns = user_ns_get(ns);
	user_ns_put(old);
}

static int check_maker(const struct cred *c)
{
	struct user_ns *parent = c->user_ns;

	if (parent->level > MAX_USER_NS_LEVEL)
		return -ENOSPC;
	/* The root directory may be there to hide files. */
	if (current_is_chrooted())
		return -EPERM;
	/* Else nobody could tell who made it. */
	if (from_kuid(parent, c->euid) == INVALID_ID ||
	    from_kgid(parent, c->egid) == INVALID_ID)
		return -EPERM;
	return 0;
}

static struct user_ns *user_ns_alloc(const struct cred *c)
{
	struct user_ns *ns = slab_alloc(user_ns_cache, GFP_KERNEL);

	if (!ns)
		return NULL;
	*ns = (struct user_ns){
		.level = c->user_ns->level + 1,
		.parent = user_ns_get(c->user_ns),
		.owner = c->euid,
		.group = c->egid,
		.ino = ns_new_ino(),
		.parent_could_setfcap = cred_has_cap(c, CAP_SETFCAP),
		.denies_setgroups = READ_ONCE(c->user_ns->denies_setgroups),
	};
	ref_init(&ns->refs, 1);
	for (int k = 0; k < NS_COUNTS; k++)
		ns->max[k] = INT_MAX;
	return ns;
}

int user_ns_create(struct cred *c)
{
	struct user_ns *ns;
	int err = check_maker(c);

	if (err)
		return err;
	err = charge(c->user_ns, c->euid, NS_COUNT_USER);
	if (err)
		return err;
	ns = user_ns_alloc(c);
	if (!ns) {
		uncharge(c->user_ns, c->euid, NS_COUNT_USER, NULL);
		return -ENOMEM;
	}
	cred_enter_user_ns(c, ns);
	user_ns_put(ns);
	return 0;
}

/* --- capabilities ---------------------------------------------------------*/
bool cred_has_cap_in(const struct cred *c, const struct user_ns *ns, int cap)
{
	while (ns->level > c->user_ns->level) {
		/* The owner has all of them in what it made. */
		if (ns->parent == c->user_ns && ns->owner == c->euid)
			return true;
		ns = ns->parent;
	}
	return ns == c->user_ns && cred_has_cap(c, cap);
}

bool ns_capable(const struct user_ns *ns, int cap)
{
	if (!cred_has_cap_in(current->cred, ns, cap))
		return false;
	current->flags |= TF_SUPERPRIV;
	return true;
}

bool capable(int cap)
{
	return ns_capable(&init_user_ns, cap);
}

bool inode_capable(const struct inode *i, int cap)
{
	const struct user_ns *ns = current_user_ns();

	return from_kuid(ns, i->uid) != INVALID_ID &&
	       from_kgid(ns, i->gid) != INVALID_ID && ns_capable(ns, cap);
}

bool task_capable(struct task *t, int cap)
{
	bool yes;

	rcu_read_lock();
	yes = ns_capable(rcu_dereference(t->real_cred)->user_ns, cap);
	rcu_read_unlock();
	return yes;
}

bool kuid_is_root_here(u32 kuid)
{
	const struct user_ns *ns = current_user_ns();

	while (ns && from_kuid(ns, kuid) != 0)
		ns = ns->parent;
	return ns;
}

/* Does `c` hold nothing that `old` does not? */
bool cred_caps_within(const struct cred *old, const struct cred *c)
{
	const struct user_ns *ns = c->user_ns;

	if (ns == old->user_ns)
		return !(c->permitted & ~old->permitted);
	for (; ns != &init_user_ns; ns = ns->parent)
		if (ns->parent == old->user_ns && ns->owner == old->euid)
			return true;
	return false;
}

void user_ns_init(void)
{
	user_ns_cache = slab_cache_create("user_namespace",
					  sizeof(struct user_ns), 0,
					  SLAB_PANIC, NULL);
	for (int k = 0; k < NS_COUNTS; k++)
		init_user_ns.max[k] = sysctl_threads_max / 2;
}
