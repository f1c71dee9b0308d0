/*
 * rt - the class of SCHED_FIFO and SCHED_RR.
 *
 * Theory:  a list for each priority and a bitmap of the lists in use.  The
 *          running task stays at the head of its list, so being preempted
 *          moves nothing, and what FIFO promises holds by itself.  RR moves
 *          its task to the tail when its slice is over.  List 0 is the best;
 *          it also serves whom a deadline task lends its priority.
 *
 *          Throttling: the class may use runtime out of each period on each
 *          hart.  Past that it waits for the next period as long as a fair
 *          task wants the hart; an otherwise idle hart goes on.
 * Locks:   rq->lock.
 */
#include "sched_impl.h"

#include <lib/bitmap.h>

int sysctl_sched_rt_period_us = 1000000;
int sysctl_sched_rt_runtime_us = 950000;
int sysctl_sched_rr_timeslice_ms = 100;

static int list_of(const struct task *t)
{
	return max(t->prio, 0);
}

static u64 rr_slice_ns(void)
{
	return (u64)READ_ONCE(sysctl_sched_rr_timeslice_ms) * NSEC_PER_MSEC;
}

void rt_enqueue(struct runq *rq, struct task *t, bool at_head)
{
	int i = list_of(t);

	if (at_head)
		list_add(&t->se.rt_node, &rq->rt.queue[i]);
	else
		list_add_tail(&t->se.rt_node, &rq->rt.queue[i]);
	rq->rt.bitmap[i / 64] |= 1ull << (i % 64);
	rq->rt.nr++;
}

void rt_dequeue(struct runq *rq, struct task *t)
{
	int i = list_of(t);

	list_del_init(&t->se.rt_node);
	if (list_empty(&rq->rt.queue[i]))
		rq->rt.bitmap[i / 64] &= ~(1ull << (i % 64));
	rq->rt.nr--;
}

/* A new period gives the time back. */
void rt_check_period(struct runq *rq)
{
	u64 period = (u64)READ_ONCE(sysctl_sched_rt_period_us) * NSEC_PER_USEC;

	if (rq->clock - rq->rt.period_start < period)
		return;
	rq->rt.period_start = rq->clock;
	rq->rt.used_ns = 0;
	if (!rq->rt.is_throttled)
		return;
	rq->rt.is_throttled = false;
	if (rq->rt.nr)
		runq_resched(rq);
}

void rt_update(struct runq *rq, struct task *t, u64 delta)
{
	int runtime = READ_ONCE(sysctl_sched_rt_runtime_us);

	rt_check_period(rq);
	rq->rt.used_ns += delta;
	if (runtime < 0 || rq->rt.is_throttled ||
	    rq->rt.used_ns <= (u64)runtime * NSEC_PER_USEC)
		return;
	rq->rt.is_throttled = true;
	if (rq->fair.nr)
		runq_resched(rq);
}

bool rt_can_run(const struct runq *rq)
{
	return rq->rt.nr && (!rq->rt.is_throttled || !rq->fair.nr);
}

struct task *rt_pick(struct runq *rq)
{
	struct rt_rq *rt = &rq->rt;
	u32 i = rt->bitmap[0] ? __ffs64(rt->bitmap[0]) :
				64 + __ffs64(rt->bitmap[1]);

	return list_first_entry(&rt->queue[i], struct task, se.rt_node);
}

void rt_yield(struct runq *rq, struct task *t)
{
	list_move_tail(&t->se.rt_node, &rq->rt.queue[list_of(t)]);
}

static bool has_peers(const struct runq *rq, const struct task *t)
{
	return !list_is_singular(&rq->rt.queue[list_of(t)]);
}

u64 rt_slice_left(const struct runq *rq, const struct task *t)
{
	u64 used = t->se.sum_exec - t->se.slice_start;

	if (t->policy != SCHED_RR || !has_peers(rq, t))
		return TICK_NS;
	return used >= rr_slice_ns() ? 0 : rr_slice_ns() - used;
}

void rt_tick(struct runq *rq, struct task *t)
{
	if (t->policy != SCHED_RR ||
	    t->se.sum_exec - t->se.slice_start < rr_slice_ns())
		return;
	t->se.slice_start = t->se.sum_exec;
	if (!has_peers(rq, t))
		return;
	rt_yield(rq, t);
	runq_resched(rq);
}

void rt_init(struct rt_rq *rt)
{
	for (int i = 0; i < MAX_RT_PRIO; i++)
		list_init(&rt->queue[i]);
}
