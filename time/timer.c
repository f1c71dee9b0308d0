/*
 * timer - per-hart queues of one-shot timers on the hart's own timer.
 *
 * Theory:  two trees for each hart, one for each clock; a deadline of
 *          CLOCK_REALTIME is compared after subtracting the offset, so setting
 *          that clock moves no timer.  The hardware is programmed only when
 *          a new deadline is earlier than what it is set to: for a cancelled
 *          or later one the interrupt comes too early, finds nothing, and
 *          sets the next (a write costs as much as the rare useless
 *          interrupt).  Beside the trees stands one deadline of the
 *          scheduler, which is set at nearly every switch and so is a word.
 *
 *          A timer is queued on the hart that arms it, except while its
 *          function runs elsewhere: it then stays on that hart, so that
 *          timer_cancel_sync() has one place to look.
 * Locks:   base.lock; t->base changes only under the lock of the old base.
 * Context: any.  Functions run with interrupts off and no lock held.
 */
#include "timer_impl.h"

#include <arch/smp.h>
#include <kernel/assert.h>
#include <kernel/print.h>
#include <kernel/trace.h>
#include <sched/sched.h>

static DEFINE_PER_HART(struct timer_base, bases);

static bool is_before(u64 a, u64 b)
{
	return a < b;
}

void timer_init_hart(struct hart *h)
{
	struct timer_base *b = &per_hart(bases, h->id);

	irq_lock_init(&b->lock, RANK_TIMER, "timers");
	b->queue[TIMER_MONOTONIC] = b->queue[TIMER_REALTIME] = RB_ROOT_CACHED;
	b->next_ns = b->sched_ns = b->hw_ns = DEADLINE_NEVER;
	b->hart = h;
	h->timers = b;
}

void timer_init_clock(struct timer *t, void (*fn)(struct timer *t),
		      enum timer_clock clock)
{
	*t = (struct timer){ .fn = fn, .clock = (u8)clock };
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	timer_init_clock(t, fn, TIMER_MONOTONIC);
}

/* --- the queues --------------------------------------------------------------- */

/* On the monotonic clock; 0 if that was before boot. */
static u64 to_monotonic(u64 deadline, u8 clock)
{
	return clock == TIMER_REALTIME ? clock_realtime_to_monotonic(deadline) :
					 deadline;
}

static struct timer *first_of(const struct timer_base *b, u8 clock)
{
	return rb_entry_safe(rb_first_cached(&b->queue[clock]), struct timer,
			     node);
}

static struct timer *first_timer(const struct timer_base *b, u64 *when)
{
	struct timer *m = first_of(b, TIMER_MONOTONIC);
	struct timer *r = first_of(b, TIMER_REALTIME);
	u64 r_ns;

	*when = m ? m->deadline_ns : DEADLINE_NEVER;
	if (!r)
		return m;
	r_ns = to_monotonic(r->deadline_ns, TIMER_REALTIME);
	if (m && m->deadline_ns <= r_ns)
		return m;
	*when = r_ns;
	return r;
}

