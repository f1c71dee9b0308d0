/* comp_impl - what the parts of the competition runner know of each other. */
#pragma once

#include "init_impl.h"

#define PATH_SIZE 256

/* One program under a watchdog. */
struct comp_job {
	const char *dir;	/* where it is started */
	const char **argv;	/* argv[0] is its path */
	long limit_ms;
	int is_polite;		/* at the limit SIGINT goes before SIGKILL */
};

/* job.c: runs it in a session and on a terminal of its own, passes on what it
 * prints, then kills every process that is left.  Its exit status as a shell
 * counts it. */
int comp_job_run(const struct comp_job *job);
/* A process with that number, if there is none, which does nothing. */
void comp_bystander(int pid);
/* Ends the group that was begun and not ended, if there is one. */
void comp_group_end(void);
/* The console belongs to the jobs from here on. */
void comp_console_take(void);
/* Text of our own between the jobs; groups in it are seen. */
void comp_print(const char *text);
/* Milliseconds since the boot. */
long comp_now_ms(void);

/* plan.c: the order, the limits and the LTP lists, out of PLAN. */
struct comp_row {
	const char *kind, *name;
	long limit_ms;
};
void comp_plan_read(void);
/* The rows in their order; NULL at the end. */
const struct comp_row *comp_plan_row(size_t i);
int comp_plan_names(const char *group);
long comp_plan_value(const char *kind);
/* True if one of the words of that kind is the name, or matches it. */
int comp_plan_match(const char *kind, const char *name);
/* Calls for every word of that kind. */
void comp_plan_words(const char *kind, void (*fn)(const char *word));

/* names.c: how many names in the folder are wanted; then each, sorted. */
size_t comp_names_read(const char *dir, int (*wanted)(const char *name));
const char *comp_name(size_t i);

/* ltp.c: the cases of one libc, one by one, until the deadline. */
void comp_ltp_run(const char *dir, const char *group, long end_ms,
		  long limit_ms);

/* comp.c: the environment of every job. */
extern const char *comp_env[];
void path_join(char *out, const char *dir, const char *name);
