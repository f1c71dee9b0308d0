/*
 * loop - disks that are files: /dev/loopN and /dev/loop-control (loop(4)).
 *
 * Theory:  a device is made when LOOP_CTL_GET_FREE or LOOP_CTL_ADD asks for it
 *          and stays.  While a file is attached, a kernel task of its own turns
 *          bios into reads and writes of that file, through its page cache or
 *          past it (LOOP_SET_DIRECT_IO); it is not throttled for the pages
 *          that it makes dirty, since it makes other pages clean.  Detaching
 *          writes the device's cache out first.  A device that is in use then
 *          is detached when its last user goes (LO_FLAGS_AUTOCLEAR).
 * Locks:   loop.ctl (RANK_LOOP) for attaching, detaching and changing; loop.lock
 *          (RANK_DEVICE) for the queue and what the task reads of the rest.
 * Life:    the attached file is referenced; the task ends when it is detached.
 */
#include <arch/uaccess.h>
#include <fs/device.h>
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <kernel/task.h>
#include <kernel/work.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

#define LOOP_MAJOR 7
#define LOOP_MAX 64
#define CONTROL_MINOR 237
#define MAX_BYTES (1u << 20)

enum {
	LOOP_SET_FD = 0x4c00,
	LOOP_CLR_FD,
	LOOP_SET_STATUS,
	LOOP_GET_STATUS,
	LOOP_SET_STATUS64,
	LOOP_GET_STATUS64,
	LOOP_CHANGE_FD,
	LOOP_SET_CAPACITY,
	LOOP_SET_DIRECT_IO,
	LOOP_SET_BLOCK_SIZE,
	LOOP_CONFIGURE,
	LOOP_CTL_ADD = 0x4c80,
	LOOP_CTL_REMOVE,
	LOOP_CTL_GET_FREE,
};

#define LO_READ_ONLY 1u
#define LO_AUTOCLEAR 4u
#define LO_PARTSCAN 8u
#define LO_DIRECT_IO 16u
#define LO_SETTABLE (LO_AUTOCLEAR | LO_PARTSCAN)

#define FALLOC_PUNCH (1 | 2)	/* keep the size, punch a hole */

struct loop_info64 {
	u64 device, inode, rdevice, offset, sizelimit;
	u32 number, encrypt_type, encrypt_key_size, flags;
	char file_name[64], crypt_name[64];
	u8 encrypt_key[32];
	u64 init[2];
};
static_assert(sizeof(struct loop_info64) == 232, "as Linux has it");

struct loop_info {
	s32 number;
	u32 device;
	u64 inode;
	u32 rdevice;
	s32 offset, encrypt_type, encrypt_key_size, flags;
	char name[64];
	u8 encrypt_key[32];
	u64 init[2];
	char reserved[4];
};

struct loop_config {
	u32 fd, block_size;
	struct loop_info64 info;
	u64 reserved[8];
};

struct loop {
	struct mutex ctl;
	struct irqlock lock;
	struct list pending __guarded_by(&lock);	/* bios */
	bool is_open __guarded_by(&lock);	/* takes bios */
	struct file *file;	/* changes under both locks */
	u64 offset, sizelimit;	/* changes under both locks */
	u32 flags;		/* ctl; the task looks at LO_DIRECT_IO */
	char file_name[64];	/* ctl */
	struct waitq wait;
	struct completion gone;
	struct work clear;
	u32 number;		/* const */
	struct block_device bdev;
};

static struct loop *loops[LOOP_MAX];	/* loops_lock; only grows */
static struct mutex loops_lock = MUTEX_INIT(loops_lock, RANK_LOOP, "loops");

