/*
 * shm - System V shared memory.
 *
 * Theory:  a segment is a nameless file of tmpfs, as shared anonymous memory
 *          is, whose inode number is the segment's id.  An attachment is a
 *          mapping of that file with area operations of our own, which count
 *          attachments wherever areas are copied, split and closed.
 * Locks:   the segment's lock for its fields; areas open and close under
 *          mm.map_lock.  Whoever finds that a segment should end drops the
 *          lock, takes ids.lock and looks again.
 * Life:    the table's reference, and one per area.  An area also holds the
 *          namespace.  The file goes with the memory of the segment.
 */
#include "ipc_impl.h"

#include <fs/seq.h>
#include <fs/vfs.h>
#include <lib/errno.h>
#include <lib/printf.h>
#include <mm/mm.h>

#define SHM_DEST	01000
#define SHM_LOCKED	02000
#define SHM_HUGETLB	04000
#define SHM_NORESERVE	010000
#define PROT_READ 1u
#define PROT_WRITE 2u
#define PROT_EXEC 4u

enum { SHM_LOCK = 11, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY };

struct shm {
	struct ipc_obj obj;
	size_t size;		/* const */
	struct file *file;	/* owns a reference. const */
	s64 atime, dtime, ctime;
	struct pid *cpid, *lpid;	/* own references */
	struct pid *creator;	/* the thread; owns a reference. const */
	unsigned long nattch;
	struct user_struct *locker;	/* who pays for SHM_LOCK */
};

struct shmid64_ds {
	struct ipc64_perm perm;
	size_t segsz;
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
	unsigned long nattch, _unused[2];
};
static_assert(sizeof(struct shmid64_ds) == 112, "shmid64_ds");

struct shminfo64 {
	unsigned long shmmax, shmmin, shmmni, shmseg, shmall, _unused[4];
};

struct shm_info {
	s32 used_ids;
	unsigned long tot, rss, swp, swap_attempts, swap_successes;
};

static struct shm *shm_of(struct ipc_obj *o)
{
	return container_of(o, struct shm, obj);
}

static unsigned long shm_pages(const struct shm *s)
{
	return ALIGN_UP(s->size, PAGE_SIZE) >> PAGE_SHIFT;
}

/* --- making ---------------------------------------------------------------*/
static void shm_free(struct ipc_obj *o)
{
	struct shm *s = shm_of(o);

	if (s->file)
		file_put(s->file);
	pid_put(s->cpid);
	pid_put(s->lpid);
	pid_put(s->creator);
	kfree(s);
}

static int check_room(struct ipc_ns *ns, size_t size)
{
	unsigned long pages = size / PAGE_SIZE + !!(size % PAGE_SIZE);
	unsigned long tot = READ_ONCE(ns->shm_tot);

	if (!size || size > READ_ONCE(ns->shm_ctlmax))
		return -EINVAL;
	if (pages << PAGE_SHIFT < size || tot + pages < tot ||
	    tot + pages > READ_ONCE(ns->shm_ctlall))
		return -ENOSPC;
	return size > S64_MAX ? -EINVAL : 0;
}

/* There is no pool of huge pages to take from. */
static int check_huge(int flags)
{
	if (!(flags & SHM_HUGETLB))
		return 0;
	return capable(CAP_IPC_LOCK) ? -ENOMEM : -EPERM;
}

static int shm_create(struct ipc_ns *ns, const struct ipc_want *w,
		      struct ipc_obj **out)
{
	char name[16];
	struct shm *s;
	int err = check_room(ns, w->size);

	if (!err)
		err = check_huge(w->flags);
	if (!err && !shmem_file_hook)
		err = -ENOSYS;
	if (err)
		return err;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	ipc_obj_init(&s->obj, ns, w, shm_free);
	ksnprintf(name, sizeof(name), "SYSV%08x", (u32)w->key);
	err = shmem_file_hook(name, w->size, !(w->flags & SHM_NORESERVE) ||
			      sysctl_overcommit_memory == 2, &s->file);
	if (err) {
		kfree(s);
		return err;
	}
	s->size = w->size;
	s->ctime = ipc_now();
	s->cpid = pid_get(current_tgid());
	s->creator = pid_get(current->thread_pid);
	*out = &s->obj;
	return 0;
}

static void shm_named(struct ipc_obj *o)
{
	struct shm *s = shm_of(o);

	s->file->inode->ino = (u64)o->id;
	fetch_add_relaxed(&o->ns->shm_tot, shm_pages(s));
}

