/*
 * pipe - pipes and FIFOs.
 *
 * Theory:  a byte ring over an array of pages.  head and tail only grow;
 *          head - tail is the number of bytes in it.  Pages are allocated
 *          when first written and kept until the pipe is idle and empty, so
 *          that a ping-pong of small messages allocates nothing.  In packet
 *          mode (O_DIRECT) the lengths of the writes stand in a queue beside
 *          the bytes, and a read ends with its packet.
 *          A reader is woken when the pipe stops being empty, a writer when
 *          it has room for PIPE_BUF bytes again: not at every byte, so a
 *          stream is moved in large pieces.
 * Locks:   pipe.lock (RANK_PIPE) guards all but the wait queues.  User memory
 *          is touched under it: it sleeps.
 * Life:    the inode owns the pipe; an anonymous one dies with its inode, a
 *          FIFO's when its last opener closes.
 */
#include <fs/fdtable.h>
#include <fs/pipe.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/cred.h>
#include <task/process.h>

#define PIPE_BUF 4096u
#define PIPE_PAGES 16u
#define PIPE_FEW_PAGES 2u	/* for who has many already */
#define PIPE_MAX_PAGES 512u	/* 2 MiB: what a ring may ever have */
#define PIPE_MAX_PACKETS 512u

struct pipe {
	struct mutex lock;
	u64 head, tail;			/* lock */
	u32 nr_pages;			/* a power of two. lock */
	struct page **pages;		/* lock */
	u32 readers, writers;		/* open ends. lock */
	u32 opened_r, opened_w;		/* ever opened: FIFO open. lock */
	u32 files;			/* FIFO: openers. lock */
	bool is_packet;			/* lock */
	bool is_polled;			/* ever; EPOLLET wants each write */
	u16 *packets;			/* ring of lengths. lock */
	u32 packet_head, packet_tail;	/* lock */
	struct waitq rd_wait, wr_wait;
	struct fasync *fasync;
	struct inode *inode;
	struct user_struct *user;	/* pays for nr_pages. const */
};

u32 sysctl_pipe_max_size = 1048576;
u32 sysctl_pipe_user_soft = 16384, sysctl_pipe_user_hard;	/* pages */
static struct slab_cache *pipe_cache;

static size_t ring_bytes(const struct pipe *p)
{
	return (size_t)p->nr_pages * PAGE_SIZE;
}

static size_t pipe_used(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail);
}

static size_t room_of(const struct pipe *p)
{
	if (p->is_packet && p->packet_head - p->packet_tail >= PIPE_MAX_PACKETS)
		return 0;
	return ring_bytes(p) - pipe_used(p);
}

/* What the user's pipes may hold after one went from `from` to `to` pages. */
static s64 charge(struct user_struct *u, u32 from, u32 to)
{
	return __atomic_add_fetch(&u->pipe_pages, (s64)to - from,
				  __ATOMIC_RELAXED);
}

/* A limit of 0 is none; it is not for who administers the system. */
static bool is_over(s64 pages, u32 limit)
{
	return unlikely(limit && pages > limit) &&
	       !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
}

/* Pages for a new pipe, charged. */
static int charge_new(struct user_struct *u, u32 *nr)
{
	s64 sum;

	*nr = PIPE_PAGES;
	if (unlikely(sysctl_pipe_max_size < PIPE_PAGES * PAGE_SIZE) &&
	    !capable(CAP_SYS_RESOURCE))
		*nr = (u32)roundup_pow2(sysctl_pipe_max_size) / PAGE_SIZE;
	sum = charge(u, 0, *nr);
	if (is_over(sum, READ_ONCE(sysctl_pipe_user_soft))) {
		sum = charge(u, *nr, PIPE_FEW_PAGES);
		*nr = PIPE_FEW_PAGES;
	}
	if (!is_over(sum, READ_ONCE(sysctl_pipe_user_hard)))
		return 0;
	charge(u, *nr, 0);
	return -ENOMEM;
}

