#pragma once
/*
 * The tree of /sys as its parts see it: every node is a type and a key, and
 * nothing is stored.
 */
#include <fs/seq.h>

struct sys_type;

struct sys_node {
	const struct sys_type *type;
	u64 key;		/* a device number, a hart, an offset ... */
};

struct sys_child {
	char name[64];
	struct sys_node node;
};

/* One kind of node: a directory has child, a file show, a link target. */
struct sys_type {
	u32 mode;		/* with the type */
	/* The i-th child; false past the last. */
	bool (*child)(u64 key, unsigned i, struct sys_child *out);
	/* By name, where counting through would be slow. */
	bool (*find)(u64 key, const char *name, size_t len,
		     struct sys_node *out);
	int (*show)(struct seq *s, u64 key);
	void (*target)(struct seq *s, u64 key);
};

/* The usual directory: an array of these. */
struct sys_entry {
	const char *name;
	const struct sys_type *type;
};
bool sys_array_child(const struct sys_entry *e, unsigned n, u64 key, unsigned i,
		     struct sys_child *out);
void sys_child_set(struct sys_child *c, const char *name,
		   const struct sys_type *type, u64 key);

/* A directory type whose children are given by an array, with the same key. */
#define SYS_DIR(sym, ...)                                                      \
	static const struct sys_entry sym##_entries[] = { __VA_ARGS__ };       \
	static bool sym##_child(u64 key, unsigned i, struct sys_child *c)      \
	{                                                                      \
		return sys_array_child(sym##_entries,                          \
				       ARRAY_SIZE(sym##_entries), key, i, c);  \
	}                                                                      \
	const struct sys_type sym = { .mode = S_IFDIR | 0755,                  \
				      .child = sym##_child }
#define SYS_FILE(sym, fn)                                                      \
	static const struct sys_type sym = { .mode = S_IFREG | 0444,           \
					     .show = fn }

extern const struct sys_type sys_empty_dir;
extern const struct sys_type sys_block_dir, sys_class_block_dir,
	sys_dev_block_dir, sys_virtual_block_dir;		/* block.c */
extern const struct sys_type sys_dev_char_dir, sys_class_dir,
	sys_virtual_dir;					/* class.c */
extern const struct sys_type sys_system_dir;			/* cpu.c */
extern const struct sys_type sys_topology_dir, sys_one_cpu_dir, sys_node_dir;
extern const struct sys_type sys_devices_dir, sys_dev_dir, sys_root; /* top */
extern const struct sys_type sys_queue_dir;
extern const struct sys_type sys_devicetree_dir;		/* fdt.c */
