#pragma once
/* select and poll: the cores behind the system calls.  docs/poll.md. */
#include <fs/vfs.h>

struct pollfd {
	s32 fd;
	s16 events;
	s16 revents;
};

#define FD_SET_LIMIT 1048576u	/* highest fd_set size looked at */

/* deadline: absolute clock_ns(), 0: none, 1: do not wait.  Number of ready
 * entries, or -EINTR (the caller turns it into what its call restarts as). */
long do_poll(struct pollfd *fds, unsigned n, u64 deadline_ns);
/* in/out/ex: kernel copies of the sets (NULL: none), results in place. */
long do_select(int n, unsigned long *in, unsigned long *out, unsigned long *ex,
	       u64 deadline_ns);
#define POLL_NO_WAIT 1ull
