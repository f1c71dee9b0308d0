#pragma once
/* The tree of tracefs as its files see it: a node is a type and a key. */
#include <fs/seq.h>
#include <kernel/mutex.h>
#include <kernel/trace_ring.h>

struct trace_type;

struct trace_node {
	const struct trace_type *type;
	u64 key;	/* an event, a system's first event, a hart + 1 */
};

struct trace_child {
	char name[32];
	struct trace_node node;
};

struct trace_type {
	u32 mode;	/* with the type */
	/* A directory: the i-th child; false past the last. */
	bool (*child)(u64 key, unsigned i, struct trace_child *out);
	/* A file: its whole text, and one write's text. */
	int (*show)(struct seq *s, u64 key);
	int (*write)(char *text, size_t len, u64 key);
	/* What O_TRUNC means. */
	void (*truncate)(u64 key);
	const struct file_ops *fops;	/* instead of show and write */
};

struct trace_node *trace_node_of(const struct inode *i);
bool trace_child_is(struct trace_child *c, const char *name,
		    const struct trace_type *type, u64 key);

extern const struct trace_type trace_events_dir;	/* events.c */
extern const struct trace_type trace_set_event_file,
	trace_available_file;
extern const struct trace_type trace_text_file, trace_pipe_file; /* text.c */
extern const struct trace_type trace_raw_file;		/* raw.c */
extern const struct trace_type trace_latency_file;	/* latency.c */

/* Guards everything but the writing of events. */
extern struct mutex tracefs_lock;

/* buffers.c: memory for the rings; tracefs_lock held. */
int __must_check trace_buffers_get(void);
int __must_check trace_buffers_resize(u32 kb);
u32 trace_buffers_kb(void);
void trace_buffers_clear(u64 key);
/* True if something may be read of hart key - 1, or of any (0). */
bool trace_has_data(u64 key, bool full_page);
/* Waits for it: 0, -EAGAIN, -EINTR. */
int __must_check trace_wait_data(struct file *f, u64 key, bool full_page);
u32 trace_poll(struct file *f, struct poll_table *pt);
