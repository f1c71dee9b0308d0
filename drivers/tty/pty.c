/*
 * pty - pseudo terminals (pty(7)).
 *
 * Theory:  a pair is two ttys joined by `link`.  The slave is an ordinary
 *          terminal whose "wire" is a byte ring that the master reads; what
 *          the master writes is the slave's input.  In packet mode a read of
 *          the master begins with a status byte.
 * Locks:   pair.lock (RANK_DEVICE) guards the ring; it is taken under the
 *          slave's tty->lock by the slave's output path.
 * Life:    the master's open file owns the master, which owns a reference to
 *          the slave; the slave's open files and devpts lookups hold the
 *          slave.  The pair is freed with the slave.
 */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/bitmap.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/process.h>
#include "tty_impl.h"

#define PTY_RING 16384u
#define PTMX_DEV MKDEV(5, 2)

struct pair {
	struct irqlock lock;
	u32 head, tail;			/* lock */
	struct tty *master, *slave;	/* const */
	bool slave_opened;		/* ever */
	u8 ring[PTY_RING];		/* lock */
};

static struct spinlock table_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "ptys");
static struct tty *slaves[PTY_MAX];	/* no references. table_lock */
int (*pty_node_hook)(u32 index, const struct file *ptmx);

static size_t ring_used(const struct pair *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail);
}

/* Was the slave open, and is it no more?  What it wrote is in the ring. */
static bool slave_is_closed(const struct pair *p)
{
	return READ_ONCE(p->slave_opened) && !load_acquire(&p->slave->count);
}

/* --- the slave's wire ----------------------------------------------------------*/
static size_t slave_write(struct tty *t, const u8 *s, size_t n)
{
	struct pair *p = t->priv;
	size_t done = 0;

	irq_lock(&p->lock);
	n = min_t(size_t, n, PTY_RING - ring_used(p));
	while (done < n) {
		u32 off = p->head % PTY_RING;
		size_t k = min_t(size_t, n - done, PTY_RING - off);

		memcpy(p->ring + off, s + done, k);
		p->head += (u32)k;
		done += k;
	}
	irq_unlock(&p->lock);
	smp_mb();	/* the bytes, then who waits for them */
	if (done && waitq_active(&p->master->read_wait))
		waitq_wake(&p->master->read_wait, TASK_NORMAL, 0,
			   EPOLLIN | EPOLLRDNORM);
	return done;
}

static size_t slave_room(struct tty *t)
{
	return PTY_RING - ring_used(t->priv);
}

/* Stop and start, and who does them, end each other. */
static u32 packet_other(u32 bits)
{
	return (bits & (TIOCPKT_STOP | TIOCPKT_NOSTOP)) << 1 |
	       (bits & (TIOCPKT_START | TIOCPKT_DOSTOP)) >> 1;
}

static void slave_packet(struct tty *t, u8 bits)
{
	struct pair *p = t->priv;
	struct tty *m = p->master;

	if (!READ_ONCE(m->packet))
		return;
	irq_lock(&p->lock);
	m->ctrl_status = (m->ctrl_status & ~packet_other(bits)) | bits;
	irq_unlock(&p->lock);
	waitq_wake(&m->read_wait, TASK_NORMAL, 0,
		   EPOLLPRI | EPOLLIN | EPOLLRDNORM);
}

static u8 take_status(struct pair *p)
{
	u8 bits;

	irq_lock(&p->lock);
	bits = (u8)p->master->ctrl_status;
	p->master->ctrl_status = 0;
	irq_unlock(&p->lock);
	return bits;
}

static void slave_flush(struct tty *t)
{
	struct pair *p = t->priv;

	irq_lock(&p->lock);
	p->tail = p->head;
	irq_unlock(&p->lock);
	slave_packet(t, TIOCPKT_FLUSHWRITE);
}

static void slave_unthrottle(struct tty *t)
{
	tty_wakeup(((struct pair *)t->priv)->master);
}

