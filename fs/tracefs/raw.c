/*
 * raw - per_cpu/cpuN/trace_pipe_raw: a ring's pages as they are.
 *
 * Theory:  a read takes whole pages.  The page that the hart writes is given
 *          as far as it is written, with the rest at the next read in a page
 *          of its own, whose time is that of the last event given.  splice()
 *          takes full pages only: who records must not, by the events of
 *          doing so, make a page of work for each of them.
 * Locks:   tracefs_lock guards the cursor, which trace_pipe shares.
 */
#include "tracefs_impl.h"

#include <lib/string.h>
#include <mm/slab.h>

/* The time of the last event in the first n bytes. */
static u64 last_time(const struct trace_page *p, u32 n, u32 *events)
{
	struct trace_view v;
	u64 ts = p->ts;
	u32 off = 0;

	*events = 0;
	while (trace_page_next(p->data, n, &off, &ts, &v))
		(*events)++;
	return ts;
}

/* Cuts off what was given before. */
static void cut(struct trace_ring *r, struct trace_page *p, u32 n, u64 last)
{
	if (r->read_off) {
		memmove(p->data, p->data + r->read_off, n - r->read_off);
		p->ts = r->read_ts;
	}
	p->commit = n - r->read_off;
	if (r->read_missed)
		p->commit |= TRACE_PAGE_MISSED;
	r->read_missed = false;
	memset(p->data + (n - r->read_off), 0,
	       TRACE_PAGE_DATA - (n - r->read_off));
	WRITE_ONCE(r->read_off, n);
	r->read_ts = last;
}

/* The next page with something new in it; if only_full, not the one that is
 * being written. */
static bool next_page_locked(struct trace_ring *r, struct trace_page *p,
			     bool only_full)
{
	u32 events;
	u64 last;
	int n;

	for (;;) {
		if (only_full && r->read_page >= READ_ONCE(r->head))
			return false;
		n = trace_page_copy(r, r->read_page, p);
		if (n == -EAGAIN) {
			u64 head = READ_ONCE(r->head);

			WRITE_ONCE(r->read_page, head + 2 - r->nr);
			WRITE_ONCE(r->read_off, 0);
			r->read_missed = true;
			continue;
		}
		if ((u32)n > r->read_off)
			break;
		if (r->read_page >= READ_ONCE(r->head))
			return false;
		WRITE_ONCE(r->read_page, r->read_page + 1);
		WRITE_ONCE(r->read_off, 0);
	}
	last = last_time(p, (u32)n, &events);
	cut(r, p, (u32)n, last);
	r->read_events += events;
	return true;
}

/* Pages until the iterator is full or there are no more. */
static ssize_t take_pages(struct trace_ring *r, struct iter *it,
			  struct trace_page *p, bool only_full)
{
	size_t sum = 0, got = TRACE_PAGE;
	bool some = true;

	while (it->count >= TRACE_PAGE && got == TRACE_PAGE) {
		mutex_lock(&tracefs_lock);
		some = next_page_locked(r, p, only_full);
		mutex_unlock(&tracefs_lock);
		if (!some)
			break;
		got = copy_to_iter(p, TRACE_PAGE, it);
		sum += got;
	}
	if (sum)
		return (ssize_t)sum;
	return some ? -EFAULT : -EAGAIN;
}

static ssize_t read_pages(struct file *f, struct iter *it, bool only_full)
{
	u64 key = trace_node_of(f->inode)->key;
	struct trace_page *p;
	ssize_t n;

	irqs_unmask();
	if (it->count < TRACE_PAGE)
		return it->count ? -EINVAL : 0;
	p = kmalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	do {
		n = trace_wait_data(f, key, only_full);
		if (!n)
			n = take_pages(&trace_rings[key - 1], it, p,
				       only_full);
	} while (n == -EAGAIN && !(f->flags & O_NONBLOCK));
	kfree(p);
	return n;
}

static ssize_t raw_read(struct file *f, struct iter *it, u64 *pos,
			unsigned flags)
{
	return read_pages(f, it, false);
}

static ssize_t raw_splice(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	return read_pages(f, it, true);
}

static const struct file_ops raw_fops = {
	.read_iter = raw_read,
	.splice_read = raw_splice,
	.poll = trace_poll,
};

const struct trace_type trace_raw_file = {
	.mode = S_IFREG | 0440, .fops = &raw_fops,
};
