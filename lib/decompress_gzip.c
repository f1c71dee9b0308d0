/*
 * decompress_gzip - zlib's inflate, with the stream's heap for its memory.
 */
#include "decompress_impl.h"

#include <lib/byteorder.h>
#include <lib/errno.h>
#include <zlib.h>

/* inflate's state and its window, with room for a newer zlib. */
#define GZIP_HEAP_BYTES (64 * 1024)
#define GZIP_WINDOW_BITS (16 + 15)	/* a gzip header; 32 KiB */
#define GZIP_MIN_BYTES 18		/* header and trailer */

static voidpf heap_alloc(voidpf opaque, uInt items, uInt size)
{
	struct decompress_stream *s = opaque;
	size_t n = ALIGN_UP((size_t)items * size, 16);
	u8 *p = s->heap + s->heap_used;

	if (n > s->heap_bytes - s->heap_used)
		return NULL;
	s->heap_used += n;
	return p;
}

static void heap_free(voidpf opaque, voidpf p)
{
	(void)opaque;
	(void)p;
}

static int gzip_heap_bytes(const void *src, size_t n, size_t *bytes)
{
	(void)src;
	(void)n;
	*bytes = GZIP_HEAP_BYTES;
	return 0;
}

/* The last four bytes of a member hold its length modulo 2^32. */
static int gzip_content_bytes(const void *src, size_t n, u64 *bytes)
{
	if (n < GZIP_MIN_BYTES)
		return -ENODATA;
	*bytes = get_unaligned_le32((const u8 *)src + n - 4);
	return 0;
}

static int gzip_begin(struct decompress_stream *s)
{
	z_stream *z = heap_alloc(s, 1, sizeof(*z));

	if (!z)
		return -ENOMEM;
	*z = (z_stream){ .zalloc = heap_alloc, .zfree = heap_free,
			 .opaque = s };
	s->state = z;
	return inflateInit2(z, GZIP_WINDOW_BITS) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_error(int ret)
{
	return ret == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}

/* inflate's counters have 32 bits: input goes in by pieces. */
static int feed_piece(struct decompress_stream *s, const u8 *src, u32 n,
		      u32 *used)
{
	z_stream *z = s->state;
	int ret, err;

	z->next_in = (Bytef *)(uintptr_t)src;
	z->avail_in = n;
	do {
		z->next_out = s->out;
		z->avail_out = DECOMPRESS_OUT_BYTES;
		ret = inflate(z, Z_NO_FLUSH);
		if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR)
			return gzip_error(ret);
		err = s->sink(s->ctx, s->out,
			      DECOMPRESS_OUT_BYTES - z->avail_out);
		if (err)
			return err;
	} while (ret == Z_OK && (z->avail_in || !z->avail_out));
	*used = n - z->avail_in;
	return ret == Z_STREAM_END;
}

static int gzip_feed(struct decompress_stream *s, const void *src, size_t n,
		     size_t *used)
{
	const u8 *p = src;
	int ret = 0;

	*used = 0;
	while (!ret && *used < n) {
		u32 part = 0, here = (u32)min(n - *used, (size_t)1 << 30);

		ret = feed_piece(s, p + *used, here, &part);
		if (ret >= 0)
			*used += part;
	}
	return ret;
}

const struct decompress_ops decompress_gzip_ops = {
	.heap_bytes = gzip_heap_bytes,
	.content_bytes = gzip_content_bytes,
	.begin = gzip_begin,
	.feed = gzip_feed,
};
