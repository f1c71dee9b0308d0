/*
 * decompress - gzip and zstd, told apart by their first bytes.
 *
 * No allocation: the caller asks how much memory a stream wants, and lends
 * it.  All input may be hostile: a bad stream gives -EINVAL, a short one
 * -ENODATA at the end, memory too small for it -ENOMEM.
 */
#pragma once

#include <lib/compiler.h>

enum decompress_format {
	DECOMPRESS_NONE,	/* not a format we know */
	DECOMPRESS_GZIP,
	DECOMPRESS_ZSTD,
};

/* Memory lent for the time of the call or stream; 16-byte aligned. */
struct decompress_ws {
	void *mem;
	size_t bytes;
};

struct decompress_stream;

/* Takes the next n bytes of output; non-zero stops with that error. */
typedef int (*decompress_sink_t)(void *ctx, const void *data, size_t n);

enum decompress_format decompress_detect(const void *src, size_t n);

/*
 * Memory that the stream at src needs, by its header.  -EINVAL if the header
 * is unknown or broken, -EFBIG for a zstd window above 128 MiB.
 */
int __must_check decompress_ws_bytes(const void *src, size_t n,
				     size_t *bytes);

/*
 * The size of the output, if src is all of one stream and tells (zstd with
 * content size; gzip modulo 2^32): a hint, not to be trusted.  -ENODATA if
 * it does not tell.
 */
int __must_check decompress_bound(const void *src, size_t n, u64 *bytes);

/*
 * Streaming.  begin looks at the first bytes (18 are enough) to choose the
 * format, without consuming them; the stream lives in ws.
 */
int __must_check decompress_begin(const struct decompress_ws *ws,
				  const void *src, size_t n,
				  decompress_sink_t sink, void *ctx,
				  struct decompress_stream **out);
/*
 * Consumes input, *used bytes of it.  0: all consumed, wants more; 1: the
 * member or frame has ended, what follows *used is another matter (a further
 * member, padding, a plain cpio archive); or an error.
 */
int __must_check decompress_feed(struct decompress_stream *s, const void *src,
				 size_t n, size_t *used);
