/*
 * poll - the cores of select(2) and poll(2).
 *
 * Theory:  the first pass asks each file for its events and queues nowhere;
 *          most calls end there.  Only a call that is going to sleep makes a
 *          second pass that queues an entry on each file's wait queues, and
 *          looks again.  A waker marks the call `triggered`;
 *          then all files are asked again, for the answer must be true for
 *          each of them.
 * Locks:   none of its own; each entry is guarded by its queue's lock.
 * Life:    a file that is queued on is held by a reference until the entries
 *          are off its queues.
 */
#include <fs/fdtable.h>
#include <fs/poll.h>
#include <kernel/hart.h>
#include <lib/string.h>
#include <mm/slab.h>

struct poll_entry {
	struct wait_entry wait;
	struct waitq *q;
	struct file *file;
};

#define INLINE_ENTRIES 8u
#define ENTRIES_PER_PAGE ((PAGE_SIZE - 16) / sizeof(struct poll_entry))

struct entry_page {
	struct entry_page *next;
	u32 used;
	struct poll_entry entries[];
};

struct poll_wait {
	struct poll_table pt;	/* queue is NULL while not queueing */
	struct task *task;
	u32 triggered;		/* atomic */
	u32 nr_inline;
	int err;
	struct entry_page *pages;
	struct poll_entry inline_entries[INLINE_ENTRIES];
};

static int poll_wake(struct wait_entry *e, u32 state, u64 key)
{
	struct poll_wait *pw = e->priv;

	if (key && e->key && !(key & e->key))
		return 0;
	store_release(&pw->triggered, 1);
	return task_wake_state(pw->task, state | TASK_INTERRUPTIBLE);
}

static struct poll_entry *entry_alloc(struct poll_wait *pw)
{
	struct entry_page *p = pw->pages;

	if (pw->nr_inline < INLINE_ENTRIES)
		return &pw->inline_entries[pw->nr_inline++];
	if (!p || p->used == ENTRIES_PER_PAGE) {
		p = pages_alloc_va(GFP_KERNEL, 0);
		if (!p)
			return NULL;
		p->next = pw->pages;
		p->used = 0;
		pw->pages = p;
	}
	return &p->entries[p->used++];
}

static void poll_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poll_wait *pw = container_of(pt, struct poll_wait, pt);
	struct poll_entry *e = entry_alloc(pw);

	if (!e) {
		pw->err = -ENOMEM;
		return;
	}
	wait_entry_init_func(&e->wait, poll_wake);
	e->wait.priv = pw;
	e->wait.key = pt->key;
	e->file = file_get(f);
	e->q = q;
	waitq_add(q, &e->wait);
}

static void entry_free(struct poll_entry *e)
{
	waitq_remove(e->q, &e->wait);
	file_put(e->file);
}

static void poll_wait_init(struct poll_wait *pw)
{
	pw->pt.queue = NULL;
	pw->pt.key = 0;
	pw->task = current;
	pw->triggered = 0;
	pw->nr_inline = 0;
	pw->err = 0;
	pw->pages = NULL;
}

static void poll_wait_end(struct poll_wait *pw)
{
	struct entry_page *p, *next;

	for (u32 i = 0; i < pw->nr_inline; i++)
		entry_free(&pw->inline_entries[i]);
	for (p = pw->pages; p; p = next) {
		for (u32 i = 0; i < p->used; i++)
			entry_free(&p->entries[i]);
		next = p->next;
		pages_free_va(p, 0);
	}
}

/*
 * Decides what follows a pass: true to make another one, false to end with
 * *ret.  First time: queue; later: sleep until something is triggered.
 */
static bool poll_next_pass(struct poll_wait *pw, bool *queued, u64 deadline,
			   long count, long *ret)
{
	*ret = count;
	if (pw->err)
		*ret = pw->err;
	if (count || pw->err || deadline == POLL_NO_WAIT)
		return false;
	irqs_unmask();
	if (!*queued) {
		*queued = true;
		pw->pt.queue = poll_queue;
		return true;
	}
	pw->pt.queue = NULL;
	while (!load_acquire(&pw->triggered)) {
		bool in_time = true;

		if (signal_pending(current)) {
			*ret = -EINTR;
			return false;
		}
		set_task_state(TASK_INTERRUPTIBLE);
		if (!load_acquire(&pw->triggered) && !signal_pending(current))
			in_time = schedule_until(deadline);
		set_task_state(TASK_RUNNING);
		if (!in_time && !load_acquire(&pw->triggered))
			return false;
	}
	WRITE_ONCE(pw->triggered, 0);
	smp_mb();
	return true;
}

