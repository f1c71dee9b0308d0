/*
 * events - events/: what can be recorded, switched on and off, and filtered.
 *
 * The key of a system is its first event; an event's is itself.
 */
#include "tracefs_impl.h"

#include <lib/parse.h>
#include <lib/string.h>

static bool same_system(unsigned a, unsigned b)
{
	return str_equal(trace_event_types[a].system,
			 trace_event_types[b].system);
}

static bool is_first(unsigned ev)
{
	for (unsigned i = 0; i < ev; i++)
		if (same_system(i, ev))
			return false;
	return true;
}

/* The key of an "enable" file: all events, a system's, or one. */
#define KEY_ALL (~0ull)
#define KEY_SYSTEM 0x1000ull

static bool covers(u64 key, unsigned ev)
{
	if (ev == TE_PRINT)
		return false;	/* cannot be switched */
	if (key == KEY_ALL)
		return true;
	if (key & KEY_SYSTEM)
		return same_system((unsigned)(key - KEY_SYSTEM), ev);
	return key == ev;
}

/* --- enable -----------------------------------------------------------------*/

static int enable_show(struct seq *s, u64 key)
{
	bool some_on = false, some_off = false;

	for (unsigned i = 0; i < NR_TRACE_EVENTS; i++) {
		if (!covers(key, i))
			continue;
		some_on |= trace_event_is_on((enum trace_event)i);
		some_off |= !trace_event_is_on((enum trace_event)i);
	}
	seq_puts(s, some_on && some_off ? "X\n" : some_on ? "1\n" : "0\n");
	return 0;
}

static int enable_locked(u64 key, bool on)
{
	int err = on ? trace_buffers_get() : 0;

	if (err)
		return err;
	for (unsigned i = 0; i < NR_TRACE_EVENTS; i++)
		if (covers(key, i))
			trace_event_enable((enum trace_event)i, on);
	return 0;
}

static int enable_write(char *text, size_t len, u64 key)
{
	bool on;
	int err = str_to_bool(text, &on);

	if (err)
		return err;
	mutex_lock(&tracefs_lock);
	err = enable_locked(key, on);
	mutex_unlock(&tracefs_lock);
	return err;
}

static const struct trace_type enable_file = {
	.mode = S_IFREG | 0640, .show = enable_show, .write = enable_write,
};

/* --- set_event --------------------------------------------------------------*/

static bool word_is(const char *name, const char *word, size_t n)
{
	if (!n || (n == 1 && *word == '*'))
		return true;
	return strlen(name) == n && !memcmp(name, word, n);
}

/* SYSTEM:EVENT, SYSTEM:, EVENT or SYSTEM, each part also "*". */
static bool is_chosen(unsigned ev, const char *word)
{
	const struct trace_event_type *t = &trace_event_types[ev];
	const char *colon = strchr(word, ':');
	size_t n = strlen(word);

	if (ev == TE_PRINT)
		return false;
	if (colon)
		return word_is(t->system, word, (size_t)(colon - word)) &&
		       word_is(t->name, colon + 1, strlen(colon + 1));
	return word_is(t->system, word, n) || word_is(t->name, word, n);
}

static int choose_locked(const char *word)
{
	bool on = *word != '!', found = false;

	word += !on;
	for (unsigned i = 0; i < NR_TRACE_EVENTS; i++) {
		if (!is_chosen(i, word))
			continue;
		found = true;
		trace_event_enable((enum trace_event)i, on);
	}
	return found ? 0 : -EINVAL;
}

static int set_event_write(char *text, size_t len, u64 key)
{
	char *word;
	int err;

	mutex_lock(&tracefs_lock);
	err = trace_buffers_get();
	while (!err && (word = strsep(&text, " \t\n")))
		if (*word)
			err = choose_locked(word);
	mutex_unlock(&tracefs_lock);
	return err;
}

static void set_event_truncate(u64 key)
{
	mutex_lock(&tracefs_lock);
	ignore_error(enable_locked(KEY_ALL, false));	/* off cannot fail */
	mutex_unlock(&tracefs_lock);
}

static void list(struct seq *s, bool only_on)
{
	for (unsigned i = 0; i < NR_TRACE_EVENTS; i++)
		if (covers(KEY_ALL, i) &&
		    (!only_on || trace_event_is_on((enum trace_event)i)))
			seq_printf(s, "%s:%s\n", trace_event_types[i].system,
				   trace_event_types[i].name);
}

static int set_event_show(struct seq *s, u64 key)
{
	list(s, true);
	return 0;
}

static int available_show(struct seq *s, u64 key)
{
	list(s, false);
	return 0;
}

const struct trace_type trace_set_event_file = {
	.mode = S_IFREG | 0640, .show = set_event_show,
	.write = set_event_write, .truncate = set_event_truncate,
};
const struct trace_type trace_available_file = {
	.mode = S_IFREG | 0440, .show = available_show,
};

/* --- id, format, filter -----------------------------------------------------*/

static int id_show(struct seq *s, u64 key)
{
	seq_printf(s, "%u\n", trace_event_id((enum trace_event)key));
	return 0;
}

