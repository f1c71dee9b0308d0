#pragma once
/* memfd_create(2) and file seals, by tmpfs. */
#include <fs/vfs.h>

/* name without "memfd:", at most 249 bytes. -EINVAL for a flag. */
int __must_check memfd_create_file(const char *name, unsigned flags,
				   struct file **out);
/* F_GET_SEALS, F_ADD_SEALS: -EINVAL if it is no memory file. */
long memfd_get_seals(struct file *f);
long memfd_add_seals(struct file *f, unsigned seals);
