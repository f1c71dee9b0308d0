/*
 * dir - the entries of a directory: reading, finding, adding, removing.
 *
 * Theory:  a directory is a row of slots of 32 bytes, numbered from 0.  A name
 *          is one slot, or several: pieces of the long name, the last piece
 *          first, then the short entry, whose checksum the pieces carry.
 *          Pieces that do not fit together are passed over, as other systems
 *          do that know no long names.  Removed slots are marked; a directory
 *          never shrinks.  Free slots are looked for over its whole length.
 * Locks:   the directory's inode.lock guards its slots; entry_lock is taken
 *          as well where a short entry that an inode has is changed.
 */
#include "fat_impl.h"
#include <kernel/assert.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <time/clock.h>

/* --- slots ----------------------------------------------------------------*/

static u64 slot_pos(const struct fat_fs *fs, const struct buf *b,
		    const struct fat_dirent *e)
{
	return b->block << (fs->sb->blkbits - 5) |
	       (u64)(e - (struct fat_dirent *)b->data);
}

static int slot_block(struct inode *dir, u32 off, u64 *block)
{
	struct fat_fs *fs = fat_fs_of(dir);
	u32 bits = fs->sb->blkbits, c, n = 1;
	u32 mask = (1u << (fs->cluster_bits - bits)) - 1;
	int err;

	if (fat_has_fixed_root(dir)) {
		*block = fs->root_start + (off >> bits);
		return 0;
	}
	err = fat_map(fat_i(dir), off >> fs->cluster_bits, &c, &n);
	if (err)
		return err;
	*block = (fat_cluster_sector(fs, c) >> (bits - 9)) +
		 (off >> bits & mask);
	return 0;
}

int fat_dir_slot(struct inode *dir, u32 index, struct buf *b,
		 struct fat_dirent **e)
{
	struct super_block *sb = dir->sb;
	u32 in_block = index & ((sb->blocksize >> 5) - 1);
	u64 block;
	int err;

	*e = NULL;
	if ((u64)index << 5 >= inode_size(dir))
		return 0;
	if (!b->page || !in_block) {
		err = slot_block(dir, index << 5, &block);
		if (err)
			return err;
		buf_put(b);
		if (block != b->block + 1)
			buf_readahead(sb, block, 32);
		err = buf_read(sb, block, b);
		if (err)
			return err;
	}
	*e = (struct fat_dirent *)b->data + in_block;
	return 0;
}

static bool is_free(const struct fat_dirent *e)
{
	return !e->name[0] || e->name[0] == DIRENT_DELETED;
}

/* --- reading names --------------------------------------------------------*/

static void slot_units(const struct fat_slot *s, u16 *out)
{
	for (unsigned i = 0; i < 5; i++)
		out[i] = get_unaligned_le16(s->name0 + 2 * i);
	for (unsigned i = 0; i < 6; i++)
		out[5 + i] = get_unaligned_le16(s->name5 + 2 * i);
	for (unsigned i = 0; i < 2; i++)
		out[11 + i] = get_unaligned_le16(s->name11 + 2 * i);
}

/* Pieces of a long name as they come. */
struct pieces {
	u32 next;		/* id of the next one; 0: all are there */
	u32 count;		/* 0: there is no name */
	u8 sum;
	u16 text[20 * FAT_SLOT_UNITS];
};

static void take_piece(struct pieces *p, const struct fat_slot *s)
{
	u32 id = s->id & ~SLOT_LAST;

	if (s->id & SLOT_LAST) {
		p->count = id && id <= 20 ? id : 0;
		p->next = id;
		p->sum = s->checksum;
	}
	if (!p->count || id != p->next || s->checksum != p->sum || !id) {
		p->count = 0;
		return;
	}
	p->next = id - 1;
	slot_units(s, p->text + (id - 1) * FAT_SLOT_UNITS);
}

