/*
 * uuid - RFC 9562 identifiers, as text and in both byte orders.
 */
#pragma once

#include <lib/compiler.h>

#define UUID_BYTES 16
#define UUID_TEXT 36		/* without the NUL */

struct uuid {
	u8 b[UUID_BYTES];	/* as printed, big endian */
};

/* buf has UUID_TEXT + 1 bytes; lower case. */
void uuid_format(const struct uuid *u, char *buf);
/* GPT stores the first three fields little endian. */
void uuid_from_guid(struct uuid *out, const u8 guid[UUID_BYTES]);
bool uuid_is_null(const struct uuid *u);
/* Turns 16 random bytes into a version 4 uuid. */
void uuid_make_random(struct uuid *u);
