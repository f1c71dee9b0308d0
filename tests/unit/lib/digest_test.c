/* checksums, hashes and ciphers against published values */
#include "../unit.h"
#include <lib/byteorder.h>
#include <lib/chacha.h>
#include <lib/crc.h>
#include <lib/hash.h>
#include <lib/siphash.h>
#include <lib/string.h>

static u32 bitwise(u32 crc, u32 poly, const u8 *p, size_t n)
{
	int i;

	for (; n; n--, p++) {
		crc ^= *p;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? poly : 0);
	}
	return crc;
}

static void crcs_of_the_check_string(void **state)
{
	static const char s[] = "123456789";

	assert_int_equal(~crc32(~0U, s, 9), 0xcbf43926);
	assert_int_equal(~crc32c(~0U, s, 9), 0xe3069283);
	assert_int_equal(crc16(0, s, 9), 0xbb3d);
	assert_int_equal(crc16(0xffff, s, 9), 0x4b37);
}

static void crcs_of_any_piece(void **state)
{
	u8 buf[200];
	uint64_t seed = 8;
	size_t i, at, n;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)noise(&seed);
	for (at = 0; at < 9; at++) {
		for (n = 0; n < 190; n += 3) {
			assert_int_equal(crc32c(7, buf + at, n),
				bitwise(7, 0x82f63b78, buf + at, n));
			assert_int_equal(crc32(9, buf + at, n),
				bitwise(9, 0xedb88320, buf + at, n));
			assert_int_equal(crc16((u16)n, buf + at, n),
				bitwise((u16)n, 0xa001, buf + at, n));
			assert_int_equal(crc32c(crc32c(1, buf, at), buf + at,
						n), crc32c(1, buf, at + n));
		}
	}
}

static void hash_depends_on_bytes_only(void **state)
{
	u8 buf[96], *exact;
	u64 seen[40], h;
	size_t at, n, i;

	for (n = 0; n < 40; n++) {
		for (at = 0; at < 9; at++) {
			memset(buf, (int)at * 17, sizeof(buf));
			for (i = 0; i < n; i++)
				buf[at + i] = (u8)(i + 1);
			h = hash_bytes(buf + at, n, 5);
			if (!at)
				seen[n] = h;
			assert_true(h == seen[n]);
		}
		exact = malloc(n);
		memcpy(exact, buf + 8, n);
		assert_true(hash_bytes(exact, n, 5) == seen[n]);
		assert_true(hash_bytes(exact, n, 6) != seen[n]);
		free(exact);
		for (i = 0; i < n; i++)
			assert_true(seen[i] != seen[n]);
	}
}

static void siphash_vector(void **state)
{
	struct siphash_key key;
	u8 in[16], i;

	for (i = 0; i < 16; i++)
		in[i] = i;
	key.k[0] = get_unaligned_le64(in);
	key.k[1] = get_unaligned_le64(in + 8);
	/* The bytes hashed are those of the key. */
	assert_true(siphash_2u64(key.k[0], key.k[1], &key) ==
		    0x3f2acc7f57c29bdbULL);
}

/* RFC 8439, 2.3.2 */
static void chacha_vector(void **state)
{
	static const u8 want[16] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
		0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4
	};
	static const u32 tail[4] = { 1, 0x09000000, 0x4a000000, 0 };
	struct chacha_state s;
	u32 key[8];
	u8 out[64], k[32], i;

	for (i = 0; i < 32; i++)
		k[i] = i;
	for (i = 0; i < 8; i++)
		key[i] = get_unaligned_le32(k + 4 * i);
	chacha_init(&s, key, tail);
	chacha20_block(&s, out);
	assert_memory_equal(out, want, 16);
	assert_int_equal(s.x[12], 2);
	s.x[12] = ~0U;
	chacha20_block(&s, out);
	assert_int_equal(s.x[12], 0);
	assert_int_equal(s.x[13], 0x09000001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crcs_of_the_check_string),
		cmocka_unit_test(crcs_of_any_piece),
		cmocka_unit_test(hash_depends_on_bytes_only),
		cmocka_unit_test(siphash_vector),
		cmocka_unit_test(chacha_vector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
