/*
 * /proc/snapshot against /proc/PID/stat and status.  Linux has no such file:
 * there these tests have nothing to say.
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/utsname.h>

struct header {
	char magic[8];
	uint32_t version, header_size, field_size, nr_fields;
	uint32_t record_size, nr_records;
	uint64_t records_at, texts_at, texts_size, boot_ns, real_ns, memory;
	uint32_t page_size, nr_harts, hidden, pad;
};

struct field {
	char name[16];
	uint16_t offset, size, kind, pad;
};

static char file[8 << 20];
static size_t file_size;

static const struct header *load(const char *path, size_t step)
{
	struct utsname u;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	uname(&u);
	if (fd < 0 && !strstr(u.release, "hartwood"))
		exit(0);		/* passes on Linux */
	CHECK(fd >= 0);
	file_size = 0;
	while ((n = read(fd, file + file_size, step)) > 0)
		file_size += (size_t)n;
	CHECK(n == 0);
	close(fd);
	return (const struct header *)file;
}

static long get(const char *rec, const char *name)
{
	const struct header *h = (const struct header *)file;
	const struct field *f;

	for (uint32_t i = 0; i < h->nr_fields; i++) {
		f = (const void *)(file + h->header_size + i * h->field_size);
		if (strcmp(f->name, name))
			continue;
		rec += f->offset;
		switch (f->size) {
		case 1: return f->kind == 1 ? *(int8_t *)rec : *(uint8_t *)rec;
		case 4: return f->kind == 1 ? *(int32_t *)rec :
					      (long)*(uint32_t *)rec;
		case 8: return *(long *)rec;
		default: return (long)rec;
		}
	}
	FAIL("no field %s", name);
}

static const char *record(uint32_t i)
{
	const struct header *h = (const struct header *)file;

	return file + h->records_at + (size_t)i * h->record_size;
}

static const char *record_of(long tid)
{
	const struct header *h = (const struct header *)file;

	for (uint32_t i = 0; i < h->nr_records; i++)
		if (get(record(i), "tid") == tid)
			return record(i);
	return NULL;
}

TEST(describes_itself)
{
	const struct header *h = load("/proc/snapshot", sizeof(file));

	CHECK(!memcmp(h->magic, "WATWSNAP", 8));
	CHECK_EQ(h->version, 1);
	CHECK_EQ(h->texts_size, 0);
	CHECK_EQ(h->page_size, getpagesize());
	CHECK_EQ(file_size,
		 h->records_at + (uint64_t)h->nr_records * h->record_size);
	CHECK(h->boot_ns > 0 && h->real_ns > h->boot_ns);
	for (uint32_t i = 0; i < h->nr_fields; i++) {
		const struct field *f = (const void *)(file + h->header_size +
						       i * h->field_size);

		CHECK(f->offset + f->size <= h->record_size);
		CHECK(f->offset % (f->size > 8 ? 8 : f->size) == 0);
	}
}

TEST(small_reads_see_one_moment)
{
	const struct header *h = load("/proc/snapshot", 100);

	CHECK_EQ(file_size,
		 h->records_at + (uint64_t)h->nr_records * h->record_size);
	CHECK(record_of(getpid()));
}

static const char stat_fields[][16] = {
	"ppid", "pgid", "sid", "tty", "tpgid", "flags", "all_min_flt",
	"kids_min_flt", "all_maj_flt", "kids_maj_flt", "all_utime_ns",
	"all_stime_ns", "kids_utime_ns", "kids_stime_ns", "prio", "nice",
	"threads", "", "start_ns", "vsize_bytes", "rss_pages",
};

/* Field by field, of a process that sleeps. */
static void compare(pid_t pid)
{
	const char *rec = record_of(pid);
	char path[64], text[1024], *s;
	ssize_t n;
	int fd;

	CHECK(rec);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	close(fd);
	text[n] = 0;
	s = strrchr(text, ')') + 2;
	CHECK_EQ(*s, get(rec, "state"));
	s++;
	for (unsigned i = 0; i < sizeof(stat_fields) / 16; i++) {
		long want = strtol(s, &s, 10);

		if (!*stat_fields[i])
			continue;
		n = get(rec, stat_fields[i]);
		if (strstr(stat_fields[i], "_ns"))
			n /= 10000000;
		if (n != want)
			FAIL("%s: %ld, stat has %ld", stat_fields[i], (long)n,
			     want);
	}
	CHECK_EQ(get(rec, "tgid"), pid);
	CHECK(get(rec, "is_leader"));
}

TEST(agrees_with_stat)
{
	pid_t sleeper = fork(), zombie;

	if (!sleeper) {
		for (volatile long i = 0; i < 20000000; i++)
			;
		pause();
		_exit(0);
	}
	zombie = fork();
	if (!zombie)
		_exit(3);
	sleep(1);
	load("/proc/snapshot", sizeof(file));
	compare(sleeper);
	compare(zombie);
	CHECK_EQ(get(record_of(zombie), "state"), 'Z');
	CHECK_EQ(get(record_of(sleeper), "uid"), getuid());
	CHECK_EQ(get(record_of(sleeper), "egid"), getegid());
}

TEST(tells_command_lines_and_names)
{
	const struct header *h;
	const char *rec;
	char want[4096];
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, want, sizeof(want));

	h = load("/proc/snapshot_args", sizeof(file));
	rec = record_of(getpid());
	CHECK(rec);
	CHECK_EQ(get(rec, "text_size"), n);
	CHECK(!memcmp(file + h->texts_at + get(rec, "text_at"), want,
		      (size_t)n));
	fd = open("/proc/self/comm", O_RDONLY);
	n = read(fd, want, 16);
	CHECK(!strncmp((char *)get(rec, "comm"), want, (size_t)n - 1));
	rec = record_of(2);		/* a kernel task has none */
	CHECK(!rec || get(rec, "text_size") == 0);
}

static void *wait_for_ever(void *arg)
{
	pause();
	return arg;
}

TEST(shows_threads_behind_their_leader)
{
	const struct header *h;
	uint32_t i, n = 0;
	pthread_t t;

	for (i = 0; i < 3; i++)
		CHECK(!pthread_create(&t, NULL, wait_for_ever, NULL));
	h = load("/proc/snapshot", sizeof(file));
	for (i = 0; get(record(i), "tid") != getpid(); i++)
		;
	CHECK(get(record(i), "is_leader"));
	CHECK_EQ(get(record(i), "threads"), 4);
	for (n = 1; i + n < h->nr_records &&
	     get(record(i + n), "tgid") == getpid(); n++)
		CHECK(!get(record(i + n), "is_leader"));
	CHECK_EQ(n, 4);
}

/* A fork tree that changes all the time never shows a child alone. */
TEST(has_every_parent)
{
	const struct header *h;

	for (int k = 0; k < 3; k++) {
		if (fork())
			continue;
		for (;;) {
			if (!fork())
				_exit(0);
			while (wait(NULL) > 0)
				;
		}
	}
	for (int k = 0; k < 50; k++) {
		h = load("/proc/snapshot", sizeof(file));
		for (uint32_t i = 0; i < h->nr_records; i++) {
			long ppid = get(record(i), "ppid");

			CHECK(!ppid || record_of(ppid));
		}
	}
}
