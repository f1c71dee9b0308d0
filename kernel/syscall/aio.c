/* The system calls of asynchronous I/O. */
#include <arch/uaccess.h>
#include <fs/aio.h>
#include <fs/eventfd.h>
#include <fs/fdtable.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <syscall_prototypes.h>

enum { CMD_PREAD, CMD_PWRITE, CMD_FSYNC, CMD_FDSYNC, CMD_PREADV = 7,
       CMD_PWRITEV };
#define FLAG_RESFD 1u
#define EVENTS_MAX (0x10000000u / 32)
#define FAST_IOV 8
#define BATCH 16u

long sys_io_setup(unsigned nr, unsigned long __user *uid)
{
	unsigned long id;
	int err;

	if (get_user(id, uid))
		return -EFAULT;
	if (id || !nr || nr > EVENTS_MAX)
		return -EINVAL;
	err = aio_create(nr, &id);
	if (!err && put_user(id, uid)) {
		ignore_error(aio_destroy(id));	/* it is ours */
		err = -EFAULT;
	}
	return err;
}

long sys_io_destroy(unsigned long id)
{
	return aio_destroy(id);
}

/* --- submitting ------------------------------------------------------------*/
static int import(const struct iocb *cb, bool is_vector, bool is_write,
		  struct iter *it, struct uiovec *fast, struct uiovec **iov)
{
	if (is_vector && cb->nbytes > 1024)
		return -EINVAL;
	if (is_vector)
		return iter_import(it, (const void __user *)cb->buf,
				   (unsigned)cb->nbytes, fast, FAST_IOV, iov,
				   is_write);
	iter_user(it, (void __user *)cb->buf, cb->nbytes, is_write);
	return 0;
}

