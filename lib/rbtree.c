/*
 * rbtree - red-black trees.
 *
 * Theory: (1) the root is black, (2) a red node has no red child, (3) every
 *         path from a node down to a missing child passes equally many black
 *         nodes.  Insertion adds a red node, so only (2) can fail, between it
 *         and its parent; erasing a black node breaks (3) for one subtree,
 *         which lacks one black.  Both walk up, recolouring, and end after at
 *         most two or three rotations.
 *         A NULL child counts as black.  The word parent_color keeps the
 *         colour in bit 0 (set: black), as nodes are word aligned.
 *         Plain trees are augmented trees whose operations do nothing; the
 *         bodies are inlined into both, so plain trees pay no calls.
 */
#include <lib/rbtree.h>

#define RED 0UL
#define BLACK 1UL

static __always_inline bool is_black(const struct rb_node *n)
{
	return !n || (n->parent_color & BLACK);
}

static __always_inline bool is_red(const struct rb_node *n)
{
	return !is_black(n);
}

static __always_inline void set_parent(struct rb_node *n, struct rb_node *p)
{
	n->parent_color = (uintptr_t)p | (n->parent_color & BLACK);
}

static __always_inline void set_color(struct rb_node *n, uintptr_t color)
{
	n->parent_color = (n->parent_color & ~BLACK) | color;
}

/* parent's link to old (the root's, if parent is NULL) becomes new_node. */
static __always_inline void relink(struct rb_node *parent,
				   struct rb_node *old,
				   struct rb_node *new_node,
				   struct rb_root *root)
{
	if (!parent)
		WRITE_ONCE(root->node, new_node);
	else if (parent->left == old)
		WRITE_ONCE(parent->left, new_node);
	else
		WRITE_ONCE(parent->right, new_node);
}

/*
 * n's child on the other side takes n's place, n becomes its child on side
 * left (true: n goes down to the left).  Colours stay with their nodes.
 */
static __always_inline void rotate(struct rb_node *n, bool left,
				   struct rb_root *root,
				   const struct rb_augment_ops *ops)
{
	struct rb_node *up = left ? n->right : n->left;
	struct rb_node *inner = left ? up->left : up->right;
	struct rb_node *parent = rb_parent(n);

	if (left) {
		n->right = inner;
		up->left = n;
	} else {
		n->left = inner;
		up->right = n;
	}
	if (inner)
		set_parent(inner, n);
	set_parent(up, parent);
	set_parent(n, up);
	relink(parent, n, up, root);
	if (ops)
		ops->rotate(n, up);
}

static __always_inline void insert_fixup(struct rb_node *n,
					 struct rb_root *root,
					 const struct rb_augment_ops *ops)
{
	for (;;) {
		struct rb_node *parent = rb_parent(n), *grand, *uncle;
		bool left;

		if (!parent) {
			set_color(n, BLACK);
			return;
		}
		if (is_black(parent))
			return;
		grand = rb_parent(parent);	/* red parent: not the root */
		left = grand->left == parent;
		uncle = left ? grand->right : grand->left;
		if (is_red(uncle)) {
			set_color(parent, BLACK);
			set_color(uncle, BLACK);
			set_color(grand, RED);
			n = grand;
			continue;
		}
		if (n == (left ? parent->right : parent->left)) {
			rotate(parent, left, root, ops);
			parent = n;
		}
		set_color(parent, BLACK);
		set_color(grand, RED);
		rotate(grand, !left, root, ops);
		return;
	}
}

/*
 * Every path below parent through its child n (may be NULL) lacks one black.
 */
