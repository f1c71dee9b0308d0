/*
 * work - deferred work, run by one kernel task for each hart.
 *
 * Theory:  `pending` is set by who queues a work and cleared by the worker
 *          just before it calls the function, so a work that is queued again
 *          while it runs runs once more, and one queued twice before runs
 *          once.  The function may free its work: the worker only remembers
 *          the address, for work_flush().  Works queued before the workers
 *          exist wait for them.
 * Locks:   pool.lock (RANK_WORK) guards the queue and `running`.
 * Context: queueing: any.
 */
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <lib/printf.h>

struct work_pool {
	struct irqlock lock;
	struct list queue __guarded_by(&lock);
	struct work *running __guarded_by(&lock);
	struct task *worker;		/* const once set */
};

static struct work_pool pools[MAX_HARTS];
static struct waitq flush_wait = WAITQ_INIT(flush_wait);

static void pools_init(void)
{
	for (u32 i = 0; i < MAX_HARTS; i++) {
		irq_lock_init(&pools[i].lock, RANK_WORK, "work_pool");
		list_init(&pools[i].queue);
		harts[i].workers = &pools[i];
	}
}
INIT(INIT_EARLY, pools_init);

void work_init(struct work *w, void (*fn)(struct work *w))
{
	*w = (struct work){ .fn = fn };
	list_init(&w->node);
}

bool work_queue_on(struct hart *h, struct work *w)
{
	struct work_pool *p = h->workers;
	struct task *worker;

	if (xchg(&w->pending, 1ul))
		return false;
	irq_lock(&p->lock);
	list_add_tail(&w->node, &p->queue);
	worker = p->worker;
	irq_unlock(&p->lock);
	if (worker)
		task_wake_state(worker, TASK_NORMAL);
	return true;
}

bool work_queue(struct work *w)
{
	bool queued;

	preempt_disable();
	queued = work_queue_on(this_hart(), w);
	preempt_enable();
	return queued;
}

/* --- the worker ------------------------------------------------------------------ */

static struct work *next_work(struct work_pool *p)
{
	struct list *n;

	irq_lock(&p->lock);
	n = list_pop(&p->queue);
	p->running = n ? list_entry(n, struct work, node) : NULL;
	irq_unlock(&p->lock);
	return n ? list_entry(n, struct work, node) : NULL;
}

static void run(struct work_pool *p, struct work *w)
{
	void (*fn)(struct work *) = w->fn;

	xchg(&w->pending, 0ul);
	fn(w);
	irq_lock(&p->lock);
	p->running = NULL;
	irq_unlock(&p->lock);
	wake_if_waiting(&flush_wait, 0);
}

static void worker_main(void *arg)
{
	struct work_pool *p = arg;
	struct work *w;

	for (;;) {
		set_task_state(TASK_IDLE);
		w = next_work(p);
		if (!w) {
			schedule();
			continue;
		}
		WRITE_ONCE(current->state, TASK_RUNNING);
		run(p, w);
	}
}

static void worker_start(struct hart *h)
{
	struct work_pool *p = h->workers;
	struct task *t;
	char name[16];

	ksnprintf(name, sizeof(name), "kworker/%u", h->id);
	if (kthread_create(worker_main, p, (int)h->id, &t, name))
		panic("no memory for %s\n", name);
	irq_lock(&p->lock);
	p->worker = t;
	irq_unlock(&p->lock);
}

static void workers_start(void)
{
	for_each_hart(h)
		worker_start(h);
}
INIT(INIT_CORE, workers_start);

/* --- waiting and delay ------------------------------------------------------------ */

static bool is_busy(struct work *w)
{
	bool busy = READ_ONCE(w->pending);

	for (u32 i = 0; i < nr_harts && !busy; i++) {
		irq_lock(&pools[i].lock);
		busy = pools[i].running == w;
		irq_unlock(&pools[i].lock);
	}
	return busy;
}

void work_flush(struct work *w)
{
	wait_event(&flush_wait, !is_busy(w));
}

/* Takes a queued work off its queue; false if it was not queued. */
static bool work_unqueue(struct work *w)
{
	bool found = false;
	struct work *p;

	for (u32 i = 0; i < nr_harts && !found; i++) {
		irq_lock(&pools[i].lock);
		list_for_each_entry(p, &pools[i].queue, node) {
			if (p != w)
				continue;
			list_del_init(&w->node);
			found = true;
			break;
		}
		irq_unlock(&pools[i].lock);
	}
	if (found)
		xchg(&w->pending, 0ul);
	return found;
}

static void delay_over(struct timer *t)
{
	work_queue(&container_of(t, struct delayed_work, timer)->work);
}

void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *w))
{
	work_init(&w->work, fn);
	timer_init(&w->timer, delay_over);
}

void delayed_work_queue(struct delayed_work *w, u64 delay_ns)
{
	u64 deadline = clock_ns() + delay_ns;

	if (READ_ONCE(w->work.pending))
		return;			/* it will run sooner */
	if (!delay_ns) {
		timer_cancel(&w->timer);
		work_queue(&w->work);
		return;
	}
	if (timer_is_armed(&w->timer) &&
	    READ_ONCE(w->timer.deadline_ns) <= deadline)
		return;
	timer_start(&w->timer, deadline);
}

bool delayed_work_cancel(struct delayed_work *w)
{
	bool stopped = timer_cancel_sync(&w->timer);

	return work_unqueue(&w->work) || stopped;
}
