/*
 * parse - mount options and kernel command lines.  Both cut the text in
 * place.
 */
#pragma once

#include <lib/compiler.h>

/*
 * Next of "a,b=c,...": 1 with key and value (NULL without '='), 0 at the end.
 * Empty options are skipped.  A backslash before a comma keeps the comma.
 */
int opt_next(char **pos, char **key, char **val);

/*
 * Next of 'a b=c d="e f"': the same, with blanks between, quotes around the
 * value or the whole word (removed), and dashes in keys left as they are.
 * An unclosed quote reaches to the end.
 */
int cmdline_next(char **pos, char **key, char **val);

/* Parameter names compare with '-' and '_' equal. */
bool param_name_equal(const char *a, const char *b);

/*
 * The value of the last "name=value" on an untouched command line, cut to
 * size; its length, or -ENOENT.  A bare "name" gives an empty value.
 */
ssize_t cmdline_find(const char *line, const char *name, char *buf,
		     size_t size);

/* "0,3-5,8-" style lists into a bitmap of n bits; -EINVAL or -ERANGE. */
int __must_check parse_bitlist(const char *s, unsigned long *map, size_t n);
/* And back: "0,3-5"; the length written, as kscnprintf(). */
int format_bitlist(char *buf, size_t size, const unsigned long *map, size_t n);
/* As /proc prints masks: 32-bit groups in hex, comma between. */
int format_bitmask(char *buf, size_t size, const unsigned long *map, size_t n);
