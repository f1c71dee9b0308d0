/*
 * ldisc - the terminal line discipline (termios(3)): input editing, echo,
 * signals, flow control; output processing; canonical and raw reads.
 *
 * Theory:  input bytes go into a ring.  head, canon_head and tail only grow;
 *          [tail, canon_head) are complete lines, [canon_head, head) is the
 *          line that is still edited.  A bit for each byte marks the end of
 *          a line; an end-of-file is a marked NUL.  In raw mode canon_head
 *          follows head.
 * Locks:   tty->lock guards all of it and is taken from interrupts.  Signals
 *          rank before that lock, so they are collected and sent after it.
 *          read_lock serialises readers, write_lock makes a write whole.
 */
#include <kernel/assert.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <task/process.h>
#include "tty_impl.h"

#define CTRL_NONE '\0'		/* _POSIX_VDISABLE */
#define CHUNK 256u

static u8 *at(struct tty *t, u32 pos)
{
	return &t->buf[pos % TTY_BUF];
}

static bool is_delim(const struct tty *t, u32 pos)
{
	return t->delim[pos % TTY_BUF / 64] >> (pos % 64) & 1;
}

static void mark_delim(struct tty *t, u32 pos, bool on)
{
	u64 bit = 1ull << (pos % 64), *w = &t->delim[pos % TTY_BUF / 64];

	*w = on ? *w | bit : *w & ~bit;
}

static bool is_char(const struct tty *t, u8 c, unsigned which)
{
	return c != CTRL_NONE && c == C_CHAR(t, which);
}

/* --- output ------------------------------------------------------------------*/
static size_t room(struct tty *t)
{
	return t->ops->room(t);
}

static void out_raw(struct tty *t, const char *s, size_t n)
{
	t->ops->write(t, (const u8 *)s, n);
}

static bool is_continuation(const struct tty *t, u8 c)
{
	return I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80;
}

/* One byte with output processing; false if there is no room for it. */
static bool out_char(struct tty *t, u8 c)
{
	size_t space = room(t);
	u32 spaces;

	if (!space)
		return false;
	if (!O_FLAG(t, OPOST)) {
		t->ops->write(t, &c, 1);
		return true;
	}
	switch (c) {
	case '\n':
		if (O_FLAG(t, ONLRET))
			t->column = 0;
		if (O_FLAG(t, ONLCR)) {
			if (space < 2)
				return false;
			t->canon_column = t->column = 0;
			out_raw(t, "\r\n", 2);
			return true;
		}
		t->canon_column = t->column;
		break;
	case '\r':
		if (O_FLAG(t, ONOCR) && !t->column)
			return true;
		if (O_FLAG(t, OCRNL)) {
			c = '\n';
			if (O_FLAG(t, ONLRET))
				t->canon_column = t->column = 0;
			break;
		}
		t->canon_column = t->column = 0;
		break;
	case '\t':
		spaces = 8 - (t->column & 7);
		if (O_FLAG(t, TABDLY) == XTABS) {
			if (space < spaces)
				return false;
			t->column += spaces;
			out_raw(t, "        ", spaces);
			return true;
		}
		t->column += spaces;
		break;
	case '\b':
		if (t->column)
			t->column--;
		break;
	default:
		if (c >= 32 && c != 127 && !is_continuation(t, c))
			t->column++;
		if (O_FLAG(t, OLCUC) && c >= 'a' && c <= 'z')
			c -= 32;
		break;
	}
	t->ops->write(t, &c, 1);
	return true;
}

static bool plain(const struct tty *t, u8 c)
{
	return c >= 32 && c < 127 && !O_FLAG(t, OLCUC);
}

/* As many bytes as there is room for: runs of plain ones in one piece. */
static size_t out_block_locked(struct tty *t, const u8 *s, size_t n)
{
	size_t done = 0;

	if (t->stopped)
		return 0;
	if (!O_FLAG(t, OPOST))
		return t->ops->write(t, s, min_t(size_t, n, room(t)));
	while (done < n) {
		size_t run = 0, space = room(t);

		while (done + run < n && run < space && plain(t, s[done + run]))
			run++;
		if (run) {
			t->ops->write(t, s + done, run);
			t->column += (u32)run;
			done += run;
			continue;
		}
		if (!out_char(t, s[done]))
			break;
		done++;
	}
	return done;
}

static void echo_raw(struct tty *t, u8 c)
{
	out_char(t, c);
}

