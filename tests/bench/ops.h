/*
 * ops - small operations, one program for any kernel.
 *
 * An operation is done `n` times by run(); setup() and teardown() are outside
 * of what is measured.  The tables end with an entry without a name.
 */
#pragma once

#include <stddef.h>

struct op {
	const char *name;
	int harts;		/* needs so many; the two sides are pinned */
	int count;		/* times in one counted window */
	void (*setup)(void);
	void (*run)(long n);
	void (*teardown)(void);
};

extern const struct op call_ops[];
extern const struct op ipc_ops[];
extern const struct op task_ops[];
extern const struct op memory_ops[];

/* Ends the program when a call fails: a figure of a failed call is a lie. */
#define MUST(call)                                                             \
	({                                                                     \
		__typeof__(call) got_ = (call);                                \
		if (got_ == (__typeof__(call))-1)                              \
			die(#call);                                            \
		got_;                                                          \
	})

void die(const char *what) __attribute__((noreturn));
void pin(int hart);		/* the calling task, to that hart alone */

extern const char *self;	/* this program's path, for exec */
