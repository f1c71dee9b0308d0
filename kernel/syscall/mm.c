/* System calls about memory. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <lib/string.h>
#include <mm/iter.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <task/pid.h>
#include <task/process.h>

#define MMAP_PROT_WRITE 2u
#define MMAP_PROT_EXEC 4u
#define LEGACY_MAP_MASK                                                        \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS |                \
	 MAP_DENYWRITE | MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED |         \
	 MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |             \
	 MAP_HUGETLB)
#define MLOCK_ONFAULT 1
#define MADV_WILLNEED 3
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#define MADV_COLLAPSE 25
#define FAST_VECS 8

static int attach_file(struct file *f, struct vma *v)
{
	return f->ops->mmap(f, v);
}

/* A shared mapping may be written only by who may write the file. */
static int check_shared(struct file *f, struct map_request *rq)
{
	if ((rq->flags & MAP_TYPE) == MAP_SHARED_VALIDATE &&
	    (rq->flags & ~(LEGACY_MAP_MASK | MAP_SHARED_VALIDATE)))
		return -EOPNOTSUPP;
	if ((rq->prot & MMAP_PROT_WRITE) && !(f->mode & FMODE_WRITE))
		return -EACCES;
	if ((f->mode & FMODE_WRITE) && (f->inode->flags & S_APPEND))
		return -EACCES;
	if (!(f->mode & FMODE_WRITE))
		rq->may_flags &= ~VM_MAYWRITE;
	return 0;
}

static int check_file(struct file *f, struct map_request *rq)
{
	const struct mount *m = f->path.mnt;
	unsigned type = rq->flags & MAP_TYPE;
	int err = 0;

	if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)
		err = check_shared(f, rq);
	else if (type != MAP_PRIVATE)
		err = -EINVAL;
	if (err)
		return err;
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (m && ((m->flags & MNT_NOEXEC) || (m->sb->flags & SB_NOEXEC))) {
		if (rq->prot & MMAP_PROT_EXEC)
			return -EPERM;
		rq->may_flags &= ~VM_MAYEXEC;
	}
	if (!f->ops->mmap)
		return -ENODEV;
	if (S_ISREG(f->inode->mode) &&
	    rq->pgoff + (rq->len >> PAGE_SHIFT) >
		    f->inode->sb->max_bytes >> PAGE_SHIFT)
		return -EOVERFLOW;
	return rq->flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

static int check_range(const struct map_request *rq)
{
	if (!rq->len || (rq->flags & MAP_HUGETLB))
		return -EINVAL;
	return rq->pgoff + (rq->len >> PAGE_SHIFT) < rq->pgoff ? -EOVERFLOW : 0;
}

static long map_file(struct map_request *rq, int fdno)
{
	struct fd fd = fd_find(fdno);
	unsigned long addr;
	int err;

	if (!fd.file)
		return -EBADF;
	rq->file = fd.file;
	rq->attach = attach_file;
	if ((rq->flags & MAP_TYPE) == MAP_PRIVATE && !rq->pgoff)
		rq->image = fd.file->mapping;
	err = check_range(rq);
	if (!err)
		err = check_file(fd.file, rq);
	if (!err)
		err = mm_map(current->mm, rq, &addr);
	fd_release(fd);
	return err ? err : (long)addr;
}

long sys_mmap(unsigned long addr, size_t len, unsigned prot, unsigned flags,
	      int fd, unsigned long off)
{
	struct map_request rq = {
		.addr = addr, .len = len, .prot = prot, .flags = flags,
		.pgoff = off >> PAGE_SHIFT,
		.may_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};
	int err;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return map_file(&rq, fd);
	err = check_range(&rq);
	if (!err)
		err = mm_map(current->mm, &rq, &addr);
	return err ? err : (long)addr;
}

long sys_munmap(unsigned long addr, size_t len)
{
	return mm_unmap(current->mm, addr, len);
}

long sys_mprotect(unsigned long addr, size_t len, unsigned prot)
{
	return mm_protect(current->mm, addr, len, prot);
}

