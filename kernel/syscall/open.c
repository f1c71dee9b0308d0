/* The system calls that open, close and duplicate descriptors. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <lib/string.h>
#include <syscall_prototypes.h>

static long open_into_fd(int dfd, const char __user *uname, unsigned flags,
			 u32 mode, unsigned lookup)
{
	struct filename fn;
	struct file *f;
	int fd, err;

	err = filename_get(uname, lookup, &fn);
	if (unlikely(err))
		return err;
	err = fd_alloc(0, flags, &fd);
	if (unlikely(err))
		goto out;
	err = do_open(dfd, fn.name, flags, mode, lookup, &f);
	if (unlikely(err))
		fd_free(fd);
	else
		fd_install(fd, f);
out:
	filename_put(&fn);
	return err ? err : fd;
}

__hot long sys_openat(int dfd, const char __user *name, int flags, u32 mode)
{
	return open_into_fd(dfd, name,
			    ((unsigned)flags & VALID_OPEN_FLAGS) | O_LARGEFILE,
			    mode, 0);
}

/* --- openat2 -------------------------------------------------------------------*/
struct open_how {
	u64 flags, mode, resolve;
};

#define RESOLVE_NO_XDEV 1u
#define RESOLVE_NO_MAGICLINKS 2u
#define RESOLVE_NO_SYMLINKS 4u
#define RESOLVE_BENEATH 8u
#define RESOLVE_IN_ROOT 16u
#define RESOLVE_CACHED 32u
#define LOOKUP_CACHED 2048u

static unsigned lookup_of(u64 resolve)
{
	static const unsigned map[][2] = {
		{ RESOLVE_NO_XDEV, LOOKUP_NO_XDEV },
		{ RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGIC },
		{ RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS },
		{ RESOLVE_BENEATH, LOOKUP_BENEATH },
		{ RESOLVE_IN_ROOT, LOOKUP_IN_ROOT },
		{ RESOLVE_CACHED, LOOKUP_CACHED },
	};
	unsigned lookup = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (resolve & map[i][0])
			lookup |= map[i][1];
	return lookup;
}

static int check_how(const struct open_how *how)
{
	u64 beneath = how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT);

	if (how->flags & ~(u64)VALID_OPEN_FLAGS)
		return -EINVAL;
	if (how->resolve & ~63ull)
		return -EINVAL;
	if (beneath == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->flags & (O_CREAT | __O_TMPFILE)) {
		if (how->mode & ~07777ull)
			return -EINVAL;
	} else if (how->mode) {
		return -EINVAL;
	}
	if ((how->flags & O_PATH) &&
	    (how->flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW |
				 O_CLOEXEC)))
		return -EINVAL;
	if ((how->resolve & RESOLVE_CACHED) &&
	    (how->flags & (O_TRUNC | O_CREAT | __O_TMPFILE)))
		return -EAGAIN;
	return 0;
}

/* A structure that may be longer than ours, if the rest is zero. */
static int copy_how(struct open_how *how, const void __user *u, size_t size)
{
	char rest[256];
	int err;

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	for (size_t at = sizeof(*how); at < size; at += sizeof(rest)) {
		size_t n = min(size - at, sizeof(rest));

		err = copy_from_user(rest, (const char __user *)u + at, n);
		if (err)
			return err;
		if (!mem_is_zero(rest, n))
			return -E2BIG;
	}
	return copy_from_user(how, u, sizeof(*how));
}

long sys_openat2(int dfd, const char __user *name, const void __user *uhow,
		 size_t size)
{
	struct open_how how;
	int err = copy_how(&how, uhow, size);

	if (!err)
		err = check_how(&how);
	if (err)
		return err;
	return open_into_fd(dfd, name, (unsigned)how.flags | O_LARGEFILE,
			    (u32)how.mode, lookup_of(how.resolve));
}

/* --- closing, duplicating ---------------------------------------------------------*/
__hot long sys_close(int fd)
{
	long err = fd_close(fd);

	/* The descriptor is gone: running it again would hit another. */
	return err == -512 || err == -513 || err == -514 || err == -516 ?
		       -EINTR : err;
}

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return fd_close_range(first, last, flags);
}

long sys_dup(int old)
{
	struct file *f = fd_get_file_raw(old);

	return f ? fd_give(f, 0) : -EBADF;
}

long sys_dup3(int old, int new, int flags)
{
	int fd, err;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	if (old == new)
		return -EINVAL;
	err = fd_dup(old, new, (unsigned)flags, &fd);
	return err ? err : fd;
}
