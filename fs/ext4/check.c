/*
 * check - reads the superblock and the geometry it tells, and refuses what
 * does not fit together.  Every number used later without a check was checked
 * here.
 */
#include "ext4_impl.h"
#include <kernel/print.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/slab.h>

#define REFUSE(sb, fmt, ...)                                                   \
	({                                                                     \
		pr_err("ext4 (%s): " fmt, (sb)->id, ##__VA_ARGS__);            \
		-EINVAL;                                                       \
	})

static bool group_is_power(u32 g, u32 base)
{
	u64 n = base;

	while (n < g)
		n *= base;
	return n == g;
}

bool ext4_group_has_super(const struct ext4_fs *fs, u32 g)
{
	if (g == 0)
		return true;
	if (fs->compat & COMPAT_SPARSE_SUPER2)
		return g == le32_get(fs->es->backup_bgs[0]) ||
		       g == le32_get(fs->es->backup_bgs[1]);
	if (g == 1 || !(fs->ro_compat & RO_COMPAT_SPARSE_SUPER))
		return true;
	if (!(g & 1))
		return false;
	return group_is_power(g, 3) || group_is_power(g, 5) ||
	       group_is_power(g, 7);
}

static u32 desc_blocks(const struct ext4_fs *fs)
{
	return DIV_ROUND_UP(fs->groups, fs->descs_per_block);
}

/* Descriptor blocks of the old layout: all, or those before the meta groups */
static u32 classic_desc_blocks(const struct ext4_fs *fs)
{
	u32 n = desc_blocks(fs);

	if (!ext4_has(fs, INCOMPAT_META_BG))
		return n;
	return min(n, le32_get(fs->es->first_meta_bg));
}

u32 ext4_group_base_blocks(const struct ext4_fs *fs, u32 g)
{
	u32 meta = g / fs->descs_per_block, first = meta * fs->descs_per_block;
	u32 n = ext4_group_has_super(fs, g) ? 1 : 0;

	if (ext4_has(fs, INCOMPAT_META_BG) &&
	    meta >= le32_get(fs->es->first_meta_bg)) {
		if (g == first || g == first + 1 ||
		    g == first + fs->descs_per_block - 1)
			n++;
		return n;
	}
	if (!n)
		return 0;
	n += classic_desc_blocks(fs);
	if (!ext4_has(fs, INCOMPAT_META_BG))
		n += le16_get(fs->es->reserved_gdt_blocks);
	return n;
}

static u64 desc_block_nr(const struct ext4_fs *fs, u32 i)
{
	u32 g = i * fs->descs_per_block;

	if (!ext4_has(fs, INCOMPAT_META_BG) ||
	    i < le32_get(fs->es->first_meta_bg))
		return (u64)fs->first_block + 1 + i;
	return ext4_group_first(fs, g) + (ext4_group_has_super(fs, g) ? 1 : 0);
}

static u64 join(le32_t lo, le32_t hi, bool has_hi)
{
	return le32_get(lo) | (has_hi ? (u64)le32_get(hi) << 32 : 0);
}

static int check_block_size(struct super_block *sb, const struct ext4_super *es)
{
	u32 log = le32_get(es->log_block_size);

	if (log > 2)
		return REFUSE(sb, "blocks of 2^%u bytes are too large\n",
			      log + 10);
	if (le32_get(es->log_cluster_size) != log)
		return REFUSE(sb, "clusters (bigalloc) are not supported\n");
	sb->blkbits = log + 10;
	sb->blocksize = 1024u << log;
	return 0;
}

static int check_inodes(struct super_block *sb, struct ext4_fs *fs)
{
	const struct ext4_super *es = fs->es;

	fs->inode_size = EXT4_GOOD_OLD_INODE_SIZE;
	fs->first_ino = 11;
	if (le32_get(es->rev_level) > 0) {
		fs->inode_size = le16_get(es->inode_size);
		fs->first_ino = le32_get(es->first_ino);
	}
	if (fs->inode_size < 128 || fs->inode_size > sb->blocksize ||
	    !is_pow2(fs->inode_size) || fs->first_ino < 11)
		return REFUSE(sb, "inode size %u, first inode %u\n",
			      fs->inode_size, fs->first_ino);
	fs->inodes_per_block = sb->blocksize / fs->inode_size;
	fs->inodes_per_group = le32_get(es->inodes_per_group);
	fs->inodes = le32_get(es->inodes_count);
	if (!fs->inodes_per_group ||
	    fs->inodes_per_group > sb->blocksize * 8 ||
	    fs->inodes_per_group % fs->inodes_per_block)
		return REFUSE(sb, "%u inodes per group\n",
			      fs->inodes_per_group);
	return 0;
}

static int check_groups(struct super_block *sb, struct ext4_fs *fs)
{
	const struct ext4_super *es = fs->es;
	bool is64 = ext4_has(fs, INCOMPAT_64BIT);
	u64 dev_blocks = sb->bdev->sectors >> (sb->blkbits - 9), groups;

	fs->blocks = join(es->blocks_count_lo, es->blocks_count_hi, is64);
	fs->first_block = le32_get(es->first_data_block);
	fs->blocks_per_group = le32_get(es->blocks_per_group);
	if (fs->first_block != (sb->blocksize == 1024 ? 1u : 0u) ||
	    fs->blocks <= fs->first_block || fs->blocks_per_group < 64 ||
	    fs->blocks_per_group > sb->blocksize * 8 ||
	    fs->blocks_per_group % 8)
		return REFUSE(sb, "%llu blocks in groups of %u from %u\n",
			      fs->blocks, fs->blocks_per_group,
			      fs->first_block);
	if (fs->blocks > dev_blocks)
		return REFUSE(sb, "%llu blocks on a device of %llu\n",
			      fs->blocks, dev_blocks);
	groups = DIV_ROUND_UP(fs->blocks - fs->first_block,
			      (u64)fs->blocks_per_group);
	if (groups * fs->inodes_per_group != fs->inodes)
		return REFUSE(sb, "%u inodes in %llu groups\n", fs->inodes,
			      groups);
	fs->groups = (u32)groups;
	return 0;
}

static int check_descs(struct super_block *sb, struct ext4_fs *fs)
{
	fs->desc_size = DESC_SIZE_OLD;
	if (ext4_has(fs, INCOMPAT_64BIT)) {
		fs->desc_size = le16_get(fs->es->desc_size);
		if (fs->desc_size < 64 || fs->desc_size > 1024 ||
		    !is_pow2(fs->desc_size))
			return REFUSE(sb, "descriptors of %u bytes\n",
				      fs->desc_size);
	}
	fs->descs_per_block = sb->blocksize / fs->desc_size;
	if (fs->es->log_groups_per_flex > 31)
		return REFUSE(sb, "2^%u groups per flex group\n",
			      fs->es->log_groups_per_flex);
	if (ext4_has(fs, INCOMPAT_FLEX_BG))
		fs->flex_shift = fs->es->log_groups_per_flex;
	if ((u64)desc_blocks(fs) + le16_get(fs->es->reserved_gdt_blocks) + 1 >=
	    fs->blocks_per_group)
		return REFUSE(sb, "too many descriptors\n");
	return 0;
}

static void copy_features(struct ext4_fs *fs)
{
	const struct ext4_super *es = fs->es;

	if (le32_get(es->rev_level) == 0)
		return;
	fs->compat = le32_get(es->feature_compat);
	fs->incompat = le32_get(es->feature_incompat);
	fs->ro_compat = le32_get(es->feature_ro_compat);
	fs->has_csum = fs->ro_compat & RO_COMPAT_METADATA_CSUM;
	fs->has_gdt_csum = !fs->has_csum &&
			   fs->ro_compat & RO_COMPAT_GDT_CSUM;
	fs->has_filetype = fs->incompat & INCOMPAT_FILETYPE;
}

static int check_csum(struct super_block *sb, struct ext4_fs *fs)
{
	const struct ext4_super *es = fs->es;

	if (!fs->has_csum)
		return 0;
	if (es->checksum_type != 1)
		return REFUSE(sb, "checksum type %u\n", es->checksum_type);
	if (ext4_super_csum(es) != le32_get(es->checksum)) {
		pr_err("ext4 (%s): bad superblock checksum\n", sb->id);
		return -EBADMSG;
	}
	fs->csum_seed = ext4_has(fs, INCOMPAT_CSUM_SEED) ?
				le32_get(es->checksum_seed) :
				ext4_csum(fs, ~0u, es->uuid, 16);
	return 0;
}

static void copy_hash(struct ext4_fs *fs)
{
	u32 flags = le32_get(fs->es->flags);
	unsigned i;

	for (i = 0; i < 4; i++)
		fs->hash_seed[i] = le32_get(fs->es->hash_seed[i]);
	fs->hash_version = fs->es->def_hash_version;
	if (fs->hash_version > HASH_TEA)
		fs->hash_version = HASH_HALF_MD4;
	/* Neither flag: char here is unsigned, as on RISC-V Linux. */
	fs->hash_unsigned = !(flags & FLAGS_SIGNED_HASH);
}

static void copy_rest(struct super_block *sb, struct ext4_fs *fs)
{
	const struct ext4_super *es = fs->es;
	bool is64 = ext4_has(fs, INCOMPAT_64BIT);

	fs->addr_per_block = sb->blocksize / 4;
	fs->reserved_root = join(es->r_blocks_count_lo, es->r_blocks_count_hi,
				 is64);
	fs->res_uid = le16_get(es->def_resuid);
	fs->res_gid = le16_get(es->def_resgid);
	fs->want_extra = 0;
	if (fs->inode_size >= 160)
		fs->want_extra = 32;
	if (ext4_has(fs, INCOMPAT_EXTENTS))
		fs->reserved_pool = min(fs->blocks / 50, 4096ull);
	copy_hash(fs);
}

int ext4_read_super(struct super_block *sb, struct ext4_fs *fs)
{
	struct buf b;
	int err;

	sb->blocksize = 1024;
	sb->blkbits = 10;
	err = buf_read(sb, 1, &b);
	if (err)
		return err;
	fs->es = b.data;
	err = le16_get(fs->es->magic) == EXT4_MAGIC ? 0 : -EINVAL;
	if (!err)
		err = check_block_size(sb, fs->es);
	buf_put(&b);
	if (!err)
		err = buf_read(sb, 1024 >> sb->blkbits, &fs->super_buf);
	if (err)
		return err;
	fs->es = (struct ext4_super *)((u8 *)fs->super_buf.data +
				       (sb->blocksize > 1024 ? 1024 : 0));
	copy_features(fs);
	err = check_csum(sb, fs);
	if (!err)
		err = check_inodes(sb, fs);
	if (!err)
		err = check_groups(sb, fs);
	if (!err)
		err = check_descs(sb, fs);
	if (!err)
		copy_rest(sb, fs);
	return err;
}

int ext4_check_features(struct ext4_fs *fs, bool is_writable)
{
	u32 bad = fs->incompat & ~INCOMPAT_SUPPORTED;

	if (bad)
		return REFUSE(fs->sb, "incompatible features 0x%x\n", bad);
	if (le32_get(fs->es->journal_dev) &&
	    fs->compat & COMPAT_HAS_JOURNAL && !le32_get(fs->es->journal_inum))
		return REFUSE(fs->sb, "the journal is on another device\n");
	if (!is_writable)
		return 0;
	bad = fs->ro_compat & ~RO_COMPAT_SUPPORTED;
	if (bad) {
		pr_err("ext4 (%s): features 0x%x allow reading only\n",
		       fs->sb->id, bad);
		return -EROFS;
	}
	return 0;
}

/* --- groups and zones -----------------------------------------------------*/

static int zone_cmp(const void *a, const void *b, void *ctx)
{
	const struct ext4_zone *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void zone_add(struct ext4_fs *fs, u64 start, u64 n)
{
	if (n)
		fs->zones[fs->nr_zones++] =
			(struct ext4_zone){ start, start + n };
}

static void zones_merge(struct ext4_fs *fs)
{
	u32 i, out = 0;

	sort(fs->zones, fs->nr_zones, sizeof(*fs->zones), zone_cmp, NULL);
	for (i = 1; i < fs->nr_zones; i++) {
		if (fs->zones[i].start <= fs->zones[out].end)
			fs->zones[out].end = max(fs->zones[out].end,
						 fs->zones[i].end);
		else
			fs->zones[++out] = fs->zones[i];
	}
	fs->nr_zones = out + 1;
}

static int check_desc(struct ext4_fs *fs, u32 g)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	u64 bb = ext4_desc_block_bitmap(fs, d);
	u64 ib = ext4_desc_inode_bitmap(fs, d);
	u64 it = ext4_desc_inode_table(fs, d);
	u32 itb = fs->inodes_per_group / fs->inodes_per_block;
	u64 lo = fs->first_block + 1, hi = fs->blocks;

	if (!ext4_has(fs, INCOMPAT_FLEX_BG)) {
		lo = ext4_group_first(fs, g);
		hi = lo + ext4_group_blocks(fs, g);
	}
	if ((fs->has_csum || fs->has_gdt_csum) && !fs->is_lenient &&
	    ext4_desc_csum(fs, g, d) != le16_get(d->checksum))
		return REFUSE(fs->sb, "group %u: bad checksum\n", g);
	if (bb < lo || bb >= hi || ib < lo || ib >= hi || it < lo ||
	    it >= hi || itb > hi - it)
		return REFUSE(fs->sb, "group %u: tables at %llu %llu %llu\n",
			      g, bb, ib, it);
	if (ext4_desc_free_blocks(fs, d) > ext4_group_blocks(fs, g) ||
	    ext4_desc_free_inodes(fs, d) > fs->inodes_per_group ||
	    ext4_desc_itable_unused(fs, d) > fs->inodes_per_group)
		return REFUSE(fs->sb, "group %u: impossible counts\n", g);
	zone_add(fs, bb, 1);
	zone_add(fs, ib, 1);
	zone_add(fs, it, itb);
	zone_add(fs, ext4_group_first(fs, g), ext4_group_base_blocks(fs, g));
	return 0;
}

static int load_descs(struct ext4_fs *fs)
{
	u32 n = desc_blocks(fs), i;
	int err;

	for (i = 0; i < n; i++) {
		if (i % 64 == 0 && i < classic_desc_blocks(fs))
			buf_readahead(fs->sb, desc_block_nr(fs, i),
				      min(n - i, 64u));
		err = buf_read(fs->sb, desc_block_nr(fs, i), &fs->descs[i]);
		if (err)
			return err;
	}
	return 0;
}

static void group_load(struct ext4_fs *fs, u32 g)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	struct ext4_group *grp = &fs->group[g];

	mutex_init(&grp->lock, RANK_FS_ALLOC, "ext4 group");
	grp->free_blocks = ext4_desc_free_blocks(fs, d);
	grp->free_inodes = ext4_desc_free_inodes(fs, d);
	grp->used_dirs = ext4_desc_used_dirs(fs, d);
	grp->largest = ext4_group_blocks(fs, g);
	fs->free_blocks += grp->free_blocks;
	fs->free_inodes += grp->free_inodes;
	fs->dirs += grp->used_dirs;
}

