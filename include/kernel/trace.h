#pragma once
/*
 * Trace points: what may be written into the hart's trace ring.
 *
 *	trace_sched_switch(prev, next, state);
 *
 * Off, a trace point is one no-op in the straight path, which enabling the
 * event turns into a jump (docs/trace.md).  Any context after start-up.
 */
#include <arch/patch.h>
#include <kernel/task.h>
#include <lib/compiler.h>
#include <lib/types.h>

enum trace_event {
	TE_PRINT,		/* trace_marker */
	TE_SCHED_SWITCH,
	TE_SCHED_WAKEUP,
	TE_SCHED_WAKEUP_NEW,
	TE_SCHED_FORK,
	TE_SCHED_EXIT,
	TE_TASK_RENAME,
	TE_SYS_ENTER,		/* no trace point: WORK_SYSTRACE */
	TE_SYS_EXIT,
	TE_FAULT_USER,
	TE_FAULT_KERNEL,
	TE_SIGNAL_GENERATE,
	TE_SIGNAL_DELIVER,
	TE_IRQ_ENTRY,
	TE_IRQ_EXIT,
	TE_TIMER_START,
	TE_TIMER_CANCEL,
	TE_TIMER_EXPIRE,
	TE_TIMER_DONE,
	TE_TLB_FLUSH,
	TE_TLB_SHOOTDOWN,
	TE_BLOCK_ISSUE,
	TE_BLOCK_COMPLETE,
	TE_PAGE_ALLOC,
	TE_PAGE_FREE,
	NR_TRACE_EVENTS,
};

#if CONFIG_TRACE && defined(__riscv)	/* host tests trace nothing */
#define trace_is_on(ev) arch_branch(ev)
#else
#define trace_is_on(ev) ((void)(ev), false)
#endif

#define TRACE_POINT(name, ev, params, args)                                    \
	void trace_##name##_write params;                                      \
	static __always_inline void trace_##name params                        \
	{                                                                      \
		if (unlikely(trace_is_on(ev)))                                 \
			trace_##name##_write args;                             \
	}

TRACE_POINT(sched_switch, TE_SCHED_SWITCH,
	    (const struct task *prev, const struct task *next,
	     bool was_preempted), (prev, next, was_preempted))
TRACE_POINT(sched_wakeup, TE_SCHED_WAKEUP, (const struct task *t), (t))
TRACE_POINT(sched_wakeup_new, TE_SCHED_WAKEUP_NEW, (const struct task *t), (t))
TRACE_POINT(sched_fork, TE_SCHED_FORK,
	    (const struct task *parent, const struct task *child),
	    (parent, child))
TRACE_POINT(sched_exit, TE_SCHED_EXIT, (const struct task *t), (t))
TRACE_POINT(task_rename, TE_TASK_RENAME,
	    (const struct task *t, const char *to), (t, to))
TRACE_POINT(fault_user, TE_FAULT_USER,
	    (unsigned long addr, unsigned long pc, unsigned cause),
	    (addr, pc, cause))
TRACE_POINT(fault_kernel, TE_FAULT_KERNEL,
	    (unsigned long addr, unsigned long pc, unsigned cause),
	    (addr, pc, cause))
TRACE_POINT(signal_generate, TE_SIGNAL_GENERATE,
	    (int sig, int code, const struct task *to, bool is_group,
	     bool was_ignored), (sig, code, to, is_group, was_ignored))
TRACE_POINT(signal_deliver, TE_SIGNAL_DELIVER,
	    (int sig, int code, unsigned long handler, unsigned long flags),
	    (sig, code, handler, flags))
TRACE_POINT(irq_entry, TE_IRQ_ENTRY, (u32 irq, const char *name), (irq, name))
TRACE_POINT(irq_exit, TE_IRQ_EXIT, (u32 irq, bool handled), (irq, handled))
TRACE_POINT(timer_start, TE_TIMER_START,
	    (const void *timer, const void *fn, u64 when), (timer, fn, when))
TRACE_POINT(timer_cancel, TE_TIMER_CANCEL, (const void *timer), (timer))
TRACE_POINT(timer_expire, TE_TIMER_EXPIRE,
	    (const void *timer, const void *fn, u64 now), (timer, fn, now))
TRACE_POINT(timer_done, TE_TIMER_DONE, (const void *timer), (timer))
TRACE_POINT(tlb_flush, TE_TLB_FLUSH, (int reason), (reason))
TRACE_POINT(tlb_shootdown, TE_TLB_SHOOTDOWN, (u64 asked), (asked))
/* op: 0 read, 1 write, 2 discard, 3 flush */
TRACE_POINT(block_issue, TE_BLOCK_ISSUE,
	    (u32 dev, u64 sector, u32 bytes, unsigned op),
	    (dev, sector, bytes, op))
TRACE_POINT(block_complete, TE_BLOCK_COMPLETE,
	    (u32 dev, u64 sector, u32 bytes, unsigned op, int error),
	    (dev, sector, bytes, op, error))
TRACE_POINT(page_alloc, TE_PAGE_ALLOC, (u64 pfn, unsigned order, u32 gfp),
	    (pfn, order, gfp))
TRACE_POINT(page_free, TE_PAGE_FREE, (u64 pfn, unsigned order), (pfn, order))

/* Reasons of tlb_flush: Linux's. */
#define TLB_TASK_SWITCH 0
#define TLB_REMOTE 1
#define TLB_LOCAL 2
#define TLB_LOCAL_MM 3

/* A system call of a task with WORK_SYSTRACE: from arch. */
struct regs;
void trace_sys_enter(struct regs *r);
void trace_sys_exit(struct regs *r);
/* A new task: does it get WORK_SYSTRACE?  tasklist_lock held. */
void trace_task_init(struct task *t);
/* After exec: is it the program of strace=? */
void trace_task_exec(struct task *t);
