#pragma once
/*
 * User page tables: walking, locking, counting, and the gathering of what is
 * to be freed after a TLB flush.
 *
 * A leaf table's lock and count of used entries are in its struct page.  An
 * entry that maps an ordinary page owns one reference and one mapcount of it;
 * both live in one 64-bit word, so that one atomic operation takes both.
 * Special entries (zero page, vDSO, device memory) own nothing.
 *
 * An entry of an area without any permission is "parked": not present, with
 * the frame number in the swap form.  It owns what a present one does.
 */
#include <mm/mm.h>
#include "mm_impl.h"

/* Internal fault flags, beside FAULT_* of <arch/trap.h>. */
#define FAULT_REMOTE 0x100u	/* for another task or the kernel */
#define FAULT_FORCE 0x200u	/* ignore the area's permissions (ptrace) */

static_assert(offsetof(struct page, refs) % 8 == 0 &&
	      offsetof(struct page, mapcount) ==
	      offsetof(struct page, refs) + 4, "refs and mapcount: one word");

#define PAGE_MAP_ONE (1ull << 32 | 1)

static inline u64 *page_ref_word(struct page *p)
{
	return (u64 *)(void *)&p->refs;
}

/* One reference and one mapcount; the caller has or is given a reference. */
static inline void page_map_get(struct page *p)
{
	__atomic_fetch_add(page_ref_word(p), PAGE_MAP_ONE, __ATOMIC_RELAXED);
}

static inline void page_mapcount_inc(struct page *p)
{
	__atomic_fetch_add(&p->mapcount, 1, __ATOMIC_RELAXED);
}

/* Returns the count left. */
static inline u32 page_mapcount_dec(struct page *p)
{
	return __atomic_sub_fetch(&p->mapcount, 1, __ATOMIC_RELEASE);
}

static inline u32 page_mapcount(const struct page *p)
{
	return READ_ONCE(p->mapcount);
}

/* Only this entry refers to it: nobody else can find an anonymous page. */
static inline bool page_is_exclusive(struct page *p)
{
	return __atomic_load_n(page_ref_word(p), __ATOMIC_ACQUIRE) ==
	       PAGE_MAP_ONE;
}

/* --- entries --- */
static inline struct page *pt_page(const struct pte *pte)
{
	return va_to_page((void *)((unsigned long)pte & PAGE_MASK));
}

static inline struct pte *pt_table(struct pte entry)
{
	return pa_to_va(pte_pa(entry));
}

static inline struct spinlock *pte_lock_of(const struct pte *pte)
{
	return &pt_page(pte)->ptl;
}

static inline void pte_store(struct pte *p, struct pte v)
{
	WRITE_ONCE(p->v, v.v);
}

#define PTE_NONE ((struct pte){ 0 })
#define PARK_TAG (1ull << 57)
#define PARK_SPECIAL (1ull << 56)
#define PARK_WRITABLE (1ull << 55)

static inline struct pte pte_park(struct pte p)
{
	return pte_make_swap(PARK_TAG | (pte_special(p) ? PARK_SPECIAL : 0) |
			     (pte_writable(p) ? PARK_WRITABLE : 0) |
			     pte_pa(p) >> PAGE_SHIFT);
}

static inline bool pte_is_parked(struct pte p)
{
	return pte_is_swap(p) && (pte_swap_value(p) & PARK_TAG);
}

static inline bool pte_park_writable(struct pte p)
{
	return pte_swap_value(p) & PARK_WRITABLE;
}

/* The page that a present or parked entry owns; NULL for special ones. */
static inline struct page *pte_page(struct pte p)
{
	if (likely(pte_present(p)))
		return pte_special(p) ? NULL : pa_to_page(pte_pa(p));
	if (pte_is_parked(p) && !(pte_swap_value(p) & PARK_SPECIAL))
		return pfn_to_page(pte_swap_value(p) & (PARK_WRITABLE - 1));
	return NULL;
}

/* The frame of a present or parked entry. */
static inline paddr_t pte_frame(struct pte p)
{
	if (pte_present(p))
		return pte_pa(p);
	return (pte_swap_value(p) & (PARK_WRITABLE - 1)) << PAGE_SHIFT;
}

/* Is the area mapped with any permission at all? */
static inline bool prot_is_none(unsigned prot)
{
	return !(prot & (PROT_R | PROT_W | PROT_X));
}