static int shm_check(struct ipc_obj *o, const struct ipc_want *w)
{
	return w->size > shm_of(o)->size ? -EINVAL : 0;
}

int shm_get(int key, size_t size, int flags)
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_want w = {
		.key = key, .flags = flags, .size = size,
		.limit = READ_ONCE(ns->shm_ctlmni),
		.create = shm_create, .check = shm_check, .named = shm_named,
	};

	return ipc_get(ns, IPC_SHM, &w);
}

/* --- removing -------------------------------------------------------------*/
static void unlock_memory(struct shm *s)
{
	if (!s->locker)
		return;
	__atomic_sub_fetch(&s->locker->locked_pages, (s64)shm_pages(s),
			   __ATOMIC_RELAXED);
	user_put(s->locker);
	s->locker = NULL;
	s->obj.mode &= ~(u32)SHM_LOCKED;
}

static void destroy_unlock(struct shm *s) __no_analysis
{
	ipc_remove_locked(&s->obj, IPC_SHM);
	fetch_add_relaxed(&s->obj.ns->shm_tot, -shm_pages(s));
	unlock_memory(s);
	spin_unlock(&s->obj.lock);
	ipc_obj_put(&s->obj);
}

/* IPC_RMID: it goes with its last attachment, and nobody finds it by key. */
void shm_delete_unlock(struct ipc_obj *o) __no_analysis
{
	struct shm *s = shm_of(o);

	if (!s->nattch) {
		destroy_unlock(s);
		return;
	}
	o->mode |= SHM_DEST;
	o->key = IPC_PRIVATE;
	spin_unlock(&o->lock);
}

static bool may_destroy(const struct shm *s)
{
	return !s->nattch && !s->obj.is_deleted &&
	       ((s->obj.mode & SHM_DEST) ||
		READ_ONCE(s->obj.ns->shm_rmid_forced));
}

/* One attachment, or a call that was about to make one, is gone.  The lock is
 * dropped by who destroys: not analysed. */
static void drop_attachment(struct shm *s, bool note) __no_analysis
{
	struct ipc_ids *ids = &s->obj.ns->ids[IPC_SHM];
	bool may;

	spin_lock(&s->obj.lock);
	s->nattch--;
	if (note) {
		s->dtime = ipc_now();
		ipc_set_pid(&s->lpid, current_tgid());
	}
	may = may_destroy(s);
	spin_unlock(&s->obj.lock);
	if (likely(!may))
		return;
	mutex_lock(&ids->lock);
	spin_lock(&s->obj.lock);
	if (may_destroy(s))
		destroy_unlock(s);
	else
		spin_unlock(&s->obj.lock);
	mutex_unlock(&ids->lock);
}

/* --- orphans --------------------------------------------------------------*/
/* Unattached segments go whose creator is this one, or has gone before. */
static void drop_orphans_of(struct ipc_ns *ns, const struct pid *creator)
	__no_analysis
{
	struct ipc_ids *ids = &ns->ids[IPC_SHM];

	mutex_lock(&ids->lock);
	for (int i = ids->max_index; i >= 0; i--) {
		struct ipc_obj *o;
		struct shm *s;

		if (ipc_lock_index(ns, IPC_SHM, i, &o))
			continue;
		s = shm_of(o);
		if (may_destroy(s) && (s->creator == creator ||
				       !READ_ONCE(s->creator->thread)))
			destroy_unlock(s);
		else
			spin_unlock(&o->lock);
	}
	mutex_unlock(&ids->lock);
}

void shm_drop_orphans(struct ipc_ns *ns)
{
	drop_orphans_of(ns, NULL);
}

void shm_exit(struct task *t)
{
	struct ipc_ns *ns = t->nsproxy->ipc;

	if (unlikely(READ_ONCE(ns->shm_rmid_forced)))
		drop_orphans_of(ns, t->thread_pid);
}

/* --- areas ----------------------------------------------------------------*/
static void shm_vma_open(struct vma *v)
{
	struct shm *s = v->priv;

	file_get(v->file);
	ref_get(&s->obj.refs);
	ipc_ns_get(s->obj.ns);
	spin_lock(&s->obj.lock);
	s->nattch++;
	s->atime = ipc_now();
	ipc_set_pid(&s->lpid, current_tgid());
	spin_unlock(&s->obj.lock);
}

static void shm_vma_close(struct vma *v)
{
	struct shm *s = v->priv;
	struct ipc_ns *ns = s->obj.ns;

	drop_attachment(s, true);
	ipc_obj_put(&s->obj);
	ipc_ns_put(ns);
	file_put(v->file);
}

