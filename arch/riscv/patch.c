/*
 * patch - the two instructions of a patched branch.
 */
#include <arch/patch.h>

#define INSN_NOP 0x00000013u	/* addi x0, x0, 0 */
#define INSN_JAL_X0 0x0000006fu
#define JAL_REACH (1l << 20)

/* The immediate of jal: bits 20, 10:1, 11, 19:12 of the distance. */
static u32 jal_immediate(s32 d)
{
	u32 u = (u32)d;

	return (u >> 20 & 1) << 31 | (u >> 1 & 0x3ff) << 21 |
	       (u >> 11 & 1) << 20 | (u >> 12 & 0xff) << 12;
}

u32 arch_branch_insn(const struct branch_site *s, bool on)
{
	long d = (long)s->target - s->insn;

	if (!on)
		return INSN_NOP;
	if (d >= JAL_REACH || d < -JAL_REACH)
		return 0;
	return INSN_JAL_X0 | jal_immediate((s32)d);
}