static bool is_ctrl(u8 c)
{
	return (c < 32 && c != '\t') || c == 127;
}

static void echo_char(struct tty *t, u8 c)
{
	if (L_FLAG(t, ECHOCTL) && is_ctrl(c)) {
		out_char(t, '^');
		out_char(t, c ^ 0100);
	} else {
		out_char(t, c);
	}
}

/* --- input -------------------------------------------------------------------*/
static void put_char(struct tty *t, u8 c)
{
	mark_delim(t, t->head, false);
	*at(t, t->head++) = c;
}

static u32 used(const struct tty *t)
{
	return t->head - t->tail;
}

size_t tty_input_room(struct tty *t)
{
	/* the end of a line fits into a ring without room */
	u32 n = TTY_BUF - min(used(t), TTY_BUF - 1) - 1;

	/* a full line without an end would never be read: let it be edited */
	if (!n && L_FLAG(t, ICANON) && t->canon_head == t->tail)
		return 1;
	return n;
}

static void line_done(struct tty *t, u8 c)
{
	*at(t, t->head) = c;
	mark_delim(t, t->head, true);
	t->head++;
	t->canon_head = t->head;
	t->lines++;
}

static u32 column_of(struct tty *t, u32 pos)
{
	u32 col = t->canon_column;

	for (u32 i = t->canon_head; i != pos; i++) {
		u8 c = *at(t, i);

		if (c == '\t')
			col = (col | 7) + 1;
		else if (is_ctrl(c))
			col += L_FLAG(t, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(t, c))
			col++;
	}
	return col;
}

/* Wipes what one erased character had shown. */
static void echo_erase(struct tty *t, u8 c, u32 pos)
{
	u32 n = 1;

	if (!L_FLAG(t, ECHOE)) {
		echo_char(t, C_CHAR(t, VERASE));
		return;
	}
	if (c == '\t') {
		u32 want = column_of(t, pos);

		while (t->column > want && room(t))
			out_raw(t, "\b", 1), t->column--;
		return;
	}
	if (is_ctrl(c))
		n = L_FLAG(t, ECHOCTL) ? 2 : 0;
	while (n--) {
		out_raw(t, "\b \b", 3);
		if (t->column)
			t->column--;
	}
}

static bool erase_one(struct tty *t)
{
	u8 c;

	if (t->head == t->canon_head)
		return false;
	do {
		c = *at(t, --t->head);
	} while (is_continuation(t, c) && t->head != t->canon_head);
	if (L_FLAG(t, ECHO))
		echo_erase(t, is_continuation(t, c) ? 'x' : c, t->head);
	return true;
}

