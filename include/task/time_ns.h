#pragma once
/*
 * Time namespaces: what is added to CLOCK_MONOTONIC and CLOCK_BOOTTIME for
 * those inside.  The kernel's own times are never shifted: the system calls
 * and files that take or show one translate.
 */
#include <kernel/ref.h>
#include <kernel/task.h>
#include <task/ns.h>
#include <task/user_ns.h>

enum time_ns_clock { TIME_NS_MONOTONIC, TIME_NS_BOOTTIME, TIME_NS_CLOCKS };

struct time_ns {
	struct ref refs;
	bool is_frozen;		/* somebody lives in it. offsets_mutex */
	u64 ino;		/* const */
	struct ns_owner owner;
	s64 offset_ns[TIME_NS_CLOCKS];	/* offsets_mutex; const if frozen */
};

extern struct time_ns init_time_ns;
static inline struct time_ns *time_ns_get(struct time_ns *ns)
{
	if (unlikely(ns != &init_time_ns))
		ref_get(&ns->refs);
	return ns;
}
void time_ns_put(struct time_ns *ns);
int __must_check time_ns_create(struct time_ns *from, struct user_ns *user,
				struct time_ns **out);
/* mm's program will live in ns: its vDSO asks the kernel if need be. */
int __must_check time_ns_enter(struct time_ns *ns, struct mm *mm);
/* All of n, or -EACCES, -ERANGE.  Bit c of `which`: offset[c] counts. */
int __must_check time_ns_set(struct time_ns *ns, unsigned which,
			     const s64 *offset_ns);

/* What to add to a time of the kernel for current to see: 0 for most. */
s64 time_ns_shift(const struct time_ns *ns, int clock);
static inline s64 time_ns_offset(int clock)
{
	const struct time_ns *ns = current->nsproxy->time;

	return likely(ns == &init_time_ns) ? 0 : time_ns_shift(ns, clock);
}
/* A point in time that current named: one that lies before the kernel's 0 is
 * long past. */
static inline u64 time_ns_to_host(int clock, u64 at)
{
	s64 off = time_ns_offset(clock);

	if (likely(!off))
		return at;
	if (off > 0 && at <= (u64)off)
		return at ? 1 : 0;	/* 0 has a meaning of its own */
	return min(at - (u64)off, (u64)S64_MAX);
}
