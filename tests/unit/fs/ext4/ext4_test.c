/*
 * ext4 on a disk in memory, against a model: files and directories are made,
 * written, cut, renamed and removed at random, the file system is unmounted
 * and mounted again, what it holds is compared, and e2fsck looks at it.
 *
 * UNIT_CFLAGS: -Itests/unit/fs/ext4/shim
 * UNIT_SOURCES: fs/ext4/balloc.c fs/ext4/check.c fs/ext4/csum.c
 * UNIT_SOURCES: fs/ext4/data.c fs/ext4/dir.c fs/ext4/dirblock.c
 * UNIT_SOURCES: fs/ext4/direct.c fs/ext4/extent.c
 * UNIT_SOURCES: fs/ext4/extent_change.c fs/ext4/fiemap.c fs/ext4/file.c
 * UNIT_SOURCES: fs/ext4/group.c
 * UNIT_SOURCES: fs/ext4/hash.c fs/ext4/htree.c fs/ext4/ialloc.c
 * UNIT_SOURCES: fs/ext4/indirect.c fs/ext4/inode.c fs/ext4/journal.c
 * UNIT_SOURCES: fs/ext4/map.c fs/ext4/namei.c fs/ext4/options.c
 * UNIT_SOURCES: fs/ext4/orphan.c fs/ext4/stale.c fs/ext4/writeback.c fs/ext4/xattr.c
 * UNIT_SOURCES: fs/block/bio.c fs/block/pageio.c fs/block/mapping.c
 * UNIT_SOURCES: fs/block/buf.c tests/unit/fs/ext4/shim/super_host.c
 * UNIT_SOURCES: tests/unit/fs/ext4/shim/shim.c
 */
#undef _GNU_SOURCE
#include "../../unit.h"
#include "shim/shim.h"
#include <lib/string.h>
#include <unistd.h>

#define MAX_NODES 700
#define MAX_BYTES 300000u

struct node {
	bool used, is_dir;
	int parent;		/* of the first name */
	char name[64];
	u8 *data;
	u32 size;
	char *link;		/* symlink */
	u32 xattr;		/* length of user.x, 0: none */
	int alias_parent;	/* second name, -1: none */
	char alias[64];
};

static struct node nodes[MAX_NODES];
static struct super_block *sb;
static uint64_t seed;
static char image[64];
static u32 counter;

static u32 rnd(u32 n)
{
	return (u32)(noise(&seed) >> 16) % n;
}

/* --- names to inodes ------------------------------------------------------*/

static void dentry_make(struct dentry *d, const char *name)
{
	memset(d, 0, sizeof(*d));
	ref_init(&d->refs, 1);
	d->name = name;
	d->len = (u32)strlen(name);
	d->sb = sb;
}

static struct inode *lookup(struct inode *dir, const char *name)
{
	struct dentry d;

	dentry_make(&d, name);
	assert_int_equal(dir->ops->lookup(dir, &d), 0);
	return d.inode;
}

static struct inode *open_node(int n)
{
	struct inode *dir, *i;

	if (n == 0)
		return inode_get(sb->root->inode);
	dir = open_node(nodes[n].parent);
	i = lookup(dir, nodes[n].name);
	if (!i)
		fail_msg("%s is gone", nodes[n].name);
	inode_put(dir);
	return i;
}

static int any_node(bool want_dir)
{
	int n;

	for (int k = 0; k < 50; k++) {
		n = (int)rnd(MAX_NODES);
		if (nodes[n].used && nodes[n].is_dir == want_dir)
			return n;
	}
	return want_dir ? 0 : -1;
}

static int free_node(void)
{
	for (int n = 1; n < MAX_NODES; n++)
		if (!nodes[n].used)
			return n;
	return -1;
}

static void new_name(char *name)
{
	int n = snprintf(name, 64, "n%u_", counter++);
	u32 pad = rnd(40);

	while (pad-- && n < 60)
		name[n++] = (char)('a' + rnd(26));
	name[n] = 0;
}

/* --- operations ------------------------------------------------------*/

static void op_create(bool is_dir)
{
	int n = free_node(), parent = any_node(true);
	struct inode *dir;
	struct dentry d;
	int err;

	if (n < 0)
		return;
	nodes[n] = (struct node){ .is_dir = is_dir, .parent = parent,
				  .alias_parent = -1 };
	new_name(nodes[n].name);
	dir = open_node(parent);
	dentry_make(&d, nodes[n].name);
	err = is_dir ? dir->ops->mkdir(dir, &d, S_IFDIR | 0755) :
		       dir->ops->create(dir, &d, S_IFREG | 0644);
	inode_put(dir);
	if (err == -ENOSPC)
		return;
	assert_int_equal(err, 0);
	nodes[n].used = true;
	if (!is_dir)
		nodes[n].data = calloc(1, MAX_BYTES + 1);
	inode_put(d.inode);
}

