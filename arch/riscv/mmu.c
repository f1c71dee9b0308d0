/*
 * mmu - page-table entries, kernel mappings at run time, and the TLB.
 *
 * Theory:  three levels (Sv39).  The upper half of every root holds the same
 *          entries, made at start-up and never changed after, so a kernel
 *          mapping needs no propagation.  Nothing is flushed when an entry
 *          becomes valid: a hart that remembered its absence faults once, and
 *          the trap code flushes and retries (trap.c).
 *          Each load of another root takes the next address-space id of this
 *          hart, so it starts with an empty TLB without a fence; when the ids
 *          are used up, and always on harts that have none, one is issued.
 * Locks:   kernel_map() and kernel_unmap() are serialised by their caller.
 * Context: mmu_load() with the task pinned; flushes anywhere.
 */
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <kernel/assert.h>
#include <kernel/atomic.h>
#include <kernel/hart.h>
#include <lib/bitmap.h>
#include <lib/errno.h>
#include <lib/string.h>

#include "csr_impl.h"
#include "mmu_impl.h"
#include "sbi_impl.h"
#include "smp_impl.h"

#define PTE_V	0x01
#define PTE_R	0x02
#define PTE_W	0x04
#define PTE_X	0x08
#define PTE_U	0x10
#define PTE_G	0x20
#define PTE_A	0x40
#define PTE_D	0x80
#define PTE_PROT (PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_G | PTE_A | PTE_D)

struct pte *kernel_root;
unsigned long direct_map_offset;
paddr_t image_pa __section(".data");

/* What each hart's satp holds, and its next address-space id. this hart */
struct hart_mmu {
	paddr_t root;
	u32 next_asid;
};
static DEFINE_PER_HART(struct hart_mmu, hart_mmu);

static u64 prot_bits(unsigned prot)
{
	u64 v = PTE_V | PTE_A;

	if (prot & PROT_R)
		v |= PTE_R;
	if (prot & PROT_W)
		v |= PTE_R | PTE_W | PTE_D;
	if (prot & PROT_X)
		v |= PTE_X;
	if (prot & PROT_USER)
		v |= PTE_U;
	if (prot & PROT_GLOBAL)
		v |= PTE_G;
	/* no access: kept invalid, but not empty */
	if (!(v & (PTE_R | PTE_X)))
		v &= ~(u64)PTE_V;
	return v;
}

struct pte pte_make(paddr_t pa, unsigned prot)
{
	return (struct pte){ pa >> PAGE_SHIFT << 10 | prot_bits(prot) };
}

struct pte pte_set_prot(struct pte p, unsigned prot)
{
	/* what was written stays known */
	return (struct pte){ (p.v & ~(u64)(PTE_PROT & ~PTE_D)) |
			     prot_bits(prot) };
}

struct pte pte_make_table(paddr_t table)
{
	return (struct pte){ table >> PAGE_SHIFT << 10 | PTE_V };
}

paddr_t image_to_pa(const void *va)
{
	unsigned long a = (unsigned long)va;

	return a >= KERNEL_BASE ? a - KERNEL_BASE + image_pa : va_to_pa(va);
}

void pt_root_init(struct pte *root)
{
	const unsigned half = PTRS_PER_TABLE / 2;

	memset(root, 0, half * sizeof(*root));
	memcpy(root + half, kernel_root + half, half * sizeof(*root));
}

/* The entry of va at the given level, making tables on the way with alloc;
 * NULL if there is none, or a leaf above. */
static struct pte *kernel_walk(unsigned long va, unsigned level,
			       paddr_t (*alloc)(void))
{
	struct pte *table = kernel_root;
	paddr_t pa;

	for (unsigned l = PT_LEVELS - 1; l > level; l--) {
		struct pte *e = &table[pt_index(va, l)];

		if (pte_none(*e)) {
			pa = alloc ? alloc() : 0;
			if (!pa)
				return NULL;
			pte_write(e, pte_make_table(pa));
		} else if (pte_is_leaf(*e)) {
			return NULL;
		}
		table = pa_to_va(pte_pa(*e));
	}
	return &table[pt_index(va, level)];
}

