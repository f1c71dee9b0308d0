/*
 * ltp - the cases of the Linux Test Project, each under its own watchdog.
 *
 * Theory:  the official script runs every file of ltp/testcases/bin in the
 *          order of their names, and one that hangs takes the rest with it;
 *          nor would all of them fit into the time.  So the cases are started
 *          here, with the same two lines around each: first those that the
 *          plan puts first, then the others by name, without what the plan
 *          skips, until the time is up.
 */
#include "comp_impl.h"

#define SHORTEST_MS 1000	/* with less time no case is begun */

static struct {
	char dir[PATH_SIZE];	/* of the programs */
	const char *start;	/* where they are started */
	long end_ms, limit_ms;
} run;

static int is_later_case(const char *name)
{
	return !comp_plan_match("ltp-first", name) &&
	       !comp_plan_match("ltp-skip", name);
}

static void add_number(char *out, size_t size, int v)
{
	char digits[12], *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	str_add(out, size, p);
}

static void run_case(const char *name)
{
	char path[PATH_SIZE], text[PATH_SIZE];
	const char *argv[] = { path, NULL };
	long left = run.end_ms - comp_now_ms();
	struct comp_job job = { run.start, argv, run.limit_ms, 1 };
	int status;

	path_join(path, run.dir, name);
	if (left < SHORTEST_MS || !is_file(path))
		return;
	if (job.limit_ms > left)
		job.limit_ms = left;
	text[0] = 0;
	str_add(text, sizeof(text), "RUN LTP CASE ");
	str_add(text, sizeof(text), name);
	str_add(text, sizeof(text), "\r\n");
	comp_print(text);
	status = comp_job_run(&job);
	text[0] = 0;
	str_add(text, sizeof(text), "FAIL LTP CASE ");
	str_add(text, sizeof(text), name);
	str_add(text, sizeof(text), " : ");
	add_number(text, sizeof(text), status);
	str_add(text, sizeof(text), "\r\n");
	comp_print(text);
}

void comp_ltp_run(const char *dir, const char *group, long end_ms,
		  long limit_ms)
{
	char text[PATH_SIZE] = "#### OS COMP TEST GROUP START ";
	size_t n;

	run.start = dir;
	run.end_ms = end_ms;
	run.limit_ms = limit_ms;
	path_join(run.dir, dir, "ltp/testcases/bin");
	n = comp_names_read(run.dir, is_later_case);
	str_add(text, sizeof(text), group);
	str_add(text, sizeof(text), " ####\r\n");
	comp_print(text);
	comp_plan_words("ltp-first", run_case);
	for (size_t i = 0; i < n; i++)
		run_case(comp_name(i));
	comp_group_end();
}
