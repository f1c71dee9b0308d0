/*
 * file - open files: making, opening, ending.
 *
 * Theory:  the memory of files comes from per-hart slab magazines and is of
 *          the type for ever (SLAB_RCU), so that a reader of a shared table
 *          may try for a reference of a file that is just being closed.
 *          The last reference is let go in process context; from elsewhere
 *          the file goes onto a stack that a work empties.
 * Life:    file_alloc() gives one reference.  An open file owns its path, the
 *          opener's credentials and, when writable, the write access of inode
 *          and mount.
 */
#include "mount_impl.h"
#include <fs/eventpoll.h>
#include <fs/fdtable.h>
#include <fs/locks.h>
#include <fs/mount_api.h>
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/work.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <task/cred.h>
#include <task/pid.h>

static struct slab_cache *cache;
static struct {
	s64 n;
} __aligned(64) opened[MAX_HARTS];	/* each by its hart; the sum counts */
static struct file *late_files;		/* atomic stack through rcu.next */
static struct work late_work;
struct super_block *pseudo_sb;
struct mount *pseudo_mnt;

static const struct file_ops path_fops;

/* --- counts -------------------------------------------------------------------------*/
u64 sysctl_file_max = FILE_MAX_BY_MEMORY;

u64 files_max(void)
{
	u64 n = READ_ONCE(sysctl_file_max);

	if (n != FILE_MAX_BY_MEMORY)
		return n;
	return max_t(u64, mem_total_pages() * (PAGE_SIZE / 1024) / 10, 8192);
}

u64 files_open(void)
{
	s64 sum = 0;

	for (u32 i = 0; i < nr_harts; i++)
		sum += READ_ONCE(opened[i].n);
	return sum > 0 ? (u64)sum : 0;
}

static __always_inline s64 count_here(int n)
{
	s64 now;

	preempt_disable();
	now = opened[hart_id()].n += n;
	preempt_enable_no_resched();	/* the next one will do */
	return now;
}

static void file_ctor(void *obj)
{
	struct file *f = obj;

	memset(f, 0, sizeof(*f));
	spin_init(&f->lock, RANK_SPIN_LEAF, "file");
	mutex_init(&f->pos_lock, RANK_FILE_POS, "file pos");
	list_init(&f->epitems);
}

static u32 mode_of(unsigned flags)
{
	return (flags + 1) & O_ACCMODE;	/* FMODE_READ, FMODE_WRITE */
}

int file_alloc(unsigned flags, struct file **out)
{
	struct file *f;

	/* Asked rarely, as it takes a look at all harts' counts. */
	if (unlikely(!(count_here(1) & 255) && files_open() > files_max() &&
		     !capable(CAP_SYS_ADMIN))) {
		count_here(-1);
		return -ENFILE;
	}
	f = slab_alloc(cache, GFP_KERNEL);
	if (!f) {
		count_here(-1);
		return -ENOMEM;
	}
	f->mode = mode_of(flags) | (flags & O_EXCL ? FMODE_EXCL : 0);
	f->flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC);
	f->ops = &path_fops;
	f->inode = NULL;
	f->mapping = NULL;
	f->pos = 0;
	f->priv = NULL;
	f->path = (struct path){ NULL, NULL };
	f->cred = cred_get(current->cred);
	f->ra = (struct readahead){ 0 };
	f->wb_err_seq = 0;
	f->owner.pid = NULL;
	f->owner.sig = 0;
	ref_init(&f->refs, 1);
	*out = f;
	return 0;
}

static void free_memory(struct file *f)
{
	cred_put(f->cred);
	count_here(-1);
	slab_free(cache, f);
}

void file_free_unopened(struct file *f)
{
	ref_init(&f->refs, 0);
	free_memory(f);
}

/* --- write access ----------------------------------------------------------------*/
int inode_get_write(struct inode *i)
{
	int n = READ_ONCE(i->write_count);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->write_count, &n, n + 1, true,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return 0;
}

void inode_put_write(struct inode *i)
{
	__atomic_sub_fetch(&i->write_count, 1, __ATOMIC_RELEASE);
}

int inode_deny_write(struct inode *i)
{
	int n = READ_ONCE(i->write_count);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->write_count, &n, n - 1, true,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return 0;
}

void inode_allow_write(struct inode *i)
{
	__atomic_add_fetch(&i->write_count, 1, __ATOMIC_RELEASE);
}

static int take_write_access(struct file *f)
{
	int err = inode_get_write(f->inode);

	if (err)
		return err;
	err = mnt_want_write(f->path.mnt);
	if (err) {
		inode_put_write(f->inode);
		return err;
	}
	f->mode |= FMODE_WRITER;
	return 0;
}

