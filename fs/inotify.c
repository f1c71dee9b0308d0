/*
 * inotify - tells programs what happens to files (inotify(7)).
 *
 * Theory:  a watch joins one inode and one instance, and holds a reference of
 *          the inode.  An event looks at the watches of the inode itself and,
 *          with the name, at those of the directory the name is in.  While
 *          nobody watches anything at all, callers do not even come here
 *          (notify_watchers); for an inode without watches it costs two
 *          loads.  An event that equals the newest one in the queue is
 *          dropped; a full queue ends in one IN_Q_OVERFLOW.
 * Locks:   notify_lock guards all lists of watches, inode.marks and the counts
 *          per user; instance.lock, below it, its queue.
 * Life:    an instance lives as long as its file.  A watch ends with the
 *          instance, by inotify_rm_watch, with the last name of its inode, or
 *          with the file system.
 */
#include "notify_impl.h"
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/rcu.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/cred.h>

#define FIONREAD 0x541B

struct notify_user {
	struct list node;		/* notify_lock */
	u32 uid;
	int instances, watches;		/* notify_lock */
};

struct event {
	struct list node;
	int wd;
	u32 mask, cookie, name_len;
	char name[];
};

struct instance {
	struct list watches;		/* notify_lock */
	int last_wd;			/* notify_lock */
	struct notify_user *user;	/* const; counted */
	struct spinlock lock;
	struct list events;		/* lock */
	u32 nr_events;			/* lock */
	size_t bytes;			/* of them as read. lock */
	struct waitq wait;
	struct event overflow;		/* queued at most once */
};

struct watch {
	struct list of_inode, of_instance;	/* notify_lock */
	struct instance *in;		/* const */
	struct inode *inode;		/* owns a reference. const */
	int wd;				/* const */
	u32 mask;			/* notify_lock */
};

struct spinlock notify_lock = SPINLOCK_INIT(RANK_SPIN, "notify");
static LIST_HEAD(users);		/* notify_lock */
static u32 last_cookie;			/* atomic */
int notify_watchers;			/* atomic */
int sysctl_inotify_instances = 128, sysctl_inotify_watches = 65536,
    sysctl_inotify_queue = 16384;

static const struct file_ops inotify_fops;

/* --- the queue ----------------------------------------------------------*/
static size_t padded(u32 name_len)
{
	return name_len ? ALIGN_UP(name_len + 1, sizeof(struct inotify_event)) :
			  0;
}

static size_t event_bytes(const struct event *e)
{
	return sizeof(struct inotify_event) + padded(e->name_len);
}

static void append_locked(struct instance *in, struct event *e)
{
	list_add_tail(&e->node, &in->events);
	in->nr_events++;
	in->bytes += event_bytes(e);
}

static bool same_as_last_locked(struct instance *in, int wd, u32 mask,
				u32 cookie, const char *name, u32 len)
{
	struct event *e;

	if (list_empty(&in->events) || (mask & IN_IGNORED))
		return false;
	e = list_last_entry(&in->events, struct event, node);
	return e->wd == wd && e->mask == mask && e->cookie == cookie &&
	       e->name_len == len && !memcmp(e->name, name, len);
}

static void overflow_locked(struct instance *in)
{
	if (list_empty(&in->overflow.node))
		append_locked(in, &in->overflow);
}

static void queue_event(struct instance *in, int wd, u32 mask, u32 cookie,
			const char *name, u32 len)
{
	struct event *e = kmalloc(sizeof(*e) + len + 1, GFP_ATOMIC);

	if (e) {
		e->wd = wd;
		e->mask = mask;
		e->cookie = cookie;
		e->name_len = len;
		memcpy(e->name, name, len);
	}
	spin_lock(&in->lock);
	if (same_as_last_locked(in, wd, mask, cookie, name, len)) {
		spin_unlock(&in->lock);
		kfree(e);
		return;
	}
	if (!e || in->nr_events >= (u32)sysctl_inotify_queue) {
		overflow_locked(in);
		kfree(e);
	} else {
		append_locked(in, e);
	}
	spin_unlock(&in->lock);
	waitq_wake(&in->wait, TASK_NORMAL, 0, EPOLLIN | EPOLLRDNORM);
}

/* The oldest event if it fits into room: -EINVAL if not, -EAGAIN if none. */
static int take_event(struct instance *in, size_t room, struct event **out)
{
	struct event *e;
	int err = -EAGAIN;

	spin_lock(&in->lock);
	e = list_first_entry_or_null(&in->events, struct event, node);
	if (e && event_bytes(e) > room) {
		err = -EINVAL;
	} else if (e) {
		list_del_init(&e->node);
		in->nr_events--;
		in->bytes -= event_bytes(e);
		*out = e;
		err = 0;
	}
	spin_unlock(&in->lock);
	return err;
}

