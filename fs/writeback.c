/*
 * writeback - dirty inodes find their way to the device.
 *
 * Theory:  each superblock has a list of dirty inodes in the order they became
 *          dirty.  A kernel task looks every 5 seconds and writes what is
 *          older than 30; sooner, and everything, when mm says that too much
 *          is dirty.  Data goes before the inode, as writing it may allocate
 *          blocks and so change the inode.  I_SYNC marks an inode being
 *          written: one writer at a time; it may be dirtied again meanwhile
 *          and is then on the list again.
 * Locks:   state_lock > sb->inode_lock; nothing is held during I/O.
 */
#include "vfs_impl.h"
#include <fs/device.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/work.h>
#include <mm/page.h>

#define COARSE_NS (5 * NSEC_PER_SEC)	/* how often file_coarse_sec moves */

u64 sysctl_dirty_writeback_ns = 5 * NSEC_PER_SEC;
u64 sysctl_dirty_expire_ns = 30 * NSEC_PER_SEC;

static struct waitq flusher_queue = WAITQ_INIT(flusher_queue);
static u32 kicked;			/* atomic */

/* --- one inode ---------------------------------------------------------------------*/
static void begin_sync(struct inode *i)
{
	struct super_block *sb = i->sb;

	for (;;) {
		spin_lock(&i->state_lock);
		if (!(i->state & I_SYNC))
			break;
		spin_unlock(&i->state_lock);
		wait_event(inode_state_queue(i),
			   !(READ_ONCE(i->state) & I_SYNC));
	}
	i->state = (i->state | I_SYNC) & ~I_DIRTY_PAGES;
	spin_lock(&sb->inode_lock);
	list_del_init(&i->dirty_node);
	spin_unlock(&sb->inode_lock);
	spin_unlock(&i->state_lock);
}

/* What could not be written is tried in a later round, not in this one. */
static void relist_locked(struct inode *i)
{
	struct super_block *sb = i->sb;

	if (!list_empty(&i->dirty_node) || (i->state & I_FREEING))
		return;
	i->dirtied_ns = clock_ns();
	spin_lock(&sb->inode_lock);
	list_add_tail(&i->dirty_node, &sb->dirty);
	spin_unlock(&sb->inode_lock);
}

static void end_sync(struct inode *i)
{
	spin_lock(&i->state_lock);
	i->state &= ~I_SYNC;
	if (mapping_is_dirty(&i->data))
		i->state |= I_DIRTY_PAGES;
	if (i->state & I_DIRTY)
		relist_locked(i);
	spin_unlock(&i->state_lock);
	wake_if_waiting(inode_state_queue(i), 0);
}

static u32 take_dirt(struct inode *i)
{
	u32 dirt;

	spin_lock(&i->state_lock);
	dirt = i->state & (I_DIRTY_SYNC | I_DIRTY_TIME);
	i->state &= ~dirt;
	spin_unlock(&i->state_lock);
	return dirt;
}

/* With a reference, or while being evicted. */
static int write_inode(struct inode *i, bool is_sync)
{
	const struct super_ops *ops = i->sb->ops;
	int err, err2 = 0;

	begin_sync(i);
	err = mapping_write(&i->data, 0, ~0ull >> 1, is_sync);
	if (take_dirt(i) && ops->write_inode)
		err2 = ops->write_inode(i, is_sync);
	end_sync(i);
	return err ? err : err2;
}

int inode_sync(struct inode *i, bool data_only)
{
	if (READ_ONCE(i->sb->flags) & SB_NOWRITEBACK)
		return 0;
	if (data_only)
		return mapping_write(&i->data, 0, ~0ull >> 1, true);
	return write_inode(i, true);
}

/* --- superblocks ---------------------------------------------------------------------*/
/* The inode longest dirty, if before the time, with a reference. */
static struct inode *oldest_dirty(struct super_block *sb, u64 before_ns)
{
	struct inode *i, *found = NULL;

	spin_lock(&sb->inode_lock);
	list_for_each_entry(i, &sb->dirty, dirty_node) {
		if (i->dirtied_ns > before_ns)
			break;
		if (!spin_trylock(&i->state_lock))
			continue;
		if (!(i->state & (I_FREEING | I_NEW))) {
			__atomic_add_fetch(&i->refs.n, 1, __ATOMIC_RELAXED);
			found = i;
		}
		spin_unlock(&i->state_lock);
		if (found)
			break;
	}
	spin_unlock(&sb->inode_lock);
	return found;
}

