/*
 * mmap - making areas: addresses, checks, files, the heap, the stack.
 *
 * Theory: addresses are given from mmap_base downwards, first fit from the
 *         top.  Large areas get a few odd pages of distance, which vary, so
 *         that equal positions of two buffers do not share a TLB entry in
 *         emulators (and seldom a cache set elsewhere).
 *         A request is checked, promised and unmapped before anything that
 *         cannot be undone happens.
 */
#include <kernel/random.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include <mm/slab.h>
#include "pt_impl.h"

#define STAGGER_FROM (256ul << 10)
#define STACK_RND_PAGES 0x3fffful
#define MMAP_RND_BITS 18
#define MIN_GAP (128ul << 20)
#define MAX_GAP (TASK_SIZE / 6 * 5)
#define UNMAPPED_BASE (TASK_SIZE / 3 & PAGE_MASK)
#define STACK_FIRST (33ul * PAGE_SIZE)
#define PROT_ALL 7u

/* --- addresses --- */

void mm_set_layout(struct mm *mm, bool randomize, unsigned long stack_rlimit)
{
	unsigned long top = TASK_SIZE & ~15ul, gap = stack_rlimit, rnd = 0;
	unsigned long pad = STACK_GUARD_GAP;

	mm->is_aslr = randomize;
	if (randomize) {
		top -= (random_u64() & STACK_RND_PAGES) << PAGE_SHIFT;
		rnd = (random_u64() & ((1ul << MMAP_RND_BITS) - 1))
			<< PAGE_SHIFT;
		pad += STACK_RND_PAGES << PAGE_SHIFT;
	}
	mm->start_stack = top & PAGE_MASK;
	if (gap + pad > gap)
		gap += pad;
	gap = clamp(gap, MIN_GAP, MAX_GAP);
	mm->mmap_base = (TASK_SIZE - gap - rnd) & PAGE_MASK;
}

static bool hint_fits(struct mm *mm, unsigned long addr, unsigned long len)
{
	struct vma *v, *prev;

	if (addr < sysctl_mmap_min_addr || addr > TASK_SIZE - len)
		return false;
	v = vma_find(mm, addr);
	if (v && addr + len > vma_start_gap(v))
		return false;
	prev = v ? vma_prev(v) : NULL;
	return !prev || prev->end <= addr;
}

/* Pages of distance for a large area. */
static unsigned long stagger_bytes(struct mm *mm, unsigned long len)
{
	if (len < STAGGER_FROM)
		return 0;
	return (1 + 2 * (mm->stagger++ % 16)) << PAGE_SHIFT;
}

static int check_fixed(unsigned long addr, unsigned long len)
{
	if (addr > TASK_SIZE - len)
		return -ENOMEM;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr < sysctl_mmap_min_addr && !mm_capable(CAP_SYS_RAWIO))
		return -EPERM;
	return 0;
}

int mm_pick_address(struct mm *mm, unsigned long hint, unsigned long len,
		    unsigned flags, unsigned long *out)
{
	unsigned long addr, gap;

	*out = hint;
	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return check_fixed(hint, len);
	hint &= PAGE_MASK;
	if (hint && hint < sysctl_mmap_min_addr)
		hint = ALIGN_UP(sysctl_mmap_min_addr, PAGE_SIZE);
	if (hint && hint_fits(mm, hint, len)) {
		*out = hint;
		return 0;
	}
	gap = stagger_bytes(mm, len);
	addr = vma_gap_below(mm, len + gap, sysctl_mmap_min_addr,
			     mm->mmap_base);
	if (!addr)
		addr = vma_gap_above(mm, len + gap, UNMAPPED_BASE, TASK_SIZE);
	if (!addr) {
		gap = 0;
		addr = vma_gap_above(mm, len, sysctl_mmap_min_addr, TASK_SIZE);
	}
	if (!addr)
		return -ENOMEM;
	*out = addr;
	return 0;
}

/* --- mm_map --- */

static unsigned long flags_of_request(struct mm *mm,
				      const struct map_request *rq)
{
	unsigned long f = rq->prot & PROT_ALL;

	f |= mm->def_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	if (rq->flags & MAP_GROWSDOWN)
		f |= VM_GROWSDOWN;
	if (rq->flags & MAP_LOCKED)
		f |= VM_LOCKED;
	if ((rq->flags & MAP_NORESERVE) && sysctl_overcommit_memory != 2)
		f |= VM_NORESERVE;
	return f;
}

