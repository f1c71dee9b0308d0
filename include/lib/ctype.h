/*
 * ctype - classes of ASCII characters; bytes above 127 belong to none.
 */
#pragma once

#include <lib/compiler.h>

#if __STDC_HOSTED__
#include <ctype.h>
#else
static inline bool isdigit(int c)
{
	return (unsigned int)c - '0' < 10;
}

static inline bool islower(int c)
{
	return (unsigned int)c - 'a' < 26;
}

static inline bool isupper(int c)
{
	return (unsigned int)c - 'A' < 26;
}

static inline bool isalpha(int c)
{
	return ((unsigned int)c | 0x20) - 'a' < 26;
}

static inline bool isalnum(int c)
{
	return isalpha(c) || isdigit(c);
}

static inline bool isspace(int c)
{
	return c == ' ' || (unsigned int)c - '\t' < 5;
}

static inline bool isprint(int c)
{
	return (unsigned int)c - 0x20 < 0x5f;
}

static inline bool isgraph(int c)
{
	return (unsigned int)c - 0x21 < 0x5e;
}

static inline bool iscntrl(int c)
{
	return (unsigned int)c < 0x20 || c == 0x7f;
}

static inline bool ispunct(int c)
{
	return isgraph(c) && !isalnum(c);
}

static inline bool isxdigit(int c)
{
	return isdigit(c) || ((unsigned int)c | 0x20) - 'a' < 6;
}

static inline int tolower(int c)
{
	return isupper(c) ? c | 0x20 : c;
}

static inline int toupper(int c)
{
	return islower(c) ? c & ~0x20 : c;
}
#endif

/* The value of a digit in any base up to 36; 99 if it is none. */
static inline unsigned int digit_value(int c)
{
	if ((unsigned int)c - '0' < 10)
		return (unsigned int)c - '0';
	if (((unsigned int)c | 0x20) - 'a' < 26)
		return ((unsigned int)c | 0x20) - 'a' + 10;
	return 99;
}
