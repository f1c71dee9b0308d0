/*
 * ptrace - register sets of a stopped task, as debuggers and core dumps see
 * them.  The stop completed the frame (entry.S).
 */
#include <arch/ptrace.h>
#include <kernel/hart.h>
#include <lib/errno.h>
#include <lib/string.h>

#include "smp_impl.h"
#include "trap_impl.h"

static_assert(offsetof(struct regs, t6) == 31 * 8, "user_regs order");

void arch_regs_get(struct task *t, struct user_regs *out)
{
	memcpy(out, task_regs(t), sizeof(*out));
}

void arch_regs_set(struct task *t, const struct user_regs *in)
{
	memcpy(task_regs(t), in, sizeof(*in));
}

void arch_fpregs_get(struct task *t, struct user_fpregs *out)
{
	if (t == current)
		arch_fp_save();
	memcpy(out->f, t->arch.fp.f, sizeof(out->f));
	out->fcsr = t->arch.fp.fcsr;
	out->_pad = 0;
}

void arch_fpregs_set(struct task *t, const struct user_fpregs *in)
{
	memcpy(t->arch.fp.f, in->f, sizeof(in->f));
	t->arch.fp.fcsr = in->fcsr & 0xff;
	t->arch.fp_hart = NULL;
	if (t == current)
		arch_fp_restore();
}

int arch_vregs_get(struct task *t, struct user_vregs *out, void **data,
		   size_t *size)
{
	struct arch_vector *v = t->arch.vector;

	if (!v)
		return -ENODATA;
	if (t == current)
		vector_save_current();
	*out = (struct user_vregs){ v->vstart, v->vl, v->vtype, v->vcsr,
				    v->vlenb };
	*data = v->data;
	*size = vector_bytes();
	return 0;
}

int arch_vregs_set(struct task *t, const struct user_vregs *in)
{
	struct arch_vector *v = t->arch.vector;

	if (!v)
		return -ENODATA;
	if (in->vlenb != v->vlenb)
		return -EINVAL;
	v->vstart = in->vstart;
	v->vl = in->vl;
	v->vtype = in->vtype;
	v->vcsr = in->vcsr;
	if (t == current)
		vector_load_current();
	return 0;
}
