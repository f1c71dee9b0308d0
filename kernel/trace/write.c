/*
 * write - the far halves of the trace points: from arguments to a ring.
 * Context: as the trace point's own; locks may be held.
 */
#include "events_impl.h"

#include <arch/task.h>
#include <lib/string.h>

static void put_comm(char *to, const char *from)
{
	memcpy(to, from, 16);
}

/* Linux's coding of prev_state, also its bit for a preempted task. */
static s64 switch_state(const struct task *t, bool was_preempted)
{
	u32 s = READ_ONCE(t->state);

	if (was_preempted)
		return 0x100;
	if (s & TASK_DEAD)
		return 0x10;
	if ((s & TASK_IDLE) == TASK_IDLE)
		return 0x80;
	if (s & TASK_STOPPED_BIT)
		return 4;
	if (s & TASK_TRACED_BIT)
		return 8;
	return s & TASK_NORMAL;
}

void trace_sched_switch_write(const struct task *prev, const struct task *next,
			      bool was_preempted)
{
	struct te_switch *e = trace_begin(TE_SCHED_SWITCH, sizeof(*e));

	if (!e)
		return;
	put_comm(e->prev_comm, prev->comm);
	e->prev_pid = prev->tid;
	e->prev_prio = prev->prio;
	e->prev_state = switch_state(prev, was_preempted);
	put_comm(e->next_comm, next->comm);
	e->next_pid = next->tid;
	e->next_prio = next->prio;
	trace_note_comm(prev);
	trace_note_comm(next);
	trace_end(TE_SCHED_SWITCH, e);
}

static void write_wakeup(enum trace_event ev, const struct task *t)
{
	struct te_wakeup *e = trace_begin(ev, sizeof(*e));

	if (!e)
		return;
	put_comm(e->comm, t->comm);
	e->pid = t->tid;
	e->prio = t->prio;
	e->target_cpu = (s32)t->hart->id;
	trace_end(ev, e);
}

void trace_sched_wakeup_write(const struct task *t)
{
	write_wakeup(TE_SCHED_WAKEUP, t);
}

void trace_sched_wakeup_new_write(const struct task *t)
{
	write_wakeup(TE_SCHED_WAKEUP_NEW, t);
}

void trace_sched_fork_write(const struct task *parent, const struct task *child)
{
	struct te_fork *e = trace_begin(TE_SCHED_FORK, sizeof(*e));

	if (!e)
		return;
	put_comm(e->parent_comm, parent->comm);
	e->parent_pid = parent->tid;
	put_comm(e->child_comm, child->comm);
	e->child_pid = child->tid;
	trace_end(TE_SCHED_FORK, e);
}

void trace_sched_exit_write(const struct task *t)
{
	struct te_exit *e = trace_begin(TE_SCHED_EXIT, sizeof(*e));

	if (!e)
		return;
	put_comm(e->comm, t->comm);
	e->pid = t->tid;
	e->prio = t->prio;
	trace_end(TE_SCHED_EXIT, e);
}

void trace_task_rename_write(const struct task *t, const char *to)
{
	struct te_rename *e = trace_begin(TE_TASK_RENAME, sizeof(*e));

	if (!e)
		return;
	e->pid = t->tid;
	put_comm(e->oldcomm, t->comm);
	memset(e->newcomm, 0, sizeof(e->newcomm));
	strscpy(e->newcomm, to, sizeof(e->newcomm));
	e->oom_score_adj = 0;
	trace_end(TE_TASK_RENAME, e);
}

static void write_fault(enum trace_event ev, unsigned long addr,
			unsigned long pc, unsigned cause)
{
	struct te_fault *e = trace_begin(ev, sizeof(*e));

	if (!e)
		return;
	e->address = addr;
	e->ip = pc;
	e->error_code = cause;
	trace_end(ev, e);
}

void trace_fault_user_write(unsigned long addr, unsigned long pc,
			    unsigned cause)
{
	write_fault(TE_FAULT_USER, addr, pc, cause);
}

void trace_fault_kernel_write(unsigned long addr, unsigned long pc,
			      unsigned cause)
{
	write_fault(TE_FAULT_KERNEL, addr, pc, cause);
}

void trace_signal_generate_write(int sig, int code, const struct task *to,
				 bool is_group, bool was_ignored)
{
	struct te_sig_generate *e = trace_begin(TE_SIGNAL_GENERATE,
						sizeof(*e));

	if (!e)
		return;
	e->sig = sig;
	e->err = 0;
	e->code = code;
	put_comm(e->comm, to->comm);
	e->pid = to->tid;
	e->group = is_group;
	e->result = was_ignored;
	trace_end(TE_SIGNAL_GENERATE, e);
}

void trace_signal_deliver_write(int sig, int code, unsigned long handler,
				unsigned long flags)
{
	struct te_sig_deliver *e = trace_begin(TE_SIGNAL_DELIVER, sizeof(*e));

	if (!e)
		return;
	e->sig = sig;
	e->err = 0;
	e->code = code;
	e->sa_handler = handler;
	e->sa_flags = flags;
	trace_end(TE_SIGNAL_DELIVER, e);
}

