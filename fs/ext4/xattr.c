/*
 * xattr - extended attributes: in the rest of the inode, and in one block.
 *
 * Theory:  both places have the same form: entries from the start, values from
 *          the end.  A change makes the whole area anew in a buffer: the other
 *          attributes are copied, the new one is added if it fits.  The inode
 *          is tried first, then the block.  A block shared by several inodes
 *          (reference count above one) is copied before it is changed.
 * Locks:   xattr_lock, shared to read.
 */
#include "ext4_impl.h"
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

#define XATTR_CREATE 1
#define XATTR_REPLACE 2

/* Bytes [entries, end): entries grow up, values down.  Value offsets count
 * from `base`. */
struct area {
	u8 *base, *entries, *end;
};

static const struct {
	u8 index;
	const char *prefix;
} prefixes[] = {
	{ 1, "user." },
	{ 4, "trusted." },
	{ 6, "security." },
};

/* The name without its prefix, and that as a number; NULL: not ours. */
static const char *split_name(const char *name, u8 *index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (str_has_prefix(name, prefixes[i].prefix)) {
			*index = prefixes[i].index;
			name += strlen(prefixes[i].prefix);
			return *name ? name : NULL;
		}
	}
	return NULL;
}

static const char *prefix_of(u8 index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (prefixes[i].index == index)
			return prefixes[i].prefix;
	return NULL;
}

/* --- walking ---------------------------------------------------------------*/

static struct ext4_xattr_entry *first_entry(const struct area *a)
{
	return (struct ext4_xattr_entry *)a->entries;
}

static u32 entry_bytes(u32 name_len)
{
	return (u32)sizeof(struct ext4_xattr_entry) + ((name_len + 3) & ~3u);
}

static struct ext4_xattr_entry *next_entry(const struct ext4_xattr_entry *e)
{
	return (struct ext4_xattr_entry *)((u8 *)(uintptr_t)e +
					   entry_bytes(e->name_len));
}

static bool is_end(const struct area *a, const struct ext4_xattr_entry *e)
{
	return (const u8 *)e + 4 > a->end ||
	       get_unaligned_le32(e) == 0;
}

/* Is all of the area sound?  Afterwards it may be walked blindly. */
static bool area_ok(const struct area *a)
{
	const struct ext4_xattr_entry *e = first_entry(a);
	size_t room = (size_t)(a->end - a->base);
	u32 offs, size;

	for (; !is_end(a, e); e = next_entry(e)) {
		if ((const u8 *)e + sizeof(*e) > a->end ||
		    (const u8 *)next_entry(e) + 4 > a->end)
			return false;
		offs = le16_get(e->value_offs);
		size = le32_get(e->value_size);
		if (le32_get(e->value_inum))
			return false;
		if (size && (offs > room || size > room - offs))
			return false;
	}
	return true;
}

static struct ext4_xattr_entry *find_entry(const struct area *a, u8 index,
					   const char *name)
{
	struct ext4_xattr_entry *e = first_entry(a);
	size_t len = strlen(name);

	for (; !is_end(a, e); e = next_entry(e))
		if (e->name_index == index && e->name_len == len &&
		    !memcmp(e->name, name, len))
			return e;
	return NULL;
}

/* --- where they are -------------------------------------------------------*/

static int bad_xattrs(struct inode *i)
{
	return ext4_corrupt(i->sb, "inode %llu: damaged attributes", i->ino);
}

/* The area in the inode; false: there is no room for one at all. */
static bool ibody_room(struct inode *i, struct buf *b, u32 off, struct area *a)
{
	struct ext4_fs *fs = ext4_fs_of(i);
	u32 head = EXT4_GOOD_OLD_INODE_SIZE + ext4_i(i)->extra_isize;

	if (fs->inode_size <= EXT4_GOOD_OLD_INODE_SIZE ||
	    head + 8 > fs->inode_size)
		return false;
	a->entries = (u8 *)b->data + off + head + 4;
	a->base = a->entries;
	a->end = (u8 *)b->data + off + fs->inode_size;
	return true;
}

