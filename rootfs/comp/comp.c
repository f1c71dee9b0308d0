/*
 * comp - runs the groups of a competition's test disk, then powers off.
 *
 * Theory:  a test disk is known by its scripts, *_testcode.sh, which lie in
 *          one of three shapes:
 *            split  /musl and /glibc hold a libc's programs each (2025)
 *            flat   everything lies in the top folder (2023, 2024)
 *            root   a whole system, which becomes the root (2026)
 *          Of the first two our initramfs stays the root, and the script
 *          `setup` puts names on it that lead to the disk.  The plan has the
 *          order of the groups and their limits; pid 1 itself starts each and
 *          waits, so no shell that dies takes the run with it.
 *          See docs/competition.md.
 */
#include "comp_impl.h"

#include <linux/reboot.h>

#define SUFFIX "_testcode.sh"
#define SETUP "/etc/comp/setup"
#define FALLBACK_MS 60000L

enum shape { NONE, SPLIT, FLAT, ROOT };

static enum shape shape;
static const char *dirs[3];	/* where scripts are, in the order of runs */
static size_t dirs_used;
static long end_ms;		/* the machine is to be off by then */
static long longest_ms;		/* for a group, by `comp.limit=` */
static long case_ms;		/* for a case of LTP */

static char libs[PATH_SIZE], path_var[PATH_SIZE], ltp_root[PATH_SIZE];
const char *comp_env[] = {
	"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
	"TERM=vt100", "UB_BINDIR=.", "TMPDIR=/tmp",
	/* lmbench: microseconds for which a loop must run to be measured. */
	"ENOUGH=5000",
	"LTP_TIMEOUT_MUL=0.5", "LTP_COLORIZE_OUTPUT=y", "KCONFIG_SKIP_CHECK=1",
	ltp_root, path_var, libs, NULL
};

void path_join(char *out, const char *dir, const char *name)
{
	out[0] = 0;
	str_add(out, PATH_SIZE, dir);
	if (!str_eq(dir, "/"))
		str_add(out, PATH_SIZE, "/");
	str_add(out, PATH_SIZE, name);
}

/* The group's name in front of the suffix, or false. */
static int group_of(const char *script, char *group)
{
	size_t n = str_len(script), tail = sizeof(SUFFIX) - 1;

	if (n <= tail || n >= PATH_SIZE || !str_eq(script + n - tail, SUFFIX))
		return 0;
	group[0] = 0;
	str_add(group, n - tail + 1, script);
	return 1;
}

static void is_script(const char *name, void *found)
{
	char group[PATH_SIZE];

	if (group_of(name, group))
		*(int *)found = 1;
}

static int has_scripts(const char *dir)
{
	int found = 0;

	dir_each(dir, is_script, &found);
	return found;
}

static int has_in(const char *dir, const char *name)
{
	char path[PATH_SIZE];

	path_join(path, dir, name);
	return is_file(path);
}

static enum shape shape_of(const char *disk)
{
	char musl[PATH_SIZE], glibc[PATH_SIZE];
	int is_split, is_flat;

	path_join(musl, disk, "musl");
	path_join(glibc, disk, "glibc");
	is_split = has_scripts(musl) || has_scripts(glibc);
	is_flat = has_scripts(disk) || has_in(disk, "run-all.sh");
	if (!is_split && !is_flat)
		return NONE;
	if (has_in(disk, "bin/sh") || has_in(disk, "usr/bin/sh"))
		return ROOT;
	return is_split ? SPLIT : FLAT;
}

int comp_is_test_disk(void)
{
	char word[8];

	if (cmdline_get("root=", word, sizeof(word)) ||
	    cmdline_get("init=", word, sizeof(word)) ||
	    (cmdline_get("comp=", word, sizeof(word)) && str_eq(word, "off")))
		return 0;
	shape = shape_of(NEW_ROOT);
	return shape != NONE;
}

/* The first line may ask for bash; all else runs in any shell. */
static int wants_bash(const char *script)
{
	char head[64];

	file_read(script, head, sizeof(head));
	for (char *p = head; *p && *p != '\n'; p++)
		if (str_after(p, "bash"))
			return 1;
	return 0;
}

static void env_for(const char *dir)
{
	char deep[PATH_SIZE];

	ltp_root[0] = path_var[0] = libs[0] = 0;
	str_add(path_var, PATH_SIZE, shape == ROOT ?
		"PATH=/root/.cargo/bin:/usr/local/sbin:/usr/local/bin:"
		"/usr/sbin:/usr/bin:/sbin:/bin" :
		"PATH=/bin:/sbin:/usr/bin:/usr/sbin:.:");
	if (shape == ROOT) {
		str_add(libs, PATH_SIZE, "LANG=C.UTF-8");
		str_add(ltp_root, PATH_SIZE, "LTPROOT=/opt/ltp");
		return;
	}
	path_join(deep, dir, "ltp");
	str_add(ltp_root, PATH_SIZE, "LTPROOT=");
	str_add(ltp_root, PATH_SIZE, deep);
	str_add(path_var, PATH_SIZE, deep);
	str_add(path_var, PATH_SIZE, "/testcases/bin");
	str_add(libs, PATH_SIZE, "LD_LIBRARY_PATH=");
	str_add(libs, PATH_SIZE, dir);
	str_add(libs, PATH_SIZE, "/lib:");
	str_add(libs, PATH_SIZE, dir);
	str_add(libs, PATH_SIZE, "/usr/lib:");
	str_add(libs, PATH_SIZE, dir);
	if (shape == FLAT) {
		str_add(libs, PATH_SIZE, "/lib/glibc:");
		str_add(libs, PATH_SIZE, dir);
	}
}

