/* The system calls of mounts as descriptors, and of what mounts there are. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/mount_api.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <syscall_prototypes.h>
#include <task/cred.h>

#define STRING_MAX 256u

static int may_mount(void)
{
	return mount_allowed() ? 0 : -EPERM;
}

/* --- trees -------------------------------------------------------------------*/
#define OPEN_TREE_CLONE 1u

long sys_open_tree(int dfd, const char __user *name, unsigned flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	bool is_clone = flags & OPEN_TREE_CLONE;
	struct file *f;
	struct path p;
	int err;

	if ((flags & ~(OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH |
		       AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW)) ||
	    (flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
		return -EINVAL;
	if (is_clone && may_mount())
		return -EPERM;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = mount_open_tree(&p, is_clone, flags & AT_RECURSIVE, &f);
	path_put(&p);
	return err ? err : fd_give(f, flags & O_CLOEXEC);
}

#define MOVE_SYMLINKS 1u
#define MOVE_EMPTY 4u
#define MOVE_TO 4u		/* the flags of the target are these bits up */
#define MOVE_BENEATH 0x200u
#define MOVE_KNOWN (0x77u | MOVE_BENEATH)

static unsigned move_lookup(unsigned flags)
{
	return (flags & MOVE_SYMLINKS ? LOOKUP_FOLLOW : 0) |
	       (flags & MOVE_EMPTY ? LOOKUP_EMPTY : 0);
}

long sys_move_mount(int fdfd, const char __user *fname, int tdfd,
		    const char __user *tname, unsigned flags)
{
	struct path from, to;
	int err = may_mount();

	if (err)
		return err;
	if (flags & ~MOVE_KNOWN)
		return -EINVAL;
	err = path_lookup_user(fdfd, fname, move_lookup(flags), &from);
	if (err)
		return err;
	err = path_lookup_user(tdfd, tname, move_lookup(flags >> MOVE_TO),
			       &to);
	if (!err) {
		err = mount_move_paths(&from, &to, flags & MOVE_BENEATH);
		path_put(&to);
	}
	path_put(&from);
	return err;
}

struct mount_attr {
	u64 set, clear, propagation, userns;
};

/* A structure that may be longer than ours if the rest is zero. */
static int copy_struct(void *to, size_t n, const void __user *from, size_t size)
{
	u8 c;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(to, from, n))
		return -EFAULT;
	for (size_t i = n; i < size; i++) {
		if (get_user(c, (const u8 __user *)from + i))
			return -EFAULT;
		if (c)
			return -E2BIG;
	}
	return 0;
}

static int check_attr(const struct mount_attr *a)
{
	unsigned long kinds = 15ul << 17;	/* MS_UNBINDABLE to MS_SHARED */

	if ((a->propagation & ~kinds) ||
	    (a->propagation & (a->propagation - 1)))
		return -EINVAL;
	if ((a->set | a->clear) & ~(u64)MOUNT_ATTR_KNOWN)
		return -EINVAL;
	if (a->clear & MOUNT_ATTR_ATIME)
		return (a->clear & MOUNT_ATTR_ATIME) == MOUNT_ATTR_ATIME ? 0 : -EINVAL;
	return a->set & MOUNT_ATTR_ATIME ? -EINVAL : 0;
}

long sys_mount_setattr(int dfd, const char __user *name, unsigned flags,
		       const void __user *uattr, size_t size)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct mount_attr a;
	struct path p;
	int err;

	if (flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW |
		      AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < sizeof(a))
		return -EINVAL;
	err = may_mount();
	if (!err)
		err = copy_struct(&a, sizeof(a), uattr, size);
	if (err || !(a.set | a.clear | a.propagation))
		return err;
	err = check_attr(&a);
	if (err)
		return err;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = mount_change_attr(&p, a.set, a.clear, a.propagation,
				flags & AT_RECURSIVE);
	path_put(&p);
	return err;
}

/* --- contexts ------------------------------------------------------------------*/
static int get_string(const void __user *u, char *out)
{
	size_t len;
	int err;

	out[0] = 0;
	if (!u)
		return 0;
	err = strncpy_from_user(out, u, STRING_MAX, &len);
	return err == -ENAMETOOLONG ? -EINVAL : err;
}

long sys_fsopen(const char __user *uname, unsigned flags)
{
	char name[STRING_MAX];
	struct file *f;
	int err = may_mount();

	if (err)
		return err;
	if (flags & ~1u)
		return -EINVAL;
	if (!uname)
		return -EFAULT;
	err = get_string(uname, name);
	if (!err)
		err = fscontext_new(name, &f);
	return err ? err : fd_give(f, flags ? O_CLOEXEC : 0);
}

long sys_fspick(int dfd, const char __user *name, unsigned flags)
{
	unsigned lookup = flags & 2 ? 0 : LOOKUP_FOLLOW;
	struct file *f;
	struct path p;
	int err = may_mount();

	if (err)
		return err;
	if (flags & ~15u)
		return -EINVAL;
	if (flags & 8)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = fscontext_pick(&p, &f);
	path_put(&p);
	return err ? err : fd_give(f, flags & 1 ? O_CLOEXEC : 0);
}

