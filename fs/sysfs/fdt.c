/*
 * fdt - /sys/firmware/devicetree/base: the device tree as directories and
 * files of raw property values; /proc/device-tree leads there.
 *
 * The key of a directory is its node's offset, that of a property the node's
 * offset and, above 32 bits, the property's number.
 */
#include "sysfs_impl.h"
#include <arch/boot.h>
#include <fs/proc.h>
#include <kernel/init.h>
#include <lib/byteorder.h>
#include <lib/fdt.h>
#include <lib/string.h>

/* Tokens and header of the blob (Devicetree Specification 0.4, chapter 5);
 * the blob was validated by fdt_open(). */
#define TOKEN_BEGIN 1u
#define TOKEN_END 2u
#define TOKEN_PROP 3u
#define TOKEN_NOP 4u
#define HDR_OFF_STRUCT 8u
#define HDR_OFF_STRINGS 12u

static struct fdt tree;			/* const after init */

struct property {
	const char *name;
	const void *value;
	u32 len;
};

static u32 be32_at(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

/* The nth property of a node; they come before its first child. */
static bool nth_property(int node, unsigned nth, struct property *out)
{
	const char *blob = tree.blob;
	const char *s = blob + be32_at(blob + HDR_OFF_STRINGS);
	const char *p = blob + be32_at(blob + HDR_OFF_STRUCT) + node;
	u32 token, len;

	p += 4;
	p += ALIGN_UP(strlen(p) + 1, 4);
	for (;;) {
		token = be32_at(p);
		p += 4;
		if (token == TOKEN_NOP)
			continue;
		if (token != TOKEN_PROP)
			return false;
		len = be32_at(p);
		if (!nth--)
			break;
		p += 8 + ALIGN_UP(len, 4);
	}
	*out = (struct property){ s + be32_at(p + 4), p + 8, len };
	return true;
}

static int value_show(struct seq *s, u64 key)
{
	struct property p;

	if (!nth_property((int)(u32)key, (unsigned)(key >> 32), &p))
		return -ENODEV;
	seq_write(s, p.value, p.len);
	return 0;
}

/* Linux gives each node its name as a property. */
static int name_show(struct seq *s, u64 key)
{
	const char *name = fdt_node_name(&tree, (int)key);

	if (!name)
		return -ENODEV;
	seq_write(s, name, strcspn(name, "@"));
	seq_write(s, "", 1);
	return 0;
}

SYS_FILE(value_file, value_show);
SYS_FILE(name_file, name_show);

static bool node_child(u64 key, unsigned i, struct sys_child *out);
static bool node_find(u64 key, const char *name, size_t len,
		      struct sys_node *out);

static const struct sys_type node_dir = {
	.mode = S_IFDIR | 0755, .child = node_child, .find = node_find,
};

static bool node_child(u64 key, unsigned i, struct sys_child *out)
{
	struct property p;
	unsigned n = 0;
	int child;

	if (!i--) {
		sys_child_set(out, "name", &name_file, key);
		return true;
	}
	for (; nth_property((int)key, n, &p); n++) {
		if (n == i) {
			sys_child_set(out, p.name, &value_file,
				      key | (u64)n << 32);
			return true;
		}
	}
	fdt_for_each_child(&tree, child, (int)key) {
		if (n++ == i) {
			sys_child_set(out, fdt_node_name(&tree, child),
				      &node_dir, (u64)child);
			return true;
		}
	}
	return false;
}

static bool same(const char *a, const char *name, size_t len)
{
	return strlen(a) == len && !memcmp(a, name, len);
}

static bool node_find(u64 key, const char *name, size_t len,
		      struct sys_node *out)
{
	struct property p;
	int child;

	if (same("name", name, len)) {
		*out = (struct sys_node){ &name_file, key };
		return true;
	}
	for (unsigned n = 0; nth_property((int)key, n, &p); n++) {
		if (same(p.name, name, len)) {
			*out = (struct sys_node){ &value_file,
						  key | (u64)n << 32 };
			return true;
		}
	}
	fdt_for_each_child(&tree, child, (int)key) {
		if (same(fdt_node_name(&tree, child), name, len)) {
			*out = (struct sys_node){ &node_dir, (u64)child };
			return true;
		}
	}
	return false;
}

SYS_DIR(sys_devicetree_dir, { "base", &node_dir });

static const struct proc_entry entries[] = {
	{ .name = "device-tree", .mode = S_IFLNK | 0777,
	  .link = "/sys/firmware/devicetree/base" },
};

static void fdt_init(void)
{
	if (boot_fdt && !fdt_open(&tree, boot_fdt, boot_fdt_size))
		proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, fdt_init);
