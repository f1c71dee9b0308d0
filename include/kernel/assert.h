#pragma once
/*
 * assert() exists in debug builds (CONFIG_DEBUG); BUG_ON always, where going
 * on would corrupt; WARN_ONCE reports once and goes on.  None of them is for
 * user input, device replies or lack of memory.
 */
#include <kernel/config.h>
#include <lib/compiler.h>
#include <lib/types.h>

void __noreturn bug(const char *file, int line, const char *expr);
void warn(const char *file, int line, const char *what);

#define BUG_ON(c)                                                              \
	do {                                                                   \
		if (unlikely(c))                                               \
			bug(__FILE__, __LINE__, #c);                           \
	} while (0)
#define BUG() bug(__FILE__, __LINE__, "reached")

#define WARN_ONCE(c)                                                           \
	({                                                                     \
		static bool _warned;                                           \
		bool _c = (c);                                                 \
		if (unlikely(_c) && !_warned) {                                \
			_warned = true;                                        \
			warn(__FILE__, __LINE__, #c);                          \
		}                                                              \
		_c;                                                            \
	})

#define assert(c)                                                              \
	do {                                                                   \
		if (CONFIG_DEBUG && unlikely(!(c)))                            \
			bug(__FILE__, __LINE__, #c);                           \
	} while (0)
