#pragma once
/* kcmp(2). */
#include <kernel/task.h>

long do_kcmp(int pid1, int pid2, int type, unsigned long fd1,
	     unsigned long fd2);
