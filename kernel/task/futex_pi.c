/*
 * futex_pi - futexes whose owner inherits the priority of who waits.
 *
 * Theory:  the word holds the owner's tid, so without contention user code
 *          takes and drops the lock alone.  Who must wait makes the kernel
 *          know the owner: a pi_state with a queue by priority, found through
 *          the waiters in the bucket.  States and waiting tasks form a graph:
 *          state -> owner -> the state it waits for ...  It has no cycle,
 *          since an edge that would close one is refused with -EDEADLK, and
 *          each owner is lent the best priority among the first waiters of
 *          its states.
 *
 *          One lock guards the whole graph, so a walk along a chain sees one
 *          consistent picture.  Contended PI locks are rare, walks short.
 *
 *          Unlocking hands the lock to the first waiter: word, state and
 *          bucket change together.  A dead owner cannot: it leaves the state
 *          without owner, and the first waiter adopts it, writing the word.
 * Locks:   bucket lock, then graph_lock, then a task's pi_lock.
 *          task.futex_pi.owned and .wait change under graph_lock; .exiting
 *          under pi_lock.
 * Life:    a state lives as long as it has waiters.  Its owner needs no
 *          reference: futex_pi_exit_end() takes the state from it.
 */
#include "futex_impl.h"

#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <lib/errno.h>

#define MAX_CHAIN 1024		/* as Linux */

struct pi_state {
	struct hlist_node node;		/* owner->futex_pi.owned. graph_lock */
	struct task *owner;		/* NULL: it died. graph_lock */
	struct list waiters;		/* by priority. graph_lock */
};

enum { PI_ALIVE, PI_EXITING, PI_DEAD };	/* task.futex_pi.exiting */

static struct spinlock graph_lock = SPINLOCK_INIT(RANK_FUTEX_PI, "futex graph");
static struct waitq exit_waitq = WAITQ_INIT(exit_waitq);

/* --- the graph. graph_lock held ------------------------------------------------- */

static struct futex_waiter *first_of(struct pi_state *s)
{
	return list_first_entry_or_null(&s->waiters, struct futex_waiter,
					pi_node);
}

static bool beats(const struct futex_waiter *a, const struct futex_waiter *b)
{
	if (a->prio < 0 && b->prio < 0)
		return (s64)(a->deadline - b->deadline) < 0;
	return a->prio < b->prio;
}

/* Nice values neither order waiters nor are lent, as on Linux. */
static void insert_waiter(struct pi_state *s, struct futex_waiter *w)
{
	int prio = READ_ONCE(w->task->prio);
	struct futex_waiter *p;

	w->prio = prio < MAX_RT_PRIO ? prio : DEFAULT_PRIO;
	w->deadline = READ_ONCE(w->task->se.dl_abs);
	list_for_each_entry_reverse(p, &s->waiters, pi_node)
		if (!beats(w, p))
			break;
	list_add(&w->pi_node, &p->pi_node);	/* p may be the head */
}

static int lent_to(struct task *t)
{
	int best = MAX_PRIO;
	struct pi_state *s;

	hlist_for_each_entry(s, &t->futex_pi.owned, node)
		best = min(best, first_of(s)->prio);
	return best < MAX_RT_PRIO ? best : MAX_PRIO;
}

/* What t is lent may have changed, and then what it lends others. */
static void lend(struct task *t)
{
	struct futex_waiter *w;
	int prio;

	while (t) {
		prio = lent_to(t);
		if (prio == READ_ONCE(t->lent_prio))
			return;
		sched_set_effective_prio(t, prio);
		w = t->futex_pi.wait;
		if (!w)
			return;
		list_del(&w->pi_node);
		insert_waiter(w->pi, w);
		t = w->pi->owner;
	}
}

/* May t wait for s?  Not if the chain of owners leads back to it. */
static int check_chain(struct pi_state *s, const struct task *t)
{
	struct futex_waiter *w;

	for (int i = 0; i < MAX_CHAIN; i++) {
		if (!s->owner)
			return 0;
		if (s->owner == t)
			return -EDEADLK;
		w = s->owner->futex_pi.wait;
		if (!w)
			return 0;
		s = w->pi;
	}
	return -EDEADLK;
}

