/*
 * parse - options, command lines, and lists of bits.
 */
#include <lib/parse.h>
#include <lib/bitmap.h>
#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/printf.h>
#include <lib/string.h>

static void split_value(char *word, char **key, char **val)
{
	char *eq = strchr(word, '=');

	if (eq)
		*eq++ = '\0';
	*key = word;
	*val = eq;
}

/* Ends the option at its comma, dropping backslashes before other commas. */
static char *cut_option(char *s)
{
	char *out = s;

	for (; *s && *s != ','; s++) {
		if (s[0] == '\\' && s[1] == ',')
			s++;
		*out++ = *s;
	}
	if (*s)
		s++;
	*out = '\0';
	return s;
}

int opt_next(char **pos, char **key, char **val)
{
	char *word = *pos;

	if (!word)
		return 0;
	while (*word == ',')
		word++;
	if (!*word) {
		*pos = word;
		return 0;
	}
	*pos = cut_option(word);
	split_value(word, key, val);
	return 1;
}

/* Ends the word at the first blank outside quotes, dropping the quotes. */
static char *cut_word(char *s)
{
	bool quoted = false;
	char *out = s;

	for (; *s && (quoted || !isspace((u8)*s)); s++) {
		if (*s == '"')
			quoted = !quoted;
		else
			*out++ = *s;
	}
	if (*s)
		s++;
	*out = '\0';
	return s;
}

int cmdline_next(char **pos, char **key, char **val)
{
	char *word = *pos;

	while (isspace((u8)*word))
		word++;
	if (!*word) {
		*pos = word;
		return 0;
	}
	*pos = cut_word(word);
	split_value(word, key, val);
	return 1;
}

static char dash(char c)
{
	return c == '-' ? '_' : c;
}

bool param_name_equal(const char *a, const char *b)
{
	for (; *a && dash(*a) == dash(*b); a++, b++)
		;
	return *a == *b;
}

/* The end of the word at s. */
static const char *word_end(const char *s)
{
	bool quoted = false;

	for (; *s && (quoted || !isspace((u8)*s)); s++)
		quoted ^= *s == '"';
	return s;
}

/* Does the word at s start with name, then '=' or its end?  What follows. */
static const char *match_name(const char *s, const char *end,
			      const char *name)
{
	if (s < end && *s == '"')
		s++;
	for (; *name; s++, name++) {
		if (s == end || dash(*s) != dash(*name))
			return NULL;
	}
	if (s == end || *s == '"')
		return end;
	return *s == '=' ? s + 1 : NULL;
}

static ssize_t copy_unquoted(char *buf, size_t size, const char *s,
			     const char *end)
{
	size_t n = 0;

	for (; s < end; s++) {
		if (*s != '"' && n + 1 < size)
			buf[n++] = *s;
	}
	if (size)
		buf[n] = '\0';
	return (ssize_t)n;
}

ssize_t cmdline_find(const char *line, const char *name, char *buf,
		     size_t size)
{
	ssize_t found = -ENOENT;
	const char *end, *val;

	for (; *line; line = end) {
		while (isspace((u8)*line))
			line++;
		end = word_end(line);
		val = match_name(line, end, name);
		if (val)
			found = copy_unquoted(buf, size, val, end);
	}
	return found;
}

static int parse_range(const char **pos, size_t n, size_t *lo, size_t *hi)
{
	char *end;
	u64 a, b;
	int err = str_to_u64(*pos, 10, &end, &a);

	if (err)
		return err;
	b = a;
	if (*end == '-') {
		if (isdigit((u8)end[1]))
			err = str_to_u64(end + 1, 10, &end, &b);
		else {
			b = max_t(u64, a, n - 1);
			end++;
		}
	}
	if (err)
		return err;
	if (b < a)
		return -EINVAL;
	if (b >= n)
		return -ERANGE;
	*lo = (size_t)a;
	*hi = (size_t)b;
	*pos = end;
	return 0;
}

int parse_bitlist(const char *s, unsigned long *map, size_t n)
{
	size_t lo, hi;
	int err;

	bitmap_zero(map, n);
	while (*s && *s != '\n') {
		err = parse_range(&s, n, &lo, &hi);
		if (err)
			return err;
		bitmap_set(map, lo, hi - lo + 1);
		if (*s == ',')
			s++;
		else if (*s && *s != '\n')
			return -EINVAL;
	}
	return 0;
}

int format_bitlist(char *buf, size_t size, const unsigned long *map, size_t n)
{
	size_t lo, hi;
	int len = 0;

	if (size)
		buf[0] = '\0';
	for (lo = find_first_bit(map, n); lo < n;
	     lo = find_next_bit(map, n, hi)) {
		hi = find_next_zero(map, n, lo);
		len += kscnprintf(buf + len, size - (size_t)len,
				  hi - lo > 1 ? "%s%zu-%zu" : "%s%zu",
				  len ? "," : "", lo, hi - 1);
	}
	return len;
}

static u32 group_of(const unsigned long *map, size_t n, size_t i)
{
	u64 w = map[i / 2];
	size_t left = n - i * 32;
	u32 g = (u32)(i & 1 ? w >> 32 : w);

	return left >= 32 ? g : g & ((1U << left) - 1);
}

int format_bitmask(char *buf, size_t size, const unsigned long *map, size_t n)
{
	size_t i = DIV_ROUND_UP(n, (size_t)32);
	int len = 0;

	if (size)
		buf[0] = '\0';
	while (i-- > 0) {
		size_t bits = min(n - i * 32, (size_t)32);

		len += kscnprintf(buf + len, size - (size_t)len, "%0*x%s",
				  (int)DIV_ROUND_UP(bits, 4),
				  group_of(map, n, i), i ? "," : "");
	}
	return len;
}
