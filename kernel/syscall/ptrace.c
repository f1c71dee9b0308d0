/* The system call of debuggers and tracers. */
#include <syscall_prototypes.h>

#include <task/ptrace.h>

long sys_ptrace(long request, long pid, unsigned long addr, unsigned long data)
{
	return do_ptrace(request, (int)pid, addr, data);
}
