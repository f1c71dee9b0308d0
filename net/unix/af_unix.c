/*
 * af_unix - local sockets: stream, datagram, sequenced packets (unix(7)).
 *
 * Theory:  a sender allocates a message, fills it without any lock, and
 *          appends it to the receiver's queue.  Bytes queued are charged to
 *          the sender's send buffer until they are read.  A stream reader
 *          takes bytes from the first message on and stops where passed
 *          descriptors or other credentials begin, so ancillary data stays
 *          with its bytes.
 *          Names are found through the inode (path names) or through a hash
 *          of abstract names.
 * Locks:   sk.lock (irqlock, RANK_IRQ) guards queue, peer and state.  Two are
 *          taken in address order.  sk.read_lock (RANK_SOCK) serialises
 *          readers, who copy to user memory under it; sk.bind_lock
 *          (RANK_NAMES) lets one bind at a time.  names_lock guards the
 *          abstract names and inode->socket.
 * Life:    a socket is referenced by its struct socket, by its peer, by the
 *          name table's look-ups and by messages it sent.
 */
#include "unix_impl.h"

#include <kernel/init.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/pid.h>
#include <task/process.h>

#define SNDBUF_DEFAULT 212992u

static void addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->refs))
		kfree(a);
}

void unix_put(struct unix_sock *u)
{
	if (!ref_put(&u->refs))
		return;
	unix_show_del(u);
	addr_put(u->addr);
	kfree(u);
}

struct unix_sock *unix_alloc(int type)
{
	struct unix_sock *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	ref_init(&u->refs, 1);
	irq_lock_init(&u->lock, RANK_IRQ, "unix socket");
	mutex_init(&u->bind_lock, RANK_NAMES, "unix bind");
	mutex_init(&u->read_lock, RANK_SOCK, "unix read");
	waitq_init(&u->wait);
	list_init(&u->queue);
	list_init(&u->accept_node);
	list_init(&u->all_node);
	list_init(&u->name_node);
	list_init(&u->flight_node);
	u->type = type;
	u->sndbuf = u->rcvbuf = SNDBUF_DEFAULT;
	return u;
}

void unix_fill_cred(struct ucred *c)
{
	c->pid = current->tgid;
	c->uid = current->cred->euid;
	c->gid = current->cred->egid;
}

struct unix_sock *unix_peer_get(struct unix_sock *u)
{
	struct unix_sock *p;

	irq_lock(&u->lock);
	p = u->peer;
	if (p)
		ref_get(&p->refs);
	irq_unlock(&u->lock);
	return p;
}

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *u = s->sk, *p = unix_peer_get(u);
	u32 bits = how == SHUT_RD ? 1 : how == SHUT_WR ? 2 : 3;

	irq_lock(&u->lock);
	u->shut |= bits;
	irq_unlock(&u->lock);
	wake_all(&u->wait);
	if (p) {
		if (u->type != SOCK_DGRAM) {
			irq_lock(&p->lock);
			p->shut |= (bits & 1) << 1 | bits >> 1;
			irq_unlock(&p->lock);
		}
		wake_all(&p->wait);
		unix_put(p);
	}
	return 0;
}

static struct fasync **unix_fasync(struct socket *s)
{
	struct unix_sock *u = s->sk;

	return &u->fasync;
}

static u32 unix_poll(struct socket *s, struct poll_table *pt)
{
	struct unix_sock *u = s->sk;
	u32 ev = 0;

	poll_wait(s->file, &u->wait, pt);
	if (READ_ONCE(u->err))
		ev |= EPOLLERR;
	if (!list_empty(&u->queue))
		ev |= EPOLLIN | EPOLLRDNORM;
	if (u->state == UNIX_LISTEN)
		return ev;
	if (unix_at_end(u))
		ev |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (u->type != SOCK_DGRAM && u->state == UNIX_CLOSED)
		ev |= EPOLLHUP;
	if ((READ_ONCE(u->shut) & 3) == 3)
		ev |= EPOLLHUP;
	if (u->type != SOCK_DGRAM && unix_at_end(u) &&
	    (!u->peer || READ_ONCE(u->peer->dead)))
		ev |= EPOLLHUP;
	if (unix_has_wspace(u))
		ev |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return ev;
}

#define FIONREAD 0x541B
#define TIOCOUTQ 0x5411

static long unix_ioctl(struct socket *s, unsigned cmd, unsigned long arg)
{
	struct unix_sock *u = s->sk;
	struct unix_msg *m;
	int n = 0;

	switch (cmd) {
	case FIONREAD:
		if (u->state == UNIX_LISTEN)
			return -EINVAL;
		irq_lock(&u->lock);
		list_for_each_entry(m, &u->queue, node) {
			n += (int)(m->len - m->off);
			if (u->type != SOCK_STREAM)
				break;
		}
		irq_unlock(&u->lock);
		return put_user(n, (int __user *)arg);
	case TIOCOUTQ:
		n = (int)__atomic_load_n(&u->wmem, __ATOMIC_RELAXED);
		return put_user(n, (int __user *)arg);
	}
	return -ENOTTY;
}

