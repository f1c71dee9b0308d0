#pragma once
/*
 * The run queues, private to sched/.  docs/sched.md.
 *
 * Locks: runq.lock (RANK_RUNQ) guards a run queue and the scheduling fields
 * of the tasks on it; task.pi_lock, taken first, serialises wake-ups and
 * changes of policy, affinity and priority of one task.  Two run queues:
 * irq_lock_pair(), or a trylock of the second.
 */
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/spinlock.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <sched/sched.h>
#include <time/timer.h>

#define SLICE_NS (3 * NSEC_PER_MSEC)	/* fair: a request */
#define WAKE_MARGIN_NS (700 * NSEC_PER_USEC)
#define TICK_NS (4 * NSEC_PER_MSEC)	/* while a hart is busy */
#define NICE0_WEIGHT 1024u
#define IDLE_WEIGHT 3u
/* Hand-offs on one hart until two are tried: at first, at most. */
#define TRIAL_MIN 64u
#define TRIAL_MAX 16384u
#define POLL_MAX_NS (50 * NSEC_PER_USEC)
#define TIMER_NEAR_NS (60 * NSEC_PER_USEC) /* idle polls for such a timer */
#define HANDOFF_TRUST_NS (50 * NSEC_PER_USEC)

/* EEVDF.  The running entity is not in the tree. */
struct fair_rq {
	struct rb_root_cached tree;	/* by vdeadline */
	struct sched_entity *curr;	/* running, if it is fair */
	u64 base;			/* origin of the sums */
	s64 sum_wv;			/* of weight * (vruntime - base) */
	u64 sum_w;			/* of weights; both: tree only */
	u32 nr;				/* tree and curr */
};

/* The running task stays at the head of its list. */
struct rt_rq {
	u64 bitmap[2];
	struct list queue[MAX_RT_PRIO];
	u32 nr;
	bool is_throttled;
	u64 period_start, used_ns;
};

/* EDF.  The running task stays in the tree. */
struct dl_rq {
	struct rb_root_cached tree;	/* by dl_abs */
	struct list throttled;		/* on_rq, but not in the tree */
	struct timer timer;		/* next replenishment */
	u32 nr;				/* tree only */
};

struct runq {
	struct irqlock lock;
	bool is_overloaded;		/* its bit in overloaded_harts */
	bool is_rt_overloaded;
	bool slice_over;		/* curr had a whole slice */
	struct hart *hart;		/* const */
	u64 clock;			/* time of the last update */
	struct task *handoff;		/* next, when handoff_by blocks */
	struct task *handoff_by;
	u32 handoff_ticks;
	u32 nr_ticks;
	u64 switched_ns;		/* when curr came */
	struct task *evicted;		/* to leave for another hart */
	struct fair_rq fair;
	struct rt_rq rt;
	struct dl_rq dl;
	s64 nr_uninterruptible;		/* may be negative: sum over all */
	u32 nr_iowait;
	u64 tick_ns;			/* the tick asked for, 0: none */
	bool tick_changed;		/* not yet told to the hardware */
	u64 unsplit_ns;			/* busy time, not yet user or system */
	u64 next_balance;		/* this hart */
	/* this hart: idle */
	u64 poll_ns;			/* a trial on another hart sets it too */
	u32 nr_handoffs, trial_after;	/* this hart: see place.c */
	/* this hart: growth flushes */
	struct mm *growth_mm;
	u64 growth_flushes, growth_next;
	u32 growth_count;
} __aligned(64);

extern struct runq runqs;	/* per hart */
/* Harts where a fair task waits; where a second real-time task does; that
 * run their idle task.  atomic hints */
extern struct cpumask overloaded_harts, rt_overloaded_harts, idle_harts;

/* Runnable tasks, the running one included; racy from outside the lock. */
static inline u32 runq_nr(const struct runq *rq)
{
	return READ_ONCE(rq->fair.nr) + READ_ONCE(rq->rt.nr) +
	       READ_ONCE(rq->dl.nr);
}

static inline struct task *se_task(struct sched_entity *se)
{
	return container_of(se, struct task, se);
}

static inline bool is_idle_task(const struct task *t)
{
	return t->flags & TF_IDLE;
}

static inline bool is_dl_prio(int prio)
{
	return prio < 0;
}

static inline bool is_fair_prio(int prio)
{
	return prio >= MAX_RT_PRIO;
}

/* Deadline scheduling proper, as opposed to a priority lent by one. */
static inline bool is_dl_task(const struct task *t)
{
	return is_dl_prio(t->prio) && t->policy == SCHED_DEADLINE;
}

