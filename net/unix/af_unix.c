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
 *          (RANK_SOCK_BIND) lets one bind at a time.  names_lock guards the
 *          abstract names and inode->socket.
 * Life:    a socket is referenced by its struct socket, by its peer, by the
 *          name table's look-ups and by messages it sent.
 */
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <lib/hash.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <net/socket.h>
#include <signal/signal.h>
#include <task/process.h>
#include <task/pid.h>
#include "unix_impl.h"

#define SNDBUF_DEFAULT 212992u
#define CHUNK_MAX 32768u
#define DGRAM_BACKLOG 10u
#define NAME_BUCKETS 64u
#define SOMAXCONN 4096

static struct spinlock names_lock =
	SPINLOCK_INIT(RANK_SPIN_LEAF, "unix names");
static struct list names[NAME_BUCKETS];

static void unix_put(struct unix_sock *u);

static void addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->refs))
		kfree(a);
}

void unix_msg_free(struct unix_msg *m)
{
	struct unix_sock *from = m->from;

	if (unix_free_later(m))
		return;
	scm_destroy(&m->scm);
	__atomic_sub_fetch(&from->wmem, m->charge, __ATOMIC_SEQ_CST);
	if (waitq_active(&from->wait))
		waitq_wake(&from->wait, TASK_NORMAL, 0, EPOLLOUT);
	unix_put(from);
	kvfree(m);
}

static void unix_put(struct unix_sock *u)
{
	if (!ref_put(&u->refs))
		return;
	addr_put(u->addr);
	kfree(u);
}

static struct unix_sock *unix_alloc(int type)
{
	struct unix_sock *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	ref_init(&u->refs, 1);
	irq_lock_init(&u->lock, RANK_IRQ, "unix socket");
	mutex_init(&u->bind_lock, RANK_SOCK_BIND, "unix bind");
	mutex_init(&u->read_lock, RANK_SOCK, "unix read");
	waitq_init(&u->wait);
	list_init(&u->queue);
	list_init(&u->accept_node);
	list_init(&u->name_node);
	list_init(&u->flight_node);
	u->type = type;
	u->sndbuf = SNDBUF_DEFAULT;
	return u;
}

static void fill_cred(struct ucred *c)
{
	c->pid = current->tgid;
	c->uid = current->cred->euid;
	c->gid = current->cred->egid;
}

static struct unix_sock *peer_get(struct unix_sock *u)
{
	struct unix_sock *p;

	irq_lock(&u->lock);
	p = u->peer;
	if (p)
		ref_get(&p->refs);
	irq_unlock(&u->lock);
	return p;
}

/* --- names ------------------------------------------------------------------*/
static u32 name_bucket(const struct sockaddr_un *n, int len)
{
	return hash_bytes(n->path, (size_t)len - 2, 0) % NAME_BUCKETS;
}

