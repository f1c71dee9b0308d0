/*
 * control - events on and off, and their filters.
 *
 * Locks:   tracefs' lock serialises all changes here.  A filter is changed
 *          only while its event writes nothing: it is cleared first, and
 *          every hart is called once before the new one is stored.
 */
#include <kernel/trace_ring.h>

#include <kernel/hart.h>
#include <kernel/print.h>
#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/parse.h>
#include <lib/string.h>

unsigned long trace_enabled[BITS_TO_LONGS(NR_TRACE_EVENTS)];
int (*trace_text_write_hook)(u32 *at, u32 insn);

bool trace_event_is_on(enum trace_event ev)
{
	return READ_ONCE(trace_enabled[ev / BITS_PER_LONG]) >>
	       (ev % BITS_PER_LONG) & 1;
}

static void nothing(void *arg)
{
}

static void patch(enum trace_event ev, bool on)
{
	const struct branch_site *s;
	u32 insn;

	for (s = __trace_sites_start; s < __trace_sites_end; s++) {
		if (s->key != (u32)ev)
			continue;
		insn = arch_branch_insn(s, on);
		if (!insn || !trace_text_write_hook ||
		    trace_text_write_hook(branch_site_insn(s), insn))
			pr_warn("trace: %s: a trace point stays off\n",
				trace_event_types[ev].name);
	}
}

void trace_event_enable(enum trace_event ev, bool on)
{
	if (trace_event_is_on(ev) == on)
		return;
	trace_enabled[ev / BITS_PER_LONG] ^= 1ul << (ev % BITS_PER_LONG);
	patch(ev, on);
	if (ev == TE_SYS_ENTER || ev == TE_SYS_EXIT)
		trace_syscalls_update();
}

/* --- filters ----------------------------------------------------------------*/

enum op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_AND, OP_LIKE };

static const char ops[][3] = {
	[OP_EQ] = "==", [OP_NE] = "!=", [OP_LE] = "<=", [OP_GE] = ">=",
	[OP_LT] = "<", [OP_GT] = ">", [OP_AND] = "&", [OP_LIKE] = "~",
};

static const struct trace_field common_pid = {
	"int common_pid", offsetof(struct trace_entry, pid), 4, true,
};

/* The name at the end of a declaration: "char comm[16]". */
static bool is_named(const struct trace_field *f, const char *name, size_t n)
{
	const char *at = f->decl + strcspn(f->decl, "[");
	const char *end = *at && at[1] == ']' ? f->decl + strlen(f->decl) : at;

	return (size_t)(end - f->decl) > n && end[-(long)n - 1] == ' ' &&
	       !memcmp(end - n, name, n);
}

static const struct trace_field *field_find(enum trace_event ev,
					    const char *name, size_t n)
{
	const struct trace_event_type *t = &trace_event_types[ev];

	for (u32 i = 0; i < t->nr_fields; i++)
		if (is_named(&t->fields[i], name, n))
			return &t->fields[i];
	return is_named(&common_pid, name, n) ? &common_pid : NULL;
}

static bool is_text(const struct trace_field *f)
{
	return !strncmp(f->decl, "char ", 5) && f->size > 1;
}

static int parse_op(const char **at, u8 *op)
{
	for (u8 i = 0; i < ARRAY_SIZE(ops); i++) {
		size_t n = strlen(ops[i]);

		if (strncmp(*at, ops[i], n))
			continue;
		*op = i;
		*at += n;
		return 0;
	}
	return -EINVAL;
}

static int parse_value(const char **at, struct trace_pred *p)
{
	const char *s = *at;
	bool quoted = *s == '"' || *s == '\'';
	char word[24];
	size_t n;
	s64 v;

	n = quoted ? strcspn(s + 1, "\"'") : strcspn(s, " \t&|)");
	if (n >= (is_text(p->field) ? sizeof(p->text) : sizeof(word)))
		return -EINVAL;
	*at = s + n + (quoted ? 1 + (s[n + 1] != 0) : 0);
	s += quoted;
	if (is_text(p->field)) {
		memcpy(p->text, s, n);
		p->text[n] = 0;
		return p->op == OP_EQ || p->op == OP_NE || p->op == OP_LIKE ?
			       0 : -EINVAL;
	}
	memcpy(word, s, n);
	word[n] = 0;
	if (str_to_s64(word, 0, NULL, &v) || p->op == OP_LIKE)
		return -EINVAL;
	p->value = (u64)v;
	return 0;
}

