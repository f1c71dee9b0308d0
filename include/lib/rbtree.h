/*
 * rbtree - red-black trees, intrusive; the caller compares.
 *
 * To insert: walk from root->node to the empty link, rb_link_node(), then
 * rb_insert_color() (or its _cached or _augmented form).  No locks: the
 * caller excludes writers against everyone.
 */
#pragma once

#include <lib/compiler.h>

struct rb_node {
	uintptr_t parent_color;		/* parent | 1 if black */
	struct rb_node *left;
	struct rb_node *right;
} __aligned(sizeof(long));

struct rb_root {
	struct rb_node *node;
};

/* Remembers the leftmost node, for queues. */
struct rb_root_cached {
	struct rb_root root;
	struct rb_node *leftmost;
};

/*
 * Data that each node computes from its subtree.
 * propagate: recompute from node upwards until stop (exclusive; may be NULL),
 *            and it may end early where nothing changes.
 * copy:      new takes the place of old: copy the subtree value.
 * rotate:    new took old's place by a rotation: new gets old's value, then
 *            old is recomputed from its children.
 */
struct rb_augment_ops {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old, struct rb_node *new_node);
	void (*rotate)(struct rb_node *old, struct rb_node *new_node);
};

#define RB_ROOT ((struct rb_root){ NULL })
#define RB_ROOT_CACHED ((struct rb_root_cached){ { NULL }, NULL })
#define rb_entry(p, type, member) container_of(p, type, member)
#define rb_entry_safe(p, type, member) ({                                   \
	__typeof__(p) __rn = (p);                                           \
	__rn ? rb_entry(__rn, type, member) : NULL;                         \
})

static inline bool rb_is_empty(const struct rb_root *root)
{
	return !READ_ONCE(root->node);
}

static inline struct rb_node *rb_parent(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_color & ~(uintptr_t)3);
}

/* A node that is in no tree can be marked so, and asked. */
static inline void rb_node_clear(struct rb_node *n)
{
	n->parent_color = (uintptr_t)n;
}

static inline bool rb_node_is_clear(const struct rb_node *n)
{
	return n->parent_color == (uintptr_t)n;
}

static inline void rb_link_node(struct rb_node *n, struct rb_node *parent,
				struct rb_node **link)
{
	n->parent_color = (uintptr_t)parent;
	n->left = NULL;
	n->right = NULL;
	*link = n;
}

void rb_insert_color(struct rb_node *n, struct rb_root *root);
void rb_erase(struct rb_node *n, struct rb_root *root);

/*
 * The caller linked n and updated the ancestors' values on its way down, or
 * calls ops->propagate(n, NULL) between rb_link_node() and this.
 */
void rb_insert_augmented(struct rb_node *n, struct rb_root *root,
			 const struct rb_augment_ops *ops);
void rb_erase_augmented(struct rb_node *n, struct rb_root *root,
			const struct rb_augment_ops *ops);

/* NULL at the end, or if the tree is empty. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

/* Children before parents: allows to free every node without erasing. */
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *n);

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *c)
{
	return c->leftmost;
}

/* The first node of an empty tree: a black root. */
static inline void rb_insert_only_cached(struct rb_node *n,
					 struct rb_root_cached *c)
{
	n->parent_color = 1;
	n->left = NULL;
	n->right = NULL;
	c->root.node = n;
	c->leftmost = n;
}

/* leftmost: the walk to the link went left at every step. */
static inline void rb_insert_color_cached(struct rb_node *n,
					  struct rb_root_cached *c,
					  bool leftmost)
{
	if (leftmost)
		c->leftmost = n;
	rb_insert_color(n, &c->root);
}

static inline void rb_erase_cached(struct rb_node *n, struct rb_root_cached *c)
{
	if (c->leftmost == n)
		c->leftmost = rb_next(n);
	rb_erase(n, &c->root);
}

static inline void rb_insert_augmented_cached(struct rb_node *n,
					      struct rb_root_cached *c,
					      bool leftmost,
					      const struct rb_augment_ops *ops)
{
	if (leftmost)
		c->leftmost = n;
	rb_insert_augmented(n, &c->root, ops);
}

static inline void rb_erase_augmented_cached(struct rb_node *n,
					     struct rb_root_cached *c,
					     const struct rb_augment_ops *ops)
{
	if (c->leftmost == n)
		c->leftmost = rb_next(n);
	rb_erase_augmented(n, &c->root, ops);
}

#define rb_for_each(p, root) for (p = rb_first(root); p; p = rb_next(p))
#define rb_for_each_entry_postorder_safe(e, n, root, member)                \
	for (e = rb_entry_safe(rb_first_postorder(root), __typeof__(*(e)),  \
			       member);                                     \
	     e && (n = rb_entry_safe(rb_next_postorder(&(e)->member),       \
				     __typeof__(*(e)), member), 1);         \
	     e = n)
