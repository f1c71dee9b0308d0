/* gzip and zstd streams, whole, in pieces, cut and damaged */
#include "../unit.h"
#include <lib/decompress.h>
#include <lib/errno.h>
#include <lib/string.h>

#define SIZE 300000

static u8 *plain;

/* Half of it repeats at a distance, half is noise. */
static int make_plain(void **state)
{
	uint64_t seed = 12;
	size_t i;

	plain = malloc(SIZE);
	for (i = 0; i < SIZE; i++)
		plain[i] = i > 40000 && (i & 2048) ? plain[i - 40000] :
			   (u8)(noise(&seed) % 20);
	return 0;
}

static int drop_plain(void **state)
{
	free(plain);
	return 0;
}

/* The output of a host tool that gets plain as its input. */
static u8 *pack(const char *tool, size_t n, size_t *len)
{
	char dir[] = "/tmp/decompress_XXXXXX", path[64], cmd[256];
	u8 *out = malloc(n + 4096);
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/in", dir);
	f = fopen(path, "w");
	assert_int_equal(fwrite(plain, 1, n, f), n);
	fclose(f);
	snprintf(cmd, sizeof(cmd), "%s -c < %s", tool, path);
	f = popen(cmd, "r");
	*len = fread(out, 1, n + 4096, f);
	assert_int_equal(pclose(f), 0);
	remove(path);
	remove(dir);
	return realloc(out, *len);
}

static struct decompress_ws lend(const void *src, size_t n)
{
	struct decompress_ws ws = { NULL, 0 };

	assert_int_equal(decompress_ws_bytes(src, n, &ws.bytes), 0);
	ws.mem = malloc(ws.bytes);
	return ws;
}

struct span {
	u8 *at;
	size_t left;
};

static int sink_to_span(void *ctx, const void *data, size_t n)
{
	struct span *dst = ctx;

	if (n > dst->left)
		return -ENOSPC;
	memcpy(dst->at, data, n);
	dst->at += n;
	dst->left -= n;
	return 0;
}

/* All of src: members or frames one after the other, and zero padding. */
static int unpack(const struct decompress_ws *ws, const void *src, size_t n,
		  void *dst, size_t cap, size_t *out)
{
	struct span to = { dst, cap };
	struct decompress_stream *s;
	const u8 *p = src;
	size_t used;
	int ret;

	do {
		ret = decompress_begin(ws, p, n, sink_to_span, &to, &s);
		if (ret)
			return ret;
		ret = decompress_feed(s, p, n, &used);
		if (ret <= 0)
			return ret ? ret : -ENODATA;
		p += used;
		n -= used;
	} while (!mem_is_zero(p, n));
	*out = cap - to.left;
	return 0;
}

static const char *const tools[] = {
	"gzip -9", "gzip -1", "zstd -q -9", "zstd -q -19 --long=20",
	"zstd -q -1 --no-check",
};

static void whole_streams(void **state)
{
	u8 *src, *dst = malloc(SIZE);
	struct decompress_ws ws;
	size_t i, n, len, out;

	for (i = 0; i < ARRAY_SIZE(tools); i++) {
		for (n = 0; n <= SIZE; n = n ? n * 540 : 1) {
			src = pack(tools[i], n, &len);
			assert_true(decompress_detect(src, len) != 0);
			ws = lend(src, len);
			assert_int_equal(unpack(&ws, src, len, dst, SIZE,
						    &out), 0);
			assert_int_equal(out, n);
			assert_memory_equal(dst, plain, n);
			if (n)
				assert_int_equal(unpack(&ws, src, len, dst,
						n - 1, &out), -ENOSPC);
			assert_int_equal(unpack(&ws, src, len - 1, dst,
						    SIZE, &out), -ENODATA);
			ws.bytes /= 2;
			assert_int_equal(unpack(&ws, src, len, dst, SIZE,
						    &out), -ENOMEM);
			free(ws.mem);
			free(src);
		}
	}
	free(dst);
}

