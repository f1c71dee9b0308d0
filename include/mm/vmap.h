#pragma once
/* Kernel virtual memory outside the direct map. May sleep. */
#include <lib/compiler.h>
#include <lib/types.h>

void *vmalloc(size_t n);
void *vzalloc(size_t n);
void vfree(void *p);
bool is_vmalloc(const void *p);
/* A kernel stack of KSTACK_SIZE with an unmapped page below; cached. */
void *kstack_alloc(void);
void kstack_free(void *stack);
/* Device registers; never cached pages of RAM. NULL: no room. */
void __iomem *ioremap(paddr_t pa, size_t n);
void iounmap(void __iomem *p);
