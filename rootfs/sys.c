/*
 * sys - entry point, strings and small file helpers without a C library.
 */
#include "sys_impl.h"

#include <asm/fcntl.h>
#include <linux/stat.h>

__asm__(".globl _start\n"
	"_start:\n"
	"	.option push\n"
	"	.option norelax\n"
	"	lla	gp, __global_pointer$\n"
	"	.option pop\n"
	"	mv	a0, sp\n"
	"	andi	sp, sp, -16\n"
	"	tail	start\n");

__attribute__((noreturn, used)) void start(long *stack);
void *memset(void *to, int c, size_t n);

void start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	int status = main(argc, argv, argv + argc + 1);

	for (;;)
		sys(exit_group, status);
}

/* The compiler may call these two for assignments of structs. */
void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n)
{
	char *t = to;

	while (n--)
		*t++ = (char)c;
	return to;
}

size_t str_len(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int str_eq(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

const char *str_after(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return NULL;
	return s;
}

void str_add(char *buf, size_t size, const char *s)
{
	size_t n = str_len(buf);

	while (*s && n + 1 < size)
		buf[n++] = *s++;
	buf[n] = 0;
}

void str_add_hex(char *buf, size_t size, unsigned long v, int digits)
{
	char d[2] = "";

	while (digits--) {
		d[0] = "0123456789abcdef"[(v >> (4 * digits)) & 15];
		str_add(buf, size, d);
	}
}

unsigned long str_number(const char *s)
{
	unsigned long v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (unsigned long)(*s++ - '0');
	return v;
}

void say(const char *s)
{
	sys(write, 2, s, str_len(s));
}

void say_number(long v)
{
	unsigned long u = v < 0 ? -(unsigned long)v : (unsigned long)v;
	char b[24], *p = b + sizeof(b) - 1;

	*p = 0;
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	say(p);
}

void sleep_ms(long ms)
{
	long t[2] = { ms / 1000, ms % 1000 * 1000000 };

	sys(nanosleep, t, NULL);
}

long file_read(const char *path, char *buf, size_t size)
{
	long fd = sys(openat, AT_FDCWD, path, 0, 0);
	long n, total = 0;

	buf[0] = 0;
	if (fd < 0)
		return fd;
	while ((n = sys(read, fd, buf + total, size - 1 - total)) > 0)
		total += n;
	sys(close, fd);
	buf[total] = 0;
	return n < 0 ? n : total;
}

int file_exists(const char *path)
{
	struct stat st;

	return sys(newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int is_file(const char *path)
{
	struct stat st;

	return sys(newfstatat, AT_FDCWD, path, &st, 0) == 0 &&
	       (st.st_mode & S_IFMT) == S_IFREG;
}

void dir_each(const char *path, void (*fn)(const char *name, void *arg),
	      void *arg)
{
	char buf[4096];
	long n, at, dir = sys(openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY,
			      0);

	if (dir < 0)
		return;
	while ((n = sys(getdents64, dir, buf, sizeof(buf))) > 0)
		for (at = 0; at < n;) {
			struct dirent64 *d = (void *)(buf + at);

			at += d->reclen;
			if (!str_eq(d->name, ".") && !str_eq(d->name, ".."))
				fn(d->name, arg);
		}
	sys(close, dir);
}

int is_mounted(const char *dir)
{
	char up[128] = "";
	struct stat here, above;

	str_add(up, sizeof(up), dir);
	str_add(up, sizeof(up), "/..");
	return sys(newfstatat, AT_FDCWD, dir, &here, 0) == 0 &&
	       sys(newfstatat, AT_FDCWD, up, &above, 0) == 0 &&
	       here.st_dev != above.st_dev;
}