/* The short entry is there: do the pieces belong to it? */
static void take_entry(struct pieces *p, struct fat_fs *fs, struct fat_found *f)
{
	u32 n = 0, most = p->count * FAT_SLOT_UNITS;

	f->alias_len = fat_short_text(f->de.name, f->de.lcase,
				      fs->opt.shortname, f->alias);
	f->len = 0;
	if (!p->count || p->next || !fs->opt.is_vfat ||
	    p->sum != fat_short_sum(f->de.name))
		return;
	while (n < most && p->text[n])
		n++;
	if (n > FAT_LONG_MAX)
		return;
	memcpy(f->name, p->text, n * sizeof(*f->name));
	f->len = fat_fix_pairs(f->name, n);
	f->nr += p->count;
	f->first -= p->count;
}

struct scan_memory {
	struct fat_scan s;
	struct pieces p;
};

static int scan_start(struct inode *dir, u32 index, struct fat_scan **out)
{
	struct scan_memory *m = kmalloc(sizeof(*m), GFP_NOFS);

	if (!m)
		return -ENOMEM;
	m->s.dir = dir;
	m->s.index = index;
	m->s.b.page = NULL;
	m->s.b.block = 0;
	m->p.count = 0;
	*out = &m->s;
	return 0;
}

static void scan_end(struct fat_scan *s)
{
	buf_put(&s->b);
	kfree(container_of(s, struct scan_memory, s));
}

int fat_scan_next(struct fat_scan *s)
{
	struct pieces *p = &container_of(s, struct scan_memory, s)->p;
	struct fat_fs *fs = fat_fs_of(s->dir);
	struct fat_dirent *e;
	int err;

	for (;;) {
		err = fat_dir_slot(s->dir, s->index, &s->b, &e);
		if (err || !e)
			return err;
		s->index++;
		if (is_free(e)) {
			p->count = 0;
		} else if (e->attr == ATTR_LONG_NAME) {
			take_piece(p, (const struct fat_slot *)e);
		} else if (e->attr & ATTR_VOLUME) {
			p->count = 0;
		} else {
			s->f.de = *e;
			s->f.pos = slot_pos(fs, &s->b, e);
			s->f.first = s->index - 1;
			s->f.nr = 1;
			take_entry(p, fs, &s->f);
			p->count = 0;
			return 1;
		}
	}
}

static bool matches(const struct fat_fs *fs, const struct fat_found *f,
		    const struct fat_name *n)
{
	bool caseless = fs->opt.is_caseless;

	if (!fs->opt.is_vfat)
		return !memcmp(f->de.name, n->short_name, FAT_SHORT_LEN) &&
		       (!fs->opt.has_dots || n->hidden == FAT_EITHER ||
			n->hidden == !!(f->de.attr & ATTR_HIDDEN));
	return fat_text_equal(f->name, f->len, n->text, n->len, caseless) ||
	       fat_text_equal(f->alias, f->alias_len, n->text, n->len,
			      caseless);
}

int fat_dir_find(struct inode *dir, const struct fat_name *n,
		 struct fat_found *f)
{
	struct fat_scan *s;
	int err;

	if (!n->len)
		return -ENOENT;
	err = scan_start(dir, 0, &s);
	if (err)
		return err;
	while ((err = fat_scan_next(s)) > 0 &&
	       !matches(fat_fs_of(dir), &s->f, n))
		;
	if (err > 0)
		*f = s->f;
	scan_end(s);
	return err > 0 ? 0 : err ? err : -ENOENT;
}

static bool is_dots(const struct fat_dirent *e)
{
	return !memcmp(e->name, ".          ", FAT_SHORT_LEN) ||
	       !memcmp(e->name, "..         ", FAT_SHORT_LEN);
}

int fat_dir_is_empty(struct inode *dir)
{
	struct fat_scan *s;
	int err = scan_start(dir, 0, &s);

	if (err)
		return err;
	while ((err = fat_scan_next(s)) > 0 && is_dots(&s->f.de))
		;
	scan_end(s);
	return err > 0 ? -ENOTEMPTY : err;
}