static void op_symlink(void)
{
	int n = free_node(), parent = any_node(true), len = 1 + (int)rnd(200);
	struct inode *dir;
	struct dentry d;
	int err;

	if (n < 0)
		return;
	nodes[n] = (struct node){ .parent = parent, .alias_parent = -1,
				  .link = calloc(1, (size_t)len + 1) };
	memset(nodes[n].link, 'l', (size_t)len);
	new_name(nodes[n].name);
	dir = open_node(parent);
	dentry_make(&d, nodes[n].name);
	err = dir->ops->symlink(dir, &d, nodes[n].link);
	inode_put(dir);
	if (err) {
		assert_int_equal(err, -ENOSPC);
		free(nodes[n].link);
		nodes[n].link = NULL;
		return;
	}
	nodes[n].used = true;
	inode_put(d.inode);
}

static void op_write(void)
{
	int n = any_node(false);
	u32 off = rnd(MAX_BYTES / 2), len = 1 + rnd(rnd(4) ? 9000 : 100000);
	struct kvec v;
	struct iter it;
	struct inode *i;
	u64 pos = off;
	ssize_t done;

	if (n < 0 || nodes[n].link)
		return;
	if (rnd(3) == 0)
		off = nodes[n].size < MAX_BYTES / 2 ? nodes[n].size : 0;
	pos = off;
	i = open_node(n);
	v.base = malloc(len);
	v.len = len;
	for (u32 k = 0; k < len; k++)
		((u8 *)v.base)[k] = (u8)(noise(&seed) | 1);
	iter_kvec(&it, &v, 1, len, true);
	done = filemap_write(&i->data, &it, &pos);
	if (done < 0) {
		assert_int_equal(done, -ENOSPC);
		done = 0;
	}
	memcpy(nodes[n].data + off, v.base, (size_t)done);
	if (done && off + (u32)done > nodes[n].size)
		nodes[n].size = off + (u32)done;
	free(v.base);
	inode_put(i);
}

static void op_truncate(void)
{
	int n = any_node(false);
	struct iattr a = { .valid = ATTR_SIZE, .size = rnd(MAX_BYTES) };
	struct dentry d;

	if (n < 0 || nodes[n].link)
		return;
	if (rnd(4) == 0)
		a.size = 0;
	dentry_make(&d, nodes[n].name);
	d.inode = open_node(n);
	assert_int_equal(d.inode->ops->setattr(&d, &a), 0);
	if (a.size < nodes[n].size)
		memset(nodes[n].data + a.size, 0, MAX_BYTES - a.size);
	nodes[n].size = (u32)a.size;
	inode_put(d.inode);
}

static void op_fallocate(void)
{
	int n = any_node(false), mode = (int[]){ 0, 1, 3, 3, 0x10 }[rnd(5)];
	u32 off = rnd(MAX_BYTES), len = 1 + rnd(MAX_BYTES - off), end;
	struct file f = { 0 };
	int err;

	if (n < 0 || nodes[n].link)
		return;
	end = off + len;
	f.inode = open_node(n);
	err = f.inode->fops->fallocate(&f, mode, off, len);
	if (err == -EOPNOTSUPP || err == -ENOSPC) {
		/* What was zeroed before space ran out stays zeroed. */
		if (mode == 0x10 && off < nodes[n].size)
			memset(nodes[n].data + off, 0,
			       min(end, nodes[n].size) - off);
		inode_put(f.inode);
		return;
	}
	assert_int_equal(err, 0);
	if (mode != 0 && mode != 1 && off < nodes[n].size)
		memset(nodes[n].data + off, 0, min(end, nodes[n].size) - off);
	if (!(mode & 1) && end > nodes[n].size)
		nodes[n].size = end;
	inode_put(f.inode);
}

static bool dir_is_empty(int n)
{
	for (int k = 1; k < MAX_NODES; k++)
		if (nodes[k].used && (nodes[k].parent == n ||
				      nodes[k].alias_parent == n))
			return false;
	return true;
}