static const char *skip(const char *s)
{
	return s + strspn(s, " \t()");
}

/* field OP value */
static int parse_pred(enum trace_event ev, const char **at,
		      struct trace_pred *p)
{
	size_t n = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	p->field = field_find(ev, *at, n);
	if (!n || !p->field)
		return -EINVAL;
	*at = skip(*at + n);
	if (parse_op(at, &p->op))
		return -EINVAL;
	*at = skip(*at);
	return parse_value(at, p);
}

/* Predicates joined by all && or all ||; parentheses mean nothing then. */
static int parse(enum trace_event ev, const char *s, struct trace_filter *f)
{
	int err;

	strscpy(f->text, s, sizeof(f->text));
	for (s = skip(s); *s; s = skip(s)) {
		bool is_or = s[0] == '|';

		if (f->nr) {
			if ((s[0] != '&' && s[0] != '|') || s[1] != s[0] ||
			    (f->nr > 1 && is_or != f->is_or))
				return -EINVAL;
			f->is_or = is_or;
			s = skip(s + 2);
		}
		if (f->nr == TRACE_MAX_PREDS)
			return -EINVAL;
		err = parse_pred(ev, &s, &f->preds[f->nr]);
		if (err)
			return err;
		f->nr++;
	}
	return f->nr ? 0 : -EINVAL;
}

int trace_filter_set(enum trace_event ev, const char *text)
{
	struct trace_filter f = { 0 };
	int err = 0;

	if (*text && strcmp(text, "0"))
		err = parse(ev, text, &f);
	if (err)
		return err;
	WRITE_ONCE(trace_filters[ev].nr, 0);
	hart_call_all(nothing, NULL);
	trace_filters[ev] = (struct trace_filter){ .is_or = f.is_or };
	memcpy(trace_filters[ev].preds, f.preds, sizeof(f.preds));
	memcpy(trace_filters[ev].text, f.text, sizeof(f.text));
	store_release(&trace_filters[ev].nr, f.nr);
	return 0;
}

static u64 load(const u8 *at, u32 size, bool is_signed)
{
	u64 v = 0;

	memcpy(&v, at, min(size, 8u));
	if (is_signed && size < 8)
		v = (u64)((s64)(v << (64 - size * 8)) >> (64 - size * 8));
	return v;
}

/* '*' at either end. */
static bool is_like(const char *text, const char *pattern)
{
	size_t n = strlen(pattern);
	char part[16];

	if (n && pattern[n - 1] == '*') {
		strscpy(part, pattern, sizeof(part));
		part[n - 1] = 0;
		if (part[0] == '*')
			return strstr(text, part + 1) != NULL;
		return !strncmp(text, part, n - 1);
	}
	if (pattern[0] == '*')
		return strlen(text) >= n - 1 &&
		       !strcmp(text + strlen(text) - (n - 1), pattern + 1);
	return !strcmp(text, pattern);
}

static bool match_text(const struct trace_pred *p, const char *text)
{
	char word[17];

	memcpy(word, text, 16);
	word[min(p->field->size, (u16)16)] = 0;
	if (p->op == OP_LIKE)
		return is_like(word, p->text);
	return (strcmp(word, p->text) == 0) == (p->op == OP_EQ);
}

static bool match(const struct trace_pred *p, const u8 *event)
{
	const struct trace_field *f = p->field;
	u64 a, b = p->value;
	bool less;

	if (is_text(f))
		return match_text(p, (const char *)event + f->off);
	a = load(event + f->off, f->size, f->is_signed);
	less = f->is_signed ? (s64)a < (s64)b : a < b;
	switch ((enum op)p->op) {
	case OP_EQ:
		return a == b;
	case OP_NE:
		return a != b;
	case OP_LT:
		return less;
	case OP_LE:
		return less || a == b;
	case OP_GT:
		return !less && a != b;
	case OP_GE:
		return !less;
	default:
		return (a & b) != 0;
	}
}

bool trace_filter_match(const struct trace_filter *f, const void *event)
{
	u32 nr = load_acquire(&f->nr);

	for (u32 i = 0; i < nr; i++)
		if (match(&f->preds[i], event) == f->is_or)
			return f->is_or;
	return !f->is_or || !nr;
}
