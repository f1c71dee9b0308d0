/*
 * vector - vector registers: off until a task's first vector instruction.
 *
 * Theory:  VS is off for a task without state, so the first instruction traps;
 *          it gets memory and VS becomes clean.  A switch saves dirty state.
 *          System calls may clobber vector registers by the ABI, so a child
 *          starts without any.
 */
#include <arch/task.h>
#include <kernel/hart.h>
#include <lib/string.h>

#include "csr_impl.h"
#include "smp_impl.h"
#include "trap_impl.h"

void *(*arch_vector_alloc)(size_t size);
void (*arch_vector_free)(void *p);

static void vs_set(unsigned long vs)
{
	csr_clear(sstatus, SR_VS);
	csr_set(sstatus, vs);
}

void vector_switch(struct task *prev, struct task *next)
{
	if ((csr_read(sstatus) & SR_VS) == SR_VS_DIRTY && prev->arch.vector)
		vector_store(prev->arch.vector);
	if (!next->arch.vector) {
		csr_clear(sstatus, SR_VS);
		return;
	}
	vs_set(SR_VS_DIRTY);
	vector_load(next->arch.vector);
	vs_set(SR_VS_CLEAN);
}

void vector_save_current(void)
{
	preempt_disable();
	if ((csr_read(sstatus) & SR_VS) == SR_VS_DIRTY) {
		vector_store(current->arch.vector);
		vs_set(SR_VS_CLEAN);
	}
	preempt_enable();
}

void vector_load_current(void)
{
	preempt_disable();
	vs_set(SR_VS_DIRTY);
	vector_load(current->arch.vector);
	vs_set(SR_VS_CLEAN);
	preempt_enable();
}

size_t vector_bytes(void)
{
	return 32 * cpu_vlenb;
}

bool vector_first_use(void)
{
	struct arch_vector *v;
	size_t size = sizeof(*v) + vector_bytes();

	if (current->arch.vector || !arch_vector_alloc)
		return false;
	irqs_unmask();
	v = arch_vector_alloc(size);
	if (!v)
		return false;
	memset(v, 0, size);
	v->vlenb = cpu_vlenb;
	v->vtype = 1ul << 63;
	current->arch.vector = v;
	vector_load_current();
	return true;
}

void vector_drop(struct task *t)
{
	if (t->arch.vector)
		arch_vector_free(t->arch.vector);
	t->arch.vector = NULL;
}
