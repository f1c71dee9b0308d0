#pragma once
/*
 * Character and block devices as drivers publish them and file systems use
 * them.  devtmpfs makes a node for each that registers.
 */
#include <fs/vfs.h>
#include <lib/list.h>

/* --- character devices */
#define MISC_MAJOR 10u		/* of single devices without a major */

struct seq;

/* A file of a device's directory in /sys. */
struct char_attr {
	const char *name;
	int (*show)(struct seq *s);
};

struct char_device {
	u32 dev;		/* first number */
	u32 count;		/* numbers covered */
	const char *name;	/* node name; NULL: no node */
	u32 mode;		/* of the node, e.g. 0666 */
	const struct file_ops *fops;	/* inode->rdev tells which */
	void *priv;		/* fops->open finds it by chrdev_find */
	const char *class;	/* "mem", "tty": /sys/class */
	/* Which device stands behind this one, for
	 * /sys/class/tty/console/active. NULL: none. */
	const char *(*active)(void);
	/* More files in /sys, up to one without a name; as for `active`. */
	const struct char_attr *attrs;
	struct list node;
};
int __must_check chrdev_register(struct char_device *c);
struct char_device *chrdev_find(u32 dev);
/* /proc/devices: names of the ranges that begin at these numbers. */
void chrdev_range_name(u32 dev, const char *name);
/* What is known of the i-th registered one, for /sys; false past the last. */
struct chrdev_info {
	u32 dev;
	char name[32];		/* "": no node */
	const char *class;	/* or NULL */
};
bool chrdev_nth(unsigned i, struct chrdev_info *out);
/* The i-th name in the order of numbers; NULL past the last. */
const char *chrdev_range_nth(unsigned i, u32 *dev);

/* --- block devices */
enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD, BIO_ZEROES };
#define BIO_FUA 1u
#define BIO_PREFLUSH 2u

struct bio {
	struct block_device *bdev;
	u8 op;
	u8 flags;
	u8 io_class;		/* enum io_class: of who submitted it */
	int status;		/* 0 or -Exxx, valid in end_io */
	u64 sector;		/* of 512 bytes */
	u32 nr_vecs, max_vecs;
	u32 nr_segs;		/* vecs, neighbours in memory counted once */
	u32 bytes;		/* of data, or of the range (DISCARD, ZEROES) */
	void (*end_io)(struct bio *b);	/* interrupt context */
	void *priv;
	struct list node;	/* driver's queue */
	u64 start_ns;
	struct page_vec *vecs;
	struct page_vec inline_vecs[4];
};

struct block_ops {
	/* Queues the bio, does not sleep; ends by bio_end() from anywhere.
	 * b is the whole disk and bio->sector counts from its start; no bio is
	 * larger than max_bytes and max_segments allow. */
	void (*submit)(struct block_device *b, struct bio *bio);
	/* Queued bios go to the device (one notification for many). */
	void (*kick)(struct block_device *b);
	int (*ioctl)(struct block_device *b, struct file *f, unsigned cmd,
		     unsigned long arg);
	/* Somebody stopped using the disk or a part of it. */
	void (*idle)(struct block_device *b);
	/* /sys/block/NAME/<attr_dir>: the name of the i-th file, its text into
	 * buf (NULL: not wanted); NULL past the last. */
	const char *attr_dir;
	const char *(*attr)(struct block_device *b, unsigned i, char *buf,
			    size_t n);
};

struct block_device {
	char name[32];		/* "vda", "vda1" */
	u32 dev;
	u64 sectors;
	u64 start;		/* of a partition, in its whole disk */
	struct block_device *whole;	/* itself for a disk */
	const struct block_ops *ops;
	u32 logical_block, physical_block;
	u32 max_bytes, max_segments;
	u32 ra_pages;		/* read ahead at most, of a disk. atomic */
	u32 minors;		/* that belong to the disk, for partitions */
	bool is_readonly, has_flush, has_discard;
	struct inode *inode;	/* its page cache */
	struct ref refs;
	void *holder;		/* exclusive owner (a superblock). */
	int openers;
	void *priv;
	struct list node;	/* all */
	u8 part_uuid[16];
	char part_label[40];
	u32 part_no;
	struct {
		u64 ios[4], sectors[4], ns[4], merges[4];
		u64 in_flight, io_ns, weighted_ns, last_ns;
	} stat;
};

/* Registers a disk: reads its GPT or MBR partitions (from a work), makes
 * nodes in /dev. */
