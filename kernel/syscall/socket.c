/* The system calls of sockets. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <net/socket.h>
#include <signal/signal.h>
#include <syscall_prototypes.h>
#include <task/pid.h>
#include <task/process.h>

struct user_msghdr {
	void __user *name;
	int namelen;
	struct uiovec __user *iov;
	size_t iovlen;
	void __user *control;
	size_t controllen;
	unsigned flags;
};

struct mmsghdr {
	struct user_msghdr hdr;
	unsigned len;
};

struct cmsghdr {
	size_t len;
	int level, type;
};

#define CMSG_ALIGN(n) (((n) + 7) & ~7ul)
#define CONTROL_MAX 20480u
#define IOV_FAST 8u

static int addr_in(const void __user *u, int len, void *k)
{
	if (len < 0 || len > SOCK_ADDR_MAX)
		return -EINVAL;
	return len ? copy_from_user(k, u, (size_t)len) : 0;
}

static int addr_out(const void *k, int len, void __user *u, int __user *ulen)
{
	int room;

	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user(u, k, (size_t)min(room, len)))
		return -EFAULT;
	return put_user(len, ulen);
}

static int type_flags(int type, unsigned *flags)
{
	*flags = (unsigned)type & ~(unsigned)SOCK_TYPE_MASK;
	return *flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL : 0;
}

long sys_socket(int family, int type, int protocol)
{
	struct file *f;
	unsigned flags;
	int err = type_flags(type, &flags);

	if (!err)
		err = socket_create(family, type & SOCK_TYPE_MASK, protocol,
				    flags, &f);
	return err ? err : fd_give(f, flags & O_CLOEXEC);
}

long sys_socketpair(int family, int type, int protocol, int __user *ufds)
{
	struct file *f[2] = { NULL, NULL };
	struct socket *a;
	unsigned flags;
	int err = type_flags(type, &flags);

	if (err)
		return err;
	type &= SOCK_TYPE_MASK;
	err = socket_create(family, type, protocol, flags, &f[0]);
	if (err)
		return err;
	err = socket_create(family, type, protocol, flags, &f[1]);
	if (err)
		goto err_put;
	a = file_socket(f[0]);
	err = a->ops->pair ? a->ops->pair(a, file_socket(f[1])) : -EOPNOTSUPP;
	if (!err)
		err = fd_add_pair(f, flags & O_CLOEXEC, ufds);
	if (!err)
		return 0;
err_put:
	if (f[1])
		file_put(f[1]);
	file_put(f[0]);
	return err;
}

long sys_bind(int fdno, const void __user *addr, int len)
{
	u8 k[SOCK_ADDR_MAX];
	struct socket *s;
	struct fd fd;
	int err = addr_in(addr, len, k);

	if (!err)
		err = socket_find(fdno, &fd, &s);
	if (err)
		return err;
	err = s->ops->bind ? s->ops->bind(s, k, len) : -EOPNOTSUPP;
	fd_release(fd);
	return err;
}

long sys_connect(int fdno, const void __user *addr, int len)
{
	u8 k[SOCK_ADDR_MAX];
	struct socket *s;
	struct fd fd;
	int err = addr_in(addr, len, k);

	if (!err)
		err = socket_find(fdno, &fd, &s);
	if (err)
		return err;
	err = s->ops->connect ? s->ops->connect(s, k, len,
						socket_nonblock(s, 0)) :
				-EOPNOTSUPP;
	fd_release(fd);
	return err;
}

long sys_listen(int fdno, int backlog)
{
	struct socket *s;
	struct fd fd;
	int err = socket_find(fdno, &fd, &s);

	if (err)
		return err;
	err = s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
	fd_release(fd);
	return err;
}

static long accept_on(struct socket *s, void __user *addr, int __user *len,
		      unsigned flags)
{
	u8 k[SOCK_ADDR_MAX];
	struct socket *n;
	struct file *f;
	int klen = 0, fd, err;

	if (!s->ops->accept)
		return -EOPNOTSUPP;
	err = socket_create(s->family, s->type, s->protocol, flags, &f);
	if (err)
		return err;
	n = file_socket(f);
	err = fd_alloc(0, flags & O_CLOEXEC, &fd);
	if (err)
		goto err_put;
	err = s->ops->accept(s, n, socket_nonblock(s, 0));
	if (err)
		goto err_fd;
	if (addr) {
		err = n->ops->getname(n, k, &klen, true);
		if (err == -ENOTCONN)
			err = -ECONNABORTED;
		if (!err)
			err = addr_out(k, klen, addr, len);
		if (err)
			goto err_fd;
	}
	fd_install(fd, f);
	return fd;
err_fd:
	fd_free(fd);
err_put:
	file_put(f);
	return err;
}

long sys_accept4(int fdno, void __user *addr, int __user *len, int flags)
{
	struct socket *s;
	struct fd fd;
	long ret;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	ret = accept_on(s, addr, len, (unsigned)flags);
	fd_release(fd);
	return ret;
}

long sys_accept(int fdno, void __user *addr, int __user *len)
{
	return sys_accept4(fdno, addr, len, 0);
}

static long getname(int fdno, void __user *addr, int __user *len, bool peer)
{
	u8 k[SOCK_ADDR_MAX];
	struct socket *s;
	struct fd fd;
	int klen = 0, err = socket_find(fdno, &fd, &s);

	if (err)
		return err;
	err = s->ops->getname(s, k, &klen, peer);
	fd_release(fd);
	return err ? err : addr_out(k, klen, addr, len);
}

long sys_getsockname(int fdno, void __user *addr, int __user *len)
{
	return getname(fdno, addr, len, false);
}

long sys_getpeername(int fdno, void __user *addr, int __user *len)
{
	return getname(fdno, addr, len, true);
}

static void msg_init(struct msg *m, unsigned flags)
{
	m->addr_len = 0;
	m->scm.nr_files = 0;
	m->scm.files = NULL;
	m->scm.has_cred = false;
	m->flags = flags;
}

long sys_sendto(int fdno, const void __user *buf, size_t n, unsigned flags,
		const void __user *addr, int len)
{
	struct socket *s;
	struct fd fd;
	struct msg m;
	long ret;

	if (!access_ok(buf, n))
		return -EFAULT;
	msg_init(&m, flags);
	iter_user(&m.it, (void __user *)buf, n, true);
	if (addr) {
		ret = addr_in(addr, len, m.addr);
		if (ret)
			return ret;
		m.addr_len = len;
	}
	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	ret = s->ops->sendmsg(s, &m);
	fd_release(fd);
	return ret;
}

long sys_recvfrom(int fdno, void __user *buf, size_t n, unsigned flags,
		  void __user *addr, int __user *len)
{
	struct socket *s;
	struct fd fd;
	struct msg m;
	long ret;

	if (!access_ok(buf, n))
		return -EFAULT;
	msg_init(&m, flags);
	iter_user(&m.it, buf, n, false);
	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	ret = s->ops->recvmsg(s, &m);
	fd_release(fd);
	scm_destroy(&m.scm);
	if (ret >= 0 && addr) {
		int err = addr_out(m.addr, m.addr_len, addr, len);

		if (err)
			return err;
	}
	return ret;
}

/* --- sendmsg and recvmsg --------------------------------------------------*/
static int scm_add_rights(struct scm *scm, const int *fds, unsigned n)
{
	struct file **files;

	if (scm->nr_files + n > SCM_MAX_FD)
		return -EINVAL;
	files = krealloc(scm->files, (scm->nr_files + n) * sizeof(*files),
			 GFP_KERNEL);
	if (!files)
		return -ENOMEM;
	scm->files = files;
	for (unsigned i = 0; i < n; i++) {
		struct file *f = fd_get_file_raw(fds[i]);

		if (!f)
			return -EBADF;
		scm->files[scm->nr_files++] = f;
	}
	return 0;
}

