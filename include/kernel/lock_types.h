#pragma once
/* The bodies of the locks that struct task itself embeds; see
 * <kernel/spinlock.h>. */
#include <kernel/config.h>
#include <kernel/lock_rank.h>
#include <lib/compiler.h>

struct task;

struct __capability("mutex") spinlock {
	int locked;
#if CONFIG_DEBUG
	int rank;
	const char *name;
	struct task *owner;
	unsigned long site;
#endif
};

struct __capability("mutex") irqlock {
	struct spinlock raw;
};
