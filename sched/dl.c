/*
 * dl - the class of SCHED_DEADLINE: earliest deadline first, within a
 *      constant-bandwidth server for each task.
 *
 * Theory:  a task may run `runtime` in each `period`, before `deadline`.
 *          Admission keeps the sum of runtime / period of all tasks below
 *          what real-time throttling leaves, so the promises can be kept.
 *          A task that used its runtime up is throttled until its next
 *          period, so it cannot break the promises made to others.  On a
 *          wake-up what is left of the old runtime may be used only if that
 *          does not exceed the bandwidth until the old deadline; else a new
 *          deadline is set from now on.  (Abeni and Buttazzo, 1998.)  One
 *          whose deadline is before its period's end waits for that instead.
 *          A task that dies gives its bandwidth back but keeps its runtime,
 *          since it goes on running until its last switch.
 * Locks:   rq->lock; total_bw and the tasks' shares of it, se.dl_bw, by
 *          dl_lock, a leaf of rank RUNQ2.
 */
#include "sched_impl.h"

#define BW_SHIFT 20
#define BW_UNIT (1ull << BW_SHIFT)

static struct irqlock dl_lock = IRQLOCK_INIT(RANK_RUNQ2, "dl_lock");
static u64 total_bw __guarded_by(&dl_lock);

static bool is_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

bool dl_before(const struct task *a, const struct task *b)
{
	return is_before(a->se.dl_abs, b->se.dl_abs);
}

static void tree_insert(struct dl_rq *dl, struct task *t)
{
	struct rb_node **link = &dl->tree.root.node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (dl_before(t, rb_entry(parent, struct task, se.node))) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_link_node(&t->se.node, parent, link);
	rb_insert_color_cached(&t->se.node, &dl->tree, leftmost);
	dl->nr++;
}

static void tree_erase(struct dl_rq *dl, struct task *t)
{
	rb_erase_cached(&t->se.node, &dl->tree);
	dl->nr--;
}

/* When the task's next period begins. */
static u64 next_period(const struct sched_entity *se)
{
	return se->dl_abs - se->dl_deadline + se->dl_period;
}

/* Throttled tasks are few: the earliest is searched. */
static void arm_timer(struct runq *rq)
{
	struct task *t;
	u64 first = DEADLINE_NEVER;

	list_for_each_entry(t, &rq->dl.throttled, se.rt_node)
		if (next_period(&t->se) < first)
			first = next_period(&t->se);
	if (first != DEADLINE_NEVER)
		timer_start(&rq->dl.timer, first);
}

static void throttle(struct runq *rq, struct task *t)
{
	t->se.dl_throttled = true;
	list_add_tail(&t->se.rt_node, &rq->dl.throttled);
	arm_timer(rq);
}

/* A new period, which begins now. */
static void start_period(struct runq *rq, struct sched_entity *se)
{
	se->dl_abs = rq->clock + se->dl_deadline;
	se->dl_left = (s64)se->dl_runtime;
}

static void replenish(struct runq *rq, struct sched_entity *se)
{
	u64 periods = (u64)-se->dl_left / se->dl_runtime + 1;

	se->dl_abs += periods * se->dl_period;
	se->dl_left += (s64)(periods * se->dl_runtime);
	if (is_before(se->dl_abs, rq->clock))
		start_period(rq, se);
}

/* left / (abs - now) > runtime / deadline?  In microseconds, to fit. */
static bool exceeds_bandwidth(const struct runq *rq,
			      const struct sched_entity *se)
{
	u64 left = (u64)se->dl_left >> 10;
	u64 laxity = (se->dl_abs - rq->clock) >> 10;

	return left * (se->dl_deadline >> 10) >
	       laxity * (se->dl_runtime >> 10);
}

/* Admission counted runtime / period: one whose deadline comes before the
 * period's end gets no second runtime in it, just as much as is left at the
 * pace of the first. */
static void trim(const struct runq *rq, struct sched_entity *se)
{
	u64 laxity = se->dl_abs - rq->clock;

	se->dl_left = (s64)(laxity * se->dl_runtime / se->dl_deadline);
}

