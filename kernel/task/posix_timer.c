/*
 * posix_timer - clocks by number, and the timers of timer_create(2).
 *
 * Theory:  a timer owns the queue entry of its signal, so it can always be
 *          delivered.  While the entry is pending, further expirations only
 *          count; when it is taken the count becomes the overrun and the
 *          next expiration is armed.  A signal that waits outlives a new
 *          setting, and stands for its first expiration too; it also outlives
 *          the timer.  Timers on CPU clocks are not armed: the tick compares
 *          them.  A relative CLOCK_REALTIME timer counts
 *          on the monotonic clock: only absolute ones follow a step.
 * Locks:   sighand->lock for everything; a timer that is being deleted is
 *          first taken off the list, then its function waited for.
 * Context: the function runs in interrupts.
 */
#include "task_impl.h"

#include <fs/seq.h>
#include <kernel/hart.h>
#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <task/posix_timer.h>

struct posix_timer {
	struct list node;	/* process.posix_timers. siglock */
	struct timer timer;
	struct process *process;	/* const */
	struct task *target;	/* SIGEV_THREAD_ID; owns a reference */
	struct task *cpu_task;	/* thread clock; owns a reference */
	struct process *cpu_process;	/* of which CPU clock; lives as long
					 * as cpu_leader */
	struct task *cpu_leader;	/* owns a reference */
	struct sigqueue *q;	/* NULL: SIGEV_NONE */
	int id, clock;		/* const */
	int notify, signo;	/* as asked for. const */
	u64 value;		/* const */
	u64 expires, interval;	/* of clock_of(), ns; 0: off */
	bool is_stale;		/* the signal that waits is of an old setting */
	int merged;		/* expirations it stands for besides its own */
	int overrun;		/* of the last signal taken */
};

/* --- clocks --------------------------------------------------------------------*/

/* Negative ids: pid and kind in one number, as clock_getcpuclockid makes. */
#define CPUCLOCK_PID(c) ((int)~((c) >> 3))
#define CPUCLOCK_PER_THREAD(c) ((c) & 4)
#define CPUCLOCK_WHICH(c) ((c) & 3)
#define CPUCLOCK_FD 3

bool clock_is_cpu(int clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID ||
	       clock == CLOCK_THREAD_CPUTIME_ID;
}

/* Whose clock: a referenced task. */
static int cpu_clock_task(int clock, struct task **out, bool *is_thread)
{
	int pid;

	*is_thread = clock == CLOCK_THREAD_CPUTIME_ID ||
		     (clock < 0 && CPUCLOCK_PER_THREAD(clock));
	if (clock < 0 && CPUCLOCK_WHICH(clock) == CPUCLOCK_FD)
		return -EINVAL;
	pid = clock < 0 ? CPUCLOCK_PID(clock) : 0;
	if (!pid) {
		*out = task_get(*is_thread ? current : current->group_leader);
		return 0;
	}
	*out = task_find_get(pid);
	if (!*out)
		return -EINVAL;
	if (*is_thread ? (*out)->process == current->process :
			 task_is_leader(*out))
		return 0;
	task_put(*out);
	return -EINVAL;
}

static u64 cpu_clock_of(struct task *t, bool is_thread, int which)
{
	u64 user, sys;

	if (is_thread) {
		if (which == 2 || which == CPUCLOCK_FD)
			return task_run_ns(t);
		task_times(t, &user, &sys);
	} else {
		if (which == 2 || which == CPUCLOCK_FD)
			return process_run_ns(t->process);
		process_times(t->process, &user, &sys);
	}
	return which == 1 ? user : user + sys;
}

static int cpu_which(int clock)
{
	return clock < 0 ? CPUCLOCK_WHICH(clock) : 2;
}

static u64 coarse_ns(void)
{
	u64 ns = clock_ns();

	return ns - ns % CLOCK_COARSE_NS;
}

int clock_read(int clock, u64 *ns)
{
	struct task *t;
	bool is_thread;
	int err;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = clock_realtime_ns();
		return 0;
	/* Cut as the vDSO does: who asks both ways sees no step back. */
	case CLOCK_REALTIME_COARSE:
		*ns = clock_realtime_at(coarse_ns());
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*ns = coarse_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = task_run_ns(current);
		return 0;
	}
	if (!clock_is_cpu(clock))
		return -EINVAL;
	err = cpu_clock_task(clock, &t, &is_thread);
	if (err)
		return err;
	*ns = cpu_clock_of(t, is_thread, cpu_which(clock));
	task_put(t);
	return 0;
}

