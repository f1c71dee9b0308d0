/*
 * radix - a map from unsigned long to pointers, 64-way, with tags.
 *
 * One writer at a time (the caller's lock); radix_lookup(), radix_next(),
 * radix_tag_get() and the gang look-ups may run beside it without a lock,
 * inside an RCU reader section if free() defers.  They see each slot either
 * before or after a change.  A tag of an inner slot says that something below
 * carries it.  Items are any non-NULL pointers.
 */
#pragma once

#include <lib/compiler.h>

#define RADIX_SHIFT 6
#define RADIX_SLOTS 64
#define RADIX_TAGS 3

struct radix_node {
	u8 shift;			/* of this level's digit; const */
	u8 offset;			/* my slot in parent */
	u16 count;			/* used slots */
	struct radix_node *parent;
	u64 tags[RADIX_TAGS];		/* one bit per slot */
	void *slots[RADIX_SLOTS];
};

/*
 * alloc returns memory for one struct radix_node, or NULL; its content does
 * not matter.  free gets a node that no new reader can reach: one that still
 * has readers must stay intact for a grace period.
 */
struct radix_root {
	struct radix_node *node;
	u32 height;			/* levels; 0 while empty */
	void *(*alloc)(void);
	void (*free)(struct radix_node *node);
};

#define RADIX_ROOT_INIT(alloc_fn, free_fn) { NULL, 0, alloc_fn, free_fn }

static inline void radix_init(struct radix_root *root, void *(*alloc)(void),
			      void (*free)(struct radix_node *))
{
	root->node = NULL;
	root->height = 0;
	root->alloc = alloc;
	root->free = free;
}

static inline bool radix_empty(const struct radix_root *root)
{
	return !READ_ONCE(root->node);
}

/* NULL if there is none. */
void *radix_lookup(const struct radix_root *root, unsigned long index);

/* -EEXIST or -ENOMEM; the tree is unchanged then. */
int __must_check radix_insert(struct radix_root *root, unsigned long index,
			      void *item);

/* Returns the old item, NULL if there was none. */
void *radix_delete(struct radix_root *root, unsigned long index);

/*
 * Tags live as long as their item.  Setting returns false if there is none.
 */
bool radix_tag_set(struct radix_root *root, unsigned long index,
		   unsigned int tag);
void radix_tag_clear(struct radix_root *root, unsigned long index,
		     unsigned int tag);
bool radix_tag_get(const struct radix_root *root, unsigned long index,
		   unsigned int tag);
/* Does any item carry the tag? */
bool radix_tagged(const struct radix_root *root, unsigned int tag);

/* First item at or after *index, whose index it stores; NULL at the end. */
void *radix_next(const struct radix_root *root, unsigned long *index);
void *radix_next_tag(const struct radix_root *root, unsigned long *index,
		     unsigned int tag);

/*
 * Up to n items from first on, in order; returns how many.  The indices are
 * not reported: items know theirs.
 */
size_t radix_gang_lookup(const struct radix_root *root, unsigned long first,
			 void **out, size_t n);

/*
 * First empty index in [index, index + max), or index + max (saturating at
 * ULONG_MAX) if all of them are taken.
 */
unsigned long radix_next_hole(const struct radix_root *root,
			      unsigned long index, unsigned long max);

/* Frees whatever nodes are left; the items are not touched. */
void radix_destroy(struct radix_root *root);

#define radix_for_each(root, item, index)                                   \
	for (index = 0; (item = radix_next(root, &index)) != NULL;          \
	     index++)