int fat_dir_count(struct inode *dir, u32 *subdirs)
{
	struct buf b = { .page = NULL };
	struct fat_dirent *e;
	u32 i = 0;
	int err;

	*subdirs = 0;
	while (!(err = fat_dir_slot(dir, i++, &b, &e)) && e)
		if (!is_free(e) && !(e->attr & ATTR_VOLUME) &&
		    e->attr & ATTR_DIR)
			++*subdirs;
	buf_put(&b);
	return err;
}

/* --- adding ---------------------------------------------------------------*/

/* What one pass over a directory finds out for a new name. */
struct place {
	const struct fat_alias *alias;
	u32 want;		/* slots */
	u32 first;		/* of as many free ones, or where they begin */
	u32 run;		/* how many are free there */
	u32 tails;		/* bit n: alias with ~n is taken */
	bool is_taken;		/* the alias as it is */
};

static void look_at(struct place *pl, u32 i, const struct fat_dirent *e)
{
	u8 name[FAT_SHORT_LEN];
	u32 at = pl->alias->cut6 + 1;

	if (is_free(e)) {
		if (pl->run < pl->want && !pl->run++)
			pl->first = i;
		return;
	}
	if (pl->run < pl->want)
		pl->run = 0;
	if (e->attr & ATTR_VOLUME)
		return;
	if (!memcmp(e->name, pl->alias->name, FAT_SHORT_LEN))
		pl->is_taken = true;
	if (e->name[at] < '1' || e->name[at] > '9')
		return;
	fat_alias_tail(pl->alias, e->name[at] - '0', name);
	if (!memcmp(e->name, name, FAT_SHORT_LEN))
		pl->tails |= 1u << (e->name[at] - '0');
}

static int find_place(struct inode *dir, struct place *pl)
{
	struct buf b = { .page = NULL };
	struct fat_dirent *e;
	u32 i;
	int err;

	for (i = 0; !(err = fat_dir_slot(dir, i, &b, &e)) && e; i++)
		look_at(pl, i, e);
	buf_put(&b);
	if (!pl->run)
		pl->first = i;
	return err;
}

static int short_exists(struct inode *dir, const u8 *name)
{
	struct buf b = { .page = NULL };
	struct fat_dirent *e;
	u32 i = 0;
	int err;

	while (!(err = fat_dir_slot(dir, i++, &b, &e)) && e)
		if (!(e->attr & ATTR_VOLUME) &&
		    !memcmp(e->name, name, FAT_SHORT_LEN))
			break;
	buf_put(&b);
	return err ? err : e ? -EEXIST : 0;
}

/* The short name that the entry gets. */
static int choose_short(struct inode *dir, const struct place *pl, u8 *out)
{
	struct fat_fs *fs = fat_fs_of(dir);
	const struct fat_alias *a = pl->alias;
	u32 hex = (u32)(clock_ns() / 4000000);
	unsigned d = 1 + (hex >> 16 & 7);
	int err;

	memcpy(out, a->name, FAT_SHORT_LEN);
	if (a->is_exact)
		return pl->is_taken ? -EEXIST : 0;
	if (!fs->opt.has_numtail && !pl->is_taken)
		return 0;
	for (unsigned i = 1; i < 10; i++) {
		if (!(pl->tails >> i & 1)) {
			fat_alias_tail(a, i, out);
			return 0;
		}
	}
	do {
		fat_alias_hex(a, (u16)hex, d, out);
		err = short_exists(dir, out);
		hex -= 11;
	} while (err == -EEXIST);
	return err;
}

