/*
 * options - mount options, with Linux's names and defaults (those of Debian's
 * kernel: utf8, code page 437).  What would promise something that is not
 * done is refused.
 */
#include "fat_impl.h"
#include <kernel/print.h>
#include <kernel/task.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <task/cred.h>

#define UTIME_DEFAULT 0xffffu

void fat_default_options(struct fat_fs *fs)
{
	bool is_vfat = str_equal(fs->sb->fs->name, "vfat");
	u16 umask = (u16)current->fs->umask;

	fs->opt = (struct fat_options){
		.uid = current->cred->uid,
		.gid = current->cred->gid,
		.fmask = umask,
		.dmask = umask,
		.allow_utime = UTIME_DEFAULT,
		.shortname = SHORT_MIXED,
		.iocharset = "ascii",
		.check = 'n',
		.errors = 'r',
		.is_vfat = is_vfat,
		.has_numtail = true,
		.has_rodir = !is_vfat,
	};
}

enum opt_action {
	OPT_RO, OPT_RW, OPT_UID, OPT_GID, OPT_UMASK, OPT_FMASK, OPT_DMASK,
	OPT_UTIME, OPT_CODEPAGE, OPT_CHARSET, OPT_UTF8, OPT_SHORTNAME,
	OPT_CHECK, OPT_ERRORS, OPT_TZ, OPT_OFFSET, OPT_QUIET, OPT_SHOWEXEC,
	OPT_SYSIMM, OPT_RODIR, OPT_FLUSH, OPT_NONUMTAIL, OPT_USEFREE,
	OPT_NOCASE, OPT_DOTS, OPT_NODOTS, OPT_DOTSOK, OPT_DISCARD, OPT_IGNORE,
};

#define FOR_VFAT 1
#define FOR_MSDOS 2
#define FOR_BOTH 3

static const struct {
	const char *name;
	u8 action, types;
} options[] = {
	{ "ro", OPT_RO, FOR_BOTH },
	{ "rw", OPT_RW, FOR_BOTH },
	{ "uid", OPT_UID, FOR_BOTH },
	{ "gid", OPT_GID, FOR_BOTH },
	{ "umask", OPT_UMASK, FOR_BOTH },
	{ "fmask", OPT_FMASK, FOR_BOTH },
	{ "dmask", OPT_DMASK, FOR_BOTH },
	{ "allow_utime", OPT_UTIME, FOR_BOTH },
	{ "codepage", OPT_CODEPAGE, FOR_BOTH },
	{ "check", OPT_CHECK, FOR_BOTH },
	{ "errors", OPT_ERRORS, FOR_BOTH },
	{ "tz", OPT_TZ, FOR_BOTH },
	{ "time_offset", OPT_OFFSET, FOR_BOTH },
	{ "quiet", OPT_QUIET, FOR_BOTH },
	{ "showexec", OPT_SHOWEXEC, FOR_BOTH },
	{ "sys_immutable", OPT_SYSIMM, FOR_BOTH },
	{ "flush", OPT_FLUSH, FOR_BOTH },
	{ "usefree", OPT_USEFREE, FOR_BOTH },
	{ "discard", OPT_DISCARD, FOR_BOTH },
	{ "debug", OPT_IGNORE, FOR_BOTH },	/* since Linux 2.6 */
	{ "conv", OPT_IGNORE, FOR_BOTH },
	{ "blocksize", OPT_IGNORE, FOR_BOTH },
	{ "iocharset", OPT_CHARSET, FOR_VFAT },
	{ "utf8", OPT_UTF8, FOR_VFAT },
	{ "shortname", OPT_SHORTNAME, FOR_VFAT },
	{ "nonumtail", OPT_NONUMTAIL, FOR_VFAT },
	{ "rodir", OPT_RODIR, FOR_VFAT },
	{ "nocase", OPT_NOCASE, FOR_MSDOS },
	{ "dots", OPT_DOTS, FOR_MSDOS },
	{ "nodots", OPT_NODOTS, FOR_MSDOS },
	{ "dotsOK", OPT_DOTSOK, FOR_MSDOS },
};

static int set_number(const char *v, unsigned base, u32 *out)
{
	return v ? str_to_u32(v, base, out) : -EINVAL;
}