static bool fits_pmd(unsigned long va, paddr_t pa, size_t size)
{
	return IS_ALIGNED(va | pa, PMD_SIZE) && size >= PMD_SIZE;
}

int kernel_map(unsigned long va, paddr_t pa, size_t size, unsigned prot,
	       paddr_t (*alloc)(void))
{
	unsigned long start = va;

	assert(IS_ALIGNED(va | pa | size, PAGE_SIZE));
	while (size) {
		struct pte *e = NULL;
		size_t step = PAGE_SIZE;

		if (fits_pmd(va, pa, size)) {
			e = kernel_walk(va, 1, alloc);
			if (e && pte_none(*e))
				step = PMD_SIZE;
			else
				e = NULL;
		}
		if (!e)
			e = kernel_walk(va, 0, alloc);
		if (!e) {
			kernel_unmap(start, va - start);
			return -ENOMEM;
		}
		BUG_ON(pte_present(*e));
		pte_write(e, pte_make(pa, prot | PROT_GLOBAL));
		va += step;
		pa += step;
		size -= step;
	}
	return 0;
}

/* Clears one leaf at va; its size. */
static size_t unmap_one(unsigned long va, size_t size)
{
	struct pte *e = kernel_walk(va, 1, NULL);

	if (!e || pte_none(*e))
		return PAGE_SIZE;
	if (pte_is_leaf(*e)) {
		BUG_ON(!IS_ALIGNED(va, PMD_SIZE) || size < PMD_SIZE);
		pte_write(e, (struct pte){ 0 });
		return PMD_SIZE;
	}
	e = kernel_walk(va, 0, NULL);
	pte_write(e, (struct pte){ 0 });
	return PAGE_SIZE;
}

void kernel_unmap_unflushed(unsigned long va, size_t size)
{
	while (size) {
		size_t step = unmap_one(va, size);

		va += step;
		size -= step;
	}
}

void kernel_unmap(unsigned long va, size_t size)
{
	if (!size)
		return;
	kernel_unmap_unflushed(va, size);
	tlb_flush_harts(&online_harts);
}

/* The leaf of a kernel address and the size it maps. */
static struct pte kernel_leaf(unsigned long va, size_t *size)
{
	struct pte *table = kernel_root;

	for (int l = PT_LEVELS - 1; l >= 0 && table; l--) {
		struct pte e = pte_read(&table[pt_index(va, (unsigned)l)]);

		*size = 1ul << (PAGE_SHIFT + 9 * l);
		if (!pte_present(e) || pte_is_leaf(e))
			return e;
		table = pa_to_va(pte_pa(e));
	}
	return (struct pte){ 0 };
}

paddr_t kernel_va_to_pa(unsigned long va)
{
	size_t size = PAGE_SIZE;
	struct pte e;

	if (va < DIRECT_MAP_BASE)
		return 0;
	e = kernel_leaf(va, &size);
	return pte_present(e) ? pte_pa(e) + (va & (size - 1)) : 0;
}

bool kernel_access_ok(unsigned long va, unsigned flags)
{
	size_t size;
	struct pte e;

	if (va < DIRECT_MAP_BASE || !kernel_root)
		return false;
	e = kernel_leaf(va, &size);
	if (!pte_is_leaf(e) || pte_is_user(e))
		return false;
	if (flags & FAULT_WRITE)
		return pte_writable(e);
	return flags & FAULT_EXEC ? pte_executable(e) : pte_readable(e);
}

unsigned long satp_of(paddr_t root)
{
	return SATP_SV39 | root >> PAGE_SHIFT;
}

unsigned long kernel_satp(void)
{
	return satp_of(va_to_pa(kernel_root));
}