static int check_addr(const void *addr, int len)
{
	const struct sockaddr_un *n = addr;

	if (len < 2 || len > (int)sizeof(*n) || n->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static struct unix_sock *abstract_find_locked(const struct sockaddr_un *n,
					      int len, int type)
{
	struct unix_sock *u;

	list_for_each_entry(u, &names[name_bucket(n, len)], name_node)
		if (u->addr->len == len && u->type == type &&
		    !memcmp(&u->addr->name, n, (size_t)len))
			return u;
	return NULL;
}

/* The path name of an address, NUL-terminated, into buf. */
static void addr_path(const struct sockaddr_un *n, int len, char *buf)
{
	size_t k = (size_t)len - 2;

	memcpy(buf, n->path, k);
	buf[k] = 0;
}

static int path_find(const struct sockaddr_un *n, int len, int type,
		     struct unix_sock **out)
{
	char buf[UNIX_PATH_MAX + 1];
	struct path p;
	struct unix_sock *u;
	int err;

	addr_path(n, len, buf);
	err = path_lookup(AT_FDCWD, buf, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_WRITE);
	if (err)
		goto out;
	err = -ECONNREFUSED;
	if (!S_ISSOCK(p.dentry->inode->mode))
		goto out;
	spin_lock(&names_lock);
	u = p.dentry->inode->socket;
	if (u) {
		err = u->type == type ? 0 : -EPROTOTYPE;
		if (!err)
			ref_get(&u->refs);
	}
	spin_unlock(&names_lock);
	if (!err)
		*out = u;
out:
	path_put(&p);
	return err;
}

static int name_find(const void *addr, int len, int type,
		     struct unix_sock **out)
{
	const struct sockaddr_un *n = addr;
	struct unix_sock *u;
	int err = check_addr(addr, len);

	if (err)
		return err;
	if (len > 2 && n->path[0])
		return path_find(n, len, type, out);
	spin_lock(&names_lock);
	u = len > 2 ? abstract_find_locked(n, len, type) : NULL;
	if (u)
		ref_get(&u->refs);
	spin_unlock(&names_lock);
	*out = u;
	return u ? 0 : -ECONNREFUSED;
}

static int bind_path(struct unix_sock *u, struct unix_addr *a)
{
	char buf[UNIX_PATH_MAX + 1];
	struct path parent;
	struct dentry *d;
	int err;

	addr_path(&a->name, a->len, buf);
	a->len = 2 + (int)strlen(buf) + 1;
	err = path_create(AT_FDCWD, buf, 0, &parent, &d);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = vfs_mknod(&parent, d, S_IFSOCK | (0777 & ~current->fs->umask), 0);
	if (!err) {
		u->path.mnt = parent.mnt;
		u->path.dentry = d;
		path_get(&u->path);
		spin_lock(&names_lock);
		d->inode->socket = u;
		store_release(&u->addr, a);
		spin_unlock(&names_lock);
	}
	path_create_done(&parent, d);
	return err == -EEXIST ? -EADDRINUSE : err;
}

static int bind_abstract(struct unix_sock *u, struct unix_addr *a)
{
	int err = 0;

	spin_lock(&names_lock);
	if (abstract_find_locked(&a->name, a->len, u->type)) {
		err = -EADDRINUSE;
	} else {
		store_release(&u->addr, a);
		list_add(&u->name_node, &names[name_bucket(&a->name, a->len)]);
	}
	spin_unlock(&names_lock);
	return err;
}

/* A free abstract name of five hexadecimal digits. */
static int autobind(struct unix_sock *u, struct unix_addr *a)
{
	static u32 next;

	for (u32 tries = 0; tries < 1u << 20; tries++) {
		u32 n = fetch_add(&next, 1) & 0xfffff;

		a->name.path[0] = 0;
		ksnprintf(a->name.path + 1, 6, "%05x", n);
		a->len = 2 + 6;
		if (!bind_abstract(u, a))
			return 0;
	}
	return -ENOSPC;
}

static int unix_bind(struct socket *s, const void *addr, int len)
{
	struct unix_sock *u = s->sk;
	struct unix_addr *a;
	int err = check_addr(addr, len);

	if (err)
		return err;
	if (u->addr)
		return -EINVAL;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	ref_init(&a->refs, 1);
	memcpy(&a->name, addr, (size_t)len);
	a->len = len;
	mutex_lock(&u->bind_lock);
	if (u->addr)
		err = -EINVAL;
	else if (len == 2)
		err = autobind(u, a);
	else if (a->name.path[0])
		err = bind_path(u, a);
	else
		err = bind_abstract(u, a);
	mutex_unlock(&u->bind_lock);
	if (err)
		kfree(a);
	return err;
}

static void unbind(struct unix_sock *u)
{
	spin_lock(&names_lock);
	list_del_init(&u->name_node);
	if (u->path.dentry && u->path.dentry->inode &&
	    u->path.dentry->inode->socket == u)
		u->path.dentry->inode->socket = NULL;
	spin_unlock(&names_lock);
	if (u->path.dentry)
		path_put(&u->path);
	u->path.dentry = NULL;
}

/* --- connections ---------------------------------------------------------------*/
static int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = sa->sk, *b = sb->sk;

	ref_get(&a->refs);
	ref_get(&b->refs);
	a->peer = b;
	b->peer = a;
	fill_cred(&a->peer_cred);
	fill_cred(&b->peer_cred);
	if (a->type != SOCK_DGRAM)
		a->state = b->state = UNIX_CONNECTED;
	return 0;
}

static int unix_listen(struct socket *s, int backlog)
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
		fill_cred(&u->peer_cred);
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
		err = name_find(addr, len, SOCK_DGRAM, &to);
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

static int unix_connect(struct socket *s, const void *addr, int len,
			bool nonblock)
{
	struct unix_sock *u = s->sk, *l, *n;
	int err;

	if (u->type == SOCK_DGRAM)
		return connect_dgram(u, addr, len);
	n = unix_alloc(u->type);
	if (!n)
		return -ENOMEM;
	fill_cred(&n->peer_cred);
	for (;;) {
		err = name_find(addr, len, u->type, &l);
		if (err)
			break;
		err = queue_connection(u, l, n);
		if (!err)
			waitq_wake(&l->wait, TASK_NORMAL, 1, EPOLLIN);
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

static struct unix_sock *take_connection(struct unix_sock *l)
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

static int unix_accept(struct socket *s, struct socket *to, bool nonblock)
{
	struct unix_sock *l = s->sk, *n;
	int err;

	for (;;) {
		if (READ_ONCE(l->state) != UNIX_LISTEN)
			return l->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
		if (READ_ONCE(l->shut) & 1)
			return -EINVAL;
		n = take_connection(l);
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

static int unix_getname(struct socket *s, void *addr, int *len, bool peer)
{
	struct unix_sock *u = s->sk, *p = NULL;
	struct unix_addr *a;

	if (peer) {
		p = peer_get(u);
		if (!p)
			return -ENOTCONN;
		u = p;
	}
	a = load_acquire(&u->addr);
	if (a) {
		memcpy(addr, &a->name, (size_t)a->len);
		*len = a->len;
	} else {
		*(u16 *)addr = AF_UNIX;
		*len = 2;
	}
	if (p)
		unix_put(p);
	return 0;
}

/* --- data --------------------------------------------------------------------*/
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

static bool has_wspace(struct unix_sock *u)
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

	if (has_wspace(u))
		return 0;
	if (socket_nonblock(s, flags))
		return -EAGAIN;
	err = wait_event_intr_until(&u->wait,
				    has_wspace(u) || send_hopeless(u, to),
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
		fill_cred(&m->scm.cred);
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
		return name_find(m->addr, m->addr_len, SOCK_DGRAM, to);
	*to = peer_get(u);
	return *to ? 0 : -ENOTCONN;
}

static ssize_t unix_sendmsg(struct socket *s, struct msg *m)
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

static struct unix_msg *first_msg(struct unix_sock *u)
{
	struct unix_msg *m = NULL;

	irq_lock(&u->lock);
	if (!list_empty(&u->queue))
		m = list_entry(u->queue.next, struct unix_msg, node);
	irq_unlock(&u->lock);
	return m;
}

static bool at_end(struct unix_sock *u)
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
	return !list_empty(&u->queue) || at_end(u) || READ_ONCE(u->err);
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
		if (at_end(u))
			return list_empty(&u->queue) ? 0 : 1;
		if (socket_nonblock(s, flags))
			return -EAGAIN;
		mutex_unlock(&u->read_lock);
		err = wait_event_state(&u->wait, recv_ready(u),
				       TASK_INTERRUPTIBLE, true,
				       socket_deadline(s->rcv_timeo_ns));
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

static ssize_t unix_recvmsg(struct socket *s, struct msg *m)
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

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *u = s->sk, *p = peer_get(u);
	u32 bits = how == SHUT_RD ? 1 : how == SHUT_WR ? 2 : 3;

	if (u->type != SOCK_DGRAM && u->state == UNIX_CLOSED) {
		if (p)
			unix_put(p);
		return -ENOTCONN;
	}
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
	if (at_end(u))
		ev |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (u->type != SOCK_DGRAM && u->state == UNIX_CLOSED)
		ev |= EPOLLHUP;
	if ((READ_ONCE(u->shut) & 3) == 3)
		ev |= EPOLLHUP;
	if (u->type != SOCK_DGRAM && at_end(u) &&
	    (!u->peer || READ_ONCE(u->peer->dead)))
		ev |= EPOLLHUP;
	if (has_wspace(u))
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
							SNDBUF_DEFAULT);
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
	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		u->sndbuf = (u32)clamp(v, 2304, (int)SNDBUF_DEFAULT) * 2;
	return 0;
}

static void drop_messages(struct unix_sock *u)
{
	struct unix_msg *m;

	while ((m = first_msg(u)))
		unlink_msg(u, m);
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
	drop_messages(n);
	unix_put(n);
}

static void drop_queue(struct unix_sock *u)
{
	struct unix_sock *n;

	if (u->state != UNIX_LISTEN) {
		drop_messages(u);
		return;
	}
	while ((n = take_connection(u)))
		refuse(n);
}

static void unix_release(struct socket *s)
{
	struct unix_sock *u = s->sk, *p;
	bool unread;

	unbind(u);
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
	return 0;
}

static struct net_family unix_family = {
	.family = AF_UNIX,
	.create = unix_create,
};

static void unix_init(void)
{
	for (unsigned i = 0; i < NAME_BUCKETS; i++)
		list_init(&names[i]);
	net_family_register(&unix_family);
}
INIT(INIT_FS, unix_init);
