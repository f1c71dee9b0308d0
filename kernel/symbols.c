/*
 * symbols - names of the kernel's functions.
 *
 * Theory:  the build links twice; the second time with a table made from the
 *          first (scripts/gen-symbols).  Names are strings of one-byte tokens,
 *          each standing for one or more characters; the first character is
 *          nm's type letter.  Every 64th name's place is known, the others are
 *          found by walking from there.
 * Context: any; const data only.
 */
#include "symbols_impl.h"

#include <arch/mmu.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>

#define NAME_MAX 64

static const u8 *name_at(u32 i)
{
	const u8 *p = symbols_names + symbols_marks[i / SYMBOLS_PER_MARK];

	for (i %= SYMBOLS_PER_MARK; i; i--)
		p += *p + 1;
	return p;
}

/* With the type letter in front; cut to size. */
static void expand(u32 i, char *buf, size_t size)
{
	const u8 *p = name_at(i);
	size_t n = 0;
	u8 len = *p++;

	for (; len; len--, p++) {
		const char *t = symbols_tokens + symbols_token_index[*p];

		while (*t && n + 1 < size)
			buf[n++] = *t++;
	}
	buf[n] = '\0';
}

/* The last symbol that starts at or before off. */
static u32 search(u32 off)
{
	u32 low = 0, high = symbols_count;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (symbols_offsets[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static u32 symbol_size(u32 i)
{
	u32 end = i + 1 < symbols_count ? symbols_offsets[i + 1] :
					  (u32)(_etext - _text);

	return end - symbols_offsets[i];
}

size_t symbol_format(unsigned long addr, char *buf, size_t size)
{
	unsigned long base = (unsigned long)_text;
	char name[NAME_MAX];
	u32 i;

	if (!symbols_count || addr < base + symbols_offsets[0] ||
	    addr >= (unsigned long)_etext)
		return (size_t)kscnprintf(buf, size, "0x%lx", addr);
	i = search((u32)(addr - base));
	expand(i, name, sizeof(name));
	return (size_t)kscnprintf(buf, size, "%s+0x%lx/0x%x", name + 1,
				  addr - base - symbols_offsets[i],
				  symbol_size(i));
}

bool symbol_nth(size_t i, unsigned long *addr, char *type, char *name,
		size_t size)
{
	char text[NAME_MAX];

	if (i >= symbols_count)
		return false;
	expand((u32)i, text, sizeof(text));
	*addr = (unsigned long)_text + symbols_offsets[i];
	*type = text[0];
	strscpy(name, text + 1, size);
	return true;
}
