/*
 * options - mount options, with Linux's names.  What changes nothing here and
 * nothing a program can see (batching, read-ahead of bitmaps) is accepted;
 * what would promise something that is not done is refused.
 */
#include "ext4_impl.h"
#include <kernel/print.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>

#define DEFM_BSDGROUPS 0x2u
#define DEFM_XATTR_USER 0x4u

void ext4_default_options(struct ext4_fs *fs)
{
	u32 defaults = le32_get(fs->es->default_mount_opts);
	u16 errors = le16_get(fs->es->errors);

	fs->errors_ro = errors == 2;
	fs->errors_panic = errors == 3;
	fs->has_barrier = true;
	fs->has_xattr = true;
	fs->has_grpid = defaults & DEFM_BSDGROUPS;
	fs->data_mode = "ordered";
}

enum opt_action {
	OPT_IGNORE, OPT_UNKEPT, OPT_BARRIER, OPT_NOBARRIER, OPT_NOLOAD,
	OPT_DISCARD, OPT_NODISCARD, OPT_MINIXDF, OPT_BSDDF, OPT_GRPID, OPT_NOGRPID,
	OPT_DATA, OPT_ERRORS, OPT_RESUID, OPT_RESGID, OPT_RO, OPT_RW,
};

static const struct {
	const char *name;
	enum opt_action action;
} options[] = {
	{ "ro", OPT_RO },		{ "rw", OPT_RW },
	{ "errors", OPT_ERRORS },	{ "data", OPT_DATA },
	{ "barrier", OPT_BARRIER },	{ "nobarrier", OPT_NOBARRIER },
	{ "noload", OPT_NOLOAD },	{ "norecovery", OPT_NOLOAD },
	{ "discard", OPT_DISCARD },	{ "nodiscard", OPT_NODISCARD },
	{ "minixdf", OPT_MINIXDF },	{ "bsddf", OPT_BSDDF },
	{ "grpid", OPT_GRPID },		{ "bsdgroups", OPT_GRPID },
	{ "nogrpid", OPT_NOGRPID },	{ "sysvgroups", OPT_NOGRPID },
	{ "resuid", OPT_RESUID },	{ "resgid", OPT_RESGID },
	{ "user_xattr", OPT_IGNORE },	{ "acl", OPT_UNKEPT },
	{ "noacl", OPT_IGNORE },	{ "delalloc", OPT_IGNORE },
	{ "commit", OPT_UNKEPT },	{ "stripe", OPT_IGNORE },
	{ "auto_da_alloc", OPT_IGNORE }, { "noauto_da_alloc", OPT_IGNORE },
	{ "init_itable", OPT_IGNORE },	{ "noinit_itable", OPT_IGNORE },
	{ "lazytime", OPT_UNKEPT },	{ "nolazytime", OPT_IGNORE },
	{ "dioread_lock", OPT_IGNORE },	{ "dioread_nolock", OPT_IGNORE },
	{ "block_validity", OPT_IGNORE }, { "journal_checksum", OPT_UNKEPT },
	{ "max_batch_time", OPT_UNKEPT }, { "min_batch_time", OPT_UNKEPT },
	{ "journal_ioprio", OPT_UNKEPT }, { "inode_readahead_blks", OPT_IGNORE },
	{ "max_dir_size_kb", OPT_UNKEPT }, { "nombcache", OPT_IGNORE },
	{ "prefetch_block_bitmaps", OPT_IGNORE },
	{ "no_prefetch_block_bitmaps", OPT_IGNORE },
	{ "mb_optimize_scan", OPT_IGNORE }, { "nodiratime", OPT_IGNORE },
	{ "quota", OPT_IGNORE },	{ "noquota", OPT_IGNORE },
};

static int set_errors(struct ext4_fs *fs, const char *v)
{
	if (!v || (!str_equal(v, "continue") && !str_equal(v, "remount-ro") &&
		   !str_equal(v, "panic")))
		return -EINVAL;
	fs->errors_ro = v[0] == 'r';
	fs->errors_panic = v[0] == 'p';
	return 0;
}

