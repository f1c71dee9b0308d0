/*
 * string - NUL-terminated text.
 *
 * A search for the NUL goes by aligned words, which never leave the page that
 * holds the text; the word holds a zero byte exactly if
 * (w - 0x01..) & ~w & 0x80.. is not zero.
 */
#include <lib/string.h>
#include <lib/ctype.h>
#include <lib/errno.h>

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

typedef u64 __may_alias word_t;

static __always_inline bool has_zero(u64 w)
{
	return ((w - ONES) & ~w & HIGHS) != 0;
}

__used __no_asan __no_loop_idiom
size_t strlen(const char *s)
{
	const char *p = s;

	for (; (uintptr_t)p & 7; p++) {
		if (!*p)
			return (size_t)(p - s);
	}
	while (!has_zero(*(const word_t *)p))
		p += 8;
	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

__no_asan
int strcmp(const char *a, const char *b)
{
	if ((((uintptr_t)a | (uintptr_t)b) & 7) == 0) {
		u64 w = *(const word_t *)a;

		while (w == *(const word_t *)b && !has_zero(w)) {
			a += 8;
			b += 8;
			w = *(const word_t *)a;
		}
	}
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; a++, b++, n--)
		;
	return n ? (u8)*a - (u8)*b : 0;
}

int strcasecmp(const char *a, const char *b)
{
	for (; *a && tolower((u8)*a) == tolower((u8)*b); a++, b++)
		;
	return tolower((u8)*a) - tolower((u8)*b);
}

char *strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)(uintptr_t)s;
}

char *strchr(const char *s, int c)
{
	char *p = strchrnul(s, c);

	return *p == (char)c ? p : NULL;
}

char *strrchr(const char *s, int c)
{
	return memrchr(s, c, strlen(s) + 1);
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (;; hay++) {
		if (!strncmp(hay, needle, n))
			return (char *)(uintptr_t)hay;
		if (!*hay)
			return NULL;
	}
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

char *strsep(char **s, const char *delim)
{
	char *start = *s, *end;

	if (!start)
		return NULL;
	end = start + strcspn(start, delim);
	*s = *end ? end + 1 : NULL;
	*end = '\0';
	return start;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (n == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, n + 1);
	return (ssize_t)n;
}

ssize_t strscpy_pad(char *dst, const char *src, size_t size)
{
	ssize_t n = strscpy(dst, src, size);

	if (n >= 0)
		memset(dst + n, 0, size - (size_t)n);
	return n;
}

size_t strlcat(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(dst, size);

	if (n < size) /* the length tells of a cut */
		ignore_error(strscpy(dst + n, src, size - n));
	return n + strlen(src);
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

char *str_trim(char *s)
{
	char *end;

	while (isspace((u8)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((u8)end[-1]))
		end--;
	*end = '\0';
	return s;
}