static int scm_check_cred(struct scm *scm, const struct ucred *c)
{
	const struct cred *me = current->cred;
	u32 uid = make_kuid(me->user_ns, c->uid);
	u32 gid = make_kgid(me->user_ns, c->gid);

	if (uid == INVALID_ID || gid == INVALID_ID)
		return -EINVAL;
	if ((c->pid != task_vtgid(current) &&
	     !ns_capable(task_pid_ns(current)->owner.user_ns,
			 CAP_SYS_ADMIN)) ||
	    (uid != me->uid && uid != me->euid && uid != me->suid &&
	     !ns_capable(me->user_ns, CAP_SETUID)) ||
	    (gid != me->gid && gid != me->egid && gid != me->sgid &&
	     !ns_capable(me->user_ns, CAP_SETGID)))
		return -EPERM;
	scm->cred = (struct ucred){ c->pid, uid, gid };
	scm->has_cred = true;
	return 0;
}

static int scm_parse(struct scm *scm, const u8 *buf, size_t n)
{
	size_t pos = 0;
	int err = 0;

	while (!err && pos + sizeof(struct cmsghdr) <= n) {
		const struct cmsghdr *c = (const void *)(buf + pos);
		size_t data;

		if (c->len < sizeof(*c) || c->len > n - pos)
			return -EINVAL;
		data = c->len - sizeof(*c);
		if (c->level != SOL_SOCKET)
			;	/* for the protocol: none reads any yet */
		else if (c->type == SCM_RIGHTS)
			err = scm_add_rights(scm, (const int *)(c + 1),
					     (unsigned)(data / sizeof(int)));
		else if (c->type == SCM_CREDENTIALS &&
			 data == sizeof(struct ucred))
			err = scm_check_cred(scm, (const void *)(c + 1));
		else
			err = -EINVAL;
		pos += CMSG_ALIGN(c->len);
	}
	return err;
}

