/*
 * decompress_impl - what decompress.c asks of one format.
 */
#pragma once

#include <lib/decompress.h>

/* Output collects here on its way to the sink. */
#define DECOMPRESS_OUT_BYTES (64 * 1024)

struct decompress_stream {
	const struct decompress_ops *ops;
	decompress_sink_t sink;
	void *ctx;
	u8 *heap;		/* the format's share of the workspace */
	size_t heap_bytes;
	size_t heap_used;
	void *state;
	u8 out[DECOMPRESS_OUT_BYTES];
};

struct decompress_ops {
	/* The heap that the stream with this header needs. */
	int (*heap_bytes)(const void *src, size_t n, size_t *bytes);
	int (*content_bytes)(const void *src, size_t n, u64 *bytes);
	int (*begin)(struct decompress_stream *s);
	/* As decompress_feed(). */
	int (*feed)(struct decompress_stream *s, const void *src, size_t n,
		    size_t *used);
};

extern const struct decompress_ops decompress_gzip_ops;
extern const struct decompress_ops decompress_zstd_ops;
