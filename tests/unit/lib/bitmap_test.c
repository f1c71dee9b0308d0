/* bitmaps against an array of bools, and bit lists */
#include "../unit.h"
#include <lib/bitmap.h>
#include <lib/errno.h>
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

static void ends_of_a_map(void **state)
{
	DECLARE_BITMAP(map, N);

	bitmap_zero(map, N);
	assert_int_equal(find_last_bit(map, N), N);
	bit_set(map, 100);
	assert_true(bit_test_and_set(map, 100));
	assert_int_equal(find_last_bit(map, N), 100);
	bitmap_set(map, 0, N);
	assert_int_equal(find_first_zero(map, N), N);
	assert_int_equal(bitmap_weight(map, N), N);
	assert_int_equal(find_last_bit(map, N), N - 1);
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
		cmocka_unit_test(ends_of_a_map),
		cmocka_unit_test(single_words),
		cmocka_unit_test(bit_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
