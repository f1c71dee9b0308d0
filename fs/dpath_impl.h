#pragma once
/* Texts of paths, for mount listings and getcwd. */
#include <fs/vfs.h>

/* From p up to root.  *where: 0: root was met, 1: it ended at the top of a
 * namespace, 2: elsewhere. */
int __must_check path_text(const struct path *p, const struct path *root,
			   char *buf, size_t n, char **text, int *where);
/* From d up to the root of its file system. */
int __must_check dentry_text(struct dentry *d, char *buf, size_t n,
			     char **text);
