/* red-black trees, plain, cached and augmented */
#include "../unit.h"
#include <lib/rbtree.h>
#include <lib/string.h>

#define N 500

struct item {
	struct rb_node rb;
	unsigned int key;
	unsigned int top;	/* largest key below, and here */
	bool in;
};

static unsigned int top_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct item, rb)->top : 0;
}

static unsigned int compute(struct item *e)
{
	return max3(e->key, top_of(e->rb.left), top_of(e->rb.right));
}

static void propagate(struct rb_node *n, struct rb_node *stop)
{
	for (; n != stop; n = rb_parent(n)) {
		struct item *e = rb_entry(n, struct item, rb);

		e->top = compute(e);
	}
}

static void copy(struct rb_node *old, struct rb_node *new_node)
{
	rb_entry(new_node, struct item, rb)->top = top_of(old);
}

static void rotated(struct rb_node *old, struct rb_node *new_node)
{
	struct item *e = rb_entry(old, struct item, rb);

	rb_entry(new_node, struct item, rb)->top = e->top;
	e->top = compute(e);
}

static const struct rb_augment_ops ops = { propagate, copy, rotated };

static bool link_item(struct rb_root *root, struct item *e)
{
	struct rb_node **link = &root->node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (e->key < rb_entry(parent, struct item, rb)->key) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_link_node(&e->rb, parent, link);
	return leftmost;
}

static bool is_black(const struct rb_node *n)
{
	return !n || (n->parent_color & 1);
}

static bool links_are_sound(const struct rb_node *n)
{
	if (n->left && rb_parent(n->left) != n)
		return false;
	if (n->right && rb_parent(n->right) != n)
		return false;
	return is_black(n) || (is_black(n->left) && is_black(n->right));
}

static unsigned int blacks_above(const struct rb_node *n)
{
	unsigned int count = 0;

	for (; n; n = rb_parent(n))
		count += is_black(n);
	return count;
}

/* All red-black rules. */
static void check_rules(const struct rb_root *root)
{
	const struct rb_node *n;
	unsigned int want = 0;

	assert_true(is_black(root->node));
	assert_true(!root->node || !rb_parent(root->node));
	rb_for_each(n, root) {
		assert_true(links_are_sound(n));
		if (n->left && n->right)
			continue;
		if (!want)
			want = blacks_above(n);
		assert_int_equal(blacks_above(n), want);
	}
}

static void check_order(struct rb_root *root, struct item *e)
{
	struct rb_node *p;
	size_t i = 0, back = 0;

	check_rules(root);
	rb_for_each(p, root) {
		while (!e[i].in)
			i++;
		assert_ptr_equal(rb_entry(p, struct item, rb), &e[i++]);
	}
	while (i < N)
		assert_false(e[i++].in);
	for (p = rb_last(root); p; p = rb_prev(p))
		back++;
	for (i = 0; i < N; i++)
		back -= e[i].in;
	assert_int_equal(back, 0);
}

static void check_tops(struct item *e)
{
	int i;

	for (i = 0; i < N; i++) {
		if (e[i].in)
			assert_int_equal(e[i].top, compute(&e[i]));
	}
}

static struct item *make_items(void)
{
	struct item *e = calloc(N, sizeof(*e));
	unsigned int i;

	for (i = 0; i < N; i++)
		e[i].key = i;
	return e;
}

static void stays_balanced_under_random_changes(void **state)
{
	struct rb_root_cached c = RB_ROOT_CACHED;
	struct item *e = make_items();
	uint64_t seed = 1;
	int round;

	for (round = 0; round < 6000; round++) {
		struct item *p = &e[noise(&seed) % N];

		if (p->in)
			rb_erase_cached(&p->rb, &c);
		else
			rb_insert_color_cached(&p->rb, &c,
					       link_item(&c.root, p));
		p->in = !p->in;
		assert_ptr_equal(rb_first_cached(&c), rb_first(&c.root));
		if (round % 16 == 0)
			check_order(&c.root, e);
	}
	free(e);
}

static void keeps_augmented_values(void **state)
{
	struct rb_root root = RB_ROOT;
	struct item *e = make_items();
	uint64_t seed = 2;
	int round;

	for (round = 0; round < 6000; round++) {
		struct item *p = &e[noise(&seed) % N];

		p->in = !p->in;
		if (p->in) {
			link_item(&root, p);
			propagate(&p->rb, NULL);
			rb_insert_augmented(&p->rb, &root, &ops);
		} else {
			rb_erase_augmented(&p->rb, &root, &ops);
		}
		if (round % 8 == 0) {
			check_tops(e);
			check_order(&root, e);
		}
	}
	free(e);
}

static void sorted_input_and_postorder(void **state)
{
	struct rb_root root = RB_ROOT;
	struct item *e = make_items(), *p, *n;
	int i, count = 0;

	for (i = 0; i < N; i++) {
		link_item(&root, &e[i]);
		rb_insert_color(&e[i].rb, &root);
		e[i].in = true;
	}
	check_order(&root, e);
	rb_for_each_entry_postorder_safe(p, n, &root, rb) {
		p->in = false;
		memset(&p->rb, 0x5a, sizeof(p->rb));
		count++;
	}
	assert_int_equal(count, N);
	free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_balanced_under_random_changes),
		cmocka_unit_test(keeps_augmented_values),
		cmocka_unit_test(sorted_input_and_postorder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
