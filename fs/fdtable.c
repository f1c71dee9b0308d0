/*
 * fdtable - descriptors: small numbers for open files.
 *
 * Theory:  a table is an array of files and bitmaps of the numbers in use and
 *          of those that exec closes; `full` has a bit for each word of `open`
 *          without a free one, so the lowest free number is found by two
 *          scans of words.  A table grows by a copy that is published at once;
 *          readers under RCU use either.  The first 64 live in struct files.
 *          With one user nobody else can close a file, so a call takes no
 *          reference; a table only gets a second user by its first one's
 *          clone(), which is not in the middle of another call.
 * Locks:   files.lock for all changes; not taken by an only user, as nobody
 *          else changes anything (/proc reads, under RCU).
 */
#include <fs/fdtable.h>
#include <arch/uaccess.h>
#include <fs/inotify.h>
#include <fs/locks.h>
#include <kernel/assert.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/process.h>

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

u32 sysctl_nr_open = 1u << 20;

struct files init_files = {
	.refs = REF_INIT(1),
	.lock = SPINLOCK_INIT(RANK_FDTABLE, "files"),
	.table = &init_files.inline_table,
	.inline_table = {
		.max = FD_INLINE,
		.file = init_files.inline_file,
		.open = &init_files.inline_bits[0],
		.cloexec = &init_files.inline_bits[1],
		.full = &init_files.inline_bits[2],
	},
};

/* --- tables -----------------------------------------------------------------------*/
static size_t table_bytes(u32 max)
{
	size_t words = max / 64;

	return sizeof(struct fdtable) + max * sizeof(struct file *) +
	       (2 * words + DIV_ROUND_UP(words, 64)) * sizeof(long);
}

static struct fdtable *table_alloc(u32 max)
{
	struct fdtable *t = kvzalloc(table_bytes(max), GFP_KERNEL);

	if (!t)
		return NULL;
	t->max = max;
	t->file = (struct file **)(t + 1);
	t->open = (unsigned long *)(t->file + max);
	t->cloexec = t->open + max / 64;
	t->full = t->cloexec + max / 64;
	return t;
}

static void table_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct fdtable, rcu));
}

static void table_copy(struct fdtable *to, const struct fdtable *from, u32 max)
{
	memcpy(to->file, from->file, max * sizeof(struct file *));
	memcpy(to->open, from->open, max / 8);
	memcpy(to->cloexec, from->cloexec, max / 8);
	for (u32 w = 0; w < max / 64; w++)
		bit_assign(to->full, w, to->open[w] == ~0ul);
}

static u32 size_for(u32 fd)
{
	return (u32)max_t(u64, roundup_pow2((u64)fd + 1), 256);
}

/* True if it took the lock, which nobody needs while the table has one user:
 * that the analysis cannot see. */
static __always_inline bool files_lock(struct files *fs) __no_analysis
{
	if (likely(ref_count(&fs->refs) == 1))
		return false;
	spin_lock(&fs->lock);
	return true;
}

static __always_inline void files_unlock(struct files *fs, bool was_locked)
	__no_analysis
{
	if (was_locked)
		spin_unlock(&fs->lock);
}

