/*
 * mm - the life of an address space.
 *
 * Theory: users counts those who use it as an address space; the last one
 *         unmaps everything, without flushing: nobody runs it, and the next
 *         table a hart loads flushes anyway.  refs counts those who need the
 *         struct and its root table; all users together hold one.  A hart
 *         that still has the table loaded (lazily, for kernel tasks) holds
 *         none; instead a dead mm that is still loaded waits on a list and
 *         is looked at again at the next birth or death, or when memory is
 *         short.
 */
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "pt_impl.h"

static struct slab_cache *mm_cache;
static struct irqlock zombies_lock = IRQLOCK_INIT(RANK_LEAF, "mm zombies");
static struct list zombies __guarded_by(&zombies_lock);
static u32 nr_zombies __guarded_by(&zombies_lock);

struct mm init_mm;

static void mm_free(struct mm *mm)
{
	pt_root_put(mm->root);
	slab_free(mm_cache, mm);
}

/* Frees dead ones that no hart has loaded any more. */
static void reap_zombies(void)
{
	struct mm *mm, *next;
	LIST_HEAD(free);

	if (!READ_ONCE(nr_zombies))
		return;
	irq_lock(&zombies_lock);
	list_for_each_entry_safe(mm, next, &zombies, zombie_node) {
		if (mm_is_loaded(mm))
			continue;
		list_move(&mm->zombie_node, &free);
		nr_zombies--;
	}
	irq_unlock(&zombies_lock);
	list_for_each_entry_safe(mm, next, &free, zombie_node)
		mm_free(mm);
}

/* The last spaces of harts that only idle now. */
void mm_zombies_drain(void)
{
	if (!READ_ONCE(nr_zombies))
		return;
	mm_unload_lazy();
	reap_zombies();
}

void mm_drop(struct mm *mm)
{
	if (!ref_put(&mm->refs))
		return;
	if (!mm_is_loaded(mm)) {
		mm_free(mm);
		return;
	}
	irq_lock(&zombies_lock);
	list_add(&mm->zombie_node, &zombies);
	nr_zombies++;
	irq_unlock(&zombies_lock);
}

int mm_create(struct mm **out)
{
	static u64 last_id;	/* atomic */
	struct mm *mm;

	reap_zombies();
	mm = slab_alloc(mm_cache, GFP_KERNEL);
	if (!mm)
		return -ENOMEM;
	memset(mm, 0, sizeof(*mm));
	mm->root = pt_root_get();
	if (!mm->root) {
		slab_free(mm_cache, mm);
		return -ENOMEM;
	}
	mm->root_pa = va_to_pa(mm->root);
	ref_init(&mm->users, 1);
	ref_init(&mm->refs, 1);
	rwsem_init(&mm->map_lock, RANK_MM, "map_lock");
	mm->vmas = RB_ROOT;
	mm->mmap_base = TASK_SIZE & PAGE_MASK;
	mm->dumpable = 1;
	mm->owner = current;
	mm->id = fetch_add(&last_id, 1) + 1;
	mm->is_thp_disabled = current->mm && current->mm->is_thp_disabled;
	list_init(&mm->zombie_node);
	*out = mm;
	return 0;
}

/* Everything goes; nobody uses it any more. */
static void unmap_all(struct mm *mm)
{
	struct gather g;
	struct vma *v, *next;
	u64 promised = 0;

	for (v = vma_first(mm); v; v = vma_next(v))
		if (v->mapping)
			vma_unlink_file(v);
	gather_init(&g, mm);
	g.is_exit = true;
	for (v = vma_first(mm); v; v = next) {
		next = vma_next(v);
		if (v->flags & VM_ACCOUNT)
			promised += vma_pages(v);
		if (!zap_range(&g, v, v->start, v->end, false))
			continue;
		/* A table shared with the area below goes with this one. */
		pt_free_leaves(mm, v->start, v->end, 0,
			       next ? next->start : USER_END, &g.tables);
	}
	pt_free_mids(mm, &g.tables);
	gather_finish(&g);
	vm_uncommit(promised);
	v = rb_entry_safe(rb_first_postorder(&mm->vmas), struct vma, node);
	for (; v; v = next) {
		next = rb_entry_safe(rb_next_postorder(&v->node), struct vma,
				     node);
		vma_release(v);
	}
	mm->vmas = RB_ROOT;
	mm->last_vma = NULL;
	mm->nr_vmas = 0;
}

void mm_put(struct mm *mm)
{
	if (!ref_put(&mm->users))
		return;
	might_sleep();
	if (mm->aio_release)
		mm->aio_release(mm);
	unmap_all(mm);
	if (mm->exe_release)
		mm->exe_release(mm);
	mm_drop(mm);
	reap_zombies();
}

struct mm *task_get_mm(struct task *t)
{
	struct mm *mm;

	irq_lock(&t->alloc_lock);
	mm = t->mm;
	if (mm && !ref_tryget(&mm->users))
		mm = NULL;
	irq_unlock(&t->alloc_lock);
	return mm;
}

void mm_cache_init(void)
{
	list_init(&zombies);
	vma_cache_init();
	mm_cache = slab_cache_create("mm_struct", sizeof(struct mm), 64,
				     SLAB_PANIC, NULL);
	ref_init(&init_mm.users, 1);
	ref_init(&init_mm.refs, 1);
	rwsem_init(&init_mm.map_lock, RANK_MM, "init_mm");
	init_mm.root = kernel_root;
	init_mm.root_pa = mmu_loaded();
	mm_switch_init();
}
