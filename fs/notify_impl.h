#pragma once
/* What watches an inode: shared by inotify and dnotify. */
#include "vfs_impl.h"
#include <fs/inotify.h>

/* inode.marks, there only while one of the lists is not empty. notify_lock */
struct notify_marks {
	struct list watches;		/* inotify */
	struct list dnotify;
};
/* Guards all marks and everything that is on their lists. */
extern struct spinlock notify_lock;

/* Gives i its marks: *spare, which is NULL then, if it had none.  notify_lock
 * is held here and below. */
void marks_need_locked(struct inode *i, struct notify_marks **spare);
/* Frees them if nothing watches i any more. */
void marks_drop_locked(struct inode *i);

/* `what` (one of IN_*) happened to i or in it; ends signals that were asked
 * for once.  i has marks, and maybe none afterwards. */
void dnotify_tell_locked(struct inode *i, u32 what);
