#pragma once
/*
 * What the trap code calls.  arch decodes the cause; the floors above provide
 * these (arch declares hooks, start-up fills them in).
 */
#include <arch/task.h>

#define FAULT_READ	1u
#define FAULT_WRITE	2u
#define FAULT_EXEC	4u
#define FAULT_USER	8u	/* came from user mode */

struct arch_hooks {
	/* A page fault on a user address.  0: resolved; else the signal
	 * number, with *code its si_code.  May sleep. */
	int (*user_fault)(struct regs *r, unsigned long addr, unsigned flags,
			  int *code);
	/* Sends a synchronous signal to current. */
	void (*force_signal)(int sig, int code, unsigned long addr);
	/* Work before user mode: reschedule, signals, notify.  Called with
	 * interrupts enabled and complete registers, loops until
	 * !(work & WORK_LOOK). */
	void (*exit_work)(struct regs *r);
	/* Slow system call entry (WORK_TRACE or WORK_SECCOMP set): false if
	 * the call is to be skipped (a0 is set). */
	bool (*syscall_enter)(struct regs *r);
	void (*syscall_exit)(struct regs *r);
};
extern struct arch_hooks arch_hooks;

/* In an interrupt handler: true if user mode was interrupted. */
bool irq_from_user(void);
/* The registers that were interrupted, NULL outside of interrupts. */
struct regs *irq_regs(void);
/* The instruction that makes a system call. */
static inline bool arch_is_syscall_insn(u32 insn)
{
	return insn == 0x73;
}
/* Prints registers, for panics and sysrq.  Any context. */
void regs_print(const struct regs *r);

/* The table generated from kernel/syscall/syscalls.tbl. */
struct syscall_entry {
	long (*fn)(unsigned long, unsigned long, unsigned long, unsigned long,
		   unsigned long, unsigned long);
	u8 flags;
};
#define SYSCALL_FULL 1	/* wants all registers in task_regs(current) */
#define SYSCALL_FAST 2	/* starts with interrupts masked: preempt.h */
#define NR_SYSCALLS 512
extern const struct syscall_entry syscall_table[NR_SYSCALLS];
