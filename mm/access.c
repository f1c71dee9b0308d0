/*
 * access - user pages for the kernel: pinning, reading and writing of other
 * address spaces, futex identities.
 *
 * Theory: a page is looked up in the tables under its table's lock; if the
 *         entry does not allow what is wanted, it is faulted in and looked
 *         up again.  `force` (ptrace) passes over the area's permissions but
 *         not over the file's: a store to a private read-only area makes a
 *         private copy, whose entry stays read-only.
 */
#include <arch/trap.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include <lib/string.h>
#include "pt_impl.h"

#define FAULT_TRIES 16

static int check_area(const struct vma *v, bool write, bool force)
{
	if ((v->flags & (VM_IO | VM_PFNMAP)) && !vma_is_special(v))
		return -EFAULT;
	if (write) {
		if (v->flags & VM_WRITE)
			return 0;
		if (!force || (v->flags & VM_SHARED) ||
		    !(v->flags & VM_MAYWRITE))
			return -EFAULT;
		return 0;
	}
	if (v->flags & (VM_READ | VM_WRITE))
		return 0;
	return force && (v->flags & VM_MAYREAD) ? 0 : -EFAULT;
}

/* The page behind an entry that allows the access; NULL: fault first. */
static struct page *usable_page(struct pte e, bool write, bool force)
{
	struct page *p;

	if (pte_none(e) || (!pte_present(e) && !(force && pte_is_parked(e))))
		return NULL;
	p = pte_page(e);
	if (!p)		/* zero page, vDSO: for reading only */
		return write ? NULL : pa_to_page(pte_frame(e));
	if (!write || (pte_present(e) && pte_writable(e)))
		return p;
	return force && page_test(p, PG_ANON) && page_is_exclusive(p) ?
		p : NULL;
}

static struct page *lookup_page(struct vma *v, unsigned long addr, bool write,
				bool force)
{
	struct pte *pte = pt_find(v->mm, addr);
	struct page *p;

	if (!pte)
		return NULL;
	spin_lock(pte_lock_of(pte));
	p = usable_page(pte_read(pte), write, force);
	if (p)
		page_get(p);
	spin_unlock(pte_lock_of(pte));
	return p;
}

/* map_lock held shared. */
static int get_page_locked(struct vma *v, unsigned long addr, bool write,
			   bool force, struct page **page)
{
	unsigned flags = FAULT_REMOTE | (write ? FAULT_WRITE : FAULT_READ) |
			 (force ? FAULT_FORCE : 0);
	int err = check_area(v, write, force);

	for (int i = 0; !err && i < FAULT_TRIES; i++) {
		*page = lookup_page(v, addr, write, force);
		if (*page)
			return 0;
		err = fault_page(v, addr, flags);
	}
	return err ? err : -EFAULT;
}

int mm_get_pages(struct mm *mm, unsigned long addr, unsigned n, bool write,
		 bool force, struct page **pages, unsigned *got)
{
	struct vma *v = NULL;
	int err = 0;

	addr &= PAGE_MASK;
	for (*got = 0; *got < n; ++*got, addr += PAGE_SIZE) {
		if (addr >= TASK_SIZE) {
			err = -EFAULT;
			break;
		}
		if (v && addr >= v->end) {
			rwsem_read_unlock(&mm->map_lock);
			v = NULL;
		}
		if (!v)
			v = fault_find_vma_relock(mm, addr);
		if (!v) {
			err = -EFAULT;
			break;
		}
		err = get_page_locked(v, addr, write, force, &pages[*got]);
		if (err)
			break;
	}
	if (v)
		rwsem_read_unlock(&mm->map_lock);
	return *got ? 0 : err;
}

/* A page of a file was written through the kernel's own mapping. */
static void after_write(struct page *p, bool is_exec)
{
	if (!page_test(p, PG_ANON)) {
		page_lock(p);
		if (p->mapping)
			page_mark_dirty(p);
		page_unlock(p);
	}
	if (is_exec)
		icache_flush_all();
}

/* Within one page. */
static int access_piece(struct mm *mm, unsigned long addr, void *buf, size_t n,
			bool write, bool force)
{
	struct vma *v = fault_find_vma_relock(mm, addr);
	struct page *p;
	bool is_exec;
	char *at;
	int err;

	if (!v)
		return -EFAULT;
	if (v->ops && v->ops->access && !v->mapping) {
		err = v->ops->access(v, addr, buf, n, write);
		rwsem_read_unlock(&mm->map_lock);
		return err < 0 ? err : 0;
	}
	is_exec = v->flags & VM_EXEC;
	err = get_page_locked(v, addr & PAGE_MASK, write, force, &p);
	rwsem_read_unlock(&mm->map_lock);
	if (err)
		return err;
	at = (char *)page_to_va(p) + (addr & ~PAGE_MASK);
	memcpy(write ? at : buf, write ? buf : at, n);
	if (write)
		after_write(p, is_exec);
	page_put(p);
	return 0;
}

size_t mm_access(struct mm *mm, unsigned long addr, void *buf, size_t n,
		 bool write, bool force)
{
	size_t done = 0;

	while (done < n && addr < TASK_SIZE) {
		size_t part = min(n - done, PAGE_SIZE - (addr & ~PAGE_MASK));

		if (access_piece(mm, addr, (char *)buf + done, part, write,
				 force))
			break;
		done += part;
		addr += part;
	}
	return done;
}

/*
 * Names the mapping in keys.  A waiter's key may be older than the mapping
 * that lies at its address now: it holds no reference, its area may be gone.
 */
static u64 futex_id(struct mapping *m)
{
	static u64 last;	/* atomic */

	if (unlikely(!READ_ONCE(m->futex_id)))
		ignore_error(cmpxchg(&m->futex_id, 0ull,
				     fetch_add_relaxed(&last, 1) + 1));
	return READ_ONCE(m->futex_id);
}

int mm_futex_key(const u32 __user *p, bool is_shared, bool write,
		 struct futex_key *key)
{
	unsigned long addr = (unsigned long)p;
	struct mm *mm = current->mm;
	struct vma *v;

	if (addr & 3)
		return -EINVAL;
	if (!access_ok(p, sizeof(*p)))
		return -EFAULT;
	*key = (struct futex_key){ .a = (u64)(uintptr_t)mm,
				   .b = addr & PAGE_MASK,
				   .off = (u32)(addr & ~PAGE_MASK),
				   .is_shared = is_shared };
	if (!is_shared)
		return 0;
	v = fault_find_vma_relock(mm, addr);
	if (!v)
		return fatal_signal_pending(current) ? -EINTR : -EFAULT;
	if ((v->flags & VM_MAYSHARE) && v->mapping) {
		key->a = futex_id(v->mapping);
		key->b = vma_index(v, addr);
	}
	rwsem_read_unlock(&mm->map_lock);
	return 0;
}
