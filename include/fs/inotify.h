#pragma once
/* inotify(7).  docs/proc.md. */
#include <fs/vfs.h>

#define IN_ACCESS	0x1u
#define IN_MODIFY	0x2u
#define IN_ATTRIB	0x4u
#define IN_CLOSE_WRITE	0x8u
#define IN_CLOSE_NOWRITE 0x10u
#define IN_OPEN		0x20u
#define IN_MOVED_FROM	0x40u
#define IN_MOVED_TO	0x80u
#define IN_CREATE	0x100u
#define IN_DELETE	0x200u
#define IN_DELETE_SELF	0x400u
#define IN_MOVE_SELF	0x800u
#define IN_ALL_EVENTS	0xfffu
#define IN_UNMOUNT	0x2000u
#define IN_Q_OVERFLOW	0x4000u
#define IN_IGNORED	0x8000u
#define IN_ONLYDIR	0x1000000u
#define IN_DONT_FOLLOW	0x2000000u
#define IN_EXCL_UNLINK	0x4000000u
#define IN_MASK_CREATE	0x10000000u
#define IN_MASK_ADD	0x20000000u
#define IN_ISDIR	0x40000000u
#define IN_ONESHOT	0x80000000u

struct inotify_event {		/* of user space; the name follows */
	s32 wd;
	u32 mask, cookie, len;
};

/* -EMFILE: too many instances of this user. */
int __must_check inotify_create(unsigned flags, struct file **out);
/* -EINVAL: f is not one; -ENOSPC, -EEXIST (IN_MASK_CREATE). */
int __must_check inotify_add(struct file *f, struct inode *i, u32 mask,
			     int *wd);
int __must_check inotify_remove(struct file *f, int wd);
bool is_inotify(const struct file *f);
/* The file system goes: IN_UNMOUNT, and nothing of it is watched any more. */
void inotify_forget_super(struct super_block *sb);

/* F_NOTIFY: the signals (DN_*) that the caller wants about what happens in the
 * directory, added to those it had; nothing but DN_MULTISHOT: none any more. */
int __must_check dnotify_set(struct file *f, int fd, u32 dn);
/* The table closes a descriptor of f. */
void dnotify_on_close(struct file *f, struct files *owner);

extern int sysctl_inotify_instances, sysctl_inotify_watches,
	sysctl_inotify_queue, sysctl_dir_notify;