static void state_add(struct pi_state *s, struct futex_waiter *w)
{
	w->pi = s;
	w->task->futex_pi.wait = w;
	insert_waiter(s, w);
	WRITE_ONCE(w->orphaned, !s->owner);
	lend(s->owner);
}

static void state_orphan(struct pi_state *s)
{
	struct futex_waiter *w = first_of(s);

	WRITE_ONCE(w->orphaned, true);
	task_wake_state(w->task, TASK_NORMAL);
}

/* Frees it unless somebody waits. */
static void state_release(struct pi_state *s)
{
	if (!list_empty(&s->waiters))
		return;
	hlist_del_init(&s->node);
	kfree(s);
}

static void state_unlink(struct futex_waiter *w)
{
	list_del(&w->pi_node);
	w->pi = NULL;
	w->task->futex_pi.wait = NULL;
}

/* w gives up. */
static void state_remove(struct futex_waiter *w)
{
	struct pi_state *s = w->pi;
	struct task *owner = s->owner;

	state_unlink(w);
	if (!owner && !list_empty(&s->waiters))
		state_orphan(s);
	state_release(s);
	lend(owner);
}

/* w becomes the owner. */
static void state_grant(struct futex_waiter *w)
{
	struct pi_state *s = w->pi;
	struct task *old = s->owner;

	state_unlink(w);
	hlist_del_init(&s->node);
	s->owner = w->task;
	hlist_add_head(&s->node, &w->task->futex_pi.owned);
	state_release(s);
	lend(old);
	lend(w->task);
}

/* A new state for the owner that the word names, unless that is on its end. */
static int state_own(struct pi_state *s, struct task *owner)
{
	int err = 0;

	irq_lock(&owner->pi_lock);
	if (owner->futex_pi.exiting == PI_EXITING) {
		err = -EBUSY;
	} else if (owner->futex_pi.exiting == PI_DEAD) {
		err = -ESRCH;
	} else {
		s->owner = owner;
		hlist_add_head(&s->node, &owner->futex_pi.owned);
	}
	irq_unlock(&owner->pi_lock);
	return err;
}

static struct pi_state *state_alloc(void)
{
	struct pi_state *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (s)
		list_init(&s->waiters);
	return s;
}

/* --- trying to take the word. bucket lock and graph_lock held --------------------- */

struct attempt {
	u32 __user *word;
	const struct futex_key *key;
	struct bucket *bucket;		/* of key */
	struct task *task;		/* who wants it */
	bool set_waiters;		/* others will follow */
	struct pi_state *spare;		/* given up when it is used */
	struct pi_state *state;		/* out: to wait in */
	struct task *dying;		/* out: with -EBUSY */
};

static int word_swap(u32 __user *p, u32 from, u32 to)
{
	u32 old;
	int err;

	pagefault_disable();
	err = user_cmpxchg32(p, from, to, &old);
	pagefault_enable();
	if (err)
		return err;
	return old == from ? 0 : -EAGAIN;
}

static struct futex_waiter *find_waiter(struct bucket *b,
					const struct futex_key *k)
{
	struct futex_waiter *w;

	list_for_each_entry(w, &b->queue, node)
		if (key_equal(&w->key, k))
			return w;
	return NULL;
}

/* Others wait already: the word must fit what the kernel knows. */
static int join_state(struct attempt *a, struct futex_waiter *w, u32 v)
{
	struct pi_state *s = w->pi;
	u32 tid = v & FUTEX_TID_MASK;

	if (!s)
		return -EINVAL;
	if (tid || !(v & FUTEX_OWNER_DIED))
		if (!s->owner || tid != (u32)task_vpid(s->owner))
			return -EINVAL;
	a->state = s;
	return check_chain(s, a->task);
}

/* The task that the word names does not exist, or is dead: either its robust
 * list has changed the word by now, or the word is nonsense. */
