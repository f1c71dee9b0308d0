/*
 * devpts - /dev/pts: a node for each pseudo terminal.
 *
 * Theory:  one tmpfs superblock that all mounts share (newinstance is not
 *          there), whose nodes appear and go with the ptys.  The options
 *          uid=, gid=, mode= and ptmxmode= of the last mount hold.
 */
#include <drivers/tty.h>
#include <fs/nodes.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>

#define DEVPTS_MAGIC 0x1cd1

static struct mount *pts_mnt;		/* const after init */
static struct super_ops pts_ops;	/* tmpfs's, but for two. const after init */
static u32 pts_mode = 0600, ptmx_mode;	/* mount lock */
static u32 pts_uid, pts_gid;
static bool has_uid, has_gid;

static int option(char *key, char *value)
{
	u64 v = 0;

	if (!strcmp(key, "newinstance") || !strcmp(key, "max"))
		return 0;
	if (!value || str_to_u64(value, strstr(key, "mode") ? 8 : 10, NULL, &v))
		return -EINVAL;
	if (!strcmp(key, "gid")) {
		pts_gid = (u32)v;
		has_gid = true;
	} else if (!strcmp(key, "uid")) {
		pts_uid = (u32)v;
		has_uid = true;
	} else if (!strcmp(key, "mode")) {
		pts_mode = (u32)v & 0777;
	} else if (!strcmp(key, "ptmxmode")) {
		ptmx_mode = (u32)v & 0777;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse(char *opts)
{
	char *word;
	int err;

	while (opts && (word = strsep(&opts, ","))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = 0;
		err = option(word, value);
		if (err)
			return err;
	}
	return 0;
}

static void set_ptmx_mode(void)
{
	struct super_block *sb = pts_mnt->sb;
	struct dentry *d;

	mutex_lock(&sb->root->inode->lock);
	if (!dentry_lookup(sb->root, "ptmx", 4, &d)) {
		if (d->inode)
			d->inode->mode = S_IFCHR | ptmx_mode;
		dentry_put(d);
	}
	mutex_unlock(&sb->root->inode->lock);
}

static int devpts_mount(const struct filesystem *fs, unsigned flags,
			const char *dev, char *opts, struct super_block **out)
{
	int err;

	if (!pts_mnt)
		return -ENODEV;
	err = parse(opts);
	if (err)
		return err;
	set_ptmx_mode();
	ref_get(&pts_mnt->sb->refs);
	*out = pts_mnt->sb;
	return 0;
}

static int pts_node(u32 index, u32 uid, u32 gid, bool add)
{
	char name[12];
	int err;

	ksnprintf(name, sizeof(name), "%u", index);
	if (add)
		err = node_create(pts_mnt->sb, name, S_IFCHR | pts_mode,
				  MKDEV(136, index), has_uid ? pts_uid : uid,
				  has_gid ? pts_gid : gid);
	else
		err = node_remove(pts_mnt->sb, name);
	if (err)
		pr_warn("devpts: node %u: error %d\n", index, err);
	return err;
}

static int devpts_statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = DEVPTS_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static size_t devpts_show(struct super_block *sb, char *buf, size_t n)
{
	size_t len = 0;

	if (has_uid)
		len += (size_t)kscnprintf(buf + len, n - len, ",uid=%u",
					  pts_uid);
	if (has_gid)
		len += (size_t)kscnprintf(buf + len, n - len, ",gid=%u",
					  pts_gid);
	return len + (size_t)kscnprintf(buf + len, n - len,
					",mode=%03o,ptmxmode=%03o", pts_mode,
					ptmx_mode);
}

static const struct filesystem devpts = {
	.name = "devpts",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = devpts_mount,
};
FILESYSTEM(devpts);

static void devpts_init(void)
{
	char opts[] = "mode=0755";
	int err = kern_mount("tmpfs", opts, &pts_mnt);

	if (!err)
		err = node_create(pts_mnt->sb, "ptmx", S_IFCHR | 0, MKDEV(5, 2),
				  0, 0);
	if (err) {
		pr_err("devpts: error %d\n", err);
		return;
	}
	pts_ops = *pts_mnt->sb->ops;
	pts_ops.statfs = devpts_statfs;
	pts_ops.show_options = devpts_show;
	pts_mnt->sb->ops = &pts_ops;
	pts_mnt->sb->magic = DEVPTS_MAGIC;
	pts_mnt->sb->fs = &devpts;
	pty_node_hook = pts_node;
}
INIT(INIT_DRIVER, devpts_init);
