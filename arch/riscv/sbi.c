/*
 * sbi - the firmware's services: timer, IPIs, remote fences, power, console.
 *
 * Theory:  extensions are probed once; without TIME or SRST the legacy call
 *          does it, and without IPI or RFENCE (SBI 0.1) there is no second
 *          hart either, since HSM is newer than both.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <lib/bitmap.h>
#include <lib/errno.h>

#include "mmu_impl.h"
#include "sbi_impl.h"

static bool has_time, has_srst, has_dbcn;	/* const after init */

struct sbi_ret sbi_call(unsigned long ext, unsigned long fid, unsigned long a0,
			unsigned long a1, unsigned long a2, unsigned long a3)
{
	register unsigned long r0 __asm__("a0") = a0;
	register unsigned long r1 __asm__("a1") = a1;
	register unsigned long r2 __asm__("a2") = a2;
	register unsigned long r3 __asm__("a3") = a3;
	register unsigned long r6 __asm__("a6") = fid;
	register unsigned long r7 __asm__("a7") = ext;

	__asm__ volatile("ecall"
			 : "+r"(r0), "+r"(r1)
			 : "r"(r2), "r"(r3), "r"(r6), "r"(r7)
			 : "memory");
	return (struct sbi_ret){ (long)r0, (long)r1 };
}

int sbi_errno(long error)
{
	switch (error) {
	case 0:
		return 0;
	case -2:
		return -EOPNOTSUPP;
	case -4:
		return -EPERM;
	case -5:
		return -EFAULT;
	case -6:
	case -7:
		return -EALREADY;
	default:
		return -EINVAL;
	}
}

static bool has_extension(unsigned long ext)
{
	struct sbi_ret r = sbi_call(SBI_EXT_BASE, 3, ext, 0, 0, 0);

	return !r.error && r.value;
}

void sbi_init(void)
{
	has_time = has_extension(SBI_EXT_TIME);
	has_srst = has_extension(SBI_EXT_SRST);
	has_dbcn = has_extension(SBI_EXT_DBCN);
}

void sbi_set_timer(u64 ticks)
{
	if (has_time)
		sbi_call(SBI_EXT_TIME, 0, ticks, 0, 0, 0);
	else
		sbi_call(SBI_LEGACY_SET_TIMER, 0, ticks, 0, 0, 0);
}

static u64 lowest_firmware_id(u64 ids)
{
	u64 low = ~0ull;

	for (; ids; ids &= ids - 1)
		low = min(low, harts[__ffs64(ids)].firmware_id);
	return low;
}

/* One call for each 64 firmware ids, from the lowest upwards. */
static void call_harts(unsigned long ext, unsigned long fid, u64 ids)
{
	while (ids) {
		u64 base = lowest_firmware_id(ids), mask = 0;

		for (u64 m = ids; m; m &= m - 1) {
			u32 i = __ffs64(m);
			u64 bit = harts[i].firmware_id - base;

			if (bit < 64) {
				mask |= 1ull << bit;
				ids &= ~(1ull << i);
			}
		}
		sbi_call(ext, fid, mask, base, 0, ~0ul);
	}
}

void sbi_send_ipi(u64 ids)
{
	call_harts(SBI_EXT_IPI, 0, ids);
}

void sbi_remote_fence_i(u64 ids)
{
	call_harts(SBI_EXT_RFENCE, 0, ids);
}

void sbi_remote_sfence(u64 ids)
{
	call_harts(SBI_EXT_RFENCE, 1, ids);
}

unsigned long sbi_mvendorid(void)
{
	return (unsigned long)sbi_call(SBI_EXT_BASE, 4, 0, 0, 0, 0).value;
}

unsigned long sbi_marchid(void)
{
	return (unsigned long)sbi_call(SBI_EXT_BASE, 5, 0, 0, 0, 0).value;
}

unsigned long sbi_mimpid(void)
{
	return (unsigned long)sbi_call(SBI_EXT_BASE, 6, 0, 0, 0, 0).value;
}

/* --- power ------------------------------------------------------------- */

void arch_poweroff(void)
{
	if (has_srst)
		sbi_call(SBI_EXT_SRST, 0, 0, 0, 0, 0);
	sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
}

void arch_reboot(void)
{
	const unsigned long cold = 1, warm = 2;

	if (!has_srst)
		return;
	sbi_call(SBI_EXT_SRST, 0, cold, 0, 0, 0);
	sbi_call(SBI_EXT_SRST, 0, warm, 0, 0, 0);
}

void __noreturn arch_halt(void)
{
	arch_irqs_disable();
	for (;;)
		arch_wait_for_interrupt();
}

/* --- console ----------------------------------------------------------- */

/* Physically contiguous, as it is part of the image. print lock */
static char console_buf[256];

static void console_flush(size_t n)
{
	paddr_t pa = image_to_pa(console_buf);
	struct sbi_ret r;

	for (size_t done = 0; done < n; done += (size_t)r.value) {
		r = sbi_call(SBI_EXT_DBCN, 0, n - done, pa + done, 0, 0);
		if (r.error || !r.value)
			return;
	}
}

static void console_put(char c, size_t *n)
{
	if (!has_dbcn) {
		sbi_call(SBI_LEGACY_PUTCHAR, 0, (unsigned char)c, 0, 0, 0);
		return;
	}
	console_buf[(*n)++] = c;
	if (*n == sizeof(console_buf)) {
		console_flush(*n);
		*n = 0;
	}
}

static void console_write(struct console *c, const char *s, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (s[i] == '\n')
			console_put('\r', &n);
		console_put(s[i], &n);
	}
	console_flush(n);
}

static struct console sbi_console = {
	.name = "sbi",
	.write = console_write,
	.is_boot = true,
};

void arch_early_console_init(void)
{
	console_register(&sbi_console);
}