/* There are pl->run free slots at the end: makes room for the rest. */
static int enlarge(struct inode *dir, const struct place *pl)
{
	struct fat_fs *fs = fat_fs_of(dir);
	u64 end = ((u64)pl->first + pl->want) << 5;
	u32 n = fat_clusters_of(fs, end);
	int err;

	if (fat_has_fixed_root(dir) || end > FAT_MAX_DIR_BYTES)
		return -ENOSPC;
	err = fat_grow(fat_i(dir), n);
	if (!err)
		inode_set_size(dir, (u64)n << fs->cluster_bits);
	return err;
}

static void fill_slot(struct fat_slot *s, const struct fat_name *n, u32 id,
		      bool is_last, u8 sum)
{
	u32 from = (id - 1) * FAT_SLOT_UNITS;
	u16 u;

	memset(s, 0, sizeof(*s));
	s->id = (u8)(id | (is_last ? SLOT_LAST : 0));
	s->attr = ATTR_LONG_NAME;
	s->checksum = sum;
	for (u32 i = 0; i < FAT_SLOT_UNITS; i++) {
		u = from + i < n->len ? n->text[from + i] :
		    from + i == n->len ? 0 : 0xffff;
		put_unaligned_le16(u, i < 5 ? s->name0 + 2 * i :
				      i < 11 ? s->name5 + 2 * (i - 5) :
					       s->name11 + 2 * (i - 11));
	}
}

static int write_slots(struct inode *dir, const struct place *pl,
		       const struct fat_name *n, const struct fat_dirent *de,
		       u64 *pos)
{
	struct fat_fs *fs = fat_fs_of(dir);
	struct buf b = { .page = NULL };
	u8 sum = fat_short_sum(de->name);
	struct fat_dirent *e;
	int err = 0;

	mutex_lock(&fs->entry_lock);
	for (u32 id = pl->want; id && !err; id--) {
		err = fat_dir_slot(dir, pl->first + pl->want - id, &b, &e);
		if (err)
			break;
		if (id == 1)
			*e = *de;
		else
			fill_slot((struct fat_slot *)e, n, id - 1,
				  id == pl->want, sum);
		*pos = slot_pos(fs, &b, e);
		buf_dirty(dir->sb, &b);
	}
	mutex_unlock(&fs->entry_lock);
	buf_put(&b);
	return err;
}

static int make_alias(const struct fat_fs *fs, const struct fat_name *n,
		      struct fat_alias *a)
{
	if (fs->opt.is_vfat)
		return fat_make_alias(n->text, n->len, fs->opt.shortname, a);
	*a = (struct fat_alias){ .is_exact = true };
	memcpy(a->name, n->short_name, FAT_SHORT_LEN);
	return 0;
}

int fat_dir_add(struct inode *dir, const struct fat_name *n,
		struct fat_dirent *de, u64 *pos)
{
	struct fat_alias a;
	struct place pl = { .alias = &a, .want = 1 };
	int err = make_alias(fat_fs_of(dir), n, &a);

	if (err)
		return err;
	if (a.needs_long)
		pl.want += (n->len + FAT_SLOT_UNITS - 1) / FAT_SLOT_UNITS;
	err = find_place(dir, &pl);
	if (!err)
		err = choose_short(dir, &pl, de->name);
	if (!err && pl.run < pl.want)
		err = enlarge(dir, &pl);
	if (err)
		return err;
	de->lcase = a.lcase;
	err = write_slots(dir, &pl, n, de, pos);
	dir->version++;
	return err;
}

int fat_dir_remove(struct inode *dir, const struct fat_found *f)
{
	struct fat_fs *fs = fat_fs_of(dir);
	struct buf b = { .page = NULL };
	struct fat_dirent *e;
	int err = 0;

	mutex_lock(&fs->entry_lock);
	for (u32 i = 0; i < f->nr && !err; i++) {
		err = fat_dir_slot(dir, f->first + i, &b, &e);
		if (err || !e)
			break;
		e->name[0] = DIRENT_DELETED;
		buf_dirty(dir->sb, &b);
	}
	mutex_unlock(&fs->entry_lock);
	buf_put(&b);
	return err;
}

