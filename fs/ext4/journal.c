/*
 * journal - replays a jbd2 journal that was not emptied.
 *
 * Theory:  a transaction is a series of descriptor blocks, each followed by
 *          the blocks it names, and a commit block; revoke blocks say that
 *          older copies of a block must not be written.  Three passes go over
 *          the log: where does it end (the first block that does not belong),
 *          what is revoked, and then the copying.  Checksums (version 2 and 3)
 *          decide what belongs.  At the end the journal is marked empty.
 *          All of it is big endian, unlike the rest of ext4.
 * Locks:   none: it runs during mount.
 */
#include "ext4_impl.h"
#include <kernel/print.h>
#include <lib/crc.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/slab.h>

#define JBD2_MAGIC 0xc03b3998u
enum { J_DESCRIPTOR = 1, J_COMMIT, J_SUPER_V1, J_SUPER_V2, J_REVOKE };

#define J_INCOMPAT_REVOKE 0x1u
#define J_INCOMPAT_64BIT 0x2u
#define J_INCOMPAT_ASYNC 0x4u
#define J_INCOMPAT_CSUM_V2 0x8u
#define J_INCOMPAT_CSUM_V3 0x10u
#define J_INCOMPAT_KNOWN                                                       \
	(J_INCOMPAT_REVOKE | J_INCOMPAT_64BIT | J_INCOMPAT_ASYNC |             \
	 J_INCOMPAT_CSUM_V2 | J_INCOMPAT_CSUM_V3)

#define TAG_ESCAPE 1u
#define TAG_SAME_UUID 2u
#define TAG_LAST 8u

struct j_header {
	be32_t magic, type, sequence;
};

struct j_super {
	struct j_header h;
	be32_t blocksize, maxlen, first, sequence, start, errno_;
	be32_t compat, incompat, ro_compat;
	u8 uuid[16];
	be32_t nr_users, dynsuper, max_transaction, max_trans_data;
	u8 checksum_type, pad[3];
	be32_t num_fc_blocks, head, padding[40], checksum;
	u8 users[16 * 48];
};
static_assert(sizeof(struct j_super) == 1024, "journal superblock");

struct revoke {
	u64 block;
	u32 seq;
};

struct journal {
	struct ext4_fs *fs;
	struct inode *inode;
	u32 blocks, first, start, start_seq, end_seq;
	u32 incompat, seed;
	bool has_csum;
	struct revoke *revokes;
	u32 nr_revokes, max_revokes;
};

static bool has(const struct journal *j, u32 feature)
{
	return j->incompat & feature;
}

static u32 next_block(const struct journal *j, u32 b)
{
	return b + 1 < j->blocks ? b + 1 : j->first;
}

static int j_read(struct journal *j, u32 lblk, struct buf *b)
{
	return ext4_bread(ext4_i(j->inode), lblk, b);
}

/* --- the superblock of the journal ------------------------------------------*/

static u32 super_csum(const struct j_super *s)
{
	size_t at = offsetof(struct j_super, checksum);
	u32 c = crc32c(~0u, s, at), zero = 0;

	c = crc32c(c, &zero, 4);
	return crc32c(c, (const u8 *)s + at + 4, sizeof(*s) - at - 4);
}

static int check_super(struct journal *j, const struct j_super *s)
{
	u32 type = be32_get(s->h.type), bs = j->fs->sb->blocksize;

	if (be32_get(s->h.magic) != JBD2_MAGIC ||
	    (type != J_SUPER_V1 && type != J_SUPER_V2) ||
	    be32_get(s->blocksize) != bs)
		return ext4_corrupt(j->fs->sb, "no journal superblock");
	j->blocks = be32_get(s->maxlen);
	j->first = be32_get(s->first);
	j->start = be32_get(s->start);
	j->start_seq = be32_get(s->sequence);
	if (type == J_SUPER_V2)
		j->incompat = be32_get(s->incompat);
	if (j->incompat & ~J_INCOMPAT_KNOWN) {
		pr_err("ext4 (%s): journal features 0x%x are not supported\n",
		       j->fs->sb->id, j->incompat & ~J_INCOMPAT_KNOWN);
		return -EOPNOTSUPP;
	}
	j->has_csum = has(j, J_INCOMPAT_CSUM_V2 | J_INCOMPAT_CSUM_V3);
	if (j->has_csum && super_csum(s) != be32_get(s->checksum))
		return ext4_corrupt(j->fs->sb, "bad journal checksum");
	j->seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	if (j->blocks > inode_size(j->inode) / bs || j->first >= j->blocks ||
	    !j->first || (j->start && (j->start < j->first ||
				       j->start >= j->blocks)))
		return ext4_corrupt(j->fs->sb, "bad journal geometry");
	return 0;
}

/* --- blocks of the log --------------------------------------------------------*/

static u32 tail_csum(const struct journal *j, const u8 *block, u32 csum_at)
{
	u32 bs = j->fs->sb->blocksize, zero = 0, c;

	c = crc32c(j->seed, block, csum_at);
	c = crc32c(c, &zero, 4);
	return crc32c(c, block + csum_at + 4, bs - csum_at - 4);
}

