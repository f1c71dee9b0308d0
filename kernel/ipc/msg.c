/*
 * msg - System V message queues.
 *
 * Theory:  messages stand in order of arrival; a receiver takes the first
 *          that its rule accepts.  A sender first looks for a sleeping
 *          receiver and hands the message over; only else it is queued.
 *          Senders that found no room are woken to try again, in order.
 * Locks:   the queue's lock.  A message is copied in before it is taken, and
 *          out after it is dropped.
 * Life:    a message belongs to the queue, then to who took it.  Sleepers'
 *          records are on their stacks, and they hold nothing.
 */
#include "ipc_impl.h"

#include <fs/seq.h>
#include <lib/errno.h>

enum { MSG_STAT = 11, MSG_INFO, MSG_STAT_ANY };

#define MSGSSZ 16
#define MSGPOOL 512000
#define MSGMAP 16384
#define MSGTQL 16384
#define MSGSEG 0xffff

struct msg {
	struct list node;
	long type;
	size_t len;
	u8 data[];
};

struct msg_queue {
	struct ipc_obj obj;
	s64 stime, rtime, ctime;
	unsigned long cbytes, qnum, qbytes;
	struct pid *lspid, *lrpid;	/* own references */
	struct list messages, receivers, senders;
};

/* What a receiver takes. */
struct msg_rule {
	enum { TAKE_ANY, TAKE_TYPE, TAKE_OTHER, TAKE_LOWEST, TAKE_NTH } how;
	long type;
	size_t room;		/* ~0: longer ones are cut */
};

struct msg_receiver {
	struct list node;
	struct ipc_sleeper sleeper;
	struct msg_rule rule;
	struct pid *pid;
	struct msg *msg;	/* with result 0 */
};

struct msg_sender {
	struct list node;
	struct ipc_sleeper sleeper;
};

struct msqid64_ds {
	struct ipc64_perm perm;
	s64 stime, rtime, ctime;
	unsigned long cbytes, qnum, qbytes;
	s32 lspid, lrpid;
	unsigned long _unused[2];
};
static_assert(sizeof(struct msqid64_ds) == 120, "msqid64_ds");

struct msginfo {
	s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg;
};

static struct msg_queue *queue_of(struct ipc_obj *o)
{
	return container_of(o, struct msg_queue, obj);
}

/* --- making and removing --------------------------------------------------*/
static void queue_free(struct ipc_obj *o)
{
	struct msg_queue *q = queue_of(o);

	pid_put(q->lspid);
	pid_put(q->lrpid);
	kfree(q);
}

static int queue_create(struct ipc_ns *ns, const struct ipc_want *w,
			struct ipc_obj **out)
{
	struct msg_queue *q = kzalloc(sizeof(*q), GFP_KERNEL);

	if (!q)
		return -ENOMEM;
	ipc_obj_init(&q->obj, ns, w, queue_free);
	q->ctime = ipc_now();
	q->qbytes = (unsigned long)READ_ONCE(ns->msg_ctlmnb);
	list_init(&q->messages);
	list_init(&q->receivers);
	list_init(&q->senders);
	*out = &q->obj;
	return 0;
}

int msg_get(int key, int flags)
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_want w = {
		.key = key, .flags = flags, .create = queue_create,
		.limit = READ_ONCE(ns->msg_ctlmni),
	};

	return ipc_get(ns, IPC_MSG, &w);
}

static void wake_receivers(struct msg_queue *q, int result)
{
	struct msg_receiver *r, *next;

	list_for_each_entry_safe(r, next, &q->receivers, node) {
		list_del_init(&r->node);
		ipc_wake(&r->sleeper, result);
	}
}

static void wake_senders(struct msg_queue *q, int result)
{
	struct msg_sender *s, *next;

	list_for_each_entry_safe(s, next, &q->senders, node) {
		list_del_init(&s->node);
		ipc_wake(&s->sleeper, result);
	}
}

static void count_out(struct msg_queue *q, const struct msg *m)
{
	q->qnum--;
	q->cbytes -= m->len;
	__atomic_sub_fetch(&q->obj.ns->msg_hdrs, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&q->obj.ns->msg_bytes, (s64)m->len,
			   __ATOMIC_RELAXED);
}

void msg_delete_unlock(struct ipc_obj *o) __no_analysis
{
	struct msg_queue *q = queue_of(o);
	struct msg *m, *next;
	LIST_HEAD(dead);

	ipc_remove_locked(o, IPC_MSG);
	wake_receivers(q, -EIDRM);
	wake_senders(q, -EIDRM);
	list_for_each_entry(m, &q->messages, node)
		count_out(q, m);
	list_splice(&q->messages, &dead);
	list_init(&q->messages);
	spin_unlock(&o->lock);
	list_for_each_entry_safe(m, next, &dead, node)
		kvfree(m);
	ipc_obj_put(o);
}

