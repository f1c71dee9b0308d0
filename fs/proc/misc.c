/*
 * misc - the small files of a task: limits, accounts, scheduling, what it
 * waits for, the memory killer's opinion.
 */
#include "proc_impl.h"
#include <arch/task.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <sched/sched.h>
#include <task/posix_timer.h>

/* --- comm ---------------------------------------------------------------*/
int proc_comm(struct seq *s, const struct task_view *v)
{
	char comm[sizeof(v->t->comm)];

	irq_lock(&v->t->alloc_lock);
	memcpy(comm, v->t->comm, sizeof(comm));
	irq_unlock(&v->t->alloc_lock);
	comm[sizeof(comm) - 1] = 0;
	seq_puts(s, comm);
	seq_putc(s, '\n');
	return 0;
}

int proc_comm_write(const struct task_view *v, char *text, size_t len)
{
	if (v->t->process != current->process)
		return -EINVAL;
	task_set_comm(v->t, text);
	return 0;
}

/* --- allocations that fail (debug builds) -------------------------------*/
int proc_fail_nth(struct seq *s, const struct task_view *v)
{
	seq_s64(s, "", READ_ONCE(v->t->fail_nth));
	seq_putc(s, '\n');
	return 0;
}

int proc_fail_nth_write(const struct task_view *v, char *text, size_t len)
{
	int n;

	if (v->t != current)
		return -EPERM;
	if (str_to_int(str_trim(text), 0, &n) || n < 0)
		return -EINVAL;
	current->fail_nth = n;
	return 0;
}