/* Is it a log block of this transaction, with a right checksum? */
static bool block_ok(const struct journal *j, const u8 *block, u32 seq)
{
	const struct j_header *h = (const struct j_header *)block;
	u32 at = j->fs->sb->blocksize - 4, type = be32_get(h->type);

	if (be32_get(h->magic) != JBD2_MAGIC || be32_get(h->sequence) != seq)
		return false;
	if (!j->has_csum)
		return true;
	if (type == J_COMMIT)
		at = 16;
	return get_unaligned_be32(block + at) == tail_csum(j, block, at);
}

struct tag {
	u64 block;
	u32 flags, csum;
};

static u32 tag_bytes(const struct journal *j)
{
	if (has(j, J_INCOMPAT_CSUM_V3))
		return 16;
	return 8 + (has(j, J_INCOMPAT_CSUM_V2) ? 2 : 0) +
	       (has(j, J_INCOMPAT_64BIT) ? 4 : 0);
}

/* The tag at *off of a descriptor, which moves on; false past the end. */
static bool next_tag(const struct journal *j, const u8 *block, u32 *off,
		     struct tag *t)
{
	u32 end = j->fs->sb->blocksize - (j->has_csum ? 4 : 0);
	u32 n = tag_bytes(j);
	const u8 *p = block + *off;

	if (*off + n > end)
		return false;
	t->block = get_unaligned_be32(p);
	if (has(j, J_INCOMPAT_CSUM_V3)) {
		t->flags = get_unaligned_be32(p + 4);
		t->csum = get_unaligned_be32(p + 12);
		if (has(j, J_INCOMPAT_64BIT))
			t->block |= (u64)get_unaligned_be32(p + 8) << 32;
	} else {
		t->csum = get_unaligned_be16(p + 4);
		t->flags = get_unaligned_be16(p + 6);
		if (has(j, J_INCOMPAT_64BIT))
			t->block |= (u64)get_unaligned_be32(p + 8) << 32;
	}
	*off += n + (t->flags & TAG_SAME_UUID ? 0 : 16);
	return true;
}

static bool data_ok(const struct journal *j, const struct tag *t,
		    const void *data, u32 seq)
{
	be32_t s = be32_make(seq);
	u32 c;

	if (!j->has_csum)
		return true;
	c = crc32c(j->seed, &s, sizeof(s));
	c = crc32c(c, data, j->fs->sb->blocksize);
	if (has(j, J_INCOMPAT_CSUM_V3))
		return c == t->csum;
	return (c & 0xffff) == t->csum;
}

/* --- revocations ---------------------------------------------------------------*/

static int revoke_cmp(const void *a, const void *b, void *ctx)
{
	const struct revoke *x = a, *y = b;

	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return (s32)(x->seq - y->seq);
}

static int revoke_add(struct journal *j, u64 block, u32 seq)
{
	if (j->nr_revokes == j->max_revokes) {
		u32 max = j->max_revokes ? j->max_revokes * 2 : 512;
		struct revoke *n = kvmalloc(max * sizeof(*n), GFP_KERNEL);

		if (!n)
			return -ENOMEM;
		if (j->revokes)
			memcpy(n, j->revokes, j->nr_revokes * sizeof(*n));
		kvfree(j->revokes);
		j->revokes = n;
		j->max_revokes = max;
	}
	j->revokes[j->nr_revokes++] = (struct revoke){ block, seq };
	return 0;
}

static int revoke_block(struct journal *j, const u8 *block, u32 seq)
{
	u32 n = has(j, J_INCOMPAT_64BIT) ? 8 : 4, off = 16;
	u32 used = get_unaligned_be32(block + 12);
	u64 nr;
	int err = 0;

	if (used > j->fs->sb->blocksize)
		return -EUCLEAN;
	for (; off + n <= used && !err; off += n) {
		nr = n == 8 ? get_unaligned_be64(block + off) :
			      get_unaligned_be32(block + off);
		err = revoke_add(j, nr, seq);
	}
	return err;
}

/* Was the block revoked in transaction seq or later? */
static bool is_revoked(const struct journal *j, u64 block, u32 seq)
{
	u32 lo = 0, hi = j->nr_revokes, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (j->revokes[mid].block <= block)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* The last of this block has the greatest number. */
	return lo && j->revokes[lo - 1].block == block &&
	       (s32)(j->revokes[lo - 1].seq - seq) >= 0;
}

/* --- passes ---------------------------------------------------------------*/

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

static int copy_block(struct journal *j, const struct tag *t, const void *data,
		      u32 seq)
{
	struct super_block *sb = j->fs->sb;
	struct buf b;
	int err;

	if (is_revoked(j, t->block, seq))
		return 0;
	if (t->block >= j->fs->blocks)
		return ext4_corrupt(sb, "journal: block %llu", t->block);
	if (!data_ok(j, t, data, seq))
		return ext4_corrupt(sb, "journal: damaged copy of block %llu",
				    t->block);
	err = buf_get(sb, t->block, &b);
	if (err)
		return err;
	memcpy(b.data, data, sb->blocksize);
	if (t->flags & TAG_ESCAPE)
		put_unaligned_be32(JBD2_MAGIC, b.data);
	buf_clear_verified(sb, &b);
	buf_dirty(sb, &b);
	buf_put(&b);
	return 0;
}

