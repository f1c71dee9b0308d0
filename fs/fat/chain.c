/*
 * chain - which clusters a file has.
 *
 * Theory:  the table tells only the next cluster, so an inode remembers a few
 *          runs of clusters that lie in a row; a look-up walks on from the
 *          nearest run before it.  A chain that is longer than the disk has
 *          clusters loops.
 * Locks:   table_lock, inside.
 */
#include "fat_impl.h"
#include <kernel/assert.h>
#include <lib/string.h>

void fat_chain_init(struct fat_inode *fi, u32 start)
{
	fi->start = start;
	fi->nr_clusters = start ? FAT_UNKNOWN : 0;
	fi->last = 0;
	fi->next_run = 0;
	memset(fi->runs, 0, sizeof(fi->runs));
}

/* The run with `file` in it, or the last before it; NULL: none. */
static struct fat_run *nearest_locked(struct fat_fs *fs, struct fat_inode *fi,
				      u32 file)
	__must_hold(&fs->table_lock)
{
	struct fat_run *best = NULL, *r;

	for (r = fi->runs; r < fi->runs + FAT_RUNS; r++)
		if (r->len && r->file <= file &&
		    (!best || r->file > best->file))
			best = r;
	return best;
}

static struct fat_run *new_run_locked(struct fat_fs *fs, struct fat_inode *fi,
				      u32 file, u32 disk)
	__must_hold(&fs->table_lock)
{
	struct fat_run *r = &fi->runs[fi->next_run++ % FAT_RUNS];

	*r = (struct fat_run){ .file = file, .disk = disk, .len = 1 };
	return r;
}

/* One more cluster of the chain behind *r; false: the chain ends there. */
static int step_locked(struct fat_fs *fs, struct fat_inode *fi,
		       struct fat_run **r, bool *more)
	__must_hold(&fs->table_lock)
{
	u32 last = (*r)->disk + (*r)->len - 1;
	u32 file = (*r)->file + (*r)->len, next;
	int err = fat_next(fs, last, &next);

	*more = false;
	if (err)
		return err;
	if (next == FAT_END) {
		fi->nr_clusters = file;
		fi->last = last;
		return 0;
	}
	if (file >= fs->end_cluster)
		return fat_corrupt(fs->sb, "the chain from cluster %u loops",
				   fi->start);
	if (next == last + 1)
		(*r)->len++;
	else
		*r = new_run_locked(fs, fi, file, next);
	*more = true;
	return 0;
}

static int first_run_locked(struct fat_fs *fs, struct fat_inode *fi,
			    struct fat_run **r)
	__must_hold(&fs->table_lock)
{
	if (!fat_is_cluster(fs, fi->start))
		return fat_corrupt(fs->sb, "a file begins with cluster %u",
				   fi->start);
	*r = new_run_locked(fs, fi, 0, fi->start);
	return 0;
}

/* The run with `file` in it; NULL: the chain is shorter. */
static int find_locked(struct fat_fs *fs, struct fat_inode *fi, u32 file,
		       struct fat_run **out)
	__must_hold(&fs->table_lock)
{
	struct fat_run *r = nearest_locked(fs, fi, file);
	bool more = true;
	int err = 0;

	*out = NULL;
	if (!fi->start || file >= fi->nr_clusters)
		return 0;
	if (!r)
		err = first_run_locked(fs, fi, &r);
	while (!err && more && file >= r->file + r->len)
		err = step_locked(fs, fi, &r, &more);
	if (!err && more)
		*out = r;
	return err;
}

/* A run is followed as far as it is asked for, but no further. */
static int extend_run_locked(struct fat_fs *fs, struct fat_run *r, u32 end)
	__must_hold(&fs->table_lock)
{
	u32 last, next;
	int err;

	while (r->file + r->len < end) {
		last = r->disk + r->len - 1;
		err = fat_next(fs, last, &next);
		if (err || next != last + 1)
			return err;
		r->len++;
	}
	return 0;
}

int fat_map(struct fat_inode *fi, u32 file, u32 *disk, u32 *n)
{
	struct fat_fs *fs = fat_fs_of(&fi->vfs);
	struct fat_run *r;
	int err;

	mutex_lock(&fs->table_lock);
	err = find_locked(fs, fi, file, &r);
	if (!err && !r)
		err = fat_corrupt(fs->sb, "the chain from cluster %u is too "
				  "short", fi->start);
	if (!err)
		err = extend_run_locked(fs, r, file + *n);
	if (!err) {
		*disk = r->disk + (file - r->file);
		*n = min(*n, r->file + r->len - file);
	}
	mutex_unlock(&fs->table_lock);
	return err;
}

