/*
 * FAT on a disk in memory: files against a model, fsck.fat afterwards; loops,
 * cut chains and flipped bits, which must end in errors.
 *
 * UNIT_CFLAGS: -Itests/unit/fs/ext4/shim
 * UNIT_SOURCES: fs/fat/boot.c fs/fat/chain.c fs/fat/data.c fs/fat/dir.c
 * UNIT_SOURCES: fs/fat/file.c fs/fat/inode.c fs/fat/name.c fs/fat/namei.c
 * UNIT_SOURCES: fs/fat/options.c fs/fat/table.c fs/fat/time.c
 * UNIT_SOURCES: fs/block/bio.c fs/block/pageio.c fs/block/mapping.c
 * UNIT_SOURCES: fs/block/buf.c tests/unit/fs/fat/super_host.c
 * UNIT_SOURCES: tests/unit/fs/ext4/shim/shim.c
 */
#undef _GNU_SOURCE
#include "../../unit.h"
#include "../ext4/shim/shim.h"
#include <lib/byteorder.h>
#include <lib/string.h>
#include <unistd.h>

#define FILES 40
#define MAX_BYTES 90000u

static struct super_block *sb;
static uint64_t seed;
static char image[64];
static u8 *content[FILES];
static u32 size[FILES];
static bool exists[FILES];

static u32 rnd(u32 n)
{
	return (u32)(noise(&seed) >> 16) % n;
}

static void host(const char *fmt, const char *a)
{
	char cmd[300];
	int n = snprintf(cmd, sizeof(cmd), "PATH=$PATH:/usr/sbin:/sbin; ");

	snprintf(cmd + n, sizeof(cmd) - (size_t)n, fmt, a, image);
	if (system(cmd))
		fail_msg("%s", cmd);
}

static void mkfs(const char *how)
{
	snprintf(image, sizeof(image), "/tmp/fat_test.%d", (int)getpid());
	unlink(image);
	host("mkfs.vfat %s -C %s 4096 >/dev/null", how);
}

static int begin(void)
{
	char opts[] = "errors=continue";

	shim_disk_open(image);
	return shim_mount(0, opts, &sb);
}

static void end(void)
{
	shim_umount(sb);
	shim_disk_close();
	assert_int_equal(shim_pages_used, 0);
}

static void dentry_make(struct dentry *d, const char *name)
{
	memset(d, 0, sizeof(*d));
	ref_init(&d->refs, 1);
	d->name = name;
	d->len = (u32)strlen(name);
	d->sb = sb;
}

static int lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct dentry d;
	int err;

	dentry_make(&d, name);
	err = dir->ops->lookup(dir, &d);
	*out = err ? NULL : d.inode;
	return err;
}

static void name_of(int n, char *out)
{
	static const char *const how[] = {
		"F%d", "file number %d.data", "%d-\xc3\xa4\xe2\x82\xac", "%d.x.y",
	};

	sprintf(out, how[n % 4], n);
}

static ssize_t move(struct inode *i, u8 *buf, u32 n, u64 pos, bool is_write)
{
	struct kvec v = { buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, is_write);
	return is_write ? filemap_write(&i->data, &it, &pos) :
			  filemap_read(&i->data, NULL, &it, &pos);
}

/* --- against a model ------------------------------------------------------*/

static struct inode *open_file(int n)
{
	struct inode *root = sb->root->inode, *i;
	struct dentry d;
	char name[64];

	name_of(n, name);
	assert_int_equal(lookup(root, name, &i), 0);
	assert_int_equal(i != NULL, exists[n]);
	if (i)
		return i;
	dentry_make(&d, name);
	if (root->ops->create(root, &d, 0644))
		return NULL;
	exists[n] = true;
	size[n] = 0;
	return d.inode;
}

static void op_write(struct inode *i, int n)
{
	u32 pos = rnd(2) ? rnd(MAX_BYTES / 2) : min(size[n], MAX_BYTES / 2);
	u32 len = 1 + rnd(MAX_BYTES / 2 - 1), old = size[n];
	u8 *buf = malloc(len);
	ssize_t got;

	memset(buf, (int)(1 + rnd(255)), len);
	got = move(i, buf, len, pos, true);
	size[n] = (u32)inode_size(i);
	if (got > 0) {
		if (pos > old)
			memset(content[n] + old, 0, pos - old);
		memcpy(content[n] + pos, buf, (u32)got);
	} else if (size[n] > old) {
		memset(content[n] + old, 0, size[n] - old);
	}
	free(buf);
}

