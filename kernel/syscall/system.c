/* System calls about the machine, its name, its limits and its end. */
#include <syscall_prototypes.h>

#include <arch/smp.h>
#include <arch/uaccess.h>
#include <drivers/tty.h>
#include <fs/vfs.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <sched/sched.h>
#include <task/acct.h>
#include <task/fork.h>
#include <task/membarrier.h>
#include <task/ns.h>
#include <task/posix_timer.h>
#include <task/rusage.h>
#include <task/time_ns.h>
#include <uapi/task.h>

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u

#define REBOOT_MAGIC1 0xfee1deadu
#define REBOOT_RESTART 0x01234567u
#define REBOOT_RESTART2 0xa1b2c3d4u
#define REBOOT_HALT 0xcdef0123u
#define REBOOT_POWER_OFF 0x4321fedcu
#define REBOOT_CAD_ON 0x89abcdefu
#define REBOOT_CAD_OFF 0u

#define MAX_PROBE_PAIRS 64
#define HWPROBE_WHICH_CPUS 1u

long sys_uname(struct utsname __user *u)
{
	struct utsname n;

	memset(&n, 0, sizeof(n));
	strscpy(n.sysname, "Linux", sizeof(n.sysname));
	strscpy(n.release, "6.12.0-hartwood", sizeof(n.release));
	strscpy(n.version, "#1 SMP PREEMPT Hartwood", sizeof(n.version));
	strscpy(n.machine, "riscv64", sizeof(n.machine));
	uts_get_names(n.nodename, n.domainname);
	return copy_to_user(u, &n, sizeof(n));
}

