/*
 * ring - the trace ring of each hart.
 *
 * Theory:  only the hart itself writes, with interrupts off, so writing takes
 *          no lock and no atomic.  The pages have numbers that only grow; page
 *          n lies in slot n % nr.  A reader copies a page, then looks whether
 *          its slot was taken again meanwhile (head moved on by nr): then the
 *          copy is worth nothing.  The writer moves head before it touches the
 *          slot, and `commit` of a page after the event is complete.
 *          The layout of a page is the one of Linux's ring buffer, so that
 *          trace_pipe_raw is a copy.  Rejected: a lock for each ring (an
 *          atomic for each event), and pages handed over to readers.
 * Locks:   none for writing; what readers take out is under tracefs' lock.
 * Life:    tracefs gives the pages before the first event is switched on, and
 *          takes them back after a call on every hart with tracing off.
 * Context: any.
 */
#include <kernel/trace_ring.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <time/clock.h>

#define DELTA_BITS 27
#define DELTA_MAX ((1ull << DELTA_BITS) - 1)
#define TYPE_PADDING 29u
#define TYPE_EXTEND 30u
#define TYPE_STAMP 31u
#define TYPE_MAX_LEN 28u
#define COMM_SLOTS 512u

struct trace_ring trace_rings[MAX_HARTS];
u32 trace_running = 1;
struct trace_filter trace_filters[NR_TRACE_EVENTS];

/* Names of tasks that wrote events: racy, by the last bits of the id. */
static struct {
	s32 pid;
	char comm[16];
} comms[COMM_SLOTS];

void trace_note_comm(const struct task *t)
{
	u32 i = (u32)t->tid % COMM_SLOTS;

	comms[i].pid = t->tid;
	for (u32 k = 0; k < sizeof(t->comm); k++)
		comms[i].comm[k] = t->comm[k];
}

/* --- writing ----------------------------------------------------------------*/

static struct trace_page *page_at(const struct trace_ring *r, u64 n)
{
	return r->slots[n % r->nr].page;
}

static struct trace_page *next_page(struct trace_ring *r, u64 now)
{
	struct trace_slot *s = &r->slots[(r->head + 1) % r->nr];

	WRITE_ONCE(r->head, r->head + 1);
	smp_mb();	/* a reader of the old contents sees the new head */
	if (r->head >= r->nr)
		r->overrun += s->events;
	s->events = 0;
	s->page->ts = now;
	WRITE_ONCE(s->page->commit, 0);
	WRITE_ONCE(r->commit, 0);
	r->last_ts = now;
	return s->page;
}

/* The header's words in front of the event; its length in bytes. */
static u32 put_header(u32 *to, u64 delta, u32 len)
{
	u32 n = 0, words = (len + 3) / 4;

	if (delta > DELTA_MAX) {
		to[n++] = TYPE_EXTEND | (u32)(delta & DELTA_MAX) << 5;
		to[n++] = (u32)(delta >> DELTA_BITS);
		delta = 0;
	}
	if (words <= TYPE_MAX_LEN) {
		to[n++] = words | (u32)delta << 5;
	} else {
		to[n++] = (u32)delta << 5;
		to[n++] = words * 4 + 4;
	}
	return n * 4;
}

static void *reserve(struct trace_ring *r, u32 len)
{
	u64 now = clock_ns();
	struct trace_page *p = page_at(r, r->head);
	u32 used = (u32)p->commit, head;

	if (used + len + 20 > TRACE_PAGE_DATA) {
		p = next_page(r, now);
		used = 0;
	} else if (!used) {
		p->ts = r->last_ts = now;
	}
	if (now < r->last_ts)
		now = r->last_ts;
	r->undo_ts = r->last_ts;
	head = put_header((u32 *)(p->data + used), now - r->last_ts, len);
	r->last_ts = now;
	r->reserved = used + head + ALIGN_UP(len, 4u);
	return p->data + used + head;
}