static long limit_of(const struct comp_row *row)
{
	long left = end_ms - comp_now_ms();
	long ms = row->limit_ms ? row->limit_ms : FALLBACK_MS;

	if (longest_ms && ms > longest_ms)
		ms = longest_ms;
	return ms < left ? ms : left;
}

static void run_script(const char *dir, const char *name, long limit_ms)
{
	char path[PATH_SIZE];
	const char *argv[] = { "/bin/sh", path, NULL };
	struct comp_job job = { dir, argv, limit_ms, 0 };

	if (limit_ms <= 0)
		return;
	path_join(path, dir, name);
	if (wants_bash(path) && is_file("/bin/bash"))
		argv[0] = "/bin/bash";
	env_for(dir);
	comp_bystander(10);
	comp_job_run(&job);
	comp_group_end();
}

/* The name that the script gives its group: `ltp-musl`. */
static void marked_name(const char *script, char *name, size_t size)
{
	static char text[4096];
	const char *p, *mark = NULL;
	size_t n = 0;

	file_read(script, text, sizeof(text));
	for (p = text; *p && !mark; p++)
		mark = str_after(p, "TEST GROUP START ");
	if (!mark)
		return;
	while (mark[n] && mark[n] != ' ' && n + 1 < size) {
		name[n] = mark[n];
		n++;
	}
	name[n] = 0;
}

/* The time left is shared with the other libc, whose turn comes next. */
static void run_ltp(size_t which)
{
	char path[PATH_SIZE], group[64] = "ltp";
	const char *dir = dirs[which];
	long now = comp_now_ms(), share;

	path_join(path, dir, "ltp" SUFFIX);
	if (!is_file(path))
		return;
	marked_name(path, group, sizeof(group));
	share = (end_ms - now) / (long)(dirs_used - which);
	env_for(dir);
	comp_ltp_run(dir, group, now + share, case_ms);
}

static int is_unnamed(const char *name)
{
	char group[PATH_SIZE];

	return group_of(name, group) && !comp_plan_names(group);
}

static void run_unnamed(const char *dir, const struct comp_row *row)
{
	size_t n = comp_names_read(dir, is_unnamed);

	for (size_t i = 0; i < n; i++)
		run_script(dir, comp_name(i), limit_of(row));
}

/* What older disks have in place of a script. */
static void run_bare(const char *dir, const struct comp_row *row)
{
	char path[PATH_SIZE];
	const char *argv[] = { path, NULL };
	struct comp_job job = { dir, argv, limit_of(row), 0 };

	if (str_eq(row->name, "time-test") && has_in(dir, "time-test")) {
		path_join(path, dir, "time-test");
		env_for(dir);
		comp_job_run(&job);
	} else if (str_eq(row->name, "basic") && has_in(dir, "run-all.sh")) {
		comp_print("#### OS COMP TEST GROUP START basic ####\r\n");
		run_script(dir, "run-all.sh", limit_of(row));
	}
}

static void run_row(const struct comp_row *row, size_t which)
{
	const char *dir = dirs[which];
	char script[PATH_SIZE] = "";

	if ((str_eq(row->kind, "flat") && shape != FLAT) ||
	    (str_eq(row->kind, "split") && shape != SPLIT))
		return;
	if (str_eq(row->name, "*")) {
		run_unnamed(dir, row);
		return;
	}
	if (str_eq(row->name, "ltp")) {
		run_ltp(which);
		return;
	}
	str_add(script, PATH_SIZE, row->name);
	str_add(script, PATH_SIZE, SUFFIX);
	if (has_in(dir, script))
		run_script(dir, script, limit_of(row));
	else if (shape == FLAT)
		run_bare(dir, row);
}

static void add_dir(const char *dir)
{
	if (has_scripts(dir) || (shape == FLAT && dirs_used == 0))
		dirs[dirs_used++] = dir;
}

static void prepare(void)
{
	const char *argv[] = { "/bin/sh", SETUP,
			       shape == SPLIT ? "split" : "flat", NEW_ROOT,
			       NULL };
	struct comp_job job = { "/", argv, FALLBACK_MS, 0 };

	if (shape == ROOT) {
		root_switch();
	} else {
		env_for("/");
		comp_job_run(&job);
	}
	if (shape == FLAT) {
		add_dir(NEW_ROOT);
		return;
	}
	add_dir("/musl");
	add_dir("/glibc");
	if (shape == ROOT)
		add_dir("/");
}

static long cmdline_number(const char *key)
{
	char text[16] = "";

	cmdline_get(key, text, sizeof(text));
	return (long)str_number(text);
}

void comp_main(void)
{
	const struct comp_row *row;
	long total;

	comp_plan_read();
	total = cmdline_number("comp.time=");
	if (!total)
		total = comp_plan_value(shape == ROOT ? "time-root" : "time");
	end_ms = total * 1000;
	longest_ms = cmdline_number("comp.limit=") * 1000;
	case_ms = cmdline_number("comp.case=") * 1000;
	if (!case_ms)
		case_ms = comp_plan_value("ltp-limit") * 1000;
	sys(syslog, 8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 1);
	boot_hostname();
	boot_loopback();
	comp_console_take();
	prepare();
	for (size_t i = 0; (row = comp_plan_row(i)); i++)
		for (size_t d = 0; d < dirs_used; d++)
			run_row(row, d);
	down(LINUX_REBOOT_CMD_POWER_OFF);
}
