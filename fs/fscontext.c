/*
 * fscontext - a mount in the making: fsopen(2), fsconfig(2), fsmount(2) and
 * fspick(2).
 *
 * Theory:  a context gathers the source, the superblock's flags and the other
 *          parameters as text, in the form that mount(2) would bring them;
 *          FSCONFIG_CMD_CREATE hands them to the file system, or RECONFIGURE
 *          to the superblock that was picked.  So a parameter that is unknown
 *          is found at the command, not when it is set.
 * Locks:   fs_context.lock.
 * Life:    an open file is the context; it keeps its superblock.
 */
#include "mount_impl.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

enum phase {
	PHASE_PARAMS,		/* of a new superblock */
	PHASE_MOUNT,		/* it is there */
	PHASE_MOUNTED,
	PHASE_RECONF,		/* parameters for one that was picked */
	PHASE_FAILED,
};

struct fs_context {
	struct mutex lock;
	const struct filesystem *fs;	/* const */
	enum phase phase;
	struct super_block *sb;		/* owns a reference */
	struct mount *picked;		/* owns a reference */
	char *source;
	char *opts;			/* a page */
	size_t used;
	u32 flags, mask;		/* SB_* that were said */
};

/* --- the file -----------------------------------------------------------------*/
static void context_release(struct file *f)
{
	struct fs_context *c = f->priv;

	mount_put(c->picked);
	if (c->sb)
		super_put(c->sb);
	kfree(c->source);
	kfree(c->opts);
	kfree(c);
}

/* Messages go to the kernel's log only. */
static ssize_t context_read(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	return -ENODATA;
}

static const struct file_ops context_fops = {
	.read_iter = context_read,
	.llseek = no_llseek,
	.release = context_release,
	.no_splice = true,
};

static struct fs_context *context_of(struct file *f)
{
	return f->ops == &context_fops ? f->priv : NULL;
}

static int context_open(const struct filesystem *fs, enum phase phase,
			struct file **out)
{
	struct fs_context *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int err = -ENOMEM;

	if (!c)
		return err;
	mutex_init(&c->lock, RANK_LOOP, "fs context");
	c->fs = fs;
	c->phase = phase;
	c->opts = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (c->opts)
		err = file_anon("[fscontext]", &context_fops, c, O_RDWR, out);
	if (err) {
		kfree(c->opts);
		kfree(c);
	}
	return err;
}

int fscontext_new(const char *name, struct file **out)
{
	const struct filesystem *fs = filesystem_find(name);

	return fs ? context_open(fs, PHASE_PARAMS, out) : -ENODEV;
}

int fscontext_pick(const struct path *p, struct file **out)
{
	struct fs_context *c;
	int err;

	if (p->dentry != p->mnt->root)
		return -EINVAL;
	err = context_open(p->mnt->sb->fs, PHASE_RECONF, out);
	if (err)
		return err;
	c = (*out)->priv;
	mount_get(p->mnt);
	c->picked = p->mnt;
	return 0;
}

/* --- parameters -----------------------------------------------------------------*/
static const struct {
	const char *key;
	u32 flag;
	bool on;
} sb_words[] = {
	{ "ro", SB_RDONLY, true },	  { "rw", SB_RDONLY, false },
	{ "sync", SB_SYNCHRONOUS, true }, { "async", SB_SYNCHRONOUS, false },
	{ "dirsync", SB_DIRSYNC, true },
};

static bool set_sb_flag(struct fs_context *c, const char *key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sb_words); i++) {
		if (strcmp(key, sb_words[i].key))
			continue;
		c->mask |= sb_words[i].flag;
		c->flags &= ~sb_words[i].flag;
		if (sb_words[i].on)
			c->flags |= sb_words[i].flag;
		return true;
	}
	return false;
}

static int set_source(struct fs_context *c, const char *value)
{
	if (c->source || !value)
		return -EINVAL;
	c->source = kstrdup(value, GFP_KERNEL);
	return c->source ? 0 : -ENOMEM;
}

static int add_option(struct fs_context *c, const char *key, const char *value)
{
	size_t room = PAGE_SIZE - c->used;
	int n;

	if (strchr(key, ',') || (value && strchr(value, ',')))
		return -EINVAL;
	n = ksnprintf(c->opts + c->used, room, "%s%s%s%s", c->used ? "," : "",
		      key, value ? "=" : "", value ? value : "");
	if (n < 0 || (size_t)n >= room) {
		c->opts[c->used] = 0;
		return -EINVAL;
	}
	c->used += (size_t)n;
	return 0;
}

static int set_param(struct fs_context *c, const char *key, const char *value,
		     bool is_text)
{
	if (c->phase != PHASE_PARAMS && c->phase != PHASE_RECONF)
		return -EBUSY;
	if (set_sb_flag(c, key))
		return 0;
	if (!is_text)
		return -EINVAL;
	if (!strcmp(key, "source") && c->phase == PHASE_PARAMS)
		return set_source(c, value);
	return add_option(c, key, value);
}

int fscontext_set(struct file *f, const char *key, const char *value,
		  bool is_text)
{
	struct fs_context *c = context_of(f);
	int err;

	if (!c)
		return -EINVAL;
	mutex_lock(&c->lock);
	err = set_param(c, key, value, is_text);
	mutex_unlock(&c->lock);
	return err;
}

/* --- commands -------------------------------------------------------------------*/
static int create(struct fs_context *c)
{
	struct super_block *sb;
	int err;

	if (c->phase != PHASE_PARAMS)
		return -EBUSY;
	err = filesystem_may_mount(c->fs);
	if (err)
		return err;
	err = c->fs->mount(c->fs, c->flags, c->source, c->opts, &sb);
	c->phase = err ? PHASE_FAILED : PHASE_MOUNT;
	if (!err)
		c->sb = sb;
	return err;
}

static int reconfigure(struct fs_context *c)
{
	struct super_block *sb;
	int err;

	if (c->phase != PHASE_RECONF)
		return -EBUSY;
	sb = c->picked->sb;
	if (!ns_capable(sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&mount_mutex);
	err = super_remount(sb, (sb->flags & ~c->mask) | c->flags, c->opts);
	mutex_unlock(&mount_mutex);
	c->used = c->mask = c->flags = 0;
	c->opts[0] = 0;
	return err;
}

int fscontext_command(struct file *f, bool is_create)
{
	struct fs_context *c = context_of(f);
	int err;

	if (!c)
		return -EINVAL;
	mutex_lock(&c->lock);
	err = is_create ? create(c) : reconfigure(c);
	mutex_unlock(&c->lock);
	return err;
}

static int make_mount(struct fs_context *c, u32 mnt_flags, struct file **out)
{
	struct mount *m;
	int err;

	if (!c->sb)
		return -EINVAL;
	if (c->phase != PHASE_MOUNT)
		return -EBUSY;
	err = mount_alloc(c->sb, c->sb->root, c->source, mnt_flags, &m);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_reveals_too_much(m) ? -EPERM :
					  mount_open_floating(m, 0, out);
	if (err)
		tree_discard(m);
	mutex_unlock(&mount_mutex);
	if (!err)
		c->phase = PHASE_MOUNTED;
	return err;
}

int fscontext_mount(struct file *f, u32 mnt_flags, struct file **out)
{
	struct fs_context *c = context_of(f);
	int err;

	if (!c)
		return -EINVAL;
	mutex_lock(&c->lock);
	err = make_mount(c, mnt_flags, out);
	mutex_unlock(&c->lock);
	return err;
}
