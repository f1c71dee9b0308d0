/*
 * vhwprobe - riscv_hwprobe(2) for all harts, without a system call.
 *
 * Theory:  each program's start asks this question, and the answers never
 *          change after boot, so they stand on the page before the image.
 *          strace -c of Debian 13 has no table entry for the call, and falls
 *          over its number: a program must not make it where Linux does not.
 */
#include <arch/smp.h>
#include <arch/vdso.h>

#define NR_riscv_hwprobe 258

extern const struct vdso_probe vdso_probe
	__attribute__((__visibility__("hidden")));

static int fallback(struct hwprobe_pair *pairs, size_t n, size_t len,
		    const unsigned long *harts, unsigned flags)
{
	register long r0 __asm__("a0") = (long)pairs;
	register long r1 __asm__("a1") = (long)n;
	register long r2 __asm__("a2") = (long)len;
	register long r3 __asm__("a3") = (long)harts;
	register long r4 __asm__("a4") = (long)flags;
	register long r7 __asm__("a7") = NR_riscv_hwprobe;

	__asm__ volatile("ecall"
			 : "+r"(r0)
			 : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r7)
			 : "memory");
	return (int)r0;
}

__attribute__((__visibility__("default")))
int __vdso_riscv_hwprobe(struct hwprobe_pair *pairs, size_t n, size_t len,
			 const unsigned long *harts, unsigned flags)
{
	if (flags || len || harts)
		return fallback(pairs, n, len, harts, flags);
	for (size_t i = 0; i < n; i++) {
		u64 key = (u64)pairs[i].key;

		if (key < VDSO_PROBE_KEYS) {
			pairs[i].value = vdso_probe.values[key];
		} else {
			pairs[i].key = -1;
			pairs[i].value = 0;
		}
	}
	return 0;
}
