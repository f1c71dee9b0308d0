/*
 * garbage - sockets that only messages in queues refer to.
 *
 * Theory:  a descriptor under way is held by its message.  A socket that was
 *          sent into its own queue, or two into each other's, would be held
 *          for ever though no program can reach them.
 *          A socket is a suspect if every reference of its file is one of a
 *          message.  Messages found in queues of suspects are explained; a
 *          suspect with others left can be received from somewhere, and so
 *          can all that lies in its queue, and so on.  What is not reached
 *          that way is garbage: its queues are emptied, and with the last
 *          message it closes itself.
 *          The counts change, and files in flight are given out, only under
 *          flight_lock, so nothing leaves the queue of a suspect while the
 *          search runs: whoever wants it needs the suspect first.  Something
 *          may arrive: what is found in the second walk but was not in the
 *          first only adds reach.
 *          A search follows when a socket is released, and soon after one in
 *          flight was closed: the reference goes after the close is told.
 *          Linux searches only when one is released, or many are in flight;
 *          what a killed program had sent to itself would stay till then.
 *          Freeing a message may close a socket and so free more messages:
 *          those with sockets go to a list that one work item empties, so
 *          the depth of the stack does not depend on what programs nest.
 * Locks:   flight_lock (RANK_SOCK_GC, sleeps) over the locks of sockets;
 *          dying_lock guards the list (leaf).
 * Life:    a socket in flight lives: its file is referenced.
 */
#include <kernel/init.h>
#include <kernel/work.h>
#include "unix_impl.h"

static struct mutex flight_lock =
	MUTEX_INIT(flight_lock, RANK_SOCK_GC, "unix flight");
static LIST_HEAD(flying);		/* flight_lock */
static u64 nr_flying_socks;		/* flight_lock; racy reads allowed */

static struct spinlock dying_lock =
	SPINLOCK_INIT(RANK_SPIN_LEAF, "unix dying");
static struct list dying __guarded_by(&dying_lock);
static struct work dying_work, collect_work;
static struct delayed_work collect_soon;

#define SOON_NS (10 * NSEC_PER_MSEC)

static struct unix_sock *sock_of(struct file *f)
{
	struct socket *s = f ? file_socket(f) : NULL;

	return s && s->ops == &unix_ops ? s->sk : NULL;
}

static bool has_socks(const struct scm *scm)
{
	for (unsigned i = 0; i < scm->nr_files; i++)
		if (sock_of(scm->files[i]))
			return true;
	return false;
}

void unix_flight_lock(void) __acquires(&flight_lock)
{
	mutex_lock(&flight_lock);
}

void unix_flight_unlock(void) __releases(&flight_lock)
{
	mutex_unlock(&flight_lock);
}

void unix_take_off(struct scm *scm)
{
	struct unix_sock *u;

	if (!has_socks(scm))
		return;
	mutex_lock(&flight_lock);
	for (unsigned i = 0; i < scm->nr_files; i++) {
		u = sock_of(scm->files[i]);
		if (u && !u->nr_flying++) {
			list_add(&u->flight_node, &flying);
			nr_flying_socks++;
		}
	}
	mutex_unlock(&flight_lock);
}

void unix_land(struct scm *scm)
{
	struct unix_sock *u;

	if (!has_socks(scm))
		return;
	mutex_lock(&flight_lock);
	for (unsigned i = 0; i < scm->nr_files; i++) {
		u = sock_of(scm->files[i]);
		if (u && !--u->nr_flying) {
			list_del_init(&u->flight_node);
			nr_flying_socks--;
		}
	}
	mutex_unlock(&flight_lock);
}

/* --- freeing ----------------------------------------------------------------*/

bool unix_free_later(struct unix_msg *m)
{
	if (!has_socks(&m->scm))
		return false;
	spin_lock(&dying_lock);
	list_add_tail(&m->node, &dying);
	spin_unlock(&dying_lock);
	work_queue(&dying_work);
	return true;
}

static struct unix_msg *next_dying(void)
{
	struct unix_msg *m = NULL;

	spin_lock(&dying_lock);
	if (!list_empty(&dying)) {
		m = list_first_entry(&dying, struct unix_msg, node);
		list_del(&m->node);
	}
	spin_unlock(&dying_lock);
	return m;
}

static void free_dying(struct work *w)
{
	struct unix_msg *m;

	while ((m = next_dying())) {
		unix_land(&m->scm);
		scm_destroy(&m->scm);
		unix_msg_free(m);
		cond_resched();
	}
}

