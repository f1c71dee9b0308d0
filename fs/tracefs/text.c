/*
 * text - `trace` and `trace_pipe`: the rings as ftrace's text.
 *
 * Theory:  both merge the harts' rings by time.  `trace` starts at the oldest
 *          event and takes nothing away; its cursors belong to the open file.
 *          `trace_pipe` has the rings' own cursors, and what it showed is
 *          gone.  Text is made by the buffer; a cursor moves behind the last
 *          whole line in it.
 * Locks:   tracefs_lock.
 */
#include "tracefs_impl.h"

#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define TEXT_SIZE 8192u
#define LINE_MAX 1280u

/* One ring as a reader sees it. */
struct source {
	struct trace_ring *ring;
	u64 at;			/* page number */
	u32 off, n;		/* in the copy, and its bytes */
	u64 ts;
	u64 lost;		/* pages that were overwritten */
	bool is_loaded, has;
	struct trace_view v;
	struct trace_page page;
};

struct reader {
	struct mutex lock;	/* all of it; above tracefs_lock */
	u64 key;
	bool is_pipe, has_header, was_read;
	u32 nr;			/* sources */
	u32 len, off;		/* of the text */
	char text[TEXT_SIZE];
	struct source src[];
};

/* --- sources ----------------------------------------------------------------*/

static u64 oldest_page(const struct trace_ring *r)
{
	u64 head = READ_ONCE(r->head);
	u64 first = head + 1 > r->nr ? head + 1 - r->nr : 0;

	return max(first, r->read_page);
}

static void source_start(struct source *s, struct trace_ring *r)
{
	s->ring = r;
	s->at = oldest_page(r);
	s->off = s->at == r->read_page ? r->read_off : 0;
	s->ts = r->read_ts;
	s->is_loaded = false;
	s->lost = s->at - r->read_page;
	s->has = false;
}

/* The page anew, as far as it is written by now. */
static bool load(struct source *s)
{
	int n = trace_page_copy(s->ring, s->at, &s->page);

	while (n == -EAGAIN) {
		u64 to = oldest_page(s->ring) + 1;

		s->lost += to - s->at;
		s->at = to;
		s->off = 0;
		n = trace_page_copy(s->ring, s->at, &s->page);
	}
	if (!s->off)
		s->ts = s->page.ts;
	s->n = (u32)n;
	s->is_loaded = true;
	return s->off < s->n;
}

/* Makes s->v its next event, if there is one. */
static void source_fetch(struct source *s)
{
	while (!s->has) {
		if ((!s->is_loaded || s->off >= s->n) && !load(s)) {
			if (s->at >= READ_ONCE(s->ring->head))
				return;
			s->at++;
			s->off = 0;
			s->is_loaded = false;
			continue;
		}
		s->has = trace_page_next(s->page.data, s->n, &s->off, &s->ts,
					 &s->v);
		if (!s->has)
			s->off = s->n;
	}
}

static struct source *earliest(struct reader *r)
{
	struct source *best = NULL;

	for (u32 i = 0; i < r->nr; i++) {
		source_fetch(&r->src[i]);
		if (r->src[i].has && (!best || r->src[i].v.ts < best->v.ts))
			best = &r->src[i];
	}
	return best;
}

/* --- text -------------------------------------------------------------------*/

static void put(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	memcpy(r->text + r->len, text, n);
	r->len += (u32)n;
}

static void put_header(struct reader *r)
{
	u64 in_ring = 0, written = 0;
	u32 harts_on = 0;

	for_each_hart(h) {
		const struct trace_ring *g = &trace_rings[h->id];

		harts_on++;
		written += g->entries;
		in_ring += g->entries - g->overrun - g->read_events;
	}
	put(r, "# tracer: nop\n#\n");
	r->len += (u32)kscnprintf(r->text + r->len, 200,
		"# entries-in-buffer/entries-written: %llu/%llu   #P:%u\n#\n",
		in_ring, written, harts_on);
	put(r, "#                                _-----=> irqs-off/BH-disabled\n"
	       "#                               / _----=> need-resched\n"
	       "#                              | / _---=> hardirq/softirq\n"
	       "#                              || / _--=> preempt-depth\n"
	       "#                              ||| / _-=> migrate-disable\n"
	       "#                              |||| /     delay\n"
	       "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
	       "#              | |         |   |||||     |         |\n");
}

static void put_flags(const struct trace_entry *e, char out[6])
{
	out[0] = e->flags & TRACE_FLAG_IRQS_OFF ? 'd' : '.';
	out[1] = e->flags & TRACE_FLAG_NEED_RESCHED ? 'N' : '.';
	out[2] = e->flags & TRACE_FLAG_HARDIRQ ? 'h' : '.';
	out[3] = "0123456789abcdef"[e->preempt_count & 15];
	if (!e->preempt_count)
		out[3] = '.';
	out[4] = '.';
	out[5] = 0;
}

static void put_line(struct reader *r, struct source *s)
{
	const struct trace_view *v = &s->v;
	u64 us = (v->ts + 500) / 1000;
	u32 hart = (u32)(s->ring - trace_rings);
	char comm[16], flags[6], *to = r->text + r->len;
	size_t room = TEXT_SIZE - r->len, n = 0;

	if (s->lost)
		n = (size_t)kscnprintf(to, room, "CPU:%u [LOST EVENTS]\n",
				       hart);
	s->lost = 0;
	trace_comm(v->entry->pid, comm);
	put_flags(v->entry, flags);
	n += (size_t)kscnprintf(to + n, room - n,
				"%16s-%-7d [%03u] %s %5llu.%06llu: ", comm,
				v->entry->pid, hart, flags, us / 1000000,
				us % 1000000);
	n += trace_format(v, to + n, room - n - 1);
	to[n++] = '\n';
	r->len += (u32)n;
}

