#pragma once
/*
 * Register sets of a stopped task, in Linux's layout: NT_PRSTATUS is struct
 * user_regs_struct (32 words, pc first), NT_PRFPREG is 32 doubles and fcsr.
 * The task is stopped with complete registers, or is current.
 */
#include <arch/task.h>
#include <lib/compiler.h>

struct user_regs {
	unsigned long r[32];
};
static_assert(sizeof(struct user_regs) == 256, "user_regs_struct");

struct user_fpregs {
	u64 f[32];
	u32 fcsr;
	u32 _pad;
};
static_assert(sizeof(struct user_fpregs) == 264, "__riscv_d_ext_state");

/* NT_RISCV_VECTOR: struct __riscv_v_regset_state, then the registers. */
struct user_vregs {
	unsigned long vstart, vl, vtype, vcsr, vlenb;
};

void arch_regs_get(struct task *t, struct user_regs *out);
void arch_regs_set(struct task *t, const struct user_regs *in);
void arch_fpregs_get(struct task *t, struct user_fpregs *out);
void arch_fpregs_set(struct task *t, const struct user_fpregs *in);
/* -ENODATA: the task has no vector state. *data stays valid while stopped. */
int __must_check arch_vregs_get(struct task *t, struct user_vregs *out,
				void **data, size_t *size);
/* vl, vtype, vcsr and vstart; the registers are written through *data. */
int __must_check arch_vregs_set(struct task *t, const struct user_vregs *in);
