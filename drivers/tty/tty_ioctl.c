/*
 * tty_ioctl - ioctl_tty(2): attributes, window size, flow, queues.
 */
#include <arch/uaccess.h>
#include <lib/string.h>
#include <signal/signal.h>
#include <task/process.h>
#include "tty_impl.h"

#define TCGETS 0x5401
#define TCSETS 0x5402
#define TCSETSW 0x5403
#define TCSETSF 0x5404
#define TCGETA 0x5405
#define TCSETA 0x5406
#define TCSETAW 0x5407
#define TCSETAF 0x5408
#define TCSBRK 0x5409
#define TCXONC 0x540A
#define TCFLSH 0x540B
#define TIOCEXCL 0x540C
#define TIOCNXCL 0x540D
#define TIOCSPGRP 0x5410
#define TIOCOUTQ 0x5411
#define TIOCSTI 0x5412
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define TIOCMGET 0x5415
#define TIOCGSOFTCAR 0x5419
#define TIOCSSOFTCAR 0x541A
#define FIONREAD 0x541B
#define TIOCGETD 0x5424
#define TIOCSETD 0x5423
#define TCSBRKP 0x5425
#define TCGETS2 0x802c542aul
#define TCSETS2 0x402c542bul
#define TCSETSW2 0x402c542cul
#define TCSETSF2 0x402c542dul
#define TIOCGDEV 0x80045432ul
#define TIOCVHANGUP 0x5437
#define TIOCGEXCL 0x80045440ul
#define TIOCGLCKTRMIOS 0x5456
#define TIOCSLCKTRMIOS 0x5457

#define TERMIOS_SIZE 36u	/* struct termios: termios2 without speeds */
struct termio {			/* of System V: TCGETA and kin */
	u16 iflag, oflag, cflag, lflag;
	u8 line;
	u8 cc[8];
};
static_assert(sizeof(struct termio) == 18, "termio");

#define TCOOFF 0
#define TCOON 1
#define TCIOFF 2
#define TCION 3

static const struct {
	u32 code, baud;
} speeds[] = {
	{ 0, 0 }, { 1, 50 }, { 2, 75 }, { 3, 110 }, { 4, 134 }, { 5, 150 },
	{ 6, 200 }, { 7, 300 }, { 8, 600 }, { 9, 1200 }, { 10, 1800 },
	{ 11, 2400 }, { 12, 4800 }, { 13, 9600 }, { 14, 19200 }, { 15, 38400 },
	{ 010001, 57600 }, { 010002, 115200 }, { 010003, 230400 },
	{ 010004, 460800 }, { 010005, 500000 }, { 010006, 576000 },
	{ 010007, 921600 }, { 010010, 1000000 }, { 010011, 1152000 },
	{ 010012, 1500000 }, { 010013, 2000000 }, { 010014, 2500000 },
	{ 010015, 3000000 }, { 010016, 3500000 }, { 010017, 4000000 },
};

static u32 baud_of(u32 cflag, u32 explicit)
{
	for (unsigned i = 0; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i].code == (cflag & CBAUD))
			return speeds[i].baud;
	return explicit;	/* BOTHER */
}

static void drain_intr(struct tty *t)
{
	u32 hang_ups = READ_ONCE(t->hang_ups);

	if (!t->ops->pending)
		return;
	ignore_error(wait_event_intr(&t->write_wait,
				     !t->ops->pending(t) ||
				     READ_ONCE(t->hang_ups) != hang_ups));
}

static void keep(u32 *now, u32 old, u32 fixed)
{
	*now = (*now & ~fixed) | (old & fixed);
}

/* What TIOCSLCKTRMIOS fixed stays as it was. */
static void keep_fixed(struct termios_k *k, const struct termios_k *old,
		       const struct termios_k *fixed)
{
	keep(&k->iflag, old->iflag, fixed->iflag);
	keep(&k->oflag, old->oflag, fixed->oflag);
	keep(&k->cflag, old->cflag, fixed->cflag);
	keep(&k->lflag, old->lflag, fixed->lflag);
	if (fixed->line)
		k->line = old->line;
	for (unsigned i = 0; i < NCCS; i++)
		if (fixed->cc[i])
			k->cc[i] = old->cc[i];
}

