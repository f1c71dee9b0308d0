/*
 * locks - POSIX record locks, open-file-description locks, flock.
 *
 * Theory:  all three are (owner, range, read or write) on an inode; they
 *          differ in who the owner is: the table of descriptors (POSIX), the
 *          open file (the others).  POSIX and OFD locks conflict with each
 *          other, flock with none of them.  A request first sees that nothing
 *          conflicts, then changes what its owner has: overlapping ranges of
 *          its own are merged, cut or split, for which two locks are
 *          allocated in advance.  Waiters sleep on the inode's queue until
 *          its generation grows, then look again.  Before sleeping a POSIX
 *          request follows who waits for whom, and refuses a circle.
 * Locks:   locks_lock, for all inodes: the search for circles wants it.
 * Life:    an inode's context lives as long as the inode.
 */
#include "locks_impl.h"
#include <fs/fdtable.h>
#include <kernel/assert.h>
#include <kernel/spinlock.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/pid.h>

#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#define LOCK_SH 1u
#define LOCK_EX 2u
#define LOCK_NB 4u
#define LOCK_UN 8u
#define MAX_CHAIN 10

/* A POSIX request that sleeps. */
struct blocked {
	struct list node;
	const void *owner, *waits_for;
};

struct spinlock locks_lock =
	SPINLOCK_INIT(RANK_FILE_LOCKS, "file locks");
static LIST_HEAD(all_locks);		/* locks_lock */
static LIST_HEAD(all_blocked);		/* locks_lock */

/* --- contexts ----------------------------------------------------------------------*/
int locks_ctx_get(struct inode *i, struct file_lock_ctx **out)
{
	struct file_lock_ctx *c = load_acquire(&i->locks);

	*out = c;
	if (c)
		return 0;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOLCK;
	list_init(&c->ranges);
	list_init(&c->whole);
	list_init(&c->leases);
	waitq_init(&c->waiters);
	if (!cmpxchg(&i->locks, NULL, c))
		kfree(c);
	*out = i->locks;
	return 0;
}

void locks_inode_free(struct inode *i)
{
	assert(list_empty(&i->locks->ranges) && list_empty(&i->locks->whole));
	kfree(i->locks);
	i->locks = NULL;
}

static struct list *list_of(struct file_lock_ctx *c, u8 kind)
{
	return kind == KIND_FLOCK ? &c->whole :
	       kind == KIND_LEASE ? &c->leases : &c->ranges;
}

void lock_insert(struct file_lock_ctx *c, struct file_lock *l)
{
	struct list *head = list_of(c, l->kind);
	struct file_lock *at;

	list_for_each_entry(at, head, node)
		if (at->start > l->start)
			break;
	list_add_tail(&l->node, &at->node);
	list_add_tail(&l->all_node, &all_locks);
}

void lock_remove(struct file_lock *l)
{
	list_del(&l->node);
	list_del(&l->all_node);
	kfree(l);
}

void locks_released(struct file_lock_ctx *c)
{
	WRITE_ONCE(c->generation, c->generation + 1);
	wake_if_waiting(&c->waiters, 0);
}

