#pragma once
/* The index of large directories, between htree.c and dirblock.c. */
#include "ext4_impl.h"

#define DX_ROOT_OFF 32u		/* entries, behind "." ".." and dx_root_info */
#define DX_INFO_OFF 24u
#define DX_NODE_OFF 8u		/* behind an empty entry */

/* Do limit and count fit the block? */
bool dx_limits_ok(const struct ext4_fs *fs, const void *block, u32 off);
