/*
 * ns - namespaces of a task: host names, mounts, numbers of children, clocks.
 *
 * Theory:  a struct nsproxy is shared by all tasks that were not asked to
 *          differ, and never changes once it is published.  User namespaces
 *          are not in it, but in credentials: user_ns.c.
 * Locks:   uts_lock guards the names of every uts_ns.
 * Life:    counted; the last put lets each namespace go.
 */
#include <task/ns.h>

#include <fs/vfs.h>
#include <ipc/ipc.h>
#include <kernel/init.h>
#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>
#include <task/pid.h>
#include <task/process.h>
#include <task/time_ns.h>

#define NS_IMPLEMENTED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID | \
			CLONE_NEWIPC | CLONE_NEWTIME)
#define NS_ALL (NS_IMPLEMENTED | CLONE_NEWNET | CLONE_NEWCGROUP)

static struct spinlock uts_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "uts_lock");
static u64 next_ino = 0xf1000000u;	/* atomic */

u64 ns_new_ino(void)
{
	return __atomic_fetch_add(&next_ino, 1, __ATOMIC_RELAXED);
}

struct uts_ns init_uts_ns = {
	.refs = REF_INIT(1),
	.nodename = "(none)",
	.domainname = "(none)",
	.ino = 0xeffffffeu,
	.owner = NS_OWNER_INIT,
};

struct nsproxy init_nsproxy = {
	.refs = REF_INIT(1),
	.uts = &init_uts_ns,
	.pid_for_children = &init_pid_ns,
	.ipc = &init_ipc_ns,
	.time = &init_time_ns,
	.time_for_children = &init_time_ns,
};

void uts_get_names(char *node, char *domain)
{
	struct uts_ns *u = current_uts();

	spin_lock(&uts_lock);
	memcpy(node, u->nodename, UTS_FIELD);
	memcpy(domain, u->domainname, UTS_FIELD);
	spin_unlock(&uts_lock);
}

int uts_set_name(const char *name, size_t len, bool is_domain)
{
	struct uts_ns *u = current_uts();
	char *to = is_domain ? u->domainname : u->nodename;

	if (len > UTS_FIELD - 1)
		return -EINVAL;
	spin_lock(&uts_lock);
	memset(to, 0, UTS_FIELD);
	memcpy(to, name, len);
	spin_unlock(&uts_lock);
	return 0;
}

static struct uts_ns *uts_get(struct uts_ns *u)
{
	if (u != &init_uts_ns)
		ref_get(&u->refs);
	return u;
}

static void uts_put(struct uts_ns *u)
{
	if (u == &init_uts_ns || !ref_put(&u->refs))
		return;
	ns_owner_release(&u->owner, NS_COUNT_UTS);
	kfree(u);
}

static int uts_copy(struct uts_ns *from, struct user_ns *user,
		    struct uts_ns **out)
{
	struct uts_ns *u = kzalloc(sizeof(*u), GFP_KERNEL);
	int err;

	if (!u)
		return -ENOMEM;
	err = ns_owner_init(&u->owner, user, NS_COUNT_UTS);
	if (err) {
		kfree(u);
		return err;
	}
	ref_init(&u->refs, 1);
	u->ino = ns_new_ino();
	spin_lock(&uts_lock);
	memcpy(u->nodename, from->nodename, UTS_FIELD);
	memcpy(u->domainname, from->domainname, UTS_FIELD);
	spin_unlock(&uts_lock);
	*out = u;
	return 0;
}

void nsproxy_put(struct nsproxy *n)
{
	if (n == &init_nsproxy || !ref_put(&n->refs))
		return;
	uts_put(n->uts);
	if (n->mnt)
		mnt_ns_put(n->mnt);
	pid_ns_put(n->pid_for_children);
	ipc_ns_put(n->ipc);
	time_ns_put(n->time);
	time_ns_put(n->time_for_children);
	kfree(n);
}

/* Starts as a second holder of all that `from` has. */
static int nsproxy_share(struct nsproxy *from, struct nsproxy **out)
{
	struct nsproxy *n = kmalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	*n = *from;
	ref_init(&n->refs, 1);
	uts_get(n->uts);
	if (n->mnt)
		ref_get(&n->mnt->refs);
	pid_ns_get(n->pid_for_children);
	ipc_ns_get(n->ipc);
	time_ns_get(n->time);
	time_ns_get(n->time_for_children);
	*out = n;
	return 0;
}

