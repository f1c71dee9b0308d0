/*
 * buffers - the memory of the trace rings, and waiting for what they hold.
 *
 * Theory:  there is no memory before somebody wants an event.  Who waits for
 *          events is woken by a timer that looks, not by the writer: a trace
 *          point may stand under any lock, and wakes nobody.
 * Locks:   tracefs_lock.
 */
#include "tracefs_impl.h"

#include <fs/eventpoll.h>
#include <kernel/init.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <time/timer.h>

#define DEFAULT_KB 1408u
#define MIN_PAGES 2u
#define LOOK_NS (20 * NSEC_PER_MSEC)

struct mutex tracefs_lock = MUTEX_INIT(tracefs_lock, RANK_SLEEP_B,
						       "tracefs");
static u32 ring_kb = DEFAULT_KB;
static struct waitq data_wait = WAITQ_INIT(data_wait);

static void slots_free(struct trace_slot *s, u32 nr)
{
	for (u32 i = 0; s && i < nr; i++)
		pages_free_va(s[i].page, 0);
	kvfree(s);
}

static int __must_check slots_alloc(u32 nr, struct trace_slot **out)
{
	struct trace_slot *s = kvmalloc(nr * sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	memset(s, 0, nr * sizeof(*s));
	for (u32 i = 0; i < nr; i++) {
		s[i].page = pages_alloc_va(GFP_KERNEL | GFP_ZERO, 0);
		if (!s[i].page) {
			slots_free(s, nr);
			return -ENOMEM;
		}
	}
	*out = s;
	return 0;
}

static void nothing(void *arg)
{
}

/* Gives the ring its memory, or takes it. */
static void install(struct trace_ring *r, struct trace_slot *s, u32 nr)
{
	struct trace_slot *old = r->slots;
	u32 old_nr = r->nr;

	WRITE_ONCE(r->slots, NULL);
	hart_call_all(nothing, NULL);	/* who writes has interrupts off */
	trace_ring_set(r, s, nr);
	if (old != s)
		slots_free(old, old_nr);
}

int trace_buffers_get(void)
{
	u32 nr = max(ring_kb / 4, MIN_PAGES);
	struct trace_slot *s;
	int err;

	for_each_hart(h) {
		struct trace_ring *r = &trace_rings[h->id];

		if (r->slots)
			continue;
		err = slots_alloc(nr, &s);
		if (err)
			return err;
		install(r, s, nr);
	}
	return 0;
}

int trace_buffers_resize(u32 kb)
{
	bool had = false;

	if (!kb)
		return -EINVAL;
	for_each_hart(h) {
		had |= trace_rings[h->id].slots != NULL;
		install(&trace_rings[h->id], NULL, 0);
	}
	ring_kb = kb;
	return had ? trace_buffers_get() : 0;
}

u32 trace_buffers_kb(void)
{
	return ring_kb;
}

void trace_buffers_clear(u64 key)
{
	for_each_hart(h) {
		struct trace_ring *r = &trace_rings[h->id];

		if ((!key || key - 1 == h->id) && r->slots)
			install(r, r->slots, r->nr);
	}
}

/* --- waiting ----------------------------------------------------------------*/

static bool ring_has_data(const struct trace_ring *r, bool full_page)
{
	if (READ_ONCE(r->head) != READ_ONCE(r->read_page))
		return true;
	return !full_page && READ_ONCE(r->commit) > READ_ONCE(r->read_off);
}

bool trace_has_data(u64 key, bool full_page)
{
	for_each_hart(h)
		if ((!key || key - 1 == h->id) &&
		    ring_has_data(&trace_rings[h->id], full_page))
			return true;
	return false;
}

static void look(struct timer *t)
{
	wake_all(&data_wait);
	if (waitq_active(&data_wait))
		timer_start(t, clock_ns() + LOOK_NS);
}

static struct timer look_timer = { .fn = look };

u32 trace_poll(struct file *f, struct poll_table *pt)
{
	u64 key = trace_node_of(f->inode)->key;

	if (trace_has_data(key, false))
		return EPOLLIN | EPOLLRDNORM;
	poll_wait(f, &data_wait, pt);
	if (!timer_is_armed(&look_timer))
		timer_start(&look_timer, clock_ns() + LOOK_NS);
	return 0;
}

int trace_wait_data(struct file *f, u64 key, bool full_page)
{
	while (!trace_has_data(key, full_page)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_until_intr(clock_ns() + LOOK_NS))
			return -EINTR;
	}
	return 0;
}
