/*
 * queue - pending signals with their information.
 *
 * Theory:  a set says which signals wait; a list carries their siginfo.  A
 *          signal may be in the set without an entry (no memory, SIGKILL):
 *          its siginfo is then empty.  Signals below SIGRTMIN wait once at
 *          most; the others queue, up to RLIMIT_SIGPENDING for each user.
 * Locks:   sighand->lock.
 * Life:    an entry is freed when it is taken; a POSIX timer's belongs to
 *          the timer and is only unlinked.
 */
#include "signal_impl.h"

#include <arch/uaccess.h>
#include <kernel/init.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/init.h>
#include <task/posix_timer.h>

#define SYNCHRONOUS                                                            \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) |                \
	 SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

static struct slab_cache *queue_cache;
static struct slab_cache *sighand_cache;
static struct waitq signalfd_queues[16];

void sigpending_init(struct sigpending *p)
{
	list_init(&p->queue);
	p->set = 0;
}

struct sigqueue *sigqueue_alloc(struct task *t, unsigned gfp, bool override)
{
	struct user_struct *u;
	struct sigqueue *q;
	u64 n;

	rcu_read_lock();
	u = rcu_dereference(t->real_cred)->user;
	if (u != &root_user && !ref_tryget(&u->refs))
		u = &root_user;
	rcu_read_unlock();
	n = (u64)fetch_add_relaxed(&u->sigpending, 1);
	q = NULL;
	if (override || n < task_rlimit(t, RLIMIT_SIGPENDING))
		q = slab_alloc(queue_cache, gfp);
	if (!q) {
		fetch_add_relaxed(&u->sigpending, -1);
		user_put(u);
		return NULL;
	}
	list_init(&q->node);
	q->flags = 0;
	q->user = u;
	return q;
}

static void queue_release(struct sigqueue *q)
{
	fetch_add_relaxed(&q->user->sigpending, -1);
	user_put(q->user);
	slab_free(queue_cache, q);
}

/* A POSIX timer lets its entry go: if queued, the taker frees it. */
void sigqueue_free(struct sigqueue *q)
{
	q->flags &= ~SIGQUEUE_PREALLOC;
	if (list_empty(&q->node))
		queue_release(q);
}

static void queue_unlink(struct sigqueue *q)
{
	list_del_init(&q->node);
	if (!(q->flags & SIGQUEUE_PREALLOC))
		queue_release(q);
}

void sigpending_flush(struct sigpending *p)
{
	struct sigqueue *q, *n;

	p->set = 0;
	list_for_each_entry_safe(q, n, &p->queue, node)
		queue_unlink(q);
}

void pending_drop(struct sigpending *p, u64 mask)
{
	struct sigqueue *q, *n;

	if (!(p->set & mask))
		return;
	p->set &= ~mask;
	list_for_each_entry_safe(q, n, &p->queue, node)
		if (sig_in(mask, q->info.signo))
			queue_unlink(q);
}

static void pending_drop_timers(struct sigpending *p)
{
	u64 gone = 0, others = 0;
	struct sigqueue *q, *n;

	list_for_each_entry_safe(q, n, &p->queue, node) {
		u64 bit = SIGMASK(q->info.signo);

		if (q->info.code != SI_TIMER) {
			others |= bit;
			continue;
		}
		gone |= bit;
		queue_unlink(q);
	}
	p->set &= ~gone | others;
}

void signal_drop_timers(void)
{
	struct sighand *s = current->sighand;

	irq_lock(&s->lock);
	pending_drop_timers(&current->pending);
	pending_drop_timers(&current->process->shared_pending);
	signal_recalc(current);
	irq_unlock(&s->lock);
}

void process_drop_signals(struct process *p, u64 mask)
{
	struct task *t;

	pending_drop(&p->shared_pending, mask);
	for_each_thread(t, p)
		pending_drop(&t->pending, mask);
}

/* Faults first: their handlers must see the registers of the fault. */
static int first_of(u64 set)
{
	if (!set)
		return 0;
	if (set & SYNCHRONOUS)
		set &= SYNCHRONOUS;
	return (int)__ffs64(set) + 1;
}