static int write_older(struct super_block *sb, u64 before_ns, bool is_sync)
{
	struct inode *i;
	int err = 0, e;

	while ((i = oldest_dirty(sb, before_ns))) {
		e = write_inode(i, is_sync);
		inode_put(i);
		err = err ? err : e;
		cond_resched();
	}
	return err;
}

/* Pages that were on their way already when we came. */
static int wait_all(struct super_block *sb)
{
	struct inode *i, *prev = NULL;
	int err = 0, e;

	spin_lock(&sb->inode_lock);
	list_for_each_entry(i, &sb->inodes, sb_node) {
		if (!radix_tagged(&i->data.pages, TAG_WRITEBACK) ||
		    !spin_trylock(&i->state_lock))
			continue;
		e = i->state & (I_FREEING | I_NEW);
		if (!e)
			__atomic_add_fetch(&i->refs.n, 1, __ATOMIC_RELAXED);
		spin_unlock(&i->state_lock);
		if (e)
			continue;
		spin_unlock(&sb->inode_lock);
		if (prev)
			inode_put(prev);
		prev = i;
		e = mapping_wait(&i->data, 0, ~0ull >> 1);
		err = err ? err : e;
		spin_lock(&sb->inode_lock);
	}
	spin_unlock(&sb->inode_lock);
	if (prev)
		inode_put(prev);
	return err;
}

static int write_and_wait(struct super_block *sb)
{
	int err = write_older(sb, clock_ns(), false), e = wait_all(sb);

	return err ? err : e;
}

/* In two rounds: a page that was on its way, and dirty again, is left out by
 * the first, which waits until it has arrived. */
int sync_super(struct super_block *sb)
{
	int err, e;

	if (sb->flags & SB_NOWRITEBACK)
		return 0;
	err = write_and_wait(sb);
	e = write_and_wait(sb);
	err = err ? err : e;
	if (sb->ops->sync_fs) {
		e = sb->ops->sync_fs(sb, true);
		err = err ? err : e;
	}
	if (sb->bdev) {
		e = inode_sync(sb->bdev->inode, false);
		err = err ? err : e;
		e = blkdev_flush(sb->bdev);
		err = err ? err : e;
	}
	return err;
}

static void sync_one(struct super_block *sb, void *arg)
{
	bool wait = *(bool *)arg;

	if (sb->flags & SB_NOWRITEBACK)
		return;
	if (wait)
		ignore_error(sync_super(sb));	/* sync(2) reports nothing */
	else
		ignore_error(write_older(sb, clock_ns(), false));
}

void sync_all(bool wait)
{
	super_for_each(sync_one, &wait);
}

/* --- the flusher ----------------------------------------------------------------------*/
static void flush_aged(struct super_block *sb, void *arg)
{
	if (!(sb->flags & SB_NOWRITEBACK))
		ignore_error(write_older(sb, *(u64 *)arg, false));
}

/* A period of 0: no rounds but those that are asked for. */
static bool is_due(u64 now, u64 last)
{
	u64 period = READ_ONCE(sysctl_dirty_writeback_ns);

	return period && now >= last + period;
}

static u64 next_round(u64 now, u64 last)
{
	u64 period = READ_ONCE(sysctl_dirty_writeback_ns);

	return period ? min(last + period, now + COARSE_NS) : now + COARSE_NS;
}

static void flusher(void *arg)
{
	u64 now = clock_ns(), last = now, age, before;

	for (;;) {
		ignore_error(wait_event_intr_until(&flusher_queue,
						   READ_ONCE(kicked),
						   next_round(now, last)));
		now = clock_ns();
		WRITE_ONCE(file_coarse_sec,
			   clock_realtime_ns() / NSEC_PER_SEC);
		age = READ_ONCE(sysctl_dirty_expire_ns);
		before = now > age ? now - age : 0;
		if (xchg(&kicked, 0))
			before = now;
		else if (!is_due(now, last))
			continue;
		last = now;
		super_for_each(flush_aged, &before);
	}
}

static void kick(u64 nr_pages)
{
	if (READ_ONCE(kicked))
		return;
	WRITE_ONCE(kicked, 1);
	wake_if_waiting(&flusher_queue, 0);
}

static void mapping_dirtied(struct mapping *m)
{
	inode_mark_dirty(m->host, I_DIRTY_PAGES);
}

static void writeback_start(void)
{
	int err;

	mapping_dirtied_hook = mapping_dirtied;
	err = kthread_create(flusher, NULL, -1, NULL, "flusher");
	if (err)
		panic("no flusher task: error %d\n", err);
	writeback_kick_hook = kick;
}
INIT(INIT_FS, writeback_start);
