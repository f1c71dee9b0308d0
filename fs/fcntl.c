/* fcntl - what fcntl(2) and ioctl(2) ask of any open file. */
#include "locks_impl.h"
#include "vfs_impl.h"
#include <fs/fdtable.h>
#include <fs/inotify.h>
#include <fs/pipe.h>
#include <kernel/rcu.h>
#include <signal/signal.h>
#include <task/cred.h>
#include <task/pid.h>
#include <task/process.h>

/* Of FASYNC who makes the entry takes care. */
#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

enum {
	F_GETFL = 3,
	F_SETFL = 4,
	F_GETLK = 5,
	F_SETLKW = 7,
	F_SETOWN = 8,
	F_GETOWN = 9,
	F_SETSIG = 10,
	F_GETSIG = 11,
	F_SETOWN_EX = 15,
	F_GETOWN_EX = 16,
	F_GETOWNER_UIDS = 17,
	F_OFD_GETLK = 36,
	F_OFD_SETLKW = 38,
	F_SETLEASE = 1024,
	F_GETLEASE = 1025,
	F_NOTIFY = 1026,
	F_CREATED_QUERY = 1028,
	F_SETPIPE_SZ = 1031,
	F_GETPIPE_SZ = 1032,
	F_GET_RW_HINT = 1035,
	F_SET_RW_HINT = 1036,
};

#define RW_HINT_MAX 5

enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };
struct f_owner_ex {
	s32 type, pid;
};

/* --- status flags --------------------------------------------------------------------*/
static int set_fasync(struct file *f, int fd, bool on)
{
	if (!(f->flags & FASYNC) == !on)
		return 0;
	if (!f->ops->fasync)
		return on ? -ENOTTY : 0;
	return f->ops->fasync(f, fd, on);
}

static int check_setfl(struct file *f, unsigned flags)
{
	struct inode *i = f->inode;

	if (((flags ^ f->flags) & O_APPEND) && (i->flags & S_APPEND))
		return -EPERM;
	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) &&
	    !inode_owner_or_capable(i))
		return -EPERM;
	/* To a pipe it means packets. */
	if ((flags & O_DIRECT) && !S_ISFIFO(i->mode) && !file_can_direct(f))
		return -EINVAL;
	return 0;
}

int file_set_flags(struct file *f, int fd, unsigned flags)
{
	int err = check_setfl(f, flags);

	/* Without the operation the flag stays as it is. */
	if (!err && f->ops->fasync)
		err = set_fasync(f, fd, flags & FASYNC);
	if (err)
		return err;
	spin_lock(&f->lock);
	f->flags = (f->flags & ~SETFL_MASK) | (flags & SETFL_MASK);
	spin_unlock(&f->lock);
	return 0;
}

/* --- owners -----------------------------------------------------------------------------*/
static void set_owner(struct file *f, struct pid *pid, int type)
{
	struct pid *old;

	spin_lock(&f->lock);
	old = f->owner.pid;
	WRITE_ONCE(f->owner.pid, pid);
	f->owner.type = type;
	f->owner.uid = current->cred->uid;
	f->owner.euid = current->cred->euid;
	spin_unlock(&f->lock);
	if (old) {
		synchronize_rcu();	/* file_signal_owner() may read it */
		pid_put(old);
	}
}

static int set_owner_nr(struct file *f, int nr, int type)
{
	struct pid *pid = NULL;

	if (nr) {
		pid = pid_find_get(nr);
		if (!pid)
			return -ESRCH;
	}
	set_owner(f, pid, type);
	return 0;
}

static int get_owner(struct file *f, int *type)
{
	int nr;

	spin_lock(&f->lock);
	nr = f->owner.pid ? pid_vnr(f->owner.pid) : 0;
	*type = f->owner.type;
	spin_unlock(&f->lock);
	return nr;
}

int file_own(struct file *f)
{
	return f->owner.pid ? 0 :
			      set_owner_nr(f, task_vtgid(current), PIDTYPE_TGID);
}

