#pragma once
/* Names and times of FAT as pure functions; compiled on the host for tests. */
#include <lib/types.h>
#include <lib/compiler.h>

#define FAT_SHORT_LEN 11
#define FAT_LONG_MAX 255	/* UTF-16 units */
#define FAT_ALIAS_MAX 13	/* 8, dot, 3, and 0 */
#define FAT_SLOT_UNITS 13
#define FAT_UTF8_MAX (FAT_LONG_MAX * 3)

#define LCASE_BASE 0x08u	/* the short name is shown in small letters */
#define LCASE_EXT 0x10u

/* shortname=: how short names are shown, and which names need no long one. */
enum fat_shortname { SHORT_LOWER, SHORT_WIN95, SHORT_WINNT, SHORT_MIXED };

/* UTF-8 of n bytes; -EINVAL: not UTF-8, -ENAMETOOLONG: more than max units. */
int __must_check fat_from_utf8(const char *s, size_t n, u16 *out, u32 max,
			       u32 *len);
/* out has room for 3 bytes a unit. */
size_t fat_to_utf8(const u16 *s, u32 n, char *out);
/* Drops halves of pairs that stand alone; the new length. */
u32 fat_fix_pairs(u16 *s, u32 n);
bool fat_text_equal(const u16 *a, u32 alen, const u16 *b, u32 blen,
		    bool is_caseless);
/* Dots at the end do not count. */
size_t fat_strip_dots(const char *s, size_t n);
/* May this be a long name? -EINVAL */
int __must_check fat_long_check(const u16 *s, u32 n);

u8 fat_short_sum(const u8 *name);
/* An 8.3 name as text ("README.TXT"). */
u32 fat_short_text(const u8 *name, u8 lcase, enum fat_shortname how,
		   u16 *out);
/* As the msdos type shows it, in bytes. */
size_t fat_msdos_text(const u8 *name, bool is_hidden, bool has_dots,
		      bool has_nocase, char *out);
/* The 8.3 form of a name of the msdos type; check is 'r', 'n' or 's'. */
int __must_check fat_msdos_format(const char *s, size_t n, char check,
				  bool has_nocase, bool has_dots, u8 *out);

/* The 8.3 name that goes with a long one. */
struct fat_alias {
	u8 name[FAT_SHORT_LEN];
	u8 lcase;
	bool is_exact;		/* the long name is an 8.3 name but for case */
	bool needs_long;
	u8 base_len;
	u8 cut6, cut2;		/* bytes of it before ~1, before XXXX~1 */
};
int __must_check fat_make_alias(const u16 *s, u32 n, enum fat_shortname how,
				struct fat_alias *a);
/* name with its tail: 1..9 for ~1 to ~9. */
void fat_alias_tail(const struct fat_alias *a, unsigned digit, u8 *out);
/* XXXX~d, when those are taken. */
void fat_alias_hex(const struct fat_alias *a, u16 hex, unsigned digit, u8 *out);

/* Times: seconds since 1970; offset: minutes that disk time is ahead. */
#define FAT_TIME_MIN 315532800ll	/* 1980-01-01 */
#define FAT_TIME_MAX 4354819198ll	/* 2107-12-31 23:59:58 */
s64 fat_time_get(u16 time, u16 date, s32 offset);
/* cs: hundredths of the last two seconds; may be NULL. */
void fat_time_put(s64 sec, s64 nsec, s32 offset, u16 *time, u16 *date, u8 *cs);
