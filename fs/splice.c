/*
 * splice - moving bytes between files without user memory: splice, tee,
 * vmsplice, sendfile, copy_file_range.
 *
 * Theory:  from a file in the page cache its pages themselves are the source
 *          of the other's write, one copy instead of two.  From anything else
 *          a buffer is in between.  What a pipe gives is looked at first and
 *          taken only after it was written, so nothing is lost when the other
 *          side takes less.  A pipe that is to take has room before a source
 *          is read.
 */
#include "vfs_impl.h"
#include <fs/pipe.h>
#include <kernel/assert.h>
#include <mm/slab.h>
#include <signal/signal.h>

#define BATCH_PAGES 16u
#define BATCH_BYTES (BATCH_PAGES * PAGE_SIZE)
#define SPLICE_F_NONBLOCK 2u

/* --- one batch ---------------------------------------------------------------------*/
static ssize_t write_buf(struct file *out, u64 *pos, const void *buf, size_t n)
{
	struct kvec v = { (void *)buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, true);
	return vfs_write(out, &it, pos, file_iocb_flags(out));
}

static ssize_t read_buf(struct file *in, u64 *pos, void *buf, size_t n)
{
	struct kvec v = { buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, false);
	if (in->ops->splice_read)
		return in->ops->splice_read(in, &it, pos,
					    file_iocb_flags(in));
	return vfs_read(in, &it, pos, file_iocb_flags(in));
}

static bool can_give(const struct file *f)
{
	return f->ops->splice_read || (f->ops->read_iter && !f->ops->no_splice);
}

static bool can_take(const struct file *f)
{
	return f->ops->write_iter && !f->ops->no_splice;
}

static bool is_cached(const struct file *f)
{
	return f->ops->read_iter == generic_read_iter && !(f->flags & O_DIRECT);
}

/* References to the pages of [pos, pos + n), as far as the file reaches. */
static ssize_t get_pages(struct file *in, u64 pos, size_t n,
			 struct page_vec *v, unsigned *nr)
{
	u64 size = mapping_size(in->mapping);
	size_t got = 0;
	int err = 0;

	*nr = 0;
	if (pos >= size)
		return 0;
	n = min((u64)n, size - pos);
	while (got < n && *nr < BATCH_PAGES) {
		struct page_vec *p = &v[*nr];

		err = page_cache_read(in->mapping, (pos + got) >> PAGE_SHIFT,
				      &p->page);
		if (err)
			break;
		p->off = (u32)((pos + got) & ~PAGE_MASK);
		p->len = (u32)min(n - got, (size_t)(PAGE_SIZE - p->off));
		got += p->len;
		(*nr)++;
	}
	return got ? (ssize_t)got : err;
}

/* From the page cache; *pos moves by what was written. */
static ssize_t move_cached(struct file *in, u64 *pos, struct file *out,
			   u64 *opos, size_t n)
{
	struct page_vec v[BATCH_PAGES];
	struct iter it;
	unsigned nr;
	ssize_t got = get_pages(in, *pos, n, v, &nr), done = got;

	if (got > 0) {
		iter_pages(&it, v, nr, (size_t)got, true);
		done = vfs_write(out, &it, opos, file_iocb_flags(out));
		if (done > 0)
			*pos += (u64)done;
	}
	while (nr)
		page_put(v[--nr].page);
	return done;
}

static ssize_t move_buffered(struct file *in, u64 *pos, struct file *out,
			     u64 *opos, void *buf, size_t n)
{
	u64 start = *pos;
	ssize_t got = read_buf(in, pos, buf, min(n, (size_t)BATCH_BYTES)), done;
	size_t sum = 0;

	if (got <= 0)
		return got;
	while (sum < (size_t)got) {
		done = write_buf(out, opos, (char *)buf + sum,
				 (size_t)got - sum);
		if (done <= 0) {
			*pos = start + sum;	/* as if not read */
			return sum ? (ssize_t)sum : done;
		}
		sum += (size_t)done;
	}
	return got;
}

static ssize_t move_batch(struct file *in, u64 *pos, struct file *out,
			  u64 *opos, void **buf, size_t n)
{
	if (is_cached(in))
		return move_cached(in, pos, out, opos, n);
	if (!*buf)
		*buf = kmalloc(BATCH_BYTES, GFP_KERNEL);
	if (!*buf)
		return -ENOMEM;
	return move_buffered(in, pos, out, opos, *buf, n);
}