static void slave_set_termios(struct tty *t, const struct termios_k *old)
{
	bool was = (old->iflag & IXON) && old->cc[VSTOP] == 19 &&
		   old->cc[VSTART] == 17;
	bool is = I_FLAG(t, IXON) && C_CHAR(t, VSTOP) == 19 &&
		  C_CHAR(t, VSTART) == 17;

	if (was != is)
		slave_packet(t, is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
}

static int slave_open(struct tty *t, struct file *f)
{
	struct pair *p = t->priv;

	if (READ_ONCE(t->pty_locked) || READ_ONCE(t->other_closed))
		return -EIO;
	WRITE_ONCE(p->slave_opened, true);
	return 0;
}

static void slave_close(struct tty *t, struct file *f)
{
	struct pair *p = t->priv;

	if (READ_ONCE(t->count))
		return;
	wake_all(&p->master->read_wait);
	wake_all(&p->master->write_wait);
}

static void slave_free(struct tty *t)
{
	struct pair *p = t->priv;

	spin_lock(&table_lock);
	if (slaves[t->index] == t)
		slaves[t->index] = NULL;
	spin_unlock(&table_lock);
	kvfree(p->master);
	kvfree(p);
}

static const struct tty_ops slave_ops = {
	.write = slave_write,
	.room = slave_room,
	.pending = NULL,
	.open = slave_open,
	.close = slave_close,
	.set_termios = slave_set_termios,
	.unthrottle = slave_unthrottle,
	.flush = slave_flush,
	.packet = slave_packet,
	.free = slave_free,
};

/* --- the master -------------------------------------------------------------------*/
static const struct tty_ops master_ops = { .write = NULL };

static bool master_readable(struct pair *p)
{
	return ring_used(p) || slave_is_closed(p) ||
	       (p->master->packet && READ_ONCE(p->master->ctrl_status));
}

static size_t ring_take(struct pair *p, u8 *k, size_t n)
{
	size_t done = 0;

	irq_lock(&p->lock);
	n = min_t(size_t, n, ring_used(p));
	while (done < n) {
		u32 off = p->tail % PTY_RING;
		size_t len = min_t(size_t, n - done, PTY_RING - off);

		memcpy(k + done, p->ring + off, len);
		p->tail += (u32)len;
		done += len;
	}
	irq_unlock(&p->lock);
	return done;
}

/* What there is for the master: in packet mode a status byte, which bytes
 * follow if it tells of no event.  0: nothing. */
static ssize_t master_take(struct pair *p, struct iter *it)
{
	u8 k[256], status = 0;
	ssize_t done = 0;
	size_t n;

	if (p->master->packet) {
		status = take_status(p);
		if (!status && !ring_used(p))
			return 0;
		if (copy_to_iter(&status, 1, it) != 1)
			return -EFAULT;
		done = 1;
	}
	while (!status && it->count &&
	       (n = ring_take(p, k, min_t(size_t, sizeof(k), it->count)))) {
		if (copy_to_iter(k, n, it) != n)
			return done ? done : -EFAULT;
		done += (ssize_t)n;
	}
	return done;
}

static ssize_t master_read(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	struct tty *t = f->priv;
	struct pair *p = t->priv;
	bool closed;
	ssize_t n;

	if (!it->count)
		return 0;
	if (mutex_lock_intr(&t->read_lock))
		return -ERESTARTSYS;
	for (;;) {
		closed = slave_is_closed(p);	/* then it writes no more */
		n = master_take(p, it);
		if (!n && closed)
			n = -EIO;
		if (n)
			break;
		n = -EAGAIN;
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			break;
		mutex_unlock(&t->read_lock);
		if (wait_event_intr(&t->read_wait, master_readable(p)))
			return -ERESTARTSYS;
		mutex_lock(&t->read_lock);
	}
	mutex_unlock(&t->read_lock);
	if (n > 0)
		tty_wakeup(p->slave);
	return n;
}

/* Is there room at the slave, and may the master send? */
static bool slave_takes(const struct pair *p)
{
	return !READ_ONCE(p->master->stopped) && tty_input_room(p->slave);
}

static ssize_t master_write(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	struct tty *t = f->priv;
	struct pair *p = t->priv;
	u8 k[256];
	ssize_t done = 0;
	int err = 0;

	if (mutex_lock_intr(&t->write_lock))
		return -ERESTARTSYS;
	while (it->count && !err) {
		size_t n = copy_from_iter(k, min_t(size_t, sizeof(k), it->count),
					  it), sent = 0;

		if (!n)
			err = -EFAULT;
		while (sent < n && !err) {
			size_t got = READ_ONCE(t->stopped) ? 0 :
				tty_input(p->slave, k + sent, n - sent);

			sent += got;
			done += (ssize_t)got;
			if (got)
				continue;
			if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
				err = -EAGAIN;
			else if (wait_event_intr(&t->write_wait,
						 slave_takes(p)))
				err = -ERESTARTSYS;
		}
	}
	mutex_unlock(&t->write_lock);
	return done ? done : err;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->priv;
	struct pair *p = t->priv;
	u32 ev = 0;

	poll_wait(f, &t->read_wait, pt);
	poll_wait(f, &t->write_wait, pt);
	if (ring_used(p))
		ev |= EPOLLIN | EPOLLRDNORM;
	if (t->packet && READ_ONCE(t->ctrl_status))
		ev |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
	if (slave_takes(p))
		ev |= EPOLLOUT | EPOLLWRNORM;
	if (slave_is_closed(p))
		ev |= EPOLLHUP;
	return ev;
}

#define TIOCPKT 0x5420
#define TIOCGPKT 0x80045438ul
#define TIOCGPTN 0x80045430ul
#define TIOCSPTLCK 0x40045431ul
#define TIOCGPTLCK 0x80045439ul
#define TIOCGPTPEER 0x5441
#define TIOCSIG 0x40045436ul
#define FIONREAD 0x541B
#define TIOCOUTQ 0x5411
#define TCXONC 0x540A
#define TCFLSH 0x540B
#define TIOCSTI 0x5412

enum { TCOOFF, TCOON, TCIOFF, TCION };

/* The master's own output, or a stop or start byte to the slave. */
static long master_flow(struct pair *p, unsigned long arg)
{
	struct tty *t = p->master;
	u8 c;

	switch (arg) {
	case TCOOFF:
	case TCOON:
		WRITE_ONCE(t->stopped, arg == TCOOFF);
		tty_wakeup(t);
		return 0;
	case TCIOFF:
	case TCION:
		c = C_CHAR(t, arg == TCIOFF ? VSTOP : VSTART);
		tty_input(p->slave, &c, 1);
		return 0;
	}
	return -EINVAL;
}

/* A byte as if the slave had written it. */
static long master_sti(struct pair *p, const u8 __user *arg)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, arg))
		return -EFAULT;
	slave_write(p->slave, &c, 1);
	return 0;
}

