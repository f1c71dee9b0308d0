/*
 * embed - the vDSO inside the kernel image, on pages of its own, which are
 * mapped into every program.
 */
#include "vdso_symbols.h"

	.section .vdso_image, "a"
	.balign 4096
	.globl vdso_start, vdso_end, vdso_sigreturn_at
vdso_start:
	.incbin "vdso.so"
vdso_end:
	.balign 4096
	.section .rodata
	.balign 8
vdso_sigreturn_at:
	.quad VDSO_RT_SIGRETURN
