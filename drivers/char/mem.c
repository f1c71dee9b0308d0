/*
 * mem - /dev/null, zero, full, random, urandom, kmsg (null(4), full(4),
 * random(4); Documentation of /dev/kmsg's record form: dmesg(1)).
 */
#include <arch/uaccess.h>
#include <fs/device.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/cred.h>

static ssize_t null_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	size_t n = it->count;

	iter_advance(it, n);
	return (ssize_t)n;
}

static ssize_t zero_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	ssize_t done = 0;

	while (it->count) {
		size_t want = min_t(size_t, it->count, 65536), n;

		if (want > 256)
			irqs_unmask();
		n = zero_iter(want, it);
		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
		if (done >= 65536) {
			if (signal_pending(current))
				return done;
			cond_resched();
		}
	}
	return done;
}

static ssize_t full_write(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	return -ENOSPC;
}

/* Private: anonymous memory.  Shared: memory of its own kind. */
static int zero_mmap(struct file *f, struct vma *v)
{
	struct file *shm;
	int err;

	if (!(v->flags & VM_SHARED)) {
		v->ops = NULL;
		v->mapping = NULL;
		return 0;
	}
	if (!shmem_file_hook)
		return -ENODEV;
	err = shmem_file_hook("dev/zero", v->end - v->start,
			      !(v->flags & VM_NORESERVE), &shm);
	if (err)
		return err;
	err = shm->ops->mmap(shm, v);
	if (!err)
		v->file = shm;
	file_put(shm);		/* the area has a reference of its own */
	return err;
}

static ssize_t random_read(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	bool blocks = MINOR(f->inode->rdev) == 8;
	u8 buf[256];
	ssize_t done = 0;

	if (blocks && !random_is_seeded()) {
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			return -EAGAIN;
		if (random_wait_seeded_intr())
			return -ERESTARTSYS;
	}
	irqs_unmask();
	while (it->count) {
		size_t want = min_t(size_t, it->count, sizeof(buf)), n;

		random_bytes(buf, want);
		n = copy_to_iter(buf, want, it);
		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
		if (!(done & 0xffff) && signal_pending(current))
			break;
	}
	return done;
}

static ssize_t random_write(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	u8 buf[64];
	ssize_t done = 0;

	while (it->count) {
		size_t want = min_t(size_t, it->count, sizeof(buf)), n;

		n = copy_from_iter(buf, want, it);
		random_mix(buf, n, 0);
		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
	}
	return done;
}

#define RNDGETENTCNT 0x80045200ul
#define RNDADDENTROPY 0x40085203ul
#define RNDADDTOENTCNT 0x40045201ul

static int credit_entropy(const int __user *arg)
{
	int bits;

	if (get_user(bits, arg))
		return -EFAULT;
	if (bits < 0)
		return -EINVAL;
	random_mix(NULL, 0, min_t(u32, (u32)bits, 256));
	return 0;
}

static int add_entropy(unsigned long arg)
{
	struct {
		s32 bits, size;
	} head;
	u8 buf[64];

	if (copy_from_user(&head, (void __user *)arg, sizeof(head)))
		return -EFAULT;
	if (head.bits < 0 || head.size < 0)
		return -EINVAL;
	for (s32 at = 0; at < head.size; at += (s32)sizeof(buf)) {
		size_t n = min_t(size_t, sizeof(buf), (size_t)(head.size - at));

		if (copy_from_user(buf, (u8 __user *)arg + 8 + at, n))
			return -EFAULT;
		random_mix(buf, n, 0);
	}
	random_mix(NULL, 0, min_t(u32, (u32)head.bits, 256));
	return 0;
}

static long random_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	if (cmd == RNDGETENTCNT)
		return put_user((int)random_entropy_bits(), (int __user *)arg);
	if (cmd != RNDADDENTROPY && cmd != RNDADDTOENTCNT)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return cmd == RNDADDENTROPY ? add_entropy(arg) :
				      credit_entropy((const int __user *)arg);
}

/* --- /dev/kmsg: priv is the next record's number */
static int kmsg_open(struct inode *i, struct file *f)
{
	u64 *seq;

	if (!(f->mode & FMODE_READ))
		return 0;
	if (READ_ONCE(sysctl_dmesg_restrict) && !capable(CAP_SYSLOG))
		return -EPERM;
	seq = kmalloc(sizeof(*seq), GFP_KERNEL);
	if (!seq)
		return -ENOMEM;
	*seq = log_first_seq();
	f->priv = seq;
	return 0;
}

