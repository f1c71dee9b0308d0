/*
 * super - mounted file systems as objects: making, finding and ending them.
 *
 * Locks:   supers_lock guards the list and the anonymous device numbers;
 *          a superblock on the list may be dying: super_tryget() tells.
 * Life:    each mount owns a reference; the last super_put() ends it through
 *          its file system's kill().
 */
#include "vfs_impl.h"
#include <fs/device.h>
#include <fs/inotify.h>
#include <kernel/assert.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <lib/bitmap.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

#define MAX_ANON_DEVS 4096

static struct spinlock supers_lock = SPINLOCK_INIT(RANK_SPIN, "supers");
static LIST_HEAD(supers);				/* supers_lock */
static DECLARE_BITMAP(anon_devs, MAX_ANON_DEVS);	/* supers_lock */
/* One at a time looks for a superblock to share, or adds it. */
static struct mutex find_mutex = MUTEX_INIT(find_mutex, RANK_MOUNT,
					    "find super");

static const struct super_ops no_super_ops;

static int anon_dev_alloc(u32 *dev)
{
	size_t n;

	spin_lock(&supers_lock);
	n = find_next_zero(anon_devs, MAX_ANON_DEVS, 1);
	if (n < MAX_ANON_DEVS)
		bit_set(anon_devs, n);
	spin_unlock(&supers_lock);
	if (n >= MAX_ANON_DEVS)
		return -EMFILE;
	*dev = MKDEV(0, (u32)n);
	return 0;
}

static void anon_dev_free(u32 dev)
{
	spin_lock(&supers_lock);
	bit_clear(anon_devs, MINOR(dev));
	spin_unlock(&supers_lock);
}

/* Whose a new superblock is, or must be. */
static struct user_ns *owner_of(const struct filesystem *fs, unsigned flags)
{
	if ((flags & SB_KERNMOUNT) && !fs->user_ns)
		return &init_user_ns;
	if (fs->user_ns)
		return fs->user_ns();
	return fs->flags & FS_USERNS_MOUNT ? current_user_ns() : &init_user_ns;
}

