/*
 * memory - address spaces that change under threads on all harts.
 *
 * Theory:  a hart that keeps a stale translation reads a frame that is
 *          somebody else's, or writes where it may not.  So threads on all
 *          harts read and write pages that another one unmaps, replaces,
 *          protects, discards or shares with a child, and each access must
 *          either fault or agree with what the changer has published:
 *            replaced   what is read is never older than what was published
 *                       before the read began;
 *            protected  a store that began after mprotect() returned, and
 *                       ended before the next one began, must have faulted;
 *            forked     the child's copy does not change.
 *          A faulting access is skipped by the handler, which steps over the
 *          instruction and leaves a mark in a register.
 */
#include "stress.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096
#define FAULTED (~0ul)

static atomic_int stop;
static double deadline;		/* a busy host gives fewer rounds */

static int more(unsigned long i, unsigned long rounds)
{
	return i < rounds * (unsigned)storm_scale && now() < deadline;
}

/* Four-byte instructions, with the result in a0: see on_fault(). */
static unsigned long load_word(unsigned long *p)
{
	register unsigned long a0 __asm__("a0") = 0;

	__asm__ volatile(".option push; .option norvc; ld a0, 0(%1);"
			 ".option pop"
			 : "+r"(a0)
			 : "r"(p)
			 : "memory");
	return a0;
}

static unsigned long store_word(unsigned long *p, unsigned long v)
{
	register unsigned long a0 __asm__("a0") = 0;

	__asm__ volatile(".option push; .option norvc; sd %2, 0(%1);"
			 ".option pop"
			 : "+r"(a0)
			 : "r"(p), "r"(v)
			 : "memory");
	return a0;
}

static void on_fault(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *c = arg;

	(void)sig;
	if (si->si_code != SEGV_MAPERR && si->si_code != SEGV_ACCERR)
		_exit(9);
	c->uc_mcontext.__gregs[0] += 4;
	c->uc_mcontext.__gregs[10] = FAULTED;
}

static void catch_faults(void)
{
	struct sigaction a = { .sa_sigaction = on_fault,
			       .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGSEGV, &a, NULL) == 0);
}

static void *map_at(void *at, size_t size)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1,
		       0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int start_threads(pthread_t *t, void *(*fn)(void *), void *arg)
{
	int n = storm_harts < 2 ? 2 : storm_harts;

	stop = 0;
	deadline = now() + storm_scale;
	for (int i = 0; i < n; i++)
		t[i] = must_thread(fn, arg);
	return n;
}

static void stop_threads(pthread_t *t, int n)
{
	void *bad;

	stop = 1;
	for (int i = 0; i < n; i++) {
		CHECK(pthread_join(t[i], &bad) == 0);
		if (bad)
			FAIL("a stale translation was used: %s", (char *)bad);
	}
}

/* --- pages that are replaced -------------------------------------------------------*/

#define TAG 0x5a5a000000000000ul

static atomic_ulong published;

static void *read_replaced(void *arg)
{
	unsigned long *page = arg, before, got;

	while (!stop) {
		before = published;
		got = load_word(page);
		if (got == FAULTED || got == 0)
			continue;	/* unmapped, or not written yet */
		if ((got & ~0xfffffffful) != TAG)
			return "a page of somebody else";
		if ((got & 0xffffffff) < before)
			return "an old page";
	}
	return NULL;
}

/* How the changer makes the old frame go. */
static void replace(unsigned long *page, int how)
{
	if (how == 0) {
		CHECK(munmap(page, PAGE) == 0);
		map_at(page, PAGE);
	} else if (how == 1) {
		map_at(page, PAGE);
	} else if (how == 2) {
		CHECK(madvise(page, PAGE, MADV_DONTNEED) == 0);
	} else {
		unsigned long *other = map_at(NULL, PAGE);

		CHECK(mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     page) == page);
	}
}

static void replaced(void)
{
	unsigned long *page = map_at(NULL, PAGE);
	pthread_t t[64];
	int n;

	published = 0;
	n = start_threads(t, read_replaced, page);
	for (unsigned long i = 1; more(i, 2000); i++) {
		replace(page, i % 4);
		store_word(page, TAG | i);
		published = i;
		if (i % 16 == 0)
			sleep_us(rnd(50));
	}
	stop_threads(t, n);
	munmap(page, PAGE);
}

/* --- pages that are protected -----------------------------------------------------*/

static atomic_ulong epoch;	/* odd: nobody may write */

static void *write_protected(void *arg)
{
	unsigned long *page = arg, before, got;

	while (!stop) {
		before = epoch;
		got = store_word(page, before);
		if ((before & 1) && epoch == before && got != FAULTED)
			return "a store to a protected page";
	}
	return NULL;
}

static void protected(void)
{
	unsigned long *page = map_at(NULL, PAGE);
	pthread_t t[64];
	int n;

	epoch = 0;
	n = start_threads(t, write_protected, page);
	for (unsigned i = 0; more(i, 1000); i++) {
		CHECK(!mprotect(page, PAGE, i & 1 ? PROT_NONE : PROT_READ));
		epoch++;
		sleep_us(rnd(30));
		epoch++;
		CHECK(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
		if (i % 16 == 0)
			sleep_us(rnd(50));
	}
	stop_threads(t, n);
	munmap(page, PAGE);
}

/* --- pages that are shared with a child ----------------------------------------------*/

#define FORKED_PAGES 16

static void *write_forked(void *arg)
{
	unsigned long *page = arg;

	for (unsigned long v = 1; !stop; v++)
		for (int i = 0; i < FORKED_PAGES; i++)
			*(volatile unsigned long *)(page + i * 512) = v;
	return NULL;
}

static void look_twice(unsigned long *page)
{
	unsigned long seen[FORKED_PAGES];

	for (int i = 0; i < FORKED_PAGES; i++)
		seen[i] = *(volatile unsigned long *)(page + i * 512);
	sleep_us(rnd(300));
	for (int i = 0; i < FORKED_PAGES; i++)
		if (*(volatile unsigned long *)(page + i * 512) != seen[i])
			_exit(1);
	_exit(0);
}

static void forked(void)
{
	unsigned long *page = map_at(NULL, FORKED_PAGES * PAGE);
	pthread_t t[64];
	pid_t pid;
	int n;

	n = start_threads(t, write_forked, page);
	for (unsigned i = 0; more(i, 60); i++) {
		pid = must_fork();
		if (!pid)
			look_twice(page);
		must_end(pid, 0);
	}
	stop_threads(t, n);
	munmap(page, FORKED_PAGES * PAGE);
}

static void tlb(void)
{
	catch_faults();
	replaced();
	protected();
	forked();
}

/* --- many areas, many faults, all at once ----------------------------------------------*/

static void *churn(void *arg)
{
	size_t n = 32 * PAGE;

	(void)arg;
	for (int i = 0; i < 60 * storm_scale; i++) {
		char *p = map_at(NULL, n);

		for (size_t at = 0; at < n; at += PAGE)
			p[at] = (char)(at / PAGE + 1);
		mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ);
		munmap(p + 16 * PAGE, 4 * PAGE);
		for (size_t at = 0; at < 16 * PAGE; at += PAGE)
			if (p[at] != (char)(at / PAGE + 1))
				return "a page lost its content";
		munmap(p, n);
	}
	return NULL;
}

static void map_storm(void)
{
	pthread_t t[64];
	int n = start_threads(t, churn, NULL);

	stop_threads(t, n);
}

const struct storm memory_storms[] = {
	{ "tlb", tlb },
	{ "map-storm", map_storm },
	{ NULL, NULL },
};
