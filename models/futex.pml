/*
 * futex - two tasks wait on a condition and are moved to a lock with priority
 * inheritance, whose owner unlocks or dies, while they may give up.
 *
 * Models: futex_lock_waiter(), futex_take_off() of kernel/task/futex.c;
 *	try_word(), join_state(), make_state(), state_add(), state_remove(),
 *	state_grant(), state_orphan(), adopt_locked(), give_up(), pi_wait(),
 *	unlock_once(), hand_over(), requeue_one(), requeue_locked(),
 *	orphan_one(), futex_pi_exit_end() of kernel/task/futex_pi.c.
 * Holds: one task at a time has the lock, and the word names it; who was
 *	moved gets it or gives up, and nobody sleeps for ever; what was lent
 *	is given back.
 * Broken by: NO_BUCKET_LOOK EARLY_WAKE NO_PASS_ON NO_REMOVE_PASS
 *	NO_WAITERS_BIT NO_EXIT_LOOK NO_LEND_BACK
 *
 * Tasks 1 and 2 wait, task 3 has the lock, a fourth moves the waiters one by
 * one.  Bucket 1 is the condition's, bucket 2 the lock's.  What happens with
 * graph_lock held is an atomic step; the bucket locks are real.
 */
#include "locks.inc"

#define OWNER	3

byte word = OWNER;		/* the lock's: a tid */
bool waiters_bit, died_bit;
byte holder = OWNER;		/* who believes to have the lock */

byte bucket[4];			/* of a waiter; 0: taken off */
bool asleep[4], orphaned[4], hopeless[4], lent[4];
bool b_lock[3];

byte first, second;		/* the state's waiters; none: no state */
byte owner;			/* of the state; 0: it died */
bool exiting, dead;		/* task 3 */

inline lend_to(t)
{
	if
	:: t != 0 -> lent[t] = (t == owner && first != 0)
	:: else
	fi
}

/* By priority, which may be any. */
inline insert(i)
{
	if
	:: first == 0 -> first = i
	:: first != 0 -> second = i
	:: first != 0 -> second = first; first = i
	fi
}

inline unlink_(i)
{
	if
	:: first == i -> first = second
	:: else
	fi;
	second = 0
}

inline state_orphan()
{
	orphaned[first] = true;
	asleep[first] = false
}

inline state_grant(i)
{
	old = owner;
	unlink_(i);
	owner = (first != 0 -> i : 0);
#ifndef NO_LEND_BACK
	lend_to(old);
#endif
	lend_to(i)
}

/* With both bucket locks. */
inline move(i)
{
	bucket[i] = 2;
	insert(i);
	orphaned[i] = (owner == 0);
	lend_to(owner)
}

inline hand_word(i)
{
	word = i;
#ifdef NO_WAITERS_BIT
	waiters_bit = false
#else
	waiters_bit = (second != 0)
#endif
}

inline lock_waiter(i)
{
	do
	:: b = bucket[i];
	   if
	   :: b == 0 -> break
	   :: else
	   fi;
	   lock(b_lock[b]);
#ifdef NO_BUCKET_LOOK
	   break;
#else
	   if
	   :: bucket[i] == b -> break
	   :: else
	   fi;
#endif
	   unlock(b_lock[b])
	od
}

/* `stays`: it has given up. */
inline give_up(i)
{
	lock_waiter(i);
	if
	:: b != 0 ->
		atomic {
			if
			:: first == i || second == i ->
				unlink_(i);
#ifndef NO_REMOVE_PASS
				if
				:: owner == 0 && first != 0 -> state_orphan()
				:: else
				fi;
#endif
				lend_to(owner);
				if
				:: first == 0 -> owner = 0
				:: else
				fi
			:: else
			fi;
			bucket[i] = 0
		};
		unlock(b_lock[b]);
		gave_up = true
	:: else
	fi
}

inline adopt(i)
{
	lock_waiter(i);
	if
	:: b != 0 ->
		atomic {
			if
			:: owner != 0 || first != i ->
				orphaned[i] = false;
#ifndef NO_PASS_ON
				if
				:: owner == 0 && first != 0 -> state_orphan()
				:: else
				fi
#endif
			:: else ->
				hand_word(i);
				state_grant(i);
				bucket[i] = 0
			fi
		};
		unlock(b_lock[b])
	:: else
	fi
}

