/*
 * tlb - which hart has which address space loaded, and flushing.
 *
 * Theory: every flush clears the whole TLB of a hart, so one global counter
 *         of flush requests ("generation") serves all address spaces:
 *         done[h] = g says that the TLB of hart h holds nothing older than
 *         request g.  mm.tlb_gen is the last request for that mm.
 *         mm.active has the harts whose running task uses it.  A hart that
 *         runs a kernel task keeps the table loaded but leaves `active`.
 *         A flush: change the tables; take a generation, store it in
 *         mm.tlb_gen; (full barrier) read `active`; interrupt those.
 *         A switch to a task of mm: set own bit in `active`; (full barrier)
 *         load the table if another is loaded, else compare mm.tlb_gen with
 *         done[] and flush if behind.  Of two that race, either the flusher
 *         sees the bit, or the switcher sees the generation.
 *         A dead mm is freed when no hart has it loaded; harts do not count
 *         references for that: their loaded_mm is looked at.
 *         Emulators let the TLB grow only in a flush.  A task that faults in
 *         more pages than the TLB is thought to hold gets one flush, then
 *         twice as many are allowed before the next.
 */
#include <kernel/hart.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <sched/sched.h>
#include "pt_impl.h"

#define TLB_FIRST_SIZE 256u
#define TLB_MAX_SIZE 16384u

struct tlb_hart {
	u64 done;		/* atomic */
	u32 fills, size;	/* this hart */
} __aligned(64);

static DEFINE_PER_HART(struct tlb_hart, tlbs);
static u64 last_gen;		/* atomic */

/* Raises *p to at least v. */
static void raise_to(u64 *p, u64 v)
{
	u64 old = __atomic_load_n(p, __ATOMIC_RELAXED);

	while (old < v && !__atomic_compare_exchange_n(p, &old, v, true,
						       __ATOMIC_SEQ_CST,
						       __ATOMIC_RELAXED))
		;
}

static void flush_self(struct tlb_hart *t)
{
	u64 gen = __atomic_load_n(&last_gen, __ATOMIC_SEQ_CST);

	trace_tlb_flush(TLB_LOCAL_MM);
	tlb_flush_local();
	this_hart()->tlb_flushes++;
	raise_to(&t->done, gen);
}

/* Harts of the mask that are behind gen. */
static u64 behind(u64 mask, u64 gen)
{
	u64 out = 0;

	for (u32 h = 0; mask; h++, mask >>= 1)
		if ((mask & 1) &&
		    __atomic_load_n(&per_hart(tlbs, h).done, __ATOMIC_ACQUIRE) < gen)
			out |= 1ull << h;
	return out;
}

static void flush_others(struct cpumask mask, u64 gen)
{
	this_hart()->tlb_remote++;
	trace_tlb_shootdown(mask.bits);
	irqs_unmask();	/* two that wait for each other must both answer */
	tlb_flush_harts(&mask);
	for (u32 h = 0; mask.bits; h++, mask.bits >>= 1)
		if (mask.bits & 1)
			raise_to(&per_hart(tlbs, h).done, gen);
}

void mm_flush(struct mm *mm)
{
	struct hart *h = hart_pin();
	struct cpumask others;
	u64 gen, me;

	gen = __atomic_add_fetch(&last_gen, 1, __ATOMIC_SEQ_CST);
	raise_to(&mm->tlb_gen, gen);
	smp_mb();
	me = 1ull << h->id;
	others.bits = __atomic_load_n(&mm->active.bits, __ATOMIC_SEQ_CST);
	if (h->loaded_mm == mm)
		flush_self(&per_hart(tlbs, h->id));
	others.bits = behind(others.bits & ~me, gen);
	if (unlikely(others.bits))
		flush_others(others, gen);
	hart_unpin();
}

void tlb_note_fill(unsigned n)
{
	struct tlb_hart *t;

	preempt_disable();
	t = &per_hart(tlbs, hart_id());
	t->fills += n;
	if (unlikely(t->fills >= t->size) && t->size < TLB_MAX_SIZE) {
		if (t->size)
			flush_self(t);
		t->size = t->size ? t->size * 2 : TLB_FIRST_SIZE;
		t->fills = 0;
	}
	preempt_enable();
}

/* Makes mm the one this hart runs. Pinned. */
static __always_inline void enter(struct hart *h, struct mm *mm)
{
	struct tlb_hart *t = &per_hart(tlbs, h->id);
	u64 gen;

	if (cpumask_test(&mm->active, h->id) && h->loaded_mm == mm)
		return;
	cpumask_set(&mm->active, h->id);	/* a full barrier */
	smp_mb();
	if (h->loaded_mm == mm) {
		if (__atomic_load_n(&mm->tlb_gen, __ATOMIC_SEQ_CST) >
		    __atomic_load_n(&t->done, __ATOMIC_RELAXED))
			flush_self(t);
		return;
	}
	gen = __atomic_load_n(&last_gen, __ATOMIC_SEQ_CST);
	trace_tlb_flush(TLB_TASK_SWITCH);
	mmu_load(mm->root_pa, 0);
	raise_to(&t->done, gen);
	t->fills = 0;
	t->size = TLB_FIRST_SIZE;
	/* After the table is loaded: the old one may be freed. */
	__atomic_store_n(&h->loaded_mm, mm, __ATOMIC_SEQ_CST);
}

static __always_inline void leave(struct hart *h, struct mm *next)
{
	struct mm *old = h->loaded_mm;

	if (old && old != next && cpumask_test(&old->active, h->id))
		cpumask_clear(&old->active, h->id);
}

/* The scheduler's hook: interrupts off. */
static void switch_mm(struct task *prev, struct task *next)
{
	struct hart *h = this_hart();
	struct mm *mm = next->mm;

	leave(h, mm);
	if (mm)
		enter(h, mm);
}

void mm_switch_current(struct mm *mm)
{
	struct hart *h;

	irqs_off();
	h = this_hart();
	irq_lock(&current->alloc_lock);
	current->mm = mm;
	current->active_mm = mm;
	irq_unlock(&current->alloc_lock);
	leave(h, mm);
	if (mm)
		enter(h, mm);
	irqs_on();
}

/* A hart without user work keeps the last space loaded: no more. */
static void unload(void *unused)
{
	struct hart *h = this_hart();

	if (current->mm || !h->loaded_mm)
		return;
	leave(h, &init_mm);
	enter(h, &init_mm);
}

void mm_unload_lazy(void)
{
	hart_call_all(unload, NULL);
}

bool mm_is_loaded(struct mm *mm)
{
	for_each_hart(h)
		if (__atomic_load_n(&h->loaded_mm, __ATOMIC_SEQ_CST) == mm)
			return true;
	return false;
}

void mm_switch_init(void)
{
	sched_switch_mm_hook = switch_mm;
}
