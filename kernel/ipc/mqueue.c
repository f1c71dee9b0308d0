/*
 * mqueue - POSIX message queues: sending, receiving, being told.
 *
 * Theory:  messages stand by priority.  A receiver that sleeps is handed its
 *          message, and a sender that sleeps keeps its message until someone
 *          who takes one queues it on its behalf: nobody has to try again.
 *          Sleepers stand by their own priority.
 * Locks:   the queue's lock.
 * Life:    the queue is its inode's; who sleeps has it open.
 */
#include "mqueue_impl.h"

#include <lib/errno.h>
#include <lib/printf.h>

/* As Linux counts what a queue costs. */
#define MQ_MESSAGE_COST 48
#define MQ_PRIO_COST 48

struct mq_sleeper {
	struct list node;
	struct ipc_sleeper sleeper;
	struct mq_message *msg;	/* a sender's, or for a receiver */
	int prio;
};

/* --- making ---------------------------------------------------------------*/
static int check_attr(const struct mqueue_ns *ns, const struct mq_attr *a)
{
	bool may = capable(CAP_SYS_RESOURCE);
	long max = may ? MQ_HARD_MSGMAX : READ_ONCE(ns->msg_max);
	long size = may ? MQ_HARD_MSGSIZE : READ_ONCE(ns->msgsize_max);

	if (a->maxmsg <= 0 || a->msgsize <= 0 || a->maxmsg > max ||
	    a->msgsize > size)
		return -EINVAL;
	return 0;
}

static int charge(struct mqueue *q)
{
	struct user_struct *u = current_cred()->user;
	u64 limit = rlimit(RLIMIT_MSGQUEUE);
	s64 n, sum;

	n = q->maxmsg * (q->msgsize + MQ_MESSAGE_COST) +
	    min(q->maxmsg, (long)MQ_PRIO_MAX) * MQ_PRIO_COST;
	sum = __atomic_add_fetch(&u->mq_bytes, n, __ATOMIC_RELAXED);
	if ((u64)sum > limit) {
		__atomic_sub_fetch(&u->mq_bytes, n, __ATOMIC_RELAXED);
		return -EMFILE;
	}
	q->user = user_get(u);
	q->charged = n;
	return 0;
}

int mqueue_create(struct mqueue_ns *ns, const char *name, size_t len,
		  const struct mq_attr *attr, struct mqueue **out)
{
	struct mq_attr a = {
		.maxmsg = min(ns->msg_max, ns->msg_default),
		.msgsize = min(ns->msgsize_max, ns->msgsize_default),
	};
	struct mqueue *q;
	int err;

	if (attr) {
		a = *attr;
		err = check_attr(ns, &a);
		if (err)
			return err;
	}
	q = kzalloc(sizeof(*q) + len + 1, GFP_KERNEL);
	if (!q)
		return -ENOMEM;
	memcpy(q->name, name, len);
	q->maxmsg = a.maxmsg;
	q->msgsize = a.msgsize;
	err = charge(q);
	if (err) {
		kfree(q);
		return err;
	}
	spin_init(&q->lock, RANK_SPIN, "mqueue.lock");
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	waitq_init(&q->poll);
	ref_get(&ns->refs);
	q->ns = ns;
	*out = q;
	return 0;
}

void mqueue_free(struct mqueue *q)
{
	struct mq_message *m, *next;

	list_for_each_entry_safe(m, next, &q->messages, node)
		kvfree(m);
	pid_put(q->notify);
	__atomic_sub_fetch(&q->user->mq_bytes, q->charged, __ATOMIC_RELAXED);
	user_put(q->user);
	if (ref_put(&q->ns->refs))
		kfree(q->ns);
	kfree(q);
}

/* --- messages -------------------------------------------------------------*/
static void insert_message(struct mqueue *q, struct mq_message *m)
{
	struct list *at = &q->messages;

	/* Behind the last that is as urgent. */
	while (at->prev != &q->messages &&
	       list_entry(at->prev, struct mq_message, node)->prio < m->prio)
		at = at->prev;
	list_add_tail(&m->node, at);
	q->curmsgs++;
	q->bytes += m->len;
}

static struct mq_message *take_first(struct mqueue *q)
{
	struct mq_message *m =
		list_first_entry(&q->messages, struct mq_message, node);

	list_del(&m->node);
	q->curmsgs--;
	q->bytes -= m->len;
	return m;
}

/* --- sleepers -------------------------------------------------------------*/
static void stand_in(struct list *queue, struct mq_sleeper *s)
{
	struct list *at = queue;

	ipc_sleeper_init(&s->sleeper);
	s->prio = current->prio;
	while (at->prev != queue &&
	       list_entry(at->prev, struct mq_sleeper, node)->prio > s->prio)
		at = at->prev;
	list_add_tail(&s->node, at);
}