static int format_show(struct seq *s, u64 key)
{
	const struct trace_event_type *t = &trace_event_types[key];

	seq_printf(s, "name: %s\nID: %u\nformat:\n", t->name,
		   trace_event_id((enum trace_event)key));
	seq_puts(s, "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n");
	for (u32 i = 0; i < t->nr_fields; i++)
		seq_printf(s, "\tfield:%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n",
			   t->fields[i].decl, t->fields[i].off,
			   t->fields[i].size, t->fields[i].is_signed);
	seq_printf(s, "\nprint fmt: %s\n", t->print_fmt);
	return 0;
}

static int filter_show(struct seq *s, u64 key)
{
	const struct trace_filter *f = &trace_filters[key];

	mutex_lock(&tracefs_lock);
	seq_printf(s, "%s\n", f->nr ? f->text : "none");
	mutex_unlock(&tracefs_lock);
	return 0;
}

static int filter_write(char *text, size_t len, u64 key)
{
	int err;

	mutex_lock(&tracefs_lock);
	err = trace_filter_set((enum trace_event)key, str_trim(text));
	mutex_unlock(&tracefs_lock);
	return err;
}

/* Of a system: for those of its events that have the fields. */
static int filters_show(struct seq *s, u64 key)
{
	seq_puts(s, "### global filter ###\n"
		    "# Use this to set filters for multiple events.\n"
		    "# Only events with the given fields will be affected.\n");
	return 0;
}

static int filters_write(char *text, size_t len, u64 key)
{
	int err = -EINVAL;

	text = str_trim(text);
	mutex_lock(&tracefs_lock);
	for (unsigned i = 0; i < NR_TRACE_EVENTS; i++)
		if (covers(key, i) &&
		    !trace_filter_set((enum trace_event)i, text))
			err = 0;
	mutex_unlock(&tracefs_lock);
	return err;
}

static const struct trace_type filters_file = {
	.mode = S_IFREG | 0640, .show = filters_show, .write = filters_write,
};
static const struct trace_type id_file = {
	.mode = S_IFREG | 0440, .show = id_show,
};
static const struct trace_type format_file = {
	.mode = S_IFREG | 0440, .show = format_show,
};
static const struct trace_type filter_file = {
	.mode = S_IFREG | 0640, .show = filter_show, .write = filter_write,
};

/* --- directories ------------------------------------------------------------*/

static bool event_child(u64 key, unsigned i, struct trace_child *out)
{
	if (key == TE_PRINT)
		i += 2;
	switch (i) {
	case 0:
		return trace_child_is(out, "enable", &enable_file, key);
	case 1:
		return trace_child_is(out, "filter", &filter_file, key);
	case 2:
		return trace_child_is(out, "format", &format_file, key);
	case 3:
		return trace_child_is(out, "id", &id_file, key);
	}
	return false;
}

static const struct trace_type event_dir = {
	.mode = S_IFDIR | 0750, .child = event_child,
};

static bool system_child(u64 key, unsigned i, struct trace_child *out)
{
	if (i < 2 && key != TE_PRINT)
		return trace_child_is(out, i ? "filter" : "enable",
				      i ? &filters_file : &enable_file,
				      key | KEY_SYSTEM);
	i -= key != TE_PRINT ? 2 : 0;
	for (unsigned ev = (unsigned)key; ev < NR_TRACE_EVENTS; ev++)
		if (same_system((unsigned)key, ev) && !i--)
			return trace_child_is(out, trace_event_types[ev].name,
					      &event_dir, ev);
	return false;
}

static const struct trace_type system_dir = {
	.mode = S_IFDIR | 0750, .child = system_child,
};

static int header_page_show(struct seq *s, u64 key)
{
	seq_puts(s, "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
		    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
		    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n");
	return 0;
}

static int header_event_show(struct seq *s, u64 key)
{
	seq_puts(s, "# compressed entry header\n"
		    "\ttype_len    :    5 bits\n"
		    "\ttime_delta  :   27 bits\n"
		    "\tarray       :   32 bits\n\n"
		    "\tpadding     : type == 29\n"
		    "\ttime_extend : type == 30\n"
		    "\ttime_stamp : type == 31\n"
		    "\tdata max type_len  == 28\n");
	return 0;
}

static const struct trace_type header_page_file = {
	.mode = S_IFREG | 0440, .show = header_page_show,
};
static const struct trace_type header_event_file = {
	.mode = S_IFREG | 0440, .show = header_event_show,
};

static bool events_child(u64 key, unsigned i, struct trace_child *out)
{
	switch (i) {
	case 0:
		return trace_child_is(out, "enable", &enable_file, KEY_ALL);
	case 1:
		return trace_child_is(out, "header_event", &header_event_file,
				      0);
	case 2:
		return trace_child_is(out, "header_page", &header_page_file,
				      0);
	}
	i -= 3;
	for (unsigned ev = 0; ev < NR_TRACE_EVENTS; ev++)
		if (is_first(ev) && !i--)
			return trace_child_is(out,
					      trace_event_types[ev].system,
					      &system_dir, ev);
	return false;
}

const struct trace_type trace_events_dir = {
	.mode = S_IFDIR | 0750, .child = events_child,
};
