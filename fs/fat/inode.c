/*
 * inode - what an entry says, as an inode, and back.
 *
 * Theory:  FAT has no inodes: a file is where its entry is.  The position of
 *          the entry serves as the inode's number when it is first met, and
 *          the inode keeps that number when the entry moves; whoever comes
 *          upon the old place meanwhile gets another number.  A table finds
 *          inodes by the position that their entry has now.  The root and what
 *          was removed have no entry and are never written.
 * Locks:   entry_lock guards positions against writers of entries; hash_lock
 *          the table.
 */
#include "fat_impl.h"
#include <kernel/print.h>
#include <lib/hash.h>
#include <lib/string.h>

#define SECONDS_A_DAY 86400
#define MODE_ALL 0777u
#define MODE_NO_EXEC 0666u
#define MODE_WRITE 0222u

/* --- by position ----------------------------------------------------------*/

static struct hlist_head *bucket(struct fat_fs *fs, u64 pos)
{
	return &fs->by_pos[hash64(pos, FAT_HASH_BITS)];
}

u64 fat_ino_at(struct fat_fs *fs, u64 pos)
{
	struct fat_inode *fi;
	u64 ino = 0;

	spin_lock(&fs->hash_lock);
	hlist_for_each_entry(fi, bucket(fs, pos), pos_node) {
		if (fi->pos == pos) {
			ino = fi->vfs.ino;
			break;
		}
	}
	spin_unlock(&fs->hash_lock);
	return ino;
}

static void set_pos(struct inode *i, u64 pos)
{
	struct fat_fs *fs = fat_fs_of(i);
	struct fat_inode *fi = fat_i(i);

	spin_lock(&fs->hash_lock);
	hlist_del_init(&fi->pos_node);
	fi->pos = pos;
	if (pos)
		hlist_add_head(&fi->pos_node, bucket(fs, pos));
	spin_unlock(&fs->hash_lock);
}

void fat_attach(struct inode *i, u64 pos)
{
	struct fat_fs *fs = fat_fs_of(i);

	mutex_lock(&fs->entry_lock);
	set_pos(i, pos);
	mutex_unlock(&fs->entry_lock);
}

void fat_detach(struct inode *i)
{
	fat_attach(i, 0);
}

/* --- times ----------------------------------------------------------------*/

static struct timespec64 get_time(const struct fat_fs *fs, le16_t time,
				  le16_t date, u8 cs)
{
	return (struct timespec64){
		.sec = fat_time_get(le16_get(time), le16_get(date),
				    fs->opt.time_offset) + cs / 100,
		.nsec = cs % 100 * 10000000ll,
	};
}

static void get_times(struct inode *i, const struct fat_dirent *de)
{
	const struct fat_fs *fs = fat_fs_of(i);
	le16_t none = le16_make(0);

	i->mtime = i->ctime = i->atime = get_time(fs, de->time, de->date, 0);
	if (!fs->opt.is_vfat)
		return;
	i->atime = get_time(fs, none, de->adate, 0);
	i->btime = get_time(fs, de->ctime, de->cdate, de->ctime_cs);
}

static void put_times(const struct inode *i, struct fat_dirent *de)
{
	const struct fat_fs *fs = fat_fs_of(i);
	s32 off = fs->opt.time_offset;
	u16 time, date;
	u8 cs;

	fat_time_put(i->mtime.sec, i->mtime.nsec, off, &time, &date, NULL);
	de->time = le16_make(time);
	de->date = le16_make(date);
	if (!fs->opt.is_vfat)
		return;
	fat_time_put(i->atime.sec, 0, off, &time, &date, NULL);
	de->adate = le16_make(date);
	fat_time_put(i->btime.sec, i->btime.nsec, off, &time, &date, &cs);
	de->ctime = le16_make(time);
	de->cdate = le16_make(date);
	de->ctime_cs = cs;
}

void fat_stamp(const struct fat_fs *fs, struct fat_dirent *de)
{
	struct timespec64 now = time_now();
	u16 time, date;
	u8 cs;

	fat_time_put(now.sec, now.nsec, fs->opt.time_offset, &time, &date, &cs);
	de->time = le16_make(time);
	de->date = le16_make(date);
	if (!fs->opt.is_vfat)
		return;
	de->ctime = de->time;
	de->cdate = de->adate = de->date;
	de->ctime_cs = cs;
}

/* atime is a day of local time; ctime is mtime, which has steps of 2 s. */
void fat_round_times(struct inode *i)
{
	s64 off = fat_fs_of(i)->opt.time_offset * 60ll;
	s64 a = i->atime.sec + off;

	spin_lock(&i->state_lock);
	if (fat_is_root(i)) {
		i->atime = i->mtime = i->ctime = (struct timespec64){ 0 };
	} else {
		a -= ((a % SECONDS_A_DAY) + SECONDS_A_DAY) % SECONDS_A_DAY;
		i->atime = (struct timespec64){ .sec = a - off };
		i->mtime = (struct timespec64){ .sec = i->mtime.sec & ~1ll };
		i->ctime = i->mtime;
	}
	spin_unlock(&i->state_lock);
}

