/*
 * oom - the choice of who goes when memory is gone, and its obituary.
 *
 * Theory:  badness is what a process would give back: resident pages, swap
 *          and page tables, shifted by oom_score_adj (1000 is all memory,
 *          -1000 is never).  One victim at a time: while it still holds its
 *          memory nobody else is killed, unless that takes too long.  It may
 *          wait for a lock of the very task that waits for its memory.
 */
#include "task_impl.h"

#include <kernel/print.h>
#include <lib/errno.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <task/init.h>
#include <task/oom.h>

#define ADJ_NEVER (-1000)

#define PATIENCE_NS (5 * NSEC_PER_SEC)

int sysctl_panic_on_oom;
static struct task *victim;	/* referenced. oom_lock */
static u64 victim_since;	/* oom_lock */
static struct irqlock oom_lock = IRQLOCK_INIT(RANK_IRQ, "oom_lock");

long oom_badness(struct task *t, u64 total_pages)
{
	struct process *p = t->process;
	struct mm *mm;
	long points = -1;

	if (is_kernel_task(t) || (p->flags & PF_UNKILLABLE) ||
	    p->oom_score_adj == ADJ_NEVER || t->vfork ||
	    READ_ONCE(p->oom_in_vain))
		return -1;
	irq_lock(&t->alloc_lock);
	mm = t->mm;
	if (mm) {
		points = (long)mm_rss_pages(mm) + (long)mm->rss.swap +
			 (long)mm->rss.tables;
		points += (long)p->oom_score_adj * (long)(total_pages / 1000);
		points = max(points, 1l);
	}
	irq_unlock(&t->alloc_lock);
	return points;
}

/* The leader may be gone with its part while threads of it hold the memory:
 * then each of them may stand for the process. RCU. */
static bool stands_for_process(const struct task *t)
{
	return task_is_leader(t) || !READ_ONCE(t->process->leader->mm);
}

/* Referenced, or NULL. */
static struct task *choose(long *points)
{
	u64 total = mem_total_pages();
	struct task *t, *best = NULL;
	long most = 0, n;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		if (!stands_for_process(t))
			continue;
		n = oom_badness(t, total);
		if (n > most) {
			most = n;
			best = t;
		}
	}
	if (best && !ref_tryget(&best->refs))
		best = NULL;
	rcu_read_unlock();
	*points = most;
	return best;
}

/* The last one killed has not let go yet, and is still waited for. */
static bool victim_is_dying(void)
{
	struct task *t = NULL;
	bool yes = false;

	irq_lock(&oom_lock);
	if (victim && READ_ONCE(victim->mm)) {
		yes = clock_ns() - victim_since < PATIENCE_NS;
		if (!yes)
			WRITE_ONCE(victim->process->oom_in_vain, true);
	}
	if (victim && !yes) {
		t = victim;
		victim = NULL;
	}
	irq_unlock(&oom_lock);
	if (t)
		task_put(t);
	return yes;
}

/* What holds the memory: killing gives back the first kind alone. */
static void explain_memory(void)
{
	pr_warn("%s (%d) found no memory: %llu of %llu KiB free\n",
		current->comm, current->tid, mem_free_pages() * 4,
		mem_total_pages() * 4);
	pr_warn("Mem-Info: anon:%ldkB shmem:%ldkB file:%ldkB dirty:%ldkB slab:%ldkB pagetables:%ldkB kernel_stack:%ldkB vmalloc:%ldkB\n",
		vmstat_read(VM_ANON) * 4, vmstat_read(VM_SHMEM) * 4,
		vmstat_read(VM_FILE) * 4, vmstat_read(VM_DIRTY) * 4,
		vmstat_read(VM_SLAB) * 4, vmstat_read(VM_TABLES) * 4,
		vmstat_read(VM_KSTACK) * 4, vmstat_read(VM_VMALLOC) * 4);
}

static void explain(struct task *t, long points)
{
	struct mm *mm = task_get_mm(t);

	explain_memory();
	if (!mm)
		return;
	pr_err("Out of memory: Killed process %d (%s) total-vm:%llukB, anon-rss:%lldkB, file-rss:%lldkB, shmem-rss:%lldkB, UID:%u pgtables:%lldkB oom_score_adj:%d badness:%ld\n",
	       t->tgid, t->comm, mm->total_vm * 4, mm->rss.anon * 4,
	       mm->rss.file * 4, mm->rss.shmem * 4, t->real_cred->uid,
	       mm->rss.tables * 4, t->process->oom_score_adj, points);
	mm_put(mm);
}

bool oom_kill_one(void)
{
	struct task *t;
	long points;

	/* Being killed already: out with us, that frees memory. */
	if (fatal_signal_pending(current))
		return true;
	if (victim_is_dying()) {
		sleep_ns(NSEC_PER_MSEC);
		return true;
	}
	t = choose(&points);
	if (!t)
		return false;
	explain(t, points);
	vmstat_add(VM_OOM_KILL, 1);
	irq_lock(&oom_lock);
	if (!victim) {
		victim = task_get(t);
		victim_since = clock_ns();
	}
	irq_unlock(&oom_lock);
	ignore_error(signal_send(SIGKILL, SIG_INFO_KERNEL, t,
				 SIG_TO_PROCESS));
	task_put(t);
	return true;
}

void oom_kill(void)
{
	if (READ_ONCE(sysctl_panic_on_oom) && !fatal_signal_pending(current))
		panic("Out of memory: system-wide panic_on_oom is enabled\n");
	if (!oom_kill_one())
		panic("Out of memory and no killable processes...\n");
}
