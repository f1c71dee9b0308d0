#pragma once
/*
 * What a busy host takes from the guest: tests of time and of shares ask for
 * it, and judge the rest.  Between stolen_watch() and stolen_end() a timer on
 * each hart notes how late it runs.
 */
#include <lib/types.h>

void stolen_watch(void);
void stolen_end(void);
/* Since stolen_watch(), of all harts together; and the longest piece. */
u64 stolen_ns(void);
u64 stolen_worst_ns(void);