int __must_check blkdev_register(struct block_device *b);
struct block_device *blkdev_find_name(const char *name);	/* referenced */
struct block_device *blkdev_find_dev(u32 dev);
struct block_device *blkdev_next(struct block_device *prev);
void blkdev_put(struct block_device *b);
/* Text of /proc/diskstats and /proc/partitions; the length. */
size_t diskstats_show(char *buf, size_t n);
size_t partitions_show(char *buf, size_t n);
/* /dev/NAME, MAJ:MIN, PARTUUID=, UUID=, LABEL= (asks file systems' headers). */
int __must_check blkdev_resolve(const char *spec, struct block_device **out);
int __must_check blkdev_claim(struct block_device *b, void *holder);
void blkdev_release(struct block_device *b, void *holder);
/* For disks that come and go. */
void blkdev_set_size(struct block_device *b, u64 sectors);
/* Open, mounted or claimed, it or a part of it, but for `own` openers. */
bool blkdev_is_used(struct block_device *b, int own);
/* mapping_ops.readahead_limit of what lies on a disk. */
u32 blkdev_readahead_limit(const struct mapping *m);
/* Forgets all partitions and reads the table again. -EBUSY. */
int __must_check blkdev_rescan(struct block_device *disk);
extern const struct file_ops blkdev_fops;

int __must_check bio_alloc(struct block_device *b, enum bio_op op, u64 sector,
			   unsigned max_vecs, unsigned gfp, struct bio **out);
void bio_free(struct bio *b);
/* False when full, or past what the device takes at once. */
bool bio_add_page(struct bio *b, struct page *p, unsigned off, unsigned len);
/* FUA and PREFLUSH are for bio_submit_wait() only. */
void bio_submit(struct bio *b);
int __must_check bio_submit_wait(struct bio *b);	/* its status */
void bio_end(struct bio *b, int status);		/* driver */
int __must_check blkdev_flush(struct block_device *b);
/* Starts a flush and does not wait: for what only has to be durable soon. */
void blkdev_flush_start(struct block_device *b);
/* Collects bios of this task until it sleeps or ends the plug. */
struct io_plug {
	struct block_device *bdev;
	u32 count;
};
void plug_start(struct io_plug *p);
void plug_end(struct io_plug *p);
/* Before current sleeps for something that its plugged bios may bring. */
void plug_flush(void);

/* A locked page that is not up to date is read; it stays locked, or -EAGAIN:
 * it left the cache. */
int __must_check page_read_relock(struct mapping *m, struct page *p);

/* Page I/O in pieces.  Gathers pieces of pages into large bios: a piece that
 * continues the last one on disk joins it.  page->priv of a cache page of a
 * device-backed mapping: low 8 bits the file system's, above them the number
 * of pieces in flight.  A read ends with the page up to date (or PG_ERROR)
 * and unlocked, a write with page_end_writeback(). */
struct bio_run {
	struct block_device *bdev;
	enum bio_op op;		/* BIO_READ or BIO_WRITE */
	unsigned gfp;
	unsigned hint;		/* pages still to come, for sizing; or 0 */
	struct bio *bio;	/* being filled */
	u64 next_sector;
};
#define PAGE_PIECE 0x100ul
/* Brackets the adding of one page's pieces; what is on disk as a hole is
 * zeroed by the caller.  err: the page fails whatever the pieces do. */
void page_io_start(struct page *p);
void page_io_done(struct page *p, bool is_write, int err);
int __must_check bio_run_add(struct bio_run *r, u64 sector, struct page *p,
			     unsigned off, unsigned len);
void bio_run_submit(struct bio_run *r);
/* Reads or writes a user's or kernel's buffers straight to `sector`, up to
 * len bytes of the iterator (a multiple of the logical block); waits; bytes
 * done through *done. */
int __must_check blkdev_direct(struct block_device *b, struct iter *it,
			       u64 sector, size_t len, size_t *done);
static inline unsigned page_fs_bits(const struct page *p)
{
	return READ_ONCE(p->priv) & 0xff;
}
void page_fs_bits_set(struct page *p, unsigned bits);
void page_fs_bits_clear(struct page *p, unsigned bits);

/* --- metadata blocks, over the device's page cache ------------------------
 * A buf is a window of one file-system block in a page; no memory of its own.
 * Blocks of one page may be dirtied alone; write-out is by page. */
struct buf {
	struct page *page;	/* owns a reference */
	void *data;
	u64 block;
};
int __must_check buf_read(struct super_block *sb, u64 block, struct buf *b);
/* Without reading: the caller fills all of it. */
int __must_check buf_get(struct super_block *sb, u64 block, struct buf *b);
void buf_dirty(struct super_block *sb, struct buf *b);
static inline void buf_put(struct buf *b)
{
	if (b->page)
		page_put(b->page);
	b->page = NULL;
}
void buf_readahead(struct super_block *sb, u64 block, unsigned n);
/* Drops dirtiness of freed blocks: nothing is written for them any more. */
void buf_forget(struct super_block *sb, u64 block, u64 n);

/* --- nodes in /dev: devtmpfs (floor 6) fills the hook in; early calls are
 * kept and replayed. */
void devnode_add(const char *name, u32 mode, u32 dev);
void devnode_remove(const char *name);
extern void (*devnode_hook)(const char *name, u32 mode, u32 dev, bool add);
/* Sets it and replays what came before. */
void devnode_set_hook(void (*hook)(const char *name, u32 mode, u32 dev,
				   bool add));