/* --- the dots -------------------------------------------------------------*/

static void set_start(const struct fat_fs *fs, struct fat_dirent *e, u32 c)
{
	e->start = le16_make((u16)c);
	e->start_hi = le16_make(fs->bits == 32 ? (u16)(c >> 16) : 0);
}

/* The new directory gets its first cluster; parent 0: the root. */
int fat_dir_make_empty(struct inode *dir, u32 parent,
		       const struct fat_dirent *times)
{
	struct fat_fs *fs = fat_fs_of(dir);
	struct fat_dirent dot = *times, *e;
	struct buf b = { .page = NULL };
	int err = fat_grow(fat_i(dir), 1);

	if (err)
		return err;
	inode_set_size(dir, 1ull << fs->cluster_bits);
	err = fat_dir_slot(dir, 0, &b, &e);
	if (err)
		return err;
	dot.attr = ATTR_DIR;
	dot.lcase = 0;
	memcpy(dot.name, ".          ", FAT_SHORT_LEN);
	set_start(fs, &dot, fat_i(dir)->start);
	e[0] = dot;
	dot.name[1] = '.';
	set_start(fs, &dot, parent);
	e[1] = dot;
	buf_dirty(dir->sb, &b);
	buf_put(&b);
	return 0;
}

int fat_dir_set_parent(struct inode *dir, u32 parent)
{
	struct buf b = { .page = NULL };
	struct fat_dirent *e;
	u32 i = 0;
	int err;

	while (!(err = fat_dir_slot(dir, i++, &b, &e)) && e)
		if (!memcmp(e->name, "..         ", FAT_SHORT_LEN))
			break;
	if (!err && !e)
		err = fat_corrupt(dir->sb, "a directory has no \"..\"");
	if (!err) {
		set_start(fat_fs_of(dir), e, parent);
		buf_dirty(dir->sb, &b);
	}
	buf_put(&b);
	return err;
}

/* --- listing --------------------------------------------------------------*/

/* Positions: 0 and 1 are the dots, slot n is n + 2. */
static bool emit(struct fat_scan *s, struct dir_ctx *c, char *text)
{
	const struct fat_found *f = &s->f;
	struct fat_fs *fs = fat_fs_of(s->dir);
	u64 ino = fat_ino_at(fs, f->pos);
	size_t len;

	if (!fs->opt.is_vfat)
		len = fat_msdos_text(f->de.name, f->de.attr & ATTR_HIDDEN,
				     fs->opt.has_dots, fs->opt.has_nocase,
				     text);
	else if (f->len)
		len = fat_to_utf8(f->name, f->len, text);
	else
		len = fat_to_utf8(f->alias, f->alias_len, text);
	return c->emit(c, text, len, (u64)f->first + 2, ino ? ino : f->pos,
		       f->de.attr & ATTR_DIR ? DT_DIR : DT_REG);
}

static int list_names(struct fat_scan *s, struct dir_ctx *c, char *text)
{
	int err;

	while ((err = fat_scan_next(s)) > 0) {
		c->pos = (u64)s->f.first + 2;
		if (!is_dots(&s->f.de) && !emit(s, c, text))
			return 0;
		c->pos = (u64)s->index + 2;
	}
	return err;
}

static int fat_iterate(struct file *f, struct dir_ctx *c)
{
	struct fat_scan *s;
	char *text;
	int err = 0;

	if (!dir_emit_dots(f, c) || c->pos > U32_MAX)
		return 0;
	text = kmalloc(FAT_UTF8_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = scan_start(f->inode, (u32)(c->pos - 2), &s);
	if (!err) {
		err = list_names(s, c, text);
		scan_end(s);
	}
	kfree(text);
	return err;
}

const struct file_ops fat_dir_ops = {
	.iterate = fat_iterate,
	.llseek = generic_llseek,
	.fsync = fat_fsync,
	.ioctl = fat_ioctl,
};
