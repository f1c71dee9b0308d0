/*
 * number - text to numbers, with kstrtox's strictness.
 */
#include <lib/string.h>
#include <lib/ctype.h>
#include <lib/errno.h>

static bool has_hex_prefix(const char *s)
{
	return s[0] == '0' && (s[1] | 0x20) == 'x' && isxdigit((u8)s[2]);
}

static const char *skip_prefix(const char *s, unsigned int *base)
{
	bool hex = has_hex_prefix(s);

	if (*base == 0)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return *base == 16 && hex ? s + 2 : s;
}

static int parse_digits(const char **pos, unsigned int base, u64 *out)
{
	const char *s = *pos;
	bool too_big = false;
	u64 v = 0;
	unsigned int d;

	for (; (d = digit_value((u8)*s)) < base; s++)
		too_big |= mul_overflow(v, base, &v) || add_overflow(v, d, &v);
	if (s == *pos)
		return -EINVAL;
	*pos = s;
	*out = v;
	return too_big ? -ERANGE : 0;
}

/* Without end, only one newline may follow the number. */
static int finish(const char *s, char **end)
{
	if (end) {
		*end = (char *)(uintptr_t)s;
		return 0;
	}
	if (*s == '\n')
		s++;
	return *s ? -EINVAL : 0;
}

static int parse_unsigned(const char *s, unsigned int base, char **end,
			  u64 *out)
{
	u64 v = 0;
	int err, tail;

	s = skip_prefix(s, &base);
	err = parse_digits(&s, base, &v);
	if (err == -EINVAL)
		return err;
	tail = finish(s, end);
	if (tail || err)
		return tail ? tail : err;
	*out = v;
	return 0;
}

int str_to_u64(const char *s, unsigned int base, char **end, u64 *out)
{
	return parse_unsigned(*s == '+' ? s + 1 : s, base, end, out);
}

int str_to_s64(const char *s, unsigned int base, char **end, s64 *out)
{
	bool neg = *s == '-';
	u64 v;
	int err = parse_unsigned(neg || *s == '+' ? s + 1 : s, base, end, &v);

	if (err)
		return err;
	if (v > (u64)S64_MAX + neg)
		return -ERANGE;
	*out = (s64)(neg ? -v : v);
	return 0;
}

int str_to_u32(const char *s, unsigned int base, u32 *out)
{
	u64 v;
	int err = str_to_u64(s, base, NULL, &v);

	if (err)
		return err;
	if (v > U32_MAX)
		return -ERANGE;
	*out = (u32)v;
	return 0;
}

int str_to_int(const char *s, unsigned int base, int *out)
{
	s64 v;
	int err = str_to_s64(s, base, NULL, &v);

	if (err)
		return err;
	if (v > INT_MAX || v < INT_MIN)
		return -ERANGE;
	*out = (int)v;
	return 0;
}

int str_to_bool(const char *s, bool *out)
{
	switch (s[0]) {
	case 'y': case 'Y': case 't': case 'T': case '1':
		*out = true;
		return 0;
	case 'n': case 'N': case 'f': case 'F': case '0':
		*out = false;
		return 0;
	case 'o': case 'O':
		if ((s[1] | 0x20) != 'n' && (s[1] | 0x20) != 'f')
			return -EINVAL;
		*out = (s[1] | 0x20) == 'n';
		return 0;
	default:
		return -EINVAL;
	}
}

static unsigned int size_shift(char c)
{
	static const char units[] = "kmgtpe";
	unsigned int i;

	for (i = 0; units[i]; i++) {
		if ((c | 0x20) == units[i])
			return 10 * (i + 1);
	}
	return 0;
}

int str_to_size(const char *s, char **end, u64 *out)
{
	unsigned int shift;
	char *stop;
	u64 v;
	int err = str_to_u64(s, 0, &stop, &v);

	if (err)
		return err;
	shift = size_shift(*stop);
	if (shift && v >> (64 - shift))
		return -ERANGE;
	err = finish(shift ? stop + 1 : stop, end);
	if (!err)
		*out = v << shift;
	return err;
}
