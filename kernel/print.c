/*
 * print - kernel messages: the log ring and the consoles.
 *
 * Theory:  records of whole messages, each with a header, follow each other in
 *          a ring of bytes; a record does not wrap, a filler ends the ring
 *          where the next would not fit.  first and next are the sequence
 *          numbers of the oldest record and of the one to come.  Readers ask
 *          by number and find the place by walking; the last place each kind
 *          of reader stopped at is remembered, so a reader that follows does
 *          not walk.
 *
 *          Consoles get the text under the same lock, so messages do not
 *          mix.  A console registered late gets what was logged before.
 *          Waking a reader may not be possible where a message is printed (a
 *          run queue's lock may be held): then the tick does it.
 *
 *          In a panic the lock may be held by a hart that is stopped: it is
 *          waited for a while, then ignored.
 * Locks:   log_lock (RANK_PRINT).
 * Context: any.
 */
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <lib/printf.h>
#include <lib/string.h>

#define LOG_BYTES (128u * 1024)
#define TEXT_MAX 1000
#define CONSOLE_NAMES 4

struct record {
	u64 seq;
	u64 ns;
	u16 len;		/* of the text that follows */
	u8 level;
	u8 facility;		/* 0: kernel */
	u32 size;		/* to the next record; text padded */
};

static_assert(sizeof(struct record) == 24, "records are aligned to 8");

static struct irqlock log_lock = IRQLOCK_INIT(RANK_PRINT, "log");
static char ring[LOG_BYTES] __aligned(8) __guarded_by(&log_lock);
static u32 head __guarded_by(&log_lock);	/* where the next one goes */
static u32 tail __guarded_by(&log_lock);	/* of the oldest record */
static u64 first_seq __guarded_by(&log_lock);
static u64 next_seq __guarded_by(&log_lock);
static struct {
	u64 seq;
	u32 pos;
} follow __guarded_by(&log_lock);		/* where a reader went on */
int sysctl_dmesg_restrict, sysctl_kptr_restrict;
static struct console *consoles __guarded_by(&log_lock);
static char line[TEXT_MAX + 32] __guarded_by(&log_lock);
static struct waitq readers = WAITQ_INIT(readers);
static bool readers_due;			/* hint */

static char console_names[CONSOLE_NAMES][16];	/* const after init */
static u32 nr_console_names;
int console_loglevel = 7;

/* --- the lock, also in a panic ---------------------------------------------------- */

#define PANIC_TURNS 2000000

static bool log_lock_any(void) __no_analysis
{
	if (likely(!panicking)) {
		irq_lock(&log_lock);
		return true;
	}
	for (u32 i = 0; i < PANIC_TURNS; i++) {
		if (irq_trylock(&log_lock))
			return true;
		cpu_relax();
	}
	return false;
}

static void log_unlock_any(bool locked) __no_analysis
{
	if (locked)
		irq_unlock(&log_lock);
}

/* --- the ring ---------------------------------------------------------------------- */

static struct record *record_at(u32 pos)
{
	return (struct record *)(ring + pos);
}

/* The record at pos, past a filler. */
static u32 skip_filler(u32 pos)
{
	if (pos + sizeof(struct record) > LOG_BYTES || !record_at(pos)->size)
		return 0;
	return pos;
}

static void drop_oldest(void)
{
	tail = skip_filler(tail + record_at(tail)->size);
	first_seq++;
}

static u32 free_run(void)
{
	if (first_seq == next_seq) {
		head = tail = 0;
		return LOG_BYTES;
	}
	return head > tail ? LOG_BYTES - head : tail - head;
}

/* Room for size bytes at head; older records go. */
static void make_room(u32 size)
{
	while (free_run() <= size) {
		if (head > tail || first_seq == next_seq) {
			/* the end of the ring is too short */
			if (head + sizeof(struct record) <= LOG_BYTES)
				record_at(head)->size = 0;
			while (first_seq != next_seq && tail >= head)
				drop_oldest();
			head = 0;
			if (tail == 0 && first_seq != next_seq)
				drop_oldest();
		} else {
			drop_oldest();
		}
	}
}

