#pragma once
/* What locks.c and lease.c share. */
#include "vfs_impl.h"
#include <fs/locks.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define OFFSET_MAX S64_MAX

enum lock_kind { KIND_POSIX, KIND_OFD, KIND_FLOCK, KIND_LEASE };

struct file_lock {
	struct list node;	/* of its inode, by start */
	struct list all_node;
	struct inode *inode;	/* const */
	void *owner;		/* struct files or struct file */
	u64 start, end;		/* inclusive */
	int type;		/* F_RDLCK, F_WRLCK, or F_UNLCK in a request */
	int pid;
	u8 kind;
	/* of a lease */
	int target;		/* type, or what it is being broken down to */
	int fd;			/* told with the signal */
	u64 deadline;		/* by when; 0: no limit */
};

struct file_lock_ctx {
	struct list ranges;	/* POSIX and OFD */
	struct list whole;	/* flock */
	struct list leases;
	struct waitq waiters;
	u32 generation;
};

extern struct spinlock locks_lock;	/* all of the above, of all inodes */

int __must_check locks_ctx_get(struct inode *i, struct file_lock_ctx **out);
void lock_insert(struct file_lock_ctx *c, struct file_lock *l);
void lock_remove(struct file_lock *l);
/* Something was given back: who waits looks again. */
void locks_released(struct file_lock_ctx *c);
