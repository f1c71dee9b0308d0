#pragma once
#include <lib/compiler.h>
/* Start-up functions run before main. */
#define INIT(lvl, f)                                                           \
	static void __attribute__((__constructor__(1000))) shim_init_##f(void) \
	{                                                                      \
		f();                                                           \
	}                                                                      \
	static void __attribute__((__constructor__(1000))) shim_init_##f(void)
