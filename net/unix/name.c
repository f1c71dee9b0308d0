/*
 * name - names of local sockets: path names, found through the inode, and
 *        abstract ones, found through a hash.
 * Locks: bind_lock: one bind of a socket at a time; names_lock: the hash, and
 *        inode->socket.
 */
#include "unix_impl.h"

#include <fs/fdtable.h>
#include <lib/hash.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/process.h>

#define NAME_BUCKETS 64u

static struct spinlock names_lock =
	SPINLOCK_INIT(RANK_SPIN_LEAF, "unix names");
static struct list names[NAME_BUCKETS];

static u32 name_bucket(const struct sockaddr_un *n, int len)
{
	return hash_bytes(n->path, (size_t)len - 2, 0) % NAME_BUCKETS;
}

static int check_addr(const void *addr, int len)
{
	const struct sockaddr_un *n = addr;

	if (len < 2 || len > (int)sizeof(*n) || n->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static struct unix_sock *abstract_find_locked(const struct sockaddr_un *n,
					      int len, int type)
{
	struct unix_sock *u;

	list_for_each_entry(u, &names[name_bucket(n, len)], name_node)
		if (u->addr->len == len && u->type == type &&
		    !memcmp(&u->addr->name, n, (size_t)len))
			return u;
	return NULL;
}

/* The path name of an address, NUL-terminated, into buf. */
static void addr_path(const struct sockaddr_un *n, int len, char *buf)
{
	size_t k = (size_t)len - 2;

	memcpy(buf, n->path, k);
	buf[k] = 0;
}

static int path_find(const struct sockaddr_un *n, int len, int type,
		     struct unix_sock **out)
{
	char buf[UNIX_PATH_MAX + 1];
	struct path p;
	struct unix_sock *u;
	int err;

	addr_path(n, len, buf);
	err = path_lookup(AT_FDCWD, buf, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_WRITE);
	if (err)
		goto out;
	err = -ECONNREFUSED;
	if (!S_ISSOCK(p.dentry->inode->mode))
		goto out;
	spin_lock(&names_lock);
	u = p.dentry->inode->socket;
	if (u) {
		err = u->type == type ? 0 : -EPROTOTYPE;
		if (!err)
			ref_get(&u->refs);
	}
	spin_unlock(&names_lock);
	if (!err)
		*out = u;
out:
	path_put(&p);
	return err;
}

int unix_name_find(const void *addr, int len, int type,
		     struct unix_sock **out)
{
	const struct sockaddr_un *n = addr;
	struct unix_sock *u;
	int err = check_addr(addr, len);

	if (err)
		return err;
	if (len == 2)
		return -EINVAL;		/* a name for bind() only */
	if (n->path[0])
		return path_find(n, len, type, out);
	spin_lock(&names_lock);
	u = abstract_find_locked(n, len, type);
	if (u)
		ref_get(&u->refs);
	spin_unlock(&names_lock);
	*out = u;
	return u ? 0 : -ECONNREFUSED;
}

static int bind_path(struct unix_sock *u, struct unix_addr *a)
{
	char buf[UNIX_PATH_MAX + 1];
	struct path parent;
	struct dentry *d;
	int err;

	addr_path(&a->name, a->len, buf);
	a->len = 2 + (int)strlen(buf) + 1;
	err = path_create(AT_FDCWD, buf, 0, &parent, &d);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	if (u->addr) {
		path_create_done(&parent, d);
		return -EINVAL;
	}
	err = vfs_mknod(&parent, d, S_IFSOCK | (0777 & ~current->fs->umask), 0);
	if (!err) {
		u->path.mnt = parent.mnt;
		u->path.dentry = d;
		path_get(&u->path);
		spin_lock(&names_lock);
		d->inode->socket = u;
		store_release(&u->addr, a);
		spin_unlock(&names_lock);
	}
	path_create_done(&parent, d);
	return err == -EEXIST ? -EADDRINUSE : err;
}

static int bind_abstract(struct unix_sock *u, struct unix_addr *a)
{
	int err = 0;

	spin_lock(&names_lock);
	if (abstract_find_locked(&a->name, a->len, u->type)) {
		err = -EADDRINUSE;
	} else {
		store_release(&u->addr, a);
		list_add(&u->name_node, &names[name_bucket(&a->name, a->len)]);
	}
	spin_unlock(&names_lock);
	return err;
}

/* A free abstract name of five hexadecimal digits. */
static int autobind(struct unix_sock *u, struct unix_addr *a)
{
	static u32 next;

	for (u32 tries = 0; tries < 1u << 20; tries++) {
		u32 n = fetch_add(&next, 1) & 0xfffff;

		a->name.path[0] = 0;
		ksnprintf(a->name.path + 1, 6, "%05x", n);
		a->len = 2 + 6;
		if (!bind_abstract(u, a))
			return 0;
	}
	return -ENOSPC;
}

int unix_bind(struct socket *s, const void *addr, int len)
{
	struct unix_sock *u = s->sk;
	struct unix_addr *a;
	int err = check_addr(addr, len);

	if (err)
		return err;
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	ref_init(&a->refs, 1);
	memcpy(&a->name, addr, (size_t)len);
	a->len = len;
	mutex_lock(&u->bind_lock);
	if (len > 2 && a->name.path[0])
		err = bind_path(u, a);
	else if (u->addr)
		err = len == 2 ? 0 : -EINVAL;
	else
		err = len == 2 ? autobind(u, a) : bind_abstract(u, a);
	mutex_unlock(&u->bind_lock);
	if (err)
		kfree(a);
	return err;
}

void unix_unbind(struct unix_sock *u)
{
	spin_lock(&names_lock);
	list_del_init(&u->name_node);
	if (u->path.dentry && u->path.dentry->inode &&
	    u->path.dentry->inode->socket == u)
		u->path.dentry->inode->socket = NULL;
	spin_unlock(&names_lock);
	if (u->path.dentry)
		path_put(&u->path);
	u->path.dentry = NULL;
}

int unix_getname(struct socket *s, void *addr, int *len, bool peer)
{
	struct unix_sock *u = s->sk, *p = NULL;
	struct unix_addr *a;

	if (peer) {
		p = unix_peer_get(u);
		if (!p)
			return -ENOTCONN;
		u = p;
	}
	a = load_acquire(&u->addr);
	if (a) {
		memcpy(addr, &a->name, (size_t)a->len);
		*len = a->len;
	} else {
		*(u16 *)addr = AF_UNIX;
		*len = 2;
	}
	if (p)
		unix_put(p);
	return 0;
}

void unix_names_init(void)
{
	for (unsigned i = 0; i < NAME_BUCKETS; i++)
		list_init(&names[i]);
}
