#pragma once
/* The mount tree, shared by mount.c, namespace.c, propagate.c. */
#include "vfs_impl.h"
#include <fs/mount_api.h>

#define PROP_PRIVATE 0u
#define PROP_SHARED 1u
#define PROP_UNBINDABLE 2u

extern struct mutex mount_mutex;	/* all topology changes */

int __must_check mount_alloc(struct super_block *sb, struct dentry *root,
			     const char *devname, u32 flags,
			     struct mount **out);
/* A copy of m that shows `root`, attached nowhere. */
int __must_check mount_clone(struct mount *m, struct dentry *root,
			     struct mount **out);
/* With what is mounted below root; with_unbindable: for namespaces. */
int __must_check tree_clone(struct mount *m, struct dentry *root,
			    bool with_unbindable, struct mount **out);
/* mount_mutex held.  The tree's reference moves in. */
void mount_attach(struct mount *m, struct mount *parent, struct dentry *mp,
		  struct mnt_namespace *ns);
/* From its parent only; what is below stays. */
void mount_detach(struct mount *m);
/* Takes the whole tree off; the references go to the list `gone`, linked by
 * ns_node, for mounts_release(). */
void tree_detach(struct mount *m, struct list *gone);
void mounts_release(struct list *gone);
void tree_set_ns(struct mount *m, struct mnt_namespace *ns);
void tree_discard(struct mount *m);	/* of a clone never attached */
/* On any mount of it, in any namespace or none. */
bool sb_has_writers(struct super_block *sb);
/* A less privileged namespace gets this tree: flags that restrict stay, and
 * only the whole of it can be taken away. */
void tree_lock_flags(struct mount *top);
struct mount *tree_next(struct mount *m, struct mount *top);
void ns_changed(struct mnt_namespace *ns);

/* m, not attached yet, becomes a file's: the last close discards it. */
int __must_check mount_open_floating(struct mount *m, unsigned flags,
				     struct file **out);

/* namespace.c; mount_mutex held. */
bool mount_is_ours(const struct mount *m);	/* in the caller's namespace */
int __must_check mount_graft_locked(struct mount *m, const struct path *at);
/* What m hides below root must stay hidden in a copy. */
bool mount_has_locked_children(const struct mount *m, struct dentry *root);
bool mount_reveals_too_much(struct mount *m);
bool mount_may_keep_ns(const struct inode *i);
/* May the flags be these, by what is locked? */
bool mount_locks_allow(const struct mount *m, u32 flags);
int __must_check mount_move_locked(const struct path *from, struct path *at);
int __must_check super_remount(struct super_block *sb, unsigned flags,
			       char *opts);

/* propagate.c; mount_mutex held. */
void group_assign(struct mount *top);	/* peer groups for a tree without */
void group_leave(struct mount *m);
void group_copy(struct mount *from, struct mount *to);
/* The nearest group that m receives from, also through others, with a mount
 * that can be seen below root; or 0. */
int group_seen_above(const struct mount *m, const struct path *root);
/* Copies of src on all that receive what is mounted on (parent, mp). */
int __must_check tree_propagate(struct mount *src, struct mount *parent,
				struct dentry *mp);
void propagate_umount(struct mount *m, struct list *gone);
int __must_check propagation_change(struct mount *m, unsigned long how,
				    bool is_recursive);

#define MS_RDONLY	1ul
#define MS_NOSUID	2ul
#define MS_NODEV	4ul
#define MS_NOEXEC	8ul
#define MS_SYNCHRONOUS	16ul
#define MS_REMOUNT	32ul
#define MS_MANDLOCK	64ul
#define MS_DIRSYNC	128ul
#define MS_NOSYMFOLLOW	256ul
#define MS_NOATIME	1024ul
#define MS_NODIRATIME	2048ul
#define MS_BIND		4096ul
#define MS_MOVE		8192ul
#define MS_REC		16384ul
#define MS_SILENT	32768ul
#define MS_UNBINDABLE	(1ul << 17)
#define MS_PRIVATE	(1ul << 18)
#define MS_SLAVE	(1ul << 19)
#define MS_SHARED	(1ul << 20)
#define MS_RELATIME	(1ul << 21)
#define MS_STRICTATIME	(1ul << 24)