/* User code drops a lock that nobody waits for; else futex_unlock_pi(). */
inline drop(t)
{
	atomic { assert(holder == t && word == t); holder = 0 };
	if
	:: atomic { !waiters_bit -> word = 0 }
	:: waiters_bit ->
		lock(b_lock[2]);
		next = 0;
		atomic {
			if
			:: first != 0 ->
				assert(owner == t);
				next = first;
				hand_word(next);
				state_grant(next)
			:: else -> word = 0; waiters_bit = false
			fi
		};
#ifdef EARLY_WAKE
		asleep[next] = false;
		bucket[next] = 0;
#else
		bucket[next] = 0;
#endif
		unlock(b_lock[2]);
#ifndef EARLY_WAKE
		asleep[next] = false
#endif
	fi;
	assert(!lent[t])
}

proctype waiter(byte i)
{
	byte b, old, next;
	bool gave_up, has_deadline, in_time = true;

	if
	:: has_deadline = true
	:: has_deadline = false
	fi;
	do
	:: asleep[i] = true;
	   if
	   :: bucket[i] == 0 -> break
	   :: else
	   fi;
	   if
	   :: orphaned[i] -> adopt(i)
	   :: else ->
		if
		:: !in_time -> give_up(i); break
		:: else
		fi;
		if
		:: !asleep[i]
		:: hopeless[i] -> in_time = false
		:: has_deadline -> in_time = false
		fi
	   fi
	od;
	asleep[i] = false;
	if
	:: !gave_up ->
		atomic { assert(holder == 0); holder = i };
		drop(i)
	:: else
	fi
}

/* Unlocks, or dies with it. */
active proctype the_owner()
{
	byte old, next;

	if
	:: drop(OWNER)
	:: exiting = true;		/* futex_pi_exit_begin() */
	   atomic {
		holder = 0;
		if
		:: word = 0; died_bit = true	/* its robust list */
		:: true				/* it had none */
		fi
	   };
	   atomic {			/* futex_pi_exit_end(), pi_lock */
		exiting = false;
		dead = true
	   };
	   atomic {			/* orphan_one() */
		if
		:: owner == OWNER && first != 0 ->
			owner = 0;
			state_orphan()
		:: else
		fi;
		lent[OWNER] = false
	   }
	fi
}

inline requeue(i)
{
	do
	:: lock(b_lock[1]);
	   lock(b_lock[2]);
	   is_done = true;
	   wake = false;
	   atomic {
		if
		:: bucket[i] != 1	/* it is not there any more */
		:: bucket[i] == 1 && first != 0 ->	/* join_state() */
			if
			:: (word != 0 || !died_bit) && word != owner ->
				hopeless[i] = true
			:: else -> move(i)
			fi
		:: bucket[i] == 1 && first == 0 && word == 0 ->
			word = i;
			waiters_bit = true;
			bucket[i] = 0;
			wake = true
		:: else ->				/* make_state() */
			waiters_bit = true;
			if
#ifndef NO_EXIT_LOOK
			:: word == OWNER && exiting -> is_done = false
			:: word == OWNER && dead -> hopeless[i] = true
#endif
			:: else -> owner = word; move(i)
			fi
		fi
	   };
	   unlock(b_lock[2]);
	   unlock(b_lock[1]);
	   if
	   :: wake -> asleep[i] = false
	   :: else
	   fi;
	   if
	   :: is_done -> break
	   :: else
	   fi
	od
}

active proctype mover()
{
	bool is_done, wake;

	atomic {
		bucket[1] = 1;
		bucket[2] = 1;
		run waiter(1);
		run waiter(2)
	};
	requeue(1);
	requeue(2)
}

active proctype end_of_all()
{
	timeout;
	assert(holder == 0 && first == 0);
	assert(word == 0 || (word == OWNER && dead));
	assert(!lent[1] && !lent[2] && !lent[3])
}
