/*
 * params - the kernel command line.
 *
 * Theory:  each word goes to the PARAM handlers of its name; a word that has
 *          none is for init: an argument, or with `=` a variable of its
 *          environment, but for names with a dot, which mean modules of
 *          Linux.  All words after `--` are arguments of init.  The words are
 *          cut in place in a copy that stays.
 * Life:    parsed once, before anything else; const afterwards.
 */
#include "init_impl.h"

#include <kernel/print.h>
#include <lib/parse.h>
#include <lib/string.h>

#define MAX_EXTRA 32

char saved_command_line[2048];
static char words[sizeof(saved_command_line)];
const char *init_argv_extra[MAX_EXTRA + 1];
const char *init_envp_extra[MAX_EXTRA + 1];
static u32 nr_argv, nr_envp;

static bool call_handlers(const char *key, const char *value)
{
	const struct param_entry *p;
	bool found = false;

	for (p = __param_table_start; p < __param_table_end; p++) {
		if (!param_name_equal(p->name, key))
			continue;
		p->fn(value ? value : "");
		found = true;
	}
	return found;
}

static void add_argument(const char *word)
{
	if (nr_argv < MAX_EXTRA)
		init_argv_extra[nr_argv++] = word;
}

/* key and value lie behind each other in the copy; the cut is healed. */
static void add_variable(char *key, char *value)
{
	size_t n = strlen(key);

	if (nr_envp >= MAX_EXTRA)
		return;
	if (value != key + n + 1)	/* a quote stood between */
		memmove(key + n + 1, value, strlen(value) + 1);
	key[n] = '=';
	init_envp_extra[nr_envp++] = key;
}

void params_parse(const char *cmdline)
{
	char *pos = words, *key, *value;
	bool only_init = false;

	strscpy(saved_command_line, cmdline ? cmdline : "",
		sizeof(saved_command_line));
	strscpy(words, saved_command_line, sizeof(words));
	while (cmdline_next(&pos, &key, &value) > 0) {
		if (!only_init && !value && str_equal(key, "--")) {
			only_init = true;
			continue;
		}
		if (!only_init && (call_handlers(key, value) ||
				   strchr(key, '.')))
			continue;
		if (value && !only_init)
			add_variable(key, value);
		else
			add_argument(key);
	}
}
