/*
 * sem - the operations of System V semaphores: semop(2), and undo.
 *
 * Theory:  a call's operations are done one after the other; if one cannot
 *          be, those before it are taken back and the caller sleeps.  Who
 *          changes a value tries, for each sleeper in order, the whole call
 *          on its behalf: a sleeper wakes with the result and touches the
 *          set no more.  Sleepers with one operation stand on the queue of
 *          their semaphore.  While some call with several sleeps, all that
 *          would change a value stand on one queue, so that none overtakes.
 *          Those who wait for 0 go first: they change nothing.
 * Locks:   the set's lock for all of it; an undo list's lock inside that.
 * Life:    a sleeper's record is on its stack.  An undo record holds its set;
 *          it goes when the set is deleted, or with its list, whoever is
 *          first to take it off both under the set's lock.
 */
#include "sem_impl.h"

#include <lib/errno.h>

#define FAST_OPS 32

struct sem_undo_list {
	struct ref refs;	/* tasks that share it */
	struct spinlock lock;
	struct list undos __guarded_by(&lock);
};

/* --- one call -------------------------------------------------------------*/
static int adjust_undo(struct sem_undo *u, const struct sembuf *op)
{
	int v = u->adjust[op->num] - op->op;

	if (v < -SEMAEM - 1 || v > SEMAEM)
		return -ERANGE;
	u->adjust[op->num] = (s16)v;
	return 0;
}

static int do_op(struct sem_set *set, struct sem_queue *q,
		 const struct sembuf *op)
{
	struct sem *s = &set->sems[op->num];
	int v = s->val + op->op;

	if ((!op->op && v) || v < 0)
		return IPC_PENDING;
	if (v > SEMVMX)
		return -ERANGE;
	if ((op->flg & SEM_UNDO) && adjust_undo(q->undo, op))
		return -ERANGE;
	s->val = v;
	return 0;
}

/* 0: done.  IPC_PENDING: it must wait, nothing is changed. */
static int try_ops(struct sem_set *set, struct sem_queue *q)
{
	unsigned i;
	int err = 0;

	for (i = 0; i < q->n; i++) {
		err = do_op(set, q, &q->ops[i]);
		if (unlikely(err))
			goto undo;
	}
	for (i = 0; i < q->n; i++)
		ipc_set_pid(&set->sems[q->ops[i].num].pid, q->pid);
	return 0;
undo:
	if (err == IPC_PENDING) {
		q->blocking = &q->ops[i];
		if (q->blocking->flg & IPC_NOWAIT)
			err = -EAGAIN;
	}
	while (i-- > 0) {
		const struct sembuf *op = &q->ops[i];

		set->sems[op->num].val -= op->op;
		if (op->flg & SEM_UNDO)
			q->undo->adjust[op->num] += op->op;
	}
	return err;
}

/* --- the sleepers ---------------------------------------------------------*/
/* All that would change a value, onto the one queue. */
static void merge_queues(struct sem_set *set)
{
	for (u32 i = 0; i < set->nsems; i++)
		list_splice_tail(&set->sems[i].alter, &set->alter);
}

/* The last call with several operations is gone. */
static void unmerge_queues(struct sem_set *set)
{
	struct sem_queue *q, *next;

	if (likely(set->nr_complex || list_empty(&set->alter)))
		return;
	list_for_each_entry_safe(q, next, &set->alter, node)
		list_move_tail(&q->node, &set->sems[q->ops[0].num].alter);
}

static void enqueue(struct sem_set *set, struct sem_queue *q)
{
	struct sem *s = &set->sems[q->ops[0].num];
	struct list *at = &s->zero;

	if (q->n > 1) {
		if (!set->nr_complex++)
			merge_queues(set);
		at = q->alters ? &set->alter : &set->zero;
	} else if (q->alters) {
		at = set->nr_complex ? &set->alter : &s->alter;
	}
	list_add_tail(&q->node, at);
}

static void dequeue(struct sem_set *set, struct sem_queue *q)
{
	list_del_init(&q->node);
	if (q->n > 1)
		set->nr_complex--;
}

/* Lets the first of the queue go that can; true: a value changed. */
static bool run_queue(struct sem_set *set, struct list *queue)
{
	struct sem_queue *q, *next;

	list_for_each_entry_safe(q, next, queue, node) {
		int err = try_ops(set, q);
		bool changed = !err && q->alters;

		if (err == IPC_PENDING)
			continue;
		dequeue(set, q);
		ipc_wake(&q->sleeper, err);
		if (changed)
			return true;
	}
	return false;
}

