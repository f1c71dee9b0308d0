#pragma once
/*
 * struct pid - one number's identity: outlives its task for those who hold a
 * reference (pidfds, process groups, sessions).  Look-up by number takes no
 * lock (RCU hash).
 */
#include <kernel/ref.h>
#include <kernel/task.h>
#include <kernel/waitq.h>
#include <task/user_ns.h>

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPES };

struct pid_ns;
struct pid {
	struct ref refs;
	u32 level;		/* depth of its namespace */
	struct task *thread;	/* the task with this tid. tasklist, RCU */
	struct hlist_head tasks[PIDTYPES]; /* process.pid_links. tasklist;
					    * [PIDTYPE_PID] stays empty */
	struct waitq poll;	/* pidfds wait here */
	u64 ino;		/* of its pidfd */
	struct rcu_head rcu;
	struct {
		int nr;
		struct pid_ns *ns;
		struct hlist_node node;	/* hash */
	} numbers[];		/* level + 1 of them */
};

/* A tree of namespaces: numbers of a task exist in its own and all above. */
struct pid_ns {
	struct ref refs;
	u32 level;		/* 0: the first. const */
	struct pid_ns *parent;	/* owns a reference. const */
	struct task *reaper;	/* its init. tasklist_lock */
	u64 ino;		/* of its file in /proc. const */
	struct ns_owner owner;
	u32 reboot_signal;	/* why its init was killed. atomic */
	struct acct *acct;	/* acct_lock */
	struct waitq empty;	/* the reaper waits for nr_used == 1 */
	/* allocation. pid_lock */
	u32 nr_used;
	int last;
	bool is_closed;		/* its init died: no more tasks */
	unsigned long **map;	/* bitmap pages, made when needed */
};

extern struct pid_ns init_pid_ns;
extern struct pid init_struct_pid;	/* number 0: idle tasks */
int __must_check pid_ns_create(struct pid_ns *parent, struct user_ns *user,
			       struct pid_ns **out);
static inline struct pid_ns *pid_ns_get(struct pid_ns *ns)
{
	ref_get(&ns->refs);
	return ns;
}
void pid_ns_put(struct pid_ns *ns);
/* reboot(2) in ns: its init dies by `sig`, and current goes. */
void __noreturn pid_ns_end(struct pid_ns *ns, int sig);
static inline struct pid_ns *pid_own_ns(const struct pid *p)
{
	return p->numbers[p->level].ns;
}
static inline struct pid_ns *task_pid_ns(struct task *t)
{
	return pid_own_ns(t->thread_pid);
}
/* No task has the number any more: unhashes it, drops the table's reference.
 * tasklist_lock held for writing, or never published. */
void pid_unhash(struct pid *p);
/* New numbers in ns and its ancestors; set_tid: wanted numbers or NULL.
 * -EAGAIN, -EEXIST, -ENOMEM. */
int __must_check pid_alloc(struct pid_ns *ns, const int *set_tid, unsigned n,
			   struct pid **out);
static inline struct pid *pid_get(struct pid *p)
{
	ref_get(&p->refs);
	return p;
}
void pid_put(struct pid *p);
/* In the namespace of current; RCU or tasklist_lock held. */
struct pid *pid_find(int nr);
struct task *pid_task(struct pid *p, enum pid_type type);
/* Referenced, or NULL; p is held, by RCU or a reference, or NULL. */
struct task *pid_task_get(struct pid *p);
struct task *task_find_get(int nr);
struct pid *pid_find_get(int nr);
int pid_nr_ns(const struct pid *p, const struct pid_ns *ns);	/* 0: unseen */
/* As current sees it. */
int pid_vnr(const struct pid *p);
int task_vpid(struct task *t);		/* tid as current sees it */
int task_vtgid(struct task *t);
int task_vppid(struct task *t);
int task_vpgid(struct task *t);
int task_vsid(struct task *t);
struct pid *task_pgrp(struct task *t);	/* tasklist_lock or RCU */
struct pid *task_session(struct task *t);
/* All tasks for /proc: the first whose tgid (in current's ns) >= *nr,
 * referenced. */
struct task *task_next_tgid(int *nr);
extern int sysctl_pid_max;
