/*
 * htree - the hash index of directories.
 *
 * Theory:  block 0 is the root: behind "." and ".." it holds pairs of hash and
 *          block, sorted; one level of nodes may follow, then leaves, which are
 *          plain directory blocks.  A leaf holds the names whose hash is at
 *          least its pair's and below the next one's; when equal hashes had to
 *          be parted, the next pair's hash has bit 0 set, and a look-up goes
 *          on there.  Whatever is full is split, and the insertion starts
 *          again from the root.
 * Locks:   the directory's inode.lock.
 */
#include "htree_impl.h"
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/slab.h>

#define DX_MAX_LEVELS 1u	/* more needs large_dir */
#define DX_TRIES 8

struct dx_frame {
	struct buf b;
	u32 off;		/* of the entries in the block */
	u32 at;			/* entry followed */
};

struct dx_path {
	u32 levels;		/* frames 0..levels */
	struct dx_frame frame[DX_MAX_LEVELS + 1];
	struct dx_hash hash;
	u32 leaf;
};

static struct dx_entry *dx_entries(const struct dx_frame *f)
{
	return (struct dx_entry *)((u8 *)f->b.data + f->off);
}

static struct dx_countlimit *dx_cl(const struct dx_frame *f)
{
	return (struct dx_countlimit *)dx_entries(f);
}

static u32 dx_count(const struct dx_frame *f)
{
	return le16_get(dx_cl(f)->count);
}

static struct dx_root_info *dx_info(const struct dx_path *p)
{
	return (struct dx_root_info *)((u8 *)p->frame[0].b.data + DX_INFO_OFF);
}

static u32 dx_limit(const struct ext4_fs *fs, u32 off)
{
	u32 room = fs->sb->blocksize - off;

	if (fs->has_csum)
		room -= sizeof(struct dx_tail);
	return room / sizeof(struct dx_entry);
}

bool dx_limits_ok(const struct ext4_fs *fs, const void *block, u32 off)
{
	const struct dx_countlimit *cl =
		(const struct dx_countlimit *)((const u8 *)block + off);
	u32 count = le16_get(cl->count);

	return le16_get(cl->limit) == dx_limit(fs, off) && count &&
	       count <= le16_get(cl->limit);
}

static void path_put_dx(struct dx_path *p)
{
	for (u32 i = 0; i <= DX_MAX_LEVELS; i++)
		buf_put(&p->frame[i].b);
}

static void frame_changed(struct ext4_inode *dir, struct dx_frame *f)
{
	ext4_dir_changed(dir, &f->b, f->off);
}

/* --- descending ---------------------------------------------------------------*/

