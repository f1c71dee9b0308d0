#pragma once
/* Process accounting: acct(2). */
struct pid_ns;

/* The records of processes that end in current's pid namespace, or below it,
 * go to the file of that name; NULL: nowhere. */
int acct_on(const char *name);
void acct_off(struct pid_ns *ns);
/* Current is the last of its process and about to leave its memory. */
void acct_process(void);
