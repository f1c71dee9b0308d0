#pragma once
/*
 * Device nodes made by the kernel in a tmpfs-like superblock (devtmpfs,
 * devpts).  Process context.
 */
#include <fs/vfs.h>

/* Makes `name` (directories in it are made too) with owner and mode. */
int __must_check node_create(struct super_block *sb, const char *name, u32 mode,
			     u32 dev, u32 uid, u32 gid);
int __must_check node_remove(struct super_block *sb, const char *name);
