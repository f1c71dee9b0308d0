/*
 * dpath - the text of a path, from the name up to the root.
 *
 * Theory:  names and parents are read under RCU and put in front of each
 *          other; if a rename or a mount change moved meanwhile, it is all
 *          done again.
 */
#include "dpath_impl.h"
#include "vfs_impl.h"
#include <kernel/rcu.h>
#include <lib/printf.h>
#include <lib/string.h>

struct text {
	char *buf, *at;
	bool is_full;
};

static void prepend(struct text *t, const char *s, size_t n)
{
	if (t->is_full || (size_t)(t->at - t->buf) < n) {
		t->is_full = true;
		return;
	}
	t->at -= n;
	memcpy(t->at, s, n);
}

static void prepend_name(struct text *t, const struct dentry *d)
{
	u32 len = READ_ONCE(d->len);

	prepend(t, READ_ONCE(d->name), min(len, (u32)NAME_MAX));
	prepend(t, "/", 1);
}

/* 0: at the given root; 1: at the top of the namespace; 2: elsewhere. */
static int climb(struct text *t, const struct path *p, const struct path *root)
{
	const struct dentry *d = p->dentry, *up;
	const struct mount *m = p->mnt, *above;

	for (;;) {
		if (root && d == root->dentry && m == root->mnt)
			return 0;
		if (d == m->root) {
			above = READ_ONCE(m->parent);
			if (!above)
				return READ_ONCE(m->ns) ? 1 : 2;
			d = READ_ONCE(m->mountpoint);
			m = above;
			if (!d)
				return 2;
			continue;
		}
		up = READ_ONCE(d->parent);
		if (!up || up == d)
			return 2;
		prepend_name(t, d);
		d = up;
	}
}

int path_text(const struct path *p, const struct path *root, char *buf,
	      size_t n, char **text, int *where)
{
	struct text t = { .buf = buf };
	bool is_deleted = (READ_ONCE(p->dentry->flags) & (D_UNHASHED | D_ROOT)) ==
			  D_UNHASHED;
	u32 m, r;

	do {
		t.at = buf + n;
		t.is_full = false;
		rcu_read_lock();
		m = seq_read_begin(&mount_seq);
		r = seq_read_begin(&rename_seq);
		if (is_deleted)
			prepend(&t, " (deleted)", sizeof(" (deleted)"));
		else
			prepend(&t, "", 1);
		char *end = t.at;

		*where = climb(&t, p, root);
		if (t.at == end)
			prepend(&t, "/", 1);
		rcu_read_unlock();
	} while (seq_read_retry(&rename_seq, r) ||
		 seq_read_retry(&mount_seq, m));
	if (t.is_full)
		return -ENAMETOOLONG;
	*text = t.at;
	return 0;
}

int dentry_text(struct dentry *d, char *buf, size_t n, char **text)
{
	struct text t = { .buf = buf };
	const struct dentry *e, *up;
	u32 r;

	do {
		t.at = buf + n;
		t.is_full = false;
		prepend(&t, "", 1);
		rcu_read_lock();
		r = seq_read_begin(&rename_seq);
		for (e = d; (up = READ_ONCE(e->parent)) && up != e; e = up)
			prepend_name(&t, e);
		rcu_read_unlock();
		if (!*t.at)
			prepend(&t, "/", 1);
	} while (seq_read_retry(&rename_seq, r));
	*text = t.at;
	return t.is_full ? -ENAMETOOLONG : 0;
}

static int describe(const struct path *p, char *buf, size_t n, char **text)
{
	size_t len = p->dentry->ops->describe(p->dentry, buf, n);

	if (len >= n)
		return -ENAMETOOLONG;
	memmove(buf + n - len - 1, buf, len);
	buf[n - 1] = 0;
	*text = buf + n - len - 1;
	return 0;
}

int path_format(const struct path *p, char *buf, size_t n, char **text)
{
	struct path root;
	int err, where;

	if (!n)
		return -ENAMETOOLONG;
	if (p->dentry->ops->describe)
		return describe(p, buf, n, text);
	fs_get_root(current->fs, &root);
	err = path_text(p, &root, buf, n, text, &where);
	path_put(&root);
	return err;
}

int path_getcwd(char *buf, size_t n, char **text)
{
	static const char mark[] = "(unreachable)";
	struct path root, pwd;
	int err, where;

	fs_get_root(current->fs, &root);
	fs_get_pwd(current->fs, &pwd);
	err = -ENOENT;
	if ((READ_ONCE(pwd.dentry->flags) & (D_UNHASHED | D_ROOT)) !=
	    D_UNHASHED)
		err = path_text(&pwd, &root, buf, n, text, &where);
	path_put(&root);
	path_put(&pwd);
	if (err || !where)
		return err;
	if ((size_t)(*text - buf) < sizeof(mark) - 1)
		return -ENAMETOOLONG;
	*text -= sizeof(mark) - 1;
	memcpy(*text, mark, sizeof(mark) - 1);
	return 0;
}