/* --- what stands in the way -----------------------------------------------------------*/
static bool overlaps(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(struct file_lock_ctx *c,
				       const struct file_lock *rq)
{
	struct file_lock *l;

	list_for_each_entry(l, list_of(c, rq->kind), node)
		if (l->owner != rq->owner && overlaps(l, rq) &&
		    (l->type == F_WRLCK || rq->type == F_WRLCK))
			return l;
	return NULL;
}

static const void *waits_for(const void *owner)
{
	struct blocked *b;

	list_for_each_entry(b, &all_blocked, node)
		if (b->owner == owner)
			return b->waits_for;
	return NULL;
}

static bool is_deadlock(const struct file_lock *rq, const struct file_lock *in)
{
	const void *owner = in->owner;

	if (rq->kind != KIND_POSIX || in->kind != KIND_POSIX)
		return false;
	for (int i = 0; owner && i < MAX_CHAIN; i++) {
		if (owner == rq->owner)
			return true;
		owner = waits_for(owner);
	}
	return false;
}

/* --- changing what an owner has -----------------------------------------------------*/
/* The part of l outside rq stays; *spare becomes the right half of a split. */
static void cut(struct file_lock_ctx *c, struct file_lock *l,
		const struct file_lock *rq, struct file_lock **spare)
{
	struct file_lock *right;

	if (l->start < rq->start && l->end > rq->end) {
		right = *spare;
		*spare = NULL;
		*right = *l;
		right->start = rq->end + 1;
		l->end = rq->start - 1;
		lock_insert(c, right);
	} else if (l->start < rq->start) {
		l->end = rq->start - 1;
	} else if (l->end > rq->end) {
		list_del(&l->node);
		list_del(&l->all_node);
		l->start = rq->end + 1;
		lock_insert(c, l);
	} else {
		lock_remove(l);
	}
}

static bool touches(const struct file_lock *l, const struct file_lock *rq)
{
	return overlaps(l, rq) ||
	       (rq->start && l->end == rq->start - 1) ||
	       (rq->end != OFFSET_MAX && l->start == rq->end + 1);
}

/* rq: a copy that is inserted if it locks; else freed by the caller. */
static void apply(struct file_lock_ctx *c, struct file_lock **rq,
		  struct file_lock **spare)
{
	struct file_lock *r = *rq, *l, *n;

	list_for_each_entry_safe(l, n, list_of(c, r->kind), node) {
		if (l->owner != r->owner)
			continue;
		if (l->type == r->type) {
			if (!touches(l, r))
				continue;
			r->start = min(r->start, l->start);
			r->end = max(r->end, l->end);
			lock_remove(l);
		} else if (overlaps(l, r)) {
			cut(c, l, r, spare);
		}
	}
	if (r->type != F_UNLCK) {
		lock_insert(c, r);
		*rq = NULL;
	}
	locks_released(c);
}

/* One try: 0 done, -EAGAIN with b and *gen set up to sleep, or an error. */
static int try_apply(struct file_lock_ctx *c, struct file_lock **rq,
		     struct file_lock **spare, struct blocked *b, u32 *gen)
{
	struct file_lock *in;
	int err = 0;

	spin_lock(&locks_lock);
	in = (*rq)->type == F_UNLCK ? NULL : find_conflict(c, *rq);
	if (!in) {
		apply(c, rq, spare);
	} else if (b && is_deadlock(*rq, in)) {
		err = -EDEADLK;
	} else {
		err = -EAGAIN;
		*gen = c->generation;
		if (b) {
			b->owner = (*rq)->owner;
			b->waits_for = in->owner;
			list_add(&b->node, &all_blocked);
		}
	}
	spin_unlock(&locks_lock);
	return err;
}

static int lock_apply(struct file_lock_ctx *c, const struct file_lock *want,
		      bool can_wait)
{
	struct file_lock *rq = kmemdup(want, sizeof(*want), GFP_KERNEL);
	struct file_lock *spare = kmalloc(sizeof(*spare), GFP_KERNEL);
	struct blocked b;
	int err = -ENOLCK;
	u32 gen = 0;

	if (!rq || !spare)
		goto out;
	for (;;) {
		err = try_apply(c, &rq, &spare, can_wait ? &b : NULL, &gen);
		if (err != -EAGAIN || !can_wait)
			break;
		err = wait_event_intr(&c->waiters,
				      READ_ONCE(c->generation) != gen);
		spin_lock(&locks_lock);
		list_del(&b.node);
		spin_unlock(&locks_lock);
		if (err) {
			err = -ERESTARTSYS;
			break;
		}
	}
out:
	kfree(rq);
	kfree(spare);
	return err;
}

static void drop_owned(struct inode *i, const void *owner, bool is_posix)
{
	struct file_lock_ctx *c = i->locks;
	struct file_lock *l, *n;
	bool any = false;

	spin_lock(&locks_lock);
	list_for_each_entry_safe(l, n, &c->ranges, node) {
		if (l->owner == owner && (l->kind == KIND_POSIX) == is_posix) {
			lock_remove(l);
			any = true;
		}
	}
	list_for_each_entry_safe(l, n, &c->whole, node) {
		if (!is_posix && l->owner == owner) {
			lock_remove(l);
			any = true;
		}
	}
	list_for_each_entry_safe(l, n, &c->leases, node) {
		if (!is_posix && l->owner == owner) {
			lock_remove(l);
			any = true;
		}
	}
	if (any)
		locks_released(c);
	spin_unlock(&locks_lock);
}

void locks_on_close(struct file *f, struct files *owner)
{
	if (READ_ONCE(f->inode->locks))
		drop_owned(f->inode, owner, true);
}

void locks_on_release(struct file *f)
{
	if (READ_ONCE(f->inode->locks))
		drop_owned(f->inode, f, false);
}

/* --- fcntl ---------------------------------------------------------------------------*/
static int range_from_user(struct file *f, const struct flock64 *u,
			   struct file_lock *l)
{
	s64 start = u->start, end;
	s64 base = u->whence == SEEK_CUR ? (s64)f->pos :
		   u->whence == SEEK_END ? (s64)inode_size(f->inode) : 0;

	if (u->whence < SEEK_SET || u->whence > SEEK_END)
		return -EINVAL;
	if (add_overflow(start, base, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = OFFSET_MAX;
	if (u->len > 0) {
		if (u->len - 1 > OFFSET_MAX - start)
			return -EOVERFLOW;
		end = start + u->len - 1;
	} else if (u->len < 0) {
		if (start + u->len < 0)
			return -EINVAL;
		end = start - 1;
		start += u->len;
	}
	l->start = (u64)start;
	l->end = (u64)end;
	return 0;
}

static int from_user(struct file *f, const struct flock64 *u, bool is_ofd,
		     struct file_lock *l)
{
	*l = (struct file_lock){
		.inode = f->inode,
		.type = u->type,
		.kind = is_ofd ? KIND_OFD : KIND_POSIX,
		.owner = is_ofd ? (void *)f : (void *)current->files,
		.pid = is_ofd ? -1 : current->tgid,
	};
	if (is_ofd && u->pid)
		return -EINVAL;
	if (u->type < F_RDLCK || u->type > F_UNLCK)
		return -EINVAL;
	return range_from_user(f, u, l);
}

static void to_user(const struct file_lock *l, struct flock64 *u)
{
	u->type = (s16)l->type;
	u->whence = SEEK_SET;
	u->start = (s64)l->start;
	u->len = l->end == OFFSET_MAX ? 0 : (s64)(l->end - l->start + 1);
	u->pid = l->pid;
}

static long get_lock(struct file *f, struct flock64 *u, bool is_ofd,
		     struct flock64 __user *arg)
{
	struct file_lock_ctx *c;
	struct file_lock l, *in;
	int err;

	if (u->type != F_RDLCK && u->type != F_WRLCK)
		return -EINVAL;
	err = from_user(f, u, is_ofd, &l);
	if (!err)
		err = locks_ctx_get(f->inode, &c);
	if (err)
		return err;
	spin_lock(&locks_lock);
	in = find_conflict(c, &l);
	if (in)
		to_user(in, u);
	else
		u->type = F_UNLCK;
	spin_unlock(&locks_lock);
	return copy_to_user(arg, u, sizeof(*u));
}

/* Another thread may have closed the descriptor meanwhile, before there was a
 * lock that its close could drop. */
static void drop_if_closed(struct file *f, unsigned fd)
{
	struct file *now = fd_get_file_raw((int)fd);

	if (now != f)
		locks_on_close(f, current->files);
	if (now)
		file_put(now);
}

static long set_lock(struct file *f, unsigned fd, const struct flock64 *u,
		     bool is_ofd, bool can_wait)
{
	struct file_lock_ctx *c;
	struct file_lock l;
	int err = from_user(f, u, is_ofd, &l);

	if (err)
		return err;
	if ((l.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (l.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (l.type == F_UNLCK && !READ_ONCE(f->inode->locks))
		return 0;
	err = locks_ctx_get(f->inode, &c);
	if (!err)
		err = lock_apply(c, &l, can_wait);
	if (!err && !is_ofd && l.type != F_UNLCK &&
	    ref_count(&current->files->refs) != 1)
		drop_if_closed(f, fd);
	return err;
}

long locks_fcntl(struct file *f, unsigned fd, unsigned cmd,
		 struct flock64 __user *arg)
{
	struct flock64 u;
	bool is_ofd = cmd >= F_OFD_GETLK;

	irqs_unmask();
	if (copy_from_user(&u, arg, sizeof(u)))
		return -EFAULT;
	switch (cmd) {
	case F_GETLK:
	case F_OFD_GETLK:
		return get_lock(f, &u, is_ofd, arg);
	case F_SETLK:
	case F_OFD_SETLK:
		return set_lock(f, fd, &u, is_ofd, false);
	case F_SETLKW:
	case F_OFD_SETLKW:
		return set_lock(f, fd, &u, is_ofd, true);
	}
	return -EINVAL;
}

/* --- flock -----------------------------------------------------------------------------*/
int locks_flock(struct file *f, unsigned op)
{
	bool can_wait = !(op & LOCK_NB);
	struct file_lock_ctx *c;
	struct file_lock l = {
		.inode = f->inode, .kind = KIND_FLOCK, .owner = f,
		.end = OFFSET_MAX, .pid = current->tgid,
	};
	int err;

	switch (op & ~LOCK_NB) {
	case LOCK_SH:
		l.type = F_RDLCK;
		break;
	case LOCK_EX:
		l.type = F_WRLCK;
		break;
	case LOCK_UN:
		l.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	if (l.type != F_UNLCK && !(f->mode & (FMODE_READ | FMODE_WRITE)))
		return -EBADF;
	err = locks_ctx_get(f->inode, &c);
	return err ? err : lock_apply(c, &l, can_wait);
}

/* --- /proc/locks ------------------------------------------------------------------------*/
static size_t show_one(const struct file_lock *l, u64 nr, char *buf, size_t n)
{
	static const char *const kinds[] = { "POSIX  ADVISORY ",
					     "OFDLCK ADVISORY ",
					     "FLOCK  ADVISORY ",
					     "LEASE  ACTIVE   ",
					     "LEASE  BREAKING " };
	bool is_breaking = l->kind == KIND_LEASE && l->target != l->type;
	u32 dev = l->inode->sb->dev;
	char end[24] = "EOF";

	if (l->end != OFFSET_MAX)
		ksnprintf(end, sizeof(end), "%llu", l->end);
	return (size_t)kscnprintf(buf, n,
				  "%llu: %s %s %d %02x:%02x:%llu %llu %s\n",
				  nr, kinds[l->kind + is_breaking],
				  l->type == F_WRLCK ? "WRITE" : "READ",
				  l->pid, MAJOR(dev), MINOR(dev),
				  l->inode->ino, l->start, end);
}

static size_t show_held(const struct list *of, const struct file *f,
			const struct files *fs, u64 *nr, char *buf, size_t n)
{
	struct file_lock *l;
	size_t used = 0;

	list_for_each_entry(l, of, node) {
		if (l->owner != f && l->owner != fs)
			continue;
		used += (size_t)kscnprintf(buf + used, n - used, "lock:\t");
		used += show_one(l, ++*nr, buf + used, n - used);
	}
	return used;
}

size_t locks_show_file(struct file *f, const struct files *fs, char *buf,
		       size_t n)
{
	struct file_lock_ctx *c = load_acquire(&f->inode->locks);
	size_t used;
	u64 nr = 0;

	if (!c)
		return 0;
	spin_lock(&locks_lock);
	used = show_held(&c->whole, f, fs, &nr, buf, n);
	used += show_held(&c->ranges, f, fs, &nr, buf + used, n - used);
	spin_unlock(&locks_lock);
	return used;
}

size_t locks_show(u64 *index, char *buf, size_t n)
{
	struct file_lock *l;
	size_t used = 0;
	u64 nr = 0;

	spin_lock(&locks_lock);
	list_for_each_entry(l, &all_locks, all_node) {
		if (nr++ < *index)
			continue;
		if (n - used < 128)
			break;
		used += show_one(l, nr, buf + used, n - used);
		*index = nr;
	}
	spin_unlock(&locks_lock);
	return used;
}