static int set_mask(const char *v, u32 most, u16 *out)
{
	u32 n;
	int err = set_number(v, 8, &n);

	if (!err)
		*out = (u16)(n & most);
	return err;
}

/* "1", "true", "yes", or nothing. */
static int set_bool(const char *v, bool *out)
{
	*out = true;
	if (!v || str_equal(v, "true") || str_equal(v, "yes") ||
	    str_equal(v, "1"))
		return 0;
	*out = false;
	return str_equal(v, "false") || str_equal(v, "no") ||
	       str_equal(v, "0") ? 0 : -EINVAL;
}

static const char *const short_names[] = { "lower", "win95", "winnt", "mixed" };
static const char *const charsets[] = { "ascii", "iso8859-1", "utf8" };
static const char *const error_names[] = { "continue", "remount-ro", "panic" };
static const char *const check_names[] = { "relaxed", "normal", "strict" };

/* Which of the words v is. */
static int word_index(const char *v, const char *const *words, unsigned n,
		      bool is_letter_enough, unsigned *out)
{
	for (*out = 0; v && *out < n; ++*out)
		if (str_equal(v, words[*out]) ||
		    (is_letter_enough && v[0] == words[*out][0] && !v[1]))
			return 0;
	return -EINVAL;
}

static int set_shortname(struct fat_options *o, const char *v)
{
	unsigned k;
	int err = word_index(v, short_names, ARRAY_SIZE(short_names), false,
			     &k);

	if (!err)
		o->shortname = (enum fat_shortname)k;
	return err;
}

static int set_charset(struct fat_options *o, const char *v)
{
	unsigned k;
	int err = word_index(v, charsets, ARRAY_SIZE(charsets), false, &k);

	if (!err)
		o->iocharset = charsets[k];
	return err;
}

static int set_letter(const char *v, const char *const *words, bool is_short,
		      char *out)
{
	unsigned k;
	int err = word_index(v, words, 3, is_short, &k);

	if (!err)
		*out = words[k][0];
	return err;
}

/* Text is UTF-8 here, and nothing else. */
static int set_utf8(const char *v)
{
	bool on;
	int err = set_bool(v, &on);

	return err ? err : on ? 0 : -EINVAL;
}

static int set_offset(struct fat_options *o, const char *v)
{
	int n, err = v ? str_to_int(v, 10, &n) : -EINVAL;

	if (err || n < -1440 || n > 1440)
		return -EINVAL;
	o->has_tz = true;
	o->time_offset = (s16)n;
	return 0;
}

static int set_tz(struct fat_options *o, const char *v)
{
	if (!v || !str_equal(v, "UTC"))
		return -EINVAL;
	o->has_tz = true;
	o->time_offset = 0;
	return 0;
}

static int apply(struct fat_fs *fs, enum opt_action a, const char *v, bool *ro)
{
	struct fat_options *o = &fs->opt;
	int err;

	switch (a) {
	case OPT_IGNORE:
		return 0;
	case OPT_RO:
	case OPT_RW:
		*ro = a == OPT_RO;
		return 0;
	case OPT_UID:
		return set_number(v, 10, &o->uid);
	case OPT_GID:
		return set_number(v, 10, &o->gid);
	case OPT_UMASK:
		err = set_mask(v, 0xffff, &o->fmask);
		o->dmask = o->fmask;
		return err;
	case OPT_FMASK:
		return set_mask(v, 0xffff, &o->fmask);
	case OPT_DMASK:
		return set_mask(v, 0xffff, &o->dmask);
	case OPT_UTIME:
		return set_mask(v, 0022, &o->allow_utime);
	case OPT_CODEPAGE:
		return v && str_equal(v, "437") ? 0 : -EINVAL;
	case OPT_CHARSET:
		return set_charset(o, v);
	case OPT_UTF8:
		return set_utf8(v);
	case OPT_SHORTNAME:
		return set_shortname(o, v);
	case OPT_CHECK:
		return set_letter(v, check_names, true, &o->check);
	case OPT_ERRORS:
		return set_letter(v, error_names, false, &o->errors);
	case OPT_TZ:
		return set_tz(o, v);
	case OPT_OFFSET:
		return set_offset(o, v);
	case OPT_QUIET:
		o->is_quiet = true;
		return 0;
	case OPT_SHOWEXEC:
		o->has_showexec = true;
		return 0;
	case OPT_SYSIMM:
		o->has_sys_immutable = true;
		return 0;
	case OPT_RODIR:
		o->has_rodir = true;
		return 0;
	case OPT_FLUSH:
		o->has_flush = true;
		return 0;
	case OPT_NONUMTAIL:
		err = set_bool(v, &o->has_numtail);
		o->has_numtail = !o->has_numtail;
		return err;
	case OPT_USEFREE:
		o->has_usefree = true;
		return 0;
	case OPT_NOCASE:
		o->has_nocase = true;
		return 0;
	case OPT_DOTS:
	case OPT_NODOTS:
		o->has_dots = a == OPT_DOTS;
		return 0;
	case OPT_DOTSOK:
		return set_bool(v, &o->has_dots);
	case OPT_DISCARD:
		pr_warn("FAT-fs (%s): freed clusters are not discarded\n",
			fs->sb->id);
		o->has_discard = true;
		return 0;
	}
	return -EINVAL;
}

