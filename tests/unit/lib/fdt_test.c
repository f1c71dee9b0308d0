/* the device tree reader, on a sound tree and on damaged ones */
#include "../unit.h"
#include <lib/errno.h>
#include <lib/fdt.h>
#include <lib/string.h>

static u8 *blob;
static size_t blob_bytes;
static struct fdt fdt;

static int compile_tree(void **state)
{
	FILE *f = popen("dtc -q -I dts -O dtb tests/unit/lib/fdt_test.dts",
			"r");

	blob = malloc(65536);
	blob_bytes = fread(blob, 1, 65536, f);
	if (pclose(f))
		return -1;
	blob = realloc(blob, blob_bytes);
	return fdt_open(&fdt, blob, blob_bytes);
}

static int drop_tree(void **state)
{
	free(blob);
	return 0;
}

static int at(const char *path)
{
	int node = fdt_find_path(&fdt, path);

	assert_true(node >= 0);
	return node;
}

static void finds_nodes(void **state)
{
	int node, n = 0;

	assert_int_equal(fdt_blob_bytes(blob), blob_bytes);
	assert_int_equal(at("/"), FDT_ROOT);
	assert_int_equal(fdt_find_path(&fdt, "/none"), -ENOENT);
	node = at("/soc/serial@10000000");
	assert_int_equal(at("serial0"), node);
	assert_string_equal(fdt_node_name(&fdt, node), "serial@10000000");
	assert_int_equal(fdt_parent(&fdt, node), at("/soc"));
	fdt_for_each_child(&fdt, node, FDT_ROOT)
		n++;
	assert_int_equal(n, 8);
	fdt_for_each_node(&fdt, node)
		n++;
	assert_int_equal(n, 8 + 22);
}

static void reads_properties(void **state)
{
	int root = FDT_ROOT, uart = at("serial0");
	u64 v;
	u32 c;

	assert_string_equal(fdt_prop_string(&fdt, root, "compatible", 1),
			    "test,family");
	assert_null(fdt_prop_string(&fdt, root, "compatible", 2));
	assert_int_equal(fdt_prop_u32_or(&fdt, uart, "clock-frequency", 1),
			 3686400);
	assert_int_equal(fdt_prop_u32_or(&fdt, uart, "reg-shift", 7), 7);
	assert_int_equal(fdt_prop_u32_at(&fdt, uart, "interrupts", 1, &c), 0);
	assert_int_equal(c, 12);
	assert_int_equal(fdt_prop_u32_at(&fdt, uart, "interrupts", 2, &c),
			 -ENOENT);
	assert_int_equal(fdt_prop_u32(&fdt, root, "compatible", &c), -EINVAL);
	assert_int_equal(fdt_prop_number(&fdt, at("/chosen"),
					 "linux,initrd-start", &v), 0);
	assert_int_equal(v, 0x88000000);
	assert_true(fdt_is_okay(&fdt, uart));
	assert_false(fdt_is_okay(&fdt, at("/memory@900000000")));
}

static void translates_addresses(void **state)
{
	int dev = at("/soc/bus@4000/dev@10");
	struct fdt_region r;

	assert_int_equal(fdt_reg(&fdt, at("serial0"), 0, &r), 0);
	assert_int_equal(r.base, 0x10000000);
	assert_int_equal(r.size, 0x100);
	assert_int_equal(fdt_reg(&fdt, dev, 0, &r), 0);
	assert_int_equal(r.base, 0x40000010);
	assert_int_equal(fdt_reg(&fdt, dev, 1, &r), 0);
	assert_true(r.base == 0x100000020ULL);
	assert_int_equal(fdt_reg(&fdt, dev, 3, &r), -ENOENT);
	assert_int_equal(fdt_reg(&fdt, at("/soc/island/dev@0"), 0, &r),
			 -EINVAL);
	assert_int_equal(fdt_reg_raw(&fdt, at("/cpus/cpu@7"), 0, &r), 0);
	assert_int_equal(r.base, 7);
	assert_int_equal(r.size, 0);
}

static void resolves_references(void **state)
{
	int plic = at("/soc/plic@c000000"), uart = at("serial0");
	struct fdt_args a;

	assert_int_equal(fdt_irq(&fdt, uart, 1, &a), 0);
	assert_int_equal(a.node, plic);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.cells[0], 12);
	assert_int_equal(fdt_irq(&fdt, uart, 2, &a), -ENOENT);
	assert_int_equal(fdt_irq(&fdt, plic, 1, &a), 0);
	assert_int_equal(a.cells[0], 9);
	assert_int_equal(a.node,
			 at("/cpus/cpu@7/interrupt-controller"));
	assert_int_equal(fdt_irq(&fdt, FDT_ROOT, 0, &a), -ENOENT);
	assert_int_equal(fdt_phandle_args(&fdt, uart, "clocks",
					  "#clock-cells", 2, &a), 0);
	assert_int_equal(a.node, at("/soc/clock@2000"));
	assert_int_equal(a.cells[1], 4);
	assert_int_equal(fdt_phandle_args(&fdt, uart, "clocks",
					  "#clock-cells", 1, &a), -ENOENT);
	assert_int_equal(fdt_phandle_args(&fdt, uart, "clocks",
					  "#clock-cells", 3, &a), -ENOENT);
	assert_int_equal(fdt_phandle_args(&fdt, uart, "clocks",
					  "#reset-cells", 0, &a), -EINVAL);
}

