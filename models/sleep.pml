/*
 * sleep - a task sleeps until a condition holds; wakers make it hold.
 *
 * Models: wait_prepare(), wait_finish(), waitq_wake(), detach() of
 *	kernel/waitq.c with wait_event_state() and waitq_active() of
 *	kernel/waitq.h; task_wake_state(), wake_locked(), wake_queued(),
 *	wake_on(), schedule_once(), block(), finish_switch() of sched/core.c.
 * Holds: the sleeper does not sleep for ever; it is never put on a run queue
 *	twice, and never runs on two harts.
 * Broken by: NO_WAKER_FENCE NO_SLEEPER_FENCE NO_LOOK_AGAIN NO_PI_LOOK
 *	NO_ON_HART NO_EXIT_LOCK
 *
 * One task sleeps; one waker makes the condition true and wakes the queue;
 * another (a signal, a timer) wakes the task whether or not it holds.
 */
#include "locks.inc"

#ifdef NO_WAKER_FENCE
#define WAKER UNFENCED
#else
#define WAKER FENCED
#endif
#ifdef NO_SLEEPER_FENCE
#define SLEEPER UNFENCED
#else
#define SLEEPER FENCED
#endif

bool cond;			/* what is waited for */
bool queued;			/* the entry is on the wait queue */
bool asleep;			/* task.state is not TASK_RUNNING */
bool on_rq = true;		/* runnable */
bool on_hart = true;		/* its registers are in a hart, not in memory */
bool dead;			/* task.state is TASK_DEAD */
bool q_lock, pi_lock, rq_lock;

/* The tail of schedule_once(), in the context of the next task. */
inline switch_away()
{
	on_hart = false;
	unlock(rq_lock);
	/* Later, on any hart: whoever finds it on the run queue runs it. */
	atomic { on_rq -> on_hart = true }
}

inline schedule_()
{
	lock(rq_lock);
	if
	:: asleep ->
		on_rq = false;		/* block() */
		switch_away()
	:: else -> unlock(rq_lock)
	fi
}

inline task_wake()
{
	woken = false;
	if
	:: asleep ->
		lock(pi_lock);
		if
#ifdef NO_PI_LOOK
		:: true
#else
		:: asleep
#endif
		   -> wake_locked()
		:: else
		fi;
		unlock(pi_lock)
	:: else
	fi
}

inline wake_locked()
{
	woken = true;
	was_queued = false;
	if
	:: on_rq ->			/* wake_queued() */
		lock(rq_lock);
		was_queued = on_rq;
		if
		:: was_queued -> asleep = false
		:: else
		fi;
		unlock(rq_lock)
	:: else
	fi;
	if
	:: !was_queued ->
#ifndef NO_ON_HART
		!on_hart;
#endif
		atomic {	/* wake_on(), the run queue of another hart */
			assert(!on_rq && !on_hart && !dead);
			on_rq = true;
			asleep = false
		}
	:: else
	fi
}

active proctype sleeper()
{
	bool done = false;

	do
	:: !done ->
		lock(q_lock);		/* wait_prepare() */
		queued = true;
		unlock(q_lock);
		SLEEPER(asleep = true, done = cond);
#ifdef NO_LOOK_AGAIN
		done = false;
#endif
		if
		:: !done -> schedule_(); done = cond
		:: else
		fi
	:: else -> break
	od;
	asleep = false;			/* wait_finish() */
	if
	:: queued ->
		lock(q_lock);
		queued = false;
		unlock(q_lock)
	:: else
	fi;
#ifndef NO_EXIT_LOCK
	lock(pi_lock);			/* sched_exit() */
#endif
	dead = true;
#ifndef NO_EXIT_LOCK
	unlock(pi_lock);
#endif
	lock(rq_lock);
	on_rq = false;
	on_hart = false;
	unlock(rq_lock)
}

active proctype waker()
{
	bool is_active, woken, was_queued;

	WAKER(cond = true, is_active = queued);
	if
	:: is_active ->
		lock(q_lock);
		if
		:: queued ->
			task_wake();
			if
			:: woken -> queued = false	/* detach() */
			:: else
			fi
		:: else
		fi;
		unlock(q_lock)
	:: else
	fi
}

active proctype signal()
{
	bool woken, was_queued;

	task_wake()
}
