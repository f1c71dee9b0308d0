/*
 * seq - text that the kernel prints into files.
 *
 * Theory:  a text is printed as a whole into one buffer, at a read from
 *          position 0, and belongs to the open file until the next such read:
 *          small reads after each other see one state of the world.  The
 *          buffer grows by itself where memory can be had; under a spinlock
 *          or RCU it is cut, and everything is printed again into a larger
 *          one.  Printing takes no lock of this file's, so it may take any.
 *          What has a line or more for each area of an address space can be
 *          of any length and is mostly read to its first lines, or by a
 *          reader with a small buffer: that comes in parts, each printed
 *          when a reader arrives there, and only the last one is kept.
 * Locks:   file.lock guards the pointer to the text.
 * Life:    a text is counted: by the file, and by each reader that copies it.
 */
#include <fs/seq.h>
#include <kernel/preempt.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

struct text {
	struct ref refs;
	size_t len;
	u64 start;		/* of this part, in the file */
	u64 next, tag;		/* for the part behind it */
	char data[];
};

#define FIRST_SIZE (2048 - sizeof(struct text))
#define MAX_SIZE (256ul << 20)

static struct text *text_of(struct seq *s)
{
	return container_of((const char *)s->buf, struct text, data[0]);
}

static int text_new(struct seq *s, size_t size)
{
	struct text *t = kvmalloc(sizeof(*t) + size, GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	ref_init(&t->refs, 1);
	s->buf = t->data;
	s->size = size;
	s->len = 0;
	s->is_short = false;
	return 0;
}

static void text_put(struct text *t)
{
	if (t && ref_put(&t->refs))
		kvfree(t);
}

static size_t larger(const struct seq *s, size_t n)
{
	size_t all = s->size + sizeof(struct text);

	while (all < s->len + n + sizeof(struct text))
		all *= 2;
	return max(all, (s->size + sizeof(struct text)) * 2) -
	       sizeof(struct text);
}

static bool grow(struct seq *s, size_t n)
{
	struct seq wide = *s;

	if (in_atomic() || s->size > MAX_SIZE || n > MAX_SIZE ||
	    text_new(&wide, larger(s, n)))
		return false;
	memcpy(wide.buf, s->buf, s->len);
	wide.len = s->len;
	text_put(text_of(s));
	*s = wide;
	return true;
}

char *seq_reserve(struct seq *s, size_t n)
{
	if (unlikely(s->size - s->len < n) && !grow(s, n)) {
		s->is_short = true;
		return NULL;
	}
	return s->buf + s->len;
}

void seq_write(struct seq *s, const char *p, size_t n)
{
	char *to = seq_reserve(s, n);

	if (likely(to)) {
		memcpy(to, p, n);
		s->len += n;
	}
}

void seq_puts(struct seq *s, const char *text)
{
	seq_write(s, text, strlen(text));
}

void seq_putc(struct seq *s, char c)
{
	seq_write(s, &c, 1);
}

void seq_u64(struct seq *s, const char *sep, u64 v)
{
	char *to;

	seq_puts(s, sep);
	to = seq_reserve(s, 20);
	if (likely(to))
		s->len += fmt_u64(to, v);
}

void seq_s64(struct seq *s, const char *sep, s64 v)
{
	if (v >= 0) {
		seq_u64(s, sep, (u64)v);
		return;
	}
	seq_puts(s, sep);
	seq_u64(s, "-", -(u64)v);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	size_t room = s->size - s->len, n;
	va_list ap;

	va_start(ap, fmt);
	n = (size_t)kvsnprintf(s->buf + s->len, room, fmt, ap);
	va_end(ap);
	if (unlikely(n >= room)) {
		if (!seq_reserve(s, n + 1))
			return;
		va_start(ap, fmt);
		kvsnprintf(s->buf + s->len, s->size - s->len, fmt, ap);
		va_end(ap);
	}
	s->len += n;
}

void seq_escape(struct seq *s, const char *text, const char *esc)
{
	size_t plain;

	while (*text) {
		for (plain = 0; text[plain] && text[plain] != '\\' &&
				!strchr(esc, text[plain]); plain++)
			;
		seq_write(s, text, plain);
		text += plain;
		if (*text)
			seq_printf(s, "\\%03o", (u8)*text++);
	}
}

void seq_path(struct seq *s, const struct path *p, const char *esc)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text;

	if (!buf) {
		s->is_short = true;
		return;
	}
	if (!path_format(p, buf, PATH_MAX, &text))
		seq_escape(s, text, esc);
	kfree(buf);
}

