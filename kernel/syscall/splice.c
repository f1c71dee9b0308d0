/* The system calls sendfile, splice, tee, vmsplice, copy_file_range. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/pipe.h>
#include <mm/iter.h>
#include <mm/slab.h>
#include <syscall_prototypes.h>

#define SPLICE_FLAGS 15u
#define FAST_IOV 8

static int get_pos(u64 *pos, const s64 __user *u)
{
	s64 v;

	if (get_user(v, u))
		return -EFAULT;
	if (v < 0)
		return -EINVAL;
	*pos = (u64)v;
	return 0;
}

long sys_sendfile(int out_fd, int in_fd, s64 __user *upos, size_t n)
{
	struct fd in, out;
	ssize_t done = -EBADF;
	u64 pos = 0;
	int err = upos ? get_pos(&pos, upos) : 0;

	if (err)
		return err;
	in = fd_find(in_fd);
	if (!in.file)
		return -EBADF;
	out = fd_find(out_fd);
	if (!out.file)
		goto out_in;
	if (upos && !(in.file->mode & FMODE_PREAD))
		done = -ESPIPE;
	else
		done = vfs_sendfile(out.file, in.file,
				    upos ? &pos : &in.file->pos, n);
	fd_release(out);
out_in:
	fd_release(in);
	if (upos && put_user((s64)pos, upos))
		return -EFAULT;
	return done;
}

long sys_copy_file_range(int in_fd, s64 __user *uin, int out_fd,
			 s64 __user *uout, size_t n, unsigned flags)
{
	struct fd in, out;
	u64 ipos = 0, opos = 0;
	ssize_t done = -EBADF;
	int err = 0;

	in = fd_find(in_fd);
	if (!in.file)
		return -EBADF;
	out = fd_find(out_fd);
	if (!out.file)
		goto out_in;
	/* Negative ones are refused after what the files do not allow. */
	if ((uin && copy_from_user(&ipos, uin, sizeof(ipos))) ||
	    (uout && copy_from_user(&opos, uout, sizeof(opos))))
		err = -EFAULT;
	else if (flags)
		err = -EINVAL;
	done = err;
	if (!err)
		done = vfs_copy_file_range(in.file,
					   uin ? &ipos : &in.file->pos,
					   out.file,
					   uout ? &opos : &out.file->pos, n);
	fd_release(out);
out_in:
	fd_release(in);
	if (done > 0 && uin && put_user((s64)ipos, uin))
		return -EFAULT;
	if (done > 0 && uout && put_user((s64)opos, uout))
		return -EFAULT;
	return done;
}

long sys_splice(int in_fd, s64 __user *uin, int out_fd, s64 __user *uout,
		size_t n, unsigned flags)
{
	struct fd in, out;
	u64 ipos = 0, opos = 0;
	ssize_t done = -EBADF;
	int err = 0;

	if (!n)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	in = fd_find(in_fd);
	if (!in.file)
		return -EBADF;
	out = fd_find(out_fd);
	if (!out.file)
		goto out_in;
	if (uin && file_pipe(in.file))
		err = -ESPIPE;
	if (uout && file_pipe(out.file))
		err = -ESPIPE;
	if (uin && !err)
		err = get_pos(&ipos, uin);
	if (uout && !err)
		err = get_pos(&opos, uout);
	done = err;
	if (!err)
		done = vfs_splice(in.file, uin ? &ipos : NULL, out.file,
				  uout ? &opos : NULL, n, flags);
	fd_release(out);
out_in:
	fd_release(in);
	if (done > 0 && uin && put_user((s64)ipos, uin))
		return -EFAULT;
	if (done > 0 && uout && put_user((s64)opos, uout))
		return -EFAULT;
	return done;
}

long sys_tee(int in_fd, int out_fd, size_t n, unsigned flags)
{
	struct fd in, out;
	ssize_t done = -EBADF;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!n)
		return 0;
	in = fd_find(in_fd);
	if (!in.file)
		return -EBADF;
	out = fd_find(out_fd);
	if (out.file) {
		done = vfs_tee(in.file, out.file, n, flags);
		fd_release(out);
	}
	fd_release(in);
	return done;
}

/* Gifted pages are copied too: the program cannot tell. */
long sys_vmsplice(int fd, const struct uiovec __user *vec, unsigned long nr,
		  unsigned flags)
{
	struct uiovec fast[FAST_IOV], *iov = fast;
	struct fd f;
	struct iter it;
	long n;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_find(fd);
	if (!f.file)
		return -EBADF;
	n = -EBADF;
	if (!file_pipe(f.file))
		goto out;
	n = nr > 1024 ? -EINVAL :
			iter_import(&it, vec, (unsigned)nr, fast, FAST_IOV,
				    &iov, f.file->mode & FMODE_WRITE);
	if (n)
		goto out;
	n = vfs_vmsplice(f.file, &it, flags);
	if (iov != fast)
		kfree(iov);
out:
	fd_release(f);
	return n;
}