static void op_truncate(struct inode *i, int n)
{
	struct dentry d = { .inode = i };
	struct iattr a = { .valid = ATTR_SIZE, .size = rnd(MAX_BYTES) };

	ignore_error(i->ops->setattr(&d, &a));
	if (inode_size(i) > size[n])
		memset(content[n] + size[n], 0, inode_size(i) - size[n]);
	size[n] = (u32)inode_size(i);
}

static void op_remove(struct inode *i, int n)
{
	struct inode *root = sb->root->inode;
	struct dentry d;
	char name[64];

	name_of(n, name);
	dentry_make(&d, name);
	d.inode = i;
	assert_int_equal(root->ops->unlink(root, &d), 0);
	exists[n] = false;
}

static void check_file(struct inode *i, int n)
{
	u8 *buf = malloc(MAX_BYTES + 1);

	assert_int_equal(inode_size(i), size[n]);
	assert_int_equal(move(i, buf, MAX_BYTES + 1, 0, false), size[n]);
	assert_memory_equal(buf, content[n], size[n]);
	free(buf);
}

static void churn(const char *how, int rounds)
{
	struct inode *i;
	int n;

	mkfs(how);
	for (n = 0; n < FILES; n++) {
		content[n] = calloc(1, MAX_BYTES + 1);
		exists[n] = false;
	}
	assert_int_equal(begin(), 0);
	for (int k = 0; k < rounds; k++) {
		n = (int)rnd(FILES);
		i = open_file(n);
		if (!i)
			continue;
		if (rnd(3))
			op_write(i, n);
		else if (rnd(2))
			op_truncate(i, n);
		else if (!rnd(3))
			op_remove(i, n);
		if (exists[n])
			check_file(i, n);
		inode_put(i);
		if (!rnd(50))
			shim_drop_caches(sb);
	}
	end();
	host("fsck.fat -n %s%s >/dev/null", "");
	assert_int_equal(begin(), 0);
	for (n = 0; n < FILES; n++) {
		if (exists[n]) {
			i = open_file(n);
			check_file(i, n);
			inode_put(i);
		}
		free(content[n]);
	}
	end();
}

static void survives_churn_12(void **state)
{
	seed = 1;
	churn("-F 12 -s 4", 2500);
}

static void survives_churn_16(void **state)
{
	seed = 2;
	churn("-F 16 -s 1", 2500);
}

static void survives_churn_32(void **state)
{
	seed = 3;
	churn("-F 32 -s 1", 2500);
}

/* --- damage ---------------------------------------------------------------*/

static bool count_entry(struct dir_ctx *c, const char *name, size_t len,
			u64 pos, u64 ino, unsigned type)
{
	return true;
}

static void make_file(const char *name, u32 n)
{
	struct inode *root = sb->root->inode;
	u8 *buf = calloc(1, n);
	struct dentry d;

	dentry_make(&d, name);
	assert_int_equal(root->ops->create(root, &d, 0644), 0);
	assert_int_equal(move(d.inode, buf, n, 0, true), n);
	inode_put(d.inode);
	free(buf);
}

/* FAT16, 512 bytes a cluster: a file of four clusters, alone on the disk. */
static void with_chain(const u16 *table, unsigned n, int want)
{
	u8 *disk, buf[2048];
	struct inode *i;
	size_t bytes;

	mkfs("-F 16 -s 1 -R 1");
	assert_int_equal(begin(), 0);
	make_file("X", 2048);
	end();
	shim_quiet = true;
	shim_disk_open(image);
	disk = shim_disk_bytes(&bytes);
	/* The search for clusters begins behind the second. */
	for (unsigned k = 0; k < n; k++)
		put_unaligned_le16(table[k], disk + 512 + (3 + k) * 2);
	shim_disk_close();
	assert_int_equal(begin(), 0);
	assert_int_equal(lookup(sb->root->inode, "x", &i), 0);
	assert_int_equal(move(i, buf, 2048, 0, false), want);
	inode_set_nlink(i, 0);		/* it is freed by this chain */
	inode_put(i);
	end();
	shim_quiet = false;
}