static long set_owner_ex(struct file *f, const struct f_owner_ex __user *arg)
{
	static const int types[] = { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID };
	struct f_owner_ex o;

	if (copy_from_user(&o, arg, sizeof(o)))
		return -EFAULT;
	if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP)
		return -EINVAL;
	return set_owner_nr(f, o.pid, types[o.type]);
}

static long get_owner_ex(struct file *f, struct f_owner_ex __user *arg)
{
	struct f_owner_ex o;
	int type;

	o.pid = get_owner(f, &type);
	o.type = type == PIDTYPE_PGID ? F_OWNER_PGRP :
		 type == PIDTYPE_TGID ? F_OWNER_PID : F_OWNER_TID;
	return copy_to_user(arg, &o, sizeof(o));
}

static long get_owner_uids(struct file *f, u32 __user *arg)
{
	struct user_ns *ns = current_user_ns();
	u32 ids[2] = {
		from_kuid(ns, f->owner.uid), from_kuid(ns, f->owner.euid)
	};

	return copy_to_user(arg, ids, sizeof(ids));
}

static bool may_signal(const struct file *f, struct task *t)
{
	const struct cred *c = task_cred_get(t);
	u32 uid = f->owner.uid, euid = f->owner.euid;
	bool ok = euid == 0 || euid == c->suid || euid == c->uid ||
		  uid == c->suid || uid == c->uid;

	cred_put(c);
	return ok;
}

/* SIGIO also when the queue of the signal asked for is full: fcntl(2). */
static void signal_owner(const struct file *f, struct siginfo *info,
			 struct task *t, enum signal_target to)
{
	int sig = f->owner.sig;

	if (!may_signal(f, t))
		return;
	if (!sig || signal_send(sig, info, t, to))
		signal_send(SIGIO, SIG_INFO_KERNEL, t, to);
}

static void signal_owners(const struct file *f, struct siginfo *info,
			  struct pid *pgrp)
{
	struct process *p;

	read_lock(&tasklist_lock);
	for_each_pid_process(p, pgrp, PIDTYPE_PGID)
		signal_owner(f, info, p->leader, SIG_TO_PROCESS);
	read_unlock(&tasklist_lock);
}

void file_signal_owner(struct file *f, int fd, int code, int band)
{
	struct siginfo info = {
		.code = code, .poll = { .band = band, .fd = fd },
	};
	struct pid *pid;
	struct task *t;

	rcu_read_lock();
	pid = READ_ONCE(f->owner.pid);
	if (pid && f->owner.type == PIDTYPE_PGID) {
		signal_owners(f, &info, pid);
	} else if (pid) {
		t = pid_task(pid, (enum pid_type)f->owner.type);
		if (t)
			signal_owner(f, &info, t,
				     f->owner.type == PIDTYPE_PID ?
				     SIG_TO_THREAD : SIG_TO_PROCESS);
	}
	rcu_read_unlock();
}

/* --- commands ---------------------------------------------------------------------------*/
static long set_own(struct file *f, int who)
{
	if (who == INT_MIN)
		return -EINVAL;
	return who < 0 ? set_owner_nr(f, -who, PIDTYPE_PGID) :
			 set_owner_nr(f, who, PIDTYPE_TGID);
}

static long get_own(struct file *f)
{
	int type, nr = get_owner(f, &type);

	return type == PIDTYPE_PGID ? -nr : nr;
}

/* How long the data will live: no device here asks. */
static long set_rw_hint(struct file *f, const u64 __user *arg)
{
	u64 hint;

	if (!inode_owner_or_capable(f->inode))
		return -EPERM;
	if (get_user(hint, arg))
		return -EFAULT;
	if (hint > RW_HINT_MAX)
		return -EINVAL;
	WRITE_ONCE(f->inode->write_hint, (u32)hint);
	return 0;
}

