/*
 * eventfd - a counter behind a descriptor (eventfd(2)).
 *
 * Locks:   the wait queue's lock guards count.
 */
#include <fs/eventfd.h>
#include <kernel/waitq.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <signal/signal.h>

#define EVENTFD_MAX (~0ull - 1)

struct eventfd {
	struct waitq q;
	u64 count __guarded_by(&q.lock);
	bool is_semaphore;	/* const */
};

static ssize_t eventfd_read(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	struct eventfd *e = f->priv;
	u64 value;
	int err = 0;

	if (it->count < sizeof(value))
		return -EINVAL;
	irq_lock(&e->q.lock);
	if (!e->count) {
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			err = -EAGAIN;
		else if (wait_own_locked_intr(&e->q, e->count))
			err = -ERESTARTSYS;
	}
	if (!err) {
		value = e->is_semaphore ? 1 : e->count;
		e->count -= value;
		waitq_wake_locked(&e->q, TASK_NORMAL, 0, EPOLLOUT);
	}
	irq_unlock(&e->q.lock);
	if (err)
		return err;
	return copy_to_iter(&value, sizeof(value), it) == sizeof(value) ?
		       (ssize_t)sizeof(value) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct iter *it, u64 *pos,
			     unsigned flags)
{
	struct eventfd *e = f->priv;
	u64 value;
	int err = 0;

	if (it->count < sizeof(value))
		return -EINVAL;
	if (copy_from_iter(&value, sizeof(value), it) != sizeof(value))
		return -EFAULT;
	if (value == ~0ull)
		return -EINVAL;
	irq_lock(&e->q.lock);
	if (EVENTFD_MAX - e->count < value) {
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			err = -EAGAIN;
		else if (wait_own_locked_intr(&e->q,
					      EVENTFD_MAX - e->count >= value))
			err = -ERESTARTSYS;
	}
	if (!err) {
		e->count += value;
		waitq_wake_locked(&e->q, TASK_NORMAL, 0, EPOLLIN);
	}
	irq_unlock(&e->q.lock);
	return err ? err : (ssize_t)sizeof(value);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	u64 n;

	poll_wait(f, &e->q, pt);
	n = READ_ONCE(e->count);
	return (n ? EPOLLIN : 0) | (n == ~0ull ? EPOLLERR : 0) |
	       (n < EVENTFD_MAX ? EPOLLOUT : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static size_t eventfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct eventfd *e = f->priv;

	return (size_t)kscnprintf(buf, n,
				  "eventfd-count: %16llx\neventfd-id: %d\n"
				  "eventfd-semaphore: %d\n",
				  (unsigned long long)READ_ONCE(e->count), 0,
				  e->is_semaphore);
}

static const struct file_ops eventfd_fops = {
	.read_iter = eventfd_read,
	.write_iter = eventfd_write,
	.poll = eventfd_poll,
	.llseek = noop_llseek,
	.release = eventfd_release,
	.show_fdinfo = eventfd_fdinfo,
	.nowait = FMODE_READ,
	.no_splice = true,
};

bool eventfd_is(const struct file *f)
{
	return f->ops == &eventfd_fops;
}

void eventfd_add(struct file *f, u64 n)
{
	struct eventfd *e = f->priv;

	irq_lock(&e->q.lock);
	e->count += min(n, EVENTFD_MAX - e->count);
	waitq_wake_locked(&e->q, TASK_NORMAL, 0, EPOLLIN);
	irq_unlock(&e->q.lock);
}

int eventfd_create(u64 count, bool is_semaphore, unsigned flags,
		   struct file **out)
{
	struct eventfd *e = kzalloc(sizeof(*e), GFP_KERNEL);
	int err;

	if (!e)
		return -ENOMEM;
	waitq_init(&e->q);
	e->count = count;
	e->is_semaphore = is_semaphore;
	err = file_anon("[eventfd]", &eventfd_fops, e, O_RDWR | flags, out);
	if (err)
		kfree(e);
	return err;
}
