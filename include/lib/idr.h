/*
 * idr - cyclic allocation of small integers over the caller's bitmap.
 *
 * The search starts after the last id given out, so that an id is not used
 * again soon.  The caller locks.
 */
#pragma once

#include <lib/compiler.h>

struct id_bitmap {
	unsigned long *map;
	u32 min;		/* first id to give out */
	u32 max;		/* last id; map has max + 1 bits */
	u32 next;		/* where the next search starts */
	u32 used;
};

/* map is all zero, with max + 1 bits. */
void id_init(struct id_bitmap *ids, unsigned long *map, u32 min, u32 max);
/* The next free id, cyclic; -ENOSPC (pids turn that into EAGAIN). */
int __must_check id_alloc(struct id_bitmap *ids, u32 *out);
/* The lowest free id at or above from, as file descriptors want. */
int __must_check id_alloc_lowest(struct id_bitmap *ids, u32 from, u32 *out);
/* Exactly this one; -EEXIST, or -EINVAL if out of range. */
int __must_check id_reserve(struct id_bitmap *ids, u32 id);
void id_free(struct id_bitmap *ids, u32 id);
bool id_is_used(const struct id_bitmap *ids, u32 id);
