/*
 * vma - the areas of an address space: a tree by address.
 *
 * Theory: areas do not overlap.  Each knows the free space directly below it
 *         (its gap, less what a stack keeps as guard), and the largest gap in
 *         its subtree; so a free range of given length is found in one walk
 *         down.  The space above the last area is looked at apart.
 *         Neighbours that agree in everything are joined; the one with the
 *         lower address stays, except that its file offset follows.
 * Locks:  mm.map_lock for writing, but for look-ups.
 */
#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <mm/slab.h>
#include "pt_impl.h"

static struct slab_cache *vma_cache;

void vma_cache_init(void)
{
	vma_cache = slab_cache_create("vm_area_struct", sizeof(struct vma), 64,
				      SLAB_PANIC, NULL);
}

/* --- the tree --- */

static struct vma *node_vma(struct rb_node *n)
{
	return rb_entry_safe(n, struct vma, node);
}

static unsigned long subtree_max(struct vma *v)
{
	struct vma *l = node_vma(v->node.left), *r = node_vma(v->node.right);
	unsigned long m = v->gap;

	if (l)
		m = max(m, l->subtree_gap);
	if (r)
		m = max(m, r->subtree_gap);
	return m;
}

static void gap_propagate(struct rb_node *n, struct rb_node *stop)
{
	for (; n != stop; n = rb_parent(n)) {
		struct vma *v = node_vma(n);
		unsigned long m = subtree_max(v);

		if (m == v->subtree_gap)
			break;
		v->subtree_gap = m;
	}
}

static void gap_copy(struct rb_node *old, struct rb_node *new_node)
{
	node_vma(new_node)->subtree_gap = node_vma(old)->subtree_gap;
}

static void gap_rotate(struct rb_node *old, struct rb_node *new_node)
{
	node_vma(new_node)->subtree_gap = node_vma(old)->subtree_gap;
	node_vma(old)->subtree_gap = subtree_max(node_vma(old));
}

static const struct rb_augment_ops gap_ops = {
	.propagate = gap_propagate,
	.copy = gap_copy,
	.rotate = gap_rotate,
};

struct vma *vma_prev(struct vma *v)
{
	return node_vma(rb_prev(&v->node));
}

struct vma *vma_next(struct vma *v)
{
	return node_vma(rb_next(&v->node));
}

struct vma *vma_first(struct mm *mm)
{
	return node_vma(rb_first(&mm->vmas));
}

/* Recomputes the gap below v from its lower neighbour's end. */
static void gap_update(struct vma *v)
{
	struct vma *prev = vma_prev(v);
	unsigned long below = prev ? prev->end : 0;
	unsigned long start = vma_start_gap(v);

	v->gap = start > below ? start - below : 0;
	gap_propagate(&v->node, NULL);
}

/* The same, where the value of v may be stale even if equal. */
static void gap_refresh(struct vma *v)
{
	struct vma *next = vma_next(v);

	gap_update(v);
	if (next)
		gap_update(next);
}

__hot struct vma *vma_find(struct mm *mm, unsigned long addr)
{
	struct vma *v = READ_ONCE(mm->last_vma), *best = NULL;
	struct rb_node *n;

	if (v && v->start <= addr && addr < v->end)
		return v;
	n = mm->vmas.node;
	while (n) {
		v = rb_entry(n, struct vma, node);
		if (addr >= v->end) {
			n = n->right;
			continue;
		}
		best = v;
		if (addr >= v->start)
			break;
		n = n->left;
	}
	if (best)
		WRITE_ONCE(mm->last_vma, best);
	return best;
}

bool vma_overlaps(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *v = vma_find(mm, start);

	return v && v->start < end;
}

__hot void vma_insert(struct mm *mm, struct vma *v)
{
	struct rb_node **link = &mm->vmas.node, *parent = NULL;
	struct vma *next;

	while (*link) {
		struct vma *o = node_vma(*link);

		parent = *link;
		assert(v->end <= o->start || v->start >= o->end);
		link = v->start < o->start ? &parent->left : &parent->right;
	}
	v->subtree_gap = 0;
	v->gap = 0;
	rb_link_node(&v->node, parent, link);
	gap_update(v);
	rb_insert_augmented(&v->node, &mm->vmas, &gap_ops);
	next = vma_next(v);
	if (next)
		gap_update(next);
	mm->nr_vmas++;
}

/* The copy of a node and what is below it: same shape, colours and gaps. */
static struct rb_node *copy_subtree(struct mm *to, struct rb_node *src,
				    struct rb_node *parent)
{
	struct vma *v = vma_dup(node_vma(src));
	struct rb_node *n;

