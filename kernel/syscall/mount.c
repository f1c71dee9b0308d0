/* The system calls mount, umount2, pivot_root. */
#include <arch/uaccess.h>
#include <fs/vfs.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <syscall_prototypes.h>

/* A string of at most a page; NULL stays NULL. */
static int get_string(const char __user *u, char **out)
{
	size_t len;
	int err;

	*out = NULL;
	if (!u)
		return 0;
	*out = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!*out)
		return -ENOMEM;
	err = strncpy_from_user(*out, u, PAGE_SIZE, &len);
	if (err) {
		kfree(*out);
		*out = NULL;
	}
	return err == -ENAMETOOLONG ? -EINVAL : err;
}

/* Options: a page as far as it can be read, ended by a NUL. */
static int get_options(const void __user *u, char **out)
{
	size_t left;

	*out = NULL;
	if (!u)
		return 0;
	*out = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!*out)
		return -ENOMEM;
	left = copy_from_user_partial(*out, u, PAGE_SIZE - 1);
	if (left != PAGE_SIZE - 1)
		return 0;
	kfree(*out);
	*out = NULL;
	return -EFAULT;
}

long sys_mount(const char __user *udev, const char __user *udir,
	       const char __user *utype, unsigned long flags,
	       const void __user *udata)
{
	char *dev, *type, *opts;
	struct filename dir;
	int err = get_string(utype, &type);

	if (err)
		return err;
	err = get_string(udev, &dev);
	if (err)
		goto out_type;
	err = get_options(udata, &opts);
	if (err)
		goto out_dev;
	err = filename_get(udir, 0, &dir);
	if (err)
		goto out_opts;
	err = do_mount(dev, dir.name, type, flags, opts);
	filename_put(&dir);
out_opts:
	kfree(opts);
out_dev:
	kfree(dev);
out_type:
	kfree(type);
	return err;
}

long sys_umount2(const char __user *udir, int flags)
{
	struct filename dir;
	int err = filename_get(udir, 0, &dir);

	if (err)
		return err;
	err = do_umount(dir.name, (unsigned)flags);
	filename_put(&dir);
	return err;
}

long sys_pivot_root(const char __user *unew, const char __user *uold)
{
	struct filename new, old;
	int err = filename_get(unew, 0, &new);

	if (err)
		return err;
	err = filename_get(uold, 0, &old);
	if (!err) {
		err = do_pivot_root(new.name, old.name);
		filename_put(&old);
	}
	filename_put(&new);
	return err;
}
