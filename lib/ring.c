/*
 * ring - bytes in and out of a ring, in at most two runs.
 */
#include <lib/ring.h>
#include <lib/string.h>

u32 ring_put(struct ring *r, void *buf, const void *src, u32 n)
{
	u32 at = ring_index(r, r->head), run;

	n = min(n, ring_space(r));
	run = min(n, r->size - at);
	memcpy((u8 *)buf + at, src, run);
	memcpy(buf, (const u8 *)src + run, n - run);
	r->head += n;
	return n;
}

u32 ring_peek(const struct ring *r, const void *buf, u32 off, void *dst,
	      u32 n)
{
	u32 at = ring_index(r, r->tail + off), run;

	if (off >= ring_used(r))
		return 0;
	n = min(n, ring_used(r) - off);
	run = min(n, r->size - at);
	memcpy(dst, (const u8 *)buf + at, run);
	memcpy((u8 *)dst + run, buf, n - run);
	return n;
}

u32 ring_get(struct ring *r, const void *buf, void *dst, u32 n)
{
	n = ring_peek(r, buf, 0, dst, n);
	r->tail += n;
	return n;
}
