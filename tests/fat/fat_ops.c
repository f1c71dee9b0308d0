/*
 * fat_ops SEED COUNT [v]: random operations in the working directory, the same
 * for the same seed.  What each gives is summed up, and printed every 100
 * (with v: each), so that two kernels' outputs can be compared; the tree that
 * is left is printed at the end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static unsigned long long state;
static unsigned long sum = 5381;
static int loud;

static unsigned rnd(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % n;
}

static void add(const void *p, size_t n)
{
	const unsigned char *s = p;

	while (n--)
		sum = sum * 33 + *s++;
}

static long note(const char *what, const char *name, long r)
{
	char text[1200];
	int e = r < 0 ? errno : 0, n;

	n = snprintf(text, sizeof(text), "%s %s %ld %d\n", what, name, r, e);
	add(text, (size_t)n);
	if (loud)
		fputs(text, stdout);
	return r;
}

/* Names that meet each other: few stems, in all spellings. */
static const char *const names[] = {
	"a", "A", "b", "readme.txt", "README.TXT", "ReadMe.Txt", "long name",
	"Long Name", "a long file name.text", "A LONG FILE NAME.TEXT",
	"a long file name 2.text", "a long file name 3.text", "alongf~1.tex",
	"ALONGF~2.TEX", "dot.", "dot..", "dot", ".hidden", "..x", "two.dots.c",
	"two.dots.h", "TWO~1.C", "nine chars", "ninechars", "NINECHARS.EXE",
	"prog.exe", "\xc3\xa4\xc3\xb6\xc3\xbc", "\xc3\x84\xc3\x96\xc3\x9c.x",
	"\xe2\x82\xac uro", "\xf0\x9f\x90\xa7", "x+y", "x,y;z=[1]", "a b.c d",
	"tab\tname", "star*", "que?tion", "c:x", "back\\slash", "pipe|",
	"quote\"", "less<", "\xff\xfe", "\xed\xa0\x80", "space ", " lead",
	"123456789012", "12345678.123", "1234567.1234", "MiXeD.CaS", "lower.ext",
	"UPPER.ext", "lower.EXT", "con", "aux.h", "trailing.dot.", "...", "~1",
	"x~1", "xxxxxxxxxx1", "xxxxxxxxxx2", "xxxxxxxxxx3", "xxxxxxxxxx4",
	"xxxxxxxxxx5", "xxxxxxxxxx6", "xxxxxxxxxx7", "xxxxxxxxxx8",
	"xxxxxxxxxx9", "xxxxxxxxxxa", "xxxxxxxxxxb", "XXXXXX~3", "xxxxxx~4",
};
static const char *const dirs[] = {
	"", "d1/", "D1/", "d2/", "d1/sub/", "d2/deep dir with name/", "d1/../",
	"d1/Sub/", "d2/DEEP DIR with name/", "d1/sub/more/", "nodir/", "a/",
};

static char *pick(char *buf)
{
	unsigned k = rnd(100);

	strcpy(buf, dirs[rnd(sizeof(dirs) / sizeof(*dirs))]);
	if (k < 85) {
		strcat(buf, names[rnd(sizeof(names) / sizeof(*names))]);
	} else if (k < 95) {
		sprintf(buf + strlen(buf), "file number %u.dat", rnd(60));
	} else if (k < 97) {
		memset(buf + strlen(buf), 'n', 260);
		buf[strlen(dirs[0]) + 200 + rnd(60)] = 0;
	} else {
		strcat(buf, ((const char *[]){ "d1", "d2", "sub" })[rnd(3)]);
	}
	return buf;
}

static char buf1[1024], buf2[1024], data[200000];

static void fill(unsigned n)
{
	unsigned x = rnd(1u << 30);

	for (unsigned i = 0; i < n; i++)
		data[i] = (char)(x + i * 7 + (i >> 8));
}

