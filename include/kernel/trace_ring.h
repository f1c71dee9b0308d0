#pragma once
/*
 * The trace rings and the table of events, for those who show them
 * (fs/tracefs).  docs/trace.md.
 */
#include <kernel/hart.h>
#include <kernel/trace.h>
#include <lib/bitmap.h>

#define TRACE_PAGE 4096u
#define TRACE_PAGE_DATA (TRACE_PAGE - 16)
#define TRACE_ID_BASE 32	/* common_type of event n; print has 5 */

/* Linux's ring-buffer page; trace-cmd reads it as it is. */
struct trace_page {
	u64 ts;			/* of the first event */
	u64 commit;		/* bytes of data; and TRACE_PAGE_MISSED */
	u8 data[TRACE_PAGE_DATA];
};
#define TRACE_PAGE_MISSED (1ul << 31)
static_assert(sizeof(struct trace_page) == TRACE_PAGE, "trace page");

struct trace_slot {
	struct trace_page *page;
	u32 events;
};

struct trace_ring {
	/* the hart writes, with interrupts off; the rest reads */
	struct trace_slot *slots;	/* NULL: no memory yet */
	u32 nr;
	u32 reserved;		/* end of the event being written */
	u32 commit;		/* end of the last one */
	u64 head;		/* number of the page being written */
	u64 last_ts, undo_ts;
	u64 entries, overrun, bytes, dropped;
	bool irqs_were_on;
	/* readers: tracefs' lock */
	u64 read_page;
	u32 read_off;
	u64 read_ts;
	u64 read_events;
	bool read_missed;
} __aligned(64);
extern struct trace_ring trace_rings[MAX_HARTS];

/* What each event begins with. */
struct trace_entry {
	u16 type;
	u8 flags;
	u8 preempt_count;
	s32 pid;
};
#define TRACE_FLAG_IRQS_OFF 1
#define TRACE_FLAG_NEED_RESCHED 4
#define TRACE_FLAG_HARDIRQ 8

struct trace_field {
	const char *decl;
	u16 off, size;
	bool is_signed;
};

#define TRACE_MAX_PREDS 4
struct trace_pred {
	const struct trace_field *field;	/* NULL: common_pid */
	u8 op;
	u64 value;
	char text[16];
};
struct trace_filter {
	u8 nr;
	bool is_or;
	struct trace_pred preds[TRACE_MAX_PREDS];
	char text[120];
};

struct trace_event_type {
	const char *system, *name;
	const struct trace_field *fields;
	u32 nr_fields;
	const char *print_fmt;
};
extern const struct trace_event_type trace_event_types[NR_TRACE_EVENTS];
extern struct trace_filter trace_filters[NR_TRACE_EVENTS];
extern unsigned long trace_enabled[BITS_TO_LONGS(NR_TRACE_EVENTS)];
extern u32 trace_running;		/* tracing_on */
extern u32 trace_latencies_on;

static inline u32 trace_event_id(enum trace_event ev)
{
	return ev == TE_PRINT ? 5 : TRACE_ID_BASE + ev;
}
/* The other way; NR_TRACE_EVENTS: none. */
static inline enum trace_event trace_event_of(u32 id)
{
	if (id == 5)
		return TE_PRINT;
	return id > TRACE_ID_BASE && id < TRACE_ID_BASE + NR_TRACE_EVENTS ?
		       (enum trace_event)(id - TRACE_ID_BASE) :
		       NR_TRACE_EVENTS;
}

extern const struct branch_site __trace_sites_start[], __trace_sites_end[];
/* Patches the trace points of an event.  The caller serialises. */
void trace_event_enable(enum trace_event ev, bool on);
bool trace_event_is_on(enum trace_event ev);
/* Writes one instruction of the kernel's text: set by mm. */
extern int (*trace_text_write_hook)(u32 *at, u32 insn);
/* System-call events, latencies, strace=: sets WORK_SYSTRACE on all tasks or
 * leaves each to find out that nothing wants it any more. */
void trace_syscalls_update(void);

/* -EINVAL; "0" or "" clears. */
int __must_check trace_filter_set(enum trace_event ev, const char *text);
bool trace_filter_match(const struct trace_filter *f, const void *event);

/* Remembers the name of another task. */
void trace_note_comm(const struct task *t);
/* Room for an event on this hart's ring, or NULL; interrupts are off until
 * trace_end(). */
void *trace_begin(enum trace_event ev, size_t size);
void trace_end(enum trace_event ev, void *event);
/* trace_marker. */
void trace_print_write(const char *text, size_t n, unsigned long ip);
/* Empties a ring and gives it memory, or none; its hart writes nothing now. */
void trace_ring_set(struct trace_ring *r, struct trace_slot *slots, u32 nr);

/* One event, taken out of a page. */
struct trace_view {
	const struct trace_entry *entry;
	u32 size;
	u64 ts;
};
/* The event at *off of a page with n bytes; moves *off and *ts.  False at the
 * end. */
bool trace_page_next(const u8 *data, u32 n, u32 *off, u64 *ts,
		     struct trace_view *v);
/* Copies page number `at`, as far as it is written; its bytes.  -EAGAIN: it
 * was overwritten.  0: nothing there yet. */
int trace_page_copy(const struct trace_ring *r, u64 at, struct trace_page *to);

/* "name: text" of an event; its length. */
size_t trace_format(const struct trace_view *v, char *buf, size_t size);
/* The name of a task that wrote events. */
void trace_comm(s32 pid, char comm[16]);
bool trace_comm_nth(u32 i, s32 *pid, char comm[16]);

/* Latencies: [hart][call][log2 of ns], and counts and sums. */
#define TRACE_LAT_BUCKETS 32
struct trace_latency {
	u64 sum;
	u32 count;
	u32 max_us;
	u32 bucket[TRACE_LAT_BUCKETS];
};
/* Set before latencies are switched on: NR_SYSCALLS for each hart. */
extern struct trace_latency *trace_latencies[MAX_HARTS];
