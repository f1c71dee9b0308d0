/* The log and the symbol table. */
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/string.h>

SELFTEST(log_keeps_what_was_printed)
{
	u64 seq = log_next_seq(), s2 = seq;
	char buf[200];
	size_t n;

	print(LOG_DEBUG, "log test %d\n", 42);
	n = log_read_kmsg(&seq, buf, sizeof(buf) - 1);
	ST_CHECK(n > 0);
	buf[n] = '\0';
	ST_CHECK(strstr(buf, "-;log test 42\n"));
	n = log_read(&s2, buf, sizeof(buf) - 1, true);
	buf[n] = '\0';
	ST_CHECK(str_has_prefix(buf, "<7>[") && strstr(buf, "log test 42"));
}

SELFTEST(log_wraps)
{
	int saved = console_loglevel;
	u64 first;
	char buf[300];

	console_loglevel = 0;
	for (int i = 0; i < 4000; i++)
		print(LOG_DEBUG, "filling the ring: line %d %.*s\n", i, i % 97,
		      "................................................"
		      "................................................");
	console_loglevel = saved;
	first = log_first_seq();
	ST_CHECK(first > 0 && log_next_seq() - first > 500);
	for (u64 seq = first; seq < log_next_seq();)
		if (!log_read_kmsg(&seq, buf, sizeof(buf)))
			break;
	first = log_next_seq() - 1;
	ST_CHECK(log_read_kmsg(&first, buf, sizeof(buf)) > 0);
	ST_CHECK(strstr(buf, "line 3999"));
}

SELFTEST(symbols_name_functions)
{
	char buf[96], name[64], type;
	unsigned long addr;

	symbol_format((unsigned long)symbol_format + 4, buf, sizeof(buf));
	ST_CHECK(str_has_prefix(buf, "symbol_format+0x4/"));
	ST_CHECK(symbol_nth(0, &addr, &type, name, sizeof(name)));
}
