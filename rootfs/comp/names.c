/*
 * names - the names in a folder, sorted, so that a run's order does not hang on
 * the order in which a file system lists them.  There is one list at a time.
 */
#include "comp_impl.h"

#define NAMES 4096

static char text[NAMES * 20];
static const char *names[NAMES];
static size_t text_used, names_used;
static int (*is_wanted)(const char *name);

static void add_name(const char *name, __attribute__((unused)) void *arg)
{
	size_t n = str_len(name) + 1;

	if (names_used == NAMES || text_used + n > sizeof(text) ||
	    !is_wanted(name))
		return;
	names[names_used++] = text + text_used;
	memcpy(text + text_used, name, n);
	text_used += n;
}

static int is_after(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a > (unsigned char)*b;
}

/* Shell's sort: short, and quick enough for a few thousand. */
static void sort_names(void)
{
	size_t gap, i, j;

	for (gap = NAMES / 2; gap; gap /= 2)
		for (i = gap; i < names_used; i++) {
			const char *name = names[i];

			for (j = i; j >= gap && is_after(names[j - gap], name);
			     j -= gap)
				names[j] = names[j - gap];
			names[j] = name;
		}
}

size_t comp_names_read(const char *dir, int (*wanted)(const char *name))
{
	names_used = text_used = 0;
	is_wanted = wanted;
	dir_each(dir, add_name, NULL);
	sort_names();
	return names_used;
}

const char *comp_name(size_t i)
{
	return names[i];
}
