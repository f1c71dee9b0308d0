/*
 * ways - the ways to be busy that victims of kills are in.
 */
#pragma once

/* fn does not come back but by accident; then its thread pauses. */
struct way {
	const char *name;
	void (*fn)(void);
};

extern const struct way ways[];
extern const int nr_ways;
/* Removes what the ways of our children have made that outlives them. */
void forget_ipc(void);
/* Where the way that faults finds a file on a slow disk, if anywhere. */
#define SLOW_FILE "/slow/big"
