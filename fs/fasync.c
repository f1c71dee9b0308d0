/*
 * fasync - signals instead of polling: O_ASYNC.
 *
 * Theory:  an object that bytes come through has a list of the files that want
 *          to hear of it; whoever wakes its sleepers also sends the signals.
 *          The list is empty nearly always, and then that costs one load.
 * Locks:   fasync_lock guards all lists; signals are sent under it.  Over it
 *          change_lock keeps a file's entry and its FASYNC flag in step.
 * Life:    an entry ends with O_ASYNC, or with its file.
 */
#include "vfs_impl.h"
#include <lib/errno.h>
#include <mm/slab.h>
#include <signal/signal.h>

struct fasync {
	struct fasync *next;		/* fasync_lock */
	struct file *file;		/* const */
	int fd;				/* const; what siginfo tells */
};

static struct irqlock fasync_lock = IRQLOCK_INIT(RANK_FASYNC, "fasync");
static struct spinlock change_lock = SPINLOCK_INIT(RANK_SPIN, "fasync change");

static struct fasync *unlink_locked(struct fasync **list, struct file *f)
{
	struct fasync *fa;

	while ((fa = *list) && fa->file != f)
		list = &fa->next;
	if (fa)
		WRITE_ONCE(*list, fa->next);
	return fa;
}

/* The flag says whether there is an entry: by it the last close takes it
 * off. */
static void set_flag(struct file *f, bool on)
{
	spin_lock(&f->lock);
	f->flags = on ? f->flags | FASYNC : f->flags & ~FASYNC;
	spin_unlock(&f->lock);
}

int fasync_set(struct fasync **list, struct file *f, int fd, bool on)
{
	struct fasync *old, *fa = NULL;

	if (on) {
		fa = kmalloc(sizeof(*fa), GFP_KERNEL);
		if (!fa)
			return -ENOMEM;
		*fa = (struct fasync){ .file = f, .fd = fd };
	}
	spin_lock(&change_lock);
	irq_lock(&fasync_lock);
	old = unlink_locked(list, f);
	if (fa) {
		fa->next = *list;
		WRITE_ONCE(*list, fa);
	}
	irq_unlock(&fasync_lock);
	set_flag(f, on);
	spin_unlock(&change_lock);
	kfree(old);
	return 0;
}

static int band_of(int code)
{
	return code == POLL_IN	? EPOLLIN | EPOLLRDNORM :
	       code == POLL_OUT ? EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND :
				  EPOLLHUP | EPOLLERR;
}

void fasync_send(struct fasync **list, int code)
{
	struct fasync *fa;
	u32 side = code == POLL_IN	? FMODE_READ :
		       code == POLL_OUT ? FMODE_WRITE : 0;

	irq_lock(&fasync_lock);
	for (fa = *list; fa; fa = fa->next)
		if ((fa->file->mode & side) == side)
			file_signal_owner(fa->file, fa->fd, code,
					  band_of(code));
	irq_unlock(&fasync_lock);
}