/* --- files --------------------------------------------------------------*/
/* All of it, or the part behind `before`. */
static int print_part(struct file *f, seq_fill_fn *fill,
		      const struct text *before, struct text **out)
{
	size_t size = FIRST_SIZE;
	struct text *t;
	struct seq s;
	int err;

	for (;;) {
		s = (struct seq){ .from = before ? before->next : 0,
				  .tag = before ? before->tag : 0 };
		err = text_new(&s, size);
		if (err)
			return err;
		err = fill(&s, f);
		if (!err && !s.is_short)
			break;
		size = larger(&s, 0);
		text_put(text_of(&s));
		if (err)
			return err;
		if (size > MAX_SIZE)
			return -ENOMEM;
	}
	t = text_of(&s);
	t->len = s.len;
	t->start = before ? before->start + before->len : 0;
	t->next = s.next;
	t->tag = s.tag;
	*out = t;
	return 0;
}

static struct text *current_text(struct file *f)
{
	struct text *t;

	spin_lock(&f->lock);
	t = f->priv;
	if (t)
		ref_get(&t->refs);
	spin_unlock(&f->lock);
	return t;
}

/* The file takes a reference of its own. */
static void install(struct file *f, struct text *t)
{
	struct text *old;

	ref_get(&t->refs);
	spin_lock(&f->lock);
	old = f->priv;
	f->priv = t;
	spin_unlock(&f->lock);
	text_put(old);
}

/* The part that has `pos`, or the last one. */
static int text_at(struct file *f, u64 pos, seq_fill_fn *fill,
		   struct text **out)
{
	struct text *t = pos ? current_text(f) : NULL, *part = NULL;
	int err = 0;

	if (t && pos < t->start) {
		text_put(t);
		t = NULL;
	}
	while (!t || (t->next && pos - t->start >= t->len)) {
		err = print_part(f, fill, t, &part);
		text_put(t);
		if (err)
			return err;
		t = part;
		install(f, t);
		cond_resched();
	}
	*out = t;
	return 0;
}

ssize_t seq_read(struct file *f, struct iter *it, u64 *pos, seq_fill_fn *fill)
{
	struct text *t;
	size_t at, n = 0;
	int err;

	if (!it->count)
		return 0;
	irqs_unmask();
	err = text_at(f, *pos, fill, &t);
	if (err)
		return err;
	if (*pos - t->start < t->len) {
		at = (size_t)(*pos - t->start);
		n = copy_to_iter(t->data + at, min(it->count, t->len - at),
				 it);
		*pos += n;
		if (!n)
			n = (size_t)-EFAULT;
	}
	text_put(t);
	return (ssize_t)n;
}

void seq_release(struct file *f)
{
	text_put(f->priv);
}

int seq_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	s64 to;

	if (whence == SEEK_CUR) {
		if (add_overflow((s64)f->pos, off, &to))
			return -EOVERFLOW;
	} else if (whence == SEEK_SET) {
		to = off;
	} else {
		return -EINVAL;
	}
	if (to < 0)
		return -EINVAL;
	f->pos = (u64)to;
	*out = to;
	return 0;
}

int seq_write_text(struct iter *it, char **text, size_t *len)
{
	size_t n = min_t(size_t, it->count, PAGE_SIZE - 1);
	char *buf = kmalloc(n + 1, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, n, it) != n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = 0;
	*text = buf;
	*len = n;
	return 0;
}