static u32 poll_one(struct pollfd *p, struct poll_wait *pw)
{
	u32 want = (u16)p->events | EPOLLERR | EPOLLHUP, ev;
	struct fd fd;

	if (p->fd < 0)
		return 0;
	fd = fd_find(p->fd);
	if (!fd.file)
		return EPOLLNVAL;
	pw->pt.key = want;
	ev = file_poll(fd.file, pw->pt.queue ? &pw->pt : NULL) & want;
	fd_release(fd);
	return ev;
}

long do_poll(struct pollfd *fds, unsigned n, u64 deadline_ns)
{
	struct poll_wait pw;
	bool queued = false;
	long count, ret;

	poll_wait_init(&pw);
	do {
		count = 0;
		for (unsigned i = 0; i < n; i++) {
			u32 ev = poll_one(&fds[i], &pw);

			fds[i].revents = (s16)ev;
			if (ev) {
				count++;
				pw.pt.queue = NULL;
			}
		}
	} while (poll_next_pass(&pw, &queued, deadline_ns, count, &ret));
	poll_wait_end(&pw);
	return ret;
}

#define SELECT_IN  (EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR)
#define SELECT_OUT (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR)
#define SELECT_EX  (EPOLLPRI)

struct select_sets {
	unsigned long *in, *out, *ex;		/* wanted; results at the end */
	unsigned long *rin, *rout, *rex;	/* results */
	unsigned words;
};

static unsigned long word(const unsigned long *set, unsigned i)
{
	return set ? set[i] : 0;
}

/* One descriptor: sets its result bits, returns how many. */
static long select_one(struct select_sets *s, unsigned w, unsigned long bit,
		       int fdno, struct poll_wait *pw, int *err)
{
	bool in = word(s->in, w) & bit, out = word(s->out, w) & bit,
	     ex = word(s->ex, w) & bit;
	struct fd fd = fd_find(fdno);
	long n = 0;
	u32 ev;

	if (!fd.file) {
		*err = -EBADF;
		return 0;
	}
	pw->pt.key = (in ? SELECT_IN : 0) | (out ? SELECT_OUT : 0) |
		     (ex ? SELECT_EX : 0) | EPOLLERR | EPOLLHUP;
	ev = file_poll(fd.file, pw->pt.queue ? &pw->pt : NULL);
	fd_release(fd);
	if (in && (ev & SELECT_IN)) {
		s->rin[w] |= bit;
		n++;
	}
	if (out && (ev & SELECT_OUT)) {
		s->rout[w] |= bit;
		n++;
	}
	if (ex && (ev & SELECT_EX)) {
		s->rex[w] |= bit;
		n++;
	}
	if (n)
		pw->pt.queue = NULL;
	return n;
}

static long select_pass(struct select_sets *s, int n, struct poll_wait *pw,
			int *err)
{
	long count = 0;

	for (unsigned w = 0; w < s->words; w++) {
		unsigned long all = word(s->in, w) | word(s->out, w) |
				    word(s->ex, w);

		for (unsigned b = 0; b < 64 && all >> b; b++) {
			int fd = (int)(w * 64 + b);

			if (!(all >> b & 1) || fd >= n)
				continue;
			count += select_one(s, w, 1ul << b, fd, pw, err);
			if (*err)
				return 0;
		}
	}
	return count;
}

static void copy_results(unsigned long *set, const unsigned long *result,
			 unsigned words)
{
	if (set)
		memcpy(set, result, words * sizeof(*set));
}

long do_select(int n, unsigned long *in, unsigned long *out, unsigned long *ex,
	       u64 deadline_ns)
{
	unsigned words = ((unsigned)n + 63) / 64;
	unsigned long fast[3 * 4], *results = fast;
	struct select_sets s = { in, out, ex, NULL, NULL, NULL, words };
	struct poll_wait pw;
	bool queued = false;
	int err = 0;
	long count, ret;

	if (words > 4) {
		results = kmalloc(3ul * words * sizeof(long), GFP_KERNEL);
		if (!results)
			return -ENOMEM;
	}
	memset(results, 0, 3ul * words * sizeof(long));
	s.rin = results;
	s.rout = results + words;
	s.rex = results + 2 * words;
	poll_wait_init(&pw);
	do {
		count = select_pass(&s, n, &pw, &err);
	} while (!err &&
		 poll_next_pass(&pw, &queued, deadline_ns, count, &ret));
	poll_wait_end(&pw);
	if (err)
		ret = err;
	if (ret >= 0) {
		copy_results(in, s.rin, words);
		copy_results(out, s.rout, words);
		copy_results(ex, s.rex, words);
	}
	if (results != fast)
		kfree(results);
	return ret;
}
