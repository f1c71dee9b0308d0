/*
 * limits - what a process may have: resource limits and promised memory.
 *
 * Theory: private writable memory is promised when it is mapped.  With
 *         overcommit 0 only requests that could never be kept are refused;
 *         with 1 none; with 2 the sum of promises is bounded.
 */
#include <kernel/init.h>
#include <mm/slab.h>
#include "pt_impl.h"

u64 (*rlimit_hook)(unsigned resource, bool is_hard);
bool (*capable_hook)(int cap);
void (*oom_kill_hook)(void);
int (*shmem_file_hook)(const char *name, u64 size, bool is_promised,
		       struct file **out);
void (*file_put_hook)(struct file *f);
void (*file_get_hook)(struct file *f);
int (*file_attach_hook)(struct file *f, struct vma *v);
int (*file_sync_hook)(struct file *f, u64 start, u64 end);
int (*file_punch_hook)(struct file *f, u64 start, u64 len);

int sysctl_overcommit_memory;
int sysctl_overcommit_ratio = 50;
u64 sysctl_overcommit_kbytes;
u32 sysctl_max_map_count = 65530;
unsigned long sysctl_mmap_min_addr = 65536;
int sysctl_randomize_va_space = 2;

static s64 committed;		/* pages. atomic */

static void param_norandmaps(const char *value)
{
	sysctl_randomize_va_space = 0;
}
PARAM("norandmaps", param_norandmaps);

u64 rlimit_of(unsigned resource)
{
	return rlimit_hook ? rlimit_hook(resource, false) : RLIM_INFINITY;
}

/* A limit of 0, which allows nobody to start, means the hard one (valgrind
 * sets it to keep the break for itself). */
static u64 data_limit(void)
{
	u64 soft = rlimit_of(RLIMIT_DATA);

	return soft || !rlimit_hook ? soft : rlimit_hook(RLIMIT_DATA, true);
}

bool mm_capable(int cap)
{
	return capable_hook && capable_hook(cap);
}

u64 vm_committed_pages(void)
{
	s64 n = __atomic_load_n(&committed, __ATOMIC_RELAXED);

	return n > 0 ? (u64)n : 0;
}

u64 vm_commit_limit_pages(void)
{
	u64 kbytes = READ_ONCE(sysctl_overcommit_kbytes);

	if (kbytes)
		return kbytes >> (PAGE_SHIFT - 10);
	return mem_total_pages() * (u64)sysctl_overcommit_ratio / 100;
}

int vm_commit_instead(u64 pages, u64 back)
{
	u64 sum;

	if (!pages)
		return 0;
	if (sysctl_overcommit_memory == 0 && pages - back > mem_total_pages())
		return -ENOMEM;
	sum = (u64)__atomic_add_fetch(&committed, (s64)pages,
				      __ATOMIC_RELAXED);
	if (sysctl_overcommit_memory != 2 || pages == back ||
	    sum - back <= vm_commit_limit_pages())
		return 0;
	vm_uncommit(pages);
	return -ENOMEM;
}

int vm_commit(u64 pages)
{
	return vm_commit_instead(pages, 0);
}

void vm_uncommit(u64 pages)
{
	if (pages)
		__atomic_sub_fetch(&committed, (s64)pages, __ATOMIC_RELAXED);
}

static bool is_data(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

bool may_expand_vm(struct mm *mm, unsigned long flags, u64 pages)
{
	u64 as = rlimit_of(RLIMIT_AS), data;

	if (as != RLIM_INFINITY && mm->total_vm + pages > as >> PAGE_SHIFT)
		return false;
	if (!is_data(flags))
		return true;
	data = data_limit();
	return data == RLIM_INFINITY ||
	       mm->data_vm + pages <= data >> PAGE_SHIFT;
}

bool may_lock_more(struct mm *mm, unsigned long flags, u64 bytes)
{
	u64 limit;

	if (!(flags & VM_LOCKED))
		return true;
	limit = rlimit_of(RLIMIT_MEMLOCK);
	if (limit == RLIM_INFINITY || mm_capable(CAP_IPC_LOCK))
		return true;
	return mm->locked_vm + (bytes >> PAGE_SHIFT) <= limit >> PAGE_SHIFT;
}

void vm_stat_account(struct mm *mm, unsigned long flags, s64 pages)
{
	mm->total_vm += (u64)pages;
	if ((flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
		mm->exec_vm += (u64)pages;
	else if (flags & VM_GROWSDOWN)
		mm->stack_vm += (u64)pages;
	else if (is_data(flags))
		mm->data_vm += (u64)pages;
	if (flags & VM_LOCKED)
		mm->locked_vm += (u64)pages;
	mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
}