static void free_event(struct instance *in, struct event *e)
{
	if (e != &in->overflow)
		kfree(e);
}

/* --- watches ------------------------------------------------------------*/
void marks_need_locked(struct inode *i, struct notify_marks **spare)
{
	if (i->marks)
		return;
	list_init(&(*spare)->watches);
	list_init(&(*spare)->dnotify);
	STORE_RELEASE(i->marks, *spare);
	*spare = NULL;
}

void marks_drop_locked(struct inode *i)
{
	struct notify_marks *m = i->marks;

	if (!list_empty(&m->watches) || !list_empty(&m->dnotify))
		return;
	WRITE_ONCE(i->marks, NULL);
	kfree(m);
}

/* Off all lists, with its IN_IGNORED; the caller frees it after the lock. */
static void detach_locked(struct watch *w, struct list *gone)
{
	queue_event(w->in, w->wd, IN_IGNORED, 0, "", 0);
	list_del(&w->of_inode);
	marks_drop_locked(w->inode);
	w->in->user->watches--;
	list_move(&w->of_instance, gone);
	__atomic_fetch_sub(&notify_watchers, 1, __ATOMIC_RELAXED);
}

static void free_watches(struct list *gone)
{
	struct watch *w, *n;

	list_for_each_entry_safe(w, n, gone, of_instance) {
		inode_put(w->inode);
		kfree(w);
	}
}

static struct watch *find_locked(struct instance *in, const struct inode *i)
{
	struct watch *w;

	if (!i->marks)
		return NULL;
	list_for_each_entry(w, &i->marks->watches, of_inode)
		if (w->in == in)
			return w;
	return NULL;
}

/* --- events -------------------------------------------------------------*/
/* Watches of one inode; those that end by it move to `gone`.  flags: IN_ISDIR,
 * and IN_EXCL_UNLINK if the name is no longer in the directory. */
static void tell(struct inode *i, u32 what, u32 flags, u32 cookie,
		 const char *name, u32 len, struct list *gone)
{
	struct watch *w, *n;

	spin_lock(&notify_lock);
	if (i->marks)
		dnotify_tell_locked(i, what);
	if (i->marks) {
		list_for_each_entry_safe(w, n, &i->marks->watches, of_inode) {
			bool is_last = list_is_last(&w->of_inode,
						    &i->marks->watches);

			if ((w->mask & what) &&
			    !(w->mask & flags & IN_EXCL_UNLINK))
				queue_event(w->in, w->wd,
					    what | (flags & IN_ISDIR), cookie,
					    name, len);
			if ((what & (IN_DELETE_SELF | IN_UNMOUNT)) ||
			    ((w->mask & what) && (w->mask & IN_ONESHOT)))
				detach_locked(w, gone);
			if (is_last)
				break;	/* the list may be gone */
		}
	}
	spin_unlock(&notify_lock);
}

struct named {
	struct inode *self, *dir;
	u32 len, excluded;
	char name[NAME_MAX + 1];
};

/* A consistent copy of a dentry's name and place. RCU held. */
static void snapshot(struct dentry *d, struct named *n)
{
	struct dentry *parent;
	u32 seq;

	do {
		seq = seq_read_begin(&d->seq);
		parent = READ_ONCE(d->parent);
		n->self = READ_ONCE(d->inode);
		n->len = min(READ_ONCE(d->len), (u32)NAME_MAX);
		memcpy(n->name, READ_ONCE(d->name), n->len);
	} while (seq_read_retry(&d->seq, seq));
	n->excluded = READ_ONCE(d->flags) & D_UNHASHED ? IN_EXCL_UNLINK : 0;
	n->dir = parent && parent != d ? READ_ONCE(parent->inode) : NULL;
}

#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)

/* Inodes cannot go away here: who calls holds the dentry, it them. */
static void notify(struct dentry *d, u32 mask, u32 cookie)
{
	struct named n;
	LIST_HEAD(gone);
	u32 flags;

	rcu_read_lock();
	snapshot(d, &n);
	if (!n.self || (!READ_ONCE(n.self->marks) &&
			(!n.dir || !READ_ONCE(n.dir->marks)))) {
		rcu_read_unlock();
		return;
	}
	flags = S_ISDIR(n.self->mode) && !(mask & SELF_EVENTS) ? IN_ISDIR : 0;
	if (n.dir && !(mask & SELF_EVENTS))
		tell(n.dir, mask, flags | n.excluded, cookie, n.name, n.len,
		     &gone);
	if (!(mask & NAME_EVENTS)) {
		/* The last link's end shows as a change of the count too. */
		if (mask == IN_DELETE_SELF && !S_ISDIR(n.self->mode))
			tell(n.self, IN_ATTRIB, 0, 0, "", 0, &gone);
		tell(n.self, mask, flags, cookie, "", 0, &gone);
	}
	rcu_read_unlock();
	free_watches(&gone);
}