/* --- the task ------------------------------------------------------------*/
static int move_data(struct file *f, u64 pos, struct bio *bio, unsigned how)
{
	bool is_write = bio->op == BIO_WRITE;
	struct iter it;
	ssize_t n;

	iter_pages(&it, bio->vecs, bio->nr_vecs, bio->bytes, is_write);
	while (it.count) {
		n = is_write ? vfs_write(f, &it, &pos, how) :
			       vfs_read(f, &it, &pos, how);
		if (n == -EINVAL && how) {
			how = 0;	/* not aligned: through the cache */
			continue;
		}
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
	}
	/* The file has become shorter than the disk. */
	if (it.count && is_write)
		return -EIO;
	if (it.count)
		zero_iter(it.count, &it);
	return 0;
}

static int do_bio(struct file *f, u64 pos, struct bio *bio, unsigned how)
{
	switch (bio->op) {
	case BIO_READ:
	case BIO_WRITE:
		return move_data(f, pos, bio, how);
	case BIO_FLUSH:
		return vfs_fsync_range(f, 0, S64_MAX, true);
	default:
		return vfs_fallocate(f, FALLOC_PUNCH, pos, bio->bytes);
	}
}

/* The next bio, with a reference to the file it is for; NULL: none, and
 * *ended tells whether there will be more. */
static struct bio *take_bio(struct loop *l, struct file **f, u64 *pos,
			    bool *ended)
{
	struct bio *bio;

	irq_lock(&l->lock);
	bio = list_first_entry_or_null(&l->pending, struct bio, node);
	if (bio) {
		list_del(&bio->node);
		*f = file_get(l->file);
		*pos = l->offset + (bio->sector << 9);
	}
	*ended = !bio && !l->is_open;
	irq_unlock(&l->lock);
	return bio;
}

static bool has_work(struct loop *l)
{
	bool yes;

	irq_lock(&l->lock);
	yes = !list_empty(&l->pending) || !l->is_open;
	irq_unlock(&l->lock);
	return yes;
}

static void loop_main(void *arg)
{
	struct loop *l = arg;
	struct bio *bio;
	struct file *f = NULL;
	bool ended;
	u64 pos = 0;
	int err;

	current->flags |= TF_CLEANER;
	for (;;) {
		wait_event(&l->wait, has_work(l));
		bio = take_bio(l, &f, &pos, &ended);
		if (ended)
			break;
		if (!bio)
			continue;
		err = do_bio(f, pos, bio, READ_ONCE(l->flags) & LO_DIRECT_IO ?
						  IOCB_DIRECT : 0);
		bio_end(bio, err);
		file_put(f);
	}
	complete(&l->gone);
}

static void loop_submit(struct block_device *b, struct bio *bio)
{
	struct loop *l = b->priv;
	bool ok;

	irq_lock(&l->lock);
	ok = l->is_open;
	if (ok)
		list_add_tail(&bio->node, &l->pending);
	irq_unlock(&l->lock);
	if (!ok)
		bio_end(bio, -EIO);
}

static void loop_kick(struct block_device *b)
{
	struct loop *l = b->priv;

	wake_all(&l->wait);
}

/* --- attaching and detaching ------------------------------------------------*/
static u64 sectors_of(struct file *f, u64 offset, u64 limit)
{
	u64 size = mapping_size(f->mapping);

	size = size > offset ? size - offset : 0;
	if (limit && limit < size)
		size = limit;
	return size >> 9;
}

static int check_backing(struct file *f)
{
	u32 mode = f->inode->mode;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!S_ISREG(mode) && !S_ISBLK(mode))
		return -EINVAL;
	if (S_ISBLK(mode) && MAJOR(f->inode->rdev) == LOOP_MAJOR)
		return -EINVAL;
	return f->ops->read_iter ? 0 : -EINVAL;
}

static bool is_block_size(unsigned long n)
{
	return n >= 512 && n <= PAGE_SIZE && is_pow2(n);
}

static void set_block_size(struct loop *l, u32 n)
{
	l->bdev.logical_block = l->bdev.physical_block = n;
}

static void apply_size(struct loop *l)
{
	blkdev_set_size(&l->bdev,
			sectors_of(l->file, l->offset, l->sizelimit));
}

