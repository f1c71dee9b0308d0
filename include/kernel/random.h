#pragma once
/* ChaCha20 random numbers, seeded by devices, the device tree and timing.
 * Any context after INIT_MM. */
#include <lib/compiler.h>
#include <lib/types.h>

void random_bytes(void *buf, size_t n);
u64 random_u64(void);
u32 random_u32_below(u32 n);
/* Mixes in entropy; credit in bits. */
void random_mix(const void *buf, size_t n, u32 credit_bits);
bool random_is_seeded(void);
u32 random_entropy_bits(void);
/* Sleeps until seeded; -EINTR. */
int __must_check random_wait_seeded_intr(void);
