/* statfs - what a file system has left, and how it is mounted. */
#include "vfs_impl.h"

#define ST_RDONLY 1u
#define ST_NOSUID 2u
#define ST_NODEV 4u
#define ST_NOEXEC 8u
#define ST_SYNCHRONOUS 16u
#define ST_VALID 32u
#define ST_NOATIME 1024u
#define ST_NODIRATIME 2048u
#define ST_RELATIME 4096u
#define ST_NOSYMFOLLOW 8192u

static u64 flags_of(const struct mount *m)
{
	static const u32 map[][2] = {
		{ MNT_NOSUID, ST_NOSUID },
		{ MNT_NODEV, ST_NODEV },
		{ MNT_NOEXEC, ST_NOEXEC },
		{ MNT_NOATIME, ST_NOATIME },
		{ MNT_NODIRATIME, ST_NODIRATIME },
		{ MNT_RELATIME, ST_RELATIME },
		{ MNT_NOSYMFOLLOW, ST_NOSYMFOLLOW },
	};
	u64 f = ST_VALID;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (m->flags & map[i][0])
			f |= map[i][1];
	if (mnt_is_readonly(m))
		f |= ST_RDONLY;
	if (m->sb->flags & SB_SYNCHRONOUS)
		f |= ST_SYNCHRONOUS;
	return f;
}

int vfs_statfs_sb(struct dentry *d, struct kstatfs *st)
{
	struct super_block *sb = d->sb;
	int err = 0;

	*st = (struct kstatfs){
		.type = sb->magic, .bsize = sb->blocksize, .namelen = NAME_MAX,
	};
	if (sb->ops->statfs)
		err = sb->ops->statfs(d, st);
	if (!st->frsize)
		st->frsize = st->bsize;
	if (!st->fsid)
		st->fsid = dev_encode(sb->dev);
	return err;
}

int vfs_statfs(const struct path *p, struct kstatfs *st)
{
	int err = vfs_statfs_sb(p->dentry, st);

	st->flags = flags_of(p->mnt);
	return err;
}