/* Past the page cache, if the disk below can be asked for such blocks. */
static void set_direct(struct loop *l, bool wanted)
{
	const struct block_device *below = l->file->inode->sb->bdev;
	bool may = wanted && S_ISREG(l->file->inode->mode) && below &&
		   l->file->mapping->ops->direct_io &&
		   l->bdev.logical_block >= below->logical_block &&
		   !(l->offset & (below->logical_block - 1));

	WRITE_ONCE(l->flags, (l->flags & ~LO_DIRECT_IO) |
				     (may ? LO_DIRECT_IO : 0));
}

static bool is_direct(const struct loop *l)
{
	return l->flags & LO_DIRECT_IO;
}

static int open_queue(struct loop *l, struct file *f)
{
	int err;

	completion_init(&l->gone);
	irq_lock(&l->lock);
	l->file = f;
	l->is_open = true;
	irq_unlock(&l->lock);
	err = kthread_create(loop_main, l, -1, NULL, l->bdev.name);
	if (!err)
		return 0;
	irq_lock(&l->lock);
	l->file = NULL;
	l->is_open = false;
	irq_unlock(&l->lock);
	return err;
}

/* f's reference moves in on success. */
static int attach_locked(struct loop *l, struct file *f, bool is_readonly,
			 const struct loop_info64 *info, u32 block)
{
	int err;

	if (l->file)
		return -EBUSY;
	err = check_backing(f);
	if (err)
		return err;
	if (!(f->mode & FMODE_WRITE) || !f->ops->write_iter)
		is_readonly = true;
	l->offset = info->offset;
	l->sizelimit = info->sizelimit;
	l->flags = (info->flags & LO_SETTABLE) |
		   (is_readonly ? LO_READ_ONLY : 0);
	memcpy(l->file_name, info->file_name, sizeof(l->file_name));
	l->file_name[sizeof(l->file_name) - 1] = 0;
	l->bdev.is_readonly = is_readonly;
	l->bdev.has_discard = !is_readonly && f->ops->fallocate;
	set_block_size(l, block);
	err = open_queue(l, f);
	if (err)
		return err;
	set_direct(l, (info->flags & LO_DIRECT_IO) || (f->flags & O_DIRECT));
	apply_size(l);
	if (l->flags & LO_PARTSCAN)
		ignore_error(blkdev_rescan(&l->bdev));	/* as in Linux */
	return 0;
}

static int attach(struct loop *l, struct file *dev, int fd,
		  const struct loop_info64 *info, u32 block)
{
	struct file *f = fd_get_file(fd);
	bool ro = (info->flags & LO_READ_ONLY) || !(dev->mode & FMODE_WRITE);
	int err;

	if (!f)
		return -EBADF;
	mutex_lock(&l->ctl);
	err = attach_locked(l, f, ro, info, block);
	mutex_unlock(&l->ctl);
	if (err)
		file_put(f);
	return err;
}

static void write_out(struct loop *l)
{
	struct mapping *m = &l->bdev.inode->data;

	/* What cannot be written is lost, as with a disk that is pulled. */
	ignore_error(mapping_write(m, 0, ~0ull >> 1, true));
	mapping_invalidate(m, 0, ~0ull >> 1);
}

static void detach_locked(struct loop *l)
{
	struct file *f = l->file;

	write_out(l);
	ignore_error(blkdev_flush(&l->bdev));
	irq_lock(&l->lock);
	l->is_open = false;
	irq_unlock(&l->lock);
	wake_all(&l->wait);
	wait_for_completion(&l->gone);
	blkdev_set_size(&l->bdev, 0);
	/* Partitions in use stay, and fail. */
	ignore_error(blkdev_rescan(&l->bdev));
	l->file = NULL;
	l->flags = 0;
	l->offset = l->sizelimit = 0;
	l->bdev.is_readonly = false;
	file_put(f);
}