static void drop_write_access(struct file *f)
{
	if (!(f->mode & FMODE_WRITER))
		return;
	inode_put_write(f->inode);
	mnt_drop_write(f->path.mnt);
}

/* --- opening -----------------------------------------------------------------------*/
static bool is_special(u32 mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) ||
	       S_ISSOCK(mode);
}

/* Does a regular or block file know direct I/O?  No directory does.  In memory
 * it is all direct. */
bool file_can_direct(const struct file *f)
{
	const struct mapping *m = f->mapping;

	return (S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) &&
	       ((m->flags & MAP_NO_WRITEBACK) || (m->ops && m->ops->direct_io));
}

static void set_position_mode(struct file *f)
{
	if (!f->ops->llseek || f->ops->llseek == no_llseek)
		f->mode &= ~(FMODE_LSEEK | FMODE_PREAD);
	else if (f->ops->llseek == noop_llseek && !is_special(f->inode->mode))
		f->mode &= ~FMODE_PREAD;
	else if (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode))
		f->mode |= FMODE_ATOMIC_POS;
}

int vfs_open(struct file *f, struct path *p)
{
	struct inode *i = p->dentry->inode;
	int err;

	f->path = *p;
	f->inode = i;
	f->mapping = i->mapping;
	if (unlikely(f->flags & O_PATH)) {
		f->mode = FMODE_PATH;
		f->flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
		return 0;
	}
	f->mode |= FMODE_LSEEK | FMODE_PREAD;
	if ((f->mode & FMODE_WRITE) && !is_special(i->mode)) {
		err = take_write_access(f);
		if (err)
			goto err_path;
	}
	if (unlikely(READ_ONCE(i->locks))) {
		err = lease_break(i, f->flags);
		if (err)
			goto err_access;
	}
	f->ops = i->fops;
	f->wb_err_seq = READ_ONCE(i->mapping->wb_err_seq);
	if (f->ops->open) {
		err = f->ops->open(i, f);
		if (err)
			goto err_access;
	}
	f->flags &= ~(u32)O_NOCTTY;	/* a word to open() alone */
	set_position_mode(f);
	err = -EINVAL;
	if (unlikely(f->flags & O_DIRECT) && !file_can_direct(f))
		goto err_release;
	return 0;

err_release:
	if (f->ops->release)
		f->ops->release(f);
err_access:
	drop_write_access(f);
err_path:
	f->path = (struct path){ NULL, NULL };
	return err;
}

int file_open_path(const struct path *p, unsigned flags, struct file **out)
{
	struct path own = *p;
	struct file *f;
	int err = file_alloc(flags, &f);

	if (err)
		return err;
	path_get(&own);
	err = vfs_open(f, &own);
	if (err) {
		path_put(&own);
		file_free_unopened(f);
		return err;
	}
	*out = f;
	return 0;
}

/* --- ending ---------------------------------------------------------------------------*/
static void release(struct file *f)
{
	might_sleep();
	if (unlikely(!list_empty(&f->epitems)))
		eventpoll_release_file(f);
	if (!(f->mode & FMODE_PATH))
		notify_file(f, f->mode & FMODE_WRITE ? FSN_CLOSE_WRITE :
						       FSN_CLOSE_NOWRITE);
	if (unlikely(f->inode->locks))
		locks_on_release(f);
	if (unlikely(f->flags & FASYNC) && f->ops->fasync)
		ignore_error(f->ops->fasync(f, -1, false));	/* taking off */
	if (f->ops->release)
		f->ops->release(f);
	drop_write_access(f);
	if (unlikely(f->mode & FMODE_UNMOUNT))
		mount_dissolve(f->path.mnt);
	if (f->owner.pid)
		pid_put(f->owner.pid);
	path_put(&f->path);
	free_memory(f);
}

static void release_late(struct work *w)
{
	struct file *f = xchg(&late_files, NULL), *next;

	for (; f; f = next) {
		next = (struct file *)f->rcu.next;
		release(f);
	}
}