static void apply_termios(struct tty *t, const struct termios_k *k)
{
	struct termios_k old;

	irq_lock(&t->lock);
	old = t->termios;
	t->termios = *k;
	keep_fixed(&t->termios, &old, &t->fixed);
	ldisc_termios_changed_locked(t, &old);
	irq_unlock(&t->lock);
	if (t->ops->set_termios)
		t->ops->set_termios(t, &old);
	wake_all(&t->read_wait);
	tty_wakeup(t);
}

static struct termios_k read_termios(struct tty *t)
{
	struct termios_k k;

	irq_lock(&t->lock);
	k = t->termios;
	irq_unlock(&t->lock);
	return k;
}

static int get_termio(struct termios_k *k, const void __user *arg)
{
	struct termio o;

	if (copy_from_user(&o, arg, sizeof(o)))
		return -EFAULT;
	keep(&k->iflag, o.iflag, 0xffff);
	keep(&k->oflag, o.oflag, 0xffff);
	keep(&k->cflag, o.cflag, 0xffff);
	keep(&k->lflag, o.lflag, 0xffff);
	k->line = o.line;
	memcpy(k->cc, o.cc, sizeof(o.cc));
	return 0;
}

static long put_termio(struct tty *t, void __user *arg)
{
	struct termios_k k = read_termios(t);
	struct termio o = {
		.iflag = (u16)k.iflag, .oflag = (u16)k.oflag,
		.cflag = (u16)k.cflag, .lflag = (u16)k.lflag, .line = k.line,
	};

	memcpy(o.cc, k.cc, sizeof(o.cc));
	return copy_to_user(arg, &o, sizeof(o));
}

/* size: of the caller's structure; how: 0 at once, 1 after output, 2 and drop
 * input. */
static long set_termios(struct tty *t, const void __user *arg, size_t size,
			unsigned how)
{
	struct termios_k k;
	long err = tty_check_change_intr(t, SIGTTOU);

	if (err)
		return err;
	k = read_termios(t);
	err = size == sizeof(struct termio) ? get_termio(&k, arg) :
					      copy_from_user(&k, arg, size);
	if (err)
		return err;
	k.ispeed = baud_of(k.cflag, k.ispeed);
	k.ospeed = baud_of(k.cflag, k.ospeed);
	if (how) {
		drain_intr(t);
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
	if (how == 2)
		ldisc_flush_input(t);
	apply_termios(t, &k);
	return 0;
}

static long get_termios(struct tty *t, void __user *arg, size_t size)
{
	struct termios_k k = read_termios(t);

	return copy_to_user(arg, &k, size);
}

static long get_fixed(struct tty *t, void __user *arg)
{
	struct termios_k k;

	irq_lock(&t->lock);
	k = t->fixed;
	irq_unlock(&t->lock);
	return copy_to_user(arg, &k, TERMIOS_SIZE);
}

static long set_fixed(struct tty *t, const void __user *arg)
{
	struct termios_k k = { 0 };

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&k, arg, TERMIOS_SIZE))
		return -EFAULT;
	irq_lock(&t->lock);
	t->fixed = k;
	irq_unlock(&t->lock);
	return 0;
}

static long set_soft_carrier(struct tty *t, const int __user *arg)
{
	struct termios_k k = read_termios(t);
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	k.cflag = on ? k.cflag | CLOCAL : k.cflag & ~CLOCAL;
	apply_termios(t, &k);
	return 0;
}

static long set_winsize(struct tty *t, const struct winsize __user *arg)
{
	struct winsize w;
	bool changed;

	if (copy_from_user(&w, arg, sizeof(w)))
		return -EFAULT;
	irq_lock(&t->lock);
	changed = memcmp(&w, &t->winsize, sizeof(w));
	t->winsize = w;
	irq_unlock(&t->lock);
	if (changed)
		tty_signal_fg(t, SIGWINCH);
	return 0;
}

static long get_winsize(struct tty *t, struct winsize __user *arg)
{
	struct winsize w;

	irq_lock(&t->lock);
	w = t->winsize;
	irq_unlock(&t->lock);
	return copy_to_user(arg, &w, sizeof(w));
}

