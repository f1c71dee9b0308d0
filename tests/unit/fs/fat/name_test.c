/*
 * The pure parts of FAT: names, short names, checksums, times.
 *
 * UNIT_SOURCES: fs/fat/name.c fs/fat/time.c
 */
#undef _GNU_SOURCE
#include "../../unit.h"
#include "../../../../fs/fat/name_impl.h"
#include <lib/errno.h>
#include <lib/string.h>
#include <time.h>

static void utf8_goes_there_and_back(void **state)
{
	static const char *const good[] = {
		"plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xa7 end",
	};
	static const char *const bad[] = {
		"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xff", "a\xc3z",
	};
	char back[FAT_UTF8_MAX];
	u16 text[FAT_LONG_MAX];
	u32 n;

	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(fat_from_utf8(good[i], strlen(good[i]), text,
					       FAT_LONG_MAX, &n), 0);
		assert_int_equal(fat_to_utf8(text, n, back), strlen(good[i]));
		assert_memory_equal(back, good[i], strlen(good[i]));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(fat_from_utf8(bad[i], strlen(bad[i]), text,
					       FAT_LONG_MAX, &n), -EINVAL);
}

static void too_long_is_told(void **state)
{
	u16 text[FAT_LONG_MAX + 1];
	char s[300];
	u32 n;

	memset(s, 'x', sizeof(s));
	assert_int_equal(fat_from_utf8(s, 255, text, FAT_LONG_MAX, &n), 0);
	assert_int_equal(n, 255);
	assert_int_equal(fat_from_utf8(s, 256, text, FAT_LONG_MAX, &n),
			 -ENAMETOOLONG);
	memcpy(s + 254, "\xf0\x9f\x90\xa7", 4);
	assert_int_equal(fat_from_utf8(s, 258, text, FAT_LONG_MAX, &n),
			 -ENAMETOOLONG);
}

static void lone_halves_are_dropped(void **state)
{
	u16 s[] = { 0xd800, 'a', 0xdc00, 0xd83d, 0xdc27, 0xd800 };

	assert_int_equal(fat_fix_pairs(s, 6), 3);
	assert_int_equal(s[0], 'a');
	assert_int_equal(s[1], 0xd83d);
	assert_int_equal(s[2], 0xdc27);
}

static void alias_of(const char *s, enum fat_shortname how, const char *want,
		     bool exact, bool needs_long)
{
	struct fat_alias a;
	u16 text[FAT_LONG_MAX];
	u8 out[FAT_SHORT_LEN];
	u32 n;

	assert_int_equal(fat_from_utf8(s, strlen(s), text, FAT_LONG_MAX, &n),
			 0);
	assert_int_equal(fat_make_alias(text, n, how, &a), 0);
	memcpy(out, a.name, sizeof(out));
	if (!a.is_exact)
		fat_alias_tail(&a, 1, out);
	assert_memory_equal(out, want, FAT_SHORT_LEN);
	assert_int_equal(a.is_exact, exact);
	assert_int_equal(a.needs_long, needs_long);
}

static void short_names_are_made(void **state)
{
	struct fat_alias a;
	u16 dots[] = { '.', ' ' };

	alias_of("README.TXT", SHORT_MIXED, "README  TXT", true, false);
	alias_of("readme.txt", SHORT_MIXED, "README  TXT", true, true);
	alias_of("readme.txt", SHORT_WINNT, "README  TXT", true, false);
	alias_of("ReadMe.txt", SHORT_WINNT, "README  TXT", true, true);
	alias_of("a long name.text", SHORT_MIXED, "ALONGN~1TEX", false, true);
	alias_of("two.dots.c", SHORT_MIXED, "TWODOT~1C  ", false, true);
	alias_of(".profile", SHORT_MIXED, "PROFIL~1   ", false, true);
	alias_of("x+y", SHORT_MIXED, "X_Y~1      ", false, true);
	alias_of("\xc3\xa4.b", SHORT_MIXED, "\x8e       B  ", true, true);
	alias_of("\xe2\x82\xac", SHORT_MIXED, "_~1        ", false, true);
	assert_int_equal(fat_make_alias(dots, 2, SHORT_MIXED, &a), -EINVAL);
}

static void tails_fit(void **state)
{
	struct fat_alias a;
	u16 text[] = { 'l', 'o', 'n', 'g', 'e', 'r', 'n', 'a', 'm', 'e' };
	u8 out[FAT_SHORT_LEN];

	assert_int_equal(fat_make_alias(text, 10, SHORT_MIXED, &a), 0);
	fat_alias_tail(&a, 9, out);
	assert_memory_equal(out, "LONGER~9   ", 11);
	fat_alias_hex(&a, 0xbeef, 3, out);
	assert_memory_equal(out, "LOBEEF~3   ", 11);
}

