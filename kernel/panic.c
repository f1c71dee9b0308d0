/*
 * panic - the end: says why, shows what every hart did, stops.
 *
 * Theory:  the first hart that panics is in charge; another one that panics
 *          meanwhile halts.  The others are stopped by IPI_STOP, one after the
 *          other, and each prints its own stack on the way.  From then on the
 *          lock checker is silent and locks of the printing path are only
 *          tried for.  Then, as panic= says: wait for ever (0, the default),
 *          or reboot after so many seconds, or at once (negative).
 * Context: any.
 */
#include "lockdebug_impl.h"
#include "panic_impl.h"

#include <arch/smp.h>
#include <arch/task.h>
#include <arch/trap.h>
#include <kernel/assert.h>
#include <kernel/dump.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <time/clock.h>

#define STOP_TIMEOUT_NS NSEC_PER_SEC
#define MAX_FRAMES 40

bool panicking;
int panic_timeout;
static u64 stopped;		/* harts. atomic */
static u32 panics;		/* atomic */
static u32 panic_hart;

static void param_panic(const char *value)
{
	int v;

	if (!str_to_int(value, 10, &v))
		panic_timeout = v;
}
PARAM("panic", param_panic);

/* --- backtraces -------------------------------------------------------------------- */

static bool print_frame(void *arg, unsigned long pc)
{
	u32 *n = arg;
	char text[96];

	if (++*n > MAX_FRAMES)
		return false;
	/* a call in the last place returns to the next function */
	symbol_format(pc - 1, text, sizeof(text));
	print(LOG_ERR, "  [<%016lx>] %s\n", pc, text);
	return true;
}

void backtrace_print_task(struct task *t)
{
	u32 n = 0;

	arch_stack_walk(t, print_frame, &n);
}

void backtrace_print(void)
{
	backtrace_print_task(current);
}

static void print_self(void)
{
	struct task *t = current;
	struct regs *r = irq_regs();
	char text[96];

	print(LOG_ERR, "hart %u: task %d (%.16s)%s, state %x, preempt %u\n",
	      t->hart->id, t->tid, t->comm,
	      irq_from_user() ? ", in user mode" : "", t->state,
	      t->preempt_count);
	if (r) {
		symbol_format(r->pc, text, sizeof(text));
		print(LOG_ERR, "  interrupted at %s\n", text);
	}
	backtrace_print();
	if (CONFIG_DEBUG)
		lock_debug_print(t);
}

void panic_stop_self(void)
{
	print_self();
	__atomic_fetch_or(&stopped, 1ull << hart_id(), __ATOMIC_SEQ_CST);
	arch_halt();
}

void panic_backtrace_self(void)
{
	print_self();
}

/* --- the end ----------------------------------------------------------------------- */

static void stop_others(void)
{
	u32 me = hart_id();

	for (u32 i = 0; i < nr_harts; i++) {
		u64 until = clock_ns() + STOP_TIMEOUT_NS;

		if (i == me || !harts[i].online)
			continue;
		WRITE_ONCE(harts[i].polling, 0);
		ipi_send(&harts[i], IPI_STOP);
		while (!(READ_ONCE(stopped) >> i & 1) && clock_ns() < until)
			cpu_relax();
		if (!(READ_ONCE(stopped) >> i & 1))
			pr_err("hart %u does not answer\n", i);
	}
}

static void __noreturn last_words(void)
{
	u64 until;

	if (!panic_timeout) {
		pr_err("---[ end Kernel panic ]---\n");
		arch_halt();
	}
	if (panic_timeout > 0) {
		pr_err("Rebooting in %d seconds..\n", panic_timeout);
		until = clock_ns() + (u64)panic_timeout * NSEC_PER_SEC;
		while (clock_ns() < until)
			cpu_relax();
	}
	arch_reboot();
	arch_halt();
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	current->preempt_count++;
	arch_irqs_disable();
	current->irq_depth++;
	if (xchg(&panics, 1u)) {
		/* a second panic: of this hart, its way of printing is broken */
		if (panic_hart == hart_id())
			last_words();
		arch_halt();
	}
	panicking = true;
	panic_hart = hart_id();
	console_loglevel = 15;
	va_start(ap, fmt);
	kvscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print(LOG_EMERG, "Kernel panic - not syncing: %s", text);
	print_self();
	stop_others();
	last_words();
}

void bug(const char *file, int line, const char *expr)
{
	panic("BUG at %s:%d: %s\n", file, line, expr);
}

void warn(const char *file, int line, const char *what)
{
	pr_warn("WARNING at %s:%d: %s, hart %u, task %d (%.16s)\n", file,
		line, what, current->hart->id, current->tid, current->comm);
	backtrace_print();
}