static int pipe_alloc(struct pipe **out)
{
	struct user_struct *u = current_cred()->user;
	struct pipe *p;
	int err;

	if (!pipe_cache)
		return -ENOMEM;
	p = slab_alloc(pipe_cache, GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	mutex_init(&p->lock, RANK_PIPE, "pipe");
	waitq_init(&p->rd_wait);
	waitq_init(&p->wr_wait);
	err = charge_new(u, &p->nr_pages);
	if (err)
		goto err_free;
	p->pages = kzalloc(p->nr_pages * sizeof(*p->pages), GFP_KERNEL);
	err = -ENOMEM;
	if (!p->pages)
		goto err_uncharge;
	p->user = user_get(u);
	p->opened_r = p->opened_w = 1;	/* 0 in file.priv: not noted there */
	*out = p;
	return 0;
err_uncharge:
	charge(u, p->nr_pages, 0);
err_free:
	slab_free(pipe_cache, p);
	return err;
}

static void pipe_free(struct pipe *p)
{
	for (u32 i = 0; i < p->nr_pages; i++)
		if (p->pages[i])
			page_put(p->pages[i]);
	charge(p->user, p->nr_pages, 0);
	user_put(p->user);
	kfree(p->pages);
	kfree(p->packets);
	slab_free(pipe_cache, p);
}

void pipe_free_inode(struct inode *i)
{
	if (i->pipe)
		pipe_free(i->pipe);
	i->pipe = NULL;
}

/* The page behind a ring position, with what is left of it. */
static struct page *ring_page(struct pipe *p, u64 pos, size_t *off, size_t *len)
{
	*off = pos & (PAGE_SIZE - 1);
	*len = min_t(size_t, *len, PAGE_SIZE - *off);
	return p->pages[pos >> PAGE_SHIFT & (p->nr_pages - 1)];
}

static int page_for_write(struct pipe *p, u64 pos)
{
	struct page **slot = &p->pages[pos >> PAGE_SHIFT & (p->nr_pages - 1)];

	if (*slot)
		return 0;
	*slot = page_alloc(GFP_USER, 0);
	return *slot ? 0 : -ENOMEM;
}

/* Moves up to n bytes out of the ring; short at a bad address. */
static size_t ring_read(struct pipe *p, struct iter *it, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t off, len = n - done, got;
		struct page *pg = ring_page(p, p->tail, &off, &len);

		got = copy_to_iter((char *)page_to_va(pg) + off, len, it);
		p->tail += got;
		done += got;
		if (got < len)
			break;
	}
	return done;
}

static ssize_t ring_write(struct pipe *p, struct iter *it, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t off, len = n - done, got;
		struct page *pg;
		int err = page_for_write(p, p->head);

		if (err)
			return done ? (ssize_t)done : err;
		pg = ring_page(p, p->head, &off, &len);
		got = copy_from_iter((char *)page_to_va(pg) + off, len, it);
		p->head += got;
		done += got;
		if (got < len)
			return done ? (ssize_t)done : -EFAULT;
	}
	return (ssize_t)done;
}

static void wake_readers(struct pipe *p)
{
	if (waitq_active(&p->rd_wait))
		waitq_wake_sync(&p->rd_wait, TASK_INTERRUPTIBLE, 1,
				EPOLLIN | EPOLLRDNORM);
}

static void wake_writers(struct pipe *p)
{
	if (waitq_active(&p->wr_wait))
		waitq_wake_sync(&p->wr_wait, TASK_INTERRUPTIBLE, 1,
				EPOLLOUT | EPOLLWRNORM);
}

static bool readable(struct pipe *p)
{
	return pipe_used(p) || !READ_ONCE(p->writers);
}

static bool writable(struct pipe *p, size_t need)
{
	return room_of(p) >= need || !READ_ONCE(p->readers);
}

/* Takes one packet, or bytes up to what the reader asked for. */
static ssize_t take(struct pipe *p, struct iter *it)
{
	size_t n = min_t(size_t, it->count, pipe_used(p)), got, len;

	if (!p->packets || p->packet_head == p->packet_tail) {
		got = ring_read(p, it, n);
		return got ? (ssize_t)got : -EFAULT;
	}
	len = p->packets[p->packet_tail % PIPE_MAX_PACKETS];
	n = min_t(size_t, n, len);
	got = ring_read(p, it, n);
	if (got < n) {
		p->tail -= got;	/* it stays whole, as on Linux */
		return -EFAULT;
	}
	p->tail += len - n;	/* the rest of a packet is dropped */
	p->packet_tail++;
	return (ssize_t)got;
}

