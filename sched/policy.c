/*
 * policy - policies, priorities, affinity, and what a new task inherits.
 *
 * Theory:  a task has a static priority (its nice value), a normal one (by
 *          its policy) and an effective one: the best of the normal one and
 *          of what others lend it.  prio is the effective one: below 0
 *          deadline, 0..99 real time (0 is best), 100..139 fair.  A change
 *          takes the task off its queue, changes it, and puts it back, under
 *          pi_lock and the queue's lock, with se.on_rq left as it is.
 *
 *          Who may lend: waiters for the mutexes a task holds (pi_mutexes,
 *          see kernel/mutex.c), and floor 5's PI futexes (lent_prio).
 * Locks:   pi_lock, then runq.lock.
 */
#include "sched_impl.h"

#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <lib/parse.h>
#include <lib/string.h>

struct task *(*sched_idle_alloc_hook)(u32 hart);
struct cpumask sched_isolated;
void (*sched_prio_hook)(struct task *t);

int normal_prio(const struct task *t)
{
	if (t->policy == SCHED_DEADLINE)
		return -1;
	if (t->policy == SCHED_FIFO || t->policy == SCHED_RR)
		return MAX_RT_PRIO - 1 - (int)t->rt_priority;
	return t->static_prio;
}

static bool is_rt_policy(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_fair_policy(u32 policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH ||
	       policy == SCHED_IDLE;
}

/* pi_lock held. */
static int effective_prio(struct task *t)
{
	return min3(t->normal_prio, t->lent_prio, mutex_lent_prio(t));
}

/* --- changing a task that may be queued or running ----------------------------- */

/* Takes it out of its class; to be followed by change_end(). */
static struct runq *change_begin(struct task *t) __must_hold(&t->pi_lock)
	__no_analysis
{
	struct runq *rq = task_runq_lock(t);

	runq_update(rq, clock_ns());
	if (t->se.on_rq)
		class_dequeue(rq, t);
	return rq;
}

static void change_end(struct runq *rq, struct task *t, int old_prio)
	__no_analysis
{
	bool is_running = is_on_hart(rq, t);

	fair_set_weight(t);
	if (t->se.on_rq) {
		/* one that loses importance goes before its new equals */
		class_enqueue(rq, t, t->prio > old_prio);
		if (is_running && is_fair_task(t))
			fair_set_curr(rq, t);
		if (is_running)
			runq_resched(rq);
		else
			runq_check_preempt(rq, t, false);
	}
	irq_unlock(&rq->lock);
}

/* True if the effective priority is another one now. */
bool sched_update_prio(struct task *t)
{
	int prio = effective_prio(t), old = t->prio;
	struct runq *rq;

	assert_irq_held(&t->pi_lock);
	if (prio == old)
		return false;
	rq = change_begin(t);
	t->prio = prio;
	change_end(rq, t, old);
	return true;
}

void sched_set_effective_prio(struct task *t, int prio)
{
	bool changed;

	irq_lock(&t->pi_lock);
	t->lent_prio = prio;
	changed = sched_update_prio(t);
	irq_unlock(&t->pi_lock);
	if (changed)
		mutex_prio_changed(t);
}

/* Where t waits its place may be another one now. */
static void prio_was_set(struct task *t)
{
	mutex_prio_changed(t);
	if (unlikely(READ_ONCE(t->futex_pi.wait)))
		sched_prio_hook(t);
}

/* --- sched_setattr and kin ------------------------------------------------------ */

int sched_check(const struct sched_params *p)
{
	if (p->flags & ~(u64)(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM |
			      SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS))
		return -EINVAL;
	if (p->flags & SCHED_FLAG_RECLAIM)
		return -EINVAL;		/* no reclaiming of bandwidth */
	if (p->policy == SCHED_DEADLINE)
		return dl_check(p);
	if (is_rt_policy(p->policy))
		return p->priority < 1 || p->priority > MAX_RT_PRIO - 1 ?
			       -EINVAL : 0;
	return is_fair_policy(p->policy) && !p->priority ? 0 : -EINVAL;
}

void sched_set_slack(struct task *t, u64 ns)
{
	if (!is_fair_policy(t->policy))
		ns = 0;
	else if (!ns)
		ns = t->default_slack_ns;
	WRITE_ONCE(t->timer_slack_ns, ns);
}

static void set_params(struct task *t, const struct sched_params *p)
{
	t->policy = p->policy;
	sched_set_slack(t, t->timer_slack_ns);
	t->rt_priority = is_rt_policy(p->policy) ? p->priority : 0;
	if (is_fair_policy(p->policy))
		t->static_prio = NICE_TO_PRIO(clamp(p->nice, -20, 19));
	if (p->policy != SCHED_DEADLINE)
		return;
	t->se.dl_runtime = p->runtime;
	t->se.dl_deadline = p->deadline;
	t->se.dl_period = p->period ? p->period : p->deadline;
	t->se.dl_left = 0;
	/* a period that is over: a fresh start when queued */
	t->se.dl_abs = 0 - t->se.dl_period;
}

static int set_locked(struct task *t, const struct sched_params *p)
	__must_hold(&t->pi_lock)
{
	struct runq *rq;
	int old = t->prio, err = 0;

	/* who is dying has given its share back, and will not again */
	if (p->policy == SCHED_DEADLINE && t->flags & TF_EXITING)
		return -ESRCH;
	/* a deadline task must be free to run on every hart */
	if (p->policy == SCHED_DEADLINE &&
	    (READ_ONCE(online_harts.bits) & ~t->allowed.bits))
		return -EPERM;
	if (!(p->flags & SCHED_FLAG_KEEP_PARAMS))
		err = dl_admit(t, p->policy == SCHED_DEADLINE ? p : NULL);
	if (err)
		return err;
	rq = change_begin(t);
	t->reset_on_fork = p->flags & SCHED_FLAG_RESET_ON_FORK;
	/* Linux keeps the policy too: it is one of the parameters. */
	if (!(p->flags & SCHED_FLAG_KEEP_PARAMS))
		set_params(t, p);
	t->normal_prio = normal_prio(t);
	t->prio = effective_prio(t);
	t->se.slice_start = t->se.sum_exec;
	change_end(rq, t, old);
	return 0;
}

int sched_set(struct task *t, const struct sched_params *p)
{
	int err = sched_check(p);

	if (err)
		return err;
	irq_lock(&t->pi_lock);
	err = set_locked(t, p);
	irq_unlock(&t->pi_lock);
	if (!err)
		prio_was_set(t);
	return err;
}

void sched_get(struct task *t, struct sched_params *p)
{
	struct runq *rq;

	*p = (struct sched_params){ 0 };
	irqs_off();
	rq = task_runq_lock(t);
	assert_irq_held(&rq->lock);
	p->policy = t->policy;
	p->flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	p->priority = t->rt_priority;
	if (is_fair_policy(t->policy)) {
		p->nice = task_nice(t);
		p->runtime = t->se.slice_ns;
	}
	if (t->policy == SCHED_DEADLINE) {
		p->runtime = t->se.dl_runtime;
		p->deadline = t->se.dl_deadline;
		p->period = t->se.dl_period;
	}
	irq_unlock(&rq->lock);
	irqs_on();
}

void sched_set_nice(struct task *t, int nice)
{
	struct runq *rq;
	int old;

	irq_lock(&t->pi_lock);
	old = t->prio;
	rq = change_begin(t);
	t->static_prio = NICE_TO_PRIO(clamp(nice, -20, 19));
	t->normal_prio = normal_prio(t);
	t->prio = effective_prio(t);
	change_end(rq, t, old);
	irq_unlock(&t->pi_lock);
	prio_was_set(t);
}

u64 sched_rr_interval_ns(struct task *t)
{
	switch (t->policy) {
	case SCHED_RR:
		return (u64)READ_ONCE(sysctl_sched_rr_timeslice_ms) *
		       NSEC_PER_MSEC;
	case SCHED_FIFO:
	case SCHED_DEADLINE:
		return 0;
	default:
		return t->se.slice_ns;
	}
}

/* --- affinity ------------------------------------------------------------------ */

/* Both queues' locks in address order; t is queued, not running, on rq. */
static void migrate_queued(struct task *t)
{
	struct hart *to = select_hart_among(t, t->allowed.bits);
	struct runq *rq;

	for (;;) {
		rq = t->hart->rq;
		irq_lock_pair(&rq->lock, &to->rq->lock);
		if (t->hart == rq->hart)
			break;
		irq_unlock_pair(&rq->lock, &to->rq->lock);
	}
	if (t->se.on_rq && is_on_hart(rq, t)) {
		runq_resched(rq);	/* evicted at its switch */
	} else if (t->se.on_rq && rq != to->rq) {
		runq_update(rq, clock_ns());
		runq_update(to->rq, clock_ns());
		class_dequeue(rq, t);
		WRITE_ONCE(t->hart, to);
		class_enqueue(to->rq, t, false);
		runq_check_preempt(to->rq, t, false);
	}
	irq_unlock_pair(&rq->lock, &to->rq->lock);
}

/* Runnable on a hart that it may not use: it is on its way. */
static bool is_astray(const struct task *t)
{
	return !is_allowed(t, READ_ONCE(t->hart)) &&
	       (READ_ONCE(t->state) == TASK_RUNNING ||
		READ_ONCE(t->se.on_rq) || READ_ONCE(t->on_hart));
}

/*
 * Under its queue's lock: who pulls or pushes it looks at the mask under that
 * lock and no other, and must not move it to where it may no longer be.
 */
static bool set_allowed(struct task *t, struct cpumask mask)
	__must_hold(&t->pi_lock) __no_analysis
{
	struct runq *rq = task_runq_lock(t);
	bool stays = cpumask_test(&mask, rq->hart->id);

	t->allowed = mask;
	irq_unlock(&rq->lock);
	return stays;
}

int sched_set_affinity(struct task *t, struct cpumask mask)
{
	int err = 0;

	mask.bits &= READ_ONCE(online_harts.bits);
	if (!mask.bits)
		return -EINVAL;
	irq_lock(&t->pi_lock);
	if (t->flags & TF_NO_SETAFF) {
		err = -EINVAL;
	} else if (t->policy == SCHED_DEADLINE &&
		   mask.bits != READ_ONCE(online_harts.bits)) {
		err = -EBUSY;
	} else {
		if (!set_allowed(t, mask))
			migrate_queued(t);
	}
	irq_unlock(&t->pi_lock);
	/* it leaves at its next switch, which was asked for just now */
	while (!err && is_astray(t)) {
		if (t == current)
			schedule();
		else
			cond_resched();
		cpu_relax();
	}
	return err;
}

/* --- new and dead tasks ---------------------------------------------------------- */

static void task_sched_init(struct task *t)
{
	irq_lock_init(&t->pi_lock, RANK_TASK_PI, "task.pi_lock");
	list_init(&t->pi_mutexes);
	list_init(&t->se.rt_node);
	t->blocked_on = NULL;
	t->lent_prio = MAX_PRIO;
	t->se.slice_ns = SLICE_NS;
	/* as if it had called schedule(): sched_first_run() ends it */
	t->preempt_count = 2;
	t->irq_depth = 1;
	t->irqs_masked = 0;
	t->irq_nesting = 0;
	t->on_hart = 0;
	t->state = TASK_NEW;
	t->wait_reason = NULL;
}

static void reset_policy(struct task *t)
{
	t->reset_on_fork = false;
	if (!is_fair_policy(t->policy)) {
		t->policy = SCHED_NORMAL;
		t->rt_priority = 0;
		t->static_prio = DEFAULT_PRIO;
	} else if (task_nice(t) < 0) {
		t->static_prio = DEFAULT_PRIO;
	}
}

int sched_fork(struct task *t)
{
	const struct task *p = current;

	if (p->policy == SCHED_DEADLINE && !p->reset_on_fork)
		return -EAGAIN;
	t->se = (struct sched_entity){ 0 };
	task_sched_init(t);
	t->policy = p->policy;
	t->static_prio = p->static_prio;
	t->rt_priority = p->rt_priority;
	t->reset_on_fork = p->reset_on_fork;
	t->allowed = p->allowed;
	t->hart = p->hart;
	t->nvcsw = t->nivcsw = t->utime_ns = t->stime_ns = 0;
	t->run_delay_ns = t->pcount = t->sampled_exec = 0;
	t->shown_utime = t->shown_stime = 0;
	t->wake_sync = t->contributes_to_load = t->in_iowait = false;
	t->is_in_nr_iowait = false;
	t->sync_misses = p->sync_misses;
	if (p->reset_on_fork)
		reset_policy(t);
	if (is_idle_task(p)) {
		t->policy = SCHED_NORMAL;
		t->static_prio = DEFAULT_PRIO;
	}
	t->normal_prio = normal_prio(t);
	t->prio = t->normal_prio;
	fair_set_weight(t);
	return 0;
}

void sched_dead_accounting(struct task *t)
{
	irq_lock(&t->pi_lock);
	/* giving bandwidth back cannot fail */
	ignore_error(dl_admit(t, NULL));
	irq_unlock(&t->pi_lock);
}

/* --- start-up -------------------------------------------------------------------- */

static void param_isolcpus(const char *value)
{
	unsigned long map = 0;
	const char *p = value;

	/* flags ("domain,", "managed_irq,") stand before the list */
	while (*p && (*p < '0' || *p > '9'))
		p++;
	if (!parse_bitlist(p, &map, MAX_HARTS))
		sched_isolated.bits = map;
}
PARAM("isolcpus", param_isolcpus);

static void adopt_idle(struct hart *h, struct task *t)
{
	h->idle = h->curr = t;
	t->hart = h;
	t->on_hart = 1;
	t->state = TASK_RUNNING;
	t->se.exec_start = clock_ns();
}

static void hart_sched_init(struct hart *h)
{
	timer_init_hart(h);
	rcu_init_hart(h);
	runq_init(h->rq ? h->rq : &per_hart(runqs, h->id), h);
}

struct task *sched_idle_task(u32 i)
{
	struct hart *h = &harts[i];
	struct task *t;

	if (h->idle)
		return h->idle;
	t = sched_idle_alloc_hook ? sched_idle_alloc_hook(i) : NULL;
	if (!t)
		return NULL;
	hart_sched_init(h);
	task_sched_init(t);
	t->preempt_count = t->irq_depth = 0;
	t->irqs_masked = 1;
	t->flags |= TF_KERNEL | TF_IDLE | TF_NO_SETAFF;
	t->static_prio = t->normal_prio = DEFAULT_PRIO;
	t->prio = MAX_PRIO - 1;
	t->allowed.bits = 1ull << i;
	fair_set_weight(t);
	adopt_idle(h, t);
	return t;
}

void sched_init(void)
{
	struct hart *h = &harts[0];

	hart_sched_init(h);
	adopt_idle(h, &boot_task);
	h->online = true;
	cpumask_set(&online_harts, 0);
	if (~sched_isolated.bits)
		boot_task.allowed.bits = ~sched_isolated.bits;
}
