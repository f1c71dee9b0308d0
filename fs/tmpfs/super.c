/*
 * tmpfs superblocks and options; rootfs; memory files without a name (shared
 * anonymous memory, memfd_create(2)).
 */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/memfd.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <task/cred.h>
#include "tmpfs_impl.h"

#define TMPFS_MAGIC 0x01021994

static struct mount *shm_mnt;		/* const after init */

static void tmpfs_evict(struct inode *i)
{
	struct tmpfs_sb *t = i->sb->priv;

	if (S_ISREG(i->mode) && i->data.nr_pages) {
		inode_set_size(i, 0);
		mapping_truncate(&i->data, 0);
	}
	if (S_ISLNK(i->mode))
		tmpfs_link_free(i);
	if (S_ISREG(i->mode) && i->priv)
		vm_uncommit(((struct tmpfs_file *)i->priv)->promised);
	tmpfs_xattrs_free(i);
	kfree(i->priv);
	i->priv = NULL;
	__atomic_sub_fetch(&t->inodes, 1, __ATOMIC_RELAXED);
}

static int tmpfs_statfs(struct dentry *d, struct kstatfs *st)
{
	struct tmpfs_sb *t = d->sb->priv;
	u64 pages = READ_ONCE(t->pages), inodes = READ_ONCE(t->inodes);

	st->type = d->sb->magic;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	if (t->max_pages) {
		st->blocks = t->max_pages;
		st->bavail = st->bfree = t->max_pages > pages ?
						 t->max_pages - pages : 0;
	}
	if (t->max_inodes) {
		st->files = t->max_inodes;
		st->ffree = t->max_inodes > inodes ? t->max_inodes - inodes : 0;
	}
	return 0;
}

/* A size with k, m, g or, of memory, %. In bytes. */
static int parse_size(const char *s, u64 *out)
{
	char *end;
	u64 v;

	if (str_to_u64(s, 0, &end, &v))
		return -EINVAL;
	switch (*end) {
	case '%':
		*out = v * mem_total_pages() / 100 * PAGE_SIZE;
		return 0;
	case 'g': case 'G':
		v <<= 10;
		fallthrough;
	case 'm': case 'M':
		v <<= 10;
		fallthrough;
	case 'k': case 'K':
		v <<= 10;
		break;
	case 0:
		break;
	default:
		return -EINVAL;
	}
	*out = v;
	return 0;
}

static int option(struct tmpfs_sb *t, const char *key, const char *value)
{
	u64 v;

	if (!value)
		return !strncmp(key, "inode", 5) || !strncmp(key, "noswap", 6) ?
			       0 : -EINVAL;
	if (!strcmp(key, "size")) {
		if (parse_size(value, &v))
			return -EINVAL;
		t->max_pages = DIV_ROUND_UP(v, PAGE_SIZE);
		return 0;
	}
	if (!strcmp(key, "nr_blocks") || !strcmp(key, "nr_inodes")) {
		if (parse_size(value, &v))
			return -EINVAL;
		*(key[3] == 'b' ? &t->max_pages : &t->max_inodes) = v;
		return 0;
	}
	if (!strcmp(key, "huge") || !strcmp(key, "mpol"))
		return !strcmp(value, "never") || !strcmp(value, "default") ?
			       0 : -EINVAL;
	if (str_to_u64(value, strcmp(key, "mode") ? 10 : 8, NULL, &v))
		return -EINVAL;
	if (!strcmp(key, "mode"))
		t->mode = (u32)v & 07777;
	else if (!strcmp(key, "uid"))
		t->uid = make_kuid(current_user_ns(), (u32)v);
	else if (!strcmp(key, "gid"))
		t->gid = make_kgid(current_user_ns(), (u32)v);
	else
		return -EINVAL;
	return t->uid == INVALID_ID || t->gid == INVALID_ID ? -EINVAL : 0;
}

static int parse(struct tmpfs_sb *t, char *opts)
{
	char *word;

	while (opts && (word = strsep(&opts, ","))) {
		char *value = strchr(word, '=');
		int err;

		if (!*word)
			continue;
		if (value)
			*value++ = 0;
		err = option(t, word, value);
		if (err) {
			pr_err("tmpfs: bad option '%s'\n", word);
			return err;
		}
	}
	return 0;
}

