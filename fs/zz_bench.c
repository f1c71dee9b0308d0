#include "vfs_impl.h"
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <mm/slab.h>
#include <task/cred.h>
#include <lib/string.h>
#define B(name, code) do { u64 best = ~0ull; for (int r = 0; r < 30; r++) { u64 a = clock_ns(); for (int i = 0; i < 500; i++) { code; } u64 d = clock_ns() - a; if (d < best) best = d; } pr_notice("bench %-20s %llu ns\n", name, best / 500); } while (0)
static void zz(void)
{
	static char path[64] __aligned(8) = "/dev/null";
	struct file *f; struct path p; struct walk *w = kmalloc(sizeof(*w), GFP_KERNEL); struct kstat st;
	void *o; struct slab_cache *c = slab_cache_create("zz", 256, 64, 0, NULL);
	int fd;

	B("empty", barrier());
	B("slab alloc+free", o = slab_alloc(c, GFP_KERNEL); slab_free(c, o));
	B("kmalloc 64+free", kfree(kmalloc(64, GFP_KERNEL)));
	B("filename_buffer", filename_buffer_put(filename_buffer()));
	B("cred get+put", cred_put(cred_get(current->cred)));
	B("file_alloc+free", ignore_error(file_alloc(0, &f)); file_free_unopened(f));
	B("walk_rcu", walk_init(w, AT_FDCWD, path, LOOKUP_FOLLOW); rcu_read_lock(); ignore_error(walk_rcu(w)); rcu_read_unlock());
	B("path_lookup+put", ignore_error(path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p)); path_put(&p));
	ignore_error(path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &p));
	B("path_get+put", path_get(&p); path_put(&p));
	B("generic_fillattr", generic_fillattr(p.dentry->inode, &st));
	B("vfs_getattr", ignore_error(vfs_getattr(&p, &st, 0, 0)));
	B("path_getattr", ignore_error(path_getattr(AT_FDCWD, path, LOOKUP_FOLLOW, &st, 0)));
	B("inode_permission", ignore_error(inode_permission(p.dentry->inode, MAY_READ)));
	B("do_open+file_put", ignore_error(do_open(AT_FDCWD, path, O_RDONLY, 0, 0, &f)); file_put(f));
	B("fd_alloc+free", ignore_error(fd_alloc(0, 0, &fd)); fd_free(fd));
	B("clock_ns", clock_ns());
	B("inode_touch", inode_touch(p.dentry->inode, TIME_M | TIME_C));
	B("mutex", mutex_lock(&p.dentry->inode->lock); mutex_unlock(&p.dentry->inode->lock));
	B("spin", spin_lock(&p.dentry->inode->state_lock); spin_unlock(&p.dentry->inode->state_lock));
	B("atomic pair", fetch_add(&p.dentry->inode->version, 1); fetch_add(&p.dentry->inode->version, -1));
	B("sb mnt_want", ignore_error(mnt_want_write(p.mnt)); mnt_drop_write(p.mnt));
	B("memset 128", memset(&st, 0, 128));
	B("memcpy 128", memcpy(w, &st, 128));
}
INIT(INIT_LATE, zz);
