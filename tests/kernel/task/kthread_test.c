/* Kernel tasks: they run, end, are reaped, and nothing is left of them. */
#include <kernel/init.h>
#include <kernel/rcu.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <task/fork.h>
#include <task/process.h>

static struct completion done;
static int runs;

static void count_and_tell(void *arg)
{
	fetch_add(&runs, (int)(long)arg);
	complete(&done);
}

SELFTEST(kthread_runs_and_is_reaped)
{
	struct task *t;
	int tid;

	runs = 0;
	completion_init(&done);
	ST_CHECK(!kthread_create(count_and_tell, (void *)1l, -1, &t, "test"));
	tid = t->tid;
	wait_for_completion(&done);
	ST_CHECK(runs == 1);
	for (int i = 0; i < 10000 && t->sighand; i++)
		sleep_ns(NSEC_PER_MSEC);
	ST_CHECK(t->exit_state == EXIT_DEAD);
	ST_CHECK(!task_find_get(tid));
	task_put(t);
}

SELFTEST(kthread_many_leave_no_task_behind)
{
	int before = task_count();

	runs = 0;
	for (int i = 0; i < 200; i++) {
		completion_init(&done);
		ST_CHECK(!kthread_create(count_and_tell, (void *)1l, -1, NULL,
					 "test"));
		wait_for_completion(&done);
	}
	ST_CHECK(runs == 200);
	for (int i = 0; i < 10000 && task_count() > before; i++)
		sleep_ns(NSEC_PER_MSEC);
	ST_CHECK(task_count() <= before);
}

static void wait_for_kill(void *arg)
{
	struct waitq *q = arg;

	fetch_add(&runs, 1);
	if (wait_event_intr(q, runs == 100))
		fetch_add(&runs, 1000);
	complete(&done);
}

SELFTEST(kthread_ignores_signals)
{
	struct waitq q;
	struct task *t;

	waitq_init(&q);
	runs = 0;
	completion_init(&done);
	ST_CHECK(!kthread_create(wait_for_kill, &q, -1, &t, "test"));
	while (READ_ONCE(runs) != 1)
		sleep_ns(NSEC_PER_MSEC);
	ST_CHECK(!signal_send(SIGKILL, SIG_INFO_KERNEL, t, SIG_TO_PROCESS));
	sleep_ns(5 * NSEC_PER_MSEC);
	ST_CHECK(READ_ONCE(runs) == 1);
	WRITE_ONCE(runs, 100);
	wake_all(&q);
	wait_for_completion(&done);
	ST_CHECK(runs == 100);
	task_put(t);
}

static void note_work(struct work_item *w)
{
	fetch_add(&runs, 7);
}

SELFTEST(task_work_runs_in_order_of_arrival)
{
	struct work_item a = { .fn = note_work }, b = { .fn = note_work };

	runs = 0;
	ST_CHECK(!task_work_add(current, &a));
	ST_CHECK(!task_work_add(current, &b));
	ST_CHECK(b.next == &a);
	task_work_run();
	ST_CHECK(runs == 14);
	flag_clear(&current->work, WORK_NOTIFY);
}