static void members_in_a_row(void **state)
{
	u8 *a, *b, *src, *dst = malloc(2 * SIZE);
	struct decompress_ws ws;
	size_t i, n, m, out;
	u64 bound;

	for (i = 0; i < ARRAY_SIZE(tools); i++) {
		a = pack(tools[i], SIZE, &n);
		b = pack(tools[i], 1000, &m);
		src = calloc(1, n + m + 100);
		memcpy(src, a, n);
		memcpy(src + n, b, m);
		ws = lend(src, n);
		assert_int_equal(unpack(&ws, src, n + m + 100, dst,
					    2 * SIZE, &out), 0);
		assert_int_equal(out, SIZE + 1000);
		assert_memory_equal(dst + SIZE, plain, 1000);
		src[n + m + 50] = 1;
		assert_int_equal(unpack(&ws, src, n + m + 100, dst,
					    2 * SIZE, &out), -EINVAL);
		if (!decompress_bound(a, n, &bound))
			assert_int_equal(bound, SIZE);
		free(ws.mem);
		free(src);
		free(a);
		free(b);
	}
	free(dst);
}

struct check {
	size_t at;
	int stop_at;
};

static int compare(void *ctx, const void *data, size_t n)
{
	struct check *c = ctx;

	assert_true(c->at + n <= SIZE);
	assert_memory_equal(data, plain + c->at, n);
	c->at += n;
	return c->stop_at && c->at >= c->stop_at ? -EIO : 0;
}

static void fed_in_pieces(void **state)
{
	static const size_t steps[] = { 1, 7, 1000, 70000 };
	struct decompress_stream *s;
	struct decompress_ws ws;
	size_t i, j, len, at, used;
	u8 *src;
	int ret;

	for (i = 0; i < ARRAY_SIZE(tools); i++) {
		src = pack(tools[i], SIZE, &len);
		ws = lend(src, len);
		for (j = 0; j < ARRAY_SIZE(steps); j++) {
			struct check c = { 0, 0 };

			assert_int_equal(decompress_begin(&ws, src, 18,
						compare, &c, &s), 0);
			for (at = 0, ret = 0; !ret; at += used) {
				ret = decompress_feed(s, src + at,
					min(steps[j], len - at), &used);
				assert_true(ret >= 0);
			}
			assert_int_equal(at, len);
			assert_int_equal(c.at, SIZE);
		}
		free(ws.mem);
		free(src);
	}
}

static void stops_when_the_sink_says_so(void **state)
{
	struct check c = { 0, 100000 };
	struct decompress_stream *s;
	struct decompress_ws ws;
	size_t len, used;
	u8 *src = pack("zstd -q", SIZE, &len);

	ws = lend(src, len);
	assert_int_equal(decompress_begin(&ws, src, len, compare, &c, &s), 0);
	assert_int_equal(decompress_feed(s, src, len, &used), -EIO);
	free(ws.mem);
	free(src);
}

static void survives_damage(void **state)
{
	u8 *good, *bad, *dst = malloc(SIZE);
	uint64_t seed = 13;
	size_t i, j, len, out;
	int round;

	for (i = 0; i < ARRAY_SIZE(tools); i++) {
		good = pack(tools[i], 20000, &len);
		for (round = 0; round < 500; round++) {
			struct decompress_ws ws;

			bad = malloc(len);
			memcpy(bad, good, len);
			for (j = noise(&seed) % 4 + 1; j; j--)
				bad[noise(&seed) %
				    (round & 1 ? len : 40)] ^=
					1U << noise(&seed) % 8;
			if (!decompress_ws_bytes(bad, len, &ws.bytes) &&
			    ws.bytes < 16 << 20) {
				ws.mem = malloc(ws.bytes);
				out = 0;
				if (!unpack(&ws, bad, len, dst, SIZE,
						&out))
					assert_true(out <= SIZE);
				free(ws.mem);
			}
			free(bad);
		}
		free(good);
	}
	free(dst);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_streams),
		cmocka_unit_test(members_in_a_row),
		cmocka_unit_test(fed_in_pieces),
		cmocka_unit_test(stops_when_the_sink_says_so),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, make_plain, drop_plain);
}