static void queue_insert(struct timer_base *b, struct timer *t)
{
	struct rb_root_cached *q = &b->queue[t->clock];
	struct rb_node **link = &q->root.node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (is_before(t->deadline_ns,
			      rb_entry(parent, struct timer, node)
				      ->deadline_ns)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_link_node(&t->node, parent, link);
	rb_insert_color_cached(&t->node, q, leftmost);
	WRITE_ONCE(t->is_armed, true);
	if (leftmost)
		first_timer(b, &b->next_ns);
}

static void queue_erase(struct timer_base *b, struct timer *t)
{
	struct rb_root_cached *q = &b->queue[t->clock];
	bool was_first = q->leftmost == &t->node;

	rb_erase_cached(&t->node, q);
	WRITE_ONCE(t->is_armed, false);
	if (was_first)
		first_timer(b, &b->next_ns);
}

/* --- the hardware ------------------------------------------------------------- */

static void program(struct timer_base *b, u64 ns)
{
	b->hw_ns = ns;
	arch_timer_set(ns == DEADLINE_NEVER ? ~0ull : clock_ns_to_ticks(ns));
}

static void program_earlier(struct timer_base *b, u64 ns)
{
	if (ns < b->hw_ns)
		program(b, ns);
}

void timer_sched_request(u64 deadline_ns)
{
	struct timer_base *b = this_hart()->timers;

	b->sched_ns = deadline_ns;
	program_earlier(b, deadline_ns);
}

u64 timer_next_ns(void)
{
	return READ_ONCE(this_hart()->timers->next_ns);
}

/* A hart is about to sleep: real-time sleepers get their interrupt early, and
 * the idle loop polls for the rest. */
void timer_idle_prepare(u64 early_ns)
{
	struct timer_base *b = this_hart()->timers;
	struct timer *t;
	u64 when;

	b->sched_ns = DEADLINE_NEVER;
	if (b->next_ns == DEADLINE_NEVER)
		return;
	irq_lock(&b->lock);
	t = first_timer(b, &when);
	if (t && t->is_urgent && when > early_ns)
		program_earlier(b, when - early_ns);
	irq_unlock(&b->lock);
}

/* --- arming and cancelling ---------------------------------------------------- */

/* The base of a timer that has one, locked. */
static struct timer_base *lock_base(struct timer *t) __no_analysis
{
	for (;;) {
		struct timer_base *b = READ_ONCE(t->base);

		if (!b)
			return NULL;
		irq_lock(&b->lock);
		if (likely(READ_ONCE(t->base) == b))
			return b;
		irq_unlock(&b->lock);
	}
}

/* Takes it off its queue; the base where it is to be queued now, locked. */
static struct timer_base *claim(struct timer *t) __no_analysis
{
	struct timer_base *here = this_hart()->timers, *b = lock_base(t);

	if (b && t->is_armed)
		queue_erase(b, t);
	if (b && (b == here || b->running == t))
		return b;
	WRITE_ONCE(t->base, here);
	if (b)
		irq_unlock(&b->lock);
	irq_lock(&here->lock);
	return here;
}

void timer_start(struct timer *t, u64 deadline_ns) __no_analysis
{
	struct timer_base *b;
	u64 next;

	assert(t->fn);
	irqs_off();
	for (;;) {
		b = claim(t);
		if (t->base == b && !t->is_armed)
			break;
		irq_unlock(&b->lock);	/* somebody else was faster */
	}
	t->deadline_ns = deadline_ns;
	trace_timer_start(t, t->fn, deadline_ns);
	queue_insert(b, t);
	next = b->next_ns;
	irq_unlock(&b->lock);
	/* without the lock: this can take long */
	if (b->hart == this_hart())
		program_earlier(b, next);
	else
		ipi_send(b->hart, IPI_TIMER);
	irqs_on();
}

bool timer_cancel(struct timer *t) __no_analysis
{
	struct timer_base *b;
	bool was_armed;

	b = lock_base(t);
	if (!b)
		return false;
	was_armed = t->is_armed;
	if (was_armed)
		queue_erase(b, t);
	irq_unlock(&b->lock);
	if (was_armed)
		trace_timer_cancel(t);
	return was_armed;
}

bool timer_cancel_sync(struct timer *t) __no_analysis
{
	struct timer_base *b;
	bool was_armed = false;

	for (;;) {
		b = lock_base(t);
		if (!b)
			return was_armed;
		if (t->is_armed) {
			queue_erase(b, t);
			was_armed = true;
		}
		if (b->running != t)
			break;
		irq_unlock(&b->lock);
		assert(b->hart != current->hart || !in_irq());
		cpu_relax();
	}
	irq_unlock(&b->lock);
	return was_armed;
}

u64 timer_remaining_ns(struct timer *t) __no_analysis
{
	struct timer_base *b = lock_base(t);
	u64 now = clock_ns(), when = 0;

	if (!b)
		return 0;
	if (t->is_armed)
		when = to_monotonic(t->deadline_ns, t->clock);
	if (t->is_armed && when <= now)
		when = now + 1;		/* due, but it did not run yet */
	irq_unlock(&b->lock);
	return when > now ? when - now : 0;
}

/* --- running ------------------------------------------------------------------ */

static void run_due(struct timer_base *b, u64 *now) __must_hold(&b->lock)
{
	struct timer *t;
	u64 when;

	while ((t = first_timer(b, &when)) && when <= *now) {
		void (*fn)(struct timer *) = t->fn;

		queue_erase(b, t);
		b->running = t;
		irq_unlock(&b->lock);
		trace_timer_expire(t, fn, *now);
		fn(t);
		trace_timer_done(t);
		irq_lock(&b->lock);
		b->running = NULL;
		*now = clock_ns();
	}
}

static void run_sched(struct timer_base *b, u64 now)
{
	if (now < b->sched_ns)
		return;
	b->sched_ns = DEADLINE_NEVER;
	sched_timer(now);
}

/* What is due; then the next deadline.  In interrupt context, or made so. */
void timer_run(void)
{
	struct timer_base *b = this_hart()->timers;
	u64 now = clock_ns(), next;

	b->hw_ns = DEADLINE_NEVER;
	run_sched(b, now);
	irq_lock(&b->lock);
	run_due(b, &now);
	next = b->next_ns;
	irq_unlock(&b->lock);
	program(b, min(next, b->sched_ns));
}

void timer_interrupt(void)
{
	if (unlikely(!this_hart()->timers))
		return;
	sched_account_tick();
	timer_run();
}

/* IPI_TIMER, and after a change of CLOCK_REALTIME. */
static void reprogram(void *arg)
{
	struct timer_base *b = this_hart()->timers;

	irq_lock(&b->lock);
	first_timer(b, &b->next_ns);
	program_earlier(b, b->next_ns);
	irq_unlock(&b->lock);
}

void timer_ipi(void)
{
	reprogram(NULL);
}

void timer_clock_was_set(void)
{
	ipi_send_mask(online_harts, IPI_TIMER);
}

/* --- for people ----------------------------------------------------------------- */

static void dump_queue(struct timer_base *b, u8 clock, u64 now)
{
	struct rb_node *n = rb_first_cached(&b->queue[clock]);
	char name[96];

	for (; n; n = rb_next(n)) {
		struct timer *t = rb_entry(n, struct timer, node);
		u64 when = to_monotonic(t->deadline_ns, clock);

		symbol_format((unsigned long)t->fn, name, sizeof(name));
		print(LOG_INFO, "  %p in %lld us: %s%s\n", (void *)t,
		      (s64)(when - now) / (s64)NSEC_PER_USEC, name,
		      clock == TIMER_REALTIME ? " (realtime)" : "");
	}
}

void timers_dump(void)
{
	u64 now = clock_ns();

	for_each_hart(h) {
		struct timer_base *b = h->timers;

		irq_lock(&b->lock);
		print(LOG_INFO, "hart %u: hardware in %lld us, tick in %lld us\n",
		      h->id, (s64)(b->hw_ns - now) / (s64)NSEC_PER_USEC,
		      (s64)(b->sched_ns - now) / (s64)NSEC_PER_USEC);
		dump_queue(b, TIMER_MONOTONIC, now);
		dump_queue(b, TIMER_REALTIME, now);
		irq_unlock(&b->lock);
	}
}