static long set_name(const char __user *name, int len, bool is_domain)
{
	char buf[UTS_FIELD];

	if (!ns_capable(current_uts()->owner.user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len >= UTS_FIELD)
		return -EINVAL;
	if (copy_from_user(buf, name, (size_t)len))
		return -EFAULT;
	return uts_set_name(buf, (size_t)len, is_domain);
}

long sys_sethostname(const char __user *name, int len)
{
	return set_name(name, len, false);
}

long sys_setdomainname(const char __user *name, int len)
{
	return set_name(name, len, true);
}

long sys_vhangup(void)
{
	struct tty *t;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	t = tty_current_get();
	if (t) {
		tty_hangup(t);
		tty_put(t);
	}
	return 0;
}

long sys_sysinfo(struct sysinfo __user *u)
{
	struct sysinfo i;
	unsigned long avg[3];

	memset(&i, 0, sizeof(i));
	sched_loadavg(avg);
	for (int n = 0; n < 3; n++)
		i.loads[n] = (u64)avg[n] << 5;	/* from 11 to 16 bits */
	i.uptime = (s64)DIV_ROUND_UP(
		clock_ns() + (u64)time_ns_offset(CLOCK_BOOTTIME), NSEC_PER_SEC);
	i.procs = (u16)min(task_count(), 65535);
	i.totalram = mem_total_pages() * PAGE_SIZE;
	i.freeram = mem_free_pages() * PAGE_SIZE;
	i.sharedram = (u64)vmstat_read(VM_SHMEM) * PAGE_SIZE;
	i.bufferram = (u64)vmstat_read(VM_BUFFERS) * PAGE_SIZE;
	i.mem_unit = 1;
	return copy_to_user(u, &i, sizeof(i));
}

/* --- limits and usage -----------------------------------------------------------*/

static bool may_set_limits(struct task *t)
{
	const struct cred *me = current->cred, *c = task_cred_get(t);
	bool yes = t->process == current->process ||
		   (me->uid == c->euid && me->uid == c->suid &&
		    me->uid == c->uid && me->gid == c->egid &&
		    me->gid == c->sgid && me->gid == c->gid);

	cred_put(c);
	return yes || task_capable(t, CAP_SYS_RESOURCE);
}

long sys_prlimit64(int pid, unsigned resource, const struct rlimit __user *un,
		   struct rlimit __user *uo)
{
	struct rlimit n, old;
	struct task *t;
	int err = -EPERM;

	if (un && copy_from_user(&n, un, sizeof(n)))
		return -EFAULT;
	t = pid ? task_find_get(pid) : task_get(current);
	if (!t)
		return -ESRCH;
	if (may_set_limits(t))
		err = process_prlimit(t, resource, un ? &n : NULL, &old);
	task_put(t);
	if (!err && uo)
		err = copy_to_user(uo, &old, sizeof(old));
	return err;
}

long sys_getrlimit(unsigned resource, struct rlimit __user *u)
{
	struct rlimit r;
	int err = process_prlimit(current, resource, NULL, &r);

	return err ? err : copy_to_user(u, &r, sizeof(r));
}

long sys_setrlimit(unsigned resource, const struct rlimit __user *u)
{
	struct rlimit r;

	if (copy_from_user(&r, u, sizeof(r)))
		return -EFAULT;
	return process_prlimit(current, resource, &r, NULL);
}

static int usage_of(int who, struct task_sums *s)
{
	struct process *p = current->process;

	switch (who) {
	case RUSAGE_SELF:
		process_usage(p, s);
		break;
	case RUSAGE_THREAD:
		task_usage(current, s);
		break;
	case RUSAGE_CHILDREN:
		irq_lock(p->siglock);
		*s = p->children;
		irq_unlock(p->siglock);
		return 0;
	default:
		return -EINVAL;
	}
	if (current->mm)
		s->maxrss = max3(s->maxrss, current->mm->hiwater_rss,
				 mm_rss_pages(current->mm));
	return 0;
}

long sys_getrusage(int who, struct rusage __user *u)
{
	struct task_sums s;
	struct rusage r;
	int err = usage_of(who, &s);

	if (err)
		return err;
	rusage_fill(&r, &s);
	return copy_to_user(u, &r, sizeof(r));
}

/* --- randomness and the log -------------------------------------------------------*/

long sys_getrandom(char __user *u, size_t n, unsigned flags)
{
	u8 chunk[256];
	size_t done = 0;

	if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
		    (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!(flags & GRND_INSECURE) && !random_is_seeded()) {
		if (flags & GRND_NONBLOCK)
			return -EAGAIN;
		if (random_wait_seeded_intr())
			return -ERESTARTSYS;
	}
	n = min(n, (size_t)INT_MAX & PAGE_MASK);
	while (done < n) {
		size_t part = min(n - done, sizeof(chunk));

		random_bytes(chunk, part);
		if (copy_to_user(u + done, chunk, part))
			break;
		done += part;
		if (done >= PAGE_SIZE) {
			irqs_unmask();
			cond_resched();
			if (signal_pending(current))
				break;
		}
	}
	memzero_explicit(chunk, sizeof(chunk));
	return done || !n ? (long)done : -EFAULT;
}

long sys_syslog(int type, char __user *u, int len)
{
	return do_syslog(type, u, len);
}

/* --- the end ----------------------------------------------------------------------------*/

static bool is_reboot_magic(u32 m)
{
	return m == 672274793 || m == 85072278 || m == 369367448 ||
	       m == 537993216;
}

/* A container's end: its init dies by a signal that says why. */
static int reboot_pid_ns(struct pid_ns *ns, unsigned cmd)
{
	switch (cmd) {
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		pid_ns_end(ns, SIGHUP);
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		pid_ns_end(ns, SIGINT);
	}
	return -EINVAL;
}

long sys_reboot(unsigned magic1, unsigned magic2, unsigned cmd,
		void __user *arg)
{
	struct pid_ns *ns = task_pid_ns(current);

	if (!ns_capable(ns->owner.user_ns, CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != REBOOT_MAGIC1 || !is_reboot_magic(magic2))
		return -EINVAL;
	if (ns != &init_pid_ns)
		return reboot_pid_ns(ns, cmd);
	switch (cmd) {
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		kernel_restart();
	case REBOOT_HALT:
		kernel_halt();
	case REBOOT_POWER_OFF:
		kernel_poweroff();
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;	/* no keyboard has Ctrl-Alt-Del here */
	}
	return -EINVAL;
}

/* --- harts -----------------------------------------------------------------------------*/

long sys_membarrier(int cmd, unsigned flags, int hart)
{
	return do_membarrier(cmd, flags, hart);
}

long sys_riscv_flush_icache(unsigned long start, unsigned long end,
			    unsigned long flags)
{
	if (flags & ~1ul)
		return -EINVAL;
	icache_flush_all();
	return 0;
}

long sys_acct(const char __user *uname)
{
	struct filename fn;
	int err;

	if (!capable(CAP_SYS_PACCT))
		return -EPERM;
	if (!uname)
		return acct_on(NULL);
	err = filename_get(uname, 0, &fn);
	if (err)
		return err;
	err = acct_on(fn.name);
	filename_put(&fn);
	return err;
}

/* An empty set with no length means all harts. */
static int get_harts(const void __user *umask, size_t len, u64 *harts_out)
{
	struct cpumask mask = { 0 };

	*harts_out = online_harts.bits;
	if (!len && !umask)
		return 0;
	if (copy_from_user(&mask, umask, min(len, sizeof(mask))))
		return -EFAULT;
	*harts_out &= mask.bits;
	return *harts_out ? 0 : -EINVAL;
}

long sys_riscv_hwprobe(struct hwprobe_pair __user *upairs, size_t n,
		       size_t len, const void __user *umask, unsigned flags)
{
	struct hwprobe_pair pairs[MAX_PROBE_PAIRS / 2];
	u64 mask;
	int err;

	if (flags)
		return -EINVAL;
	err = get_harts(umask, len, &mask);
	while (!err && n) {
		size_t part = min(n, ARRAY_SIZE(pairs));

		err = copy_from_user(pairs, upairs, part * sizeof(pairs[0]));
		if (err)
			break;
		arch_hwprobe(pairs, part, mask);
		err = copy_to_user(upairs, pairs, part * sizeof(pairs[0]));
		upairs += part;
		n -= part;
	}
	return err;
}
