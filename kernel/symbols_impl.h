#pragma once
/* The table that scripts/gen-symbols writes; the weak empty one is the first
 * link's. */
#include <lib/types.h>

#define SYMBOLS_PER_MARK 64

extern const u32 symbols_count;
extern const u32 symbols_offsets[];	/* from _text, ascending */
extern const u32 symbols_marks[];	/* of every 64th name, in names */
extern const u8 symbols_names[];	/* length, tokens */
extern const u16 symbols_token_index[256];
extern const char symbols_tokens[];	/* NUL-terminated expansions */
