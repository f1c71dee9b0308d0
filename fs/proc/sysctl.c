/*
 * sysctl - /proc/sys: the tunables and facts that have a variable behind them
 * (proc_sys(5)).  What is not tunable here is not there.
 */
#include "proc_impl.h"
#include <fs/fdtable.h>
#include <fs/inotify.h>
#include <fs/pipe.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <kernel/watchdog.h>
#include <lib/string.h>
#include <lib/uuid.h>
#include <mm/mm.h>
#include <sched/sched.h>
#include <task/coredump.h>
#include <task/fork.h>
#include <task/ns.h>
#include <task/sysrq.h>

/* --- texts --------------------------------------------------------------*/
static int text_show(struct seq *s, void *arg)
{
	seq_puts(s, arg);
	seq_putc(s, '\n');
	return 0;
}

/* The first line of a write, as a word in place. */
static char *first_line(char *text)
{
	text[strcspn(text, "\n")] = 0;
	return text;
}

static int uts_show(struct seq *s, bool is_domain)
{
	char node[UTS_FIELD], domain[UTS_FIELD];

	uts_get_names(node, domain);
	seq_puts(s, is_domain ? domain : node);
	seq_putc(s, '\n');
	return 0;
}

static int uts_write(char *text, bool is_domain)
{
	char *name = first_line(text);
	size_t len = strnlen(name, UTS_FIELD - 1);

	return capable(CAP_SYS_ADMIN) ? uts_set_name(name, len, is_domain) :
					-EPERM;
}

static int hostname_show(struct seq *s, void *arg)
{
	return uts_show(s, false);
}

static int hostname_write(char *text, size_t len, void *arg)
{
	return uts_write(text, false);
}

static int domainname_show(struct seq *s, void *arg)
{
	return uts_show(s, true);
}

static int domainname_write(char *text, size_t len, void *arg)
{
	return uts_write(text, true);
}

/* --- numbers ------------------------------------------------------------*/
static int put_number(struct seq *s, u64 v)
{
	seq_u64(s, "", v);
	seq_putc(s, '\n');
	return 0;
}

static int constant_show(struct seq *s, void *arg)
{
	return put_number(s, (uintptr_t)arg);
}

static int ulong_show(struct seq *s, void *arg)
{
	return put_number(s, READ_ONCE(*(unsigned long *)arg));
}

static int ulong_write(char *text, size_t len, void *arg)
{
	u64 v;

	if (str_to_u64(str_trim(text), 0, NULL, &v))
		return -EINVAL;
	WRITE_ONCE(*(unsigned long *)arg, (unsigned long)v);
	return 0;
}

static struct proc_int pid_max = { &sysctl_pid_max, 301, 4194304 };
static struct proc_int rt_period = {
	&sysctl_sched_rt_period_us, 1, INT_MAX
};
static struct proc_int rt_runtime = {
	&sysctl_sched_rt_runtime_us, -1, INT_MAX
};
static struct proc_int rr_timeslice = {
	&sysctl_sched_rr_timeslice_ms, 1, 10000
};
static struct proc_int randomize = { &sysctl_randomize_va_space, 0, 2 };
static struct proc_int overcommit = { &sysctl_overcommit_memory, 0, 2 };
static struct proc_int max_map_count = {
	(int *)&sysctl_max_map_count, 0, INT_MAX
};
/* A table for the most is 128 MiB. */
static struct proc_int nr_open = { (int *)&sysctl_nr_open, 64, 1 << 24 };
static struct proc_int pipe_max = {
	(int *)&sysctl_pipe_max_size, 4096, 1 << 30
};

static struct proc_int inotify_instances = {
	&sysctl_inotify_instances, 0, INT_MAX
};
static struct proc_int inotify_watches = {
	&sysctl_inotify_watches, 0, INT_MAX
};
static struct proc_int inotify_queue = {
	&sysctl_inotify_queue, 0, INT_MAX
};
static struct proc_int dir_notify = { &sysctl_dir_notify, 0, 1 };

static struct proc_int core_uses_pid = { &sysctl_core_uses_pid, 0, 1 };

