/*
 * decompress_zstd - zstd's streaming decoder, in the stream's heap.
 */
#include "decompress_impl.h"

#include <lib/errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#define ZSTD_MAX_WINDOW (128ULL << 20)

static int zstd_error(size_t ret)
{
	switch (ZSTD_getErrorCode(ret)) {
	case ZSTD_error_memory_allocation:
	case ZSTD_error_frameParameter_windowTooLarge:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

static int zstd_heap_bytes(const void *src, size_t n, size_t *bytes)
{
	ZSTD_frameHeader h;

	if (ZSTD_getFrameHeader(&h, src, n))
		return -EINVAL;
	if (h.windowSize > ZSTD_MAX_WINDOW)
		return -EFBIG;
	*bytes = ZSTD_estimateDStreamSize((size_t)h.windowSize);
	return 0;
}

static int zstd_content_bytes(const void *src, size_t n, u64 *bytes)
{
	unsigned long long size = ZSTD_getFrameContentSize(src, n);

	if (size == ZSTD_CONTENTSIZE_ERROR)
		return -EINVAL;
	if (size == ZSTD_CONTENTSIZE_UNKNOWN)
		return -ENODATA;
	*bytes = size;
	return 0;
}

static int zstd_begin(struct decompress_stream *s)
{
	s->state = ZSTD_initStaticDStream(s->heap, s->heap_bytes);
	return s->state ? 0 : -ENOMEM;
}

/* Each round fills the output or eats all the input, or ends the frame. */
static int zstd_feed(struct decompress_stream *s, const void *src, size_t n,
		     size_t *used)
{
	ZSTD_inBuffer in = { src, n, 0 };
	ZSTD_outBuffer to;
	size_t ret;
	int err;

	do {
		to = (ZSTD_outBuffer){ s->out, DECOMPRESS_OUT_BYTES, 0 };
		ret = ZSTD_decompressStream(s->state, &to, &in);
		if (ZSTD_isError(ret))
			return zstd_error(ret);
		err = s->sink(s->ctx, s->out, to.pos);
		if (err)
			return err;
	} while (ret && (in.pos < n || to.pos == to.size));
	*used = in.pos;
	return !ret;
}

const struct decompress_ops decompress_zstd_ops = {
	.heap_bytes = zstd_heap_bytes,
	.content_bytes = zstd_content_bytes,
	.begin = zstd_begin,
	.feed = zstd_feed,
};
