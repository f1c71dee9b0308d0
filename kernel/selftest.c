/*
 * selftest - runs the in-kernel tests and reports in TAP, raw on the console.
 */
#include "init_impl.h"

#include <kernel/print.h>
#include <kernel/waitq.h>
#include <lib/printf.h>
#include <lib/string.h>

#define MAX_REPORTS 10		/* for each test */

bool selftest_requested;
static const char *only;	/* selftest=prefix. const after init */
static u32 failures;		/* of the running test. atomic */

static void param_selftest(const char *value)
{
	selftest_requested = true;
	only = value;
}
PARAM("selftest", param_selftest);

static void __printf(1, 2) say(const char *fmt, ...)
{
	char text[200];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	console_puts(text, (size_t)n);
}

void selftest_fail(const char *file, int line, const char *expr)
{
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) < MAX_REPORTS)
		say("# %s:%d: %s\n", file, line, expr);
}

static bool is_selected(const struct selftest_entry *e)
{
	return !only || !*only || str_has_prefix(e->name, only);
}

int selftest_run_all(void)
{
	const struct selftest_entry *e;
	int n = 0, failed = 0;

	for (e = __selftest_table_start; e < __selftest_table_end; e++)
		n += is_selected(e);
	say("TAP version 13\n1..%d\n", n);
	n = 0;
	for (e = __selftest_table_start; e < __selftest_table_end; e++) {
		u64 t0 = clock_ns();

		if (!is_selected(e))
			continue;
		failures = 0;
		e->fn();
		say("%sok %d - %s # %llu us\n", failures ? "not " : "", ++n,
		    e->name, (clock_ns() - t0) / NSEC_PER_USEC);
		failed += failures != 0;
	}
	return failed;
}
