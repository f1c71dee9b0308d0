/*
 * script - programs that begin with #!: the line names the interpreter and
 * one argument, which come before the script's name in argv.
 */
#include "exec_impl.h"

#include <lib/ctype.h>
#include <lib/string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The line in b->buf, cut into interpreter and argument (or NULL). A line
 * that is cut off inside the interpreter's name is no line. */
static int parse_line(char *buf, size_t size, char **interp, char **arg)
{
	char *end = memchr(buf, '\n', size), *p;
	bool is_cut = !end;

	if (is_cut)
		end = buf + size - 1;
	*end = '\0';
	for (p = buf + 2; is_blank(*p); p++)
		;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && !is_blank(*p))
		p++;
	if (!*p && is_cut)
		return -ENOEXEC;
	*arg = NULL;
	if (!*p)
		return 0;
	*p++ = '\0';
	while (is_blank(*p))
		p++;
	if (*p)
		*arg = p;
	for (p = end; p > *interp && (is_blank(p[-1]) || !p[-1]); p--)
		p[-1] = '\0';
	return 0;
}

int script_load(struct binprm *b)
{
	char *interp, *arg, *copy;
	struct file *f;
	int err;

	if (b->buf[0] != '#' || b->buf[1] != '!')
		return -ENOEXEC;
	err = parse_line(b->buf, sizeof(b->buf), &interp, &arg);
	if (err)
		return err;
	err = args_drop_first(b);
	if (!err)
		err = args_push_front(b, b->interp ? b->interp : b->filename);
	if (!err && arg)
		err = args_push_front(b, arg);
	if (!err)
		err = args_push_front(b, interp);
	if (err)
		return err;
	copy = kstrdup(interp, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	kfree(b->interp);
	b->interp = copy;
	err = exec_open(AT_FDCWD, interp, 0, &f);
	if (err)
		return err;
	exec_close(b->file);
	b->file = f;
	return 0;
}
