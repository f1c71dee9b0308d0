/* memfd_create(2). */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/memfd.h>
#include <syscall_prototypes.h>

long sys_memfd_create(const char __user *uname, unsigned flags)
{
	char name[250];
	struct file *f;
	size_t len;
	int err = strncpy_from_user(name, uname, sizeof(name), &len);

	if (err)
		return err == -ENAMETOOLONG ? -EINVAL : err;
	err = memfd_create_file(name, flags, &f);
	return err ? err : fd_give(f, flags & 1 ? O_CLOEXEC : 0);
}
