/*
 * task - the machine state of tasks: first frames, FP registers, stack walks.
 *
 * Theory:  fp of a task is right whenever FS is not dirty; fp_hart names the
 *          hart whose registers equal it.  Whoever changes fp in memory clears
 *          fp_hart, or loads the registers at once if the task is current.
 */
#include <arch/task.h>
#include <arch/mmu.h>
#include <arch/trap.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <lib/errno.h>
#include <lib/string.h>

#include "csr_impl.h"
#include "smp_impl.h"
#include "trap_impl.h"

static_assert((sizeof(struct regs) + sizeof(struct stack_anchor)) % 16 == 0,
	      "stack alignment");

struct regs *task_regs(struct task *t)
{
	return regs_at_top(t->kstack_top);
}

static void set_anchor(struct task *t)
{
	struct stack_anchor *a = (struct stack_anchor *)t->kstack_top - 1;

	a->task = t;
}

static void init_switch(struct task *t, void (*first)(void))
{
	set_anchor(t);
	memset(&t->arch, 0, sizeof(t->arch));
	t->arch.ra = (unsigned long)first;
	t->arch.sp = (unsigned long)task_regs(t);
}

void arch_task_init_kernel(struct task *t, void (*fn)(void *), void *arg)
{
	init_switch(t, kernel_task_start);
	t->arch.s[0] = (unsigned long)fn;
	t->arch.s[1] = (unsigned long)arg;
	memset(task_regs(t), 0, sizeof(struct regs));
	task_regs(t)->syscall = -1;
}

/* The task that already runs on this stack: boot and idle tasks. */
void task_adopt(struct task *t)
{
	set_anchor(t);
	t->arch.has_fp = 0;
}

int arch_task_init_user(struct task *t, const struct regs *parent,
			unsigned long sp, bool set_tls, unsigned long tls)
{
	struct regs *r;

	arch_fp_save();
	init_switch(t, user_task_start);
	t->arch.has_fp = 1;
	t->arch.fp = current->arch.fp;
	r = task_regs(t);
	*r = *parent;
	r->a0 = 0;
	r->syscall = -1;
	if (sp)
		r->sp = sp;
	if (set_tls)
		r->tp = tls;
	return 0;
}

void arch_task_free(struct task *t)
{
	vector_drop(t);
}

void arch_start_user(struct regs *r, unsigned long pc, unsigned long sp)
{
	struct task *t = current;
	long nr = r->syscall;

	memset(r, 0, sizeof(*r));
	r->pc = pc;
	r->sp = sp;
	r->a7 = (unsigned long)nr;	/* tracers ask which call ends here */
	r->syscall = -1;
	preempt_disable();
	csr_clear(sstatus, SR_VS);
	vector_drop(t);
	memset(&t->arch.fp, 0, sizeof(t->arch.fp));
	t->arch.has_fp = 1;
	arch_fp_restore();
	preempt_enable();
}

/* A switch in the middle would save registers that are half old, half new. */
void arch_fp_save(void)
{
	preempt_disable();
	if ((csr_read(sstatus) & SR_FS) == SR_FS_DIRTY) {
		fp_store(&current->arch.fp);
		csr_clear(sstatus, SR_FS & ~SR_FS_CLEAN);
	}
	preempt_enable();
}

void arch_fp_restore(void)
{
	struct task *t = current;

	preempt_disable();
	fp_load(&t->arch.fp);
	csr_clear(sstatus, SR_FS & ~SR_FS_CLEAN);
	t->arch.fp_hart = t->hart;
	t->hart->fp_owner = t;
	preempt_enable();
}

void regs_restart_syscall(struct regs *r)
{
	r->a0 = r->orig_a0;
	r->pc -= 4;
}

void regs_restart_block(struct regs *r)
{
	const unsigned long nr_restart_syscall = 128;

	r->a0 = r->orig_a0;
	r->a7 = nr_restart_syscall;
	r->pc -= 4;
}

unsigned long arch_user_sp(struct task *t)
{
	return task_regs(t)->sp;
}

unsigned long arch_user_pc(struct task *t)
{
	return task_regs(t)->pc;
}

static bool in_range(unsigned long p, unsigned long start, size_t size)
{
	return p >= start && p - start < size;
}

/* A frame record (return address and caller's frame pointer) lies whole on
 * the task's stack, or on its hart's spare one. */
static bool frame_ok(const struct task *t, unsigned long fp)
{
	unsigned long top = (unsigned long)t->kstack_top;

	if (fp & 7)
		return false;
	if (in_range(fp - 16, top - KSTACK_SIZE, KSTACK_SIZE - 15))
		return true;
	if (!t->hart || !t->hart->trap_stack_top)
		return false;
	top = (unsigned long)t->hart->trap_stack_top;
	return in_range(fp - 16, top - TRAP_STACK_SIZE, TRAP_STACK_SIZE - 15);
}

static bool in_kernel_text(unsigned long pc)
{
	return pc >= (unsigned long)_text && pc < (unsigned long)_etext;
}

bool arch_is_entry(unsigned long pc)
{
	return pc >= (unsigned long)entry_begin &&
	       pc < (unsigned long)entry_end;
}

/*
 * A frame that returns into the entry code belongs to a trap handler, and its
 * frame pointer is the address of the interrupted registers.
 */
static void walk_step(unsigned long *fp, unsigned long *pc)
{
	const unsigned long *record = (const unsigned long *)*fp;
	const struct regs *r = (const struct regs *)*fp;

	*pc = record[-1];
	*fp = record[-2];
	if (arch_is_entry(*pc) && in_kernel_text(r->pc)) {
		*pc = r->pc;
		*fp = r->s0;
	}
}

/* Leads the record at fp by others to one in the entry code? */
static bool is_chain(const struct task *t, unsigned long fp)
{
	unsigned long pc, last = 0;

	for (unsigned n = 0; n < 64 && fp > last && frame_ok(t, fp); n++) {
		last = fp;
		pc = ((const unsigned long *)fp)[-1];
		fp = ((const unsigned long *)fp)[-2];
		if (!in_kernel_text(pc))
			return false;
		if (arch_is_entry(pc))
			return n > 0;
	}
	return false;
}

void arch_stack_search(struct task *t,
		       bool (*fn)(void *arg, unsigned long pc), void *arg)
{
	unsigned long top = (unsigned long)t->kstack_top;
	unsigned long fp = top - KSTACK_SIZE + 16, pc, last = 0;

	while (fp < top && !is_chain(t, fp))
		fp += 8;
	for (unsigned n = 0; n < 64 && fp > last && frame_ok(t, fp); n++) {
		last = fp;
		walk_step(&fp, &pc);
		if (!in_kernel_text(pc) || !fn(arg, pc))
			return;
	}
}

void arch_stack_walk(struct task *t, bool (*fn)(void *arg, unsigned long pc),
		     void *arg)
{
	unsigned long fp, pc, last = 0;

	if (t == current) {
		fp = (unsigned long)__builtin_frame_address(0);
	} else {
		fp = t->arch.s[0];
		pc = t->arch.ra;
		if (!in_kernel_text(pc) || !fn(arg, pc))
			return;
	}
	/* outwards only: the spare stack lies below all others */
	for (unsigned n = 0; n < 64 && fp > last && frame_ok(t, fp); n++) {
		last = fp;
		walk_step(&fp, &pc);
		if (!in_kernel_text(pc) || !fn(arg, pc))
			return;
	}
}
