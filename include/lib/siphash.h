/*
 * siphash - SipHash-2-4: a keyed hash that an attacker cannot steer.
 */
#pragma once

#include <lib/compiler.h>

struct siphash_key {
	u64 k[2];
};

u64 siphash_2u64(u64 a, u64 b, const struct siphash_key *key);
