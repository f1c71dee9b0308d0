/*
 * place - which hart a task runs on.
 *
 * Theory:  four occasions.  A wake-up chooses a hart: an idle one that polls
 *          answers within a fraction of a microsecond, so it comes first, the
 *          task's last hart before others; one that sleeps in wfi costs an
 *          inter-hart interrupt and is woken only if the waker goes on
 *          running; else the task stays with the shorter queue.  A hart that
 *          runs dry, or idles and sees the hint overloaded_harts, pulls a
 *          waiting task.  Once in a while the tick of a hart where tasks wait
 *          pushes one to a shorter queue, or wakes an idle hart to pull; with
 *          queues that differ by one it still moves a task now and then, so
 *          three busy tasks share two harts evenly.  A task whose affinity
 *          forbids its hart is evicted at its next switch.
 *
 *          Real-time tasks go at once to the hart that runs the least
 *          important task, and a hart that is about to run something less
 *          important than a real-time task waiting elsewhere pulls that.
 *
 *          Pulling holds the own queue's lock and only tries the other's, so
 *          it can neither deadlock nor wait; what it misses the idle loop
 *          tries again, and the tick of the hart where it waits pushes.
 * Locks:   see sched_impl.h; the masks are hints, changed atomically under
 *          the lock of the hart's queue.
 */
#include "sched_impl.h"

#include <lib/bitmap.h>

struct cpumask overloaded_harts, rt_overloaded_harts, idle_harts;

#define BALANCE_NS (20 * NSEC_PER_MSEC)
#define ROTATE_NS (100 * NSEC_PER_MSEC)
/* A sync waker that broke its promise so often is not believed. */
#define MAX_SYNC_MISSES 2

#define for_each_bit64(i, m, mask)                                             \
	for (u64 m = (mask); m && ((i) = __ffs64(m), 1); m &= m - 1)

/* --- choice at a wake-up ------------------------------------------------------ */

static bool is_free(const struct hart *h)
{
	return !runq_nr(h->rq);
}

static struct hart *idle_polling(u64 idle)
{
	u32 i;

	for_each_bit64(i, m, idle)
		if (READ_ONCE(harts[i].polling) && is_free(&harts[i]))
			return &harts[i];
	return NULL;
}

static struct hart *idle_any(u64 idle)
{
	u32 i;

	for_each_bit64(i, m, idle)
		if (is_free(&harts[i]))
			return &harts[i];
	return NULL;
}

/*
 * Two tasks that hand on to each other stay on one hart, since the other one
 * sleeps.  But if both polled, each could answer the other at once, without a
 * switch of address spaces.  So now and then the sleeper is woken for it: if
 * the two then find each other polling, they go on like that by themselves,
 * else they are back here, and the next trial is twice as far away.
 */
static struct hart *trial_hart(struct runq *here, u64 idle)
{
	struct hart *h;

	if (++here->nr_handoffs < here->trial_after)
		return NULL;
	h = idle_any(idle);
	if (!h)
		return NULL;
	here->nr_handoffs = 0;
	here->trial_after = min(here->trial_after * 2, TRIAL_MAX);
	here->poll_ns = POLL_MAX_NS;
	WRITE_ONCE(h->rq->poll_ns, POLL_MAX_NS);
	return h;
}

static struct hart *select_idle(struct task *t, struct hart *here, u64 idle,
				bool is_sync)
{
	struct hart *last = t->hart, *h;

	if (idle >> last->id & 1 && READ_ONCE(last->polling) && is_free(last))
		return last;
	if (idle >> here->id & 1 && is_free(here))
		return here;	/* an interrupt woke it: no IPI */
	h = idle_polling(idle);
	if (h)
		return h;
	if (is_sync && current->sync_misses < MAX_SYNC_MISSES)
		return in_irq() ? NULL : trial_hart(here->rq, idle);
	if (idle >> last->id & 1 && is_free(last))
		return last;
	return idle_any(idle);
}

static struct hart *shortest_queue(u64 allowed)
{
	struct hart *best = NULL;
	u32 i;

	for_each_bit64(i, m, allowed)
		if (!best || runq_nr(harts[i].rq) < runq_nr(best->rq))
			best = &harts[i];
	return best;
}

/* Less important means a greater number. */
static int running_prio(const struct hart *h)
{
	const struct task *c = READ_ONCE(h->curr);

	return is_idle_task(c) ? MAX_PRIO : READ_ONCE(c->prio);
}

static struct hart *select_rt(struct task *t, u64 allowed)
{
	struct hart *best = NULL;
	u32 i;