static int clear_fd(struct loop *l)
{
	int err = 0;

	mutex_lock(&l->ctl);
	if (!l->file)
		err = -ENXIO;
	else if (blkdev_is_used(&l->bdev, 1))
		l->flags |= LO_AUTOCLEAR;
	else
		detach_locked(l);
	mutex_unlock(&l->ctl);
	return err;
}

static void clear_work(struct work *w)
{
	struct loop *l = container_of(w, struct loop, clear);

	mutex_lock(&l->ctl);
	if (l->file && (l->flags & LO_AUTOCLEAR) &&
	    !blkdev_is_used(&l->bdev, 0))
		detach_locked(l);
	mutex_unlock(&l->ctl);
}

static void loop_idle(struct block_device *b)
{
	struct loop *l = b->priv;

	if (READ_ONCE(l->flags) & LO_AUTOCLEAR)
		work_queue(&l->clear);
}

/* --- status ------------------------------------------------------------------*/
static int get_status_locked(struct loop *l, struct loop_info64 *i)
{
	struct inode *n;

	if (!l->file)
		return -ENXIO;
	n = l->file->inode;
	*i = (struct loop_info64){
		.device = dev_encode(n->sb->dev), .inode = n->ino,
		.rdevice = dev_encode(n->rdev),
		.offset = l->offset, .sizelimit = l->sizelimit,
		.number = l->number, .flags = l->flags,
	};
	memcpy(i->file_name, l->file_name, sizeof(i->file_name));
	return 0;
}

static int check_info(const struct loop_info64 *i)
{
	if (i->encrypt_type)
		return -EINVAL;
	return (s64)i->offset < 0 || (s64)i->sizelimit < 0 ? -EOVERFLOW : 0;
}

static int set_status_locked(struct loop *l, const struct loop_info64 *i)
{
	bool moved = i->offset != l->offset || i->sizelimit != l->sizelimit;
	bool scan = (i->flags & LO_PARTSCAN) && !(l->flags & LO_PARTSCAN);
	int err = check_info(i);

	if (!l->file)
		return -ENXIO;
	if (err)
		return err;
	if (moved)
		write_out(l);
	irq_lock(&l->lock);
	l->offset = i->offset;
	l->sizelimit = i->sizelimit;
	irq_unlock(&l->lock);
	if (moved)
		apply_size(l);
	memcpy(l->file_name, i->file_name, sizeof(l->file_name));
	l->file_name[sizeof(l->file_name) - 1] = 0;
	l->flags = (l->flags & ~LO_AUTOCLEAR) | (i->flags & LO_SETTABLE);
	set_direct(l, is_direct(l));
	return scan ? blkdev_rescan(&l->bdev) : 0;
}

static void to_old(const struct loop_info64 *i, struct loop_info *o)
{
	*o = (struct loop_info){
		.number = (s32)i->number, .device = (u32)i->device,
		.inode = i->inode, .rdevice = (u32)i->rdevice,
		.offset = (s32)i->offset, .flags = (s32)i->flags,
	};
	memcpy(o->name, i->file_name, sizeof(o->name));
}

static void from_old(const struct loop_info *o, struct loop_info64 *i)
{
	*i = (struct loop_info64){
		.offset = (u64)o->offset, .flags = (u32)o->flags,
		.encrypt_type = (u32)o->encrypt_type,
	};
	memcpy(i->file_name, o->name, sizeof(i->file_name));
}

static int get_status(struct loop *l, void __user *arg, bool is_old)
{
	struct loop_info64 i;
	struct loop_info o;
	int err;

	mutex_lock(&l->ctl);
	err = get_status_locked(l, &i);
	mutex_unlock(&l->ctl);
	if (err)
		return err;
	if (!is_old)
		return copy_to_user(arg, &i, sizeof(i));
	if (i.offset > INT_MAX)
		return -EOVERFLOW;
	to_old(&i, &o);
	return copy_to_user(arg, &o, sizeof(o));
}

