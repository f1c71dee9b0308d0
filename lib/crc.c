/*
 * crc - cyclic redundancy checks.
 *
 * Theory: the remainder of a message is linear in its bits, so the table that
 *         advances a byte by k bytes is spanned by its eight entries for
 *         single bits; the preprocessor expands those rows into tables of 256.
 *         Eight such tables take in eight bytes at a time ("slicing by 8"):
 *         byte i of a word is followed by 7 - i others.
 */
#include <lib/crc.h>

#define PICK(n, bit, v) ((n) >> (bit) & 1 ? (v) : 0)
#define ROW(n, a, b, c, d, e, f, g, h) \
	(PICK(n, 0, a) ^ PICK(n, 1, b) ^ PICK(n, 2, c) ^ PICK(n, 3, d) ^ \
	 PICK(n, 4, e) ^ PICK(n, 5, f) ^ PICK(n, 6, g) ^ PICK(n, 7, h))
#define EXPAND4(f, n) f(n), f((n) + 1), f((n) + 2), f((n) + 3)
#define EXPAND16(f, n) EXPAND4(f, n), EXPAND4(f, (n) + 4), \
	EXPAND4(f, (n) + 8), EXPAND4(f, (n) + 12)
#define EXPAND64(f, n) EXPAND16(f, n), EXPAND16(f, (n) + 16), \
	EXPAND16(f, (n) + 32), EXPAND16(f, (n) + 48)
#define EXPAND256(f) { EXPAND64(f, 0), EXPAND64(f, 64), \
	EXPAND64(f, 128), EXPAND64(f, 192) }

/* Row k: the eight single-bit bytes, followed by k zero bytes. */
#define C32C_0(n) ROW(n, 0xf26b8303U, 0xe13b70f7U, 0xc79a971fU, 0x8ad958cfU, \
	0x105ec76fU, 0x20bd8edeU, 0x417b1dbcU, 0x82f63b78U)
#define C32C_1(n) ROW(n, 0x13a29877U, 0x274530eeU, 0x4e8a61dcU, 0x9d14c3b8U, \
	0x3fc5f181U, 0x7f8be302U, 0xff17c604U, 0xfbc3faf9U)
#define C32C_2(n) ROW(n, 0xa541927eU, 0x4f6f520dU, 0x9edea41aU, 0x38513ec5U, \
	0x70a27d8aU, 0xe144fb14U, 0xc76580d9U, 0x8b277743U)
#define C32C_3(n) ROW(n, 0xdd45aab8U, 0xbf672381U, 0x7b2231f3U, 0xf64463e6U, \
	0xe964b13dU, 0xd725148bU, 0xaba65fe7U, 0x52a0c93fU)
#define C32C_4(n) ROW(n, 0x38116facU, 0x7022df58U, 0xe045beb0U, 0xc5670b91U, \
	0x8f2261d3U, 0x1ba8b557U, 0x37516aaeU, 0x6ea2d55cU)
#define C32C_5(n) ROW(n, 0xef306b19U, 0xdb8ca0c3U, 0xb2f53777U, 0x6006181fU, \
	0xc00c303eU, 0x85f4168dU, 0x0e045bebU, 0x1c08b7d6U)
#define C32C_6(n) ROW(n, 0x68032cc8U, 0xd0065990U, 0xa5e0c5d1U, 0x4e2dfd53U, \
	0x9c5bfaa6U, 0x3d5b83bdU, 0x7ab7077aU, 0xf56e0ef4U)
#define C32C_7(n) ROW(n, 0x493c7d27U, 0x9278fa4eU, 0x211d826dU, 0x423b04daU, \
	0x847609b4U, 0x0d006599U, 0x1a00cb32U, 0x34019664U)

#define C32_0(n) ROW(n, 0x77073096U, 0xee0e612cU, 0x076dc419U, 0x0edb8832U, \
	0x1db71064U, 0x3b6e20c8U, 0x76dc4190U, 0xedb88320U)
