/*
 * types - the scalar types of the kernel.
 *
 * Freestanding builds need nothing but the compiler; a hosted build (unit
 * tests) takes the standard ones from libc, so that both agree.
 */
#pragma once

#if __STDC_HOSTED__
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#else
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef long ssize_t;
typedef long long loff_t;
#ifndef bool
#define bool _Bool
#define true 1
#define false 0
#endif
#ifndef NULL
#define NULL ((void *)0)
#endif
#endif

/* As in Linux, 64-bit scalars print with %llu and %lld. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

typedef u64 paddr_t;		/* a physical address */
typedef unsigned long vaddr_t;	/* a virtual address, user or kernel */
typedef unsigned long pfn_t;	/* a physical page number */

/* Foreign byte orders: arithmetic on these does not compile. */
typedef struct { u16 raw; } le16_t;
typedef struct { u32 raw; } le32_t;
typedef struct { u64 raw; } le64_t;
typedef struct { u16 raw; } be16_t;
typedef struct { u32 raw; } be32_t;
typedef struct { u64 raw; } be64_t;

#define U8_MAX ((u8)~0U)
#define S8_MAX ((s8)(U8_MAX >> 1))
#define S8_MIN ((s8)(-S8_MAX - 1))
#define U16_MAX ((u16)~0U)
#define S16_MAX ((s16)(U16_MAX >> 1))
#define S16_MIN ((s16)(-S16_MAX - 1))
#define U32_MAX ((u32)~0U)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define S32_MIN ((s32)(-S32_MAX - 1))
#define U64_MAX ((u64)~0ULL)
#define S64_MAX ((s64)(U64_MAX >> 1))
#define S64_MIN ((s64)(-S64_MAX - 1))

#if !__STDC_HOSTED__
#define CHAR_BIT 8
#define UCHAR_MAX 255
#define SHRT_MAX 32767
#define SHRT_MIN (-SHRT_MAX - 1)
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX 4294967295U
#define LONG_MAX 9223372036854775807L
#define LONG_MIN (-LONG_MAX - 1L)
#define ULONG_MAX 18446744073709551615UL
#define LLONG_MAX 9223372036854775807LL
#define LLONG_MIN (-LLONG_MAX - 1LL)
#define ULLONG_MAX 18446744073709551615ULL
#define SIZE_MAX ULONG_MAX
#define SSIZE_MAX LONG_MAX
#define UINTPTR_MAX ULONG_MAX
#define INT64_MAX 9223372036854775807L
#define UINT64_MAX 18446744073709551615UL
#define UINT32_MAX 4294967295U
#define INT32_MAX 2147483647
#endif