static int unix_getsockopt(struct socket *s, int level, int name, void *val,
			   int *len)
{
	struct unix_sock *u = s->sk;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_PEERCRED: {
		struct ucred c = { 0, ~0u, ~0u };

		if (u->state != UNIX_CLOSED || u->peer)
			c = u->peer_cred;
		c.uid = from_kuid_munged(current_user_ns(), c.uid);
		c.gid = from_kgid_munged(current_user_ns(), c.gid);
		*len = min_t(int, *len, (int)sizeof(c));
		memcpy(val, &c, (size_t)*len);
		return 0;
	}
	case SO_ERROR:
		*(int *)val = -xchg(&u->err, 0);
		return 0;
	case SO_ACCEPTCONN:
		*(int *)val = u->state == UNIX_LISTEN;
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
		*(int *)val = (int)(name == SO_SNDBUF ? u->sndbuf :
							u->rcvbuf);
		return 0;
	}
	return -ENOPROTOOPT;
}

static int unix_setsockopt(struct socket *s, int level, int name,
			   const void __user *val, int len)
{
	struct unix_sock *u = s->sk;
	int v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (name != SO_SNDBUF && name != SO_SNDBUFFORCE && name != SO_RCVBUF &&
	    name != SO_RCVBUFFORCE)
		return -ENOPROTOOPT;
	if (len < (int)sizeof(v))
		return -EINVAL;
	if (copy_from_user(&v, val, sizeof(v)))
		return -EFAULT;
	if ((name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE) &&
	    !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (name == SO_SNDBUF || name == SO_RCVBUF)
		v = (int)min((u32)v, SNDBUF_DEFAULT);
	v = clamp(v, 0, INT_MAX / 2) * 2;
	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		u->sndbuf = (u32)max(v, 4608);
	else
		u->rcvbuf = (u32)max(v, 2304);
	return 0;
}

/* A connection that nobody will accept. */
static void refuse(struct unix_sock *n)
{
	struct unix_sock *p;

	irq_lock(&n->lock);
	n->dead = true;		/* nothing is delivered from here on */
	p = n->peer;
	n->peer = NULL;
	irq_unlock(&n->lock);
	if (p) {
		xchg(&p->err, -ECONNRESET);
		wake_all(&p->wait);
		unix_put(p);
	}
	unix_drop_messages(n);
	unix_put(n);
}

static void drop_queue(struct unix_sock *u)
{
	struct unix_sock *n;

	if (u->state != UNIX_LISTEN) {
		unix_drop_messages(u);
		return;
	}
	while ((n = unix_take_connection(u)))
		refuse(n);
}

/* A socket in flight that loses its last descriptor may be garbage. */
static void unix_flush(struct socket *s)
{
	struct unix_sock *u = s->sk;

	if (unlikely(READ_ONCE(u->nr_flying)))
		unix_collect_soon();
}

static void unix_release(struct socket *s)
{
	struct unix_sock *u = s->sk, *p;
	bool unread;

	unix_unbind(u);
	irq_lock(&u->lock);
	u->dead = true;
	u->shut = 3;
	p = u->peer;
	u->peer = NULL;
	u->sock = NULL;
	unread = !list_empty(&u->queue) && u->state == UNIX_CONNECTED;
	irq_unlock(&u->lock);
	if (p) {
		if (u->type != SOCK_DGRAM) {
			irq_lock(&p->lock);
			if (unread)
				p->err = -ECONNRESET;
			p->shut = 3;
			irq_unlock(&p->lock);
		}
		wake_all(&p->wait);
		fasync_notify(&p->fasync, POLL_HUP);
		unix_put(p);
	}
	wake_all(&u->wait);
	drop_queue(u);
	unix_put(u);
	unix_collect();
}

const struct proto_ops unix_ops = {
	.family = AF_UNIX,
	.bind = unix_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.pair = unix_pair,
	.getname = unix_getname,
	.sendmsg = unix_sendmsg,
	.recvmsg = unix_recvmsg,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.setsockopt = unix_setsockopt,
	.getsockopt = unix_getsockopt,
	.fasync = unix_fasync,
	.flush = unix_flush,
	.release = unix_release,
};

static int unix_create(struct socket *s, int type, int protocol)
{
	struct unix_sock *u;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		s->type = type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = unix_alloc(type);
	if (!u)
		return -ENOMEM;
	u->sock = s;
	s->sk = u;
	s->ops = &unix_ops;
	unix_show_add(u);
	return 0;
}

static struct net_family unix_family = {
	.family = AF_UNIX,
	.create = unix_create,
};

static void unix_init(void)
{
	unix_names_init();
	unix_show_init();
	net_family_register(&unix_family);
}
INIT(INIT_FS, unix_init);
