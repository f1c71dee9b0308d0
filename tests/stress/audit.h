/*
 * audit - what the kernel says it holds, object by object.
 */
#pragma once

#define MAX_COUNTS 2000

struct audit {
	int n;
	struct count {
		char name[48];
		long held;
	} counts[MAX_COUNTS];
};

/* All zero where the kernel does not tell exactly. */
void audit_take(struct audit *a);
/* How many kinds have grown by more than `slack`; tells of them if it is to. */
int audit_grown(const struct audit *was, const struct audit *is, long slack,
		int tell);
