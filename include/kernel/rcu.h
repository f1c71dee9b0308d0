#pragma once
/*
 * Read-copy-update.  A reader turns preemption off (rcu_read_lock), so a
 * grace period is over when every hart has switched, idled or returned to
 * user mode once since it began.  docs/rcu.md.
 */
#include <kernel/hart.h>
#include <kernel/preempt.h>

static inline void rcu_read_lock(void)
{
	preempt_disable();
}

static inline void rcu_read_unlock(void)
{
	preempt_enable();
}

#define rcu_dereference(p) __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign(p, v) store_release(&(p), (v))

/* Calls fn(head) after a grace period, from a kernel worker with preemption
 * on (it may free memory, must not sleep long).  Any context. */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/* Waits for a grace period. May sleep. */
void synchronize_rcu(void);
/* Waits until all call_rcu() callbacks queued so far have run. */
void rcu_barrier(void);

/* Each hart's part.  this hart with interrupts off, but for is_idle */
struct rcu_hart {
	u64 seen_gp;		/* the last grace period reported to */
	u32 is_idle;		/* an extended quiescent state. atomic */
	u32 nr_waiting;		/* in next and wait */
	struct rcu_head *next, **next_tail;	/* for a later grace period */
	struct rcu_head *wait, **wait_tail;	/* for wait_gp */
	u64 wait_gp;
};

/* The number of the newest grace period. atomic */
extern u64 rcu_gp;

/* Scheduler hook: this hart passed a quiescent state. Interrupts off, no run
 * queue lock held (it may wake tasks). */
void rcu_quiescent(void);

static inline void rcu_note_switch(struct hart *h)
{
	if (unlikely(READ_ONCE(rcu_gp) != h->rcu->seen_gp))
		rcu_quiescent();
}

/* Around the idle loop's waiting, interrupts off: readers may not run. */
void rcu_idle_enter(struct hart *h);
void rcu_idle_exit(struct hart *h);
/* Before a hart idles for long: starts a grace period if callbacks wait. */
void rcu_idle_prepare(struct hart *h);
/* From the tick: is_quiet says that no reader was interrupted. */
void rcu_tick(struct hart *h, bool is_quiet);
void rcu_init_hart(struct hart *h);
