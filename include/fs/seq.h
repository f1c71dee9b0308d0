#pragma once
/*
 * Text files made by the kernel (/proc, /sys): a buffer that grows while it
 * is printed into, and file operations that show one snapshot to a sequence
 * of small reads.
 */
#include <fs/vfs.h>

struct seq {
	char *buf;
	size_t size, len;
	bool is_short;		/* something did not fit: print it all again */
	u64 from;		/* a text in parts: where this one begins */
	u64 next;		/* set by `fill`: where the next one does, or 0 */
	u64 tag;		/* set by `fill`, kept from part to part */
};

/* A long text comes in parts of whole lines, if they fit this size. */
#define SEQ_PART_MAX 4000u

/* Where preemption is off nothing can be allocated: the text is cut, and the
 * caller of the whole printing starts over with a larger buffer. */
void __printf(2, 3) seq_printf(struct seq *s, const char *fmt, ...);
void seq_write(struct seq *s, const char *p, size_t n);
void seq_puts(struct seq *s, const char *text);
void seq_putc(struct seq *s, char c);
/* `sep`, then the number in decimal: most of what /proc prints. */
void seq_u64(struct seq *s, const char *sep, u64 v);
void seq_s64(struct seq *s, const char *sep, s64 v);
/* With the characters of `esc` (and backslash) as \ooo. */
void seq_escape(struct seq *s, const char *text, const char *esc);
/* n bytes to be filled in by the caller, who adds what it used to s->len;
 * NULL: no room. */
char *seq_reserve(struct seq *s, size_t n);
/* The text of a path, newlines escaped. */
void seq_path(struct seq *s, const struct path *p, const char *esc);

/*
 * Files of this kind keep their text in file->priv.  `fill` prints it; it is
 * called with no lock of ours when a read begins at position 0, so that
 * what follows is consistent with it.  A text that may be very long is
 * printed in parts: `fill` is called again, with `from` what it left in
 * `next`, when a reader comes to the end of a part.  No read returns more
 * than the rest of a part.
 */
typedef int seq_fill_fn(struct seq *s, struct file *f);
ssize_t seq_read(struct file *f, struct iter *it, u64 *pos, seq_fill_fn *fill);
void seq_release(struct file *f);
int seq_llseek(struct file *f, s64 off, int whence, s64 *out);
/* What a write call brings, as text (with a NUL behind) that the caller
 * kfrees; at most a page. */
int __must_check seq_write_text(struct iter *it, char **text, size_t *len);