static int flags_for_file(const struct map_request *rq, unsigned long *flags)
{
	bool is_shared = (rq->flags & MAP_TYPE) != MAP_PRIVATE;
	unsigned long may = rq->may_flags;

	if (!(may & VM_MAYREAD))
		return -EACCES;
	if (!(may & VM_MAYEXEC)) {
		if (*flags & VM_EXEC)
			return -EPERM;
		*flags &= ~VM_MAYEXEC;
	}
	if (*flags & VM_GROWSDOWN)
		return -EINVAL;
	if (!is_shared)
		return 0;
	*flags |= VM_SHARED | VM_MAYSHARE;
	if (!(may & VM_MAYWRITE)) {
		if (*flags & VM_WRITE)
			return -EACCES;
		*flags &= ~(VM_MAYWRITE | VM_SHARED);
	}
	return 0;
}

static int check_type(const struct map_request *rq)
{
	unsigned type = rq->flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_PRIVATE &&
	    !(type == MAP_SHARED_VALIDATE && rq->file))
		return -EINVAL;
	if (rq->file && !rq->attach)
		return -ENODEV;
	return 0;
}

/* A new area with its file attached, not yet in the tree. */
static int area_make(struct mm *mm, const struct map_request *rq,
		     unsigned long addr, unsigned long flags,
		     struct vma **out)
{
	struct vma *v = vma_alloc(mm, addr, addr + rq->len, flags);
	int err;

	if (!v)
		return -ENOMEM;
	v->pgoff = rq->file ? rq->pgoff : addr >> PAGE_SHIFT;
	if (rq->file) {
		v->file = rq->file;
		err = rq->attach(rq->file, v);
		if (err) {
			v->ops = NULL;
			vma_release(v);
			return err;
		}
		vma_set_flags(v, v->flags);
		if (!v->ops)
			v->file = NULL;
	}
	*out = v;
	return 0;
}

/* Counts the area among the writable ones, so that nobody seals its object
 * from here on, unless somebody has.  *held is to be dropped when the area
 * itself counts. */
static int hold_writable(const struct vma *v, struct mapping **held)
{
	struct mapping *m = v->mapping;
	int err;

	if (!m || !m->ops->may_map_writable || !is_shared_writable(v))
		return 0;
	fetch_add(&m->writable_vmas, 1);
	smp_mb();	/* the count, then the seals */
	err = m->ops->may_map_writable(m);
	if (err)
		fetch_add(&m->writable_vmas, (u32)-1);
	else
		*held = m;
	return err;
}

static void area_publish(struct vma *v)
{
	struct mm *mm = v->mm;

	vma_insert(mm, v);
	vma_link_file(v);
	vm_stat_account(mm, v->flags, (s64)vma_pages(v));
	vma_merge(v);
	mm_check(mm);
}

/* What a mapping at a fixed place takes the place of. */
static void count_replaced(struct mm *mm, unsigned long start,
			   unsigned long end, u64 *pages, u64 *promised)
{
	struct vma *v = vma_find(mm, start);

	for (; v && v->start < end; v = vma_next(v)) {
		u64 n = (min(v->end, end) - max(v->start, start)) >> PAGE_SHIFT;

		*pages += n;
		if (v->flags & VM_ACCOUNT)
			*promised += n;
	}
}

static int map_locked(struct mm *mm, const struct map_request *rq,
		      unsigned long flags, unsigned long *addr,
		      struct list *dead)
{
	u64 pages = rq->len >> PAGE_SHIFT, gone = 0, back = 0;
	struct mapping *held = NULL;
	struct vma *v;
	int err;

	if (mm->nr_vmas > sysctl_max_map_count)	/* one more than it says */
		return -ENOMEM;
	err = mm_pick_address(mm, rq->addr, rq->len, rq->flags, addr);
	if (err)
		return err;
	if ((rq->flags & MAP_FIXED_NOREPLACE) &&
	    vma_overlaps(mm, *addr, *addr + rq->len))
		return -EEXIST;
	if (!may_lock_more(mm, flags, rq->len))
		return -EAGAIN;
	if (rq->flags & MAP_FIXED)
		count_replaced(mm, *addr, *addr + rq->len, &gone, &back);
	if (!may_expand_vm(mm, flags, pages - gone))
		return -ENOMEM;
	if (is_private_writable(flags)) {
		err = vm_commit_instead(pages, back);
		if (err)
			return err;
		flags |= VM_ACCOUNT;
	}
	err = area_make(mm, rq, *addr, flags, &v);
	if (err)
		goto err_uncommit;
	err = hold_writable(v, &held);
	if (!err)
		err = unmap_range_locked(mm, *addr, *addr + rq->len, dead);
	if (!err)
		area_publish(v);
	if (held)
		fetch_add(&held->writable_vmas, (u32)-1);
	if (!err)
		return 0;
	vma_release(v);
err_uncommit:
	if (flags & VM_ACCOUNT)
		vm_uncommit(pages);
	return err;
}

