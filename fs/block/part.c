/*
 * part - partition tables: GPT (UEFI 2.10, 5.3) and MBR with its extended
 * chain.
 *
 * Theory:  sector 0 decides.  A protective entry (0xee) leads to the GPT, whose
 *          header and entries must have right checksums, else the backup at
 *          the last block is tried.  Every number is checked against the disk;
 *          an entry that does not fit is left out.
 */
#include "block_impl.h"
#include <kernel/print.h>
#include <lib/byteorder.h>
#include <lib/crc.h>
#include <lib/string.h>
#include <lib/uuid.h>
#include <mm/slab.h>

struct mbr_entry {
	u8 boot, chs_first[3], type, chs_last[3];
	u8 start[4], sectors[4];
};

struct mbr {
	u8 code[440];
	u8 disk_id[4];
	u8 zero[2];
	struct mbr_entry entry[4];
	u8 magic[2];
};
static_assert(sizeof(struct mbr) == 512, "MBR");

struct gpt_header {
	u8 signature[8];
	le32_t revision, size, crc, reserved;
	le64_t my_lba, other_lba, first, last;
	u8 disk_guid[16];
	le64_t entries_lba;
	le32_t nr_entries, entry_size, entries_crc;
} __packed;

struct gpt_entry {
	u8 type[16], guid[16];
	le64_t first, last, attributes;
	le16_t name[36];
};
static_assert(sizeof(struct gpt_entry) == 128, "GPT entry");

#define GPT_MAX_ENTRIES 1024u
#define MBR_MAX_LOGICAL 60u

static bool read_sector(struct block_device *b, u64 lba, void *buf, size_t n)
{
	return !blkdev_read_bytes(b, lba * b->logical_block, buf, n);
}

/* --- GPT */

static bool header_is_good(struct block_device *b, struct gpt_header *h,
			   u64 lba, u8 *raw)
{
	u32 size = le32_get(h->size), crc = le32_get(h->crc);
	u64 entry = le32_get(h->entry_size), blocks;

	if (memcmp(h->signature, "EFI PART", 8) || size < sizeof(*h) ||
	    size > 512 || le64_get(h->my_lba) != lba)
		return false;
	memset(raw + offsetof(struct gpt_header, crc), 0, 4);
	if (~crc32(~0u, raw, size) != crc)
		return false;
	blocks = (b->sectors << 9) / b->logical_block;
	return entry >= sizeof(struct gpt_entry) && entry <= 4096 &&
	       is_pow2(entry) && le32_get(h->nr_entries) &&
	       le32_get(h->nr_entries) <= GPT_MAX_ENTRIES &&
	       le64_get(h->entries_lba) < blocks;
}

static u8 *read_entries(struct block_device *b, const struct gpt_header *h)
{
	size_t n = (size_t)le32_get(h->nr_entries) * le32_get(h->entry_size);
	u8 *p = kvmalloc(n, GFP_KERNEL);

	if (!p)
		return NULL;
	if (!read_sector(b, le64_get(h->entries_lba), p, n) ||
	    ~crc32(~0u, p, n) != le32_get(h->entries_crc)) {
		kvfree(p);
		return NULL;
	}
	return p;
}

/* The name is UTF-16; what is not ASCII becomes '?'. */
static void entry_label(const struct gpt_entry *e, char *out, size_t size)
{
	size_t i;
	u16 c;

	for (i = 0; i + 1 < size && i < ARRAY_SIZE(e->name); i++) {
		c = le16_get(e->name[i]);
		if (!c)
			break;
		out[i] = c < 0x80 ? (char)c : '?';
	}
	out[i] = 0;
}

static void add_entry(struct block_device *b, u32 no, const struct gpt_entry *e)
{
	u64 unit = b->logical_block >> 9;
	u64 first = le64_get(e->first), last = le64_get(e->last);
	struct uuid guid;
	char label[40];

	if (mem_is_zero(e->type, 16) || last < first ||
	    last >= b->sectors / unit)
		return;
	uuid_from_guid(&guid, e->guid);
	entry_label(e, label, sizeof(label));
	if (blkdev_add_partition(b, no, first * unit, (last - first + 1) * unit,
				 guid.b, label))
		pr_warn("%s: partition %u is left out\n", b->name, no);
}