/* Keys of the keyboard only: who holds the master may not kill a program of
 * another user that way. */
static long master_signal(struct pair *p, unsigned long sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal_fg(p->slave, (int)sig);
	return 0;
}

static long open_peer(struct file *f, struct tty *slave, unsigned flags)
{
	char name[24];
	struct file *pf;
	int fd, err;

	ksnprintf(name, sizeof(name), "/dev/pts/%u", slave->index);
	err = file_open(name, flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK), 0,
			&pf);
	if (err)
		return err;
	err = fd_add(pf, flags & O_CLOEXEC, &fd);
	if (err) {
		file_put(pf);
		return err;
	}
	return fd;
}

static long master_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct tty *t = f->priv, *slave;
	struct pair *p = t->priv;
	int v;

	slave = p->slave;
	switch (cmd) {
	case TIOCPKT:
		if (get_user(v, (int __user *)arg))
			return -EFAULT;
		if (v && !t->packet)
			take_status(p);
		WRITE_ONCE(t->packet, v != 0);
		return 0;
	case TIOCGPKT:
		return put_user((int)t->packet, (int __user *)arg);
	case TIOCGPTN:
		return put_user(slave->index, (u32 __user *)arg);
	case TIOCSPTLCK:
		if (get_user(v, (int __user *)arg))
			return -EFAULT;
		WRITE_ONCE(slave->pty_locked, v != 0);
		return 0;
	case TIOCGPTLCK:
		return put_user((int)slave->pty_locked, (int __user *)arg);
	case TIOCGPTPEER:
		return open_peer(f, slave, (unsigned)arg);
	case TIOCSIG:
		return master_signal(p, arg);
	case FIONREAD:
		return put_user((int)ring_used(p), (int __user *)arg);
	case TIOCOUTQ:
		return put_user(0, (int __user *)arg);
	case TCXONC:
		return master_flow(p, arg);
	case TIOCSTI:
		return master_sti(p, (const u8 __user *)arg);
	case TCFLSH:
		if (arg > 2)
			return -EINVAL;
		if (arg != 1)
			slave_flush(slave);
		if (arg != 0)
			ldisc_flush_input(slave);
		return 0;
	}
	return tty_ioctl(f, cmd, arg);
}

static void pair_end(struct tty *slave)
{
	spin_lock(&table_lock);
	slaves[slave->index] = NULL;
	spin_unlock(&table_lock);
	irq_lock(&slave->lock);
	slave->other_closed = true;
	irq_unlock(&slave->lock);
	tty_hangup(slave);
	tty_put(slave);		/* the last one frees the pair */
}