static u32 dx_search(const struct dx_frame *f, u32 hash)
{
	const struct dx_entry *e = dx_entries(f);
	u32 lo = 1, hi = dx_count(f), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (le32_get(e[mid].hash) <= hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

static u32 dx_block(const struct dx_frame *f, u32 at)
{
	return le32_get(dx_entries(f)[at].block) & 0x0fffffff;
}

static u32 dir_blocks(struct ext4_inode *dir)
{
	return (u32)(inode_size(&dir->vfs) >> dir->vfs.sb->blkbits);
}

static int read_frame(struct ext4_inode *dir, struct dx_frame *f, u32 lblk,
		      u32 off)
{
	const struct ext4_dirent *e;
	int err = ext4_dir_read(dir, lblk, &f->b);

	if (err)
		return err;
	f->off = off;
	e = f->b.data;
	if (off == DX_NODE_OFF &&
	    (le32_get(e->inode) ||
	     ext4_rec_len(ext4_fs_of(&dir->vfs), e) != dir->vfs.sb->blocksize))
		return 1;
	return dx_limits_ok(ext4_fs_of(&dir->vfs), f->b.data, off) ? 0 : 1;
}

static int root_ok(struct ext4_inode *dir, struct dx_path *p)
{
	const struct dx_root_info *info = dx_info(p);
	const struct ext4_dirent *dot = p->frame[0].b.data;

	if (le16_get(dot->rec_len) != 12 || info->hash_version > HASH_TEA ||
	    info->info_length != sizeof(*info) || info->unused & 1 ||
	    info->levels > DX_MAX_LEVELS)
		return 1;
	p->levels = info->levels;
	return 0;
}

static u32 hash_version(const struct ext4_fs *fs, u32 stored)
{
	return stored + (fs->hash_unsigned ? 3 : 0);
}

/* 0 with the path, 1: the index is damaged, or an error. Put it always. */
static int dx_probe(struct ext4_inode *dir, const struct ext4_name *n,
		    struct dx_path *p)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	struct dx_frame *f = &p->frame[0];
	u32 level;
	int err;

	memset(p, 0, sizeof(*p));
	err = read_frame(dir, f, 0, DX_ROOT_OFF);
	if (!err)
		err = root_ok(dir, p);
	if (!err)
		err = ext4_hash_name(fs,
				     hash_version(fs, dx_info(p)->hash_version),
				     n->name, n->len, &p->hash);
	if (err)
		return err;
	for (level = 0;; level++, f++) {
		f->at = dx_search(f, p->hash.hash);
		p->leaf = dx_block(f, f->at);
		if (!p->leaf || p->leaf >= dir_blocks(dir))
			return 1;
		if (level == p->levels)
			return 0;
		err = read_frame(dir, f + 1, p->leaf, DX_NODE_OFF);
		if (err)
			return err;
	}
}

/* The next leaf, if names of this hash go on there: 0; 2: they do not. */
static int dx_next(struct ext4_inode *dir, struct dx_path *p)
{
	u32 level = p->levels + 1;
	struct dx_frame *f;
	int err;

	do {
		if (!level--)
			return 2;
		f = &p->frame[level];
	} while (f->at + 1 >= dx_count(f));
	f->at++;
	if ((le32_get(dx_entries(f)[f->at].hash) & ~1u) != p->hash.hash)
		return 2;
	while (level < p->levels) {
		buf_put(&f[1].b);
		err = read_frame(dir, f + 1, dx_block(f, f->at), DX_NODE_OFF);
		if (err)
			return err;
		f++;
		level++;
		f->at = 0;
	}
	p->leaf = dx_block(f, f->at);
	return p->leaf && p->leaf < dir_blocks(dir) ? 0 : 1;
}

int ext4_htree_find(struct ext4_inode *dir, const struct ext4_name *n,
		    struct buf *b, struct ext4_dirent **e)
{
	struct dx_path p;
	int err = dx_probe(dir, n, &p);

	*e = NULL;
	while (!err) {
		err = ext4_dir_read(dir, p.leaf, b);
		if (err)
			break;
		err = ext4_block_find(dir, b, n, e);
		if (err || *e) {
			if (err)
				buf_put(b);
			break;
		}
		buf_put(b);
		err = dx_next(dir, &p);
	}
	path_put_dx(&p);
	return err == 2 ? 0 : err;
}

/* --- splitting ---------------------------------------------------------------*/

static void dx_insert(struct ext4_inode *dir, struct dx_frame *f, u32 at,
		      u32 hash, u32 block)
{
	struct dx_entry *e = dx_entries(f) + at;

	memmove(e + 1, e, (dx_count(f) - at) * sizeof(*e));
	e->hash = le32_make(hash);
	e->block = le32_make(block);
	dx_cl(f)->count = le16_make((u16)(dx_count(f) + 1));
	frame_changed(dir, f);
}

static int new_node(struct ext4_inode *dir, struct dx_frame *f, u32 *lblk)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	struct ext4_dirent *e;
	int err = ext4_append(dir, lblk, &f->b);

	if (err)
		return err;
	f->off = DX_NODE_OFF;
	e = f->b.data;
	e->rec_len = le16_make((u16)fs->sb->blocksize);
	dx_cl(f)->limit = le16_make((u16)dx_limit(fs, DX_NODE_OFF));
	return 0;
}

/* Entries [from, count) of f move to the new node. Entry 0 has no hash. */
static void move_entries(struct dx_frame *to, struct dx_frame *f, u32 from)
{
	struct dx_countlimit cl = *dx_cl(to);
	u32 n = dx_count(f) - from;

	memcpy(dx_entries(to), dx_entries(f) + from,
	       n * sizeof(struct dx_entry));
	cl.count = le16_make((u16)n);
	*dx_cl(to) = cl;
	dx_cl(f)->count = le16_make((u16)from);
}

/* The root's pairs move into a node: one level more. */
static int add_level(struct ext4_inode *dir, struct dx_path *p)
{
	struct dx_frame *root = &p->frame[0], node;
	struct dx_countlimit cl = *dx_cl(root);
	u32 lblk;
	int err = new_node(dir, &node, &lblk);

	if (err)
		return err;
	move_entries(&node, root, 0);
	cl.count = le16_make(1);
	*dx_cl(root) = cl;
	dx_entries(root)[0].block = le32_make(lblk);
	dx_info(p)->levels = 1;
	frame_changed(dir, &node);
	frame_changed(dir, root);
	buf_put(&node.b);
	return 0;
}

