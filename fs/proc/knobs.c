/*
 * knobs - /proc/sys: limits and policies that root may change (proc_sys(5)).
 * Each has a variable that is asked at every use; what nobody would ask does
 * not exist here.
 */
#include "proc_impl.h"
#include <fs/aio.h>
#include <fs/locks.h>
#include <fs/fdtable.h>
#include <fs/pipe.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <task/fork.h>
#include <task/oom.h>

#define THREADS_MAX 0x3fffffff	/* tids fit a futex word */
#define CENTISEC_NS (NSEC_PER_SEC / 100)

/* Who may write is also asked of the writer's capabilities. */
static int admin_write(char *text, size_t len, void *arg)
{
	return capable(CAP_SYS_ADMIN) ? proc_int_write(text, len, arg) : -EPERM;
}

/* --- one number sets another ---------------------------------------------*/
static int parse_u64(char *text, u64 max, u64 *out)
{
	char *word = str_trim(text);

	word[strcspn(word, " \t\n")] = 0;
	return str_to_u64(word, 0, NULL, out) || *out > max ? -EINVAL : 0;
}

static int put(struct seq *s, u64 v)
{
	seq_u64(s, "", v);
	seq_putc(s, '\n');
	return 0;
}

static struct proc_int overcommit_ratio = {
	&sysctl_overcommit_ratio, 0, INT_MAX
};

/* The ratio and the size exclude each other: the last one written holds. */
static int ratio_write(char *text, size_t len, void *arg)
{
	int err = proc_int_write(text, len, &overcommit_ratio);

	if (!err)
		WRITE_ONCE(sysctl_overcommit_kbytes, 0);
	return err;
}

static int kbytes_show(struct seq *s, void *arg)
{
	return put(s, READ_ONCE(sysctl_overcommit_kbytes));
}

static int kbytes_write(char *text, size_t len, void *arg)
{
	u64 kbytes;

	if (parse_u64(text, U64_MAX >> 10, &kbytes))
		return -EINVAL;
	WRITE_ONCE(sysctl_overcommit_kbytes, kbytes);
	if (kbytes)
		WRITE_ONCE(sysctl_overcommit_ratio, 0);
	return 0;
}

static u64 min_free_kbytes;	/* as written; 0: nobody did. racy */

static int min_free_show(struct seq *s, void *arg)
{
	u64 kbytes = READ_ONCE(min_free_kbytes);

	return put(s, kbytes ? kbytes :
		      READ_ONCE(watermarks.min) << (PAGE_SHIFT - 10));
}

static int min_free_write(char *text, size_t len, void *arg)
{
	u64 kbytes;
	int err;

	if (parse_u64(text, INT_MAX, &kbytes))
		return -EINVAL;
	err = mem_set_min_free(kbytes >> (PAGE_SHIFT - 10));
	if (!err)
		WRITE_ONCE(min_free_kbytes, kbytes);
	return err;
}

static int centisecs_show(struct seq *s, void *arg)
{
	return put(s, READ_ONCE(*(u64 *)arg) / CENTISEC_NS);
}

static int centisecs_write(char *text, size_t len, void *arg)
{
	u64 n;

	if (parse_u64(text, INT_MAX, &n))
		return -EINVAL;
	WRITE_ONCE(*(u64 *)arg, n * CENTISEC_NS);
	return 0;
}

/* More may be open already; then only root opens on. */
static int aio_nr_show(struct seq *s, void *arg)
{
	return put(s, aio_nr());
}

static int aio_max_show(struct seq *s, void *arg)
{
	return put(s, READ_ONCE(sysctl_aio_max_nr));
}

static int aio_max_write(char *text, size_t len, void *arg)
{
	u64 n;

	if (parse_u64(text, S64_MAX, &n))
		return -EINVAL;
	WRITE_ONCE(sysctl_aio_max_nr, n);
	return 0;
}

static int file_max_show(struct seq *s, void *arg)
{
	return put(s, files_max());
}

static int file_max_write(char *text, size_t len, void *arg)
{
	u64 n;

	if (parse_u64(text, S64_MAX, &n))
		return -EINVAL;
	WRITE_ONCE(sysctl_file_max, n);
	return 0;
}

/* 3 stays until the machine is off. */
static int scope_write(char *text, size_t len, void *arg)
{
	struct proc_int limits = {
		&sysctl_ptrace_scope, sysctl_ptrace_scope == 3 ? 3 : 0, 3
	};

	return capable(CAP_SYS_PTRACE) ? proc_int_write(text, len, &limits) :
					 -EPERM;
}