void trace_irq_entry_write(u32 irq, const char *name)
{
	struct te_irq_entry *e = trace_begin(TE_IRQ_ENTRY, sizeof(*e));

	if (!e)
		return;
	e->irq = (s32)irq;
	e->name = offsetof(struct te_irq_entry, text) |
		  sizeof(e->text) << 16;
	memset(e->text, 0, sizeof(e->text));
	strscpy(e->text, name, sizeof(e->text));
	trace_end(TE_IRQ_ENTRY, e);
}

void trace_irq_exit_write(u32 irq, bool handled)
{
	struct te_irq_exit *e = trace_begin(TE_IRQ_EXIT, sizeof(*e));

	if (!e)
		return;
	e->irq = (s32)irq;
	e->ret = handled;
	trace_end(TE_IRQ_EXIT, e);
}

void trace_timer_start_write(const void *timer, const void *fn, u64 when)
{
	struct te_timer_start *e = trace_begin(TE_TIMER_START, sizeof(*e));

	if (!e)
		return;
	e->hrtimer = (u64)timer;
	e->function = (u64)fn;
	e->expires = e->softexpires = (s64)when;
	trace_end(TE_TIMER_START, e);
}

static void write_timer(enum trace_event ev, const void *timer)
{
	struct te_timer *e = trace_begin(ev, sizeof(*e));

	if (!e)
		return;
	e->hrtimer = (u64)timer;
	trace_end(ev, e);
}

void trace_timer_cancel_write(const void *timer)
{
	write_timer(TE_TIMER_CANCEL, timer);
}

void trace_timer_done_write(const void *timer)
{
	write_timer(TE_TIMER_DONE, timer);
}

void trace_timer_expire_write(const void *timer, const void *fn, u64 now)
{
	struct te_timer_expire *e = trace_begin(TE_TIMER_EXPIRE, sizeof(*e));

	if (!e)
		return;
	e->hrtimer = (u64)timer;
	e->now = (s64)now;
	e->function = (u64)fn;
	trace_end(TE_TIMER_EXPIRE, e);
}

void trace_tlb_flush_write(int reason)
{
	struct te_tlb *e = trace_begin(TE_TLB_FLUSH, sizeof(*e));

	if (!e)
		return;
	e->reason = reason;
	e->pages = ~0ull;	/* always all of it */
	trace_end(TE_TLB_FLUSH, e);
}

void trace_tlb_shootdown_write(u64 harts_asked)
{
	struct te_shootdown *e = trace_begin(TE_TLB_SHOOTDOWN, sizeof(*e));

	if (!e)
		return;
	e->harts = harts_asked;
	trace_end(TE_TLB_SHOOTDOWN, e);
}

static void write_block(enum trace_event ev, u32 dev, u64 sector, u32 bytes,
			unsigned op, int error)
{
	struct te_block *e = trace_begin(ev, sizeof(*e));

	if (!e)
		return;
	e->dev = dev;
	e->sector = sector;
	e->nr_sector = bytes >> 9;
	e->error = error;
	e->bytes = bytes;
	memset(e->rwbs, 0, sizeof(e->rwbs));
	e->rwbs[0] = "RWDF"[op & 3];
	put_comm(e->comm, current->comm);
	trace_end(ev, e);
}

void trace_block_issue_write(u32 dev, u64 sector, u32 bytes, unsigned op)
{
	write_block(TE_BLOCK_ISSUE, dev, sector, bytes, op, 0);
}

void trace_block_complete_write(u32 dev, u64 sector, u32 bytes, unsigned op,
				int error)
{
	write_block(TE_BLOCK_COMPLETE, dev, sector, bytes, op, error);
}

static void write_page(enum trace_event ev, u64 pfn, unsigned order, u32 gfp)
{
	struct te_page *e = trace_begin(ev, sizeof(*e));

	if (!e)
		return;
	e->pfn = pfn;
	e->order = order;
	e->gfp_flags = gfp;
	trace_end(ev, e);
}

void trace_page_alloc_write(u64 pfn, unsigned order, u32 gfp)
{
	write_page(TE_PAGE_ALLOC, pfn, order, gfp);
}

void trace_page_free_write(u64 pfn, unsigned order)
{
	write_page(TE_PAGE_FREE, pfn, order, 0);
}

/* With a newline at the end, as Linux keeps it. */
void trace_print_write(const char *text, size_t n, unsigned long ip)
{
	bool add = !n || text[n - 1] != '\n';
	struct te_print *e;

	n = min_t(size_t, n, 1024);
	e = trace_begin(TE_PRINT, sizeof(*e) + n + add + 1);
	if (!e)
		return;
	e->ip = ip;
	memcpy(e->buf, text, n);
	if (add)
		e->buf[n++] = '\n';
	e->buf[n] = 0;
	trace_end(TE_PRINT, e);
}