static int set_data(struct ext4_fs *fs, const char *v, bool is_remount)
{
	if (v && str_equal(v, "ordered"))
		v = "ordered";
	else if (v && str_equal(v, "writeback"))
		v = "writeback";
	else
		return -EINVAL;
	if (is_remount && !str_equal(v, fs->data_mode))
		return -EINVAL;
	fs->data_mode = v;
	return 0;
}

static int set_id(const char *v, u32 *out)
{
	return v ? str_to_u32(v, 10, out) : -EINVAL;
}

static int apply(struct ext4_fs *fs, enum opt_action a, const char *v,
		 bool is_remount, bool *ro)
{
	switch (a) {
	case OPT_IGNORE:	/* nothing a program could see */
	case OPT_UNKEPT:
		return 0;
	case OPT_RO:
	case OPT_RW:
		*ro = a == OPT_RO;
		return 0;
	case OPT_BARRIER:
		fs->has_barrier = !v || !str_equal(v, "0");
		return 0;
	case OPT_NOBARRIER:
		fs->has_barrier = false;
		return 0;
	case OPT_NOLOAD:
		fs->is_noload = true;
		return 0;
	case OPT_DISCARD:
		pr_warn("ext4 (%s): freed blocks are not discarded\n",
			fs->sb->id);
		fs->has_discard = true;
		return 0;
	case OPT_NODISCARD:
		fs->has_discard = false;
		return 0;
	case OPT_MINIXDF:
	case OPT_BSDDF:
		fs->is_minix_df = a == OPT_MINIXDF;
		return 0;
	case OPT_GRPID:
	case OPT_NOGRPID:
		fs->has_grpid = a == OPT_GRPID;
		return 0;
	case OPT_DATA:
		return set_data(fs, v, is_remount);
	case OPT_ERRORS:
		return set_errors(fs, v);
	case OPT_RESUID:
		return set_id(v, &fs->res_uid);
	case OPT_RESGID:
		return set_id(v, &fs->res_gid);
	}
	return -EINVAL;
}

/* What is asked for is not done: say so, as Linux does for what was left out
 * of its build. */
static void warn_unkept(struct ext4_fs *fs, const char *key)
{
	pr_warn("ext4 (%s): %s option not supported\n", fs->sb->id, key);
}

static int apply_name(struct ext4_fs *fs, const char *key, const char *v,
		      bool is_remount, bool *ro)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (str_equal(options[i].name, key))
			break;
	if (i == ARRAY_SIZE(options))
		return -EINVAL;
	if (options[i].action == OPT_UNKEPT)
		warn_unkept(fs, key);
	return apply(fs, options[i].action, v, is_remount, ro);
}

int ext4_parse_options(struct ext4_fs *fs, char *opts, bool is_remount,
		       bool *ro)
{
	char *key, *val;

	while (opts && opt_next(&opts, &key, &val) > 0) {
		if (apply_name(fs, key, val, is_remount, ro)) {
			pr_err("ext4 (%s): mount option \"%s%s%s\" is unknown "
			       "or not supported\n", fs->sb->id, key,
			       val ? "=" : "", val ? val : "");
			return -EINVAL;
		}
	}
	return 0;
}

size_t ext4_show_options(struct super_block *sb, char *buf, size_t n)
{
	struct ext4_fs *fs = ext4_sb(sb);
	u16 errors = le16_get(fs->es->errors);
	const char *e = "";

	if (fs->errors_panic && errors != 3)
		e = ",errors=panic";
	else if (fs->errors_ro && errors != 2)
		e = ",errors=remount-ro";
	else if (!fs->errors_ro && !fs->errors_panic && errors > 1)
		e = ",errors=continue";
	return (size_t)kscnprintf(
		buf, n, "%s%s%s%s%s%s%s", fs->is_minix_df ? ",minixdf" : "",
		fs->has_grpid ? ",grpid" : "", e,
		fs->has_barrier ? "" : ",nobarrier",
		fs->has_discard ? ",discard" : "",
		fs->is_noload ? ",norecovery" : "",
		fs->data_mode[0] == 'w' ? ",data=writeback" : "");
}
