/*
 * fdt_reg - addresses: reg, ranges, and the lists of memory.
 *
 * A bus translates an address of its children by "ranges": entries of child
 * address, parent address, and size.  An empty property means that both are
 * the same, a missing one that there is no way through.
 */
#include "fdt_impl.h"

#include <lib/errno.h>
#include <lib/string.h>

/* A tree deeper than this is no tree of hardware. */
#define MAX_DEPTH 32

struct bus_cells {
	unsigned int addr;
	unsigned int size;
};

static int bus_cells(const struct fdt *fdt, int bus, struct bus_cells *out)
{
	int err = fdt_cell_count(fdt, bus, "#address-cells", 2, &out->addr);

	return err ? err :
		fdt_cell_count(fdt, bus, "#size-cells", 1, &out->size);
}

/* One entry of ranges. */
struct range {
	u64 child, parent, size;
};

struct ranges {
	struct fdt_cells cells;
	struct bus_cells here;
	unsigned int up;		/* address cells of the parent */
};

static int ranges_open(const struct fdt *fdt, int bus, struct ranges *r)
{
	int parent, err = fdt_prop_cells(fdt, bus, "ranges", &r->cells);
	struct bus_cells up;

	if (err)
		return err;
	parent = fdt_parent(fdt, bus);
	if (parent < 0)
		return -EINVAL;
	err = bus_cells(fdt, bus, &r->here);
	if (!err)
		err = bus_cells(fdt, parent, &up);
	if (!err)
		r->up = up.addr;
	return err;
}

static int ranges_get(const struct ranges *r, unsigned int index,
		      struct range *out)
{
	unsigned int step = r->here.addr + r->up + r->here.size, at;
	int err;

	if (!step || index >= r->cells.count / step)
		return -ENOENT;
	at = index * step;
	err = fdt_cells_join(&r->cells, at, r->here.addr, &out->child);
	if (!err)
		err = fdt_cells_join(&r->cells, at + r->here.addr, r->up,
				     &out->parent);
	if (!err)
		err = fdt_cells_join(&r->cells, at + r->here.addr + r->up,
				     r->here.size, &out->size);
	return err;
}

/* One bus upwards.  Entries that cannot be read (PCI) match nothing. */
static int translate_once(const struct fdt *fdt, int bus, u64 *addr)
{
	struct ranges r;
	struct range e;
	unsigned int i;
	int err = ranges_open(fdt, bus, &r);

	if (err)
		return -EINVAL;
	if (!r.cells.count)
		return 0;
	for (i = 0; (err = ranges_get(&r, i, &e)) != -ENOENT; i++) {
		if (!err && *addr >= e.child && *addr - e.child < e.size) {
			*addr = *addr - e.child + e.parent;
			return 0;
		}
	}
	return -EINVAL;
}

static int translate(const struct fdt *fdt, int bus, u64 addr, u64 *out)
{
	int depth, err;

	for (depth = 0; bus > FDT_ROOT; depth++) {
		if (depth == MAX_DEPTH)
			return -EINVAL;
		err = translate_once(fdt, bus, &addr);
		if (err)
			return err;
		bus = fdt_parent(fdt, bus);
	}
	if (bus < 0)
		return -EINVAL;
	*out = addr;
	return 0;
}

static int read_reg(const struct fdt *fdt, int node, int bus,
		    unsigned int index, struct fdt_region *out)
{
	struct fdt_cells c;
	struct bus_cells n;
	unsigned int step;
	u64 end;
	int err = fdt_prop_cells(fdt, node, "reg", &c);

	if (!err)
		err = bus_cells(fdt, bus, &n);
	if (err)
		return err;
	step = n.addr + n.size;
	if (!n.addr || c.count % step)
		return -EINVAL;
	if (index >= c.count / step)
		return -ENOENT;
	err = fdt_cells_join(&c, index * step, n.addr, &out->base);
	if (!err)
		err = fdt_cells_join(&c, index * step + n.addr, n.size,
				     &out->size);
	if (!err && add_overflow(out->base, out->size, &end))
		err = -EINVAL;
	return err;
}

int fdt_reg_raw(const struct fdt *fdt, int node, unsigned int index,
		struct fdt_region *out)
{
	int bus = fdt_parent(fdt, node);

	return bus < 0 ? bus : read_reg(fdt, node, bus, index, out);
}

int fdt_reg(const struct fdt *fdt, int node, unsigned int index,
	    struct fdt_region *out)
{
	int bus = fdt_parent(fdt, node), err;
	struct fdt_region r;
	u64 end;

	if (bus < 0)
		return bus;
	err = read_reg(fdt, node, bus, index, &r);
	if (!err)
		err = translate(fdt, bus, r.base, &r.base);
	if (!err && add_overflow(r.base, r.size, &end))
		err = -EINVAL;
	if (!err)
		*out = r;
	return err;
}

static bool is_memory(const struct fdt *fdt, int node)
{
	const char *type = fdt_prop_string(fdt, node, "device_type", 0);

	return type && str_equal(type, "memory") && fdt_is_okay(fdt, node);
}

/* The next memory node after node (-1: the first). */
static int next_memory(const struct fdt *fdt, int node)
{
	do {
		node = node < 0 ? FDT_ROOT : fdt_following_node(fdt, node);
	} while (node >= 0 && !is_memory(fdt, node));
	return node;
}

static int next_reserved(const struct fdt *fdt, int node)
{
	int top;

	do {
		if (node < 0) {
			top = fdt_find_path(fdt, "/reserved-memory");
			if (top < 0)
				return top;
			node = fdt_first_child(fdt, top);
		} else {
			node = fdt_next_sibling(fdt, node);
		}
	} while (node >= 0 && (!fdt_is_okay(fdt, node) ||
			       !fdt_has_prop(fdt, node, "reg")));
	return node;
}

/* Entries that make no sense are passed over. */
static int iterate(const struct fdt *fdt, struct fdt_mem_iter *iter,
		   int (*next)(const struct fdt *fdt, int node),
		   struct fdt_region *out)
{
	int err;

	for (;;) {
		if (iter->node < 0) {
			iter->node = next(fdt, -1);
			iter->index = 0;
		}
		if (iter->node < 0)
			return -ENOENT;
		err = fdt_reg(fdt, iter->node, iter->index++, out);
		if (!err)
			return 0;
		if (err == -ENOENT || iter->index > 64) {
			iter->node = next(fdt, iter->node);
			iter->index = 0;
			if (iter->node < 0)
				return -ENOENT;
		}
	}
}

int fdt_memory_next(const struct fdt *fdt, struct fdt_mem_iter *iter,
		    struct fdt_region *out)
{
	return iterate(fdt, iter, next_memory, out);
}

int fdt_reserved_next(const struct fdt *fdt, struct fdt_mem_iter *iter,
		      struct fdt_region *out, bool *no_map)
{
	int err = iterate(fdt, iter, next_reserved, out);

	if (!err)
		*no_map = fdt_has_prop(fdt, iter->node, "no-map");
	return err;
}
