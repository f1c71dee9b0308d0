/*
 * crc - the cyclic redundancy checks of disk formats.
 *
 * None of them inverts seed or result: what a format wants is written at the
 * call (ext4: crc32c(~0U, ...), used as it comes; zlib and GPT:
 * ~crc32(~0U, ...)).  A result is the seed for the bytes that follow.
 */
#pragma once

#include <lib/compiler.h>

/* Castagnoli, reflected polynomial 0x82f63b78. */
u32 crc32c(u32 seed, const void *data, size_t n);
/* IEEE 802.3, reflected polynomial 0xedb88320. */
u32 crc32(u32 seed, const void *data, size_t n);
/* ANSI, reflected polynomial 0xa001: old ext4 group descriptors. */
u16 crc16(u16 seed, const void *data, size_t n);
