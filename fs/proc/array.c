/*
 * array - /proc/PID/{stat,status,statm} and children (proc(5)).
 *
 * Theory:  what `ps` reads of every task, so it is printed with the plain
 *          number formatter and takes each lock once.  Numbers that come from
 *          a running task are a moment old, as everywhere in /proc; what one
 *          line says together is read together.
 */
#include "proc_impl.h"
#include <drivers/tty.h>
#include <fs/fdtable.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <sched/sched.h>
#include <task/ns.h>
#include <task/posix_timer.h>
#include <task/time_ns.h>

#define TICK_NS (NSEC_PER_SEC / USER_HZ)

void proc_put_comm(struct seq *s, struct task *t)
{
	char comm[sizeof(t->comm)];

	irq_lock(&t->alloc_lock);
	memcpy(comm, t->comm, sizeof(comm));
	irq_unlock(&t->alloc_lock);
	comm[sizeof(comm) - 1] = 0;
	for (const char *p = comm; *p; p++) {
		if (*p == '\n')
			seq_puts(s, "\\n");
		else if (*p == '\\')
			seq_puts(s, "\\\\");
		else
			seq_putc(s, *p);
	}
}

/* Handlers' sets; 0 when the task is past exit. */
struct signal_view {
	u64 pending, shared, blocked, ignored, caught;
	u32 threads;
};

static void signals_of(struct task *t, struct signal_view *v)
{
	struct sighand *h;

	*v = (struct signal_view){
		.threads = READ_ONCE(t->process->nr_threads),
	};
	h = task_lock_sighand(t);
	if (!h)
		return;
	v->pending = t->pending.set;
	v->shared = t->process->shared_pending.set;
	v->blocked = t->blocked;
	for (int i = 0; i < NSIG; i++) {
		if (h->action[i].handler == SIG_IGN)
			v->ignored |= 1ull << i;
		else if (h->action[i].handler != SIG_DFL)
			v->caught |= 1ull << i;
	}
	task_unlock_sighand(h);
}

/* --- ids ----------------------------------------------------------------*/
struct id_view {
	int pid, tgid, ppid, pgid, sid, tracer;
};

static int tgid_of(struct task *t, struct pid_ns *ns)
{
	return t ? pid_nr_ns(READ_ONCE(t->process->pids[PIDTYPE_TGID]), ns) : 0;
}

static void ids_of(const struct task_view *v, struct id_view *id)
{
	struct task *t = v->t;

	rcu_read_lock();
	id->pid = pid_nr_ns(t->thread_pid, v->ns);
	id->tgid = tgid_of(t, v->ns);
	id->ppid = tgid_of(rcu_dereference(t->real_parent), v->ns);
	id->pgid = pid_nr_ns(task_pgrp(t), v->ns);
	id->sid = pid_nr_ns(task_session(t), v->ns);
	id->tracer = READ_ONCE(t->ptrace) ?
		pid_nr_ns(rcu_dereference(t->parent)->thread_pid, v->ns) : 0;
	rcu_read_unlock();
}

static void tty_of(const struct task_view *v, u64 *dev, int *pgrp)
{
	struct sighand *h = task_lock_sighand(v->t);
	struct tty *tty;

	*dev = 0;
	*pgrp = -1;
	if (!h)
		return;
	tty = v->t->process->tty;
	if (tty) {
		*dev = dev_encode(tty->dev);
		irq_lock(&tty->ctrl_lock);
		if (tty->pgrp)
			*pgrp = pid_nr_ns(tty->pgrp, v->ns);
		irq_unlock(&tty->ctrl_lock);
	}
	task_unlock_sighand(h);
}

/* PF_* of Linux, as far as they mean something here. */
u32 proc_linux_flags(const struct task *t)
{
	static const u32 map[][2] = {
		{ TF_IDLE, 0x2 }, { TF_EXITING, 0x4 },
		{ TF_FORKNOEXEC, 0x40 }, { TF_SUPERPRIV, 0x100 },
		{ TF_DUMPCORE, 0x200 }, { TF_SIGNALED, 0x400 },
		{ TF_MEMALLOC, 0x800 }, { TF_KERNEL, 0x200000 },
		{ TF_RANDOMIZE, 0x400000 }, { TF_NO_SETAFF, 0x4000000 },
	};
	u32 flags = READ_ONCE(t->flags), out = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (flags & map[i][0])
			out |= map[i][1];
	return out;
}