long sys_mseal(unsigned long addr, size_t len, unsigned long flags)
{
	return flags ? -EINVAL : mm_seal(addr, len);
}

long sys_mremap(unsigned long addr, size_t old_len, size_t new_len,
		unsigned flags, unsigned long new_addr)
{
	unsigned long out;
	int err = mm_remap(addr, old_len, new_len, flags, new_addr, &out);

	return err ? err : (long)out;
}

long sys_remap_file_pages(unsigned long start, size_t size, unsigned long prot,
			  unsigned long pgoff, unsigned long flags)
{
	if (prot)
		return -EINVAL;
	return mm_remap_pages(start, size, pgoff, !(flags & MAP_NONBLOCK));
}

long sys_brk(unsigned long brk)
{
	return (long)mm_brk(brk);
}

long sys_madvise(unsigned long addr, size_t len, int advice)
{
	return mm_advise(current->mm, addr, len, advice);
}

long sys_msync(unsigned long addr, size_t len, int flags)
{
	return mm_sync(addr, len, flags);
}

/* What others read of a file is not told to those who may only read it too. */
static bool may_tell_residency(const struct file *f)
{
	return inode_owner_or_capable(f->inode) ||
	       !inode_permission(f->inode, MAY_WRITE);
}

long sys_mincore(unsigned long addr, size_t len, u8 __user *vec)
{
	return mm_incore(addr, len, vec, may_tell_residency);
}

long sys_mlock(unsigned long addr, size_t len)
{
	return mm_lock_range(addr, len, 0);
}

long sys_mlock2(unsigned long addr, size_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return mm_lock_range(addr, len, (unsigned)flags);
}

long sys_munlock(unsigned long addr, size_t len)
{
	return mm_unlock_range(addr, len);
}

long sys_mlockall(int flags)
{
	return mm_lock_all((unsigned)flags);
}

long sys_munlockall(void)
{
	return mm_unlock_all();
}

/* --- another process's memory --------------------------------------------------*/

/* Moves n bytes between the local iterator and addr, through a page. */
static ssize_t move(struct mm *mm, unsigned long addr, size_t n,
		    struct iter *local, void *page, bool write)
{
	size_t done = 0;

	while (done < n) {
		size_t part = min(n - done, (size_t)PAGE_SIZE), got;

		if (write) {
			part = copy_from_iter(page, part, local);
			got = mm_access(mm, addr + done, page, part, true,
					false);
		} else {
			part = mm_access(mm, addr + done, page, part, false,
					 false);
			got = copy_to_iter(page, part, local);
		}
		done += got;
		if (got < part || !part)
			break;
	}
	return (ssize_t)done;
}

static ssize_t move_all(struct mm *mm, struct iter *local, struct iter *remote,
			bool write)
{
	void *page = pages_alloc_va(GFP_KERNEL, 0);
	ssize_t total = 0;

	if (!page)
		return -ENOMEM;
	for (unsigned i = 0; i < remote->nr && local->count; i++) {
		const struct uiovec *v = &remote->iov[i];
		size_t n = min(v->len, local->count);
		ssize_t got = move(mm, (unsigned long)v->base, n, local, page,
				   write);

		total += got;
		if ((size_t)got < n) {
			total = total ? total : -EFAULT;
			break;
		}
	}
	pages_free_va(page, 0);
	return total;
}

static int get_other_mm(int pid, struct mm **mm)
{
	struct task *t = task_find_get(pid);
	int err;

	if (!t)
		return -ESRCH;
	err = ptrace_get_mm(t, PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS, mm);
	task_put(t);
	if (err == -EACCES)
		err = -EPERM;
	return err ? err : *mm ? 0 : -ESRCH;
}

