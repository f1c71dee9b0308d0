/*
 * frames - files about physical memory and the devices beside it: zoneinfo,
 * kpageflags, kpagecount, iomem, ioports.
 */
#include "proc_impl.h"
#include <arch/mmu.h>
#include <drivers/driver.h>
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>

/* --- zoneinfo: one node with one zone ----------------------------------*/
static void put_item(struct seq *s, const char *name, u64 n)
{
	seq_printf(s, "        %-8s %llu\n", name, n);
}

static u64 ram_pages(void)
{
	u64 n = 0;

	for (unsigned i = 0; i < boot_ram_count; i++)
		n += (boot_ram[i].end - boot_ram[i].start) >> PAGE_SHIFT;
	return n;
}

static int zoneinfo_show(struct seq *s, void *arg)
{
	const struct mem_range *last = &boot_ram[boot_ram_count - 1];
	const char *name;
	long n;

	seq_puts(s, "Node 0, zone   Normal\n  per-node stats\n");
	for (enum vmstat i = VM_FILE; i <= VM_INACTIVE_ANON; i++) {
		if (i == VM_BUFFERS)
			continue;	/* counted elsewhere */
		name = vmstat_name(i);
		n = vmstat_read(i);
		seq_printf(s, "      %-12s %ld\n", name, max(n, 0l));
	}
	seq_printf(s, "  pages free     %llu\n", mem_free_pages());
	put_item(s, "min", READ_ONCE(watermarks.min));
	put_item(s, "low", READ_ONCE(watermarks.low));
	put_item(s, "high", READ_ONCE(watermarks.high));
	put_item(s, "spanned",
		 (last->end - boot_ram[0].start) >> PAGE_SHIFT);
	put_item(s, "present", ram_pages());
	put_item(s, "managed", mem_total_pages());
	seq_printf(s, "  start_pfn:           %llu\n",
		   (u64)(boot_ram[0].start >> PAGE_SHIFT));
	return 0;
}

/* --- kpageflags, kpagecount: a word for each frame ------------------------*/
static ssize_t frames_read(struct iter *it, u64 *pos, bool is_count)
{
	pfn_t end = boot_ram[boot_ram_count - 1].end >> PAGE_SHIFT;
	ssize_t done = 0;
	u64 word;

	if (*pos % 8 || it->count % 8)
		return -EINVAL;
	for (; it->count && *pos / 8 < end; *pos += 8, done += 8) {
		word = is_count ? frame_mapcount(*pos / 8) :
				  frame_flags(*pos / 8);
		if (copy_to_iter(&word, 8, it) != 8)
			return done ? done : -EFAULT;
		if (*pos / 8 % 512 == 0)
			cond_resched();
	}
	return done;
}

static ssize_t flags_read(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	return frames_read(it, pos, false);
}

static ssize_t count_read(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	return frames_read(it, pos, true);
}

static const struct file_ops flags_fops = {
	.read_iter = flags_read,
	.llseek = seq_llseek,
};
static const struct file_ops count_fops = {
	.read_iter = count_read,
	.llseek = seq_llseek,
};

/* --- iomem --------------------------------------------------------------*/
struct region {
	u64 start, end;			/* inclusive */
	const char *name;
	unsigned depth;
};
#define MAX_REGIONS 128

struct regions {
	unsigned n;
	struct region r[MAX_REGIONS];
};

/* In order of address; the larger of two that begin together first. */
static void add_region(struct regions *all, u64 start, u64 end,
		       const char *name, unsigned depth)
{
	unsigned i = all->n;

	if (all->n == MAX_REGIONS || end <= start)
		return;
	for (; i && (all->r[i - 1].start > start ||
		     (all->r[i - 1].start == start &&
		      all->r[i - 1].depth > depth)); i--)
		all->r[i] = all->r[i - 1];
	all->r[i] = (struct region){ start, end - 1, name, depth };
	all->n++;
}

static void add_kernel(struct regions *all, const char *from, const char *to,
		       const char *name, unsigned depth)
{
	paddr_t pa = image_to_pa(from);

	add_region(all, pa, pa + (u64)(to - from), name, depth);
}

static void find_regions(struct regions *all)
{
	struct device *d = NULL;
	struct fdt_region reg;

	for (unsigned i = 0; i < boot_ram_count; i++)
		add_region(all, boot_ram[i].start, boot_ram[i].end,
			   "System RAM", 0);
	add_kernel(all, _text, _end, "Kernel image", 1);
	add_kernel(all, _text, _etext, "Kernel code", 2);
	add_kernel(all, _rodata, _erodata, "Kernel rodata", 2);
	add_kernel(all, _data, _edata, "Kernel data", 2);
	add_kernel(all, _bss, _ebss, "Kernel bss", 2);
	while ((d = device_next(d)))
		for (u32 i = 0; i < d->nr_maps; i++)
			if (!fdt_reg(device_fdt(), d->fdt_node, i, &reg))
				add_region(all, reg.base, reg.base + reg.size,
					   d->name, 0);
}

/* Only root learns where things are. */
static int iomem_show(struct seq *s, void *arg)
{
	struct regions *all = kzalloc(sizeof(*all), GFP_KERNEL);
	bool may_see = capable(CAP_SYS_ADMIN);

	if (!all)
		return -ENOMEM;
	find_regions(all);
	for (unsigned i = 0; i < all->n; i++) {
		const struct region *r = &all->r[i];

		for (unsigned k = 0; k < r->depth; k++)
			seq_puts(s, "  ");
		seq_printf(s, "%08llx-%08llx : %s\n", may_see ? r->start : 0,
			   may_see ? r->end : 0, r->name);
	}
	kfree(all);
	return 0;
}

/* The ISA has no port space, and nothing here drives one behind a bus. */
static int ioports_show(struct seq *s, void *arg)
{
	return 0;
}

static const struct proc_entry entries[] = {
	{ .name = "iomem", .mode = 0444, .show = iomem_show },
	{ .name = "ioports", .mode = 0444, .show = ioports_show },
	{ .name = "kpagecount", .mode = 0400, .fops = &count_fops },
	{ .name = "kpageflags", .mode = 0400, .fops = &flags_fops },
	{ .name = "zoneinfo", .mode = 0444, .show = zoneinfo_show },
};

static void frames_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, frames_init);