static bool scan_gpt_at(struct block_device *b, u64 lba)
{
	u8 raw[512], *entries;
	struct gpt_header h;
	u32 i;

	if (!read_sector(b, lba, raw, sizeof(raw)))
		return false;
	memcpy(&h, raw, sizeof(h));
	if (!header_is_good(b, &h, lba, raw))
		return false;
	entries = read_entries(b, &h);
	if (!entries)
		return false;
	for (i = 0; i < le32_get(h.nr_entries); i++)
		add_entry(b, i + 1, (const struct gpt_entry *)
			  (entries + (size_t)i * le32_get(h.entry_size)));
	kvfree(entries);
	return true;
}

static bool scan_gpt(struct block_device *b)
{
	u64 blocks = (b->sectors << 9) / b->logical_block;

	if (scan_gpt_at(b, 1))
		return true;
	if (!scan_gpt_at(b, blocks - 1))
		return false;
	pr_warn("%s: primary GPT is damaged, the backup is used\n", b->name);
	return true;
}

/* --- MBR */

static bool is_extended(u8 type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

/* PARTUUID of an MBR partition: disk id and number, as text in resolve.c. */
static void mbr_uuid(const struct mbr *m, u32 no, u8 uuid[16])
{
	memset(uuid, 0, 16);
	memcpy(uuid, m->disk_id, 4);
	uuid[4] = (u8)no;
}

static void mbr_add(struct block_device *b, const struct mbr *m, u32 no,
		    u64 start, u64 sectors)
{
	u64 unit = b->logical_block >> 9;
	u8 uuid[16];

	mbr_uuid(m, no, uuid);
	if (blkdev_add_partition(b, no, start * unit, sectors * unit, uuid, ""))
		pr_warn("%s: partition %u is left out\n", b->name, no);
}

static bool mbr_is_good(const struct mbr *m)
{
	unsigned i;

	if (m->magic[0] != 0x55 || m->magic[1] != 0xaa)
		return false;
	/* A FAT boot sector has the magic too, and text in place of a table. */
	for (i = 0; i < 4; i++)
		if (m->entry[i].boot & 0x7f)
			return false;
	return true;
}

static void scan_extended(struct block_device *b, const struct mbr *disk,
			  u64 base)
{
	u64 at = base;
	struct mbr *m = kmalloc(sizeof(*m), GFP_KERNEL);
	u32 no;

	for (no = 5; m && no < 5 + MBR_MAX_LOGICAL; no++) {
		u32 start, n, next;

		if (!read_sector(b, at, m, sizeof(*m)) || !mbr_is_good(m))
			break;
		start = get_unaligned_le32(m->entry[0].start);
		n = get_unaligned_le32(m->entry[0].sectors);
		if (n)
			mbr_add(b, disk, no, at + start, n);
		next = get_unaligned_le32(m->entry[1].start);
		if (!is_extended(m->entry[1].type) || !next ||
		    base + next == at)
			break;
		at = base + next;
	}
	kfree(m);
}

static void scan_mbr(struct block_device *b, const struct mbr *m)
{
	u32 i;

	for (i = 0; i < 4; i++) {
		const struct mbr_entry *e = &m->entry[i];
		u32 start = get_unaligned_le32(e->start);
		u32 n = get_unaligned_le32(e->sectors);

		if (!n || !e->type)
			continue;
		if (is_extended(e->type)) {
			/* As in Linux: just room for a boot loader. */
			mbr_add(b, m, i + 1, start, min(n, 2u));
			scan_extended(b, m, start);
		} else {
			mbr_add(b, m, i + 1, start, n);
		}
	}
}

void blkdev_scan_partitions(struct block_device *b)
{
	struct mbr *m;
	bool is_gpt = false;
	unsigned i;

	if (b->sectors < 8)
		return;
	m = kmalloc(sizeof(*m), GFP_KERNEL);
	if (m && read_sector(b, 0, m, sizeof(*m)) && mbr_is_good(m)) {
		for (i = 0; i < 4; i++)
			is_gpt |= m->entry[i].type == 0xee;
		if (!is_gpt || !scan_gpt(b))
			scan_mbr(b, m);
	}
	kfree(m);
}