static struct mq_sleeper *next_sleeper(struct list *queue)
{
	struct mq_sleeper *s =
		list_first_entry_or_null(queue, struct mq_sleeper, node);

	if (s)
		list_del_init(&s->node);
	return s;
}

static int sleep_on(struct mqueue *q, struct mq_sleeper *s, u64 deadline)
{
	int result = 0;

	if (ipc_sleep(&s->sleeper, deadline))
		return s->sleeper.result;
	spin_lock(&q->lock);
	result = s->sleeper.result;
	if (result == IPC_PENDING) {
		list_del_init(&s->node);
		result = signal_pending(current) ? -ERESTARTSYS : -ETIMEDOUT;
	}
	spin_unlock(&q->lock);
	return result;
}

/* --- being told -----------------------------------------------------------*/
static void forget_notify(struct mqueue *q)
{
	pid_put(q->notify);
	q->notify = NULL;
}

/* The first message came while nobody slept for it: once. */
static void tell(struct mqueue *q)
{
	struct siginfo info = {
		.signo = q->event.signo, .code = SI_MESGQ,
		.rt.uid = from_kuid_munged(current_user_ns(),
					   current_cred()->uid),
		 .rt.value = q->event.value,
	};
	struct task *t;

	if (!q->notify)
		return;
	if (q->event.how == SIGEV_SIGNAL) {
		info.rt.pid = pid_nr_ns(current_tgid(), pid_own_ns(q->notify));
		rcu_read_lock();
		t = pid_task(q->notify, PIDTYPE_TGID);
		if (t)
			signal_send(info.signo, &info, t, SIG_TO_PROCESS);
		rcu_read_unlock();
	}
	forget_notify(q);
}

static int set_notify(struct mqueue *q, const struct mq_event *e)
{
	bool is_ours = q->notify == current_tgid();

	if (!e) {
		if (is_ours)
			forget_notify(q);
		return 0;
	}
	if (q->notify)
		return -EBUSY;
	q->event = *e;
	q->notify = pid_get(current_tgid());
	return 0;
}

/* --- sending and receiving ------------------------------------------------*/
static void poll_wake(struct mqueue *q, u64 events)
{
	if (waitq_active(&q->poll))
		waitq_wake(&q->poll, TASK_NORMAL, 0, events);
}

static void deliver(struct mqueue *q, struct mq_message *m)
{
	struct mq_sleeper *s = next_sleeper(&q->receivers);

	inode_touch(q->inode, TIME_A | TIME_M | TIME_C);
	if (s) {
		s->msg = m;
		ipc_wake(&s->sleeper, 0);
		return;
	}
	insert_message(q, m);
	if (q->curmsgs == 1)
		tell(q);
	poll_wake(q, EPOLLIN | EPOLLRDNORM);
}

static int send_message(struct mqueue *q, struct mq_message *m, bool may_wait,
			u64 deadline)
{
	struct mq_sleeper s = { .msg = m };

	spin_lock(&q->lock);
	if (q->curmsgs < q->maxmsg) {
		deliver(q, m);
		spin_unlock(&q->lock);
		return 0;
	}
	if (may_wait)
		stand_in(&q->senders, &s);
	spin_unlock(&q->lock);
	return may_wait ? sleep_on(q, &s, deadline) : -EAGAIN;
}

static struct mq_message *take_message(struct mqueue *q)
{
	struct mq_message *m = take_first(q);
	struct mq_sleeper *s = next_sleeper(&q->senders);

	inode_touch(q->inode, TIME_A | TIME_M | TIME_C);
	if (s) {
		insert_message(q, s->msg);
		ipc_wake(&s->sleeper, 0);
	} else {
		poll_wake(q, EPOLLOUT | EPOLLWRNORM);
	}
	return m;
}

static int receive_message(struct mqueue *q, bool may_wait, u64 deadline,
			   struct mq_message **out)
{
	struct mq_sleeper s = { .msg = NULL };
	int err;

	spin_lock(&q->lock);
	if (q->curmsgs) {
		*out = take_message(q);
		spin_unlock(&q->lock);
		return 0;
	}
	if (may_wait)
		stand_in(&q->receivers, &s);
	spin_unlock(&q->lock);
	if (!may_wait)
		return -EAGAIN;
	err = sleep_on(q, &s, deadline);
	*out = s.msg;
	return err;
}

/* --- the calls ------------------------------------------------------------*/
/* The queue of a descriptor that may be used that way; -EBADF. */
static int find_queue(int fdno, u32 mode, struct fd *fd, struct mqueue **out)
{
	*fd = fd_find(fdno);
	if (!fd->file)
		return -EBADF;
	if (fd->file->ops == &mqueue_fops && (fd->file->mode & mode) == mode) {
		*out = fd->file->inode->priv;
		return 0;
	}
	fd_release(*fd);
	return -EBADF;
}