/* --- stat ---------------------------------------------------------------*/
static void put_faults_and_times(struct seq *s, const struct task_view *v)
{
	struct process *p = v->t->process;
	struct task_sums kids = p->children, sums;
	u64 user, sys;

	if (v->is_thread) {
		seq_u64(s, " ", v->t->min_flt);
		seq_u64(s, " ", kids.min_flt);
		seq_u64(s, " ", v->t->maj_flt);
		task_times(v->t, &user, &sys);
	} else {
		process_usage(p, &sums);
		seq_u64(s, " ", sums.min_flt);
		seq_u64(s, " ", kids.min_flt);
		seq_u64(s, " ", sums.maj_flt);
		process_times(p, &user, &sys);
	}
	seq_u64(s, " ", kids.maj_flt);
	seq_u64(s, " ", user / TICK_NS);
	seq_u64(s, " ", sys / TICK_NS);
	seq_u64(s, " ", kids.utime / TICK_NS);
	seq_u64(s, " ", kids.stime / TICK_NS);
}

static void put_layout(struct seq *s, const struct mm *mm, bool may_see)
{
	const unsigned long none[7] = { 0 };
	const unsigned long seen[7] = {
		mm ? mm->start_data : 0, mm ? mm->end_data : 0,
		mm ? mm->start_brk : 0, mm ? mm->arg_start : 0,
		mm ? mm->arg_end : 0, mm ? mm->env_start : 0,
		mm ? mm->env_end : 0,
	};
	const unsigned long *n = may_see ? seen : none;

	for (unsigned i = 0; i < 7; i++)
		seq_u64(s, " ", n[i]);
}

static void put_signals(struct seq *s, const struct signal_view *sv)
{
	seq_u64(s, " ", sv->pending & 0x7fffffff);
	seq_u64(s, " ", sv->blocked & 0x7fffffff);
	seq_u64(s, " ", sv->ignored & 0x7fffffff);
	seq_u64(s, " ", sv->caught & 0x7fffffff);
}

static void put_memory(struct seq *s, const struct mm *mm, struct task *t,
		       bool may_see)
{
	seq_u64(s, " ", mm ? mm->total_vm * PAGE_SIZE : 0);
	seq_u64(s, " ", mm ? mm_rss_pages(mm) : 0);
	seq_u64(s, " ", READ_ONCE(t->process->rlim[RLIMIT_RSS].cur));
	seq_u64(s, " ", mm ? (may_see ? mm->start_code : 1) : 0);
	seq_u64(s, " ", mm ? (may_see ? mm->end_code : 1) : 0);
	seq_u64(s, " ", mm && may_see ? mm->start_stack : 0);
	seq_puts(s, " 0 0");		/* sp, pc: only of a dumping core */
}

static void put_stat_ids(struct seq *s, const struct task_view *v,
			 const struct id_view *id)
{
	u64 tty;
	int tty_pgrp;

	tty_of(v, &tty, &tty_pgrp);
	seq_s64(s, " ", id->ppid);
	seq_s64(s, " ", id->pgid);
	seq_s64(s, " ", id->sid);
	seq_u64(s, " ", tty);
	seq_s64(s, " ", tty_pgrp);
	seq_u64(s, " ", proc_linux_flags(v->t));
}

int proc_stat(struct seq *s, const struct task_view *v)
{
	struct task *t = v->t;
	struct mm *mm = task_get_mm(t);
	bool may_see = !ptrace_may_access(t, PTRACE_MODE_READ |
					     PTRACE_MODE_FSCREDS |
					     PTRACE_MODE_NOAUDIT);
	struct signal_view sv;
	struct id_view id;
	char state[] = { ')', ' ', task_state_char(t), 0 };

	ids_of(v, &id);
	signals_of(t, &sv);
	seq_s64(s, "", id.pid);
	seq_puts(s, " (");
	proc_put_comm(s, t);
	seq_puts(s, state);
	put_stat_ids(s, v, &id);
	put_faults_and_times(s, v);
	seq_s64(s, " ", t->prio - MAX_RT_PRIO);
	seq_s64(s, " ", task_nice(t));
	seq_u64(s, " ", sv.threads);
	seq_u64(s, " 0 ", (t->start_boot_ns +
			   (u64)time_ns_offset(CLOCK_BOOTTIME)) / TICK_NS);
	put_memory(s, mm, t, may_see);
	put_signals(s, &sv);
	/* wchan (that it sleeps), nswap, cnswap */
	seq_u64(s, " ", may_see && READ_ONCE(t->state) != TASK_RUNNING);
	seq_s64(s, " 0 0 ", t->exit_signal);
	seq_u64(s, " ", READ_ONCE(t->hart)->id);
	seq_u64(s, " ", t->rt_priority);
	seq_u64(s, " ", t->policy);
	seq_puts(s, " 0 0 0");		/* block delay, guest, cguest */
	put_layout(s, mm, may_see && mm);
	seq_s64(s, " ", may_see ? t->exit_code : 0);
	seq_putc(s, '\n');
	if (mm)
		mm_put(mm);
	return 0;
}