long file_fcntl(struct file *f, unsigned fd, unsigned cmd, unsigned long arg)
{
	switch (cmd) {
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		return file_set_flags(f, (int)fd, (unsigned)arg);
	case F_GETLK ... F_SETLKW:
	case F_OFD_GETLK ... F_OFD_SETLKW:
		return locks_fcntl(f, fd, cmd, (struct flock64 __user *)arg);
	case F_SETOWN:
		return set_own(f, (int)arg);
	case F_GETOWN:
		return get_own(f);
	case F_SETSIG:
		if (arg > NSIG)
			return -EINVAL;
		f->owner.sig = (int)arg;
		return 0;
	case F_GETSIG:
		return f->owner.sig;
	case F_SETOWN_EX:
		return set_owner_ex(f, (const struct f_owner_ex __user *)arg);
	case F_GETOWN_EX:
		return get_owner_ex(f, (struct f_owner_ex __user *)arg);
	case F_GETOWNER_UIDS:
		return get_owner_uids(f, (u32 __user *)arg);
	case F_NOTIFY:
		return dnotify_set(f, (int)fd, (u32)arg);
	case F_GETLEASE:
		return lease_get(f);
	case F_SETLEASE:
		return lease_set(f, (int)fd, (int)arg);
	case F_CREATED_QUERY:
		return !!(f->mode & FMODE_CREATED);
	case F_GET_RW_HINT:
		return put_user((u64)READ_ONCE(f->inode->write_hint),
				(u64 __user *)arg);
	case F_SET_RW_HINT:
		return set_rw_hint(f, (const u64 __user *)arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	}
	return -EINVAL;
}

/* --- ioctl -----------------------------------------------------------------------------*/
#define FIGETBSZ 2
#define FIONREAD 0x541b
#define FIONBIO 0x5421
#define FIOASYNC 0x5452
#define FIOQSIZE 0x5460
#define FICLONE 0x40049409
#define FICLONERANGE 0x4020940d

static long set_bit_flag(struct file *f, unsigned flag, int __user *arg)
{
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	if (flag == FASYNC)
		return set_fasync(f, -1, on);
	spin_lock(&f->lock);
	f->flags = on ? f->flags | flag : f->flags & ~flag;
	spin_unlock(&f->lock);
	return 0;
}

/* Sharing blocks between files: no file system here can, and programs that
 * try (cp) tell that from a file that it cannot be asked of. */
static int clone_refused(struct file *to, int fd)
{
	struct file *from = fd_get_file(fd);
	int err;

	if (!from)
		return -EBADF;
	if (from->inode->sb != to->inode->sb)
		err = -EXDEV;
	else if (S_ISDIR(from->inode->mode) || S_ISDIR(to->inode->mode))
		err = -EISDIR;
	else if (!S_ISREG(from->inode->mode) || !S_ISREG(to->inode->mode))
		err = -EINVAL;
	else if (!(from->mode & FMODE_READ) || !(to->mode & FMODE_WRITE) ||
		 (to->flags & O_APPEND))
		err = -EBADF;
	else
		err = -EOPNOTSUPP;
	file_put(from);
	return err;
}

static int clone_range_refused(struct file *to, const s64 __user *arg)
{
	s64 from;

	if (get_user(from, arg))
		return -EFAULT;
	return clone_refused(to, (int)from);
}

static long file_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	long ret = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;

	return ret == -ENOTTY && cmd == FS_IOC_FIEMAP ? -EOPNOTSUPP : ret;
}

long vfs_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct inode *i = f->inode;

	switch (cmd) {
	case FIONBIO:
		return set_bit_flag(f, O_NONBLOCK, (int __user *)arg);
	case FIOASYNC:
		return set_bit_flag(f, FASYNC, (int __user *)arg);
	case FIGETBSZ:
		return put_user((int)i->sb->blocksize, (int __user *)arg);
	case FIOQSIZE:
		if (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode))
			return put_user((s64)inode_size(i), (s64 __user *)arg);
		return -ENOTTY;
	case FICLONE:
		return clone_refused(f, (int)arg);
	case FICLONERANGE:
		return clone_range_refused(f, (const s64 __user *)arg);
	case FIONREAD:
		if (S_ISREG(i->mode))
			return put_user((int)(inode_size(i) - f->pos),
					(int __user *)arg);
		break;
	}
	return file_ioctl(f, cmd, arg);
}
