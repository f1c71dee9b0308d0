/* The system calls of inotify. */
#include <fs/fdtable.h>
#include <fs/inotify.h>
#include <syscall_prototypes.h>

long sys_inotify_init1(int flags)
{
	struct file *f;
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = inotify_create((unsigned)flags & O_NONBLOCK, &f);
	return err ? err : fd_give(f, (unsigned)flags & O_CLOEXEC);
}

static int add_by_name(struct file *f, const char __user *name, u32 mask,
		       int *wd)
{
	unsigned how = 0;
	struct path p;
	int err;

	if (!(mask & IN_DONT_FOLLOW))
		how |= LOOKUP_FOLLOW;
	if (mask & IN_ONLYDIR)
		how |= LOOKUP_DIRECTORY;
	err = path_lookup_user(AT_FDCWD, name, how, &p);
	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_READ);
	if (!err)
		err = inotify_add(f, p.dentry->inode, mask, wd);
	path_put(&p);
	return err;
}

long sys_inotify_add_watch(int fdno, const char __user *name, u32 mask)
{
	struct fd f;
	int wd, err;

	if (!(mask & (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED |
		      IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK |
		      IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT)))
		return -EINVAL;
	f = fd_find(fdno);
	if (!f.file)
		return -EBADF;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		err = -EINVAL;
	else if (!is_inotify(f.file))
		err = -EINVAL;
	else
		err = add_by_name(f.file, name, mask, &wd);
	fd_release(f);
	return err ? err : wd;
}

long sys_inotify_rm_watch(int fdno, int wd)
{
	struct fd f = fd_find(fdno);
	int err;

	if (!f.file)
		return -EBADF;
	err = is_inotify(f.file) ? inotify_remove(f.file, wd) : -EINVAL;
	fd_release(f);
	return err;
}