static void kmsg_release(struct file *f)
{
	kfree(f->priv);
}

static ssize_t kmsg_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	u64 *seq = f->priv;
	char *buf;
	size_t n;
	ssize_t ret;

	if (!seq)
		return -EBADF;
	buf = kmalloc(2048, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (*seq >= log_next_seq()) {
		ret = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			goto out;
		ret = -ERESTARTSYS;
		if (wait_event_intr(log_waitq(), *seq < log_next_seq()))
			goto out;
	}
	ret = -EPIPE;
	if (*seq < log_first_seq()) {	/* overwritten */
		*seq = log_first_seq();
		goto out;
	}
	n = log_read_kmsg(seq, buf, 2048);
	ret = -EINVAL;
	if (n > it->count)
		goto out;
	ret = copy_to_iter(buf, n, it) == n ? (ssize_t)n : -EFAULT;
out:
	kfree(buf);
	return ret;
}

static ssize_t kmsg_write(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	size_t n = it->count, at = 0;
	int prio = LOG_WARNING | 8;	/* facility: user */
	char *buf;

	if (n > 992)
		return -EINVAL;
	buf = kmalloc(n + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, it) != n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = 0;
	if (n > 2 && buf[0] == '<') {
		char *end;
		u64 v;

		if (!str_to_u64(buf + 1, 10, &end, &v) && *end == '>' &&
		    v < 1024) {
			prio = (int)v;
			at = (size_t)(end - buf) + 1;
		}
	}
	log_user(prio, buf + at, n - at);
	kfree(buf);
	return (ssize_t)n;
}

static int kmsg_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	u64 *seq = f->priv;

	if (!seq)
		return -EBADF;
	if (off)
		return -ESPIPE;
	if (whence == SEEK_SET)
		*seq = log_first_seq();
	else if (whence == SEEK_END || whence == SEEK_DATA)
		*seq = log_next_seq();
	else
		return -EINVAL;
	*out = 0;
	return 0;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	u64 *seq = f->priv;

	if (!seq)
		return EPOLLERR | EPOLLNVAL;
	poll_wait(f, log_waitq(), pt);
	return *seq < log_next_seq() ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_ops null_fops = {
	.read_iter = null_read,
	.write_iter = null_write,
	.llseek = noop_llseek,
	.nowait = FMODE_READ | FMODE_WRITE,
};
static const struct file_ops zero_fops = {
	.read_iter = zero_read,
	.write_iter = null_write,
	.llseek = noop_llseek,
	.mmap = zero_mmap,
	.nowait = FMODE_READ | FMODE_WRITE,
};
static const struct file_ops full_fops = {
	.read_iter = zero_read,
	.write_iter = full_write,
	.llseek = noop_llseek,
};
static const struct file_ops random_fops = {
	.read_iter = random_read,
	.write_iter = random_write,
	.llseek = noop_llseek,
	.ioctl = random_ioctl,
	.nowait = FMODE_READ | FMODE_WRITE,
};
static const struct file_ops kmsg_fops = {
	.open = kmsg_open,
	.read_iter = kmsg_read,
	.write_iter = kmsg_write,
	.llseek = kmsg_llseek,
	.poll = kmsg_poll,
	.release = kmsg_release,
	.no_splice = true,
};

#define MEM(n, minor, m, ops)                                                  \
	{ .dev = MKDEV(1, minor), .count = 1, .name = n, .mode = m,            \
	  .fops = &ops, .class = "mem" }
static struct char_device mem_devices[] = {
	MEM("null", 3, 0666, null_fops),
	MEM("zero", 5, 0666, zero_fops),
	MEM("full", 7, 0666, full_fops),
	MEM("random", 8, 0666, random_fops),
	MEM("urandom", 9, 0666, random_fops),
	MEM("kmsg", 11, 0644, kmsg_fops),
};

static void mem_init(void)
{
	chrdev_range_name(MKDEV(1, 0), "mem");
	for (unsigned i = 0; i < ARRAY_SIZE(mem_devices); i++)
		if (chrdev_register(&mem_devices[i]))
			pr_err("mem: no /dev/%s\n", mem_devices[i].name);
}
INIT(INIT_FS, mem_init);