int fat_update_time(struct inode *i, unsigned which)
{
	fat_round_times(i);
	return 0;
}

/* --- modes and attributes -------------------------------------------------*/

static bool is_program(const u8 *short_name)
{
	return !memcmp(short_name + 8, "EXE", 3) ||
	       !memcmp(short_name + 8, "COM", 3) ||
	       !memcmp(short_name + 8, "BAT", 3);
}

u32 fat_mode_of(const struct inode *i, u32 attr, const u8 *short_name)
{
	const struct fat_options *o = &fat_fs_of(i)->opt;
	bool is_dir = attr & ATTR_DIR;
	u32 mode = MODE_ALL;

	if (!is_dir && o->has_showexec && !is_program(short_name))
		mode = MODE_NO_EXEC;
	if (attr & ATTR_RDONLY && (!is_dir || o->has_rodir))
		mode &= ~MODE_WRITE;
	return is_dir ? S_IFDIR | (mode & ~(u32)o->dmask) :
			S_IFREG | (mode & ~(u32)o->fmask);
}

/* Masks that leave no write bit make the attribute unseen. */
bool fat_mode_can_be_readonly(const struct inode *i)
{
	const struct fat_options *o = &fat_fs_of(i)->opt;

	if (S_ISDIR(i->mode))
		return o->has_rodir && ~(u32)o->dmask & MODE_WRITE;
	return ~(u32)o->fmask & MODE_WRITE;
}

u8 fat_attr_of(const struct inode *i)
{
	u32 attr = fat_i((struct inode *)i)->attrs;

	if (S_ISDIR(i->mode))
		attr |= ATTR_DIR;
	if (fat_mode_can_be_readonly(i) && !(i->mode & MODE_WRITE))
		attr |= ATTR_RDONLY;
	return (u8)attr;
}

static void get_attrs(struct inode *i, const struct fat_dirent *de)
{
	u32 kept = ~(ATTR_DIR | ATTR_RDONLY);

	i->mode = fat_mode_of(i, de->attr, de->name);
	if (!fat_mode_can_be_readonly(i))
		kept |= ATTR_RDONLY;
	fat_i(i)->attrs = (u8)(de->attr & kept);
	if (de->attr & ATTR_SYSTEM && fat_fs_of(i)->opt.has_sys_immutable)
		i->flags |= S_IMMUTABLE;
}

/* --- reading --------------------------------------------------------------*/

void fat_set_blocks(struct inode *i)
{
	struct fat_fs *fs = fat_fs_of(i);
	u64 n = READ_ONCE(fat_i(i)->nr_clusters);

	if (n == FAT_UNKNOWN || fat_has_fixed_root(i))
		n = fat_clusters_of(fs, inode_size(i));
	WRITE_ONCE(i->blocks, n << (fs->cluster_bits - 9));
}

static void set_common(struct inode *i)
{
	struct fat_fs *fs = fat_fs_of(i);

	i->uid = fs->opt.uid;
	i->gid = fs->opt.gid;
	i->blkbits = fs->cluster_bits;	/* st_blksize, as Linux has it */
	if (S_ISDIR(i->mode)) {
		i->ops = &fat_dir_inode_ops;
		i->fops = &fat_dir_ops;
		return;
	}
	i->ops = &fat_file_inode_ops;
	i->fops = &fat_file_ops;
	i->data.ops = &fat_mapping_ops;
	i->data.gfp = GFP_USER & ~GFP_FS;
}

static int load_dir(struct inode *i)
{
	struct fat_fs *fs = fat_fs_of(i);
	struct fat_inode *fi = fat_i(i);
	u32 n;
	int err;

	if (!fat_is_root(i) &&
	    (!fi->start || fi->start == fs->root_cluster))
		return fat_corrupt(i->sb, "a directory begins with cluster %u",
				   fi->start);
	err = fat_chain_length(fi, &n);
	if (err)
		return err;
	inode_set_size(i, fat_has_fixed_root(i) ? fs->root_entries * 32 :
						  (u64)n << fs->cluster_bits);
	err = fat_dir_count(i, &n);
	if (err)
		return err;
	if (fat_is_root(i))
		n += 2;
	else if (n < 2)
		return fat_corrupt(i->sb, "a directory without \".\" or \"..\"");
	inode_set_nlink(i, n);
	return 0;
}

