/*
 * ns_maps - what a user or a time namespace is told: /proc/PID/{uid_map,
 * gid_map,projid_map,setgroups,timens_offsets}.
 *
 * Each takes one short write, at the beginning of the file.
 */
#include "proc_impl.h"
#include <lib/ctype.h>
#include <lib/string.h>
#include <task/ns.h>
#include <task/time_ns.h>

static bool is_one_write(const struct task_view *v, size_t len, size_t limit)
{
	return !v->pos && !v->is_cut && len < limit;
}

/* --- user namespaces ----------------------------------------------------*/
static int show_map(struct seq *s, const struct task_view *v, enum id_kind kind)
{
	const struct cred *c = task_cred_get(v->t);

	id_map_show(s, c->user_ns, kind, v->opener->user_ns);
	cred_put(c);
	return 0;
}

static int write_map(const struct task_view *v, char *text, size_t len,
		     enum id_kind kind)
{
	const struct cred *c;
	int err;

	if (!is_one_write(v, len, PAGE_SIZE))
		return -EINVAL;
	c = task_cred_get(v->t);
	err = id_map_write(c->user_ns, kind, text, v->opener);
	cred_put(c);
	return err;
}

int proc_uid_map(struct seq *s, const struct task_view *v)
{
	return show_map(s, v, ID_UID);
}

int proc_uid_map_write(const struct task_view *v, char *text, size_t len)
{
	return write_map(v, text, len, ID_UID);
}

int proc_gid_map(struct seq *s, const struct task_view *v)
{
	return show_map(s, v, ID_GID);
}

int proc_gid_map_write(const struct task_view *v, char *text, size_t len)
{
	return write_map(v, text, len, ID_GID);
}

int proc_projid_map(struct seq *s, const struct task_view *v)
{
	return show_map(s, v, ID_PROJID);
}

int proc_projid_map_write(const struct task_view *v, char *text, size_t len)
{
	return write_map(v, text, len, ID_PROJID);
}

int proc_setgroups(struct seq *s, const struct task_view *v)
{
	const struct cred *c = task_cred_get(v->t);

	seq_puts(s, c->user_ns->denies_setgroups ? "deny\n" : "allow\n");
	cred_put(c);
	return 0;
}

int proc_setgroups_write(const struct task_view *v, char *text, size_t len)
{
	const struct cred *c;
	char *word = str_trim(text);
	bool deny = !strcmp(word, "deny");
	int err;

	if (!is_one_write(v, len, 8) || isspace(*text) ||
	    (!deny && strcmp(word, "allow")))
		return -EINVAL;
	c = task_cred_get(v->t);
	err = user_ns_deny_setgroups(c->user_ns, deny);
	cred_put(c);
	return err;
}

/* --- time namespaces ----------------------------------------------------*/
static const char *const clock_names[TIME_NS_CLOCKS][2] = {
	[TIME_NS_MONOTONIC] = { "monotonic", "1" },
	[TIME_NS_BOOTTIME] = { "boottime", "7" },
};

/* The one that a task's children get, referenced. */
static int time_ns_of(struct task *t, struct time_ns **out)
{
	struct ns_ref r;
	int err = ns_ref_of_task(t, CLONE_NEWTIME, true, &r);

	*out = r.ns;
	return err ? -ESRCH : 0;
}

static s64 floor_div(s64 n, s64 by)
{
	return n / by - (n % by < 0);
}

int proc_timens_offsets(struct seq *s, const struct task_view *v)
{
	struct time_ns *ns;
	int err = time_ns_of(v->t, &ns);

	for (int c = 0; !err && c < TIME_NS_CLOCKS; c++) {
		s64 off = READ_ONCE(ns->offset_ns[c]);
		s64 sec = floor_div(off, NSEC_PER_SEC);

		seq_printf(s, "%-10s %10lld %9lld\n", clock_names[c][0],
			   (long long)sec,
			   (long long)(off - sec * (s64)NSEC_PER_SEC));
	}
	if (!err)
		time_ns_put(ns);
	return err;
}

static int find_clock(const char *name)
{
	for (int c = 0; c < TIME_NS_CLOCKS; c++)
		if (!strcmp(name, clock_names[c][0]) ||
		    !strcmp(name, clock_names[c][1]))
			return c;
	return -1;
}

/* The next word of a line, or NULL. */
static char *next_word(char **p)
{
	char *at = *p, *word;

	while (isspace(*at))
		at++;
	word = at;
	while (*at && !isspace(*at))
		at++;
	if (*at)
		*at++ = 0;
	*p = at;
	return *word ? word : NULL;
}

/* "clock seconds nanoseconds". -EINVAL, -ERANGE. */
static int parse_offset(char *line, unsigned *which, s64 *offset_ns)
{
	char *name = next_word(&line), *sec = next_word(&line);
	char *nsec = next_word(&line);
	bool is_negative;
	u64 s, ns;
	s64 off;
	int c;

	c = name && nsec ? find_clock(name) : -1;
	if (c < 0)
		return -EINVAL;
	is_negative = *sec == '-';
	if (str_to_u64(sec + is_negative, 10, NULL, &s) ||
	    str_to_u64(nsec, 10, NULL, &ns) || ns >= NSEC_PER_SEC)
		return -EINVAL;
	if (s > S64_MAX / NSEC_PER_SEC)
		return -ERANGE;
	off = (s64)(s * NSEC_PER_SEC);
	if (add_overflow(is_negative ? -off : off, (s64)ns, &offset_ns[c]))
		return -ERANGE;
	*which |= 1u << c;
	return 0;
}

static int parse_offsets(char *text, unsigned *which, s64 *offset_ns)
{
	char *next;
	int err = 0, n = 0;

	for (char *line = text; line && !err && n < TIME_NS_CLOCKS;
	     line = next, n++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (next && !*next)
			next = NULL;
		err = parse_offset(line, which, offset_ns);
	}
	return err;
}

int proc_timens_offsets_write(const struct task_view *v, char *text, size_t len)
{
	s64 offset_ns[TIME_NS_CLOCKS] = { 0 };
	unsigned which = 0;
	struct time_ns *ns;
	int err;

	if (!is_one_write(v, len, PAGE_SIZE))
		return -EINVAL;
	err = parse_offsets(text, &which, offset_ns);
	if (err == -EINVAL)
		return err;
	if (time_ns_of(v->t, &ns))
		return -ESRCH;
	if (!cred_has_cap_in(v->opener, ns->owner.user_ns, CAP_SYS_TIME))
		err = -EPERM;
	if (!err)
		err = time_ns_set(ns, which, offset_ns);
	time_ns_put(ns);
	return err;
}