/* --- tables (pt.c) --- */
/* Entry for addr, or NULL if there is no leaf table. */
struct pte *pt_find(struct mm *mm, unsigned long addr);
/* The same, making tables: NULL without memory. May sleep. */
struct pte *pt_get(struct mm *mm, unsigned long addr);
/* First address at or above addr, below end, that has a leaf table; its
 * entry in *pte.  Returns end if there is none. */
unsigned long pt_next(struct mm *mm, unsigned long addr, unsigned long end,
		      struct pte **pte);
/* Frees tables that cover nothing outside [floor, ceiling) and lie in
 * [start, end): all their entries are none.  Puts them on `out`. */
void pt_free_range(struct mm *mm, unsigned long start, unsigned long end,
		   unsigned long floor, unsigned long ceiling,
		   struct list *out);
/* The two halves of that: leaf tables; all tables above, at the end. */
void pt_free_leaves(struct mm *mm, unsigned long start, unsigned long end,
		    unsigned long floor, unsigned long ceiling,
		    struct list *out);
void pt_free_mids(struct mm *mm, struct list *out);
void pt_put_tables(struct list *tables);
struct pte *pt_root_get(void);
void pt_root_put(struct pte *root);

static inline unsigned long pt_table_end(unsigned long addr, unsigned long end)
{
	unsigned long next = (addr + PMD_SIZE) & ~(PMD_SIZE - 1);

	return min(next, end);
}

/* Sets an entry that was none.  ptl held; earlier stores ordered. */
static inline void pte_install(struct pte *pte, struct pte v)
{
	pt_page(pte)->pt_used++;
	pte_write(pte, v);
}

/* --- TLB (tlb.c) --- */
/* After entries changed: no hart uses older ones once this returns, or before
 * it next runs the address space. May be called under spinlocks. */
void mm_flush(struct mm *mm);
/* Pages were mapped by faults: lets the TLB of an emulator grow. */
void tlb_note_fill(unsigned n);
void mm_switch_init(void);
/* Does a hart have its table loaded? */
bool mm_is_loaded(struct mm *mm);
/* Harts that run no user task let go of the space they have loaded. */
void mm_unload_lazy(void);

/* --- gathering (zap.c) --- */
#define GATHER_FIRST 32
struct gather_batch {
	struct gather_batch *next;
	u32 n, max;
	struct page *pages[];
};
struct gather {
	struct mm *mm;
	struct list anon;	/* exclusive pages, freed as they are */
	struct list tables;
	struct gather_batch *batch;
	struct page *first[GATHER_FIRST];
	u32 nr_first;
	bool needs_flush;
	bool is_exit;		/* nobody runs it any more: no flush, no ptl */
	s64 anon_n, file_n, shmem_n;
};
void gather_init(struct gather *g, struct mm *mm);
/* Flushes if needed, then frees. */
void gather_finish(struct gather *g);
/* Clears [start,end) of an area.  keep_anon: private copies stay.  False if
 * there is not even a table. */
bool zap_range(struct gather *g, struct vma *v, unsigned long start,
	       unsigned long end, bool keep_anon);
void rss_add(struct mm *mm, s64 anon, s64 file, s64 shmem);

/* --- areas (vma.c); map_lock held for writing unless said --- */
struct vma *vma_alloc(struct mm *mm, unsigned long start, unsigned long end,
		      unsigned long flags);
struct vma *vma_dup(const struct vma *v);
/* ops->close and free; off the tree and the mapping's list. */
void vma_release(struct vma *v);
void vma_insert(struct mm *mm, struct vma *v);
void vma_erase(struct mm *mm, struct vma *v);
/* Copies all areas (not their pages; references are not taken, lists not
 * joined) into an empty address space. */
int __must_check vma_copy_tree(struct mm *to, const struct mm *from);
void vma_link_file(struct vma *v);
void vma_unlink_file(struct vma *v);
struct vma *vma_prev(struct vma *v);
/* Moves the ends (the order of areas stays). */
void vma_set_range(struct vma *v, unsigned long start, unsigned long end);
/* Splits at addr: v keeps the lower part, *upper (may be NULL) is the new. */
int __must_check vma_split(struct vma *v, unsigned long addr,
			   struct vma **upper);
/* Joins v with neighbours that agree; returns the area that now covers it. */
struct vma *vma_merge(struct vma *v);
bool vma_can_merge(const struct vma *low, const struct vma *high);
void vma_set_flags(struct vma *v, unsigned long flags);
/* Its pages look unused; the caller flushes. map_lock held. */
void vma_forget_accesses(struct vma *v, unsigned long addr, unsigned long end);
/* Gives [start,end) of one area other flags (entries are not touched); *v is
 * the area that covers it afterwards. */