static int replace_uts(struct nsproxy *n, struct user_ns *user)
{
	struct uts_ns *uts;
	int err = uts_copy(n->uts, user, &uts);

	if (err)
		return err;
	uts_put(n->uts);
	n->uts = uts;
	return 0;
}

static int replace_ipc(struct nsproxy *n, struct user_ns *user)
{
	struct ipc_ns *ipc;
	int err = ipc_ns_create(user, &ipc);

	if (err)
		return err;
	ipc_ns_put(n->ipc);
	n->ipc = ipc;
	return 0;
}

static int replace_pid(struct nsproxy *n, struct user_ns *user)
{
	struct pid_ns *pid;
	int err;

	/* The parent of the new one must be the one that we live in. */
	if (n->pid_for_children != task_pid_ns(current))
		return -EINVAL;
	err = pid_ns_create(n->pid_for_children, user, &pid);
	if (err)
		return err;
	pid_ns_put(n->pid_for_children);
	n->pid_for_children = pid;
	return 0;
}

static int replace_time(struct nsproxy *n, struct user_ns *user)
{
	struct time_ns *time;
	int err = time_ns_create(n->time_for_children, user, &time);

	if (err)
		return err;
	time_ns_put(n->time_for_children);
	n->time_for_children = time;
	return 0;
}

static int replace_mnt(struct nsproxy *n, struct user_ns *user,
		       struct fs_struct *fs)
{
	struct mnt_namespace *mnt;
	int err = mnt_ns_copy(n->mnt, user, fs, &mnt);

	if (err)
		return err;
	mnt_ns_put(n->mnt);
	n->mnt = mnt;
	return 0;
}

/* Mounts come last: with them fs changes. */
static int replace_parts(struct nsproxy *n, u64 flags, struct user_ns *user,
			 struct fs_struct *fs)
{
	int err = 0;

	if (flags & CLONE_NEWUTS)
		err = replace_uts(n, user);
	if (!err && (flags & CLONE_NEWIPC))
		err = replace_ipc(n, user);
	if (!err && (flags & CLONE_NEWPID))
		err = replace_pid(n, user);
	if (!err && (flags & CLONE_NEWTIME))
		err = replace_time(n, user);
	if (!err && (flags & CLONE_NEWNS))
		err = replace_mnt(n, user, fs);
	return err;
}

int nsproxy_copy(u64 flags, struct nsproxy *from, struct user_ns *user,
		 struct fs_struct *fs, struct nsproxy **out)
{
	int err;

