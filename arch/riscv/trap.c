/*
 * trap - what entry.S calls: exceptions, interrupts, work before user mode.
 *
 * Theory:  an exception of user mode becomes a resolved fault or a signal.  In
 *          the kernel only two kinds are survivable: an access to user memory
 *          from an instruction with an exception-table entry, and a fault on
 *          a kernel page whose entry already permits the access (the hart
 *          remembered the absence of a new mapping).  The rest is a panic.
 * Context: hardware interrupts are off on entry.  Faults run in the state of a
 *          fast system call (preempt.h): irqs_masked is 1, and the handler
 *          calls irqs_unmask() before anything long.
 */
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <irq/irq.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <kernel/trace.h>
#include <time/timer.h>

#include "csr_impl.h"
#include "mmu_impl.h"
#include "smp_impl.h"
#include "trap_impl.h"

#define SIGILL 4
#define SIGTRAP 5
#define SIGBUS 7
#define SIGSEGV 11
#define ILL_ILLOPC 1
#define ILL_ILLTRP 4
#define TRAP_BRKPT 1
#define BUS_ADRALN 1
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2

struct arch_hooks arch_hooks;

static bool regs_from_user(const struct regs *r)
{
	return (char *)r + sizeof(*r) + sizeof(struct stack_anchor) ==
	       (char *)current->kstack_top;
}

struct regs *irq_regs(void)
{
	return current->hart->irq_regs;
}

bool irq_from_user(void)
{
	struct regs *r = irq_regs();

	return r && regs_from_user(r);
}

