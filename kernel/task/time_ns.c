/*
 * time_ns - time namespaces: clocks that count from elsewhere.
 *
 * Theory:  unshare(CLONE_NEWTIME) gives a namespace to children and to the
 *          next program, so a task never sees its clocks jump.  Until the
 *          first of them lives there, /proc/PID/timens_offsets can be written.
 *          A program in such a namespace has another data page before its
 *          vDSO, whose version says "ask the kernel": one page for all
 *          namespaces, and not an instruction more for everybody else.
 * Locks:   offsets_mutex guards is_frozen, and the offsets until then.
 * Life:    counted by nsproxies and open files; init_time_ns is not counted.
 */
#include "task_impl.h"

#include <kernel/init.h>
#include <lib/errno.h>
#include <task/exec.h>
#include <task/posix_timer.h>
#include <task/time_ns.h>

#define MAX_NS ((s64)(S64_MAX / NSEC_PER_SEC * NSEC_PER_SEC))

static struct mutex offsets_mutex = MUTEX_INIT(offsets_mutex, RANK_SLEEP_C,
					       "time offsets");

struct time_ns init_time_ns = {
	.refs = REF_INIT(1),
	.ino = 0xeffffffau,
	.is_frozen = true,
	.owner = NS_OWNER_INIT,
};

s64 time_ns_shift(const struct time_ns *ns, int clock)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		return ns->offset_ns[TIME_NS_MONOTONIC];
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return ns->offset_ns[TIME_NS_BOOTTIME];
	}
	return 0;
}

void time_ns_put(struct time_ns *ns)
{
	if (ns == &init_time_ns || !ref_put(&ns->refs))
		return;
	ns_owner_release(&ns->owner, NS_COUNT_TIME);
	kfree(ns);
}

int time_ns_create(struct time_ns *from, struct user_ns *user,
		   struct time_ns **out)
{
	struct time_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	int err = -ENOMEM;

	if (!ns)
		return err;
	err = vdso_prepare_shifted();
	if (!err)
		err = ns_owner_init(&ns->owner, user, NS_COUNT_TIME);
	if (err) {
		kfree(ns);
		return err;
	}
	ref_init(&ns->refs, 1);
	ns->ino = ns_new_ino();
	mutex_lock(&offsets_mutex);
	for (int c = 0; c < TIME_NS_CLOCKS; c++)
		ns->offset_ns[c] = from->offset_ns[c];
	mutex_unlock(&offsets_mutex);
	*out = ns;
	return 0;
}

int time_ns_enter(struct time_ns *ns, struct mm *mm)
{
	mutex_lock(&offsets_mutex);
	ns->is_frozen = true;
	mutex_unlock(&offsets_mutex);
	return mm ? vdso_choose_clock(mm, ns != &init_time_ns) : 0;
}

/* The clock must not become negative, nor come near its end. */
static bool is_in_range(s64 offset)
{
	s64 then;

	return offset >= -MAX_NS && offset <= MAX_NS &&
	       !add_overflow((s64)clock_ns(), offset, &then) && then >= 0 &&
	       then <= MAX_NS / 2;
}

int time_ns_set(struct time_ns *ns, unsigned which, const s64 *offset_ns)
{
	int err = 0;

	for (int c = 0; c < TIME_NS_CLOCKS; c++)
		if ((which & 1u << c) && !is_in_range(offset_ns[c]))
			return -ERANGE;
	mutex_lock(&offsets_mutex);
	if (ns->is_frozen)
		err = -EACCES;
	for (int c = 0; !err && c < TIME_NS_CLOCKS; c++)
		if (which & 1u << c)
			ns->offset_ns[c] = offset_ns[c];
	mutex_unlock(&offsets_mutex);
	return err;
}
