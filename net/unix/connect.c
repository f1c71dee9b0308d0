/*
 * connect - pairs, listeners and connections of local sockets.
 */
#include "unix_impl.h"

#include <task/process.h>

#define SOMAXCONN 4096

int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = sa->sk, *b = sb->sk;

	ref_get(&a->refs);
	ref_get(&b->refs);
	a->peer = b;
	b->peer = a;
	unix_fill_cred(&a->peer_cred);
	unix_fill_cred(&b->peer_cred);
	if (a->type != SOCK_DGRAM)
		a->state = b->state = UNIX_CONNECTED;
	return 0;
}

int unix_listen(struct socket *s, int backlog)
{
	struct unix_sock *u = s->sk;
	int err = 0;

	if (u->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!u->addr)
		return -EINVAL;
	irq_lock(&u->lock);
	if (u->state == UNIX_CONNECTED) {
		err = -EINVAL;
	} else {
		u->state = UNIX_LISTEN;
		u->backlog = (u32)clamp(backlog, 0, SOMAXCONN);
		unix_fill_cred(&u->peer_cred);
	}
	irq_unlock(&u->lock);
	return err;
}

static int connect_dgram(struct unix_sock *u, const void *addr, int len)
{
	struct unix_sock *to = NULL, *old;
	int err;

	if (len < 2)
		return -EINVAL;
	if (*(const u16 *)addr != AF_UNSPEC) {
		err = unix_name_find(addr, len, SOCK_DGRAM, &to);
		if (err)
			return err;
	}
	irq_lock(&u->lock);
	old = u->peer;
	u->peer = to;
	irq_unlock(&u->lock);
	if (old)
		unix_put(old);
	return 0;
}

/* Queues a new, already joined pair end on the listener. */
static int queue_connection(struct unix_sock *u, struct unix_sock *l,
			    struct unix_sock *n)
{
	int err = -ECONNREFUSED;

	irq_lock_pair(&u->lock, &l->lock);
	if (l->state != UNIX_LISTEN || l->dead)
		goto out;
	err = -EAGAIN;
	if (l->queued > l->backlog)
		goto out;
	err = u->state == UNIX_CONNECTED ? -EISCONN : 0;
	if (!err && u->state == UNIX_LISTEN)
		err = -EINVAL;
	if (err)
		goto out;
	n->peer = u;
	n->state = UNIX_CONNECTED;
	n->addr = l->addr;
	ref_get(&n->addr->refs);
	ref_get(&u->refs);
	u->peer = n;
	ref_get(&n->refs);
	u->state = UNIX_CONNECTED;
	u->peer_cred = l->peer_cred;
	list_add_tail(&n->accept_node, &l->queue);
	l->queued++;
out:
	irq_unlock_pair(&u->lock, &l->lock);
	return err;
}

static bool accept_room(struct unix_sock *l)
{
	return READ_ONCE(l->queued) <= READ_ONCE(l->backlog) ||
	       READ_ONCE(l->state) != UNIX_LISTEN || READ_ONCE(l->dead);
}

int unix_connect(struct socket *s, const void *addr, int len,
			bool nonblock)
{
	struct unix_sock *u = s->sk, *l, *n;
	int err;

	if (u->type == SOCK_DGRAM)
		return connect_dgram(u, addr, len);
	n = unix_alloc(u->type);
	if (!n)
		return -ENOMEM;
	unix_show_add(n);
	unix_fill_cred(&n->peer_cred);
	for (;;) {
		err = unix_name_find(addr, len, u->type, &l);
		if (err)
			break;
		err = queue_connection(u, l, n);
		if (!err) {
			waitq_wake(&l->wait, TASK_NORMAL, 1, EPOLLIN);
			fasync_notify(&l->fasync, POLL_IN);
		}
		if (err == -EAGAIN && !nonblock) {
			err = wait_event_intr_until(
				&l->wait, accept_room(l),
				socket_deadline(s->snd_timeo_ns));
			unix_put(l);
			if (!err)
				continue;
			err = err == -ETIMEDOUT ? -EAGAIN : -ERESTARTSYS;
			break;
		}
		unix_put(l);
		break;
	}
	if (err)
		unix_put(n);	/* else the listener's queue has it */
	return err;
}

struct unix_sock *unix_take_connection(struct unix_sock *l)
{
	struct unix_sock *n = NULL;

	irq_lock(&l->lock);
	if (!list_empty(&l->queue)) {
		n = list_entry(l->queue.next, struct unix_sock, accept_node);
		list_del_init(&n->accept_node);
		l->queued--;
	}
	irq_unlock(&l->lock);
	return n;
}

int unix_accept(struct socket *s, struct socket *to, bool nonblock)
{
	struct unix_sock *l = s->sk, *n;
	int err;

	for (;;) {
		if (READ_ONCE(l->state) != UNIX_LISTEN)
			return l->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
		if (READ_ONCE(l->shut) & 1)
			return -EINVAL;
		n = unix_take_connection(l);
		if (n)
			break;
		if (nonblock)
			return -EAGAIN;
		err = wait_event_intr_until(&l->wait,
					    READ_ONCE(l->queued) ||
						    (READ_ONCE(l->shut) & 1),
					    socket_deadline(s->rcv_timeo_ns));
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : -ERESTARTSYS;
	}
	waitq_wake(&l->wait, TASK_NORMAL, 0, EPOLLOUT);
	unix_put(to->sk);	/* the bare one made by create */
	irq_lock(&n->lock);
	n->sock = to;
	irq_unlock(&n->lock);
	to->sk = n;
	return 0;
}
