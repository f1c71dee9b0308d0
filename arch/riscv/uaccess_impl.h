#pragma once
/* copy.S: raw copies; bytes that were not done. */
#include <lib/types.h>

size_t user_copy(void *dst, const void *src, size_t n);
/* Both aligned to 8, n a multiple of it; not 0 if an access failed. */
size_t user_copy_words(void *dst, const void *src, size_t n);
size_t user_clear(void *dst, size_t n);