static ssize_t pipe_read_iter(struct file *f, struct iter *it, u64 *pos,
			      unsigned flags)
{
	struct pipe *p = f->inode->pipe;
	bool nonblock = (f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT);
	bool had_no_room;
	ssize_t n;

	if (!it->count)
		return 0;
	mutex_lock(&p->lock);
	while (!pipe_used(p)) {
		n = 0;
		if (!p->writers)
			goto out;
		n = -EAGAIN;
		if (nonblock)
			goto out;
		mutex_unlock(&p->lock);
		if (wait_event_intr_exclusive(&p->rd_wait, readable(p)))
			return -ERESTARTSYS;
		mutex_lock(&p->lock);
	}
	if (it->count > PAGE_SIZE)
		irqs_unmask();
	had_no_room = room_of(p) < PIPE_BUF;
	n = take(p, it);
	if (had_no_room && room_of(p) >= PIPE_BUF)
		wake_writers(p);
	fasync_notify(&p->fasync, POLL_OUT);
	if (pipe_used(p))
		wake_readers(p);	/* bytes are left for the next one */
out:
	mutex_unlock(&p->lock);
	if (n > 0 && !(f->inode->flags & S_PRIVATE))
		file_accessed(f);
	return n;
}

/* Room that must be there before this write may begin: all of it when it has
 * to be atomic. */
static size_t room_needed(const struct iter *it)
{
	return it->count <= PIPE_BUF ? it->count : 1;
}

/* Writes what fits now. */
static ssize_t put(struct pipe *p, struct file *f, struct iter *it)
{
	size_t n = min_t(size_t, it->count, room_of(p));
	ssize_t done;

	p->is_packet = f->flags & O_DIRECT;
	if (!p->is_packet)
		return ring_write(p, it, n);
	if (!p->packets) {
		p->packets = kmalloc(PIPE_MAX_PACKETS * sizeof(u16), GFP_KERNEL);
		if (!p->packets)
			return -ENOMEM;
	}
	done = ring_write(p, it, min_t(size_t, n, PIPE_BUF));
	if (done > 0)
		p->packets[p->packet_head++ % PIPE_MAX_PACKETS] = (u16)done;
	return done;
}

static ssize_t pipe_write_iter(struct file *f, struct iter *it, u64 *pos,
			       unsigned flags)
{
	struct pipe *p = f->inode->pipe;
	bool nonblock = (f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT);
	ssize_t done = 0, n = 0;

	if (!it->count)
		return 0;
	mutex_lock(&p->lock);
	while (it->count) {
		if (!p->readers) {
			n = -EPIPE;
			break;
		}
		if (room_of(p) >= room_needed(it)) {
			bool was_empty = !pipe_used(p);

			if (it->count > PAGE_SIZE)
				irqs_unmask();
			n = put(p, f, it);
			if (n < 0)
				break;
			done += n;
			if (was_empty || READ_ONCE(p->is_polled))
				wake_readers(p);
			fasync_notify(&p->fasync, POLL_IN);
			continue;
		}
		n = -EAGAIN;
		if (nonblock)
			break;
		mutex_unlock(&p->lock);
		n = wait_event_intr_exclusive(&p->wr_wait,
					      writable(p, room_needed(it)));
		mutex_lock(&p->lock);
		if (n) {
			n = -ERESTARTSYS;
			break;
		}
	}
	if (p->readers && room_of(p) >= PIPE_BUF)
		wake_writers(p);	/* another writer may go on */
	mutex_unlock(&p->lock);
	if (n == -EPIPE && !done)
		signal_send(SIGPIPE, NULL, current, SIG_TO_THREAD);
	if (done > 0 && !(f->inode->flags & S_PRIVATE))
		inode_touch(f->inode, TIME_M | TIME_C);
	return done ? done : n;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->inode->pipe;
	u32 ev = 0;

	if (!READ_ONCE(p->is_polled))
		WRITE_ONCE(p->is_polled, true);
	if (f->mode & FMODE_READ) {
		poll_wait(f, &p->rd_wait, pt);
		if (pipe_used(p))
			ev |= EPOLLIN | EPOLLRDNORM;
		if (!READ_ONCE(p->writers) &&
		    (!f->priv || READ_ONCE(p->opened_w) != (u32)(uintptr_t)f->priv))
			ev |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		poll_wait(f, &p->wr_wait, pt);
		if (room_of(p) >= PIPE_BUF)
			ev |= EPOLLOUT | EPOLLWRNORM;
		if (!READ_ONCE(p->readers))
			ev |= EPOLLERR;
	}
	return ev;
}

