/*
 * printf - formatted text.
 *
 * %d %i %u %x %X %o %c %s %p %%, with - 0 # + space, width and precision
 * (also *), and hh h l ll z t j.  %p prints 0x and 16 digits; %n does not
 * exist.  A NULL string prints (null).  No floating point.
 */
#pragma once

#include <lib/compiler.h>

#if __STDC_HOSTED__
#include <stdarg.h>
#else
typedef __builtin_va_list va_list;
#define va_start(v, l) __builtin_va_start(v, l)
#define va_end(v) __builtin_va_end(v)
#define va_arg(v, t) __builtin_va_arg(v, t)
#define va_copy(d, s) __builtin_va_copy(d, s)
#endif

/* Return the length the whole text has; at most size bytes with the NUL are
 * written. */
int kvsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap)
	__printf(3, 0);
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* Return the length that was written, without the NUL. */
int kvscnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap)
	__printf(3, 0);
int kscnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Fast paths for /proc: decimal or hex digits without NUL; their count. */
size_t fmt_u64(char *buf, u64 v);		/* at most 20 */
size_t fmt_hex(char *buf, u64 v, unsigned int width);	/* 0-padded, <= 16 */
