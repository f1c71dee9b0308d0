#pragma once
/*
 * Branches that are patched while the kernel runs: a no-op, or a jump.
 */
#include <lib/compiler.h>
#include <lib/types.h>

/* One place that a branch was compiled to, in section .trace_sites. */
struct branch_site {
	s32 insn;		/* the no-op, from this struct */
	s32 target;		/* where it jumps, likewise */
	u32 key;
};

/* True if the branches of this key (a constant) are on. */
#define arch_branch(k)                                                         \
	({                                                                     \
		__label__ on, out;                                             \
		bool is_on = false;                                            \
		__asm__ goto(".balign 4\n\t.option push\n\t"                   \
			     ".option norelax\n\t.option norvc\n"              \
			     "1:\tnop\n\t.option pop\n\t"                      \
			     ".pushsection .trace_sites, \"a\"\n\t"            \
			     ".balign 4\n2:\t.4byte 1b - 2b\n\t"               \
			     ".4byte %l[on] - 2b\n\t.4byte %c0\n\t"            \
			     ".popsection" : : "i"(k) : : on);                 \
		goto out;                                                      \
	on:                                                                    \
		is_on = true;                                                  \
	out:                                                                   \
		is_on;                                                         \
	})

/* The instruction that a site has when it is on, or off; 0: out of reach. */
u32 arch_branch_insn(const struct branch_site *s, bool on);
/* Where it stands. */
static inline u32 *branch_site_insn(const struct branch_site *s)
{
	return (u32 *)((unsigned long)s + (unsigned long)(long)s->insn);
}
