#pragma once
/* /proc/config.gz: fs/proc/kconfig, compressed by scripts/gen-kconfig. */
extern const unsigned char kconfig_gz[];
extern const unsigned kconfig_gz_size;