void fsnotify_dentry(struct dentry *d, u32 mask)
{
	notify(d, mask, 0);
}

void fsnotify_file(struct file *f, u32 mask)
{
	if (f->path.dentry)
		notify(f->path.dentry, mask, 0);
}

static void moved(struct dentry *from, struct dentry *to, const char *old_name,
		  size_t old_len, struct dentry *d)
{
	u32 cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
	struct inode *i = d->inode;
	u32 flags = i && S_ISDIR(i->mode) ? IN_ISDIR : 0;
	LIST_HEAD(gone);

	tell(from->inode, IN_MOVED_FROM, flags, cookie, old_name, (u32)old_len,
	     &gone);
	tell(to->inode, IN_MOVED_TO, flags, cookie, d->name, d->len, &gone);
	if (i)
		tell(i, IN_MOVE_SELF, 0, 0, "", 0, &gone);
	free_watches(&gone);
}

void inotify_forget_super(struct super_block *sb)
{
	struct inode *i, *found;
	LIST_HEAD(gone);

	if (!READ_ONCE(notify_watchers))
		return;
	do {
		found = NULL;
		rcu_read_lock();
		spin_lock(&sb->inode_lock);
		list_for_each_entry(i, &sb->inodes, sb_node) {
			if (READ_ONCE(i->marks)) {
				found = i;
				break;
			}
		}
		spin_unlock(&sb->inode_lock);
		/* Its memory stays while RCU is held; without watches, since
		 * their instance went, it is passed over. */
		if (found)
			tell(found, IN_UNMOUNT, 0, 0, "", 0, &gone);
		rcu_read_unlock();
		free_watches(&gone);
		list_init(&gone);
	} while (found);
}

/* --- adding and removing ------------------------------------------------*/
static struct notify_user *find_user_locked(u32 uid)
{
	struct notify_user *u;

	list_for_each_entry(u, &users, node)
		if (u->uid == uid)
			return u;
	return NULL;
}

static void drop_user_locked(struct notify_user *u)
{
	if (--u->instances)
		return;
	list_del(&u->node);
	kfree(u);
}

/* Counts a new instance; `spare` is used if the user had none. */
static int count_instance(struct instance *in, struct notify_user **spare)
{
	struct notify_user *u;
	int err = 0;

	spin_lock(&notify_lock);
	u = find_user_locked(current_euid());
	if (!u) {
		u = *spare;
		*spare = NULL;
		u->uid = current_euid();
		list_add(&u->node, &users);
	}
	if (u->instances >= sysctl_inotify_instances)
		err = -EMFILE;
	else
		u->instances++;
	in->user = u;
	spin_unlock(&notify_lock);
	return err;
}

static int change_locked(struct watch *w, u32 mask, u32 how)
{
	if (how & IN_MASK_CREATE)
		return -EEXIST;
	w->mask = how & IN_MASK_ADD ? w->mask | mask : mask;
	return 0;
}

static int add_locked(struct instance *in, struct inode *i, struct watch *w,
		      struct notify_marks **marks)
{
	if (in->user->watches >= sysctl_inotify_watches ||
	    in->last_wd == INT_MAX)
		return -ENOSPC;
	marks_need_locked(i, marks);
	w->wd = ++in->last_wd;
	w->in = in;
	w->inode = inode_get(i);
	in->user->watches++;
	list_add_tail(&w->of_inode, &i->marks->watches);
	list_add_tail(&w->of_instance, &in->watches);
	__atomic_fetch_add(&notify_watchers, 1, __ATOMIC_RELAXED);
	return 0;
}

int inotify_add(struct file *f, struct inode *i, u32 mask, int *wd)
{
	u32 kept = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK);
	struct notify_marks *marks = kmalloc(sizeof(*marks), GFP_KERNEL);
	struct watch *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL), *w;
	struct instance *in = f->priv;
	int err = -ENOMEM;

	if (!marks || !fresh)
		goto out;
	kept |= IN_UNMOUNT;
	spin_lock(&notify_lock);
	w = find_locked(in, i);
	if (w) {
		err = change_locked(w, kept, mask);
		*wd = w->wd;
	} else {
		fresh->mask = kept;
		err = add_locked(in, i, fresh, &marks);
		if (!err) {
			*wd = fresh->wd;
			fresh = NULL;
		}
	}
	spin_unlock(&notify_lock);
out:
	kfree(marks);
	kfree(fresh);
	return err;
}

