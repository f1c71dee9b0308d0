/*
 * cpio - the "newc" format: a header of thirteen 8-digit hex fields after the
 * magic, the name with its NUL, the data; both padded to four bytes, counted
 * from the start of the archive.
 */
#include <lib/cpio.h>
#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/string.h>

#define FIELDS 13
#define HEADER_BYTES (CPIO_MAGIC_BYTES + 8 * FIELDS)

enum { INO, MODE, UID, GID, NLINK, MTIME, SIZE, DEV_MAJOR, DEV_MINOR,
       RDEV_MAJOR, RDEV_MINOR, NAME_BYTES, CHECK };

bool cpio_is_magic(const void *buf, size_t len)
{
	const char *s = buf;

	return len >= CPIO_MAGIC_BYTES && !memcmp(s, "07070", 5) &&
	       (s[5] == '1' || s[5] == '2');
}

static int parse_field(const char *s, u32 *out)
{
	u32 v = 0;
	int i;

	for (i = 0; i < 8; i++) {
		unsigned int d = digit_value((u8)s[i]);

		if (d > 15)
			return -EINVAL;
		v = v << 4 | d;
	}
	*out = v;
	return 0;
}

static int parse_header(const char *s, size_t len, u32 *f)
{
	int i, err;

	if (len < HEADER_BYTES || !cpio_is_magic(s, len))
		return -EINVAL;
	for (i = 0; i < FIELDS; i++) {
		err = parse_field(s + CPIO_MAGIC_BYTES + 8 * i, &f[i]);
		if (err)
			return err;
	}
	return f[NAME_BYTES] ? 0 : -EINVAL;
}

static void fill_entry(struct cpio_entry *e, const u32 *f)
{
	e->ino = f[INO];
	e->mode = f[MODE];
	e->uid = f[UID];
	e->gid = f[GID];
	e->nlink = f[NLINK];
	e->mtime = f[MTIME];
	e->dev_major = f[DEV_MAJOR];
	e->dev_minor = f[DEV_MINOR];
	e->rdev_major = f[RDEV_MAJOR];
	e->rdev_minor = f[RDEV_MINOR];
	e->name_len = f[NAME_BYTES] - 1;
	e->size = f[SIZE];
}

/* Positions fit a size_t easily: both sizes have 32 bits. */
int cpio_next(const void *buf, size_t len, size_t *pos,
	      struct cpio_entry *entry)
{
	const char *base = buf;
	size_t at = *pos, data;
	u32 f[FIELDS];
	int err;

	if (at > len)
		return -EINVAL;
	if (mem_is_zero(base + at, len - at)) {
		*pos = len;
		return 0;
	}
	err = parse_header(base + at, len - at, f);
	if (err)
		return err;
	at += HEADER_BYTES;
	data = ALIGN_UP(at + f[NAME_BYTES], 4);
	if (data > len || f[SIZE] > len - data ||
	    base[at + f[NAME_BYTES] - 1])
		return -EINVAL;
	fill_entry(entry, f);
	entry->name = base + at;
	entry->data = base + data;
	*pos = min(len, ALIGN_UP(data + f[SIZE], 4));
	return strcmp(entry->name, "TRAILER!!!") != 0;
}
