/* The system calls that move bytes: read, write and their kin, lseek. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <mm/iter.h>
#include <mm/slab.h>
#include <syscall_prototypes.h>

#define LONG_COPY 16384u
#define FAST_IOV 8

#define RWF_HIPRI 1u
#define RWF_DSYNC 2u
#define RWF_SYNC 4u
#define RWF_NOWAIT 8u
#define RWF_APPEND 16u
#define RWF_NOAPPEND 32u

__hot long sys_read(int fd, char __user *buf, size_t count)
{
	struct fd f = fd_find_pos(fd);
	struct iter it;
	ssize_t n;

	if (unlikely(!f.file))
		return -EBADF;
	if (unlikely(count > LONG_COPY))
		irqs_unmask();
	iter_user(&it, buf, count, false);
	n = vfs_read(f.file, &it, &f.file->pos, file_iocb_flags(f.file));
	fd_release_pos(f);
	return n;
}

__hot long sys_write(int fd, const char __user *buf, size_t count)
{
	struct fd f = fd_find_pos(fd);
	struct iter it;
	ssize_t n;

	if (unlikely(!f.file))
		return -EBADF;
	if (unlikely(count > LONG_COPY))
		irqs_unmask();
	iter_user(&it, (char __user *)buf, count, true);
	n = vfs_write(f.file, &it, &f.file->pos, file_iocb_flags(f.file));
	fd_release_pos(f);
	return n;
}

__hot long sys_pread64(int fd, char __user *buf, size_t count, s64 pos)
{
	struct fd f;
	struct iter it;
	ssize_t n = -ESPIPE;

	if (pos < 0)
		return -EINVAL;
	f = fd_find(fd);
	if (unlikely(!f.file))
		return -EBADF;
	if (unlikely(count > LONG_COPY))
		irqs_unmask();
	iter_user(&it, buf, count, false);
	if (f.file->mode & FMODE_PREAD)
		n = vfs_read(f.file, &it, (u64 *)&pos,
			     file_iocb_flags(f.file));
	fd_release(f);
	return n;
}

__hot long sys_pwrite64(int fd, const char __user *buf, size_t count, s64 pos)
{
	struct fd f;
	struct iter it;
	ssize_t n = -ESPIPE;

	if (pos < 0)
		return -EINVAL;
	f = fd_find(fd);
	if (unlikely(!f.file))
		return -EBADF;
	if (unlikely(count > LONG_COPY))
		irqs_unmask();
	iter_user(&it, (char __user *)buf, count, true);
	if (f.file->mode & FMODE_PREAD)
		n = vfs_write(f.file, &it, (u64 *)&pos,
			      file_iocb_flags(f.file));
	fd_release(f);
	return n;
}

/* --- vectors -----------------------------------------------------------------*/
int file_rwf_to_iocb(const struct file *f, unsigned rwf, bool is_write,
		     unsigned *iocb)
{
	unsigned io = file_iocb_flags(f);

	if (rwf & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT |
		    RWF_APPEND | RWF_NOAPPEND))
		return -EOPNOTSUPP;
	if ((rwf & RWF_NOWAIT) &&
	    !(f->ops->nowait & (is_write ? FMODE_WRITE : FMODE_READ)))
		return -EOPNOTSUPP;
	if ((rwf & RWF_APPEND) && (rwf & RWF_NOAPPEND))
		return -EINVAL;
	if (rwf & RWF_NOWAIT)
		io |= IOCB_NOWAIT;
	if (rwf & RWF_DSYNC)
		io |= IOCB_DSYNC;
	if (rwf & RWF_SYNC)
		io |= IOCB_DSYNC | IOCB_SYNC;
	if (rwf & RWF_APPEND)
		io |= IOCB_APPEND;
	if (rwf & RWF_NOAPPEND)
		io &= ~IOCB_APPEND;
	*iocb = io;
	return 0;
}

static long do_vector(struct file *f, const struct uiovec __user *vec,
		      unsigned long nr, u64 *pos, unsigned rwf, bool is_write)
{
	struct uiovec fast[FAST_IOV], *iov = fast;
	struct iter it;
	unsigned io = 0;
	long n = 0;
	int err;

	if (!(f->mode & (is_write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (is_write && !f->ops->write_iter)
		return -EINVAL;
	if (nr > 1024)
		return -EINVAL;
	err = iter_import(&it, vec, (unsigned)nr, fast, FAST_IOV, &iov,
			  is_write);
	if (err)
		return err;
	if (it.count)
		n = file_rwf_to_iocb(f, rwf, is_write, &io);
	if (it.count > LONG_COPY)
		irqs_unmask();
	if (it.count && !n)
		n = is_write ? vfs_write(f, &it, pos, io) :
			       vfs_read(f, &it, pos, io);
	if (iov != fast)
		kfree(iov);
	return n;
}

static long vector_here(int fd, const struct uiovec __user *vec,
			unsigned long nr, unsigned rwf, bool is_write)
{
	struct fd f = fd_find_pos(fd);
	long n;

	if (!f.file)
		return -EBADF;
	n = do_vector(f.file, vec, nr, &f.file->pos, rwf, is_write);
	fd_release_pos(f);
	return n;
}

static long vector_at(int fd, const struct uiovec __user *vec,
		      unsigned long nr, s64 pos, unsigned rwf, bool is_write)
{
	struct fd f;
	long n = -ESPIPE;

	if (pos < 0)
		return -EINVAL;
	f = fd_find(fd);
	if (!f.file)
		return -EBADF;
	if (f.file->mode & FMODE_PREAD)
		n = do_vector(f.file, vec, nr, (u64 *)&pos, rwf, is_write);
	fd_release(f);
	return n;
}

long sys_readv(int fd, const struct uiovec __user *vec, unsigned long nr)
{
	return vector_here(fd, vec, nr, 0, false);
}

long sys_writev(int fd, const struct uiovec __user *vec, unsigned long nr)
{
	return vector_here(fd, vec, nr, 0, true);
}

long sys_preadv(int fd, const struct uiovec __user *vec, unsigned long nr,
		s64 pos)
{
	return vector_at(fd, vec, nr, pos, 0, false);
}

long sys_pwritev(int fd, const struct uiovec __user *vec, unsigned long nr,
		 s64 pos)
{
	return vector_at(fd, vec, nr, pos, 0, true);
}

/* The position comes in one register; its upper half (pos_h) is unused. */
long sys_preadv2(int fd, const struct uiovec __user *vec, unsigned long nr,
		 s64 pos, unsigned long pos_h, unsigned flags)
{
	if (pos == -1)
		return vector_here(fd, vec, nr, flags, false);
	return vector_at(fd, vec, nr, pos, flags, false);
}

long sys_pwritev2(int fd, const struct uiovec __user *vec, unsigned long nr,
		  s64 pos, unsigned long pos_h, unsigned flags)
{
	if (pos == -1)
		return vector_here(fd, vec, nr, flags, true);
	return vector_at(fd, vec, nr, pos, flags, true);
}

long sys_lseek(int fd, s64 off, unsigned whence)
{
	struct fd f = fd_find_pos(fd);
	s64 pos;
	int err = -ESPIPE;

	if (!f.file)
		return -EBADF;
	if (whence > SEEK_HOLE)
		err = -EINVAL;
	else if (f.file->mode & FMODE_LSEEK)
		err = f.file->ops->llseek(f.file, off, (int)whence, &pos);
	fd_release_pos(f);
	return err ? err : pos;
}