int inotify_remove(struct file *f, int wd)
{
	struct instance *in = f->priv;
	struct watch *w;
	LIST_HEAD(gone);
	int err = -EINVAL;

	spin_lock(&notify_lock);
	list_for_each_entry(w, &in->watches, of_instance) {
		if (w->wd == wd) {
			detach_locked(w, &gone);
			err = 0;
			break;
		}
	}
	spin_unlock(&notify_lock);
	free_watches(&gone);
	return err;
}

bool is_inotify(const struct file *f)
{
	return f->ops == &inotify_fops;
}

/* --- the file -----------------------------------------------------------*/
static int put_event(const struct event *e, struct iter *it)
{
	const struct inotify_event head = {
		.wd = e->wd, .mask = e->mask, .cookie = e->cookie,
		.len = (u32)padded(e->name_len),
	};
	size_t pad = head.len - e->name_len;

	if (copy_to_iter(&head, sizeof(head), it) != sizeof(head) ||
	    copy_to_iter(e->name, e->name_len, it) != e->name_len ||
	    (pad && zero_iter(pad, it) != pad))
		return -EFAULT;
	return 0;
}

static ssize_t read_queued(struct instance *in, struct iter *it)
{
	ssize_t done = 0;
	struct event *e;
	int err;

	for (;;) {
		err = take_event(in, it->count, &e);
		if (err)
			return done ? done : err;
		err = put_event(e, it);
		if (!err)
			done += (ssize_t)event_bytes(e);
		free_event(in, e);
		if (err)
			return done ? done : err;
	}
}

static ssize_t inotify_read(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	bool wait = !(f->flags & O_NONBLOCK) && !(flags & IOCB_NOWAIT);
	struct instance *in = f->priv;
	ssize_t n;

	for (;;) {
		n = read_queued(in, it);
		if (n != -EAGAIN || !wait)
			return n;
		if (wait_event_intr(&in->wait, READ_ONCE(in->nr_events)))
			return -EINTR;
	}
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct instance *in = f->priv;

	poll_wait(f, &in->wait, pt);
	return READ_ONCE(in->nr_events) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct instance *in = f->priv;

	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user((int)READ_ONCE(in->bytes), (int __user *)arg);
}

static size_t inotify_fdinfo(struct file *f, char *buf, size_t n)
{
	struct instance *in = f->priv;
	struct watch *w;
	size_t len = 0;

	spin_lock(&notify_lock);
	list_for_each_entry(w, &in->watches, of_instance)
		len += (size_t)kscnprintf(buf + len, n - len,
			"inotify wd:%x ino:%llx sdev:%x mask:%x "
			"ignored_mask:0 \n", (u32)w->wd, w->inode->ino,
			w->inode->sb->dev, w->mask & ~IN_UNMOUNT);
	spin_unlock(&notify_lock);
	return len;
}

static void free_instance(struct instance *in)
{
	struct event *e;
	struct list *n;

	while ((n = list_pop(&in->events))) {
		e = list_entry(n, struct event, node);
		free_event(in, e);
	}
	kfree(in);
}

static void inotify_release(struct file *f)
{
	struct instance *in = f->priv;
	struct watch *w, *n;
	LIST_HEAD(gone);

	spin_lock(&notify_lock);
	list_for_each_entry_safe(w, n, &in->watches, of_instance)
		detach_locked(w, &gone);
	drop_user_locked(in->user);
	spin_unlock(&notify_lock);
	free_watches(&gone);
	free_instance(in);
}

static const struct file_ops inotify_fops = {
	.read_iter = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.llseek = noop_llseek,
	.release = inotify_release,
	.show_fdinfo = inotify_fdinfo,
	.no_splice = true,
};

static struct instance *new_instance(void)
{
	struct instance *in = kzalloc(sizeof(*in), GFP_KERNEL);

	if (!in)
		return NULL;
	list_init(&in->watches);
	list_init(&in->events);
	list_init(&in->overflow.node);
	in->overflow.wd = -1;
	in->overflow.mask = IN_Q_OVERFLOW;
	spin_init(&in->lock, RANK_SPIN_LEAF, "inotify queue");
	waitq_init(&in->wait);
	return in;
}

int inotify_create(unsigned flags, struct file **out)
{
	struct notify_user *spare = kzalloc(sizeof(*spare), GFP_KERNEL);
	struct instance *in = new_instance();
	int err = -ENOMEM;

	if (!spare || !in)
		goto err_free;
	err = count_instance(in, &spare);
	if (err)
		goto err_free;
	err = file_anon("inotify", &inotify_fops, in, O_RDONLY | flags, out);
	if (!err) {
		kfree(spare);
		return 0;
	}
	spin_lock(&notify_lock);
	drop_user_locked(in->user);
	spin_unlock(&notify_lock);
err_free:
	kfree(spare);
	kfree(in);
	return err;
}

static void inotify_init(void)
{
	fsnotify_move_hook = moved;
}
INIT(INIT_CORE, inotify_init);