#define FIONREAD 0x541B

static long pipe_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = f->inode->pipe;
	int n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = (int)pipe_used(p);
	return put_user(n, (int __user *)arg);
}

static int pipe_fasync(struct file *f, int fd, bool on)
{
	return fasync_set(&f->inode->pipe->fasync, f, fd, on);
}

static void pipe_release(struct file *f)
{
	struct inode *i = f->inode;
	struct pipe *p = i->pipe;
	bool is_last;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	if (!p->readers != !p->writers) {
		fasync_notify(&p->fasync, POLL_IN);
		fasync_notify(&p->fasync, POLL_OUT);
		waitq_wake(&p->rd_wait, TASK_INTERRUPTIBLE, 0, 0);
		waitq_wake(&p->wr_wait, TASK_INTERRUPTIBLE, 0, 0);
	}
	is_last = --p->files == 0 && S_ISFIFO(i->mode) &&
		  !(i->flags & S_PRIVATE);
	mutex_unlock(&p->lock);
	if (!is_last)
		return;
	/* A FIFO without openers forgets its bytes. */
	mutex_lock(&i->lock);
	if (i->pipe && !i->pipe->files)
		pipe_free_inode(i);
	mutex_unlock(&i->lock);
}

static int fifo_wait_for(struct pipe *p, u32 *count, u32 seen, struct waitq *q)
{
	return wait_event_intr(q, READ_ONCE(*count) != seen) ? -ERESTARTSYS : 0;
}

/* The other side is there, or is waited for, as fifo(7) has it. */
static int fifo_open_ends(struct file *f, struct pipe *p) __must_hold(&p->lock)
{
	bool rd = f->mode & FMODE_READ, wr = f->mode & FMODE_WRITE;
	bool nonblock = f->flags & O_NONBLOCK;
	/* A pipe opened again through /proc/PID/fd waits for nobody. */
	bool is_pipe = p->inode->flags & S_PRIVATE;
	u32 seen_r = p->opened_r, seen_w = p->opened_w;
	int err = 0;

	if (wr && !rd && nonblock && !p->readers && !is_pipe)
		return -ENXIO;
	p->readers += rd;
	p->writers += wr;
	p->opened_r += rd;
	p->opened_w += wr;
	p->files++;
	waitq_wake(&p->rd_wait, TASK_INTERRUPTIBLE, 0, 0);
	waitq_wake(&p->wr_wait, TASK_INTERRUPTIBLE, 0, 0);
	if (is_pipe)
		return 0;
	if (rd && !wr && !p->writers) {
		if (nonblock) {
			/* no hang-up before the first writer came */
			f->priv = (void *)(uintptr_t)p->opened_w;
			return 0;
		}
		mutex_unlock(&p->lock);
		err = fifo_wait_for(p, &p->opened_w, seen_w, &p->rd_wait);
		mutex_lock(&p->lock);
	} else if (wr && !rd && !p->readers) {
		mutex_unlock(&p->lock);
		err = fifo_wait_for(p, &p->opened_r, seen_r, &p->wr_wait);
		mutex_lock(&p->lock);
	}
	return err;
}