/* Makes room for fd; files.lock, if held, is dropped and retaken. */
static int grow_relock(struct files *fs, u32 fd, bool is_locked)
	__no_analysis
{
	struct fdtable *old, *t;

	files_unlock(fs, is_locked);
	t = table_alloc(size_for(fd));
	if (is_locked)
		spin_lock(&fs->lock);
	if (!t)
		return -ENOMEM;
	old = fs->table;
	if (fd < old->max) {
		kvfree(t);
		return 0;
	}
	table_copy(t, old, old->max);
	rcu_assign(fs->table, t);
	if (old != &fs->inline_table)
		call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

/* --- numbers -----------------------------------------------------------------------*/
static u32 lowest_free(const struct fdtable *t, u32 from)
{
	u32 words = t->max / 64, w = from / 64;
	unsigned long free;

	if (unlikely(from >= t->max))
		return from;
	free = ~t->open[w] & (~0ul << from % 64);
	if (likely(free & (1ul << from % 64)))
		return from;
	if (likely(free))
		return w * 64 + __ffs64(free);
	w = (u32)find_next_zero(t->full, words, w + 1);
	if (w >= words)
		return t->max;
	return (u32)find_next_zero(t->open, (w + 1) * 64, w * 64);
}

static void mark_open(struct fdtable *t, u32 fd, bool is_cloexec)
{
	bit_set(t->open, fd);
	bit_assign(t->cloexec, fd, is_cloexec);
	if (t->open[fd / 64] == ~0ul)
		bit_set(t->full, fd / 64);
}

static void mark_free(struct files *fs, u32 fd)
{
	struct fdtable *t = fs->table;

	bit_clear(t->open, fd);
	bit_clear(t->full, fd / 64);
	if (fd < fs->next_fd)
		fs->next_fd = fd;
}

static u32 fd_end(void)
{
	u64 soft = READ_ONCE(current->process->rlim[RLIMIT_NOFILE].cur);

	return (u32)min(soft, (u64)READ_ONCE(sysctl_nr_open));
}

static int alloc_number(struct files *fs, u32 min, bool is_cloexec,
			bool is_locked, int *out)
{
	u32 fd, end = fd_end();
	int err;

	for (;;) {
		fd = lowest_free(fs->table, max(min, fs->next_fd));
		if (fd >= end)
			return -EMFILE;
		if (fd < fs->table->max)
			break;
		err = grow_relock(fs, fd, is_locked);
		if (err)
			return err;
	}
	mark_open(fs->table, fd, is_cloexec);
	if (min <= fs->next_fd)
		fs->next_fd = fd + 1;
	*out = (int)fd;
	return 0;
}

int fd_alloc(int min, unsigned flags, int *out)
{
	struct files *fs = current->files;
	bool locked;
	int err;

	if (unlikely(min) && (u32)min >= fd_end())
		return -EINVAL;
	locked = files_lock(fs);
	err = alloc_number(fs, (u32)min, flags & O_CLOEXEC, locked, out);
	files_unlock(fs, locked);
	return err;
}

void fd_free(int fd)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);

	mark_free(fs, (u32)fd);
	files_unlock(fs, locked);
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);

	assert(!fs->table->file[fd]);
	rcu_assign(fs->table->file[fd], f);
	files_unlock(fs, locked);
}

int fd_add(struct file *f, unsigned flags, int *out)
{
	int err = fd_alloc(0, flags, out);

	if (!err)
		fd_install(*out, f);
	return err;
}

int fd_give(struct file *f, unsigned flags)
{
	int fd, err = fd_add(f, flags, &fd);

	if (!err)
		return fd;
	file_put(f);
	return err;
}

int fd_add_pair(struct file *f[2], unsigned flags, int __user *fds)
{
	int fd[2], err = fd_alloc(0, flags, &fd[0]);

	if (err)
		return err;
	err = fd_alloc(0, flags, &fd[1]);
	if (err)
		goto err_free0;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (err)
		goto err_free1;
	fd_install(fd[0], f[0]);
	fd_install(fd[1], f[1]);
	return 0;
err_free1:
	fd_free(fd[1]);
err_free0:
	fd_free(fd[0]);
	return err;
}

/* --- finding ------------------------------------------------------------------------*/
static struct file *get_from(struct files *fs, int fd, u32 denied)
{
	struct fdtable *t;
	struct file *f;

	rcu_read_lock();
	for (;;) {
		t = rcu_dereference(fs->table);
		f = NULL;
		if ((u32)fd >= t->max)
			break;
		f = rcu_dereference(t->file[(u32)fd]);
		if (!f)
			break;
		if (!ref_tryget(&f->refs))
			continue;	/* being replaced */
		if (READ_ONCE(t->file[(u32)fd]) == f &&
		    READ_ONCE(fs->table) == t)
			break;
		rcu_read_unlock();
		file_put(f);
		rcu_read_lock();
	}
	rcu_read_unlock();
	if (f && (f->mode & denied)) {
		file_put(f);
		f = NULL;
	}
	return f;
}

struct fd fd_find_shared(int fd, u32 denied_mode)
{
	struct file *f = get_from(current->files, fd, denied_mode);

	return (struct fd){ f, f != NULL, false };
}

struct file *fd_get_file(int fd)
{
	return get_from(current->files, fd, FMODE_PATH);
}

struct file *fd_get_file_raw(int fd)
{
	return get_from(current->files, fd, 0);
}

struct file *files_get_file(struct files *fs, int fd)
{
	return get_from(fs, fd, 0);
}

struct file *files_next(struct files *fs, int *fd)
{
	struct file *f;
	u32 max;

