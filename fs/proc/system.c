/*
 * system - files about the machine and its processors: stat, loadavg, uptime,
 * cpuinfo, interrupts, version (proc(5)).
 */
#include "proc_impl.h"
#include <arch/smp.h>
#include <fs/proc_kconfig.h>
#include <irq/irq.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <sched/sched.h>
#include <task/fork.h>
#include <task/posix_timer.h>
#include <task/time_ns.h>

#define TICK_NS (NSEC_PER_SEC / USER_HZ)

/* --- interrupts ---------------------------------------------------------*/
#define TIMER_IRQ 5u		/* the ISA's number of the timer interrupt */

static const char *const ipi_names[NR_IPIS] = {
	[IPI_RESCHED] = "Rescheduling interrupts",
	[IPI_CALL] = "Function call interrupts",
	[IPI_TLB] = "TLB flush interrupts",
	[IPI_STOP] = "CPU stop interrupts",
	[IPI_TIMER] = "Timer broadcast interrupts",
	[IPI_BACKTRACE] = "CPU backtrace interrupts",
};

static void put_irq_counts(struct seq *s, const u64 *counts)
{
	for_each_hart(h)
		seq_printf(s, " %10llu", counts[h->id]);
}

/* Linux calls whatever has no declared trigger "Edge". */
static void put_irq(struct seq *s, u32 irq, const u64 *counts,
		    const char *chip, const char *name)
{
	seq_printf(s, "%3u:", irq);
	put_irq_counts(s, counts);
	seq_printf(s, " %8s %3u %-8s  %s\n", chip, irq, "Edge", name);
}

static int interrupts_show(struct seq *s, void *arg)
{
	u64 *counts = kmalloc_array(MAX_HARTS, sizeof(u64), GFP_KERNEL);
	const char *chip, *name;
	u32 irq;

	if (!counts)
		return -ENOMEM;
	seq_puts(s, "           ");
	for_each_hart(h)
		seq_printf(s, "CPU%-8u", h->id);
	seq_putc(s, '\n');
	for_each_hart(h)
		counts[h->id] = h->timer_irqs;
	put_irq(s, TIMER_IRQ, counts, "RISC-V INTC", "riscv-timer");
	for (u32 i = 0; irq_stat(i, &irq, &chip, &name, counts); i++)
		put_irq(s, irq, counts, chip, name);
	for (unsigned k = 0; k < NR_IPIS; k++) {
		for_each_hart(h)
			counts[h->id] = h->ipi_count[k];
		seq_printf(s, "IPI%u:", k);
		put_irq_counts(s, counts);
		seq_printf(s, "  %s\n", ipi_names[k]);
	}
	kfree(counts);
	return 0;
}

/* The numbers below `irq` that nothing uses, then its count. */
static void put_number(struct seq *s, u32 *next, u32 irq, u64 n)
{
	for (; *next < irq; (*next)++)
		seq_puts(s, " 0");
	seq_u64(s, " ", n);
	*next = irq + 1;
}

/* Timer interrupts have a number among the others, as in /proc/interrupts. */
static void put_numbers(struct seq *s, u64 *counts, u64 timer)
{
	const char *chip, *name;
	u32 irq, next = 0;
	u64 n;

	for (u32 i = 0; irq_stat(i, &irq, &chip, &name, counts); i++) {
		n = irq == TIMER_IRQ ? timer : 0;
		if (irq > TIMER_IRQ && next <= TIMER_IRQ)
			put_number(s, &next, TIMER_IRQ, timer);
		for_each_hart(h)
			n += counts[h->id];
		put_number(s, &next, irq, n);
	}
	if (next <= TIMER_IRQ)
		put_number(s, &next, TIMER_IRQ, timer);
}

/* The sum and the counts by interrupt number, as /proc/stat lists them. */
static int put_intr(struct seq *s)
{
	u64 *counts = kmalloc_array(MAX_HARTS, sizeof(u64), GFP_KERNEL);
	const char *chip, *name;
	u64 total, timer = 0;
	u32 irq;

	if (!counts)
		return -ENOMEM;
	for_each_hart(h)
		timer += h->timer_irqs;
	total = timer;
	for_each_hart(h) {
		for (unsigned k = 0; k < NR_IPIS; k++)
			total += h->ipi_count[k];
	}
	for (u32 i = 0; irq_stat(i, &irq, &chip, &name, counts); i++)
		for_each_hart(h)
			total += counts[h->id];
	seq_u64(s, "intr ", total);
	put_numbers(s, counts, timer);
	seq_putc(s, '\n');
	kfree(counts);
	return 0;
}

/* --- stat ---------------------------------------------------------------*/
struct cpu_times {
	u64 user, nice, system, idle, iowait, irq;
};

static void put_times(struct seq *s, const struct cpu_times *t)
{
	seq_u64(s, " ", t->user / TICK_NS);
	seq_u64(s, " ", t->nice / TICK_NS);
	seq_u64(s, " ", t->system / TICK_NS);
	seq_u64(s, " ", t->idle / TICK_NS);
	seq_u64(s, " ", t->iowait / TICK_NS);
	seq_u64(s, " ", t->irq / TICK_NS);
	seq_puts(s, " 0 0 0 0\n");	/* softirq, steal, guest, guest_nice */
}

