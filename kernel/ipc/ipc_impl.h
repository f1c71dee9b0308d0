#pragma once
/* What the three kinds of System V IPC share. */
#include <arch/uaccess.h>
#include <ipc/ipc.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/cred.h>
#include <task/ns.h>
#include <task/pid.h>
#include <task/process.h>

struct seq;

/* Embedded in each semaphore set, segment and queue.  Life: the table owns
 * one reference; memory goes a grace period after the last. */
struct ipc_obj {
	struct ref refs;
	struct spinlock lock;
	int id;			/* const once published */
	int key;		/* lock, and ids.lock to change */
	u32 uid, gid, mode;	/* lock */
	u32 cuid, cgid;		/* const */
	bool is_deleted;	/* lock */
	struct ipc_ns *ns;	/* not counted: it deletes all of its own */
	void (*free)(struct ipc_obj *o);
	struct rcu_head rcu;
};

struct ipc_table {
	struct rcu_head rcu;
	int size;
	struct ipc_obj *slot[];
};

#define IPC_INDEX_BITS 15
#define IPC_MNI_MAX (1 << IPC_INDEX_BITS)

static inline struct ipc_ns *current_ipc(void)
{
	return current->nsproxy->ipc;
}

/* --- ids ------------------------------------------------------------------*/
/* What a get call wants, and how its kind makes one. */
struct ipc_want {
	int key, flags, limit;
	size_t size;
	/* An unpublished object with one reference, its head filled in. */
	int (*create)(struct ipc_ns *ns, const struct ipc_want *w,
		      struct ipc_obj **out);
	/* May an existing one be meant?  lock held.  NULL: yes. */
	int (*check)(struct ipc_obj *o, const struct ipc_want *w);
	/* Its number is known; not yet visible.  NULL: nothing to do. */
	void (*named)(struct ipc_obj *o);
};
/* The id, or -Exxx. */
int ipc_get(struct ipc_ns *ns, enum ipc_kind kind, const struct ipc_want *w);
void ipc_obj_init(struct ipc_obj *o, struct ipc_ns *ns,
		  const struct ipc_want *w, void (*free)(struct ipc_obj *));
void ipc_obj_put(struct ipc_obj *o);
/* By id with its lock held, -EINVAL: unknown. */
int __must_check ipc_lock_id(struct ipc_ns *ns, enum ipc_kind kind, int id,
			     struct ipc_obj **out);
/* By the index in it, whatever the sequence number (the *_STAT commands). */
int __must_check ipc_lock_index(struct ipc_ns *ns, enum ipc_kind kind,
				int index, struct ipc_obj **out);
/* For IPC_SET and IPC_RMID: locked, and ours to change. ids.lock held. */
int __must_check ipc_lock_owned(struct ipc_ns *ns, enum ipc_kind kind, int id,
				struct ipc_obj **out);
/* Out of the table; the table's reference is the caller's now. */
void ipc_remove_locked(struct ipc_obj *o, enum ipc_kind kind);
/* 0 or -EACCES; lock held. */
int __must_check ipc_permits(struct ipc_obj *o, int flags);
/* The objects, one after the other, each locked for fn.  ids.lock held. */
void ipc_for_each(struct ipc_ns *ns, enum ipc_kind kind,
		  void (*fn)(struct ipc_obj *o, void *arg), void *arg);
static inline s64 ipc_now(void)
{
	return (s64)(clock_realtime_ns() / NSEC_PER_SEC);
}
/* Who did it last: keeps the number after the process is gone. */
static inline void ipc_set_pid(struct pid **at, struct pid *pid)
{
	struct pid *old = *at;

	if (old == pid)
		return;
	*at = pid_get(pid);
	pid_put(old);
}
static inline struct pid *current_tgid(void)
{
	return current->process->leader_pid;
}
static inline int ipc_pid_nr(const struct pid *p)
{
	return p ? pid_vnr(p) : 0;
}
/* Columns that all of /proc/sysvipc begin and go on with. */
void ipc_show_name(struct seq *s, const struct ipc_obj *o);
void ipc_show_owner(struct seq *s, const struct ipc_obj *o);

/* --- as user programs see it ----------------------------------------------*/
struct ipc64_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, _pad;
	unsigned long _unused[2];
};
static_assert(sizeof(struct ipc64_perm) == 48, "ipc64_perm");
void ipc_fill_perm(struct ipc64_perm *p, const struct ipc_obj *o);
/* What IPC_STAT and its like need to know of one kind. */
struct ipc_stat {
	enum ipc_kind kind;
	int any;		/* the command that asks for no permission */
	void (*fill)(struct ipc_obj *o, void *to);	/* lock held */
};
/* Fills *to; 0, or the id where cmd takes an index. */
int ipc_stat(const struct ipc_stat *st, int id, int cmd, void *to);
/* IPC_SET: -EINVAL for ids that are none. lock held. */
int __must_check ipc_change_perm(struct ipc_obj *o,
				 const struct ipc64_perm *p);

/* --- sleeping ---------------------------------------------------------------
 * A sleeper stands on its queue with this; who takes it off says why. */
#define IPC_PENDING 1
struct ipc_sleeper {
	struct task *task;
	int result;		/* IPC_PENDING, then 0 or -Exxx. atomic */
};
static inline void ipc_sleeper_init(struct ipc_sleeper *s)
{
	s->task = current;
	s->result = IPC_PENDING;
}
/* The object's lock is held, which keeps the task's memory: it is freed only
 * after a grace period. */
void ipc_wake(struct ipc_sleeper *s, int result);
/* Sleeps without lock until it was woken, a signal or the deadline (0: none)
 * came.  True: woken. */
bool ipc_sleep(struct ipc_sleeper *s, u64 deadline);

/* --- one hook per kind ----------------------------------------------------*/
/* Deletes it; lock held, dropped; ids.lock held. */
void sem_delete_unlock(struct ipc_obj *o);
void shm_delete_unlock(struct ipc_obj *o);
void msg_delete_unlock(struct ipc_obj *o);
/* One line of /proc/sysvipc. */
void sem_show(struct ipc_obj *o, void *seq);
void shm_show(struct ipc_obj *o, void *seq);
void msg_show(struct ipc_obj *o, void *seq);
/* kernel.shm_rmid_forced was set: segments nobody has go. */
void shm_drop_orphans(struct ipc_ns *ns);