/* 0: *a is the area in the inode; 1: it has none. Puts nothing on error. */
static int ibody_open(struct inode *i, struct buf *b, struct area *a)
{
	u32 off;
	int err = buf_read(i->sb, ext4_inode_block(ext4_fs_of(i), i->ino, &off),
			   b);

	if (err)
		return err;
	if (ext4_i(i)->is_fresh || !ibody_room(i, b, off, a) ||
	    get_unaligned_le32(a->entries - 4) != XATTR_MAGIC) {
		buf_put(b);
		return 1;
	}
	if (area_ok(a))
		return 0;
	buf_put(b);
	return bad_xattrs(i);
}

static void block_area(const struct inode *i, void *block, struct area *a)
{
	a->base = block;
	a->entries = a->base + sizeof(struct ext4_xattr_header);
	a->end = a->base + i->sb->blocksize;
}

static int block_open(struct inode *i, struct buf *b, struct area *a)
{
	struct ext4_fs *fs = ext4_fs_of(i);
	u64 block = ext4_i(i)->file_acl;
	struct ext4_xattr_header *h;
	int err;

	if (!block)
		return 1;
	err = buf_read(i->sb, block, b);
	if (err)
		return err;
	h = b->data;
	block_area(i, b->data, a);
	if (le32_get(h->magic) == XATTR_MAGIC && le32_get(h->blocks) == 1 &&
	    le32_get(h->refcount) && area_ok(a) &&
	    (!fs->has_csum ||
	     ext4_xattr_csum(fs, block, h) == le32_get(h->checksum)))
		return 0;
	buf_put(b);
	return bad_xattrs(i);
}

/* --- reading ---------------------------------------------------------------*/

static int copy_value(const struct area *a, const struct ext4_xattr_entry *e,
		      void *buf, size_t n, size_t *len)
{
	*len = le32_get(e->value_size);
	if (!n)
		return 0;
	if (*len > n)
		return -ERANGE;
	memcpy(buf, a->base + le16_get(e->value_offs), *len);
	return 0;
}

static int get_from(struct inode *i,
		    int (*open)(struct inode *, struct buf *, struct area *),
		    u8 index, const char *name, void *buf, size_t n,
		    size_t *len)
{
	struct ext4_xattr_entry *e;
	struct area a;
	struct buf b;
	int err = open(i, &b, &a);

	if (err)
		return err == 1 ? -ENODATA : err;
	e = find_entry(&a, index, name);
	err = e ? copy_value(&a, e, buf, n, len) : -ENODATA;
	buf_put(&b);
	return err;
}

int ext4_getxattr(struct inode *i, const char *name, void *buf, size_t n,
		  size_t *len)
{
	struct ext4_inode *ei = ext4_i(i);
	u8 index;
	const char *rest = split_name(name, &index);
	int err;

	if (!rest)
		return -EOPNOTSUPP;
	if (strlen(rest) > 255)
		return -ERANGE;
	/* Most files have none: said without a lock or a look at disk. */
	if (!ei->has_xattrs && !READ_ONCE(ei->file_acl))
		return -ENODATA;
	rwsem_read_lock(&ei->xattr_lock);
	err = get_from(i, ibody_open, index, rest, buf, n, len);
	if (err == -ENODATA)
		err = get_from(i, block_open, index, rest, buf, n, len);
	rwsem_read_unlock(&ei->xattr_lock);
	return err;
}

static int list_area(const struct area *a, char *buf, size_t n, size_t *len)
{
	const struct ext4_xattr_entry *e = first_entry(a);

	for (; !is_end(a, e); e = next_entry(e)) {
		const char *prefix = prefix_of(e->name_index);
		size_t pl, need;

		if (!prefix ||
		    (e->name_index == 4 && !capable(CAP_SYS_ADMIN)))
			continue;
		pl = strlen(prefix);
		need = pl + e->name_len + 1;
		if (n) {
			if (*len + need > n)
				return -ERANGE;
			memcpy(buf + *len, prefix, pl);
			memcpy(buf + *len + pl, e->name, e->name_len);
			buf[*len + need - 1] = 0;
		}
		*len += need;
	}
	return 0;
}

