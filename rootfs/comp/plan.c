/*
 * plan - what the file `plan` says: the order of the groups, limits, lists.
 *
 * Theory:  a line is a kind and its words.  `group NAME SECONDS` and its kin
 *          are rows, and stand in a table in their order; of any other kind
 *          the words are looked at where they are.  The file is read once,
 *          before the root may change, and cut into strings in place.
 */
#include "comp_impl.h"

#define PLAN "/etc/comp/plan"
#define WORDS 2048

static char text[32768];
static struct {
	const char *kind, *word;
} words[WORDS];
static size_t words_used;
static struct comp_row rows[64];
static size_t rows_used;

static int is_row_kind(const char *kind)
{
	return str_eq(kind, "group") || str_eq(kind, "flat") ||
	       str_eq(kind, "split");
}

/* The next word of the line, ended by a zero; NULL at the line's end. */
static char *next_word(char **p, int *is_last)
{
	char *word;

	while (**p == ' ' || **p == '\t')
		++*p;
	if (!**p || **p == '\n' || **p == '#')
		return NULL;
	word = *p;
	while (**p && **p != ' ' && **p != '\t' && **p != '\n')
		++*p;
	*is_last = **p != ' ' && **p != '\t';
	if (**p)
		*(*p)++ = 0;
	return word;
}

static void line_read(char **p)
{
	int is_last = 0;
	const char *word, *kind = next_word(p, &is_last);

	while (kind && !is_last && (word = next_word(p, &is_last))) {
		if (words_used == WORDS)
			return;
		words[words_used].kind = kind;
		words[words_used++].word = word;
	}
	if (is_last)
		return;
	while (**p && **p != '\n')
		++*p;
	if (**p)
		++*p;
}

void comp_plan_read(void)
{
	char *p = text;
	size_t i;

	file_read(PLAN, text, sizeof(text));
	while (*p)
		line_read(&p);
	for (i = 0; i + 1 < words_used; i++)
		if (is_row_kind(words[i].kind) && rows_used < ARRAY_SIZE(rows)) {
			struct comp_row *row = &rows[rows_used++];

			row->kind = words[i].kind;
			row->name = words[i].word;
			row->limit_ms = (long)str_number(words[++i].word) *
					1000;
		}
}

const struct comp_row *comp_plan_row(size_t i)
{
	return i < rows_used ? &rows[i] : NULL;
}

int comp_plan_names(const char *group)
{
	for (size_t i = 0; i < rows_used; i++)
		if (str_eq(rows[i].name, group))
			return 1;
	return 0;
}

long comp_plan_value(const char *kind)
{
	for (size_t i = 0; i < words_used; i++)
		if (str_eq(words[i].kind, kind))
			return (long)str_number(words[i].word);
	return 0;
}

/* `*` stands for any text. */
static int matches(const char *pattern, const char *s)
{
	for (; *pattern; pattern++, s++) {
		if (*pattern == '*') {
			while (!matches(pattern + 1, s))
				if (!*s++)
					return 0;
			return 1;
		}
		if (*pattern != *s)
			return 0;
	}
	return !*s;
}

int comp_plan_match(const char *kind, const char *name)
{
	for (size_t i = 0; i < words_used; i++)
		if (str_eq(words[i].kind, kind) && matches(words[i].word, name))
			return 1;
	return 0;
}

void comp_plan_words(const char *kind, void (*fn)(const char *word))
{
	for (size_t i = 0; i < words_used; i++)
		if (str_eq(words[i].kind, kind))
			fn(words[i].word);
}