static void short_names_are_shown(void **state)
{
	u16 text[FAT_ALIAS_MAX];
	char s[40];
	const u8 *name = (const u8 *)"README  TXT";

	assert_int_equal(fat_short_text(name, 0, SHORT_MIXED, text), 10);
	assert_int_equal(fat_to_utf8(text, 10, s), 10);
	assert_memory_equal(s, "README.TXT", 10);
	fat_short_text(name, LCASE_EXT, SHORT_MIXED, text);
	fat_to_utf8(text, 10, s);
	assert_memory_equal(s, "README.txt", 10);
	fat_short_text(name, LCASE_EXT, SHORT_WIN95, text);
	fat_to_utf8(text, 10, s);
	assert_memory_equal(s, "README.TXT", 10);
	fat_short_text(name, 0, SHORT_LOWER, text);
	fat_to_utf8(text, 10, s);
	assert_memory_equal(s, "readme.txt", 10);
	assert_int_equal(fat_short_text((const u8 *)"\x05          ", 0,
					SHORT_MIXED, text), 1);
	assert_int_equal(text[0], 0x3c3);
	assert_int_equal(fat_msdos_text(name, true, true, false, s), 11);
	assert_memory_equal(s, ".readme.txt", 11);
}

/* The example of the specification's algorithm, by hand. */
static void checksum_rotates(void **state)
{
	assert_int_equal(fat_short_sum((const u8 *)"\0\0\0\0\0\0\0\0\0\0\1"),
			 1);
	assert_int_equal(fat_short_sum((const u8 *)"\1\0\0\0\0\0\0\0\0\0\0"),
			 0x40);
}

static void msdos_names_are_cut(void **state)
{
	u8 out[FAT_SHORT_LEN];

	assert_int_equal(fat_msdos_format("verylongname.text", 17, 'n', false,
					  false, out), 0);
	assert_memory_equal(out, "VERYLONGTEX", 11);
	assert_int_equal(fat_msdos_format("verylongname", 12, 's', false,
					  false, out), -EINVAL);
	assert_int_equal(fat_msdos_format(".x", 2, 'n', false, false, out),
			 -EINVAL);
	assert_int_equal(fat_msdos_format(".x", 2, 'n', false, true, out), 0);
	assert_int_equal(fat_msdos_format("a*b", 3, 'n', false, false, out),
			 -EINVAL);
	assert_int_equal(fat_msdos_format("a*b", 3, 'r', false, false, out),
			 0);
	assert_int_equal(fat_msdos_format("a:b", 3, 'r', false, false, out),
			 -EINVAL);
}

static void times_go_there_and_back(void **state)
{
	u16 time, date;
	uint64_t seed = 1;
	u8 cs;

	for (int i = 0; i < 100000; i++) {
		s64 t = FAT_TIME_MIN + (s64)(noise(&seed) %
				(u64)(FAT_TIME_MAX - FAT_TIME_MIN));
		time_t host = t;
		struct tm tm;

		gmtime_r(&host, &tm);
		fat_time_put(t, 570000000, 0, &time, &date, &cs);
		assert_int_equal(date >> 9, tm.tm_year - 80);
		assert_int_equal(date >> 5 & 15, tm.tm_mon + 1);
		assert_int_equal(date & 31, tm.tm_mday);
		assert_int_equal(fat_time_get(time, date, 0), t & ~1ll);
		assert_int_equal(cs, (t & 1) * 100 + 57);
		fat_time_put(t & ~1ll, 0, 0, &time, &date, NULL);
		assert_int_equal(fat_time_get(time, date, 60), (t & ~1ll) -
								       3600);
	}
	fat_time_put(0, 5, 0, &time, &date, &cs);
	assert_int_equal(fat_time_get(time, date, 0), FAT_TIME_MIN);
	fat_time_put(1ll << 40, 0, 0, &time, &date, &cs);
	assert_int_equal(fat_time_get(time, date, 0), FAT_TIME_MAX);
	/* A date of zeros is the first day. */
	assert_int_equal(fat_time_get(0, 0, 0), FAT_TIME_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_goes_there_and_back),
		cmocka_unit_test(too_long_is_told),
		cmocka_unit_test(lone_halves_are_dropped),
		cmocka_unit_test(short_names_are_made),
		cmocka_unit_test(tails_fit),
		cmocka_unit_test(short_names_are_shown),
		cmocka_unit_test(checksum_rotates),
		cmocka_unit_test(msdos_names_are_cut),
		cmocka_unit_test(times_go_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
