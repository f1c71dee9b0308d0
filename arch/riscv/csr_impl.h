#pragma once
/* Control and status registers: numbers and bits of the privileged
 * specification 1.12.  Also for assembly. */

#define CSR_STIMECMP	0x14d
#define CSR_SENVCFG	0x10a
#define CSR_VLENB	0xc22

#define SR_SIE		0x2
#define SR_SPIE		0x20
#define SR_SPP		0x100
#define SR_VS_SHIFT	9
#define SR_VS		0x600
#define SR_VS_INITIAL	0x200
#define SR_VS_CLEAN	0x400
#define SR_VS_DIRTY	0x600
#define SR_FS_SHIFT	13
#define SR_FS		0x6000
#define SR_FS_CLEAN	0x4000
#define SR_FS_DIRTY	0x6000
#define SR_SUM		0x40000
#define SR_MXR		0x80000

#define IE_SOFT		0x2
#define IE_TIMER	0x20
#define IE_EXT		0x200

#define CAUSE_FETCH_MISALIGNED	0
#define CAUSE_FETCH_ACCESS	1
#define CAUSE_ILLEGAL		2
#define CAUSE_BREAKPOINT	3
#define CAUSE_LOAD_MISALIGNED	4
#define CAUSE_LOAD_ACCESS	5
#define CAUSE_STORE_MISALIGNED	6
#define CAUSE_STORE_ACCESS	7
#define CAUSE_USER_ECALL	8
#define CAUSE_FETCH_FAULT	12
#define CAUSE_LOAD_FAULT	13
#define CAUSE_STORE_FAULT	15
#define IRQ_SOFT		1
#define IRQ_TIMER		5
#define IRQ_EXT			9

#define SATP_SV39	0x8000000000000000
#define SATP_ASID_SHIFT	44

#ifndef __ASSEMBLY__
#define csr_read(csr)                                                          \
	({                                                                     \
		unsigned long _v;                                              \
		__asm__ volatile("csrr %0, " __STRINGIFY(csr)                  \
				 : "=r"(_v)::"memory");                        \
		_v;                                                            \
	})
#define csr_write(csr, v)                                                      \
	__asm__ volatile("csrw " __STRINGIFY(csr) ", %0" ::"rK"(               \
				 (unsigned long)(v))                           \
			 : "memory")
#define csr_set(csr, v)                                                        \
	__asm__ volatile("csrs " __STRINGIFY(csr) ", %0" ::"rK"(               \
				 (unsigned long)(v))                           \
			 : "memory")
#define csr_clear(csr, v)                                                      \
	__asm__ volatile("csrc " __STRINGIFY(csr) ", %0" ::"rK"(               \
				 (unsigned long)(v))                           \
			 : "memory")
#endif
