/*
 * ring - the index arithmetic of a byte ring whose size is a power of two.
 *
 * head counts what was put in, tail what was taken out; both run freely and
 * wrap, so that full and empty differ.
 */
#pragma once

#include <lib/compiler.h>

struct ring {
	u32 head;
	u32 tail;
	u32 size;
};

static inline void ring_init(struct ring *r, u32 size)
{
	r->head = 0;
	r->tail = 0;
	r->size = size;
}

static inline u32 ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

static inline u32 ring_space(const struct ring *r)
{
	return r->size - ring_used(r);
}

static inline bool ring_empty(const struct ring *r)
{
	return r->head == r->tail;
}

static inline bool ring_full(const struct ring *r)
{
	return ring_used(r) == r->size;
}

static inline u32 ring_index(const struct ring *r, u32 pos)
{
	return pos & (r->size - 1);
}

/* Bytes that can be put at ring_index(head) without wrapping. */
static inline u32 ring_space_run(const struct ring *r)
{
	return min(ring_space(r), r->size - ring_index(r, r->head));
}

/* Bytes that can be taken at ring_index(tail) without wrapping. */
static inline u32 ring_used_run(const struct ring *r)
{
	return min(ring_used(r), r->size - ring_index(r, r->tail));
}

/* Copy as much as fits, or as there is; return how much. */
u32 ring_put(struct ring *r, void *buf, const void *src, u32 n);
u32 ring_get(struct ring *r, const void *buf, void *dst, u32 n);
/* Like ring_get(), leaving the bytes in the ring, from off after the tail. */
u32 ring_peek(const struct ring *r, const void *buf, u32 off, void *dst,
	      u32 n);
