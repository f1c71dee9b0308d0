/*
 * tty_core - terminals as files: open, close, read, write, poll, hang-up,
 * /dev/tty and /dev/console.
 *
 * Life:    a tty is referenced by its driver (until unregistered), by each
 *          open file and by each process group that has it as controlling
 *          terminal.
 * Locks:   see tty_impl.h and ldisc.c.  ttys_lock guards the list.
 */
#include <fs/device.h>
#include <fs/proc.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/process.h>
#include "tty_impl.h"

const struct termios_k tty_std_termios = {
	.iflag = ICRNL | IXON,
	.oflag = OPOST | ONLCR,
	.cflag = B38400 | CS8 | CREAD | HUPCL,
	.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE |
		 IEXTEN,
	.cc = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0 },
	.ispeed = 38400,
	.ospeed = 38400,
};

#define SERIAL_MAJOR 4u		/* ttyS0 on */
#define SERIAL_MINOR 64u

static struct spinlock ttys_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "ttys");
static struct list ttys = LIST_INIT(ttys);
static struct tty *console_tty;		/* const after boot; a reference */
static char console_name[16];

static void hangup_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, hangup_work);

	tty_hangup(t);
	tty_put(t);
}

int tty_alloc(const struct tty_ops *ops, void *priv, u32 dev, struct tty **out)
{
	struct tty *t = kvzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	ref_init(&t->refs, 1);
	t->ops = ops;
	t->priv = priv;
	t->dev = dev;
	t->termios = tty_std_termios;
	irq_lock_init(&t->lock, RANK_TTY_IRQ, "tty");
	irq_lock_init(&t->ctrl_lock, RANK_TTY_IRQ, "tty control");
	mutex_init(&t->read_lock, RANK_TTY, "tty read");
	mutex_init(&t->write_lock, RANK_TTY, "tty write");
	waitq_init(&t->read_wait);
	waitq_init(&t->write_wait);
	work_init(&t->hangup_work, hangup_work);
	list_init(&t->node);
	*out = t;
	return 0;
}

void tty_put(struct tty *t)
{
	if (!ref_put(&t->refs))
		return;
	if (t->pgrp)
		pid_put(t->pgrp);
	if (t->session)
		pid_put(t->session);
	if (t->ops->free)
		t->ops->free(t);
	kvfree(t);
}

int tty_create(const char *name, u32 dev, const struct tty_ops *ops, void *priv,
	       struct tty **out)
{
	struct tty *t;
	int err = tty_alloc(ops, priv, dev, &t);

	if (err)
		return err;
	strscpy(t->name, name, sizeof(t->name));
	t->termios.cflag |= CLOCAL;	/* no carrier to wait for or lose */
	t->cdev = (struct char_device){
		.dev = dev, .count = 1, .name = t->name, .mode = 0600,
		.fops = &tty_fops, .priv = t, .class = "tty",
	};
	err = chrdev_register(&t->cdev);
	if (err) {
		tty_put(t);
		return err;
	}
	spin_lock(&ttys_lock);
	list_add_tail(&t->node, &ttys);
	spin_unlock(&ttys_lock);
	tty_set_console(t, name);
	*out = t;
	return 0;
}

void tty_set_console(struct tty *t, const char *name)
{
	if (!console_tty || !strcmp(name, console_name)) {
		if (console_tty)
			tty_put(console_tty);
		console_tty = tty_get(t);
	}
}

static void param_console(const char *value)
{
	const char *comma = strchr(value, ',');
	size_t n = comma ? (size_t)(comma - value) : strlen(value);

	n = min_t(size_t, n, sizeof(console_name) - 1);
	memcpy(console_name, value, n);
	console_name[n] = 0;
}
PARAM("console", param_console);

void tty_wakeup(struct tty *t)
{
	smp_mb();	/* the room that was made, then who waits for it */
	if (waitq_active(&t->write_wait))
		waitq_wake(&t->write_wait, TASK_NORMAL, 0,
			   EPOLLOUT | EPOLLWRNORM);
}