static struct record *append(u8 level, u8 facility, const char *text, u32 len)
{
	u32 size = ALIGN_UP((u32)sizeof(struct record) + len, 8u);
	struct record *r;

	make_room(size);
	r = record_at(head);
	*r = (struct record){ .seq = next_seq, .ns = clock_ns(),
			      .len = (u16)len, .level = level,
			      .facility = facility, .size = size };
	memcpy(r + 1, text, len);
	head += size;
	next_seq++;
	return r;
}

/* The record with this number or the oldest after it; NULL: not yet there. */
static struct record *find(u64 seq)
{
	u32 pos = tail;
	u64 s = first_seq;

	if (seq >= next_seq)
		return NULL;
	if (follow.seq >= first_seq && follow.seq <= seq) {
		s = follow.seq;
		pos = follow.pos;
	}
	for (; s < seq; s++)
		pos = skip_filler(pos + record_at(pos)->size);
	follow.seq = s;
	follow.pos = pos;
	return record_at(pos);
}

/* --- consoles ---------------------------------------------------------------------- */

static int format_prefix(char *buf, size_t size, const struct record *r)
{
	return kscnprintf(buf, size, "[%5llu.%06llu] ",
			  r->ns / NSEC_PER_SEC,
			  r->ns % NSEC_PER_SEC / NSEC_PER_USEC);
}

static void write_record(struct console *only, const struct record *r)
{
	int n = format_prefix(line, sizeof(line), r);
	struct console *c;

	memcpy(line + n, r + 1, r->len);
	n += r->len;
	line[n++] = '\n';
	for (c = consoles; c; c = c->next)
		if (!only || c == only)
			c->write(c, line, (size_t)n);
}

static bool name_matches(const char *param, const char *name)
{
	return str_equal(param, name);
}

static bool is_wanted(const struct console *c)
{
	const struct console *o;

	if (c->is_boot)
		return true;
	for (u32 i = 0; i < nr_console_names; i++)
		if (name_matches(console_names[i], c->name))
			return true;
	if (nr_console_names)
		return false;
	/* none named: the first real one */
	for (o = consoles; o; o = o->next)
		if (!o->is_boot)
			return false;
	return true;
}

static bool has_boot_console(void)
{
	for (struct console *c = consoles; c; c = c->next)
		if (c->is_boot)
			return true;
	return false;
}

static void drop_boot_consoles(void)
{
	struct console **p = &consoles;

	while (*p) {
		if ((*p)->is_boot)
			*p = (*p)->next;
		else
			p = &(*p)->next;
	}
}

static void replay(struct console *c)
{
	struct record *r;

	for (u64 s = first_seq; s < next_seq; s++) {
		r = find(s);
		if (r->level < console_loglevel)
			write_record(c, r);
	}
}

void console_register(struct console *c)
{
	bool seen;

	irq_lock(&log_lock);
	if (is_wanted(c)) {
		seen = has_boot_console();
		if (!c->is_boot)
			drop_boot_consoles();
		c->next = consoles;
		consoles = c;
		if (!seen)
			replay(c);
	}
	irq_unlock(&log_lock);
}

bool console_nth(unsigned i, char *name, size_t size, bool *is_boot)
{
	struct console *c;

	irq_lock(&log_lock);
	for (c = consoles; c && i; i--)
		c = c->next;
	if (c) {
		strscpy(name, c->name, size);
		*is_boot = c->is_boot;
	}
	irq_unlock(&log_lock);
	return c;
}

void console_puts(const char *s, size_t n)
{
	bool locked = log_lock_any();

	for (struct console *c = consoles; c; c = c->next)
		c->write(c, s, n);
	log_unlock_any(locked);
}

