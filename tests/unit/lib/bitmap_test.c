/* bitmaps against an array of bools, ids, and bit lists */
#include "../unit.h"
#include <lib/bitmap.h>
#include <lib/errno.h>
#include <lib/idr.h>
#include <lib/parse.h>
#include <lib/string.h>

#define N 333

static void scans_agree_with_a_model(void **state)
{
	DECLARE_BITMAP(map, N);
	uint64_t seed = 7;
	bool in[N] = { false };
	size_t i, j, start, count;
	int round;

	bitmap_zero(map, N);
	for (round = 0; round < 3000; round++) {
		start = noise(&seed) % N;
		count = noise(&seed) % min(N - start, 90UL);
		for (i = start; i < start + count; i++)
			in[i] = round & 1;
		if (round & 1)
			bitmap_set(map, start, count);
		else
			bitmap_clear(map, start, count);
		start = noise(&seed) % (N + 10);
		for (i = start; i < N && !in[i]; i++)
			;
		assert_int_equal(find_next_bit(map, N, start), min(i, (size_t)N));
		for (i = start; i < N && in[i]; i++)
			;
		assert_int_equal(find_next_zero(map, N, start),
				 min(i, (size_t)N));
		for (i = j = 0; i < N; i++)
			j += in[i];
		assert_int_equal(bitmap_weight(map, N), j);
		count = noise(&seed) % 40 + 1;
		for (i = 0, j = 0; i < N && j < count; i++)
			j = in[i] ? 0 : j + 1;
		assert_int_equal(find_zero_run(map, N, 0, count),
				 j == count ? i - count : N);
	}
}

static void set_algebra(void **state)
{
	DECLARE_BITMAP(a, N);
	DECLARE_BITMAP(b, N);
	DECLARE_BITMAP(c, N);

	bitmap_fill(a, N);
	assert_true(bitmap_full(a, N));
	assert_int_equal(bitmap_weight(a, N), N);
	assert_int_equal(find_last_bit(a, N), N - 1);
	bitmap_not(b, a, N);
	assert_true(bitmap_empty(b, N));
	assert_int_equal(find_last_bit(b, N), N);
	bit_set(b, 100);
	assert_true(bit_test_and_set(b, 100));
	assert_true(bitmap_subset(b, a, N));
	assert_true(bitmap_intersects(b, a, N));
	bitmap_andnot(c, a, b, N);
	assert_int_equal(find_first_zero(c, N), 100);
	assert_false(bitmap_intersects(b, c, N));
	bitmap_or(c, c, b, N);
	assert_true(bitmap_equal(a, c, N));
	bitmap_xor(c, c, a, N);
	assert_true(bitmap_empty(c, N));
	bitmap_and(c, a, b, N);
	assert_true(bitmap_equal(c, b, N));
}

static void single_words(void **state)
{
	unsigned int i;

	assert_int_equal(ffs64(0), 0);
	assert_int_equal(fls64(0), 0);
	assert_int_equal(fls(0x80000000U), 32);
	for (i = 0; i < 64; i++) {
		assert_int_equal(__ffs64(~0ULL << i), i);
		assert_int_equal(ffs64(1ULL << i), i + 1);
		assert_int_equal(__fls64(~0ULL >> (63 - i)), i);
		assert_int_equal(hweight64(~0ULL >> i), 64 - i);
		assert_int_equal(roundup_pow2(1ULL << i), 1ULL << i);
		assert_int_equal(order_base2(1ULL << i), i);
	}
	assert_int_equal(roundup_pow2(5), 8);
	assert_int_equal(order_base2(5), 3);
}

static void ids_come_back_late(void **state)
{
	DECLARE_BITMAP(map, 11);
	struct id_bitmap ids;
	u32 id, i;

	bitmap_zero(map, 11);
	id_init(&ids, map, 2, 10);
	for (i = 2; i < 8; i++) {
		assert_int_equal(id_alloc(&ids, &id), 0);
		assert_int_equal(id, i);
	}
	id_free(&ids, 3);
	assert_int_equal(id_alloc(&ids, &id), 0);
	assert_int_equal(id, 8);
	assert_int_equal(id_reserve(&ids, 9), 0);
	assert_int_equal(id_reserve(&ids, 9), -EEXIST);
	assert_int_equal(id_reserve(&ids, 11), -EINVAL);
	assert_int_equal(id_reserve(&ids, 1), -EINVAL);
	assert_int_equal(id_alloc(&ids, &id), 0);
	assert_int_equal(id, 10);
	assert_int_equal(id_alloc(&ids, &id), 0);
	assert_int_equal(id, 3);
	assert_int_equal(id_alloc(&ids, &id), -ENOSPC);
	assert_int_equal(ids.used, 9);
	id_free(&ids, 5);
	id_free(&ids, 5);
	assert_int_equal(ids.used, 8);
	assert_int_equal(id_alloc_lowest(&ids, 0, &id), 0);
	assert_int_equal(id, 5);
}

static void bit_lists(void **state)
{
	DECLARE_BITMAP(map, 72);
	char b[64];

	assert_int_equal(parse_bitlist("0,2-4,70-\n", map, 72), 0);
	assert_int_equal(format_bitlist(b, sizeof(b), map, 72), 11);
	assert_string_equal(b, "0,2-4,70-71");
	format_bitmask(b, sizeof(b), map, 72);
	assert_string_equal(b, "c0,00000000,0000001d");
	assert_int_equal(parse_bitlist("72", map, 72), -ERANGE);
	assert_int_equal(parse_bitlist("4-2", map, 72), -EINVAL);
	assert_int_equal(parse_bitlist("a", map, 72), -EINVAL);
	assert_int_equal(parse_bitlist("1;2", map, 72), -EINVAL);
	assert_int_equal(parse_bitlist("", map, 72), 0);
	assert_int_equal(format_bitlist(b, sizeof(b), map, 72), 0);
	assert_string_equal(b, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_agree_with_a_model),
		cmocka_unit_test(set_algebra),
		cmocka_unit_test(single_words),
		cmocka_unit_test(ids_come_back_late),
		cmocka_unit_test(bit_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
