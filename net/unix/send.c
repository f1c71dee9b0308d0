/*
 * send - messages on their way to another local socket.
 */
#include "unix_impl.h"

#include <mm/slab.h>
#include <signal/signal.h>
#include <task/process.h>

#define CHUNK_MAX 32768u
#define DGRAM_BACKLOG 10u

static int msg_alloc(struct unix_sock *u, u32 len, struct unix_msg **out)
{
	struct unix_msg *m = kvmalloc(sizeof(*m) + len, GFP_KERNEL);

	if (!m)
		return -ENOBUFS;
	ref_get(&u->refs);
	m->from = u;
	m->scm.nr_files = 0;
	m->scm.files = NULL;
	m->scm.has_cred = false;
	m->len = len;
	m->off = 0;
	m->charge = len + 256;
	__atomic_add_fetch(&u->wmem, m->charge, __ATOMIC_SEQ_CST);
	*out = m;
	return 0;
}

bool unix_has_wspace(struct unix_sock *u)
{
	return __atomic_load_n(&u->wmem, __ATOMIC_SEQ_CST) < (s64)u->sndbuf;
}

static bool send_hopeless(struct unix_sock *u, struct unix_sock *to)
{
	return (READ_ONCE(u->shut) & 2) || (READ_ONCE(to->shut) & 1) ||
	       READ_ONCE(to->dead);
}

static int wait_wspace(struct socket *s, struct unix_sock *u,
		       struct unix_sock *to, unsigned flags)
{
	int err;

	if (unix_has_wspace(u))
		return 0;
	if (socket_nonblock(s, flags))
		return -EAGAIN;
	err = wait_event_intr_until(&u->wait,
				    unix_has_wspace(u) || send_hopeless(u, to),
				    socket_deadline(s->snd_timeo_ns));
	return err == -ETIMEDOUT ? -EAGAIN : err ? -ERESTARTSYS : 0;
}

/* Appends to the receiver's queue, or says why not. */
static int deliver(struct unix_sock *u, struct unix_sock *to,
		   struct unix_msg *m)
{
	int err = 0;

	irq_lock(&to->lock);
	if (to->dead || (to->shut & 1)) {
		err = u->type == SOCK_DGRAM && to->dead ? -ECONNREFUSED : -EPIPE;
	} else {
		list_add_tail(&m->node, &to->queue);
		to->queued++;
	}
	irq_unlock(&to->lock);
	if (!err && waitq_active(&to->wait))
		waitq_wake_sync(&to->wait, TASK_NORMAL, 1,
				EPOLLIN | EPOLLRDNORM);
	if (!err)
		fasync_notify(&to->fasync, POLL_IN);
	return err;
}

static void attach_scm(struct unix_msg *m, struct scm *scm)
{
	m->scm.nr_files = scm->nr_files;
	m->scm.files = scm->files;
	scm->nr_files = 0;
	scm->files = NULL;
	m->scm.cred = scm->cred;
	if (!scm->has_cred)
		unix_fill_cred(&m->scm.cred);
	m->scm.has_cred = true;
	unix_take_off(&m->scm);
}

static ssize_t send_one(struct socket *s, struct unix_sock *to, struct msg *m,
			u32 len)
{
	struct unix_sock *u = s->sk;
	struct unix_msg *um;
	int err = wait_wspace(s, u, to, m->flags);

	if (err)
		return err;
	if (READ_ONCE(u->shut) & 2)
		return -EPIPE;
	err = msg_alloc(u, len, &um);
	if (err)
		return err;
	if (copy_from_iter(um->data, len, &m->it) != len) {
		unix_msg_free(um);
		return -EFAULT;
	}
	attach_scm(um, &m->scm);
	err = deliver(u, to, um);
	if (err) {
		unix_msg_free(um);
		return err;
	}
	return len;
}

static ssize_t send_stream(struct socket *s, struct unix_sock *to,
			   struct msg *m)
{
	ssize_t done = 0, n = 0;

	if (!m->it.count && send_hopeless(s->sk, to))
		return -EPIPE;
	while (m->it.count) {
		n = send_one(s, to, m, (u32)min_t(size_t, m->it.count, CHUNK_MAX));
		if (n < 0)
			break;
		done += n;
	}
	return done ? done : n;
}

static bool dgram_room(struct unix_sock *u, struct unix_sock *to)
{
	return READ_ONCE(to->queued) <= DGRAM_BACKLOG || send_hopeless(u, to);
}

static ssize_t send_packet(struct socket *s, struct unix_sock *to,
			   struct msg *m)
{
	struct unix_sock *u = s->sk;
	int err;

	if (m->it.count > u->sndbuf - 256)
		return -EMSGSIZE;
	if (u->type == SOCK_DGRAM && READ_ONCE(to->peer) != u &&
	    !dgram_room(u, to)) {
		if (socket_nonblock(s, m->flags))
			return -EAGAIN;
		err = wait_event_intr_until(&to->wait, dgram_room(u, to),
					    socket_deadline(s->snd_timeo_ns));
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : -ERESTARTSYS;
	}
	return send_one(s, to, m, (u32)m->it.count);
}

static int send_target(struct unix_sock *u, struct msg *m,
		       struct unix_sock **to)
{
	if (m->addr_len && u->type != SOCK_DGRAM)
		return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (m->addr_len)
		return unix_name_find(m->addr, m->addr_len, SOCK_DGRAM, to);
	*to = unix_peer_get(u);
	return *to ? 0 : -ENOTCONN;
}

ssize_t unix_sendmsg(struct socket *s, struct msg *m)
{
	struct unix_sock *u = s->sk, *to;
	ssize_t n;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = send_target(u, m, &to);
	if (err)
		return err;
	n = u->type == SOCK_STREAM ? send_stream(s, to, m) :
				     send_packet(s, to, m);
	unix_put(to);
	if (n == -EPIPE && !(m->flags & MSG_NOSIGNAL) && u->type == SOCK_STREAM)
		signal_send(SIGPIPE, NULL, current, SIG_TO_THREAD);
	return n;
}
