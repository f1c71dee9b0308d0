#pragma once
/* build/include/config.h is made from config.mk; each option is 0 or 1, or a
 * number, and is used as `if (CONFIG_X)`. */
#include <config_generated.h>

#define MAX_HARTS CONFIG_MAX_HARTS