static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p = NULL;
	int err = 0;

	mutex_lock(&i->lock);
	if (!i->pipe)
		err = pipe_alloc(&i->pipe);
	p = i->pipe;
	if (p) {
		p->inode = i;
		p->files++;	/* keeps it while we look */
	}
	mutex_unlock(&i->lock);
	if (err)
		return err;
	mutex_lock(&p->lock);
	err = fifo_open_ends(f, p);
	if (err && err != -ENXIO) {	/* counted, and now is not an opener */
		p->readers -= !!(f->mode & FMODE_READ);
		p->writers -= !!(f->mode & FMODE_WRITE);
		p->files--;
	}
	p->files--;
	if (!err) {
		mutex_unlock(&p->lock);
		return 0;
	}
	mutex_unlock(&p->lock);
	mutex_lock(&i->lock);
	if (i->pipe == p && !p->files)
		pipe_free_inode(i);
	mutex_unlock(&i->lock);
	return err;
}

static const struct file_ops pipe_fops = {
	.read_iter = pipe_read_iter,
	.write_iter = pipe_write_iter,
	.llseek = no_llseek,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fasync = pipe_fasync,
	.release = pipe_release,
	.nowait = FMODE_READ | FMODE_WRITE,
};

const struct file_ops fifo_fops = {
	.read_iter = pipe_read_iter,
	.write_iter = pipe_write_iter,
	.llseek = no_llseek,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fasync = pipe_fasync,
	.open = fifo_open,
	.release = pipe_release,
};

int pipe_create(unsigned flags, struct file *out[2])
{
	struct pipe *p;
	int err = pipe_alloc(&p);

	if (err)
		return -ENFILE;		/* a FIFO's is -ENOMEM, on Linux too */
	p->readers = p->writers = 1;
	p->files = 2;
	err = file_pseudo("pipe", &pipe_fops, S_IFIFO | 0600, NULL,
			  O_RDONLY | (flags & (O_NONBLOCK | O_DIRECT)), &out[0]);
	if (err)
		goto err_free;
	p->inode = out[0]->inode;
	p->inode->pipe = p;
	err = file_open_path(&out[0]->path, O_WRONLY | (flags & O_NONBLOCK),
			     &out[1]);
	if (err) {
		p->writers = 0;
		p->files = 1;
		file_put(out[0]);	/* frees the pipe with its inode */
		return err;
	}
	out[1]->flags |= flags & O_DIRECT; /* packets: not what open() means */
	p->inode->fops = &fifo_fops;	/* for who opens it again */
	return 0;
err_free:
	pipe_free(p);
	return err;
}

struct pipe *file_pipe(struct file *f)
{
	if (f->ops != &pipe_fops && f->ops != &fifo_fops)
		return NULL;
	return f->inode->pipe;
}

/* Head and tail may be in one page, with the whole ring between them: then
 * what is in front of head moves to a page of its own. */
static int unwrap(struct pipe *p, u64 last, struct page **pages, u32 nr)
{
	struct page *to = page_alloc(GFP_USER, 0);
	size_t off, len = PAGE_SIZE;
	struct page *from = ring_page(p, last << PAGE_SHIFT, &off, &len);

	if (!to)
		return -ENOMEM;
	memcpy(page_to_va(to), page_to_va(from), p->head & ~PAGE_MASK);
	pages[last & (nr - 1)] = to;
	return 0;
}

/* Moves the bytes into a ring of another size. */
static int resize(struct pipe *p, u32 nr)
{
	struct page **pages = kzalloc(nr * sizeof(*pages), GFP_KERNEL);
	u64 first = p->tail >> PAGE_SHIFT, last;
	int err;

	if (!pages)
		return -ENOMEM;
	last = (p->head + PAGE_SIZE - 1) >> PAGE_SHIFT;
	err = -EBUSY;
	if (pipe_used(p) && last - first > nr)
		goto err_free;
	if (last - first > p->nr_pages) {
		err = unwrap(p, --last, pages, nr);
		if (err)
			goto err_free;
	}
	for (u64 i = first; i < last; i++) {
		pages[i & (nr - 1)] = p->pages[i & (p->nr_pages - 1)];
		p->pages[i & (p->nr_pages - 1)] = NULL;
	}
	for (u32 i = 0; i < p->nr_pages; i++)
		if (p->pages[i])
			page_put(p->pages[i]);
	kfree(p->pages);
	p->pages = pages;
	p->nr_pages = nr;
	return 0;
err_free:
	kfree(pages);
	return err;
}