	if (!v)
		return NULL;
	v->mm = to;
	n = &v->node;
	n->parent_color = (uintptr_t)parent | (src->parent_color & 3);
	n->left = NULL;
	n->right = NULL;
	to->nr_vmas++;
	if (src->left)
		n->left = copy_subtree(to, src->left, n);
	if (src->right)
		n->right = copy_subtree(to, src->right, n);
	return n;
}

static void free_subtree(struct rb_node *n)
{
	if (!n)
		return;
	free_subtree(n->left);
	free_subtree(n->right);
	slab_free(vma_cache, node_vma(n));
}

int vma_copy_tree(struct mm *to, const struct mm *from)
{
	if (!from->vmas.node)
		return 0;
	to->vmas.node = copy_subtree(to, from->vmas.node, NULL);
	if (to->nr_vmas == from->nr_vmas)
		return 0;
	free_subtree(to->vmas.node);
	to->vmas = RB_ROOT;
	to->nr_vmas = 0;
	return -ENOMEM;
}

void vma_erase(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(v);

	rb_erase_augmented(&v->node, &mm->vmas, &gap_ops);
	mm->nr_vmas--;
	mm->last_vma = NULL;
	if (next)
		gap_update(next);
}

void vma_set_range(struct vma *v, unsigned long start, unsigned long end)
{
	v->start = start;
	v->end = end;
	gap_refresh(v);
}

/* --- free ranges --- */

/* The free range below v that ends at its guard. */
static bool gap_fits(struct vma *v, unsigned long len, unsigned long low,
		     unsigned long high, unsigned long *from,
		     unsigned long *to)
{
	unsigned long end = min(vma_start_gap(v), high);
	unsigned long start = v->gap < vma_start_gap(v) ?
		vma_start_gap(v) - v->gap : 0;

	start = max(start, low);
	*from = start;
	*to = end;
	return start < end && end - start >= len;
}

/* Highest fitting gap in the subtree; areas from high on do not count. */
static struct vma *gap_search_down(struct rb_node *n, unsigned long len,
				   unsigned long low, unsigned long high)
{
	unsigned long from, to;
	struct vma *v, *found;

	if (!n)
		return NULL;
	v = node_vma(n);
	if (v->subtree_gap < len)
		return NULL;
	/* The gaps to the right begin at the end of v or above. */
	if (v->end < high) {
		found = gap_search_down(n->right, len, low, high);
		if (found)
			return found;
	}
	if (gap_fits(v, len, low, high, &from, &to))
		return v;
	if (v->start <= low)
		return NULL;
	return gap_search_down(n->left, len, low, high);
}

static struct vma *gap_search_up(struct rb_node *n, unsigned long len,
				 unsigned long low, unsigned long high)
{
	unsigned long from, to;
	struct vma *v, *found;

	if (!n)
		return NULL;
	v = node_vma(n);
	if (v->subtree_gap < len)
		return NULL;
	if (v->start > low) {
		found = gap_search_up(n->left, len, low, high);
		if (found)
			return found;
	}
	if (gap_fits(v, len, low, high, &from, &to))
		return v;
	if (v->end >= high)
		return NULL;
	return gap_search_up(n->right, len, low, high);
}

static unsigned long last_end(struct mm *mm)
{
	struct vma *last = node_vma(rb_last(&mm->vmas));

	return last ? last->end : 0;
}

unsigned long vma_gap_below(struct mm *mm, unsigned long len,
			    unsigned long low, unsigned long high)
{
	unsigned long top = max(last_end(mm), low), from, to;
	struct vma *v;

	if (top < high && high - top >= len)
		return high - len;
	v = gap_search_down(mm->vmas.node, len, low, high);
	if (!v || !gap_fits(v, len, low, high, &from, &to))
		return 0;
	return to - len;
}

unsigned long vma_gap_above(struct mm *mm, unsigned long len,
			    unsigned long low, unsigned long high)
{
	unsigned long top, from, to;
	struct vma *v = gap_search_up(mm->vmas.node, len, low, high);

	if (v && gap_fits(v, len, low, high, &from, &to))
		return from;
	top = max(last_end(mm), low);
	return top < high && high - top >= len ? top : 0;
}

/* --- one area --- */

static unsigned vma_prot_of(unsigned long f)
{
	unsigned prot = PROT_USER;

	if (f & (VM_READ | VM_WRITE))
		prot |= PROT_R;
	if (f & VM_WRITE)
		prot |= PROT_W;
	if (f & VM_EXEC)
		prot |= PROT_X;
	return prot;
}

void vma_set_flags(struct vma *v, unsigned long flags)
{
	v->flags = flags;
	if (unlikely(flags & VM_DONTCOPY))
		v->mm->has_dontcopy = true;
	v->prot = vma_prot_of(flags) |
		  ((flags & (VM_PFNMAP | VM_IO)) == (VM_PFNMAP | VM_IO) ?
		   PROT_IO : 0);
}

