/*
 * hps - prints processes as ps does, out of one read of /proc/snapshot_args.
 *
 * Theory:  the file describes its records itself (docs/snapshot.md): fields
 *          are found by name, so an older hps reads a younger kernel's file.
 *          Everything shown belongs to one moment, but for command lines.
 *          Times of the day are UTC: there is no C library to ask for more.
 */
#include "../sys_impl.h"

#define MAGIC 0x50414e5357544157ul
#define ROOM (64ul << 20)	/* address space; memory comes as it is read */
#define NSEC 1000000000ul
#define USERS 64u

typedef unsigned char u8;
typedef unsigned long u64;

struct header {			/* as include/uapi/snapshot.h */
	u64 magic;
	unsigned version, header_size, field_size, nr_fields;
	unsigned record_size, nr_records;
	u64 records_at, texts_at, texts_size, boot_ns, real_ns, memory_pages;
	unsigned page_size, nr_harts, hidden, pad;
};

struct field {
	char name[16];
	unsigned short offset, size, kind, pad;
};

enum {
	F_TID, F_TGID, F_PPID, F_PGID, F_SID, F_TPGID, F_TTY, F_EUID, F_STATE,
	F_NICE, F_IS_LEADER, F_THREADS, F_TEXT_AT, F_TEXT_SIZE, F_START,
	F_UTIME, F_STIME, F_ALL_UTIME, F_ALL_STIME, F_VSIZE, F_RSS, F_LOCKED,
	F_COMM, F_COUNT
};

static const char *const names[F_COUNT] = {
	"tid", "tgid", "ppid", "pgid", "sid", "tpgid", "tty", "euid", "state",
	"nice", "is_leader", "threads", "text_at", "text_size", "start_ns",
	"utime_ns", "stime_ns", "all_utime_ns", "all_stime_ns", "vsize_bytes",
	"rss_pages", "locked_pages", "comm",
};

static struct field where[F_COUNT];
static const struct header *shot;
static const char *texts;
static int wants_all, wants_full, wants_threads, is_bsd;

