/*
 * radix - a 64-way radix tree with tags.
 *
 * Theory: a node of shift s covers 64 << s consecutive indices; one with
 *         shift 0 holds items.  Only nodes with something in them exist, and
 *         the top one always has more than slot 0 or shift 0, so an empty
 *         tree has no node.  Growing puts a new top above the old, shrinking
 *         takes it away.
 *         Writers change one word that readers follow at a time: a new node
 *         is filled before a release store links it in.  shift and offset
 *         never change while a node is reachable, so a reader that holds any
 *         top can find its way down from it: indices that it does not cover
 *         are not in the tree that it describes.  A node taken out keeps its
 *         slots until free() lets it go, so readers inside still find what
 *         was there.  Tags are single words, read and written as such.
 *         Rejected: items directly in the root for index 0; it saves a node
 *         for files of one page, at the price of a case in every function.
 */
#include <lib/radix.h>
#include <lib/bitmap.h>
#include <lib/errno.h>
#include <lib/string.h>

#define SLOT_MASK (RADIX_SLOTS - 1UL)

static __always_inline unsigned int slot_of(const struct radix_node *n,
					    unsigned long index)
{
	return index >> n->shift & SLOT_MASK;
}

/* The highest index that a top of this shift reaches. */
static __always_inline unsigned long reach_of(unsigned int shift)
{
	return shift + RADIX_SHIFT >= BITS_PER_LONG ?
		~0UL : (1UL << (shift + RADIX_SHIFT)) - 1;
}

static __always_inline struct radix_node *child_at(const struct radix_node *n,
						   unsigned int slot)
{
	return READ_ONCE(n->slots[slot]);
}

/* The leaf for index, or NULL. */
static __always_inline struct radix_node *
find_leaf(const struct radix_root *root, unsigned long index)
{
	struct radix_node *n = READ_ONCE(root->node);

	if (!n || index > reach_of(n->shift))
		return NULL;
	while (n && n->shift)
		n = child_at(n, slot_of(n, index));
	return n;
}

__hot void *radix_lookup(const struct radix_root *root, unsigned long index)
{
	struct radix_node *leaf = find_leaf(root, index);

	return leaf ? READ_ONCE(leaf->slots[index & SLOT_MASK]) : NULL;
}

static struct radix_node *new_node(struct radix_root *root,
				   unsigned int shift)
{
	struct radix_node *n = root->alloc();

	if (n) {
		memset(n, 0, sizeof(*n));
		n->shift = (u8)shift;
	}
	return n;
}

static void link_child(struct radix_node *parent, unsigned int slot,
		       void *child)
{
	parent->count++;
	STORE_RELEASE(parent->slots[slot], child);
}

/* A new top above the old one, whose tags it sums up. */
static int grow_once(struct radix_root *root)
{
	struct radix_node *old = root->node, *top;
	unsigned int tag;

	top = new_node(root, old->shift + RADIX_SHIFT);
	if (!top)
		return -ENOMEM;
	for (tag = 0; tag < RADIX_TAGS; tag++)
		top->tags[tag] = old->tags[tag] != 0;
	link_child(top, 0, old);
	old->parent = top;
	STORE_RELEASE(root->node, top);
	root->height++;
	return 0;
}

/* Takes tops away that have nothing but slot 0 below them. */
static void shrink(struct radix_root *root)
{
	struct radix_node *top = root->node, *below;

	while (top->shift && top->count == 1 && top->slots[0]) {
		below = top->slots[0];
		below->parent = NULL;
		WRITE_ONCE(root->node, below);
		root->height--;
		root->free(top);
		top = below;
	}
}

static int start_tree(struct radix_root *root, unsigned long index)
{
	unsigned int shift = 0;
	struct radix_node *top;

	while (index > reach_of(shift))
		shift += RADIX_SHIFT;
	top = new_node(root, shift);
	if (!top)
		return -ENOMEM;
	STORE_RELEASE(root->node, top);
	root->height = shift / RADIX_SHIFT + 1;
	return 0;
}

static int grow_to(struct radix_root *root, unsigned long index)
{
	int err = 0;

	if (!root->node)
		return start_tree(root, index);
	while (!err && index > reach_of(root->node->shift))
		err = grow_once(root);
	return err;
}