static int scm_from_user(struct scm *scm, const struct user_msghdr *h)
{
	u8 *buf;
	int err;

	if (!h->control || !h->controllen)
		return 0;
	if (h->controllen > CONTROL_MAX)
		return -ENOBUFS;
	buf = kmalloc(h->controllen, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = copy_from_user(buf, h->control, h->controllen);
	if (!err)
		err = scm_parse(scm, buf, h->controllen);
	kfree(buf);
	return err;
}

/* Writes one control message; what does not fit is MSG_CTRUNC. */
static int put_cmsg(struct user_msghdr *h, size_t *used, int type,
		    const void *data, size_t n, unsigned *flags)
{
	struct cmsghdr c = { sizeof(c) + n, SOL_SOCKET, type };
	u8 __user *to = (u8 __user *)h->control + *used;
	size_t room = h->controllen - *used;

	if (room < sizeof(c)) {
		*flags |= MSG_CTRUNC;
		return 0;
	}
	if (room < c.len) {
		*flags |= MSG_CTRUNC;
		c.len = room;
		n = room - sizeof(c);
	}
	if (copy_to_user(to, &c, sizeof(c)) ||
	    copy_to_user(to + sizeof(c), data, n))
		return -EFAULT;
	*used += min_t(size_t, CMSG_ALIGN(c.len), room);
	return 0;
}

static int put_cred(struct user_msghdr *h, size_t *used, const struct ucred *c,
		    u32 *flags)
{
	struct ucred u = {
		.pid = c->pid,
		.uid = from_kuid_munged(current_user_ns(), c->uid),
		.gid = from_kgid_munged(current_user_ns(), c->gid),
	};

	return put_cmsg(h, used, SCM_CREDENTIALS, &u, sizeof(u), flags);
}

/* Installs passed descriptors as far as there is room for their numbers. */
static int give_rights(struct user_msghdr *h, size_t *used, struct msg *m,
		       unsigned fd_flags)
{
	size_t room = h->controllen - *used;
	unsigned max = 0, n = 0;
	int *fds, err;

	if (room > sizeof(struct cmsghdr))
		max = (unsigned)((room - sizeof(struct cmsghdr)) / sizeof(int));
	max = min(max, m->scm.nr_files);
	fds = kmalloc_array(max + 1, sizeof(*fds), GFP_KERNEL);
	if (!fds)
		return -ENOMEM;
	while (n < max) {
		err = fd_add(m->scm.files[n], fd_flags, &fds[n]);
		if (err)
			break;
		m->scm.files[n++] = NULL;	/* moved in */
	}
	if (n < m->scm.nr_files)
		m->flags |= MSG_CTRUNC;
	err = n ? put_cmsg(h, used, SCM_RIGHTS, fds, n * sizeof(int),
			   &m->flags) : 0;
	kfree(fds);
	return err;
}

static int scm_to_user(struct socket *s, struct user_msghdr *h, struct msg *m,
		       unsigned call_flags)
{
	size_t used = 0;
	int err = 0;

	if (!h->control)
		h->controllen = 0;
	if (s->pass_cred && m->scm.has_cred)
		err = put_cred(h, &used, &m->scm.cred, &m->flags);
	if (!err && m->scm.nr_files)
		err = give_rights(h, &used, m,
				  call_flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);
	h->controllen = used;
	return err;
}

static long do_sendmsg(struct socket *s, const struct user_msghdr __user *u,
		       unsigned flags)
{
	struct uiovec fast[IOV_FAST], *iov = fast;
	struct user_msghdr h;
	struct msg m;
	long ret;

	if (copy_from_user(&h, u, sizeof(h)))
		return -EFAULT;
	msg_init(&m, flags);
	if (h.name && h.namelen) {
		ret = addr_in(h.name, min(h.namelen, SOCK_ADDR_MAX), m.addr);
		if (ret)
			return ret;
		m.addr_len = min(h.namelen, SOCK_ADDR_MAX);
	}
	if (h.iovlen > 1024)
		return -EMSGSIZE;
	ret = iter_import(&m.it, h.iov, (unsigned)h.iovlen, fast, IOV_FAST, &iov,
			  true);
	if (ret)
		return ret;
	ret = scm_from_user(&m.scm, &h);
	if (!ret)
		ret = s->ops->sendmsg(s, &m);
	scm_destroy(&m.scm);
	if (iov != fast)
		kfree(iov);
	return ret;
}

static long do_recvmsg(struct socket *s, struct user_msghdr __user *u,
		       unsigned flags)
{
	struct uiovec fast[IOV_FAST], *iov = fast;
	struct user_msghdr h;
	struct msg m;
	long ret, err;

	if (copy_from_user(&h, u, sizeof(h)))
		return -EFAULT;
	if (h.name && h.namelen < 0)
		return -EINVAL;
	if (h.iovlen > 1024)
		return -EMSGSIZE;
	msg_init(&m, flags & ~MSG_CMSG_CLOEXEC);
	err = iter_import(&m.it, h.iov, (unsigned)h.iovlen, fast, IOV_FAST, &iov,
			  false);
	if (err)
		return err;
	ret = s->ops->recvmsg(s, &m);
	if (ret >= 0) {
		err = scm_to_user(s, &h, &m, flags);
		if (h.name && copy_to_user(h.name, m.addr,
					   (size_t)min(h.namelen, m.addr_len)))
			err = -EFAULT;
		h.namelen = h.name ? m.addr_len : 0;
		h.flags = m.flags & (MSG_TRUNC | MSG_CTRUNC | MSG_EOR);
		if (put_user(h.namelen, &u->namelen) ||
		    put_user(h.controllen, &u->controllen) ||
		    put_user(h.flags, &u->flags))
			err = -EFAULT;
		if (err)
			ret = err;
	}
	scm_destroy(&m.scm);
	if (iov != fast)
		kfree(iov);
	return ret;
}

long sys_sendmsg(int fdno, const struct user_msghdr __user *u, unsigned flags)
{
	struct socket *s;
	struct fd fd;
	long ret = socket_find(fdno, &fd, &s);

	if (ret)
		return ret;
	ret = do_sendmsg(s, u, flags);
	fd_release(fd);
	return ret;
}

long sys_recvmsg(int fdno, struct user_msghdr __user *u, unsigned flags)
{
	struct socket *s;
	struct fd fd;
	long ret = socket_find(fdno, &fd, &s);

	if (ret)
		return ret;
	ret = do_recvmsg(s, u, flags);
	fd_release(fd);
	return ret;
}

long sys_sendmmsg(int fdno, struct mmsghdr __user *u, unsigned n,
		  unsigned flags)
{
	struct socket *s;
	struct fd fd;
	unsigned done = 0;
	long ret = socket_find(fdno, &fd, &s);

	if (ret)
		return ret;
	for (n = min(n, 1024u); done < n; done++) {
		ret = do_sendmsg(s, &u[done].hdr, flags);
		if (ret >= 0)
			ret = put_user((unsigned)ret, &u[done].len);
		if (ret)
			break;
	}
	fd_release(fd);
	return done ? (long)done : ret;
}

long sys_recvmmsg(int fdno, struct mmsghdr __user *u, unsigned n,
		  unsigned flags, struct timespec64 __user *timeout)
{
	struct timespec64 t;
	struct socket *s;
	struct fd fd;
	u64 deadline = 0;
	unsigned done = 0;
	long ret;

	if (timeout) {
		if (copy_from_user(&t, timeout, sizeof(t)))
			return -EFAULT;
		if (!timespec_valid(&t))
			return -EINVAL;
		deadline = clock_ns() + timespec_to_ns(&t);
	}
	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	while (done < min(n, 1024u)) {
		ret = do_recvmsg(s, &u[done].hdr,
				 (flags & ~MSG_WAITFORONE) |
					 (done && (flags & MSG_WAITFORONE) ?
						  MSG_DONTWAIT : 0));
		if (ret >= 0)
			ret = put_user((unsigned)ret, &u[done].len);
		if (ret)
			break;
		done++;
		if (deadline && clock_ns() >= deadline)
			break;
	}
	fd_release(fd);
	return done ? (long)done : ret;
}

long sys_shutdown(int fdno, int how)
{
	struct socket *s;
	struct fd fd;
	long ret;

	ret = socket_find(fdno, &fd, &s);
	if (ret)
		return ret;
	if (how < SHUT_RD || how > SHUT_RDWR)
		ret = -EINVAL;
	else
		ret = s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
	fd_release(fd);
	return ret;
}
