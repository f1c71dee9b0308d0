/*
 * eventpoll - epoll(7).
 *
 * Theory:  an epitem stands for one (file, descriptor) in the interest set
 *          and has an entry on each wait queue of the file.  A wake-up moves
 *          the item to the ready list and wakes the epoll's waiters; waiting
 *          costs by the items that are ready, never by those that watch.
 *          epoll_wait takes the ready list, asks each file again (an event
 *          may be gone), reports it, and puts level-triggered items back.
 * Locks:   ep.mutex (RANK_EPOLL) guards the interest set and serialises
 *          takers.  ep.lock (an irqlock, taken from wake-ups) guards the
 *          ready list.  epoll_tree_mutex orders additions of epolls to epolls,
 *          against loops.
 * Life:    items die by EPOLL_CTL_DEL, with the epoll, or when their file's
 *          last reference goes (eventpoll_release_file); an item holds no
 *          reference to its file.
 */
#include <fs/eventpoll.h>
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <mm/slab.h>
#include <task/process.h>

#define EP_MAX_NESTS 4
#define EP_MAX_EVENTS ((int)(0x7fffffff / sizeof(struct epoll_event)))

struct eventpoll {
	struct mutex mutex;
	struct irqlock lock;
	struct waitq waiters;		/* epoll_wait */
	struct waitq pollers;		/* poll of the epoll itself */
	struct rb_root items;		/* by (file, fd). mutex */
	struct list ready;		/* epitem.ready. lock */
	struct file *file;
	u32 mark;			/* depth is of this search */
	int depth;			/* both epoll_tree_mutex */
};

struct epitem_wait {
	struct epitem_wait *next;
	struct wait_entry wait;
	struct waitq *q;
	struct epitem *item;
};

struct epitem {
	struct rb_node node;		/* ep->items. ep->mutex */
	struct list ready;		/* ep->lock */
	struct list file_node;		/* file->epitems. file->lock */
	struct eventpoll *ep;
	struct file *file;
	int fd;
	struct epitem_wait *waits;	/* ep->mutex */
	struct epitem_wait first;	/* most files have one queue */
	struct epoll_event event;	/* ep->mutex; events also under lock */
	int err;
	bool is_dying;			/* file->lock */
	struct rcu_head rcu;
};

static struct mutex epoll_tree_mutex =
	MUTEX_INIT(epoll_tree_mutex, RANK_SLEEP_A, "epoll tree");
static struct slab_cache *epitem_cache;
static u32 loop_mark;

static int item_cmp(const struct epitem *it, const struct file *f, int fd)
{
	if (it->file != f)
		return it->file < f ? 1 : -1;
	return fd - it->fd;
}

