#pragma once
/* What tests of file systems on the host may do. */
#include <fs/device.h>
#include <fs/vfs.h>

/* The image file becomes the disk. */
void shim_disk_open(const char *path);
void shim_disk_close(void);		/* writes the image back */
extern struct block_device shim_disk;
/* Bytes of the disk, for damage. */
u8 *shim_disk_bytes(size_t *n);
/* The next n-th write to the disk and all later ones get lost. */
extern long shim_lose_writes_after;

int shim_mount(unsigned flags, char *opts, struct super_block **out);
void shim_umount(struct super_block *sb);
void shim_sync(struct super_block *sb);
/* Drops all that is cached and clean. */
void shim_drop_caches(struct super_block *sb);
extern bool shim_quiet;
extern long shim_pages_used;
