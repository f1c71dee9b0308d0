/*
 * resolve - which device a text means: /dev/NAME, MAJ:MIN, PARTUUID=,
 * PARTLABEL=, UUID= and LABEL= (the last two by reading the headers of ext,
 * FAT and swap).
 */
#include "block_impl.h"
#include <kernel/print.h>
#include <lib/byteorder.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <lib/uuid.h>

struct fs_id {
	char uuid[UUID_TEXT + 1];
	char label[20];
};

/* Cuts what pads a label. */
static void copy_label(char *out, const u8 *from, size_t n)
{
	memcpy(out, from, n);
	out[n] = 0;
	for (n = strlen(out); n && out[n - 1] == ' '; n--)
		out[n - 1] = 0;
}

static bool identify_ext(const u8 *page, struct fs_id *id)
{
	const u8 *sb = page + 1024;
	struct uuid u;

	if (get_unaligned_le16(sb + 56) != 0xef53)
		return false;
	memcpy(u.b, sb + 104, 16);
	uuid_format(&u, id->uuid);
	copy_label(id->label, sb + 120, 16);
	return true;
}

static bool identify_fat(const u8 *page, struct fs_id *id)
{
	const u8 *ext;

	if (page[510] != 0x55 || page[511] != 0xaa)
		return false;
	if (!memcmp(page + 82, "FAT32   ", 8))
		ext = page + 64;
	else if (!memcmp(page + 54, "FAT1", 4) || !memcmp(page + 54, "FAT  ", 5))
		ext = page + 36;
	else
		return false;
	kscnprintf(id->uuid, sizeof(id->uuid), "%04X-%04X",
		   get_unaligned_le16(ext + 5), get_unaligned_le16(ext + 3));
	copy_label(id->label, ext + 7, 11);
	return true;
}

static bool identify_swap(const u8 *page, struct fs_id *id)
{
	struct uuid u;

	if (memcmp(page + PAGE_SIZE - 10, "SWAPSPACE2", 10))
		return false;
	memcpy(u.b, page + 0x40c, 16);
	uuid_format(&u, id->uuid);
	copy_label(id->label, page + 0x41c, 16);
	return true;
}

static bool identify(struct block_device *b, struct fs_id *id)
{
	struct page *p;
	const u8 *data;
	bool ok;

	if (blkdev_page(b, 0, &p))
		return false;
	data = page_to_va(p);
	ok = identify_ext(data, id) || identify_fat(data, id) ||
	     identify_swap(data, id);
	page_put(p);
	return ok;
}

static bool has_uuid(struct block_device *b, const char *v)
{
	struct fs_id id;

	return identify(b, &id) && !strcasecmp(id.uuid, v);
}

static bool has_label(struct block_device *b, const char *v)
{
	struct fs_id id;

	return identify(b, &id) && str_equal(id.label, v);
}

static bool has_partuuid(struct block_device *b, const char *v)
{
	char text[UUID_TEXT + 1];
	struct uuid u;

	if (b == b->whole)
		return false;
	memcpy(u.b, b->part_uuid, 16);
	uuid_format(&u, text);
	if (!strcasecmp(text, v))
		return true;
	kscnprintf(text, sizeof(text), "%08x-%02x",
		   get_unaligned_le32(b->part_uuid), b->part_no);
	return mem_is_zero(b->part_uuid + 5, 11) && !strcasecmp(text, v);
}

static bool has_partlabel(struct block_device *b, const char *v)
{
	return b != b->whole && str_equal(b->part_label, v);
}

static int find_by(bool (*matches)(struct block_device *, const char *),
		   const char *v, struct block_device **out)
{
	struct block_device *b = NULL;

	while ((b = blkdev_next(b)) != NULL) {
		if (matches(b, v)) {
			*out = b;
			return 0;
		}
	}
	return -ENODEV;
}

static int by_number(const char *spec, struct block_device **out)
{
	u64 major, minor;
	char *end;

	if (str_to_u64(spec, 10, &end, &major) || *end != ':' ||
	    str_to_u64(end + 1, 10, NULL, &minor))
		return -EINVAL;
	*out = blkdev_find_dev(MKDEV(major, minor));
	return *out ? 0 : -ENODEV;
}

int blkdev_resolve(const char *spec, struct block_device **out)
{
	static const struct {
		const char *prefix;
		bool (*matches)(struct block_device *, const char *);
	} kinds[] = {
		{ "PARTUUID=", has_partuuid },
		{ "PARTLABEL=", has_partlabel },
		{ "UUID=", has_uuid },
		{ "LABEL=", has_label },
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_has_prefix(spec, kinds[i].prefix))
			return find_by(kinds[i].matches,
				       spec + strlen(kinds[i].prefix), out);
	if (str_has_prefix(spec, "/dev/")) {
		*out = blkdev_find_name(spec + 5);
		return *out ? 0 : -ENOENT;
	}
	if (*spec >= '0' && *spec <= '9')
		return by_number(spec, out);
	return -ENOENT;
}
