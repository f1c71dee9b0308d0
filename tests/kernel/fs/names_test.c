/* Names and dentries: the parser of components, look-ups, what a removed
 * name leaves behind. */
#include <fs/vfs.h>
#include <kernel/init.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "../../../fs/vfs_impl.h"

SELFTEST(component_is_cut_at_any_alignment)
{
	static char buf[512] __aligned(8);
	struct qname a, b;

	for (unsigned off = 0; off < 8; off++) {
		for (unsigned len = 1; len <= 60; len++) {
			memset(buf, '/', sizeof(buf));
			for (unsigned i = 0; i < len; i++)
				buf[off + i] = (char)('a' + (i + len) % 26);
			ST_CHECK(qname_parse(buf + off, &a) == buf + off + len);
			buf[off + len] = 0;
			ST_CHECK(qname_parse(buf + off, &b) == buf + off + len);
			ST_CHECK(a.len == len && b.len == len);
			ST_CHECK(a.hash == b.hash);
			ST_CHECK(!memcmp(a.words, buf + off, len));
			ST_CHECK(a.hash == name_hash(buf + off, len));
		}
	}
}

SELFTEST(component_of_255_is_the_longest)
{
	static char buf[300] __aligned(8);
	struct qname q;

	memset(buf, 'x', sizeof(buf) - 1);
	buf[255] = 0;
	qname_parse(buf, &q);
	ST_CHECK(q.len == 255);
	buf[255] = 'x';
	buf[256] = 0;
	qname_parse(buf, &q);
	ST_CHECK(q.len > NAME_MAX);
	buf[256] = 'x';
	qname_parse(buf, &q);
	ST_CHECK(q.len > NAME_MAX);
}

/* Both walks must agree. */
static void both_walks(const char *name, unsigned flags, int want)
{
	struct walk *w = kmalloc(sizeof(*w), GFP_KERNEL);
	int err;

	ST_CHECK(w != NULL);
	walk_init(w, AT_FDCWD, name, flags);
	err = walk_ref(w);
	ST_CHECK(err == want);
	if (!err) {
		walk_done(w);
		path_put(&w->path);
	}
	walk_init(w, AT_FDCWD, name, flags);
	rcu_read_lock();
	err = walk_rcu(w);
	rcu_read_unlock();
	ST_CHECK(err == want || err == -ECHILD);
	kfree(w);
}

static void make_dir(const char *name)
{
	struct path dir;
	struct dentry *d;
	int err = path_create(AT_FDCWD, name, LOOKUP_DIRECTORY, &dir, &d);

	ST_CHECK(!err);
	if (err)
		return;
	ST_CHECK(!vfs_mkdir(&dir, d, 0755));
	path_create_done(&dir, d);
}

static void make_link(const char *to, const char *name)
{
	struct path dir;
	struct dentry *d;
	int err = path_create(AT_FDCWD, name, 0, &dir, &d);

	ST_CHECK(!err);
	if (err)
		return;
	ST_CHECK(!vfs_symlink(&dir, d, to));
	path_create_done(&dir, d);
}

SELFTEST(walks_agree)
{
	struct file *f;

	make_dir("/st");
	make_dir("/st/d");
	make_link("d", "/st/l");
	make_link("/st/none", "/st/x");
	ST_CHECK(!file_open("/st/d/f", O_CREAT | O_RDWR, 0600, &f));
	file_put(f);
	both_walks("/st/d/f", 0, 0);
	both_walks("/st/l/f", 0, 0);
	both_walks("//st/./d/../l/.//f", 0, 0);
	both_walks("/st/l/", 0, 0);
	both_walks("/st/absent", 0, -ENOENT);
	both_walks("/st/absent/more", 0, -ENOENT);
	both_walks("/st/d/f/", 0, -ENOTDIR);
	both_walks("/st/d/f/more", 0, -ENOTDIR);
	both_walks("/st/x", LOOKUP_FOLLOW, -ENOENT);
	both_walks("/st/x", 0, 0);
	both_walks("/../../st", 0, 0);
	ST_CHECK(!do_unlink(AT_FDCWD, "/st/d/f"));
	both_walks("/st/d/f", 0, -ENOENT);
	ST_CHECK(do_rmdir(AT_FDCWD, "/st") == -ENOTEMPTY);
	ST_CHECK(!do_rmdir(AT_FDCWD, "/st/d"));
	both_walks("/st/l/f", 0, -ENOENT);
	ST_CHECK(!do_unlink(AT_FDCWD, "/st/l"));
	ST_CHECK(!do_unlink(AT_FDCWD, "/st/x"));
	ST_CHECK(!do_rmdir(AT_FDCWD, "/st"));
}

SELFTEST(inode_goes_with_its_last_user)
{
	char buf[8] = "";
	struct file *f;
	u64 pos = 0;

	ST_CHECK(!file_open("/st-file", O_CREAT | O_RDWR, 0600, &f));
	ST_CHECK(file_write_kernel(f, "kept", 4, &pos) == 4);
	ST_CHECK(!do_unlink(AT_FDCWD, "/st-file"));
	ST_CHECK(f->inode->nlink == 0 && ref_count(&f->inode->refs) == 1);
	pos = 0;
	ST_CHECK(file_read_kernel(f, buf, sizeof(buf), &pos) == 4);
	ST_CHECK(str_equal(buf, "kept"));
	file_put(f);
}