static int owner_is_gone(struct attempt *a, u32 v)
{
	u32 now;

	if (futex_word_read(&now, a->word))
		return -EFAULT;
	return now == v ? -ESRCH : -EAGAIN;
}

static int make_state(struct attempt *a, u32 v)
{
	struct task *o = task_find_get((int)(v & FUTEX_TID_MASK));
	int err = 0;

	if (!o)
		return owner_is_gone(a, v);
	if (is_kernel_task(o))
		err = -EPERM;
	else if (o->futex_pi.wait)
		err = check_chain(o->futex_pi.wait->pi, a->task);
	if (!err)
		err = state_own(a->spare, o);
	if (err == -EBUSY) {
		a->dying = o;
		return err;
	}
	task_put(o);
	if (err == -ESRCH)
		return owner_is_gone(a, v);
	if (err)
		return err;
	a->state = a->spare;
	a->spare = NULL;
	return 0;
}

/* 1 (TAKEN): it is the task's; 0: it must wait in a->state.  -EFAULT, -EAGAIN and
 * -EBUSY: try_settle(), then once more. */
static int try_word(struct attempt *a)
{
	u32 v, tid = (u32)task_vpid(a->task);
	struct futex_waiter *w;
	int err;

	if (futex_word_read(&v, a->word))
		return -EFAULT;
	if ((v & FUTEX_TID_MASK) == tid)
		return -EDEADLK;
	w = find_waiter(a->bucket, a->key);
	if (w)
		return join_state(a, w, v);
	if (!(v & FUTEX_TID_MASK)) {
		tid |= v & FUTEX_OWNER_DIED;
		tid |= a->set_waiters ? FUTEX_WAITERS : 0;
		err = word_swap(a->word, v, tid);
		return err ? err : 1;
	}
	err = word_swap(a->word, v, v | FUTEX_WAITERS);
	return err ? err : make_state(a, v | FUTEX_WAITERS);
}

/* Without locks: removes what stood in the way.  0: try again. */
static int try_settle(struct attempt *a, int err)
{
	struct task *t = a->dying;

	if (err == -EFAULT)
		return futex_word_fault_in(a->word, true);
	if (err != -EAGAIN && err != -EBUSY)
		return err;
	if (t) {
		a->dying = NULL;
		err = wait_event_killable(&exit_waitq,
					  READ_ONCE(t->futex_pi.exiting) !=
						  PI_EXITING);
		task_put(t);
	}
	cond_resched();
	return fatal_signal_pending(current) ? -ERESTARTNOINTR : 0;
}

/* --- waiting ---------------------------------------------------------------------- */

/* False: it was granted before.  *in_state: it waited for the lock proper. */
static bool give_up(struct futex_waiter *w, bool *in_state) __no_analysis
{
	struct bucket *b = futex_lock_waiter(w);

	if (!b)
		return false;
	spin_lock(&graph_lock);
	*in_state = w->pi;
	if (w->pi)
		state_remove(w);
	spin_unlock(&graph_lock);
	futex_dequeue(w, b);
	spin_unlock(&b->lock);
	return true;
}

static int adopt_locked(struct futex_waiter *w, struct bucket *b)
{
	u32 v, new = (u32)task_vpid(current) | FUTEX_OWNER_DIED;
	struct pi_state *s = w->pi;
	int err;

	if (s->owner || first_of(s) != w) {
		WRITE_ONCE(w->orphaned, false);
		if (!s->owner)
			state_orphan(s);	/* another was boosted past us */
		return -EAGAIN;
	}
	if (futex_word_read(&v, w->word))
		return -EFAULT;
	if (!list_is_singular(&s->waiters))
		new |= FUTEX_WAITERS;
	err = word_swap(w->word, v, new);
	if (err)
		return err;
	state_grant(w);
	futex_dequeue(w, b);
	store_release(&w->bucket, NULL);
	return 0;
}

/* The owner died without telling the word: -EAGAIN: look again. */
static int adopt(struct futex_waiter *w) __no_analysis
{
	struct bucket *b = futex_lock_waiter(w);
	int err;

	if (!b)
		return 0;
	spin_lock(&graph_lock);
	err = adopt_locked(w, b);
	spin_unlock(&graph_lock);
	spin_unlock(&b->lock);
	if (err == -EFAULT)
		err = futex_word_fault_in(w->word, true) ?: -EAGAIN;
	return err;
}

