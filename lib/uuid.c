/*
 * uuid - text and bytes.
 */
#include <lib/uuid.h>
#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/string.h>

static bool has_dash(unsigned int pos)
{
	return pos == 8 || pos == 13 || pos == 18 || pos == 23;
}

void uuid_format(const struct uuid *u, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int i;

	for (i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*buf++ = '-';
		*buf++ = digits[u->b[i] >> 4];
		*buf++ = digits[u->b[i] & 15];
	}
	*buf = '\0';
}

int uuid_parse(const char *s, struct uuid *out)
{
	struct uuid u = { { 0 } };
	unsigned int i, nibble = 0;

	for (i = 0; i < UUID_TEXT; i++) {
		unsigned int v = digit_value((u8)s[i]);

		if (has_dash(i)) {
			if (s[i] != '-')
				return -EINVAL;
			continue;
		}
		if (v > 15)
			return -EINVAL;
		u.b[nibble / 2] |= (u8)(nibble & 1 ? v : v << 4);
		nibble++;
	}
	if (s[UUID_TEXT])
		return -EINVAL;
	*out = u;
	return 0;
}

void uuid_from_guid(struct uuid *out, const u8 guid[UUID_BYTES])
{
	static const u8 order[UUID_BYTES] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	unsigned int i;

	for (i = 0; i < UUID_BYTES; i++)
		out->b[i] = guid[order[i]];
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool uuid_is_null(const struct uuid *u)
{
	return mem_is_zero(u, sizeof(*u));
}

void uuid_make_random(struct uuid *u)
{
	u->b[6] = (u->b[6] & 0x0f) | 0x40;
	u->b[8] = (u->b[8] & 0x3f) | 0x80;
}
