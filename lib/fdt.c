/*
 * fdt - nodes and properties of a flattened device tree.
 *
 * Theory: libfdt walks the blob.  fdt_open() has it check every tag, name
 *         and property once; libfdt checks offsets again on each call, so
 *         even a blob that changed later is not read outside.
 *         Searching is linear: trees are small, and only boot looks.
 */
#include "fdt_impl.h"

#include <libfdt.h>

#include <lib/ctype.h>
#include <lib/errno.h>
#include <lib/string.h>

/* libfdt's error as ours. */
static int fdt_errno(int err)
{
	if (err >= 0)
		return err;
	return err == -FDT_ERR_NOTFOUND ? -ENOENT : -EINVAL;
}

size_t fdt_blob_bytes(const void *blob)
{
	return fdt_check_header(blob) ? 0 : fdt_totalsize(blob);
}

int fdt_open(struct fdt *fdt, const void *blob, size_t len)
{
	if (!PTR_IS_ALIGNED(blob, 8) || len < FDT_HEADER_BYTES)
		return -EINVAL;
	if (fdt_check_full(blob, len))
		return -EINVAL;
	fdt->blob = blob;
	fdt->size = fdt_totalsize(blob);
	return 0;
}

int fdt_find_path(const struct fdt *fdt, const char *path)
{
	return fdt_errno(fdt_path_offset(fdt->blob, path));
}

int fdt_first_child(const struct fdt *fdt, int node)
{
	return fdt_errno(fdt_first_subnode(fdt->blob, node));
}

int fdt_next_sibling(const struct fdt *fdt, int node)
{
	return fdt_errno(fdt_next_subnode(fdt->blob, node));
}

int fdt_parent(const struct fdt *fdt, int node)
{
	return fdt_errno(fdt_parent_offset(fdt->blob, node));
}

int fdt_following_node(const struct fdt *fdt, int node)
{
	return fdt_errno(fdt_next_node(fdt->blob, node, NULL));
}

int fdt_find_phandle(const struct fdt *fdt, u32 phandle)
{
	return fdt_errno(fdt_node_offset_by_phandle(fdt->blob, phandle));
}

const char *fdt_node_name(const struct fdt *fdt, int node)
{
	return fdt_get_name(fdt->blob, node, NULL);
}

const void *fdt_prop(const struct fdt *fdt, int node, const char *name,
		     int *len)
{
	return fdt_getprop(fdt->blob, node, name, len);
}

bool fdt_has_prop(const struct fdt *fdt, int node, const char *name)
{
	return fdt_prop(fdt, node, name, NULL) != NULL;
}

int fdt_prop_cells(const struct fdt *fdt, int node, const char *name,
		   struct fdt_cells *out)
{
	int len;
	const void *p = fdt_prop(fdt, node, name, &len);

	*out = (struct fdt_cells){ NULL, 0 };
	if (!p)
		return fdt_errno(len);
	if (len % 4)
		return -EINVAL;
	out->at = p;
	out->count = (unsigned int)len / 4;
	return 0;
}

int fdt_cells_join(const struct fdt_cells *c, unsigned int off,
		   unsigned int n, u64 *out)
{
	u64 v = 0;

	if (off > c->count || n > c->count - off)
		return -EINVAL;
	for (; n; n--, off++) {
		if (v >> 32)
			return -EINVAL;
		v = v << 32 | be32_get(c->at[off]);
	}
	*out = v;
	return 0;
}

int fdt_cell_count(const struct fdt *fdt, int node, const char *name,
		   unsigned int fallback, unsigned int *out)
{
	u32 v = fallback;
	int err = fdt_prop_u32(fdt, node, name, &v);

	if (err && err != -ENOENT)
		return err;
	if (v > FDT_MAX_ARGS)
		return -EINVAL;
	*out = v;
	return 0;
}

