/*
 * audit - what the kernel says it holds, object by object.
 *
 * Theory:  /proc/slabinfo of Hartwood counts objects in use exactly, those in
 *          the harts' magazines not among them; Linux's calls whole slabs used
 *          that lie on a hart, so it is not asked.  A debug kernel has
 *          /proc/allocinfo, which knows for every object and every frame the
 *          function that took it: that also tells apart what kmalloc gives.
 */
#include "stress.h"
#include "audit.h"

#include <sys/utsname.h>

/* There is one for each cache and hart, made when it is first used. */
static int may_grow(const char *name)
{
	return !strcmp(name, "magazine");
}

static struct count *count_of(struct audit *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (!strcmp(a->counts[i].name, name))
			return &a->counts[i];
	if (a->n == MAX_COUNTS)
		return NULL;
	snprintf(a->counts[a->n].name, sizeof(a->counts[0].name), "%s", name);
	return &a->counts[a->n++];
}

static void add(struct audit *a, const char *name, long n)
{
	struct count *c = count_of(a, name);

	if (c)
		c->held += n;
}

static int is_exact(void)
{
	struct utsname u;

	return !uname(&u) && strstr(u.release, "hartwood");
}

void audit_take(struct audit *a)
{
	char line[400], name[100];
	long n;
	FILE *f;

	memset(a, 0, sizeof(*a));
	f = is_exact() ? fopen("/proc/slabinfo", "re") : NULL;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%99s %ld", name, &n) == 2)
			add(a, name, n);
	if (f)
		fclose(f);
	f = is_exact() ? fopen("/proc/allocinfo", "re") : NULL;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %ld %*s %99s", &n, name) == 2)
			add(a, name, n);
	if (f)
		fclose(f);
}

static long held(const struct audit *a, const char *name)
{
	for (int i = 0; i < a->n; i++)
		if (!strcmp(a->counts[i].name, name))
			return a->counts[i].held;
	return 0;
}

int audit_grown(const struct audit *was, const struct audit *is, long slack,
		int tell)
{
	int grown = 0;

	for (int i = 0; i < is->n; i++) {
		const struct count *c = &is->counts[i];
		long before = held(was, c->name);

		if (c->held <= before + slack || may_grow(c->name))
			continue;
		grown++;
		if (tell)
			printf("# %s: %ld before, %ld after\n", c->name,
			       before, c->held);
	}
	return grown;
}
