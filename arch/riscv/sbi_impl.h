#pragma once
/* Calls to the firmware: RISC-V SBI specification 2.0, and of the legacy
 * (0.1) calls those that old firmware still needs. */
#include <lib/compiler.h>
#include <lib/types.h>

struct sbi_ret {
	long error;
	long value;
};

#define SBI_EXT_BASE	0x10
#define SBI_EXT_TIME	0x54494d45
#define SBI_EXT_IPI	0x735049
#define SBI_EXT_RFENCE	0x52464e43
#define SBI_EXT_HSM	0x48534d
#define SBI_EXT_SRST	0x53525354
#define SBI_EXT_DBCN	0x4442434e

#define SBI_LEGACY_SET_TIMER	0
#define SBI_LEGACY_PUTCHAR	1
#define SBI_LEGACY_SHUTDOWN	8

struct sbi_ret sbi_call(unsigned long ext, unsigned long fid, unsigned long a0,
			unsigned long a1, unsigned long a2, unsigned long a3);
/* Finds out which extensions there are. */
void sbi_init(void);
/* The SBI error as an -Exxx. */
int sbi_errno(long error);

void sbi_set_timer(u64 ticks);
/* The masks are of our hart ids. */
void sbi_send_ipi(u64 ids);
void sbi_remote_sfence(u64 ids);
void sbi_remote_fence_i(u64 ids);
unsigned long sbi_mvendorid(void);
unsigned long sbi_marchid(void);
unsigned long sbi_mimpid(void);
