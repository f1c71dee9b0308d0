/*
 * completion - one-shot events.
 *
 * Theory:  done counts the units given; each waiter takes one.  complete_all()
 *          sets it beyond what waiters can take.  Everything happens under
 *          the queue's lock, so a completion on the stack may go as soon as
 *          its waiter returns: complete() no longer touches it then.
 */
#include <kernel/waitq.h>

#define DONE_ALL 0x80000000u

void completion_init(struct completion *c)
{
	c->done = 0;
	waitq_init(&c->q);
}

void complete(struct completion *c)
{
	irq_lock(&c->q.lock);
	if (c->done < DONE_ALL)
		c->done++;
	waitq_wake_locked(&c->q, TASK_NORMAL | TASK_KILLABLE, 1, 0);
	irq_unlock(&c->q.lock);
}

void complete_all(struct completion *c)
{
	irq_lock(&c->q.lock);
	c->done = DONE_ALL;
	waitq_wake_locked(&c->q, TASK_NORMAL | TASK_KILLABLE, 0, 0);
	irq_unlock(&c->q.lock);
}

static int wait_state(struct completion *c, u32 state)
{
	struct wait_entry e;
	int err = 0;

	might_sleep();
	wait_entry_init(&e);
	e.exclusive = true;
	irq_lock(&c->q.lock);
	while (!c->done) {
		if (list_empty(&e.node))
			list_add_tail(&e.node, &c->q.waiters);
		set_task_state(state);
		err = wait_signal_check(state);
		if (err)
			break;
		irq_unlock(&c->q.lock);
		schedule();
		irq_lock(&c->q.lock);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	list_del_init(&e.node);
	if (c->done) {
		err = 0;
		if (c->done < DONE_ALL)
			c->done--;
	}
	irq_unlock(&c->q.lock);
	return err;
}

void wait_for_completion(struct completion *c)
{
	/* without signals in the state it cannot fail */
	ignore_error(wait_state(c, TASK_UNINTERRUPTIBLE));
}

int wait_for_completion_killable(struct completion *c)
{
	return wait_state(c, TASK_KILLABLE);
}
