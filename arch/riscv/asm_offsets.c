/*
 * asm_offsets - what assembly needs to know of C's structures.  Compiled to
 * text only; the build makes a header of what stands behind each "->".
 */
#include <arch/mmu.h>
#include <arch/trap.h>
#include <kernel/hart.h>
#include <kernel/task.h>

#include "smp_impl.h"

#define DEFINE(name, value)                                                    \
	__asm__ volatile(".ascii \"->" #name " %0\"" ::"i"((long)(value)))
#define REG(name, field) DEFINE(REGS_##name, offsetof(struct regs, field))

void asm_offsets(void);
void asm_offsets(void)
{
	REG(PC, pc);
	REG(RA, ra);
	REG(SP, sp);
	REG(GP, gp);
	REG(TP, tp);
	REG(T0, t0);
	REG(T1, t1);
	REG(T2, t2);
	REG(S0, s0);
	REG(S1, s1);
	REG(A0, a0);
	REG(A1, a1);
	REG(A2, a2);
	REG(A3, a3);
	REG(A4, a4);
	REG(A5, a5);
	REG(A6, a6);
	REG(A7, a7);
	REG(S2, s2);
	REG(S3, s3);
	REG(S4, s4);
	REG(S5, s5);
	REG(S6, s6);
	REG(S7, s7);
	REG(S8, s8);
	REG(S9, s9);
	REG(S10, s10);
	REG(S11, s11);
	REG(T3, t3);
	REG(T4, t4);
	REG(T5, t5);
	REG(T6, t6);
	REG(STATUS, status);
	REG(CAUSE, cause);
	REG(BADADDR, badaddr);
	REG(ORIG_A0, orig_a0);
	REG(SYSCALL, syscall);
	DEFINE(REGS_SIZE, sizeof(struct regs));
	DEFINE(ANCHOR_SIZE, sizeof(struct stack_anchor));
	DEFINE(ANCHOR_TASK, offsetof(struct stack_anchor, task));
	DEFINE(ANCHOR_SCRATCH, offsetof(struct stack_anchor, scratch));

	DEFINE(TASK_WORK, offsetof(struct task, work));
	DEFINE(TASK_PREEMPT, offsetof(struct task, preempt_count));
	DEFINE(TASK_IRQS_MASKED, offsetof(struct task, irqs_masked));
	DEFINE(TASK_HART, offsetof(struct task, hart));
	DEFINE(TASK_KSTACK_TOP, offsetof(struct task, kstack_top));
	DEFINE(TASK_RA, offsetof(struct task, arch.ra));
	DEFINE(TASK_SP, offsetof(struct task, arch.sp));
	DEFINE(TASK_S, offsetof(struct task, arch.s));
	DEFINE(TASK_HAS_FP, offsetof(struct task, arch.has_fp));
	DEFINE(TASK_FP_HART, offsetof(struct task, arch.fp_hart));
	DEFINE(TASK_FP, offsetof(struct task, arch.fp));
	DEFINE(TASK_VECTOR, offsetof(struct task, arch.vector));
	DEFINE(FP_FCSR, offsetof(struct fp_state, fcsr));
	DEFINE(HART_FP_OWNER, offsetof(struct hart, fp_owner));
	DEFINE(HART_TRAP_STACK, offsetof(struct hart, trap_stack_top));

	DEFINE(SYSCALL_ENTRY_FN, offsetof(struct syscall_entry, fn));
	DEFINE(SYSCALL_ENTRY_FLAGS, offsetof(struct syscall_entry, flags));
	DEFINE(SYSCALL_ENTRY_SIZE, sizeof(struct syscall_entry));
	DEFINE(SYSCALL_FLAG_FAST, SYSCALL_FAST);
	DEFINE(SYSCALL_COUNT, NR_SYSCALLS);
	DEFINE(WORK_SLOW_ENTRY, WORK_SLOW);
	DEFINE(KSTACK_BYTES, KSTACK_SIZE);
	DEFINE(TRAP_STACK_BYTES, TRAP_STACK_SIZE);
	DEFINE(KERNEL_BASE_LOW, (long)KERNEL_BASE);

	DEFINE(START_SATP, offsetof(struct hart_start, satp));
	DEFINE(START_ENTRY, offsetof(struct hart_start, entry));
	DEFINE(START_TASK, offsetof(struct hart_start, task));
	DEFINE(START_STACK, offsetof(struct hart_start, stack));
	DEFINE(START_READY, offsetof(struct hart_start, ready));
	DEFINE(START_BYTES, sizeof(struct hart_start));
	DEFINE(STARTS_BYTES, sizeof(struct hart_start) * MAX_HARTS);
}