static struct cpu_times times_of(const struct hart *h)
{
	return (struct cpu_times){
		h->user_ns, h->nice_ns, h->system_ns,
		h->idle_ns, h->iowait_ns, h->irq_ns,
	};
}

static void add_times(struct cpu_times *to, const struct cpu_times *t)
{
	to->user += t->user;
	to->nice += t->nice;
	to->system += t->system;
	to->idle += t->idle;
	to->iowait += t->iowait;
	to->irq += t->irq;
}

static int stat_show(struct seq *s, void *arg)
{
	struct cpu_times all = { 0 }, one;
	int err;

	sched_sync_stats();
	for_each_hart(h) {
		one = times_of(h);
		add_times(&all, &one);
	}
	seq_puts(s, "cpu ");
	put_times(s, &all);
	for_each_hart(h) {
		one = times_of(h);
		seq_u64(s, "cpu", h->id);
		put_times(s, &one);
	}
	err = put_intr(s);
	if (err)
		return err;
	seq_u64(s, "ctxt ", sched_nr_switches());
	seq_u64(s, "\nbtime ",
		(clock_realtime_ns() - clock_ns() -
		 (u64)time_ns_offset(CLOCK_BOOTTIME)) / NSEC_PER_SEC);
	seq_u64(s, "\nprocesses ", task_nr_forks());
	seq_u64(s, "\nprocs_running ", sched_nr_running());
	seq_u64(s, "\nprocs_blocked ", sched_nr_iowait());
	seq_putc(s, '\n');
	return 0;
}

/* --- load and time ------------------------------------------------------*/
static int loadavg_show(struct seq *s, void *arg)
{
	unsigned long avg[3];

	sched_loadavg(avg);
	for (unsigned i = 0; i < 3; i++) {
		unsigned long v = avg[i] + (1 << 11) / 200;

		seq_printf(s, "%lu.%02lu ", v >> 11,
			   ((v & 2047) * 100) >> 11);
	}
	seq_printf(s, "%u/%d %d\n", sched_nr_running(), task_count(),
		   READ_ONCE(task_pid_ns(current)->last));
	return 0;
}

static int uptime_show(struct seq *s, void *arg)
{
	u64 boot = clock_ns() + (u64)time_ns_offset(CLOCK_BOOTTIME);
	u64 up = boot / (NSEC_PER_SEC / 100), idle = 0;

	sched_sync_stats();
	for_each_hart(h)
		idle += h->idle_ns;
	idle /= NSEC_PER_SEC / 100;
	seq_printf(s, "%llu.%02llu %llu.%02llu\n", up / 100, up % 100,
		   idle / 100, idle % 100);
	return 0;
}

/* --- processors and the kernel ------------------------------------------*/
static int cpuinfo_show(struct seq *s, void *arg)
{
	char *to;

	for_each_hart(h) {
		to = seq_reserve(s, 2048);
		if (to)
			s->len += arch_cpuinfo(h->id, to, 2048);
	}
	return 0;
}

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int version_show(struct seq *s, void *arg)
{
	seq_puts(s, "Linux version " PROC_RELEASE " (Hartwood) (" COMPILER ") "
		    PROC_VERSION "\n");
	return 0;
}

static int cmdline_show(struct seq *s, void *arg)
{
	seq_puts(s, saved_command_line);
	seq_putc(s, '\n');
	return 0;
}

static int kallsyms_show(struct seq *s, void *arg)
{
	bool may_see = READ_ONCE(sysctl_kptr_restrict) < 2 &&
		       capable(CAP_SYSLOG);
	unsigned long addr;
	char type, name[128];

	for (size_t i = 0; symbol_nth(i, &addr, &type, name, sizeof(name));
	     i++)
		seq_printf(s, "%016lx %c %s\n", may_see ? addr : 0, type,
			   name);
	return 0;
}

static int config_show(struct seq *s, void *arg)
{
	seq_write(s, (const char *)kconfig_gz, kconfig_gz_size);
	return 0;
}

/* There are none, and never will be. */
static int empty_show(struct seq *s, void *arg)
{
	return 0;
}

static const struct proc_entry entries[] = {
	{ .name = "cmdline", .mode = 0444, .show = cmdline_show },
	{ .name = "config.gz", .mode = 0444, .show = config_show },
	{ .name = "cpuinfo", .mode = 0444, .show = cpuinfo_show },
	{ .name = "interrupts", .mode = 0444, .show = interrupts_show },
	{ .name = "kallsyms", .mode = 0444, .show = kallsyms_show },
	{ .name = "loadavg", .mode = 0444, .show = loadavg_show },
	{ .name = "modules", .mode = 0444, .show = empty_show },
	{ .name = "mounts", .mode = S_IFLNK | 0777, .link = "self/mounts" },
	{ .name = "stat", .mode = 0444, .show = stat_show },
	{ .name = "uptime", .mode = 0444, .show = uptime_show },
	{ .name = "version", .mode = 0444, .show = version_show },
};

static void system_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, system_init);