static int tmpfs_remount(struct super_block *sb, unsigned *flags, char *opts)
{
	struct tmpfs_sb *t = sb->priv, new = *t;
	int err = parse(&new, opts);

	if (err)
		return err;
	if (new.max_pages && new.max_pages < READ_ONCE(t->pages))
		return -EINVAL;
	WRITE_ONCE(t->max_pages, new.max_pages);
	WRITE_ONCE(t->max_inodes, new.max_inodes);
	return 0;
}

static size_t tmpfs_show(struct super_block *sb, char *buf, size_t n)
{
	struct tmpfs_sb *t = sb->priv;
	size_t len = 0;

	buf[0] = 0;
	if (t->max_pages && t->max_pages != mem_total_pages() / 2)
		len += (size_t)kscnprintf(buf + len, n - len, ",size=%lluk",
					  (unsigned long long)t->max_pages * 4);
	if (t->max_inodes && t->max_inodes != mem_total_pages() / 2)
		len += (size_t)kscnprintf(buf + len, n - len, ",nr_inodes=%llu",
					  (unsigned long long)t->max_inodes);
	if (t->mode != 01777)
		len += (size_t)kscnprintf(buf + len, n - len, ",mode=%03o",
					  t->mode);
	if (t->uid)
		len += (size_t)kscnprintf(buf + len, n - len, ",uid=%u", t->uid);
	if (t->gid)
		len += (size_t)kscnprintf(buf + len, n - len, ",gid=%u", t->gid);
	len += (size_t)kscnprintf(buf + len, n - len, ",inode64");
	return len;
}

static void tmpfs_put_super(struct super_block *sb)
{
	kfree(sb->priv);
	sb->priv = NULL;
}

static const struct super_ops tmpfs_super_ops = {
	.evict_inode = tmpfs_evict,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.put_super = tmpfs_put_super,
	.show_options = tmpfs_show,
	.inode_of_number = inode_find,
	.parent_number = tmpfs_parent_number,
};

static int fill_super(struct super_block *sb, char *opts)
{
	struct tmpfs_sb *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct inode *root;
	int err;

	if (!t)
		return -ENOMEM;
	spin_init(&t->lock, RANK_SPIN_LEAF, "tmpfs");
	t->mode = 01777;
	if (!(sb->flags & SB_KERNMOUNT)) {
		t->max_pages = t->max_inodes = mem_total_pages() / 2;
		t->uid = current_fsuid();
		t->gid = current_cred()->fsgid;
	}
	err = parse(t, opts);
	if (err) {
		kfree(t);
		return err;
	}
	sb->priv = t;
	sb->ops = &tmpfs_super_ops;
	sb->magic = TMPFS_MAGIC;
	sb->max_bytes = 1ull << 62;
	err = tmpfs_inode_new(sb, NULL, S_IFDIR | t->mode, 0, &root);
	if (err)
		return err;
	root->mode = S_IFDIR | t->mode;
	root->uid = t->uid;
	root->gid = t->gid;
	err = dentry_alloc_root(sb, root, &sb->root);
	if (err) {
		inode_set_nlink(root, 0);
		inode_put(root);
	}
	return err;
}

static int tmpfs_mount(const struct filesystem *fs, unsigned flags,
		       const char *dev, char *opts, struct super_block **out)
{
	return mount_nodev(fs, flags, opts, fill_super, out);
}

static void tmpfs_kill(struct super_block *sb)
{
	if (sb->root)
		tmpfs_empty(sb->root->inode);
	kill_super_anon(sb);
}

static const struct filesystem tmpfs = {
	.name = "tmpfs",
	.flags = FS_NODEV | FS_USERNS_MOUNT,
	.mount = tmpfs_mount,
	.kill = tmpfs_kill,
};
FILESYSTEM(tmpfs);

static const struct filesystem rootfs = {
	.name = "rootfs",
	.flags = FS_NODEV,
	.mount = tmpfs_mount,
	.kill = tmpfs_kill,
};
FILESYSTEM(rootfs);

/* --- files without a name ------------------------------------------------------*/
static size_t memfd_describe(struct dentry *d, char *buf, size_t n)
{
	return (size_t)kscnprintf(buf, n, "/%s (deleted)",
				  (const char *)d->priv);
}

static void memfd_forget(struct dentry *d)
{
	kfree(d->priv);
}

