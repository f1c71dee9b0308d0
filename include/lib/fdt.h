/*
 * fdt - reads a flattened device tree.
 *
 * fdt_open() checks the whole blob; afterwards no function reads outside it,
 * whatever its content.  A node is an offset: >= 0, or an error.  Everything
 * works without memory, by walking the blob, so it is for start-up and probe.
 */
#pragma once

#include <lib/compiler.h>

struct fdt {
	const void *blob;
	size_t size;
};

#define FDT_ROOT 0		/* the node "/" */
#define FDT_MAX_ARGS 16
#define FDT_HEADER_BYTES 40

/* A reference to another node, with arguments. */
struct fdt_args {
	int node;			/* of the provider */
	u32 count;
	u32 cells[FDT_MAX_ARGS];
};

struct fdt_region {
	u64 base;
	u64 size;
};

/* Total size by the header at blob (FDT_HEADER_BYTES readable); 0: no FDT. */
size_t fdt_blob_bytes(const void *blob);
/* -EINVAL unless len bytes at blob (8-byte aligned) hold a sound tree. */
int __must_check fdt_open(struct fdt *fdt, const void *blob, size_t len);

/* Nodes.  The path may start with an alias.  -ENOENT at the end. */
int fdt_find_path(const struct fdt *fdt, const char *path);
int fdt_first_child(const struct fdt *fdt, int node);
int fdt_next_sibling(const struct fdt *fdt, int node);
int fdt_parent(const struct fdt *fdt, int node);
/* All nodes, depth first, from FDT_ROOT. */
int fdt_following_node(const struct fdt *fdt, int node);
int fdt_find_phandle(const struct fdt *fdt, u32 phandle);

#define fdt_for_each_node(fdt, node) \
	for (node = FDT_ROOT; node >= 0; node = fdt_following_node(fdt, node))
#define fdt_for_each_child(fdt, node, parent)                               \
	for (node = fdt_first_child(fdt, parent); node >= 0;                \
	     node = fdt_next_sibling(fdt, node))

/* With its @unit; NULL for a bad node. */
const char *fdt_node_name(const struct fdt *fdt, int node);

/* Properties.  NULL or -ENOENT if missing, -EINVAL if of another shape. */
const void *fdt_prop(const struct fdt *fdt, int node, const char *name,
		     int *len);
bool fdt_has_prop(const struct fdt *fdt, int node, const char *name);
/* The index-th cell. */
int fdt_prop_u32_at(const struct fdt *fdt, int node, const char *name,
		    unsigned int index, u32 *out);
/* One or two cells. */
int fdt_prop_number(const struct fdt *fdt, int node, const char *name,
		    u64 *out);
/* NUL-terminated inside the blob; the index-th of a string list. */
const char *fdt_prop_string(const struct fdt *fdt, int node, const char *name,
			    unsigned int index);

static inline int fdt_prop_u32(const struct fdt *fdt, int node,
			       const char *name, u32 *out)
{
	return fdt_prop_u32_at(fdt, node, name, 0, out);
}

static inline u32 fdt_prop_u32_or(const struct fdt *fdt, int node,
				  const char *name, u32 fallback)
{
	u32 v;

	return fdt_prop_u32_at(fdt, node, name, 0, &v) ? fallback : v;
}

/* status is missing, "okay" or "ok". */
bool fdt_is_okay(const struct fdt *fdt, int node);

/*
 * reg, translated through the ranges of all parents to what the CPU sees.
 * -ENOENT past the last entry, -EINVAL if it cannot be translated.
 */
int __must_check fdt_reg(const struct fdt *fdt, int node, unsigned int index,
			 struct fdt_region *out);
/* The address cell of reg untranslated, as for /cpus/cpu@N. */
int __must_check fdt_reg_raw(const struct fdt *fdt, int node,
			     unsigned int index, struct fdt_region *out);

/*
 * The index-th entry of a list of phandles with arguments, whose count is
 * the provider's cells_name ("#clock-cells"); NULL: phandles without any.
 */
int __must_check fdt_phandle_args(const struct fdt *fdt, int node,
				  const char *prop, const char *cells_name,
				  unsigned int index, struct fdt_args *out);
/* interrupts-extended, or interrupts under the interrupt-parent. */
int __must_check fdt_irq(const struct fdt *fdt, int node, unsigned int index,
			 struct fdt_args *out);

/* A string property of /chosen, or NULL. */
const char *fdt_chosen(const struct fdt *fdt, const char *name);
/* The node of stdout-path; *options is what follows the ':', or NULL. */
int fdt_stdout(const struct fdt *fdt, const char **options);
/* linux,initrd-start and -end; -ENOENT. */
int __must_check fdt_initrd(const struct fdt *fdt, struct fdt_region *out);
/* The name of the alias that points to node ("serial0"), or NULL. */
const char *fdt_alias_of(const struct fdt *fdt, int node, const char *stem,
			 u32 *id);

/*
 * Memory.  Call with *iter = 0 and until it returns -ENOENT; okay nodes only.
 * Of reserved-memory only those with a reg; no_map by the property.
 */
struct fdt_mem_iter {
	int node;
	unsigned int index;
};
#define FDT_MEM_ITER_INIT { -1, 0 }
int __must_check fdt_memory_next(const struct fdt *fdt,
				 struct fdt_mem_iter *iter,
				 struct fdt_region *out);
int __must_check fdt_reserved_next(const struct fdt *fdt,
				   struct fdt_mem_iter *iter,
				   struct fdt_region *out, bool *no_map);
/* The index-th entry of the memory reservation block; -ENOENT. */
int __must_check fdt_memreserve(const struct fdt *fdt, unsigned int index,
				struct fdt_region *out);
