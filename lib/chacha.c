/*
 * chacha - the ChaCha20 block function of RFC 8439, section 2.3.
 */
#include <lib/chacha.h>
#include <lib/byteorder.h>
#include <lib/string.h>

static __always_inline u32 rotl(u32 x, unsigned int n)
{
	return x << n | x >> (32 - n);
}

static __always_inline void quarter(u32 *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 7);
}

static void double_round(u32 *x)
{
	int i;

	for (i = 0; i < 4; i++)
		quarter(x, i, 4 + i, 8 + i, 12 + i);
	for (i = 0; i < 4; i++)
		quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4,
			12 + (i + 3) % 4);
}

void chacha_init(struct chacha_state *s, const u32 key[CHACHA_KEY_WORDS],
		 const u32 counter_nonce[4])
{
	s->x[0] = 0x61707865;	/* "expand 32-byte k" */
	s->x[1] = 0x3320646e;
	s->x[2] = 0x79622d32;
	s->x[3] = 0x6b206574;
	memcpy(&s->x[4], key, 4 * CHACHA_KEY_WORDS);
	memcpy(&s->x[12], counter_nonce, 16);
}

void chacha20_block(struct chacha_state *s, u8 out[CHACHA_BLOCK_BYTES])
{
	struct chacha_state w = *s;
	int i;

	for (i = 0; i < 10; i++)
		double_round(w.x);
	for (i = 0; i < 16; i++)
		put_unaligned_le32(w.x[i] + s->x[i], out + 4 * i);
	if (!++s->x[12])
		s->x[13]++;
	memzero_explicit(&w, sizeof(w));
}