/* Until n, the end of the source, or a side that takes or gives no more. */
static ssize_t move_all(struct file *in, u64 *pos, struct file *out, u64 *opos,
			size_t n)
{
	void *buf = NULL;
	size_t sum = 0;
	ssize_t done = 0;

	irqs_unmask();
	while (sum < n) {
		done = move_batch(in, pos, out, opos, &buf,
				  min(n - sum, (size_t)BATCH_BYTES));
		if (done <= 0)
			break;
		sum += (size_t)done;
		if (signal_pending(current)) {
			done = -ERESTARTSYS;
			break;
		}
		cond_resched();
	}
	kfree(buf);
	return sum ? (ssize_t)sum : done;
}

/* --- sendfile, copy_file_range -----------------------------------------------------------*/
ssize_t vfs_sendfile(struct file *out, struct file *in, u64 *pos, size_t n)
{
	ssize_t done;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!can_give(in) || !can_take(out) || !(in->mode & FMODE_LSEEK))
		return -EINVAL;
	if ((out->flags & O_APPEND) && !file_pipe(out))
		return -EINVAL;
	if ((s64)*pos < 0)
		return -EINVAL;
	done = move_all(in, pos, out, &out->pos, min(n, (size_t)INT_MAX));
	if (done > 0)
		file_accessed(in);
	return done;
}

static int check_copy_files(const struct file *in, const struct file *out)
{
	const struct inode *i = in->inode, *o = out->inode;

	if (S_ISDIR(i->mode) || S_ISDIR(o->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) || !S_ISREG(o->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) ||
	    (out->flags & O_APPEND))
		return -EBADF;
	if (i->sb != o->sb)
		return -EXDEV;
	return o->flags & S_IMMUTABLE ? -EPERM : 0;
}

/* *n becomes what there is to copy. */
static int check_copy_range(struct inode *i, u64 ipos, struct inode *o,
			    u64 opos, size_t *n)
{
	u64 size = inode_size(i), end, limit;
	int err;

	if (add_overflow(ipos, *n, &end) || add_overflow(opos, *n, &end))
		return -EOVERFLOW;
	if ((s64)ipos < 0 || (s64)opos < 0)
		return -EINVAL;
	*n = ipos >= size ? 0 : min((u64)*n, size - ipos);
	err = write_limit(o, opos, &limit);
	if (err)
		return err;
	*n = min((u64)*n, limit);
	if (i == o && ipos < opos + *n && opos < ipos + *n)
		return -EINVAL;
	return 0;
}

ssize_t vfs_copy_file_range(struct file *in, u64 *ipos, struct file *out,
			    u64 *opos, size_t n)
{
	int err = check_copy_files(in, out);

	if (!err)
		err = check_copy_range(in->inode, *ipos, out->inode, *opos, &n);
	if (err)
		return err;
	n = min(n, (size_t)(INT_MAX & PAGE_MASK));
	return n ? move_all(in, ipos, out, opos, n) : 0;
}

/* --- pipes ------------------------------------------------------------------------------*/
/* Somebody else may be faster: no room would look like the end of the file. */
static int wait_for_room(struct pipe *p, bool nonblock, size_t *room)
{
	int err;

	do {
		err = pipe_wait_writable(p, nonblock);
		if (err < 0)
			return err;
		*room = pipe_room(p);
	} while (!*room);
	return 0;
}

static ssize_t file_to_pipe(struct file *in, u64 *pos, struct file *out,
			    size_t n, bool nonblock)
{
	struct pipe *p = file_pipe(out);
	void *buf = NULL;
	ssize_t done;
	size_t room;
	int err = wait_for_room(p, nonblock, &room);

	if (err)
		return err;
	done = move_batch(in, pos, out, &out->pos, &buf,
			  min3(n, room, (size_t)BATCH_BYTES));
	kfree(buf);
	return done;
}

/* From one batch of the pipe into anything; what was taken is dropped. */
static ssize_t from_pipe(struct file *in, struct file *out, u64 *opos,
			 void *buf, size_t n)
{
	size_t got = pipe_peek(file_pipe(in), 0, buf,
			       min(n, (size_t)BATCH_BYTES));
	ssize_t done;

	if (!got)
		return 0;
	done = write_buf(out, opos, buf, got);
	if (done > 0)
		pipe_skip(file_pipe(in), (size_t)done);
	return done;
}