static void finds_the_console_and_initrd(void **state)
{
	const char *options;
	struct fdt_region r;
	u32 id = 9;

	assert_string_equal(fdt_chosen(&fdt, "bootargs"),
			    "quiet root=/dev/vda");
	assert_null(fdt_chosen(&fdt, "none"));
	assert_int_equal(fdt_stdout(&fdt, &options), at("serial0"));
	assert_string_equal(options, "115200n8");
	assert_int_equal(fdt_initrd(&fdt, &r), 0);
	assert_int_equal(r.size, 0x100000);
	assert_string_equal(fdt_alias_of(&fdt, at("/soc/bus@4000/dev@10"),
					 "serial", &id), "serial3");
	assert_int_equal(id, 3);
	assert_null(fdt_alias_of(&fdt, FDT_ROOT, "serial", &id));
}

static void lists_memory(void **state)
{
	struct fdt_mem_iter it = FDT_MEM_ITER_INIT;
	struct fdt_region r;
	bool no_map;

	assert_int_equal(fdt_memory_next(&fdt, &it, &r), 0);
	assert_int_equal(r.base, 0x80000000);
	assert_int_equal(fdt_memory_next(&fdt, &it, &r), 0);
	assert_true(r.size == 0x200000000ULL);
	assert_int_equal(fdt_memory_next(&fdt, &it, &r), 0);
	assert_true(r.base == 0xa00000000ULL);
	assert_int_equal(fdt_memory_next(&fdt, &it, &r), -ENOENT);
	it = (struct fdt_mem_iter)FDT_MEM_ITER_INIT;
	assert_int_equal(fdt_reserved_next(&fdt, &it, &r, &no_map), 0);
	assert_true(no_map);
	assert_int_equal(r.size, 0x80000);
	assert_int_equal(fdt_reserved_next(&fdt, &it, &r, &no_map), 0);
	assert_false(no_map);
	assert_int_equal(r.base, 0x90000000);
	assert_int_equal(fdt_reserved_next(&fdt, &it, &r, &no_map), -ENOENT);
	assert_int_equal(fdt_memreserve(&fdt, 0, &r), 0);
	assert_int_equal(r.size, 0x40000);
	assert_int_equal(fdt_memreserve(&fdt, 1, &r), -ENOENT);
}

/* Asks everything about every node; the answers do not matter. */
static void ask_all(const struct fdt *f)
{
	static const char *const lists[] = { "clocks", "interrupts-extended" };
	struct fdt_mem_iter it = FDT_MEM_ITER_INIT;
	struct fdt_region r;
	struct fdt_args a;
	const char *s;
	u64 x;
	bool no_map;
	int node, n = 0;
	u32 id;

	fdt_for_each_node(f, node) {
		if (n++ > 60)
			break;
		ignore_error(fdt_reg(f, node, 0, &r));
		ignore_error(fdt_reg(f, node, 1, &r));
		ignore_error(fdt_irq(f, node, 1, &a));
		ignore_error(fdt_phandle_args(f, node, lists[n % 2],
					      "#clock-cells", 1, &a));
		ignore_error(fdt_prop_number(f, node, "reg", &x));
		fdt_is_okay(f, node);
		s = fdt_prop_string(f, node, "compatible", 1);
		if (s)
			assert_true(strlen(s) < blob_bytes);
		fdt_alias_of(f, node, "serial", &id);
	}
	for (n = 0; n < 100 && !fdt_memory_next(f, &it, &r); n++)
		;
	it = (struct fdt_mem_iter)FDT_MEM_ITER_INIT;
	while (n-- && !fdt_reserved_next(f, &it, &r, &no_map))
		;
	for (n = 0; n < 100 && !fdt_memreserve(f, (unsigned int)n, &r); n++)
		;
	ignore_error(fdt_stdout(f, &s));
	ignore_error(fdt_initrd(f, &r));
}

static void survives_cuts(void **state)
{
	size_t len;
	struct fdt f;
	u8 *copy;

	for (len = 0; len < blob_bytes; len += len < 64 ? 1 : 29) {
		copy = malloc(len ? len : 1);
		memcpy(copy, blob, len);
		assert_int_equal(fdt_open(&f, copy, len), -EINVAL);
		free(copy);
	}
}

static void survives_damage(void **state)
{
	uint64_t seed = 14;
	int round, opened = 0;
	struct fdt f;
	size_t where;
	u8 *copy;
	int k;

	for (round = 0; round < 8000; round++) {
		copy = malloc(blob_bytes);
		memcpy(copy, blob, blob_bytes);
		for (k = (int)(noise(&seed) % 3); k >= 0; k--) {
			where = noise(&seed) % (round % 8 ? blob_bytes : 64);
			copy[where] = round & 1 ? (u8)noise(&seed) :
				copy[where] ^ (u8)(1U << noise(&seed) % 8);
		}
		if (!fdt_open(&f, copy, blob_bytes)) {
			opened++;
			ask_all(&f);
		}
		free(copy);
	}
	assert_true(opened > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_nodes),
		cmocka_unit_test(reads_properties),
		cmocka_unit_test(translates_addresses),
		cmocka_unit_test(resolves_references),
		cmocka_unit_test(finds_the_console_and_initrd),
		cmocka_unit_test(lists_memory),
		cmocka_unit_test(survives_cuts),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, compile_tree, drop_tree);
}