static int length_locked(struct fat_fs *fs, struct fat_inode *fi)
	__must_hold(&fs->table_lock)
{
	struct fat_run *r;

	if (fi->nr_clusters != FAT_UNKNOWN)
		return 0;
	/* The end is noted on the way. */
	return find_locked(fs, fi, FAT_UNKNOWN - 1, &r);
}

int fat_chain_length(struct fat_inode *fi, u32 *n)
{
	struct fat_fs *fs = fat_fs_of(&fi->vfs);
	int err;

	mutex_lock(&fs->table_lock);
	err = length_locked(fs, fi);
	*n = fi->nr_clusters;
	mutex_unlock(&fs->table_lock);
	return err;
}

/* --- shorter --------------------------------------------------------------*/

static int cut_locked(struct fat_fs *fs, struct fat_inode *fi, u32 n)
	__must_hold(&fs->table_lock)
{
	u32 last = 0, from = fi->start;
	struct fat_run *r;
	int err;

	if (n) {
		err = find_locked(fs, fi, n - 1, &r);
		if (err || !r)
			return err;
		last = r->disk + (n - 1 - r->file);
		err = fat_next(fs, last, &from);
		if (!err && from != FAT_END)
			err = fat_link(fs, last, FAT_END);
		if (err)
			return err;
	}
	fat_chain_init(fi, n ? fi->start : 0);
	fi->nr_clusters = n;
	fi->last = last;
	if (!from || from == FAT_END)
		return 0;
	if (!fat_is_cluster(fs, from))
		return fat_corrupt(fs->sb, "a file begins with cluster %u",
				   from);
	return fat_free_chain(fs, from);
}

int fat_cut(struct fat_inode *fi, u32 n)
{
	struct fat_fs *fs = fat_fs_of(&fi->vfs);
	int err;

	mutex_lock(&fs->table_lock);
	err = cut_locked(fs, fi, n);
	mutex_unlock(&fs->table_lock);
	fat_set_blocks(&fi->vfs);
	inode_mark_dirty(&fi->vfs, I_DIRTY_SYNC);
	return err;
}

void fat_trim(struct fat_inode *fi)
{
	u32 n = fat_clusters_of(fat_fs_of(&fi->vfs), inode_size(&fi->vfs));

	if (READ_ONCE(fi->nr_clusters) != FAT_UNKNOWN &&
	    READ_ONCE(fi->nr_clusters) > n)
		ignore_error(fat_cut(fi, n));	/* reported */
}

/* --- longer ---------------------------------------------------------------*/

static int zero_clusters(struct fat_fs *fs, u32 first, u32 n)
{
	u32 per = 1u << (fs->cluster_bits - fs->sb->blkbits);
	u64 block = fat_cluster_sector(fs, first) >> (fs->sb->blkbits - 9);
	struct buf b;
	int err;

	for (u64 i = 0; i < (u64)n * per; i++) {
		err = buf_get(fs->sb, block + i, &b);
		if (err)
			return err;
		memset(b.data, 0, fs->sb->blocksize);
		buf_dirty(fs->sb, &b);
		buf_put(&b);
	}
	return 0;
}

/* A row of new clusters goes to the end of the chain. */
static int append_locked(struct fat_fs *fs, struct fat_inode *fi, u32 want)
	__must_hold(&fs->table_lock)
{
	u32 n = want, first;
	int err = fat_alloc(fs, &n, &first);

	if (err)
		return err;
	if (S_ISDIR(fi->vfs.mode))
		err = zero_clusters(fs, first, n);
	if (!err && fi->start)
		err = fat_link(fs, fi->last, first);
	if (err) {
		ignore_error(fat_free_chain(fs, first));
		return err;
	}
	if (!fi->start)
		fi->start = first;
	fi->nr_clusters += n;
	fi->last = first + n - 1;
	return 0;
}

int fat_grow(struct fat_inode *fi, u32 n)
{
	struct fat_fs *fs = fat_fs_of(&fi->vfs);
	bool is_new = false;
	int err = 0;
	u32 old;

	if (likely(READ_ONCE(fi->nr_clusters) != FAT_UNKNOWN &&
		   READ_ONCE(fi->nr_clusters) >= n))
		return 0;
	mutex_lock(&fs->table_lock);
	err = length_locked(fs, fi);
	old = fi->nr_clusters;
	while (!err && fi->nr_clusters < n) {
		err = append_locked(fs, fi, n - fi->nr_clusters);
		is_new = true;
	}
	if (err && is_new && fi->nr_clusters > old)
		ignore_error(cut_locked(fs, fi, old));	/* reported */
	mutex_unlock(&fs->table_lock);
	if (is_new) {
		fat_set_blocks(&fi->vfs);
		inode_mark_dirty(&fi->vfs, I_DIRTY_SYNC);
	}
	return err;
}
