/* The system calls truncate, ftruncate, fallocate. */
#include <fs/fdtable.h>
#include <syscall_prototypes.h>

long sys_truncate(const char __user *name, s64 size)
{
	struct path p;
	int err;

	if (size < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_truncate(&p, (u64)size);
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, s64 size)
{
	struct fd f;
	int err;

	if (size < 0)
		return -EINVAL;
	f = fd_find(fd);
	if (!f.file)
		return -EBADF;
	err = vfs_ftruncate(f.file, (u64)size);
	fd_release(f);
	return err;
}

long sys_fallocate(int fd, int mode, s64 off, s64 len)
{
	struct fd f;
	int err;

	if (off < 0 || len <= 0)
		return -EINVAL;
	f = fd_find(fd);
	if (!f.file)
		return -EBADF;
	err = vfs_fallocate(f.file, mode, (u64)off, (u64)len);
	fd_release(f);
	return err;
}