static void set_tag_upwards(struct radix_node *n, unsigned int slot,
			    unsigned int tag)
{
	while (n && !(n->tags[tag] >> slot & 1)) {
		WRITE_ONCE(n->tags[tag], n->tags[tag] | 1ULL << slot);
		slot = n->offset;
		n = n->parent;
	}
}

static void clear_tag_upwards(struct radix_node *n, unsigned int slot,
			      unsigned int tag)
{
	while (n && (n->tags[tag] >> slot & 1)) {
		WRITE_ONCE(n->tags[tag], n->tags[tag] & ~(1ULL << slot));
		if (n->tags[tag])
			return;
		slot = n->offset;
		n = n->parent;
	}
}

/* Frees n, if it is empty, and what gets empty by that; then shrinks. */
static void prune(struct radix_root *root, struct radix_node *n)
{
	while (n && !n->count) {
		struct radix_node *parent = n->parent;

		if (parent) {
			parent->count--;
			WRITE_ONCE(parent->slots[n->offset], NULL);
		} else {
			WRITE_ONCE(root->node, NULL);
			root->height = 0;
		}
		root->free(n);
		n = parent;
	}
	if (root->node)
		shrink(root);
}

/* The leaf for index, made if it is missing; NULL without memory. */
static struct radix_node *make_leaf(struct radix_root *root,
				    unsigned long index)
{
	struct radix_node *n, *child;

	if (grow_to(root, index)) {
		if (root->node)
			prune(root, root->node);
		return NULL;
	}
	for (n = root->node; n->shift; n = child) {
		unsigned int slot = slot_of(n, index);

		child = n->slots[slot];
		if (child)
			continue;
		child = new_node(root, n->shift - RADIX_SHIFT);
		if (!child) {
			prune(root, n);
			return NULL;
		}
		child->parent = n;
		child->offset = (u8)slot;
		link_child(n, slot, child);
	}
	return n;
}

int radix_insert(struct radix_root *root, unsigned long index, void *item)
{
	struct radix_node *leaf = find_leaf(root, index);
	unsigned int slot = index & SLOT_MASK;

	if (!leaf)
		leaf = make_leaf(root, index);
	if (!leaf)
		return -ENOMEM;
	if (leaf->slots[slot])
		return -EEXIST;
	link_child(leaf, slot, item);
	return 0;
}

void *radix_delete(struct radix_root *root, unsigned long index)
{
	struct radix_node *leaf = find_leaf(root, index);
	unsigned int slot = index & SLOT_MASK, tag;
	void *old = leaf ? leaf->slots[slot] : NULL;

	if (!old)
		return NULL;
	for (tag = 0; tag < RADIX_TAGS; tag++)
		clear_tag_upwards(leaf, slot, tag);
	WRITE_ONCE(leaf->slots[slot], NULL);
	leaf->count--;
	prune(root, leaf);
	return old;
}

bool radix_tag_set(struct radix_root *root, unsigned long index,
		   unsigned int tag)
{
	struct radix_node *leaf = find_leaf(root, index);
	unsigned int slot = index & SLOT_MASK;

	if (!leaf || !leaf->slots[slot])
		return false;
	set_tag_upwards(leaf, slot, tag);
	return true;
}

void radix_tag_clear(struct radix_root *root, unsigned long index,
		     unsigned int tag)
{
	struct radix_node *leaf = find_leaf(root, index);

	if (leaf)
		clear_tag_upwards(leaf, index & SLOT_MASK, tag);
}

bool radix_tag_get(const struct radix_root *root, unsigned long index,
		   unsigned int tag)
{
	struct radix_node *leaf = find_leaf(root, index);

	return leaf && READ_ONCE(leaf->tags[tag]) >> (index & SLOT_MASK) & 1;
}

bool radix_tagged(const struct radix_root *root, unsigned int tag)
{
	struct radix_node *n = READ_ONCE(root->node);

	return n && READ_ONCE(n->tags[tag]);
}

/* Without a tag all slots are looked at, NULL ones are skipped below. */
#define NO_TAG RADIX_TAGS

static __always_inline u64 slots_wanted(const struct radix_node *n,
					unsigned int tag)
{
	return tag == NO_TAG ? ~0ULL : READ_ONCE(n->tags[tag]);
}

