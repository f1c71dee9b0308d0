/*
 * uuid - text and bytes.
 */
#include <lib/uuid.h>
#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/string.h>

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

void uuid_from_guid(struct uuid *out, const u8 guid[UUID_BYTES])
{
	static const u8 order[UUID_BYTES] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	unsigned int i;

	for (i = 0; i < UUID_BYTES; i++)
		out->b[i] = guid[order[i]];
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