static int shm_vma_mkwrite(struct vma *v, struct page *p)
{
	return generic_file_vm_ops.mkwrite(v, p);
}

static const struct vma_ops shm_vm_ops = {
	.open = shm_vma_open,
	.close = shm_vma_close,
	.fault = filemap_fault,
	.mkwrite = shm_vma_mkwrite,
};

/* map_request.attach has no argument of its own: the segment's number is the
 * file's inode number, and the caller holds an attachment. */
static int attach_area(struct file *f, struct vma *v) __no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_id(current_ipc(), IPC_SHM, (int)f->inode->ino, &o);

	if (err)
		return err;
	spin_unlock(&o->lock);
	v->priv = shm_of(o);
	v->ops = &shm_vm_ops;
	v->mapping = f->mapping;
	shm_vma_open(v);
	return 0;
}

/* --- shmat ----------------------------------------------------------------*/
static int make_request(int flags, unsigned long addr, struct map_request *rq,
			int *access)
{
	*access = flags & SHM_RDONLY ? 0444 : 0666;
	rq->prot = flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	if (flags & SHM_EXEC) {
		rq->prot |= PROT_EXEC;
		*access |= 0111;
	}
	rq->flags = MAP_SHARED;
	rq->may_flags = VM_MAYREAD | VM_MAYEXEC;
	if (!(flags & SHM_RDONLY))
		rq->may_flags |= VM_MAYWRITE;
	if (addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr &= PAGE_MASK;
	}
	if (!addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	rq->addr = addr;
	rq->flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/* Counts as attached from here on. */
static int take_segment(int id, int access, struct shm **out) __no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_id(current_ipc(), IPC_SHM, id, &o);

	if (err)
		return err;
	err = ipc_permits(o, access);
	if (!err) {
		*out = shm_of(o);
		(*out)->nattch++;
		ref_get(&o->refs);
	}
	spin_unlock(&o->lock);
	return err;
}

int shm_attach(int id, unsigned long addr, int flags, unsigned long *out)
{
	struct map_request rq = { .attach = attach_area };
	struct shm *s;
	int access, err;

	if (id < 0)
		return -EINVAL;
	err = make_request(flags, addr, &rq, &access);
	if (!err)
		err = take_segment(id, access, &s);
	if (err)
		return err;
	rq.file = s->file;
	rq.len = s->size;
	err = -EINVAL;
	if (rq.addr + rq.len >= rq.addr)
		err = mm_map(current->mm, &rq, out);
	if (err == -EEXIST)
		err = -EINVAL;
	drop_attachment(s, false);
	ipc_obj_put(&s->obj);
	return err;
}

int shm_detach(unsigned long addr)
{
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	return mm_unmap_object(addr, &shm_vm_ops);
}

/* --- shmctl ---------------------------------------------------------------*/
static void fill_stat(struct ipc_obj *o, void *to)
{
	const struct shm *s = shm_of(o);
	struct shmid64_ds *d = to;

	memset(d, 0, sizeof(*d));
	ipc_fill_perm(&d->perm, &s->obj);
	d->segsz = s->size;
	d->atime = s->atime;
	d->dtime = s->dtime;
	d->ctime = s->ctime;
	d->cpid = ipc_pid_nr(s->cpid);
	d->lpid = ipc_pid_nr(s->lpid);
	d->nattch = s->nattch;
}

static int ctl_stat(int id, int cmd, void __user *to)
{
	static const struct ipc_stat stat = { IPC_SHM, SHM_STAT_ANY, fill_stat };
	struct shmid64_ds d;
	int ret = ipc_stat(&stat, id, cmd, &d);

	return ret >= 0 && copy_to_user(to, &d, sizeof(d)) ? -EFAULT : ret;
}

static int last_index(struct ipc_ids *ids)
{
	int last;

	mutex_lock(&ids->lock);
	last = max(ids->max_index, 0);
	mutex_unlock(&ids->lock);
	return last;
}

static int ctl_limits(void __user *to)
{
	struct ipc_ns *ns = current_ipc();
	struct shminfo64 i = {
		.shmmax = ns->shm_ctlmax, .shmmin = 1,
		.shmmni = (unsigned long)ns->shm_ctlmni,
		.shmseg = (unsigned long)ns->shm_ctlmni,
		.shmall = ns->shm_ctlall,
	};

	if (copy_to_user(to, &i, sizeof(i)))
		return -EFAULT;
	return last_index(&ns->ids[IPC_SHM]);
}

static u64 resident(const struct shm *s)
{
	return READ_ONCE(s->file->mapping->nr_pages);
}

static void add_resident(struct ipc_obj *o, void *sum)
{
	*(unsigned long *)sum += resident(shm_of(o));
}

static int ctl_info(void __user *to)
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_ids *ids = &ns->ids[IPC_SHM];
	struct shm_info i;
	int last;

	memset(&i, 0, sizeof(i));
	mutex_lock(&ids->lock);
	i.used_ids = ids->in_use;
	i.tot = READ_ONCE(ns->shm_tot);
	ipc_for_each(ns, IPC_SHM, add_resident, &i.rss);
	last = max(ids->max_index, 0);
	mutex_unlock(&ids->lock);
	return copy_to_user(to, &i, sizeof(i)) ? -EFAULT : last;
}

