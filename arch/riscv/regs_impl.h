#pragma once
/* Assembly macros that move the registers of a frame at sp. */
#include <asm_offsets.h>

	.macro caller_saved op
	\op	ra, REGS_RA(sp)
	\op	t1, REGS_T1(sp)
	\op	t2, REGS_T2(sp)
	\op	a1, REGS_A1(sp)
	\op	a2, REGS_A2(sp)
	\op	a3, REGS_A3(sp)
	\op	a4, REGS_A4(sp)
	\op	a5, REGS_A5(sp)
	\op	a6, REGS_A6(sp)
	\op	a7, REGS_A7(sp)
	\op	t3, REGS_T3(sp)
	\op	t4, REGS_T4(sp)
	\op	t5, REGS_T5(sp)
	\op	t6, REGS_T6(sp)
	.endm

	.macro callee_saved op
	\op	s0, REGS_S0(sp)
	\op	s1, REGS_S1(sp)
	\op	s2, REGS_S2(sp)
	\op	s3, REGS_S3(sp)
	\op	s4, REGS_S4(sp)
	\op	s5, REGS_S5(sp)
	\op	s6, REGS_S6(sp)
	\op	s7, REGS_S7(sp)
	\op	s8, REGS_S8(sp)
	\op	s9, REGS_S9(sp)
	\op	s10, REGS_S10(sp)
	\op	s11, REGS_S11(sp)
	.endm