/* Pipes to helpers are not there: refused, so that nobody waits for one. */
static int core_pattern_write(char *text, size_t len, void *arg)
{
	char *name = first_line(text);

	if (name[0] == '|')
		return -EOPNOTSUPP;
	strscpy(core_pattern, name, sizeof(core_pattern));
	return 0;
}
static struct proc_int watchdog = { &sysctl_watchdog, 0, 1 };
static struct proc_int watchdog_thresh = { &sysctl_watchdog_thresh, 1, 60 };
static struct proc_int hung_timeout = {
	&sysctl_hung_task_timeout, 0, INT_MAX
};
static struct proc_int hung_warnings = {
	&sysctl_hung_task_warnings, -1, INT_MAX
};
static struct proc_int sysrq = { &sysctl_sysrq, 0, INT_MAX };

static int printk_show(struct seq *s, void *arg)
{
	/* console, default message, minimum, default console */
	seq_printf(s, "%d\t%d\t%d\t%d\n", READ_ONCE(console_loglevel),
		   LOG_WARNING, 1, 7);
	return 0;
}

static int printk_write(char *text, size_t len, void *arg)
{
	char *word = str_trim(text);
	int level;

	word[strcspn(word, " \t\n")] = 0;
	if (str_to_int(word, 10, &level) || level < 1 || level > 15)
		return -EINVAL;
	WRITE_ONCE(console_loglevel, level);
	return 0;
}

/* --- random -------------------------------------------------------------*/
static struct uuid boot_id;		/* boot_id_lock; null: not made yet */
static struct spinlock boot_id_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "boot id");

static int put_uuid(struct seq *s, const struct uuid *u)
{
	char text[UUID_TEXT + 1];

	uuid_format(u, text);
	return text_show(s, text);
}

static void new_uuid(struct uuid *u)
{
	random_bytes(u, sizeof(*u));
	uuid_make_random(u);
}

static int boot_id_show(struct seq *s, void *arg)
{
	struct uuid fresh;

	new_uuid(&fresh);
	spin_lock(&boot_id_lock);
	if (uuid_is_null(&boot_id))
		boot_id = fresh;
	fresh = boot_id;
	spin_unlock(&boot_id_lock);
	return put_uuid(s, &fresh);
}

static int uuid_show(struct seq *s, void *arg)
{
	struct uuid u;

	new_uuid(&u);
	return put_uuid(s, &u);
}

static int entropy_show(struct seq *s, void *arg)
{
	return put_number(s, random_entropy_bits());
}

/* --- namespaces: how many, by the reader's user namespace -----------------*/
static int ns_max_show(struct seq *s, void *arg)
{
	return put_number(s, (u64)READ_ONCE(
		current_user_ns()->max[(uintptr_t)arg]));
}

static int ns_max_write(char *text, size_t len, void *arg)
{
	struct user_ns *ns = current_user_ns();
	int v;

	if (!ns_capable(ns, CAP_SYS_RESOURCE))
		return -EPERM;
	if (str_to_int(str_trim(text), 0, &v) || v < 0)
		return -EINVAL;
	WRITE_ONCE(ns->max[(uintptr_t)arg], v);
	return 0;
}

/* --- memory and files ---------------------------------------------------*/
static int drop_caches_write(char *text, size_t len, void *arg)
{
	int what;

	if (str_to_int(str_trim(text), 0, &what) || what < 1 || what > 4)
		return -EINVAL;
	if (what & 3)
		drop_caches((unsigned)what & 3);
	return 0;
}

static int file_nr_show(struct seq *s, void *arg)
{
	seq_printf(s, "%llu\t0\t%llu\n", files_open(), files_max());
	return 0;
}

#define NS_MAX(nm, kind)                                                       \
	{ .name = "sys/user/max_" nm "_namespaces", .mode = 0644,              \
	  .show = ns_max_show, .write = ns_max_write, .is_per_user_ns = true,  \
	  .arg = (void *)(uintptr_t)(kind) }
#define FACT(nm, fn) { .name = nm, .mode = 0444, .show = fn }
#define CONST(nm, v)                                                           \
	{ .name = nm, .mode = 0444, .show = constant_show,                     \
	  .arg = (void *)(uintptr_t)(v) }
