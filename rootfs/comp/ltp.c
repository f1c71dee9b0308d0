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

#define CASES 4096
#define SHORTEST_MS 1000	/* with less time no case is begun */

static char names[CASES * 20];
static const char *cases[CASES];
static size_t names_used, cases_used;

static struct {
	char dir[PATH_SIZE];	/* of the programs */
	const char *start;	/* where they are started */
	long end_ms, limit_ms;
} run;

static void add_name(const char *name, __attribute__((unused)) void *arg)
{
	size_t i, n = str_len(name) + 1;

	if (cases_used == CASES || names_used + n > sizeof(names) ||
	    comp_plan_match("ltp-first", name) ||
	    comp_plan_match("ltp-skip", name))
		return;
	for (i = 0; i < n; i++)
		names[names_used + i] = name[i];
	cases[cases_used++] = names + names_used;
	names_used += n;
}

static int is_after(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a > (unsigned char)*b;
}

/* Shell's sort: short, and quick enough for a few thousand. */
static void sort_cases(void)
{
	size_t gap, i, j;

	for (gap = CASES / 2; gap; gap /= 2)
		for (i = gap; i < cases_used; i++) {
			const char *c = cases[i];

			for (j = i; j >= gap && is_after(cases[j - gap], c);
			     j -= gap)
				cases[j] = cases[j - gap];
			cases[j] = c;
		}
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

	run.start = dir;
	run.end_ms = end_ms;
	run.limit_ms = limit_ms;
	path_join(run.dir, dir, "ltp/testcases/bin");
	names_used = cases_used = 0;
	dir_each(run.dir, add_name, NULL);
	sort_cases();
	str_add(text, sizeof(text), group);
	str_add(text, sizeof(text), " ####\r\n");
	comp_print(text);
	comp_plan_words("ltp-first", run_case);
	for (size_t i = 0; i < cases_used; i++)
		run_case(cases[i]);
	comp_group_end();
}
