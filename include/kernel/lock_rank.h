#pragma once
/*
 * The one lock order: a lock may be taken only while every lock held ranks
 * below it.  Debug builds check it.  Sleeping locks first, then spinlocks,
 * then the locks that interrupt handlers take; leaves last.
 */
enum lock_rank {
	RANK_NONE,		/* not checked (tests) */
	/* sleeping locks, outermost first */
	RANK_FILE_POS,		/* file.pos_lock: around a whole call */
	RANK_EXEC,		/* process.exec_lock: exec against ptrace, /proc */
	RANK_LOOP,		/* loop devices: attach, detach, change */
	RANK_NAMES,		/* around making nodes: bind(2), partitions */
	RANK_MOUNT,		/* mount tree changes */
	RANK_SB_RENAME,		/* directory renames of one superblock */
	RANK_INODE_DIR,		/* inode.lock of a (parent) directory */
	RANK_INODE_DIR2,	/* of a second, child or target, directory */
	RANK_INODE,		/* inode.lock of a file */
	RANK_INODE2,
	RANK_SLEEP_A,		/* subsystem sleeping locks above mm, in order */
	RANK_TTY,
	RANK_PIPE,
	RANK_SOCK,
	RANK_SOCK_GC,		/* descriptors in flight */
	RANK_EPOLL,
	RANK_SLEEP_B,
	RANK_MM,		/* mm.map_lock */
	RANK_FS_ORPHAN,		/* file system's list of orphans */
	RANK_FS_MAP,		/* file system block maps, journal, allocator */
	RANK_FS_ALLOC,
	RANK_FS_SUPER,		/* its superblock: errors are noted anywhere */
	RANK_PAGE,		/* page locks (the bit lock) */
	RANK_I_MMAP,		/* mapping.mmap_lock */
	RANK_SLEEP_C,
	RANK_VMAP,
	RANK_SLEEP_LEAF,
	/* spinlocks: preemption off */
	RANK_SPIN,
	RANK_FUTEX,
	RANK_FUTEX_PI,		/* the graph of PI futexes */
	RANK_FDTABLE,
	RANK_FS_STRUCT,
	RANK_FILE_LOCKS,
	RANK_DCACHE,		/* dentry hash and parents */
	RANK_DENTRY,
	RANK_DENTRY_LRU,
	RANK_INODE_HASH,
	RANK_INODE_STATE,
	RANK_SB_INODES,		/* lists of a superblock's inodes */
	RANK_INODE_LRU,
	RANK_PTL,		/* a page-table page */
	RANK_MAPPING,		/* mapping.lock: the radix tree */
	RANK_LRU,
	RANK_SPIN_LEAF,
	/* irqlocks: interrupts off */
	RANK_FASYNC,		/* lists of O_ASYNC files */
	RANK_TASKLIST,		/* parents, children, pids, sessions */
	RANK_SIGHAND,		/* signal state of a process */
	RANK_IRQ,		/* subsystem irqlocks that wake tasks */
	RANK_TTY_IRQ,
	RANK_DEVICE,		/* device registers and rings */
	RANK_WAITQ_POLL,	/* a wait queue whose waiters wake others */
	RANK_WAITQ,
	RANK_WORK,
	RANK_TASK_PI,		/* task.pi_lock: wake-ups of one task */
	RANK_RUNQ,
	RANK_RUNQ2,
	RANK_TIMER,
	RANK_SLAB,
	RANK_BUDDY,
	RANK_RCU,
	RANK_IRQ_DESC,
	RANK_PRINT,
	RANK_CONSOLE,
	RANK_LEAF,
};