static long flow(struct tty *t, unsigned long arg)
{
	long err = tty_check_change_intr(t, SIGTTOU);
	u8 c = 0;

	if (err)
		return err;
	switch (arg) {
	case TCOOFF:
	case TCOON:
		irq_lock(&t->lock);
		ldisc_stop_locked(t, arg == TCOOFF);
		irq_unlock(&t->lock);
		tty_wakeup(t);
		return 0;
	case TCIOFF:
	case TCION:
		irq_lock(&t->lock);
		c = C_CHAR(t, arg == TCIOFF ? VSTOP : VSTART);
		if (c)
			t->ops->write(t, &c, 1);
		irq_unlock(&t->lock);
		return 0;
	}
	return -EINVAL;
}

static long flush(struct tty *t, unsigned long arg)
{
	long err = tty_check_change_intr(t, SIGTTOU);

	if (err)
		return err;
	if (arg > 2)
		return -EINVAL;
	if (arg != 1)
		ldisc_flush_input(t);
	if (arg != 0) {
		irq_lock(&t->lock);
		if (t->ops->flush)
			t->ops->flush(t);
		irq_unlock(&t->lock);
		tty_wakeup(t);
	}
	return 0;
}

static long count_out(struct tty *t, unsigned cmd, int __user *arg)
{
	size_t n = 0;

	irq_lock(&t->lock);
	if (cmd == FIONREAD)
		n = ldisc_chars_locked(t);
	else if (t->ops->pending)
		n = t->ops->pending(t);
	irq_unlock(&t->lock);
	return put_user((int)n, arg);
}

static long sti(struct tty *t, const u8 __user *arg)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, arg))
		return -EFAULT;
	tty_input(t, &c, 1);
	return 0;
}

static long misc(struct tty *t, struct file *f, unsigned cmd, unsigned long arg)
{
	int ldisc;

	switch (cmd) {
	case TIOCEXCL:
	case TIOCNXCL:
		t->exclusive = cmd == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		return put_user((int)t->exclusive, (int __user *)arg);
	case TIOCGETD:
		return put_user(0, (int __user *)arg);	/* N_TTY */
	case TIOCSETD:
		if (get_user(ldisc, (int __user *)arg))
			return -EFAULT;
		return ldisc ? -EINVAL : 0;
	case TIOCGDEV:
		return put_user((u32)dev_encode(t->dev), (u32 __user *)arg);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	case TCSBRK:
	case TCSBRKP:
		drain_intr(t);
		return signal_pending(current) ? -ERESTARTSYS : 0;
	}
	return t->ops->ioctl ? t->ops->ioctl(t, f, cmd, arg) : -ENOTTY;
}

long tty_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct tty *t = f->priv, *real;
	void __user *p = (void __user *)arg;
	bool handled;
	long ret;

	if (file_hupped(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	real = t->is_master && t->link ? t->link : t;
	ret = tty_job_ioctl(t, real, f, cmd, arg, &handled);
	if (handled)
		return ret;
	switch (cmd) {
	case TCGETS:
		return get_termios(real, p, TERMIOS_SIZE);
	case TCGETS2:
		return get_termios(real, p, sizeof(struct termios_k));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(real, p, TERMIOS_SIZE, cmd - TCSETS);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(real, p, sizeof(struct termios_k),
				   cmd == TCSETS2  ? 0 :
				   cmd == TCSETSW2 ? 1 : 2);
	case TCGETA:
		return put_termio(real, p);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termios(real, p, sizeof(struct termio),
				   cmd - TCSETA);
	case TIOCGLCKTRMIOS:
		return get_fixed(real, p);
	case TIOCSLCKTRMIOS:
		return set_fixed(real, p);
	case TIOCGSOFTCAR:
		return put_user((int)!!(read_termios(real).cflag & CLOCAL),
				(int __user *)p);
	case TIOCSSOFTCAR:
		return set_soft_carrier(real, p);
	case TIOCGWINSZ:
		return get_winsize(real, p);
	case TIOCSWINSZ:
		return set_winsize(real, p);
	case TCXONC:
		return flow(t, arg);
	case TCFLSH:
		return flush(t, arg);
	case FIONREAD:
	case TIOCOUTQ:
		return count_out(t, cmd, p);
	case TIOCSTI:
		return sti(t, p);
	}
	return misc(t, f, cmd, arg);
}
