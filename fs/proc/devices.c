/*
 * devices - files about file systems, devices and the kernel log.
 *
 * /proc/kmsg is the log as syslog(2) reads it: a read waits for records and
 * takes them from the one position that all its readers share.
 * Locks:   kmsg_lock guards that position.
 */
#include "proc_impl.h"
#include <fs/device.h>
#include <fs/locks.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <signal/signal.h>
#include <lib/string.h>
#include <task/sysrq.h>
#include <mm/slab.h>

static int filesystems_show(struct seq *s, void *arg)
{
	const struct filesystem *fs;

	for (unsigned i = 0; (fs = filesystem_nth(i)); i++) {
		if (fs->flags & FS_HIDDEN)
			continue;
		seq_puts(s, fs->flags & FS_NODEV ? "nodev\t" : "\t");
		seq_puts(s, fs->name);
		seq_putc(s, '\n');
	}
	return 0;
}

/* Text of a function that fills a given buffer: again until it fits. */
static void put_block_text(struct seq *s, size_t (*show)(char *, size_t))
{
	size_t room = 4096, n;
	char *to;

	while ((to = seq_reserve(s, room))) {
		n = show(to, room);
		if (n + 256 < room) {
			s->len += n;
			return;
		}
		room *= 2;
	}
}

static int partitions(struct seq *s, void *arg)
{
	put_block_text(s, partitions_show);
	return 0;
}

static int diskstats(struct seq *s, void *arg)
{
	put_block_text(s, diskstats_show);
	return 0;
}

static int locks(struct seq *s, void *arg)
{
	u64 index = 0;
	size_t n;
	char *to;

	while ((to = seq_reserve(s, 4096)) &&
	       (n = locks_show(&index, to, 4096)))
		s->len += n;
	return 0;
}

static void put_block_majors(struct seq *s)
{
	struct block_device *b = NULL;
	u32 last = ~0u;
	char name[32];

	seq_puts(s, "\nBlock devices:\n");
	while ((b = blkdev_next(b))) {
		if (MAJOR(b->dev) == last || b->whole != b)
			continue;
		last = MAJOR(b->dev);
		strscpy(name, b->name, sizeof(name));
		name[strcspn(name, "0123456789")] = 0;
		if (str_has_prefix(name, "vd"))
			strscpy(name, "virtblk", sizeof(name));
		seq_printf(s, "%3u %s\n", last, name);
	}
}

static int devices_show(struct seq *s, void *arg)
{
	const char *name;
	u32 dev;

	seq_puts(s, "Character devices:\n");
	for (unsigned i = 0; (name = chrdev_range_nth(i, &dev)); i++)
		seq_printf(s, "%3u %s\n", MAJOR(dev), name);
	put_block_majors(s);
	return 0;
}

/* The devices that share a major number, each with a minor of its own. */
static int misc_show(struct seq *s, void *arg)
{
	struct chrdev_info c;

	for (unsigned i = 0; chrdev_nth(i, &c); i++)
		if (MAJOR(c.dev) == MISC_MAJOR)
			seq_printf(s, "%3u %s\n", MINOR(c.dev), c.name);
	return 0;
}

static int sysrq_write(char *text, size_t len, void *arg)
{
	if (len)
		sysrq_key(text[0], false);
	return 0;
}

/* --- kmsg ---------------------------------------------------------------*/
static struct mutex kmsg_lock = MUTEX_INIT(kmsg_lock, RANK_SLEEP_A, "kmsg");
static u64 kmsg_seq;			/* kmsg_lock */

static int kmsg_open(struct inode *i, struct file *f)
{
	if (!capable(CAP_SYSLOG))
		return -EPERM;
	f->mode |= FMODE_STREAM;
	return 0;
}

/* 0: there is nothing new. */
static ssize_t kmsg_take(struct iter *it)
{
	char *buf = pages_alloc_va(GFP_KERNEL, 0);
	u64 seq, next;
	size_t n;

	if (!buf)
		return -ENOMEM;
	mutex_lock(&kmsg_lock);
	seq = kmsg_seq;
	next = log_next_seq();	/* before: one may come while we look */
	n = log_read(&seq, buf, min(it->count, PAGE_SIZE), true);
	if (n && copy_to_iter(buf, n, it) != n)
		n = (size_t)-EFAULT;
	else if (!n && next > seq)
		n = (size_t)-EINVAL;	/* a record larger than the buffer */
	else
		kmsg_seq = seq;
	mutex_unlock(&kmsg_lock);
	pages_free_va(buf, 0);
	return (ssize_t)n;
}

static ssize_t kmsg_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	ssize_t n;

	irqs_unmask();
	if (!it->count)
		return 0;
	for (;;) {
		n = kmsg_take(it);
		if (n)
			return n;
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			return -EAGAIN;
		if (wait_event_intr(log_waitq(),
				    log_next_seq() > READ_ONCE(kmsg_seq)))
			return -ERESTARTSYS;
	}
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, log_waitq(), pt);
	return log_next_seq() > READ_ONCE(kmsg_seq) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_ops kmsg_fops = {
	.open = kmsg_open,
	.read_iter = kmsg_read,
	.poll = kmsg_poll,
	.llseek = no_llseek,
};

static const struct proc_entry entries[] = {
	{ .name = "devices", .mode = 0444, .show = devices_show },
	{ .name = "diskstats", .mode = 0444, .show = diskstats },
	{ .name = "filesystems", .mode = 0444, .show = filesystems_show },
	{ .name = "kmsg", .mode = 0400, .fops = &kmsg_fops },
	{ .name = "locks", .mode = 0444, .show = locks },
	{ .name = "misc", .mode = 0444, .show = misc_show },
	{ .name = "partitions", .mode = 0444, .show = partitions },
	{ .name = "sysrq-trigger", .mode = 0200, .write = sysrq_write },
};

static void devices_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, devices_init);