/* Never given back. */
static void *map_memory(size_t n)
{
	/* readable, writable; private, anonymous, not reserved */
	long at = sys(mmap, NULL, n, 3, 0x4022, -1, 0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

/* --- fields ---------------------------------------------------------------*/
static long get(const char *rec, int f)
{
	const char *p = rec + where[f].offset;

	switch (where[f].size) {
	case 1: return where[f].kind == 1 ? *(const signed char *)p :
					    *(const u8 *)p;
	case 4: return where[f].kind == 1 ? *(const int *)p :
					    (long)*(const unsigned *)p;
	default: return *(const long *)p;
	}
}

static int find_fields(const char *file)
{
	const struct field *f;

	for (int i = 0; i < F_COUNT; i++) {
		for (unsigned k = 0; k < shot->nr_fields; k++) {
			f = (const void *)(file + shot->header_size +
					   k * shot->field_size);
			if (str_eq(f->name, names[i]))
				where[i] = *f;
		}
		if (!where[i].size)
			return 0;
	}
	return 1;
}

/* --- output ---------------------------------------------------------------*/
static char out[65536];
static size_t used;

static void flush(void)
{
	size_t done = 0;
	long n;

	while (done < used) {
		n = sys(write, 1, out + done, used - done);
		if (n <= 0)
			sys(exit_group, 1);
		done += (size_t)n;
	}
	used = 0;
}

static void put(char c)
{
	if (used == sizeof(out))
		flush();
	out[used++] = c;
}

static void put_str(const char *s)
{
	while (*s)
		put(*s++);
}

static void pad(size_t have, size_t width)
{
	for (; have < width; have++)
		put(' ');
}

static void put_left(const char *s, size_t width)
{
	put_str(s);
	pad(str_len(s), width);
}

static void put_right(const char *s, size_t width)
{
	pad(str_len(s), width);
	put_str(s);
}

/* `v` in decimal, at least `digits` long; returns its start in b[24]. */
static char *number(char *b, long v, int digits)
{
	u64 u = v < 0 ? -(u64)v : (u64)v;
	char *p = b + 23;

	*p = 0;
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10, --digits > 0 || u);
	if (v < 0)
		*--p = '-';
	return p;
}

static void put_number(long v, size_t width)
{
	char b[24];

	put_right(number(b, v, 1), width);
}

static void put_digits(long v, int digits)
{
	char b[24];

	put_str(number(b, v, digits));
}

/* --- users ----------------------------------------------------------------*/
static struct user {
	long uid;
	char name[9];
} users[USERS];
static unsigned nr_users;
static char passwd[65536];

static const char *next_field(const char *s)
{
	while (*s && *s != ':' && *s != '\n')
		s++;
	return *s == ':' ? s + 1 : s;
}

static void learn(struct user *u, long uid)
{
	const char *s = passwd, *id;
	char b[24];
	int n;

	u->uid = uid;
	u->name[0] = 0;
	str_add(u->name, sizeof(u->name), number(b, uid, 1));
	while (*s) {
		id = next_field(next_field(s));
		if (*id >= '0' && *id <= '9' && (long)str_number(id) == uid) {
			for (n = 0; n < 8 && s[n] != ':'; n++)
				u->name[n] = s[n];
			u->name[n] = 0;
			if (s[n] != ':')
				u->name[7] = '+';
			return;
		}
		while (*s && *s++ != '\n')
			;
	}
}

static const char *user_name(long uid)
{
	unsigned i;

	for (i = 0; i < nr_users; i++)
		if (users[i].uid == uid)
			return users[i].name;
	if (!nr_users)
		file_read("/etc/passwd", passwd, sizeof(passwd));
	i = nr_users < USERS ? nr_users++ : uid % USERS;
	learn(&users[i], uid);
	return users[i].name;
}

/* --- columns --------------------------------------------------------------*/
static void put_tty(const char *rec)
{
	u64 dev = (u64)get(rec, F_TTY), major = dev >> 8 & 0xfff;
	u64 minor = (dev & 0xff) | (dev >> 12 & 0xfff00);
	char name[40] = "", b[24];

	if (!dev)
		str_add(name, sizeof(name), "?");
	else if (major >= 136 && major <= 143)
		str_add(name, sizeof(name), "pts/");
	else if (major == 4)
		str_add(name, sizeof(name), minor < 64 ? "tty" : "ttyS");
	else if (dev == 0x501)
		str_add(name, sizeof(name), "console");
	else if (major == 229)
		str_add(name, sizeof(name), "hvc");
	if (dev && dev != 0x501) {
		if (!*name) {
			str_add(name, sizeof(name), number(b, (long)major, 1));
			str_add(name, sizeof(name), ":");
		}
		if (major == 4 && minor >= 64)
			minor -= 64;
		str_add(name, sizeof(name), number(b, (long)minor, 1));
	}
	put_left(name, 8);
}

static u64 cpu_ns(const char *rec)
{
	if (wants_threads)
		return (u64)get(rec, F_UTIME) + (u64)get(rec, F_STIME);
	return (u64)get(rec, F_ALL_UTIME) + (u64)get(rec, F_ALL_STIME);
}

/* In tenths of a percent of one hart, since it started. */
static u64 cpu_share(const char *rec)
{
	u64 lived = (shot->boot_ns - (u64)get(rec, F_START)) / 1000000;

	return lived ? cpu_ns(rec) / 1000 / lived : 0;
}

static void put_tenths(u64 v, size_t width)
{
	char b[24];

	if (v > 999) {
		put_number((long)(v / 10), width);
		return;
	}
	put_right(number(b, (long)(v / 10), 1), width - 2);
	put('.');
	put((char)('0' + v % 10));
}

static void put_time(const char *rec)
{
	long s = (long)(cpu_ns(rec) / NSEC);

	if (is_bsd) {
		put_number(s / 60, 3);
		put(':');
		put_digits(s % 60, 2);
		return;
	}
	if (s >= 86400) {
		put_digits(s / 86400, 1);
		put('-');
	}
	put_digits(s / 3600 % 24, 2);
	put(':');
	put_digits(s / 60 % 60, 2);
	put(':');
	put_digits(s % 60, 2);
}

struct date {
	long year, month, day;
};

static int is_leap(long year)
{
	return !(year % 4) && (year % 100 || !(year % 400));
}

static long days_of(long year, long month)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Of a day counted from 1970. */
static struct date date_of(long days)
{
	struct date d = { 1970, 1, 1 };

	for (; days >= 365 + is_leap(d.year); d.year++)
		days -= 365 + is_leap(d.year);
	for (; days >= days_of(d.year, d.month); d.month++)
		days -= days_of(d.year, d.month);
	d.day += days;
	return d;
}

static void put_start(const char *rec)
{
	long now = (long)(shot->real_ns / NSEC);
	long at = (long)((shot->real_ns - shot->boot_ns +
			  (u64)get(rec, F_START)) / NSEC);
	struct date d, today;
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (at / 86400 == now / 86400) {
		put_digits(at / 3600 % 24, 2);
		put(':');
		put_digits(at / 60 % 60, 2);
		return;
	}
	d = date_of(at / 86400);
	today = date_of(now / 86400);
	if (d.year == today.year) {
		for (int i = 0; i < 3; i++)
			put(months[(d.month - 1) * 3 + i]);
		put_digits(d.day, 2);
	} else {
		put_number(d.year, 5);
	}
}

static void put_state(const char *rec)
{
	char s[8] = { (char)get(rec, F_STATE), 0 };
	long nice = get(rec, F_NICE);

	if (nice)
		str_add(s, sizeof(s), nice < 0 ? "<" : "N");
	if (get(rec, F_LOCKED))
		str_add(s, sizeof(s), "L");
	if (get(rec, F_SID) == get(rec, F_TGID))
		str_add(s, sizeof(s), "s");
	if (get(rec, F_THREADS) > 1)
		str_add(s, sizeof(s), "l");
	if (get(rec, F_PGID) == get(rec, F_TPGID))
		str_add(s, sizeof(s), "+");
	put_left(s, 4);
}

static void put_safe(const char *s, long n)
{
	for (long i = 0; i < n; i++)
		put((u8)s[i] < ' ' || s[i] == 0x7f ? (s[i] ? '?' : ' ') : s[i]);
}

static void put_comm(const char *rec)
{
	const char *comm = rec + where[F_COMM].offset;
	long n = 0;

	while (n < where[F_COMM].size && comm[n])
		n++;
	put_safe(comm, n);
}

static void put_command(const char *rec)
{
	const char *text = texts + get(rec, F_TEXT_AT);
	long n = get(rec, F_TEXT_SIZE);
	int is_dead = get(rec, F_STATE) == 'Z';

	while (n && !text[n - 1])
		n--;
	if (n && wants_full) {
		put_safe(text, n);
	} else {
		if (wants_full)
			put('[');
		put_comm(rec);
		if (wants_full)
			put(']');
	}
	if (is_dead)
		put_str(" <defunct>");
	put('\n');
}

/* --- lines ----------------------------------------------------------------*/
static void bsd_line(const char *rec)
{
	u64 rss = (u64)get(rec, F_RSS);

	put_left(user_name(get(rec, F_EUID)), 8);
	put_number(get(rec, F_TGID), 8);
	put(' ');
	put_tenths(cpu_share(rec), 4);
	put(' ');
	put_tenths(rss * 1000 / shot->memory_pages, 4);
	put(' ');
	put_number(get(rec, F_VSIZE) >> 10, 6);
	put(' ');
	put_number((long)(rss * (shot->page_size >> 10)), 5);
	put(' ');
	put_tty(rec);
	put(' ');
	put_state(rec);
	put(' ');
	put_start(rec);
	put(' ');
	put_time(rec);
	put(' ');
	put_command(rec);
}

static void line(const char *rec)
{
	u64 share = cpu_share(rec) / 10;

	if (wants_full)
		put_left(user_name(get(rec, F_EUID)), 8);
	put_number(get(rec, F_TGID), wants_full ? 8 : 7);
	if (wants_full)
		put_number(get(rec, F_PPID), 8);
	if (wants_threads)
		put_number(get(rec, F_TID), 8);
	if (wants_full) {
		put_number(share > 99 ? 99 : (long)share, 3);
		if (wants_threads)
			put_number(get(rec, F_THREADS), 5);
		put(' ');
		put_start(rec);
	}
	put(' ');
	put_tty(rec);
	put(' ');
	put_time(rec);
	put(' ');
	put_command(rec);
}

static void title(void)
{
	if (is_bsd) {
		put_str("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT "
			"START   TIME COMMAND\n");
		return;
	}
	put_str(wants_full ? "UID          PID    PPID" : "    PID");
	if (wants_threads)
		put_str("     LWP");
	if (wants_full)
		put_str(wants_threads ? "  C NLWP STIME" : "  C STIME");
	put_str(" TTY          TIME CMD\n");
}

/* As ps without -e: the caller's, on the caller's terminal. */
static const char *own_record(const char *first)
{
	long tid = sys(gettid);
	const char *rec = first;

	for (unsigned i = 0; i < shot->nr_records; i++) {
		if (get(rec, F_TID) == tid)
			return rec;
		rec += shot->record_size;
	}
	return NULL;
}

/* Shell's sort: pids come nearly in order. */
static void sort(u64 *key, unsigned n)
{
	unsigned gap = 1, k;
	u64 v;

	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3) {
		for (unsigned i = gap; i < n; i++) {
			v = key[i];
			for (k = i; k >= gap && key[k - gap] > v; k -= gap)
				key[k] = key[k - gap];
			key[k] = v;
		}
	}
}