static int fill_inode(struct inode *i, const struct fat_dirent *de)
{
	int err = 0;

	get_attrs(i, de);
	get_times(i, de);
	fat_chain_init(fat_i(i), fat_entry_start(fat_fs_of(i), de));
	inode_set_nlink(i, 1);
	if (S_ISDIR(i->mode))
		err = load_dir(i);
	else
		inode_set_size(i, le32_get(de->size));
	fat_set_blocks(i);
	set_common(i);
	return err;
}

static int finish_new(struct inode *i, int err, struct inode **out)
{
	if (err) {
		fat_i(i)->is_stillborn = true;
		inode_fail_new(i);
		return err;
	}
	inode_unlock_new(i);
	*out = i;
	return 0;
}

/* The directory's lock is held, so positions in it stand still. */
int fat_iget(struct super_block *sb, u64 pos, const struct fat_dirent *de,
	     struct inode **out)
{
	u64 ino = fat_ino_at(fat_sb(sb), pos);
	struct inode *i;
	int err;

	if (!ino)
		ino = pos;
	for (;; ino += 1ull << 48) {
		err = inode_get_locked(sb, ino, &i);
		if (err)
			return err;
		if (READ_ONCE(i->state) & I_NEW)
			break;
		if (fat_i(i)->pos == pos) {
			*out = i;
			return 0;
		}
		/* The number is one's whose entry was there before. */
		inode_put(i);
	}
	err = fill_inode(i, de);
	if (!err)
		set_pos(i, pos);
	return finish_new(i, err, out);
}

int fat_get_root(struct super_block *sb, struct inode **out)
{
	struct fat_dirent de = { .attr = ATTR_DIR };
	struct fat_fs *fs = fat_sb(sb);
	struct inode *i;
	int err = inode_get_locked(sb, FAT_ROOT_INO, &i);

	if (err)
		return err;
	de.start = le16_make((u16)fs->root_cluster);
	de.start_hi = le16_make((u16)(fs->root_cluster >> 16));
	err = fill_inode(i, &de);
	i->btime = (struct timespec64){ 0 };
	fat_round_times(i);
	return finish_new(i, err, out);
}

/* --- writing --------------------------------------------------------------*/

static void fill_entry(struct inode *i, struct fat_dirent *de)
{
	struct fat_fs *fs = fat_fs_of(i);
	u32 start = READ_ONCE(fat_i(i)->start);

	de->attr = fat_attr_of(i);
	de->start = le16_make((u16)start);
	if (fs->bits == 32)
		de->start_hi = le16_make((u16)(start >> 16));
	de->size = le32_make(S_ISDIR(i->mode) ? 0 : (u32)inode_size(i));
	spin_lock(&i->state_lock);
	put_times(i, de);
	spin_unlock(&i->state_lock);
}

int fat_write_inode_now(struct inode *i)
{
	struct fat_fs *fs = fat_fs_of(i);
	struct fat_dirent *de;
	u32 shift = i->sb->blkbits - 5;
	struct buf b;
	u64 pos;
	int err = 0;

	mutex_lock(&fs->entry_lock);
	pos = fat_i(i)->pos;
	if (pos)
		err = buf_read(i->sb, pos >> shift, &b);
	if (pos && !err) {
		de = (struct fat_dirent *)b.data + (pos & ((1u << shift) - 1));
		fill_entry(i, de);
		buf_dirty(i->sb, &b);
		buf_put(&b);
	}
	mutex_unlock(&fs->entry_lock);
	return err;
}

int fat_write_inode(struct inode *i, bool is_sync)
{
	if (!fat_fs_of(i)->is_writable || fat_i(i)->is_stillborn)
		return 0;
	return fat_write_inode_now(i);
}

/* Clusters that become a file's data must not be written as directory
 * blocks any more. */
static void forget_blocks(struct inode *dir)
{
	struct fat_fs *fs = fat_fs_of(dir);
	u32 shift = fs->cluster_bits - dir->sb->blkbits, disk, n, len, c;

	if (fat_chain_length(fat_i(dir), &len))
		return;
	for (c = 0; c < len; c += n) {
		n = len - c;
		if (fat_map(fat_i(dir), c, &disk, &n))
			return;
		buf_forget(dir->sb, fat_cluster_sector(fs, disk) >>
					    (dir->sb->blkbits - 9),
			   (u64)n << shift);
	}
}

void fat_evict_inode(struct inode *i)
{
	struct fat_inode *fi = fat_i(i);
	bool is_ours = !fi->is_stillborn && fat_fs_of(i)->is_writable;

	if (!i->nlink && is_ours) {
		inode_set_size(i, 0);
		mapping_truncate(&i->data, 0);
		if (S_ISDIR(i->mode))
			forget_blocks(i);
		ignore_error(fat_cut(fi, 0));	/* reported */
	} else if (S_ISREG(i->mode)) {
		if (is_ours)
			fat_trim(fi);
		mapping_truncate(&i->data, 0);
	}
	set_pos(i, 0);
}
