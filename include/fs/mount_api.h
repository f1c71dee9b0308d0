#pragma once
/* Mounts as descriptors, and mounts in the making.  docs/vfs.md. */
#include <fs/vfs.h>

/* MOUNT_ATTR_* of Linux's mount(2) family. */
#define MOUNT_ATTR_RDONLY 1u
#define MOUNT_ATTR_NOSUID 2u
#define MOUNT_ATTR_NODEV 4u
#define MOUNT_ATTR_NOEXEC 8u
#define MOUNT_ATTR_ATIME 0x70u
#define MOUNT_ATTR_NOATIME 0x10u
#define MOUNT_ATTR_STRICTATIME 0x20u
#define MOUNT_ATTR_NODIRATIME 0x80u
#define MOUNT_ATTR_NOSYMFOLLOW 0x200000u
#define MOUNT_ATTR_KNOWN                                                             \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_ATIME |   \
	 MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)

/* mount(2) and its kin, in the namespace that the caller's mounts are of. */
bool mount_allowed(void);
/* The mount at p, or with is_clone a detached copy of the tree there. */
int __must_check mount_open_tree(const struct path *p, bool is_clone,
				 bool is_rec, struct file **out);
/* to is followed up what is mounted on it; is_beneath: and then it goes below
 * the last of these. */
int __must_check mount_move_paths(const struct path *from, struct path *to,
				  bool is_beneath);
int __must_check mount_change_attr(const struct path *p, u64 set, u64 clear,
				   unsigned long propagation, bool is_rec);
/* MNT_* of attributes; -EINVAL if they contradict each other. */
int __must_check mount_flags_of_attr(u64 attr, u32 *out);
u64 mount_attr_of_flags(u32 flags);
/* At the last close of a file with FMODE_UNMOUNT. */
void mount_dissolve(struct mount *m);

int __must_check fscontext_new(const char *fs, struct file **out);
int __must_check fscontext_pick(const struct path *p, struct file **out);
/* is_text: a flag (value NULL) or a string, as mount(2) could say it. */
int __must_check fscontext_set(struct file *f, const char *key,
			       const char *value, bool is_text);
int __must_check fscontext_command(struct file *f, bool is_create);
int __must_check fscontext_mount(struct file *f, u32 mnt_flags,
				 struct file **out);

/* statmount(2): into a zeroed buffer of n bytes, STATMOUNT_BYTES and room for
 * texts; -EOVERFLOW: too little. */
#define MNT_UNIQUE_OFFSET (1ull << 31)
#define STATMOUNT_BYTES 512u
int __must_check mount_stat(u64 id, u64 mask, void *buf, size_t n,
			    size_t *used);
/* listmount(2): ids of what lies below id, after `last`; their number. */
int __must_check mount_list(u64 id, u64 last, bool is_reverse, u64 *ids,
			    size_t n, size_t *got);
