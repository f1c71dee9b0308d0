#pragma once
/*
 * Credentials: immutable once published, replaced as a whole (prepare,
 * change, commit).  Readers of other tasks use RCU.
 */
#include <kernel/rcu.h>
#include <kernel/ref.h>
#include <kernel/task.h>
#include <lib/types.h>
#include <task/user_ns.h>

struct inode;
struct user_struct;

struct group_list {
	struct ref refs;
	u32 n;
	u32 gid[];		/* sorted */
};

/* Counts per user id; found by uid, freed with the last credential. */
struct user_struct {
	struct ref refs;
	u32 uid;		/* const */
	int processes;		/* threads. atomic */
	int sigpending;		/* queued siginfo. atomic */
	s64 locked_pages;	/* atomic */
	s64 mq_bytes;		/* POSIX message queues. atomic */
	s64 pipe_pages;		/* what its pipes may fill. atomic */
	struct user_struct *next;	/* hash chain. user_lock */
};
extern struct user_struct root_user;
/* Referenced, made if need be. -ENOMEM. */
int __must_check user_find(u32 uid, struct user_struct **out);
static inline struct user_struct *user_get(struct user_struct *u)
{
	if (u != &root_user)
		ref_get(&u->refs);
	return u;
}
void user_put(struct user_struct *u);
int __must_check group_list_create(u32 n, struct group_list **out);
void group_list_sort(struct group_list *g);
static inline struct group_list *group_list_get(struct group_list *g)
{
	if (g)
		ref_get(&g->refs);
	return g;
}
void group_list_put(struct group_list *g);	/* NULL is fine */

typedef u64 capset_t;		/* bit n: capability n */

struct cred {
	struct ref refs;
	u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
	u32 securebits;
	capset_t inheritable, permitted, effective, bounding, ambient;
	struct group_list *groups;	/* owns a reference; NULL: none */
	struct user_ns *user_ns;	/* owns a reference */
	struct user_struct *user;	/* per-uid counts; owns a reference */
	struct rcu_head rcu;
};

#define CAP_CHOWN 0
#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER 3
#define CAP_FSETID 4
#define CAP_KILL 5
#define CAP_SETGID 6
#define CAP_SETUID 7
#define CAP_SETPCAP 8
#define CAP_LINUX_IMMUTABLE 9
#define CAP_NET_BIND_SERVICE 10
#define CAP_NET_BROADCAST 11
#define CAP_NET_ADMIN 12
#define CAP_NET_RAW 13
#define CAP_IPC_LOCK 14
#define CAP_IPC_OWNER 15
#define CAP_SYS_MODULE 16
#define CAP_SYS_RAWIO 17
#define CAP_SYS_CHROOT 18
#define CAP_SYS_PTRACE 19
#define CAP_SYS_PACCT 20
#define CAP_SYS_ADMIN 21
#define CAP_SYS_BOOT 22
#define CAP_SYS_NICE 23
#define CAP_SYS_RESOURCE 24
#define CAP_SYS_TIME 25
#define CAP_SYS_TTY_CONFIG 26
#define CAP_MKNOD 27
#define CAP_LEASE 28
#define CAP_AUDIT_WRITE 29
#define CAP_AUDIT_CONTROL 30
#define CAP_SETFCAP 31
#define CAP_SYSLOG 34
#define CAP_WAKE_ALARM 35
#define CAP_BLOCK_SUSPEND 36
#define CAP_CHECKPOINT_RESTORE 40
#define CAP_LAST 40
#define CAP_ALL ((1ull << (CAP_LAST + 1)) - 1)

extern struct cred init_cred;
static inline const struct cred *current_cred(void)
{
	return current->cred;
}
static inline struct user_ns *current_user_ns(void)
{
	return current->cred->user_ns;
}
static inline u32 current_fsuid(void) { return current->cred->fsuid; }
static inline u32 current_euid(void) { return current->cred->euid; }
static inline struct cred *cred_get(const struct cred *c)
{
	ref_get((struct ref *)&c->refs);
	return (struct cred *)c;
}
void cred_put(const struct cred *c);
/* A private copy of current's, to be changed and committed or put. */
int __must_check cred_prepare(struct cred **out);
/* mm.dumpable of who changed its ids or runs a secret program: 0, 1 (all as
 * usual), 2 (dumped for root). */
extern int sysctl_suid_dumpable;
/* The reference moves in.  Makes the task undumpable if ids change. */
void cred_commit(struct cred *c);
/* set*uid: gives the new real uid its user_struct. -EAGAIN, -ENOMEM. */
int __must_check cred_set_user(struct cred *c);
/* The rules of capabilities(7) after a change of uids. */
void cred_fix_caps(struct cred *c, const struct cred *old);
#define SECBIT_NOROOT			(1u << 0)
#define SECBIT_NO_SETUID_FIXUP		(1u << 2)
#define SECBIT_KEEP_CAPS		(1u << 4)
#define SECBIT_NO_CAP_AMBIENT_RAISE	(1u << 6)
#define SECBIT_ALL			0xffu
#define SECBIT_LOCKS			0xaau
/* Swaps the subjective credentials (access(2), kernel acting as root). */
const struct cred *cred_override(const struct cred *c);
void cred_revert(const struct cred *old);
/* Another task's real credentials, referenced. */
const struct cred *task_cred_get(struct task *t);
/* Has current the capability in ns (capable: in the initial namespace; in that
 * of a task)?  Sets TF_SUPERPRIV. */
bool capable(int cap);
bool ns_capable(const struct user_ns *ns, int cap);
bool task_capable(struct task *t, int cap);
/* In its own namespace, which has names for the inode's owners. */
bool inode_capable(const struct inode *i, int cap);
bool cred_has_cap_in(const struct cred *c, const struct user_ns *ns, int cap);
/* Is it 0 in current's namespace or in one above? */
bool kuid_is_root_here(u32 kuid);
/* c, which follows old, has no capability that old had not. */
bool cred_caps_within(const struct cred *old, const struct cred *c);
/* The kernel id of 0 in c's namespace; INVALID_ID: it has none. */
static inline u32 cred_root(const struct cred *c)
{
	return make_kuid(c->user_ns, 0);
}
static inline bool cred_has_cap(const struct cred *c, int cap)
{
	return c->effective >> cap & 1;
}
bool in_group(const struct cred *c, u32 gid);
static inline bool in_group_fs(u32 gid)
{
	return current->cred->fsgid == gid || in_group(current->cred, gid);
}
