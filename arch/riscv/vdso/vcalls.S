/*
 * vcalls - the vDSO's functions that are plain system calls, and the place to
 * which signal handlers return.  Unwinders and debuggers know the latter by
 * its two instructions, which must be these, 4 bytes each.
 */
#define NR_rt_sigreturn 139
#define NR_getcpu 168
#define NR_riscv_flush_icache 259

	.text
	.macro system_call name, nr
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	li	a7, \nr
	ecall
	ret
	.cfi_endproc
	.size \name, . - \name
	.endm

	/* An unwinder looks up the byte before a return address: it must not
	 * be that of another function, whose frame it would take this for. */
	.balign 4
	nop
	.balign 4
	.globl __vdso_rt_sigreturn
	.type __vdso_rt_sigreturn, @function
__vdso_rt_sigreturn:
	.cfi_startproc
	.cfi_signal_frame
	li	a7, NR_rt_sigreturn
	ecall
	.cfi_endproc
	.size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn

	system_call __vdso_getcpu, NR_getcpu
	system_call __vdso_flush_icache, NR_riscv_flush_icache
	.section .note.GNU-stack, "", @progbits
