/*
 * hash - fast hashes for tables.  Not for what an attacker chooses freely
 * and can time: that is what <lib/siphash.h> is for.
 */
#pragma once

#include <lib/compiler.h>

#define HASH_GOLDEN_64 0x61c8864680b583ebULL

/* The top bits are the good ones, hence the shift; 1 <= bits <= 64. */
static __always_inline u64 hash64(u64 x, unsigned int bits)
{
	return x * HASH_GOLDEN_64 >> (64 - bits);
}

static __always_inline u32 hash32(u32 x, unsigned int bits)
{
	return (u32)hash64(x, bits);
}

static __always_inline u64 hash_ptr(const void *p, unsigned int bits)
{
	return hash64((uintptr_t)p, bits);
}

/* Mixes one word into a running hash. */
static __always_inline u64 hash_mix(u64 h, u64 word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

/*
 * Of n bytes at any address, eight at a time; every bit of the result is
 * usable.  The names of a directory are hashed with the parent as seed.
 */
u64 hash_bytes(const void *p, size_t n, u64 seed);