/* Takes one entry of sig; the set keeps the bit if there are more. */
static void take(struct sigpending *p, int sig, struct siginfo *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each_entry(q, &p->queue, node) {
		if (q->info.signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		p->set &= ~SIGMASK(sig);
	if (!found) {
		memset(info, 0, sizeof(*info));
		info->signo = sig;
		info->code = SI_USER;
		return;
	}
	*info = found->info;
	if (found->flags & SIGQUEUE_PREALLOC) {
		list_del_init(&found->node);
		posix_timer_taken_locked(found, info);
	} else {
		queue_unlink(found);
	}
}

int signal_dequeue_locked(u64 set, struct siginfo *info)
{
	struct task *t = current;
	struct process *p = t->process;
	int sig = first_of(t->pending.set & set);

	if (sig) {
		take(&t->pending, sig, info);
	} else {
		sig = first_of(p->shared_pending.set & set);
		if (!sig)
			return 0;
		take(&p->shared_pending, sig, info);
		if (sig == SIGALRM)
			itimer_rearm_locked(p);
	}
	signal_recalc(t);
	if (sig_in(SIG_STOP_SET, sig))
		t->jobctl |= JOBCTL_STOP_DEQUEUED;
	return sig;
}

u64 signal_pending_set(struct task *t)
{
	return t->pending.set | t->process->shared_pending.set;
}

static bool has_deliverable(struct task *t)
{
	return (t->jobctl & JOBCTL_PENDING) ||
	       (signal_pending_set(t) & ~t->blocked);
}

/* Only the owner takes its marks back: another might race with a look. */
void signal_note_pending(struct task *t)
{
	if (has_deliverable(t))
		flag_set(&t->work, WORK_SIGNAL);
}

void signal_recalc(struct task *t)
{
	if (has_deliverable(t))
		flag_set(&t->work, WORK_SIGNAL);
	else if (t == current && (t->work & (WORK_SIGNAL | WORK_KILL)))
		flag_clear(&t->work, WORK_SIGNAL | WORK_KILL);
	if (t == current && (t->work & WORK_KILL) &&
	    !sig_in(t->pending.set, SIGKILL))
		flag_clear(&t->work, WORK_KILL);
}

void retarget_shared(struct task *t, u64 which)
{
	struct process *p = t->process;
	struct task *o;
	u64 set = p->shared_pending.set & which;

	if (!set)
		return;
	for_each_thread(o, p) {
		if (o == t || (READ_ONCE(o->flags) & TF_EXITING) ||
		    !(set & ~o->blocked))
			continue;
		set &= o->blocked;
		if (!signal_pending(o))
			signal_wake(o, false);
		if (!set)
			break;
	}
}

/* --- struct siginfo and user memory --------------------------------------------*/

int siginfo_to_user(struct siginfo_user __user *to, const struct siginfo *info)
{
	if (copy_to_user(&to->info, info, sizeof(*info)) ||
	    clear_user(to->unused, sizeof(to->unused)))
		return -EFAULT;
	return 0;
}

/* Codes whose fields are ours to know: none of them goes past what we keep. */
static bool is_known_code(int sig, int code)
{
	static const u8 last[] = {
		[SIGILL] = 11, [SIGTRAP] = 6, [SIGBUS] = 5, [SIGFPE] = 15,
		[SIGSEGV] = 10, [SIGCHLD] = 6, [SIGIO] = 6, [SIGSYS] = 2,
	};

	if (code == SI_KERNEL)
		return true;
	if (code <= SI_USER)
		return code >= SI_DETHREAD || code == SI_ASYNCNL;
	if (sig > 0 && sig < (int)ARRAY_SIZE(last) && last[sig])
		return code <= last[sig];
	return code <= last[SIGIO];
}

int siginfo_from_user(struct siginfo *info,
		      const struct siginfo_user __user *from)
{
	u64 rest[sizeof(from->unused) / sizeof(u64)];

	if (copy_from_user(info, &from->info, sizeof(*info)))
		return -EFAULT;
	if (likely(is_known_code(info->signo, info->code)))
		return 0;
	if (copy_from_user(rest, from->unused, sizeof(rest)))
		return -EFAULT;
	for (unsigned i = 0; i < ARRAY_SIZE(rest); i++)
		if (rest[i])
			return -E2BIG;
	return 0;
}

/* --- struct sighand ------------------------------------------------------------*/

/* The lock outlives the object's use: a look-up may try it late. */
static void sighand_ctor(void *obj)
{
	struct sighand *s = obj;

	irq_lock_init(&s->lock, RANK_SIGHAND, "sighand.lock");
}

int sighand_create(struct sighand **out)
{
	struct sighand *s = slab_alloc(sighand_cache, GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	memset(s->action, 0, sizeof(s->action));
	ref_init(&s->refs, 1);
	*out = s;
	return 0;
}

/* An epoll that another process has may wait on after s has gone: the queues
 * belong to nobody, and who is woken looks again. */
struct waitq *sighand_waitq(const struct sighand *s)
{
	return &signalfd_queues[hash_ptr(s, 4)];
}

void sighand_put(struct sighand *s)
{
	if (ref_put(&s->refs))
		slab_free(sighand_cache, s);
}

struct sighand *task_lock_sighand(struct task *t) __no_analysis
{
	struct sighand *s;

	rcu_read_lock();
	for (;;) {
		s = rcu_dereference(t->sighand);
		if (!s)
			break;
		irq_lock(&s->lock);
		if (likely(s == READ_ONCE(t->sighand)))
			break;
		irq_unlock(&s->lock);
	}
	rcu_read_unlock();
	return s;
}

void task_unlock_sighand(struct sighand *s) __no_analysis
{
	irq_unlock(&s->lock);
}

void signal_flush_handlers(struct task *t, bool force_default)
{
	for (int i = 0; i < NSIG; i++) {
		struct sigaction_k *a = &t->sighand->action[i];

		if (force_default || a->handler != SIG_IGN)
			a->handler = SIG_DFL;
		a->flags = 0;
		a->mask = 0;
	}
}

void signal_init(void)
{
	queue_cache = slab_cache_create("sigqueue", sizeof(struct sigqueue), 0,
					SLAB_PANIC, NULL);
	sighand_cache = slab_cache_create("sighand_cache",
					  sizeof(struct sighand), 64,
					  SLAB_PANIC | SLAB_RCU, sighand_ctor);
	for (unsigned i = 0; i < ARRAY_SIZE(signalfd_queues); i++)
		waitq_init(&signalfd_queues[i]);
}
