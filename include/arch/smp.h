#pragma once
/* Starting harts, interrupts between them, the machine's power. */
#include <arch/boot.h>
#include <lib/compiler.h>
#include <lib/types.h>

struct hart;

/* Starts a hart with the given idle task; it calls smp_hart_entry().  0 or
 * -Exxx from the firmware. */
int __must_check arch_hart_start(struct hart *h);
/* Raises the software interrupt of the harts in the mask of hart ids. */
void arch_ipi_raise(u64 mask);
/* First C function on a secondary hart, as its idle task (kernel/smp.c). */
void smp_hart_entry(void);
/* Per-hart set-up of trap vector, timer, interrupt enables. */
void arch_hart_init(void);

/* Handles IPI_TLB: flushes if another hart asked this one to, and says so.
 * For ipi_handle(), and for loops that spin with interrupts off.  Cheap when
 * nobody asked. */
void arch_ipi_tlb(void);

/* One-shot timer of this hart, in counter ticks; ~0: none. */
void arch_timer_set(u64 ticks);

/* Never return if the firmware obeys. */
void arch_poweroff(void);
void arch_reboot(void);
void __noreturn arch_halt(void);

/* Lines for /proc/cpuinfo of a hart. */
size_t arch_cpuinfo(u32 hart, char *buf, size_t size);
/* AT_HWCAP; AT_HWCAP2 is 0. */
unsigned long arch_hwcap(void);
/* riscv_hwprobe(2) value for one key; -1 key if unknown. */
struct hwprobe_pair {
	s64 key;
	u64 value;
};
void arch_hwprobe(struct hwprobe_pair *pairs, size_t n, u64 harts);

/* vDSO: the image's pages and the data page, in physical addresses. */
extern char vdso_start[], vdso_end[];
extern const unsigned long vdso_sigreturn_at;	/* offset in the image */

/* Firmware console, for boot messages. */
void arch_early_console_init(void);
