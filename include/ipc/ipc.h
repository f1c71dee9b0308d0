#pragma once
/*
 * IPC namespaces, and what tasks and system calls need of System V IPC.
 * docs/ipc.md.
 */
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/ref.h>
#include <task/user_ns.h>

struct ipc_obj;
struct ipc_table;
struct mqueue_ns;

#define IPC_PRIVATE	0
#define IPC_CREAT	01000
#define IPC_EXCL	02000
#define IPC_NOWAIT	04000
#define IPC_RMID	0
#define IPC_SET		1
#define IPC_STAT	2
#define IPC_INFO	3

enum ipc_kind { IPC_SEM, IPC_SHM, IPC_MSG, IPC_KINDS };

/* The objects of one kind.  Look-up by id runs under RCU. */
struct ipc_ids {
	struct mutex lock;
	struct ipc_table *table __guarded_by(&lock);	/* RCU for readers */
	int in_use __guarded_by(&lock);
	int max_index __guarded_by(&lock);	/* -1: none */
	int last_index __guarded_by(&lock);
	int seq __guarded_by(&lock);
	int next_id;	/* what the next one shall be; -1: any. lock */
};

struct ipc_ns {
	struct ref refs;
	u64 ino;		/* of its file in /proc. const */
	struct ns_owner owner;
	struct ipc_ids ids[IPC_KINDS];
	/* Tunables: plain words, changed by /proc/sys/kernel. */
	int sem_ctls[4];	/* SEMMSL, SEMMNS, SEMOPM, SEMMNI */
	unsigned long shm_ctlmax, shm_ctlall;
	int shm_ctlmni, shm_rmid_forced;
	int msg_ctlmax, msg_ctlmnb, msg_ctlmni;
	/* Sums. atomic */
	int used_sems;
	unsigned long shm_tot;	/* pages */
	s64 msg_bytes, msg_hdrs;
	struct mqueue_ns *mq;	/* POSIX queues; owns it. atomic */
};

extern struct ipc_ns init_ipc_ns;
int __must_check ipc_ns_create(struct user_ns *user, struct ipc_ns **out);
static inline struct ipc_ns *ipc_ns_get(struct ipc_ns *ns)
{
	ref_get(&ns->refs);
	return ns;
}
void ipc_ns_put(struct ipc_ns *ns);

/* What clone, unshare and exit tell: the undo lists of semaphores. */
struct sem_undo_list;
struct task;
int __must_check sem_fork(u64 flags, struct task *child);
/* Applies what is to be undone, and leaves the list. */
void sem_exit(struct task *t);
/* The task leaves its namespace: segments it made may go with it. */
void shm_exit(struct task *t);

/* --- the calls; user memory was copied in, and is copied out, elsewhere ----*/
struct sembuf {
	u16 num;
	s16 op;
	s16 flg;
};
#define SEM_UNDO 0x1000
int sem_get(int key, int nsems, int flags);
/* deadline: absolute clock_ns(), 0: none. */
int sem_op(int id, struct sembuf __user *ops, unsigned n, u64 deadline);
int sem_ctl(int id, int num, int cmd, unsigned long arg);

#define SHM_RDONLY	010000
#define SHM_RND		020000
#define SHM_REMAP	040000
#define SHM_EXEC	0100000
int shm_get(int key, size_t size, int flags);
int shm_attach(int id, unsigned long addr, int flags, unsigned long *out);
int shm_detach(unsigned long addr);
int shm_ctl(int id, int cmd, void __user *buf);

#define MSG_NOERROR	010000
#define MSG_EXCEPT	020000
#define MSG_COPY	040000
int msg_get(int key, int flags);
int msg_ctl(int id, int cmd, void __user *buf);
int msg_send(int id, const void __user *buf, size_t size, int flags);
long msg_receive(int id, void __user *buf, size_t size, long type, int flags);