static inline bool is_fair_task(const struct task *t)
{
	return is_fair_prio(t->prio);
}

static inline bool is_on_hart(const struct runq *rq, const struct task *t)
{
	return rq->hart->curr == t;
}

static inline bool is_allowed(const struct task *t, const struct hart *h)
{
	return cpumask_test(&t->allowed, h->id);
}

/* Virtual time in which real time passes by for this weight. */
static inline u64 weighted(u64 ns, u32 weight)
{
	return likely(weight == NICE0_WEIGHT) ? ns : ns * NICE0_WEIGHT / weight;
}

/* fair.c, the rest is in fair_impl.h: rq->lock held */
void fair_insert_among(struct fair_rq *fr, struct sched_entity *se);
void fair_erase_among(struct fair_rq *fr, struct sched_entity *se);
struct sched_entity *fair_walk_down(const struct fair_rq *fr);
void fair_set_curr(struct runq *rq, struct task *t);
void fair_yield(struct runq *rq, struct task *t);
u64 fair_slice_left(const struct runq *rq, const struct task *t);
void fair_set_weight(struct task *t);
void fair_init(struct fair_rq *fr);

/* rt.c */
void rt_enqueue(struct runq *rq, struct task *t, bool at_head);
void rt_dequeue(struct runq *rq, struct task *t);
void rt_update(struct runq *rq, struct task *t, u64 delta);
struct task *rt_pick(struct runq *rq);
/* Something of this class may run now. */
bool rt_can_run(const struct runq *rq);
void rt_yield(struct runq *rq, struct task *t);
void rt_tick(struct runq *rq, struct task *t);
void rt_check_period(struct runq *rq);
u64 rt_slice_left(const struct runq *rq, const struct task *t);
void rt_init(struct rt_rq *rt);

/* dl.c */
void dl_enqueue(struct runq *rq, struct task *t);
void dl_dequeue(struct runq *rq, struct task *t);
void dl_update(struct runq *rq, struct task *t, u64 delta);
struct task *dl_pick(struct runq *rq);
void dl_yield(struct runq *rq, struct task *t);
bool dl_before(const struct task *a, const struct task *b);
void dl_init(struct runq *rq);
/* Reserves, changes or (NULL) gives back bandwidth; -EBUSY. */
int __must_check dl_admit(struct task *t, const struct sched_params *p);
int __must_check dl_check(const struct sched_params *p);

/* core.c */
void runq_init(struct runq *rq, struct hart *h);
/* Into and out of the queue of the task's class; se.on_rq is the caller's. */
void class_enqueue(struct runq *rq, struct task *t, bool at_head);
void class_dequeue(struct runq *rq, struct task *t);
void runq_activate(struct runq *rq, struct task *t, bool is_new);
/* Accounts the running task's time up to now. */
void runq_update(struct runq *rq, u64 now);
struct runq *task_runq_lock(struct task *t) __no_analysis;
/* Has the hart look for a better task soon. */
void runq_resched(struct runq *rq);
/* The same if t, just queued, is better than what runs. */
void runq_check_preempt(struct runq *rq, struct task *t, bool is_sync);
/* Switches to the best task.  preempt_count is 1. */
void schedule_once(bool is_preempt);

/* place.c */
struct hart *select_hart(struct task *t, struct hart *here, bool is_sync);
struct hart *select_hart_among(struct task *t, u64 allowed);
/* Takes a waiting task from another hart; true if one came. rq->lock held. */
bool runq_pull(struct runq *rq);
bool runq_pull_rt(struct runq *rq, int worse_than);
void runq_note_load_changed(struct runq *rq);

/* The hints follow the queue's length. */
static inline void runq_note_load(struct runq *rq)
{
	u32 rt = rq->rt.nr + rq->dl.nr;

	if (nr_harts == 1)
		return;
	if (unlikely(rq->is_overloaded != (rq->fair.nr && rq->fair.nr + rt > 1)
		     || rq->is_rt_overloaded != (rt > 1)))
		runq_note_load_changed(rq);
}

void rt_push_hint(struct runq *rq, struct task *t);
/* From the tick: evens queues out while tasks wait. No locks held. */
void balance_tick(struct runq *rq, u64 now);
void place_evicted(struct task *t);

/* account.c */
void account_idle_entry(struct runq *rq, struct task *prev);
/* How soon the tick must come while c runs. */
u64 sched_tick_in(const struct runq *rq, const struct task *c);

/* policy.c */
int normal_prio(const struct task *t);
