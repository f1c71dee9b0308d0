/* /proc as the kernel prints it: texts, growth, numbers, revalidation. */
#include <fs/proc.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/string.h>
#include <mm/slab.h>

static bool mounted;

static bool mount_proc(void)
{
	struct path p;

	if (mounted || !path_lookup(AT_FDCWD, "/proc/version", 0, &p)) {
		if (!mounted)
			path_put(&p);
		return true;
	}
	if (path_lookup(AT_FDCWD, "/proc", LOOKUP_DIRECTORY, &p))
		return false;
	path_put(&p);
	mounted = !do_mount("proc", "/proc", "proc", 0, NULL);
	return mounted;
}

/* The whole file in steps of `step` bytes; its length or -Exxx. */
static ssize_t slurp(const char *name, char *buf, size_t size, size_t step)
{
	struct file *f;
	size_t len = 0;
	ssize_t n;
	u64 pos = 0;
	int err = file_open(name, O_RDONLY, 0, &f);

	if (err)
		return err;
	do {
		n = file_read_kernel(f, buf + len, min(step, size - 1 - len),
				     &pos);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size - 1);
	file_put(f);
	buf[len] = 0;
	return n < 0 ? n : (ssize_t)len;
}

#define BUF_SIZE 65536

SELFTEST(proc_small_reads_see_one_snapshot)
{
	char *a = kmalloc(BUF_SIZE, GFP_KERNEL), *b = kmalloc(BUF_SIZE,
							      GFP_KERNEL);

	if (mount_proc() && a && b) {
		ST_CHECK(slurp("/proc/version", a, BUF_SIZE, BUF_SIZE) > 40);
		ST_CHECK(slurp("/proc/version", b, BUF_SIZE, 3) > 40);
		ST_CHECK(str_equal(a, b));
		ST_CHECK(str_has_prefix(a, "Linux version 6.12.0-hartwood "));
	}
	kfree(a);
	kfree(b);
}

SELFTEST(proc_stat_of_task_has_52_fields)
{
	char *buf = kmalloc(BUF_SIZE, GFP_KERNEL), *p;
	unsigned fields = 2;

	if (mount_proc() && buf &&
	    slurp("/proc/self/stat", buf, BUF_SIZE, BUF_SIZE) > 0) {
		p = strrchr(buf, ')');
		ST_CHECK(p != NULL);
		for (; p && *p; p++)
			fields += *p == ' ';
		ST_CHECK(fields == 52);
	}
	kfree(buf);
}

SELFTEST(proc_lists_and_finds_tasks)
{
	struct path p;

	if (!mount_proc())
		return;
	ST_CHECK(path_lookup(AT_FDCWD, "/proc/99999999", 0, &p) == -ENOENT);
	ST_CHECK(path_lookup(AT_FDCWD, "/proc/01", 0, &p) == -ENOENT);
	if (!path_lookup(AT_FDCWD, "/proc/thread-self/comm", 0, &p))
		path_put(&p);
	else
		ST_CHECK(!"thread-self");
}

static int long_show(struct seq *s, void *arg)
{
	for (int i = 0; i < 10000; i++)
		seq_u64(s, " ", 1234567);
	return 0;
}

/* Nothing can be allocated here: it is cut, and printed again. */
static int atomic_show(struct seq *s, void *arg)
{
	preempt_disable();
	for (int i = 0; i < 1000; i++)
		seq_printf(s, "%08d", i);
	preempt_enable();
	return 0;
}

static const struct proc_entry entries[] = {
	{ .name = "selftest/long", .mode = 0444, .show = long_show },
	{ .name = "selftest/atomic", .mode = 0444, .show = atomic_show },
};

SELFTEST(proc_texts_grow)
{
	char *buf = kmalloc(2 * BUF_SIZE, GFP_KERNEL);

	proc_register(entries, ARRAY_SIZE(entries));
	if (mount_proc() && buf) {
		ST_CHECK(slurp("/proc/selftest/long", buf, 2 * BUF_SIZE, 1000)
			 == 80000);
		ST_CHECK(str_has_suffix(buf, " 1234567"));
		ST_CHECK(slurp("/proc/selftest/atomic", buf, 2 * BUF_SIZE,
			       4096) == 8000);
		ST_CHECK(str_has_suffix(buf, "00000999"));
	}
	kfree(buf);
}