int fdt_prop_u32_at(const struct fdt *fdt, int node, const char *name,
		    unsigned int index, u32 *out)
{
	struct fdt_cells c;
	int err = fdt_prop_cells(fdt, node, name, &c);

	if (err)
		return err;
	if (index >= c.count)
		return index ? -ENOENT : -EINVAL;
	*out = be32_get(c.at[index]);
	return 0;
}

int fdt_prop_number(const struct fdt *fdt, int node, const char *name,
		    u64 *out)
{
	struct fdt_cells c;
	int err = fdt_prop_cells(fdt, node, name, &c);

	if (err)
		return err;
	if (c.count < 1 || c.count > 2)
		return -EINVAL;
	return fdt_cells_join(&c, 0, c.count, out);
}

const char *fdt_prop_string(const struct fdt *fdt, int node, const char *name,
			    unsigned int index)
{
	return fdt_stringlist_get(fdt->blob, node, name, (int)index, NULL);
}

bool fdt_is_okay(const struct fdt *fdt, int node)
{
	const char *s;

	if (!fdt_has_prop(fdt, node, "status"))
		return true;
	s = fdt_prop_string(fdt, node, "status", 0);
	return s && (str_equal(s, "okay") || str_equal(s, "ok"));
}

const char *fdt_chosen(const struct fdt *fdt, const char *name)
{
	int node = fdt_find_path(fdt, "/chosen");

	return node < 0 ? NULL : fdt_prop_string(fdt, node, name, 0);
}

int fdt_stdout(const struct fdt *fdt, const char **options)
{
	const char *path = fdt_chosen(fdt, "stdout-path"), *colon;

	*options = NULL;
	if (!path)
		path = fdt_chosen(fdt, "linux,stdout-path");
	if (!path)
		return -ENOENT;
	colon = strchrnul(path, ':');
	if (*colon)
		*options = colon + 1;
	return fdt_errno(fdt_path_offset_namelen(fdt->blob, path,
						 (int)(colon - path)));
}

int fdt_initrd(const struct fdt *fdt, struct fdt_region *out)
{
	int node = fdt_find_path(fdt, "/chosen"), err;
	u64 start, end;

	if (node < 0)
		return node;
	err = fdt_prop_number(fdt, node, "linux,initrd-start", &start);
	if (err)
		return err;
	err = fdt_prop_number(fdt, node, "linux,initrd-end", &end);
	if (err)
		return err;
	if (end < start)
		return -EINVAL;
	out->base = start;
	out->size = end - start;
	return 0;
}

/* "serial12" with the stem "serial" gives 12. */
static int alias_id(const char *name, const char *stem, u32 *id)
{
	size_t n = strlen(stem);

	if (strncmp(name, stem, n) || !isdigit((u8)name[n]))
		return -ENOENT;
	return str_to_u32(name + n, 10, id);
}

const char *fdt_alias_of(const struct fdt *fdt, int node, const char *stem,
			 u32 *id)
{
	int aliases = fdt_find_path(fdt, "/aliases"), prop, len;
	const char *name, *path;

	if (aliases < 0)
		return NULL;
	fdt_for_each_property_offset(prop, fdt->blob, aliases) {
		path = fdt_getprop_by_offset(fdt->blob, prop, &name, &len);
		if (!path || len < 2 || path[len - 1] || *path != '/')
			continue;
		if (!alias_id(name, stem, id) &&
		    fdt_find_path(fdt, path) == node)
			return name;
	}
	return NULL;
}

int fdt_memreserve(const struct fdt *fdt, unsigned int index,
		   struct fdt_region *out)
{
	uint64_t base, size;
	int n = fdt_num_mem_rsv(fdt->blob);

	if (n < 0 || index >= (unsigned int)n)
		return -ENOENT;
	if (fdt_get_mem_rsv(fdt->blob, (int)index, &base, &size))
		return -EINVAL;
	out->base = base;
	out->size = size;
	return 0;
}
