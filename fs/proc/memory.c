/*
 * memory - files about memory: meminfo, vmstat, buddyinfo, slabinfo, swaps, and
 * allocinfo in debug builds.
 *
 * Only what is counted is shown: readers look for names, and take what is
 * missing for zero.
 */
#include "proc_impl.h"
#include <fs/device.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/vmap.h>

static void put_pages(struct seq *s, const char *name, u64 pages)
{
	seq_printf(s, "%-15s %8llu kB\n", name, pages << (PAGE_SHIFT - 10));
}

static u64 count(enum vmstat item)
{
	long n = vmstat_read(item);

	return n > 0 ? (u64)n : 0;
}

/* Pages of block devices' own caches: what Linux calls buffers. */
static u64 buffer_pages(void)
{
	struct block_device *b = NULL;
	u64 n = 0;

	while ((b = blkdev_next(b)))
		if (b->inode)
			n += READ_ONCE(b->inode->data.nr_pages);
	return n;
}

static void put_lru(struct seq *s)
{
	u64 active_anon = count(VM_ACTIVE_ANON);
	u64 inactive_anon = count(VM_INACTIVE_ANON);
	u64 active_file = count(VM_ACTIVE_FILE);
	u64 inactive_file = count(VM_INACTIVE_FILE);

	put_pages(s, "Active:", active_anon + active_file);
	put_pages(s, "Inactive:", inactive_anon + inactive_file);
	put_pages(s, "Active(anon):", active_anon);
	put_pages(s, "Inactive(anon):", inactive_anon);
	put_pages(s, "Active(file):", active_file);
	put_pages(s, "Inactive(file):", inactive_file);
}

static u64 reclaimable_slab_pages(void)
{
	struct slab_info c;
	u64 n = 0;

	for (unsigned i = 0; slab_info(i, &c); i++)
		if (c.is_reclaimable)
			n += c.slabs * c.pages_per_slab;
	return n;
}

static void put_slab(struct seq *s)
{
	u64 all = count(VM_SLAB), can = min(reclaimable_slab_pages(), all);

	put_pages(s, "KReclaimable:", can);
	put_pages(s, "Slab:", all);
	put_pages(s, "SReclaimable:", can);
	put_pages(s, "SUnreclaim:", all - can);
}

static int meminfo_show(struct seq *s, void *arg)
{
	u64 buffers = buffer_pages(), file = count(VM_FILE);

	put_pages(s, "MemTotal:", mem_total_pages());
	put_pages(s, "MemFree:", mem_free_pages());
	put_pages(s, "MemAvailable:", mem_available_pages());
	put_pages(s, "Buffers:", buffers);
	put_pages(s, "Cached:", file > buffers ? file - buffers : 0);
	put_pages(s, "SwapCached:", 0);
	put_lru(s);
	put_pages(s, "SwapTotal:", 0);
	put_pages(s, "SwapFree:", 0);
	put_pages(s, "Dirty:", count(VM_DIRTY));
	put_pages(s, "Writeback:", count(VM_WRITEBACK));
	put_pages(s, "AnonPages:", count(VM_ANON));
	put_pages(s, "Mapped:", count(VM_MAPPED));
	put_pages(s, "Shmem:", count(VM_SHMEM));
	put_slab(s);
	put_pages(s, "KernelStack:", count(VM_KSTACK));
	put_pages(s, "PageTables:", count(VM_TABLES));
	put_pages(s, "CommitLimit:", vm_commit_limit_pages());
	put_pages(s, "Committed_AS:", vm_committed_pages());
	put_pages(s, "VmallocTotal:", (VMAP_END - VMAP_BASE) >> PAGE_SHIFT);
	put_pages(s, "VmallocUsed:", count(VM_VMALLOC));
	put_pages(s, "VmallocChunk:", 0);
	return 0;
}

static int vmstat_show(struct seq *s, void *arg)
{
	const char *name;

	for (enum vmstat i = 0; (name = vmstat_name(i)); i++) {
		seq_puts(s, name);
		seq_u64(s, " ", i == VM_BUFFERS ? buffer_pages() : count(i));
		seq_putc(s, '\n');
	}
	seq_puts(s, "pswpin 0\npswpout 0\n");
	return 0;
}

static int buddyinfo_show(struct seq *s, void *arg)
{
	u64 free[MAX_ORDER + 1];

	buddy_stats(free);
	seq_puts(s, "Node 0, zone   Normal ");
	for (unsigned i = 0; i <= MAX_ORDER; i++)
		seq_printf(s, "%6llu ", free[i]);
	seq_putc(s, '\n');
	return 0;
}

static int slabinfo_show(struct seq *s, void *arg)
{
	struct slab_info c;

	seq_puts(s, "slabinfo - version: 2.1\n"
		    "# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab> : tunables <limit> "
		    "<batchcount> <sharedfactor> : slabdata <active_slabs> "
		    "<num_slabs> <sharedavail>\n");
	for (unsigned i = 0; slab_info(i, &c); i++)
		seq_printf(s, "%-17s %6llu %6llu %6u %4u %4u : tunables "
			      "%4u %4u %4u : slabdata %6llu %6llu %6u\n",
			   c.name, c.active, c.total, c.size, c.per_slab,
			   c.pages_per_slab, 0, 0, 0, c.slabs, c.slabs, 0);
	return 0;
}

/* As Linux's, with a place in the function where Linux has a file's line. */
static void put_site(struct seq *s, const struct alloc_sum *a)
{
	char name[96], *plus;

	symbol_format((unsigned long)_text + a->site, name, sizeof(name));
	plus = strchr(name, '+');
	if (plus)
		*plus = '\0';
	seq_printf(s, "%12llu %8llu 0x%x func:%s\n", a->bytes, a->calls,
		   a->site, name);
}

static int allocinfo_show(struct seq *s, void *arg)
{
	unsigned n;
	struct alloc_sum *sums = alloc_sums(&n);

	if (!sums)
		return -ENOMEM;
	seq_puts(s, "allocinfo - version: 1.0\n"
		    "#     <size>  <calls> <tag info>\n");
	for (unsigned i = 0; i < n; i++)
		if (sums[i].site)
			put_site(s, &sums[i]);
	vfree(sums);
	return 0;
}

static const struct proc_entry debug_entries[] = {
	{ .name = "allocinfo", .mode = 0400, .show = allocinfo_show },
};

static int swaps_show(struct seq *s, void *arg)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static const struct proc_entry entries[] = {
	{ .name = "buddyinfo", .mode = 0444, .show = buddyinfo_show },
	{ .name = "meminfo", .mode = 0444, .show = meminfo_show },
	{ .name = "slabinfo", .mode = 0400, .show = slabinfo_show },
	{ .name = "swaps", .mode = 0444, .show = swaps_show },
	{ .name = "vmstat", .mode = 0444, .show = vmstat_show },
};

static void memory_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
	if (CONFIG_POISON)
		proc_register(debug_entries, ARRAY_SIZE(debug_entries));
}
INIT(INIT_FS, memory_init);