static noinline void defer(struct file *f)
{
	struct file *top = READ_ONCE(late_files);

	do
		f->rcu.next = (struct rcu_head *)top;
	while (!__atomic_compare_exchange_n(&late_files, &top, f, true,
					    __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
	work_queue(&late_work);
}

void file_put(struct file *f)
{
	if (likely(!ref_put(&f->refs)))
		return;
	if (unlikely(in_atomic()))
		defer(f);
	else
		release(f);
}

/* --- files without a path -----------------------------------------------------------*/
static size_t describe_anon(struct dentry *d, char *buf, size_t n)
{
	return (size_t)ksnprintf(buf, n, "anon_inode:%s", (char *)d->priv);
}

static size_t describe_pseudo(struct dentry *d, char *buf, size_t n)
{
	return (size_t)ksnprintf(buf, n, "%s:[%llu]", (char *)d->priv,
				 d->inode->ino);
}

static const struct dentry_ops anon_dops = { .describe = describe_anon };
static const struct dentry_ops pseudo_dops = { .describe = describe_pseudo };

static struct inode *anon_inode;	/* of all files of file_anon() */

/* inode's reference moves in, also on error. */
static int open_pathless(struct inode *i, const char *name,
			 const struct dentry_ops *dops,
			 const struct file_ops *ops, void *priv, unsigned flags,
			 struct file **out)
{
	struct dentry *d;
	struct file *f;
	int err = dentry_alloc_root(pseudo_sb, i, &d);

	if (err) {
		inode_put(i);
		return err;
	}
	d->ops = dops;
	d->priv = (void *)name;
	err = file_alloc(flags, &f);
	if (err) {
		dentry_put(d);
		return err;
	}
	mount_get(pseudo_mnt);
	f->path = (struct path){ pseudo_mnt, d };
	f->inode = i;
	f->mapping = i->mapping;
	f->ops = ops;
	f->priv = priv;
	f->mode |= FMODE_LSEEK | FMODE_PREAD;
	set_position_mode(f);
	*out = f;
	return 0;
}

int file_anon(const char *name, const struct file_ops *ops, void *priv,
	      unsigned flags, struct file **out)
{
	return open_pathless(inode_get(anon_inode), name, &anon_dops, ops,
			     priv, flags, out);
}

int file_pseudo(const char *kind, const struct file_ops *ops, u32 mode,
		void *priv, unsigned flags, struct file **out)
{
	struct inode *i;
	int err = inode_alloc(pseudo_sb, &i);

	if (err)
		return err;
	i->uid = current_fsuid();
	i->gid = current->cred->fsgid;
	i->mode = mode;
	i->fops = ops;
	i->flags = S_PRIVATE;
	i->atime = i->mtime = i->ctime = time_now();
	return open_pathless(i, kind, &pseudo_dops, ops, priv, flags, out);
}

#define ANON_INODE_FS_MAGIC 0x09041934
#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534f434b

static int pseudo_statfs(struct dentry *d, struct kstatfs *st)
{
	u32 mode = d->inode->mode;

	/* Linux has a file system of its own for pipes, and for sockets. */
	st->type = S_ISFIFO(mode) ? PIPEFS_MAGIC :
		   S_ISSOCK(mode) ? SOCKFS_MAGIC : ANON_INODE_FS_MAGIC;
	st->bsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static const struct filesystem pseudo_fs = {
	.name = "anon_inodefs", .flags = FS_NODEV, .kill = kill_super_anon,
};
static const struct super_ops pseudo_ops = { .statfs = pseudo_statfs };

void pseudo_init(void)
{
	struct inode *root;

	BUG_ON(super_alloc_nodev(&pseudo_fs, SB_KERNMOUNT | SB_NOWRITEBACK,
				 &pseudo_sb));
	pseudo_sb->ops = &pseudo_ops;
	BUG_ON(inode_alloc(pseudo_sb, &root));
	root->mode = S_IFDIR | 0555;
	BUG_ON(dentry_alloc_root(pseudo_sb, root, &pseudo_sb->root));
	BUG_ON(mount_alloc(pseudo_sb, pseudo_sb->root, "none", 0,
			   &pseudo_mnt));
	BUG_ON(inode_alloc(pseudo_sb, &anon_inode));
	anon_inode->mode = 0600;
	anon_inode->flags = S_PRIVATE;
}

static void hook_put(struct file *f)
{
	file_put(f);
}

static void hook_get(struct file *f)
{
	file_get(f);
}

static int hook_sync(struct file *f, u64 start, u64 end)
{
	return f->ops->fsync ? f->ops->fsync(f, start, end, false) : 0;
}

#define FALLOC_PUNCH (1 | 2)	/* keep the size, punch a hole */

static int hook_punch(struct file *f, u64 start, u64 len)
{
	return vfs_fallocate(f, FALLOC_PUNCH, start, len);
}

static int hook_attach(struct file *f, struct vma *v)
{
	return f->ops->mmap ? f->ops->mmap(f, v) : -ENODEV;
}

void file_init_caches(void)
{
	cache = slab_cache_create("file", sizeof(struct file), 64,
				  SLAB_RCU | SLAB_PANIC, file_ctor);
	work_init(&late_work, release_late);
	file_put_hook = hook_put;
	file_get_hook = hook_get;
	file_sync_hook = hook_sync;
	file_punch_hook = hook_punch;
	file_attach_hook = hook_attach;
}
