/*
 * fdt_irq - references to other nodes, with arguments: clocks, resets, and
 * interrupts.
 *
 * An interrupt belongs to the node's interrupt-parent, or that of its nearest
 * ancestor that has one, or to the ancestor that is a controller itself.
 */
#include "fdt_impl.h"

#include <lib/errno.h>
#include <lib/string.h>

/* Interrupt parents may form a loop in a bad tree. */
#define MAX_STEPS 32

static int fill_args(const struct fdt_cells *c, unsigned int off,
		     unsigned int n, struct fdt_args *out)
{
	unsigned int i;

	if (n > FDT_MAX_ARGS || off > c->count || n > c->count - off)
		return -EINVAL;
	out->count = n;
	for (i = 0; i < n; i++)
		out->cells[i] = be32_get(c->at[off + i]);
	return 0;
}

/* Arguments that follow a phandle to node; 0 with a cells_name of NULL. */
static int args_of(const struct fdt *fdt, int node, const char *cells_name,
		   unsigned int *out)
{
	u32 v;
	int err;

	*out = 0;
	if (!cells_name)
		return 0;
	err = fdt_prop_u32(fdt, node, cells_name, &v);
	if (err || v > FDT_MAX_ARGS)
		return -EINVAL;
	*out = v;
	return 0;
}

/* A phandle of 0 is a hole in the list: it has no arguments. */
int fdt_phandle_args(const struct fdt *fdt, int node, const char *prop,
		     const char *cells_name, unsigned int index,
		     struct fdt_args *out)
{
	unsigned int at = 0, n;
	struct fdt_cells c;
	int to, err = fdt_prop_cells(fdt, node, prop, &c);

	if (err)
		return err;
	for (; at < c.count; at += 1 + n, index--) {
		u32 phandle = be32_get(c.at[at]);

		n = 0;
		to = -ENOENT;
		if (phandle) {
			to = fdt_find_phandle(fdt, phandle);
			if (to < 0)
				return -EINVAL;
			err = args_of(fdt, to, cells_name, &n);
			if (err)
				return err;
		}
		if (index)
			continue;
		out->node = to;
		return to < 0 ? -ENOENT : fill_args(&c, at + 1, n, out);
	}
	return -ENOENT;
}

static int find_irq_parent(const struct fdt *fdt, int node)
{
	u32 phandle;
	int step;

	for (step = 0; step < MAX_STEPS && node >= 0; step++) {
		if (!fdt_prop_u32(fdt, node, "interrupt-parent", &phandle))
			node = fdt_find_phandle(fdt, phandle);
		else
			node = fdt_parent(fdt, node);
		if (node >= 0 && fdt_has_prop(fdt, node, "#interrupt-cells"))
			return node;
	}
	return -EINVAL;
}

int fdt_irq(const struct fdt *fdt, int node, unsigned int index,
	    struct fdt_args *out)
{
	struct fdt_cells c;
	unsigned int n;
	int parent, err;

	if (fdt_has_prop(fdt, node, "interrupts-extended"))
		return fdt_phandle_args(fdt, node, "interrupts-extended",
					"#interrupt-cells", index, out);
	err = fdt_prop_cells(fdt, node, "interrupts", &c);
	if (err)
		return err;
	parent = find_irq_parent(fdt, node);
	if (parent < 0)
		return parent;
	err = args_of(fdt, parent, "#interrupt-cells", &n);
	if (err || !n)
		return -EINVAL;
	if (index >= c.count / n)
		return -ENOENT;
	out->node = parent;
	return fill_args(&c, index * n, n, out);
}