void __hot mmu_load(paddr_t root, u32 asid)
{
	struct hart_mmu *m = &per_hart(hart_mmu, hart_id());
	unsigned long id;

	if (m->root == root)
		return;
	m->root = root;
	current->hart->tlb_flushes++;
	/* id 0 is the kernel table's, from start-up */
	id = ++m->next_asid;
	if (likely(id < 1u << cpu_asid_bits)) {
		csr_write(satp, satp_of(root) | id << SATP_ASID_SHIFT);
		return;
	}
	m->next_asid = 0;
	csr_write(satp, satp_of(root));
	tlb_flush_local();
}

paddr_t mmu_loaded(void)
{
	return per_hart(hart_mmu, hart_id()).root;
}

/* On a hart that came up with the kernel's table. */
void mmu_hart_init(void)
{
	per_hart(hart_mmu, hart_id()).root = va_to_pa(kernel_root);
	tlb_flush_local();
}

void tlb_flush_local(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

/*
 * Flushes of other harts.  A hart that polls in idle is asked by a word, and
 * answers within a fraction of a microsecond; all others are flushed by the
 * firmware, which needs no help of the hart's kernel: no deadlock, whatever
 * they hold or wait for.  A polling hart that does not answer in time is left
 * to the firmware as well.
 */
static struct tlb_box {
	u64 asked;	/* atomic */
	u64 done;	/* that hart writes */
} __aligned(64) tlb_boxes[MAX_HARTS];

#define TLB_WAIT_US 20

void arch_ipi_tlb(void)
{
	struct tlb_box *b = &tlb_boxes[hart_id()];
	u64 asked = __atomic_load_n(&b->asked, __ATOMIC_ACQUIRE);

	if (likely(asked == b->done))
		return;
	tlb_flush_local();
	current->hart->tlb_remote++;
	__atomic_store_n(&b->done, asked, __ATOMIC_RELEASE);
}

/* Waits for the harts asked; the mask of those that did not answer. */
static u64 tlb_wait(u64 mask, const u64 *ticket)
{
	u64 end = arch_read_time() + boot_timebase * TLB_WAIT_US / 1000000 + 1;

	while (mask) {
		u32 i = __ffs64(mask);

		arch_ipi_tlb();
		if (__atomic_load_n(&tlb_boxes[i].done, __ATOMIC_ACQUIRE) >=
		    ticket[i])
			mask &= mask - 1;
		else if (arch_read_time() > end)
			break;
		else
			cpu_relax();
	}
	return mask;
}

void tlb_flush_harts(const struct cpumask *mask)
{
	u64 ticket[MAX_HARTS], asked = 0, rest;
	u64 others = READ_ONCE(mask->bits);
	struct hart *self = hart_pin();

	if (others >> self->id & 1) {
		others &= ~(1ull << self->id);
		tlb_flush_local();
	}
	/* the entries' stores before the look at who runs what */
	smp_mb();
	rest = others;
	for (u64 m = others; m; m &= m - 1) {
		u32 i = __ffs64(m);

		if (!READ_ONCE(harts[i].polling))
			continue;
		ticket[i] = fetch_add(&tlb_boxes[i].asked, 1) + 1;
		ipi_send(&harts[i], IPI_TLB);
		asked |= 1ull << i;
	}
	rest &= ~asked;
	if (rest)
		sbi_remote_sfence(rest);
	rest = tlb_wait(asked, ticket);
	if (rest)
		sbi_remote_sfence(rest);
	hart_unpin();
}

void icache_flush_all(void)
{
	u64 others;

	__asm__ volatile("fence rw, rw\n\tfence.i" ::: "memory");
	if (cpu_icache_coherent)
		return;
	others = online_harts.bits & ~(1ull << hart_pin()->id);
	if (others)
		sbi_remote_fence_i(others);
	hart_unpin();
}