	for (;; (*fd)++) {
		rcu_read_lock();
		max = rcu_dereference(fs->table)->max;
		rcu_read_unlock();
		if ((u32)*fd >= max)
			return NULL;
		f = get_from(fs, *fd, 0);
		if (f)
			return f;
	}
}

/* Not analysed: fd_find_pos() takes it if need be, fd_release_pos() knows. */
void file_pos_lock(struct file *f) __no_analysis
{
	mutex_lock(&f->pos_lock);
}

void file_pos_unlock(struct file *f) __no_analysis
{
	mutex_unlock(&f->pos_lock);
}

/* --- closing --------------------------------------------------------------------------*/
/* What every close of a descriptor does with its file. */
static int close_file(struct file *f, struct files *owner)
{
	int err = 0;

	if (!(f->mode & FMODE_PATH)) {
		/* Who just adds a lock or mark looks for the descriptor next */
		if (unlikely(ref_count(&owner->refs) > 1))
			smp_mb();
		if (f->ops->flush)
			err = f->ops->flush(f);
		if (unlikely(READ_ONCE(f->inode->locks)))
			locks_on_close(f, owner);
		if (unlikely(READ_ONCE(f->inode->marks)))
			dnotify_on_close(f, owner);
	}
	file_put(f);
	return err;
}

static struct file *take_locked(struct files *fs, u32 fd)
{
	struct fdtable *t = fs->table;
	struct file *f;

	if (fd >= t->max)
		return NULL;
	f = t->file[fd];
	if (!f)
		return NULL;
	rcu_assign(t->file[fd], NULL);
	mark_free(fs, fd);
	return f;
}

int fd_close(int fd)
{
	struct files *fs = current->files;
	bool locked = files_lock(fs);
	struct file *f = take_locked(fs, (u32)fd);

	files_unlock(fs, locked);
	return f ? close_file(f, fs) : -EBADF;
}

static void set_cloexec_range(struct files *fs, u32 first, u32 last)
{
	spin_lock(&fs->lock);
	last = min(last, fs->table->max - 1);
	for (u32 fd = first; fd <= last; fd++)
		if (bit_test(fs->table->open, fd))
			bit_set(fs->table->cloexec, fd);
	spin_unlock(&fs->lock);
}

static void close_range(struct files *fs, u32 first, u32 last)
{
	struct file *f;
	u32 fd = first;

	for (;;) {
		spin_lock(&fs->lock);
		last = min(last, fs->table->max - 1);
		if (fd <= last)
			fd = (u32)find_next_bit(fs->table->open, last + 1, fd);
		f = fd <= last ? take_locked(fs, fd) : NULL;
		spin_unlock(&fs->lock);
		if (fd > last)
			return;
		if (f)
			ignore_error(close_file(f, fs));	/* as Linux */
		fd++;
		cond_resched();
	}
}

int fd_close_range(unsigned first, unsigned last, unsigned flags)
{
	int err;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = files_unshare();
		if (err)
			return err;
	}
	if (flags & CLOSE_RANGE_CLOEXEC)
		set_cloexec_range(current->files, first, last);
	else
		close_range(current->files, first, last);
	return 0;
}

/* Puts f (its reference moves in) at `new` and closes what was there. */
static int replace_at(struct files *fs, struct file *f, u32 new, bool is_cloexec)
{
	struct file *old;
	int err = 0;

	spin_lock(&fs->lock);
	while (!err && new >= fs->table->max)
		err = grow_relock(fs, new, true);
	if (err)
		goto out;
	old = fs->table->file[new];
	err = -EBUSY;			/* reserved by an open() just now */
	if (!old && bit_test(fs->table->open, new))
		goto out;
	rcu_assign(fs->table->file[new], f);
	mark_open(fs->table, new, is_cloexec);
	spin_unlock(&fs->lock);
	if (old)
		ignore_error(close_file(old, fs));	/* dup2(2) */
	return 0;
out:
	spin_unlock(&fs->lock);
	return err;
}

int fd_dup(int old, int new, unsigned flags, int *out)
{
	struct files *fs = current->files;
	struct file *f;
	int err;

	if ((u32)new >= fd_end())
		return -EBADF;
	f = fd_get_file_raw(old);
	if (!f)
		return -EBADF;
	err = replace_at(fs, f, (u32)new, flags & O_CLOEXEC);
	if (err)
		file_put(f);
	*out = new;
	return err;
}