static void remove_name(int parent, const char *name, bool is_dir, int expect)
{
	struct inode *dir = open_node(parent);
	struct dentry d;
	int err;

	dentry_make(&d, name);
	d.inode = lookup(dir, name);
	assert_non_null(d.inode);
	inode_get(d.inode);
	err = is_dir ? dir->ops->rmdir(dir, &d) : dir->ops->unlink(dir, &d);
	assert_int_equal(err, expect);
	inode_put(d.inode);
	inode_put(d.inode);
	inode_put(dir);
}

static void op_remove(void)
{
	int n = any_node(rnd(4) == 0);
	struct node *o = &nodes[n < 0 ? 0 : n];

	if (n <= 0)
		return;
	if (o->is_dir) {
		bool empty = dir_is_empty(n);

		remove_name(o->parent, o->name, true, empty ? 0 : -ENOTEMPTY);
		o->used = !empty;
		return;
	}
	if (o->alias_parent >= 0) {
		remove_name(o->alias_parent, o->alias, false, 0);
		o->alias_parent = -1;
		return;
	}
	remove_name(o->parent, o->name, false, 0);
	free(o->data);
	free(o->link);
	o->data = NULL;
	o->link = NULL;
	o->used = false;
}

static void op_link(void)
{
	int n = any_node(false), parent = any_node(true);
	struct dentry old, d;
	struct inode *dir;
	int err;

	if (n < 0 || nodes[n].alias_parent >= 0)
		return;
	new_name(nodes[n].alias);
	dentry_make(&old, nodes[n].name);
	old.inode = open_node(n);
	dir = open_node(parent);
	dentry_make(&d, nodes[n].alias);
	err = dir->ops->link(&old, dir, &d);
	if (!err) {
		nodes[n].alias_parent = parent;
		inode_put(d.inode);
	} else {
		assert_int_equal(err, -ENOSPC);
	}
	inode_put(dir);
	inode_put(old.inode);
}

static bool is_below(int n, int top)
{
	for (; n; n = nodes[n].parent)
		if (n == top)
			return true;
	return false;
}

static void op_rename(void)
{
	int n = any_node(rnd(3) == 0), parent = any_node(true);
	struct inode *odir, *ndir;
	struct dentry od, nd;
	char name[64];
	int err;

	if (n <= 0 || is_below(parent, n))
		return;
	new_name(name);
	odir = open_node(nodes[n].parent);
	ndir = open_node(parent);
	dentry_make(&od, nodes[n].name);
	dentry_make(&nd, name);
	od.inode = lookup(odir, nodes[n].name);
	err = odir->ops->rename(odir, &od, ndir, &nd, 0);
	if (!err) {
		nodes[n].parent = parent;
		strcpy(nodes[n].name, name);
	} else {
		assert_int_equal(err, -ENOSPC);
	}
	inode_put(od.inode);
	inode_put(odir);
	inode_put(ndir);
}

static void op_xattr(void)
{
	int n = any_node(rnd(2));
	char value[600];
	struct inode *i;
	u32 len = rnd(3) ? rnd(50) + 1 : rnd(600) + 1;
	int err;

	if (n < 0)
		return;
	i = open_node(n);
	memset(value, 'x', sizeof(value));
	if (nodes[n].xattr && rnd(2)) {
		err = i->ops->setxattr(i, "user.x", NULL, 0, 0);
		assert_int_equal(err, 0);
		nodes[n].xattr = 0;
	} else {
		err = i->ops->setxattr(i, "user.x", value, len, 0);
		if (!err)
			nodes[n].xattr = len;
		else
			assert_int_equal(err, -ENOSPC);
		if (rnd(3) == 0)
			ignore_error(i->ops->setxattr(i, "trusted.tt", value,
						      rnd(100), 0));
	}
	inode_put(i);
}

/* --- comparing ------------------------------------------------------*/

static void check_file(int n, struct inode *i)
{
	u8 *got = calloc(1, nodes[n].size + 1);
	struct kvec v = { got, nodes[n].size };
	struct iter it;
	u64 pos = 0;

	assert_int_equal(inode_size(i), nodes[n].size);
	iter_kvec(&it, &v, 1, nodes[n].size, false);
	assert_int_equal(filemap_read(&i->data, NULL, &it, &pos),
			 nodes[n].size);
	for (u32 k = 0; k < nodes[n].size; k++)
		if (got[k] != nodes[n].data[k])
			fail_msg("%s differs at %u: %02x, want %02x",
				 nodes[n].name, k, got[k], nodes[n].data[k]);
	free(got);
}

