#pragma once
/*
 * What the vDSO reads beside the clock, on the same page: the answers of
 * riscv_hwprobe(2) for all harts together, by key.
 */
#include <lib/types.h>

#define VDSO_PROBE_OFFSET 2048
#define VDSO_PROBE_KEYS 10

struct vdso_probe {
	u64 values[VDSO_PROBE_KEYS];
};

/* Once, when all harts are known. */
void arch_vdso_probe_fill(struct vdso_probe *p);