#define C32_1(n) ROW(n, 0x191b3141U, 0x32366282U, 0x646cc504U, 0xc8d98a08U, \
	0x4ac21251U, 0x958424a2U, 0xf0794f05U, 0x3b83984bU)
#define C32_2(n) ROW(n, 0x01c26a37U, 0x0384d46eU, 0x0709a8dcU, 0x0e1351b8U, \
	0x1c26a370U, 0x384d46e0U, 0x709a8dc0U, 0xe1351b80U)
#define C32_3(n) ROW(n, 0xb8bc6765U, 0xaa09c88bU, 0x8f629757U, 0xc5b428efU, \
	0x5019579fU, 0xa032af3eU, 0x9b14583dU, 0xed59b63bU)
#define C32_4(n) ROW(n, 0x3d6029b0U, 0x7ac05360U, 0xf580a6c0U, 0x30704bc1U, \
	0x60e09782U, 0xc1c12f04U, 0x58f35849U, 0xb1e6b092U)
#define C32_5(n) ROW(n, 0xcb5cd3a5U, 0x4dc8a10bU, 0x9b914216U, 0xec53826dU, \
	0x03d6029bU, 0x07ac0536U, 0x0f580a6cU, 0x1eb014d8U)
#define C32_6(n) ROW(n, 0xa6770bb4U, 0x979f1129U, 0xf44f2413U, 0x33ef4e67U, \
	0x67de9cceU, 0xcfbd399cU, 0x440b7579U, 0x8816eaf2U)
#define C32_7(n) ROW(n, 0xccaa009eU, 0x4225077dU, 0x844a0efaU, 0xd3e51bb5U, \
	0x7cbb312bU, 0xf9766256U, 0x299dc2edU, 0x533b85daU)

typedef u64 __may_alias word_t;

static const u32 table_c32c[8][256] = {
	EXPAND256(C32C_0), EXPAND256(C32C_1), EXPAND256(C32C_2),
	EXPAND256(C32C_3), EXPAND256(C32C_4), EXPAND256(C32C_5),
	EXPAND256(C32C_6), EXPAND256(C32C_7),
};

static const u32 table_c32[8][256] = {
	EXPAND256(C32_0), EXPAND256(C32_1), EXPAND256(C32_2),
	EXPAND256(C32_3), EXPAND256(C32_4), EXPAND256(C32_5),
	EXPAND256(C32_6), EXPAND256(C32_7),
};

static __always_inline u32 advance(u32 crc, u8 byte, const u32 (*t)[256])
{
	return crc >> 8 ^ t[0][(crc ^ byte) & 255];
}

static __always_inline u32 advance8(u64 w, const u32 (*t)[256])
{
	return t[7][w & 255] ^ t[6][w >> 8 & 255] ^
	       t[5][w >> 16 & 255] ^ t[4][w >> 24 & 255] ^
	       t[3][w >> 32 & 255] ^ t[2][w >> 40 & 255] ^
	       t[1][w >> 48 & 255] ^ t[0][w >> 56];
}

static __always_inline u32 sliced(u32 crc, const u8 *p, size_t n,
				  const u32 (*t)[256])
{
	for (; n && ((uintptr_t)p & 7); n--)
		crc = advance(crc, *p++, t);
	for (; n >= 8; n -= 8, p += 8)
		crc = advance8(*(const word_t *)p ^ crc, t);
	while (n--)
		crc = advance(crc, *p++, t);
	return crc;
}

u32 crc32c(u32 seed, const void *data, size_t n)
{
	return sliced(seed, data, n, table_c32c);
}

u32 crc32(u32 seed, const void *data, size_t n)
{
	return sliced(seed, data, n, table_c32);
}

/* The short ones are for headers and commands: half a byte at a time. */
u16 crc16(u16 seed, const void *data, size_t n)
{
	static const u16 half[16] = {
		0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
		0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
	};
	const u8 *p = data;
	u16 crc = seed;

	for (; n; n--, p++) {
		crc ^= *p;
		crc = (u16)(crc >> 4 ^ half[crc & 15]);
		crc = (u16)(crc >> 4 ^ half[crc & 15]);
	}
	return crc;
}
