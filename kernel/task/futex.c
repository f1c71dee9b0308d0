/*
 * futex - waiting on a word of user memory.  docs/futex.md.
 *
 * Theory:  the word is named by what backs it (futex_key), and the key picks
 *          a bucket.  A waiter queues itself under the bucket's lock and only
 *          then, under the same lock, looks at the word; a waker changed the
 *          word before it takes the lock.  So no wake-up is lost.  With no
 *          waiter in the bucket a wake takes no lock: the fence before the
 *          look orders the caller's store against the waiter's count.
 * Locks:   bucket locks; two of them in address order.
 * Life:    a waiter lives on its task's stack; whoever takes it off the
 *          queue stores bucket = NULL last and touches it no more.
 */
#include "futex_impl.h"

#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <lib/errno.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <task/futex.h>

#define BUCKET_BITS 9
#define MAX_ROBUST 2048
#define BATCH 32

static struct bucket buckets[1u << BUCKET_BITS];

/* --- keys and buckets --------------------------------------------------------*/

struct bucket *futex_bucket(const struct futex_key *k)
{
	return &buckets[hash64(hash_mix(hash_mix(k->a, k->b), k->off),
			       BUCKET_BITS)];
}

/* A private word needs no look at what backs it. */
int futex_key_get(u32 __user *p, bool is_shared, bool write,
		  struct futex_key *k)
{
	unsigned long at = (unsigned long)p;

	if (at & 3)
		return -EINVAL;
	if (!access_ok(p, sizeof(*p)))
		return -EFAULT;
	if (is_shared)
		return mm_futex_key(p, true, write, k);
	*k = (struct futex_key){ .a = (uintptr_t)current->mm,
				 .b = at >> PAGE_SHIFT,
				 .off = (u32)(at & ~PAGE_MASK) };
	return 0;
}

