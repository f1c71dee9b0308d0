/*
 * Operations on memory.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "ops.h"

enum { PAGE = 4096, PAGES = 64, BLOCK = 65536 };

static int fd;
static char *area, *other;

static char *map(size_t size, int flags, int file)
{
	return MUST((char *)mmap(NULL, size, PROT_READ | PROT_WRITE, flags,
				 file, 0));
}

static void mmap_run(long n)
{
	while (n--)
		MUST(munmap(map(PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1), PAGE));
}

static void mmap_touch_run(long n)
{
	while (n--) {
		char *p = map(PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

		*(volatile char *)p = 1;
		MUST(munmap(p, PAGE));
	}
}

/* An operation is a page; every 64 share a mmap and a munmap. */
static void fault_run(long n)
{
	for (n = (n + PAGES - 1) / PAGES; n; n--) {
		char *p = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

		for (int i = 0; i < PAGES; i++)
			((volatile char *)p)[i * PAGE] = 1;
		MUST(munmap(p, PAGES * PAGE));
	}
}

static void file_setup(void)
{
	fd = MUST(open("ops-map", O_CREAT | O_TRUNC | O_RDWR, 0600));
	area = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	MUST(write(fd, area, PAGES * PAGE));
}

static void file_teardown(void)
{
	munmap(area, PAGES * PAGE);
	close(fd);
	unlink("ops-map");
}

static void file_fault_run(long n)
{
	for (n = (n + PAGES - 1) / PAGES; n; n--) {
		char *p = map(PAGES * PAGE, MAP_SHARED, fd);

		for (int i = 0; i < PAGES; i++)
			(void)((volatile char *)p)[i * PAGE];
		MUST(munmap(p, PAGES * PAGE));
	}
}

static void file_read_run(long n)
{
	while (n--)
		MUST(pread(fd, area, BLOCK, 0));
}

static void area_setup(void)
{
	area = map(BLOCK, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	other = map(BLOCK, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(area, 1, BLOCK);
	memset(other, 1, BLOCK);
}

static void area_teardown(void)
{
	munmap(area, BLOCK);
	munmap(other, BLOCK);
}

static void mprotect_run(long n)
{
	while (n--) {
		MUST(mprotect(area, PAGE, PROT_READ));
		MUST(mprotect(area, PAGE, PROT_READ | PROT_WRITE));
	}
}

static void brk_run(long n)
{
	while (n--) {
		MUST(sbrk(PAGE));
		MUST(sbrk(-PAGE));
	}
}

/* User code alone: equal on any kernel, or the figures are worth nothing. */
static void copy_run(long n)
{
	while (n--) {
		memcpy(area, other, BLOCK);
		__asm__ volatile("" ::: "memory");
	}
}

const struct op memory_ops[] = {
	{ "mmap-munmap", 0, 300, NULL, mmap_run, NULL },
	{ "mmap-touch-munmap", 0, 300, NULL, mmap_touch_run, NULL },
	{ "page-fault", 0, 640, NULL, fault_run, NULL },
	{ "page-fault-file", 0, 640, file_setup, file_fault_run,
	  file_teardown },
	{ "read-64k", 0, 100, file_setup, file_read_run, file_teardown },
	{ "mprotect-twice", 0, 300, area_setup, mprotect_run, area_teardown },
	{ "brk-twice", 0, 300, NULL, brk_run, NULL },
	{ "control-memcpy-64k", 0, 100, area_setup, copy_run, area_teardown },
	{ },
};
