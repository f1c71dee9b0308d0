/*
 * signalfd - signals that are read (signalfd(2)).  A read takes signals of
 * the reader, not of whoever made the descriptor.
 *
 * Locks:   sighand->lock of the reader; the mask is replaced under file.lock.
 */
#include <fs/signalfd.h>
#include <kernel/waitq.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/process.h>

struct signalfd_siginfo {
	u32 signo;
	s32 err, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value;
	u64 ptr, utime, stime, addr;
	u16 addr_lsb;
	u16 _pad2;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 _pad[28];
};
static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd_siginfo");

struct signalfd {
	u64 mask;
};

static void fill(struct signalfd_siginfo *o, const struct siginfo *i)
{
	memset(o, 0, sizeof(*o));
	o->signo = (u32)i->signo;
	o->err = i->err;
	o->code = i->code;
	switch (i->signo) {
	case SIGCHLD:
		o->pid = (u32)i->chld.pid;
		o->uid = i->chld.uid;
		o->status = i->chld.status;
		o->utime = (u64)i->chld.utime;
		o->stime = (u64)i->chld.stime;
		return;
	case SIGILL: case SIGFPE: case SIGSEGV: case SIGBUS: case SIGTRAP:
		if (i->code > 0) {
			o->addr = i->fault.addr;
			return;
		}
		break;
	case SIGIO:
		if (i->code > 0) {
			o->band = (u32)i->poll.band;
			o->fd = i->poll.fd;
			return;
		}
		break;
	default:
		break;
	}
	if (i->code == SI_TIMER) {
		o->tid = (u32)i->timer.tid;
		o->overrun = (u32)i->timer.overrun;
		o->ptr = i->timer.value;
		o->value = (s32)i->timer.value;
		return;
	}
	o->pid = (u32)i->rt.pid;
	o->uid = i->rt.uid;
	o->ptr = i->rt.value;
	o->value = (s32)i->rt.value;
}

/* Next signal of the set: 1 taken, 0 end, -Exxx. */
static int take(struct signalfd *s, struct siginfo *info, bool wait)
{
	struct sighand *sh = current->sighand;
	int sig = 0, err = 0;

	irq_lock(&sh->lock);
	sig = signal_dequeue_locked(READ_ONCE(s->mask), info);
	irq_unlock(&sh->lock);
	if (sig)
		return 1;
	if (!wait)
		return -EAGAIN;
	err = wait_event_intr(sighand_waitq(sh), ({
		irq_lock(&sh->lock);
		sig = signal_dequeue_locked(READ_ONCE(s->mask), info);
		irq_unlock(&sh->lock);
		sig;
	}));
	if (sig)
		return 1;
	return err ? -ERESTARTSYS : 0;
}

static ssize_t signalfd_read(struct file *f, struct iter *it, u64 *pos,
			     unsigned flags)
{
	bool wait = !(f->flags & O_NONBLOCK) && !(flags & IOCB_NOWAIT);
	struct signalfd_siginfo out;
	struct siginfo info;
	ssize_t done = 0;
	int r;

	if (it->count < sizeof(out))
		return -EINVAL;
	while (it->count >= sizeof(out)) {
		r = take(f->priv, &info, wait && !done);
		if (r <= 0)
			return done ? done : r;
		fill(&out, &info);
		if (copy_to_iter(&out, sizeof(out), it) != sizeof(out))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(out);
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->priv;

	poll_wait(f, sighand_waitq(current->sighand), pt);
	return signal_pending_set(current) & READ_ONCE(s->mask) ? EPOLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->priv);
}

static size_t signalfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct signalfd *s = f->priv;

	return (size_t)kscnprintf(buf, n, "sigmask:\t%016llx\n",
				  (unsigned long long)READ_ONCE(s->mask));
}

static const struct file_ops signalfd_fops = {
	.read_iter = signalfd_read,
	.poll = signalfd_poll,
	.llseek = noop_llseek,
	.release = signalfd_release,
	.show_fdinfo = signalfd_fdinfo,
	.nowait = FMODE_READ,
	.no_splice = true,
};

int signalfd_create(u64 mask, unsigned flags, struct file **out)
{
	struct signalfd *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	err = file_anon("[signalfd]", &signalfd_fops, s, O_RDWR | flags, out);
	if (err)
		kfree(s);
	return err;
}

int signalfd_set_mask(struct file *f, u64 mask)
{
	struct signalfd *s = f->priv;

	if (f->ops != &signalfd_fops)
		return -EINVAL;
	WRITE_ONCE(s->mask, mask);
	wake_all(sighand_waitq(current->sighand));
	return 0;
}
