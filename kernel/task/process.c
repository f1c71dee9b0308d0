/*
 * process - what a thread group accounts and is limited by.
 *
 * Locks:   siglock for limits (reads of one word need none) and sums; live
 *          threads' own counters are read without a lock.
 */
#include "task_impl.h"

#include <fs/fdtable.h>
#include <kernel/spinlock.h>
#include <kernel/trace.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/mm.h>

u64 task_rlimit(struct task *t, unsigned r)
{
	return READ_ONCE(t->process->rlim[r].cur);
}

static int check_limit(unsigned r, const struct rlimit *n,
		       const struct rlimit *old)
{
	if (n->cur > n->max)
		return -EINVAL;
	if (r == RLIMIT_NOFILE && n->max > READ_ONCE(sysctl_nr_open))
		return -EPERM;
	if (n->max > old->max && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

static int set_limit_locked(struct process *p, unsigned r,
			    const struct rlimit *n)
{
	int err = check_limit(r, n, &p->rlim[r]);

	if (err)
		return err;
	p->rlim[r] = *n;
	if (r == RLIMIT_CPU && n->cur != RLIM_INFINITY)
		p->cpu_timers = true;
	return 0;
}

int process_prlimit(struct task *t, unsigned r, const struct rlimit *new_limit,
		    struct rlimit *old) __no_analysis
{
	struct process *p = t->process;
	struct sighand *s;
	struct rlimit was;
	int err = 0;

	if (r >= RLIM_NLIMITS)
		return -EINVAL;
	s = task_lock_sighand(t);
	if (!s)
		return -ESRCH;
	was = p->rlim[r];
	if (new_limit)
		err = set_limit_locked(p, r, new_limit);
	task_unlock_sighand(s);
	if (old)
		*old = was;
	return err;
}

void process_note_parent(struct process *p, const struct process *parent)
{
	p->has_child_subreaper = parent->has_child_subreaper ||
				 parent->is_child_subreaper;
	p->exec_id = current->process->exec_id;
	/* CLONE_PARENT: what the parent was when current was made. */
	p->parent_exec_id = parent == current->process ?
				    parent->exec_id :
				    current->process->parent_exec_id;
}

void task_sums_add(struct task_sums *to, const struct task_sums *from)
{
	to->utime += from->utime;
	to->stime += from->stime;
	to->min_flt += from->min_flt;
	to->maj_flt += from->maj_flt;
	to->nvcsw += from->nvcsw;
	to->nivcsw += from->nivcsw;
	to->in_blocks += from->in_blocks;
	to->out_blocks += from->out_blocks;
	to->maxrss = max(to->maxrss, from->maxrss);
	to->sum_exec += from->sum_exec;
	to->rchar += from->rchar;
	to->wchar += from->wchar;
	to->syscr += from->syscr;
	to->syscw += from->syscw;
	to->read_bytes += from->read_bytes;
	to->write_bytes += from->write_bytes;
	to->cancelled_bytes += from->cancelled_bytes;
}

void task_usage(struct task *t, struct task_sums *s)
{
	*s = (struct task_sums){
		.min_flt = t->min_flt, .maj_flt = t->maj_flt,
		.nvcsw = t->nvcsw, .nivcsw = t->nivcsw,
		.in_blocks = t->io_read_bytes >> 9,
		.out_blocks = t->io_write_bytes >> 9,
		.sum_exec = task_run_ns(t),
		.rchar = t->io_read, .wchar = t->io_write,
		.syscr = t->io_syscr, .syscw = t->io_syscw,
		.read_bytes = t->io_read_bytes,
		.write_bytes = t->io_write_bytes,
		.cancelled_bytes = t->io_cancelled_bytes,
	};
	task_times(t, &s->utime, &s->stime);
}

void process_account_thread(struct process *p, struct task *t)
{
	struct task_sums s;

	task_usage(t, &s);
	task_sums_add(&p->dead, &s);
}

void process_note_maxrss(struct process *p, struct mm *mm)
{
	u64 rss = max(mm->hiwater_rss, mm_rss_pages(mm));

	irq_lock(p->siglock);
	p->dead.maxrss = max(p->dead.maxrss, rss);
	irq_unlock(p->siglock);
}

/* A thread that ends moves from the list to p->dead: neither seen twice nor
 * missed, since CPU clocks must not go back. */
void process_usage(struct process *p, struct task_sums *out)
{
	struct task_sums s;
	struct task *t;
	u32 seq;

	rcu_read_lock();
	do {
		seq = seq_read_begin(&p->sums_seq);
		*out = p->dead;
		for_each_thread(t, p) {
			task_usage(t, &s);
			task_sums_add(out, &s);
		}
	} while (seq_read_retry(&p->sums_seq, seq));
	rcu_read_unlock();
}

void process_times(struct process *p, u64 *user_ns, u64 *sys_ns)
{
	struct task *t;
	u64 u, s;
	u32 seq;

	rcu_read_lock();
	do {
		seq = seq_read_begin(&p->sums_seq);
		*user_ns = p->dead.utime;
		*sys_ns = p->dead.stime;
		for_each_thread(t, p) {
			task_times(t, &u, &s);
			*user_ns += u;
			*sys_ns += s;
		}
	} while (seq_read_retry(&p->sums_seq, seq));
	rcu_read_unlock();
}

u64 process_run_ns(struct process *p)
{
	struct task *t;
	u32 seq;
	u64 ns;

	rcu_read_lock();
	do {
		seq = seq_read_begin(&p->sums_seq);
		ns = p->dead.sum_exec;
		for_each_thread(t, p)
			ns += task_run_ns(t);
	} while (seq_read_retry(&p->sums_seq, seq));
	rcu_read_unlock();
	return ns;
}

void task_set_comm(struct task *t, const char *name)
{
	trace_task_rename(t, name);
	irq_lock(&t->alloc_lock);
	strscpy_pad(t->comm, name, sizeof(t->comm));
	irq_unlock(&t->alloc_lock);
}
