#pragma once
/* Semaphore sets: sem.c (operations, undo) and sem_ctl.c. */
#include "ipc_impl.h"

#define SEMVMX 32767
#define SEMAEM SEMVMX

struct sem {
	int val;		/* set's lock, as all of this */
	struct pid *pid;	/* of the last operation; owns a reference */
	struct list alter;	/* single operations that want it larger */
	struct list zero;	/* single ones that wait for 0 */
};

struct sem_set {
	struct ipc_obj obj;
	s64 otime, ctime;
	u32 nsems;		/* const */
	int nr_complex;		/* sleepers with several operations */
	struct list alter;	/* those, and while there are any, all that
				 * would change a value, in order of arrival */
	struct list zero;	/* those of them that change nothing */
	struct list undos;	/* struct sem_undo.by_set */
	struct sem sems[];
};

/* One sleeping semop(). */
struct sem_queue {
	struct list node;
	struct ipc_sleeper sleeper;
	const struct sembuf *ops, *blocking;
	unsigned n;
	bool alters;
	struct pid *pid;
	struct sem_undo *undo;
};

/* What a process would take back from a set. */
struct sem_undo {
	struct list by_list;	/* list->lock, inside the set's */
	struct list by_set;	/* set's lock */
	struct sem_undo_list *list;	/* not counted: it holds us */
	struct sem_set *set;	/* owns a reference. const */
	s16 adjust[];		/* set's lock */
};

static inline struct sem_set *set_of(struct ipc_obj *o)
{
	return container_of(o, struct sem_set, obj);
}
/* Lets go all who can go on now.  ops: what was changed; NULL: anything.
 * The set's lock is held. */
void sem_settle(struct sem_set *set, const struct sembuf *ops, unsigned n);
/* Takes the undos of a set that is deleted. The set's lock is held. */
void sem_undos_detach(struct sem_set *set, struct list *dead);
void sem_undos_free(struct list *dead);
