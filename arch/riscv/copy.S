/*
 * copy - the loops that copy to and from user memory.
 *
 * A block loads 64 bytes before it stores them (TLB aliasing under emulators).
 * An access that fails continues in the byte loop, from what was finished; a
 * byte that fails ends the copy.  So the count is exact.  Where misaligned
 * accesses are slow, the target is aligned first, and a source that is not
 * aligned with it is read by words and shifted.
 */
	.macro may_fault op, reg, mem, fixup
100:	\op	\reg, \mem
	.pushsection __ex_table, "a"
	.balign	8
	.quad	100b, \fixup
	.popsection
	.endm

	/* 64 bytes from a1 to a0, and on; a2 is what is left. */
	.macro copy_block fixup
	may_fault ld, a3, 0(a1), \fixup
	may_fault ld, a4, 8(a1), \fixup
	may_fault ld, a5, 16(a1), \fixup
	may_fault ld, a6, 24(a1), \fixup
	may_fault ld, a7, 32(a1), \fixup
	may_fault ld, t2, 40(a1), \fixup
	may_fault ld, t3, 48(a1), \fixup
	may_fault ld, t4, 56(a1), \fixup
	may_fault sd, a3, 0(a0), \fixup
	may_fault sd, a4, 8(a0), \fixup
	may_fault sd, a5, 16(a0), \fixup
	may_fault sd, a6, 24(a0), \fixup
	may_fault sd, a7, 32(a0), \fixup
	may_fault sd, t2, 40(a0), \fixup
	may_fault sd, t3, 48(a0), \fixup
	may_fault sd, t4, 56(a0), \fixup
	addi	a2, a2, -64
	addi	a1, a1, 64
	addi	a0, a0, 64
	.endm

	.section .text.entry, "ax"
/* size_t user_copy(void *dst, const void *src, size_t n): bytes left */
	.globl user_copy
user_copy:
	lla	t0, cpu_misaligned_fast
	lbu	t0, 0(t0)
	li	t1, 8
	bltu	a2, t1, copy_bytes
	beqz	t0, copy_align
copy_words:
	li	t0, 64
	bltu	a2, t0, 2f
1:	copy_block copy_bytes
	bgeu	a2, t0, 1b
2:	li	t1, 8
	bltu	a2, t1, copy_bytes
3:	may_fault ld, a3, 0(a1), copy_bytes
	may_fault sd, a3, 0(a0), copy_bytes
	addi	a2, a2, -8
	addi	a1, a1, 8
	addi	a0, a0, 8
	bgeu	a2, t1, 3b
	li	t1, 4
	bltu	a2, t1, copy_bytes
	may_fault lw, a3, 0(a1), copy_bytes
	may_fault sw, a3, 0(a0), copy_bytes
	addi	a2, a2, -4
	addi	a1, a1, 4
	addi	a0, a0, 4
copy_bytes:
	beqz	a2, 5f
4:	may_fault lbu, a3, 0(a1), 5f
	may_fault sb, a3, 0(a0), 5f
	addi	a2, a2, -1
	addi	a1, a1, 1
	addi	a0, a0, 1
	bnez	a2, 4b
5:	mv	a0, a2
	ret

copy_align:
	neg	t2, a0
	andi	t2, t2, 7
	beqz	t2, 7f
	sub	a2, a2, t2
6:	may_fault lbu, a3, 0(a1), 9f
	may_fault sb, a3, 0(a0), 9f
	addi	t2, t2, -1
	addi	a1, a1, 1
	addi	a0, a0, 1
	bnez	t2, 6b
7:	andi	t2, a1, 7
	beqz	t2, copy_words
	li	t0, 8
	bltu	a2, t0, copy_bytes
	slli	t3, t2, 3
	li	t4, 64
	sub	t4, t4, t3
	sub	t5, a1, t2
	may_fault ld, a3, 0(t5), copy_bytes
8:	may_fault ld, a4, 8(t5), copy_bytes
	srl	a5, a3, t3
	sll	a6, a4, t4
	or	a5, a5, a6
	may_fault sd, a5, 0(a0), copy_bytes
	mv	a3, a4
	addi	t5, t5, 8
	addi	a2, a2, -8
	addi	a1, a1, 8
	addi	a0, a0, 8
	bgeu	a2, t0, 8b
	j	copy_bytes
9:	add	a0, a2, t2
	ret

/* size_t user_copy_words(void *dst, const void *src, size_t n): both aligned
 * to 8, n a multiple; not 0 if an access failed */
	.globl user_copy_words
user_copy_words:
	li	t0, 64
	bltu	a2, t0, 2f
1:	copy_block 4f
	bgeu	a2, t0, 1b
2:	beqz	a2, 4f
3:	may_fault ld, a3, 0(a1), 4f
	may_fault sd, a3, 0(a0), 4f
	addi	a2, a2, -8
	addi	a1, a1, 8
	addi	a0, a0, 8
	bnez	a2, 3b
4:	mv	a0, a2
	ret

/* size_t user_clear(void *dst, size_t n): bytes left */
	.globl user_clear
user_clear:
	neg	t2, a0
	andi	t2, t2, 7
	li	t1, 16
	bltu	a1, t1, 4f
	beqz	t2, 2f
	sub	a1, a1, t2
1:	may_fault sb, zero, 0(a0), 6f
	addi	t2, t2, -1
	addi	a0, a0, 1
	bnez	t2, 1b
2:	li	t0, 64
	li	t1, 8
	bltu	a1, t0, 8f
3:	may_fault sd, zero, 0(a0), 4f
	may_fault sd, zero, 8(a0), 4f
	may_fault sd, zero, 16(a0), 4f
	may_fault sd, zero, 24(a0), 4f
	may_fault sd, zero, 32(a0), 4f
	may_fault sd, zero, 40(a0), 4f
	may_fault sd, zero, 48(a0), 4f
	may_fault sd, zero, 56(a0), 4f
	addi	a1, a1, -64
	addi	a0, a0, 64
	bgeu	a1, t0, 3b
8:	bltu	a1, t1, 4f
9:	may_fault sd, zero, 0(a0), 4f
	addi	a1, a1, -8
	addi	a0, a0, 8
	bgeu	a1, t1, 9b
4:	beqz	a1, 7f
5:	may_fault sb, zero, 0(a0), 7f
	addi	a1, a1, -1
	addi	a0, a0, 1
	bnez	a1, 5b
7:	mv	a0, a1
	ret
6:	add	a0, a1, t2
	ret
