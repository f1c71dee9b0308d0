/*
 * itimer - interval timers of a process (setitimer(2)), and the watch over
 * its CPU clocks.
 *
 * Theory:  ITIMER_REAL is one hardware-backed timer.  It is armed again when
 *          its signal is taken, not when it fires, so that a tiny interval
 *          costs no more than the program can use.  ITIMER_VIRTUAL and
 *          ITIMER_PROF, RLIMIT_CPU and CPU-time POSIX timers are looked at by
 *          the scheduler's tick while process.cpu_timers says so.
 * Locks:   sighand->lock.
 * Context: the timer function and the tick run in interrupts.
 */
#include "task_impl.h"

#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <task/fork.h>
#include <task/init.h>

static void real_timer_fired(struct timer *tm)
{
	struct process *p = container_of(tm, struct process, real_timer);

	ignore_error(signal_send(SIGALRM, SIG_INFO_KERNEL, p->leader,
				 SIG_TO_PROCESS));
}

void itimer_process_init(struct process *p)
{
	timer_init(&p->real_timer, real_timer_fired);
}

void itimer_rearm_locked(struct process *p)
{
	u64 now, next;

	if (!p->real_interval || timer_is_armed(&p->real_timer))
		return;
	now = clock_ns();
	next = p->real_timer.deadline_ns + p->real_interval;
	if (next <= now)
		next += (now - next) / p->real_interval * p->real_interval +
			p->real_interval;
	timer_start(&p->real_timer, next);
}

static u64 cpu_clock(struct process *p, int which)
{
	u64 user, sys;

	process_times(p, &user, &sys);
	return which == ITIMER_VIRTUAL ? user : user + sys;
}

void itimer_get(int which, u64 *left, u64 *interval)
{
	struct process *p = current->process;
	u64 now, end;

	irq_lock(p->siglock);
	if (which == ITIMER_REAL) {
		*interval = p->real_interval;
		*left = timer_remaining_ns(&p->real_timer);
		/* It has fired, the signal waits: soon, but not never. */
		if (!*left && timer_is_armed(&p->real_timer))
			*left = NSEC_PER_USEC;
	} else {
		now = cpu_clock(p, which);
		end = p->cpu_itimer[which - 1].expires;
		*interval = p->cpu_itimer[which - 1].incr;
		*left = !end ? 0 : end > now ? end - now : NSEC_PER_USEC;
	}
	irq_unlock(p->siglock);
}

static void set_real(struct process *p, u64 value, u64 interval)
{
	/* Nobody arms it again who takes an old signal. */
	irq_lock(p->siglock);
	p->real_interval = 0;
	irq_unlock(p->siglock);
	/* Not under siglock: the function takes it. */
	timer_cancel_sync(&p->real_timer);
	irq_lock(p->siglock);
	p->real_interval = value ? interval : 0;
	if (value)
		timer_start(&p->real_timer, clock_ns() + value);
	irq_unlock(p->siglock);
}

void itimer_set(int which, u64 value, u64 interval)
{
	struct process *p = current->process;

	if (which == ITIMER_REAL) {
		set_real(p, value, interval);
		return;
	}
	irq_lock(p->siglock);
	p->cpu_itimer[which - 1].expires =
		value ? cpu_clock(p, which) + value : 0;
	p->cpu_itimer[which - 1].incr = interval;
	if (value)
		p->cpu_timers = true;
	irq_unlock(p->siglock);
}

/* --- the tick -----------------------------------------------------------------*/

static bool check_itimer(struct process *p, struct task *t, int which,
			 int sig, u64 now)
{
	u64 *end = &p->cpu_itimer[which - 1].expires;

	if (!*end)
		return false;
	if (now >= *end) {
		u64 incr = p->cpu_itimer[which - 1].incr;

		*end = incr ? now + incr - (now - *end) % incr : 0;
		ignore_error(signal_send_locked(sig, SIG_INFO_KERNEL, t,
						SIG_TO_PROCESS));
	}
	return *end;
}

/* SIGXCPU once a second beyond the soft limit, SIGKILL at the hard one. */
static bool check_rlimit(struct process *p, struct task *t, u64 now)
{
	struct rlimit *r = &p->rlim[RLIMIT_CPU];
	u64 sec = now / NSEC_PER_SEC;

	if (r->cur == RLIM_INFINITY)
		return false;
	if (sec >= r->max) {
		ignore_error(signal_send_locked(SIGKILL, SIG_INFO_KERNEL, t,
						SIG_TO_PROCESS));
		return false;
	}
	if (sec >= r->cur) {
		r->cur = sec + 1;
		ignore_error(signal_send_locked(SIGXCPU, SIG_INFO_KERNEL, t,
						SIG_TO_PROCESS));
	}
	return true;
}

void cpu_timers_tick(struct task *t) __no_analysis
{
	struct process *p = t->process;
	struct sighand *s;
	u64 user, sys;
	bool more;

	if (!p->cpu_timers)
		return;
	s = task_lock_sighand(t);
	if (!s)
		return;
	process_times(p, &user, &sys);
	more = check_itimer(p, t, ITIMER_VIRTUAL, SIGVTALRM, user);
	more |= check_itimer(p, t, ITIMER_PROF, SIGPROF, user + sys);
	more |= check_rlimit(p, t, user + sys);
	more |= posix_timers_check_cpu(p);
	p->cpu_timers = more;
	irq_unlock(&s->lock);
}

/* The last thread exits. */
void process_timers_exit(struct process *p)
{
	timer_cancel_sync(&p->real_timer);
	posix_timers_delete_all(p);
}
