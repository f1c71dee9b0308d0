/*
 * exit - a child of two threads dies, its parent waits or dies, and who then
 * has the child waits too.
 *
 * Models: exit_notify(), forget_children(), reparent_leader(), tell_parent(),
 *	task_release() of kernel/task/exit.c; do_wait(), look_at_all(),
 *	look_zombie(), wake_parent() of kernel/task/wait.c.
 * Holds: the dead child is collected once, by one waiter; nobody sleeps in
 *	wait while it has a zombie to collect, or no child at all.
 * Broken by: NO_PREPARE NO_CMPXCHG NO_TELL_REAPER NO_TELL_LEADER
 *	NO_GROUP_EMPTY
 *
 * Process 1 has two threads that wait, or process 1 dies; then process 0, its
 * reaper, has the child.  tasklist_lock held for writing is an atomic step;
 * held for reading it is not, since readers run side by side.
 */
mtype = { ALIVE, ZOMBIE, DEAD };

mtype leader = ALIVE;		/* exit_state */
bool has_thread = true;		/* the child's other thread is in its group */
byte parent = 1;		/* real_parent of the child */
byte readers;			/* of tasklist_lock */
byte collected;			/* times that somebody released the child */
bool asleep[3];			/* by waiter: 0 of process 0, 1 and 2 of 1 */

/* signal_notify_parent(), wake_parent(): all who wait in that process. */
inline wake_parent()
{
	if
	:: parent == 0 -> asleep[0] = false
	:: else -> asleep[1] = false; asleep[2] = false
	fi
}

active proctype child_leader()
{
	atomic {			/* exit_notify() */
		readers == 0;
		leader = ZOMBIE;
		if
#ifdef NO_GROUP_EMPTY
		:: true
#else
		:: !has_thread		/* thread_group_empty() */
#endif
		   -> wake_parent()
		:: else
		fi
	}
}

active proctype child_thread()
{
	atomic {			/* task_release() of itself */
		readers == 0;
		has_thread = false;
#ifndef NO_TELL_LEADER
		if
		:: leader == ZOMBIE -> wake_parent()
		:: else
		fi
#endif
	}
}

/* look_at_all(): `got` the child, or there `is_child` at all. */
inline look()
{
	got = false;
	atomic { readers++; is_child = (parent == me && collected == 0) };
	if
#ifdef NO_GROUP_EMPTY
	:: is_child && leader == ZOMBIE ->
#else
	:: is_child && leader == ZOMBIE && !has_thread ->
#endif
#ifdef NO_CMPXCHG
		leader = DEAD;
		got = true
#else
		atomic {
			if
			:: leader == ZOMBIE -> leader = DEAD; got = true
			:: else -> is_child = false
			fi
		}
#endif
	:: is_child && leader == DEAD -> is_child = false
	:: else
	fi;
	readers--;
	if
	:: got ->
		atomic {		/* task_release() */
			readers == 0;
			assert(!has_thread);
			collected++;
			assert(collected == 1)
		}
	:: else
	fi
}

/* do_wait() of one thread; -ECHILD ends it as well. */
inline wait_for_child(i)
{
	do
	:: true ->
#ifdef NO_PREPARE
		look();
		asleep[i] = true;
#else
		asleep[i] = true;	/* wait_prepare() */
		look();
#endif
		if
		:: got || !is_child -> break
		:: else
		fi;
		!asleep[i]		/* schedule() */
	od;
	asleep[i] = false
}

proctype waiter(byte i)
{
	byte me = 1;
	bool got, is_child;

	wait_for_child(i)
}

inline pass_on()
{
	atomic {			/* forget_children() */
		readers == 0;
		parent = 0;
#ifndef NO_TELL_REAPER
		if
		:: leader == ZOMBIE && !has_thread -> wake_parent()
		:: else
		fi
#endif
	}
}

/* Process 1 waits with two threads, or has died without. */
active proctype process_1()
{
	if
	:: run waiter(1); run waiter(2)
	:: pass_on()
	fi
}

/* The reaper has children of its own: it waits on until it has collected this
 * one, or for ever where process 1 has done so. */
active proctype process_0()
{
	byte me = 0;
	bool got, is_child;

	do
	:: true ->
		asleep[0] = true;
		look();
		if
		:: got -> break
		:: else
		fi;
end:		!asleep[0]
	od
}

/* When nothing moves any more, somebody has the child. */
active proctype end_of_all()
{
	timeout;
	assert(collected == 1)
}
