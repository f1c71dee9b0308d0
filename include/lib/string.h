/*
 * string - memory and text.  The C library's names mean what they mean
 * there; a hosted build takes those from libc.
 *
 * Copies load 64 bytes into registers before they store them: under an
 * emulator with a direct-mapped TLB, source and target may evict each other.
 * Accesses are aligned throughout, since some harts trap on others.
 */
#pragma once

#include <lib/compiler.h>

#if __STDC_HOSTED__ && !defined(LIB_STRING_UNDER_TEST)
#include <string.h>
#include <strings.h>
#else
#if defined(LIB_STRING_UNDER_TEST)
/* The unit test links both: ours get a prefix. */
#define memcpy hw_memcpy
#define memmove hw_memmove
#define memset hw_memset
#define memcmp hw_memcmp
#define memchr hw_memchr
#define memrchr hw_memrchr
#define strlen hw_strlen
#define strnlen hw_strnlen
#define strcmp hw_strcmp
#define strncmp hw_strncmp
#define strcasecmp hw_strcasecmp
#define strchr hw_strchr
#define strchrnul hw_strchrnul
#define strrchr hw_strrchr
#define strstr hw_strstr
#define strspn hw_strspn
#define strcspn hw_strcspn
#define strsep hw_strsep
#endif
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#ifndef LIB_STRING_UNDER_TEST
/* Short ones of a constant length in place. */
#define memcpy(...) __builtin_memcpy(__VA_ARGS__)
#define memset(...) __builtin_memset(__VA_ARGS__)
#endif
void *memchr(const void *p, int c, size_t n);
void *memrchr(const void *p, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int strcasecmp(const char *a, const char *b);
char *strchr(const char *s, int c);
char *strchrnul(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);
char *strsep(char **s, const char *delim);
#endif

/* First byte that does not equal c, or NULL. */
void *memchr_inv(const void *p, int c, size_t n);
static inline bool mem_is_zero(const void *p, size_t n)
{
	return !memchr_inv(p, 0, n);
}

/* A memset() that the compiler does not drop: for secrets. */
void memzero_explicit(void *p, size_t n);

/* Whole pages of 4096 bytes, page aligned, not overlapping. */
void page_copy(void *restrict dst, const void *restrict src);
void page_zero(void *dst);

/*
 * Copies at most size bytes with the final NUL, which is always there if size
 * is not 0.  The length copied, or -E2BIG if src was cut.
 */
ssize_t strscpy(char *dst, const char *src, size_t size);
/* Like strscpy(), and zeroes the rest of dst. */
ssize_t strscpy_pad(char *dst, const char *src, size_t size);
/* Appends; returns the length it tried to make. */
size_t strlcat(char *dst, const char *src, size_t size);

bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
static inline bool str_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Cuts white space at the end (in place) and returns where it starts. */
char *str_trim(char *s);

/*
 * Numbers.  base 0 tells 0x, 0 (octal) and decimal apart; 0x is also taken
 * with base 16.  -EINVAL without a digit, -ERANGE if it does not fit.
 * With end, *end is where the number stops; without, the text must end there,
 * but for one newline (as kstrtoull).
 */
int __must_check str_to_u64(const char *s, unsigned int base, char **end,
			    u64 *out);
/* The same with a sign; a plus sign is taken by both. */
int __must_check str_to_s64(const char *s, unsigned int base, char **end,
			    s64 *out);
int __must_check str_to_u32(const char *s, unsigned int base, u32 *out);
int __must_check str_to_int(const char *s, unsigned int base, int *out);
/* 1 y on true / 0 n off false, as kstrtobool; by the first letters. */
int __must_check str_to_bool(const char *s, bool *out);
/* A size with an optional K, M, G, T, P or E (powers of 1024). */
int __must_check str_to_size(const char *s, char **end, u64 *out);