static int split_node(struct ext4_inode *dir, struct dx_path *p)
{
	struct dx_frame *root = &p->frame[0], *f = &p->frame[1], node;
	u32 half = dx_count(f) / 2, hash, lblk;
	int err;

	if (dx_count(root) == le16_get(dx_cl(root)->limit))
		return -ENOSPC;
	err = new_node(dir, &node, &lblk);
	if (err)
		return err;
	hash = le32_get(dx_entries(f)[half].hash);
	move_entries(&node, f, half);
	frame_changed(dir, &node);
	frame_changed(dir, f);
	dx_insert(dir, root, root->at + 1, hash, lblk);
	buf_put(&node.b);
	return 0;
}

struct map_entry {
	u32 hash;
	u16 off, size;
};

static int map_cmp(const void *a, const void *b, void *ctx)
{
	const struct map_entry *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* The live entries of a block with their hashes, sorted. */
static int leaf_map(struct ext4_inode *dir, const void *block, u32 version,
		    struct map_entry *map, u32 *count)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 usable = ext4_dir_usable(fs), off, n = 0;
	const struct ext4_dirent *e;
	struct dx_hash h;
	int err;

	for (off = 0; off < usable; off += ext4_rec_len(fs, e)) {
		e = (const struct ext4_dirent *)((const u8 *)block + off);
		if (!ext4_dirent_ok(dir, block, off))
			return -EUCLEAN;
		if (!le32_get(e->inode))
			continue;
		err = ext4_hash_name(fs, version, e->name, e->name_len, &h);
		if (err)
			return err;
		map[n++] = (struct map_entry){
			.hash = h.hash, .off = (u16)off,
			.size = (u16)dirent_rec_len(e->name_len) };
	}
	sort(map, n, sizeof(*map), map_cmp, NULL);
	*count = n;
	return 0;
}

/* Builds a block from n entries of the block `from`. */
static void pack(struct ext4_inode *dir, void *to, const void *from,
		 const struct map_entry *map, u32 n)
{
	u32 usable = ext4_dir_usable(ext4_fs_of(&dir->vfs)), off = 0, i;
	struct ext4_dirent *e = NULL;

	ext4_block_init(dir, to);
	for (i = 0; i < n; i++) {
		e = (struct ext4_dirent *)((u8 *)to + off);
		memcpy(e, (const u8 *)from + map[i].off, map[i].size);
		e->rec_len = le16_make(map[i].size);
		off += map[i].size;
	}
	if (e)
		e->rec_len = le16_make((u16)(usable -
					     (u32)((u8 *)e - (u8 *)to)));
}

/* How many of the sorted entries stay: about half of the bytes. */
static u32 half_of(const struct map_entry *map, u32 n, u32 usable)
{
	u32 i, bytes = 0;

	for (i = 0; i < n && bytes + map[i].size / 2 < usable / 2; i++)
		bytes += map[i].size;
	return clamp(i, 1u, n - 1);
}

static int split_mapped(struct ext4_inode *dir, struct dx_path *p,
			struct buf *leaf, void *copy, struct map_entry *map,
			u32 n)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	struct dx_frame *f = &p->frame[p->levels];
	u32 keep, hash, lblk;
	struct buf b;
	int err;

	if (n < 2)
		return -EUCLEAN;
	keep = half_of(map, n, ext4_dir_usable(fs));
	hash = map[keep].hash;
	if (hash == map[keep - 1].hash)
		hash |= 1;
	err = ext4_append(dir, &lblk, &b);
	if (err)
		return err;
	dir->dir_splits++;
	dir->dir_split_at = p->leaf;
	memcpy(copy, leaf->data, fs->sb->blocksize);
	pack(dir, b.data, copy, map + keep, n - keep);
	pack(dir, leaf->data, copy, map, keep);
	ext4_dir_changed(dir, &b, 0);
	ext4_dir_changed(dir, leaf, 0);
	dx_insert(dir, f, f->at + 1, hash, lblk);
	buf_put(&b);
	return 0;
}

static int split_leaf(struct ext4_inode *dir, struct dx_path *p,
		      struct buf *leaf)
{
	u32 bs = dir->vfs.sb->blocksize, n;
	u8 *mem = kmalloc(bs + bs / 12 * sizeof(struct map_entry), GFP_NOFS);
	struct map_entry *map = (struct map_entry *)(mem + bs);
	int err;

