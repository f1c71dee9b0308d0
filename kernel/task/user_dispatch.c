/*
 * user_dispatch - system calls that a program wants to see itself, as SIGSYS:
 *		   those from outside a range of its code, while a byte of its
 *		   memory says so (emulators of other systems).
 *
 * Theory:  WORK_DISPATCH sends each call through user_dispatch_enter().  The
 *          call is undone: the signal finds all registers as before it.
 * Locks:   none, all is the owner's.
 * Life:    ends with exec; a child starts without.
 */
#include "task_impl.h"

#include <arch/trap.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <signal/signal.h>
#include <task/user_dispatch.h>

enum { MODE_OFF, MODE_ON };
enum { SELECTOR_ALLOW, SELECTOR_BLOCK };

int user_dispatch_set(unsigned long mode, unsigned long offset,
		      unsigned long len, unsigned long selector)
{
	if (mode > MODE_ON ||
	    (mode == MODE_OFF && (offset || len || selector)) ||
	    (mode == MODE_ON && offset && offset + len <= offset))
		return -EINVAL;
	if (selector >= USER_END)
		return -EFAULT;
	current->user_dispatch.offset = offset;
	current->user_dispatch.len = len;
	current->user_dispatch.selector = (const u8 __user *)selector;
	if (mode == MODE_ON)
		flag_set(&current->work, WORK_DISPATCH);
	else
		flag_clear(&current->work, WORK_DISPATCH);
	return 0;
}

static void send_sigsys(struct regs *r)
{
	struct siginfo info;

	memset(&info, 0, sizeof(info));
	info.signo = SIGSYS;
	info.code = SYS_USER_DISPATCH;
	info.sys.call_addr = arch_user_pc(current);
	info.sys.syscall = (s32)regs_syscall_nr(r);
	info.sys.arch = AUDIT_ARCH_NATIVE;
	signal_force_info(&info);
}

static void refuse(struct regs *r)
{
	regs_set_return(r, (long)regs_syscall_arg(r, 0));
	r->syscall = -1;
}

bool user_dispatch_enter(struct regs *r)
{
	const struct user_dispatch *d = &current->user_dispatch;
	u8 state = SELECTOR_BLOCK;

	if (arch_user_pc(current) - d->offset < d->len)
		return true;
	if (d->selector && get_user(state, d->selector)) {
		refuse(r);
		signal_force_fatal(SIGSEGV);
		return false;
	}
	if (state == SELECTOR_ALLOW)
		return true;
	if (state == SELECTOR_BLOCK)
		send_sigsys(r);
	else
		signal_force_fatal(SIGSYS);
	refuse(r);
	return false;
}