bool files_cloexec(struct files *fs, int fd)
{
	bool on;

	spin_lock(&fs->lock);
	on = (u32)fd < fs->table->max && bit_test(fs->table->cloexec, (u32)fd);
	spin_unlock(&fs->lock);
	return on;
}

bool fd_cloexec(int fd)
{
	return files_cloexec(current->files, fd);
}

void fd_set_cloexec(int fd, bool on)
{
	struct files *fs = current->files;

	spin_lock(&fs->lock);
	if ((u32)fd < fs->table->max)
		bit_assign(fs->table->cloexec, (u32)fd, on);
	spin_unlock(&fs->lock);
}

/* --- whole sets -------------------------------------------------------------------------*/
int files_create(struct files **out)
{
	struct files *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	ref_init(&fs->refs, 1);
	spin_init(&fs->lock, RANK_FDTABLE, "files");
	fs->inline_table = (struct fdtable){
		.max = FD_INLINE,
		.file = fs->inline_file,
		.open = &fs->inline_bits[0],
		.cloexec = &fs->inline_bits[1],
		.full = &fs->inline_bits[2],
	};
	fs->table = &fs->inline_table;
	*out = fs;
	return 0;
}

/* Numbers reserved by an open() in another thread are not taken over. */
static void share_files(struct fdtable *t)
{
	for (u32 w = 0; w < t->max / 64; w++) {
		unsigned long bits = t->open[w];

		while (bits) {
			u32 bit = __ffs64(bits), fd = w * 64 + bit;

			bits &= bits - 1;
			if (t->file[fd]) {
				file_get(t->file[fd]);
				continue;
			}
			bit_clear(t->open, fd);
			bit_clear(t->full, w);
		}
	}
}

/* Enough for the highest open number.  Of those beyond a limit that has been
 * lowered since, nobody gets a copy. */
static int used_max(const struct fdtable *t, u32 *max)
{
	size_t last = find_last_bit(t->open, t->max);

	*max = FD_INLINE;
	if (last == t->max || last < FD_INLINE)
		return 0;
	if (last / 64 > (READ_ONCE(sysctl_nr_open) - 1) / 64)
		return -EMFILE;
	*max = size_for((u32)last);
	return 0;
}

int files_copy(struct files *from, struct files **out)
{
	struct files *fs;
	struct fdtable *t;
	u32 max;
	int err = files_create(&fs);

	if (err)
		return err;
	spin_lock(&from->lock);
	while (!(err = used_max(from->table, &max)) && max > fs->table->max) {
		spin_unlock(&from->lock);
		t = table_alloc(max);
		if (!t) {
			files_put(fs);
			return -ENOMEM;
		}
		if (fs->table != &fs->inline_table)
			kvfree(fs->table);
		fs->table = t;
		spin_lock(&from->lock);
	}
	if (err) {
		spin_unlock(&from->lock);
		files_put(fs);
		return err;
	}
	table_copy(fs->table, from->table,
		   min(from->table->max, fs->table->max));
	share_files(fs->table);
	spin_unlock(&from->lock);
	*out = fs;
	return 0;
}

void files_put(struct files *fs)
{
	if (!fs || !ref_put(&fs->refs))
		return;
	close_range(fs, 0, fs->table->max - 1);
	if (fs->table != &fs->inline_table)
		kvfree(fs->table);
	kfree(fs);
}

void files_close_on_exec(struct files *fs)
{
	struct file *f;
	u32 fd = 0;

	for (;;) {
		spin_lock(&fs->lock);
		fd = (u32)find_next_bit(fs->table->cloexec, fs->table->max, fd);
		f = NULL;
		if (fd < fs->table->max) {
			bit_clear(fs->table->cloexec, fd);
			f = take_locked(fs, fd);
		} else {
			spin_unlock(&fs->lock);
			return;
		}
		spin_unlock(&fs->lock);
		if (f)
			ignore_error(close_file(f, fs));	/* exec goes on */
	}
}

int files_unshare(void)
{
	struct files *old = current->files, *fs;
	int err;

	if (ref_count(&old->refs) == 1)
		return 0;
	err = files_copy(old, &fs);
	if (err)
		return err;
	irq_lock(&current->alloc_lock);
	current->files = fs;
	irq_unlock(&current->alloc_lock);
	files_put(old);
	return 0;
}
