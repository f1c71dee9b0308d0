/*
 * entry - every way into the kernel and out of it.  docs/entry.md.
 *
 * sscratch always holds the running task's stack top, in user mode and in the
 * kernel alike, so leaving costs no write to it.  Kernel stacks lie in the
 * upper half of the address space: sp is negative exactly in the kernel, or in
 * a program that lies; sstatus.SPP, read only then, tells the two apart.
 *
 * A trap from user mode saves what C may clobber.  The callee-saved registers
 * stay where they are: C keeps them, and the slow ways (full system calls,
 * tracing, work before user mode) complete the frame.  sstatus is right for
 * sret without a write: a nested trap's own sret leaves SPP clear, and so does
 * a switch.
 */
#include <asm_offsets.h>

#include "csr_impl.h"
#include "regs_impl.h"

#define FRAME (REGS_SIZE + ANCHOR_SIZE)
#define STACK_SHIFT 14
#define TRAP_STACK_SHIFT 13
#define ENOSYS 38

	.section .text.entry, "ax"
	.globl trap_entry, entry_begin, entry_end
	.balign 64
entry_begin:
trap_entry:
	bltz	sp, maybe_kernel
	csrrw	sp, sscratch, sp
from_user:
	addi	sp, sp, -FRAME
	sd	t0, REGS_T0(sp)
	sd	a0, REGS_A0(sp)
	sd	gp, REGS_GP(sp)
	sd	tp, REGS_TP(sp)
	caller_saved sd
	ld	tp, REGS_SIZE + ANCHOR_TASK(sp)
	addi	t1, sp, FRAME
	csrrw	t0, sscratch, t1
	sd	t0, REGS_SP(sp)
	csrr	t1, scause
	csrr	t0, sepc
	li	t2, CAUSE_USER_ECALL
	bne	t1, t2, user_trap

	/* a system call */
	addi	t0, t0, 4
	sd	t0, REGS_PC(sp)
	sd	a0, REGS_ORIG_A0(sp)
	sd	a7, REGS_SYSCALL(sp)
	ld	t1, TASK_WORK(tp)
	andi	t1, t1, WORK_SLOW_ENTRY
	li	t2, SYSCALL_COUNT
	bnez	t1, syscall_traced
	bgeu	a7, t2, syscall_none
	slli	t3, a7, 4
	lla	t4, syscall_table
	add	t3, t3, t4
	ld	t5, SYSCALL_ENTRY_FN(t3)
	lbu	t6, SYSCALL_ENTRY_FLAGS(t3)
	li	t1, 1
	beqz	t5, syscall_none
	bne	t6, t1, 1f
	j	syscall_full
1:	beqz	t6, syscall_plain
	/* fast: interrupts stay off */
	sw	t1, TASK_IRQS_MASKED(tp)
	jalr	t5
syscall_done:
	lw	t0, TASK_IRQS_MASKED(tp)
	bnez	t0, 1f
	csrci	sstatus, SR_SIE
1:	ld	t1, TASK_WORK(tp)
	andi	t1, t1, ~WORK_SLOW_ENTRY
	bnez	t1, syscall_exit_work
user_exit:
	ld	t0, REGS_PC(sp)
	csrw	sepc, t0
	caller_saved ld
	ld	t0, REGS_T0(sp)
	ld	gp, REGS_GP(sp)
	ld	tp, REGS_TP(sp)
	ld	sp, REGS_SP(sp)
	sret

syscall_plain:
	sw	zero, TASK_IRQS_MASKED(tp)
	csrsi	sstatus, SR_SIE
	jalr	t5
	j	syscall_done

syscall_none:
	li	t1, 1
	sw	t1, TASK_IRQS_MASKED(tp)
	li	a0, -ENOSYS
	j	syscall_done

	/* sees and may change all registers */
syscall_full:
	callee_saved sd
	sw	zero, TASK_IRQS_MASKED(tp)
	csrsi	sstatus, SR_SIE
	jalr	t5
	callee_saved ld
	j	syscall_done

syscall_traced:
	callee_saved sd
	sw	zero, TASK_IRQS_MASKED(tp)
	csrsi	sstatus, SR_SIE
	mv	a0, sp
	call	syscall_slow
	csrci	sstatus, SR_SIE
	callee_saved ld
	j	user_return

syscall_exit_work:
	sd	a0, REGS_A0(sp)
exit_work:
	callee_saved sd
	mv	a0, sp
	call	user_exit_work
	callee_saved ld
	ld	a0, REGS_A0(sp)
	j	user_exit

	/* t0: pc, t1: cause */
user_trap:
	sd	t0, REGS_PC(sp)
	li	t2, -1
	sd	t2, REGS_SYSCALL(sp)
	mv	a0, sp
	bltz	t1, user_irq
	csrr	t2, stval
	sd	t1, REGS_CAUSE(sp)
	sd	t2, REGS_BADADDR(sp)
	li	t0, 1
	sw	t0, TASK_IRQS_MASKED(tp)
	call	trap_user
	lw	t0, TASK_IRQS_MASKED(tp)
	bnez	t0, user_return
	csrci	sstatus, SR_SIE
	/* interrupts are off, the frame holds a0 */
