#pragma once
/* Inside the block layer. */
#include <fs/device.h>
#include <kernel/task.h>
#include <kernel/waitq.h>

extern const struct mapping_ops blkdev_mapping_ops;

static inline struct mapping *blkdev_mapping(struct block_device *b)
{
	return &b->inode->data;
}
static inline u64 blkdev_bytes(const struct block_device *b)
{
	return b->sectors << 9;
}
/* A page of the device's cache, up to date, referenced, unlocked.  Cannot be
 * interrupted.  -EIO, -ENOMEM. */
int __must_check blkdev_page(struct block_device *b, u64 index,
			     struct page **out);
/* Copies n bytes at byte offset pos, through the cache. */
int __must_check blkdev_read_bytes(struct block_device *b, u64 pos, void *buf,
				   size_t n);
/* Finds the partitions of a disk and adds them. */
void blkdev_scan_partitions(struct block_device *disk);
int __must_check blkdev_add_partition(struct block_device *disk, u32 no,
				      u64 start, u64 sectors, const u8 *uuid,
				      const char *label);
/* Tells the driver that somebody stopped using it. */
void blkdev_idle(struct block_device *b);

/* The time counts as waiting for I/O. */
static inline void wait_for_io(struct completion *c)
{
	current->in_iowait = true;
	wait_for_completion(c);
	current->in_iowait = false;
}
