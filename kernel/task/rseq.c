/*
 * rseq - restartable sequences: user code that is to run without being
 * switched away, and starts again if it was.
 *
 * Theory:  a thread registers an area, in which the kernel keeps the number
 *          of its hart and the thread the address of the critical section that
 *          it is in.  The scheduler marks a task with WORK_RSEQ in two cases:
 *          it left its hart out of its own code (an interrupt or a fault, not
 *          a system call: those have no place in a section), or it comes back
 *          on another hart.  Then, before it runs on, the section is ended by
 *          a jump to its abort handler, and the numbers are written.
 *          A system call that is not switched away sees nothing of this.
 *
 *          mm_cid is the hart's number: no two threads that run at a time
 *          share one.  Linux's is denser with few threads; that would be work
 *          at each switch.
 * Locks:   none: all is the task's own.
 */
#include "task_impl.h"

#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <lib/errno.h>
#include <mm/mm.h>
#include <signal/signal.h>
#include <task/rseq.h>

#define FLAG_UNREGISTER 1
#define ORIG_SIZE 32u
#define CPU_ID_UNINITIALIZED (~0u)

struct rseq_area {			/* uapi: struct rseq */
	u32 cpu_id_start;
	u32 cpu_id;
	u64 rseq_cs;
	u32 flags;
	u32 node_id;
	u32 mm_cid;
};

struct rseq_cs {			/* uapi */
	u32 version;
	u32 flags;
	u64 start, length, abort;
};

/* --- the area ------------------------------------------------------------------ */

static int put_ids(struct rseq_area __user *a, u32 start, u32 cpu, u32 cid)
{
	if (put_user(start, &a->cpu_id_start) || put_user(cpu, &a->cpu_id) ||
	    put_user(0u, &a->node_id) || put_user(cid, &a->mm_cid))
		return -EFAULT;
	return 0;
}

static int unregister(void __user *area, u32 len, u32 sig)
{
	struct task *t = current;

	if (!t->rseq.ptr || t->rseq.ptr != area || t->rseq.len != len)
		return -EINVAL;
	if (t->rseq.sig != sig)
		return -EPERM;
	if (put_ids(area, 0, CPU_ID_UNINITIALIZED, 0))
		return -EFAULT;
	t->rseq.ptr = NULL;
	return 0;
}

long do_rseq(void __user *area, u32 len, int flags, u32 sig)
{
	struct task *t = current;

	if (flags == FLAG_UNREGISTER)
		return unregister(area, len, sig);
	if (flags)
		return -EINVAL;
	if (t->rseq.ptr) {
		if (t->rseq.ptr != area || t->rseq.len != len)
			return -EINVAL;
		return t->rseq.sig == sig ? -EBUSY : -EPERM;
	}
	if (len < ORIG_SIZE || ((uintptr_t)area & (RSEQ_ALIGN - 1)))
		return -EINVAL;
	if (!access_ok(area, len))
		return -EFAULT;
	t->rseq.len = len;
	t->rseq.sig = sig;
	t->rseq.ptr = area;
	flag_set(&t->work, WORK_RSEQ);
	return 0;
}

/* --- ending a section ------------------------------------------------------------- */

/* -EINVAL for what cannot be right, or not be the program's own doing. */
static int get_section(u64 at, struct rseq_cs *cs)
{
	u32 sig;

	if (copy_from_user(cs, (const void __user *)(uintptr_t)at, sizeof(*cs)))
		return -EFAULT;
	if (cs->version || cs->start >= USER_END || cs->abort >= USER_END ||
	    cs->length >= USER_END - cs->start ||
	    cs->abort - cs->start < cs->length)
		return -EINVAL;
	/* the word before the handler says that it is one */
	if (get_user(sig, (const u32 __user *)(uintptr_t)(cs->abort - 4)))
		return -EFAULT;
	return sig == current->rseq.sig ? 0 : -EINVAL;
}

static int end_section(struct rseq_area __user *a, struct regs *r)
{
	struct rseq_cs cs;
	u32 flags;
	u64 at;
	int err;

	if (get_user(at, &a->rseq_cs))
		return -EFAULT;
	if (likely(!at))
		return 0;
	err = get_section(at, &cs);
	if (err)
		return err;
	if (r->pc - cs.start < cs.length) {
		/* flags that forbade the restart are gone */
		if (cs.flags || get_user(flags, &a->flags) || flags)
			return -EINVAL;
		r->pc = cs.abort;
	}
	return put_user(0ull, &a->rseq_cs);
}

void rseq_resume(struct regs *r)
{
	struct rseq_area __user *a = current->rseq.ptr;
	u32 hart;

	flag_clear(&current->work, WORK_RSEQ);
	if (!a || (current->flags & TF_EXITING))
		return;
	/* a move from here on sets the mark again */
	hart = READ_ONCE(current->hart)->id;
	if (end_section(a, r) || put_ids(a, hart, hart, hart))
		signal_force(SIGSEGV, SI_KERNEL, 0);
}
