/*
 * orphan - inodes without a name that are still open.
 *
 * Theory:  if the machine stops now, nobody else would free them.  With the
 *          orphan_file feature their numbers stand in slots of a file made for
 *          that; else, or when it is full, they form a chain through the
 *          superblock and the dtime fields.  Mounting for writing works both
 *          off.  Inodes that are freed at once are not noted: see namei.c.
 * Locks:   orphan_lock.
 */
#include "ext4_impl.h"
#include <kernel/print.h>
#include <lib/bitmap.h>
#include <lib/crc.h>
#include <lib/string.h>

static u32 slots_per_block(const struct ext4_fs *fs)
{
	return (fs->sb->blocksize - sizeof(struct ext4_orphan_tail)) / 4;
}

static struct ext4_orphan_tail *tail_of(const struct ext4_fs *fs,
					const struct buf *b)
{
	return (struct ext4_orphan_tail *)((u8 *)b->data + fs->sb->blocksize -
					   sizeof(struct ext4_orphan_tail));
}

static u32 block_csum(struct ext4_fs *fs, const struct buf *b)
{
	le64_t nr = le64_make(b->block);
	u32 c = crc32c(ext4_i(fs->orphan_file)->csum_seed, &nr, sizeof(nr));

	return crc32c(c, b->data, slots_per_block(fs) * 4);
}

static int read_block(struct ext4_fs *fs, u32 lblk, struct buf *b)
{
	const struct ext4_orphan_tail *t;
	int err = ext4_bread(ext4_i(fs->orphan_file), lblk, b);

	if (err || buf_is_verified(fs->sb, b))
		return err;
	t = tail_of(fs, b);
	if (le32_get(t->magic) == ORPHAN_MAGIC &&
	    (!fs->has_csum || le32_get(t->checksum) == block_csum(fs, b))) {
		buf_set_verified(fs->sb, b);
		return 0;
	}
	buf_put(b);
	return ext4_corrupt(fs->sb, "orphan file: bad block %u", lblk);
}

static u32 file_blocks(const struct ext4_fs *fs)
{
	return (u32)(inode_size(fs->orphan_file) >> fs->sb->blkbits);
}

static void block_changed(struct ext4_fs *fs, struct buf *b)
{
	if (fs->has_csum)
		tail_of(fs, b)->checksum = le32_make(block_csum(fs, b));
	buf_dirty(fs->sb, b);
}

static void set_present(struct ext4_fs *fs, bool on)
{
	u32 f;

	mutex_lock(&fs->super_lock);
	f = le32_get(fs->es->feature_ro_compat);
	if (!(f & RO_COMPAT_ORPHAN_PRESENT) == on) {
		fs->es->feature_ro_compat =
			le32_make(f ^ RO_COMPAT_ORPHAN_PRESENT);
		ext4_super_dirty_locked(fs);
	}
	mutex_unlock(&fs->super_lock);
}

/* --- the file ---------------------------------------------------------------*/

static int slot_take(struct ext4_fs *fs, u64 ino, s32 *slot)
{
	u32 n = slots_per_block(fs), i, k;
	struct buf b;
	int err;

	for (i = 0; i < file_blocks(fs); i++) {
		err = read_block(fs, i, &b);
		if (err)
			return err;
		for (k = 0; k < n; k++)
			if (!le32_get(((le32_t *)b.data)[k]))
				break;
		if (k < n) {
			((le32_t *)b.data)[k] = le32_make((u32)ino);
			block_changed(fs, &b);
			buf_put(&b);
			*slot = (s32)(i * n + k);
			return 0;
		}
		buf_put(&b);
	}
	return -ENOSPC;
}

static void slot_clear(struct ext4_fs *fs, s32 slot)
{
	u32 n = slots_per_block(fs);
	struct buf b;

	/* Without the file the slot is stale, which e2fsck and the next mount
	 * see. */
	if (!fs->orphan_file || read_block(fs, (u32)slot / n, &b))
		return;
	((le32_t *)b.data)[(u32)slot % n] = le32_make(0);
	block_changed(fs, &b);
	buf_put(&b);
}

/* --- the chain ---------------------------------------------------------------*/

static void chain_set_head(struct ext4_fs *fs, u64 ino)
{
	mutex_lock(&fs->super_lock);
	fs->es->last_orphan = le32_make((u32)ino);
	ext4_super_dirty_locked(fs);
	mutex_unlock(&fs->super_lock);
}

static bool on_chain(const struct ext4_inode *ei)
{
	return ei->orphan_slot < 0;
}

/* The nearest chained neighbour; NULL at the end of the list. */
static struct ext4_inode *chain_step(struct ext4_fs *fs, struct ext4_inode *ei,
				     bool forward)
{
	struct list *l = &ei->orphan;

	for (;;) {
		l = forward ? l->next : l->prev;
		if (l == &fs->orphans)
			return NULL;
		ei = list_entry(l, struct ext4_inode, orphan);
		if (on_chain(ei))
			return ei;
	}
}

static int chain_add(struct ext4_fs *fs, struct ext4_inode *ei)
{
	ei->orphan_slot = -1;
	ei->dtime = le32_get(fs->es->last_orphan);
	chain_set_head(fs, ei->vfs.ino);
	return ext4_write_inode_now(&ei->vfs);
}

