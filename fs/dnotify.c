/*
 * dnotify - signals about changes in a directory (F_NOTIFY of fcntl(2)).
 *
 * Theory:  an entry joins an open directory and the descriptor table that
 *          asked; it is found by the events that inotify sees, and its signal
 *          is that of the file's owner.
 * Locks:   notify_lock.
 * Life:    until the event if it was asked for once, until the table closes a
 *          descriptor of the file at the latest; so the file outlives it.
 */
#include "notify_impl.h"
#include <fs/fdtable.h>
#include <lib/errno.h>
#include <mm/slab.h>
#include <signal/signal.h>

#define DN_ACCESS 0x1u
#define DN_MODIFY 0x2u
#define DN_CREATE 0x4u
#define DN_DELETE 0x8u
#define DN_RENAME 0x10u
#define DN_ATTRIB 0x20u
#define DN_MULTISHOT 0x80000000u

int sysctl_dir_notify = 1;

struct dnotify {
	struct list node;		/* marks.dnotify */
	struct file *file;		/* const */
	struct files *owner;		/* const; only compared */
	int fd;				/* notify_lock, and so the rest */
	u32 mask;			/* IN_*, and DN_MULTISHOT */
};

static u32 events_of(u32 dn)
{
	static const struct {
		u32 dn, in;
	} map[] = {
		{ DN_ACCESS, IN_ACCESS },
		{ DN_MODIFY, IN_MODIFY },
		{ DN_CREATE, IN_CREATE | IN_MOVED_TO },
		{ DN_DELETE, IN_DELETE | IN_MOVED_FROM },
		{ DN_RENAME, IN_MOVED_FROM },
		{ DN_ATTRIB, IN_ATTRIB },
	};
	u32 in = dn & DN_MULTISHOT;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (dn & map[i].dn)
			in |= map[i].in;
	return in;
}

static void remove_locked(struct dnotify *d)
{
	list_del(&d->node);
	kfree(d);
	__atomic_fetch_sub(&notify_watchers, 1, __ATOMIC_RELAXED);
}

void dnotify_tell_locked(struct inode *i, u32 what)
{
	struct dnotify *d, *n;

	list_for_each_entry_safe(d, n, &i->marks->dnotify, node) {
		if (!(d->mask & what))
			continue;
		file_signal_owner(d->file, d->fd, POLL_MSG,
				  EPOLLIN | EPOLLRDNORM | EPOLLMSG);
		if (!(d->mask & DN_MULTISHOT))
			remove_locked(d);
	}
	marks_drop_locked(i);
}

static struct dnotify *find_locked(struct file *f, const struct files *owner)
{
	struct notify_marks *m = f->inode->marks;
	struct dnotify *d;

	if (m)
		list_for_each_entry(d, &m->dnotify, node)
			if (d->file == f && d->owner == owner)
				return d;
	return NULL;
}

void dnotify_on_close(struct file *f, struct files *owner)
{
	struct dnotify *d;

	spin_lock(&notify_lock);
	d = find_locked(f, owner);
	if (d) {
		remove_locked(d);
		marks_drop_locked(f->inode);
	}
	spin_unlock(&notify_lock);
}

/* Another thread may have closed the descriptor before there was an entry that
 * its close could drop. */
static void drop_if_closed(struct file *f, int fd)
{
	struct file *now;

	smp_mb();	/* pairs with close_file() */
	now = fd_get_file_raw(fd);
	if (now != f)
		dnotify_on_close(f, current->files);
	if (now)
		file_put(now);
}

static int add(struct file *f, int fd, u32 mask)
{
	struct notify_marks *marks = kmalloc(sizeof(*marks), GFP_KERNEL);
	struct dnotify *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL), *d;
	int err = -ENOMEM;

	if (!marks || !fresh)
		goto out;
	err = file_own(f);
	if (err)
		goto out;
	spin_lock(&notify_lock);
	d = find_locked(f, current->files);
	if (!d) {
		d = fresh;
		fresh = NULL;
		d->file = f;
		d->owner = current->files;
		marks_need_locked(f->inode, &marks);
		list_add(&d->node, &f->inode->marks->dnotify);
		__atomic_fetch_add(&notify_watchers, 1, __ATOMIC_RELAXED);
	}
	d->fd = fd;
	d->mask |= mask;
	spin_unlock(&notify_lock);
	if (ref_count(&current->files->refs) != 1)
		drop_if_closed(f, fd);
out:
	kfree(marks);
	kfree(fresh);
	return err;
}

int dnotify_set(struct file *f, int fd, u32 dn)
{
	u32 mask = events_of(dn);

	if (!READ_ONCE(sysctl_dir_notify))
		return -EINVAL;
	if (!(mask & ~DN_MULTISHOT)) {
		dnotify_on_close(f, current->files);
		return 0;
	}
	return S_ISDIR(f->inode->mode) ? add(f, fd, mask) : -ENOTDIR;
}
