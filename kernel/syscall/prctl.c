/* System calls for settings of a task. */
#include <syscall_prototypes.h>

#include <task/kcmp.h>
#include <task/process.h>
#include <task/rseq.h>
#include <task/seccomp.h>

long sys_prctl(int option, unsigned long a2, unsigned long a3,
	       unsigned long a4, unsigned long a5)
{
	long ret;
	int err = do_prctl(option, a2, a3, a4, a5, &ret);

	return err ? err : ret;
}

long sys_seccomp(unsigned op, unsigned flags, void __user *arg)
{
	return do_seccomp(op, flags, arg);
}

long sys_kcmp(int pid1, int pid2, int type, unsigned long fd1,
	      unsigned long fd2)
{
	return do_kcmp(pid1, pid2, type, fd1, fd2);
}

long sys_rseq(void __user *area, u32 len, int flags, u32 sig)
{
	return do_rseq(area, len, flags, sig);
}

long sys_personality(unsigned persona)
{
	unsigned old = current->personality;

	if (persona != 0xffffffffu)
		current->personality = persona;
	return old;
}
