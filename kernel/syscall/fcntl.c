/* The system calls fcntl, flock, ioctl. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/locks.h>
#include <fs/memfd.h>
#include <syscall_prototypes.h>
#include <task/process.h>

enum {
	F_DUPFD = 0,
	F_GETFD = 1,
	F_SETFD = 2,
	F_GETFL = 3,
	F_DUPFD_QUERY = 1027,
	F_DUPFD_CLOEXEC = 1030,
	F_ADD_SEALS = 1033,
	F_GET_SEALS = 1034,
};
#define FD_CLOEXEC 1

#define FIOCLEX 0x5451
#define FIONCLEX 0x5450

static long dup_from(struct file *f, unsigned long min, unsigned flags)
{
	int fd, err;

	if (min >= rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	err = fd_alloc((int)min, flags, &fd);
	if (err)
		return err;
	fd_install(fd, file_get(f));
	return fd;
}

static long same_file(struct file *f, int other)
{
	struct fd o = fd_find_raw(other);
	long same;

	if (!o.file)
		return -EBADF;
	same = o.file == f;
	fd_release(o);
	return same;
}

static bool is_allowed_on_path(unsigned cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD ||
	       cmd == F_SETFD || cmd == F_GETFL || cmd == F_DUPFD_QUERY;
}

static long do_fcntl(int fd, struct file *f, unsigned cmd, unsigned long arg)
{
	switch (cmd) {
	case F_DUPFD:
		return dup_from(f, arg, 0);
	case F_DUPFD_CLOEXEC:
		return dup_from(f, arg, O_CLOEXEC);
	case F_DUPFD_QUERY:
		return same_file(f, (int)arg);
	case F_GETFD:
		return fd_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_ADD_SEALS:
		return arg >> 32 ? -EINVAL : memfd_add_seals(f, (unsigned)arg);
	case F_GET_SEALS:
		return memfd_get_seals(f);
	}
	return file_fcntl(f, (unsigned)fd, cmd, arg);
}

long sys_fcntl(int fd, unsigned cmd, unsigned long arg)
{
	struct fd f = fd_find_raw(fd);
	long ret = -EBADF;

	if (!f.file)
		return -EBADF;
	if (!(f.file->mode & FMODE_PATH) || is_allowed_on_path(cmd))
		ret = do_fcntl(fd, f.file, cmd, arg);
	fd_release(f);
	return ret;
}

long sys_flock(int fd, unsigned op)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = locks_flock(f.file, op);
	fd_release(f);
	return err;
}

long sys_ioctl(int fd, unsigned cmd, unsigned long arg)
{
	struct fd f = fd_find(fd);
	long ret = 0;

	if (!f.file)
		return -EBADF;
	if (cmd == FIOCLEX || cmd == FIONCLEX)
		fd_set_cloexec(fd, cmd == FIOCLEX);
	else
		ret = vfs_ioctl(f.file, cmd, arg);
	fd_release(f);
	return ret;
}