/* --- limits -------------------------------------------------------------*/
static const struct {
	const char *name, *unit;
} limit_names[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = { "Max cpu time", "seconds" },
	[RLIMIT_FSIZE] = { "Max file size", "bytes" },
	[RLIMIT_DATA] = { "Max data size", "bytes" },
	[RLIMIT_STACK] = { "Max stack size", "bytes" },
	[RLIMIT_CORE] = { "Max core file size", "bytes" },
	[RLIMIT_RSS] = { "Max resident set", "bytes" },
	[RLIMIT_NPROC] = { "Max processes", "processes" },
	[RLIMIT_NOFILE] = { "Max open files", "files" },
	[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
	[RLIMIT_AS] = { "Max address space", "bytes" },
	[RLIMIT_LOCKS] = { "Max file locks", "locks" },
	[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
	[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
	[RLIMIT_NICE] = { "Max nice priority", NULL },
	[RLIMIT_RTPRIO] = { "Max realtime priority", NULL },
	[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
};

static void put_limit(struct seq *s, u64 v)
{
	if (v == RLIM_INFINITY)
		seq_printf(s, "%-20s ", "unlimited");
	else
		seq_printf(s, "%-20llu ", v);
}

int proc_limits(struct seq *s, const struct task_view *v)
{
	struct rlimit r;

	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
		   "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		r = v->t->process->rlim[i];
		seq_printf(s, "%-25s ", limit_names[i].name);
		put_limit(s, r.cur);
		put_limit(s, r.max);
		if (limit_names[i].unit)
			seq_printf(s, "%-10s", limit_names[i].unit);
		seq_putc(s, '\n');
	}
	return 0;
}

/* --- accounts -----------------------------------------------------------*/
int proc_io(struct seq *s, const struct task_view *v)
{
	struct task *t = v->t;
	struct task_sums u = {
		.rchar = t->io_read, .wchar = t->io_write,
		.syscr = t->io_syscr, .syscw = t->io_syscw,
		.read_bytes = t->io_read_bytes,
		.write_bytes = t->io_write_bytes,
		.cancelled_bytes = t->io_cancelled_bytes,
	};

	if (!v->is_thread)
		process_usage(t->process, &u);
	seq_u64(s, "rchar: ", u.rchar);
	seq_u64(s, "\nwchar: ", u.wchar);
	seq_u64(s, "\nsyscr: ", u.syscr);
	seq_u64(s, "\nsyscw: ", u.syscw);
	seq_u64(s, "\nread_bytes: ", u.read_bytes);
	seq_u64(s, "\nwrite_bytes: ", u.write_bytes);
	seq_u64(s, "\ncancelled_write_bytes: ", u.cancelled_bytes);
	seq_putc(s, '\n');
	return 0;
}

int proc_schedstat(struct seq *s, const struct task_view *v)
{
	seq_u64(s, "", task_run_ns(v->t));
	seq_u64(s, " ", READ_ONCE(v->t->run_delay_ns));
	seq_u64(s, " ", READ_ONCE(v->t->pcount));
	seq_putc(s, '\n');
	return 0;
}

static void put_sched_ns(struct seq *s, const char *name, u64 ns)
{
	seq_printf(s, "%-45s:%14llu.%06llu\n", name, ns / NSEC_PER_MSEC,
		   ns % NSEC_PER_MSEC);
}

static void put_sched(struct seq *s, const char *name, u64 n)
{
	seq_printf(s, "%-45s:%21llu\n", name, n);
}

int proc_sched(struct seq *s, const struct task_view *v)
{
	struct task *t = v->t;

	proc_put_comm(s, t);
	seq_printf(s, " (%d, #threads: %u)\n", pid_nr_ns(t->thread_pid, v->ns),
		   READ_ONCE(t->process->nr_threads));
	for (int i = 0; i < 67; i++)
		seq_putc(s, '-');
	seq_putc(s, '\n');
	put_sched_ns(s, "se.exec_start", t->se.exec_start);
	put_sched_ns(s, "se.vruntime", t->se.vruntime);
	put_sched_ns(s, "se.sum_exec_runtime", task_run_ns(t));
	put_sched(s, "nr_switches", t->nvcsw + t->nivcsw);
	put_sched(s, "nr_voluntary_switches", t->nvcsw);
	put_sched(s, "nr_involuntary_switches", t->nivcsw);
	put_sched(s, "se.load.weight", t->se.weight);
	put_sched(s, "policy", t->policy);
	put_sched(s, "prio", (u64)t->prio);
	return 0;
}

int proc_timerslack(struct seq *s, const struct task_view *v)
{
	if (v->t != current && !task_capable(v->t, CAP_SYS_NICE))
		return -EPERM;
	seq_u64(s, "", v->t->timer_slack_ns);
	seq_putc(s, '\n');
	return 0;
}

int proc_timerslack_write(const struct task_view *v, char *text, size_t len)
{
	u64 ns;

	if (v->t != current && !task_capable(v->t, CAP_SYS_NICE))
		return -EPERM;
	if (str_to_u64(text, 10, NULL, &ns))
		return -EINVAL;
	sched_set_slack(v->t, ns);
	return 0;
}

int proc_timers(struct seq *s, const struct task_view *v)
{
	posix_timers_show(s, v->t, v->ns);
	return 0;
}

/* --- where it waits -----------------------------------------------------*/
#define MAX_FRAMES 48
struct frames {
	unsigned long pc[MAX_FRAMES];
	unsigned n;
};

static bool note_frame(void *arg, unsigned long pc)
{
	struct frames *f = arg;

	f->pc[f->n++] = pc;
	return f->n < MAX_FRAMES;
}

/* pi_lock keeps a sleeper asleep, so that its stack stands still. */
static void walk(struct task *t, struct frames *f)
{
	f->n = 0;
	if (t == current) {
		arch_stack_walk(t, note_frame, f);
		return;
	}
	irq_lock(&t->pi_lock);
	if (READ_ONCE(t->state) != TASK_RUNNING && !load_acquire(&t->on_hart) &&
	    !READ_ONCE(t->se.on_rq) && !t->exit_state)
		arch_stack_walk(t, note_frame, f);
	irq_unlock(&t->pi_lock);
}

/* Functions that only put a task to sleep for their callers. */
static bool is_sleep_function(const char *name)
{
	static const char *const prefixes[] = {
		"schedule", "arch_switch", "switch", "wait_",
		"sleep_until", "sleep_ns", "mutex_lock", "rwsem_", "page_wait",
		"completion_", "sched_", "__switch", "preempt_",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_has_prefix(name, prefixes[i]))
			return true;
	return false;
}

int proc_stack(struct seq *s, const struct task_view *v)
{
	struct frames f;
	bool is_asleep = true;
	char name[128];

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	walk(v->t, &f);
	for (unsigned i = 0; i < f.n; i++) {
		symbol_format(f.pc[i], name, sizeof(name));
		is_asleep = is_asleep && v->t != current &&
			    is_sleep_function(name);
		if (!is_asleep)
			seq_printf(s, "[<0>] %s\n", name);
	}
	return 0;
}

/* The innermost function that does more than put a task to sleep; where the
 * system call itself does no more, that call. */
int proc_wchan(struct seq *s, const struct task_view *v)
{
	struct frames f = { .n = 0 };
	char name[128] = "0";

	if (v->t != current &&
	    !ptrace_may_access(v->t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS))
		walk(v->t, &f);
	for (unsigned i = 0; i < f.n && !arch_is_entry(f.pc[i]); i++) {
		symbol_format(f.pc[i], name, sizeof(name));
		name[strcspn(name, ".+")] = 0;
		if (!is_sleep_function(name))
			break;
	}
	seq_puts(s, name);
	return 0;
}

int proc_syscall(struct seq *s, const struct task_view *v)
{
	struct task *t = v->t;
	struct regs r;

	if (is_kernel_task(t) || t->exit_state) {
		seq_puts(s, "-1 0x0 0x0\n");
		return 0;
	}
	if (t != current && (READ_ONCE(t->state) == TASK_RUNNING ||
			     load_acquire(&t->on_hart))) {
		seq_puts(s, "running\n");
		return 0;
	}
	r = *task_regs(t);
	if (!regs_in_syscall(&r)) {
		seq_printf(s, "-1 0x%lx 0x%lx\n", r.sp, r.pc);
		return 0;
	}
	seq_s64(s, "", r.syscall);
	for (unsigned i = 0; i < 6; i++)
		seq_printf(s, " 0x%lx", regs_syscall_arg(&r, i));
	seq_printf(s, " 0x%lx 0x%lx\n", r.sp, r.pc);
	return 0;
}

int proc_personality(struct seq *s, const struct task_view *v)
{
	seq_printf(s, "%08x\n", v->t->personality);
	return 0;
}

/* --- the memory killer --------------------------------------------------*/
#define OOM_ADJ_MIN (-1000)
#define OOM_ADJ_MAX 1000
#define OLD_DISABLE (-17)
#define OLD_MAX 15

int proc_oom_score(struct seq *s, const struct task_view *v)
{
	s64 total = (s64)max(mem_total_pages(), 1ull), bad = 0;
	int adj = READ_ONCE(v->t->process->oom_score_adj);
	struct mm *mm = task_get_mm(v->t);

	if (mm && adj != OOM_ADJ_MIN) {
		bad = (s64)mm_rss_pages(mm) + mm->rss.swap + mm->rss.tables +
		      adj * (total / 1000);
		bad = (1000 + bad * 1000 / total) * 2 / 3;
	}
	if (mm)
		mm_put(mm);
	seq_s64(s, "", max(bad, 0ll));
	seq_putc(s, '\n');
	return 0;
}

int proc_coredump_filter(struct seq *s, const struct task_view *v)
{
	if (v->t->mm)
		seq_printf(s, "%08x\n",
			   READ_ONCE(v->t->process->core_filter));
	return 0;
}

int proc_coredump_filter_write(const struct task_view *v, char *text,
			       size_t len)
{
	u64 bits;

	if (str_to_u64(str_trim(text), 0, NULL, &bits))
		return -EINVAL;
	WRITE_ONCE(v->t->process->core_filter, (u32)bits & 0x1ff);
	return 0;
}

int proc_oom_score_adj(struct seq *s, const struct task_view *v)
{
	seq_s64(s, "", READ_ONCE(v->t->process->oom_score_adj));
	seq_putc(s, '\n');
	return 0;
}

int proc_oom_adj(struct seq *s, const struct task_view *v)
{
	int adj = READ_ONCE(v->t->process->oom_score_adj);

	if (adj == OOM_ADJ_MAX)
		adj = OLD_MAX;
	else
		adj = adj * -OLD_DISABLE / OOM_ADJ_MAX;
	seq_s64(s, "", adj);
	seq_putc(s, '\n');
	return 0;
}

static int set_adj(struct process *p, int adj, int floor)
{
	bool is_privileged = capable(CAP_SYS_RESOURCE);
	int err = 0;

	irq_lock(p->siglock);
	if (adj < floor && !is_privileged) {
		err = -EACCES;
	} else {
		p->oom_score_adj = adj;
		if (is_privileged)
			p->oom_score_adj_min = adj;
	}
	irq_unlock(p->siglock);
	return err;
}

static int parse_adj(char *text, int low, int high, int *out)
{
	if (str_to_int(str_trim(text), 0, out) || *out < low || *out > high)
		return -EINVAL;
	return 0;
}

int proc_oom_score_adj_write(const struct task_view *v, char *text, size_t len)
{
	struct process *p = v->t->process;
	int adj, err;

	err = parse_adj(text, OOM_ADJ_MIN, OOM_ADJ_MAX, &adj);
	return err ? err : set_adj(p, adj, p->oom_score_adj_min);
}

int proc_oom_adj_write(const struct task_view *v, char *text, size_t len)
{
	struct process *p = v->t->process;
	int adj, err;

	err = parse_adj(text, OLD_DISABLE, OLD_MAX, &adj);
	if (err)
		return err;
	adj = adj == OLD_MAX ? OOM_ADJ_MAX : adj * OOM_ADJ_MAX / -OLD_DISABLE;
	return set_adj(p, adj, p->oom_score_adj);
}
