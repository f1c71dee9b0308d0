#pragma once
/* POSIX record locks, open-file-description locks, flock. */
#include <fs/vfs.h>

struct flock64 {		/* struct flock of riscv64 */
	s16 type, whence;
	s64 start, len;
	s32 pid;
};
long locks_fcntl(struct file *f, unsigned fd, unsigned cmd,
		 struct flock64 __user *arg);
int __must_check locks_flock(struct file *f, unsigned op);
/* A close drops the process's POSIX locks on the inode. */
void locks_on_close(struct file *f, struct files *owner);
/* Last close: flock and OFD locks. */
void locks_on_release(struct file *f);
/* Leases. lease_break(): before an open with these flags (or a truncation,
 * O_WRONLY); waits, or -EAGAIN with O_NONBLOCK. */
int lease_get(struct file *f);
int __must_check lease_set(struct file *f, int fd, int type);
int __must_check lease_break(struct inode *i, unsigned flags);
extern u32 sysctl_lease_break_time, sysctl_leases_enable;
void locks_inode_free(struct inode *i);
size_t locks_show(u64 *index, char *buf, size_t n);	/* /proc/locks */
/* Those that f holds, as a descriptor of fs, for /proc/PID/fdinfo. */
size_t locks_show_file(struct file *f, const struct files *fs, char *buf,
		       size_t n);