static int list_from(struct inode *i,
		     int (*open)(struct inode *, struct buf *, struct area *),
		     char *buf, size_t n, size_t *len)
{
	struct area a;
	struct buf b;
	int err = open(i, &b, &a);

	if (err)
		return err == 1 ? 0 : err;
	err = list_area(&a, buf, n, len);
	buf_put(&b);
	return err;
}

int ext4_listxattr(struct inode *i, char *buf, size_t n, size_t *len)
{
	struct ext4_inode *ei = ext4_i(i);
	int err;

	*len = 0;
	rwsem_read_lock(&ei->xattr_lock);
	err = list_from(i, ibody_open, buf, n, len);
	if (!err)
		err = list_from(i, block_open, buf, n, len);
	rwsem_read_unlock(&ei->xattr_lock);
	return err;
}

/* --- hashes ---------------------------------------------------------------*/

static u32 entry_hash(const struct ext4_xattr_entry *e, const u8 *value,
		      u32 size)
{
	u32 h = 0, i;

	for (i = 0; i < e->name_len; i++)
		h = (h << 5) ^ (h >> 27) ^ (u8)e->name[i];
	for (i = 0; i < (size + 3) / 4; i++)
		h = (h << 16) ^ (h >> 16) ^ get_unaligned_le32(value + 4 * i);
	return h;
}

/* The hash of a block, by which equal ones could be found. */
static u32 block_hash(const struct area *a)
{
	const struct ext4_xattr_entry *e = first_entry(a);
	u32 h = 0;

	for (; !is_end(a, e); e = next_entry(e)) {
		if (!le32_get(e->hash))
			return 0;
		h = (h << 16) ^ (h >> 16) ^ le32_get(e->hash);
	}
	return h;
}

/* --- building ---------------------------------------------------------------*/

struct builder {
	struct area a;		/* the new area */
	u8 *next, *values;	/* free between them */
	const u8 *zero_base;	/* offsets count from here */
};

struct attr {
	u8 index;
	const char *name;
	const void *value;	/* NULL: removed */
	u32 size;
};

static int build_add(struct builder *w, u8 index, const char *name,
		     u32 name_len, const void *value, u32 size)
{
	struct ext4_xattr_entry *e = (struct ext4_xattr_entry *)w->next;
	u32 padded = (size + 3) & ~3u, n = entry_bytes(name_len);

	if ((size_t)(w->values - w->next) < (size_t)n + padded + 4)
		return -ENOSPC;
	w->values -= padded;
	memset(w->values, 0, padded);
	memcpy(w->values, value, size);
	memset(e, 0, n);
	e->name_len = (u8)name_len;
	e->name_index = index;
	e->value_size = le32_make(size);
	if (size)
		e->value_offs = le16_make((u16)(w->values - w->a.base));
	memcpy(e->name, name, name_len);
	e->hash = le32_make(entry_hash(e, w->values, size));
	w->next += n;
	return 0;
}

/* Attributes of a block are sorted by prefix, length and name. */
static int attr_cmp(const struct ext4_xattr_entry *e, const struct attr *at)
{
	u32 len = (u32)strlen(at->name);

	if (e->name_index != at->index)
		return e->name_index - at->index;
	if (e->name_len != len)
		return (int)e->name_len - (int)len;
	return memcmp(e->name, at->name, len);
}

/* Fills w with what `old` (may be NULL) has, `at` replaced, added or, with a
 * NULL value, left out. */