static struct epitem *item_find(struct eventpoll *ep, struct file *f, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct epitem *it = rb_entry(n, struct epitem, node);
		int c = item_cmp(it, f, fd);

		if (!c)
			return it;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_insert(struct eventpoll *ep, struct epitem *item)
{
	struct rb_node **link = &ep->items.node, *parent = NULL;

	while (*link) {
		struct epitem *it = rb_entry(*link, struct epitem, node);

		parent = *link;
		link = item_cmp(it, item->file, item->fd) < 0 ? &parent->left :
								&parent->right;
	}
	rb_link_node(&item->node, parent, link);
	rb_insert_color(&item->node, &ep->items);
}

/* A watched file has events: called under its queue's lock, any context. */
static int item_wake(struct wait_entry *e, u32 state, u64 key)
{
	struct epitem_wait *w = container_of(e, struct epitem_wait, wait);
	struct epitem *it = w->item;
	struct eventpoll *ep = it->ep;
	bool is_new = false, exclusive = it->event.events & EPOLLEXCLUSIVE;
	bool is_taken = false;
	u32 events;

	irq_lock(&ep->lock);
	events = it->event.events;
	if ((events & ~EP_PRIVATE_BITS) && (!key || (key & events))) {
		if (list_empty(&it->ready)) {
			list_add_tail(&it->ready, &ep->ready);
			is_new = true;
		}
	}
	irq_unlock(&ep->lock);
	if (!is_new)
		return 0;
	if (waitq_active(&ep->waiters)) {
		waitq_wake(&ep->waiters, TASK_NORMAL, 1, 0);
		is_taken = exclusive;	/* else the next epoll is asked */
	}
	if (waitq_active(&ep->pollers))
		waitq_wake(&ep->pollers, TASK_NORMAL, 0, EPOLLIN);
	return is_taken;
}

struct ep_table {
	struct poll_table pt;
	struct epitem *item;
};

static void item_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct epitem *it = container_of(pt, struct ep_table, pt)->item;
	struct epitem_wait *w = &it->first;

	if (w->q) {
		w = kzalloc(sizeof(*w), GFP_KERNEL);
		if (!w) {
			it->err = -ENOMEM;
			return;
		}
	}
	w->item = it;
	w->q = q;
	w->next = it->waits;
	it->waits = w;
	wait_entry_init_func(&w->wait, item_wake);
	if (it->event.events & EPOLLEXCLUSIVE)
		waitq_add_exclusive(q, &w->wait);
	else
		waitq_add(q, &w->wait);
}

static u32 item_poll(struct epitem *it, struct poll_table *pt)
{
	return file_poll(it->file, pt) & it->event.events;
}

static void item_unqueue(struct epitem *it)
{
	struct epitem_wait *w, *next;

	for (w = it->waits; w; w = next) {
		next = w->next;
		waitq_remove(w->q, &w->wait);
		if (w != &it->first)
			kfree(w);
	}
	it->waits = NULL;
}

static void item_free_rcu(struct rcu_head *h)
{
	slab_free(epitem_cache, container_of(h, struct epitem, rcu));
}

/* ep->mutex is held; the item is off its file's list. */
static void item_remove(struct eventpoll *ep, struct epitem *it)
{
	item_unqueue(it);
	rb_erase(&it->node, &ep->items);
	irq_lock(&ep->lock);
	if (!list_empty(&it->ready))
		list_del_init(&it->ready);
	irq_unlock(&ep->lock);
	call_rcu(&it->rcu, item_free_rcu);
}

static void item_detach_file(struct epitem *it)
{
	spin_lock(&it->file->lock);
	list_del_init(&it->file_node);
	spin_unlock(&it->file->lock);
}

/* The file's last reference goes: nobody can add it any more. */
void eventpoll_release_file(struct file *f)
{
	for (;;) {
		struct epitem *it = NULL;
		struct eventpoll *ep;

		mutex_lock(&epoll_tree_mutex);
		spin_lock(&f->lock);
		if (!list_empty(&f->epitems))
			it = list_entry(f->epitems.next, struct epitem,
					file_node);
		spin_unlock(&f->lock);
		if (!it) {
			mutex_unlock(&epoll_tree_mutex);
			return;
		}
		ep = it->ep;
		mutex_lock(&ep->mutex);
		if (!list_empty(&it->file_node)) {
			item_detach_file(it);
			item_remove(ep, it);
		}
		mutex_unlock(&ep->mutex);
		mutex_unlock(&epoll_tree_mutex);
	}
}

static void ep_release(struct file *f)
{
	struct eventpoll *ep = f->priv;
	struct rb_node *n;

	mutex_lock(&epoll_tree_mutex);
	mutex_lock(&ep->mutex);
	while ((n = rb_first(&ep->items))) {
		struct epitem *it = rb_entry(n, struct epitem, node);

		item_detach_file(it);
		item_remove(ep, it);
	}
	mutex_unlock(&ep->mutex);
	mutex_unlock(&epoll_tree_mutex);
	kfree(ep);
}

