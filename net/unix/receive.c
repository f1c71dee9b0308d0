/*
 * receive - what a local socket has been sent.
 */
#include "unix_impl.h"

#include <lib/string.h>
#include <mm/slab.h>
#include <task/process.h>

void unix_msg_free(struct unix_msg *m)
{
	struct unix_sock *from = m->from;

	if (unix_free_later(m))
		return;
	scm_destroy(&m->scm);
	__atomic_sub_fetch(&from->wmem, m->charge, __ATOMIC_SEQ_CST);
	if (waitq_active(&from->wait))
		waitq_wake(&from->wait, TASK_NORMAL, 0, EPOLLOUT);
	fasync_notify(&from->fasync, POLL_OUT);
	unix_put(from);
	kvfree(m);
}

static struct unix_msg *first_msg(struct unix_sock *u)
{
	struct unix_msg *m = NULL;

	irq_lock(&u->lock);
	if (!list_empty(&u->queue))
		m = list_entry(u->queue.next, struct unix_msg, node);
	irq_unlock(&u->lock);
	return m;
}

bool unix_at_end(struct unix_sock *u)
{
	struct unix_sock *p;
	bool end;

	if (READ_ONCE(u->shut) & 1)
		return true;
	if (u->type == SOCK_DGRAM)
		return false;
	irq_lock(&u->lock);
	p = u->peer;
	end = p && (READ_ONCE(p->dead) || (READ_ONCE(p->shut) & 2));
	irq_unlock(&u->lock);
	return end;
}

static bool recv_ready(struct unix_sock *u)
{
	return !list_empty(&u->queue) || unix_at_end(u) || READ_ONCE(u->err);
}

/* Waits for the first message, with read_lock dropped and taken again. 1, 0
 * at the end, -Exxx. */
static int wait_msg_relock(struct socket *s, struct unix_sock *u,
			   unsigned flags) __must_hold(&u->read_lock)
{
	int err;

	for (;;) {
		if (!list_empty(&u->queue))
			return 1;
		if (u->err) {
			err = xchg(&u->err, 0);
			if (err)
				return err;
		}
		if (unix_at_end(u))
			return list_empty(&u->queue) ? 0 : 1;
		if (socket_nonblock(s, flags))
			return -EAGAIN;
		mutex_unlock(&u->read_lock);
		/* Not for the room that the peer makes by receiving. */
		err = wait_event_key(&u->wait, recv_ready(u),
				     TASK_INTERRUPTIBLE, true,
				     socket_deadline(s->rcv_timeo_ns),
				     EPOLLIN | EPOLLRDNORM);
		mutex_lock(&u->read_lock);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : -ERESTARTSYS;
	}
}

static void unlink_msg(struct unix_sock *u, struct unix_msg *m)
{
	irq_lock(&u->lock);
	list_del(&m->node);
	u->queued--;
	irq_unlock(&u->lock);
	if (u->type == SOCK_DGRAM && waitq_active(&u->wait))
		waitq_wake(&u->wait, TASK_NORMAL, 0, EPOLLOUT);
	unix_msg_free(m);
}

/* Hands the ancillary data of a message over; peeking copies references. */
static void give_scm(struct socket *s, struct msg *m, struct unix_msg *um,
		     bool peek)
{
	m->scm.cred = um->scm.cred;
	m->scm.has_cred = um->scm.has_cred;
	if (!um->scm.nr_files || m->scm.files)
		return;
	if (!peek) {
		m->scm.files = um->scm.files;
		m->scm.nr_files = um->scm.nr_files;
		um->scm.files = NULL;
		um->scm.nr_files = 0;
		unix_land(&m->scm);
		return;
	}
	m->scm.files = kmalloc_array(um->scm.nr_files, sizeof(struct file *),
				     GFP_KERNEL);
	if (!m->scm.files)
		return;
	m->scm.nr_files = um->scm.nr_files;
	unix_flight_lock();
	for (unsigned i = 0; i < um->scm.nr_files; i++)
		m->scm.files[i] = file_get(um->scm.files[i]);
	unix_flight_unlock();
}

