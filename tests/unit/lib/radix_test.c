/* the radix tree against a plain array, and beside lock-free readers */
#include "../unit.h"
#include <pthread.h>
#include <lib/errno.h>
#include <lib/radix.h>
#include <lib/bitmap.h>
#include <lib/string.h>

#define N 5000

static long nodes, fail_after = -1;

static void *node_alloc(void)
{
	if (!fail_after)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	nodes++;
	return memset(malloc(sizeof(struct radix_node)), 0xa5,
		      sizeof(struct radix_node));
}

static void node_free(struct radix_node *n)
{
	nodes--;
	free(n);
}

static int values[N];

static void finds_what_was_put(void **state)
{
	static const unsigned long at[] = {
		0, 1, 63, 64, 4095, 4096, 1UL << 30, 1UL << 52, ~0UL - 1, ~0UL
	};
	struct radix_root r = RADIX_ROOT_INIT(node_alloc, node_free);
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		assert_null(radix_lookup(&r, at[i]));
		assert_int_equal(radix_insert(&r, at[i], &values[i]), 0);
		assert_int_equal(radix_insert(&r, at[i], &values[0]), -EEXIST);
		for (j = 0; j <= i; j++)
			assert_ptr_equal(radix_lookup(&r, at[j]), &values[j]);
	}
	for (i = ARRAY_SIZE(at); i-- > 0;) {
		assert_non_null(radix_delete(&r, at[i]));
		assert_null(radix_delete(&r, at[i]));
	}
	assert_true(radix_empty(&r));
	assert_int_equal(nodes, 0);
}

static void agrees_with_a_model(void **state)
{
	struct radix_root r = RADIX_ROOT_INIT(node_alloc, node_free);
	static bool in[N], tag[RADIX_TAGS][N];
	unsigned long at, i;
	uint64_t seed = 3;
	unsigned int t;
	int round;
	void *p;

	for (round = 0; round < 30000; round++) {
		i = noise(&seed) % N;
		i = round % 3 ? i : i / 50;
		t = noise(&seed) % RADIX_TAGS;
		switch (noise(&seed) % 8) {
		case 0: case 1: case 2:
			assert_int_equal(radix_insert(&r, i, &values[i]),
					 in[i] ? -EEXIST : 0);
			in[i] = true;
			break;
		case 3: case 4:
			assert_ptr_equal(radix_delete(&r, i),
					 in[i] ? &values[i] : NULL);
			in[i] = tag[0][i] = tag[1][i] = tag[2][i] = false;
			break;
		case 5: case 6:
			assert_int_equal(radix_tag_set(&r, i, t), in[i]);
			tag[t][i] = in[i];
			break;
		default:
			radix_tag_clear(&r, i, t);
			tag[t][i] = false;
		}
		if (round % 50)
			continue;
		i = at = noise(&seed) % N;
		p = radix_next(&r, &at);
		while (i < N && !in[i])
			i++;
		assert_ptr_equal(p, i < N ? &values[i] : NULL);
		if (p)
			assert_int_equal(at, i);
		i = at = noise(&seed) % N;
		p = radix_next_tag(&r, &at, t);
		while (i < N && !tag[t][i])
			i++;
		assert_ptr_equal(p, i < N ? &values[i] : NULL);
		i = at = noise(&seed) % N;
		while (i < N && in[i])
			i++;
		assert_int_equal(radix_next_hole(&r, at, N), i);
	}
	for (i = 0; i < N; i++) {
		assert_ptr_equal(radix_lookup(&r, i),
				 in[i] ? &values[i] : NULL);
		for (t = 0; t < RADIX_TAGS; t++)
			assert_int_equal(radix_tag_get(&r, i, t), tag[t][i]);
	}
	radix_destroy(&r);
	assert_int_equal(nodes, 0);
}

