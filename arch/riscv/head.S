/*
 * head - the first instructions: the Image header, the boot hart's way into
 * virtual memory, and the same for the other harts.
 *
 * Entered with translation off, at any 2 MiB aligned physical address; a0 is
 * the hart's id, a1 the device tree's physical address.  Everything else, RAM
 * and registers, is garbage.  All addressing is relative to the pc.
 *
 * There is no identity map: the write to satp makes the next fetch fault, and
 * stvec leads that fault to the virtual address of the next instruction.
 */
#include <asm_offsets.h>

#include "csr_impl.h"

#define PTE_IMAGE 0xef		/* dirty accessed global execute write read */
#define PTE_TABLE 0x01
#define ROOT_SLOT(va) ((((va) >> 30) & 511) * 8)

	.option norelax
	.section .head.text, "ax"
	.globl _start
_start:
	.option push
	.option norvc
	j	boot_start
	.word	0
	.option pop
	.quad	0x200000		/* text_offset */
	.quad	_image_size
	.quad	0			/* flags: little endian */
	.word	2			/* header version 0.2 */
	.word	0
	.quad	0
	.quad	0x5643534952		/* "RISCV" */
	.word	0x05435352		/* "RSC\x05" */
	.word	0

/* A known state of the registers that are not ours to inherit. */
	.macro hart_reset
	csrw	sie, zero
	csrw	sip, zero
	li	t0, SR_FS | SR_VS | SR_SIE | SR_SUM | SR_MXR
	csrc	sstatus, t0
	csrw	sscratch, zero
	li	gp, 0
	li	s0, 0
	.endm

/* Loads satp (in t0) and goes on at the virtual address in t1. */
	.macro enter_virtual
	csrw	stvec, t1
	sfence.vma
	csrw	satp, t0
	.balign 4
	nop
	.endm

boot_start:
	hart_reset
	/* only the first one boots, see secondary_start */
	lla	t0, boot_taken
	li	t1, 1
	amoswap.w.aqrl	t1, t1, (t0)
	bnez	t1, secondary_start
	mv	s1, a0
	mv	s2, a1
	lla	s3, _start		/* where we are */

	lla	t0, _bss
	lla	t1, _ebss
1:	sd	zero, 0(t0)
	sd	zero, 8(t0)
	sd	zero, 16(t0)
	sd	zero, 24(t0)
	sd	zero, 32(t0)
	sd	zero, 40(t0)
	sd	zero, 48(t0)
	sd	zero, 56(t0)
	addi	t0, t0, 64
	bltu	t0, t1, 1b

	/* the image in 2 MiB pages, all rights: until the final tables */
	lla	t0, early_image_table
	lla	t1, _end
	srli	t2, s3, 2
	ori	t2, t2, PTE_IMAGE
	li	t3, 0x200000
	li	t4, 0x200000 >> 2
	mv	t5, s3
2:	sd	t2, 0(t0)
	addi	t0, t0, 8
	add	t2, t2, t4
	add	t5, t5, t3
	bltu	t5, t1, 2b

	lla	t0, early_root
	lla	t1, early_image_table
	srli	t1, t1, 2
	ori	t1, t1, PTE_TABLE
	li	t2, ROOT_SLOT(KERNEL_BASE_LOW)
	add	t2, t2, t0
	sd	t1, 0(t2)

	srli	t0, t0, 12
	li	t1, SATP_SV39
	or	t0, t0, t1
	lla	t1, boot_high
	sub	t1, t1, s3
	li	t2, KERNEL_BASE_LOW
	add	t1, t1, t2
	enter_virtual

	.balign 4
boot_high:
	lla	t0, trap_entry
	csrw	stvec, t0
	lla	t0, image_pa
	sd	s3, 0(t0)
	lla	tp, boot_task
	lla	t0, boot_stack_top
	csrw	sscratch, t0
	addi	sp, t0, -(REGS_SIZE + ANCHOR_SIZE)
	mv	a0, s1
	mv	a1, s2
	call	start_kernel
	unimp

/* SBI starts a hart here, or at _start (see smp.c): a0 is its id.  Without a
 * record nobody wants it: it sleeps. */
	.globl secondary_start
	.balign 4
secondary_start:
	hart_reset
	lla	a1, hart_starts
	li	t0, STARTS_BYTES
	add	t0, t0, a1
	addi	t1, a0, 1
1:	ld	t2, START_READY(a1)
	beq	t2, t1, 3f
	addi	a1, a1, START_BYTES
	bltu	a1, t0, 1b
2:	wfi
	j	2b
3:	fence	r, rw
	ld	tp, START_TASK(a1)
	ld	sp, START_STACK(a1)
	ld	t1, START_ENTRY(a1)
	ld	t0, START_SATP(a1)
	enter_virtual

	.globl secondary_high
	.balign 4
secondary_high:
	lla	t0, trap_entry
	csrw	stvec, t0
	ld	t0, TASK_KSTACK_TOP(tp)
	csrw	sscratch, t0
	call	secondary_main
	unimp

	.data
	.balign 4
boot_taken:
	.word	0

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl early_root, early_image_table
early_root:
	.zero	4096
early_image_table:
	.zero	4096
	/* never mapped in the final tables */
	.globl boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard:
	.zero	4096
boot_stack:
	.zero	KSTACK_BYTES
boot_stack_top:
