/* <stddef.h> for third-party sources: the kernel's own types and limits. */
#pragma once
#include <lib/types.h>

#ifndef offsetof
#define offsetof(t, m) __builtin_offsetof(t, m)
#endif
