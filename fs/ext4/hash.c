/*
 * hash - the name hashes of indexed directories: the old one, half MD4 (RFC
 * 1320's first rounds) and TEA.  Each exists for signed and unsigned char,
 * since ext3 hashed plain char; the superblock tells which was meant.
 */
#include "ext4_impl.h"
#include <lib/string.h>

/* The largest value is kept for "end of directory". */
#define HASH_EOF (0x7fffffffu << 1)

static u32 rotl(u32 x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void tea_mix(u32 buf[4], const u32 in[4])
{
	u32 sum = 0, b0 = buf[0], b1 = buf[1];

	for (int n = 0; n < 16; n++) {
		sum += 0x9e3779b9u;
		b0 += ((b1 << 4) + in[0]) ^ (b1 + sum) ^ ((b1 >> 5) + in[1]);
		b1 += ((b0 << 4) + in[2]) ^ (b0 + sum) ^ ((b0 >> 5) + in[3]);
	}
	buf[0] += b0;
	buf[1] += b1;
}

static __always_inline u32 md4_f(u32 x, u32 y, u32 z)
{
	return z ^ (x & (y ^ z));
}

static __always_inline u32 md4_g(u32 x, u32 y, u32 z)
{
	return (x & y) + ((x ^ y) & z);
}

static __always_inline u32 md4_h(u32 x, u32 y, u32 z)
{
	return x ^ y ^ z;
}

/* One of the three rounds: eight steps, two turns of the four registers. */
static __always_inline void md4_round(u32 r[4], u32 (*f)(u32, u32, u32),
				      const u32 in[8], const u8 order[8],
				      const u8 shift[4], u32 k)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned a = (4 - i % 4) % 4;
		u32 v = r[a] + f(r[(a + 1) % 4], r[(a + 2) % 4],
				 r[(a + 3) % 4]) + in[order[i]] + k;

		r[a] = rotl(v, shift[i % 4]);
	}
}

static void half_md4_mix(u32 buf[4], const u32 in[8])
{
	static const u8 order1[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	static const u8 order2[8] = { 1, 3, 5, 7, 0, 2, 4, 6 };
	static const u8 order3[8] = { 3, 7, 2, 6, 1, 5, 0, 4 };
	static const u8 shift1[4] = { 3, 7, 11, 19 };
	static const u8 shift2[4] = { 3, 5, 9, 13 };
	static const u8 shift3[4] = { 3, 9, 11, 15 };
	u32 r[4] = { buf[0], buf[1], buf[2], buf[3] };

	md4_round(r, md4_f, in, order1, shift1, 0);
	md4_round(r, md4_g, in, order2, shift2, 0x5a827999u);
	md4_round(r, md4_h, in, order3, shift3, 0x6ed9eba1u);
	for (unsigned i = 0; i < 4; i++)
		buf[i] += r[i];
}

static s32 name_char(const char *name, u32 i, bool is_unsigned)
{
	return is_unsigned ? (s32)(u8)name[i] : (s32)(s8)name[i];
}

/* The next words of the message, padded with the length. */
static void fill_words(const char *msg, s32 len, u32 *buf, int num,
		       bool is_unsigned)
{
	u32 pad = (u32)len | (u32)len << 8, val;
	int i;

	pad |= pad << 16;
	val = pad;
	len = min(len, num * 4);
	for (i = 0; i < len; i++) {
		val = (u32)name_char(msg, (u32)i, is_unsigned) + (val << 8);
		if (i % 4 == 3) {
			*buf++ = val;
			val = pad;
			num--;
		}
	}
	if (--num >= 0)
		*buf++ = val;
	while (--num >= 0)
		*buf++ = pad;
}

static u32 legacy_hash(const char *name, u32 len, bool is_unsigned)
{
	u32 hash, hash0 = 0x12a3fe2d, hash1 = 0x37abe8f9;

	for (u32 i = 0; i < len; i++) {
		s32 c = name_char(name, i, is_unsigned);

		hash = hash1 + (hash0 ^ (u32)(c * 7152373));
		if (hash & 0x80000000u)
			hash -= 0x7fffffff;
		hash1 = hash0;
		hash0 = hash;
	}
	return hash0 << 1;
}

int ext4_hash_name(const struct ext4_fs *fs, u32 version, const char *name,
		   u32 len, struct dx_hash *h)
{
	u32 buf[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	bool uns = version >= HASH_LEGACY_U;
	u32 in[8];
	s32 left;

	if (fs->hash_seed[0] | fs->hash_seed[1] | fs->hash_seed[2] |
	    fs->hash_seed[3])
		memcpy(buf, fs->hash_seed, sizeof(buf));
	h->minor = 0;
	h->version = version;
	switch (version) {
	case HASH_LEGACY:
	case HASH_LEGACY_U:
		h->hash = legacy_hash(name, len, uns);
		break;
	case HASH_HALF_MD4:
	case HASH_HALF_MD4_U:
		for (left = (s32)len; left > 0; left -= 32, name += 32) {
			fill_words(name, left, in, 8, uns);
			half_md4_mix(buf, in);
		}
		h->hash = buf[1];
		h->minor = buf[2];
		break;
	case HASH_TEA:
	case HASH_TEA_U:
		for (left = (s32)len; left > 0; left -= 16, name += 16) {
			fill_words(name, left, in, 4, uns);
			tea_mix(buf, in);
		}
		h->hash = buf[0];
		h->minor = buf[1];
		break;
	default:
		return -EINVAL;
	}
	h->hash &= ~1u;
	if (h->hash == HASH_EOF)
		h->hash = (0x7fffffffu - 1) << 1;
	return 0;
}