static const struct dentry_ops memfd_dentry_ops = {
	.describe = memfd_describe,
	.release = memfd_forget,
};

static int memory_file(const char *name, u64 size, u32 seals, u32 mode,
		       struct file **out)
{
	struct path p = { shm_mnt, NULL };
	struct inode *i;
	char *text;
	int err;

	if (!shm_mnt)
		return -ENODEV;
	text = kstrdup(name, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = tmpfs_inode_new(shm_mnt->sb, NULL, S_IFREG | mode, 0, &i);
	if (err)
		goto err_text;
	i->mode = S_IFREG | mode;
	inode_set_nlink(i, 0);
	inode_set_size(i, size);
	((struct tmpfs_file *)i->priv)->seals = seals;
	err = dentry_alloc_root(shm_mnt->sb, i, &p.dentry);
	if (err) {
		inode_put(i);
		goto err_text;
	}
	p.dentry->priv = text;
	p.dentry->ops = &memfd_dentry_ops;
	err = file_open_path(&p, O_RDWR, out);
	dentry_put(p.dentry);
	return err;
err_text:
	kfree(text);
	return err;
}

static int shmem_file(const char *name, u64 size, bool is_promised,
		      struct file **out)
{
	u64 pages = is_promised ? DIV_ROUND_UP(size, PAGE_SIZE) : 0;
	int err = vm_commit(pages);

	if (err)
		return err;
	err = memory_file(name, size, F_SEAL_SEAL, 0777, out);
	if (err)
		vm_uncommit(pages);
	else
		((struct tmpfs_file *)(*out)->inode->priv)->promised = pages;
	return err;
}

#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u
#define MFD_NAME_MAX 249

int memfd_create_file(const char *name, unsigned flags, struct file **out)
{
	char text[MFD_NAME_MAX + 8];
	u32 seals = F_SEAL_SEAL, mode = 0777;
	int err;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL |
		      MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_NOEXEC_SEAL) && (flags & MFD_EXEC))
		return -EINVAL;
	if (flags & MFD_ALLOW_SEALING)
		seals = 0;
	if (flags & MFD_NOEXEC_SEAL) {
		seals = F_SEAL_EXEC;
		mode = 0666;
	}
	ksnprintf(text, sizeof(text), "memfd:%s", name);
	err = memory_file(text, 0, seals, mode, out);
	if (!err)
		(*out)->flags |= O_LARGEFILE;
	return err;
}

static struct tmpfs_file *sealable(struct file *f)
{
	if (f->inode->ops != &tmpfs_file_inode_ops)
		return NULL;
	return f->inode->priv;
}

long memfd_get_seals(struct file *f)
{
	struct tmpfs_file *t = sealable(f);

	return t ? (long)READ_ONCE(t->seals) : -EINVAL;
}

/* What stays a program stays the same program. */
static u32 seals_with_exec(const struct inode *i)
{
	return i->mode & 0111 ? F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
				F_SEAL_FUTURE_WRITE : 0;
}

/* Sealed first, then who maps it writable is looked for; who maps it counts
 * first and then looks at the seals: one of two sees the other. */
static int set_seals_locked(struct inode *i, struct tmpfs_file *t, u32 seals)
{
	u32 old = t->seals;

	WRITE_ONCE(t->seals, seals);
	smp_mb();
	if (!(seals & ~old & F_SEAL_WRITE) || !READ_ONCE(i->data.writable_vmas))
		return 0;
	WRITE_ONCE(t->seals, old);
	return -EBUSY;
}

long memfd_add_seals(struct file *f, unsigned seals)
{
	struct tmpfs_file *t = sealable(f);
	struct inode *i = f->inode;
	long err = 0;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (!t || seals & ~63u)
		return -EINVAL;
	mutex_lock(&i->lock);
	if (seals & F_SEAL_EXEC)
		seals |= seals_with_exec(i);
	if (t->seals & F_SEAL_SEAL)
		err = -EPERM;
	else
		err = set_seals_locked(i, t, t->seals | seals);
	mutex_unlock(&i->lock);
	return err;
}

static void shm_init(void)
{
	if (kern_mount("tmpfs", NULL, &shm_mnt)) {
		pr_err("tmpfs: no shared memory\n");
		return;
	}
	shmem_file_hook = shmem_file;
}
INIT(INIT_FS, shm_init);
