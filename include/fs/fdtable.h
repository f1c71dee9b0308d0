#pragma once
/*
 * Descriptor tables.  Readers find a file without a lock; when the table has
 * one user no reference is taken (fd_find / fd_release with the flag).
 */
#include <fs/vfs.h>

/* One generation of a table: replaced as a whole when it grows. */
struct fdtable {
	u32 max;
	struct file **file;		/* RCU */
	unsigned long *open, *cloexec;	/* bitmaps. files.lock */
	unsigned long *full;		/* words of `open` without a free bit */
	struct rcu_head rcu;
};

#define FD_INLINE 64
struct files {
	struct ref refs;		/* tasks that share it */
	struct spinlock lock;
	struct fdtable *table;		/* RCU; lock for writing */
	u32 next_fd;			/* none below is free. lock */
	struct fdtable inline_table;	/* the first generation */
	struct file *inline_file[FD_INLINE];
	unsigned long inline_bits[3];
};
extern struct files init_files;		/* of the boot task */

struct fd {
	struct file *file;		/* NULL: EBADF */
	bool needs_put;
	bool has_pos_lock;
};

struct fd fd_find_shared(int fd, u32 denied_mode);
void file_pos_lock(struct file *f);
void file_pos_unlock(struct file *f);

/* The file of a descriptor of current, for the length of a system call.  With
 * one user of the table it cannot be closed meanwhile: no reference. */
static __always_inline struct fd fd_find_mode(int fd, u32 denied_mode)
{
	struct files *fs = current->files;
	struct fdtable *t = fs->table;
	struct file *f;

	if (unlikely(ref_count(&fs->refs) != 1))
		return fd_find_shared(fd, denied_mode);
	if (unlikely((u32)fd >= t->max))
		return (struct fd){ NULL, false, false };
	f = t->file[(u32)fd];
	if (unlikely(!f || (f->mode & denied_mode)))
		return (struct fd){ NULL, false, false };
	return (struct fd){ f, false, false };
}

static __always_inline struct fd fd_find(int fd)
{
	return fd_find_mode(fd, FMODE_PATH);
}

/* O_PATH ones too. */
static __always_inline struct fd fd_find_raw(int fd)
{
	return fd_find_mode(fd, 0);
}

static __always_inline void fd_release(struct fd fd)
{
	if (unlikely(fd.needs_put))
		file_put(fd.file);
}

/* With the position lock if the file has one that others could take (read,
 * write, lseek, getdents). */
static __always_inline struct fd fd_find_pos(int fd)
{
	struct fd f = fd_find(fd);

	if (f.file && (f.file->mode & FMODE_ATOMIC_POS) &&
	    unlikely(f.needs_put || ref_count(&f.file->refs) > 1)) {
		f.has_pos_lock = true;
		file_pos_lock(f.file);
	}
	return f;
}

static __always_inline void fd_release_pos(struct fd fd)
{
	if (unlikely(fd.has_pos_lock))
		file_pos_unlock(fd.file);
	fd_release(fd);
}

/* A reference that outlives the call, NULL: EBADF. */
struct file *fd_get_file(int fd);
struct file *fd_get_file_raw(int fd);
/* Of another task (referenced), for /proc and pidfd_getfd. */
struct file *files_get_file(struct files *fs, int fd);
bool files_cloexec(struct files *fs, int fd);
/* Next open descriptor >= *fd, file referenced; NULL at the end. */
struct file *files_next(struct files *fs, int *fd);

/* Reserves the lowest free number >= min below RLIMIT_NOFILE: -EMFILE. */
int __must_check fd_alloc(int min, unsigned flags, int *out);
void fd_free(int fd);			/* gives a reserved one back */
void fd_install(int fd, struct file *f); /* the reference moves in */
/* fd_alloc + fd_install; on error the file is NOT put. */
int __must_check fd_add(struct file *f, unsigned flags, int *out);
/* The descriptor, or -Exxx: the reference moves in, also on error. */
int __must_check fd_give(struct file *f, unsigned flags);
/* For both, and stores the numbers; the files are NOT put on error. */
int __must_check fd_add_pair(struct file *f[2], unsigned flags,
			     int __user *fds);
int __must_check fd_close(int fd);
int __must_check fd_close_range(unsigned first, unsigned last, unsigned flags);
int __must_check fd_dup(int old, int new, unsigned flags, int *out);
bool fd_cloexec(int fd);
void fd_set_cloexec(int fd, bool on);

int __must_check files_create(struct files **out);
int __must_check files_copy(struct files *from, struct files **out);
void files_put(struct files *fs);	/* closes all at the last */
void files_close_on_exec(struct files *fs);
/* exec, unshare: gives current a table of its own. */
int __must_check files_unshare(void);
#define FILE_MAX_BY_MEMORY U64_MAX
extern u32 sysctl_nr_open;
extern u64 sysctl_file_max;		/* nobody wrote: BY_MEMORY */
u64 files_max(void);			/* sysctl fs.file-max */
u64 files_open(void);			/* open files now */
