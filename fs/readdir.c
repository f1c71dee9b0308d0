/* readdir - entries of a directory, as getdents64(2) lays them out. */
#include "vfs_impl.h"
#include <fs/fdtable.h>
#include <lib/string.h>

bool dir_emit_dots(struct file *f, struct dir_ctx *c)
{
	struct dentry *d = f->path.dentry, *p;
	u64 ino;

	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, 0, d->inode->ino, DT_DIR))
			return false;
		c->pos = 1;
	}
	if (c->pos == 1) {
		spin_lock(&d->lock);
		p = READ_ONCE(d->parent);
		ino = p && p->inode ? p->inode->ino : d->inode->ino;
		spin_unlock(&d->lock);
		if (!c->emit(c, "..", 2, 1, ino, DT_DIR))
			return false;
		c->pos = 2;
	}
	return true;
}

int vfs_iterate(struct file *f, struct dir_ctx *c)
{
	struct inode *i = f->inode;
	int err;

	if (!f->ops->iterate)
		return -ENOTDIR;
	err = mutex_lock_killable(&i->lock);
	if (err)
		return -EINTR;
	err = -ENOENT;
	if (!(i->flags & S_DEAD)) {
		c->pos = f->pos;
		err = f->ops->iterate(f, c);
		f->pos = c->pos;
		notify_file(f, FSN_ACCESS);
		file_accessed(f);
	}
	mutex_unlock(&i->lock);
	return err;
}

struct linux_dirent64 {
	u64 ino;
	s64 off;		/* where the next one is */
	u16 reclen;
	u8 type;
	char name[];
};

struct getdents {
	struct dir_ctx ctx;
	char *buf;		/* kernel side */
	size_t used, size;
	struct linux_dirent64 *last;
	int err;
};

/* A record's `off` is the position of the one after it. */
static bool emit(struct dir_ctx *c, const char *name, size_t len, u64 pos,
		 u64 ino, unsigned type)
{
	struct getdents *g = container_of(c, struct getdents, ctx);
	size_t n = ALIGN_UP(offsetof(struct linux_dirent64, name) + len + 1,
			    (size_t)8);
	struct linux_dirent64 *e;

	if (n > g->size - g->used) {
		if (!g->used)
			g->err = -EINVAL;
		return false;
	}
	e = (struct linux_dirent64 *)(g->buf + g->used);
	*(u64 *)((char *)e + n - 8) = 0;
	e->ino = ino;
	e->off = 0;
	e->reclen = (u16)n;
	e->type = (u8)type;
	memcpy(e->name, name, len);
	e->name[len] = 0;
	if (g->last)
		g->last->off = (s64)pos;
	g->last = e;
	g->used += n;
	return true;
}

ssize_t vfs_getdents64(struct file *f, void *buf, size_t size)
{
	struct getdents g = {
		.ctx = { .emit = emit }, .buf = buf, .size = size,
	};
	int err = vfs_iterate(f, &g.ctx);

	if (g.last) {
		g.last->off = (s64)g.ctx.pos;
		return (ssize_t)g.used;
	}
	return err ? err : g.err;
}
