#pragma once
/*
 * Device registers.  Each access is one instruction of its width, in order
 * with the other device accesses of this hart; reads are complete before what
 * follows, writes come after what stands before (also to memory), so a device
 * that is told of a buffer sees it filled.  The _relaxed forms are ordered
 * against other registers of the same device only.
 */
#include <arch/cpu.h>

#define MMIO_ACCESSORS(bits)                                                   \
	static inline u##bits mmio_read##bits##_relaxed(                       \
		const volatile void __iomem *p)                                \
	{                                                                      \
		return *(const volatile u##bits __iomem *)p;                   \
	}                                                                      \
	static inline void mmio_write##bits##_relaxed(                         \
		volatile void __iomem *p, u##bits v)                           \
	{                                                                      \
		*(volatile u##bits __iomem *)p = v;                            \
	}                                                                      \
	static inline u##bits mmio_read##bits(const volatile void __iomem *p)  \
	{                                                                      \
		u##bits v = mmio_read##bits##_relaxed(p);                      \
                                                                               \
		dma_rmb();                                                     \
		return v;                                                      \
	}                                                                      \
	static inline void mmio_write##bits(volatile void __iomem *p,          \
					    u##bits v)                         \
	{                                                                      \
		dma_wmb();                                                     \
		mmio_write##bits##_relaxed(p, v);                              \
	}

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)
MMIO_ACCESSORS(64)
