#pragma once
/*
 * Start-up functions: INIT(level, fn) runs `void fn(void)` on the boot hart,
 * level by level, within a level in link order.  What works at each level:
 *
 *   INIT_EARLY   locks, print to the boot console; no allocation, no sleep
 *   INIT_MM      page_alloc, kmalloc, vmap; one task, no sleep
 *   INIT_SCHED   tasks may be created; timers, wait queues; still one hart
 *   INIT_CORE    all harts run, work queues, RCU; caches of mm and fs are made
 *   INIT_FS      file systems and protocol families register
 *   INIT_DRIVER  drivers are matched with the device tree, then probed
 *   INIT_LATE    everything is there but user space
 */
#include <lib/compiler.h>

enum init_level {
	INIT_EARLY,
	INIT_MM,
	INIT_SCHED,
	INIT_CORE,
	INIT_FS,
	INIT_DRIVER,
	INIT_LATE,
	INIT_LEVELS,
};

struct init_entry {
	void (*fn)(void);
	const char *name;
	enum init_level level;
};

#define INIT(lvl, f)                                                           \
	static const struct init_entry __used                                  \
		__section(".init_table") init_entry_##f = {                    \
			.fn = f, .name = #f, .level = lvl                      \
		}

/* Runs all functions of a level. */
void init_run(enum init_level level);

/* Kernel parameters: PARAM("name", fn) calls fn(value) for `name=value`
 * (value "" for a bare `name`) before INIT_EARLY.  Unknown ones go to init. */
struct param_entry {
	const char *name;
	void (*fn)(const char *value);
};

#define PARAM(str, f)                                                          \
	static const struct param_entry __used                                 \
		__section(".param_table") param_entry_##f = {                  \
			.name = str, .fn = f                                   \
		}

/* Parses the command line: calls the PARAM handlers, collects the rest. */
void params_parse(const char *cmdline);
/* The whole command line, as /proc/cmdline shows it. const after init */
extern char saved_command_line[];
/* Unknown words for init: arguments without `=`, environment with it. */
extern const char *init_argv_extra[];
extern const char *init_envp_extra[];

/* In-kernel self-tests: SELFTEST(name) { ... } run at boot with `selftest`,
 * TAP on the console.  ST_CHECK(cond) records a failure. */
struct selftest_entry {
	const char *name;
	void (*fn)(void);
};

#define SELFTEST(n)                                                            \
	static void selftest_##n(void);                                        \
	static const struct selftest_entry __used                              \
		__section(".selftest_table") selftest_entry_##n = {            \
			.name = #n, .fn = selftest_##n                         \
		};                                                             \
	static void selftest_##n(void)

void selftest_fail(const char *file, int line, const char *expr);
#define ST_CHECK(c)                                                            \
	do {                                                                   \
		if (!(c))                                                      \
			selftest_fail(__FILE__, __LINE__, #c);                 \
	} while (0)
/* Runs them all, in a kernel task; returns the number of failures. */
int selftest_run_all(void);
extern bool selftest_requested;