	if (likely(!(flags & NS_ALL))) {
		*out = nsproxy_get(from);
		return 0;
	}
	if (!ns_capable(user, CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & NS_ALL & ~NS_IMPLEMENTED)
		return -EINVAL;
	err = nsproxy_share(from, out);
	if (err)
		return err;
	err = replace_parts(*out, flags, user, fs);
	if (err)
		nsproxy_put(*out);
	return err;
}

int nsproxy_enter_time(struct nsproxy **np, struct mm *mm)
{
	struct nsproxy *old = *np, *n;
	int err;

	if (likely(old->time == old->time_for_children))
		return 0;
	err = nsproxy_share(old, &n);
	if (err)
		return err;
	err = time_ns_enter(n->time_for_children, mm);
	if (err) {
		nsproxy_put(n);
		return err;
	}
	time_ns_put(n->time);
	n->time = time_ns_get(n->time_for_children);
	irq_lock(&current->alloc_lock);
	*np = n;
	irq_unlock(&current->alloc_lock);
	nsproxy_put(old);
	return 0;
}

/* --- one namespace of any kind --------------------------------------------*/
const struct ns_ref *(*ns_of_inode_hook)(const struct inode *i);

void ns_ref_put(const struct ns_ref *r)
{
	switch (r->type) {
	case CLONE_NEWUTS:
		uts_put(r->ns);
		break;
	case CLONE_NEWIPC:
		ipc_ns_put(r->ns);
		break;
	case CLONE_NEWPID:
		pid_ns_put(r->ns);
		break;
	case CLONE_NEWNS:
		mnt_ns_put(r->ns);
		break;
	case CLONE_NEWTIME:
		time_ns_put(r->ns);
		break;
	default:
		user_ns_put(r->ns);
	}
}

u64 ns_ref_ino(const struct ns_ref *r)
{
	switch (r->type) {
	case CLONE_NEWUTS:
		return ((struct uts_ns *)r->ns)->ino;
	case CLONE_NEWIPC:
		return ((struct ipc_ns *)r->ns)->ino;
	case CLONE_NEWPID:
		return ((struct pid_ns *)r->ns)->ino;
	case CLONE_NEWNS:
		return ((struct mnt_namespace *)r->ns)->id;
	case CLONE_NEWTIME:
		return ((struct time_ns *)r->ns)->ino;
	default:
		return ((struct user_ns *)r->ns)->ino;
	}
}

/* Whose it is; a user namespace is its parent's.  NULL: nobody's. */
static struct user_ns *owner_of(const struct ns_ref *r)
{
	switch (r->type) {
	case CLONE_NEWUTS:
		return ((struct uts_ns *)r->ns)->owner.user_ns;
	case CLONE_NEWIPC:
		return ((struct ipc_ns *)r->ns)->owner.user_ns;
	case CLONE_NEWPID:
		return ((struct pid_ns *)r->ns)->owner.user_ns;
	case CLONE_NEWNS:
		return ((struct mnt_namespace *)r->ns)->owner.user_ns;
	case CLONE_NEWTIME:
		return ((struct time_ns *)r->ns)->owner.user_ns;
	default:
		return ((struct user_ns *)r->ns)->parent;
	}
}

/* One of a set, referenced.  Numbers for children cannot be had before the
 * first of these is there. */
static void *take_part(struct nsproxy *n, u64 type, bool for_children)
{
	if (type == CLONE_NEWUTS)
		return uts_get(n->uts);
	if (type == CLONE_NEWIPC)
		return ipc_ns_get(n->ipc);
	if (type == CLONE_NEWPID)
		return READ_ONCE(n->pid_for_children->reaper) ?
			       pid_ns_get(n->pid_for_children) : NULL;
	if (type == CLONE_NEWTIME)
		return time_ns_get(for_children ? n->time_for_children :
						  n->time);
	if (n->mnt)
		ref_get(&n->mnt->refs);
	return n->mnt;
}

static void *user_ns_of_task(struct task *t)
{
	const struct cred *c = task_cred_get(t);
	struct user_ns *ns = user_ns_get(c->user_ns);

	cred_put(c);
	return ns;
}

int ns_ref_of_task(struct task *t, u64 type, bool for_children,
		   struct ns_ref *out)
{
	struct nsproxy *n;