static void lock_two(struct bucket *a, struct bucket *b)
{
	spin_lock_pair(&a->lock, &b->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock_pair(&a->lock, &b->lock);
}

/* --- the word -------------------------------------------------------------------*/

int futex_word_read(u32 *out, u32 __user *p)
{
	int err;

	pagefault_disable();
	err = get_user(*out, p);
	pagefault_enable();
	return err;
}

int futex_word_fault_in(u32 __user *p, bool write)
{
	return mm_fault_in((unsigned long)p, sizeof(*p), write);
}

/* --- waking ------------------------------------------------------------------------*/

/* Off the queue.  The task is kept until it is woken, which happens without
 * the bucket's lock. */
struct task *futex_take_off(struct futex_waiter *w, struct bucket *b)
{
	struct task *t = task_get(w->task);

	list_del(&w->node);
	atomic_sub((struct atomic *)&b->waiters, 1);
	store_release(&w->bucket, NULL);
	return t;
}

struct wake_batch {
	struct task *task[BATCH];
	int n;
};

static void wake_batch(struct wake_batch *wb)
{
	for (int i = 0; i < wb->n; i++) {
		task_wake_state(wb->task[i], TASK_NORMAL);
		task_put(wb->task[i]);
	}
	wb->n = 0;
}

/* Collects up to n matching waiters; full: the batch must be woken first.
 * -EINVAL if one waits for something else than a wake-up. */
static int collect(struct bucket *b, const struct futex_key *k, u32 bitset,
		   int n, struct wake_batch *wb)
{
	struct futex_waiter *w, *next;
	int done = 0;

	list_for_each_entry_safe(w, next, &b->queue, node) {
		if (done >= n || wb->n == BATCH)
			break;
		if (!key_equal(&w->key, k))
			continue;
		if (waiter_is_pi(w))
			return -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		wb->task[wb->n++] = futex_take_off(w, b);
		done++;
	}
	return done;
}

/* Up to n for an operation that must not let go of the locks: what is beyond
 * a batch is woken under them. */
static int collect_all(struct bucket *b, const struct futex_key *k, int n,
		       struct wake_batch *wb)
{
	int total = 0, got;

	for (;;) {
		got = collect(b, k, FUTEX_BITSET_ALL, n - total, wb);
		if (got < 0)
			return got;
		total += got;
		if (wb->n < BATCH)
			return total;
		wake_batch(wb);
	}
}

static int wake_key(const struct futex_key *k, int n, u32 bitset)
{
	struct bucket *b = futex_bucket(k);
	struct wake_batch wb = { .n = 0 };
	int total = 0, got;

	smp_mb();
	if (!READ_ONCE(b->waiters))
		return 0;
	do {
		spin_lock(&b->lock);
		got = collect(b, k, bitset, n - total, &wb);
		spin_unlock(&b->lock);
		wake_batch(&wb);
		if (got < 0)
			return got;
		total += got;
	} while (got == BATCH && total < n);
	return total;
}

int futex_check(u32 __user *uaddr, bool is_private)
{
	struct futex_key k;

	return futex_key_get(uaddr, !is_private, false, &k);
}

int futex_wake(u32 __user *uaddr, bool is_private, int n, u32 bitset)
{
	struct futex_key k;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_get(uaddr, !is_private, false, &k);
	/* fewer than one wakes one, as on Linux */
	return err ? err : wake_key(&k, max(n, 1), bitset);
}

/* --- waiting ---------------------------------------------------------------------*/

/* Real-time tasks are woken first, best priority first. */
void futex_queue_waiter(struct futex_waiter *w, struct bucket *b)
{
	int prio = READ_ONCE(current->prio);
	struct futex_waiter *p;

	w->task = current;
	w->prio = prio < MAX_RT_PRIO ? prio : DEFAULT_PRIO;
	WRITE_ONCE(w->bucket, b);
	if (likely(prio >= MAX_RT_PRIO)) {
		list_add_tail(&w->node, &b->queue);
		return;
	}
	list_for_each_entry(p, &b->queue, node)
		if (p->prio > w->prio)
			break;
	list_add_tail(&w->node, &p->node);	/* p may be the head */
}

void futex_dequeue(struct futex_waiter *w, struct bucket *b)
{
	list_del(&w->node);
	atomic_sub((struct atomic *)&b->waiters, 1);
}

struct bucket *futex_lock_waiter(struct futex_waiter *w) __no_analysis
{
	struct bucket *b;

	while ((b = load_acquire(&w->bucket))) {
		spin_lock(&b->lock);
		if (w->bucket == b)
			break;
		spin_unlock(&b->lock);	/* it was moved */
	}
	return b;
}

/* False: somebody has taken it off, that is a wake-up. */
static bool unqueue(struct futex_waiter *w) __no_analysis
{
	struct bucket *b = futex_lock_waiter(w);

	if (!b)
		return false;
	futex_dequeue(w, b);
	spin_unlock(&b->lock);
	return true;
}

/* Queues if the word still has the value; -EAGAIN if not. */
int futex_wait_setup(struct futex_waiter *w, u32 __user *p, u32 val,
		     bool shared)
{
	struct bucket *b;
	u32 now;
	int err;

	for (;;) {
		err = futex_key_get(p, shared, false, &w->key);
		if (err)
			return err;
		b = futex_bucket(&w->key);
		atomic_add_return((struct atomic *)&b->waiters, 1);
		spin_lock(&b->lock);
		err = futex_word_read(&now, p);
		if (!err && now == val) {
			futex_queue_waiter(w, b);
			set_task_state(TASK_INTERRUPTIBLE);
			spin_unlock(&b->lock);
			return 0;
		}
		spin_unlock(&b->lock);
		atomic_sub((struct atomic *)&b->waiters, 1);
		if (!err)
			return -EAGAIN;
		err = futex_word_fault_in(p, false);
		if (err)
			return err;
	}
}

static long wait_restart(struct task *t, u32 __user *p, u32 val, int op,
			 u64 deadline, u32 bitset);

static long wait_on(u32 __user *p, u32 val, int op, bool has_timeout,
		    u64 deadline, u32 bitset)
{
	struct futex_waiter w = { .bitset = bitset };
	bool in_time;
	int err;

	if (!bitset)
		return -EINVAL;
	for (;;) {
		err = futex_wait_setup(&w, p, val, !(op & FUTEX_PRIVATE_FLAG));
		if (err)
			return err;
		in_time = true;
		if (load_acquire(&w.bucket) && !signal_pending(current))
			in_time = schedule_until(has_timeout ? deadline : 0);
		set_task_state(TASK_RUNNING);
		if (!unqueue(&w))
			return 0;
		if (has_timeout && (!in_time || clock_ns() >= deadline))
			return -ETIMEDOUT;
		if (signal_pending(current))
			break;
		/* Woken for nothing: looks at the word again. */
	}
	if (!has_timeout)
		return -ERESTARTSYS;
	return wait_restart(current, p, val, op, deadline, bitset);
}

long futex_wait(u32 __user *p, bool is_private, u32 val, u64 deadline_ns,
		u32 bitset)
{
	long ret = wait_on(p, val, is_private ? FUTEX_PRIVATE_FLAG : 0,
			   deadline_ns, deadline_ns, bitset);

	/* the deadline is absolute for the caller too */
	return ret == -ERESTART_RESTARTBLOCK ? -ERESTARTSYS : ret;
}

static int restart_wait(struct task *t, long *ret)
{
	*ret = wait_on((u32 __user *)(uintptr_t)t->restart.arg[0],
		       (u32)t->restart.arg[1], (int)t->restart.arg[2], true,
		       t->restart.arg[3], (u32)t->restart.arg[4]);
	return 0;
}

/* The deadline is absolute inside, so the call goes on where it was. */
static long wait_restart(struct task *t, u32 __user *p, u32 val, int op,
			 u64 deadline, u32 bitset)
{
	t->restart.fn = restart_wait;
	t->restart.arg[0] = (uintptr_t)p;
	t->restart.arg[1] = val;
	t->restart.arg[2] = (u64)op;
	t->restart.arg[3] = deadline;
	t->restart.arg[4] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

/* --- requeue --------------------------------------------------------------------------*/

static int requeue_locked(struct bucket *from, struct bucket *to,
			  const struct futex_key *k, const struct futex_key *k2,
			  int n)
{
	struct futex_waiter *w, *next;
	int moved = 0;

	list_for_each_entry_safe(w, next, &from->queue, node) {
		if (moved >= n)
			break;
		if (!key_equal(&w->key, k))
			continue;
		if (waiter_is_pi(w))
			return -EINVAL;
		w->key = *k2;
		moved++;
		if (from == to)
			continue;
		list_move_tail(&w->node, &to->queue);
		atomic_sub((struct atomic *)&from->waiters, 1);
		atomic_add_return((struct atomic *)&to->waiters, 1);
		store_release(&w->bucket, to);
	}
	return moved;
}

long futex_requeue(const struct futex_pair *f, int n, int n2, const u32 *cmp)
{
	struct futex_key k, k2;
	struct bucket *b, *b2;
	struct wake_batch wb = { .n = 0 };
	int done, err;
	u32 now;

	if (n < 0 || n2 < 0)
		return -EINVAL;
again:
	err = futex_key_get(f->from, f->is_shared, false, &k);
	if (!err)
		err = futex_key_get(f->to, f->to_is_shared, false, &k2);
	if (err)
		return err;
	b = futex_bucket(&k);
	b2 = futex_bucket(&k2);
	lock_two(b, b2);
	if (cmp) {
		err = futex_word_read(&now, f->from);
		if (err || now != *cmp) {
			unlock_two(b, b2);
			if (!err)
				return -EAGAIN;
			err = futex_word_fault_in(f->from, false);
			if (err)
				return err;
			goto again;
		}
	}
	done = collect_all(b, &k, n, &wb);
	if (done >= 0)
		err = requeue_locked(b, b2, &k, &k2, n2);
	unlock_two(b, b2);
	wake_batch(&wb);
	if (done < 0 || err < 0)
		return -EINVAL;
	return done + err;
}

/* --- wake_op ----------------------------------------------------------------------------*/

struct wake_op {
	int op, cmp;
	s32 oparg, cmparg;
};

static int decode_op(u32 v, struct wake_op *o)
{
	o->op = v >> 28 & 7;
	o->cmp = v >> 24 & 15;
	o->oparg = (s32)(v << 8) >> 20;
	o->cmparg = (s32)(v << 20) >> 20;
	if (v >> 31)
		o->oparg = (s32)(1u << (o->oparg & 31));
	if (o->op > 4 || o->cmp > 5)
		return -ENOSYS;
	return 0;
}

static int apply_op(const struct wake_op *o, u32 __user *p, u32 *old)
{
	static const enum user_op ops[] = { USER_SWAP, USER_ADD, USER_OR,
					    USER_ANDN, USER_XOR };
	int err;

	pagefault_disable();
	err = user_atomic32(p, ops[o->op], (u32)o->oparg, old);
	pagefault_enable();
	return err;
}

static bool compare_op(const struct wake_op *o, u32 old)
{
	s32 v = (s32)old;

	switch (o->cmp) {
	case 0:
		return v == o->cmparg;
	case 1:
		return v != o->cmparg;
	case 2:
		return v < o->cmparg;
	case 3:
		return v <= o->cmparg;
	case 4:
		return v > o->cmparg;
	default:
		return v >= o->cmparg;
	}
}

static long futex_wake_op(u32 __user *p, u32 __user *p2, bool shared, int n,
			  int n2, u32 val3)
{
	struct futex_key k, k2;
	struct bucket *b, *b2;
	struct wake_batch wb = { .n = 0 };
	struct wake_op o;
	u32 old;
	int err, done;

	err = decode_op(val3, &o);
	if (err)
		return err;
again:
	err = futex_key_get(p, shared, false, &k);
	if (!err)
		err = futex_key_get(p2, shared, true, &k2);
	if (err)
		return err;
	b = futex_bucket(&k);
	b2 = futex_bucket(&k2);
	lock_two(b, b2);
	err = apply_op(&o, p2, &old);
	if (err) {
		unlock_two(b, b2);
		err = futex_word_fault_in(p2, true);
		if (err)
			return err;
		goto again;
	}
	/* fewer than one wakes one, as on Linux */
	err = done = collect_all(b, &k, max(n, 1), &wb);
	if (done >= 0 && compare_op(&o, old))
		err = collect_all(b2, &k2, max(n2, 1), &wb);
	unlock_two(b, b2);
	wake_batch(&wb);
	if (err < 0)
		return err;
	return done + (compare_op(&o, old) ? err : 0);
}

/* --- robust lists --------------------------------------------------------------------*/

struct robust_head {
	u64 next;
	s64 offset;
	u64 pending;
};

/* The owner dies with the lock held: tells the next one. */
static int mark_dead(u32 __user *p, bool is_pi, bool is_pending)
{
	u32 v, old, want = (u32)task_vpid(current);

	if ((unsigned long)p & 3 || get_user(v, p))
		return -EFAULT;
	for (;;) {
		/* Died between unlock and wake: someone may sleep. */
		if (is_pending && !is_pi && !v) {
			futex_wake(p, false, 1, FUTEX_BITSET_ALL);
			return 0;
		}
		if ((v & FUTEX_TID_MASK) != want)
			return 0;
		if (user_cmpxchg32(p, v, (v & FUTEX_WAITERS) |
				   FUTEX_OWNER_DIED, &old))
			return -EFAULT;
		if (old == v)
			break;
		v = old;
	}
	if (!is_pi && (v & FUTEX_WAITERS))
		futex_wake(p, false, 1, FUTEX_BITSET_ALL);
	return 0;
}

static u32 __user *lock_word(u64 entry, s64 offset)
{
	return (u32 __user *)(uintptr_t)((entry & ~1ull) + (u64)offset);
}

static void walk_robust(void __user *list)
{
	struct robust_head h;
	u64 entry, next, head = (uintptr_t)list;
	int n = 0;

	if (copy_from_user(&h, list, sizeof(h)))
		return;
	for (entry = h.next; (entry & ~1ull) != head; entry = next) {
		/* The link first: the word's new owner may free it. */
		int err = get_user(next, (u64 __user *)(uintptr_t)(entry &
								   ~1ull));

		if ((entry & ~1ull) != (h.pending & ~1ull) &&
		    mark_dead(lock_word(entry, h.offset), entry & 1, false))
			return;
		if (err || ++n >= MAX_ROBUST)
			break;
		cond_resched();
	}
	if (h.pending)
		ignore_error(mark_dead(lock_word(h.pending, h.offset),
				       h.pending & 1, true));
}

void futex_exit(struct task *t)
{
	void __user *list = t->robust_list;

	t->robust_list = NULL;
	futex_pi_exit_begin(t);
	if (list)
		walk_robust(list);
	futex_pi_exit_end(t);
}

/* --- entry ------------------------------------------------------------------------------*/

long do_futex(u32 __user *uaddr, int op, u32 val, u64 deadline_ns,
	      bool has_timeout, u32 __user *uaddr2, u32 val2, u32 val3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	struct futex_pair pair = { uaddr, uaddr2, shared, shared };
	int cmd = op & FUTEX_CMD_MASK;

	if (!has_timeout)
		deadline_ns = 0;
	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET &&
	    cmd != FUTEX_WAIT_REQUEUE_PI && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		return wait_on(uaddr, val, op, has_timeout, deadline_ns,
			       FUTEX_BITSET_ALL);
	case FUTEX_WAIT_BITSET:
		return wait_on(uaddr, val, op, has_timeout, deadline_ns, val3);
	case FUTEX_WAKE:
		return futex_wake(uaddr, !shared, (int)val, FUTEX_BITSET_ALL);
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, !shared, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(&pair, (int)val, (int)val2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(&pair, (int)val, (int)val2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, shared, (int)val,
				     (int)val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, shared, deadline_ns, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, shared, 0, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, shared);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, shared, val, deadline_ns,
					     FUTEX_BITSET_ALL, uaddr2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(uaddr, uaddr2, shared, (int)val,
					    (int)val2, val3);
	}
	return -ENOSYS;
}

void futex_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(buckets); i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX, "futex bucket");
		list_init(&buckets[i].queue);
	}
}