/* --- the search; flight_lock held ---------------------------------------------*/

typedef void (*visit_fn)(struct unix_sock *seen, struct list *todo);

/* Each suspect in the messages of one queue. */
static void visit_queue(struct unix_sock *u, visit_fn visit,
			struct list *todo)
{
	struct unix_sock *seen;
	struct unix_msg *m;

	irq_lock(&u->lock);
	list_for_each_entry(m, &u->queue, node)
		for (unsigned i = 0; i < m->scm.nr_files; i++) {
			seen = sock_of(m->scm.files[i]);
			if (seen && seen->is_suspect)
				visit(seen, todo);
		}
	irq_unlock(&u->lock);
}

/* The connection after n (NULL: the first) that waits on a listener.  More may
 * come; who takes one off needs the listener, which nobody has. */
static struct unix_sock *next_waiting(struct unix_sock *l,
				      struct unix_sock *n)
{
	struct list *at;

	irq_lock(&l->lock);
	at = n ? n->accept_node.next : l->queue.next;
	n = at == &l->queue ? NULL :
			      list_entry(at, struct unix_sock, accept_node);
	irq_unlock(&l->lock);
	return n;
}

/* What waits on a listener can be had through it. */
static void visit_sock(struct unix_sock *u, visit_fn visit, struct list *todo)
{
	struct unix_sock *n = NULL;

	if (READ_ONCE(u->state) != UNIX_LISTEN) {
		visit_queue(u, visit, todo);
		return;
	}
	while ((n = next_waiting(u, n)))
		visit_queue(n, visit, todo);
}

static void explain(struct unix_sock *seen, struct list *todo)
{
	if (seen->nr_unexplained)
		seen->nr_unexplained--;
}

static void reach(struct unix_sock *seen, struct list *todo)
{
	if (seen->is_reached)
		return;
	seen->is_reached = true;
	list_move_tail(&seen->flight_node, todo);
}

static void find_suspects(void)
{
	struct unix_sock *u;

	list_for_each_entry(u, &flying, flight_node) {
		u->is_suspect = ref_count(&u->sock->file->refs) ==
				u->nr_flying;
		u->is_reached = !u->is_suspect;
		u->nr_unexplained = u->nr_flying;
	}
	list_for_each_entry(u, &flying, flight_node)
		if (u->is_suspect)
			visit_sock(u, explain, NULL);
}

static void find_reached(void)
{
	struct unix_sock *u, *next;
	LIST_HEAD(todo);
	LIST_HEAD(done);

	list_for_each_entry_safe(u, next, &flying, flight_node)
		if (u->is_suspect && u->nr_unexplained)
			reach(u, &todo);
	while (!list_empty(&todo)) {
		u = list_first_entry(&todo, struct unix_sock, flight_node);
		list_move(&u->flight_node, &done);
		visit_sock(u, reach, &todo);
	}
	list_splice_tail(&done, &flying);
}

static void empty_queue(struct unix_sock *u, struct list *out)
{
	irq_lock(&u->lock);
	list_splice_tail(&u->queue, out);
	list_init(&u->queue);
	u->queued = 0;
	irq_unlock(&u->lock);
}

static void empty_sock(struct unix_sock *u, struct list *out)
{
	struct unix_sock *n = NULL;

	if (READ_ONCE(u->state) != UNIX_LISTEN) {
		empty_queue(u, out);
		return;
	}
	while ((n = next_waiting(u, n)))
		empty_queue(n, out);
}

static void collect(struct work *w)
{
	struct unix_msg *m, *next;
	struct unix_sock *u;
	LIST_HEAD(out);

	mutex_lock(&flight_lock);
	find_suspects();
	find_reached();
	list_for_each_entry(u, &flying, flight_node)
		if (!u->is_reached)
			empty_sock(u, &out);
	mutex_unlock(&flight_lock);
	list_for_each_entry_safe(m, next, &out, node)
		unix_msg_free(m);
}

void unix_collect(void)
{
	if (READ_ONCE(nr_flying_socks))
		work_queue(&collect_work);
}

void unix_collect_soon(void)
{
	delayed_work_queue(&collect_soon, SOON_NS);
}

static void garbage_init(void)
{
	list_init(&dying);
	work_init(&dying_work, free_dying);
	work_init(&collect_work, collect);
	delayed_work_init(&collect_soon, collect);
}
INIT(INIT_FS, garbage_init);