	if (allowed >> t->hart->id & 1 && running_prio(t->hart) == MAX_PRIO)
		return t->hart;
	for_each_bit64(i, m, allowed) {
		struct hart *h = &harts[i];

		if (!best || running_prio(h) > running_prio(best) ||
		    (running_prio(h) == running_prio(best) && h == t->hart))
			best = h;
	}
	return best;
}

static u64 usable(const struct task *t)
{
	u64 online = READ_ONCE(online_harts.bits);
	u64 allowed = READ_ONCE(t->allowed.bits) & online;

	return allowed ? allowed : online;
}

/* pi_lock held. here: the waker's hart. */
struct hart *__hot select_hart(struct task *t, struct hart *here, bool is_sync)
{
	u64 allowed = usable(t), idle;
	struct hart *h;

	if (allowed == 1ull << t->hart->id)
		return t->hart;
	if (!(allowed & (allowed - 1)))
		return &harts[__ffs64(allowed)];
	if (unlikely(!is_fair_task(t)))
		return select_rt(t, allowed);
	idle = READ_ONCE(idle_harts.bits) & allowed;
	if (idle) {
		h = select_idle(t, here, idle, is_sync);
		if (h)
			return h;
	}
	if (!(allowed >> here->id & 1))
		return select_hart_among(t, allowed);
	if (is_sync || !(allowed >> t->hart->id & 1))
		return here;
	return runq_nr(here->rq) <= runq_nr(t->hart->rq) ? here : t->hart;
}

struct hart *select_hart_among(struct task *t, u64 allowed)
{
	allowed &= READ_ONCE(online_harts.bits);
	if (!allowed)
		allowed = READ_ONCE(online_harts.bits);
	if (!is_fair_task(t))
		return select_rt(t, allowed);
	return shortest_queue(allowed);
}

/* --- hints ------------------------------------------------------------------- */

static void set_hint(struct cpumask *m, bool *cached, u32 hart, bool on)
{
	if (likely(*cached == on))
		return;
	*cached = on;
	if (on)
		cpumask_set(m, hart);
	else
		cpumask_clear(m, hart);
}

void runq_note_load_changed(struct runq *rq)
{
	u32 rt = rq->rt.nr + rq->dl.nr;
	u32 id = rq->hart->id;

	set_hint(&overloaded_harts, &rq->is_overloaded, id,
		 rq->fair.nr && rq->fair.nr + rt > 1);
	set_hint(&rt_overloaded_harts, &rq->is_rt_overloaded, id, rt > 1);
}

/* --- moving waiting tasks ----------------------------------------------------- */

static bool can_move(const struct task *t, const struct hart *to)
{
	return is_allowed(t, to) && !READ_ONCE(t->on_hart);
}

/* Looks at a few, the most urgent first. */
static struct task *find_fair(struct runq *from, const struct hart *to)
{
	struct rb_node *n = from->fair.tree.leftmost;

	for (int i = 0; n && i < 8; i++, n = rb_next(n)) {
		struct task *t = se_task(
			rb_entry(n, struct sched_entity, node));

		if (can_move(t, to))
			return t;
	}
	return NULL;
}

static struct task *find_dl(struct runq *from, const struct hart *to)
{
	struct rb_node *n = from->dl.tree.leftmost;

	for (; n; n = rb_next(n)) {
		struct task *t = rb_entry(n, struct task, se.node);

		if (!is_on_hart(from, t) && can_move(t, to))
			return t;
	}
	return NULL;
}

static struct task *find_in_list(struct runq *from, const struct hart *to,
				 int i)
{
	struct task *t;

	list_for_each_entry(t, &from->rt.queue[i], se.rt_node)
		if (!is_on_hart(from, t) && can_move(t, to))
			return t;
	return NULL;
}

/* The best real-time or deadline task below (better than) worse_than. */
static struct task *find_rt(struct runq *from, const struct hart *to,
			    int worse_than)
{
	struct task *t = find_dl(from, to);
	u32 i;

	if (t)
		return t;
	for (u32 w = 0; w < 2; w++) {
		for_each_bit64(i, m, from->rt.bitmap[w]) {
			if ((int)(w * 64 + i) >= worse_than)
				return NULL;
			t = find_in_list(from, to, (int)(w * 64 + i));
			if (t)
				return t;
		}
	}
	return NULL;
}

/* Both queues locked; on_rq stays set throughout. */
static void move(struct runq *from, struct runq *to, struct task *t)
{
	class_dequeue(from, t);
	WRITE_ONCE(t->hart, to->hart);
	class_enqueue(to, t, false);
	runq_note_load(from);
}

static bool pull_from(struct runq *rq, struct runq *from, int worse_than)
	__no_analysis
{
	struct task *t;

	if (!irq_trylock(&from->lock))
		return false;
	t = worse_than ? find_rt(from, rq->hart, worse_than)
		       : find_fair(from, rq->hart);
	if (t) {
		runq_update(from, rq->clock);
		move(from, rq, t);
	}
	raw_spin_unlock(&from->lock.raw);
	/* irqs_on() would preempt: the caller holds a queue's lock anyway */
	irqs_on();
	return t;
}

