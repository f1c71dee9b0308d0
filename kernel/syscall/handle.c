/* System calls of file handles. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/handle.h>
#include <fs/mount_api.h>
#include <lib/string.h>
#include <task/cred.h>

#define MAX_HANDLE_BYTES 128u
#define AT_HANDLE_FID 0x200u
#define AT_HANDLE_MNT_ID_UNIQUE 1u

/* What stands before the words of a handle in user memory. */
struct handle_head {
	u32 bytes;
	s32 type;
};

/* Without room for the words only the head tells how much they need. */
static int put_handle(const struct handle *h, u32 room, void __user *u)
{
	struct handle_head head = { h->nr_words * 4, h->type };
	bool fits = head.bytes <= room;

	if (copy_to_user(u, &head, sizeof(head)) ||
	    (fits && copy_to_user((char __user *)u + sizeof(head), h->word,
				  head.bytes)))
		return -EFAULT;
	return fits ? 0 : -EOVERFLOW;
}

static int put_mount_id(const struct mount *m, bool is_unique, void __user *u)
{
	u64 id = (u64)m->id;

	if (is_unique)
		return put_user(id + MNT_UNIQUE_OFFSET, (u64 __user *)u);
	return put_user(m->id, (int __user *)u);
}

static int make_handle(const struct path *p, unsigned flags,
		       void __user *uhandle, void __user *umnt)
{
	struct handle_head head;
	struct handle h;
	int err = handle_make(p, flags & AT_HANDLE_FID, &h);

	if (err)
		return err;
	if (copy_from_user(&head, uhandle, sizeof(head)))
		return -EFAULT;
	if (head.bytes > MAX_HANDLE_BYTES)
		return -EINVAL;
	err = put_mount_id(p->mnt, flags & AT_HANDLE_MNT_ID_UNIQUE, umnt);
	return err ? err : put_handle(&h, head.bytes, uhandle);
}

long sys_name_to_handle_at(int dfd, const char __user *name,
			   void __user *uhandle, void __user *umnt, int flags)
{
	unsigned f = (unsigned)flags, lookup = 0;
	struct path p;
	int err;

	if (f & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID |
		  AT_HANDLE_MNT_ID_UNIQUE))
		return -EINVAL;
	if (f & AT_SYMLINK_FOLLOW)
		lookup |= LOOKUP_FOLLOW;
	if (f & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup_user(dfd, name, lookup, &p);
	if (err)
		return err;
	err = make_handle(&p, f, uhandle, umnt);
	path_put(&p);
	return err;
}

static int get_handle(const void __user *u, struct handle *h)
{
	struct handle_head head;

	if (copy_from_user(&head, u, sizeof(head)))
		return -EFAULT;
	if (!head.bytes || head.bytes > MAX_HANDLE_BYTES)
		return -EINVAL;
	memset(h, 0, sizeof(*h));
	h->type = head.type;
	h->nr_words = head.bytes / 4;
	return copy_from_user(h->word, (const char __user *)u + sizeof(head),
			      min_t(size_t, head.bytes, sizeof(h->word)));
}

/* The mount that a descriptor, or the working directory, is in. */
static int get_mount(int dfd, struct path *out)
{
	struct file *f;

	if (dfd == AT_FDCWD) {
		fs_get_pwd(current->fs, out);
		return 0;
	}
	f = fd_get_file_raw(dfd);
	if (!f)
		return -EBADF;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

static long open_handle(const struct path *at, const struct handle *h,
			unsigned flags)
{
	struct path p;
	struct file *f;
	int err = handle_find(at->mnt, h, &p);

	if (err)
		return err;
	err = do_open_path(&p, flags | O_LARGEFILE, &f);
	path_put(&p);
	return err ? err : fd_give(f, flags & O_CLOEXEC);
}

long sys_open_by_handle_at(int dfd, const void __user *uhandle, int flags)
{
	struct handle h;
	struct path at;
	long ret = get_handle(uhandle, &h);

	if (ret)
		return ret;
	ret = get_mount(dfd, &at);
	if (ret)
		return ret;
	/* Permissions of the directories above are passed over. */
	ret = capable(CAP_DAC_READ_SEARCH) ?
		      open_handle(&at, &h, (unsigned)flags & VALID_OPEN_FLAGS) :
		      -EPERM;
	path_put(&at);
	return ret;
}
