/*
 * cpu - what the harts can do.
 *
 * Theory:  what the device tree may get wrong, or does not say (cpu_tree.c),
 *          is tried on the boot hart: the timer comparator, address-space ids,
 *          the vector unit, the price of misaligned accesses and of switching
 *          user access on and off, whether instruction fetch sees stores.
 *          Nothing asks for a name.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/bitmap.h>
#include <lib/printf.h>
#include <lib/string.h>

#include "csr_impl.h"
#include "cpu_impl.h"
#include "mmu_impl.h"
#include "sbi_impl.h"
#include "setup_impl.h"
#include "smp_impl.h"

bool cpu_has_sstc, cpu_has_vector, cpu_has_zicboz, cpu_icache_coherent;
bool cpu_misaligned_fast;
u32 cpu_asid_bits, cpu_vlenb;
static u64 sum_price;		/* ns */

/* --- trials on the boot hart ------------------------------------------- */

static bool has_stimecmp(void)
{
	unsigned long v;

	__asm__ goto volatile("1: csrr %0, 0x14d\n" EX_ENTRY("1b", "%l[no]")
			      : "=r"(v)::: no);
	return true;
no:
	return false;
}

static u32 count_asid_bits(void)
{
	unsigned long old = csr_read(satp), got;

	csr_write(satp, old | 0xfffful << SATP_ASID_SHIFT);
	got = csr_read(satp) >> SATP_ASID_SHIFT & 0xffff;
	csr_write(satp, old);
	tlb_flush_local();
	return hweight64(got);
}

static u32 read_vlenb(void)
{
	u32 n = 0;

	csr_set(sstatus, SR_VS_INITIAL);
	if (csr_read(sstatus) & SR_VS)
		n = (u32)csr_read(0xc22);
	csr_clear(sstatus, SR_VS);
	return n;
}

/* The least of a few runs, in ticks: the first is slow for other reasons, and
 * an emulator's host may take the processor away. */
#define RUNS 4
static u64 least_ticks(void (*fn)(const char *arg), const char *arg)
{
	u64 best = ~0ull;

	for (int i = 0; i < RUNS; i++) {
		u64 start = arch_read_time();

		fn(arg);
		best = min(best, arch_read_time() - start);
	}
	return best;
}

#define SUM_TOGGLES 8

static void toggle_sum(const char *arg)
{
	for (int i = 0; i < SUM_TOGGLES; i++) {
		csr_set(sstatus, SR_SUM);
		csr_clear(sstatus, SR_SUM);
	}
}

static void no_toggle(const char *arg)
{
	for (int i = 0; i < SUM_TOGGLES; i++) {
		csr_set(sscratch, 0);
		csr_clear(sscratch, 0);
	}
}

/* Nanoseconds that switching user access on and off costs beyond the access
 * to a register that changes nothing. */
static u64 sum_price_ns(void)
{
	u64 with = least_ticks(toggle_sum, NULL);
	u64 without = least_ticks(no_toggle, NULL);

	with -= min(with, without);
	return with * 1000000000 / boot_timebase / SUM_TOGGLES;
}

static void load_words(const char *p)
{
	unsigned long v;

	for (int i = 0; i < 256; i++)
		__asm__ volatile("ld %0, %1"
				 : "=r"(v)
				 : "m"(*(const unsigned long *)p));
}

static bool misaligned_is_fast(void)
{
	static char buf[64] __aligned(64);
	u64 aligned = least_ticks(load_words, buf);
	u64 misaligned = least_ticks(load_words, buf + 3);

	return misaligned <= aligned * 8 + 20;
}

/* A function in a page of its own: it returns what is stored into its first
 * instruction, `li a0, n`. */
__asm__(".section .text.patched, \"ax\"\n"
	".balign 64\n"
	".option push\n"
	".option norvc\n"
	".option norelax\n"
	"patched_function:\n"
	"	addi a0, zero, 1\n"
	"	ret\n"
	".option pop\n"
	".previous\n");
extern u32 patched_function[];

static long patched_call(void)
{
	long (*fn)(void) = (long (*)(void))patched_function;
	long v = 0;

	for (int i = 0; i < 4; i++)
		v = fn();
	return v;
}

/* Hot code is changed without a fence.i: does the hart run the new? */
static bool icache_is_coherent(void)
{
	bool coherent = true;

	for (u32 n = 2; n < 5; n++) {
		patched_call();
		WRITE_ONCE(patched_function[0], n << 20 | 0x513);
		barrier();
		if (patched_call() != (long)n)
			coherent = false;
		__asm__ volatile("fence rw, rw\n\tfence.i" ::: "memory");
	}
	return coherent;
}

void cpus_probe(void)
{
	sum_price = sum_price_ns();
	cpu_has_sstc = isa_has(&isa_common, "sstc") && has_stimecmp();
	cpu_asid_bits = count_asid_bits();
	if (isa_has(&isa_common, "v"))
		cpu_vlenb = read_vlenb();
	cpu_has_vector = cpu_vlenb && cpu_vlenb <= 1024;
	cpu_has_zicboz = isa_has(&isa_common, "zicboz");
	cpu_misaligned_fast = misaligned_is_fast();
	cpu_icache_coherent = icache_is_coherent();
	uaccess_toggles_sum = CONFIG_SUM_TOGGLE || sum_price < 1000;
}

/* Under a clock of instructions (QEMU's -icount) nothing has its true price:
 * who counts says what would have been chosen.  Before other harts start. */
static void set_user_access(const char *value)
{
	if (str_equal(value, "open"))
		uaccess_toggles_sum = CONFIG_SUM_TOGGLE;
	else if (str_equal(value, "closed"))
		uaccess_toggles_sum = true;
	else
		pr_warn("user_access=%s: neither open nor closed\n", value);
	if (uaccess_toggles_sum)
		csr_clear(sstatus, SR_SUM);
	else
		csr_set(sstatus, SR_SUM);
}
PARAM("user_access", set_user_access);

/* When the command line has said what is to be printed. */
static void cpus_report(void)
{
	pr_info("cpu: %u harts, sstc %d, asid bits %u, vector bytes %u, "
		"user access %llu ns, misaligned %s, fetch %s\n",
		nr_harts, cpu_has_sstc, cpu_asid_bits, cpu_vlenb, sum_price,
		cpu_misaligned_fast ? "fast" : "slow",
		cpu_icache_coherent ? "coherent" : "needs fence.i");
}
INIT(INIT_EARLY, cpus_report);

/* --- on each hart ------------------------------------------------------ */

void cpu_hart_init(void)
{
	static const struct fp_state zero;
	struct cpu_info *info = &cpu_info[hart_id()];

	csr_write(sie, IE_SOFT | IE_TIMER | IE_EXT);
	csr_write(scounteren, 2);	/* time */
	if (cpu_has_zicboz)
		csr_set(0x10a, 0x80);	/* senvcfg.CBZE */
	csr_clear(sstatus, SR_VS);
	csr_set(sstatus, SR_FS_DIRTY);
	fp_load(&zero);
	csr_clear(sstatus, SR_FS & ~SR_FS_CLEAN);
	if (!uaccess_toggles_sum)
		csr_set(sstatus, SR_SUM);
	info->mvendorid = sbi_mvendorid();
	info->marchid = sbi_marchid();
	info->mimpid = sbi_mimpid();
}
