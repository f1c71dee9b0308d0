#pragma once
/* POSIX message queues: mqueue.c (messages), mqueue_fs.c (names). */
#include "ipc_impl.h"

#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <ipc/mqueue.h>

#define MQ_PRIO_MAX 32768u
#define MQ_HARD_MSGMAX 65536
#define MQ_HARD_MSGSIZE (16 << 20)

/* The queues of one IPC namespace.  Life: counted by it and by the
 * superblock, which a mount may keep longer. */
struct mqueue_ns {
	struct ref refs;
	struct mount *mnt;	/* the namespace's own. const */
	struct list queues;	/* struct mqueue.node; root's inode lock */
	u64 last_ino;		/* root's inode lock */
	int count;		/* atomic */
	int queues_max, msg_max, msgsize_max, msg_default, msgsize_default;
};

struct mq_message {
	struct list node;
	unsigned prio;
	size_t len;
	u8 data[];
};

/* Belongs to its inode. */
struct mqueue {
	struct list node;	/* root's inode lock */
	struct inode *inode;	/* one reference while it has a name */
	struct mqueue_ns *ns;	/* owns a reference. const */
	struct user_struct *user;	/* who pays; owns a reference. const */
	s64 charged;		/* const */
	long maxmsg, msgsize;	/* const */
	struct spinlock lock;
	long curmsgs;		/* lock, as all below */
	u64 bytes;
	struct list messages;	/* by priority, then by arrival */
	struct list senders, receivers;	/* struct mq_sleeper, the same */
	struct pid *notify;	/* owns a reference; NULL: nobody */
	struct mq_event event;
	struct waitq poll;
	char name[];		/* const */
};

extern const struct file_ops mqueue_fops;
/* A new queue without name.  attr NULL: defaults. */
int __must_check mqueue_create(struct mqueue_ns *ns, const char *name,
			       size_t len, const struct mq_attr *attr,
			       struct mqueue **out);
void mqueue_free(struct mqueue *q);