/* The first wanted slot at or after slot that is not empty; 64 if none. */
static unsigned int next_slot(const struct radix_node *n, unsigned int slot,
			      unsigned int tag)
{
	u64 wanted = slots_wanted(n, tag);

	for (; slot < RADIX_SLOTS; slot++) {
		if ((wanted >> slot & 1) && child_at(n, slot))
			break;
	}
	return slot;
}

/* *index moves to the start of the next slot of n; false if there is none
 * within the index space of this top. */
static bool skip_slot(const struct radix_node *n, const struct radix_node *top,
		      unsigned long *index)
{
	unsigned long step = 1UL << n->shift;
	unsigned long next = (*index & ~(step - 1)) + step;

	if (!next || next > reach_of(top->shift))
		return false;
	*index = next;
	return true;
}

/*
 * From the top down to the leaf that holds the first wanted item at or after
 * *index, which moves there.  Where a node has nothing more, the search
 * starts again at the first index after it; each such step passes a node.
 */
static struct radix_node *seek(const struct radix_root *root,
			       unsigned long *index, unsigned int tag)
{
	struct radix_node *top = READ_ONCE(root->node), *n;

	if (!top || *index > reach_of(top->shift))
		return NULL;
	for (n = top; n;) {
		unsigned int slot = slot_of(n, *index);
		unsigned int found = next_slot(n, slot, tag);
		unsigned long base = *index & ~reach_of(n->shift);

		if (found == RADIX_SLOTS) {
			*index = base | SLOT_MASK << n->shift;
			if (n == top || !skip_slot(n, top, index))
				return NULL;
			n = top;
			continue;
		}
		if (found != slot)
			*index = base | (unsigned long)found << n->shift;
		if (!n->shift)
			return n;
		n = child_at(n, found);
		if (!n)
			n = top;	/* emptied meanwhile: look again */
	}
	return NULL;
}

static void *next_item(const struct radix_root *root, unsigned long *index,
		       unsigned int tag)
{
	unsigned long at = *index;
	struct radix_node *leaf;
	void *item;

	while ((leaf = seek(root, &at, tag))) {
		item = READ_ONCE(leaf->slots[at & SLOT_MASK]);
		if (item) {
			*index = at;
			return item;
		}
		if (++at == 0)
			break;
	}
	return NULL;
}

void *radix_next(const struct radix_root *root, unsigned long *index)
{
	return next_item(root, index, NO_TAG);
}

void *radix_next_tag(const struct radix_root *root, unsigned long *index,
		     unsigned int tag)
{
	return next_item(root, index, tag);
}

/* All items of one leaf from slot on; how many. */
static size_t gather(const struct radix_node *leaf, unsigned int slot,
		     void **out, size_t n)
{
	size_t got = 0;

	while (got < n &&
	       (slot = next_slot(leaf, slot, NO_TAG)) < RADIX_SLOTS) {
		void *item = child_at(leaf, slot++);

		if (item)
			out[got++] = item;
	}
	return got;
}

size_t radix_gang_lookup(const struct radix_root *root, unsigned long first,
			 void **out, size_t n)
{
	struct radix_node *leaf;
	size_t got = 0;

	while (got < n && (leaf = seek(root, &first, NO_TAG))) {
		got += gather(leaf, first & SLOT_MASK, out + got, n - got);
		first = (first | SLOT_MASK) + 1;
		if (!first)
			break;
	}
	return got;
}

unsigned long radix_next_hole(const struct radix_root *root,
			      unsigned long index, unsigned long max)
{
	unsigned long end;

	if (add_overflow(index, max, &end))
		end = ~0UL;
	while (index < end) {
		struct radix_node *leaf = find_leaf(root, index);

		do {
			if (!leaf || !child_at(leaf, index & SLOT_MASK))
				return index;
			index++;
		} while (index < end && (index & SLOT_MASK));
	}
	return end;
}

/* Down to a node without children, free it, and go on from its parent. */
void radix_destroy(struct radix_root *root)
{
	struct radix_node *n = root->node;
	unsigned int slot;

	root->node = NULL;
	root->height = 0;
	while (n) {
		struct radix_node *parent = n->parent;

		slot = n->shift ? next_slot(n, 0, NO_TAG) : RADIX_SLOTS;
		if (slot < RADIX_SLOTS) {
			struct radix_node *child = n->slots[slot];

			n->slots[slot] = NULL;
			n = child;
			continue;
		}
		root->free(n);
		n = parent;
	}
}
