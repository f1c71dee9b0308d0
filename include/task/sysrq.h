#pragma once
/*
 * The keys of last resort, with Linux's letters: BREAK and a letter on the
 * console, or a letter written to /proc/sysrq-trigger.
 */
#include <lib/compiler.h>
#include <lib/types.h>

/* What /proc/sys/kernel/sysrq lets the console do: 0 nothing, 1 everything,
 * else a mask of Linux's groups (sysrq.c). */
extern int sysctl_sysrq;

/* A key; from the console only what sysctl_sysrq allows.  Any context. */
void sysrq_key(char key, bool from_console);
