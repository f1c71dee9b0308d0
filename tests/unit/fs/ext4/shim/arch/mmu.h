#pragma once
/* Pages of the host: an arena, and a struct page for each. */
#include <lib/compiler.h>
#include <lib/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define USER_END 0x7fffffffffffull

extern char *shim_arena;
extern char *shim_pages;
#define VMEMMAP_BASE shim_pages

struct pte {
	u64 v;
};

static inline void *pa_to_va(paddr_t pa)
{
	return shim_arena + pa;
}
static inline paddr_t va_to_pa(const void *va)
{
	return (paddr_t)((const char *)va - shim_arena);
}
