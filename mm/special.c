/*
 * special - areas whose pages the kernel gives: the vDSO and its data.
 *
 * The pages are mapped without counting (special entries), all at the first
 * fault.  They live as long as the kernel.
 */
#include <kernel/spinlock.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "pt_impl.h"

struct special {
	struct ref refs;	/* areas that show it */
	u32 n;
	const char *name;
	struct page **pages;	/* the caller's, for good */
};

static void special_open(struct vma *v)
{
	struct special *s = v->priv;

	ref_get(&s->refs);
}

static void special_close(struct vma *v)
{
	struct special *s = v->priv;

	if (ref_put(&s->refs))
		kfree(s);
}

static const char *special_name(struct vma *v)
{
	return ((struct special *)v->priv)->name;
}

/* Reached for kernel access through mm_get_pages() too. */
static int special_fault(struct vma_fault *f)
{
	struct special *s = f->vma->priv;

	if (f->index >= s->n)
		return -ENXIO;
	f->page = s->pages[f->index];
	page_get(f->page);
	return 0;
}

static const struct vma_ops special_ops = {
	.open = special_open,
	.close = special_close,
	.fault = special_fault,
	.name = special_name,
};

bool vma_is_special(const struct vma *v)
{
	return v->ops == &special_ops;
}

int fault_special(struct vma *v)
{
	struct special *s = v->priv;
	unsigned long addr = v->start;

	for (u64 i = v->pgoff; i < s->n && addr < v->end;
	     i++, addr += PAGE_SIZE) {
		struct pte *pte = pt_get(v->mm, addr);

		if (!pte)
			return -ENOMEM;
		spin_lock(pte_lock_of(pte));
		if (pte_none(*pte))
			pte_install(pte, pte_mkspecial(
				pte_make(page_to_pa(s->pages[i]), v->prot)));
		spin_unlock(pte_lock_of(pte));
	}
	return 0;
}

int mm_map_special(struct mm *mm, unsigned long *addr, size_t len,
		   unsigned long flags, struct page **pages, const char *name)
{
	struct special *s = kmalloc(sizeof(*s), GFP_KERNEL);
	struct vma *v = NULL;
	int err = -ENOMEM;

	if (!s)
		return -ENOMEM;
	*s = (struct special){ .refs = REF_INIT(1), .pages = pages,
			       .n = (u32)(len >> PAGE_SHIFT), .name = name };
	rwsem_write_lock(&mm->map_lock);
	err = mm_pick_address(mm, *addr, len, 0, addr);
	if (err)
		goto err_free;
	err = -ENOMEM;
	v = vma_alloc(mm, *addr, *addr + len,
		      flags | VM_DONTEXPAND | VM_PFNMAP);
	if (!v)
		goto err_free;
	v->ops = &special_ops;
	v->priv = s;
	vma_insert(mm, v);
	vm_stat_account(mm, v->flags, (s64)vma_pages(v));
	rwsem_write_unlock(&mm->map_lock);
	return 0;
err_free:
	rwsem_write_unlock(&mm->map_lock);
	kfree(s);
	return err;
}

/* The areas that show `from`, if any, show `to`, which has as many pages.  An
 * area of another address space may share the struct special: a new one. */
int mm_swap_special(struct mm *mm, struct page **from, struct page **to)
{
	struct special *s, *old;
	struct gather g;
	int err = 0;

	rwsem_write_lock(&mm->map_lock);
	for (struct vma *v = vma_first(mm); v && !err; v = vma_next(v)) {
		old = v->priv;
		if (!vma_is_special(v) || old->pages != from)
			continue;
		s = kmemdup(old, sizeof(*s), GFP_KERNEL);
		if (!s) {
			err = -ENOMEM;
			break;
		}
		ref_init(&s->refs, 1);
		s->pages = to;
		v->priv = s;
		gather_init(&g, mm);
		zap_range(&g, v, v->start, v->end, false);
		gather_finish(&g);
		if (ref_put(&old->refs))
			kfree(old);
	}
	rwsem_write_unlock(&mm->map_lock);
	return err;
}