/* --- rules ----------------------------------------------------------------*/
static bool accepts(const struct msg_rule *r, const struct msg *m)
{
	switch (r->how) {
	case TAKE_TYPE:
		return m->type == r->type;
	case TAKE_OTHER:
		return m->type != r->type;
	case TAKE_LOWEST:
		return m->type <= r->type;
	default:
		return true;
	}
}

static struct msg *find_message(struct msg_queue *q, const struct msg_rule *r)
{
	struct msg *m, *best = NULL;
	long n = 0;

	list_for_each_entry(m, &q->messages, node) {
		if (!accepts(r, m))
			continue;
		if (r->how == TAKE_NTH && n++ != r->type)
			continue;
		if (r->how != TAKE_LOWEST)
			return m;
		if (!best || m->type < best->type)
			best = m;
	}
	return best;
}

static int make_rule(struct msg_rule *r, size_t size, long type, int flags)
{
	r->room = flags & MSG_NOERROR ? ~0ul : size;
	r->type = type;
	if (flags & MSG_COPY) {
		if ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT))
			return -EINVAL;
		r->how = TAKE_NTH;
	} else if (!type) {
		r->how = TAKE_ANY;
	} else if (type < 0) {
		r->how = TAKE_LOWEST;
		r->type = type == LONG_MIN ? LONG_MAX : -type;
	} else {
		r->how = flags & MSG_EXCEPT ? TAKE_OTHER : TAKE_TYPE;
	}
	return 0;
}

