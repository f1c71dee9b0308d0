/* lists and hash chains */
#include "../unit.h"
#include <lib/list.h>

struct item {
	int n;
	struct list link;
	struct hlist_node hash;
};

static int order(struct list *head)
{
	struct item *e;
	int v = 0;

	list_for_each_entry(e, head, link)
		v = v * 10 + e->n;
	return v;
}

static void adds_at_both_ends(void **state)
{
	LIST_HEAD(head);
	struct item a = { 1 }, b = { 2 }, c = { 3 };

	assert_true(list_empty(&head));
	assert_null(list_first(&head));
	list_add(&b.link, &head);
	list_add(&a.link, &head);
	list_add_tail(&c.link, &head);
	assert_int_equal(order(&head), 123);
	assert_true(list_is_first(&a.link, &head));
	assert_true(list_is_last(&c.link, &head));
	assert_ptr_equal(list_next_entry(&a, link), &b);
	assert_int_equal(list_count(&head), 3);
}

static void removes_during_walk(void **state)
{
	struct item e[9], *p, *n;
	LIST_HEAD(head);
	int i;

	for (i = 0; i < 9; i++) {
		e[i].n = i + 1;
		list_add_tail(&e[i].link, &head);
	}
	list_for_each_entry_safe(p, n, &head, link) {
		if (p->n % 2)
			list_del_init(&p->link);
	}
	assert_int_equal(order(&head), 2468);
	assert_true(list_empty(&e[0].link));
	list_del_init(&e[0].link);
	list_move(&e[7].link, &head);
	assert_int_equal(order(&head), 8246);
	list_move_tail(&e[7].link, &head);
	assert_int_equal(order(&head), 2468);
	assert_ptr_equal(list_pop(&head), &e[1].link);
}

static void splices_and_cuts(void **state)
{
	struct item e[6];
	LIST_HEAD(a);
	LIST_HEAD(b);
	LIST_HEAD(c);
	int i;

	for (i = 0; i < 6; i++) {
		e[i].n = i + 1;
		list_add_tail(&e[i].link, i < 3 ? &a : &b);
	}
	list_splice_tail(&b, &a);
	assert_true(list_empty(&b));
	assert_int_equal(order(&a), 123456);
	list_cut(&c, &a, &e[1].link);
	assert_int_equal(order(&c), 12);
	assert_int_equal(order(&a), 3456);
	list_splice(&c, &a);
	assert_int_equal(order(&a), 123456);
	list_splice(&c, &a);
	assert_int_equal(order(&a), 123456);
}

static void hash_chain_keeps_pprev_right(void **state)
{
	struct hlist_head h = HLIST_INIT, to = HLIST_INIT;
	struct item e[4], *p;
	struct hlist_node *n;
	int i, sum = 0;

	for (i = 0; i < 4; i++) {
		e[i].n = i + 1;
		hlist_node_init(&e[i].hash);
		assert_true(hlist_unhashed(&e[i].hash));
		if (i & 1)
			hlist_add_head_rcu(&e[i].hash, &h);
		else
			hlist_add_head(&e[i].hash, &h);
	}
	hlist_del(&e[3].hash);
	hlist_del_rcu(&e[1].hash);
	assert_true(hlist_unhashed(&e[1].hash));
	assert_ptr_equal(e[1].hash.next, &e[0].hash);
	hlist_move_all(&h, &to);
	assert_true(hlist_empty(&h));
	hlist_for_each_entry_rcu(p, &to, hash)
		sum = sum * 10 + p->n;
	assert_int_equal(sum, 31);
	hlist_for_each_entry_safe(p, n, &to, hash)
		hlist_del_init(&p->hash);
	assert_true(hlist_empty(&to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_at_both_ends),
		cmocka_unit_test(removes_during_walk),
		cmocka_unit_test(splices_and_cuts),
		cmocka_unit_test(hash_chain_keeps_pprev_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