static ssize_t pipe_to_file(struct file *in, struct file *out, u64 *opos,
			    size_t n, bool nonblock)
{
	void *buf = kmalloc(BATCH_BYTES, GFP_KERNEL);
	ssize_t done = 0;
	size_t sum = 0;
	int err;

	if (!buf)
		return -ENOMEM;
	while (sum < n) {
		/* What is there is enough, once something was moved. */
		err = pipe_wait_readable(file_pipe(in), nonblock || sum);
		if (err <= 0) {
			done = err;
			break;
		}
		done = from_pipe(in, out, opos, buf, n - sum);
		if (done <= 0)
			break;
		sum += (size_t)done;
	}
	kfree(buf);
	return sum ? (ssize_t)sum : done;
}

static ssize_t pipe_to_pipe(struct file *in, struct file *out, size_t n,
			    bool nonblock)
{
	size_t room;
	int err;

	if (in->inode == out->inode)
		return -EINVAL;
	err = pipe_wait_readable(file_pipe(in), nonblock);
	if (err <= 0)
		return err;
	err = wait_for_room(file_pipe(out), nonblock, &room);
	if (err)
		return err;
	return pipe_to_file(in, out, &out->pos, min(n, room), true);
}

ssize_t vfs_splice(struct file *in, u64 *ipos, struct file *out, u64 *opos,
		   size_t n, unsigned flags)
{
	bool nonblock = flags & SPLICE_F_NONBLOCK;
	struct pipe *ip = file_pipe(in), *op = file_pipe(out);

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	irqs_unmask();
	if (ip && (in->flags & O_NONBLOCK))
		nonblock = true;
	if (op && (out->flags & O_NONBLOCK))
		nonblock = true;
	if (ip && op)
		return ipos || opos ? -ESPIPE :
				      pipe_to_pipe(in, out, n, nonblock);
	if (ip) {
		if (ipos)
			return -ESPIPE;
		if (opos && !(out->mode & FMODE_PREAD))
			return -EINVAL;
		if ((out->flags & O_APPEND) || !can_take(out))
			return -EINVAL;
		return pipe_to_file(in, out, opos ? opos : &out->pos, n,
				    nonblock);
	}
	if (!op)
		return -EINVAL;
	if (opos)
		return -ESPIPE;
	if (!can_give(in) || (ipos && !(in->mode & FMODE_PREAD)))
		return -EINVAL;
	return file_to_pipe(in, ipos ? ipos : &in->pos, out, n, nonblock);
}

/* Waits for some room, or some bytes, and for no more; of the pipe's O_NONBLOCK
 * Linux takes no notice. */
ssize_t vfs_vmsplice(struct file *f, struct iter *it, unsigned flags)
{
	bool nonblock = flags & SPLICE_F_NONBLOCK;
	bool is_write = f->mode & FMODE_WRITE;
	struct pipe *p = file_pipe(f);
	size_t room;
	ssize_t n = 0;

	if (!it->count)
		return 0;
	irqs_unmask();
	do {
		n = is_write ? pipe_wait_writable(p, nonblock) :
			       pipe_wait_readable(p, nonblock);
		if (n <= 0)
			return n;
		room = pipe_room(p);
		if (is_write && it->count > room)
			it->count = max(room, (size_t)1);
		n = is_write ? vfs_write(f, it, &f->pos, IOCB_NOWAIT) :
			       vfs_read(f, it, &f->pos, IOCB_NOWAIT);
	} while (n == -EAGAIN && !nonblock);	/* somebody was faster */
	return n;
}

ssize_t vfs_tee(struct file *in, struct file *out, size_t n, unsigned flags)
{
	bool nonblock = (flags & SPLICE_F_NONBLOCK) ||
			((in->flags | out->flags) & O_NONBLOCK);
	struct pipe *ip = file_pipe(in), *op = file_pipe(out);
	ssize_t done = 0;
	size_t sum = 0, got;
	void *buf;
	int err;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!ip || !op || in->inode == out->inode)
		return -EINVAL;
	irqs_unmask();
	err = pipe_wait_readable(ip, nonblock);
	if (err <= 0)
		return err;
	err = pipe_wait_writable(op, nonblock);
	if (err < 0)
		return err;
	buf = kmalloc(BATCH_BYTES, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	n = min(n, pipe_room(op));
	while (sum < n) {
		got = pipe_peek(ip, sum, buf, min(n - sum, (size_t)BATCH_BYTES));
		if (!got)
			break;
		done = write_buf(out, &out->pos, buf, got);
		if (done <= 0)
			break;
		sum += (size_t)done;
	}
	kfree(buf);
	return sum ? (ssize_t)sum : done;
}
