/*
 * meminfo - counters of memory: per hart, summed by the reader.
 */
#include <lib/compiler.h>
#include <mm/mm.h>
#include "mm_impl.h"

static_assert(NR_VMSTAT <= ARRAY_SIZE(((struct hart *)0)->vmstat), "vmstat");

static const char *const names[NR_VMSTAT] = {
	[VM_FREE] = "nr_free_pages",
	[VM_FILE] = "nr_file_pages",
	[VM_ANON] = "nr_anon_pages",
	[VM_SHMEM] = "nr_shmem",
	[VM_MAPPED] = "nr_mapped",
	[VM_DIRTY] = "nr_dirty",
	[VM_WRITEBACK] = "nr_writeback",
	[VM_SLAB] = "nr_slab",
	[VM_TABLES] = "nr_page_table_pages",
	[VM_KSTACK] = "nr_kernel_stack",
	[VM_VMALLOC] = "nr_vmalloc",
	[VM_BUFFERS] = "nr_buffers",
	[VM_ACTIVE_FILE] = "nr_active_file",
	[VM_INACTIVE_FILE] = "nr_inactive_file",
	[VM_ACTIVE_ANON] = "nr_active_anon",
	[VM_INACTIVE_ANON] = "nr_inactive_anon",
	[VM_FAULT] = "pgfault",
	[VM_MAJFAULT] = "pgmajfault",
	[VM_PGPGIN] = "pgpgin",
	[VM_PGPGOUT] = "pgpgout",
	[VM_ALLOC] = "pgalloc_normal",
	[VM_FREED] = "pgfree",
	[VM_COW] = "pgcow",
	[VM_RECLAIMED] = "pgsteal_direct",
	[VM_SCANNED] = "pgscan_direct",
	[VM_OOM_KILL] = "oom_kill",
};

/* An atomic add needs no pinning: a stale hart is as good as another. */
void vmstat_add(enum vmstat item, long n)
{
	__atomic_fetch_add(&current->hart->vmstat[item], n, __ATOMIC_RELAXED);
}

const char *vmstat_name(enum vmstat item)
{
	return item < NR_VMSTAT ? names[item] : NULL;
}

static long sum_harts(enum vmstat item)
{
	long n = 0;

	for_each_hart(h)
		n += READ_ONCE(h->vmstat[item]);
	return n;
}

long vmstat_read(enum vmstat item)
{
	u64 allocs, frees;
	u64 n_active, n_inactive;
	long n;

	lru_counts(&n_active, &n_inactive);

	switch (item) {
	case VM_FREE:
		return (long)mem_free_pages();
	case VM_ACTIVE_ANON:	/* not aged: there is no swap */
		return max(sum_harts(VM_ANON), 0l);
	case VM_ACTIVE_FILE:
		return (long)n_active;
	case VM_INACTIVE_FILE:
		return (long)n_inactive;
	case VM_FAULT:
		n = 0;
		for_each_hart(h)
			n += (long)READ_ONCE(h->faults);
		return n;
	case VM_MAJFAULT:
		n = 0;
		for_each_hart(h)
			n += (long)READ_ONCE(h->faults_major);
		return n;
	case VM_ALLOC:
		pcp_counts(&allocs, &frees);
		return sum_harts(item) + (long)allocs;
	case VM_FREED:
		pcp_counts(&allocs, &frees);
		return sum_harts(item) + (long)frees;
	default:
		n = sum_harts(item);
		return max(n, 0l);
	}
}

/* Linux's estimate: free memory above the reserve, and what could be taken
 * back from the page cache and the slabs without pain. */
u64 mem_available_pages(void)
{
	s64 file = vmstat_read(VM_ACTIVE_FILE) + vmstat_read(VM_INACTIVE_FILE);
	s64 low = (s64)watermarks.low;
	s64 n = (s64)mem_free_pages() - (s64)watermarks.high;

	n += file - min(file / 2, low);
	return n > 0 ? (u64)n : 0;
}