/* --- pids -----------------------------------------------------------------*/
static int last_pid_show(struct seq *s, void *arg)
{
	return put(s, (u64)READ_ONCE(task_pid_ns(current)->last));
}

static int last_pid_write(char *text, size_t len, void *arg)
{
	struct pid_ns *ns = task_pid_ns(current);
	u64 n;

	struct user_ns *user = task_pid_ns(current)->owner.user_ns;

	if (!ns_capable(user, CAP_SYS_ADMIN) &&
	    !ns_capable(user, CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	if (parse_u64(text, (u64)sysctl_pid_max - 1, &n))
		return -EINVAL;
	WRITE_ONCE(ns->last, (int)n);
	return 0;
}

#define INT(v, lo, hi) (&(struct proc_int){ (int *)&(v), lo, hi })
#define KNOB(nm, md, v, lo, hi)                                                \
	{ .name = nm, .mode = md, .show = proc_int_show,                       \
	  .write = proc_int_write, .arg = INT(v, lo, hi) }
#define ADMIN(nm, v, hi)                                                       \
	{ .name = nm, .mode = 0644, .show = proc_int_show,                     \
	  .write = admin_write, .arg = INT(v, 0, hi) }
#define FNS(nm, md, sh, wr, a)                                                 \
	{ .name = nm, .mode = md, .show = sh, .write = wr, .arg = a }

static const struct proc_entry entries[] = {
	KNOB("sys/kernel/panic", 0644, panic_timeout, INT_MIN, INT_MAX),
	ADMIN("sys/kernel/kptr_restrict", sysctl_kptr_restrict, 2),
	ADMIN("sys/kernel/dmesg_restrict", sysctl_dmesg_restrict, 1),
	FNS("sys/kernel/yama/ptrace_scope", 0644, proc_int_show, scope_write,
	    INT(sysctl_ptrace_scope, 0, 3)),
	FNS("sys/kernel/ns_last_pid", 0666, last_pid_show, last_pid_write,
	    NULL),
	KNOB("sys/kernel/threads-max", 0644, sysctl_threads_max, 1,
	     THREADS_MAX),
	FNS("sys/fs/aio-nr", 0444, aio_nr_show, NULL, NULL),
	FNS("sys/fs/aio-max-nr", 0644, aio_max_show, aio_max_write, NULL),
	FNS("sys/fs/file-max", 0644, file_max_show, file_max_write, NULL),
	FNS("sys/vm/overcommit_ratio", 0644, proc_int_show, ratio_write,
	    &overcommit_ratio),
	FNS("sys/vm/overcommit_kbytes", 0644, kbytes_show, kbytes_write, NULL),
	FNS("sys/vm/min_free_kbytes", 0644, min_free_show, min_free_write,
	    NULL),
	KNOB("sys/vm/panic_on_oom", 0644, sysctl_panic_on_oom, 0, 2),
	KNOB("sys/vm/dirty_background_ratio", 0644,
	     sysctl_dirty_background_ratio, 0, 100),
	KNOB("sys/vm/dirty_ratio", 0644, sysctl_dirty_ratio, 0, 100),
	FNS("sys/vm/dirty_writeback_centisecs", 0644, centisecs_show,
	    centisecs_write, &sysctl_dirty_writeback_ns),
	FNS("sys/vm/dirty_expire_centisecs", 0644, centisecs_show,
	    centisecs_write, &sysctl_dirty_expire_ns),
	KNOB("sys/fs/protected_hardlinks", 0644, sysctl_protected_hardlinks, 0,
	     1),
	KNOB("sys/fs/lease-break-time", 0644, sysctl_lease_break_time, 0,
	     INT_MAX),
	KNOB("sys/fs/leases-enable", 0644, sysctl_leases_enable, 0, 1),
	KNOB("sys/fs/pipe-user-pages-hard", 0644, sysctl_pipe_user_hard, 0,
	     INT_MAX),
	KNOB("sys/fs/pipe-user-pages-soft", 0644, sysctl_pipe_user_soft, 0,
	     INT_MAX),
	KNOB("sys/fs/protected_symlinks", 0644, sysctl_protected_symlinks, 0,
	     1),
	ADMIN("sys/fs/suid_dumpable", sysctl_suid_dumpable, 2),
};

static void knobs_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, knobs_init);