static void settle_one(struct sem_set *set, struct sem *s)
{
	do {
		if (!s->val)
			run_queue(set, &s->zero);
	} while (s->val && !list_empty(&s->alter) &&
		 run_queue(set, &s->alter));
}

static void settle_all(struct sem_set *set)
{
	bool again;

	do {
		for (u32 i = 0; i < set->nsems; i++)
			settle_one(set, &set->sems[i]);
		run_queue(set, &set->zero);
		again = run_queue(set, &set->alter);
	} while (again);
	unmerge_queues(set);
}

void sem_settle(struct sem_set *set, const struct sembuf *ops, unsigned n)
{
	if (unlikely(!ops || set->nr_complex)) {
		settle_all(set);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		settle_one(set, &set->sems[ops[i].num]);
}

/* --- undo -----------------------------------------------------------------*/
static int own_undo_list(struct sem_undo_list **out)
{
	struct sem_undo_list *l = current->undo_list;

	if (!l) {
		l = kmalloc(sizeof(*l), GFP_KERNEL);
		if (!l)
			return -ENOMEM;
		ref_init(&l->refs, 1);
		spin_init(&l->lock, RANK_SPIN_LEAF, "sem_undo_list.lock");
		list_init(&l->undos);
		current->undo_list = l;
	}
	*out = l;
	return 0;
}

int sem_fork(u64 flags, struct task *child)
{
	struct sem_undo_list *l;
	int err;

	child->undo_list = NULL;
	if (!(flags & CLONE_SYSVSEM))
		return 0;
	err = own_undo_list(&l);
	if (err)
		return err;
	ref_get(&l->refs);
	child->undo_list = l;
	return 0;
}

/* The set's lock is held, and keeps it. */
static struct sem_undo *find_undo(struct sem_undo_list *l,
				  const struct sem_set *set)
{
	struct sem_undo *u, *found = NULL;

	spin_lock(&l->lock);
	list_for_each_entry(u, &l->undos, by_list)
		if (u->set == set) {
			found = u;
			break;
		}
	spin_unlock(&l->lock);
	return found;
}

static void link_undo(struct sem_undo *u, struct sem_undo_list *l,
		      struct sem_set *set)
{
	ref_get(&set->obj.refs);
	u->set = set;
	u->list = l;
	list_add(&u->by_set, &set->undos);
	spin_lock(&l->lock);
	list_add(&u->by_list, &l->undos);
	spin_unlock(&l->lock);
}

static void unlink_undo(struct sem_undo *u)
{
	list_del_init(&u->by_set);
	spin_lock(&u->list->lock);
	list_del_init(&u->by_list);
	spin_unlock(&u->list->lock);
}

void sem_undos_detach(struct sem_set *set, struct list *dead)
{
	struct sem_undo *u, *next;

	list_for_each_entry_safe(u, next, &set->undos, by_set) {
		unlink_undo(u);
		list_add(&u->by_set, dead);
	}
}

static void undo_free(struct sem_undo *u)
{
	ipc_obj_put(&u->set->obj);
	kfree(u);
}

void sem_undos_free(struct list *dead)
{
	struct sem_undo *u, *next;

	list_for_each_entry_safe(u, next, dead, by_set)
		undo_free(u);
}

/* A spare record for a set of that many, if q needs one that there is not;
 * -EAGAIN: it was made without the lock, look again. */
static int need_undo_relock(struct sem_set *set, struct sem_queue *q,
			    struct sem_undo **spare) __no_analysis
{
	struct sem_undo_list *l = current->undo_list;
	size_t size = sizeof(**spare) + set->nsems * sizeof(s16);
	int err;

	if (l)
		q->undo = find_undo(l, set);
	if (q->undo)
		return 0;
	if (l && *spare && ksize(*spare) >= size) {
		link_undo(*spare, l, set);
		q->undo = *spare;
		*spare = NULL;
		return 0;
	}
	spin_unlock(&set->obj.lock);
	err = own_undo_list(&l);
	kfree(*spare);
	*spare = err ? NULL : kzalloc(size, GFP_KERNEL);
	return *spare ? -EAGAIN : -ENOMEM;
}

/* --- semop ----------------------------------------------------------------*/
struct sem_call {
	int id;
	u32 max_num;
	bool has_undo;
	struct sem_queue q;
};

static void survey(struct sem_call *c)
{
	for (unsigned i = 0; i < c->q.n; i++) {
		const struct sembuf *op = &c->q.ops[i];

		c->max_num = max(c->max_num, (u32)op->num);
		c->has_undo |= (op->flg & SEM_UNDO) != 0;
		c->q.alters |= op->op != 0;
	}
}

/* The set, locked, with all that the call needs. */
static int find_set(struct sem_call *c, struct sem_set **out) __no_analysis
{
	struct sem_undo *spare = NULL;
	struct ipc_obj *o;
	int err;

again:
	err = ipc_lock_id(current_ipc(), IPC_SEM, c->id, &o);
	if (err)
		goto out;
	err = -EFBIG;
	if (c->max_num >= set_of(o)->nsems)
		goto out_unlock;
	err = ipc_permits(o, c->q.alters ? 0222 : 0444);
	if (err)
		goto out_unlock;
	if (unlikely(c->has_undo)) {
		err = need_undo_relock(set_of(o), &c->q, &spare);
		if (err == -EAGAIN)
			goto again;
		if (err)
			goto out;
	}
	kfree(spare);
	*out = set_of(o);
	return 0;
out_unlock:
	spin_unlock(&o->lock);
out:
	kfree(spare);
	return err;
}

/* A signal or the deadline came: if nobody was faster, we give up.  While the
 * result is pending the set cannot have gone. */
static int give_up(struct sem_set *set, struct sem_queue *q) __no_analysis
{
	int result;

	rcu_read_lock();
	result = load_acquire(&q->sleeper.result);
	if (result == IPC_PENDING) {
		spin_lock(&set->obj.lock);
		result = q->sleeper.result;
		if (result == IPC_PENDING) {
			dequeue(set, q);
			unmerge_queues(set);
			result = signal_pending(current) ? -EINTR : -EAGAIN;
		}
		spin_unlock(&set->obj.lock);
	}
	rcu_read_unlock();
	return result;
}

static int sem_call(struct sem_call *c, u64 deadline) __no_analysis
{
	struct sem_queue *q = &c->q;
	struct sem_set *set;
	int err;

	survey(c);
	err = find_set(c, &set);
	if (err)
		return err;
	q->pid = current_tgid();
	err = try_ops(set, q);
	if (!err) {
		set->otime = ipc_now();
		if (q->alters)
			sem_settle(set, q->ops, q->n);
	} else if (err == IPC_PENDING) {
		ipc_sleeper_init(&q->sleeper);
		enqueue(set, q);
	}
	spin_unlock(&set->obj.lock);
	if (err != IPC_PENDING)
		return err;
	if (likely(ipc_sleep(&q->sleeper, deadline)))
		return q->sleeper.result;
	return give_up(set, q);
}

int sem_op(int id, struct sembuf __user *uops, unsigned n, u64 deadline)
{
	struct sem_call c = { .id = id, .q.n = n };
	struct sembuf fast[FAST_OPS], *ops = fast;
	int err = -EFAULT;

	if (n < 1 || id < 0)
		return -EINVAL;
	if (n > (unsigned)READ_ONCE(current_ipc()->sem_ctls[2]))
		return -E2BIG;
	if (n > FAST_OPS) {
		ops = kvmalloc(n * sizeof(*ops), GFP_KERNEL);
		if (!ops)
			return -ENOMEM;
	}
	c.q.ops = ops;
	if (!copy_from_user(ops, uops, n * sizeof(*ops)))
		err = sem_call(&c, deadline);
	if (ops != fast)
		kvfree(ops);
	return err;
}

/* --- exit -----------------------------------------------------------------*/
static void apply_undo(struct sem_set *set, const struct sem_undo *u)
{
	for (u32 i = 0; i < set->nsems; i++) {
		struct sem *s = &set->sems[i];

		if (!u->adjust[i])
			continue;
		s->val = clamp(s->val + u->adjust[i], 0, SEMVMX);
		ipc_set_pid(&s->pid, current_tgid());
	}
	set->otime = ipc_now();
	sem_settle(set, NULL, 0);
}

/* The set of the first record, referenced; NULL: none is left. */
static struct sem_set *first_set(struct sem_undo_list *l)
{
	struct sem_set *set = NULL;
	struct sem_undo *u;

	spin_lock(&l->lock);
	u = list_first_entry_or_null(&l->undos, struct sem_undo, by_list);
	if (u) {
		set = u->set;
		ref_get(&set->obj.refs);
	}
	spin_unlock(&l->lock);
	return set;
}

void sem_exit(struct task *t)
{
	struct sem_undo_list *l = t->undo_list;
	struct sem_set *set;

	t->undo_list = NULL;
	if (likely(!l) || !ref_put(&l->refs))
		return;
	while ((set = first_set(l))) {
		struct sem_undo *u;

		spin_lock(&set->obj.lock);
		u = find_undo(l, set);
		if (u) {
			unlink_undo(u);
			apply_undo(set, u);
		}
		spin_unlock(&set->obj.lock);
		if (u)
			undo_free(u);
		ipc_obj_put(&set->obj);
		cond_resched();
	}
	kfree(l);
}
