#pragma once
/* Namespaces of a task besides credentials' user namespace. */
#include <kernel/ref.h>
#include <arch/cpu.h>
#include <kernel/task.h>
#include <task/user_ns.h>

struct mnt_namespace;
struct ipc_ns;
struct cred;
struct mm;
struct pid_ns;
struct time_ns;
struct uts_ns {
	struct ref refs;
	char nodename[65], domainname[65];
	u64 ino;
	struct ns_owner owner;
};
struct nsproxy {
	struct ref refs;
	struct uts_ns *uts;
	struct mnt_namespace *mnt;
	struct pid_ns *pid_for_children;
	struct ipc_ns *ipc;
	/* A task's own changes with its address space: at fork and exec. */
	struct time_ns *time, *time_for_children;
};
/* The number of a new namespace's file. */
u64 ns_new_ino(void);
extern struct nsproxy init_nsproxy;
extern struct uts_ns init_uts_ns;
static inline struct nsproxy *nsproxy_get(struct nsproxy *n)
{
	ref_get(&n->refs);
	return n;
}
void nsproxy_put(struct nsproxy *n);
struct fs_struct;
/* For clone and unshare: a new set where flags (CLONE_NEW*) ask for one, else
 * another reference; what is new belongs to `user`.  fs: the roots to be moved
 * into a new mount namespace.  -EPERM, -EINVAL for kinds there are not. */
int __must_check nsproxy_copy(u64 flags, struct nsproxy *from,
			      struct user_ns *user, struct fs_struct *fs,
			      struct nsproxy **out);
/* The task comes to live in the time namespace for children: its nsproxy *n,
 * not published yet or current's, is replaced if it differs. */
int __must_check nsproxy_enter_time(struct nsproxy **n, struct mm *mm);
/* One namespace of any kind, with a reference. */
struct ns_ref {
	u64 type;		/* CLONE_NEW* */
	void *ns;
};
/* Of a task: the kind its children get is for CLONE_NEWPID with for_children.
 * -ENOENT: it has none (any more). */
int __must_check ns_ref_of_task(struct task *t, u64 type, bool for_children,
				struct ns_ref *out);
void ns_ref_put(const struct ns_ref *r);
u64 ns_ref_ino(const struct ns_ref *r);
/* NS_GET_USERNS, and NS_GET_PARENT. -EINVAL: the kind has none, -EPERM: not
 * for us to see. */
int __must_check ns_ref_owner(const struct ns_ref *r, struct ns_ref *out);
int __must_check ns_ref_parent(const struct ns_ref *r, struct ns_ref *out);
/* setns(2): all of them, or none. */
int __must_check ns_join(const struct ns_ref *refs, unsigned n);
#define NS_JOIN_MAX 6
/* The namespace behind a file of /proc/PID/ns, not referenced; NULL: it is
 * none.  Set by who makes them. */
struct inode;
extern const struct ns_ref *(*ns_of_inode_hook)(const struct inode *i);
static inline const struct ns_ref *ns_of_inode(const struct inode *i)
{
	return ns_of_inode_hook ? ns_of_inode_hook(i) : NULL;
}
#define UTS_FIELD 65
static inline struct uts_ns *current_uts(void)
{
	return current->nsproxy->uts;
}
/* Copies consistent names out (each UTS_FIELD bytes). */
void uts_get_names(char *node, char *domain);
int __must_check uts_set_name(const char *name, size_t len, bool is_domain);
