/* System calls that replace the program. */
#include <syscall_prototypes.h>

#include <fs/types.h>
#include <task/process.h>

long sys_execve(const char __user *path,
		const char __user *const __user *argv,
		const char __user *const __user *envp)
{
	return do_execve(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dfd, const char __user *path,
		  const char __user *const __user *argv,
		  const char __user *const __user *envp, int flags)
{
	return do_execve(dfd, path, argv, envp, (unsigned)flags);
}
