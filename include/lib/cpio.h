/*
 * cpio - reads a "newc" archive in memory; nothing in it is trusted.
 */
#pragma once

#include <lib/compiler.h>

#define CPIO_MAGIC_BYTES 6

struct cpio_entry {
	u32 ino;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 nlink;
	u32 mtime;
	u32 dev_major, dev_minor;	/* of the file system it came from */
	u32 rdev_major, rdev_minor;	/* of a device node */
	u32 name_len;			/* without the NUL */
	u32 size;
	const char *name;		/* NUL-terminated, inside buf */
	const void *data;		/* size bytes, inside buf */
};

/*
 * The entry at *pos (0 to start with), which moves to the next one.
 * 1: an entry; 0: the trailer, or nothing but zeros up to len; *pos then
 * stands after it, where another archive may begin.  -EINVAL: no archive.
 */
int __must_check cpio_next(const void *buf, size_t len, size_t *pos,
			   struct cpio_entry *entry);
/* Does a newc archive (070701 or 070702) start here? */
bool cpio_is_magic(const void *buf, size_t len);
