/*
 * sysrq - the keys of last resort.
 *
 * Theory:  what only prints is done where the key arrives, in the interrupt of
 *          the console, so that it works when nothing else runs.  What sleeps
 *          (sync, remount, power off) or wants the signals' locks is left to a
 *          worker: one work, the keys that wait for it are bits of a word.
 * Locks:   none of its own; todo is atomic.
 * Context: sysrq_key(): any.
 */
#include "task_impl.h"

#include <arch/smp.h>
#include <arch/trap.h>
#include <fs/vfs.h>
#include <kernel/dump.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/work.h>
#include <lib/printf.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <signal/signal.h>
#include <task/init.h>
#include <task/sysrq.h>
#include <time/timer.h>

/* Groups of /proc/sys/kernel/sysrq. */
#define MAY_LOG 2
#define MAY_DUMP 8
#define MAY_SYNC 16
#define MAY_REMOUNT 32
#define MAY_SIGNAL 64
#define MAY_BOOT 128

int sysctl_sysrq = 1;

struct key {
	char letter;
	u8 group;
	const char *title;	/* the message */
	const char *help;	/* the word in the list */
	void (*now)(void);
	void (*later)(void);
};

/* --- memory -----------------------------------------------------------------*/

static void memory_dump(void)
{
	u64 blocks[MAX_ORDER + 1];
	const char *name;

	print(LOG_INFO, "Mem-Info: %llu of %llu KiB free, %llu available\n",
	      mem_free_pages() * 4, mem_total_pages() * 4,
	      mem_available_pages() * 4);
	for (unsigned i = 0; (name = vmstat_name((enum vmstat)i)); i++)
		print(LOG_INFO, "  %s %ld\n", name,
		      vmstat_read((enum vmstat)i));
	buddy_stats(blocks);
	for (unsigned i = 0; i <= MAX_ORDER; i++)
		print(LOG_INFO, "  free blocks of %lu KiB: %llu\n", 4ul << i,
		      blocks[i]);
}

/* --- processors -------------------------------------------------------------*/

static void backtrace_all(void)
{
	struct regs *r = irq_regs();

	if (r)
		regs_print(r);
	print(LOG_INFO, "hart %u: task %d (%.16s)\n", hart_id(), current->tid,
	      current->comm);
	backtrace_print();
	for_each_hart(h)
		if (h->id != hart_id())
			ipi_send(h, IPI_BACKTRACE);
}

static void show_regs(void)
{
	struct regs *r = irq_regs();

	if (r)
		regs_print(r);
	backtrace_print();
}

static void crash(void)
{
	panic("sysrq triggered crash\n");
}

/* --- signals ----------------------------------------------------------------*/

static void signal_everyone(int sig)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		if (is_kernel_task(t) || !task_is_leader(t) || t->tgid == 1)
			continue;
		ignore_error(signal_send(sig, SIG_INFO_KERNEL, t,
					 SIG_TO_PROCESS));
	}
	rcu_read_unlock();
}

static void terminate_all(void)
{
	signal_everyone(SIGTERM);
}

static void kill_all(void)
{
	signal_everyone(SIGKILL);
}

static void oom_request(void)
{
	if (!oom_kill_one())
		pr_info("OOM request ignored. No task eligible\n");
}

/* --- the disks --------------------------------------------------------------*/

static void emergency_sync(void)
{
	sync_all(true);
	pr_notice("Emergency Sync complete\n");
}

static void emergency_remount(void)
{
	remount_all_readonly();
	pr_notice("Emergency Remount complete\n");
}

/* --- the keys ---------------------------------------------------------------*/

static const struct key keys[] = {
	{ 'b', MAY_BOOT, "Resetting", "reboot(b)", arch_reboot, NULL },
	{ 'c', MAY_DUMP, "Trigger a crash", "crash(c)", crash, NULL },
	{ 'd', MAY_DUMP, "Show Locks Held", "show-all-locks(d)", locks_dump,
	  NULL },
	{ 'e', MAY_SIGNAL, "Terminate All Tasks", "terminate-all-tasks(e)",
	  NULL, terminate_all },
	{ 'f', MAY_SIGNAL, "Manual OOM execution", "memory-full-oom-kill(f)",
	  NULL, oom_request },
	{ 'i', MAY_SIGNAL, "Kill All Tasks", "kill-all-tasks(i)", NULL,
	  kill_all },
	{ 'l', MAY_DUMP, "Show backtrace of all active CPUs",
	  "show-backtrace-all-active-cpus(l)", backtrace_all, NULL },
	{ 'm', MAY_DUMP, "Show Memory", "show-memory-usage(m)", memory_dump,
	  NULL },
	{ 'o', MAY_BOOT, "Power Off", "poweroff(o)", NULL, kernel_poweroff },
	{ 'p', MAY_DUMP, "Show Regs", "show-registers(p)", show_regs, NULL },
	{ 'q', MAY_DUMP, "Show clockevent devices & pending hrtimers "
	  "(no others)", "show-all-timers(q)", timers_dump, NULL },
	{ 's', MAY_SYNC, "Emergency Sync", "sync(s)", NULL, emergency_sync },
	{ 't', MAY_DUMP, "Show State", "show-task-states(t)", tasks_dump,
	  NULL },
	{ 'u', MAY_REMOUNT, "Emergency Remount R/O", "unmount(u)", NULL,
	  emergency_remount },
	{ 'w', MAY_DUMP, "Show Blocked State", "show-blocked-tasks(w)",
	  tasks_dump_blocked, NULL },
};

static unsigned long todo;	/* keys[] for the worker. atomic bits */

static void do_later(struct work *w)
{
	unsigned long bits = xchg(&todo, 0ul);

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (bits >> i & 1)
			keys[i].later();
}

static struct work later = {
	.node = LIST_INIT(later.node), .fn = do_later,
};

static void help(void)
{
	char text[400];
	int n = kscnprintf(text, sizeof(text), "sysrq: HELP : loglevel(0-9) ");

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		n += kscnprintf(text + n, sizeof(text) - (size_t)n, "%s ",
				keys[i].help);
	pr_info("%s\n", text);
}

static bool is_allowed(u32 group, bool from_console)
{
	int may = READ_ONCE(sysctl_sysrq);

	return !from_console || may == 1 || (may & (int)group);
}

static const struct key *find(char letter)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].letter == letter)
			return &keys[i];
	return NULL;
}

static void run(const struct key *k)
{
	pr_info("sysrq: %s\n", k->title);
	if (k->now) {
		k->now();
		return;
	}
	flag_set(&todo, 1ul << (k - keys));
	work_queue(&later);
}

static void set_loglevel(char digit)
{
	pr_info("sysrq: Loglevel set to %c\n", digit);
	console_loglevel = digit - '0';
}

/* The answer is shown whatever loglevel= says: who asks wants to see it. */
void sysrq_key(char letter, bool from_console)
{
	const struct key *k = find(letter);
	int level = console_loglevel;

	if (from_console && !READ_ONCE(sysctl_sysrq))
		return;
	if (from_console)
		console_loglevel = max(level, LOG_DEBUG);
	if (letter >= '0' && letter <= '9' &&
	    is_allowed(MAY_LOG, from_console)) {
		set_loglevel(letter);
		return;
	}
	if (!k)
		help();
	else if (!is_allowed(k->group, from_console))
		pr_info("sysrq: This sysrq operation is disabled.\n");
	else
		run(k);
	console_loglevel = level;
}
