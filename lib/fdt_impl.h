/*
 * fdt_impl - what the files of the device tree reader share.
 */
#pragma once

#include <lib/byteorder.h>
#include <lib/fdt.h>

/* An array of cells, as a property holds it. */
struct fdt_cells {
	const be32_t *at;
	unsigned int count;
};

/* -ENOENT if missing, -EINVAL if not made of whole cells. */
int fdt_prop_cells(const struct fdt *fdt, int node, const char *name,
		   struct fdt_cells *out);
/* Joins n cells from off on; -EINVAL if they do not fit 64 bits. */
int fdt_cells_join(const struct fdt_cells *c, unsigned int off,
		   unsigned int n, u64 *out);
/* "#address-cells" and kin; the default if missing, -EINVAL if absurd. */
int fdt_cell_count(const struct fdt *fdt, int node, const char *name,
		   unsigned int fallback, unsigned int *out);
