#pragma once
/* The attribute security.capability as disks have it (capabilities(7), "File
 * capability extended attribute versioning"). */
#include <lib/byteorder.h>
#include <lib/types.h>

#define XATTR_CAPS "security.capability"
#define VFS_CAP_REVISION_MASK	0xff000000u
#define VFS_CAP_REVISION_1	0x01000000u
#define VFS_CAP_REVISION_2	0x02000000u
#define VFS_CAP_REVISION_3	0x03000000u
#define VFS_CAP_EFFECTIVE	1u

struct vfs_caps {
	le32_t magic;
	struct {
		le32_t permitted, inheritable;
	} data[2];
	le32_t rootid;		/* revision 3: whose root may gain by it */
};
#define VFS_CAPS_1_BYTES 12u
#define VFS_CAPS_2_BYTES 20u
#define VFS_CAPS_3_BYTES 24u
static_assert(sizeof(struct vfs_caps) == VFS_CAPS_3_BYTES, "vfs_ns_cap_data");