static int map_request(struct mm *mm, const struct map_request *rq,
		       unsigned long flags, unsigned long *addr)
{
	LIST_HEAD(dead);
	int err;

	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = map_locked(mm, rq, flags, addr, &dead);
	rwsem_write_unlock(&mm->map_lock);
	areas_release(&dead);
	if (err)
		return err;
	if ((flags & VM_LOCKED && !(flags & VM_LOCKONFAULT)) ||
	    (rq->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		ignore_error(mm_populate(mm, *addr, *addr + rq->len, true));
	return 0;	/* like Linux: populating is best effort */
}

/* Shared anonymous memory is a nameless tmpfs file. */
static int map_shared_anon(struct mm *mm, struct map_request *rq,
			   unsigned long flags, unsigned long *addr)
{
	struct file *f;
	int err;

	if (!shmem_file_hook || !file_attach_hook)
		return -ENODEV;
	err = shmem_file_hook("dev/zero", rq->len, !(flags & VM_NORESERVE),
			      &f);
	if (err)
		return err;
	rq->file = f;
	rq->pgoff = 0;
	rq->attach = file_attach_hook;
	err = map_request(mm, rq, flags | VM_SHARED | VM_MAYSHARE, addr);
	file_put_hook(f);
	return err;
}

int mm_map(struct mm *mm, const struct map_request *request,
	   unsigned long *addr)
{
	struct map_request rq = *request;
	unsigned long flags;
	int err;

	irqs_unmask();
	if (!rq.len)
		return -EINVAL;
	err = check_type(&rq);
	if (err)
		return err;
	rq.len = ALIGN_UP(rq.len, PAGE_SIZE);
	if (!rq.len || rq.len > TASK_SIZE)
		return -ENOMEM;
	if (rq.pgoff + (rq.len >> PAGE_SHIFT) < rq.pgoff)
		return -EOVERFLOW;
	if (rq.flags & MAP_HUGETLB && !rq.file)
		return -ENOMEM;		/* the pool of huge pages is empty */
	if (rq.image && !rq.addr && mm->is_aslr)
		rq.addr = image_home(rq.image, rq.len);
	flags = flags_of_request(mm, &rq);
	if ((rq.flags & MAP_LOCKED) && !rlimit_of(RLIMIT_MEMLOCK) &&
	    !mm_capable(CAP_IPC_LOCK))
		return -EPERM;
	if (!rq.file) {
		if ((rq.flags & MAP_TYPE) == MAP_PRIVATE)
			return map_request(mm, &rq, flags, addr);
		if (flags & VM_GROWSDOWN)
			return -EINVAL;
		return map_shared_anon(mm, &rq, flags, addr);
	}
	err = flags_for_file(&rq, &flags);
	return err ? err : map_request(mm, &rq, flags, addr);
}

/* --- the heap --- */

static bool heap_can_extend(const struct vma *v, unsigned long at,
			    unsigned long flags)
{
	return v && v->end == at && vma_is_anon(v) && v->flags == flags &&
	       !v->anon_name;
}

static int heap_grow(struct mm *mm, unsigned long from, unsigned long to)
{
	unsigned long flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE |
			      VM_MAYEXEC | VM_ACCOUNT | mm->def_flags;
	u64 pages = (to - from) >> PAGE_SHIFT;
	struct vma *next = vma_find(mm, from), *v;
	int err;

	if ((next && to + PAGE_SIZE > vma_start_gap(next)) || to > TASK_SIZE)
		return -ENOMEM;
	if (!may_expand_vm(mm, flags, pages) ||
	    !may_lock_more(mm, flags, to - from) ||
	    mm->nr_vmas > sysctl_max_map_count)
		return -ENOMEM;
	err = vm_commit(pages);
	if (err)
		return err;
	v = vma_find_exact(mm, from - 1);
	if (heap_can_extend(v, from, flags)) {
		vma_set_range(v, v->start, to);
		vm_stat_account(mm, flags, (s64)pages);
		return 0;
	}
	v = vma_alloc(mm, from, to, flags);
	if (!v) {
		vm_uncommit(pages);
		return -ENOMEM;
	}
	v->pgoff = from >> PAGE_SHIFT;
	area_publish(v);
	return 0;
}

static int brk_locked(struct mm *mm, unsigned long brk, struct list *dead)
{
	unsigned long old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
	unsigned long new_end = ALIGN_UP(brk, PAGE_SIZE);
	u64 limit = rlimit_of(RLIMIT_DATA);
	int err = 0;

	if (brk < mm->start_brk || brk > TASK_SIZE)
		return -EINVAL;
	if (limit != RLIM_INFINITY && brk - mm->start_brk +
	    (mm->end_data - mm->start_data) > limit)
		return -ENOMEM;
	if (new_end < old_end)
		err = unmap_range_locked(mm, new_end, old_end, dead);
	else if (new_end > old_end)
		err = heap_grow(mm, old_end, new_end);
	if (!err)
		mm->brk = brk;
	return err;
}

unsigned long mm_brk(unsigned long brk)
{
	struct mm *mm = current->mm;
	unsigned long old, result;
	LIST_HEAD(dead);
	bool populate;

	irqs_unmask();
	if (rwsem_write_lock_killable(&mm->map_lock))
		return mm->brk;
	old = mm->brk;
	ignore_error(brk_locked(mm, brk, &dead)); /* shows in the result */
	result = mm->brk;
	populate = result > old && (mm->def_flags & VM_LOCKED);
	rwsem_write_unlock(&mm->map_lock);
	areas_release(&dead);
	if (populate)
		ignore_error(mm_populate(mm, ALIGN_UP(old, PAGE_SIZE),
					 ALIGN_UP(result, PAGE_SIZE), true));
	return result;
}

/* --- the stack --- */

int mm_map_stack(struct mm *mm, unsigned long top, unsigned long flags,
		 struct vma **out)
{
	u64 limit = rlimit_of(RLIMIT_STACK);
	unsigned long len = STACK_FIRST;
	struct vma *v;
	int err;

	if (limit < len)
		len = max_t(unsigned long, limit & PAGE_MASK, PAGE_SIZE);
	flags |= VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC |
		 VM_GROWSDOWN | VM_ACCOUNT;
	rwsem_write_lock(&mm->map_lock);
	err = -ENOMEM;
	if (vma_overlaps(mm, top - len, top) ||
	    !may_expand_vm(mm, flags, len >> PAGE_SHIFT))
		goto out_unlock;
	err = vm_commit(len >> PAGE_SHIFT);
	if (err)
		goto out_unlock;
	v = vma_alloc(mm, top - len, top, flags);
	if (!v) {
		vm_uncommit(len >> PAGE_SHIFT);
		err = -ENOMEM;
		goto out_unlock;
	}
	v->pgoff = v->start >> PAGE_SHIFT;
	area_publish(v);
	*out = v;
out_unlock:
	rwsem_write_unlock(&mm->map_lock);
	return err;
}

int stack_expand_locked(struct vma *v, unsigned long addr)
{
	struct mm *mm = v->mm;
	struct vma *prev = vma_prev(v);
	u64 pages, limit = rlimit_of(RLIMIT_STACK);
	int err;

	addr &= PAGE_MASK;
	if (addr >= v->start)
		return 0;
	if (addr < sysctl_mmap_min_addr || v->end - addr > limit)
		return -ENOMEM;
	if (prev && !(prev->flags & VM_GROWSDOWN) &&
	    !prot_is_none(prev->prot) && addr - prev->end < STACK_GUARD_GAP)
		return -ENOMEM;
	if (prev && addr < prev->end)
		return -ENOMEM;
	pages = (v->start - addr) >> PAGE_SHIFT;
	if (!may_expand_vm(mm, v->flags, pages) ||
	    !may_lock_more(mm, v->flags, pages << PAGE_SHIFT))
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT) {
		err = vm_commit(pages);
		if (err)
			return err;
	}
	v->pgoff -= pages;
	vma_set_range(v, addr, v->end);
	vm_stat_account(mm, v->flags, (s64)pages);
	return 0;
}