enum {
	CMD_FLAG,
	CMD_STRING,
	CMD_BINARY,
	CMD_PATH,
	CMD_PATH_EMPTY,
	CMD_FD,
	CMD_CREATE,
	CMD_RECONFIGURE,
	CMD_CREATE_EXCL,
};

static int check_fsconfig(unsigned cmd, bool key, bool value, int aux)
{
	bool ok;

	switch (cmd) {
	case CMD_FLAG:
		ok = key && !value && !aux;
		break;
	case CMD_STRING:
		ok = key && value && !aux;
		break;
	case CMD_BINARY:
		ok = key && value && aux > 0 && aux <= 1 << 20;
		break;
	case CMD_PATH:
	case CMD_PATH_EMPTY:
		ok = key && value && (aux == AT_FDCWD || aux >= 0);
		break;
	case CMD_FD:
		ok = key && !value && aux >= 0;
		break;
	case CMD_CREATE:
	case CMD_RECONFIGURE:
		ok = !key && !value && !aux;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return ok ? 0 : -EINVAL;
}

static int do_fsconfig(struct file *f, unsigned cmd, const char __user *ukey,
		       const void __user *uvalue)
{
	char key[STRING_MAX], value[STRING_MAX];
	bool is_text = cmd == CMD_FLAG || cmd == CMD_STRING;
	int err;

	if (cmd >= CMD_CREATE)
		return may_mount() ? -EPERM :
				     fscontext_command(f, cmd == CMD_CREATE);
	err = get_string(ukey, key);
	if (!err)
		err = get_string(cmd == CMD_STRING ? uvalue : NULL, value);
	if (err)
		return err;
	return fscontext_set(f, key, cmd == CMD_STRING ? value : NULL,
			     is_text);
}

long sys_fsconfig(int fdno, unsigned cmd, const char __user *key,
		  const void __user *value, int aux)
{
	struct fd fd;
	int err;

	if (fdno < 0)
		return -EINVAL;
	err = check_fsconfig(cmd, key, value, aux);
	if (err)
		return err;
	fd = fd_find(fdno);
	if (!fd.file)
		return -EBADF;
	err = do_fsconfig(fd.file, cmd, key, value);
	fd_release(fd);
	return err;
}

long sys_fsmount(int fdno, unsigned flags, unsigned attr)
{
	struct file *f;
	struct fd fd;
	u32 mnt_flags;
	int err = may_mount();

	if (err)
		return err;
	if ((flags & ~1u) || (attr & ~MOUNT_ATTR_KNOWN) ||
	    mount_flags_of_attr(attr, &mnt_flags))
		return -EINVAL;
	fd = fd_find(fdno);
	if (!fd.file)
		return -EBADF;
	err = fscontext_mount(fd.file, mnt_flags, &f);
	fd_release(fd);
	return err ? err : fd_give(f, flags ? O_CLOEXEC : 0);
}

/* --- what there is ----------------------------------------------------------------*/
struct mnt_id_req {
	u32 size, spare;
	u64 id, param, ns_id;
};
#define REQ_MIN 24u		/* without ns_id */
#define REVERSE 1u
#define LIST_MAX 1000000u	/* as Linux */

static int get_request(const void __user *u, struct mnt_id_req *r)
{
	u32 size;
	int err;

	memset(r, 0, sizeof(*r));
	if (get_user(size, (const u32 __user *)u))
		return -EFAULT;
	if (size < REQ_MIN)
		return -EINVAL;
	err = copy_struct(r, min_t(size_t, size, sizeof(*r)), u, size);
	if (err)
		return err;
	if (r->spare || r->ns_id || r->id <= MNT_UNIQUE_OFFSET)
		return -EINVAL;
	return 0;
}

long sys_statmount(const void __user *req, void __user *ubuf, size_t size,
		   unsigned flags)
{
	struct mnt_id_req r;
	size_t used, n;
	void *buf;
	int err;

	if (flags)
		return -EINVAL;
	err = get_request(req, &r);
	if (err)
		return err;
	/* Of what is no text the caller may take less. */
	n = clamp(size, (size_t)STATMOUNT_BYTES, 3 * (size_t)PAGE_SIZE);
	buf = kzalloc(n, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = mount_stat(r.id, r.param, buf, n, &used);
	if (!err) {
		*(u32 *)buf = (u32)min(used, size);
		err = copy_to_user(ubuf, buf, min(used, size));
	}
	kfree(buf);
	return err;
}

long sys_listmount(const void __user *req, u64 __user *uids, size_t nr,
		   unsigned flags)
{
	struct mnt_id_req r;
	size_t got = 0;
	u64 *ids;
	int err;

	if (flags & ~REVERSE)
		return -EINVAL;
	if (nr > LIST_MAX)
		return -EOVERFLOW;
	err = get_request(req, &r);
	if (err)
		return err;
	if (r.param && r.param <= MNT_UNIQUE_OFFSET)
		return -EINVAL;
	ids = kvmalloc(max_t(size_t, nr, 1) * sizeof(*ids), GFP_KERNEL);
	if (!ids)
		return -ENOMEM;
	err = mount_list(r.id, r.param, flags & REVERSE, ids, nr, &got);
	if (!err && got)
		err = copy_to_user(uids, ids, got * sizeof(*ids));
	kvfree(ids);
	return err ? err : (long)got;
}
