#pragma once
/* What the files of kernel/signal/ share among themselves. */
#include <kernel/spinlock.h>
#include <lib/bitmap.h>
#include <lib/errno.h>
#include <signal/signal.h>
#include <task/cred.h>
#include <task/pid.h>
#include <task/process.h>

/* Drops the signals of mask from one queue. siglock held. */
void pending_drop(struct sigpending *p, u64 mask);
/* As pending_drop for the process and each of its threads. */
void process_drop_signals(struct process *p, u64 mask);
/* Others of current's group get the shared ones of `which` instead of it. */
void retarget_shared(struct task *t, u64 which);
/* Counts current out of a group stop; true: it was the last. siglock. */
bool participate_in_stop(struct task *t);
/* Tells the parent of a stop or continuation. tasklist_lock held. */
void notify_parent_stop(struct task *t, int why);
/* The same for t alone and its tracer. */
void notify_tracer_stop(struct task *t, int why);
/* Does a pending trap.  siglock held, dropped for the stop. */
void ptrace_trap_relock(struct sighand *s) __must_hold(&s->lock);
/* Shows a signal to the tracer: what is to be delivered, 0: nothing. */
int ptrace_signal_relock(struct sighand *s, int sig, struct siginfo *info)
	__must_hold(&s->lock);
/* tasklist_lock held. 0, -ESRCH. */
int pgrp_send_locked(int sig, struct siginfo *info, struct pid *pgrp);

static inline bool sig_in(u64 set, int sig)
{
	return set >> (sig - 1) & 1;
}

static inline bool is_blocked(const struct task *t, int sig)
{
	return sig_in(t->blocked | t->real_blocked, sig);
}