void dl_enqueue(struct runq *rq, struct task *t)
{
	struct sched_entity *se = &t->se;
	bool in_period = is_before(rq->clock, next_period(se));

	if (is_before(se->dl_abs, rq->clock)) {
		if (in_period) {
			se->dl_left = min(se->dl_left, (s64)0);
			throttle(rq, t);
			return;
		}
		start_period(rq, se);
	} else if (se->dl_left <= 0) {
		if (in_period) {
			throttle(rq, t);
			return;
		}
		replenish(rq, se);
	} else if (exceeds_bandwidth(rq, se)) {
		if (se->dl_deadline < se->dl_period)
			trim(rq, se);
		else
			start_period(rq, se);
	}
	tree_insert(&rq->dl, t);
}

void dl_dequeue(struct runq *rq, struct task *t)
{
	if (!t->se.dl_throttled) {
		tree_erase(&rq->dl, t);
		return;
	}
	t->se.dl_throttled = false;
	list_del_init(&t->se.rt_node);
}

static void exhaust(struct runq *rq, struct task *t)
{
	if (t->se.dl_throttled)
		return;
	tree_erase(&rq->dl, t);
	if (is_before(rq->clock, next_period(&t->se))) {
		throttle(rq, t);
	} else {
		replenish(rq, &t->se);
		tree_insert(&rq->dl, t);
	}
	runq_resched(rq);
}

void dl_update(struct runq *rq, struct task *t, u64 delta)
{
	t->se.dl_left -= (s64)delta;
	if (t->se.dl_left <= 0)
		exhaust(rq, t);
}

struct task *dl_pick(struct runq *rq)
{
	return rb_entry(rb_first_cached(&rq->dl.tree), struct task, se.node);
}

/* Gives the rest of its runtime up. */
void dl_yield(struct runq *rq, struct task *t)
{
	if (t->se.dl_throttled)
		return;
	t->se.dl_left = 0;
	exhaust(rq, t);
}

static void replenish_due(struct timer *timer)
{
	struct runq *rq = container_of(timer, struct runq, dl.timer);
	struct task *t, *n;
	u64 now = clock_ns();

	irq_lock(&rq->lock);
	runq_update(rq, now);
	list_for_each_entry_safe(t, n, &rq->dl.throttled, se.rt_node) {
		if (is_before(now, next_period(&t->se)))
			continue;
		list_del_init(&t->se.rt_node);
		t->se.dl_throttled = false;
		replenish(rq, &t->se);
		tree_insert(&rq->dl, t);
		runq_check_preempt(rq, t, false);
	}
	arm_timer(rq);
	irq_unlock(&rq->lock);
}

void dl_init(struct runq *rq)
{
	rq->dl.tree = RB_ROOT_CACHED;
	list_init(&rq->dl.throttled);
	timer_init(&rq->dl.timer, replenish_due);
	rq->dl.timer.is_urgent = true;
}

static u64 bandwidth(u64 runtime, u64 period)
{
	if (!period)
		return 0;
	/* runtime <= period < 2^63: scale so that the shift fits */
	while (runtime >> (63 - BW_SHIFT)) {
		runtime >>= 1;
		period >>= 1;
	}
	return (runtime << BW_SHIFT) / period;
}

static u64 capacity(void)
{
	int runtime = READ_ONCE(sysctl_sched_rt_runtime_us);
	u64 one = BW_UNIT, n = 0;

	for_each_hart(h)
		n++;
	if (runtime >= 0)
		one = bandwidth((u64)runtime,
				(u64)READ_ONCE(sysctl_sched_rt_period_us));
	return one * n;
}

/* The bounds that Linux sets: at least 1 us, below 2^63, runtime <= deadline
 * <= period, and a period between 100 us and 4.19 s. */
int dl_check(const struct sched_params *p)
{
	u64 period = p->period ? p->period : p->deadline;

	if (!p->deadline || p->runtime < 1024)
		return -EINVAL;
	if ((p->deadline | period) >> 63)
		return -EINVAL;
	if (period < p->deadline || p->deadline < p->runtime)
		return -EINVAL;
	if (period < 100 * NSEC_PER_USEC || period > (1ull << 22) * 1000)
		return -EINVAL;
	return 0;
}

int dl_admit(struct task *t, const struct sched_params *p)
{
	u64 want = 0, old;
	int err = 0;

	if (p)
		want = bandwidth(p->runtime,
				 p->period ? p->period : p->deadline);
	irq_lock(&dl_lock);
	old = t->se.dl_bw;
	if (want > old && total_bw - old + want > capacity()) {
		err = -EBUSY;
	} else {
		total_bw = total_bw - old + want;
		t->se.dl_bw = want;
	}
	irq_unlock(&dl_lock);
	return err;
}