int __must_check vma_change_flags(struct vma **v, unsigned long start,
				  unsigned long end, unsigned long flags);
/* Highest free range of len below mmap_base; 0 if none. */
unsigned long vma_gap_below(struct mm *mm, unsigned long len,
			    unsigned long low, unsigned long high);
/* Lowest one at or above low. */
unsigned long vma_gap_above(struct mm *mm, unsigned long len,
			    unsigned long low, unsigned long high);
bool vma_overlaps(struct mm *mm, unsigned long start, unsigned long end);
/* Counts pages of an area into total_vm and kin. */
void vm_stat_account(struct mm *mm, unsigned long flags, s64 pages);
void mm_check(struct mm *mm);		/* debug builds: the whole tree */
static inline u64 vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}
static inline bool vma_is_anon(const struct vma *v)
{
	return !v->ops;
}
static inline u64 vma_index(const struct vma *v, unsigned long addr)
{
	return v->pgoff + ((addr - v->start) >> PAGE_SHIFT);
}
static inline bool is_shared_writable(const struct vma *v)
{
	return (v->flags & (VM_SHARED | VM_MAYWRITE)) ==
	       (VM_SHARED | VM_MAYWRITE);
}
static inline bool is_private_writable(unsigned long flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}
/* Writes to shared pages are to be noticed. */
static inline bool vma_tracks_dirty(const struct vma *v)
{
	return (v->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) &&
	       v->mapping && !mapping_is_shmem(v->mapping);
}

#define STACK_GUARD_GAP (256ul << PAGE_SHIFT)
/* Where an area begins for the gap search: stacks keep a guard below. */
static inline unsigned long vma_start_gap(const struct vma *v)
{
	if (!(v->flags & VM_GROWSDOWN))
		return v->start;
	return v->start > STACK_GUARD_GAP ? v->start - STACK_GUARD_GAP : 0;
}

/* --- limits (limits.c) --- */
u64 rlimit_of(unsigned resource);
bool mm_capable(int cap);
/* vm_commit(), where `back` pages of other promises are to be given back. */
int __must_check vm_commit_instead(u64 pages, u64 back);
/* RLIMIT_AS and RLIMIT_DATA. */
bool may_expand_vm(struct mm *mm, unsigned long flags, u64 pages);
/* RLIMIT_MEMLOCK, if VM_LOCKED is in flags. */
bool may_lock_more(struct mm *mm, unsigned long flags, u64 bytes);

/* --- mapping and unmapping --- */
/* map_lock held for writing.  Takes areas of the range out and puts them on
 * `dead` (vma.mapping_node), to be passed to areas_release() unlocked. */
int __must_check unmap_range_locked(struct mm *mm, unsigned long start,
				    unsigned long end, struct list *dead);
void areas_release(struct list *dead);
int __must_check mm_pick_address(struct mm *mm, unsigned long hint,
				 unsigned long len, unsigned flags,
				 unsigned long *out);
/* Faults the range in as its areas allow. Takes map_lock. */
int __must_check mm_populate(struct mm *mm, unsigned long start,
			     unsigned long end, bool ignore_errors);

/* --- faults --- */
/* 0; -EFAULT (no permission), -EIO or -ENXIO, -ENOMEM, -EINTR.  map_lock held
 * shared. */
int __must_check fault_page(struct vma *v, unsigned long addr, unsigned flags);
/* An entry for a frame as the area allows, less writing if not asked for. */
struct pte vma_pte(const struct vma *v, paddr_t pa, bool writable);
/* A fresh page becomes an anonymous one with one entry. */
void page_set_anon(struct page *p, unsigned long addr);
/* vDSO areas (special.c). */
bool vma_is_special(const struct vma *v);
int __must_check fault_special(struct vma *v);
/* File side (fault_file.c). */
int __must_check fault_file(struct vma *v, unsigned long addr, struct pte *pte,
			    unsigned flags);
int __must_check fault_mkwrite(struct vma *v, unsigned long addr,
			       struct pte *pte, struct pte old);
/* Finds the area, growing a stack; map_lock is held shared on success. */
struct vma *fault_find_vma_relock(struct mm *mm, unsigned long addr);
int __must_check stack_expand_locked(struct vma *v, unsigned long addr);