int filesystem_may_mount(const struct filesystem *fs)
{
	return ns_capable(owner_of(fs, 0), CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static struct super_block *super_new(const struct filesystem *fs,
				     unsigned flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	ref_init(&sb->refs, 1);
	sb->fs = fs;
	sb->user_ns = user_ns_get(owner_of(fs, flags));
	sb->ops = &no_super_ops;
	sb->flags = flags | SB_ACTIVE;
	sb->blocksize = PAGE_SIZE;
	sb->blkbits = PAGE_SHIFT;
	sb->max_bytes = S64_MAX;
	sb->time_gran_ns = 1;
	sb->time_min = S64_MIN;
	sb->time_max = S64_MAX;
	strscpy(sb->id, fs->name, sizeof(sb->id));
	rwsem_init(&sb->umount_lock, RANK_SB_RENAME, "umount");
	mutex_init(&sb->rename_lock, RANK_SB_RENAME, "rename");
	spin_init(&sb->inode_lock, RANK_SB_INODES, "sb inodes");
	list_init(&sb->inodes);
	list_init(&sb->dirty);
	list_init(&sb->node);
	list_init(&sb->mounts);
	return sb;
}

static void publish(struct super_block *sb)
{
	spin_lock(&supers_lock);
	list_add_tail(&sb->node, &supers);
	spin_unlock(&supers_lock);
}

int super_alloc_nodev(const struct filesystem *fs, unsigned flags,
		      struct super_block **out)
{
	struct super_block *sb = super_new(fs, flags);
	int err;

	if (!sb)
		return -ENOMEM;
	err = anon_dev_alloc(&sb->dev);
	if (err) {
		user_ns_put(sb->user_ns);
		kfree(sb);
		return err;
	}
	publish(sb);
	*out = sb;
	return 0;
}

static bool super_tryget(struct super_block *sb)
{
	return ref_tryget(&sb->refs);
}

/* --- on block devices ---------------------------------------------------------*/
/* By the node that user space names; the kernel itself may have no nodes. */
static int find_bdev(const char *dev, struct block_device **out)
{
	struct inode *i;
	struct path p;
	int err;

	if (!dev || !*dev)
		return -EINVAL;
	if (!current->mm)
		return blkdev_resolve(dev, out);
	err = path_lookup(AT_FDCWD, dev, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	if (!S_ISBLK(i->mode))
		err = -ENOTBLK;
	else if (path_has_no_devices(&p))
		err = -EACCES;
	else if (!(*out = blkdev_find_dev(i->rdev)))
		err = -ENXIO;
	path_put(&p);
	return err;
}

static struct super_block *find_shared(const struct filesystem *fs,
				       const struct block_device *b)
{
	struct super_block *sb, *found = NULL;

	spin_lock(&supers_lock);
	list_for_each_entry(sb, &supers, node) {
		if (sb->fs == fs && sb->bdev == b && super_tryget(sb)) {
			found = sb;
			break;
		}
	}
	spin_unlock(&supers_lock);
	return found;
}

static int claim_new(const struct filesystem *fs, unsigned flags,
		     struct block_device *b, struct super_block **out)
{
	struct super_block *sb;
	int err;

	if (b->is_readonly && !(flags & SB_RDONLY))
		return -EACCES;
	sb = super_new(fs, flags);
	if (!sb)
		return -ENOMEM;
	err = blkdev_claim(b, sb);
	if (err) {
		user_ns_put(sb->user_ns);
		kfree(sb);
		return err;
	}
	sb->bdev = b;
	sb->dev = b->dev;
	strscpy(sb->id, b->name, sizeof(sb->id));
	publish(sb);
	*out = sb;
	return 0;
}

/* --- for simple file systems ------------------------------------------------------*/
static int fill_or_kill(struct super_block *sb, char *opts,
			int (*fill)(struct super_block *, char *))
{
	int err = fill(sb, opts);

	if (err)
		super_put(sb);
	return err;
}

int mount_nodev(const struct filesystem *fs, unsigned flags, char *opts,
		int (*fill)(struct super_block *, char *opts),
		struct super_block **out)
{
	int err;

	if (!(fs->flags & FS_SINGLE)) {
		err = super_alloc_nodev(fs, flags | SB_NOWRITEBACK, out);
		return err ? err : fill_or_kill(*out, opts, fill);
	}
	mutex_lock(&find_mutex);
	*out = find_shared(fs, NULL);
	err = 0;
	if (!*out) {
		err = super_alloc_nodev(fs, flags | SB_NOWRITEBACK, out);
		if (!err)
			err = fill_or_kill(*out, opts, fill);
	}
	mutex_unlock(&find_mutex);
	return err;
}

/* One that is mounted already serves again, read-only or not as it is. */
static int share(struct super_block *sb, unsigned flags)
{
	if (!((sb->flags ^ flags) & SB_RDONLY))
		return 0;
	super_put(sb);
	return -EBUSY;
}

/* *out is NULL on error, or hidden and to be put. */
static int claim_and_fill(const struct filesystem *fs, unsigned flags,
			  struct block_device *b, char *opts,
			  int (*fill)(struct super_block *, char *opts),
			  struct super_block **out)
{
	int err = claim_new(fs, flags, b, out);

	if (err) {
		*out = NULL;
		return err;
	}
	err = fill(*out, opts);
	if (err) {
		spin_lock(&supers_lock);
		list_del_init(&(*out)->node);
		spin_unlock(&supers_lock);
	}
	return err;
}

int mount_bdev(const struct filesystem *fs, unsigned flags, const char *dev,
	       char *opts, int (*fill)(struct super_block *, char *opts),
	       struct super_block **out)
{
	struct super_block *shared;
	struct block_device *b;
	int err = find_bdev(dev, &b);

	if (err)
		return err;
	/* Until it is filled nobody else may find it. */
	mutex_lock(&find_mutex);
	shared = find_shared(fs, b);
	if (!shared)
		err = claim_and_fill(fs, flags, b, opts, fill, out);
	mutex_unlock(&find_mutex);
	if (shared) {
		blkdev_put(b);
		*out = shared;
		return share(shared, flags);
	}
	if (err && *out)
		super_put(*out);
	else if (err)
		blkdev_put(b);
	return err;
}

/* --- ending ------------------------------------------------------------------------*/
static void shut_down(struct super_block *sb)
{
	inotify_forget_super(sb);
	if (sb->root) {
		dentry_shrink_sb(sb);
		ignore_error(sync_super(sb));	/* errseq told the writers */
		dentry_put(sb->root);
		sb->root = NULL;
	}
	__atomic_fetch_and(&sb->flags, ~SB_ACTIVE, __ATOMIC_SEQ_CST);
	if (!inode_evict_all(sb))
		pr_err("%s: inodes in use after the last mount is gone\n",
		       sb->id);
	if (sb->ops->put_super)
		sb->ops->put_super(sb);
}

void kill_super_anon(struct super_block *sb)
{
	shut_down(sb);
	anon_dev_free(sb->dev);
}

void kill_super_bdev(struct super_block *sb)
{
	struct block_device *b = sb->bdev;

	shut_down(sb);
	if (!sb_is_readonly(sb)) {
		ignore_error(inode_sync(b->inode, false));
		ignore_error(blkdev_flush(b));
	}
	blkdev_release(b, sb);
	blkdev_put(b);
}

void super_put(struct super_block *sb)
{
	if (!ref_put(&sb->refs))
		return;
	if (sb->fs->kill)
		sb->fs->kill(sb);
	else
		kill_super_anon(sb);
	spin_lock(&supers_lock);
	list_del_init(&sb->node);
	spin_unlock(&supers_lock);
	/* Inodes are freed after a grace period and look at their sb. */
	rcu_barrier();
	user_ns_put(sb->user_ns);
	kfree(sb);
}

/* --- all ----------------------------------------------------------------------------*/
static struct super_block *next_super(struct super_block *prev)
{
	struct super_block *sb, *found = NULL;
	bool is_after = !prev;

	spin_lock(&supers_lock);
	list_for_each_entry(sb, &supers, node) {
		if (is_after && super_tryget(sb)) {
			found = sb;
			break;
		}
		is_after |= sb == prev;
	}
	spin_unlock(&supers_lock);
	return found;
}

void super_for_each(void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct super_block *sb = NULL, *next;

	while ((next = next_super(sb))) {
		if (sb)
			super_put(sb);
		sb = next;
		fn(sb, arg);
	}
	if (sb)
		super_put(sb);
}
