/*
 * socket - the file side of sockets, and families.
 *
 * Life:    the inode of the socket's file owns struct socket (inode->socket);
 *          the last file_put() calls the protocol's release.
 */
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <mm/slab.h>
#include <net/socket.h>
#include <signal/signal.h>

static struct net_family *families;

void net_family_register(struct net_family *f)
{
	f->next = families;
	families = f;
}

static const struct net_family *family_find(int family)
{
	for (struct net_family *f = families; f; f = f->next)
		if (f->family == family)
			return f;
	return NULL;
}

void scm_destroy(struct scm *s)
{
	for (unsigned i = 0; i < s->nr_files; i++)
		if (s->files[i])
			file_put(s->files[i]);
	kfree(s->files);
	s->files = NULL;
	s->nr_files = 0;
}

static void msg_init(struct msg *m, struct iter *it, unsigned flags)
{
	m->addr_len = 0;
	m->it = *it;
	m->scm.nr_files = 0;
	m->scm.files = NULL;
	m->scm.has_cred = false;
	m->flags = flags;
}

static ssize_t socket_read(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	struct socket *s = f->priv;
	struct msg m;
	ssize_t n;

	msg_init(&m, it, flags & IOCB_NOWAIT ? MSG_DONTWAIT : 0);
	n = s->ops->recvmsg(s, &m);
	*it = m.it;
	scm_destroy(&m.scm);
	return n;
}

static ssize_t socket_write(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	struct socket *s = f->priv;
	struct msg m;
	ssize_t n;

	msg_init(&m, it, flags & IOCB_NOWAIT ? MSG_DONTWAIT : 0);
	n = s->ops->sendmsg(s, &m);
	*it = m.it;
	return n;
}

static u32 socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->priv;

	return s->ops->poll(s, pt);
}

static long socket_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct socket *s = f->priv;

	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static int socket_fasync(struct file *f, int fd, bool on)
{
	struct socket *s = f->priv;

	if (!s->ops || !s->ops->fasync)
		return on ? -ENOTTY : 0;
	return fasync_set(s->ops->fasync(s), f, fd, on);
}

static int socket_flush(struct file *f)
{
	struct socket *s = f->priv;

	if (s->ops && s->ops->flush)
		s->ops->flush(s);
	return 0;
}

static void socket_release(struct file *f)
{
	struct socket *s = f->priv;

	if (s->ops)
		s->ops->release(s);
	kfree(s);
}

static const struct file_ops socket_fops = {
	.read_iter = socket_read,
	.write_iter = socket_write,
	.llseek = no_llseek,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.fasync = socket_fasync,
	.flush = socket_flush,
	.release = socket_release,
	.nowait = FMODE_READ | FMODE_WRITE,
};

struct socket *file_socket(struct file *f)
{
	return f->ops == &socket_fops ? f->priv : NULL;
}

int socket_create(int family, int type, int protocol, unsigned flags,
		  struct file **out)
{
	const struct net_family *nf = family_find(family);
	struct socket *s;
	int err;

	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_TYPES)
		return -EINVAL;
	if (!nf)
		return -EAFNOSUPPORT;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	err = nf->create(s, type, protocol);
	if (err)
		goto err_free;
	err = file_pseudo("socket", &socket_fops, S_IFSOCK | 0777, s,
			  O_RDWR | (flags & O_NONBLOCK), out);
	if (err)
		goto err_release;
	s->file = *out;
	return 0;
err_release:
	s->ops->release(s);
err_free:
	kfree(s);
	return err;
}

int socket_find(int n, struct fd *fd, struct socket **out)
{
	*fd = fd_find(n);
	if (!fd->file)
		return -EBADF;
	*out = file_socket(fd->file);
	if (*out)
		return 0;
	fd_release(*fd);
	return -ENOTSOCK;
}
