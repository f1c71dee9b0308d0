/*
 * loader - a boot loader of the worst sort, for tests/boot/test_places.py.
 *
 * The firmware starts it in supervisor mode (a0: hart, a1: device tree).  It
 * copies the tree to where the test wants it, fills memory with garbage, lets
 * the hart that the test names go on, and stops all others; that one has
 * garbage in all registers when it jumps to the kernel, which QEMU has loaded.
 *
 * The test writes the table at the start before it is loaded.
 */
	.option norelax
	.globl	_start
_start:
	.option push
	.option norvc
	j	start
	.word	0
	.option pop
	/* the table, 8 bytes each */
kernel:	.quad	0
tree:	.quad	0		/* where the tree shall be; 0: where it is */
hart:	.quad	0
seed:	.quad	0
areas:	.fill	32, 8, 0	/* start and end of what to fill, up to 0 0 */

#define SBI_HSM 0x48534d

	/* a big-endian word; spoils t6 */
	.macro	be32 reg, base, off
	lbu	\reg, \off(\base)
	.irp	n, 1, 2, 3
	slli	\reg, \reg, 8
	lbu	t6, \off + \n(\base)
	or	\reg, \reg, t6
	.endr
	.endm

start:
	csrw	sie, zero
	mv	s0, a0
	mv	s1, a1
	ld	s2, tree
	beqz	s2, 2f
	be32	t0, s1, 4		/* totalsize */
	mv	t1, s1
	mv	t2, s2
	add	t0, t0, t1
1:	lbu	t3, 0(t1)
	sb	t3, 0(t2)
	addi	t1, t1, 1
	addi	t2, t2, 1
	bltu	t1, t0, 1b
	mv	s1, s2
2:
	/* garbage: a xorshift of the seed, never two words the same */
	ld	t0, seed
	lla	t1, areas
3:	ld	t2, 0(t1)
	ld	t3, 8(t1)
	addi	t1, t1, 16
	beqz	t3, 5f
4:	slli	t4, t0, 13
	xor	t0, t0, t4
	srli	t4, t0, 7
	xor	t0, t0, t4
	slli	t4, t0, 17
	xor	t0, t0, t4
	sd	t0, 0(t2)
	sd	t0, 8(t2)
	sd	t0, 16(t2)
	sd	t0, 24(t2)
	addi	t2, t2, 32
	bltu	t2, t3, 4b
	j	3b
5:
	ld	s3, kernel
	ld	t1, hart
	beq	t1, s0, go
	/* the other one: it comes to `other` with the tree in a1 */
	li	a7, SBI_HSM
	li	a6, 0
	mv	a0, t1
	lla	a1, other
	mv	a2, s1
	ecall
	bnez	a0, go			/* no such hart: then this one */
	li	a7, SBI_HSM
	li	a6, 1			/* stop */
	ecall
6:	wfi
	j	6b

other:
	mv	s0, a0
	mv	s1, a1
	/* the first hart is still on its way down: the kernel shall start it */
	ld	s3, kernel
	li	t0, 0x200000
7:	addi	t0, t0, -1
	bnez	t0, 7b
go:
	li	t0, 0x6000		/* FS on, to have garbage there too */
	csrs	sstatus, t0
	ld	t0, seed
	csrw	sscratch, t0
	csrw	stvec, t0
	csrw	sepc, t0
	fmv.d.x	ft0, t0
	fmv.d.x	fa7, t0
	fmv.d.x	fs11, t0
	li	t1, 0x95
	csrw	fcsr, t1
	mv	a0, s0
	mv	a1, s1
	.irp	r, ra, sp, gp, tp, t1, t2, a2, a3, a4, a5, a6, a7, s4, s5, \
		s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
	slli	t2, t0, 13
	xor	t0, t0, t2
	srli	t2, t0, 7
	xor	t0, t0, t2
	mv	\r, t0
	.endr
	fence.i
	jr	s3