static void do_write(void)
{
	int fd = open(pick(buf1), O_RDWR | O_CREAT | (rnd(4) ? 0 : O_EXCL) |
			      (rnd(8) ? 0 : O_TRUNC) | (rnd(8) ? 0 : O_APPEND),
		      0644);
	unsigned n = rnd(8) ? rnd(3000) : rnd(sizeof(data));
	off_t at = rnd(4) ? 0 : rnd(150000);

	if (note("open", buf1, fd < 0 ? -1 : 0) < 0)
		return;
	fill(n);
	note("pwrite", "", pwrite(fd, data, n, at));
	if (!rnd(10))
		note("fsync", "", fsync(fd));
	close(fd);
}

static void do_read(void)
{
	int fd = open(pick(buf1), O_RDONLY);
	long n, total = 0;

	if (note("open", buf1, fd < 0 ? -1 : 0) < 0)
		return;
	while ((n = read(fd, data, 1 + rnd(sizeof(data) - 1))) > 0) {
		add(data, (size_t)n);
		total += n;
	}
	note("read", "", n < 0 ? n : total);
	close(fd);
}

static void do_map(void)
{
	int fd = open(pick(buf1), O_RDWR);
	struct stat st;
	char *p;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
		if (p != MAP_FAILED) {
			add(p, (size_t)st.st_size);
			p[rnd((unsigned)st.st_size)] ^= 0x55;
			munmap(p, (size_t)st.st_size);
		}
		note("mmap", buf1, p != MAP_FAILED);
	}
	close(fd);
}

static void do_stat(void)
{
	struct stat st;

	if (note("stat", pick(buf1), stat(buf1, &st)) < 0)
		return;
	note("mode", "", st.st_mode);
	note("nlink", "", (long)st.st_nlink);
	note("size", "", st.st_size);
	note("blocks", "", st.st_blocks);
	note("blksize", "", st.st_blksize);
}

static void do_truncate(void)
{
	note("truncate", pick(buf1),
	     truncate(buf1, rnd(3) ? rnd(5000) : rnd(150000)));
}

static void do_rename(void)
{
	pick(buf1);
	note("rename", buf1, rename(buf1, pick(buf2)));
	note("to", buf2, 0);
}

static void do_rename2(void)
{
	unsigned flags = ((unsigned[]){ 1, 2, 2, 1 })[rnd(4)];

	pick(buf1);
	note("renameat2", buf1, renameat2(AT_FDCWD, buf1, AT_FDCWD,
					  pick(buf2), flags));
	note("to", buf2, 0);
}

static void do_dir(void)
{
	static const char *const some[] = {
		"d1", "d2", "D1", "d1/sub", "d2/deep dir with name",
		"d1/sub/more", "d1/SUB",
	};
	const char *name = rnd(3) ? some[rnd(7)] : pick(buf1);

	if (rnd(4))
		note("mkdir", name, mkdir(name, 0755));
	else
		note("rmdir", name, rmdir(name));
}

/* An unlinked file stays what it is while it is open. */
static void do_unlink_open(void)
{
	int fd = open(pick(buf1), O_RDWR);
	struct stat st;

	if (fd < 0)
		return;
	note("unlink", buf1, unlink(buf1));
	note("pwrite", "", pwrite(fd, "still here", 10, rnd(9000)));
	note("pread", "", pread(fd, data, 5000, 0));
	add(data, 5000);
	note("fstat", "", fstat(fd, &st));
	note("size", "", st.st_size);
	note("nlink", "", (long)st.st_nlink);
	close(fd);
}

static void do_refused(void)
{
	switch (rnd(5)) {
	case 0:
		note("link", pick(buf1), link(buf1, "hard"));
		break;
	case 1:
		note("symlink", pick(buf1), symlink("x", buf1));
		break;
	case 2:
		note("mkfifo", pick(buf1), mkfifo(buf1, 0644));
		break;
	case 3:
		note("chown", pick(buf1), chown(buf1, rnd(2), 0));
		break;
	default:
		note("chmod", pick(buf1),
		     chmod(buf1, ((mode_t[]){ 0644, 0755, 0555, 0444, 0700,
					      04755, 0777, 0 })[rnd(8)]));
	}
}

static void do_times(void)
{
	struct timespec t[2] = {
		{ (long)rnd(1u << 31) * 2, (long)rnd(999999999) },
		{ (long)rnd(1u << 31) * 3, (long)rnd(999999999) },
	};
	struct stat st;

	if (note("utimens", pick(buf1),
		 utimensat(AT_FDCWD, buf1, t, 0)) < 0 || stat(buf1, &st))
		return;
	note("atime", "", st.st_atim.tv_sec);
	note("mtime", "", st.st_mtim.tv_sec);
	note("ctime", "", st.st_ctim.tv_sec);
	note("nsec", "", st.st_mtim.tv_nsec + st.st_atim.tv_nsec);
}

static void do_list(void)
{
	const char *name = dirs[rnd(sizeof(dirs) / sizeof(*dirs))];
	DIR *d = opendir(*name ? name : ".");
	struct dirent *e;
	long n = 0;

	if (note("opendir", name, d ? 0 : -1) < 0)
		return;
	while ((e = readdir(d))) {
		/* Not d_type: Linux's may be late after an exchange. */
		note("entry", e->d_name, 0);
		n++;
		if (!rnd(30))		/* the position holds */
			seekdir(d, telldir(d));
	}
	note("entries", "", n);
	closedir(d);
}

static void do_space(void)
{
	struct statfs s;

	note("statfs", "", statfs(".", &s));
	note("type", "", s.f_type);
	note("bsize", "", s.f_bsize);
	note("blocks", "", (long)s.f_blocks);
	note("bfree", "", (long)s.f_bfree);
	note("namelen", "", s.f_namelen);
}

static void do_fallocate(void)
{
	int fd = open(pick(buf1), O_RDWR);

	if (fd < 0)
		return;
	note("fallocate", buf1, fallocate(fd, 0, rnd(9000), 1 + rnd(9000)));
	note("punch", "", fallocate(fd, 3, 0, 100));
	note("hole", "", lseek(fd, 0, SEEK_HOLE));
	close(fd);
}

static void (*const ops[])(void) = {
	do_write, do_write, do_write, do_write, do_read, do_read, do_map,
	do_stat, do_stat, do_truncate, do_rename, do_rename, do_rename,
	do_rename2, do_dir, do_dir, do_dir, do_unlink_open, do_refused,
	do_times, do_list, do_space, do_fallocate,
};

static void do_unlink(void)
{
	note("unlink", pick(buf1), unlink(buf1));
}

static void show_file(const char *path, const struct stat *st)
{
	int fd = open(path, O_RDONLY);
	unsigned long old = sum;
	long n;

	sum = 5381;
	while ((n = read(fd, data, sizeof(data))) > 0)
		add(data, (size_t)n);
	printf("%o %ld %lx %s\n", st->st_mode, (long)st->st_size, sum, path);
	sum = old;
	close(fd);
}

static void show(const char *path)
{
	DIR *d = opendir(path);
	char name[2048];
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (stat(name, &st)) {
			printf("%s: %s\n", name, strerror(errno));
		} else if (S_ISDIR(st.st_mode)) {
			printf("%o %ld links %d %s\n", st.st_mode,
			       (long)st.st_size, (int)st.st_nlink, name);
			show(name);
		} else {
			show_file(name, &st);
		}
	}
	if (d)
		closedir(d);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 1000;

	state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	loud = argc > 3;
	umask(022);
	for (int i = 1; i <= count; i++) {
		if (!rnd(6))
			do_unlink();
		else
			ops[rnd(sizeof(ops) / sizeof(*ops))]();
		if (i % 100 == 0)
			printf("%d %lx\n", i, sum);
	}
	show(".");
	return 0;
}