struct vma *vma_alloc(struct mm *mm, unsigned long start, unsigned long end,
		      unsigned long flags)
{
	struct vma *v = slab_alloc(vma_cache, GFP_KERNEL | GFP_ZERO);

	if (!v)
		return NULL;
	v->mm = mm;
	v->start = start;
	v->end = end;
	vma_set_flags(v, flags);
	list_init(&v->mapping_node);
	return v;
}

struct vma *vma_dup(const struct vma *old)
{
	struct vma *v = slab_alloc(vma_cache, GFP_KERNEL);

	if (!v)
		return NULL;
	*v = *old;
	list_init(&v->mapping_node);
	return v;
}

void vma_release(struct vma *v)
{
	if (v->ops && v->ops->close)
		v->ops->close(v);
	slab_free(vma_cache, v);
}

void vma_link_file(struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m)
		return;
	if (is_shared_writable(v))
		fetch_add(&m->writable_vmas, 1);
	rwsem_write_lock(&m->mmap_lock);
	list_add(&v->mapping_node, &m->vmas);
	rwsem_write_unlock(&m->mmap_lock);
}

void vma_unlink_file(struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m || list_empty(&v->mapping_node))
		return;
	rwsem_write_lock(&m->mmap_lock);
	list_del_init(&v->mapping_node);
	rwsem_write_unlock(&m->mmap_lock);
	if (is_shared_writable(v))
		fetch_add(&m->writable_vmas, (u32)-1);
}

/* --- splitting and joining --- */

/* A file area's range changes under mmap_lock: reverse look-ups use it. */
static void resize_locked(struct vma *v, unsigned long start,
			  unsigned long end, u64 pgoff) __no_analysis
{
	struct mapping *m = v->mapping;

	if (m)
		rwsem_write_lock(&m->mmap_lock);
	v->pgoff = pgoff;
	vma_set_range(v, start, end);
	if (m)
		rwsem_write_unlock(&m->mmap_lock);
}

int vma_split(struct vma *v, unsigned long addr, struct vma **upper)
{
	struct vma *n;

	assert(v->start < addr && addr < v->end);
	if (v->mm->nr_vmas >= sysctl_max_map_count)
		return -ENOMEM;
	n = vma_dup(v);
	if (!n)
		return -ENOMEM;
	n->start = addr;
	n->pgoff = vma_index(v, addr);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	/* First the upper one appears, then the lower shrinks: a reverse
	 * look-up may see both, but never none. */
	vma_link_file(n);
	resize_locked(v, v->start, addr, v->pgoff);
	vma_insert(v->mm, n);
	if (upper)
		*upper = n;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b;
}

/* What shares pages with a relative is not joined with what has none, as in
 * Linux, whose reverse map would take the relative's for them: programs see
 * two areas in /proc/PID/maps. */
static bool is_family_apart(const struct vma *a, const struct vma *b)
{
	return a->is_forked && !b->has_anon;
}

bool vma_can_merge(const struct vma *lo, const struct vma *hi)
{
	if (lo->end != hi->start || lo->flags != hi->flags ||
	    lo->ops != hi->ops || lo->mapping != hi->mapping ||
	    lo->file != hi->file)
		return false;
	if (lo->priv || hi->priv || (lo->flags & (VM_PFNMAP | VM_DONTEXPAND)))
		return false;
	if (!same_text(lo->anon_name, hi->anon_name))
		return false;
	if (unlikely(is_family_apart(lo, hi) || is_family_apart(hi, lo)))
		return false;
	return !lo->ops || vma_index(lo, lo->end) == hi->pgoff;
}

/* hi disappears into lo. */
static void join(struct vma *lo, struct vma *hi)
{
	unsigned long end = hi->end;
	struct mm *mm = lo->mm;

	lo->has_anon |= hi->has_anon;
	lo->is_forked |= hi->is_forked;
	vma_erase(mm, hi);
	resize_locked(lo, lo->start, end, lo->pgoff);
	vma_unlink_file(hi);
	vma_release(hi);
}

struct vma *vma_merge(struct vma *v)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);

	if (next && vma_can_merge(v, next))
		join(v, next);
	if (prev && vma_can_merge(prev, v)) {
		join(prev, v);
		v = prev;
	}
	return v;
}

/* Debug builds: order, gaps, flags. */
void mm_check(struct mm *mm)
{
	unsigned long below = 0;
	u32 n = 0;

	if (!CONFIG_DEBUG)
		return;
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		unsigned long start = vma_start_gap(v);

		assert(v->start < v->end && v->start >= below);
		assert(v->gap == (start > below ? start - below : 0));
		assert(v->subtree_gap == subtree_max(v));
		assert(v->mm == mm);
		below = v->end;
		n++;
	}
	assert(n == mm->nr_vmas);
}
