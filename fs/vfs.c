/* vfs - start-up of the VFS core. */
#include "vfs_impl.h"
#include <kernel/init.h>

/* Until a watcher of files comes along. */
void (*fsnotify_move_hook)(struct dentry *from, struct dentry *to,
			   const char *old_name, size_t old_len,
			   struct dentry *d);

static void vfs_init(void)
{
	file_coarse_sec = clock_realtime_ns() / NSEC_PER_SEC;
	inode_init_caches();
	dcache_init();
	namei_init();
	file_init_caches();
	mount_init();
	pseudo_init();
	mount_init_rootfs();
}
INIT(INIT_CORE, vfs_init);