#define NAME(nm, v)                                                            \
	{ .name = nm, .mode = 0444, .show = text_show, .arg = (void *)(v) }
#define TUNABLE(nm, md, v)                                                     \
	{ .name = nm, .mode = md, .show = proc_int_show,                       \
	  .write = proc_int_write, .arg = &(v) }

static const struct proc_entry entries[] = {
	NAME("sys/kernel/ostype", "Linux"),
	NAME("sys/kernel/osrelease", PROC_RELEASE),
	NAME("sys/kernel/version", PROC_VERSION),
	NAME("sys/kernel/arch", "riscv64"),
	{ .name = "sys/kernel/hostname", .mode = 0644, .show = hostname_show,
	  .write = hostname_write },
	{ .name = "sys/kernel/domainname", .mode = 0644,
	  .show = domainname_show, .write = domainname_write },
	TUNABLE("sys/kernel/pid_max", 0644, pid_max),
	CONST("sys/kernel/ngroups_max", 65536),
	CONST("sys/kernel/cap_last_cap", CAP_LAST),
	CONST("sys/kernel/overflowuid", 65534),
	CONST("sys/kernel/overflowgid", 65534),
	CONST("sys/kernel/tainted", 0),
	TUNABLE("sys/kernel/randomize_va_space", 0644, randomize),
	TUNABLE("sys/kernel/core_uses_pid", 0644, core_uses_pid),
	{ .name = "sys/kernel/core_pattern", .mode = 0644, .show = text_show,
	  .write = core_pattern_write, .arg = core_pattern },
	TUNABLE("sys/kernel/sched_rt_period_us", 0644, rt_period),
	TUNABLE("sys/kernel/sched_rt_runtime_us", 0644, rt_runtime),
	TUNABLE("sys/kernel/sched_rr_timeslice_ms", 0644, rr_timeslice),
	TUNABLE("sys/kernel/sysrq", 0644, sysrq),
	TUNABLE("sys/kernel/watchdog", 0644, watchdog),
	TUNABLE("sys/kernel/watchdog_thresh", 0644, watchdog_thresh),
	TUNABLE("sys/kernel/hung_task_timeout_secs", 0644, hung_timeout),
	TUNABLE("sys/kernel/hung_task_warnings", 0644, hung_warnings),
	{ .name = "sys/kernel/printk", .mode = 0644, .show = printk_show,
	  .write = printk_write },
	FACT("sys/kernel/random/boot_id", boot_id_show),
	FACT("sys/kernel/random/uuid", uuid_show),
	FACT("sys/kernel/random/entropy_avail", entropy_show),
	CONST("sys/kernel/random/poolsize", 256),
	TUNABLE("sys/vm/overcommit_memory", 0644, overcommit),
	TUNABLE("sys/vm/max_map_count", 0644, max_map_count),
	{ .name = "sys/vm/mmap_min_addr", .mode = 0644, .show = ulong_show,
	  .write = ulong_write, .arg = &sysctl_mmap_min_addr },
	{ .name = "sys/vm/drop_caches", .mode = 0200,
	  .write = drop_caches_write },
	FACT("sys/fs/file-nr", file_nr_show),
	TUNABLE("sys/fs/nr_open", 0644, nr_open),
	TUNABLE("sys/fs/pipe-max-size", 0644, pipe_max),
	TUNABLE("sys/fs/dir-notify-enable", 0644, dir_notify),
	TUNABLE("sys/fs/inotify/max_user_instances", 0644, inotify_instances),
	TUNABLE("sys/fs/inotify/max_user_watches", 0644, inotify_watches),
	TUNABLE("sys/fs/inotify/max_queued_events", 0644, inotify_queue),
	NS_MAX("user", NS_COUNT_USER),
	NS_MAX("pid", NS_COUNT_PID),
	NS_MAX("uts", NS_COUNT_UTS),
	NS_MAX("ipc", NS_COUNT_IPC),
	NS_MAX("mnt", NS_COUNT_MNT),
	NS_MAX("time", NS_COUNT_TIME),
};

static void sysctl_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, sysctl_init);
