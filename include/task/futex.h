#pragma once
/* Futexes (docs/futex.md). */
#include <kernel/task.h>
#include <lib/types.h>

/* deadline_ns is of CLOCK_MONOTONIC; the caller converted it. */
long do_futex(u32 __user *uaddr, int op, u32 val, u64 deadline_ns,
	      bool has_timeout, u32 __user *uaddr2, u32 val2, u32 val3);
/* The calls that came later; deadline 0: none. */
struct futex_waitv {		/* uapi */
	u64 val, uaddr;
	u32 flags, reserved;
};
#define FUTEX_WAITV_MAX 128
struct futex_pair {
	u32 __user *from, *to;
	bool is_shared, to_is_shared;
};
long do_futex_waitv(const struct futex_waitv *v, unsigned n, u64 deadline_ns);
long futex_wait(u32 __user *uaddr, bool is_private, u32 val, u64 deadline_ns,
		u32 bitset);
/* cmp NULL: whatever the word is. */
long futex_requeue(const struct futex_pair *f, int n, int n2, const u32 *cmp);
/* Wakes n waiters; for clear_child_tid. */
int futex_wake(u32 __user *uaddr, bool is_private, int n, u32 bitset);
/* Only the checks of a wake. */
int __must_check futex_check(u32 __user *uaddr, bool is_private);
#define FUTEX_WAIT		0
#define FUTEX_WAKE		1
#define FUTEX_REQUEUE		3
#define FUTEX_CMP_REQUEUE	4
#define FUTEX_WAKE_OP		5
#define FUTEX_LOCK_PI		6
#define FUTEX_UNLOCK_PI		7
#define FUTEX_TRYLOCK_PI	8
#define FUTEX_WAIT_BITSET	9
#define FUTEX_WAKE_BITSET	10
#define FUTEX_WAIT_REQUEUE_PI	11
#define FUTEX_CMP_REQUEUE_PI	12
#define FUTEX_LOCK_PI2		13
#define FUTEX_PRIVATE_FLAG	128
#define FUTEX_CLOCK_REALTIME	256
#define FUTEX_CMD_MASK		(~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
#define FUTEX_BITSET_ALL	0xffffffffu
/* At exit and exec: robust list, PI state. */
void futex_exit(struct task *t);