	out->type = type;
	if (type == CLONE_NEWUSER) {
		out->ns = user_ns_of_task(t);
		return 0;
	}
	if (type == CLONE_NEWPID && !for_children) {
		rcu_read_lock();
		out->ns = pid_ns_get(task_pid_ns(t));
		rcu_read_unlock();
		return 0;
	}
	irq_lock(&t->alloc_lock);
	n = t->nsproxy;
	out->ns = n ? take_part(n, type, for_children) : NULL;
	irq_unlock(&t->alloc_lock);
	return out->ns ? 0 : -ENOENT;
}

int ns_ref_owner(const struct ns_ref *r, struct ns_ref *out)
{
	struct user_ns *owner = owner_of(r);

	if (!owner || !user_ns_is_below(owner, current_user_ns()))
		return -EPERM;
	*out = (struct ns_ref){ CLONE_NEWUSER, user_ns_get(owner) };
	return 0;
}

static bool pid_ns_is_below(const struct pid_ns *ns, const struct pid_ns *top)
{
	while (ns->level > top->level)
		ns = ns->parent;
	return ns == top;
}

int ns_ref_parent(const struct ns_ref *r, struct ns_ref *out)
{
	struct pid_ns *ns = r->ns;

	if (r->type == CLONE_NEWUSER)
		return ns_ref_owner(r, out);
	if (r->type != CLONE_NEWPID)
		return -EINVAL;
	if (!ns->parent || !pid_ns_is_below(ns->parent, task_pid_ns(current)))
		return -EPERM;
	*out = (struct ns_ref){ CLONE_NEWPID, pid_ns_get(ns->parent) };
	return 0;
}

/* --- setns ----------------------------------------------------------------*/
/* The whole process, not a thread, and nobody else's root. */
static int may_join_user(struct user_ns *ns)
{
	if (ns == current_user_ns() ||
	    !thread_group_empty(current->process) ||
	    ref_count(&current->fs->refs) != 1)
		return -EINVAL;
	return ns_capable(ns, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* c: as what current will be, with the user namespace it joins first. */
static int may_join(const struct ns_ref *r, const struct cred *c)
{
	if (r->type == CLONE_NEWUSER)
		return may_join_user(r->ns);
	if (r->type == CLONE_NEWTIME && !thread_group_empty(current->process))
		return -EUSERS;
	if (!ns_capable(owner_of(r), CAP_SYS_ADMIN) ||
	    !cred_has_cap(c, CAP_SYS_ADMIN))
		return -EPERM;
	if (r->type == CLONE_NEWPID &&
	    !pid_ns_is_below(r->ns, task_pid_ns(current)))
		return -EINVAL;
	if (r->type != CLONE_NEWNS)
		return 0;
	if (!cred_has_cap(c, CAP_SYS_CHROOT))
		return -EPERM;
	return ref_count(&current->fs->refs) == 1 ? 0 : -EINVAL;
}

/* In place of what n has; n is not published yet. */
static void join_one(struct nsproxy *n, const struct ns_ref *r)
{
	struct ns_ref old = { .type = r->type };

	switch (r->type) {
	case CLONE_NEWUTS:
		old.ns = n->uts;
		n->uts = uts_get(r->ns);
		break;
	case CLONE_NEWIPC:
		old.ns = n->ipc;
		n->ipc = ipc_ns_get(r->ns);
		break;
	case CLONE_NEWPID:
		old.ns = n->pid_for_children;
		n->pid_for_children = pid_ns_get(r->ns);
		break;
	case CLONE_NEWTIME:
		time_ns_put(n->time);
		n->time = time_ns_get(r->ns);
		old.ns = n->time_for_children;
		n->time_for_children = time_ns_get(r->ns);
		break;
	case CLONE_NEWNS:
		old.ns = n->mnt;
		n->mnt = r->ns;
		ref_get(&n->mnt->refs);
		break;
	default:
		return;
	}
	ns_ref_put(&old);
}

/* Checks all, and says as what current will be: *c, to be committed or put. */
static int check_joins(const struct ns_ref *refs, unsigned count,
		       struct cred **c)
{
	int err = cred_prepare(c);

	if (err)
		return err;
	for (unsigned i = 0; !err && i < count; i++) {
		err = may_join(&refs[i], *c);
		if (!err && refs[i].type == CLONE_NEWUSER)
			cred_enter_user_ns(*c, refs[i].ns);
	}
	if (err)
		cred_put(*c);
	return err;
}

static void commit_joins(const struct ns_ref *refs, unsigned count,
			 struct nsproxy *n)
{
	struct task *t = current;
	struct nsproxy *old = t->nsproxy;

	for (unsigned i = 0; i < count; i++) {
		join_one(n, &refs[i]);
		if (refs[i].type == CLONE_NEWIPC)
			shm_exit(t);
		if (refs[i].type == CLONE_NEWNS)
			mnt_ns_enter(refs[i].ns, t->fs);
	}
	irq_lock(&t->alloc_lock);
	t->nsproxy = n;
	irq_unlock(&t->alloc_lock);
	if (n->ipc != old->ipc)
		sem_exit(t);
	nsproxy_put(old);
}

int ns_join(const struct ns_ref *refs, unsigned count)
{
	struct nsproxy *n;
	struct cred *c;
	int err = check_joins(refs, count, &c);

	if (err)
		return err;
	err = nsproxy_share(current->nsproxy, &n);
	for (unsigned i = 0; !err && i < count; i++)
		if (refs[i].type == CLONE_NEWTIME) {
			err = time_ns_enter(refs[i].ns, current->mm);
			if (err)
				nsproxy_put(n);
		}
	if (err) {
		cred_put(c);
		return err;
	}
	if (c->user_ns != current_user_ns())
		cred_commit(c);
	else
		cred_put(c);
	commit_joins(refs, count, n);
	return 0;
}

/* The root is mounted: from now on tasks may be given mounts of their own. */
static void ns_late(void)
{
	if (init_mnt_ns) {
		ref_get(&init_mnt_ns->refs);
		init_nsproxy.mnt = init_mnt_ns;
	}
}
INIT(INIT_LATE, ns_late);
