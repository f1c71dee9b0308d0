/*
 * builtins - the compiler's run-time calls that third-party sources cause:
 * the ISA without Zbb has no instruction for them.
 */
#include <lib/byteorder.h>
#include <lib/bitmap.h>

int __clzsi2(unsigned int x);
int __ctzsi2(unsigned int x);
int __clzdi2(unsigned long x);
int __ctzdi2(unsigned long x);
int __ffsdi2(unsigned long x);
int __popcountdi2(unsigned long x);
unsigned int __bswapsi2(unsigned int x);
unsigned long __bswapdi2(unsigned long x);

int __clzsi2(unsigned int x)
{
	return 31 - (int)__fls64(x);
}

int __ctzsi2(unsigned int x)
{
	return (int)__ffs64(x);
}

int __clzdi2(unsigned long x)
{
	return 63 - (int)__fls64(x);
}

int __ctzdi2(unsigned long x)
{
	return (int)__ffs64(x);
}

int __ffsdi2(unsigned long x)
{
	return (int)ffs64(x);
}

int __popcountdi2(unsigned long x)
{
	return (int)hweight64(x);
}

unsigned int __bswapsi2(unsigned int x)
{
	return swab32(x);
}

unsigned long __bswapdi2(unsigned long x)
{
	return swab64(x);
}
