/*
 * siphash - SipHash-2-4 after Aumasson and Bernstein, 2012.
 */
#include <lib/siphash.h>
#include <lib/byteorder.h>

struct sip {
	u64 v0, v1, v2, v3;
};

static __always_inline u64 rotl(u64 x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static __always_inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static __always_inline struct sip sip_begin(const struct siphash_key *key)
{
	return (struct sip){
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->k[1] ^ 0x7465646279746573ULL,
	};
}

static __always_inline void sip_word(struct sip *s, u64 m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

static __always_inline u64 sip_end(struct sip *s, u64 last)
{
	int i;

	sip_word(s, last);
	s->v2 ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

u64 siphash_2u64(u64 a, u64 b, const struct siphash_key *key)
{
	struct sip s = sip_begin(key);

	sip_word(&s, a);
	sip_word(&s, b);
	return sip_end(&s, 16ULL << 56);
}
