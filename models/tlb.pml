/*
 * tlb - pages leave an address space that another hart may have loaded.
 *
 * Models: mm_flush(), behind(), flush_others(), flush_self(), enter(),
 *	leave(), switch_mm() of mm/tlb.c.
 * Holds: no hart uses a translation to a page after the flush that took it
 *	away has returned.
 * Broken by: NO_FLUSHER_FENCE NO_SWITCHER_FENCE NO_LOOK_AT_GEN LATE_GEN
 *	NO_IPI_WAIT
 *
 * Hart 0 unmaps a page twice (versions 1 and 2 of it) and frees it after each
 * flush.  Hart 1 switches between a task of the address space and a kernel
 * task, which leaves the table loaded but the hart out of `active`.  Its TLB
 * may be filled from the table at any time, as hardware may.
 */
#include "locks.inc"

#ifdef NO_FLUSHER_FENCE
#define FLUSHER UNFENCED
#else
#define FLUSHER FENCED
#endif
#ifdef NO_SWITCHER_FENCE
#define SWITCHER UNFENCED
#else
#define SWITCHER FENCED
#endif

byte pte = 1;			/* the version mapped; 0: none */
byte tlb;			/* the version that hart 1 has cached */
byte freed;			/* versions up to this one are gone */
byte last_gen, mm_gen, done;	/* done: of hart 1 */
bool in_use;			/* hart 1's bit in mm.active */
bool ipi;			/* under way to hart 1 */
bool is_over;

/* tlb_flush_local() between reading and raising: flush_self(). */
inline flush_self()
{
#ifdef LATE_GEN
	tlb = 0;
	gen = last_gen;
#else
	gen = last_gen;
	tlb = 0;
#endif
	atomic { done = (gen > done -> gen : done) }
}

active proctype walker()
{
end:	do
	:: atomic { pte && !tlb -> tlb = pte }
	:: is_over -> break
	od
}

active proctype flusher()
{
	byte version = 1, gen;
	bool is_there;

	do
	:: version <= 2 ->
		pte = 0;
		last_gen++;
		gen = last_gen;
		FLUSHER(mm_gen = gen, is_there = in_use);
		if
		:: is_there && done < gen ->
			ipi = true;
#ifndef NO_IPI_WAIT
			!ipi;
			atomic { done = (gen > done -> gen : done) }
#endif
		:: else
		fi;
		freed = version;
		version++;
		if
		:: version <= 2 -> pte = version
		:: else
		fi
	:: else -> break
	od;
	is_over = true
}

/* The interrupt: a plain flush. */
active proctype interrupt()
{
end:	do
	:: atomic { ipi -> tlb = 0; ipi = false }
	:: is_over && !ipi -> break
	od
}

active proctype switcher()
{
	byte gen, turns = 0;

	do
	:: turns < 3 ->
		turns++;
		/* enter(): the table is loaded since before */
		SWITCHER(in_use = true, gen = mm_gen);
#ifndef NO_LOOK_AT_GEN
		if
		:: gen > done -> flush_self()
		:: else
		fi;
#endif
		/* user code: an access, if it is mapped */
		atomic {
			if
			:: tlb -> assert(tlb > freed)
			:: else
			fi
		};
		/* leave() */
		in_use = false
	:: else -> break
	od
}
