/* UNIT_CFLAGS: -DLIB_STRING_UNDER_TEST -fno-builtin */
#include "../unit.h"
#include <lib/errno.h>
#include <lib/string.h>

#define SIZE 400

static u8 plain[SIZE], copied[SIZE], expect[SIZE];

static void fill(u8 *p, size_t n, uint64_t seed)
{
	while (n--)
		*p++ = (u8)noise(&seed);
}

static void expect_equal(const u8 *a, const u8 *b)
{
	size_t i;

	for (i = 0; i < SIZE; i++)
		assert_int_equal(a[i], b[i]);
}

static void memcpy_at_all_alignments(void **state)
{
	size_t from, to, n, i;

	fill(plain, SIZE, 5);
	for (from = 0; from < 9; from++) {
		for (to = 0; to < 9; to++) {
			for (n = 0; n < 300; n += n < 40 ? 1 : 13) {
				fill(copied, SIZE, n);
				fill(expect, SIZE, n);
				for (i = 0; i < n; i++)
					expect[to + i] = plain[from + i];
				assert_ptr_equal(memcpy(copied + to,
							plain + from, n),
						 copied + to);
				expect_equal(copied, expect);
			}
		}
	}
}

static void memmove_with_overlap(void **state)
{
	size_t from, to, n, i;

	for (from = 0; from < 40; from += 3) {
		for (to = 0; to < 40; to++) {
			for (n = 0; n < 300; n += 37) {
				fill(copied, SIZE, n);
				fill(plain, SIZE, n);
				fill(expect, SIZE, n);
				for (i = 0; i < n; i++)
					expect[to + i] = plain[from + i];
				memmove(copied + to, copied + from, n);
				expect_equal(copied, expect);
			}
		}
	}
}

static void memset_and_memcmp(void **state)
{
	size_t at, n, i;

	for (at = 0; at < 9; at++) {
		for (n = 0; n < 200; n += 7) {
			fill(copied, SIZE, n);
			fill(expect, SIZE, n);
			for (i = 0; i < n; i++)
				expect[at + i] = 0xc3;
			memset(copied + at, 0x1c3, n);
			expect_equal(copied, expect);
			assert_null(memchr_inv(copied + at, 0xc3, n));
			assert_int_equal(memcmp(copied + at, expect + at, n),
					 0);
			if (!n)
				continue;
			copied[at + n - 1] = 0xc2;
			assert_true(memcmp(copied + at, expect + at, n) < 0);
			assert_true(memcmp(expect + at, copied + at, n) > 0);
			assert_ptr_equal(memchr_inv(copied + at, 0xc3, n),
					 copied + at + n - 1);
			assert_ptr_equal(memchr(copied + at, 0xc2, n),
					 copied + at + n - 1);
			assert_null(memchr(copied + at, 1, n));
		}
	}
}

static void whole_pages(void **state)
{
	u8 *a = aligned_alloc(4096, 4096), *b = aligned_alloc(4096, 4096);

	fill(a, 4096, 6);
	page_copy(b, a);
	assert_memory_equal(a, b, 4096);
	page_zero(b);
	assert_true(mem_is_zero(b, 4096));
	free(a);
	free(b);
}

static void strings_end_where_they_should(void **state)
{
	char *buf = malloc(64);
	size_t at, n;

	for (at = 0; at < 9; at++) {
		for (n = 0; n < 30; n++) {
			memset(buf, 'x', 64);
			buf[at + n] = '\0';
			assert_int_equal(strlen(buf + at), n);
			assert_int_equal(strnlen(buf + at, 5), min(n, 5));
		}
	}
	free(buf);
	assert_int_equal(strcmp("abc", "abc"), 0);
	assert_true(strcmp("abc", "abd") < 0);
	assert_true(strcmp("ab\xff", "ab") > 0);
	assert_true(strcmp("12345678a", "12345678") > 0);
	assert_int_equal(strncmp("abcd", "abce", 3), 0);
	assert_true(strncmp("abcd", "abce", 4) < 0);
	assert_int_equal(strcasecmp("MiXed", "mIxED"), 0);
	assert_true(strcasecmp("aB", "Ac") < 0);
}

static void searches(void **state)
{
	static const char s[] = "a/b/c";
	char text[] = "x,,y;z", *pos = text;

	assert_ptr_equal(strchr(s, '/'), s + 1);
	assert_ptr_equal(strrchr(s, '/'), s + 3);
	assert_ptr_equal(strchr(s, 0), s + 5);
	assert_ptr_equal(strrchr(s, 0), s + 5);
	assert_null(strchr(s, 'z'));
	assert_null(strrchr(s, 'z'));
	assert_ptr_equal(strstr(s, "b/"), s + 2);
	assert_ptr_equal(strstr(s, ""), s);
	assert_null(strstr(s, "c/"));
	assert_int_equal(strspn(s, "/ab"), 4);
	assert_int_equal(strcspn(s, "bc"), 2);
	assert_string_equal(strsep(&pos, ",;"), "x");
	assert_string_equal(strsep(&pos, ",;"), "");
	assert_string_equal(strsep(&pos, ",;"), "y");
	assert_string_equal(strsep(&pos, ",;"), "z");
	assert_null(strsep(&pos, ",;"));
	assert_true(str_has_prefix("/dev/vda", "/dev/"));
	assert_false(str_has_prefix("/d", "/dev/"));
	assert_true(str_has_suffix("a.ko", ".ko"));
	assert_false(str_has_suffix("o", ".ko"));
}

static void bounded_copies(void **state)
{
	char b[8], t[] = " \t x y\n", e[] = "  ";

	memset(b, 'q', 8);
	assert_int_equal(strscpy(b, "abc", 8), 3);
	assert_string_equal(b, "abc");
	assert_int_equal(b[4], 'q');
	assert_int_equal(strscpy_pad(b, "ab", 8), 2);
	assert_true(mem_is_zero(b + 2, 6));
	assert_int_equal(strscpy(b, "abcdefgh", 8), -E2BIG);
	assert_string_equal(b, "abcdefg");
	assert_int_equal(strscpy(b, "x", 0), -E2BIG);
	assert_int_equal(strscpy(b, "012", 4), 3);
	assert_int_equal(strlcat(b, "xyz", 5), 6);
	assert_string_equal(b, "012x");
	assert_string_equal(str_trim(t), "x y");
	assert_string_equal(str_trim(e), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memcpy_at_all_alignments),
		cmocka_unit_test(memmove_with_overlap),
		cmocka_unit_test(memset_and_memcmp),
		cmocka_unit_test(whole_pages),
		cmocka_unit_test(strings_end_where_they_should),
		cmocka_unit_test(searches),
		cmocka_unit_test(bounded_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
