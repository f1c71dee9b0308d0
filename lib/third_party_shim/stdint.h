/* <stdint.h> for third-party sources: the kernel's own types and limits. */
#pragma once
#include <lib/types.h>