static int change_owned(int id, const struct shmid64_ds *d) __no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_owned(current_ipc(), IPC_SHM, id, &o);

	if (err)
		return err;
	if (!d) {
		shm_delete_unlock(o);
		return 0;
	}
	err = ipc_change_perm(o, &d->perm);
	if (!err)
		shm_of(o)->ctime = ipc_now();
	spin_unlock(&o->lock);
	return err;
}

static int ctl_owner(int id, int cmd, const void __user *from)
{
	struct ipc_ids *ids = &current_ipc()->ids[IPC_SHM];
	struct shmid64_ds d;
	int err;

	if (cmd == IPC_SET && copy_from_user(&d, from, sizeof(d)))
		return -EFAULT;
	mutex_lock(&ids->lock);
	err = change_owned(id, cmd == IPC_SET ? &d : NULL);
	mutex_unlock(&ids->lock);
	return err;
}

/* --- SHM_LOCK: pages never leave memory anyway, but they are paid for -----*/
static int may_lock(const struct shm *s, int cmd)
{
	u32 euid = current_euid();

	if (ns_capable(s->obj.ns->owner.user_ns, CAP_IPC_LOCK))
		return 0;
	if (euid != s->obj.uid && euid != s->obj.cuid)
		return -EPERM;
	return cmd == SHM_LOCK && !rlimit(RLIMIT_MEMLOCK) ? -EPERM : 0;
}

static int lock_memory(struct shm *s)
{
	struct user_struct *u = current_cred()->user;
	s64 pages = (s64)shm_pages(s), sum;
	u64 limit = rlimit(RLIMIT_MEMLOCK);

	if (s->obj.mode & SHM_LOCKED)
		return 0;
	sum = __atomic_add_fetch(&u->locked_pages, pages, __ATOMIC_RELAXED);
	if (limit != RLIM_INFINITY && (u64)sum > limit >> PAGE_SHIFT &&
	    !capable(CAP_IPC_LOCK)) {
		__atomic_sub_fetch(&u->locked_pages, pages, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	if (u != &root_user)
		ref_get(&u->refs);
	s->locker = u;
	s->obj.mode |= SHM_LOCKED;
	return 0;
}

static int ctl_lock(int id, int cmd) __no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_id(current_ipc(), IPC_SHM, id, &o);

	if (err)
		return err;
	err = may_lock(shm_of(o), cmd);
	if (!err && cmd == SHM_LOCK)
		err = lock_memory(shm_of(o));
	else if (!err)
		unlock_memory(shm_of(o));
	spin_unlock(&o->lock);
	return err;
}

int shm_ctl(int id, int cmd, void __user *buf)
{
	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return ctl_limits(buf);
	case SHM_INFO:
		return ctl_info(buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return ctl_stat(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
		return ctl_owner(id, cmd, buf);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return ctl_lock(id, cmd);
	}
	return -EINVAL;
}

void shm_show(struct ipc_obj *o, void *seq)
{
	struct shm *s = shm_of(o);
	struct seq *to = seq;

	ipc_show_name(to, o);
	seq_printf(to, " %21lu %5u %5u  %5lu", s->size,
		   (u32)ipc_pid_nr(s->cpid), (u32)ipc_pid_nr(s->lpid),
		   s->nattch);
	ipc_show_owner(to, o);
	seq_printf(to, " %10llu %10llu %10llu %21lu %21lu\n", (u64)s->atime,
		   (u64)s->dtime, (u64)s->ctime,
		   (unsigned long)resident(s) * PAGE_SIZE, 0ul);
}
