#pragma once
/* What the files of kernel/task/ share among themselves. */
#include <kernel/task.h>
#include <mm/slab.h>
#include <sched/sched.h>
#include <task/cred.h>
#include <task/ns.h>
#include <task/pid.h>
#include <task/process.h>

/* Before the first fork: caches and tables. */
void pid_init(void);
void cred_init(void);
void user_ns_init(void);	/* after fork_init() */
void fork_init(void);
void futex_init(void);

/* Reaps t: out of all tables, usage to its process.  A leader that waited
 * for its last thread may follow.  No locks held. */
void task_release(struct task *t);
/* The largest resident set of p's last address space. */
void process_note_maxrss(struct process *p, struct mm *mm);
/* Leaves the address space; wakes a vfork parent, clears the child's tid. */
void task_leave_mm(struct task *t);
void task_mm_release(struct task *t, struct mm *mm);
/* Links a process into a group or session. tasklist_lock held for writing. */
void process_attach_pid(struct process *p, enum pid_type type,
			struct pid *pid);
void process_detach_pid(struct process *p, enum pid_type type);
void process_change_pid(struct process *p, enum pid_type type,
			struct pid *pid);
void process_put(struct process *p);
/* What a new p, made by current, knows of its parent.  tasklist_lock held for
 * writing: so it is all that a PR_SET_CHILD_SUBREAPER or an exec before now has
 * changed. */
void process_note_parent(struct process *p, const struct process *parent);
/* Wakes wait4() callers of the parent's group. */
void wake_parent(struct task *parent);
/* All POSIX timers and interval timers of current's process. */
void process_timers_exit(struct process *p);
void posix_timers_delete_all(struct process *p);
bool posix_timers_check_cpu(struct process *p);
/* The init of a namespace is gone: kills and reaps the rest. */
void pid_ns_zap(struct pid_ns *ns);
/* Yama's scope: may current attach to t; may one with the credentials `parent`
 * be made a tracer; PR_SET_PTRACER. */
int __must_check ptrace_scope_check(struct task *t);
int __must_check ptrace_scope_traceme(const struct cred *parent);
int __must_check ptrace_scope_set_tracer(unsigned long nr);
/* Under which kernel tasks hang: pid 2. NULL early. */
extern struct task *kthreadd_task;
/* process.flags and limits of a new group. */
int __must_check process_create(struct task *leader, struct process **out);
