#pragma once
/* membarrier(2), and syslog(2)'s commands. */
#include <lib/compiler.h>

long do_membarrier(int cmd, unsigned flags, int hart);
long do_syslog(int type, char __user *buf, int len);