static void put_entry(struct trace_entry *e, enum trace_event ev, bool on)
{
	const struct task *t = current;

	e->type = (u16)trace_event_id(ev);
	e->flags = on ? 0 : TRACE_FLAG_IRQS_OFF;
	if (t->work & WORK_RESCHED)
		e->flags |= TRACE_FLAG_NEED_RESCHED;
	if (t->irq_nesting)
		e->flags |= TRACE_FLAG_HARDIRQ;
	e->preempt_count = (u8)min(t->preempt_count, 15u);
	e->pid = t->tid;
	if (comms[(u32)t->tid % COMM_SLOTS].pid != t->tid)
		trace_note_comm(t);
}

void *trace_begin(enum trace_event ev, size_t size)
{
	bool on = arch_irqs_enabled();
	struct trace_ring *r;
	void *e;

	arch_irqs_disable();
	r = &trace_rings[current->hart->id];
	if (unlikely(!READ_ONCE(trace_running) || !r->slots)) {
		if (on)
			arch_irqs_enable();
		return NULL;
	}
	r->irqs_were_on = on;
	e = reserve(r, (u32)size);
	put_entry(e, ev, on);
	return e;
}

void trace_end(enum trace_event ev, void *event)
{
	struct trace_ring *r = &trace_rings[current->hart->id];
	const struct trace_filter *f = &trace_filters[ev];
	bool on = r->irqs_were_on;

	if (likely(!f->nr || trace_filter_match(f, event))) {
		struct trace_slot *s = &r->slots[r->head % r->nr];

		s->events++;
		r->entries++;
		r->bytes += r->reserved - (u32)s->page->commit;
		store_release(&s->page->commit, (u64)r->reserved);
		WRITE_ONCE(r->commit, r->reserved);
	} else {
		r->last_ts = r->undo_ts;
	}
	if (on)
		arch_irqs_enable();
}

/* --- reading ----------------------------------------------------------------*/

void trace_ring_set(struct trace_ring *r, struct trace_slot *slots, u32 nr)
{
	*r = (struct trace_ring){ .nr = nr };
	for (u32 i = 0; slots && i < nr; i++) {
		slots[i].events = 0;
		slots[i].page->commit = 0;
	}
	store_release(&r->slots, slots);
}

int trace_page_copy(const struct trace_ring *r, u64 at, struct trace_page *to)
{
	u64 head = load_acquire(&r->head);
	const struct trace_page *p;
	u32 n;

	if (!r->slots || at > head)
		return 0;
	if (head - at >= r->nr)
		return -EAGAIN;
	p = page_at(r, at);
	n = (u32)min_t(u64, load_acquire(&p->commit), TRACE_PAGE_DATA);
	to->ts = p->ts;
	to->commit = n;
	memcpy(to->data, p->data, n);
	smp_rmb();
	if (READ_ONCE(r->head) - at >= r->nr)
		return -EAGAIN;
	return (int)n;
}

bool trace_page_next(const u8 *data, u32 n, u32 *off, u64 *ts,
		     struct trace_view *v)
{
	while (*off + 4 <= n) {
		const u32 *w = (const u32 *)(data + *off);
		u32 type = w[0] & 31, len = type * 4;

		*off += 4;
		if (type == TYPE_EXTEND) {
			*ts += (w[0] >> 5) + ((u64)w[1] << DELTA_BITS);
			*off += 4;
			continue;
		}
		if (type == TYPE_PADDING || type == TYPE_STAMP)
			return false;	/* we write none */
		*ts += w[0] >> 5;
		if (!type) {
			len = w[1] - 4;
			*off += 4;
		}
		v->entry = (const struct trace_entry *)(data + *off);
		v->size = len;
		v->ts = *ts;
		*off += len;
		return true;
	}
	return false;
}

void trace_comm(s32 pid, char comm[16])
{
	u32 i = (u32)pid % COMM_SLOTS;

	if (!pid)
		strscpy(comm, "<idle>", 16);
	else if (comms[i].pid == pid)
		strscpy(comm, comms[i].comm, 16);
	else
		strscpy(comm, "<...>", 16);
}

bool trace_comm_nth(u32 i, s32 *pid, char comm[16])
{
	if (i >= COMM_SLOTS)
		return false;
	*pid = comms[i].pid;
	strscpy(comm, comms[i].comm, 16);
	return true;
}