int tty_open_file(struct tty *t, struct file *f, bool may_control)
{
	int err = 0;

	irq_lock(&t->lock);
	if (t->exclusive && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	else if (!t->count++)
		ldisc_reset_locked(t);
	f->priv_seq = t->hang_ups;
	irq_unlock(&t->lock);
	if (err)
		return err;
	f->priv = t;
	if (t->ops->open)
		err = t->ops->open(t, f);
	if (err) {
		irq_lock(&t->lock);
		t->count--;
		irq_unlock(&t->lock);
		f->priv = NULL;
		return err;
	}
	tty_get(t);
	/* Who may only write gets no rights of a session. */
	if (may_control && !(f->flags & O_NOCTTY) && (f->mode & FMODE_READ))
		tty_set_controlling(t);
	return 0;
}

#define DEV_TTY MKDEV(5, 0)
#define DEV_CONSOLE MKDEV(5, 1)

static int tty_open(struct inode *i, struct file *f)
{
	struct char_device *c;
	struct tty *t = NULL;
	int err;

	if (i->rdev == DEV_TTY) {
		t = tty_current_get();
		if (!t)
			return -ENXIO;
		err = tty_open_file(t, f, false);
		tty_put(t);
		return err;
	}
	if (i->rdev == DEV_CONSOLE)
		return console_tty ? tty_open_file(console_tty, f, false) :
				     -ENODEV;
	if (MAJOR(i->rdev) == 136) {
		t = pty_slave_get(MINOR(i->rdev));
		if (!t)
			return -EIO;
		err = tty_open_file(t, f, true);
		tty_put(t);
		return err;
	}
	c = chrdev_find(i->rdev);
	if (!c)
		return -ENXIO;
	return tty_open_file(c->priv, f, true);
}

static void tty_release(struct file *f)
{
	struct tty *t = f->priv;
	bool is_last;

	if (!t)
		return;
	irq_lock(&t->lock);
	is_last = --t->count == 0;
	if (is_last)
		t->exclusive = false;
	irq_unlock(&t->lock);
	if (t->ops->close)
		t->ops->close(t, f);
	tty_put(t);
}

/* The console itself is never hung up. */
bool file_hupped(const struct file *f)
{
	const struct tty *t = f->priv;

	return !t || (READ_ONCE(t->hang_ups) != f->priv_seq &&
		      f->inode->rdev != DEV_CONSOLE);
}

static ssize_t tty_read(struct file *f, struct iter *it, u64 *pos,
			unsigned flags)
{
	struct tty *t = f->priv;
	ssize_t n;

	if (file_hupped(f))
		return 0;
	n = ldisc_read(t, f, it, flags);
	if (n > 0)
		inode_touch(f->inode, TIME_A);
	return n;
}

static ssize_t tty_write(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	struct tty *t = f->priv;
	ssize_t n;
	int err;

	if (file_hupped(f))
		return -EIO;
	if (L_FLAG(t, TOSTOP)) {
		err = tty_check_change_intr(t, SIGTTOU);
		if (err)
			return err;
	}
	n = ldisc_write(t, f, it, flags);
	if (n > 0)
		inode_touch(f->inode, TIME_M);
	return n;
}

#define HUNG_UP (EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDNORM | EPOLLOUT |       \
		 EPOLLWRNORM)

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->priv;
	u32 ev = 0;

	if (!t)
		return HUNG_UP;
	poll_wait(f, &t->read_wait, pt);
	poll_wait(f, &t->write_wait, pt);
	irq_lock(&t->lock);
	if (ldisc_readable_locked(t, C_CHAR(t, VTIME) || !C_CHAR(t, VMIN) ?
					     1 : C_CHAR(t, VMIN)))
		ev |= EPOLLIN | EPOLLRDNORM;
	if (!t->stopped && t->ops->room(t) >= 8)
		ev |= EPOLLOUT | EPOLLWRNORM;
	if (t->is_pty && t->other_closed)
		ev |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	irq_unlock(&t->lock);
	return file_hupped(f) ? HUNG_UP : ev;
}

const struct file_ops tty_fops = {
	.open = tty_open,
	.read_iter = tty_read,
	.write_iter = tty_write,
	.llseek = no_llseek,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.release = tty_release,
};

