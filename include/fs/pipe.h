#pragma once
/* Pipes and FIFOs.  docs/pipe.md. */
#include <fs/vfs.h>

int __must_check pipe_create(unsigned flags, struct file *out[2]);
extern const struct file_ops fifo_fops;
void pipe_free_inode(struct inode *i);
/* F_GETPIPE_SZ / F_SETPIPE_SZ: -EBADF if not a pipe. */
long pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg);
struct pipe *file_pipe(struct file *f);		/* or NULL */
extern u32 sysctl_pipe_max_size;	/* bytes */
extern u32 sysctl_pipe_user_soft, sysctl_pipe_user_hard; /* pages, 0: none */

/* For splice, tee and vmsplice.  Data moves with the file's read_iter and
 * write_iter; these wait and look without taking. */
/* 1: there are bytes; 0: end of file; -EAGAIN if nonblock, -ERESTARTSYS. */
int __must_check pipe_wait_readable(struct pipe *p, bool nonblock);
/* 1: room for a byte; -EPIPE (SIGPIPE is sent), -EAGAIN, -ERESTARTSYS. */
int __must_check pipe_wait_writable(struct pipe *p, bool nonblock);
/* Bytes that a write would take now without waiting. */
size_t pipe_room(struct pipe *p);
/* Copies up to n bytes that lie `skip` bytes ahead, without taking them. */
size_t pipe_peek(struct pipe *p, size_t skip, void *buf, size_t n);
/* Takes n bytes that were looked at, or what others left of them. */
void pipe_skip(struct pipe *p, size_t n);
