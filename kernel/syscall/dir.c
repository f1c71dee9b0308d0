/* The system calls of directories and of the place in the tree. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <mm/slab.h>
#include <syscall_prototypes.h>
#include <task/cred.h>

#define GETDENTS_MAX 32768u

long sys_getdents64(int fd, void __user *buf, unsigned size)
{
	struct fd f = fd_find_pos(fd);
	size_t n = min(size, GETDENTS_MAX);
	ssize_t used = -ENOMEM;
	void *tmp;
	u64 pos;

	if (!f.file)
		return -EBADF;
	irqs_unmask();
	tmp = kmalloc(max(n, (size_t)8), GFP_KERNEL);
	pos = f.file->pos;
	if (tmp)
		used = vfs_getdents64(f.file, tmp, n);
	if (used > 0 && copy_to_user(buf, tmp, (size_t)used)) {
		f.file->pos = pos;	/* nothing was seen of them */
		used = -EFAULT;
	}
	kfree(tmp);
	fd_release_pos(f);
	return used;
}

long sys_mkdirat(int dfd, const char __user *uname, u32 mode)
{
	struct path parent;
	struct filename fn;
	struct dentry *d;
	int err = filename_get(uname, 0, &fn);

	if (err)
		return err;
	err = path_create(dfd, fn.name, LOOKUP_DIRECTORY, &parent, &d);
	if (!err) {
		err = vfs_mkdir(&parent, d, mode);
		path_create_done(&parent, d);
	}
	filename_put(&fn);
	return err;
}

static int check_node_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFDIR:
		return -EPERM;
	}
	return -EINVAL;
}

long sys_mknodat(int dfd, const char __user *uname, u32 mode, unsigned dev)
{
	struct path parent;
	struct filename fn;
	struct dentry *d;
	int err = check_node_type(mode);

	if (err)
		return err;
	err = filename_get(uname, 0, &fn);
	if (err)
		return err;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	err = path_create(dfd, fn.name, 0, &parent, &d);
	if (!err) {
		err = vfs_mknod(&parent, d, mode,
				S_ISCHR(mode) || S_ISBLK(mode) ?
					dev_decode(dev) : 0);
		path_create_done(&parent, d);
	}
	filename_put(&fn);
	return err;
}

/* --- the place in the tree -------------------------------------------------------*/
static int may_enter(const struct path *p)
{
	if (!S_ISDIR(p->dentry->inode->mode))
		return -ENOTDIR;
	return inode_permission(p->dentry->inode, MAY_EXEC);
}

long sys_chdir(const char __user *name)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name,
				   LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = may_enter(&p);
	if (!err)
		fs_set_pwd(current->fs, &p);
	path_put(&p);
	return err;
}

long sys_fchdir(int fd)
{
	struct fd f = fd_find_raw(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = may_enter(&f.file->path);
	if (!err)
		fs_set_pwd(current->fs, &f.file->path);
	fd_release(f);
	return err;
}

long sys_chroot(const char __user *name)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name,
				   LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = may_enter(&p);
	if (!err && !ns_capable(current_user_ns(), CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		fs_set_root(current->fs, &p);
	path_put(&p);
	return err;
}

long sys_getcwd(char __user *buf, size_t size)
{
	char *tmp = filename_buffer(), *text;
	size_t n;
	int err;

	if (!tmp)
		return -ENOMEM;
	err = path_getcwd(tmp, PATH_MAX, &text);
	n = err ? 0 : (size_t)(tmp + PATH_MAX - text);
	if (!err)
		err = n > size ? -ERANGE : copy_to_user(buf, text, n);
	filename_buffer_put(tmp);
	return err ? err : (long)n;
}

long sys_umask(int mask)
{
	return (long)xchg(&current->fs->umask, (u32)mask & 0777);
}