void tty_hangup(struct tty *t)
{
	irq_lock(&t->lock);
	t->hang_ups++;
	ldisc_reset_locked(t);
	irq_unlock(&t->lock);
	tty_signal_session_hup(t);
	wake_all(&t->read_wait);
	wake_all(&t->write_wait);
	if (t->link)
		tty_wakeup(t->link);
}

static struct char_device dev_tty = {
	.dev = DEV_TTY, .count = 1, .name = "tty", .mode = 0666,
	.fops = &tty_fops, .class = "tty",
};
static const char *console_active(void)
{
	return console_tty ? console_tty->name : NULL;
}

static struct char_device dev_console = {
	.dev = DEV_CONSOLE, .count = 1, .name = "console", .mode = 0600,
	.fops = &tty_fops, .class = "tty", .active = console_active,
};

/* --- /proc --------------------------------------------------------------------- */
static struct tty *find_named_locked(const char *name)
	__must_hold(&ttys_lock)
{
	struct tty *t;

	list_for_each_entry(t, &ttys, node)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

/* They write, can do so at any time, and showed the log's beginning. */
static int consoles_show(struct seq *s, void *arg)
{
	const char *active = console_active();
	bool is_boot;
	char name[16];
	struct tty *t;
	u32 dev;

	for (unsigned i = 0; console_nth(i, name, sizeof(name), &is_boot);
	     i++) {
		spin_lock(&ttys_lock);
		t = find_named_locked(name);
		dev = t ? t->dev : 0;
		spin_unlock(&ttys_lock);
		seq_printf(s, "%-20s -W- (E%c%c p a)", name,
			   active && !strcmp(active, name) ? 'C' : ' ',
			   is_boot ? 'B' : ' ');
		if (dev)
			seq_printf(s, " %4d:%d", MAJOR(dev), MINOR(dev));
		seq_putc(s, '\n');
	}
	return 0;
}

static void put_driver(struct seq *s, const char *name, const char *node,
		       u32 first, u32 n, const char *type)
{
	seq_printf(s, "%-20s /dev/%-8s %3d ", name, node, MAJOR(first));
	if (n > 1)
		seq_printf(s, "%d-%d %s\n", MINOR(first), MINOR(first) + n - 1,
			   type);
	else
		seq_printf(s, "%7d %s\n", MINOR(first), type);
}

/* The drivers whose terminals have numbers in a row. */
static int drivers_show(struct seq *s, void *arg)
{
	u32 nr_serial = 0;
	struct tty *t;

	spin_lock(&ttys_lock);
	list_for_each_entry(t, &ttys, node)
		if (MAJOR(t->dev) == SERIAL_MAJOR)
			nr_serial = max(nr_serial,
					MINOR(t->dev) - SERIAL_MINOR + 1);
	spin_unlock(&ttys_lock);
	put_driver(s, "/dev/tty", "tty", DEV_TTY, 1, "system:/dev/tty");
	put_driver(s, "/dev/console", "console", DEV_CONSOLE, 1,
		   "system:console");
	put_driver(s, "/dev/ptmx", "ptmx", MKDEV(5, 2), 1, "system");
	if (nr_serial)
		put_driver(s, "serial", "ttyS",
			   MKDEV(SERIAL_MAJOR, SERIAL_MINOR), nr_serial,
			   "serial");
	put_driver(s, "pty_slave", "pts", MKDEV(136, 0), PTY_MAX, "pty:slave");
	put_driver(s, "pty_master", "ptm", MKDEV(128, 0), PTY_MAX,
		   "pty:master");
	return 0;
}

static const struct proc_entry tty_entries[] = {
	{ .name = "consoles", .mode = 0444, .show = consoles_show },
	{ .name = "tty/drivers", .mode = 0444, .show = drivers_show },
};

static void tty_init(void)
{
	chrdev_range_name(MKDEV(SERIAL_MAJOR, SERIAL_MINOR), "ttyS");
	chrdev_range_name(DEV_TTY, "/dev/tty");
	chrdev_range_name(DEV_CONSOLE, "/dev/console");
	if (chrdev_register(&dev_tty) || chrdev_register(&dev_console))
		pr_err("tty: no /dev/tty, /dev/console\n");
	proc_register(tty_entries, ARRAY_SIZE(tty_entries));
}
INIT(INIT_FS, tty_init);