/* --- sending --------------------------------------------------------------*/
static int message_load(const void __user *buf, size_t size, struct msg **out)
{
	const long __user *utype = buf;
	struct msg *m;
	long type;

	if (get_user(type, utype))
		return -EFAULT;
	if (size > (size_t)READ_ONCE(current_ipc()->msg_ctlmax))
		return -EINVAL;
	if (type < 1)
		return -EINVAL;
	m = kvmalloc(sizeof(*m) + size, GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->len = size;
	if (copy_from_user(m->data, utype + 1, size)) {
		kvfree(m);
		return -EFAULT;
	}
	*out = m;
	return 0;
}

/* True: a sleeping receiver has it. */
static bool hand_over(struct msg_queue *q, struct msg *m)
{
	struct msg_receiver *r, *next;

	list_for_each_entry_safe(r, next, &q->receivers, node) {
		if (!accepts(&r->rule, m))
			continue;
		list_del_init(&r->node);
		if (m->len > r->rule.room) {
			ipc_wake(&r->sleeper, -E2BIG);
			continue;
		}
		ipc_set_pid(&q->lrpid, r->pid);
		q->rtime = ipc_now();
		r->msg = m;
		ipc_wake(&r->sleeper, 0);
		return true;
	}
	return false;
}

static bool has_room(const struct msg_queue *q, size_t size)
{
	return size + q->cbytes <= q->qbytes && 1 + q->qnum <= q->qbytes;
}

static void put_message(struct msg_queue *q, struct msg *m)
{
	ipc_set_pid(&q->lspid, current_tgid());
	q->stime = ipc_now();
	if (hand_over(q, m))
		return;
	list_add_tail(&m->node, &q->messages);
	q->qnum++;
	q->cbytes += m->len;
	__atomic_add_fetch(&q->obj.ns->msg_hdrs, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&q->obj.ns->msg_bytes, (s64)m->len,
			   __ATOMIC_RELAXED);
}

/* Takes a sleeper off that a signal woke, unless it was told something. */
static int give_up(struct ipc_obj *o, struct list *node,
		   struct ipc_sleeper *s) __no_analysis
{
	int result;

	rcu_read_lock();
	result = load_acquire(&s->result);
	if (result == IPC_PENDING) {
		spin_lock(&o->lock);
		result = s->result;
		if (result == IPC_PENDING) {
			list_del_init(node);
			result = -ERESTARTNOHAND;
		}
		spin_unlock(&o->lock);
	}
	rcu_read_unlock();
	return result;
}

/* One try; -EAGAIN: slept, and there may be room now. */
static int try_send(int id, struct msg *m, int flags) __no_analysis
{
	struct msg_sender s;
	struct ipc_obj *o;
	int err = ipc_lock_id(current_ipc(), IPC_MSG, id, &o);

	if (err)
		return err;
	err = ipc_permits(o, 0222);
	if (err)
		goto out_unlock;
	if (has_room(queue_of(o), m->len)) {
		put_message(queue_of(o), m);
		goto out_unlock;
	}
	err = -EAGAIN;
	if (flags & IPC_NOWAIT)
		goto out_unlock;
	ipc_sleeper_init(&s.sleeper);
	list_add_tail(&s.node, &queue_of(o)->senders);
	spin_unlock(&o->lock);
	err = ipc_sleep(&s.sleeper, 0) ? s.sleeper.result :
					 give_up(o, &s.node, &s.sleeper);
	return err ? err : -EAGAIN;
out_unlock:
	spin_unlock(&o->lock);
	return err;
}

int msg_send(int id, const void __user *buf, size_t size, int flags)
{
	bool slept = false;
	struct msg *m;
	int err;

	if (id < 0 || (long)size < 0)
		return -EINVAL;
	err = message_load(buf, size, &m);
	if (err)
		return err;
	do {
		err = try_send(id, m, flags);
		if (slept && err == -EINVAL)
			err = -EIDRM;
		slept = true;
	} while (err == -EAGAIN && !(flags & IPC_NOWAIT));
	if (err)
		kvfree(m);
	return err;
}

/* --- receiving ------------------------------------------------------------*/
/* A copy of m, made under the lock into memory that was had before. */
static void copy_message(struct msg *to, const struct msg *m, size_t room)
{
	to->type = m->type;
	to->len = min(m->len, room);
	memcpy(to->data, m->data, to->len);
}

static struct msg *take_message(struct msg_queue *q, struct msg *m)
{
	list_del(&m->node);
	count_out(q, m);
	q->rtime = ipc_now();
	ipc_set_pid(&q->lrpid, current_tgid());
	wake_senders(q, 0);
	return m;
}

struct msg_take {
	struct msg_rule rule;
	int flags;
	size_t size;
	struct msg *copy;	/* MSG_COPY: room for one */
};

static int sleep_for_message(struct ipc_obj *o, const struct msg_rule *rule,
			     struct msg **out) __no_analysis
{
	struct msg_receiver r = { .rule = *rule, .pid = current_tgid() };
	int err;

	ipc_sleeper_init(&r.sleeper);
	list_add_tail(&r.node, &queue_of(o)->receivers);
	spin_unlock(&o->lock);
	err = ipc_sleep(&r.sleeper, 0) ? r.sleeper.result :
					 give_up(o, &r.node, &r.sleeper);
	*out = r.msg;
	return err;
}

static int get_message(int id, const struct msg_take *t, struct msg **out)
	__no_analysis
{
	struct ipc_obj *o;
	struct msg *m;
	int err = ipc_lock_id(current_ipc(), IPC_MSG, id, &o);

	if (err)
		return err;
	err = ipc_permits(o, 0444);
	if (err)
		goto out_unlock;
	m = find_message(queue_of(o), &t->rule);
	if (!m && !(t->flags & IPC_NOWAIT))
		return sleep_for_message(o, &t->rule, out);
	err = -ENOMSG;
	if (!m)
		goto out_unlock;
	err = -E2BIG;
	if (m->len > t->rule.room)
		goto out_unlock;
	err = 0;
	*out = t->copy;
	if (t->copy)
		copy_message(t->copy, m, t->size);
	else
		*out = take_message(queue_of(o), m);
out_unlock:
	spin_unlock(&o->lock);
	return err;
}

/* After -EAGAIN the queue's owner or room has changed: once more. */
static int wait_message(int id, const struct msg_take *t, struct msg **out)
{
	bool slept = false;
	int err;

	do {
		err = get_message(id, t, out);
		if (slept && err == -EINVAL)
			err = -EIDRM;
		slept = true;
	} while (err == -EAGAIN);
	return err;
}

static int make_copy_room(struct msg_take *t)
{
	size_t most = (size_t)READ_ONCE(current_ipc()->msg_ctlmax);

	if (!(t->flags & MSG_COPY))
		return 0;
	t->size = min(t->size, most);
	t->copy = kvmalloc(sizeof(*t->copy) + t->size, GFP_KERNEL);
	return t->copy ? 0 : -ENOMEM;
}

long msg_receive(int id, void __user *buf, size_t size, long type, int flags)
{
	struct msg_take t = { .flags = flags, .size = size };
	long __user *utype = buf;
	struct msg *m = NULL;
	size_t n;
	int err;

	if (id < 0 || (long)size < 0)
		return -EINVAL;
	err = make_rule(&t.rule, size, type, flags);
	if (!err)
		err = make_copy_room(&t);
	if (!err)
		err = wait_message(id, &t, &m);
	if (err) {
		kvfree(t.copy);
		return err;
	}
	n = min(size, m->len);
	if (put_user(m->type, utype) || copy_to_user(utype + 1, m->data, n))
		err = -EFAULT;
	kvfree(m);
	return err ? err : (long)n;
}

/* --- msgctl ---------------------------------------------------------------*/
static void fill_stat(struct ipc_obj *o, void *to)
{
	const struct msg_queue *q = queue_of(o);
	struct msqid64_ds *d = to;

	memset(d, 0, sizeof(*d));
	ipc_fill_perm(&d->perm, &q->obj);
	d->stime = q->stime;
	d->rtime = q->rtime;
	d->ctime = q->ctime;
	d->cbytes = q->cbytes;
	d->qnum = q->qnum;
	d->qbytes = q->qbytes;
	d->lspid = ipc_pid_nr(q->lspid);
	d->lrpid = ipc_pid_nr(q->lrpid);
}

static int ctl_stat(int id, int cmd, void __user *to)
{
	static const struct ipc_stat stat = { IPC_MSG, MSG_STAT_ANY, fill_stat };
	struct msqid64_ds d;
	int ret = ipc_stat(&stat, id, cmd, &d);

	return ret >= 0 && copy_to_user(to, &d, sizeof(d)) ? -EFAULT : ret;
}

static int ctl_info(int cmd, void __user *to)
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_ids *ids = &ns->ids[IPC_MSG];
	struct msginfo i;
	int last;

	memset(&i, 0, sizeof(i));
	i.msgmni = ns->msg_ctlmni;
	i.msgmax = ns->msg_ctlmax;
	i.msgmnb = ns->msg_ctlmnb;
	i.msgssz = MSGSSZ;
	i.msgseg = MSGSEG;
	mutex_lock(&ids->lock);
	if (cmd == MSG_INFO) {
		i.msgpool = ids->in_use;
		i.msgmap = (int)READ_ONCE(ns->msg_hdrs);
		i.msgtql = (int)READ_ONCE(ns->msg_bytes);
	} else {
		i.msgpool = MSGPOOL;
		i.msgmap = MSGMAP;
		i.msgtql = MSGTQL;
	}
	last = max(ids->max_index, 0);
	mutex_unlock(&ids->lock);
	return copy_to_user(to, &i, sizeof(i)) ? -EFAULT : last;
}