static void chains_are_not_trusted(void **state)
{
	const u16 good[] = { 4, 5, 6, 0xffff }, cut[] = { 4, 0xffff },
		  out[] = { 4, 0xfff0 }, freed[] = { 4, 0 }, loop[] = { 4, 3 },
		  bad[] = { 0xfff7 };

	with_chain(good, 4, 2048);
	with_chain(cut, 2, -EIO);
	with_chain(out, 2, -EIO);
	with_chain(freed, 2, -EIO);
	with_chain(bad, 1, -EIO);
	with_chain(loop, 2, 2048);	/* as far as it goes; Linux too */
}

static void use_file(struct inode *i)
{
	u8 *buf = calloc(1, 20000);
	struct file f = { .inode = i };
	struct dir_ctx c = { .emit = count_entry };

	if (S_ISREG(i->mode)) {
		ignore_error((int)move(i, buf, 20000, 0, false));
		ignore_error((int)move(i, buf, 9000, rnd(200000), true));
		i->nlink = rnd(2);
	} else {
		ignore_error(i->fops->iterate(&f, &c));
	}
	free(buf);
}

static void use_all(void)
{
	struct inode *root = sb->root->inode, *i;
	struct dentry d;
	char name[64];

	use_file(root);
	for (int n = 0; n < FILES; n++) {
		name_of(n, name);
		if (lookup(root, name, &i) || !i)
			continue;
		use_file(i);
		dentry_make(&d, name);
		d.inode = i;
		if (!rnd(3) && i->nlink)
			ignore_error(S_ISDIR(i->mode) ?
				     root->ops->rmdir(root, &d) :
				     root->ops->unlink(root, &d));
		inode_put(i);
		sprintf(name, "another new name %d", n);
		dentry_make(&d, name);
		if (!rnd(3) && !(rnd(2) ? root->ops->mkdir(root, &d, 0755) :
				 root->ops->create(root, &d, 0644)))
			inode_put(d.inode);
	}
}

static void damage(const char *how, u32 meta)
{
	u8 *disk, *good;
	struct dentry d;
	char name[64];
	size_t n;

	mkfs(how);
	assert_int_equal(begin(), 0);
	for (int k = 0; k < FILES; k++) {
		name_of(k, name);
		dentry_make(&d, name);
		if (k % 5) {
			make_file(name, 1 + rnd(30000));
			continue;
		}
		assert_int_equal(sb->root->inode->ops->mkdir(
					 sb->root->inode, &d, 0755), 0);
		inode_put(d.inode);
	}
	end();
	shim_quiet = true;
	for (int round = 0; round < 250; round++) {
		shim_disk_open(image);
		disk = shim_disk_bytes(&n);
		good = malloc(n);
		memcpy(good, disk, n);
		for (u32 k = rnd(60); k; k--)
			disk[rnd(meta)] ^= (u8)(1u << rnd(8));
		if (round % 4 == 0)
			disk[rnd(64)] = (u8)rnd(256);
		strcpy(name, "errors=continue");
		if (!shim_mount(0, name, &sb)) {
			use_all();
			shim_umount(sb);
		}
		memcpy(disk, good, n);
		free(good);
		shim_disk_close();
	}
	shim_quiet = false;
}

static void damage_is_an_error_12(void **state)
{
	seed = 11;
	damage("-F 12 -s 4 -r 512", 30000);
}

static void damage_is_an_error_16(void **state)
{
	seed = 12;
	damage("-F 16 -s 1 -r 512", 90000);
}

static void damage_is_an_error_32(void **state)
{
	seed = 13;
	damage("-F 32 -s 1", 120000);
}

static int clean_up(void **state)
{
	return unlink(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_churn_12),
		cmocka_unit_test(survives_churn_16),
		cmocka_unit_test(survives_churn_32),
		cmocka_unit_test(chains_are_not_trusted),
		cmocka_unit_test(damage_is_an_error_12),
		cmocka_unit_test(damage_is_an_error_16),
		cmocka_unit_test(damage_is_an_error_32),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
