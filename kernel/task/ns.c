/*
 * ns - namespaces of a task: host names, mounts, numbers of children.
 *
 * Theory:  a struct nsproxy is shared by all tasks that were not asked to
 *          differ, and never changes once it is published.
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

#define NS_IMPLEMENTED (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID | \
			CLONE_NEWIPC)
#define NS_ALL (NS_IMPLEMENTED | CLONE_NEWNET | \
		CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWTIME)

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
};

struct nsproxy init_nsproxy = {
	.refs = REF_INIT(1),
	.uts = &init_uts_ns,
	.pid_for_children = &init_pid_ns,
	.ipc = &init_ipc_ns,
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

static void uts_put(struct uts_ns *u)
{
	if (u != &init_uts_ns && ref_put(&u->refs))
		kfree(u);
}

static int uts_copy(struct uts_ns *from, struct uts_ns **out)
{
	struct uts_ns *u = kmalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return -ENOMEM;
	spin_lock(&uts_lock);
	*u = *from;
	u->ino = ns_new_ino();
	spin_unlock(&uts_lock);
	ref_init(&u->refs, 1);
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
	if (n->uts != &init_uts_ns)
		ref_get(&n->uts->refs);
	if (n->mnt)
		ref_get(&n->mnt->refs);
	pid_ns_get(n->pid_for_children);
	ipc_ns_get(n->ipc);
	*out = n;
	return 0;
}

static int replace_parts(struct nsproxy *n, u64 flags, struct fs_struct *fs)
{
	struct mnt_namespace *mnt;
	struct ipc_ns *ipc;
	struct pid_ns *pid;
	struct uts_ns *uts;
	int err = 0;

	if (flags & CLONE_NEWUTS) {
		err = uts_copy(n->uts, &uts);
		if (err)
			return err;
		uts_put(n->uts);
		n->uts = uts;
	}
	if (flags & CLONE_NEWIPC) {
		err = ipc_ns_create(current_cred()->user_ns, &ipc);
		if (err)
			return err;
		ipc_ns_put(n->ipc);
		n->ipc = ipc;
	}
	if (flags & CLONE_NEWPID) {
		err = pid_ns_create(n->pid_for_children, &pid);
		if (err)
			return err;
		pid_ns_put(n->pid_for_children);
		n->pid_for_children = pid;
	}
	if (flags & CLONE_NEWNS) {
		err = mnt_ns_copy(n->mnt, fs, &mnt);
		if (err)
			return err;
		mnt_ns_put(n->mnt);
		n->mnt = mnt;
	}
	return err;
}

int nsproxy_copy(u64 flags, struct nsproxy *from, struct fs_struct *fs,
		 struct nsproxy **out)
{
	int err;

	if (likely(!(flags & NS_ALL))) {
		*out = nsproxy_get(from);
		return 0;
	}
	if (flags & NS_ALL & ~NS_IMPLEMENTED)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = nsproxy_share(from, out);
	if (err)
		return err;
	err = replace_parts(*out, flags, fs);
	if (err)
		nsproxy_put(*out);
	return err;
}

/* --- one namespace of any kind --------------------------------------------*/
const struct ns_ref *(*ns_of_file_hook)(struct file *f);

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
	default:
		return ((struct user_ns *)r->ns)->ino;
	}
}

/* One of a set, referenced. */
static void *take_part(struct nsproxy *n, u64 type)
{
	if (type == CLONE_NEWUTS) {
		if (n->uts != &init_uts_ns)
			ref_get(&n->uts->refs);
		return n->uts;
	}
	if (type == CLONE_NEWIPC)
		return ipc_ns_get(n->ipc);
	if (type == CLONE_NEWPID)
		return pid_ns_get(n->pid_for_children);
	if (n->mnt)
		ref_get(&n->mnt->refs);
	return n->mnt;
}

int ns_ref_of_task(struct task *t, u64 type, bool for_children,
		   struct ns_ref *out)
{
	struct nsproxy *n;

	out->type = type;
	out->ns = &init_user_ns;
	if (type == CLONE_NEWUSER)
		return 0;
	if (type == CLONE_NEWPID && !for_children) {
		out->ns = pid_ns_get(task_pid_ns(t));
		return 0;
	}
	irq_lock(&t->alloc_lock);
	n = t->nsproxy;
	out->ns = n ? take_part(n, type) : NULL;
	irq_unlock(&t->alloc_lock);
	return out->ns ? 0 : -ENOENT;
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
		return -EPERM;	/* the first has none */
	if (r->type != CLONE_NEWPID)
		return -EINVAL;
	if (!ns->parent || !pid_ns_is_below(ns->parent, task_pid_ns(current)))
		return -EPERM;
	*out = (struct ns_ref){ CLONE_NEWPID, pid_ns_get(ns->parent) };
	return 0;
}

/* --- setns ----------------------------------------------------------------*/
static int may_join(const struct ns_ref *r)
{
	if (r->type == CLONE_NEWUSER)
		return -EINVAL;		/* it is the one we are in */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (r->type == CLONE_NEWPID &&
	    !pid_ns_is_below(r->ns, task_pid_ns(current)))
		return -EINVAL;
	if (r->type != CLONE_NEWNS)
		return 0;
	if (!capable(CAP_SYS_CHROOT))
		return -EPERM;
	return ref_count(&current->fs->refs) == 1 ? 0 : -EINVAL;
}

/* In place of what n has; n is not published yet. */
static void join_one(struct nsproxy *n, const struct ns_ref *r)
{
	struct ns_ref old = { .type = r->type };

	if (r->type == CLONE_NEWUTS) {
		old.ns = n->uts;
		n->uts = r->ns;
		if (n->uts != &init_uts_ns)
			ref_get(&n->uts->refs);
	} else if (r->type == CLONE_NEWIPC) {
		old.ns = n->ipc;
		n->ipc = ipc_ns_get(r->ns);
	} else if (r->type == CLONE_NEWPID) {
		old.ns = n->pid_for_children;
		n->pid_for_children = pid_ns_get(r->ns);
	} else {
		old.ns = n->mnt;
		n->mnt = r->ns;
		ref_get(&n->mnt->refs);
	}
	ns_ref_put(&old);
}

int ns_join(const struct ns_ref *refs, unsigned count)
{
	struct task *t = current;
	struct nsproxy *old = t->nsproxy, *n;
	int err;

	for (unsigned i = 0; i < count; i++) {
		err = may_join(&refs[i]);
		if (err)
			return err;
	}
	err = nsproxy_share(old, &n);
	if (err)
		return err;
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
