/*
 * direct - O_DIRECT: between the caller's memory and the blocks of a file.
 *
 * Theory:  cached pages of the range are written first, and dropped after a
 *          write.  Runs of blocks go to the device as they lie there.  A write
 *          allocates what is missing, unwritten, before it writes: should it
 *          fail, nobody sees what the blocks held before.  One that does not
 *          cover whole blocks of a hole, or whose map knows no unwritten ones,
 *          goes through the page cache instead, and is written out at once, as
 *          in Linux.
 * Locks:   inode.lock: of a write by the caller; of a read, so that no block
 *          is freed, and given to another file, under it.
 */
#include "ext4_impl.h"

static bool is_aligned(const struct inode *i, u64 pos, size_t n)
{
	return !((pos | n) & (i->sb->bdev->logical_block - 1));
}

static u64 sector_of(const struct super_block *sb, const struct ext4_map *m,
		     u64 pos)
{
	u64 off = pos - ((u64)m->lblk << sb->blkbits);

	return (m->pblk << (sb->blkbits - 9)) + (off >> 9);
}

static struct ext4_map map_from(const struct inode *i, u64 pos, size_t n)
{
	u32 bits = i->sb->blkbits;
	u32 first = (u32)(pos >> bits), last = (u32)((pos + n - 1) >> bits);

	return (struct ext4_map){ .lblk = first, .len = last - first + 1 };
}

/* Bytes from pos to the end of the map, at most n. */
static size_t map_bytes(const struct inode *i, const struct ext4_map *m,
			u64 pos, size_t n)
{
	u64 end = ((u64)m->lblk + m->len) << i->sb->blkbits;

	return (size_t)min((u64)n, end - pos);
}

static int read_piece(struct inode *i, struct iter *it, u64 pos, size_t n,
		      size_t *done)
{
	struct ext4_map m = map_from(i, pos, n);
	int err = ext4_map_find(ext4_i(i), &m);

	if (err)
		return err;
	n = map_bytes(i, &m, pos, n);
	if (m.pblk && !(m.flags & MAP_UNWRITTEN_BIT))
		return blkdev_direct(i->sb->bdev, it, sector_of(i->sb, &m, pos),
				     n, done);
	*done = zero_iter(n, it);
	return *done < n ? -EFAULT : 0;
}

/* Blocks for a write of whole blocks; the map may come out shorter. */
static int alloc_piece(struct inode *i, struct ext4_map *m)
{
	struct ext4_inode *ei = ext4_i(i);
	u32 want;
	int err = ext4_map_find(ei, m);

	if (err || (m->pblk && !(m->flags & MAP_UNWRITTEN_BIT)))
		return err;
	want = m->pblk ? 0 : min(m->len, 8192u);
	if (want) {
		m->len = want;
		err = ext4_reserve(ei, want);
		if (err)
			return err;
	}
	err = ext4_map_alloc(ei, m, true);
	if (err || !(m->flags & MAP_NEW_BIT))
		ext4_unreserve(ei, want);
	else
		ext4_unreserve(ei, want - m->len);
	return err;
}

/* The whole blocks of what was written count as written now. */
static int settle_piece(struct inode *i, struct iter *it, u64 pos,
			size_t *done)
{
	size_t rest = *done & (i->sb->blocksize - 1);
	struct ext4_map m = map_from(i, pos, *done);

	iter_revert(it, rest);
	*done -= rest;
	m.len = (u32)(*done >> i->sb->blkbits);
	return m.len ? ext4_map_alloc(ext4_i(i), &m, false) : -EFAULT;
}

static int write_piece(struct inode *i, struct iter *it, u64 pos, size_t n,
		       size_t *done)
{
	struct ext4_map m = map_from(i, pos, n);
	int err = alloc_piece(i, &m);

	if (!err)
		err = blkdev_direct(i->sb->bdev, it, sector_of(i->sb, &m, pos),
				    map_bytes(i, &m, pos, n), done);
	if (!err && (m.flags & MAP_UNWRITTEN_BIT))
		err = settle_piece(i, it, pos, done);
	return err;
}

static ssize_t read_direct(struct inode *i, struct iter *it, u64 pos)
{
	u64 size = inode_size(i), left, start = pos;
	size_t done = 0, n;
	int err = 0;

	if (pos >= size)
		return 0;
	/* The last block is read whole, but not beyond the file. */
	left = min((u64)it->count,
		   ALIGN_UP(size - pos, (u64)i->sb->bdev->logical_block));
	while (left && !err) {
		n = (size_t)left;
		err = read_piece(i, it, pos, n, &done);
		if (err)
			break;
		pos += done;
		left -= done;
	}
	if (pos > size) {
		iter_revert(it, pos - size);
		pos = size;
	}
	return pos > start ? (ssize_t)(pos - start) : err;
}

/* May every block of the range be written as it is? */
static bool is_all_written(struct inode *i, u64 pos, size_t n)
{
	struct ext4_map m;
	size_t got;

	while (n) {
		m = map_from(i, pos, n);
		if (ext4_map_find(ext4_i(i), &m) || !m.pblk ||
		    m.flags & MAP_UNWRITTEN_BIT)
			return false;
		got = map_bytes(i, &m, pos, n);
		pos += got;
		n -= got;
	}
	return true;
}

static ssize_t write_buffered(struct mapping *m, struct iter *it, u64 pos)
{
	u64 start = pos;
	ssize_t n = filemap_write(m, it, &pos);
	int err;

	if (n <= 0)
		return n;
	err = mapping_write(m, start >> PAGE_SHIFT, (pos - 1) >> PAGE_SHIFT,
			    true);
	return err ? err : n;
}

static ssize_t write_direct(struct mapping *m, struct iter *it, u64 pos)
{
	struct inode *i = m->host;
	u64 start = pos, left = it->count;
	size_t done = 0;
	int err = 0;

	if (((pos | left) & (i->sb->blocksize - 1) ||
	     !ext4_is_extents(ext4_i(i))) &&
	    !is_all_written(i, pos, (size_t)left))
		return write_buffered(m, it, pos);
	while (left && !err) {
		err = write_piece(i, it, pos, (size_t)left, &done);
		if (err)
			break;
		pos += done;
		left -= done;
	}
	if (pos > inode_size(i)) {
		inode_set_size(i, pos);
		inode_mark_dirty(i, I_DIRTY_SYNC);
	}
	return pos > start ? (ssize_t)(pos - start) : err;
}

ssize_t ext4_direct_io(struct mapping *m, struct iter *it, u64 pos)
{
	struct inode *i = m->host;
	u64 first = pos >> PAGE_SHIFT, last;
	ssize_t n;
	int err;

	if (!it->count)
		return 0;
	if (!is_aligned(i, pos, it->count))
		return -EINVAL;
	if (it->is_source && pos + it->count > i->sb->max_bytes)
		return -EFBIG;
	last = (pos + it->count - 1) >> PAGE_SHIFT;
	err = mapping_write(m, first, last, true);
	if (err)
		return err;
	if (!it->is_source) {
		mutex_lock(&i->lock);
		n = read_direct(i, it, pos);
		mutex_unlock(&i->lock);
		return n;
	}
	n = write_direct(m, it, pos);
	mapping_invalidate(m, first, last);
	return n;
}