user_return:
	ld	t1, TASK_WORK(tp)
	ld	a0, REGS_A0(sp)
	andi	t1, t1, ~WORK_SLOW_ENTRY
	bnez	t1, exit_work
	j	user_exit
user_irq:
	mv	a1, t1
	li	a2, 1
	call	irq_entry
	j	user_return

/* sp is negative.  A program's lie goes the way of all user traps. */
maybe_kernel:
	csrrw	sp, sscratch, sp
	sd	t0, ANCHOR_SCRATCH - ANCHOR_SIZE(sp)
	csrr	t0, sstatus
	andi	t0, t0, SR_SPP
	bnez	t0, from_kernel
	ld	t0, ANCHOR_SCRATCH - ANCHOR_SIZE(sp)
	j	from_user

/* sp: stack top, sscratch: the stack pointer at the trap. */
from_kernel:
	csrr	t0, sscratch
	sub	t0, sp, t0
	addi	t0, t0, FRAME
	srli	t0, t0, STACK_SHIFT
	bnez	t0, stack_overflow
	ld	t0, ANCHOR_SCRATCH - ANCHOR_SIZE(sp)
	csrrw	sp, sscratch, sp
	addi	sp, sp, -FRAME
	sd	t0, REGS_T0(sp)
	addi	t0, sp, FRAME
	sd	t0, REGS_SP(sp)
	sd	a0, REGS_A0(sp)
	sd	s0, REGS_S0(sp)
	caller_saved sd
	csrr	t0, sepc
	csrr	t1, sstatus
	csrr	a1, scause
	sd	t0, REGS_PC(sp)
	sd	t1, REGS_STATUS(sp)
	mv	a0, sp
	bgez	a1, kernel_exception
	li	a2, 0
	call	irq_entry
kernel_return:
	ld	t0, REGS_STATUS(sp)
	ld	t1, REGS_PC(sp)
	csrw	sstatus, t0
	csrw	sepc, t1
	caller_saved ld
	ld	a0, REGS_A0(sp)
	ld	t0, REGS_T0(sp)
	ld	sp, REGS_SP(sp)
	sret

kernel_exception:
	csrr	t2, stval
	sd	gp, REGS_GP(sp)
	sd	tp, REGS_TP(sp)
	callee_saved sd
	sd	a1, REGS_CAUSE(sp)
	sd	t2, REGS_BADADDR(sp)
	call	trap_kernel
	j	kernel_return

/*
 * sp at the trap was outside of the task's stack: go on on the hart's spare
 * stack, from its top or, if the trap came from there, below.
 */
stack_overflow:
	ld	t0, TASK_HART(tp)
	ld	t0, HART_TRAP_STACK(t0)
	csrr	sp, sscratch
	sub	sp, t0, sp
	addi	sp, sp, FRAME
	srli	sp, sp, TRAP_STACK_SHIFT
	beqz	sp, 1f
	mv	sp, t0
	j	2f
1:	csrr	sp, sscratch
2:	addi	sp, sp, -FRAME
	ld	t0, TASK_KSTACK_TOP(tp)
	ld	t0, ANCHOR_SCRATCH - ANCHOR_SIZE(t0)
	sd	t0, REGS_T0(sp)
	ld	t0, TASK_KSTACK_TOP(tp)
	csrrw	t0, sscratch, t0
	sd	t0, REGS_SP(sp)
	sd	a0, REGS_A0(sp)
	sd	gp, REGS_GP(sp)
	sd	tp, REGS_TP(sp)
	caller_saved sd
	callee_saved sd
	csrr	t0, sepc
	csrr	t1, sstatus
	csrr	t2, scause
	csrr	t3, stval
	sd	t0, REGS_PC(sp)
	sd	t1, REGS_STATUS(sp)
	sd	t2, REGS_CAUSE(sp)
	sd	t3, REGS_BADADDR(sp)
	mv	a0, sp
	call	trap_overflow
	j	kernel_return

/* First instructions of a kernel task: s0 the function, s1 its argument. */
	.globl kernel_task_start
kernel_task_start:
	call	sched_first_run
	mv	t0, s0
	li	s0, 0
	mv	a0, s1
	jalr	t0
	call	kernel_task_returned

/* First instructions of a user task; sp is at its registers. */
	.globl user_task_start
user_task_start:
	call	sched_first_run
	csrci	sstatus, SR_SIE
	callee_saved ld
	j	user_return

	.globl arch_return_to_user
arch_return_to_user:
	csrci	sstatus, SR_SIE
	ld	sp, TASK_KSTACK_TOP(tp)
	addi	sp, sp, -FRAME
	callee_saved ld
	j	user_return
entry_end:
