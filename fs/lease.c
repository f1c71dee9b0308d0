/*
 * lease - leases on files: the holder is told before somebody else opens or
 * truncates the file in a way that conflicts (fcntl(2), F_SETLEASE).
 *
 * Theory:  a lease is a lock of kind KIND_LEASE, owned by an open file.  Who
 *          conflicts sets the lease's target, sends the signal, and waits until
 *          the holder has gone down to it, or until the time for that is
 *          over; then it is done for the holder.
 * Locks:   locks_lock.  Setting a lease publishes it, then looks for openers;
 *          an opener counts itself, then looks for leases.
 */
#include "locks_impl.h"
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/cred.h>

u32 sysctl_lease_break_time = 45;	/* seconds; 0: no limit */
u32 sysctl_leases_enable = 1;

/* --- what is ------------------------------------------------------------------*/
/* Does to leases whose time is over what their holders did not. */
static void expire_locked(struct file_lock_ctx *c) __must_hold(&locks_lock)
{
	struct file_lock *l, *n;
	u64 now = clock_ns();
	bool any = false;

	list_for_each_entry_safe(l, n, &c->leases, node) {
		if (l->target == l->type || !l->deadline || l->deadline > now)
			continue;
		any = true;
		l->type = l->target;
		if (l->type == F_UNLCK)
			lock_remove(l);
	}
	if (any)
		locks_released(c);
}

static struct file_lock *find_locked(struct file_lock_ctx *c, struct file *f)
	__must_hold(&locks_lock)
{
	struct file_lock *l;

	list_for_each_entry(l, &c->leases, node)
		if (l->owner == f)
			return l;
	return NULL;
}

int lease_get(struct file *f)
{
	struct file_lock_ctx *c = load_acquire(&f->inode->locks);
	struct file_lock *l;
	int type = F_UNLCK;

	if (!c)
		return type;
	spin_lock(&locks_lock);
	expire_locked(c);
	l = find_locked(c, f);
	if (l)
		type = l->target;
	spin_unlock(&locks_lock);
	return type;
}

/* --- breaking -----------------------------------------------------------------*/
/* Begins to break what conflicts; true if something does.  *until: the first
 * time at which something will have been done about it. */
static bool break_locked(struct file_lock_ctx *c, bool is_write, u64 *until)
	__must_hold(&locks_lock)
{
	int target = is_write ? F_UNLCK : F_RDLCK;
	struct file_lock *l;
	bool any = false;

	*until = 0;
	expire_locked(c);
	list_for_each_entry(l, &c->leases, node) {
		if (!is_write && l->type != F_WRLCK)
			continue;
		any = true;
		if (l->target == l->type ||
		    (target == F_UNLCK && l->target == F_RDLCK)) {
			l->target = target;
			l->deadline = sysctl_lease_break_time ?
				clock_ns() + sysctl_lease_break_time *
						     NSEC_PER_SEC : 0;
			file_signal_owner(l->owner, l->fd, POLL_MSG,
					  EPOLLIN | EPOLLRDNORM | EPOLLMSG);
		}
		if (l->deadline && (!*until || l->deadline < *until))
			*until = l->deadline;
	}
	return any;
}

int lease_break(struct inode *i, unsigned flags)
{
	bool is_write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	struct file_lock_ctx *c = load_acquire(&i->locks);
	u64 until;
	u32 gen;
	int err;

	if (!c)
		return 0;
	irqs_unmask();
	for (;;) {
		spin_lock(&locks_lock);
		gen = c->generation;
		if (!break_locked(c, is_write, &until)) {
			spin_unlock(&locks_lock);
			return 0;
		}
		spin_unlock(&locks_lock);
		if (flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_intr_until(&c->waiters,
					    READ_ONCE(c->generation) != gen,
					    until);
		if (err && err != -ETIMEDOUT)
			return -ERESTARTSYS;
	}
}

/* --- setting -------------------------------------------------------------------*/
/* Does anybody else have the file open?  A dentry's users are open files, the
 * cache, and for a moment whoever walks over it. */
static bool is_open_elsewhere(struct inode *i)
{
	struct dentry *d;
	int users = 0;

	spin_lock(&i->state_lock);
	list_for_each_entry(d, &i->dentries, alias)
		users += ref_count(&d->refs) -
			 !(READ_ONCE(d->flags) & D_UNHASHED);
	spin_unlock(&i->state_lock);
	return users > 1;
}

static bool has_openers(struct file *f, int type)
{
	struct inode *i = f->inode;
	int own = !!(f->mode & FMODE_WRITER);

	smp_mb();
	if (type == F_RDLCK)
		return READ_ONCE(i->write_count) > 0;
	return READ_ONCE(i->write_count) > own || is_open_elsewhere(i);
}

/* What the lease of f (NULL: a new one) may not become, as others hold it. */
static bool conflicts_locked(struct file_lock_ctx *c, struct file_lock *own,
			     int type) __must_hold(&locks_lock)
{
	struct file_lock *l;

	list_for_each_entry(l, &c->leases, node)
		if (l != own && (type == F_WRLCK || l->type == F_WRLCK ||
				 l->target == F_UNLCK))
			return true;
	return false;
}

static int change_locked(struct file_lock_ctx *c, struct file *f, int type,
			 struct file_lock **new) __must_hold(&locks_lock)
{
	struct file_lock *l;

	expire_locked(c);
	l = find_locked(c, f);
	if (type == F_UNLCK) {
		if (!l)
			return -EAGAIN;
		lock_remove(l);
		locks_released(c);
		return 0;
	}
	if (conflicts_locked(c, l, type) || has_openers(f, type))
		return -EAGAIN;
	if (!l) {
		l = *new;
		*new = NULL;
		lock_insert(c, l);
	}
	l->type = l->target = type;
	l->deadline = 0;
	locks_released(c);
	return 0;
}

int lease_set(struct file *f, int fd, int type)
{
	struct file_lock *new = NULL;
	struct file_lock_ctx *c;
	int err;

	if (type != F_UNLCK && type != F_RDLCK && type != F_WRLCK)
		return -EINVAL;
	if (f->inode->uid != current_fsuid() && !capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(f->inode->mode) || !READ_ONCE(sysctl_leases_enable))
		return -EINVAL;
	err = locks_ctx_get(f->inode, &c);
	if (!err && type != F_UNLCK) {
		new = kzalloc(sizeof(*new), GFP_KERNEL);
		err = new ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	if (new)
		*new = (struct file_lock){
			.inode = f->inode, .owner = f, .end = OFFSET_MAX,
			.pid = current->tgid, .kind = KIND_LEASE, .fd = fd,
		};
	spin_lock(&locks_lock);
	err = change_locked(c, f, type, &new);
	/* Who opened it since the look did not see the lease. */
	if (!err && type != F_UNLCK && has_openers(f, type)) {
		lock_remove(find_locked(c, f));
		err = -EAGAIN;
	}
	spin_unlock(&locks_lock);
	kfree(new);
	if (!err && type != F_UNLCK)
		err = file_own(f);
	return err;
}