/* What a pipe showed is gone. */
static void consume(struct source *s)
{
	WRITE_ONCE(s->ring->read_page, s->at);
	WRITE_ONCE(s->ring->read_off, s->off);
	s->ring->read_ts = s->ts;
	s->ring->read_events++;
}

static void fill_locked(struct reader *r)
{
	struct source *s;

	if (r->is_pipe) {
		u32 i = 0;

		for_each_hart(h)
			if (!r->key || r->key - 1 == h->id)
				source_start(&r->src[i++],
					     &trace_rings[h->id]);
	} else if (!r->has_header) {
		put_header(r);
	}
	r->has_header = true;
	while (r->len + LINE_MAX < TEXT_SIZE && (s = earliest(r))) {
		put_line(r, s);
		if (r->is_pipe)
			consume(s);
		s->has = false;
	}
}

static void fill(struct reader *r)
{
	r->len = r->off = 0;
	mutex_lock(&tracefs_lock);
	fill_locked(r);
	mutex_unlock(&tracefs_lock);
}

/* --- files ------------------------------------------------------------------*/

static int reader_create(u64 key, bool is_pipe, struct reader **out)
{
	struct reader *r;
	u32 nr = 0;

	for_each_hart(h)
		nr += !key || key - 1 == h->id;
	r = kvmalloc(sizeof(*r) + nr * sizeof(r->src[0]), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r) + nr * sizeof(r->src[0]));
	mutex_init(&r->lock, RANK_SLEEP_A, "trace reader");
	r->key = key;
	r->is_pipe = is_pipe;
	r->nr = nr;
	*out = r;
	return 0;
}

static void reader_start(struct reader *r)
{
	u32 i = 0;

	mutex_lock(&tracefs_lock);
	for_each_hart(h)
		if (!r->key || r->key - 1 == h->id)
			source_start(&r->src[i++], &trace_rings[h->id]);
	while (i)
		r->src[--i].lost = 0;	/* it shows what there is */
	mutex_unlock(&tracefs_lock);
	r->has_header = false;
	r->len = r->off = 0;
}

static int text_open_as(struct inode *i, struct file *f, bool is_pipe)
{
	struct reader *r;
	int err;

	if (!(f->mode & FMODE_READ))
		return 0;
	err = reader_create(trace_node_of(i)->key, is_pipe, &r);
	if (err)
		return err;
	reader_start(r);
	f->priv = r;
	return 0;
}

static int text_open(struct inode *i, struct file *f)
{
	return text_open_as(i, f, false);
}

static int pipe_open(struct inode *i, struct file *f)
{
	return text_open_as(i, f, true);
}

static void text_release(struct file *f)
{
	kvfree(f->priv);
}

static ssize_t take(struct reader *r, struct iter *it, u64 *pos)
{
	size_t n = min_t(size_t, it->count, r->len - r->off);
	size_t done = copy_to_iter(r->text + r->off, n, it);

	r->off += (u32)done;
	*pos += done;
	return n && !done ? -EFAULT : (ssize_t)done;
}

static ssize_t text_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	struct reader *r = f->priv;
	ssize_t n;

	irqs_unmask();
	mutex_lock(&r->lock);
	if (!*pos && r->has_header)
		reader_start(r);
	if (r->off == r->len)
		fill(r);
	n = take(r, it, pos);
	mutex_unlock(&r->lock);
	return n;
}

/* As Linux: the end comes when tracing is off and something was shown. */
static ssize_t pipe_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	struct reader *r = f->priv;
	ssize_t n = 0;

	irqs_unmask();
	mutex_lock(&r->lock);
	while (r->off == r->len) {
		if (!trace_has_data(r->key, false) && !READ_ONCE(trace_running) &&
		    r->was_read)
			goto out;
		n = trace_wait_data(f, r->key, false);
		if (n)
			goto out;
		fill(r);
	}
	n = take(r, it, pos);
	r->was_read = true;
out:
	mutex_unlock(&r->lock);
	return n;
}

static ssize_t text_write(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	size_t n = it->count;

	mutex_lock(&tracefs_lock);
	trace_buffers_clear(trace_node_of(f->inode)->key);
	mutex_unlock(&tracefs_lock);
	iter_advance(it, n);
	return (ssize_t)n;
}

static void text_truncate(u64 key)
{
	mutex_lock(&tracefs_lock);
	trace_buffers_clear(key);
	mutex_unlock(&tracefs_lock);
}

static const struct file_ops text_fops = {
	.open = text_open,
	.read_iter = text_read,
	.write_iter = text_write,
	.llseek = seq_llseek,
	.release = text_release,
};

static const struct file_ops pipe_fops = {
	.open = pipe_open,
	.read_iter = pipe_read,
	.poll = trace_poll,
	.release = text_release,
};

const struct trace_type trace_text_file = {
	.mode = S_IFREG | 0640, .fops = &text_fops, .truncate = text_truncate,
};
const struct trace_type trace_pipe_file = {
	.mode = S_IFREG | 0440, .fops = &pipe_fops,
};
