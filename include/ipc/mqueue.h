#pragma once
/* POSIX message queues, mq_overview(7).  docs/ipc.md. */
#include <lib/compiler.h>
#include <lib/types.h>

struct mqueue_ns;

struct mq_attr {
	long flags, maxmsg, msgsize, curmsgs, _reserved[4];
};

/* What mq_notify asks for. */
struct mq_event {
	int how, signo;
	u64 value;
};
#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2

/* The new descriptor. attr NULL: the namespace's defaults. */
int mq_open(const char *name, int flags, u32 mode, const struct mq_attr *attr);
int mq_unlink(const char *name);
/* deadline: absolute clock_ns(), 0: none. */
int mq_send(int fd, const void __user *buf, size_t n, unsigned prio,
	    u64 deadline);
long mq_receive(int fd, void __user *buf, size_t n, unsigned __user *prio,
		u64 deadline);
/* NULL: no more. */
int mq_notify(int fd, const struct mq_event *e);
int mq_getsetattr(int fd, const struct mq_attr *new, struct mq_attr *old);
/* The namespace goes. */
void mqueue_ns_release(struct mqueue_ns *mq);
