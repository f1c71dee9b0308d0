/* System calls that end tasks. */
#include <syscall_prototypes.h>

#include <task/process.h>

long sys_exit(int code)
{
	do_exit((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
	do_group_exit((code & 0xff) << 8);
}