/* The remote array names memory that is not ours: copied, not checked. */
static int get_remote(const void __user *u, unsigned long n, struct iter *it,
		      struct uiovec **v)
{
	if (n > 1024)
		return -EINVAL;
	*v = kmalloc_array(n ? n : 1, sizeof(**v), GFP_KERNEL);
	if (!*v)
		return -ENOMEM;
	*it = (struct iter){ .kind = ITER_IOVEC, .iov = *v, .nr = (unsigned)n };
	return copy_from_user(*v, u, n * sizeof(**v));
}

static long process_vm(int pid, const void __user *lvec, unsigned long ln,
		       const void __user *rvec, unsigned long rn, bool write)
{
	struct uiovec fast[FAST_VECS], *liov = fast, *riov = NULL;
	struct iter local, remote;
	struct mm *mm;
	long ret;

	if (ln > 1024)
		return -EINVAL;
	ret = iter_import(&local, lvec, (unsigned)ln, fast, FAST_VECS, &liov,
			  write);
	if (ret)
		return ret;
	ret = get_remote(rvec, rn, &remote, &riov);
	if (!ret && local.count && rn)
		ret = get_other_mm(pid, &mm);
	if (!ret && local.count && rn) {
		ret = move_all(mm, &local, &remote, write);
		mm_put(mm);
	}
	kfree(riov);
	if (liov != fast)
		kfree(liov);
	return ret;
}

long sys_process_vm_readv(int pid, const void __user *lvec, unsigned long ln,
			  const void __user *rvec, unsigned long rn,
			  unsigned long flags)
{
	return flags ? -EINVAL : process_vm(pid, lvec, ln, rvec, rn, false);
}

long sys_process_vm_writev(int pid, const void __user *lvec, unsigned long ln,
			   const void __user *rvec, unsigned long rn,
			   unsigned long flags)
{
	return flags ? -EINVAL : process_vm(pid, lvec, ln, rvec, rn, true);
}

/* What changes no contents. */
static bool may_advise_others(int advice)
{
	return advice == MADV_WILLNEED || advice == MADV_COLD ||
	       advice == MADV_PAGEOUT || advice == MADV_COLLAPSE;
}

static int mm_to_advise(int fdno, int advice, struct mm **mm)
{
	struct fd fd = fd_find(fdno);
	struct task *t;
	struct pid *p;
	int err = 0;

	if (!fd.file)
		return -EBADF;
	p = pidfd_pid(fd.file);
	t = p ? pid_task_get(p) : NULL;
	fd_release(fd);
	if (!t)
		return p ? -ESRCH : -EBADF;
	if (!may_advise_others(advice))
		err = -EINVAL;
	else
		err = ptrace_get_mm(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS,
				    mm);
	task_put(t);
	if (err == -EPERM)
		err = -EACCES;
	return err ? err : *mm ? 0 : -ESRCH;
}

static long advise_all(struct mm *mm, const struct iter *it, int advice)
{
	size_t done = 0;
	int err = 0;

	for (unsigned i = 0; i < it->nr; i++) {
		err = mm_advise(mm, (unsigned long)it->iov[i].base,
				it->iov[i].len, advice);
		if (err)
			break;
		done += it->iov[i].len;
	}
	return done ? (long)done : err;
}

static long advise_other(int pidfd, const struct iter *it, int advice)
{
	struct mm *mm;
	long ret = mm_to_advise(pidfd, advice, &mm);

	if (ret)
		return ret;
	if (mm != current->mm && !capable(CAP_SYS_NICE))
		ret = -EPERM;
	else
		ret = advise_all(mm, it, advice);
	mm_put(mm);
	return ret;
}

long sys_process_madvise(int pidfd, const struct uiovec __user *vec,
			 size_t n, int advice, unsigned flags)
{
	struct uiovec fast[FAST_VECS], *iov = fast;
	struct iter it;
	long ret;

	if (flags || n > 1024)
		return -EINVAL;
	ret = iter_import(&it, vec, (unsigned)n, fast, FAST_VECS, &iov, false);
	if (ret)
		return ret;
	ret = advise_other(pidfd, &it, advice);
	if (iov != fast)
		kfree(iov);
	return ret;
}