static u32 ep_poll(struct file *f, struct poll_table *pt)
{
	struct eventpoll *ep = f->priv;
	u32 ev = 0;

	poll_wait(f, &ep->pollers, pt);
	mutex_lock_nested(&ep->mutex, RANK_EPOLL);
	if (!list_empty(&ep->ready)) {
		struct epitem *it;

		/* level-triggered items stay listed: look for a true one */
		list_for_each_entry(it, &ep->ready, ready) {
			if (item_poll(it, NULL)) {
				ev = EPOLLIN | EPOLLRDNORM;
				break;
			}
		}
	}
	mutex_unlock(&ep->mutex);
	return ev;
}

static size_t ep_show_fdinfo(struct file *f, char *buf, size_t n)
{
	struct eventpoll *ep = f->priv;
	struct rb_node *r;
	size_t len = 0;

	mutex_lock(&ep->mutex);
	for (r = rb_first(&ep->items); r && len < n; r = rb_next(r)) {
		struct epitem *it = rb_entry(r, struct epitem, node);

		len += (size_t)kscnprintf(
			buf + len, n - len,
			"tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%x\n",
			it->fd, it->event.events,
			(unsigned long long)it->event.data,
			(long long)it->file->pos,
			(unsigned long long)it->file->inode->ino,
			it->file->inode->sb->dev);
	}
	mutex_unlock(&ep->mutex);
	return len;
}

static const struct file_ops eventpoll_fops = {
	.poll = ep_poll,
	.release = ep_release,
	.llseek = noop_llseek,
	.show_fdinfo = ep_show_fdinfo,
};

int eventpoll_watched(struct file *epf, int fd, unsigned nth,
		      struct file **out)
{
	struct eventpoll *ep = epf->priv;
	int err = -ENOENT;
	struct rb_node *r;

	if (epf->ops != &eventpoll_fops)
		return -EINVAL;
	mutex_lock(&ep->mutex);
	for (r = rb_first(&ep->items); r && err; r = rb_next(r)) {
		struct epitem *it = rb_entry(r, struct epitem, node);

		if (it->fd == fd && !nth--) {
			*out = it->file;
			err = 0;
		}
	}
	mutex_unlock(&ep->mutex);
	return err;
}

int eventpoll_create(unsigned flags, struct file **out)
{
	struct eventpoll *ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	int err;

	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->mutex, RANK_EPOLL, "epoll");
	irq_lock_init(&ep->lock, RANK_WAITQ, "epoll ready");
	waitq_init(&ep->waiters);
	waitq_init(&ep->pollers);
	ep->items = RB_ROOT;
	list_init(&ep->ready);
	err = file_anon("[eventpoll]", &eventpoll_fops, ep, O_RDWR | flags, out);
	if (err)
		kfree(ep);
	else
		ep->file = *out;
	return err;
}

static bool is_eventpoll(const struct file *f)
{
	return f->ops == &eventpoll_fops;
}

/* Levels of epolls below ep; too many if `to` is among them. */
static int depth_below(struct eventpoll *ep, const struct eventpoll *to,
		       int level)
{
	struct rb_node *n;
	int depth = 0;

	if (ep == to || level > EP_MAX_NESTS)
		return EP_MAX_NESTS + 1;
	if (ep->mark == loop_mark)
		return ep->depth;
	mutex_lock_nested(&ep->mutex, RANK_EPOLL);
	for (n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct epitem *it = rb_entry(n, struct epitem, node);

		if (is_eventpoll(it->file))
			depth = max(depth, 1 + depth_below(it->file->priv, to,
							   level + 1));
	}
	mutex_unlock(&ep->mutex);
	ep->mark = loop_mark;
	ep->depth = depth;
	return depth;
}

/* Levels of epolls that watch ep.  Who watches an epoll changes under
 * epoll_tree_mutex alone. */
