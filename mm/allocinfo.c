/*
 * allocinfo - who holds memory: each object and each frame in use, by the
 * place in the kernel that asked for it.  For /proc/allocinfo, and so for
 * tests that compare what is held before and after.
 *
 * Theory:  an allocation notes its site, the innermost return address that does
 *          not lie in a function whose business is to hand memory on.  Those
 *          are known by name, and found in the kernel's own symbols when that
 *          table can be read; what start-up took before is charged to them.
 *          Reading walks all frames, and all objects of those that are slabs,
 *          and adds up by site in a hash table.
 *          Rejected: counters for each site that allocation and release keep.
 *          They count wrongly what was taken before they began, and a walk
 *          also finds what a counter cannot: an object that nobody counts.
 * Locks:   none: what changes during the walk may be counted or not.  A frame
 *          may cease to be a slab at any time, which only makes it be counted
 *          wrongly: its memory stays readable, and caches live for ever.
 * Context: notes: any.
 */
#include <kernel/config.h>

#if CONFIG_POISON
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <sched/sched.h>
#include "mm_impl.h"

#define MAX_RANGES 48u
#define SITE_BITS 12u
#define MAX_SITES (1u << SITE_BITS)

/* Functions that hand memory on. */
static const char *const passers[] = {
	"page_alloc", "pages_alloc_va", "slab_alloc", "alloc_from_slabs",
	"kmalloc", "kzalloc", "kmalloc_array", "krealloc", "kmemdup",
	"kstrdup", "kstrndup", "kvmalloc", "kvzalloc",
	"alloc_large", "alloc_slow", "check_alloc", "vmalloc", "vzalloc",
	"vmalloc_gfp", "area_create", "area_fill", "alloc_site",
};

/* const once nr_ranges says so */
static struct {
	u32 start, end;		/* from _text */
} ranges[MAX_RANGES];
static u32 nr_ranges;

static u32 text_offset(unsigned long pc)
{
	return (u32)(pc - (unsigned long)_text);
}

static bool is_passer(u32 off)
{
	u32 n = load_acquire(&nr_ranges);

	for (u32 i = 0; i < n; i++)
		if (off > ranges[i].start && off <= ranges[i].end)
			return true;
	return false;
}

static bool note_caller(void *arg, unsigned long pc)
{
	*(u32 *)arg = text_offset(pc);
	return is_passer(text_offset(pc));
}

u32 alloc_site(void)
{
	u32 site = 1;

	arch_stack_walk(current, note_caller, &site);
	return site;
}

/* The compiler's own copies of a function are called NAME.something. */
static bool is_passer_name(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(passers); i++) {
		size_t n = strlen(passers[i]);

		if (!strncmp(name, passers[i], n) &&
		    (!name[n] || name[n] == '.'))
			return true;
	}
	return false;
}

static void find_passers(void)
{
	unsigned long addr;
	char name[64], type;
	u32 n = 0;
	bool was = false;

	for (size_t i = 0; symbol_nth(i, &addr, &type, name, sizeof(name));
	     i++) {
		if (was)
			ranges[n++].end = text_offset(addr);
		was = n < MAX_RANGES && is_passer_name(name);
		if (was)
			ranges[n].start = text_offset(addr);
	}
	store_release(&nr_ranges, n);
}
INIT(INIT_CORE, find_passers);

/* --- adding up --- */

static struct alloc_sum *sum_of(struct alloc_sum *sums, u32 site)
{
	u32 i = hash32(site, SITE_BITS);

	for (u32 n = 0; n < MAX_SITES; n++, i = (i + 1) & (MAX_SITES - 1))
		if (!sums[i].site || sums[i].site == site)
			return &sums[i];
	return NULL;
}

static void add(void *arg, u32 site, size_t bytes)
{
	struct alloc_sum *s = sum_of(arg, site);

	if (!s)
		return;
	s->site = site;
	s->bytes += bytes;
	s->calls++;
}

static void add_frame(struct alloc_sum *sums, struct page *p)
{
	u32 site = READ_ONCE(p->site[0]);

	if (page_test(p, PG_SLAB))
		slab_for_each_used(p, add, sums);
	else if (site)
		add(sums, site, PAGE_SIZE);
}

static void add_range(struct alloc_sum *sums, const struct mem_range *r)
{
	pfn_t end = r->end >> PAGE_SHIFT;

	for (pfn_t pfn = r->start >> PAGE_SHIFT; pfn < end; pfn++) {
		if (pfn_valid(pfn))
			add_frame(sums, pfn_to_page(pfn));
		if (!(pfn & 511))
			cond_resched();
	}
}

struct alloc_sum *alloc_sums(unsigned *n)
{
	struct alloc_sum *sums = vzalloc(MAX_SITES * sizeof(*sums));

	*n = sums ? MAX_SITES : 0;
	for (unsigned i = 0; sums && i < boot_ram_count; i++)
		add_range(sums, &boot_ram[i]);
	return sums;
}
#endif
