/*
 * timerfd - timers that are read (timerfd_create(2)).
 *
 * Theory:  the timer counts expirations: one when it fires, and the periods
 *          that have passed since are added when somebody looks; so a short
 *          period costs nothing while nobody reads.  A relative time of
 *          CLOCK_REALTIME, and its periods, are of the monotonic clock:
 *          only an absolute one follows a step.
 * Locks:   the wait queue's lock guards all fields.
 */
#include <fs/timerfd.h>
#include <kernel/waitq.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <time/timer.h>

struct timerfd {
	struct waitq q;
	struct timer timer;
	int clockid;			/* const */
	u64 interval_ns;
	u64 expires_ns;			/* of clock_now(); 0: disarmed */
	u64 ticks;
	bool cancel_on_set;
	u32 set_count;			/* clock_set_count() when armed */
	u32 settime_flags;
};

static bool is_realtime(const struct timerfd *t)
{
	return t->clockid == CLOCK_REALTIME_ID ||
	       t->clockid == CLOCK_REALTIME_ALARM_ID;
}

static u64 clock_now(const struct timerfd *t)
{
	return t->timer.clock == TIMER_REALTIME ? clock_realtime_ns() :
						  clock_ns();
}

static void timerfd_fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);

	irq_lock(&t->q.lock);
	if (t->expires_ns) {
		t->ticks++;
		if (!t->interval_ns)
			t->expires_ns = 0;
		waitq_wake_locked(&t->q, TASK_NORMAL, 0, EPOLLIN);
	}
	irq_unlock(&t->q.lock);
}

/* Counts the periods that passed since it fired, and arms it again. */
static void catch_up_locked(struct timerfd *t)
{
	u64 now, periods;

	if (!t->ticks || !t->interval_ns || !t->expires_ns ||
	    timer_is_armed(&t->timer))
		return;
	now = clock_now(t);
	periods = now > t->expires_ns ?
			  (now - t->expires_ns) / t->interval_ns : 0;
	t->ticks += periods;
	t->expires_ns += (periods + 1) * t->interval_ns;
	timer_start(&t->timer, t->expires_ns);
}

static bool canceled(struct timerfd *t)
{
	return t->cancel_on_set && t->set_count != clock_set_count();
}

static ssize_t timerfd_read(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	struct timerfd *t = f->priv;
	u64 ticks = 0;
	int err = 0;

	if (it->count < sizeof(ticks))
		return -EINVAL;
	irq_lock(&t->q.lock);
	if (!t->ticks && !canceled(t)) {
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			err = -EAGAIN;
		else if (wait_own_locked_intr(&t->q,
					      t->ticks || canceled(t)))
			err = -ERESTARTSYS;
	}
	if (!err && canceled(t)) {
		t->set_count = clock_set_count();
		t->ticks = 0;
		err = -ECANCELED;
	}
	if (!err) {
		catch_up_locked(t);
		ticks = t->ticks;
		t->ticks = 0;
	}
	irq_unlock(&t->q.lock);
	if (err)
		return err;
	return copy_to_iter(&ticks, sizeof(ticks), it) == sizeof(ticks) ?
		       (ssize_t)sizeof(ticks) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->priv;

	poll_wait(f, &t->q, pt);
	return READ_ONCE(t->ticks) || canceled(t) ? EPOLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->priv;

	timer_cancel_sync(&t->timer);
	kfree(t);
}

static size_t timerfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct timerfd *t = f->priv;
	struct itimerspec64 now;

	timerfd_get(f, &now);
	return (size_t)kscnprintf(
		buf, n,
		"clockid: %d\nticks: %llu\nsettime flags: 0%o\n"
		"it_value: (%lld, %lld)\nit_interval: (%lld, %lld)\n",
		t->clockid, (unsigned long long)READ_ONCE(t->ticks),
		t->settime_flags, (long long)now.value.sec,
		(long long)now.value.nsec, (long long)now.interval.sec,
		(long long)now.interval.nsec);
}

static const struct file_ops timerfd_fops = {
	.read_iter = timerfd_read,
	.poll = timerfd_poll,
	.llseek = noop_llseek,
	.release = timerfd_release,
	.show_fdinfo = timerfd_fdinfo,
	.nowait = FMODE_READ,
	.no_splice = true,
};

bool is_timerfd(const struct file *f)
{
	return f->ops == &timerfd_fops;
}

int timerfd_create(int clockid, unsigned flags, struct file **out)
{
	struct timerfd *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int err;

	if (!t)
		return -ENOMEM;
	waitq_init(&t->q);
	t->clockid = clockid;
	timer_init_clock(&t->timer, timerfd_fire,
			 is_realtime(t) ? TIMER_REALTIME : TIMER_MONOTONIC);
	err = file_anon("[timerfd]", &timerfd_fops, t, O_RDWR | flags, out);
	if (err)
		kfree(t);
	return err;
}

int timerfd_clock(const struct file *f)
{
	return ((const struct timerfd *)f->priv)->clockid;
}

static void get_locked(struct timerfd *t, struct itimerspec64 *out)
{
	u64 now = clock_now(t), left = 0;

	catch_up_locked(t);
	if (t->expires_ns)
		left = t->expires_ns > now ? t->expires_ns - now : 1;
	out->value = ns_to_timespec(left);
	out->interval = ns_to_timespec(t->interval_ns);
}

void timerfd_get(struct file *f, struct itimerspec64 *out)
{
	struct timerfd *t = f->priv;

	irq_lock(&t->q.lock);
	get_locked(t, out);
	irq_unlock(&t->q.lock);
}

int timerfd_set(struct file *f, unsigned flags, const struct itimerspec64 *new,
		struct itimerspec64 *old)
{
	struct timerfd *t = f->priv;
	u64 value = timespec_to_ns(&new->value);

	timer_cancel_sync(&t->timer);
	irq_lock(&t->q.lock);
	get_locked(t, old);
	timer_cancel(&t->timer);
	if (t->clockid == CLOCK_REALTIME_ID)
		timer_set_clock(&t->timer, flags & TFD_TIMER_ABSTIME ?
				TIMER_REALTIME : TIMER_MONOTONIC);
	t->settime_flags = flags;
	/* Of the other clocks, and of relative times, it is passed over. */
	t->cancel_on_set = (flags & TFD_TIMER_CANCEL_ON_SET) &&
			   (flags & TFD_TIMER_ABSTIME) && is_realtime(t);
	t->set_count = clock_set_count();
	t->ticks = 0;
	t->interval_ns = timespec_to_ns(&new->interval);
	if (value && !(flags & TFD_TIMER_ABSTIME) &&
	    add_overflow(value, clock_now(t), &value))
		value = DEADLINE_NEVER;
	t->expires_ns = value;
	if (value)
		timer_start(&t->timer, value);
	irq_unlock(&t->q.lock);
	return 0;
}