/* --- statm --------------------------------------------------------------*/
static u64 text_pages(const struct mm *mm)
{
	return (ALIGN_UP(mm->end_code, PAGE_SIZE) -
		ALIGN_DOWN(mm->start_code, PAGE_SIZE)) >> PAGE_SHIFT;
}

static u64 positive(s64 n)
{
	return n > 0 ? (u64)n : 0;
}

int proc_statm(struct seq *s, const struct task_view *v)
{
	struct mm *mm = task_get_mm(v->t);

	if (!mm) {
		seq_puts(s, "0 0 0 0 0 0 0\n");
		return 0;
	}
	seq_u64(s, "", mm->total_vm);
	seq_u64(s, " ", mm_rss_pages(mm));
	seq_u64(s, " ", positive(mm->rss.file + mm->rss.shmem));
	seq_u64(s, " ", text_pages(mm));
	seq_u64(s, " 0 ", mm->data_vm + mm->stack_vm);
	seq_puts(s, " 0\n");
	mm_put(mm);
	return 0;
}

/* --- status -------------------------------------------------------------*/
static const char *state_text(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	case 'I': return "I (idle)";
	case 'P': return "P (parked)";
	default: return "X (dead)";
	}
}

static int umask_of(struct task *t)
{
	int umask = -1;

	irq_lock(&t->alloc_lock);
	if (t->fs)
		umask = (int)t->fs->umask;
	irq_unlock(&t->alloc_lock);
	return umask;
}

static u32 fd_table_size(struct task *t)
{
	struct files *fs = proc_get_files(t);
	u32 n = 0;

	if (fs) {
		rcu_read_lock();
		n = rcu_dereference(fs->table)->max;
		rcu_read_unlock();
		files_put(fs);
	}
	return n;
}

static void put_cred_ids(struct seq *s, const struct cred *c, u32 fd_size)
{
	const struct user_ns *ns = current_user_ns();

	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
		   from_kuid_munged(ns, c->uid), from_kuid_munged(ns, c->euid),
		   from_kuid_munged(ns, c->suid), from_kuid_munged(ns, c->fsuid),
		   from_kgid_munged(ns, c->gid), from_kgid_munged(ns, c->egid),
		   from_kgid_munged(ns, c->sgid),
		   from_kgid_munged(ns, c->fsgid));
	seq_u64(s, "FDSize:\t", fd_size);
	seq_puts(s, "\nGroups:\t");
	for (u32 i = 0; c->groups && i < c->groups->n; i++)
		seq_u64(s, i ? " " : "",
			from_kgid_munged(ns, c->groups->gid[i]));
	seq_putc(s, ' ');
}

/* A number in each namespace from the mount's down to the pid's own. */
static void put_ns_ids(struct seq *s, const char *name, const struct pid *p,
		       const struct pid_ns *ns)
{
	seq_puts(s, name);
	for (u32 i = ns->level; p && i <= p->level; i++)
		seq_s64(s, "\t", p->numbers[i].nr);
}

static void put_identity(struct seq *s, const struct task_view *v)
{
	struct task *t = v->t;
	const struct cred *c = task_cred_get(t);
	u32 fd_size = fd_table_size(t);
	int umask = umask_of(t);
	struct id_view id;

	ids_of(v, &id);
	seq_puts(s, "Name:\t");
	proc_put_comm(s, t);
	if (umask >= 0)
		seq_printf(s, "\nUmask:\t%#04o", umask);
	seq_printf(s, "\nState:\t%s", state_text(task_state_char(t)));
	seq_s64(s, "\nTgid:\t", id.tgid);
	seq_s64(s, "\nNgid:\t0\nPid:\t", id.pid);
	seq_s64(s, "\nPPid:\t", id.ppid);
	seq_s64(s, "\nTracerPid:\t", id.tracer);
	seq_putc(s, '\n');
	put_cred_ids(s, c, fd_size);
	rcu_read_lock();
	put_ns_ids(s, "\nNStgid:", t->process->pids[PIDTYPE_TGID], v->ns);
	put_ns_ids(s, "\nNSpid:", t->thread_pid, v->ns);
	put_ns_ids(s, "\nNSpgid:", task_pgrp(t), v->ns);
	put_ns_ids(s, "\nNSsid:", task_session(t), v->ns);
	rcu_read_unlock();
	seq_printf(s, "\nKthread:\t%d\n", is_kernel_task(t));
	cred_put(c);
}

