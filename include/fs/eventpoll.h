#pragma once
/* epoll.  docs/poll.md. */
#include <fs/vfs.h>
#include <lib/printf.h>

struct epoll_event {		/* not packed on riscv64 */
	u32 events;
	u64 data;
};

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define EP_PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

int __must_check eventpoll_create(unsigned flags, struct file **out);
int __must_check eventpoll_ctl(struct file *epf, int op, int fd, struct file *f,
			       struct epoll_event *ev);
/* deadline: absolute, 0 none, 1 do not wait. Events, or -EINTR ... */
long eventpoll_wait(struct file *epf, struct epoll_event __user *events,
		    int max, u64 deadline_ns);
/* The nth file that epf watches by this number: no reference, only to be
 * compared.  -EINVAL: no epoll; -ENOENT. */
int __must_check eventpoll_watched(struct file *epf, int fd, unsigned nth,
				   struct file **out);
/* From the last file_put() when f->epitems is not empty. */
void eventpoll_release_file(struct file *f);
