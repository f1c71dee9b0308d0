/*
 * switch - from one task to another, with the FP registers.
 *
 * FP registers are saved when dirty and loaded when the next task has some and
 * this hart does not hold them already (hart.fp_owner and task.fp_hart name
 * each other), so a trip through idle costs nothing.  FS is never off: the
 * kernel itself has no FP code.  The one write of sstatus also clears SPP,
 * which a nested trap of prev may have left set (entry.S).
 */
#include <asm_offsets.h>

#include "csr_impl.h"

	.macro fp_each op, base
	\op	f0, 0(\base)
	\op	f1, 8(\base)
	\op	f2, 16(\base)
	\op	f3, 24(\base)
	\op	f4, 32(\base)
	\op	f5, 40(\base)
	\op	f6, 48(\base)
	\op	f7, 56(\base)
	\op	f8, 64(\base)
	\op	f9, 72(\base)
	\op	f10, 80(\base)
	\op	f11, 88(\base)
	\op	f12, 96(\base)
	\op	f13, 104(\base)
	\op	f14, 112(\base)
	\op	f15, 120(\base)
	\op	f16, 128(\base)
	\op	f17, 136(\base)
	\op	f18, 144(\base)
	\op	f19, 152(\base)
	\op	f20, 160(\base)
	\op	f21, 168(\base)
	\op	f22, 176(\base)
	\op	f23, 184(\base)
	\op	f24, 192(\base)
	\op	f25, 200(\base)
	\op	f26, 208(\base)
	\op	f27, 216(\base)
	\op	f28, 224(\base)
	\op	f29, 232(\base)
	\op	f30, 240(\base)
	\op	f31, 248(\base)
	.endm

	.macro switch_regs op, task
	\op	ra, TASK_RA(\task)
	\op	sp, TASK_SP(\task)
	\op	s0, TASK_S + 0(\task)
	\op	s1, TASK_S + 8(\task)
	\op	s2, TASK_S + 16(\task)
	\op	s3, TASK_S + 24(\task)
	\op	s4, TASK_S + 32(\task)
	\op	s5, TASK_S + 40(\task)
	\op	s6, TASK_S + 48(\task)
	\op	s7, TASK_S + 56(\task)
	\op	s8, TASK_S + 64(\task)
	\op	s9, TASK_S + 72(\task)
	\op	s10, TASK_S + 80(\task)
	\op	s11, TASK_S + 88(\task)
	.endm

	.section .text.entry, "ax"
/* struct task *arch_switch(struct task *prev, struct task *next) */
	.globl arch_switch
arch_switch:
	switch_regs sd, a0
	/* ends a reservation that prev may hold: lr, stores of others, sc */
	addi	t1, a0, TASK_RA
	sc.d	zero, ra, (t1)
	csrr	t0, sstatus
	ld	t1, TASK_VECTOR(a1)
	andi	t2, t0, SR_VS
	or	t1, t1, t2
	bnez	t1, switch_vector
fp_part:
	srli	t2, t0, SR_FS_SHIFT
	andi	t2, t2, 3
	li	t3, SR_FS_DIRTY >> SR_FS_SHIFT
	bne	t2, t3, 1f
	addi	t4, a0, TASK_FP
	fp_each fsd, t4
	frcsr	t5
	sw	t5, FP_FCSR(t4)
1:	li	t1, ~(SR_FS | SR_SPP)
	li	t2, SR_FS_CLEAN | SR_SPIE
	and	t1, t0, t1
	or	t1, t1, t2
	ld	t3, TASK_HAS_FP(a1)
	beqz	t3, 3f
	ld	t3, TASK_HART(a1)
	ld	t4, HART_FP_OWNER(t3)
	ld	t5, TASK_FP_HART(a1)
	bne	t4, a1, 2f
	beq	t5, t3, 3f
2:	sd	a1, HART_FP_OWNER(t3)
	sd	t3, TASK_FP_HART(a1)
	addi	t4, a1, TASK_FP
	lw	t5, FP_FCSR(t4)
	fp_each fld, t4
	fscsr	t5
	j	4f
3:	beq	t1, t0, 5f
4:	csrw	sstatus, t1
5:	ld	t2, TASK_KSTACK_TOP(a1)
	csrw	sscratch, t2
	mv	tp, a1
	switch_regs ld, a1
	ret

switch_vector:
	addi	sp, sp, -32
	sd	a0, 0(sp)
	sd	a1, 8(sp)
	call	vector_switch
	ld	a0, 0(sp)
	ld	a1, 8(sp)
	addi	sp, sp, 32
	csrr	t0, sstatus
	j	fp_part

/* void fp_store(struct fp_state *fp), void fp_load(const struct fp_state *fp);
 * FS becomes dirty by a load: the caller sets it. */
	.globl fp_store, fp_load
fp_store:
	fp_each fsd, a0
	frcsr	t0
	sw	t0, FP_FCSR(a0)
	ret
fp_load:
	lw	t0, FP_FCSR(a0)
	fp_each fld, a0
	fscsr	t0
	ret

/*
 * void vector_store(struct arch_vector *v), void vector_load(...): the
 * instructions are spelt out since not every assembler knows them.  Whole
 * registers move whatever vl and vtype say, if vstart is 0.
 */
	.section .text
	.globl vector_store, vector_load
vector_store:
	csrr	t0, 0x008		/* vstart */
	csrr	t1, 0xc20		/* vl */
	csrr	t2, 0xc21		/* vtype */
	csrr	t3, 0x00f		/* vcsr */
	csrr	t4, CSR_VLENB
	sd	t0, 0(a0)
	sd	t1, 8(a0)
	sd	t2, 16(a0)
	sd	t3, 24(a0)
	sd	t4, 32(a0)
	csrw	0x008, zero
	addi	a0, a0, 48
	slli	t4, t4, 3
	.word	0xe2850027		/* vs8r.v v0, (a0) */
	add	a0, a0, t4
	.word	0xe2850427		/* vs8r.v v8, (a0) */
	add	a0, a0, t4
	.word	0xe2850827		/* vs8r.v v16, (a0) */
	add	a0, a0, t4
	.word	0xe2850c27		/* vs8r.v v24, (a0) */
	csrw	0x008, t0
	ret
vector_load:
	mv	t1, a0
	csrr	t4, CSR_VLENB
	csrw	0x008, zero
	addi	a0, a0, 48
	slli	t4, t4, 3
	.word	0xe2850007		/* vl8re8.v v0, (a0) */
	add	a0, a0, t4
	.word	0xe2850407		/* vl8re8.v v8, (a0) */
	add	a0, a0, t4
	.word	0xe2850807		/* vl8re8.v v16, (a0) */
	add	a0, a0, t4
	.word	0xe2850c07		/* vl8re8.v v24, (a0) */
	ld	a1, 8(t1)
	ld	a2, 16(t1)
	ld	t0, 0(t1)
	ld	t3, 24(t1)
	.word	0x80c5f057		/* vsetvl zero, a1, a2 */
	csrw	0x00f, t3
	csrw	0x008, t0
	ret