int clock_resolution(int clock, u64 *ns)
{
	struct task *t;
	bool is_thread;
	int err;

	*ns = 1;
	if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE) {
		*ns = CLOCK_COARSE_NS;
		return 0;
	}
	if (clock >= 0)
		return clock <= CLOCK_TAI && clock != 10 ? 0 : -EINVAL;
	err = cpu_clock_task(clock, &t, &is_thread);
	if (!err)
		task_put(t);
	return err;
}

u64 clock_to_monotonic(int clock, u64 ns)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_ALARM &&
	    clock != CLOCK_TAI)
		return ns;
	if (ns >= (u64)S64_MAX)
		return ns;
	return max(clock_realtime_to_monotonic(ns), 1ull);
}

/* Its signal is queued and not taken yet. */
static bool is_pending(const struct posix_timer *pt)
{
	return pt->q && !list_empty(&pt->q->node);
}

/* --- expiry ---------------------------------------------------------------------*/

static struct task *receiver(struct posix_timer *pt)
{
	return pt->target ? pt->target : pt->process->leader;
}

static u64 clock_of(struct posix_timer *pt)
{
	if (clock_is_cpu(pt->clock))
		return cpu_clock_of(pt->cpu_leader, pt->cpu_task != NULL,
				    cpu_which(pt->clock));
	return pt->timer.clock == TIMER_REALTIME ? clock_realtime_ns() :
						   clock_ns();
}

static void arm_locked(struct posix_timer *pt)
{
	if (clock_is_cpu(pt->clock)) {
		pt->process->cpu_timers = true;
		pt->cpu_process->cpu_timers = true;
	} else {
		timer_start(&pt->timer, pt->expires);
	}
}

/* Moves expires beyond now; how many intervals were passed. */
static u64 forward_locked(struct posix_timer *pt, u64 now)
{
	u64 n;

	if (!pt->interval || now < pt->expires)
		return 0;
	n = (now - pt->expires) / pt->interval + 1;
	pt->expires += n * pt->interval;
	return n;
}

/* It expired: signals, or counts while the last signal waits. */
static void fire_locked(struct posix_timer *pt)
{
	int r;

	if (!pt->q) {
		if (!pt->interval)
			pt->expires = 0;
		return;
	}
	if (is_pending(pt)) {
		pt->merged += pt->is_stale;
		pt->is_stale = false;
		return;
	}
	r = sigqueue_send_locked(pt->q, receiver(pt),
				 pt->target ? SIG_TO_THREAD : SIG_TO_PROCESS);
	if (r) {
		/* Ignored: goes on without. */
		if (forward_locked(pt, clock_of(pt)))
			arm_locked(pt);
		else
			pt->expires = 0;
	}
}

static void timer_fired(struct timer *tm) __no_analysis
{
	struct posix_timer *pt = container_of(tm, struct posix_timer, timer);
	struct sighand *s = task_lock_sighand(receiver(pt));

	if (!s)
		return;
	if (pt->expires && !timer_is_armed(tm))
		fire_locked(pt);
	irq_unlock(&s->lock);
}

void posix_timer_taken_locked(struct sigqueue *q, struct siginfo *info)
{
	struct posix_timer *pt;
	u64 n;

	list_for_each_entry(pt, &current->process->posix_timers, node)
		if (pt->q == q)
			goto found;
	return;
found:
	info->timer.sys_private = 0;
	info->timer.overrun = pt->merged;
	pt->merged = 0;
	if (pt->is_stale) {
		pt->is_stale = false;
		return;
	}
	n = forward_locked(pt, clock_of(pt));
	pt->overrun = (int)min(n ? n - 1 : 0, (u64)INT_MAX - 1);
	info->timer.overrun += pt->overrun;
	if (pt->interval && pt->expires)
		arm_locked(pt);
	else
		pt->expires = 0;
}

bool posix_timers_check_cpu(struct process *p)
{
	struct posix_timer *pt;
	bool more = false;

	list_for_each_entry(pt, &p->posix_timers, node) {
		if (!clock_is_cpu(pt->clock) || !pt->expires)
			continue;
		more = true;
		if ((!is_pending(pt) || pt->is_stale) &&
		    clock_of(pt) >= pt->expires)
			fire_locked(pt);
	}
	return more;
}

/* --- creation -------------------------------------------------------------------*/

static int set_cpu_clock(struct posix_timer *pt, int clock)
{
	struct task *t;
	bool is_thread;
	int err;

	if (!clock_is_cpu(clock))
		return 0;
	err = cpu_clock_task(clock, &t, &is_thread);
	if (err)
		return err;
	pt->cpu_leader = t;
	pt->cpu_process = t->process;
	pt->cpu_task = is_thread ? t : NULL;
	/* Only our own ticks look at our timers. */
	if (t->process != current->process)
		return -EOPNOTSUPP;
	return 0;
}

/* /proc/PID/timers */
void posix_timers_show(struct seq *s, struct task *t, const struct pid_ns *ns)
{
	static const char *const how[] = { "signal", "none", "thread" };
	struct sighand *h = task_lock_sighand(t);
	struct posix_timer *pt;

	if (!h)
		return;
	list_for_each_entry(pt, &t->process->posix_timers, node) {
		seq_printf(s, "ID: %d\nsignal: %d/%016llx\n", pt->id, pt->signo,
			   pt->value);
		seq_printf(s, "notify: %s/%s.%d\nClockID: %d\n",
			   how[pt->notify & 3],
			   pt->notify & SIGEV_THREAD_ID ? "tid" : "pid",
			   pid_nr_ns(pt->target ? pt->target->thread_pid :
				     t->process->pids[PIDTYPE_TGID], ns),
			   pt->clock);
	}
	task_unlock_sighand(h);
}

static int set_event(struct posix_timer *pt, const struct sigevent_k *ev)
{
	struct task *t;

	pt->notify = ev->notify;
	pt->signo = ev->signo;
	pt->value = ev->value;
	if (ev->notify == SIGEV_NONE)
		return 0;
	if (ev->signo < 1 || ev->signo > NSIG)
		return -EINVAL;
	if (ev->notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
		t = task_find_get(ev->tid);
		if (!t || t->process != current->process) {
			if (t)
				task_put(t);
			return -EINVAL;
		}
		pt->target = t;
	}
	pt->q = sigqueue_alloc(current, GFP_KERNEL, false);
	if (!pt->q)
		return -EAGAIN;
	pt->q->flags = SIGQUEUE_PREALLOC;
	memset(&pt->q->info, 0, sizeof(pt->q->info));
	pt->q->info.signo = ev->signo;
	pt->q->info.code = SI_TIMER;
	pt->q->info.timer.value = ev->value;
	return 0;
}

static void timer_free(struct posix_timer *pt)
{
	if (pt->target)
		task_put(pt->target);
	if (pt->cpu_leader)
		task_put(pt->cpu_leader);
	if (pt->q)
		sigqueue_free(pt->q);
	kfree(pt);
}

static bool id_is_taken(struct process *p, int id)
{
	struct posix_timer *pt;

	list_for_each_entry(pt, &p->posix_timers, node)
		if (pt->id == id)
			return true;
	return false;
}

static void link_timer(struct posix_timer *pt, const struct sigevent_k *ev)
{
	struct process *p = pt->process;

	irq_lock(p->siglock);
	do {
		pt->id = p->next_timer_id++ & INT_MAX;
	} while (id_is_taken(p, pt->id));
	if (pt->q) {
		pt->q->info.timer.tid = pt->id;
		/* No sigevent given: the id is the value. */
		if (ev->tid == -1)
			pt->q->info.timer.value = (u64)pt->id;
		pt->value = pt->q->info.timer.value;
	}
	list_add(&pt->node, &p->posix_timers);	/* the order of /proc */
	irq_unlock(p->siglock);
}

int posix_timer_create(int clock, const struct sigevent_k *ev, int *id)
{
	bool is_wall = clock == CLOCK_REALTIME ||
		       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
	struct posix_timer *pt;
	int err;

	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
	    clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	if (!clock_is_cpu(clock) && (clock > CLOCK_TAI || clock == 10))
		return -EINVAL;
	/* One of four; THREAD_ID goes with SIGEV_SIGNAL alone. */
	if ((u32)ev->notify > SIGEV_THREAD_ID ||
	    ev->notify == (SIGEV_NONE | SIGEV_THREAD))
		return -EINVAL;
	pt = kzalloc(sizeof(*pt), GFP_KERNEL);
	if (!pt)
		return -EAGAIN;
	pt->process = current->process;
	pt->clock = clock;
	timer_init_clock(&pt->timer, timer_fired,
			 is_wall ? TIMER_REALTIME : TIMER_MONOTONIC);
	err = set_cpu_clock(pt, clock);
	if (!err)
		err = set_event(pt, ev);
	if (err) {
		timer_free(pt);
		return err;
	}
	link_timer(pt, ev);
	*id = pt->id;
	return 0;
}

/* --- use -----------------------------------------------------------------------------*/

