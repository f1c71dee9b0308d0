/*
 * initramfs - the archives that fill the rootfs: the one linked into the
 * kernel, then the one the boot loader has passed.
 *
 * Theory:  an image is a row of cpio archives ("newc"), each plain or packed
 *          with gzip or zstd, with zeros between.  A packed one is unpacked
 *          into memory that grows as needed, then read like a plain one.
 *          A damaged image ends its own unpacking with a message: what came
 *          before stays and start-up goes on.
 *          A kernel task unpacks while the drivers look for their devices.
 * Life:    the boot loader's image is given to the page allocator afterwards.
 */
#include "vfs_impl.h"
#include <arch/mmu.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <lib/cpio.h>
#include <lib/decompress.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmap.h>

extern const char initramfs_start[] __weak, initramfs_end[] __weak;

/* A file of several names, by the archive's inode number. */
struct hard_link {
	struct list node;
	u32 ino, major, minor;
	char path[];
};

static struct completion unpacked;

struct unpack {
	const char *source;		/* for messages */
	struct list links;
	char *path;			/* PATH_MAX: "/" and the entry's name */
};

/* --- one entry -----------------------------------------------------------------------*/
static int set_attributes(const char *path, const struct cpio_entry *e)
{
	struct iattr a = {
		.valid = ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_MTIME_SET |
			 ATTR_FORCE,
		.uid = e->uid, .gid = e->gid, .mtime = { .sec = e->mtime },
	};
	struct path p;
	int err = path_lookup(AT_FDCWD, path, 0, &p);

	if (err)
		return err;
	if (!S_ISLNK(e->mode)) {
		a.valid |= ATTR_MODE;
		a.mode = e->mode & 07777;
	}
	err = vfs_setattr(&p, &a);
	path_put(&p);
	return err;
}

static int make_dir(const char *path, u32 mode)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, path, LOOKUP_DIRECTORY, &parent, &d);

	if (err)
		return err == -EEXIST ? 0 : err;
	err = vfs_mkdir(&parent, d, mode);
	path_create_done(&parent, d);
	return err;
}

static int make_node(const char *path, const struct cpio_entry *e)
{
	struct path parent;
	struct dentry *d;
	int err;

	ignore_error(do_unlink(AT_FDCWD, path));	/* an older one */
	err = path_create(AT_FDCWD, path, 0, &parent, &d);
	if (err)
		return err;
	err = vfs_mknod(&parent, d, e->mode, MKDEV(e->rdev_major, e->rdev_minor));
	path_create_done(&parent, d);
	return err;
}

static int make_symlink(const char *path, const struct cpio_entry *e)
{
	struct path parent;
	struct dentry *d;
	char *to;
	int err;

	if (!e->size || e->size >= PATH_MAX)
		return -EINVAL;
	to = kstrndup(e->data, e->size, GFP_KERNEL);
	if (!to)
		return -ENOMEM;
	ignore_error(do_unlink(AT_FDCWD, path));	/* an older one */
	err = path_create(AT_FDCWD, path, 0, &parent, &d);
	if (!err) {
		err = vfs_symlink(&parent, d, to);
		path_create_done(&parent, d);
	}
	kfree(to);
	return err;
}

static int write_data(struct file *f, const char *data, size_t n)
{
	u64 pos = 0;
	ssize_t done;

	while (pos < n) {
		done = file_write_kernel(f, data + pos, n - pos, &pos);
		if (done <= 0)
			return done ? (int)done : -EIO;
	}
	return 0;
}

static int make_file(const char *path, const struct cpio_entry *e)
{
	struct file *f;
	int err;

	err = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, e->mode & 07777,
			&f);
	if (err)
		return err;
	err = write_data(f, e->data, e->size);
	file_put(f);
	return err;
}

/* --- files of several names -------------------------------------------------------------*/
static struct hard_link *find_link(struct unpack *u, const struct cpio_entry *e)
{
	struct hard_link *l;

	list_for_each_entry(l, &u->links, node)
		if (l->ino == e->ino && l->major == e->dev_major &&
		    l->minor == e->dev_minor)
			return l;
	return NULL;
}

static int remember_link(struct unpack *u, const struct cpio_entry *e)
{
	size_t n = strlen(u->path) + 1;
	struct hard_link *l = kmalloc(sizeof(*l) + n, GFP_KERNEL);

	if (!l)
		return -ENOMEM;
	l->ino = e->ino;
	l->major = e->dev_major;
	l->minor = e->dev_minor;
	memcpy(l->path, u->path, n);
	list_add(&l->node, &u->links);
	return 0;
}

static int link_to(const char *from, const char *path)
{
	struct path old, parent;
	struct dentry *d;
	int err = path_lookup(AT_FDCWD, from, 0, &old);

	if (err)
		return err;
	ignore_error(do_unlink(AT_FDCWD, path));	/* an older one */
	err = path_create(AT_FDCWD, path, 0, &parent, &d);
	if (!err) {
		err = vfs_link(&old, &parent, d);
		path_create_done(&parent, d);
	}
	path_put(&old);
	return err;
}

/* The data come with one of the names, most often the last. */
static int make_file_or_link(struct unpack *u, const struct cpio_entry *e)
{
	struct hard_link *l = e->nlink > 1 ? find_link(u, e) : NULL;
	int err;

	if (l) {
		err = link_to(l->path, u->path);
		if (err || !e->size)
			return err;
	} else if (e->nlink > 1) {
		err = remember_link(u, e);
		if (err)
			return err;
	}
	return make_file(u->path, e);
}