/* Until the lock is current's; deadline 0: none. */
static int pi_wait(struct futex_waiter *w, u64 deadline, bool *in_state)
{
	bool in_time = true;
	int err = 0;

	for (;;) {
		set_task_state(TASK_INTERRUPTIBLE);
		if (!load_acquire(&w->bucket))
			break;
		if (READ_ONCE(w->orphaned)) {
			set_task_state(TASK_RUNNING);
			err = adopt(w);
			if (err != -EAGAIN)
				break;
			err = 0;
			continue;
		}
		if (!in_time)
			err = -ETIMEDOUT;
		else if (signal_pending(current))
			err = -EINTR;
		if (err)
			break;
		in_time = schedule_until(deadline) &&
			  (!deadline || clock_ns() < deadline);
	}
	set_task_state(TASK_RUNNING);
	return err && give_up(w, in_state) ? err : 0;
}

enum { QUEUED, TAKEN, WOULD_BLOCK };

/* One of these or an error.  Bucket and graph lock are the caller's. */
static int lock_or_queue(struct attempt *a, struct futex_waiter *w,
			 bool only_try)
{
	int err = try_word(a);

	if (err)
		return err;
	if (only_try) {
		state_release(a->state);
		return WOULD_BLOCK;
	}
	fetch_add_relaxed(&a->bucket->waiters, 1);
	futex_queue_waiter(w, a->bucket);
	state_add(a->state, w);
	return QUEUED;
}

static int try_or_queue(struct attempt *a, struct futex_waiter *w, bool shared,
			bool only_try)
{
	int err;

	do {
		err = futex_key_get(a->word, shared, true, &w->key);
		if (err)
			return err;
		a->bucket = futex_bucket(&w->key);
		spin_lock(&a->bucket->lock);
		spin_lock(&graph_lock);
		err = lock_or_queue(a, w, only_try);
		spin_unlock(&graph_lock);
		spin_unlock(&a->bucket->lock);
		if (err >= 0)
			return err;
		err = try_settle(a, err);
	} while (!err);
	return err;
}

long futex_lock_pi(u32 __user *p, bool shared, u64 deadline, bool only_try)
{
	struct futex_waiter w = { .bitset = FUTEX_BITSET_ALL, .word = p };
	struct attempt a = { .word = p, .key = &w.key, .task = current };
	bool in_state;
	int err;

	irqs_unmask();
	a.spare = state_alloc();
	if (!a.spare)
		return -ENOMEM;
	err = try_or_queue(&a, &w, shared, only_try);
	kfree(a.spare);
	if (err == WOULD_BLOCK)
		return -EWOULDBLOCK;
	if (err)
		return err == TAKEN ? 0 : err;
	err = pi_wait(&w, deadline, &in_state);
	return err == -EINTR ? -ERESTARTNOINTR : err;
}

/* --- unlocking -------------------------------------------------------------------- */

static int hand_over(u32 __user *p, u32 v, struct pi_state *s,
		     struct task **next)
{
	struct futex_waiter *w;
	u32 new;
	int err;

	if (!s || s->owner != current)
		return -EINVAL;
	w = first_of(s);
	new = (u32)task_vpid(w->task);
	if (!list_is_singular(&s->waiters))
		new |= FUTEX_WAITERS;
	err = word_swap(p, v, new);
	if (err)
		return err;
	state_grant(w);
	*next = futex_take_off(w, w->bucket);
	return 0;
}

/* Losing the lent priority must not delay the wake-up of who lent it. */
static int unlock_once(u32 __user *p, u32 v, const struct futex_key *k)
{
	struct bucket *b = futex_bucket(k);
	struct futex_waiter *w;
	struct task *next = NULL;
	int err;

	preempt_disable();
	spin_lock(&b->lock);
	spin_lock(&graph_lock);
	w = find_waiter(b, k);
	err = w ? hand_over(p, v, w->pi, &next) : word_swap(p, v, 0);
	spin_unlock(&graph_lock);
	spin_unlock(&b->lock);
	if (next)
		task_wake_state(next, TASK_NORMAL);
	preempt_enable();
	if (next)
		task_put(next);
	return err;
}