static void check_link(int n, struct inode *i)
{
	void (*done)(void *) = NULL;
	const char *text = i->link;
	struct dentry d;
	void *arg;

	dentry_make(&d, nodes[n].name);
	if (!text)
		assert_int_equal(i->ops->get_link(&d, i, &text, &done, &arg),
				 0);
	assert_string_equal(text, nodes[n].link);
	if (done)
		done(arg);
}

static void check_node(int n)
{
	struct inode *i = open_node(n);
	char value[700];
	size_t len = 0;
	int err;

	assert_int_equal(S_ISDIR(i->mode), nodes[n].is_dir);
	if (nodes[n].link)
		check_link(n, i);
	else if (!nodes[n].is_dir)
		check_file(n, i);
	err = i->ops->getxattr(i, "user.x", value, sizeof(value), &len);
	assert_int_equal(err, nodes[n].xattr ? 0 : -ENODATA);
	if (!err)
		assert_int_equal(len, nodes[n].xattr);
	if (!nodes[n].is_dir)
		assert_int_equal(i->nlink, nodes[n].alias_parent < 0 ? 1 : 2);
	inode_put(i);
}

static u32 listed;
static bool count_entry(struct dir_ctx *c, const char *name, size_t len,
			u64 pos, u64 ino, unsigned type)
{
	listed++;
	return true;
}

static void check_listing(int n)
{
	struct dir_ctx c = { .emit = count_entry };
	struct file f = { 0 };
	u32 want = 2;

	for (int k = 1; k < MAX_NODES; k++)
		if (nodes[k].used)
			want += (nodes[k].parent == n) +
				(nodes[k].alias_parent == n);
	f.inode = open_node(n);
	listed = 0;
	assert_int_equal(f.inode->fops->iterate(&f, &c), 0);
	/* lost+found */
	assert_int_equal(listed, want + (n == 0));
	inode_put(f.inode);
}

static void check_all(void)
{
	for (int n = 0; n < MAX_NODES; n++) {
		if (!nodes[n].used)
			continue;
		check_node(n);
		if (nodes[n].is_dir)
			check_listing(n);
	}
}

static void fsck(void)
{
	char cmd[160];

	snprintf(cmd, sizeof(cmd), "e2fsck -fn %s > %s.log 2>&1", image,
		 image);
	if (system(cmd)) {
		snprintf(cmd, sizeof(cmd), "cat %s.log", image);
		ignore_error(system(cmd));
		fail_msg("e2fsck complains");
	}
	/* That an extent tree "could be narrower" is said of Linux's too. */
	snprintf(cmd, sizeof(cmd), "grep -E 'shorter|IGNORED|Fix' %s.log",
		 image);
	if (!system(cmd))
		fail_msg("e2fsck has something to say");
}

/* --- the tests ------------------------------------------------------*/

static void mkfs(const char *options, const char *size)
{
	char cmd[256];

	snprintf(image, sizeof(image), "/tmp/ext4_test_%d.img", getpid());
	snprintf(cmd, sizeof(cmd), "rm -f %s; mke2fs -q -F %s %s %s", image,
		 options, image, size);
	assert_int_equal(system(cmd), 0);
	for (int n = 0; n < MAX_NODES; n++) {
		free(nodes[n].data);
		free(nodes[n].link);
	}
	memset(nodes, 0, sizeof(nodes));
	nodes[0] = (struct node){ .used = true, .is_dir = true,
				  .alias_parent = -1 };
}

static void begin(void)
{
	char opts[] = "errors=panic";

	shim_disk_open(image);
	assert_int_equal(shim_mount(0, opts, &sb), 0);
}

static void end(void)
{
	shim_umount(sb);
	shim_disk_close();
	assert_int_equal(shim_pages_used, 0);
}

static void random_op(void)
{
	switch (rnd(22)) {
	case 0 ... 4:
		op_create(false);
		break;
	case 5:
		op_create(true);
		break;
	case 6:
		op_symlink();
		break;
	case 7 ... 11:
		op_write();
		break;
	case 12:
		op_truncate();
		break;
	case 13:
		op_fallocate();
		break;
	case 14 ... 15:
		op_remove();
		break;
	case 16:
		op_link();
		break;
	case 17:
		op_rename();
		break;
	case 18:
		op_xattr();
		break;
	case 19:
		if (rnd(10) == 0)
			shim_sync(sb);
		break;
	case 20:
		if (rnd(20) == 0)
			shim_drop_caches(sb);
		break;
	default:
		break;
	}
}