int ext4_load_groups(struct ext4_fs *fs)
{
	u32 g;
	int err;

	fs->descs = kvzalloc(desc_blocks(fs) * sizeof(*fs->descs), GFP_KERNEL);
	fs->group = kvzalloc(fs->groups * sizeof(*fs->group), GFP_KERNEL);
	fs->zones = kvzalloc(4ul * fs->groups * sizeof(*fs->zones),
			     GFP_KERNEL);
	if (!fs->descs || !fs->group || !fs->zones)
		return -ENOMEM;
	err = load_descs(fs);
	if (err)
		return err;
	for (g = 0; g < fs->groups; g++) {
		err = check_desc(fs, g);
		if (err)
			return -EUCLEAN;
		group_load(fs, g);
	}
	zones_merge(fs);
	return 0;
}

void ext4_free_groups(struct ext4_fs *fs)
{
	u32 i;

	for (i = 0; fs->descs && i < desc_blocks(fs); i++)
		buf_put(&fs->descs[i]);
	kvfree(fs->descs);
	kvfree(fs->group);
	kvfree(fs->zones);
	fs->descs = NULL;
	fs->group = NULL;
	fs->zones = NULL;
	fs->nr_zones = 0;
}

/* Blocks that never hold files, as statfs leaves them out. */
u64 ext4_overhead(struct ext4_fs *fs)
{
	u64 n = le32_get(fs->es->overhead_clusters);
	u32 g;

	if (n && n < fs->blocks)
		return n;
	n = fs->first_block;
	for (g = 0; g < fs->groups; g++)
		n += ext4_group_base_blocks(fs, g) + 2 +
		     fs->inodes_per_group / fs->inodes_per_block;
	return n;
}
