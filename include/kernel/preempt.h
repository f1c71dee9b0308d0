#pragma once
/*
 * Preemption and interrupt state of the running task.  Both counters live in
 * struct task, so they need no pinning and travel with it.
 *
 * A task may run kernel code with hardware interrupts off but irq_depth 0
 * ("fast" system calls, docs/entry.md): task.irqs_masked says so.  It may
 * sleep; the scheduler carries the state along.
 */
#include <arch/cpu.h>
#include <kernel/task.h>

/* Lets a task go on that is better than current, and whatever comes of that;
 * preempt_count is 0.  With interrupts off in hardware (return from an
 * interrupt) they are off again afterwards. */
void preempt_schedule(void);

static inline void preempt_disable(void)
{
	current->preempt_count++;
	barrier();
}

static inline void preempt_enable_no_resched(void)
{
	barrier();
	current->preempt_count--;
}

static inline void preempt_enable(void)
{
	barrier();
	if (--current->preempt_count == 0 &&
	    unlikely(READ_ONCE(current->work) & WORK_RESCHED))
		preempt_schedule();
}

/* Raises what ipi_defer() left; from irqs_on() and the end of interrupts. */
void ipi_flush(void);

/* Interrupts off, counted; implies preemption off. */
static inline void irqs_off(void)
{
	struct task *t = current;

	t->preempt_count++;
	if (t->irq_depth++ == 0 && !t->irqs_masked)
		arch_irqs_disable();
	barrier();
}

static inline void irqs_on(void)
{
	struct task *t = current;

	barrier();
	if (--t->irq_depth == 0) {
		if (unlikely(t->ipi_due))
			ipi_flush();
		if (!t->irqs_masked)
			arch_irqs_enable();
	}
	if (--t->preempt_count == 0 &&
	    unlikely(READ_ONCE(t->work) & WORK_RESCHED))
		preempt_schedule();
}

/* Ends the "fast call" state: from here on interrupts are served.  Cheap if
 * they already are.  Long copies, walks and whatever may take over some 20 us
 * call it first. */
static inline void irqs_unmask(void)
{
	struct task *t = current;

	if (t->irqs_masked) {
		t->irqs_masked = 0;
		if (!t->irq_depth)
			arch_irqs_enable();
	}
}

/* Around interrupt handlers, by arch; hardware interrupts are off.  After
 * irq_exit() on the way back to kernel code arch calls preempt_schedule() if
 * preempt_count is 0 and WORK_RESCHED is set. */
static inline void irq_enter(void)
{
	struct task *t = current;

	t->preempt_count++;
	t->irq_depth++;
	t->irq_nesting++;
	barrier();
}

static inline void irq_exit(void)
{
	struct task *t = current;

	barrier();
	if (unlikely(t->ipi_due))
		ipi_flush();
	t->irq_nesting--;
	t->irq_depth--;
	t->preempt_count--;
}

/* True in an interrupt handler. */
static inline bool in_irq(void)
{
	return current->irq_nesting != 0;
}

static inline bool in_atomic(void)
{
	return current->preempt_count != 0;
}

/* Debug builds die here if the caller must not sleep. */
void might_sleep_check(const char *file, int line);
#define might_sleep()                                                          \
	do {                                                                   \
		if (CONFIG_DEBUG)                                              \
			might_sleep_check(__FILE__, __LINE__);                 \
	} while (0)

/* Debug builds die here if a fault on a page of the user's could not be served
 * for a lock that is held.  Not asked where such a fault is an error anyway. */
void might_fault_check(unsigned long site);
#define might_fault()                                                          \
	do {                                                                   \
		if (CONFIG_DEBUG)                                              \
			might_fault_check(                                     \
				(unsigned long)__builtin_return_address(0));   \
	} while (0)

/* Lets others run if that is due; in long loops, with no lock held. */
void cond_resched(void);
