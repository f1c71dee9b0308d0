/*
 * rcu - grace periods, and what is called after them.
 *
 * Theory:  readers run with preemption off, so a hart that switches tasks, or
 *          that an interrupt finds with preemption on, has no reader from
 *          before: it is quiescent.  A grace period begins with the set of
 *          harts that are not idle; each leaves the set when it was quiescent
 *          once; when the set is empty the period is over.  One lock guards
 *          this state; a hart takes it once per period, as it compares the
 *          period's number (rcu_gp) with the last one it reported to.
 *
 *          An idle hart has no readers: is_idle is set around the polling and
 *          sleeping of the idle loop, with interrupts off, and cleared before
 *          any handler runs.  The hart stores is_idle, then (full fence) looks
 *          at rcu_gp; who begins a period stores rcu_gp, then (full fence)
 *          looks at is_idle: so either the hart reports, or it is left out.
 *          A reader that starts after the hart cleared is_idle (full fence)
 *          sees what was unpublished before the period began.
 *
 *          Callbacks are queued on their hart, on `next`.  A batch moves to
 *          `wait` and asks for the period after the one that runs, since that
 *          one began before they were queued.  When it is over, the hart's
 *          worker runs them.  To spare periods the batch moves at the next
 *          tick, when the hart idles, or when it is long.
 * Locks:   rcu_lock (RANK_RCU): gp state.  The lists: their hart, interrupts
 *          off.  Workers and sleepers are woken after the lock was dropped.
 */
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <lib/bitmap.h>

#define LONG_BATCH 256

struct sync_waiter {
	struct list node;
	u64 gp;
	struct completion done;
};

u64 rcu_gp;

static struct irqlock rcu_lock = IRQLOCK_INIT(RANK_RCU, "rcu");
static u64 gp_done __guarded_by(&rcu_lock);	/* racy reads */
static u64 gp_wanted __guarded_by(&rcu_lock);
static u64 gp_waiting __guarded_by(&rcu_lock);	/* harts not yet quiescent */
static u64 gp_callers __guarded_by(&rcu_lock);	/* harts with a batch */
static struct list sync_waiters __guarded_by(&rcu_lock) =
	LIST_INIT(sync_waiters);

static DEFINE_PER_HART(struct rcu_hart, rcu_harts);
static struct work rcu_works[MAX_HARTS];

/* What is to be done once the lock was dropped. */
struct after {
	u64 callers;		/* harts whose batch may be ready */
	u64 kick;		/* harts that somebody waits for */
	struct list woken;	/* sync_waiters */
};

/* --- grace periods --------------------------------------------------------------- */

static void gp_end_locked(struct after *a) __must_hold(&rcu_lock)
{
	struct sync_waiter *w, *n;

	WRITE_ONCE(gp_done, rcu_gp);
	a->callers |= gp_callers;
	list_for_each_entry_safe(w, n, &sync_waiters, node)
		if (w->gp <= gp_done)
			list_move_tail(&w->node, &a->woken);
}

static void gp_begin_locked(struct after *a) __must_hold(&rcu_lock)
{
	WRITE_ONCE(rcu_gp, rcu_gp + 1);
	gp_waiting = READ_ONCE(online_harts.bits);
	smp_mb();
	for_each_hart(h)
		if (READ_ONCE(h->rcu->is_idle))
			gp_waiting &= ~(1ull << h->id);
	if (!list_empty(&sync_waiters))
		a->kick = gp_waiting;
}

/* Ends the period if all were quiescent, begins the next if it is wanted. */
static void gp_advance_locked(struct after *a) __must_hold(&rcu_lock)
{
	while (!gp_waiting) {
		if (gp_done != rcu_gp)
			gp_end_locked(a);
		if (gp_wanted <= rcu_gp)
			return;
		gp_begin_locked(a);
	}
}

static void after_init(struct after *a)
{
	a->callers = a->kick = 0;
	list_init(&a->woken);
}

static void after_run(struct after *a)
{
	struct sync_waiter *w, *n;
	u64 m;

	for (m = a->callers; m; m &= m - 1) {
		u32 i = __ffs64(m);

		work_queue_on(&harts[i], &rcu_works[i]);
	}
	list_for_each_entry_safe(w, n, &a->woken, node)
		complete(&w->done);
	a->kick &= ~(1ull << hart_id());
	if (a->kick)
		ipi_send_mask((struct cpumask){ a->kick }, IPI_RESCHED);
}

void rcu_quiescent(void)
{
	struct hart *h = this_hart();
	struct after a;

	after_init(&a);
	irq_lock(&rcu_lock);
	h->rcu->seen_gp = rcu_gp;
	gp_waiting &= ~(1ull << h->id);
	gp_advance_locked(&a);
	irq_unlock(&rcu_lock);
	after_run(&a);
}

