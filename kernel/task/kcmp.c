/*
 * kcmp - do two tasks share an object?  kcmp(2).
 *
 * The order of two different objects is that of their addresses, mixed with
 * numbers made at the first call: it sorts, but tells nothing.
 */
#include "task_impl.h"

#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <kernel/hart.h>
#include <kernel/random.h>
#include <lib/errno.h>
#include <task/kcmp.h>

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO,
       KCMP_SYSVSEM, KCMP_EPOLL_TFD };

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
	case KCMP_SYSVSEM:
	case KCMP_EPOLL_TFD:
		return -EOPNOTSUPP;
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