static struct posix_timer *find_locked(int id)
{
	struct posix_timer *pt;

	list_for_each_entry(pt, &current->process->posix_timers, node)
		if (pt->id == id)
			return pt;
	return NULL;
}

static void read_locked(struct posix_timer *pt, u64 *value, u64 *interval)
{
	u64 now = clock_of(pt), end = pt->expires;

	*interval = pt->interval;
	/* While its signal waits it counts on as if it were armed. */
	if (end && pt->interval && (is_pending(pt) || !pt->q) && now >= end)
		end += ((now - end) / pt->interval + 1) * pt->interval;
	if (!end)
		*value = 0;
	else if (end > now)
		*value = end - now;
	else
		*value = pt->q ? 1 : 0;
}

int posix_timer_get(int id, u64 *value, u64 *interval)
{
	struct process *p = current->process;
	struct posix_timer *pt;

	irq_lock(p->siglock);
	pt = find_locked(id);
	if (pt)
		read_locked(pt, value, interval);
	irq_unlock(p->siglock);
	return pt ? 0 : -EINVAL;
}

static void start_locked(struct posix_timer *pt, int flags, u64 value,
			 u64 interval)
{
	pt->expires = 0;
	pt->interval = interval;
	pt->overrun = 0;
	timer_cancel(&pt->timer);
	pt->is_stale = is_pending(pt);
	if (!pt->is_stale)
		pt->merged = 0;
	if (!value)
		return;
	if (pt->clock == CLOCK_REALTIME)
		timer_set_clock(&pt->timer, flags & TIMER_ABSTIME ?
				TIMER_REALTIME : TIMER_MONOTONIC);
	pt->expires = flags & TIMER_ABSTIME ? value : clock_of(pt) + value;
	arm_locked(pt);
}

int posix_timer_set(int id, int flags, u64 value, u64 interval,
		    u64 *old_value, u64 *old_interval)
{
	struct process *p = current->process;
	struct posix_timer *pt;

	irq_lock(p->siglock);
	pt = find_locked(id);
	if (pt) {
		read_locked(pt, old_value, old_interval);
		start_locked(pt, flags, value, interval);
	}
	irq_unlock(p->siglock);
	return pt ? 0 : -EINVAL;
}

int posix_timer_clock(int id)
{
	struct process *p = current->process;
	struct posix_timer *pt;
	int clock = CLOCK_REALTIME;

	irq_lock(p->siglock);
	pt = find_locked(id);
	if (pt)
		clock = pt->clock;
	irq_unlock(p->siglock);
	return clock;
}

int posix_timer_overrun(int id)
{
	struct process *p = current->process;
	struct posix_timer *pt;
	int n = -EINVAL;

	irq_lock(p->siglock);
	pt = find_locked(id);
	if (pt)
		n = pt->overrun;
	irq_unlock(p->siglock);
	return n;
}

/* Off the list; nothing arms it any more.  A signal that waits is its queue's
 * from now on. */
static void unlink_locked(struct posix_timer *pt)
{
	list_del(&pt->node);
	pt->expires = 0;
	if (is_pending(pt)) {
		sigqueue_free(pt->q);
		pt->q = NULL;
	}
}

static void destroy(struct posix_timer *pt)
{
	timer_cancel_sync(&pt->timer);
	timer_free(pt);
}

int posix_timer_delete(int id)
{
	struct process *p = current->process;
	struct posix_timer *pt;

	irq_lock(p->siglock);
	pt = find_locked(id);
	if (pt)
		unlink_locked(pt);
	irq_unlock(p->siglock);
	if (!pt)
		return -EINVAL;
	destroy(pt);
	return 0;
}

void posix_timers_delete_all(struct process *p)
{
	struct posix_timer *pt;

	for (;;) {
		irq_lock(p->siglock);
		pt = list_first_entry_or_null(&p->posix_timers,
					      struct posix_timer, node);
		if (pt)
			unlink_locked(pt);
		irq_unlock(p->siglock);
		if (!pt)
			return;
		destroy(pt);
	}
}

/* A CPU clock has no interrupt of its own: sleeps for at least what is
 * missing at full speed on all harts, and looks again. */
int cpu_clock_sleep(int clock, u64 deadline_ns)
{
	u64 now;
	int err;

	for (;;) {
		err = clock_read(clock, &now);
		if (err)
			return err;
		if (now >= deadline_ns)
			return 0;
		err = sleep_until_intr(clock_ns() + max(
			(deadline_ns - now) / nr_harts, NSEC_PER_MSEC));
		if (err)
			return err;
	}
}