long futex_unlock_pi(u32 __user *p, bool shared)
{
	struct futex_key k;
	u32 v;
	int err;

	irqs_unmask();
	for (;;) {
		if (get_user(v, p))
			return -EFAULT;
		if ((v & FUTEX_TID_MASK) != (u32)task_vpid(current))
			return -EPERM;
		err = futex_key_get(p, shared, true, &k);
		if (err)
			return err;
		err = unlock_once(p, v, &k);
		if (err == -EFAULT)
			err = futex_word_fault_in(p, true) ?: -EAGAIN;
		if (err != -EAGAIN)
			return err;
		if (fatal_signal_pending(current))
			return -ERESTARTNOINTR;
		cond_resched();
	}
}

/* --- requeueing: condition variables -------------------------------------------------- */

long futex_wait_requeue_pi(u32 __user *p, bool shared, u32 val, u64 deadline,
			   u32 bitset, u32 __user *p2)
{
	struct futex_key to;
	struct futex_waiter w = { .bitset = bitset, .word = p2,
				  .requeue_to = &to };
	bool in_state = false;
	int err;

	if (p == p2 || !bitset)
		return -EINVAL;
	irqs_unmask();
	err = futex_key_get(p2, shared, true, &to);
	if (!err)
		err = futex_wait_setup(&w, p, val, shared);
	if (err)
		return err;
	err = pi_wait(&w, deadline, &in_state);
	if (err == -EINTR)	/* by now the word has changed surely */
		return in_state ? -EWOULDBLOCK : -ERESTARTNOINTR;
	return err;
}

struct requeue {
	struct futex_key from, to;
	struct bucket *b, *b2;
	struct attempt a;
	struct task *woken;		/* got the lock at once */
	int left;			/* may still be moved */
	bool is_final;			/* an error that stays */
};

static int requeue_one(struct requeue *r, struct futex_waiter *w)
{
	int err;

	if (!w->requeue_to || w->pi || !key_equal(w->requeue_to, &r->to))
		return -EINVAL;
	err = check_chain(r->a.state, w->task);
	if (err)
		return err;
	w->key = r->to;
	if (r->b != r->b2) {
		fetch_add_relaxed(&r->b->waiters, -1);
		fetch_add_relaxed(&r->b2->waiters, 1);
		store_release(&w->bucket, r->b2);
	}
	list_move_tail(&w->node, &r->b2->queue);
	state_add(r->a.state, w);
	return 0;
}

/* The number moved, or an error if there was one. */
static int requeue_rest(struct requeue *r)
{
	struct futex_waiter *w, *next;
	int n = 0, err;

	list_for_each_entry_safe(w, next, &r->b->queue, node) {
		if (n >= r->left)
			break;
		if (!key_equal(&w->key, &r->from))
			continue;
		err = requeue_one(r, w);
		if (err)
			return err;
		n++;
	}
	return n;
}

/* The first waiter tries the lock, the others wait for it. */
static int requeue_locked(struct requeue *r)
{
	struct futex_waiter *w = find_waiter(r->b, &r->from);
	int n, err;

	if (!w)
		return 0;
	if (!w->requeue_to || w->pi || !key_equal(w->requeue_to, &r->to))
		return -EINVAL;
	r->a.task = w->task;
	err = try_word(&r->a);
	if (err < 0)
		return err;
	if (err) {
		r->woken = futex_take_off(w, r->b);
		r->left--;
		if (r->left <= 0 || !find_waiter(r->b, &r->from))
			return 1;
		r->a.state = r->a.spare;
		r->a.spare = NULL;
		/* it sleeps in here, so it does not exit */
		ignore_error(state_own(r->a.state, r->woken));
	}
	n = requeue_rest(r);
	state_release(r->a.state);
	return n < 0 ? n : n + !!r->woken;
}

