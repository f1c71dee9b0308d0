/*
 * kcmp - do two tasks share an object?  kcmp(2).
 *
 * The order of two different objects is that of their addresses, mixed with
 * numbers made at the first call: it sorts, but tells nothing.
 */
#include "task_impl.h"

#include <arch/uaccess.h>
#include <fs/eventpoll.h>
#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <kernel/hart.h>
#include <kernel/random.h>
#include <lib/errno.h>
#include <task/kcmp.h>

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO,
       KCMP_SYSVSEM, KCMP_EPOLL_TFD };

struct kcmp_epoll_slot {
	u32 efd, tfd, toff;
};

static struct {
	u64 mask, factor;
} cookie;
static struct spinlock cookie_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "kcmp");

static u64 mix(const void *p)
{
	u64 fresh[2];

	random_bytes(fresh, sizeof(fresh));
	spin_lock(&cookie_lock);
	if (!cookie.factor) {
		cookie.mask = fresh[0];
		cookie.factor = fresh[1] | 1;
	}
	spin_unlock(&cookie_lock);
	return ((u64)(uintptr_t)p ^ cookie.mask) * cookie.factor;
}

/* 0: the same; 1 and 2: less and greater. */
static int order(const void *a, const void *b)
{
	if (a == b)
		return 0;
	return mix(a) < mix(b) ? 1 : 2;
}

static struct file *file_of(struct task *t, unsigned long fd)
{
	struct file *f = NULL;
	struct files *files;

	irq_lock(&t->alloc_lock);
	files = t->files;
	if (files)
		ref_get(&files->refs);
	irq_unlock(&t->alloc_lock);
	if (!files)
		return NULL;
	if (fd <= INT_MAX)
		f = files_get_file(files, (int)fd);
	files_put(files);
	return f;
}

static int compare_files(struct task *a, struct task *b, unsigned long fd1,
			 unsigned long fd2)
{
	struct file *f = file_of(a, fd1), *g = file_of(b, fd2);
	int ret = f && g ? order(f, g) : -EBADF;

	if (f)
		file_put(f);
	if (g)
		file_put(g);
	return ret;
}

/* fd1 of a against what an epoll descriptor of b watches. */
static int compare_watched(struct task *a, struct task *b, unsigned long fd1,
			   const struct kcmp_epoll_slot __user *uslot)
{
	struct file *f, *epf, *watched;
	struct kcmp_epoll_slot slot;
	int ret;

	if (copy_from_user(&slot, uslot, sizeof(slot)))
		return -EFAULT;
	f = file_of(a, fd1);
	if (!f)
		return -EBADF;
	epf = file_of(b, slot.efd);
	ret = epf ? eventpoll_watched(epf, (int)slot.tfd, slot.toff, &watched) :
		    -EBADF;
	if (!ret)
		ret = order(f, watched);
	file_put(f);
	if (epf)
		file_put(epf);
	return ret;
}

/* What stands for Linux's I/O context, which comes with a priority. */
static const void *io_context(const struct task *t)
{
	return READ_ONCE(t->ioprio) ? t : NULL;
}

static int compare(struct task *a, struct task *b, int type,
		   unsigned long fd1, unsigned long fd2)
{
	switch (type) {
	case KCMP_FILE:
		return compare_files(a, b, fd1, fd2);
	case KCMP_VM:
		return order(a->mm, b->mm);
	case KCMP_FILES:
		return order(a->files, b->files);
	case KCMP_FS:
		return order(a->fs, b->fs);
	case KCMP_SIGHAND:
		return order(a->sighand, b->sighand);
	case KCMP_IO:
		return order(io_context(a), io_context(b));
	case KCMP_SYSVSEM:
		return order(a->undo_list, b->undo_list);
	case KCMP_EPOLL_TFD:
		return compare_watched(a, b, fd1, (const void __user *)fd2);
	}
	return -EINVAL;
}

long do_kcmp(int pid1, int pid2, int type, unsigned long fd1,
	     unsigned long fd2)
{
	struct task *a = task_find_get(pid1), *b = task_find_get(pid2);
	unsigned mode = PTRACE_MODE_READ | PTRACE_MODE_REALCREDS;
	long ret = -ESRCH;

	if (!a || !b)
		goto out;
	ret = ptrace_may_access(a, mode);
	if (!ret)
		ret = ptrace_may_access(b, mode);
	if (!ret)
		ret = compare(a, b, type, fd1, fd2);
out:
	if (a)
		task_put(a);
	if (b)
		task_put(b);
	return ret;
}
