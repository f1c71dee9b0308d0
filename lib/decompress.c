/*
 * decompress - one face for all compressed formats.
 *
 * Theory: a stream lives at the start of the memory that the caller lends:
 *         struct decompress_stream with the output buffer, then a heap that
 *         the format uses as it likes.  A stream ends with its member or
 *         frame; what follows is a new stream, in the same memory.
 * Life:   nothing to undo: the memory just goes back to the caller.
 */
#include "decompress_impl.h"

#include <lib/errno.h>
#include <lib/string.h>

#define WS_ALIGN 64

static const u8 gzip_magic[] = { 0x1f, 0x8b, 0x08 };
static const u8 zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };

enum decompress_format decompress_detect(const void *src, size_t n)
{
	if (n >= sizeof(gzip_magic) &&
	    !memcmp(src, gzip_magic, sizeof(gzip_magic)))
		return DECOMPRESS_GZIP;
	if (n >= sizeof(zstd_magic) &&
	    !memcmp(src, zstd_magic, sizeof(zstd_magic)))
		return DECOMPRESS_ZSTD;
	return DECOMPRESS_NONE;
}

static const struct decompress_ops *find_ops(const void *src, size_t n)
{
	switch (decompress_detect(src, n)) {
	case DECOMPRESS_GZIP:
		return &decompress_gzip_ops;
	case DECOMPRESS_ZSTD:
		return &decompress_zstd_ops;
	default:
		return NULL;
	}
}

int decompress_ws_bytes(const void *src, size_t n, size_t *bytes)
{
	const struct decompress_ops *ops = find_ops(src, n);
	size_t heap;
	int err;

	if (!ops)
		return -EINVAL;
	err = ops->heap_bytes(src, n, &heap);
	if (!err)
		*bytes = heap + sizeof(struct decompress_stream) +
			 2 * WS_ALIGN;
	return err;
}

int decompress_bound(const void *src, size_t n, u64 *bytes)
{
	const struct decompress_ops *ops = find_ops(src, n);

	return ops ? ops->content_bytes(src, n, bytes) : -EINVAL;
}

int decompress_begin(const struct decompress_ws *ws, const void *src, size_t n,
		     decompress_sink_t sink, void *ctx,
		     struct decompress_stream **out)
{
	struct decompress_stream *s = PTR_ALIGN_UP(ws->mem, WS_ALIGN);
	const u8 *end = (const u8 *)ws->mem + ws->bytes;
	size_t need;
	int err;

	err = decompress_ws_bytes(src, n, &need);
	if (err)
		return err;
	if (ws->bytes < need)
		return -ENOMEM;
	s->ops = find_ops(src, n);
	s->sink = sink;
	s->ctx = ctx;
	s->heap = PTR_ALIGN_UP((u8 *)(s + 1), WS_ALIGN);
	s->heap_bytes = (size_t)(end - s->heap);
	s->heap_used = 0;
	err = s->ops->begin(s);
	if (!err)
		*out = s;
	return err;
}

int decompress_feed(struct decompress_stream *s, const void *src, size_t n,
		    size_t *used)
{
	return s->ops->feed(s, src, n, used);
}