static int rebuild(struct builder *w, const struct area *old,
		   const struct attr *at)
{
	const struct ext4_xattr_entry *e = old ? first_entry(old) : NULL;
	bool placed = !at->value;
	int err = 0, c;

	for (; e && !is_end(old, e) && !err; e = next_entry(e)) {
		c = attr_cmp(e, at);
		if (c > 0 && !placed) {
			err = build_add(w, at->index, at->name,
					(u32)strlen(at->name), at->value,
					at->size);
			placed = true;
		}
		if (c != 0 && !err)
			err = build_add(w, e->name_index, e->name, e->name_len,
					old->base + le16_get(e->value_offs),
					le32_get(e->value_size));
	}
	if (!placed && !err)
		err = build_add(w, at->index, at->name, (u32)strlen(at->name),
				at->value, at->size);
	return err;
}

static void builder_init(struct builder *w, u8 *base, u8 *entries, u8 *end)
{
	w->a = (struct area){ base, entries, end };
	w->next = entries;
	w->values = end;
	memset(entries, 0, (size_t)(end - entries));
}

/* --- writing ---------------------------------------------------------------*/

/* The area in the inode with `at` changed. -ENOSPC: it does not fit. */
static int set_in_ibody(struct inode *i, const struct attr *at)
{
	struct area old, room;
	struct builder w;
	struct buf b;
	size_t n;
	u8 *mem;
	u32 off;
	int err;

	if (ext4_i(i)->is_fresh) {
		err = ext4_write_inode_now(i);
		if (err)
			return err;
	}
	err = buf_read(i->sb, ext4_inode_block(ext4_fs_of(i), i->ino, &off),
		       &b);
	if (err)
		return err;
	if (!ibody_room(i, &b, off, &room)) {
		buf_put(&b);
		return -ENOSPC;
	}
	old = room;
	n = (size_t)(room.end - room.base);
	mem = kmalloc(n, GFP_NOFS);
	err = -ENOMEM;
	if (!mem)
		goto out;
	builder_init(&w, mem, mem, mem + n);
	err = rebuild(&w, get_unaligned_le32(room.entries - 4) == XATTR_MAGIC ?
				  &old : NULL, at);
	if (!err) {
		put_unaligned_le32(w.next == mem ? 0 : XATTR_MAGIC,
				   room.entries - 4);
		memcpy(room.base, mem, n);
		ext4_i(i)->has_xattrs = w.next != mem;
		err = ext4_write_inode_now(i);	/* its checksum */
	}
	kfree(mem);
out:
	buf_put(&b);
	return err;
}

static void block_written(struct inode *i, struct buf *b)
{
	struct ext4_fs *fs = ext4_fs_of(i);
	struct ext4_xattr_header *h = b->data;

	if (fs->has_csum)
		h->checksum = le32_make(ext4_xattr_csum(fs, b->block, h));
	buf_dirty(i->sb, b);
}

/* This inode gives its block up. */
static void release_block(struct inode *i)
{
	struct ext4_inode *ei = ext4_i(i);
	struct ext4_xattr_header *h;
	struct area a;
	struct buf b;

	if (block_open(i, &b, &a)) {
		ei->file_acl = 0;
		return;
	}
	h = b.data;
	if (le32_get(h->refcount) > 1) {
		h->refcount = le32_make(le32_get(h->refcount) - 1);
		block_written(i, &b);
	} else {
		/* A failure was reported; the block is leaked. */
		ignore_error(ext4_free_blocks(ext4_fs_of(i), ei->file_acl, 1,
					      true));
	}
	buf_put(&b);
	ei->file_acl = 0;
	ext4_add_blocks(i, -1);
}

static int alloc_block(struct inode *i, u64 *block)
{
	struct ext4_inode *ei = ext4_i(i);
	u32 one = 1;
	int err = ext4_reserve(ei, 1);

	if (err)
		return err;
	err = ext4_alloc_blocks(ext4_fs_of(i), ext4_inode_goal(ei, 1), &one,
				true, block);
	ext4_unreserve(ei, 1);
	return err;
}

