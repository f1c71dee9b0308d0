#pragma once
/*
 * Kernel messages.  Any context.  A message goes to the log ring (read by
 * syslog(2) and /dev/kmsg) and, if its level is below the console's, to the
 * consoles.  The format is that of lib/printf.h; a message ends in "\n".
 */
#include <lib/compiler.h>
#include <lib/types.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

void __printf(2, 3) print(enum log_level level, const char *fmt, ...);

#define pr_err(...) print(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) print(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) print(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...) print(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) print(LOG_DEBUG, __VA_ARGS__)

/*
 * A console is where messages go.  write() is called with the print lock
 * held and interrupts off; it must not print, sleep or take a lock that is
 * held while printing.  flush may be NULL.
 */
struct console {
	const char *name;	/* as in console=NAME, e.g. "ttyS0" */
	void (*write)(struct console *c, const char *s, size_t n);
	void *priv;
	struct console *next;
	bool is_boot;		/* dropped when the first real one registers */
};

void console_register(struct console *c);
/* What is known of the i-th one, for /proc/consoles; false past the last. */
bool console_nth(unsigned i, char *name, size_t size, bool *is_boot);

/* Straight to all consoles, not to the log: for test reports. */
void console_puts(const char *s, size_t n);
/* Wakes readers of the log for whom print() could not: from the tick. */
void log_wake_deferred(void);

/* panic= and kernel.panic: seconds until the machine starts anew; 0: never, < 0:
 * at once. */
extern int panic_timeout;
/* 1: the log is for CAP_SYSLOG alone. */
extern int sysctl_dmesg_restrict;
/* Addresses of the kernel: 0 and 1 for CAP_SYSLOG, 2 for nobody. */
extern int sysctl_kptr_restrict;

/* Console level, as `loglevel=` and `quiet` set it (default 7). */
extern int console_loglevel;

/* The log ring for readers: copies whole records with sequence number >= *seq
 * formatted as "<level>[  seconds.micros] text" into buf, advances *seq, and
 * returns the number of bytes.  For syslog(2). */
size_t log_read(u64 *seq, char *buf, size_t size, bool with_prefix);
/* One record in /dev/kmsg's form "prio,seq,usec,-;text\n"; 0 if none yet. */
size_t log_read_kmsg(u64 *seq, char *buf, size_t size);
u64 log_first_seq(void);
u64 log_next_seq(void);
struct waitq;
struct waitq *log_waitq(void);
/* A record written by user space through /dev/kmsg. */
void log_user(int prio, const char *text, size_t n);

/* Panic: never returns.  Prints the reason, symbolised backtraces of all
 * harts and their current tasks, stops the other harts, then acts as panic=
 * says.  Any context. */
void __noreturn __printf(1, 2) panic(const char *fmt, ...);
extern bool panicking;

/* Prints a backtrace of the running task, symbolised.  Any context. */
void backtrace_print(void);
struct task;
/* Of another task that does not run (or of self). */
void backtrace_print_task(struct task *t);

/* "name+0xoff/0xsize" of a kernel address.  Any context. */
size_t symbol_format(unsigned long addr, char *buf, size_t size);
/* The i-th symbol, for /proc/kallsyms; false past the end. */
bool symbol_nth(size_t i, unsigned long *addr, char *type, char *name,
		size_t size);
