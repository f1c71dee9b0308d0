/*
 * task_work - functions that a task runs before it returns to user mode.
 *
 * Theory:  a lock-free stack: anyone pushes, only the owner takes all of it
 *          and runs it in the order of arrival.  A task past its last run has
 *          the closed mark, and pushing fails.
 */
#include "task_impl.h"

#include <arch/trap.h>
#include <kernel/hart.h>
#include <lib/errno.h>
#include <task/fork.h>
#include <task/init.h>
#include <task/rseq.h>

static struct work_item closed;

int task_work_add(struct task *t, struct work_item *w)
{
	struct work_item *head = READ_ONCE(t->task_works);

	do {
		if (head == &closed)
			return -ESRCH;
		w->next = head;
	} while (!__atomic_compare_exchange_n(&t->task_works, &head, w, true,
					      __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	flag_set(&t->work, WORK_NOTIFY);
	if (t != current && READ_ONCE(t->hart->curr) == t)
		ipi_send(t->hart, IPI_RESCHED);
	return 0;
}

static struct work_item *reverse(struct work_item *w)
{
	struct work_item *out = NULL;

	while (w) {
		struct work_item *next = w->next;

		w->next = out;
		out = w;
		w = next;
	}
	return out;
}

/* On exit the list is closed once it is empty. */
void task_work_run(void)
{
	struct task *t = current;
	struct work_item *w, *next, *empty;

	for (;;) {
		w = READ_ONCE(t->task_works);
		if (!w || w == &closed) {
			empty = NULL;
			if (w || !(t->flags & TF_EXITING) ||
			    cmpxchg(&t->task_works, empty, &closed))
				return;
			continue;
		}
		for (w = reverse(xchg(&t->task_works, NULL)); w; w = next) {
			next = w->next;
			w->fn(w);
		}
	}
}

void task_exit_work(struct regs *r)
{
	struct task *t = current;
	unsigned long work;

	while ((work = READ_ONCE(t->work)) & WORK_LOOK) {
		if (work & WORK_RESCHED)
			schedule();
		if (work & WORK_NOTIFY) {
			flag_clear(&t->work, WORK_NOTIFY);
			if (t->set_child_tid)
				task_first_return(t);
			task_work_run();
		}
		if (work & (WORK_SIGNAL | WORK_KILL | WORK_SIGMASK))
			signal_deliver(r);
		/* last: a section that ends must not end behind a handler */
		if (READ_ONCE(t->work) & WORK_RSEQ)
			rseq_resume(r);
		if (work & WORK_STEP)
			flag_clear(&t->work, WORK_STEP);
	}
}