/* Puts the built block where this inode may write it. */
static int store_block(struct inode *i, const void *mem, bool is_shared)
{
	struct ext4_inode *ei = ext4_i(i);
	u64 block = ei->file_acl;
	struct buf b;
	int err;

	if (!block || is_shared) {
		err = alloc_block(i, &block);
		if (err)
			return err;
	}
	err = buf_get(i->sb, block, &b);
	if (err)
		return err;
	memcpy(b.data, mem, i->sb->blocksize);
	block_written(i, &b);
	buf_put(&b);
	if (block != ei->file_acl) {
		if (ei->file_acl)
			release_block(i);
		ei->file_acl = block;
		ext4_add_blocks(i, 1);
	}
	return 0;
}

static int build_block(struct inode *i, const struct area *old,
		       const struct attr *at, u8 *mem, bool *is_empty)
{
	struct ext4_xattr_header *h = (struct ext4_xattr_header *)mem;
	struct builder w;
	int err;

	memset(mem, 0, sizeof(*h));
	builder_init(&w, mem, mem + sizeof(*h), mem + i->sb->blocksize);
	err = rebuild(&w, old, at);
	if (err)
		return err;
	h->magic = le32_make(XATTR_MAGIC);
	h->refcount = le32_make(1);
	h->blocks = le32_make(1);
	h->hash = le32_make(block_hash(&w.a));
	*is_empty = w.next == w.a.entries;
	return 0;
}

static int set_in_block(struct inode *i, const struct attr *at)
{
	struct area old;
	struct buf b = { .page = NULL };
	bool is_empty = false, is_shared = false;
	u8 *mem;
	int err = block_open(i, &b, &old), has_old = !err;

	if (err < 0)
		return err;
	if (!has_old && !at->value)
		return 0;
	mem = kmalloc(i->sb->blocksize, GFP_NOFS);
	if (!mem) {
		buf_put(&b);
		return -ENOMEM;
	}
	if (has_old)
		is_shared = le32_get(((struct ext4_xattr_header *)b.data)
					     ->refcount) > 1;
	err = build_block(i, has_old ? &old : NULL, at, mem, &is_empty);
	buf_put(&b);
	if (!err && is_empty)
		release_block(i);
	else if (!err)
		err = store_block(i, mem, is_shared);
	kfree(mem);
	return err;
}

static int check_exists(struct inode *i, const struct attr *at, int flags)
{
	size_t len;
	int err = get_from(i, ibody_open, at->index, at->name, NULL, 0, &len);

	if (err == -ENODATA)
		err = get_from(i, block_open, at->index, at->name, NULL, 0,
			       &len);
	if (!err)
		return flags & XATTR_CREATE ? -EEXIST : 0;
	if (err != -ENODATA)
		return err;
	return flags & XATTR_REPLACE || !at->value ? -ENODATA : 0;
}

static int set_locked(struct inode *i, const struct attr *at, int flags)
{
	struct attr gone = { .index = at->index, .name = at->name };
	int err = check_exists(i, at, flags);

	if (err)
		return err;
	err = set_in_ibody(i, at);
	if (!err)
		return set_in_block(i, &gone);
	if (err != -ENOSPC)
		return err;
	err = set_in_block(i, at);
	if (err)
		return err;
	err = set_in_ibody(i, &gone);
	return err == -ENOSPC ? 0 : err;	/* no room: it is not there */
}

int ext4_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		  int flags)
{
	struct ext4_inode *ei = ext4_i(i);
	struct attr at = { .value = v, .size = (u32)n };
	int err;

	at.name = split_name(name, &at.index);
	if (!at.name)
		return -EOPNOTSUPP;
	if (strlen(at.name) > 255)
		return -ERANGE;
	if (n > i->sb->blocksize)
		return -ENOSPC;
	if (sb_is_readonly(i->sb))
		return -EROFS;
	rwsem_write_lock(&ei->xattr_lock);
	err = set_locked(i, &at, flags);
	rwsem_write_unlock(&ei->xattr_lock);
	if (!err) {
		inode_touch(i, TIME_C);
		inode_mark_dirty(i, I_DIRTY_SYNC);
	}
	return err;
}

void ext4_xattr_free(struct inode *i)
{
	if (ext4_i(i)->file_acl)
		release_block(i);
}
