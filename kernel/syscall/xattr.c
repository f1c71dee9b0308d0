/* The system calls of extended attributes. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <mm/slab.h>
#include <syscall_prototypes.h>

#define NAME_BYTES 256
#define SIZE_MAX_XATTR 65536u

static int get_name(char *name, const char __user *u)
{
	size_t len;
	int err = strncpy_from_user(name, u, NAME_BYTES, &len);

	if (err == -ENAMETOOLONG || (!err && !len))
		return -ERANGE;
	return err;
}

static int set_at(const struct path *p, const char __user *uname,
		  const void __user *uval, size_t size, int flags)
{
	char name[NAME_BYTES];
	void *val;
	int err = get_name(name, uname);

	if (err)
		return err;
	if (flags & ~3)
		return -EINVAL;
	if (size > SIZE_MAX_XATTR)
		return -E2BIG;
	val = kvmalloc(max(size, (size_t)1), GFP_KERNEL);
	if (!val)
		return -ENOMEM;
	err = size ? copy_from_user(val, uval, size) : 0;
	if (!err)
		err = vfs_setxattr(p, name, val, size, flags);
	kvfree(val);
	return err;
}

static int remove_at(const struct path *p, const char __user *uname)
{
	char name[NAME_BYTES];
	int err = get_name(name, uname);

	return err ? err : vfs_setxattr(p, name, NULL, 0, 0);
}

static long get_at(const struct path *p, const char __user *uname,
		   void __user *uval, size_t size)
{
	char name[NAME_BYTES];
	void *val = NULL;
	size_t len;
	int err = get_name(name, uname);

	if (err)
		return err;
	size = min(size, (size_t)SIZE_MAX_XATTR);
	if (size) {
		val = kvmalloc(size, GFP_KERNEL);
		if (!val)
			return -ENOMEM;
	}
	err = vfs_getxattr(p, name, val, size, &len);
	if (!err && size)
		err = copy_to_user(uval, val, len);
	kvfree(val);
	return err ? err : (long)len;
}

static long list_at(const struct path *p, char __user *ulist, size_t size)
{
	char *list = NULL;
	size_t len;
	int err;

	size = min(size, (size_t)SIZE_MAX_XATTR);
	if (size) {
		list = kvmalloc(size, GFP_KERNEL);
		if (!list)
			return -ENOMEM;
	}
	err = vfs_listxattr(p, list, size, &len);
	if (!err && size)
		err = copy_to_user(ulist, list, len);
	kvfree(list);
	return err ? err : (long)len;
}

/* --- by path -------------------------------------------------------------------*/
static long set_path(const char __user *path, const char __user *name,
		     const void __user *val, size_t size, int flags,
		     unsigned lookup)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, lookup, &p);

	if (err)
		return err;
	err = set_at(&p, name, val, size, flags);
	path_put(&p);
	return err;
}

static long get_path(const char __user *path, const char __user *name,
		     void __user *val, size_t size, unsigned lookup)
{
	struct path p;
	long n = path_lookup_user(AT_FDCWD, path, lookup, &p);

	if (n)
		return n;
	n = get_at(&p, name, val, size);
	path_put(&p);
	return n;
}

static long list_path(const char __user *path, char __user *list, size_t size,
		      unsigned lookup)
{
	struct path p;
	long n = path_lookup_user(AT_FDCWD, path, lookup, &p);

	if (n)
		return n;
	n = list_at(&p, list, size);
	path_put(&p);
	return n;
}

static long remove_path(const char __user *path, const char __user *name,
			unsigned lookup)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, lookup, &p);

	if (err)
		return err;
	err = remove_at(&p, name);
	path_put(&p);
	return err;
}

long sys_setxattr(const char __user *path, const char __user *name,
		  const void __user *val, size_t size, int flags)
{
	return set_path(path, name, val, size, flags, LOOKUP_FOLLOW);
}

long sys_lsetxattr(const char __user *path, const char __user *name,
		   const void __user *val, size_t size, int flags)
{
	return set_path(path, name, val, size, flags, 0);
}

long sys_getxattr(const char __user *path, const char __user *name,
		  void __user *val, size_t size)
{
	return get_path(path, name, val, size, LOOKUP_FOLLOW);
}

long sys_lgetxattr(const char __user *path, const char __user *name,
		   void __user *val, size_t size)
{
	return get_path(path, name, val, size, 0);
}

long sys_listxattr(const char __user *path, char __user *list, size_t size)
{
	return list_path(path, list, size, LOOKUP_FOLLOW);
}

long sys_llistxattr(const char __user *path, char __user *list, size_t size)
{
	return list_path(path, list, size, 0);
}

long sys_removexattr(const char __user *path, const char __user *name)
{
	return remove_path(path, name, LOOKUP_FOLLOW);
}

long sys_lremovexattr(const char __user *path, const char __user *name)
{
	return remove_path(path, name, 0);
}

/* --- by descriptor ----------------------------------------------------------------*/
long sys_fsetxattr(int fd, const char __user *name, const void __user *val,
		   size_t size, int flags)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = set_at(&f.file->path, name, val, size, flags);
	fd_release(f);
	return err;
}

long sys_fgetxattr(int fd, const char __user *name, void __user *val,
		   size_t size)
{
	struct fd f = fd_find(fd);
	long n;

	if (!f.file)
		return -EBADF;
	n = get_at(&f.file->path, name, val, size);
	fd_release(f);
	return n;
}

long sys_flistxattr(int fd, char __user *list, size_t size)
{
	struct fd f = fd_find(fd);
	long n;

	if (!f.file)
		return -EBADF;
	n = list_at(&f.file->path, list, size);
	fd_release(f);
	return n;
}

long sys_fremovexattr(int fd, const char __user *name)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = remove_at(&f.file->path, name);
	fd_release(f);
	return err;
}