static int set_status(struct loop *l, const void __user *arg, bool is_old)
{
	struct loop_info64 i;
	struct loop_info o;
	int err;

	if (!is_old && copy_from_user(&i, arg, sizeof(i)))
		return -EFAULT;
	if (is_old) {
		if (copy_from_user(&o, arg, sizeof(o)))
			return -EFAULT;
		from_old(&o, &i);
	}
	mutex_lock(&l->ctl);
	err = set_status_locked(l, &i);
	mutex_unlock(&l->ctl);
	return err;
}

/* --- other ioctls ---------------------------------------------------------------*/
static int configure(struct loop *l, struct file *dev, const void __user *arg)
{
	struct loop_config c;
	int err;

	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	if ((c.info.flags & ~(LO_READ_ONLY | LO_SETTABLE | LO_DIRECT_IO)) ||
	    (c.block_size && !is_block_size(c.block_size)))
		return -EINVAL;
	err = check_info(&c.info);
	return err ? err : attach(l, dev, (int)c.fd, &c.info,
				  c.block_size ? c.block_size : 512);
}

/* Another file of the same size, under readers. */
static int change_locked(struct loop *l, struct file *f)
{
	struct file *old = l->file;
	int err;

	if (!old)
		return -ENXIO;
	if (!(l->flags & LO_READ_ONLY))
		return -EINVAL;
	err = check_backing(f);
	if (err)
		return err;
	if (mapping_size(f->mapping) != mapping_size(old->mapping))
		return -EINVAL;
	irq_lock(&l->lock);
	l->file = file_get(f);
	irq_unlock(&l->lock);
	file_put(old);
	return 0;
}

static int change_fd(struct loop *l, int fd)
{
	struct file *f = fd_get_file(fd);
	int err;

	if (!f)
		return -EBADF;
	mutex_lock(&l->ctl);
	err = change_locked(l, f);
	mutex_unlock(&l->ctl);
	file_put(f);
	return err;
}

static int change_geometry(struct loop *l, unsigned cmd, unsigned long arg)
{
	int err = 0;

	mutex_lock(&l->ctl);
	if (!l->file) {
		err = -ENXIO;
	} else if (cmd == LOOP_SET_CAPACITY) {
		apply_size(l);
	} else if (cmd == LOOP_SET_DIRECT_IO) {
		set_direct(l, arg);
		err = is_direct(l) == !!arg ? 0 : -EINVAL;
	} else if (!is_block_size(arg)) {
		err = -EINVAL;
	} else {
		write_out(l);
		set_block_size(l, (u32)arg);
		set_direct(l, is_direct(l));
	}
	mutex_unlock(&l->ctl);
	return err;
}

