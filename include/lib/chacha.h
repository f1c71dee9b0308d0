/*
 * chacha - the ChaCha20 block function (RFC 8439), for the random device.
 */
#pragma once

#include <lib/compiler.h>

#define CHACHA_KEY_WORDS 8
#define CHACHA_BLOCK_BYTES 64

/* Words 0-3 constants, 4-11 key, 12 counter, 13-15 nonce. */
struct chacha_state {
	u32 x[16];
};

void chacha_init(struct chacha_state *s, const u32 key[CHACHA_KEY_WORDS],
		 const u32 counter_nonce[4]);
/* 64 bytes of key stream; counts words 12 and 13 up as one 64-bit number. */
void chacha20_block(struct chacha_state *s, u8 out[CHACHA_BLOCK_BYTES]);
