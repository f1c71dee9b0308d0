#pragma once
/*
 * File handles: what a file is known by without its name
 * (name_to_handle_at(2), open_by_handle_at(2)).
 */
#include <fs/vfs.h>

#define HANDLE_WORDS 3

/* What a program gets and keeps; it looks inside at its own risk. */
struct handle {
	s32 type;
	u32 nr_words;
	u32 word[HANDLE_WORDS];
};

/* id_only: for a program that only compares, of any file.  -EOPNOTSUPP: the
 * file system cannot find its files by number. */
int __must_check handle_make(const struct path *p, bool id_only,
			     struct handle *h);
/* The path (referenced) in the given mount: -ESTALE. */
int __must_check handle_find(struct mount *m, const struct handle *h,
			     struct path *out);