static bool is_word(u8 c)
{
	return c == '_' || c >= 128 || (c >= '0' && c <= '9') ||
	       ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static void erase_word(struct tty *t)
{
	while (t->head != t->canon_head && !is_word(*at(t, t->head - 1)))
		erase_one(t);
	while (t->head != t->canon_head && is_word(*at(t, t->head - 1)))
		erase_one(t);
}

static void erase_line(struct tty *t)
{
	if (L_FLAG(t, ECHO) && !(L_FLAG(t, ECHOKE) && L_FLAG(t, ECHOE))) {
		t->head = t->canon_head;
		echo_char(t, C_CHAR(t, VKILL));
		if (L_FLAG(t, ECHOK))
			out_char(t, '\n');
		return;
	}
	while (erase_one(t))
		;
}

static void reprint(struct tty *t)
{
	echo_char(t, C_CHAR(t, VREPRINT));
	out_char(t, '\n');
	for (u32 i = t->canon_head; i != t->head; i++)
		echo_char(t, *at(t, i));
}

static void flush_input_locked(struct tty *t)
{
	t->head = t->canon_head = t->tail = 0;
	t->lines = 0;
	t->push = false;
	t->lnext = false;
}

static void tell_packet(struct tty *t, u8 bits)
{
	if (t->ops->packet)
		t->ops->packet(t, bits);
}

void ldisc_stop_locked(struct tty *t, bool stop)
{
	if (t->stopped == stop)
		return;
	t->stopped = stop;
	tell_packet(t, stop ? TIOCPKT_STOP : TIOCPKT_START);
}

static void input_signal(struct tty *t, u8 c, int sig)
{
	if (!L_FLAG(t, NOFLSH)) {
		flush_input_locked(t);
		tell_packet(t, TIOCPKT_FLUSHREAD);
		if (t->ops->flush)
			t->ops->flush(t);
	}
	if (I_FLAG(t, IXON))
		ldisc_stop_locked(t, false);
	if (L_FLAG(t, ECHO))
		echo_char(t, c);
	t->sig_pending |= 1u << sig;
}

/* True if the byte was an editing or control one, and is done with. */
static bool input_special(struct tty *t, u8 c)
{
	if (I_FLAG(t, IXON)) {
		if (is_char(t, c, VSTART) || is_char(t, c, VSTOP)) {
			ldisc_stop_locked(t, is_char(t, c, VSTOP) &&
					  !(is_char(t, c, VSTART) &&
					    t->stopped));
			return true;
		}
	}
	if (L_FLAG(t, ISIG)) {
		int sig = is_char(t, c, VINTR) ? SIGINT :
			  is_char(t, c, VQUIT) ? SIGQUIT :
			  is_char(t, c, VSUSP) ? SIGTSTP : 0;

		if (sig) {
			input_signal(t, c, sig);
			return true;
		}
	}
	return false;
}

static bool input_canon(struct tty *t, u8 c)
{
	if (is_char(t, c, VERASE)) {
		erase_one(t);
		return true;
	}
	if (is_char(t, c, VKILL)) {
		erase_line(t);
		return true;
	}
	if (L_FLAG(t, IEXTEN) && is_char(t, c, VWERASE)) {
		erase_word(t);
		return true;
	}
	if (L_FLAG(t, IEXTEN) && is_char(t, c, VREPRINT) && L_FLAG(t, ECHO)) {
		reprint(t);
		return true;
	}
	if (L_FLAG(t, IEXTEN) && is_char(t, c, VLNEXT)) {
		t->lnext = true;
		if (L_FLAG(t, ECHO) && L_FLAG(t, ECHOCTL))
			out_raw(t, "^\b", 2);
		return true;
	}
	if (c == '\n') {
		if (L_FLAG(t, ECHO) || L_FLAG(t, ECHONL))
			out_char(t, '\n');
		line_done(t, c);
		return true;
	}
	if (is_char(t, c, VEOF)) {
		line_done(t, 0);
		return true;
	}
	if (is_char(t, c, VEOL) || (L_FLAG(t, IEXTEN) && is_char(t, c, VEOL2))) {
		if (L_FLAG(t, ECHO))
			echo_char(t, c);
		line_done(t, c);
		return true;
	}
	return false;
}

static void input_plain(struct tty *t, u8 c)
{
	bool is_twice = c == 0377 && I_FLAG(t, PARMRK);

	if (used(t) + is_twice >= TTY_BUF - 1) {
		if (I_FLAG(t, IMAXBEL) && room(t))
			out_raw(t, "\a", 1);
		return;
	}
	if (L_FLAG(t, ECHO)) {
		if (t->head == t->canon_head)
			t->canon_column = t->column;
		if (c == '\n')
			echo_raw(t, c);
		else
			echo_char(t, c);
	}
	if (is_twice)
		put_char(t, c);
	put_char(t, c);
	if (!L_FLAG(t, ICANON))
		t->canon_head = t->head;
}

static void input_char(struct tty *t, u8 c)
{
	if (t->lnext) {
		t->lnext = false;
		input_plain(t, c);
		return;
	}
	if (I_FLAG(t, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(t, IUCLC) && L_FLAG(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 32;
	if (t->stopped && I_FLAG(t, IXANY) && I_FLAG(t, IXON))
		ldisc_stop_locked(t, false);
	if (input_special(t, c))
		return;
	if (c == '\r') {
		if (I_FLAG(t, IGNCR))
			return;
		if (I_FLAG(t, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(t, INLCR)) {
		c = '\r';
	}
	if (L_FLAG(t, ICANON) && input_canon(t, c))
		return;
	input_plain(t, c);
}

static void send_signals(struct tty *t, u32 sigs)
{
	for (int sig = 1; sigs >> sig; sig++)
		if (sigs >> sig & 1)
			tty_signal_fg(t, sig);
}

bool ldisc_readable_locked(struct tty *t, size_t min)
{
	if (L_FLAG(t, ICANON))
		return t->lines || t->push;
	return used(t) >= min;
}

size_t tty_input(struct tty *t, const u8 *s, size_t n)
{
	bool wake, was_stopped;
	size_t done = 0;
	u32 sigs;

	irq_lock(&t->lock);
	was_stopped = t->stopped;
	while (done < n && tty_input_room(t))
		input_char(t, s[done++]);
	if (done < n) {
		/* full: control characters still act */
		t->throttled = true;
		while (!t->is_pty && done < n)
			input_special(t, s[done++]);
	}
	sigs = t->sig_pending;
	t->sig_pending = 0;
	wake = ldisc_readable_locked(t, 1);
	irq_unlock(&t->lock);
	if (sigs)
		send_signals(t, sigs);
	smp_mb();	/* the input, then who waits for it */
	if ((wake || sigs) && waitq_active(&t->read_wait))
		waitq_wake(&t->read_wait, TASK_NORMAL, 0, EPOLLIN | EPOLLRDNORM);
	if (was_stopped && !READ_ONCE(t->stopped))
		tty_wakeup(t);
	return done;
}

void tty_input_break(struct tty *t)
{
	u32 sigs;

	irq_lock(&t->lock);
	if (!I_FLAG(t, IGNBRK)) {
		if (I_FLAG(t, BRKINT))
			input_signal(t, 0, SIGINT);
		else if (tty_input_room(t) > 2)
			put_char(t, 0);
	}
	sigs = t->sig_pending;
	t->sig_pending = 0;
	irq_unlock(&t->lock);
	send_signals(t, sigs);
	wake_all(&t->read_wait);
}

/* --- reading -----------------------------------------------------------------*/
/* Takes bytes of one line (or all, raw) into k; *end: the line ended. */
static size_t take_locked(struct tty *t, u8 *k, size_t n, bool *end)
{
	bool canon = L_FLAG(t, ICANON) && !t->push;
	size_t got = 0;

	*end = false;
	while (got < n && t->tail != (canon ? t->canon_head : t->head)) {
		u8 c = *at(t, t->tail);
		bool d = is_delim(t, t->tail);

		t->tail++;
		if (d && t->lines)
			t->lines--;
		if (canon && d && c == 0) {	/* end of file */
			*end = true;
			break;
		}
		k[got++] = c;
		if (canon && d) {
			*end = true;
			break;
		}
	}
	if (t->push && t->tail == t->head)
		t->push = false;
	return got;
}

static void after_read(struct tty *t)
{
	bool was;

	irq_lock(&t->lock);
	/* What no reader can take yet, an unfinished line, does not count; but
	 * a writer may have filled what was read, and sleep again. */
	was = t->throttled && ldisc_chars_locked(t) < TTY_BUF / 2 &&
	      tty_input_room(t);
	if (was)
		t->throttled = false;
	irq_unlock(&t->lock);
	if (was && t->ops->unthrottle)
		t->ops->unthrottle(t);
}

/* What a read waits for: VMIN and VTIME in raw mode, a line in canonical. */
struct read_goal {
	size_t min;
	u64 timeout_ns;		/* 0: none */
	bool between;		/* the timer runs between bytes */
};

static void get_goal(struct tty *t, struct read_goal *g, size_t want)
{
	u64 time = C_CHAR(t, VTIME) * 100 * NSEC_PER_MSEC;
	size_t min = C_CHAR(t, VMIN);

	g->between = false;
	g->timeout_ns = 0;
	g->min = 1;
	if (L_FLAG(t, ICANON))
		return;
	g->min = min_t(size_t, min, want);
	if (!time)
		return;
	g->timeout_ns = time;
	g->between = min > 0;
}

static bool input_ready(struct tty *t, const struct file *f, size_t min)
{
	bool r;

	irq_lock(&t->lock);
	r = ldisc_readable_locked(t, min) || file_hupped(f) || t->other_closed;
	irq_unlock(&t->lock);
	return r;
}

/* Waits for `need` bytes in all; 0, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. */
static int wait_input_relock(struct tty *t, struct file *f, unsigned flags,
			     const struct read_goal *g, size_t done)
	__must_hold(&t->read_lock)
{
	size_t need = g->min > done ? g->min - done : 1;
	u64 deadline = 0;
	int err;

	if (g->timeout_ns && (!g->between || done))
		deadline = clock_ns() + g->timeout_ns;
	if (input_ready(t, f, need))
		return 0;
	if (!g->min && !g->timeout_ns)
		return -ETIMEDOUT;
	if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
		return -EAGAIN;
	if (g->between)
		need = 1;	/* each byte starts the timer anew */
	mutex_unlock(&t->read_lock);
	err = wait_event_intr_until(&t->read_wait, input_ready(t, f, need),
				    deadline);
	mutex_lock(&t->read_lock);
	return err == -EINTR ? -ERESTARTSYS : err;
}

ssize_t ldisc_read(struct tty *t, struct file *f, struct iter *it,
		   unsigned flags)
{
	struct read_goal g;
	u8 k[CHUNK];
	ssize_t done = 0;
	int err = 0;

	if (mutex_lock_intr(&t->read_lock))
		return -ERESTARTSYS;
	while (it->count) {
		bool end, gone;
		size_t n;

		err = tty_check_change_intr(t, SIGTTIN);
		if (err)
			break;
		irq_lock(&t->lock);
		get_goal(t, &g, it->count + (size_t)done);
		n = take_locked(t, k, min_t(size_t, sizeof(k), it->count), &end);
		gone = file_hupped(f) || t->other_closed;
		irq_unlock(&t->lock);
		if (n && copy_to_iter(k, n, it) != n) {
			err = -EFAULT;
			break;
		}
		done += (ssize_t)n;
		if (end || !it->count)
			break;
		if (n)
			continue;
		if (L_FLAG(t, ICANON) ? done > 0 : done && (size_t)done >= g.min)
			break;
		if (gone) {
			err = file_hupped(f) ? 0 : -EIO;
			break;
		}
		err = wait_input_relock(t, f, flags, &g, (size_t)done);
		if (err)
			break;
	}
	mutex_unlock(&t->read_lock);
	if (done || !err)
		after_read(t);
	if (err == -ETIMEDOUT)
		err = 0;
	return done ? done : err;
}

static bool can_write(struct tty *t, const struct file *f)
{
	bool r;

	irq_lock(&t->lock);
	r = (!t->stopped && room(t) >= 8) || file_hupped(f) || t->other_closed;
	irq_unlock(&t->lock);
	return r;
}

static int write_chunk(struct tty *t, struct file *f, const u8 *k, size_t n,
		       unsigned flags, size_t *done)
{
	*done = 0;
	while (*done < n) {
		bool gone;

		irq_lock(&t->lock);
		gone = file_hupped(f) || (t->is_pty && t->other_closed);
		if (!gone)
			*done += out_block_locked(t, k + *done, n - *done);
		irq_unlock(&t->lock);
		if (gone)
			return -EIO;
		if (*done == n)
			break;
		if ((f->flags & O_NONBLOCK) || (flags & IOCB_NOWAIT))
			return -EAGAIN;
		if (wait_event_intr(&t->write_wait, can_write(t, f)))
			return -ERESTARTSYS;
	}
	return 0;
}

ssize_t ldisc_write(struct tty *t, struct file *f, struct iter *it,
		    unsigned flags)
{
	u8 k[CHUNK];
	ssize_t total = 0;
	int err = 0;

	if (mutex_lock_intr(&t->write_lock))
		return -ERESTARTSYS;
	while (it->count && !err) {
		size_t n = min_t(size_t, sizeof(k), it->count), done;

		n = copy_from_iter(k, n, it);
		if (!n) {
			err = -EFAULT;
			break;
		}
		err = write_chunk(t, f, k, n, flags, &done);
		total += (ssize_t)done;
	}
	mutex_unlock(&t->write_lock);
	return total ? total : err;
}

size_t ldisc_chars_locked(struct tty *t)
{
	if (!L_FLAG(t, ICANON) || t->push)
		return used(t);
	return t->canon_head - t->tail;
}

void ldisc_reset_locked(struct tty *t)
{
	flush_input_locked(t);
	t->column = t->canon_column = 0;
	t->stopped = false;
	t->throttled = false;
}

void ldisc_flush_input(struct tty *t)
{
	irq_lock(&t->lock);
	flush_input_locked(t);
	tell_packet(t, TIOCPKT_FLUSHREAD);
	irq_unlock(&t->lock);
	after_read(t);
	if (t->link)
		tty_wakeup(t->link);
}

/* Canonical to raw: what is in the ring may be read at once; raw to
 * canonical: what is there counts as one line. */
void ldisc_termios_changed_locked(struct tty *t, const struct termios_k *old)
{
	bool was = old->lflag & ICANON, is = L_FLAG(t, ICANON);

	if ((old->iflag & IXON) && !I_FLAG(t, IXON))
		ldisc_stop_locked(t, false);
	if (was == is)
		return;
	if (is) {
		t->push = t->head != t->tail;
		t->canon_head = t->head;
		t->lines = 0;
		memset(t->delim, 0, sizeof(t->delim));
	} else {
		t->canon_head = t->head;
		t->lines = 0;
		t->lnext = false;
	}
}