static void param_console(const char *value)
{
	const char *end = strchrnul(value, ',');
	size_t n = min((size_t)(end - value), sizeof(console_names[0]) - 1);

	if (!n || nr_console_names == CONSOLE_NAMES)
		return;
	memcpy(console_names[nr_console_names], value, n);
	nr_console_names++;
}
PARAM("console", param_console);

static void param_loglevel(const char *value)
{
	u32 v;

	if (!str_to_u32(value, 10, &v))
		console_loglevel = (int)min(v, 15u);
}
PARAM("loglevel", param_loglevel);

static void param_quiet(const char *value)
{
	console_loglevel = 4;
}
PARAM("quiet", param_quiet);

static void param_debug(const char *value)
{
	console_loglevel = 10;
}
PARAM("debug", param_debug);

/* --- writing ----------------------------------------------------------------------- */

static void wake_readers(void)
{
	if (!waitq_active(&readers))
		return;
	if (current->preempt_count || current->irq_depth || panicking)
		WRITE_ONCE(readers_due, true);
	else
		wake_all(&readers);
}

void log_wake_deferred(void)
{
	if (likely(!READ_ONCE(readers_due)))
		return;
	WRITE_ONCE(readers_due, false);
	wake_all(&readers);
}

static void log_text(u8 level, u8 facility, const char *text, size_t n)
{
	bool locked = log_lock_any();
	struct record *r;

	while (n && text[n - 1] == '\n')
		n--;
	r = append(level, facility, text, (u32)min(n, (size_t)TEXT_MAX));
	if (consoles && level < console_loglevel)
		write_record(NULL, r);
	log_unlock_any(locked);
	wake_readers();
}

void print(enum log_level level, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_text((u8)level, 0, text, (size_t)n);
}

void log_user(int prio, const char *text, size_t n)
{
	/* what user space writes is shown on the console too, as on Linux */
	u8 facility = (u8)(prio >> 3 & 0x1f);

	log_text((u8)(prio & 7), facility ? facility : 1, text, n);
}

/* --- reading ----------------------------------------------------------------------- */

static size_t format_syslog(char *buf, size_t size, const struct record *r,
			    bool with_prefix)
{
	size_t n = 0;

	if (with_prefix)
		n = (size_t)kscnprintf(buf, size, "<%u>",
				       r->facility << 3 | r->level);
	n += (size_t)format_prefix(buf + n, size - n, r);
	if (n + r->len + 1 > size)
		return 0;
	memcpy(buf + n, r + 1, r->len);
	n += r->len;
	buf[n++] = '\n';
	return n;
}

size_t log_read(u64 *seq, char *buf, size_t size, bool with_prefix)
{
	size_t done = 0, n;
	struct record *r;

	irq_lock(&log_lock);
	*seq = max(*seq, first_seq);
	while ((r = find(*seq))) {
		n = format_syslog(buf + done, size - done, r, with_prefix);
		if (!n)
			break;
		done += n;
		++*seq;
	}
	irq_unlock(&log_lock);
	return done;
}

size_t log_read_kmsg(u64 *seq, char *buf, size_t size)
{
	struct record *r;
	size_t n = 0;

	irq_lock(&log_lock);
	*seq = max(*seq, first_seq);
	r = find(*seq);
	if (r) {
		n = (size_t)kscnprintf(buf, size, "%u,%llu,%llu,-;",
				       r->facility << 3 | r->level, r->seq,
				       r->ns / NSEC_PER_USEC);
		if (n + r->len + 1 <= size) {
			memcpy(buf + n, r + 1, r->len);
			n += r->len;
			buf[n++] = '\n';
			++*seq;
		} else {
			n = 0;
		}
	}
	irq_unlock(&log_lock);
	return n;
}

u64 log_first_seq(void)
{
	u64 v;

	irq_lock(&log_lock);
	v = first_seq;
	irq_unlock(&log_lock);
	return v;
}

u64 log_next_seq(void)
{
	u64 v;

	irq_lock(&log_lock);
	v = next_seq;
	irq_unlock(&log_lock);
	return v;
}

struct waitq *log_waitq(void)
{
	return &readers;
}