static void churn(const char *options, const char *size, u32 rounds, u32 ops)
{
	mkfs(options, size);
	for (u32 r = 0; r < rounds; r++) {
		begin();
		for (u32 k = 0; k < ops; k++)
			random_op();
		check_all();
		end();
		fsck();
		begin();
		check_all();
		end();
	}
	unlink(image);
}

static void survives_churn_4k(void **state)
{
	seed = 1;
	churn("-t ext4 -b 4096", "64M", 4, 1500);
}

static void survives_churn_1k(void **state)
{
	seed = 2;
	churn("-t ext4 -b 1024", "32M", 4, 1500);
}

static void survives_churn_2k_128(void **state)
{
	seed = 3;
	churn("-t ext4 -b 2048 -I 128 -O ^64bit", "48M", 3, 1500);
}

static void survives_churn_ext3(void **state)
{
	seed = 4;
	churn("-t ext3 -b 1024", "32M", 3, 1500);
}

static void survives_churn_ext2(void **state)
{
	seed = 5;
	churn("-t ext2 -b 4096", "64M", 2, 1500);
}

static void survives_churn_uninit_bg(void **state)
{
	seed = 6;
	churn("-t ext4 -b 1024 -O ^metadata_csum,uninit_bg", "64M", 3, 1500);
}

static void survives_a_full_disk(void **state)
{
	seed = 7;
	churn("-t ext4 -b 1024 -m 0 -O ^has_journal", "6M", 4, 1500);
	churn("-t ext4 -b 4096 -m 0", "12M", 3, 1500);
}

static void make_many(struct inode *dir, u32 n)
{
	struct dentry d;
	char name[32];

	for (u32 k = 0; k < n; k++) {
		snprintf(name, sizeof(name), "file_with_a_name_%06u", k);
		dentry_make(&d, name);
		assert_int_equal(dir->ops->create(dir, &d, S_IFREG | 0644), 0);
		inode_put(d.inode);
	}
}

static void large_directories(void **state)
{
	static const char *const kinds[] = { "-b 1024 -N 20000",
					     "-b 4096 -N 20000" };
	char name[32];

	for (unsigned t = 0; t < 2; t++) {
		struct inode *dir, *i;
		u32 k, n = 12000;

		mkfs(kinds[t], "64M");
		begin();
		dir = open_node(0);
		make_many(dir, n);
		inode_put(dir);
		end();
		fsck();
		begin();
		dir = open_node(0);
		for (k = 0; k < n; k++) {
			snprintf(name, sizeof(name), "file_with_a_name_%06u",
				 k);
			i = lookup(dir, name);
			assert_non_null(i);
			inode_put(i);
			if (k % 3) {
				remove_name(0, name, false, 0);
			}
		}
		inode_put(dir);
		end();
		fsck();
		unlink(image);
	}
}

/* Blocks written in an order that makes many extents, then cut back. */
static void deep_extent_trees(void **state)
{
	struct kvec v = { calloc(1, 4096), 4096 };
	struct iattr a = { .valid = ATTR_SIZE };
	struct dentry d;
	struct iter it;
	struct inode *dir;
	u64 pos;

	mkfs("-t ext4 -b 1024", "64M");
	begin();
	dir = open_node(0);
	dentry_make(&d, "sparse");
	assert_int_equal(dir->ops->create(dir, &d, S_IFREG | 0644), 0);
	for (u32 k = 0; k < 6000; k++) {
		pos = (u64)((k * 2654435761u) % 6000) * 4096;
		iter_kvec(&it, &v, 1, 1024, true);
		assert_int_equal(filemap_write(&d.inode->data, &it, &pos),
				 1024);
		if (k % 100 == 0)
			shim_sync(sb);
	}
	inode_put(d.inode);
	inode_put(dir);
	end();
	fsck();
	begin();
	dir = open_node(0);
	d.inode = lookup(dir, "sparse");
	for (a.size = 6000 * 4096; a.size > 0; a.size -= 4096 * 600) {
		assert_int_equal(d.inode->ops->setattr(&d, &a), 0);
		shim_sync(sb);
	}
	inode_put(d.inode);
	inode_put(dir);
	end();
	fsck();
	free(v.base);
	unlink(image);
}

static u8 *disk_block(u32 block, u32 size)
{
	size_t n;

	return shim_disk_bytes(&n) + (size_t)block * size;
}