static int depth_above(struct eventpoll *ep)
{
	struct epitem *it;
	int depth = 0;

	if (ep->mark == loop_mark)
		return ep->depth;
	list_for_each_entry(it, &ep->file->epitems, file_node)
		depth = max(depth, 1 + depth_above(it->ep));
	ep->mark = loop_mark;
	ep->depth = depth;
	return depth;
}

/* Wake-ups and poll go through all levels, on one stack. */
static int check_depth(struct eventpoll *ep, struct eventpoll *watched)
{
	int depth;

	loop_mark++;
	depth = depth_below(watched, ep, 0);
	if (depth > EP_MAX_NESTS)
		return -ELOOP;
	loop_mark++;
	return depth + 1 + depth_above(ep) > EP_MAX_NESTS ? -ELOOP : 0;
}

static int ep_insert(struct eventpoll *ep, struct file *f, int fd,
		     const struct epoll_event *ev)
{
	struct ep_table t;
	struct epitem *it = slab_alloc(epitem_cache, GFP_KERNEL | GFP_ZERO);
	u32 now;

	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->event = *ev;
	list_init(&it->ready);
	list_init(&it->file_node);
	spin_lock(&f->lock);
	list_add_tail(&it->file_node, &f->epitems);
	spin_unlock(&f->lock);
	item_insert(ep, it);
	t.pt.queue = item_queue;
	t.pt.key = ev->events;
	t.item = it;
	now = item_poll(it, &t.pt);
	if (it->err) {
		int err = it->err;

		item_detach_file(it);
		item_remove(ep, it);
		return err;
	}
	irq_lock(&ep->lock);
	if (now && list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	irq_unlock(&ep->lock);
	if (now) {
		wake_if_waiting(&ep->waiters, 1);
		waitq_wake(&ep->pollers, TASK_NORMAL, 0, EPOLLIN);
	}
	return 0;
}

static int ep_modify(struct eventpoll *ep, struct epitem *it,
		     const struct epoll_event *ev)
{
	bool is_ready = false;

	irq_lock(&ep->lock);
	it->event = *ev;
	irq_unlock(&ep->lock);
	smp_mb();	/* the new mask before the look; pairs with wakers */
	if (item_poll(it, NULL)) {
		irq_lock(&ep->lock);
		if (list_empty(&it->ready)) {
			list_add_tail(&it->ready, &ep->ready);
			is_ready = true;
		}
		irq_unlock(&ep->lock);
	}
	if (is_ready) {
		wake_if_waiting(&ep->waiters, 1);
		waitq_wake(&ep->pollers, TASK_NORMAL, 0, EPOLLIN);
	}
	return 0;
}

static int ctl_locked(struct eventpoll *ep, int op, int fd, struct file *f,
		      struct epoll_event *ev)
{
	struct epitem *it = item_find(ep, f, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		if (it)
			return -EEXIST;
		ev->events |= EPOLLERR | EPOLLHUP;
		return ep_insert(ep, f, fd, ev);
	case EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		if (it->event.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		ev->events |= EPOLLERR | EPOLLHUP;
		return ep_modify(ep, it, ev);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_detach_file(it);
		item_remove(ep, it);
		return 0;
	}
	return -EINVAL;
}

/* EPOLLEXCLUSIVE goes with few others, with ADD only, not for epolls. */
static int check_exclusive(int op, struct file *f, const struct epoll_event *ev)
{
	if (op == EPOLL_CTL_DEL || !(ev->events & EPOLLEXCLUSIVE))
		return 0;
	if (op == EPOLL_CTL_MOD || is_eventpoll(f))
		return -EINVAL;
	if (ev->events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP |
			   EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))
		return -EINVAL;
	return 0;
}

static int ctl(struct eventpoll *ep, int op, int fd, struct file *f,
	       struct epoll_event *ev)
{
	int err;

	mutex_lock(&ep->mutex);
	err = ctl_locked(ep, op, fd, f, ev);
	mutex_unlock(&ep->mutex);
	return err;
}

/* An epoll is to watch another, or not any more: neither loops nor deep
 * trees. */
static int ctl_nested(struct eventpoll *ep, int op, int fd, struct file *f,
		      struct epoll_event *ev)
{
	int err = 0;

	mutex_lock(&epoll_tree_mutex);
	if (op == EPOLL_CTL_ADD)
		err = check_depth(ep, f->priv);
	if (!err)
		err = ctl(ep, op, fd, f, ev);
	mutex_unlock(&epoll_tree_mutex);
	return err;
}

int eventpoll_ctl(struct file *epf, int op, int fd, struct file *f,
		  struct epoll_event *ev)
{
	int err;

	if (!f->ops->poll)
		return -EPERM;
	if (f == epf || !is_eventpoll(epf))
		return -EINVAL;
	err = check_exclusive(op, f, ev);
	if (err)
		return err;
	if (is_eventpoll(f))
		return ctl_nested(epf->priv, op, fd, f, ev);
	return ctl(epf->priv, op, fd, f, ev);
}

/* Reports the ready items; ep->mutex held.  Items that stay ready go to the
 * tail, so that all get their turn. */
static long send_events(struct eventpoll *ep, struct epoll_event __user *u,
			int max)
{
	struct list batch;
	long n = 0;

	list_init(&batch);
	irq_lock(&ep->lock);
	list_splice(&ep->ready, &batch);
	list_init(&ep->ready);
	irq_unlock(&ep->lock);
	while (n < max && !list_empty(&batch)) {
		struct epitem *it = list_entry(batch.next, struct epitem, ready);
		struct epoll_event out;

		/* off the list first: a wake-up from here on lists it anew */
		irq_lock(&ep->lock);
		list_del_init(&it->ready);
		irq_unlock(&ep->lock);
		out.events = item_poll(it, NULL);
		if (!out.events)
			continue;
		out.data = it->event.data;
		if (copy_to_user(&u[n], &out, sizeof(out))) {
			irq_lock(&ep->lock);
			if (list_empty(&it->ready))
				list_add(&it->ready, &batch);
			irq_unlock(&ep->lock);
			if (!n)
				n = -EFAULT;
			break;
		}
		n++;
		irq_lock(&ep->lock);
		if (it->event.events & EPOLLONESHOT)
			it->event.events &= EP_PRIVATE_BITS;
		else if (!(it->event.events & EPOLLET) && list_empty(&it->ready))
			list_add_tail(&it->ready, &ep->ready);
		irq_unlock(&ep->lock);
	}
	irq_lock(&ep->lock);
	list_splice(&batch, &ep->ready);
	irq_unlock(&ep->lock);
	/* What came in meanwhile woke nobody, and somebody may sleep. */
	if (!list_empty(&ep->ready))
		wake_if_waiting(&ep->waiters, 1);
	return n;
}

long eventpoll_wait(struct file *epf, struct epoll_event __user *events,
		    int max, u64 deadline_ns)
{
	struct eventpoll *ep = epf->priv;
	long n;
	int err;

	if (max <= 0 || max > EP_MAX_EVENTS || !is_eventpoll(epf))
		return -EINVAL;
	for (;;) {
		n = 0;
		if (!list_empty(&ep->ready)) {
			mutex_lock(&ep->mutex);
			n = send_events(ep, events, max);
			mutex_unlock(&ep->mutex);
		}
		if (n || deadline_ns == 1)
			return n;
		if (signal_pending(current))
			return -EINTR;
		irqs_unmask();
		err = wait_event_state(&ep->waiters, !list_empty(&ep->ready),
				       TASK_INTERRUPTIBLE, true, deadline_ns);
		if (err == -ETIMEDOUT)
			return 0;
		if (err)
			return err;
	}
}

static void eventpoll_init(void)
{
	epitem_cache = slab_cache_create("eventpoll_epi", sizeof(struct epitem),
					 0, SLAB_PANIC, NULL);
}
INIT(INIT_CORE, eventpoll_init);
