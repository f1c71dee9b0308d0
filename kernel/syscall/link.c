/* The system calls that give, take and change names, owners, modes, times. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <syscall_prototypes.h>
#include <task/cred.h>

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

long sys_symlinkat(const char __user *uto, int dfd, const char __user *uname)
{
	struct filename to, fn;
	struct path parent;
	struct dentry *d;
	int err = filename_get(uto, 0, &to);

	if (err)
		return err;
	err = filename_get(uname, 0, &fn);
	if (err)
		goto out;
	err = path_create(dfd, fn.name, 0, &parent, &d);
	if (!err) {
		err = vfs_symlink(&parent, d, to.name);
		path_create_done(&parent, d);
	}
	filename_put(&fn);
out:
	filename_put(&to);
	return err;
}

/* What a descriptor refers to, for who opened it with these rights, or may go
 * anywhere. */
static int path_of_fd(int fd, struct path *out)
{
	struct fd f = fd_find_raw(fd);
	int err = 0;

	if (!f.file)
		return -EBADF;
	if (f.file->cred != current->cred && !capable(CAP_DAC_READ_SEARCH))
		err = -ENOENT;
	if (!err) {
		*out = f.file->path;
		path_get(out);
	}
	fd_release(f);
	return err;
}

static int find_old(int dfd, const char __user *uname, int flags,
		    struct path *out)
{
	unsigned lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
	struct filename fn;
	int err;

	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = filename_get(uname, lookup, &fn);
	if (err)
		return err;
	if (!*fn.name && dfd != AT_FDCWD)
		err = path_of_fd(dfd, out);
	else
		err = path_lookup(dfd, fn.name, lookup, out);
	filename_put(&fn);
	return err;
}

long sys_linkat(int odfd, const char __user *uold, int ndfd,
		const char __user *unew, int flags)
{
	struct path old, parent;
	struct filename fn;
	struct dentry *d;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = find_old(odfd, uold, flags, &old);
	if (err)
		return err;
	err = filename_get(unew, 0, &fn);
	if (err)
		goto out;
	err = path_create(ndfd, fn.name, 0, &parent, &d);
	if (!err) {
		err = vfs_link(&old, &parent, d);
		path_create_done(&parent, d);
	}
	filename_put(&fn);
out:
	path_put(&old);
	return err;
}

long sys_unlinkat(int dfd, const char __user *uname, int flags)
{
	struct filename fn;
	int err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = filename_get(uname, 0, &fn);
	if (err)
		return err;
	err = flags & AT_REMOVEDIR ? do_rmdir(dfd, fn.name) :
				     do_unlink(dfd, fn.name);
	filename_put(&fn);
	return err;
}

long sys_renameat2(int odfd, const char __user *uold, int ndfd,
		   const char __user *unew, unsigned flags)
{
	struct filename from, to;
	int err = filename_get(uold, 0, &from);

	if (err)
		return err;
	err = filename_get(unew, 0, &to);
	if (!err) {
		err = do_rename(odfd, from.name, ndfd, to.name, flags);
		filename_put(&to);
	}
	filename_put(&from);
	return err;
}

/* --- modes and owners -----------------------------------------------------------*/
static int change_mode(const struct path *p, u32 mode)
{
	struct iattr a = { .valid = ATTR_MODE, .mode = mode & 07777 };

	if (S_ISLNK(p->dentry->inode->mode))
		return -EOPNOTSUPP;
	return vfs_setattr(p, &a);
}

long sys_fchmod(int fd, u32 mode)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = change_mode(&f.file->path, mode);
	fd_release(f);
	return err;
}

static long chmod_at(int dfd, const char __user *name, u32 mode, unsigned at)
{
	unsigned lookup = at & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	int err;

	if (at & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (at & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = change_mode(&p, mode);
	path_put(&p);
	return err;
}

long sys_fchmodat(int dfd, const char __user *name, u32 mode)
{
	return chmod_at(dfd, name, mode, 0);
}

long sys_fchmodat2(int dfd, const char __user *name, u32 mode, unsigned flags)
{
	return chmod_at(dfd, name, mode, flags);
}

static int change_owner(const struct path *p, u32 uid, u32 gid)
{
	struct iattr a = {
		.uid = make_kuid(current_user_ns(), uid),
		.gid = make_kgid(current_user_ns(), gid),
	};

	if ((uid != ~0u && a.uid == INVALID_ID) ||
	    (gid != ~0u && a.gid == INVALID_ID))
		return -EINVAL;
	if (uid != ~0u)
		a.valid |= ATTR_UID;
	if (gid != ~0u)
		a.valid |= ATTR_GID;
	if (!S_ISDIR(p->dentry->inode->mode))
		a.valid |= ATTR_KILL_SUID | ATTR_KILL_SGID;
	return vfs_setattr(p, &a);
}

long sys_fchown(int fd, u32 uid, u32 gid)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = change_owner(&f.file->path, uid, gid);
	fd_release(f);
	return err;
}

long sys_fchownat(int dfd, const char __user *name, u32 uid, u32 gid,
		  int flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = change_owner(&p, uid, gid);
	path_put(&p);
	return err;
}

/* --- times ------------------------------------------------------------------------*/
static bool is_valid_nsec(s64 n)
{
	return n == UTIME_NOW || n == UTIME_OMIT || (n >= 0 && n < 1000000000);
}

static int times_to_attr(const struct timespec64 *t, struct iattr *a)
{
	a->valid = ATTR_ATIME | ATTR_MTIME;
	if (!t || (t[0].nsec == UTIME_NOW && t[1].nsec == UTIME_NOW)) {
		a->valid |= ATTR_TOUCH;
		return 0;
	}
	if (!is_valid_nsec(t[0].nsec) || !is_valid_nsec(t[1].nsec))
		return -EINVAL;
	a->valid |= ATTR_TIMES_SET;
	if (t[0].nsec == UTIME_OMIT)
		a->valid &= ~ATTR_ATIME;
	else if (t[0].nsec != UTIME_NOW)
		a->valid |= ATTR_ATIME_SET;
	if (t[1].nsec == UTIME_OMIT)
		a->valid &= ~ATTR_MTIME;
	else if (t[1].nsec != UTIME_NOW)
		a->valid |= ATTR_MTIME_SET;
	a->atime = t[0];
	a->mtime = t[1];
	return 0;
}

static int utimes_fd(int fd, struct iattr *a)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = vfs_setattr(&f.file->path, a);
	fd_release(f);
	return err;
}

long sys_utimensat(int dfd, const char __user *name,
		   const struct timespec64 __user *ut, int flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct timespec64 t[2];
	struct iattr a = { .valid = 0 };
	struct path p;
	int err;

	if (ut && copy_from_user(t, ut, sizeof(t)))
		return -EFAULT;
	if (ut && t[0].nsec == UTIME_OMIT && t[1].nsec == UTIME_OMIT)
		return 0;
	err = times_to_attr(ut ? t : NULL, &a);
	if (!err && (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		err = -EINVAL;
	if (err)
		return err;
	if (!name && dfd != AT_FDCWD)
		return flags ? -EINVAL : utimes_fd(dfd, &a);
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = vfs_setattr(&p, &a);
	path_put(&p);
	return err;
}