/* Asks for a whole period from now on; its number. */
static u64 gp_request_locked(struct after *a) __must_hold(&rcu_lock)
{
	u64 gp = rcu_gp + 1;

	gp_wanted = max(gp_wanted, gp);
	gp_advance_locked(a);
	return gp;
}

/* --- idle harts ------------------------------------------------------------------ */

void rcu_idle_enter(struct hart *h)
{
	xchg(&h->rcu->is_idle, 1u);
	rcu_note_switch(h);
}

void rcu_idle_exit(struct hart *h)
{
	xchg(&h->rcu->is_idle, 0u);
}

/* --- callbacks ------------------------------------------------------------------- */

static void lists_init(struct rcu_hart *r)
{
	r->next = r->wait = NULL;
	r->next_tail = &r->next;
	r->wait_tail = &r->wait;
}

static void batch_begin(struct hart *h)
{
	struct rcu_hart *r = h->rcu;
	struct after a;

	if (r->wait || !r->next)
		return;
	r->wait = r->next;
	r->next = NULL;
	r->next_tail = &r->next;
	after_init(&a);
	irq_lock(&rcu_lock);
	gp_callers |= 1ull << h->id;
	r->wait_gp = rcu_gp + 1;
	(void)gp_request_locked(&a);
	irq_unlock(&rcu_lock);
	after_run(&a);
}

/* The batch if it is ready; the next one then begins to wait. */
static struct rcu_head *batch_take(struct hart *h)
{
	struct rcu_hart *r = h->rcu;
	struct rcu_head *list = NULL;

	irqs_off();
	if (r->wait && load_acquire(&gp_done) >= r->wait_gp) {
		list = r->wait;
		r->wait = NULL;
		irq_lock(&rcu_lock);
		gp_callers &= ~(1ull << h->id);
		irq_unlock(&rcu_lock);
		batch_begin(h);
	}
	irqs_on();
	return list;
}

static void run_callbacks(struct work *w)
{
	struct hart *h = &harts[w - rcu_works];
	struct rcu_head *p = batch_take(h);
	u32 n = 0;

	while (p) {
		struct rcu_head *next = p->next;

		p->fn(p);
		p = next;
		if ((++n & 31) == 0)
			cond_resched();
	}
	irqs_off();
	h->rcu->nr_waiting -= n;
	irqs_on();
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	struct hart *h;
	struct rcu_hart *r;

	head->next = NULL;
	head->fn = fn;
	irqs_off();
	h = this_hart();
	if (unlikely(!h->rcu))
		rcu_init_hart(h);
	r = h->rcu;
	*r->next_tail = head;
	r->next_tail = &head->next;
	if (unlikely((++r->nr_waiting % LONG_BATCH) == 0))
		batch_begin(h);
	irqs_on();
}

void rcu_idle_prepare(struct hart *h)
{
	if (h->rcu->nr_waiting)
		batch_begin(h);
}

void rcu_tick(struct hart *h, bool is_quiet)
{
	if (!h->rcu)
		return;
	if (is_quiet)
		rcu_note_switch(h);
	if (h->rcu->nr_waiting)
		batch_begin(h);
}

/* --- waiting --------------------------------------------------------------------- */

void synchronize_rcu(void)
{
	struct sync_waiter w;
	struct after a;

	might_sleep();
	completion_init(&w.done);
	after_init(&a);
	irq_lock(&rcu_lock);
	list_add_tail(&w.node, &sync_waiters);
	w.gp = gp_request_locked(&a);
	if (gp_waiting)
		a.kick |= gp_waiting;
	irq_unlock(&rcu_lock);
	after_run(&a);
	wait_for_completion(&w.done);
}

static struct mutex barrier_lock =
	MUTEX_INIT(barrier_lock, RANK_SLEEP_LEAF, "rcu_barrier");
static struct rcu_head barrier_heads[MAX_HARTS] __guarded_by(&barrier_lock);
static struct completion barrier_done __guarded_by(&barrier_lock);
static struct atomic barrier_left;

static void barrier_reached(struct rcu_head *head)
{
	if (atomic_dec_and_test(&barrier_left))
		complete(&barrier_done);
}

static void barrier_queue(void *arg)
{
	struct hart *h = this_hart();

	if (!h->rcu->nr_waiting)
		return;
	atomic_inc(&barrier_left);
	call_rcu(&barrier_heads[h->id], barrier_reached);
	batch_begin(h);
}

void rcu_barrier(void)
{
	mutex_lock(&barrier_lock);
	completion_init(&barrier_done);
	atomic_set(&barrier_left, 1);
	hart_call_all(barrier_queue, NULL);
	if (!atomic_dec_and_test(&barrier_left))
		wait_for_completion(&barrier_done);
	mutex_unlock(&barrier_lock);
}

void rcu_init_hart(struct hart *h)
{
	if (h->rcu)
		return;
	lists_init(&per_hart(rcu_harts, h->id));
	work_init(&rcu_works[h->id], run_callbacks);
	h->rcu = &per_hart(rcu_harts, h->id);
}
