/*
 * cred - credentials, groups and per-user counts.
 *
 * Theory:  a published struct cred never changes.  Changing ids means: copy
 *          (cred_prepare), change the copy, publish it (cred_commit).  So a
 *          reader needs no lock, and threads of one process may differ.
 * Locks:   user_lock guards the table of users; interrupts drop counts too.
 * Life:    each task holds two references, real_cred (who it is) and cred
 *          (as whom it acts).  The last put frees after a grace period, since
 *          readers of other tasks hold none.
 */
#include "task_impl.h"

#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/mm.h>

#define USER_HASH 64

static struct irqlock user_lock = IRQLOCK_INIT(RANK_LEAF, "user_lock");
static struct user_struct *users[USER_HASH];
static struct slab_cache *cred_cache;

struct user_struct root_user = { .refs = REF_INIT(1), .processes = 1 };

struct cred init_cred = {
	.refs = REF_INIT(1024),		/* never freed */
	.permitted = CAP_ALL,
	.effective = CAP_ALL,
	.bounding = CAP_ALL,
	.user_ns = &init_user_ns,
	.user = &root_user,
};

static struct user_struct *user_find_locked(u32 uid)
{
	struct user_struct *u = users[uid % USER_HASH];

	while (u && u->uid != uid)
		u = u->next;
	if (u && u != &root_user)
		ref_get(&u->refs);
	return u;
}

int user_find(u32 uid, struct user_struct **out)
{
	struct user_struct *u, *fresh;

	irq_lock(&user_lock);
	*out = user_find_locked(uid);
	irq_unlock(&user_lock);
	if (*out)
		return 0;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	ref_init(&fresh->refs, 1);
	fresh->uid = uid;
	irq_lock(&user_lock);
	u = user_find_locked(uid);
	if (!u) {
		fresh->next = users[uid % USER_HASH];
		users[uid % USER_HASH] = fresh;
	}
	irq_unlock(&user_lock);
	*out = u ? u : fresh;
	if (u)
		kfree(fresh);
	return 0;
}

/* Only under the lock may the count reach 0: a finder never sees that. */
void user_put(struct user_struct *u)
{
	struct user_struct **link;
	int n = ref_count(&u->refs);

	if (u == &root_user)
		return;
	while (n > 1)
		if (__atomic_compare_exchange_n(&u->refs.n, &n, n - 1, true,
						__ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	irq_lock(&user_lock);
	if (!ref_put(&u->refs)) {
		irq_unlock(&user_lock);
		return;
	}
	link = &users[u->uid % USER_HASH];
	while (*link != u)
		link = &(*link)->next;
	*link = u->next;
	irq_unlock(&user_lock);
	kfree(u);
}

int group_list_create(u32 n, struct group_list **out)
{
	struct group_list *g;

	g = kvmalloc(sizeof(*g) + n * sizeof(g->gid[0]), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	ref_init(&g->refs, 1);
	g->n = n;
	*out = g;
	return 0;
}

void group_list_put(struct group_list *g)
{
	if (g && ref_put(&g->refs))
		kvfree(g);
}

static int gid_compare(const void *a, const void *b, void *ctx)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

void group_list_sort(struct group_list *g)
{
	sort(g->gid, g->n, sizeof(g->gid[0]), gid_compare, NULL);
}

bool in_group(const struct cred *c, u32 gid)
{
	const struct group_list *g = c->groups;
	u32 lo = 0, hi = g ? g->n : 0;

	if (c->egid == gid)
		return true;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (g->gid[mid] == gid)
			return true;
		if (g->gid[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static void cred_free_rcu(struct rcu_head *head)
{
	struct cred *c = container_of(head, struct cred, rcu);

	group_list_put(c->groups);
	user_ns_put(c->user_ns);
	user_put(c->user);
	slab_free(cred_cache, c);
}

void cred_put(const struct cred *cc)
{
	struct cred *c = (struct cred *)cc;

	if (c != &init_cred && ref_put(&c->refs))
		call_rcu(&c->rcu, cred_free_rcu);
}

int cred_prepare(struct cred **out)
{
	struct cred *c = slab_alloc(cred_cache, GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	*c = *current->cred;
	ref_init(&c->refs, 1);
	group_list_get(c->groups);
	user_ns_get(c->user_ns);
	user_get(c->user);
	*out = c;
	return 0;
}

int cred_set_user(struct cred *c)
{
	struct user_struct *u;
	int err = user_find(c->uid, &u);

	if (err)
		return err;
	user_put(c->user);
	c->user = u;
	return 0;
}

static bool ids_differ(const struct cred *a, const struct cred *b)
{
	return a->euid != b->euid || a->egid != b->egid ||
	       a->fsuid != b->fsuid || a->fsgid != b->fsgid ||
	       !cred_caps_within(a, b);
}

int sysctl_suid_dumpable;

void cred_commit(struct cred *c)
{
	struct task *t = current;
	const struct cred *old = t->real_cred;

	if (t->mm && ids_differ(old, c)) {
		t->mm->dumpable = (u32)READ_ONCE(sysctl_suid_dumpable);
		t->pdeath_signal = 0;
	}
	if (old->user != c->user) {
		fetch_add_relaxed(&c->user->processes, 1);
		fetch_add_relaxed(&old->user->processes, -1);
	}
	cred_get(c);
	rcu_assign(t->real_cred, c);
	rcu_assign(t->cred, c);
	cred_put(old);
	cred_put(old);
}

const struct cred *cred_override(const struct cred *c)
{
	const struct cred *old = current->cred;

	cred_get(c);
	rcu_assign(current->cred, c);
	return old;
}

void cred_revert(const struct cred *old)
{
	const struct cred *c = current->cred;

	rcu_assign(current->cred, old);
	cred_put(c);
}

const struct cred *task_cred_get(struct task *t)
{
	struct cred *c;

	rcu_read_lock();
	do {
		c = (struct cred *)rcu_dereference(t->real_cred);
	} while (!ref_tryget(&c->refs));
	rcu_read_unlock();
	return c;
}

/* Linux's cap_emulate_setxuid and the fsuid rule beside it. */
void cred_fix_caps(struct cred *c, const struct cred *old)
{
	u32 root = cred_root(old);
	bool was_root = old->uid == root || old->euid == root ||
			old->suid == root;
	bool is_root = c->uid == root || c->euid == root || c->suid == root;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(c->securebits & SECBIT_KEEP_CAPS)) {
			c->permitted = 0;
			c->effective = 0;
		}
		c->ambient = 0;
	}
	if (old->euid == root && c->euid != root)
		c->effective = 0;
	if (old->euid != root && c->euid == root)
		c->effective = c->permitted;
}

void cred_init(void)
{
	cred_cache = slab_cache_create("cred", sizeof(struct cred), 0,
				       SLAB_PANIC, NULL);
	users[0] = &root_user;
}