static int apply_name(struct fat_fs *fs, const char *key, const char *v,
		      bool *ro)
{
	unsigned type = fs->opt.is_vfat ? FOR_VFAT : FOR_MSDOS;

	for (unsigned i = 0; i < ARRAY_SIZE(options); i++)
		if (str_equal(options[i].name, key) &&
		    options[i].types & type)
			return apply(fs, options[i].action, v, ro);
	return -EINVAL;
}

int fat_parse_options(struct fat_fs *fs, char *opts, bool *ro)
{
	char *key, *val;

	while (opts && opt_next(&opts, &key, &val) > 0) {
		if (!apply_name(fs, key, val, ro))
			continue;
		pr_err("FAT-fs (%s): mount option \"%s%s%s\" is unknown or not supported\n",
		       fs->sb->id, key, val ? "=" : "", val ? val : "");
		return -EINVAL;
	}
	if (fs->opt.allow_utime == UTIME_DEFAULT)
		fs->opt.allow_utime = ~fs->opt.dmask & 0022;
	fs->opt.is_caseless = !str_equal(fs->opt.iocharset, "utf8");
	return 0;
}

/* --- /proc/mounts ---------------------------------------------------------*/

struct text {
	char *buf;
	size_t used, size;
};

static void __printf(2, 3) say(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->used += (size_t)kvscnprintf(t->buf + t->used, t->size - t->used,
				       fmt, ap);
	va_end(ap);
}

static void say_if(struct text *t, bool on, const char *word)
{
	if (on)
		say(t, ",%s", word);
}

size_t fat_show_options(struct super_block *sb, char *buf, size_t n)
{
	const struct fat_options *o = &fat_sb(sb)->opt;
	struct text t = { .buf = buf, .size = n };

	if (o->uid)
		say(&t, ",uid=%u", o->uid);
	if (o->gid)
		say(&t, ",gid=%u", o->gid);
	say(&t, ",fmask=%04o,dmask=%04o", o->fmask, o->dmask);
	if (o->allow_utime)
		say(&t, ",allow_utime=%04o", o->allow_utime);
	say(&t, ",codepage=437");
	if (o->is_vfat)
		say(&t, ",iocharset=%s,shortname=%s", o->iocharset,
		    short_names[o->shortname]);
	if (o->check != 'n')
		say(&t, ",check=%c", o->check);
	say_if(&t, o->has_usefree, "usefree");
	say_if(&t, o->is_quiet, "quiet");
	say_if(&t, o->has_showexec, "showexec");
	say_if(&t, o->has_sys_immutable, "sys_immutable");
	say_if(&t, o->has_dots, "dotsOK=yes");
	say_if(&t, o->has_nocase, "nocase");
	say_if(&t, o->is_vfat, "utf8");
	say_if(&t, !o->has_numtail, "nonumtail");
	say_if(&t, o->is_vfat && o->has_rodir, "rodir");
	say_if(&t, o->has_flush, "flush");
	if (o->has_tz && o->time_offset)
		say(&t, ",time_offset=%d", o->time_offset);
	else
		say_if(&t, o->has_tz, "tz=UTC");
	say(&t, ",errors=%s", o->errors == 'c' ? "continue" :
			      o->errors == 'p' ? "panic" : "remount-ro");
	say_if(&t, o->has_discard, "discard");
	return t.used;
}
