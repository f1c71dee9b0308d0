/*
 * hart - the table of harts, and interrupts between them.
 *
 * Theory:  a kind of inter-hart interrupt is a bit in the target's
 *          ipi_pending; the software interrupt only says "look".  A hart that
 *          polls in its idle loop looks by itself, so none is raised for it:
 *          the sender stores the bit, then reads `polling`; the idle loop
 *          stores polling = 0, then reads the bits.
 *
 *          hart_call() has one slot for the machine: calls are rare, and one
 *          at a time needs no memory and no queue.  A hart that waits for the
 *          slot has interrupts on, so it answers the call in progress.
 * Locks:   call_lock guards the slot; call.waiting is atomic.
 */
#include "panic_impl.h"

#include <arch/smp.h>
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <lib/bitmap.h>
#include <time/timer.h>

struct hart harts[MAX_HARTS];
u32 nr_harts = 1;
struct cpumask online_harts;

static struct spinlock call_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "hart_call");
static struct {
	void (*fn)(void *arg);
	void *arg;
	u64 waiting;
} call __guarded_by(&call_lock);

static bool must_raise(struct hart *h, enum ipi kind)
{
	flag_set(&h->ipi_pending, BIT(kind));
	return !READ_ONCE(h->polling) || h == this_hart();
}

void ipi_send(struct hart *h, enum ipi kind)
{
	preempt_disable();
	if (must_raise(h, kind))
		arch_ipi_raise(1ull << h->id);
	preempt_enable();
}

void ipi_defer(struct hart *h, enum ipi kind)
{
	if (must_raise(h, kind))
		current->ipi_due |= 1ull << h->id;
}

void ipi_flush(void)
{
	struct task *t = current;
	u64 mask = t->ipi_due;

	t->ipi_due = 0;
	arch_ipi_raise(mask);
}

void ipi_send_mask(struct cpumask mask, enum ipi kind)
{
	u64 raise = 0, m;

	preempt_disable();
	for (m = mask.bits; m; m &= m - 1)
		if (must_raise(&harts[__ffs64(m)], kind))
			raise |= m & -m;
	if (raise)
		arch_ipi_raise(raise);
	preempt_enable();
}

static void run_call(struct hart *h)
{
	u64 me = 1ull << h->id;

	if (!(load_acquire(&call.waiting) & me))
		return;
	call.fn(call.arg);
	__atomic_fetch_and(&call.waiting, ~me, __ATOMIC_RELEASE);
}

static void handle(struct hart *h, enum ipi kind)
{
	h->ipi_count[kind]++;
	switch (kind) {
	case IPI_CALL:
		run_call(h);
		break;
	case IPI_TLB:
		arch_ipi_tlb();
		break;
	case IPI_STOP:
		panic_stop_self();
		break;
	case IPI_TIMER:
		timer_ipi();
		break;
	case IPI_BACKTRACE:
		panic_backtrace_self();
		break;
	case IPI_RESCHED:
		rcu_tick(h, current->preempt_count == 2 &&
				    current->irq_nesting == 1);
		break;
	default:
		break;
	}
}

void ipi_handle(void)
{
	struct hart *h = this_hart();
	unsigned long m;

	irqs_off();
	m = xchg(&h->ipi_pending, 0ul);
	for (; m; m &= m - 1)
		handle(h, (enum ipi)__ffs64(m));
	irqs_on();
}

void ipi_poll_backtrace(void)
{
	unsigned long *word = &this_hart()->ipi_pending;

	if (likely(!(READ_ONCE(*word) & BIT(IPI_BACKTRACE))))
		return;
	flag_clear(word, BIT(IPI_BACKTRACE));
	panic_backtrace_self();
}

void hart_call(struct cpumask mask, void (*fn)(void *arg), void *arg)
	__no_analysis
{
	struct hart *h;
	u64 others;

	assert(!current->irq_depth);
	irqs_unmask();
	spin_lock(&call_lock);
	h = this_hart();
	mask.bits &= READ_ONCE(online_harts.bits);
	others = mask.bits & ~(1ull << h->id);
	call.fn = fn;
	call.arg = arg;
	store_release(&call.waiting, others);
	ipi_send_mask((struct cpumask){ others }, IPI_CALL);
	if (mask.bits >> h->id & 1) {
		irqs_off();
		fn(arg);
		irqs_on();
	}
	while (load_acquire(&call.waiting))
		cpu_relax();
	spin_unlock(&call_lock);
}

void hart_call_all(void (*fn)(void *arg), void *arg)
{
	hart_call(online_harts, fn, arg);
}