/* debugfs writes transactions into the journal; mounting copies them home. */
static void replay_one(const char *mkfs_options, u32 bs, const char *version)
{
	static const char script[] =
		"set -e; cd /tmp; "
		"printf 'jo %s\\njw -b 4001,4002,4003 /tmp/ext4_test_a\\n"
		"jw -b 4004,4005 /tmp/ext4_test_b\\njw -r 4004\\n"
		"jw -b 4002 /tmp/ext4_test_b\\njc\\n' "
		"| debugfs -w -f - %s >/dev/null 2>&1";
	char cmd[600];

	mkfs(mkfs_options, "32M");
	snprintf(cmd, sizeof(cmd), "head -c %u /dev/zero | tr '\\0' A > "
		 "/tmp/ext4_test_a; (printf '\\300\\073\\071\\230'; head -c "
		 "%u /dev/zero | tr '\\0' B) > /tmp/ext4_test_b",
		 bs * 3, bs * 2 - 4);
	assert_int_equal(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), script, version, image);
	assert_int_equal(system(cmd), 0);
	begin();
	assert_int_equal(disk_block(4001, bs)[9], 'A');
	assert_int_equal(disk_block(4002, bs)[0], 0xc0);
	assert_int_equal(disk_block(4002, bs)[9], 'B');
	assert_int_equal(disk_block(4003, bs)[bs - 1], 'A');
	assert_int_not_equal(disk_block(4004, bs)[9], 'B');
	assert_int_equal(disk_block(4005, bs)[9], 'B');
	end();
	fsck();
	unlink(image);
}

static void replays_the_journal(void **state)
{
	replay_one("-t ext4 -b 4096", 4096, "-c -v 3");
	replay_one("-t ext4 -b 1024", 1024, "-c -v 2");
	replay_one("-t ext4 -b 4096", 4096, "");
	replay_one("-t ext3 -b 1024", 1024, "");
}

/* Flipped bits give errors, never a crash. */
static void damage_is_an_error(void **state)
{
	char opts[] = "errors=continue";
	u8 *disk, *good;
	size_t n;

	mkfs("-t ext4 -b 1024 -O ^metadata_csum", "8M");
	begin();
	seed = 9;
	for (u32 k = 0; k < 1500; k++)
		random_op();
	end();
	shim_quiet = true;
	for (u32 round = 0; round < 300; round++) {
		shim_disk_open(image);
		disk = shim_disk_bytes(&n);
		good = malloc(n);
		memcpy(good, disk, n);
		for (u32 k = 0; k < 40; k++)
			disk[1024 + rnd(rnd(2) ? 600000 : (u32)n - 1024)] ^=
				(u8)(1u << rnd(8));
		strcpy(opts, "errors=continue");
		if (!shim_mount(0, opts, &sb)) {
			struct dir_ctx c = { .emit = count_entry };
			struct inode *i;
			struct iter it;

			for (u32 ino = 11; ino < 700; ino++) {
				struct file f = { 0 };
				struct kvec v = { malloc(20000), 20000 };
				u64 pos = 0;
				extern int ext4_iget(struct super_block *, u64,
						     bool, struct inode **);

				if (!ext4_iget(sb, ino, false, &i)) {
					iter_kvec(&it, &v, 1, 20000, false);
					if (S_ISREG(i->mode))
						ignore_error(filemap_read(
							&i->data, NULL, &it,
							&pos));
					f.inode = i;
					c.pos = 0;
					if (S_ISDIR(i->mode))
						ignore_error(i->fops->iterate(
							&f, &c));
					if (S_ISREG(i->mode)) {
						iter_kvec(&it, &v, 1, 9000,
							  true);
						pos = rnd(200000);
						ignore_error(filemap_write(
							&i->data, &it, &pos));
						i->nlink = rnd(2);
					}
					inode_put(i);
				}
				free(v.base);
			}
			shim_umount(sb);
		}
		memcpy(disk, good, n);
		free(good);
		shim_disk_close();
	}
	shim_quiet = false;
	unlink(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_churn_4k),
		cmocka_unit_test(survives_churn_1k),
		cmocka_unit_test(survives_churn_2k_128),
		cmocka_unit_test(survives_churn_ext3),
		cmocka_unit_test(survives_churn_ext2),
		cmocka_unit_test(survives_churn_uninit_bg),
		cmocka_unit_test(survives_a_full_disk),
		cmocka_unit_test(large_directories),
		cmocka_unit_test(deep_extent_trees),
		cmocka_unit_test(replays_the_journal),
		cmocka_unit_test(damage_is_an_error),
	};

	if (getenv("EXT4_ONLY"))
		cmocka_set_test_filter(getenv("EXT4_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
