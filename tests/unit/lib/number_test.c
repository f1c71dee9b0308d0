/* text to numbers, with kstrtox's rules */
#include "../unit.h"
#include <lib/errno.h>
#include <lib/string.h>

static void parses(const char *s, unsigned int base, int err, u64 want)
{
	u64 v = 0;

	assert_int_equal(str_to_u64(s, base, NULL, &v), err);
	assert_int_equal(v, want);
}

static void unsigned_numbers(void **state)
{
	parses("0", 0, 0, 0);
	parses("42\n", 0, 0, 42);
	parses("+7", 10, 0, 7);
	parses("0x1F", 0, 0, 31);
	parses("0X1f", 16, 0, 31);
	parses("017", 0, 0, 15);
	parses("017", 10, 0, 17);
	parses("ff", 16, 0, 255);
	parses("18446744073709551615", 0, 0, ~0ULL);
	parses("18446744073709551616", 0, -ERANGE, 0);
	parses("99999999999999999999999", 0, -ERANGE, 0);
	parses("", 0, -EINVAL, 0);
	parses("x", 0, -EINVAL, 0);
	parses("-1", 0, -EINVAL, 0);
	parses("08", 0, -EINVAL, 0);
	parses("0x", 0, -EINVAL, 0);
	parses("1 ", 0, -EINVAL, 0);
	parses("1\n\n", 0, -EINVAL, 0);
}

static void signed_numbers(void **state)
{
	s64 v;
	int i;
	u32 u;

	assert_int_equal(str_to_s64("-9223372036854775808", 0, NULL, &v), 0);
	assert_true(v == S64_MIN);
	assert_int_equal(str_to_s64("-9223372036854775809", 0, NULL, &v),
			 -ERANGE);
	assert_int_equal(str_to_s64("9223372036854775808", 0, NULL, &v),
			 -ERANGE);
	assert_int_equal(str_to_s64("--1", 0, NULL, &v), -EINVAL);
	assert_int_equal(str_to_int("-2147483648", 0, &i), 0);
	assert_int_equal(i, INT32_MIN);
	assert_int_equal(str_to_int("2147483648", 0, &i), -ERANGE);
	assert_int_equal(str_to_u32("4294967295", 0, &u), 0);
	assert_int_equal(str_to_u32("4294967296", 0, &u), -ERANGE);
}

static void stops_where_told(void **state)
{
	char *end;
	u64 v;

	assert_int_equal(str_to_u64("12ab", 10, &end, &v), 0);
	assert_int_equal(v, 12);
	assert_string_equal(end, "ab");
	assert_int_equal(str_to_size("64M,x", &end, &v), 0);
	assert_int_equal(v, 64 << 20);
	assert_string_equal(end, ",x");
	assert_int_equal(str_to_size("0x10k", NULL, &v), 0);
	assert_int_equal(v, 16384);
	assert_int_equal(str_to_size("3Kx", NULL, &v), -EINVAL);
	assert_int_equal(str_to_size("17E", NULL, &v), -ERANGE);
	assert_int_equal(str_to_size("15E", NULL, &v), 0);
}

static void truths(void **state)
{
	bool b = false;

	assert_int_equal(str_to_bool("yes", &b), 0);
	assert_true(b);
	assert_int_equal(str_to_bool("off", &b), 0);
	assert_false(b);
	assert_int_equal(str_to_bool("On", &b), 0);
	assert_true(b);
	assert_int_equal(str_to_bool("o", &b), -EINVAL);
	assert_int_equal(str_to_bool("", &b), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(stops_where_told),
		cmocka_unit_test(truths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