static bool pull_any(struct runq *rq, u64 mask, int worse_than)
{
	u32 i, id = rq->hart->id;

	mask &= ~(1ull << id);
	/* harts above this one first, so that not all rob the first */
	for_each_bit64(i, m, mask & ~((2ull << id) - 1))
		if (pull_from(rq, harts[i].rq, worse_than))
			return true;
	for_each_bit64(i, m, mask & ((1ull << id) - 1))
		if (pull_from(rq, harts[i].rq, worse_than))
			return true;
	return false;
}

bool runq_pull(struct runq *rq)
{
	u64 mask = READ_ONCE(overloaded_harts.bits);

	return mask && pull_any(rq, mask, 0);
}

bool runq_pull_rt(struct runq *rq, int worse_than)
{
	return worse_than > 0 &&
	       pull_any(rq, READ_ONCE(rt_overloaded_harts.bits), worse_than);
}

/* t was preempted by something better: a hart that runs something worse than
 * t shall come and pull it. */
void rt_push_hint(struct runq *rq, struct task *t)
{
	u64 allowed = usable(t) & ~(1ull << rq->hart->id);
	struct hart *h = allowed ? select_rt(t, allowed) : NULL;

	if (!h || running_prio(h) <= t->prio)
		return;
	runq_note_load(rq);
	/* without h's lock: a spurious look at its queue does no harm */
	runq_resched(h->rq);
}

void place_evicted(struct task *t) __no_analysis
{
	struct runq *rq;

	irq_lock(&t->pi_lock);
	if (!t->se.on_rq) {
		struct hart *h = select_hart(t, this_hart(), false);
		u64 now = clock_ns();

		rq = h->rq;
		irq_lock(&rq->lock);
		runq_update(rq, now);
		WRITE_ONCE(t->hart, h);
		runq_activate(rq, t, false);
		runq_check_preempt(rq, t, false);
		irq_unlock(&rq->lock);
	}
	irq_unlock(&t->pi_lock);
}

/* --- balance ----------------------------------------------------------------- */

static void push_one(struct runq *rq, struct runq *to, u64 now)
{
	struct task *t;

	irq_lock_pair(&rq->lock, &to->lock);
	t = find_fair(rq, to->hart);
	if (t) {
		runq_update(rq, now);
		runq_update(to, now);
		move(rq, to, t);
		runq_check_preempt(to, t, false);
	}
	irq_unlock_pair(&rq->lock, &to->lock);
}

/* The hart that runs the least important task, others not being empty. */
static struct hart *least_important(u64 others)
{
	struct hart *best = NULL;
	u32 i;

	for_each_bit64(i, m, others)
		if (!best || running_prio(&harts[i]) > running_prio(best))
			best = &harts[i];
	return best;
}

static bool push_one_rt(struct runq *rq, struct runq *to, u64 now)
{
	struct task *t = NULL;
	int prio;

	irq_lock_pair(&rq->lock, &to->lock);
	prio = running_prio(to->hart);
	if (prio > 0)
		t = find_rt(rq, to->hart, prio);
	if (t) {
		runq_update(rq, now);
		runq_update(to, now);
		move(rq, to, t);
		runq_check_preempt(to, t, false);
	}
	irq_unlock_pair(&rq->lock, &to->lock);
	return t;
}

/* A real-time task waits: a hart that could have pulled it found this queue
 * locked, or looked too early. */
static void push_rt(struct runq *rq, u64 others, u64 now)
{
	while (others) {
		struct hart *h = least_important(others);

		if (push_one_rt(rq, h->rq, now))
			return;
		others &= ~(1ull << h->id);
	}
}

void balance_tick(struct runq *rq, u64 now)
{
	u64 others = READ_ONCE(online_harts.bits) & ~(1ull << rq->hart->id);
	struct hart *to;
	u32 mine = runq_nr(rq);

	if (mine < 2 || !others)
		return;
	if (unlikely(rq->is_rt_overloaded))
		push_rt(rq, others, now);
	to = shortest_queue(others);
	if (runq_nr(to->rq) == 0) {
		push_one(rq, to->rq, now);
		return;
	}
	if (now < rq->next_balance)
		return;
	rq->next_balance = now + BALANCE_NS;
	if (mine >= runq_nr(to->rq) + 2) {
		push_one(rq, to->rq, now);
	} else if (mine == runq_nr(to->rq) + 1) {
		push_one(rq, to->rq, now);
		rq->next_balance = to->rq->next_balance = now + ROTATE_NS;
	}
}