static __always_inline void erase_fixup(struct rb_node *n,
					struct rb_node *parent,
					struct rb_root *root,
					const struct rb_augment_ops *ops)
{
	while (parent && is_black(n)) {
		bool left = parent->left == n;
		struct rb_node *sib = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (is_red(sib)) {
			set_color(sib, BLACK);
			set_color(parent, RED);
			rotate(parent, left, root, ops);
			sib = left ? parent->right : parent->left;
		}
		near = left ? sib->left : sib->right;
		far = left ? sib->right : sib->left;
		if (is_black(near) && is_black(far)) {
			set_color(sib, RED);
			n = parent;
			parent = rb_parent(n);
			continue;
		}
		if (is_black(far)) {
			set_color(near, BLACK);
			set_color(sib, RED);
			rotate(sib, !left, root, ops);
			far = sib;
			sib = near;
		}
		set_color(sib, parent->parent_color & BLACK);
		set_color(parent, BLACK);
		set_color(far, BLACK);
		rotate(parent, left, root, ops);
		return;
	}
	if (n)
		set_color(n, BLACK);
}

/* n has at most one child. */
static __always_inline void unlink_simple(struct rb_node *n,
					  struct rb_root *root,
					  const struct rb_augment_ops *ops)
{
	struct rb_node *child = n->left ? n->left : n->right;
	struct rb_node *parent = rb_parent(n);
	bool was_black = is_black(n);

	relink(parent, n, child, root);
	if (child)
		set_parent(child, parent);
	if (ops && parent)
		ops->propagate(parent, NULL);
	if (was_black)
		erase_fixup(child, parent, root, ops);
}

/* n has two children: its successor, which has no left one, replaces it. */
static __always_inline void unlink_double(struct rb_node *n,
					  struct rb_root *root,
					  const struct rb_augment_ops *ops)
{
	struct rb_node *succ = n->right, *child, *hole;
	bool was_black;

	while (succ->left)
		succ = succ->left;
	was_black = is_black(succ);
	child = succ->right;
	hole = rb_parent(succ);
	if (hole == n) {
		hole = succ;
	} else {
		hole->left = child;
		if (child)
			set_parent(child, hole);
		succ->right = n->right;
		set_parent(succ->right, succ);
	}
	succ->left = n->left;
	set_parent(succ->left, succ);
	succ->parent_color = n->parent_color;
	relink(rb_parent(n), n, succ, root);
	if (ops) {
		ops->copy(n, succ);
		if (hole != succ)
			ops->propagate(hole, succ);
		ops->propagate(succ, NULL);
	}
	if (was_black)
		erase_fixup(child, hole, root, ops);
}

static __always_inline void erase(struct rb_node *n, struct rb_root *root,
				  const struct rb_augment_ops *ops)
{
	if (n->left && n->right)
		unlink_double(n, root, ops);
	else
		unlink_simple(n, root, ops);
}

void rb_insert_color(struct rb_node *n, struct rb_root *root)
{
	insert_fixup(n, root, NULL);
}

void rb_erase(struct rb_node *n, struct rb_root *root)
{
	erase(n, root, NULL);
}

void rb_insert_augmented(struct rb_node *n, struct rb_root *root,
			 const struct rb_augment_ops *ops)
{
	insert_fixup(n, root, ops);
}

void rb_erase_augmented(struct rb_node *n, struct rb_root *root,
			const struct rb_augment_ops *ops)
{
	erase(n, root, ops);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	struct rb_node *parent;

	if (n->right) {
		n = n->right;
		while (n->left)
			n = n->left;
		return (struct rb_node *)(uintptr_t)n;
	}
	while ((parent = rb_parent(n)) && n == parent->right)
		n = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	struct rb_node *parent;

	if (n->left) {
		n = n->left;
		while (n->right)
			n = n->right;
		return (struct rb_node *)(uintptr_t)n;
	}
	while ((parent = rb_parent(n)) && n == parent->left)
		n = parent;
	return parent;
}

static struct rb_node *deepest(struct rb_node *n)
{
	while (n && (n->left || n->right))
		n = n->left ? n->left : n->right;
	return n;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return deepest(root->node);
}

struct rb_node *rb_next_postorder(const struct rb_node *n)
{
	struct rb_node *parent = rb_parent(n);

	if (parent && n == parent->left && parent->right)
		return deepest(parent->right);
	return parent;
}
