#pragma once
/*
 * Page tables as mm sees them: three levels of 512 entries over 39 bits.  mm
 * walks and locks; arch knows the bits.  Virtual layout: docs/memory.md.
 */
#include <lib/compiler.h>
#include <lib/types.h>

struct cpumask;

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PTRS_PER_TABLE 512u
#define PT_LEVELS 3		/* level 2 is the root, level 0 has pages */
#define PMD_SIZE (1ul << 21)
#define PUD_SIZE (1ul << 30)

#define USER_END 0x4000000000ul		/* 256 GiB, first non-user address */
#define TASK_SIZE (USER_END - PAGE_SIZE)	/* the last page stays free */
#define DIRECT_MAP_BASE 0xffffffc000000000ul	/* 128 GiB */
#define DIRECT_MAP_SIZE 0x2000000000ul
#define VMAP_BASE 0xffffffe000000000ul		/* stacks, vmalloc, MMIO */
#define VMAP_END 0xfffffff000000000ul
#define VMEMMAP_BASE 0xfffffff000000000ul	/* struct page array */
#define VMEMMAP_END 0xffffffff00000000ul
#define KERNEL_BASE 0xffffffff80000000ul	/* the image */

struct pte {
	u64 v;
};

/* What a mapping allows; arch turns it into bits.  A and D are preset: A
 * always, D when PROT_W is given. */
#define PROT_R	1u
#define PROT_W	2u
#define PROT_X	4u
#define PROT_USER 8u
#define PROT_GLOBAL 16u
#define PROT_IO	32u		/* device memory */

struct pte pte_make(paddr_t pa, unsigned prot);
/* A copy of an entry that was made for frame 0, for another frame. */
static inline struct pte pte_at(struct pte p, paddr_t pa)
{
	return (struct pte){ p.v | pa >> 12 << 10 };
}
static inline bool pte_none(struct pte p) { return p.v == 0; }
/* A hardware-valid leaf or table. */
static inline bool pte_present(struct pte p) { return p.v & 1; }
static inline bool pte_is_leaf(struct pte p) { return (p.v & 1) && (p.v & 0xe); }
static inline bool pte_is_table(struct pte p) { return (p.v & 0xf) == 1; }
static inline bool pte_writable(struct pte p) { return p.v & 4; }
static inline bool pte_executable(struct pte p) { return p.v & 8; }
static inline bool pte_readable(struct pte p) { return p.v & 2; }
static inline bool pte_is_user(struct pte p) { return p.v & 16; }
static inline bool pte_dirty(struct pte p) { return p.v & 128; }
static inline bool pte_accessed(struct pte p) { return p.v & 64; }
static inline paddr_t pte_pa(struct pte p)
{
	return (p.v >> 10 & ((1ull << 44) - 1)) << 12;
}
static inline struct pte pte_wrprotect(struct pte p)
{
	return (struct pte){ p.v & ~(4ull | 128) };
}
static inline struct pte pte_mkwrite(struct pte p)
{
	return (struct pte){ p.v | 4 | 128 };
}
static inline struct pte pte_mkclean(struct pte p)
{
	return (struct pte){ p.v & ~128ull };
}
static inline struct pte pte_mkold(struct pte p)
{
	return (struct pte){ p.v & ~64ull };
}
static inline struct pte pte_mkyoung(struct pte p)
{
	return (struct pte){ p.v | 64 };
}
/* bit 8 (software): the page is special, without struct page accounting */
static inline struct pte pte_mkspecial(struct pte p)
{
	return (struct pte){ p.v | 256 };
}
static inline bool pte_special(struct pte p) { return p.v & 256; }
struct pte pte_set_prot(struct pte p, unsigned prot);
struct pte pte_make_table(paddr_t table);
static inline struct pte pte_read(const struct pte *p)
{
	return (struct pte){ READ_ONCE(p->v) };
}
/* Orders earlier stores (the page's contents) before the entry. */
static inline void pte_write(struct pte *p, struct pte v)
{
	__atomic_store_n(&p->v, v.v, __ATOMIC_RELEASE);
}
static inline struct pte pte_exchange(struct pte *p, struct pte v)
{
	return (struct pte){ __atomic_exchange_n(&p->v, v.v,
						 __ATOMIC_ACQ_REL) };
}
/* Non-present entries for swap and migration: a 58-bit value. */
static inline struct pte pte_make_swap(u64 value)
{
	return (struct pte){ value << 6 | 32 };
}
static inline bool pte_is_swap(struct pte p)
{
	return !(p.v & 1) && (p.v & 32);
}
static inline u64 pte_swap_value(struct pte p) { return p.v >> 6; }

static inline unsigned pt_index(unsigned long va, unsigned level)
{
	return va >> (PAGE_SHIFT + 9 * level) & (PTRS_PER_TABLE - 1);
}

/* The kernel's own root table; its upper half is shared by all tables. */
extern struct pte *kernel_root;
/* Copies the shared upper half into a new root. */
void pt_root_init(struct pte *root);
/* Maps or unmaps kernel addresses (direct map excepted: done at boot).  Table
 * pages come from alloc(), a zeroed page's physical address or 0. Caller
 * serialises. -ENOMEM. */
int __must_check kernel_map(unsigned long va, paddr_t pa, size_t size,
			    unsigned prot, paddr_t (*alloc)(void));
void kernel_unmap(unsigned long va, size_t size);
/* The same for several ranges before one flush of all harts, which must come
 * before the frames or the addresses are used again. */
void kernel_unmap_unflushed(unsigned long va, size_t size);
/* Physical address behind a kernel virtual one, 0 if none. */
paddr_t kernel_va_to_pa(unsigned long va);

/* Loads a root table if another is loaded (a full flush on most machines). */
void mmu_load(paddr_t root, u32 asid);
paddr_t mmu_loaded(void);

/* This hart's TLB, whole.  Address and ASID forms cost the same. */
void tlb_flush_local(void);
/* The TLB of each hart in the mask (self included if in it), one IPI each,
 * waits.  Any context but with irqlocks held. */
void tlb_flush_harts(const struct cpumask *harts);
/* After writing code: this hart's and others' instruction fetch. */
void icache_flush_all(void);

/* Physical <-> direct map. */
static inline void *pa_to_va(paddr_t pa)
{
	extern unsigned long direct_map_offset;	/* va - pa */
	return (void *)(pa + direct_map_offset);
}
static inline paddr_t va_to_pa(const void *va)
{
	extern unsigned long direct_map_offset;
	return (paddr_t)va - direct_map_offset;
}
/* Also for addresses inside the kernel image. */
paddr_t image_to_pa(const void *va);

/* RAM found at boot, after reserved parts are taken out. const after init */
struct mem_range {
	paddr_t start, end;
};
#define MAX_MEM_RANGES 64
extern struct mem_range boot_free_ram[MAX_MEM_RANGES];
extern unsigned boot_free_ram_count;
extern struct mem_range boot_ram[MAX_MEM_RANGES];	/* all of it */
extern unsigned boot_ram_count;
extern struct mem_range boot_initrd;	/* {0,0}: none; reserved above */

/* n adjacent zeroed pages for good, before mm is up; 0: none. */
paddr_t boot_pages_alloc(size_t n);

/* Sizes of kernel sections for /proc and W^X. */
extern char _text[], _etext[], _rodata[], _erodata[], _data[], _edata[],
	_symbols[], _esymbols[], _bss[], _ebss[], _init_begin[], _init_end[], _end[];