/* 0: done, with its answer in *res; else it could not be submitted. */
static int do_rw(struct file *f, const struct iocb *cb, s64 *res)
{
	bool is_write = cb->opcode == CMD_PWRITE || cb->opcode == CMD_PWRITEV;
	bool is_vector = cb->opcode >= CMD_PREADV;
	struct uiovec fast[FAST_IOV], *iov = fast;
	unsigned io;
	struct iter it;
	u64 pos = (u64)cb->offset;
	int err = file_rwf_to_iocb(f, cb->rw_flags, is_write, &io);

	if (err)
		return err;
	if (!(f->mode & (is_write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!(is_write ? f->ops->write_iter : f->ops->read_iter) ||
	    cb->offset < 0)
		return -EINVAL;
	err = import(cb, is_vector, is_write, &it, fast, &iov);
	if (err)
		return err;
	*res = is_write ? vfs_write(f, &it, &pos, io) :
			  vfs_read(f, &it, &pos, io);
	if (*res == -ERESTARTSYS)
		*res = -EINTR;
	if (iov != fast)
		kfree(iov);
	return 0;
}

static int do_fsync(struct file *f, const struct iocb *cb, s64 *res)
{
	if (cb->buf || cb->offset || cb->nbytes || cb->rw_flags ||
	    !f->ops->fsync)
		return -EINVAL;
	*res = vfs_fsync_range(f, 0, S64_MAX, cb->opcode == CMD_FDSYNC);
	return 0;
}

static int do_one(struct file *f, const struct iocb *cb, s64 *res)
{
	switch (cb->opcode) {
	case CMD_PREAD:
	case CMD_PWRITE:
	case CMD_PREADV:
	case CMD_PWRITEV:
		return do_rw(f, cb, res);
	case CMD_FSYNC:
	case CMD_FDSYNC:
		return do_fsync(f, cb, res);
	}
	return -EINVAL;
}

static int run(struct aio_ctx *c, const struct iocb *cb, unsigned long obj)
{
	struct io_event e = { .data = cb->data, .obj = obj };
	struct file *f, *tell = NULL;
	int err = 0;

	f = fd_get_file((int)cb->fd);
	if (!f)
		return -EBADF;
	if (cb->flags & FLAG_RESFD) {
		tell = fd_get_file((int)cb->resfd);
		err = !tell ? -EBADF : eventfd_is(tell) ? 0 : -EINVAL;
	}
	if (!err)
		err = do_one(f, cb, &e.res);
	if (!err) {
		aio_complete(c, &e);
		if (tell)
			eventfd_add(tell, 1);
	}
	if (tell)
		file_put(tell);
	file_put(f);
	return err;
}

static int submit_one(struct aio_ctx *c, struct iocb __user *u)
{
	struct iocb cb;
	int err;

	if (copy_from_user(&cb, u, sizeof(cb)))
		return -EFAULT;
	if (cb.reserved || (s64)cb.nbytes < 0 || (cb.flags & ~FLAG_RESFD))
		return -EINVAL;
	if (put_user(0u, &u->key))
		return -EFAULT;
	err = aio_reserve(c);
	if (err)
		return err;
	err = run(c, &cb, (unsigned long)u);
	if (err)
		aio_unreserve(c);
	return err;
}

long sys_io_submit(unsigned long id, long nr,
		   struct iocb __user *__user *list)
{
	struct aio_ctx *c;
	unsigned long p;
	long done = 0;
	int err = 0;

	if (nr < 0)
		return -EINVAL;
	c = aio_find(id);
	if (!c)
		return -EINVAL;
	for (; done < nr && !err; done += !err) {
		err = get_user(p, (unsigned long __user *)list + done);
		if (!err)
			err = submit_one(c, (struct iocb __user *)p);
	}
	aio_put(c);
	return done ? done : err;
}

/* Whatever was submitted has been done. */
long sys_io_cancel(unsigned long id, struct iocb __user *u,
		   struct io_event __user *result)
{
	struct aio_ctx *c;
	u32 key;

	if (get_user(key, &u->key))
		return -EFAULT;
	c = key ? NULL : aio_find(id);
	if (c)
		aio_put(c);
	return -EINVAL;
}

/* --- fetching --------------------------------------------------------------*/
static long fetch(struct aio_ctx *c, struct io_event __user *u, long nr)
{
	struct io_event e[BATCH];
	long done = 0;
	unsigned n;

	while (done < nr) {
		n = aio_take(c, e, (unsigned)min(nr - done, (long)BATCH));
		if (!n)
			break;
		if (copy_to_user(u + done, e, n * sizeof(*e)))
			return done ? done : -EFAULT;
		done += n;
	}
	return done;
}

static int get_deadline(const struct timespec64 __user *ut, u64 *deadline)
{
	struct timespec64 t;

	*deadline = 0;
	if (!ut)
		return 0;
	if (copy_from_user(&t, ut, sizeof(t)))
		return -EFAULT;
	if (!timespec_valid(&t))
		return -EINVAL;
	*deadline = clock_ns() + timespec_to_ns(&t);
	return 0;
}

static long getevents(unsigned long id, long want, long nr,
		      struct io_event __user *u, u64 deadline)
{
	struct aio_ctx *c = aio_find(id);
	long done, err = 0;

	if (!c)
		return -EINVAL;
	if (want > nr || want < 0)
		err = -EINVAL;
	else if (want)
		err = aio_wait(c, (unsigned)min(want, (long)INT_MAX), deadline);
	done = err && err != -EINTR ? 0 : fetch(c, u, nr);
	aio_put(c);
	return done ? done : err;
}

long sys_io_getevents(unsigned long id, long want, long nr,
		      struct io_event __user *events,
		      const struct timespec64 __user *timeout)
{
	u64 deadline;
	int err = get_deadline(timeout, &deadline);

	return err ? err : getevents(id, want, nr, events, deadline);
}

struct aio_sigset {
	const u64 __user *mask;
	size_t size;
};

long sys_io_pgetevents(unsigned long id, long want, long nr,
		       struct io_event __user *events,
		       const struct timespec64 __user *timeout,
		       const void __user *usig)
{
	struct aio_sigset s = { NULL, 0 };
	u64 deadline;
	long ret = get_deadline(timeout, &deadline);

	if (ret)
		return ret;
	if (usig && copy_from_user(&s, usig, sizeof(s)))
		return -EFAULT;
	ret = sigmask_set_temp(s.mask, s.size);
	if (ret)
		return ret;
	ret = getevents(id, want, nr, events, deadline);
	sigmask_restore_temp(ret == -EINTR);
	return ret;
}