/* By process; within it as they come: the leader first. */
static u64 *in_order(const char *first)
{
	unsigned n = shot->nr_records;
	u64 *key = map_memory((n + 1) * sizeof(*key));

	for (unsigned i = 0; key && i < n; i++)
		key[i] = (u64)get(first + i * shot->record_size, F_TGID) << 32 |
			 i;
	if (key)
		sort(key, n);
	return key;
}

static void print_all(const char *first, const u64 *order)
{
	const char *me = own_record(first), *rec;

	title();
	for (unsigned i = 0; i < shot->nr_records; i++) {
		int is_mine;

		rec = first + (unsigned)order[i] * (u64)shot->record_size;
		is_mine = me && get(rec, F_EUID) == get(me, F_EUID) &&
			  get(rec, F_TTY) == get(me, F_TTY);
		if ((wants_all || is_mine) &&
		    (wants_threads || get(rec, F_IS_LEADER))) {
			if (is_bsd)
				bsd_line(rec);
			else
				line(rec);
		}
	}
	flush();
}

/* --- start ----------------------------------------------------------------*/
static char *load(const char *path, size_t *size)
{
	char *at = map_memory(ROOM);
	long fd = sys(openat, AT_FDCWD, path, 0, 0), n;

	*size = 0;
	if (!at || fd < 0)
		return NULL;
	while ((n = sys(read, fd, at + *size, ROOM - *size)) > 0)
		*size += (size_t)n;
	return n ? NULL : at;
}