static int requeue_keys(struct requeue *r, u32 __user *p, bool shared)
{
	int err = futex_key_get(p, shared, false, &r->from);

	if (!err)
		err = futex_key_get(r->a.word, shared, true, &r->to);
	if (!err && key_equal(&r->from, &r->to))
		err = -EINVAL;
	r->is_final = err;
	r->b = futex_bucket(&r->from);
	r->b2 = r->a.bucket = futex_bucket(&r->to);
	return err;
}

static int requeue_try(struct requeue *r, u32 __user *p, u32 cmp)
{
	int ret = 0;
	bool is_there;
	u32 now;

	spin_lock_pair(&r->b->lock, &r->b2->lock);
	spin_lock(&graph_lock);
	is_there = !futex_word_read(&now, p);
	r->is_final = is_there && now != cmp;
	if (is_there)
		ret = now == cmp ? requeue_locked(r) : -EAGAIN;
	spin_unlock(&graph_lock);
	spin_unlock_pair(&r->b->lock, &r->b2->lock);
	if (is_there)
		return ret;
	ret = futex_word_fault_in(p, false);
	r->is_final = ret;
	return ret ? ret : -EAGAIN;
}

long futex_cmp_requeue_pi(u32 __user *p, u32 __user *p2, bool shared, int n,
			  int n2, u32 cmp)
{
	struct requeue r = { .a = { .word = p2, .key = &r.to,
				    .set_waiters = n2 > 0 } };
	int ret, err;

	if (n != 1 || n2 < 0 || p == p2)
		return -EINVAL;
	irqs_unmask();
	r.a.spare = state_alloc();
	if (!r.a.spare)
		return -ENOMEM;
	do {
		r.left = n2 < INT_MAX ? n2 + 1 : n2;
		err = ret = requeue_keys(&r, p, shared);
		if (!ret)
			err = ret = requeue_try(&r, p, cmp);
		if (ret >= 0 || r.woken || r.is_final)
			break;
		err = try_settle(&r.a, ret);
	} while (!err);
	kfree(r.a.spare);
	if (!r.woken)
		return err;
	task_wake_state(r.woken, TASK_NORMAL);
	task_put(r.woken);
	return ret;
}

/* --- what changes from outside ---------------------------------------------------------- */

void futex_pi_exit_begin(struct task *t)
{
	irq_lock(&t->pi_lock);
	WRITE_ONCE(t->futex_pi.exiting, PI_EXITING);
	irq_unlock(&t->pi_lock);
}

static bool orphan_one(struct task *t)
{
	struct pi_state *s;

	spin_lock(&graph_lock);
	s = hlist_entry_safe(t->futex_pi.owned.first, struct pi_state, node);
	if (s) {
		hlist_del_init(&s->node);
		s->owner = NULL;
		state_orphan(s);
	}
	lend(t);
	spin_unlock(&graph_lock);
	return s;
}

void futex_pi_exit_end(struct task *t)
{
	bool is_dead = t->flags & TF_EXITING, owns;

	irq_lock(&t->pi_lock);
	WRITE_ONCE(t->futex_pi.exiting, is_dead ? PI_DEAD : PI_ALIVE);
	owns = !hlist_empty(&t->futex_pi.owned);
	irq_unlock(&t->pi_lock);
	while (owns)
		owns = orphan_one(t);
	wake_if_waiting(&exit_waitq, 0);
}

/* sched_setscheduler() and kin changed a task that waits for a lock. */
static void prio_changed(struct task *t)
{
	struct futex_waiter *w;

	spin_lock(&graph_lock);
	w = t->futex_pi.wait;
	if (w) {
		list_del(&w->pi_node);
		insert_waiter(w->pi, w);
		if (w->pi->owner)
			lend(w->pi->owner);
		else
			state_orphan(w->pi);
	}
	spin_unlock(&graph_lock);
}

static void futex_pi_init(void)
{
	sched_prio_hook = prio_changed;
}
INIT(INIT_CORE, futex_pi_init);