static void put_kb(struct seq *s, const char *name, u64 pages)
{
	seq_printf(s, "%s%8llu kB\n", name, pages << (PAGE_SHIFT - 10));
}

static void put_status_mm(struct seq *s, struct mm *mm)
{
	u64 anon = positive(mm->rss.anon), file = positive(mm->rss.file);
	u64 shmem = positive(mm->rss.shmem), rss = anon + file + shmem;
	u64 text = min(text_pages(mm), mm->exec_vm);

	put_kb(s, "VmPeak:\t", max(mm->hiwater_vm, mm->total_vm));
	put_kb(s, "VmSize:\t", mm->total_vm);
	put_kb(s, "VmLck:\t", mm->locked_vm);
	put_kb(s, "VmPin:\t", 0);	/* nothing pins beyond a call */
	put_kb(s, "VmHWM:\t", max(mm->hiwater_rss, rss));
	put_kb(s, "VmRSS:\t", rss);
	put_kb(s, "RssAnon:\t", anon);
	put_kb(s, "RssFile:\t", file);
	put_kb(s, "RssShmem:\t", shmem);
	put_kb(s, "VmData:\t", mm->data_vm);
	put_kb(s, "VmStk:\t", mm->stack_vm);
	put_kb(s, "VmExe:\t", text);
	put_kb(s, "VmLib:\t", mm->exec_vm - text);
	put_kb(s, "VmPTE:\t", positive(mm->rss.tables));
	put_kb(s, "VmSwap:\t", positive(mm->rss.swap));
	put_kb(s, "HugetlbPages:\t", 0);	/* there are none */
}

static void put_status_signals(struct seq *s, struct task *t)
{
	const struct cred *c = task_cred_get(t);
	struct signal_view sv;

	signals_of(t, &sv);
	seq_u64(s, "Threads:\t", sv.threads);
	seq_printf(s, "\nSigQ:\t%d/%llu\n", READ_ONCE(c->user->sigpending),
		   task_rlimit(t, RLIMIT_SIGPENDING));
	seq_printf(s, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
		   sv.pending, sv.shared, sv.blocked);
	seq_printf(s, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", sv.ignored,
		   sv.caught);
	seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n",
		   c->inheritable, c->permitted, c->effective);
	seq_printf(s, "CapBnd:\t%016llx\nCapAmb:\t%016llx\nNoNewPrivs:\t%d\n",
		   c->bounding, c->ambient, t->no_new_privs);
	cred_put(c);
}

static void put_masks(struct seq *s, struct task *t)
{
	unsigned long allowed = (unsigned long)READ_ONCE(t->allowed.bits);
	char text[256];

	if (nr_harts < 64)
		allowed &= (1ul << nr_harts) - 1;
	format_bitmask(text, sizeof(text), &allowed, nr_harts);
	seq_printf(s, "Cpus_allowed:\t%s\n", text);
	format_bitlist(text, sizeof(text), &allowed, nr_harts);
	seq_printf(s, "Cpus_allowed_list:\t%s\n", text);
	seq_puts(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_status(struct seq *s, const struct task_view *v)
{
	struct task *t = v->t;
	struct mm *mm = task_get_mm(t);

	put_identity(s, v);
	if (mm) {
		put_status_mm(s, mm);
		seq_printf(s, "CoreDumping:\t%d\n",
			   !!(t->process->flags & PF_GROUP_COREDUMP));
		seq_puts(s, "THP_enabled:\t0\n"
			    "untag_mask:\t0xffffffffffffffff\n");
		mm_put(mm);
	}
	put_status_signals(s, t);
	seq_printf(s, "Seccomp:\t%u\nSeccomp_filters:\t%u\n",
		   READ_ONCE(t->seccomp.mode), READ_ONCE(t->seccomp.count));
	seq_puts(s, "Speculation_Store_Bypass:\tunknown\n"
		    "SpeculationIndirectBranch:\tunknown\n");
	put_masks(s, t);
	seq_u64(s, "voluntary_ctxt_switches:\t", t->nvcsw);
	seq_u64(s, "\nnonvoluntary_ctxt_switches:\t", t->nivcsw);
	seq_putc(s, '\n');
	return 0;
}

/* --- children -----------------------------------------------------------*/
int proc_children(struct seq *s, const struct task_view *v)
{
	struct task *c;

	read_lock(&tasklist_lock);
	list_for_each_entry(c, &v->t->children, sibling) {
		seq_s64(s, "", pid_nr_ns(c->thread_pid, v->ns));
		seq_putc(s, ' ');
	}
	read_unlock(&tasklist_lock);
	return 0;
}