static void gangs_in_order(void **state)
{
	struct radix_root r = RADIX_ROOT_INIT(node_alloc, node_free);
	void *out[64];
	size_t i;

	for (i = 0; i < 100; i++)
		assert_int_equal(radix_insert(&r, i * 37, &values[i]), 0);
	assert_int_equal(radix_gang_lookup(&r, 38, out, 64), 64);
	for (i = 0; i < 64; i++)
		assert_ptr_equal(out[i], &values[i + 2]);
	for (i = 0; i < 100; i += 10)
		assert_true(radix_tag_set(&r, i * 37, 1));
	assert_true(radix_tagged(&r, 1));
	assert_false(radix_tagged(&r, 0));
	for (i = 0; i < 100; i += 10)
		radix_tag_clear(&r, i * 37, 1);
	assert_false(radix_tagged(&r, 1));
	assert_int_equal(radix_next_hole(&r, 37, 5), 38);
	radix_destroy(&r);
	assert_int_equal(nodes, 0);
}

static void gives_all_back_without_memory(void **state)
{
	struct radix_root r = RADIX_ROOT_INIT(node_alloc, node_free);
	long i, before;

	for (i = 0; i < 12; i++) {
		fail_after = i;
		if (!radix_insert(&r, 1UL << 60, &values[0]))
			break;
		assert_int_equal(nodes, 0);
		assert_true(radix_empty(&r));
	}
	assert_int_equal(i, 11);
	fail_after = -1;
	radix_delete(&r, 1UL << 60);
	assert_int_equal(radix_insert(&r, 5, &values[5]), 0);
	for (i = 0; i < 14; i++) {
		before = nodes;
		fail_after = i;
		assert_int_equal(radix_insert(&r, 1UL << 50, &values[0]),
				 i < 16 && nodes > before ? 0 : -ENOMEM);
		fail_after = -1;
		assert_ptr_equal(radix_lookup(&r, 5), &values[5]);
		if (radix_delete(&r, 1UL << 50))
			break;
		assert_int_equal(nodes, before);
	}
	assert_int_equal(nodes, 1);
	radix_destroy(&r);
	assert_int_equal(nodes, 0);
}

/* Nodes freed while readers run are kept until they are gone. */
static struct radix_node *graveyard;

static void node_bury(struct radix_node *n)
{
	n->parent = graveyard;
	graveyard = n;
}

static void *plain_alloc(void)
{
	return malloc(sizeof(struct radix_node));
}

static struct radix_root shared = RADIX_ROOT_INIT(plain_alloc, node_bury);
static int stop;

static void *reader(void *arg)
{
	unsigned long at;
	void *out[32], *p;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		for (at = 0; at < N; at += 7) {
			p = radix_lookup(&shared, at);
			if (p && p != &values[at])
				return "lookup";
			if (at % 11 == 0 && !p)
				return "lost";
		}
		for (at = 0; (p = radix_next(&shared, &at)); at++) {
			if (p != &values[at])
				return "next";
		}
		if (radix_gang_lookup(&shared, 0, out, 32) < 32)
			return "gang";
	}
	return NULL;
}

static void readers_need_no_lock(void **state)
{
	struct radix_node *n;
	pthread_t thread;
	uint64_t seed = 4;
	unsigned long i;
	void *why;
	int round;

	for (i = 0; i < N; i += 11)
		assert_int_equal(radix_insert(&shared, i, &values[i]), 0);
	pthread_create(&thread, NULL, reader, NULL);
	for (round = 0; round < 100000; round++) {
		i = noise(&seed) % N;
		if (i % 11 == 0)
			continue;
		if (round % 97 == 0)
			i += 1UL << 40;
		if (!radix_delete(&shared, i) && i < N)
			assert_int_equal(radix_insert(&shared, i, &values[i]),
					 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, &why);
	assert_null(why);
	radix_destroy(&shared);
	while ((n = graveyard)) {
		graveyard = n->parent;
		free(n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(gangs_in_order),
		cmocka_unit_test(gives_all_back_without_memory),
		cmocka_unit_test(readers_need_no_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
