#pragma once
/*
 * struct mapping - the page cache of one object (a file's data, a block
 * device, a tmpfs file): the only place where read, write, mmap and exec
 * meet.  Look-up takes no lock (RCU + page_tryget and a second look).
 *
 * Locks: mapping.lock guards the tree and tags; mmap_lock the list of areas
 * that map it; the page lock guards truncation, reading and dirtying starts.
 */
#include <kernel/mutex.h>
#include <lib/radix.h>
#include <mm/iter.h>
#include <mm/page.h>

struct mapping;
struct vma;

struct writeback {
	u64 start, end;		/* page indexes, inclusive */
	bool is_sync;		/* wait for pages already under write-back */
	long nr_to_write;	/* pages; LONG_MAX: all */
};

#define RA_MAX 256u		/* pages read ahead: 1 MiB */

struct mapping_ops {
	/* Reads n locked, not up-to-date pages with consecutive indexes; each
	 * must end unlocked, PG_UPTODATE or PG_ERROR, now or from an
	 * interrupt.  An error means none was started (all are unlocked). */
	int (*read_pages)(struct mapping *m, struct page **pages, unsigned n);
	/* Most pages that are read ahead of who reads; NULL: RA_MAX. */
	u32 (*readahead_limit)(const struct mapping *m);
	/* Writes dirty pages of the range out: typically a loop over
	 * mapping_next_dirty(). */
	int (*write_pages)(struct mapping *m, struct writeback *wb);
	/* Readies the page (locked, referenced, returned) at pos for a write
	 * of len bytes inside it: reserves blocks, reads what is partly
	 * overwritten.  NULL: page is found or made, read if partial. */
	int (*write_begin)(struct mapping *m, u64 pos, unsigned len,
			   struct page **page);
	/* Ends it: copied bytes are there; marks dirty, moves the size up,
	 * unlocks and drops the page. NULL: the generic one. */
	int (*write_end)(struct mapping *m, u64 pos, unsigned len,
			 unsigned copied, struct page *page);
	/* First store to a shared mapping's page (locked by the caller):
	 * reserve blocks.  NULL: nothing to do. */
	int (*page_mkwrite)(struct mapping *m, struct page *page);
	/* The page leaves the cache (truncate): free priv. NULL: nothing. */
	void (*page_release)(struct mapping *m, struct page *page);
	/* May an area show it shared and writable?  Asked when the area is
	 * counted in writable_vmas already.  NULL: yes. */
	int (*may_map_writable)(struct mapping *m);
	/* Direct I/O: -EINVAL if NULL. */
	ssize_t (*direct_io)(struct mapping *m, struct iter *it, u64 pos);
};

#define TAG_DIRTY 0
#define TAG_WRITEBACK 1

struct mapping {
	struct spinlock lock;
	struct radix_root pages __guarded_by(&lock);
	u64 nr_pages __guarded_by(&lock);
	u64 size;		/* bytes valid: the inode's size. atomic;
				 * changed under the inode's lock */
	const struct mapping_ops *ops;
	void *host;		/* the inode; const */
	struct rwsem mmap_lock;
	struct list vmas __guarded_by(&mmap_lock);
	u32 writable_vmas;	/* shared writable areas. atomic */
	u32 flags;
#define MAP_NO_WRITEBACK 1u	/* tmpfs: never written back */
#define MAP_NO_RECLAIM 2u
	u32 wb_err_seq;		/* grows with each write error. atomic */
	int wb_err;
	unsigned gfp;
	unsigned long home;	/* where images of it go; 0: not drawn. atomic */
	u64 futex_id;		/* in keys of futexes; 0: none yet. atomic */
};

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host);
/* Empties it for good; nothing maps it any more. */
void mapping_destroy(struct mapping *m);

struct mapping_stat {
	u64 cached, dirty, writeback;
};
/* How many pages of [first, last] are in the cache. */
void mapping_count(struct mapping *m, u64 first, u64 last,
		   struct mapping_stat *st);

static inline u64 mapping_size(const struct mapping *m)
{
	return __atomic_load_n(&m->size, __ATOMIC_RELAXED);
}

/* The page at index with a reference, or NULL. No lock, no sleep. */
struct page *page_cache_find(struct mapping *m, u64 index);
/* The same, locked and still there. */
struct page *page_cache_find_lock(struct mapping *m, u64 index);
/* Finds or makes (locked, not up to date if new). -ENOMEM. */
int __must_check page_cache_grab(struct mapping *m, u64 index,
				 struct page **page);
/* Adds a fresh page, locked, with a reference for the cache. -EEXIST. */
int __must_check page_cache_add(struct mapping *m, struct page *p, u64 index,
				unsigned gfp);
/* Takes a locked page out. */
void page_cache_remove(struct page *p);
/* Finds or reads: up to date, referenced, unlocked; reads ahead when the
 * access looks sequential. -EIO, -ENOMEM, -EINTR (killed). */
int __must_check page_cache_read(struct mapping *m, u64 index,
				 struct page **page);

/* Locked page. Marks in the tree, counts. */
void page_mark_dirty(struct page *p);
/* Before write-out: clears dirty, write-protects it in all mappings; true if
 * it was dirty. Locked page. */
bool page_clear_dirty_for_io(struct page *p);
void page_start_writeback(struct page *p);
/* Any context. */
void page_end_writeback(struct page *p, int err);
/* Next dirty page at or after *index and <= end, locked and referenced, tag
 * checked again under the lock; NULL at the end. */
struct page *mapping_next_dirty(struct mapping *m, u64 *index, u64 end);

/* Cuts the cache and all mappings to `size` bytes (zeroes the tail of the
 * last page); the inode's lock is held and mapping.size is set before. */
void mapping_truncate(struct mapping *m, u64 size);
/* Drops [start,end) bytes: whole pages removed, parts zeroed. */
void mapping_punch(struct mapping *m, u64 start, u64 end);
/* Drops clean unmapped pages of the range; returns how many. */
u64 mapping_invalidate(struct mapping *m, u64 first, u64 last);
/* Starts write-back; is_sync waits; returns a write error seen. */
int __must_check mapping_write(struct mapping *m, u64 first, u64 last,
			       bool is_sync);
int __must_check mapping_wait(struct mapping *m, u64 first, u64 last);
bool mapping_is_dirty(struct mapping *m);
/* Unmaps user mappings of pages [first,last]. */
void mapping_unmap(struct mapping *m, u64 first, u64 last, bool even_cow);

/* Per-open-file read-ahead state. */
struct readahead {
	u64 start;
	u32 size, async_size;
	u64 prev;
};

/* Generic file data paths; bytes moved or -Exxx, *pos is advanced. */
ssize_t filemap_read(struct mapping *m, struct readahead *ra, struct iter *it,
		     u64 *pos);
/* The same of what is cached; -EAGAIN: nothing is, reading has begun. */
ssize_t filemap_read_nowait(struct mapping *m, struct readahead *ra,
			    struct iter *it, u64 *pos);
/* The inode's lock is held; moves the size up through write_end. */
ssize_t filemap_write(struct mapping *m, struct iter *it, u64 *pos);

/* Something became dirty / an inode wants write-back: set by floor 4. */
extern void (*mapping_dirtied_hook)(struct mapping *m);
/* Sleeps if too much is dirty. */
void balance_dirty_pages(void);