/* A descriptor and the blocks behind it; *at moves past them. */
static int do_descriptor(struct journal *j, enum pass pass, const u8 *block,
			 u32 seq, u32 *at)
{
	u32 off = sizeof(struct j_header);
	struct buf data;
	struct tag t;
	int err;

	while (next_tag(j, block, &off, &t)) {
		if (pass == PASS_REPLAY) {
			err = j_read(j, *at, &data);
			if (err)
				return err;
			err = copy_block(j, &t, data.data, seq);
			buf_put(&data);
			if (err)
				return err;
		}
		*at = next_block(j, *at);
		if (t.flags & TAG_LAST)
			break;
	}
	return 0;
}

/* One block of the log.  1: the log ends here. */
static int do_block(struct journal *j, enum pass pass, u32 *seq, u32 *at)
{
	const struct j_header *h;
	struct buf b;
	int err = j_read(j, *at, &b);

	if (err)
		return err;
	h = b.data;
	if (!block_ok(j, b.data, *seq)) {
		buf_put(&b);
		return 1;
	}
	*at = next_block(j, *at);
	switch (be32_get(h->type)) {
	case J_DESCRIPTOR:
		err = do_descriptor(j, pass, b.data, *seq, at);
		break;
	case J_COMMIT:
		++*seq;
		break;
	case J_REVOKE:
		if (pass == PASS_REVOKE)
			err = revoke_block(j, b.data, *seq);
		break;
	default:
		err = 1;
		break;
	}
	buf_put(&b);
	return err;
}

static int do_pass(struct journal *j, enum pass pass)
{
	u32 seq = j->start_seq, at = j->start, n;
	int err = 0;

	/* No log has more blocks than its file. */
	for (n = 0; n <= j->blocks && !err; n++) {
		if (pass != PASS_SCAN && seq == j->end_seq)
			break;
		err = do_block(j, pass, &seq, &at);
	}
	if (pass == PASS_SCAN)
		j->end_seq = seq;
	return err < 0 ? err : 0;
}

/* Everything home and durable, then: empty. */
static int finish(struct journal *j, struct buf *sbuf)
{
	struct j_super *s = sbuf->data;
	struct ext4_fs *fs = j->fs;
	struct inode *dev = fs->sb->bdev->inode;
	int err = mapping_write(&dev->data, 0, ~0ull >> 1, true);

	if (!err)
		err = blkdev_flush(fs->sb->bdev);
	if (err)
		return err;
	s->start = be32_make(0);
	s->sequence = be32_make(j->end_seq + 1);
	if (j->has_csum)
		s->checksum = be32_make(super_csum(s));
	buf_dirty(fs->sb, sbuf);
	fs->es->feature_incompat = le32_make(
		le32_get(fs->es->feature_incompat) & ~INCOMPAT_RECOVER);
	if (fs->has_csum)
		fs->es->checksum = le32_make(ext4_super_csum(fs->es));
	buf_dirty(fs->sb, &fs->super_buf);
	err = mapping_write(&dev->data, 0, ~0ull >> 1, true);
	return err ? err : blkdev_flush(fs->sb->bdev);
}

static int replay(struct journal *j)
{
	int err = do_pass(j, PASS_SCAN);

	if (!err)
		err = do_pass(j, PASS_REVOKE);
	if (err)
		return err;
	sort(j->revokes, j->nr_revokes, sizeof(*j->revokes), revoke_cmp, NULL);
	err = do_pass(j, PASS_REPLAY);
	if (!err)
		pr_info("ext4 (%s): journal replayed, %u transactions\n",
			j->fs->sb->id, j->end_seq - j->start_seq);
	return err;
}

int ext4_journal_recover(struct ext4_fs *fs)
{
	struct journal j = { .fs = fs };
	u32 ino = le32_get(fs->es->journal_inum);
	struct buf sbuf;
	int err;

	if (fs->sb->bdev->is_readonly || fs->sb->bdev->whole->is_readonly) {
		pr_err("ext4 (%s): the journal must be replayed, but the "
		       "device is read-only (try noload)\n", fs->sb->id);
		return -EROFS;
	}
	err = ext4_iget(fs->sb, ino, true, &j.inode);
	if (err)
		return err;
	err = j_read(&j, 0, &sbuf);
	if (err)
		goto out_inode;
	err = check_super(&j, sbuf.data);
	if (!err && j.start)
		err = replay(&j);
	if (!err)
		err = finish(&j, &sbuf);
	buf_put(&sbuf);
	kvfree(j.revokes);
out_inode:
	/* Without links it does not stay cached as it was before the replay;
	 * it is not freed, since nothing is writable yet. */
	inode_set_nlink(j.inode, 0);
	inode_put(j.inode);
	return err;
}
