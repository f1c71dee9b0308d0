/*
 * home - where the images of programs and libraries go in an address space.
 *
 * Theory: with randomisation, Linux draws the place of every image for every
 *         exec.  An emulator that keeps translated code by virtual address
 *         then translates libc anew each time: milliseconds, twenty times
 *         what the rest of an exec costs.  Start-up measures whether this
 *         machine is such a one.  If it is, the place of an image is drawn
 *         once, when it is first mapped, and kept for as long as its inode
 *         is cached: its home.  Every process tries the home first and takes
 *         another place if something lies there.  Stack, heap and anonymous
 *         memory are drawn for each exec in any case; so is everything on
 *         machines that do not mind.  `image_aslr=exec` and `=boot` overrule
 *         the measurement.
 *         The price: whoever learns a library's address in one process knows
 *         it in all, as on systems that share one copy of their libraries.
 * Locks:  home_lock guards the cursor; a mapping's home is written once.
 */
#include <arch/cpu.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <lib/siphash.h>
#include <lib/string.h>
#include <mm/mm.h>
#include "mm_impl.h"

/* Between the programs (TASK_SIZE / 3 * 2 and some GiB) and mmap_base. */
#define HOMES_START (192ul << 30)
#define HOMES_END (224ul << 30)
#define START_BITS 22			/* 16 GiB of pages */
#define DISTANCE_BITS 4
#define PROGRAM_BITS 18
#define PROBE_VA (KERNEL_BASE - (16ul << 20))
#define PROBE_RUNS 3
#define DEAR_NS 500

enum { BY_PRICE, PER_BOOT, PER_EXEC };

static int chosen;
static bool has_homes;			/* const after init */
static struct siphash_key program_key;	/* const after init */
static struct spinlock home_lock = SPINLOCK_INIT(RANK_LEAF, "home");
static unsigned long start;		/* const after init */
static unsigned long cursor __guarded_by(&home_lock);

static void set_image_aslr(const char *value)
{
	if (str_equal(value, "boot"))
		chosen = PER_BOOT;
	else if (str_equal(value, "exec"))
		chosen = PER_EXEC;
	else
		pr_warn("image_aslr=%s: neither boot nor exec\n", value);
}
PARAM("image_aslr", set_image_aslr);

static u64 price_at(unsigned long va)
{
	paddr_t row = arch_block_row();
	u64 ns;

	if (kernel_map(va, row & PAGE_MASK, PAGE_SIZE, PROT_R | PROT_X,
		       kernel_table_page))
		return 0;
	tlb_flush_local();
	ns = arch_block_price_ns(va + (row & ~PAGE_MASK));
	kernel_unmap(va, PAGE_SIZE);
	return ns;
}

/* The least of a few: the machine below may have been busy otherwise. */
static u64 move_price(void)
{
	u64 least = ~0ull;

	for (unsigned long i = 0; i < PROBE_RUNS; i++)
		least = min(least, price_at(PROBE_VA + i * PAGE_SIZE));
	return least;
}

static void home_init(void)
{
	u64 ns = move_price();

	has_homes = chosen == PER_BOOT || (chosen == BY_PRICE && ns > DEAR_NS);
	start = HOMES_START +
		((random_u64() & ((1ul << START_BITS) - 1)) << PAGE_SHIFT);
	cursor = start;
	program_key = (struct siphash_key){ { random_u64(), random_u64() } };
	pr_info("mm: code at a new address costs %llu ns a block: images are "
		"placed once per %s\n", ns, has_homes ? "boot" : "exec");
}
INIT(INIT_MM, home_init);

static unsigned long take_home(size_t len)
{
	unsigned long at, distance;

	distance = (1 + (random_u64() & ((1ul << DISTANCE_BITS) - 1)))
		<< PAGE_SHIFT;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (len > HOMES_END - HOMES_START - distance - (start - HOMES_START))
		return 0;
	spin_lock(&home_lock);
	if (cursor + len + distance > HOMES_END)
		cursor = start;
	at = cursor;
	cursor += len + distance;
	spin_unlock(&home_lock);
	return at;
}

unsigned long image_home(struct mapping *m, size_t len)
{
	unsigned long none = 0, home = READ_ONCE(m->home);

	if (!has_homes || home)
		return has_homes ? home : 0;
	home = take_home(len);
	if (!__atomic_compare_exchange_n(&m->home, &none, home, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		home = none;
	return home;
}

unsigned long program_offset(struct mapping *m)
{
	u64 draw = has_homes ? siphash_2u64((uintptr_t)m, 0, &program_key)
			     : random_u64();

	return (draw & ((1ul << PROGRAM_BITS) - 1)) << PAGE_SHIFT;
}