/* Rules and room changed: all sleepers look again. */
static int change_queue(struct msg_queue *q, const struct msqid64_ds *d)
{
	int err;

	if (d->qbytes > (unsigned long)READ_ONCE(q->obj.ns->msg_ctlmnb) &&
	    !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	err = ipc_change_perm(&q->obj, &d->perm);
	if (err)
		return err;
	q->qbytes = d->qbytes;
	q->ctime = ipc_now();
	wake_receivers(q, -EAGAIN);
	wake_senders(q, 0);
	return 0;
}

static int change_owned(int id, const struct msqid64_ds *d) __no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_owned(current_ipc(), IPC_MSG, id, &o);

	if (err)
		return err;
	if (!d) {
		msg_delete_unlock(o);
		return 0;
	}
	err = change_queue(queue_of(o), d);
	spin_unlock(&o->lock);
	return err;
}

static int ctl_owner(int id, int cmd, const void __user *from)
{
	struct ipc_ids *ids = &current_ipc()->ids[IPC_MSG];
	struct msqid64_ds d;
	int err;

	if (cmd == IPC_SET && copy_from_user(&d, from, sizeof(d)))
		return -EFAULT;
	mutex_lock(&ids->lock);
	err = change_owned(id, cmd == IPC_SET ? &d : NULL);
	mutex_unlock(&ids->lock);
	return err;
}

int msg_ctl(int id, int cmd, void __user *buf)
{
	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return ctl_info(cmd, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return ctl_stat(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
		return ctl_owner(id, cmd, buf);
	}
	return -EINVAL;
}

void msg_show(struct ipc_obj *o, void *seq)
{
	struct msg_queue *q = queue_of(o);
	struct seq *s = seq;

	ipc_show_name(s, o);
	seq_printf(s, "  %10lu %10lu %5u %5u", q->cbytes, q->qnum,
		   (u32)ipc_pid_nr(q->lspid), (u32)ipc_pid_nr(q->lrpid));
	ipc_show_owner(s, o);
	seq_printf(s, " %10llu %10llu %10llu\n", (u64)q->stime,
		   (u64)q->rtime, (u64)q->ctime);
}
