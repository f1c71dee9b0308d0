/*
 * smp - the other harts: start, interrupts between them, timers.
 *
 * Life:    arch_hart_start() asks the firmware (SBI HSM) to start a hart at
 *          secondary_start with translation off; the hart loads the kernel's
 *          table and continues as its idle task.
 *          OpenSBI up to 1.1 marks the hart as started before it stores where
 *          and with what: a hart that looks in between comes in at the
 *          kernel's entry, like the boot hart.  So the entry lets one hart
 *          boot, all others find their records by their ids.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <kernel/hart.h>

#include "csr_impl.h"
#include "mmu_impl.h"
#include "sbi_impl.h"
#include "setup_impl.h"
#include "smp_impl.h"
#include "trap_impl.h"

/* Written by the starter, read by the hart with translation off; not in .bss,
 * which the boot hart may still have to clear when another one looks. */
struct hart_start hart_starts[MAX_HARTS] __section(".data");

int arch_hart_start(struct hart *h)
{
	struct hart_start *s = &hart_starts[h->id];
	struct sbi_ret r;

	task_adopt(h->idle);
	*s = (struct hart_start){
		.satp = kernel_satp(),
		.entry = (unsigned long)secondary_high,
		.task = h->idle,
		.stack = (unsigned long)task_regs(h->idle),
	};
	store_release(&s->ready, h->firmware_id + 1);
	io_mb();
	r = sbi_call(SBI_EXT_HSM, 0, h->firmware_id,
		     image_to_pa(secondary_start), 0, 0);
	return sbi_errno(r.error);
}

void __noreturn secondary_main(void)
{
	mmu_hart_init();
	smp_hart_entry();
	__builtin_unreachable();
}

void arch_hart_init(void)
{
	arch_timer_set(~0ull);
	cpu_hart_init();
}

void arch_ipi_raise(u64 mask)
{
	if (mask)
		sbi_send_ipi(mask);
}

void __hot arch_timer_set(u64 ticks)
{
	if (likely(cpu_has_sstc))
		csr_write(0x14d, ticks);
	else
		sbi_set_timer(ticks);
}