static bool same_sender(const struct ucred *a, const struct ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Peeks across messages without taking. */
static ssize_t peek_stream(struct socket *s, struct unix_sock *u, struct msg *m)
{
	struct unix_msg *um = first_msg(u);
	size_t n = min_t(size_t, m->it.count, um->len - um->off);

	n = copy_to_iter(um->data + um->off, n, &m->it);
	give_scm(s, m, um, true);
	return n ? (ssize_t)n : -EFAULT;
}

static ssize_t recv_stream_locked(struct socket *s, struct unix_sock *u,
				  struct msg *m)
{
	struct unix_msg *um;
	ssize_t done = 0;
	bool first = true;

	if (m->flags & MSG_PEEK)
		return peek_stream(s, u, m);
	while (m->it.count && (um = first_msg(u))) {
		size_t n = min_t(size_t, m->it.count, um->len - um->off), got;

		if (!first && (um->scm.nr_files ||
			       (s->pass_cred && !same_sender(&um->scm.cred,
							     &m->scm.cred))))
			break;
		got = copy_to_iter(um->data + um->off, n, &m->it);
		if (!got)
			return done ? done : -EFAULT;
		if (first || um->scm.nr_files)
			give_scm(s, m, um, false);
		first = false;
		um->off += (u32)got;
		done += (ssize_t)got;
		if (um->off == um->len)
			unlink_msg(u, um);
		if (m->scm.nr_files)
			break;
	}
	return done;
}

static ssize_t recv_stream(struct socket *s, struct unix_sock *u,
			   struct msg *m) __must_hold(&u->read_lock)
{
	ssize_t done = 0, n;

	if (!m->it.count)
		return 0;
	do {
		n = wait_msg_relock(s, u, m->flags);
		if (n <= 0)
			break;
		n = recv_stream_locked(s, u, m);
		if (n < 0)
			break;
		done += n;
	} while ((m->flags & MSG_WAITALL) && !(m->flags & MSG_PEEK) &&
		 m->it.count && !m->scm.nr_files);
	return done ? done : n;
}

static ssize_t recv_packet(struct socket *s, struct unix_sock *u,
			   struct msg *m) __must_hold(&u->read_lock)
{
	bool peek = m->flags & MSG_PEEK, want_len = m->flags & MSG_TRUNC;
	struct unix_msg *um;
	struct unix_addr *a;
	size_t n, len;
	int r = wait_msg_relock(s, u, m->flags);

	if (r <= 0)
		return r;
	um = first_msg(u);
	len = um->len;
	n = min_t(size_t, m->it.count, len);
	if (copy_to_iter(um->data, n, &m->it) != n)
		return -EFAULT;
	m->flags &= ~MSG_TRUNC;
	if (n < len)
		m->flags |= MSG_TRUNC;
	a = load_acquire(&um->from->addr);
	if (a) {
		memcpy(m->addr, &a->name, (size_t)a->len);
		m->addr_len = a->len;
	}
	give_scm(s, m, um, peek);
	if (!peek)
		unlink_msg(u, um);
	return (ssize_t)(want_len ? len : n);
}

ssize_t unix_recvmsg(struct socket *s, struct msg *m)
{
	struct unix_sock *u = s->sk;
	ssize_t n;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	m->addr_len = 0;
	if (u->type != SOCK_DGRAM && u->state != UNIX_CONNECTED)
		return u->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
	mutex_lock(&u->read_lock);
	n = u->type == SOCK_STREAM ? recv_stream(s, u, m) : recv_packet(s, u, m);
	mutex_unlock(&u->read_lock);
	return n;
}

void unix_drop_messages(struct unix_sock *u)
{
	struct unix_msg *m;

	while ((m = first_msg(u)))
		unlink_msg(u, m);
}