static int unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
	const char *name = e->name;
	int err;

	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name += *name == '/' ? 1 : 2;
	if (!*name || str_equal(name, "."))
		return 0;
	if (strlen(name) + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	u->path[0] = '/';
	strscpy(u->path + 1, name, PATH_MAX - 1);
	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		err = make_dir(u->path, e->mode & 07777);
		break;
	case S_IFREG:
		err = make_file_or_link(u, e);
		break;
	case S_IFLNK:
		err = make_symlink(u->path, e);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		err = make_node(u->path, e);
		break;
	default:
		return -EINVAL;
	}
	return err ? err : set_attributes(u->path, e);
}

/* --- archives ---------------------------------------------------------------------------*/
static int unpack_cpio(struct unpack *u, const char *buf, size_t n, size_t *pos)
{
	struct cpio_entry e;
	int more, err;

	while ((more = cpio_next(buf, n, pos, &e)) > 0) {
		err = unpack_entry(u, &e);
		if (err == -ENOSPC || err == -ENOMEM)
			return err;
		if (err)
			pr_warn("initramfs: %s: error %d\n", e.name, err);
	}
	return more;
}

struct grow {
	char *buf;
	size_t used, size;
};

static int grow_sink(void *ctx, const void *data, size_t n)
{
	struct grow *g = ctx;
	size_t size;
	char *buf;

	if (n > g->size - g->used) {
		size = max(g->size * 2, g->used + n);
		buf = vmalloc(size);
		if (!buf)
			return -ENOMEM;
		if (g->buf) {
			memcpy(buf, g->buf, g->used);
			vfree(g->buf);
		}
		g->buf = buf;
		g->size = size;
	}
	memcpy(g->buf + g->used, data, n);
	g->used += n;
	return 0;
}

/* One packed stream at src into g; *used: how long it was. */
static int unpack_stream(const char *src, size_t n, struct grow *g, size_t *used)
{
	struct decompress_ws ws;
	struct decompress_stream *s;
	u64 bound;
	int err = decompress_ws_bytes(src, n, &ws.bytes);

	if (err)
		return err;
	if (!decompress_bound(src, n, &bound) && bound && bound < 1ull << 32) {
		g->buf = vmalloc(bound);
		g->size = g->buf ? bound : 0;
	}
	ws.mem = vmalloc(ws.bytes);
	if (!ws.mem)
		return -ENOMEM;
	err = decompress_begin(&ws, src, n, grow_sink, g, &s);
	if (!err)
		err = decompress_feed(s, src, n, used);
	vfree(ws.mem);
	if (err == 0)
		return -ENODATA;	/* cut off */
	return err > 0 ? 0 : err;
}

static int unpack_all(struct unpack *u, const char *buf, size_t n);

static int unpack_packed(struct unpack *u, const char *src, size_t n,
			 size_t *used)
{
	struct grow g = { .size = 0 };
	int err = unpack_stream(src, n, &g, used);

	if (!err)
		err = unpack_all(u, g.buf, g.used);
	vfree(g.buf);
	return err;
}

static int unpack_all(struct unpack *u, const char *buf, size_t n)
{
	size_t pos = 0, used;
	int err;

	while (pos < n) {
		if (!buf[pos]) {
			pos++;
			continue;
		}
		if (cpio_is_magic(buf + pos, n - pos)) {
			used = 0;
			err = unpack_cpio(u, buf + pos, n - pos, &used);
		} else if (decompress_detect(buf + pos, n - pos) !=
			   DECOMPRESS_NONE) {
			err = unpack_packed(u, buf + pos, n - pos, &used);
		} else {
			err = -EINVAL;
		}
		if (err)
			return err;
		pos += used;
	}
	return 0;
}

static void unpack_image(const char *source, const char *buf, size_t n)
{
	struct unpack u = { .source = source };
	struct hard_link *l, *next;
	int err;

	list_init(&u.links);
	u.path = kmalloc(PATH_MAX + 64, GFP_KERNEL);
	err = u.path ? unpack_all(&u, buf, n) : -ENOMEM;
	list_for_each_entry_safe(l, next, &u.links, node)
		kfree(l);
	kfree(u.path);
	if (err)
		pr_err("initramfs: the %s image is damaged: error %d\n", source,
		       err);
}

static void unpack_images(void *arg)
{
	struct cpio_entry console = {
		.mode = S_IFCHR | 0600, .rdev_major = 5, .rdev_minor = 1,
	};

	ignore_error(make_dir("/dev", 0755));	/* then there is no console */
	ignore_error(make_dir("/root", 0700));
	ignore_error(make_node("/dev/console", &console));
	if (&initramfs_end[0] > &initramfs_start[0])
		unpack_image("built-in", initramfs_start,
			     (size_t)(initramfs_end - initramfs_start));
	if (boot_initrd.end > boot_initrd.start) {
		unpack_image("boot loader's", pa_to_va(boot_initrd.start),
			     boot_initrd.end - boot_initrd.start);
		mem_add_range(boot_initrd.start, boot_initrd.end);
	}
	complete_all(&unpacked);
}

void initramfs_begin(void)
{
	completion_init(&unpacked);
	if (kthread_create(unpack_images, NULL, -1, NULL, "initramfs"))
		unpack_images(NULL);
}

void initramfs_wait(void)
{
	wait_for_completion(&unpacked);
}
