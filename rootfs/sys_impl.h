/*
 * sys_impl - what the programs of the initramfs need in place of a C library.
 *
 * A young kernel must be able to run init, so it asks for no thread pointer,
 * no relocation and no library start-up: system calls, a few string functions
 * and an entry point are all there is.
 */
#pragma once

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define NULL ((void *)0)
#define AT_FDCWD (-100L)
#define AT_SYMLINK_NOFOLLOW 0x100

typedef __SIZE_TYPE__ size_t;

struct dirent64 {
	__u64 ino;
	__s64 off;
	__u16 reclen;
	__u8 type;
	char name[];
};

static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = f;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "memory");
	return a0;
}

/* A system call by its Linux name, with up to six arguments of any type. */
#define sys_pick(_0, a, b, c, d, e, f, ...)                                    \
	sys6(_0, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),        \
	     (long)(f))
#define sys(name, ...)                                                         \
	sys_pick(__NR_##name __VA_OPT__(, ) __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

void *memcpy(void *to, const void *from, size_t n);
size_t str_len(const char *s);
int str_eq(const char *a, const char *b);
/* What follows `prefix` in `s`, or NULL if s does not begin with it. */
const char *str_after(const char *s, const char *prefix);
/* Appends to the string in buf[size]; what does not fit is cut off. */
void str_add(char *buf, size_t size, const char *s);
void str_add_hex(char *buf, size_t size, unsigned long v, int digits);
unsigned long str_number(const char *s);

void say(const char *s);
void say_number(long v);
void sleep_ms(long ms);

/* The first size-1 bytes of a file as a string; its length or -Exxx. */
long file_read(const char *path, char *buf, size_t size);
int file_exists(const char *path);
/* True for a regular file, also behind a link. */
int is_file(const char *path);
/* Calls for every name in a folder but . and .. */
void dir_each(const char *path, void (*fn)(const char *name, void *arg),
	      void *arg);
/* True if something is mounted on the directory. */
int is_mounted(const char *dir);

int main(int argc, char **argv, char **envp);