static int parse(const char *arg)
{
	if (str_eq(arg, "aux")) {
		is_bsd = wants_all = wants_full = 1;
		return 1;
	}
	if (*arg++ != '-')
		return 0;
	for (; *arg; arg++) {
		if (*arg == 'e' || *arg == 'A')
			wants_all = 1;
		else if (*arg == 'f')
			wants_full = 1;
		else if (*arg == 'L')
			wants_threads = 1;
		else
			return 0;
	}
	return 1;
}

static int fail(const char *what)
{
	say("hps: ");
	say(what);
	say("\n");
	return 1;
}

int main(int argc, char **argv, char **envp)
{
	size_t size;
	char *file;
	u64 *order;

	(void)envp;
	for (int i = 1; i < argc; i++)
		if (!parse(argv[i]))
			return fail("usage: hps [-e] [-f] [-L] | hps aux");
	file = load(wants_full ? "/proc/snapshot_args" : "/proc/snapshot",
		    &size);
	shot = (const void *)file;
	if (!file || size < sizeof(*shot) || shot->magic != MAGIC)
		return fail("no /proc/snapshot: is this Hartwood?");
	if (!find_fields(file))
		return fail("the snapshot lacks a field");
	texts = file + shot->texts_at;
	order = in_order(file + shot->records_at);
	if (!order)
		return fail("no memory");
	print_all(file + shot->records_at, order);
	return 0;
}