static int load_message(const void __user *buf, size_t n, unsigned prio,
			struct mq_message **out)
{
	struct mq_message *m = kvmalloc(sizeof(*m) + n, GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	m->prio = prio;
	m->len = n;
	if (copy_from_user(m->data, buf, n)) {
		kvfree(m);
		return -EFAULT;
	}
	*out = m;
	return 0;
}

int mq_send(int fdno, const void __user *buf, size_t n, unsigned prio,
	    u64 deadline)
{
	struct mq_message *m;
	struct mqueue *q;
	struct fd fd;
	int err;

	if (prio >= MQ_PRIO_MAX)
		return -EINVAL;
	err = find_queue(fdno, FMODE_WRITE, &fd, &q);
	if (err)
		return err;
	err = n > (size_t)q->msgsize ? -EMSGSIZE :
				       load_message(buf, n, prio, &m);
	if (!err) {
		err = send_message(q, m, !(fd.file->flags & O_NONBLOCK),
				   deadline);
		if (err)
			kvfree(m);
	}
	fd_release(fd);
	return err;
}

long mq_receive(int fdno, void __user *buf, size_t n, unsigned __user *prio,
		u64 deadline)
{
	struct mq_message *m;
	struct mqueue *q;
	struct fd fd;
	long ret;
	int err = find_queue(fdno, FMODE_READ, &fd, &q);

	if (err)
		return err;
	err = n < (size_t)q->msgsize ? -EMSGSIZE :
		receive_message(q, !(fd.file->flags & O_NONBLOCK), deadline,
				&m);
	fd_release(fd);
	if (err)
		return err;
	ret = (long)m->len;
	if ((prio && put_user(m->prio, prio)) ||
	    copy_to_user(buf, m->data, m->len))
		ret = -EFAULT;
	kvfree(m);
	return ret;
}

int mq_notify(int fdno, const struct mq_event *e)
{
	struct mqueue *q;
	struct fd fd;
	int err = find_queue(fdno, 0, &fd, &q);

	if (err)
		return err;
	spin_lock(&q->lock);
	err = set_notify(q, e);
	spin_unlock(&q->lock);
	fd_release(fd);
	return err;
}

int mq_getsetattr(int fdno, const struct mq_attr *new, struct mq_attr *old)
{
	struct mqueue *q;
	struct fd fd;
	int err;

	if (new && (new->flags & ~(long)O_NONBLOCK))
		return -EINVAL;
	err = find_queue(fdno, 0, &fd, &q);
	if (err)
		return err;
	memset(old, 0, sizeof(*old));
	old->flags = fd.file->flags & O_NONBLOCK;
	old->maxmsg = q->maxmsg;
	old->msgsize = q->msgsize;
	spin_lock(&q->lock);
	old->curmsgs = q->curmsgs;
	spin_unlock(&q->lock);
	if (new) {
		spin_lock(&fd.file->lock);
		fd.file->flags = (fd.file->flags & ~(u32)O_NONBLOCK) |
				 (u32)new->flags;
		spin_unlock(&fd.file->lock);
	}
	fd_release(fd);
	return 0;
}

/* --- as a file ------------------------------------------------------------*/
static ssize_t mqueue_read(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	struct mqueue *q = f->inode->priv;
	char text[96];
	size_t n, done;

	spin_lock(&q->lock);
	n = (size_t)kscnprintf(text, sizeof(text),
			       "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d "
			       "NOTIFY_PID:%-6d\n",
			       q->bytes, q->notify ? q->event.how : 0,
			       q->notify && q->event.how == SIGEV_SIGNAL ?
				       q->event.signo : 0,
			       ipc_pid_nr(q->notify));
	spin_unlock(&q->lock);
	if (*pos >= n)
		return 0;
	done = copy_to_iter(text + *pos, min(n - (size_t)*pos, it->count), it);
	*pos += done;
	return done || !it->count ? (ssize_t)done : -EFAULT;
}

static u32 mqueue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = f->inode->priv;
	long n;

	poll_wait(f, &q->poll, pt);
	n = READ_ONCE(q->curmsgs);
	return (n ? EPOLLIN | EPOLLRDNORM : 0) |
	       (n < q->maxmsg ? EPOLLOUT | EPOLLWRNORM : 0);
}

/* Each close in the process that asked to be told ends that. */
static int mqueue_flush(struct file *f)
{
	struct mqueue *q = f->inode->priv;

	spin_lock(&q->lock);
	if (q->notify == current_tgid())
		forget_notify(q);
	spin_unlock(&q->lock);
	return 0;
}

const struct file_ops mqueue_fops = {
	.read_iter = mqueue_read,
	.llseek = generic_llseek,
	.poll = mqueue_poll,
	.flush = mqueue_flush,
	.no_splice = true,
};