static void chain_del(struct ext4_fs *fs, struct ext4_inode *ei)
{
	struct ext4_inode *prev = chain_step(fs, ei, false);

	if (!prev) {
		chain_set_head(fs, ei->dtime);
	} else {
		prev->dtime = ei->dtime;
		/* A failing device was reported; e2fsck sorts it out. */
		ignore_error(ext4_write_inode_now(&prev->vfs));
	}
	ei->dtime = 0;
}

/* --- both ---------------------------------------------------------------*/

int ext4_orphan_add(struct inode *i)
{
	struct ext4_fs *fs = ext4_fs_of(i);
	struct ext4_inode *ei = ext4_i(i);
	int err = -ENOSPC;

	mutex_lock(&fs->orphan_lock);
	if (!list_empty(&ei->orphan)) {
		mutex_unlock(&fs->orphan_lock);
		return 0;
	}
	if (fs->orphan_file) {
		err = slot_take(fs, i->ino, &ei->orphan_slot);
		if (!err)
			set_present(fs, true);
	}
	if (err == -ENOSPC)
		err = chain_add(fs, ei);
	if (!err)
		list_add(&ei->orphan, &fs->orphans);
	mutex_unlock(&fs->orphan_lock);
	return err;
}

void ext4_orphan_del(struct inode *i)
{
	struct ext4_fs *fs = ext4_fs_of(i);
	struct ext4_inode *ei = ext4_i(i);

	if (list_empty(&ei->orphan))
		return;
	mutex_lock(&fs->orphan_lock);
	if (on_chain(ei))
		chain_del(fs, ei);
	else
		slot_clear(fs, ei->orphan_slot);
	list_del_init(&ei->orphan);
	mutex_unlock(&fs->orphan_lock);
}

/* --- at mount ---------------------------------------------------------------*/

int ext4_orphan_open(struct ext4_fs *fs)
{
	u32 ino = le32_get(fs->es->orphan_file_inum);
	int err;

	if (!(fs->compat & COMPAT_ORPHAN_FILE) || fs->orphan_file)
		return 0;
	err = ext4_iget(fs->sb, ino, true, &fs->orphan_file);
	if (err)
		fs->orphan_file = NULL;
	return err;
}

static bool inode_in_use(struct ext4_fs *fs, u64 ino)
{
	u32 g = (u32)((ino - 1) / fs->inodes_per_group);
	struct buf b;
	bool used;

	if (ino < fs->first_ino || ino > fs->inodes)
		return false;
	mutex_lock(&fs->group[g].lock);
	if (ext4_inode_bitmap_locked(fs, g, &b)) {
		mutex_unlock(&fs->group[g].lock);
		return false;
	}
	used = bit_test(b.data, (ino - 1) % fs->inodes_per_group);
	mutex_unlock(&fs->group[g].lock);
	buf_put(&b);
	return used;
}

/* Frees, or cuts to its size, the inode of an entry.  *next: its dtime. */
static int settle(struct ext4_fs *fs, u64 ino, s32 slot, u32 *next)
{
	struct inode *i;
	int err;

	if (!inode_in_use(fs, ino))
		return -ENOENT;
	err = ext4_iget(fs->sb, ino, true, &i);
	if (err)
		return err;
	*next = ext4_i(i)->dtime;
	ext4_i(i)->orphan_slot = slot;
	list_add_tail(&ext4_i(i)->orphan, &fs->orphans);
	if (i->nlink) {
		if (S_ISREG(i->mode))
			ignore_error(ext4_truncate(i));	/* reported */
		ext4_orphan_del(i);
		ignore_error(ext4_write_inode_now(i));
	}
	inode_put(i);
	return 0;
}

static u32 cleanup_file(struct ext4_fs *fs)
{
	u32 n = slots_per_block(fs), count = file_blocks(fs), i, done = 0;
	struct buf b;
	u32 ino, dummy;

	for (i = 0; i < count * n; i++) {
		if (read_block(fs, i / n, &b))
			return done;
		ino = le32_get(((le32_t *)b.data)[i % n]);
		buf_put(&b);
		if (!ino)
			continue;
		if (settle(fs, ino, (s32)i, &dummy))
			slot_clear(fs, (s32)i);
		done++;
	}
	return done;
}

static u32 cleanup_chain(struct ext4_fs *fs)
{
	u32 ino, next = 0, done = 0;

	while ((ino = le32_get(fs->es->last_orphan)) && done < fs->inodes) {
		if (settle(fs, ino, -1, &next)) {
			chain_set_head(fs, 0);
			break;
		}
		/* Freeing it moved the head on, unless it went wrong. */
		if (le32_get(fs->es->last_orphan) == ino)
			chain_set_head(fs, next);
		done++;
	}
	return done;
}

void ext4_orphan_cleanup(struct ext4_fs *fs)
{
	u32 n = cleanup_chain(fs);

	if (fs->orphan_file)
		n += cleanup_file(fs);
	set_present(fs, false);
	if (n)
		pr_info("ext4 (%s): %u orphans settled\n", fs->sb->id, n);
}

void ext4_orphan_close(struct ext4_fs *fs)
{
	if (!fs->is_writable)
		return;
	if (list_empty(&fs->orphans) &&
	    le32_get(fs->es->feature_ro_compat) & RO_COMPAT_ORPHAN_PRESENT)
		set_present(fs, false);
}
