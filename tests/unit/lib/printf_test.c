/* the formatter, against libc's */
#include "../unit.h"
#include <lib/printf.h>
#include <lib/string.h>

#define SAME(...) do {                                                      \
	char ours[200], theirs[200];                                        \
	int a = ksnprintf(ours, sizeof(ours), __VA_ARGS__);                 \
	int b = snprintf(theirs, sizeof(theirs), __VA_ARGS__);              \
	assert_string_equal(ours, theirs);                                  \
	assert_int_equal(a, b);                                             \
} while (0)

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-truncation"
static void agrees_with_libc(void **state)
{
	static const char *const kinds[] = { "d", "i", "u", "x", "X", "o" };
	static const char *const flags[] = {
		"", "-", "0", "+", " ", "#", "-#", "0#", "+0", " 0", "-+"
	};
	static const char *const sizes[] = { "", "8", "12", ".0", ".5", "9.4" };
	static const int v[] = { 0, 1, -1, 42, INT32_MIN, INT32_MAX, 511 };
	size_t k, f, s, i;
	char fmt[32];

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		for (f = 0; f < ARRAY_SIZE(flags); f++)
			for (s = 0; s < ARRAY_SIZE(sizes); s++)
				for (i = 0; i < ARRAY_SIZE(v); i++) {
					snprintf(fmt, sizeof(fmt), "<%%%s%s%s>",
						 flags[f], sizes[s], kinds[k]);
					SAME(fmt, v[i]);
				}
}

static void lengths(void **state)
{
	SAME("%ld %lld %lu %llu %lx %llx", -5L, -6LL, ~0UL, ~0ULL, ~0UL, 1ULL);
	SAME("%zu %zd %jd %td", (size_t)-1, (ssize_t)-1, (intmax_t)-3,
	     (ptrdiff_t)9);
	SAME("%hd %hhd %hu %hhu %hhx", 70000, 300, 70000, 300, -1);
	SAME("%lld %lld", (long long)S64_MIN, (long long)S64_MAX);
}

static void text(void **state)
{
	char unterminated[3] = { 'a', 'b', 'c' };

	SAME("%s|%10s|%-10s|%.2s|%*.*s|%%|%c|%5c|%-5c|", "abc", "abc", "abc",
	     "abc", 6, 1, "xyz", 'q', 'r', 's');
	SAME("%.*s", 3, unterminated);
	SAME("%.*s", -1, "whole");
	SAME("%*d|%-*d|%*d", 5, 42, 5, 42, -5, 42);
	SAME("no directives");
	SAME("%s", "");
}

static void ours_only(void **state)
{
	char b[64];

	ksnprintf(b, sizeof(b), "%p", (void *)0x1234);
	assert_string_equal(b, "0x0000000000001234");
	ksnprintf(b, sizeof(b), "%s", (char *)NULL);
	assert_string_equal(b, "(null)");
	assert_int_equal(ksnprintf(b, 4, "%d", 123456), 6);
	assert_string_equal(b, "123");
	assert_int_equal(kscnprintf(b, 4, "%d", 123456), 3);
	assert_int_equal(kscnprintf(b, 0, "%d", 123456), 0);
	assert_int_equal(ksnprintf(NULL, 0, "%d", 123456), 6);
	ksnprintf(b, sizeof(b), "100%");
	assert_string_equal(b, "100");
	assert_int_equal(fmt_u64(b, ~0ULL), 20);
	assert_memory_equal(b, "18446744073709551615", 20);
	assert_int_equal(fmt_hex(b, 0xabc, 8), 8);
	assert_memory_equal(b, "00000abc", 8);
	assert_int_equal(fmt_hex(b, 0, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_libc),
		cmocka_unit_test(lengths),
		cmocka_unit_test(text),
		cmocka_unit_test(ours_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