static int loop_ioctl(struct block_device *b, struct file *f, unsigned cmd,
		      unsigned long arg)
{
	static const struct loop_info64 plain;
	struct loop *l = b->priv;
	void __user *u = (void __user *)arg;

	if (b != &l->bdev)
		return -ENOTTY;
	switch (cmd) {
	case LOOP_SET_FD:
		return attach(l, f, (int)arg, &plain, 512);
	case LOOP_CONFIGURE:
		return configure(l, f, u);
	case LOOP_CLR_FD:
		return clear_fd(l);
	case LOOP_GET_STATUS:
	case LOOP_GET_STATUS64:
		return get_status(l, u, cmd == LOOP_GET_STATUS);
	case LOOP_CHANGE_FD:
		return change_fd(l, (int)arg);
	}
	if (cmd < LOOP_SET_FD || cmd > LOOP_CONFIGURE)
		return -ENOTTY;
	if (!(f->mode & FMODE_WRITE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == LOOP_SET_STATUS || cmd == LOOP_SET_STATUS64)
		return set_status(l, u, cmd == LOOP_SET_STATUS);
	return change_geometry(l, cmd, arg);
}

/* --- /sys/block/loopN/loop -------------------------------------------------------*/
static size_t put_backing(struct loop *l, char *buf, size_t n)
{
	char *page = filename_buffer(), *text;
	size_t len = 0;

	if (page && !path_format(&l->file->path, page, PATH_MAX, &text))
		len = (size_t)kscnprintf(buf, n, "%s\n", text);
	if (page)
		filename_buffer_put(page);
	return len;
}

static const char *const attr_names[] = { "autoclear", "backing_file", "dio",
					  "offset", "partscan", "sizelimit" };

static const char *loop_attr(struct block_device *b, unsigned i, char *buf,
			     size_t n)
{
	struct loop *l = b->priv;
	u64 v = 0;

	if (i >= ARRAY_SIZE(attr_names) || !READ_ONCE(l->file))
		return NULL;
	if (!buf)
		return attr_names[i];
	mutex_lock(&l->ctl);
	buf[0] = 0;
	if (i == 1 && l->file)
		put_backing(l, buf, n);
	if (i != 1) {
		v = i == 0 ? !!(l->flags & LO_AUTOCLEAR) :
		    i == 2 ? is_direct(l) :
		    i == 3 ? l->offset :
		    i == 4 ? !!(l->flags & LO_PARTSCAN) :
		    i == 5 ? l->sizelimit : 0;
		kscnprintf(buf, n, "%llu\n", v);
	}
	mutex_unlock(&l->ctl);
	return attr_names[i];
}

static const struct block_ops loop_ops = {
	.submit = loop_submit,
	.kick = loop_kick,
	.ioctl = loop_ioctl,
	.idle = loop_idle,
	.attr_dir = "loop",
	.attr = loop_attr,
};

/* --- /dev/loop-control -----------------------------------------------------------*/
static int make(u32 n)
{
	struct loop *l = kzalloc(sizeof(*l), GFP_KERNEL);
	struct block_device *b;
	int err;

	if (!l)
		return -ENOMEM;
	b = &l->bdev;
	mutex_init(&l->ctl, RANK_LOOP, "loop");
	irq_lock_init(&l->lock, RANK_DEVICE, "loop queue");
	list_init(&l->pending);
	waitq_init(&l->wait);
	work_init(&l->clear, clear_work);
	l->number = n;
	kscnprintf(b->name, sizeof(b->name), "loop%u", n);
	b->dev = MKDEV(LOOP_MAJOR, n);
	b->whole = b;
	b->ops = &loop_ops;
	b->priv = l;
	b->max_bytes = MAX_BYTES;
	b->max_segments = MAX_BYTES / PAGE_SIZE;
	b->has_flush = true;
	set_block_size(l, 512);
	err = blkdev_register(b);
	if (err) {
		kfree(l);
		return err;
	}
	loops[n] = l;
	return (int)n;
}

static long add_locked(long n)
{
	if (n < 0)
		for (n = 0; n < LOOP_MAX && loops[n]; n++)
			;
	if (n >= LOOP_MAX)
		return -ENOSPC;
	return loops[n] ? -EEXIST : make((u32)n);
}

static long get_free_locked(void)
{
	for (u32 n = 0; n < LOOP_MAX; n++)
		if (!loops[n] || !READ_ONCE(loops[n]->file))
			return loops[n] ? (long)n : make(n);
	return -ENOSPC;
}

static long control_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	long ret = -ENOSYS;	/* what Linux says to what it does not know */

	mutex_lock(&loops_lock);
	if (cmd == LOOP_CTL_ADD)
		ret = add_locked((int)arg);
	else if (cmd == LOOP_CTL_GET_FREE)
		ret = get_free_locked();
	mutex_unlock(&loops_lock);
	return ret;
}

static const struct file_ops control_fops = {
	.ioctl = control_ioctl,
	.llseek = noop_llseek,
};

static struct char_device control = {
	.dev = MKDEV(MISC_MAJOR, CONTROL_MINOR), .count = 1,
	.name = "loop-control", .mode = 0660,
	.fops = &control_fops, .class = "misc",
};

static void loop_init(void)
{
	chrdev_range_name(MKDEV(MISC_MAJOR, 0), "misc");
	ignore_error(chrdev_register(&control));	/* its number is free */
}
INIT(INIT_DRIVER, loop_init);