	if (!mem)
		return -ENOMEM;
	err = leaf_map(dir, leaf->data, p->hash.version, map, &n);
	if (!err)
		err = split_mapped(dir, p, leaf, mem, map, n);
	kfree(mem);
	return err;
}

static int make_room(struct ext4_inode *dir, struct dx_path *p,
		     struct buf *leaf)
{
	struct dx_frame *f = &p->frame[p->levels];

	if (dx_count(f) < le16_get(dx_cl(f)->limit))
		return split_leaf(dir, p, leaf);
	return p->levels ? split_node(dir, p) : add_level(dir, p);
}

int ext4_htree_add(struct ext4_inode *dir, const struct ext4_name *n, u64 ino,
		   u8 type)
{
	struct dx_path p;
	struct buf leaf;
	int err, tries;

	for (tries = 0; tries < DX_TRIES; tries++) {
		err = dx_probe(dir, n, &p);
		if (!err)
			err = ext4_dir_read(dir, p.leaf, &leaf);
		if (err) {
			path_put_dx(&p);
			return err;
		}
		err = ext4_block_insert(dir, &leaf, n, ino, type);
		if (err != -ENOSPC) {
			buf_put(&leaf);
			path_put_dx(&p);
			return err;
		}
		err = make_room(dir, &p, &leaf);
		buf_put(&leaf);
		path_put_dx(&p);
		if (err)
			return err;
	}
	return -ENOSPC;
}

/* Writes the root over a block whose first two entries stay. */
static void make_root(struct ext4_inode *dir, struct buf *b, u32 leaf)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	struct dx_frame f = { .b = *b, .off = DX_ROOT_OFF };
	struct ext4_dirent *dotdot = (struct ext4_dirent *)
		((u8 *)b->data + 12);
	struct dx_root_info *info = (struct dx_root_info *)
		((u8 *)b->data + DX_INFO_OFF);

	memset((u8 *)b->data + 24, 0, fs->sb->blocksize - 24);
	dotdot->rec_len = le16_make((u16)(fs->sb->blocksize - 12));
	info->hash_version = fs->hash_version;
	info->info_length = sizeof(*info);
	dx_cl(&f)->limit = le16_make((u16)dx_limit(fs, DX_ROOT_OFF));
	dx_cl(&f)->count = le16_make(1);
	dx_entries(&f)[0].block = le32_make(leaf);
	/* It was noted as a leaf. */
	ext4_stale_drop(fs, b->block, 1);
	frame_changed(dir, &f);
}

static bool dots_ok(struct ext4_inode *dir, const void *block)
{
	const struct ext4_dirent *dot = block;
	const struct ext4_dirent *dd =
		(const struct ext4_dirent *)((const u8 *)block + 12);

	return le16_get(dot->rec_len) == 12 && dot->name_len == 1 &&
	       ext4_dirent_ok(dir, block, 12) && dd->name_len == 2 &&
	       dd->name[0] == '.' && dd->name[1] == '.';
}

int ext4_htree_make(struct ext4_inode *dir, struct buf *b)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 bs = fs->sb->blocksize, n = 0, off, lblk;
	struct map_entry *map;
	struct ext4_dirent *e;
	struct buf leaf;
	int err;

	if (!dots_ok(dir, b->data))
		return ext4_corrupt(fs->sb, "directory %llu: bad dots",
				    dir->vfs.ino);
	map = kmalloc(bs / 12 * sizeof(*map), GFP_NOFS);
	if (!map)
		return -ENOMEM;
	e = (struct ext4_dirent *)((u8 *)b->data + 12);
	off = 12 + ext4_rec_len(fs, e);
	for (; off < ext4_dir_usable(fs); off += ext4_rec_len(fs, e)) {
		e = (struct ext4_dirent *)((u8 *)b->data + off);
		if (!ext4_dirent_ok(dir, b->data, off)) {
			kfree(map);
			return -EUCLEAN;
		}
		if (le32_get(e->inode))
			map[n++] = (struct map_entry){
				.off = (u16)off,
				.size = (u16)dirent_rec_len(e->name_len) };
	}
	err = ext4_append(dir, &lblk, &leaf);
	if (!err) {
		pack(dir, leaf.data, b->data, map, n);
		ext4_dir_changed(dir, &leaf, 0);
		buf_put(&leaf);
		make_root(dir, b, lblk);
		dir->flags |= FL_INDEX;
		inode_mark_dirty(&dir->vfs, I_DIRTY_SYNC);
	}
	kfree(map);
	return err;
}
