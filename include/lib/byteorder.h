/*
 * byteorder - foreign byte orders, and loads that need no alignment.
 *
 * The machine is little endian.  Unaligned accesses go byte by byte in the
 * source, since some harts trap on the plain ones.
 */
#pragma once

#include <lib/compiler.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little endian only");

static __always_inline u16 swab16(u16 x)
{
	return (u16)(x << 8 | x >> 8);
}

static __always_inline u32 swab32(u32 x)
{
	x = (x & 0x00ff00ffU) << 8 | (x >> 8 & 0x00ff00ffU);
	return x << 16 | x >> 16;
}

static __always_inline u64 swab64(u64 x)
{
	return (u64)swab32((u32)x) << 32 | swab32((u32)(x >> 32));
}

#define __DEFINE_ORDER(bits)                                               \
static __always_inline u##bits le##bits##_get(le##bits##_t v)              \
{                                                                          \
	return v.raw;                                                      \
}                                                                          \
static __always_inline le##bits##_t le##bits##_make(u##bits v)             \
{                                                                          \
	return (le##bits##_t){ v };                                        \
}                                                                          \
static __always_inline u##bits be##bits##_get(be##bits##_t v)              \
{                                                                          \
	return swab##bits(v.raw);                                          \
}                                                                          \
static __always_inline be##bits##_t be##bits##_make(u##bits v)             \
{                                                                          \
	return (be##bits##_t){ swab##bits(v) };                            \
}

__DEFINE_ORDER(16)
__DEFINE_ORDER(32)
__DEFINE_ORDER(64)
#undef __DEFINE_ORDER

static __always_inline u16 get_unaligned_le16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] | b[1] << 8);
}

static __always_inline u32 get_unaligned_le32(const void *p)
{
	const u8 *b = p;

	return b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}

static __always_inline u64 get_unaligned_le64(const void *p)
{
	const u8 *b = p;

	return get_unaligned_le32(b) | (u64)get_unaligned_le32(b + 4) << 32;
}

static __always_inline u16 get_unaligned_be16(const void *p)
{
	return swab16(get_unaligned_le16(p));
}

static __always_inline u32 get_unaligned_be32(const void *p)
{
	return swab32(get_unaligned_le32(p));
}

static __always_inline u64 get_unaligned_be64(const void *p)
{
	return swab64(get_unaligned_le64(p));
}

static __always_inline void put_unaligned_le16(u16 v, void *p)
{
	u8 *b = p;

	b[0] = (u8)v;
	b[1] = (u8)(v >> 8);
}

static __always_inline void put_unaligned_le32(u32 v, void *p)
{
	u8 *b = p;

	put_unaligned_le16((u16)v, b);
	put_unaligned_le16((u16)(v >> 16), b + 2);
}

static __always_inline void put_unaligned_le64(u64 v, void *p)
{
	u8 *b = p;

	put_unaligned_le32((u32)v, b);
	put_unaligned_le32((u32)(v >> 32), b + 4);
}

static __always_inline void put_unaligned_be16(u16 v, void *p)
{
	put_unaligned_le16(swab16(v), p);
}

static __always_inline void put_unaligned_be32(u32 v, void *p)
{
	put_unaligned_le32(swab32(v), p);
}

static __always_inline void put_unaligned_be64(u64 v, void *p)
{
	put_unaligned_le64(swab64(v), p);
}

/* Network order, under the names that network code uses. */
#define htons(x) swab16(x)
#define ntohs(x) swab16(x)
#define htonl(x) swab32(x)
#define ntohl(x) swab32(x)