static int set_size(struct pipe *p, u32 nr) __must_hold(&p->lock)
{
	u32 old = p->nr_pages;
	s64 sum;
	int err;

	if (nr == old)
		return 0;
	if (nr > old && (size_t)nr * PAGE_SIZE > sysctl_pipe_max_size &&
	    !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (nr > PIPE_MAX_PAGES)
		return -ENOMEM;
	sum = charge(p->user, old, nr);
	if (nr > old && (is_over(sum, READ_ONCE(sysctl_pipe_user_soft)) ||
			 is_over(sum, READ_ONCE(sysctl_pipe_user_hard))))
		err = -EPERM;
	else
		err = resize(p, nr);
	if (err)
		charge(p->user, nr, old);
	return err;
}

#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032

long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = file_pipe(f);
	long ret;
	u32 nr;

	if (!p)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)ring_bytes(p);
	if (cmd != F_SETPIPE_SZ)
		return -EINVAL;
	arg = (u32)arg;
	if (arg > 1ul << 31)
		return -EINVAL;
	nr = (u32)roundup_pow2(max_t(unsigned long, arg, PAGE_SIZE)) /
	     PAGE_SIZE;
	mutex_lock(&p->lock);
	ret = set_size(p, nr);
	if (!ret) {
		ret = (long)ring_bytes(p);
		wake_writers(p);
	}
	mutex_unlock(&p->lock);
	return ret;
}

int pipe_wait_readable(struct pipe *p, bool nonblock)
{
	if (!readable(p)) {
		if (nonblock)
			return -EAGAIN;
		if (wait_event_intr(&p->rd_wait, readable(p)))
			return -ERESTARTSYS;
	}
	return pipe_used(p) ? 1 : 0;
}

int pipe_wait_writable(struct pipe *p, bool nonblock)
{
	if (!writable(p, 1)) {
		if (nonblock)
			return -EAGAIN;
		if (wait_event_intr(&p->wr_wait, writable(p, 1)))
			return -ERESTARTSYS;
	}
	if (READ_ONCE(p->readers))
		return 1;
	signal_send(SIGPIPE, NULL, current, SIG_TO_THREAD);
	return -EPIPE;
}

size_t pipe_room(struct pipe *p)
{
	return room_of(p);
}

size_t pipe_peek(struct pipe *p, size_t skip, void *buf, size_t n)
{
	size_t done = 0;

	mutex_lock(&p->lock);
	if (skip < pipe_used(p))
		n = min_t(size_t, n, pipe_used(p) - skip);
	else
		n = 0;
	while (done < n) {
		size_t off, len = n - done;
		struct page *pg = ring_page(p, p->tail + skip + done, &off, &len);

		memcpy((char *)buf + done, (char *)page_to_va(pg) + off, len);
		done += len;
	}
	mutex_unlock(&p->lock);
	return done;
}

/* Of packets that are not taken whole the rest stays. */
static void packets_skip(struct pipe *p, size_t n)
{
	u16 *len;

	while (n && p->packet_head != p->packet_tail) {
		len = &p->packets[p->packet_tail % PIPE_MAX_PACKETS];
		if (n < *len) {
			*len -= (u16)n;
			return;
		}
		n -= *len;
		p->packet_tail++;
	}
}

void pipe_skip(struct pipe *p, size_t n)
{
	bool had_no_room;

	mutex_lock(&p->lock);
	had_no_room = room_of(p) < PIPE_BUF;
	n = min_t(size_t, n, pipe_used(p));
	p->tail += n;
	packets_skip(p, n);
	if (had_no_room && room_of(p) >= PIPE_BUF)
		wake_writers(p);
	fasync_notify(&p->fasync, POLL_OUT);
	if (pipe_used(p))
		wake_readers(p);
	mutex_unlock(&p->lock);
}

static void pipe_init(void)
{
	pipe_cache = slab_cache_create("pipe", sizeof(struct pipe), 0,
				       SLAB_PANIC, NULL);
}
INIT(INIT_CORE, pipe_init);