void regs_print(const struct regs *r)
{
	const unsigned long *g = &r->pc;
	static const char names[32][4] = {
		"pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2",
		"s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
		"a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7",
		"s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};

	for (unsigned i = 0; i < 32; i += 4)
		print(LOG_ERR, " %3s %016lx %3s %016lx %3s %016lx %3s %016lx\n",
		      names[i], g[i], names[i + 1], g[i + 1], names[i + 2],
		      g[i + 2], names[i + 3], g[i + 3]);
	print(LOG_ERR, " status %016lx cause %016lx badaddr %016lx\n",
	      r->status, r->cause, r->badaddr);
}

static void __noreturn __cold kernel_oops(struct regs *r, const char *what)
{
	char where[96];

	symbol_format(r->pc, where, sizeof(where));
	pr_err("%s at %s, hart %u\n", what, where, hart_id());
	regs_print(r);
	panic("%s, address %lx\n", what, r->badaddr);
}

static unsigned fault_flags(unsigned long cause)
{
	switch (cause) {
	case CAUSE_FETCH_FAULT:
		return FAULT_EXEC;
	case CAUSE_LOAD_FAULT:
		return FAULT_READ;
	case CAUSE_STORE_FAULT:
		return FAULT_WRITE;
	default:
		return 0;
	}
}

static void user_page_fault(struct regs *r, unsigned flags)
{
	int code = SEGV_MAPERR, sig = SIGSEGV;

	if (likely(r->badaddr < USER_END))
		sig = arch_hooks.user_fault(r, r->badaddr, flags | FAULT_USER,
					    &code);
	if (sig)
		arch_hooks.force_signal(sig, code, r->badaddr);
}

/* Vector instructions: OP-V, and loads and stores of the FP opcodes with the
 * widths that FP does not use. */
static bool is_vector_insn(u32 insn)
{
	u32 op = insn & 0x7f, width = insn >> 12 & 7;
	u32 csr = insn >> 20;

	if (op == 0x57)
		return true;
	if (op == 0x07 || op == 0x27)
		return width == 0 || width >= 5;
	if (op == 0x73 && (insn >> 12 & 3))
		return (csr >= 0x8 && csr <= 0xa) || csr == 0xf ||
		       (csr >= 0xc20 && csr <= 0xc22);
	return false;
}

static bool first_vector_insn(const struct regs *r)
{
	const u16 __user *pc = (const u16 __user *)r->pc;
	u16 low, high;

	if (!cpu_has_vector || get_user(low, pc) || (low & 3) != 3 ||
	    get_user(high, pc + 1))
		return false;
	return is_vector_insn((u32)high << 16 | low) && vector_first_use();
}

static void user_exception(struct regs *r)
{
	int sig, code;

	switch (r->cause) {
	case CAUSE_ILLEGAL:
		if (first_vector_insn(r))
			return;
		sig = SIGILL;
		code = ILL_ILLOPC;
		break;
	case CAUSE_BREAKPOINT:
		sig = SIGTRAP;
		code = TRAP_BRKPT;
		break;
	case CAUSE_FETCH_MISALIGNED:
	case CAUSE_LOAD_MISALIGNED:
	case CAUSE_STORE_MISALIGNED:
		sig = SIGBUS;
		code = BUS_ADRALN;
		break;
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		sig = SIGSEGV;
		code = SEGV_ACCERR;
		break;
	default:
		sig = SIGILL;
		code = ILL_ILLTRP;
		break;
	}
	arch_hooks.force_signal(sig, code, r->pc);
}

void __hot trap_user(struct regs *r)
{
	unsigned flags = fault_flags(r->cause);

	current->hart->faults += flags != 0;
	trace_fault_user(r->badaddr, r->pc, (unsigned)r->cause);
	if (likely(flags))
		user_page_fault(r, flags);
	else
		user_exception(r);
}

/* A kernel access to user memory: the fault handler, else the fixup. */
static bool kernel_user_fault(struct regs *r, unsigned flags)
{
	struct task *t = current;
	u32 was_masked = t->irqs_masked;
	unsigned long fixup;
	int sig, code;

	if (!exception_fixup(r->pc, &fixup))
		return false;
	sig = -1;
	if (!t->pagefault_disabled && !t->preempt_count) {
		t->irqs_masked = 1;
		sig = arch_hooks.user_fault(r, r->badaddr, flags, &code);
		if (t->irqs_masked) {
			t->irqs_masked = was_masked;
		} else {
			/* unmasked inside: stay so after the return */
			arch_irqs_disable();
			r->status |= SR_SPIE;
		}
	}
	if (sig)
		r->pc = fixup;
	return true;
}

static bool is_spurious(const struct regs *r, unsigned flags)
{
	return flags && kernel_access_ok(r->badaddr, flags);
}

void trap_kernel(struct regs *r)
{
	unsigned flags = fault_flags(r->cause);

	if (CONFIG_SUM_TOGGLE || unlikely(uaccess_toggles_sum))
		csr_clear(sstatus, SR_SUM);
	trace_fault_kernel(r->badaddr, r->pc, (unsigned)r->cause);
	if (likely(flags && r->badaddr < USER_END)) {
		if (kernel_user_fault(r, flags))
			return;
		kernel_oops(r, flags & FAULT_EXEC ?
				       "kernel jumped to a user address" :
				       "kernel touched a user address");
	}
	if (is_spurious(r, flags)) {
		tlb_flush_local();
		return;
	}
	if (exception_fixup(r->pc, &r->pc))
		return;
	kernel_oops(r, flags ? "kernel page fault" :
		       r->cause == CAUSE_BREAKPOINT ?
				"undefined behaviour or breakpoint" :
				"kernel exception");
}

void trap_overflow(struct regs *r)
{
	if (is_spurious(r, fault_flags(r->cause))) {
		tlb_flush_local();
		return;
	}
	kernel_oops(r, "kernel stack overflow");
}

static void irq_handle(unsigned long cause, struct hart *h)
{
	switch (cause & 0xff) {
	case IRQ_TIMER:
		/* moved away first: nothing may stay pending and masked */
		arch_timer_set(~0ull);
		h->timer_irqs++;
		timer_interrupt();
		break;
	case IRQ_SOFT:
		csr_clear(sip, IE_SOFT);
		arch_ipi_tlb();
		ipi_handle();
		break;
	case IRQ_EXT:
		irq_external();
		break;
	default:
		panic("unknown interrupt %lx\n", cause);
	}
}

/* The interrupted code had interrupts on: let others run, with interrupts off
 * as in a fast system call. */
static void preempt_from_irq(struct task *t)
{
	t->irqs_masked = 1;
	preempt_schedule();
	if (t->irqs_masked)
		t->irqs_masked = 0;
	else
		arch_irqs_disable();
}

void __hot irq_entry(struct regs *r, unsigned long cause, bool is_user)
{
	struct task *t = current;
	struct hart *h = t->hart;

	if (CONFIG_SUM_TOGGLE || unlikely(uaccess_toggles_sum))
		csr_clear(sstatus, SR_SUM);
	t->preempt_count++;
	t->irq_depth++;
	t->irq_nesting++;
	h->irq_count++;
	h->irq_regs = r;
	irq_handle(cause, h);
	h->irq_regs = NULL;
	if (unlikely(t->ipi_due))
		ipi_flush();
	t->irq_nesting--;
	t->irq_depth--;
	t->preempt_count--;
	if (!is_user && unlikely(READ_ONCE(t->work) & WORK_RESCHED) &&
	    !t->preempt_count && (r->status & SR_SPIE))
		preempt_from_irq(t);
}

void user_exit_work(struct regs *r)
{
	do {
		current->irqs_masked = 0;
		arch_irqs_enable();
		arch_hooks.exit_work(r);
		arch_irqs_disable();
	} while (READ_ONCE(current->work) & WORK_LOOK);
}

static long syscall_call(const struct regs *r)
{
	const struct syscall_entry *e;

	if ((unsigned long)r->syscall >= NR_SYSCALLS)
		return -ENOSYS;
	e = &syscall_table[r->syscall];
	if (!e->fn)
		return -ENOSYS;
	return e->fn(r->orig_a0, r->a1, r->a2, r->a3, r->a4, r->a5);
}

/* A tracer may have changed the number in a7, and the arguments. */
void syscall_slow(struct regs *r)
{
	bool go = true;

	r->a0 = (unsigned long)-ENOSYS;
	if (current->work & (WORK_TRACE | WORK_SECCOMP | WORK_DISPATCH))
		go = arch_hooks.syscall_enter(r);
	if (READ_ONCE(current->work) & WORK_SYSTRACE)
		trace_sys_enter(r);
	if (go) {
		r->syscall = (long)r->a7;
		/* -1: the tracer skips the call, and may have set a0. */
		if (r->syscall >= 0)
			r->a0 = (unsigned long)syscall_call(r);
	}
	if (READ_ONCE(current->work) & WORK_SYSTRACE)
		trace_sys_exit(r);
	if (READ_ONCE(current->work) & WORK_TRACE)
		arch_hooks.syscall_exit(r);
	irqs_unmask();
}

void __noreturn kernel_task_returned(void)
{
	panic("a kernel task returned\n");
}
