/* The system calls that make data durable, or speak of what is cached. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <mm/mapping.h>
#include <syscall_prototypes.h>

#define SYNC_FILE_RANGE_WAIT_BEFORE 1u
#define SYNC_FILE_RANGE_WRITE 2u
#define SYNC_FILE_RANGE_WAIT_AFTER 4u

long sys_sync(void)
{
	sync_all(false);
	sync_all(true);
	return 0;
}

static long do_fsync(int fd, bool data_only)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = vfs_fsync_range(f.file, 0, S64_MAX, data_only);
	fd_release(f);
	return err;
}

long sys_fsync(int fd)
{
	return do_fsync(fd, false);
}

long sys_fdatasync(int fd)
{
	return do_fsync(fd, true);
}

long sys_syncfs(int fd)
{
	struct fd f = fd_find(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = sync_super(f.file->inode->sb);
	fd_release(f);
	return err;
}

static int range_sync(struct file *f, u64 first, u64 last, unsigned flags)
{
	struct mapping *m = f->mapping;
	int err = 0;

	if (flags & SYNC_FILE_RANGE_WAIT_BEFORE)
		err = mapping_wait(m, first, last);
	if (!err && (flags & SYNC_FILE_RANGE_WRITE))
		err = mapping_write(m, first, last, false);
	if (!err && (flags & SYNC_FILE_RANGE_WAIT_AFTER))
		err = mapping_wait(m, first, last);
	return err;
}

long sys_sync_file_range(int fd, s64 off, s64 n, unsigned flags)
{
	struct fd f;
	u32 mode;
	s64 end;
	int err;

	if ((flags & ~7u) || off < 0 || n < 0 || add_overflow(off, n, &end))
		return -EINVAL;
	end = n ? end - 1 : S64_MAX;
	f = fd_find(fd);
	if (!f.file)
		return -EBADF;
	mode = f.file->inode->mode;
	err = -ESPIPE;
	if (S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode) || S_ISLNK(mode))
		err = range_sync(f.file, (u64)off >> PAGE_SHIFT,
				 (u64)end >> PAGE_SHIFT, flags);
	if (!err)
		err = file_check_write_error(f.file);
	fd_release(f);
	return err;
}

/* --- advice -----------------------------------------------------------------------*/
enum {
	FADV_NORMAL, FADV_RANDOM, FADV_SEQUENTIAL, FADV_WILLNEED,
	FADV_DONTNEED, FADV_NOREUSE,
};

static void read_ahead(struct file *f, u64 first, u64 last)
{
	struct mapping *m = f->mapping;
	struct page *p;
	u64 end = mapping_size(m);

	if (!end || !m->ops || !m->ops->read_pages)
		return;
	last = min3(last, (end - 1) >> PAGE_SHIFT, first + 511);
	for (u64 i = first; i <= last; i++) {
		if (page_cache_read(m, i, &p))
			return;
		page_put(p);
	}
}

static void forget(struct file *f, u64 start, u64 end)
{
	u64 first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u64 last = end == S64_MAX ? ~0ull >> 1 : (end + 1) >> PAGE_SHIFT;

	ignore_error(mapping_write(f->mapping, first, last, false));
	if (end != S64_MAX && !last--)
		return;
	if (first <= last)
		mapping_invalidate(f->mapping, first, last);
}

static int advise(struct file *f, u64 start, u64 end, int advice)
{
	switch (advice) {
	case FADV_NORMAL:
	case FADV_SEQUENTIAL:
	case FADV_RANDOM:
	case FADV_NOREUSE:
		return 0;	/* read-ahead finds the pattern by itself */
	case FADV_WILLNEED:
		read_ahead(f, start >> PAGE_SHIFT, end >> PAGE_SHIFT);
		return 0;
	case FADV_DONTNEED:
		forget(f, start, end);
		return 0;
	}
	return -EINVAL;
}

long sys_fadvise64(int fd, s64 off, s64 n, int advice)
{
	struct fd f = fd_find(fd);
	s64 end;
	int err;

	if (!f.file)
		return -EBADF;
	if (S_ISFIFO(f.file->inode->mode))
		err = -ESPIPE;
	else if (n < 0)
		err = -EINVAL;
	else {
		if (!n || add_overflow(off, n - 1, &end))
			end = S64_MAX;
		err = advise(f.file, (u64)off, (u64)end, advice);
	}
	fd_release(f);
	return err;
}

long sys_readahead(int fd, s64 off, size_t n)
{
	struct fd f = fd_find(fd);
	u32 mode;
	int err = -EINVAL;

	if (!f.file)
		return -EBADF;
	mode = f.file->inode->mode;
	if (!(f.file->mode & FMODE_READ)) {
		err = -EBADF;
	} else if (S_ISREG(mode) || S_ISBLK(mode)) {
		err = 0;
		if (n)
			read_ahead(f.file, (u64)off >> PAGE_SHIFT,
				   ((u64)off + n - 1) >> PAGE_SHIFT);
	}
	fd_release(f);
	return err;
}

/* --- what is cached ---------------------------------------------------------------*/
struct cachestat_range {
	u64 off, len;
};

struct cachestat {
	u64 cached, dirty, writeback, evicted, recently_evicted;
};

static int count_cached(struct file *f, const struct cachestat_range *r,
			struct cachestat *to)
{
	struct mapping_stat st;
	u64 last = r->len ? (r->off + r->len - 1) >> PAGE_SHIFT : ~0ull;

	if (!file_may_change(f))	/* what others read is theirs to know */
		return -EPERM;
	mapping_count(f->mapping, r->off >> PAGE_SHIFT, last, &st);
	*to = (struct cachestat){ st.cached, st.dirty, st.writeback, 0, 0 };
	return 0;
}

long sys_cachestat(int fd, const struct cachestat_range __user *urange,
		   struct cachestat __user *ustat, unsigned flags)
{
	struct fd f = fd_find(fd);
	struct cachestat_range r;
	struct cachestat st;
	int err;

	if (!f.file)
		return -EBADF;
	err = copy_from_user(&r, urange, sizeof(r));
	if (!err)
		err = count_cached(f.file, &r, &st);
	if (!err && flags)
		err = -EINVAL;
	fd_release(f);
	return err ? err : copy_to_user(ustat, &st, sizeof(st));
}