static void master_release(struct file *f)
{
	struct tty *t = f->priv, *slave;

	if (!t)
		return;
	slave = ((struct pair *)t->priv)->slave;
	if (pty_node_hook)
		ignore_error(pty_node_hook(slave->index, NULL));
	pair_end(slave);
}

static size_t master_fdinfo(struct file *f, char *buf, size_t n)
{
	struct pair *p = ((struct tty *)f->priv)->priv;

	return (size_t)kscnprintf(buf, n, "tty-index:\t%u\n",
				  p->slave->index);
}

static int ptmx_open(struct inode *i, struct file *f);

static const struct file_ops ptmx_fops = {
	.open = ptmx_open,
	.read_iter = master_read,
	.write_iter = master_write,
	.llseek = no_llseek,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
	.show_fdinfo = master_fdinfo,
};

static int index_take(struct tty *slave)
{
	int err = -ENOSPC;

	spin_lock(&table_lock);
	for (u32 i = 0; i < PTY_MAX; i++) {
		if (slaves[i])
			continue;
		slaves[i] = slave;
		slave->index = i;
		slave->dev = MKDEV(136, i);
		err = 0;
		break;
	}
	spin_unlock(&table_lock);
	return err;
}

static int pair_create(struct tty **out)
{
	struct pair *p = kvzalloc(sizeof(*p), GFP_KERNEL);
	int err = -ENOMEM;

	if (!p)
		return err;
	irq_lock_init(&p->lock, RANK_DEVICE, "pty");
	err = tty_alloc(&slave_ops, p, 0, &p->slave);
	if (err)
		goto err_free;
	err = tty_alloc(&master_ops, p, PTMX_DEV, &p->master);
	if (err)
		goto err_slave;
	err = index_take(p->slave);
	if (err)
		goto err_master;
	p->slave->is_pty = p->master->is_pty = true;
	p->master->is_master = true;
	p->slave->pty_locked = true;
	p->slave->link = p->master;
	p->master->link = p->slave;
	p->slave->termios.cflag = 0277;	/* B38400 CS8 CREAD */
	ksnprintf(p->slave->name, sizeof(p->slave->name), "pts/%u",
		  p->slave->index);
	strscpy(p->master->name, "ptmx", sizeof(p->master->name));
	*out = p->master;
	return 0;
err_master:
	kvfree(p->master);
err_slave:
	kvfree(p->slave);
err_free:
	kvfree(p);
	return err;
}

static int ptmx_open(struct inode *i, struct file *f)
{
	struct tty *master;
	int err = pair_create(&master);

	if (err)
		return err;
	master->count = 1;
	if (pty_node_hook)
		err = pty_node_hook(master->link->index, f);
	if (err) {
		pair_end(master->link);
		return err;
	}
	f->priv = master;
	f->priv_seq = 0;
	return 0;
}

/* The slave of a number, referenced; NULL: none. */
struct tty *pty_slave_get(u32 index)
{
	struct tty *t = NULL;

	if (index >= PTY_MAX)
		return NULL;
	spin_lock(&table_lock);
	if (slaves[index] && ref_tryget(&slaves[index]->refs))
		t = slaves[index];
	spin_unlock(&table_lock);
	return t;
}

static struct char_device ptmx_dev = {
	.dev = PTMX_DEV, .count = 1, .name = "ptmx", .mode = 0666,
	.fops = &ptmx_fops, .class = "tty",
};
static struct char_device pts_dev = {
	.dev = MKDEV(136, 0), .count = PTY_MAX, .fops = &tty_fops,
};

/* The masters' own numbers: a master comes of ptmx only. */
static int ptm_open(struct inode *i, struct file *f)
{
	return -EIO;
}

static const struct file_ops ptm_fops = { .open = ptm_open };
static struct char_device ptm_dev = {
	.dev = MKDEV(128, 0), .count = PTY_MAX, .fops = &ptm_fops,
};

static void pty_init(void)
{
	chrdev_range_name(PTMX_DEV, "/dev/ptmx");
	chrdev_range_name(MKDEV(128, 0), "ptm");
	chrdev_range_name(MKDEV(136, 0), "pts");
	if (chrdev_register(&ptmx_dev) || chrdev_register(&pts_dev) ||
	    chrdev_register(&ptm_dev))
		pr_err("pty: cannot register devices\n");
}
INIT(INIT_FS, pty_init);
