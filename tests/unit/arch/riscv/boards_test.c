/*
 * What start-up makes of device trees: those of all boards of Debian's riscv64
 * kernel package, odd ones made by hand, and both damaged.
 *
 * UNIT_CFLAGS: -Itests/unit/arch/riscv/shim -D_text=image_start
 * UNIT_CFLAGS: -D_end=image_end -D_erodata=image_erodata
 * UNIT_SOURCES: arch/riscv/bootmem.c arch/riscv/cpu_tree.c arch/riscv/isa.c
 */
#include "../../unit.h"
#include <arch/boot.h>
#include <arch/mmu.h>
#include <dirent.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <lib/errno.h>
#include <lib/fdt.h>
#include <lib/string.h>
#include "../../../../arch/riscv/cpu_impl.h"
#include "../../../../arch/riscv/mmu_impl.h"
#include "../../../../arch/riscv/setup_impl.h"

#define BOARDS "build/boards"
#define ODD "tests/unit/arch/riscv/odd"
#define MAX_TREES 64
#define IMAGE_BYTES (3u << 20)
#define MUTANTS 32		/* of each tree */
#define MAX_VALUES 800
#define CUTS 24

/* --- what the code under test takes from elsewhere ----------------------- */

__asm__(".section .bss.image, \"aw\", @nobits\n"
	".balign 4096\n"
	".globl image_start, image_erodata, image_end\n"
	"image_start: .zero 1 << 20\n"
	"image_erodata: .zero 2 << 20\n"
	"image_end: .previous\n");

struct hart harts[MAX_HARTS];
u32 nr_harts;
struct cpumask online_harts;
struct task *shim_current;
unsigned long direct_map_offset;
paddr_t image_pa;
u64 boot_firmware_hart, boot_timebase;
bool cpu_has_vector, cpu_misaligned_fast, panicking;

static jmp_buf refusal;
static char reason[128];

void print(enum log_level level, const char *fmt, ...)
{
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	longjmp(refusal, 1);
}

paddr_t image_to_pa(const void *va)
{
	return image_pa + (paddr_t)((const char *)va - _text);
}

/* --- trees ------------------------------------------------------------------ */

struct tree {
	char name[96];
	u8 *blob;
	size_t size;
};

static struct tree boards[MAX_TREES], odd[MAX_TREES];
static unsigned nr_boards, nr_odd;

static void tree_read(struct tree *t, const char *name, FILE *f)
{
	u8 *buf = malloc(1 << 17);

	assert_non_null(f);
	strscpy(t->name, name, sizeof(t->name));
	t->size = fread(buf, 1, 1 << 17, f);
	t->blob = realloc(buf, t->size);
}

static int by_name(const void *a, const void *b)
{
	const struct tree *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* All files of a folder with that suffix, opened by the command or fopen. */
static unsigned trees_read(struct tree *t, const char *folder,
			   const char *suffix, const char *command)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[512];
	unsigned n = 0;
	FILE *f;

	assert_non_null(d);
	while ((e = readdir(d)) && n < MAX_TREES) {
		const char *dot = strrchr(e->d_name, '.');

		if (!dot || strcmp(dot, suffix))
			continue;
		snprintf(path, sizeof(path), "%s%s/%s", command ? command : "",
			 folder, e->d_name);
		f = command ? popen(path, "r") : fopen(path, "r");
		e->d_name[dot - e->d_name] = 0;
		tree_read(&t[n++], e->d_name, f);
		if (command)
			assert_int_equal(pclose(f), 0);
		else
			fclose(f);
	}
	closedir(d);
	qsort(t, n, sizeof(*t), by_name);
	return n;
}

static int read_all(void **state)
{
	nr_boards = trees_read(boards, BOARDS, ".dtb", NULL);
	nr_odd = trees_read(odd, ODD, ".dts", "dtc -q -I dts -O dtb ");
	return 0;
}

static int drop_all(void **state)
{
	for (unsigned i = 0; i < nr_boards; i++)
		free(boards[i].blob);
	for (unsigned i = 0; i < nr_odd; i++)
		free(odd[i].blob);
	return 0;
}

static const struct tree *tree_named(const char *name)
{
	for (unsigned i = 0; i < nr_boards; i++)
		if (!strcmp(boards[i].name, name))
			return &boards[i];
	for (unsigned i = 0; i < nr_odd; i++)
		if (!strcmp(odd[i].name, name))
			return &odd[i];
	fail_msg("no tree %s", name);
	return NULL;
}

/* --- a start ------------------------------------------------------------------ */

static void forget(void)
{
	memset(harts, 0, sizeof(harts));
	memset(cpu_info, 0, sizeof(*cpu_info) * MAX_HARTS);
	nr_harts = 0;
	boot_timebase = 0;
	boot_ram_count = boot_free_ram_count = boot_no_map_count = 0;
	boot_initrd = (struct mem_range){ 0, 0 };
	reason[0] = 0;
}

/* As firmware does: 2 MiB after the start of the lowest RAM. */
static void place_image(const struct fdt *fdt)
{
	struct fdt_mem_iter it = FDT_MEM_ITER_INIT;
	struct fdt_region r;
	u64 low = ~0ull;

	while (!fdt_memory_next(fdt, &it, &r))
		if (r.size && r.base < low)
			low = r.base;
	image_pa = ALIGN_UP(low, (u64)PMD_SIZE) + PMD_SIZE;
}

/* What setup.c does with a tree; false if it is refused, with the reason. */
static bool start(const u8 *blob, size_t size, u64 hart, const char *line)
{
	static struct fdt fdt;

	forget();
	boot_firmware_hart = harts[0].firmware_id = hart;
	if (!fdt_blob_bytes(blob) || fdt_open(&fdt, blob, size)) {
		strscpy(reason, "damaged", sizeof(reason));
		return false;
	}
	place_image(&fdt);
	if (setjmp(refusal))
		return false;
	cpus_find(&fdt, line);
	bootmem_find(&fdt, line, image_pa + 0x2200000);
	return true;
}

static bool overlap(struct mem_range a, paddr_t start, paddr_t end)
{
	return a.start < end && start < a.end;
}

static void ranges_sane(const struct mem_range *r, unsigned n)
{
	assert_true(n <= MAX_MEM_RANGES);
	for (unsigned i = 0; i < n; i++) {
		assert_true(r[i].start < r[i].end);
		assert_int_equal((r[i].start | r[i].end) & (PAGE_SIZE - 1), 0);
		if (i)
			assert_true(r[i - 1].end <= r[i].start);
	}
}

/* What holds after each start, whatever the tree. */
static void start_sane(void)
{
	struct mem_range mapped[MAX_MEM_RANGES];
	unsigned n;

	assert_true(nr_harts >= 1 && nr_harts <= MAX_HARTS);
	assert_int_equal(harts[0].firmware_id, boot_firmware_hart);
	for (u32 i = 0; i < nr_harts; i++)
		for (u32 k = 0; k < i; k++)
			assert_true(harts[i].firmware_id !=
				    harts[k].firmware_id);
	for (u32 i = 1; i < nr_harts; i++)
		assert_true(isa_runs_linux(&cpu_info[i].isa));
	assert_true(boot_timebase > 0);
	ranges_sane(boot_ram, boot_ram_count);
	ranges_sane(boot_free_ram, boot_free_ram_count);
	ranges_sane(boot_no_map, boot_no_map_count);
	bootmem_mapped(mapped, &n);
	ranges_sane(mapped, n);
	for (unsigned i = 0; i < boot_free_ram_count; i++) {
		bool inside = false;

		for (unsigned k = 0; k < n; k++)
			inside |= boot_free_ram[i].start >= mapped[k].start &&
				  boot_free_ram[i].end <= mapped[k].end;
		assert_true(inside);
		assert_false(overlap(boot_free_ram[i], image_pa - PMD_SIZE,
				     image_pa + IMAGE_BYTES));
		assert_false(overlap(boot_free_ram[i], boot_initrd.start,
				     boot_initrd.end));
	}
}

/* Each node as drivers look at it; every step-th one. */
static void look_at_nodes(const u8 *blob, size_t size, int step)
{
	struct fdt_args args;
	struct fdt_region r;
	const char *options;
	struct fdt fdt;
	int node, n = 0;
	u32 id;

	if (fdt_open(&fdt, blob, size))
		return;
	fdt_stdout(&fdt, &options);
	fdt_for_each_node(&fdt, node) {
		if (n++ % step)
			continue;
		fdt_is_okay(&fdt, node);
		for (unsigned i = 0; i < 8 && !fdt_reg(&fdt, node, i, &r); i++)
			assert_true(r.base + r.size >= r.base);
		for (unsigned i = 0; i < 16 && !fdt_irq(&fdt, node, i, &args);
		     i++)
			assert_true(args.count <= FDT_MAX_ARGS);
		for (unsigned i = 0; i < 4 &&
		     !fdt_phandle_args(&fdt, node, "clocks", "#clock-cells", i,
				       &args); i++)
			assert_true(args.count <= FDT_MAX_ARGS);
		fdt_alias_of(&fdt, node, "serial", &id);
	}
}

/* --- sound trees ---------------------------------------------------------------- */

static u64 ram_bytes(void)
{
	u64 sum = 0;

	for (unsigned i = 0; i < boot_ram_count; i++)
		sum += boot_ram[i].end - boot_ram[i].start;
	return sum;
}

static bool is_hart(u64 id)
{
	for (u32 i = 0; i < nr_harts; i++)
		if (harts[i].firmware_id == id)
			return true;
	return false;
}

#define GIB (1ull << 30)
#define MIB (1ull << 20)

/* By the boards' manuals. */
static const struct {
	const char *name;
	u64 boot_hart;
	u32 harts;
	u64 not_hart;		/* one that must not be touched; ~0: none */
	u64 ram, bytes;
	u32 timebase;
	const char *console;	/* a string of its compatible */
} known[] = {
	{ "starfive-jh7110-starfive-visionfive-2-v1.2a", 1, 4, 0, 0x40000000,
	  4 * GIB, 4000000, "snps,dw-apb-uart" },
	{ "starfive-jh7110-starfive-visionfive-2-v1.3b", 4, 4, 0, 0x40000000,
	  4 * GIB, 4000000, "snps,dw-apb-uart" },
	{ "starfive-jh7110-milkv-mars", 2, 4, 0, 0x40000000, 4 * GIB, 4000000,
	  "snps,dw-apb-uart" },
	{ "starfive-jh7110-pine64-star64", 3, 4, 0, 0x40000000, 4 * GIB,
	  4000000, "snps,dw-apb-uart" },
	{ "starfive-jh7100-beaglev-starlight", 1, 2, ~0ull, 0x80000000,
	  8 * GIB, 6250000, "snps,dw-apb-uart" },
	{ "sifive-hifive-unleashed-a00", 1, 4, 0, 0x80000000, 8 * GIB,
	  1000000, "sifive,uart0" },
	{ "sifive-hifive-unmatched-a00", 4, 4, 0, 0x80000000, 16 * GIB,
	  1000000, "sifive,uart0" },
	{ "microchip-mpfs-icicle-kit", 3, 4, 0, 0x80000000, 2 * GIB, 1000000,
	  "ns16550a" },
	{ "sophgo-sg2042-milkv-pioneer", 0, 64, ~0ull, 0, 0, 50000000,
	  "snps,dw-apb-uart" },
	{ "thead-th1520-lichee-pi-4a", 0, 4, ~0ull, 0, 8 * GIB, 3000000,
	  "snps,dw-apb-uart" },
	{ "sophgo-cv1800b-milkv-duo", 0, 1, ~0ull, 0x80000000, 64 * MIB,
	  25000000, "snps,dw-apb-uart" },
};

static bool is_compatible(const struct fdt *fdt, int node, const char *what)
{
	const char *s;

	for (unsigned i = 0;
	     (s = fdt_prop_string(fdt, node, "compatible", i)); i++)
		if (str_equal(s, what))
			return true;
	return false;
}

static void knows_boards(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		const struct tree *t = tree_named(known[i].name);
		const char *options;
		struct fdt fdt;
		bool ok;

		ok = start(t->blob, t->size, known[i].boot_hart, "");
		if (known[i].bytes && !ok)
			fail_msg("%s: %s", t->name, reason);
		assert_int_equal(nr_harts, known[i].harts);
		assert_int_equal(boot_timebase, known[i].timebase);
		assert_false(is_hart(known[i].not_hart));
		assert_int_equal(fdt_open(&fdt, t->blob, t->size), 0);
		assert_true(is_compatible(&fdt, fdt_stdout(&fdt, &options),
					  known[i].console));
		if (!ok)
			continue;
		start_sane();
		assert_int_equal(boot_ram[0].start, known[i].ram);
		assert_int_equal(ram_bytes(), known[i].bytes);
	}
}

/* Some trees leave memory to the boot loader; none is refused for more. */
static void takes_every_board(void **state)
{
	for (unsigned i = 0; i < nr_boards; i++) {
		const struct tree *t = &boards[i];
		u64 hart;

		for (hart = 0; hart < 5; hart++)
			if (start(t->blob, t->size, hart, ""))
				break;
		if (hart < 5)
			start_sane();
		else
			assert_true(strstr(reason, "names no memory") ||
				    strstr(reason, "not list the boot hart"));
		look_at_nodes(t->blob, t->size, 1);
	}
	assert_true(nr_boards >= 30);
}

/* --- damaged ones ----------------------------------------------------------------- */

static void put32(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 24);
	p[1] = (u8)(v >> 16);
	p[2] = (u8)(v >> 8);
	p[3] = (u8)v;
}

static void try_blob(const u8 *blob, size_t size, int step)
{
	if (start(blob, size, 1, "mem=1G maxcpus=3"))
		start_sane();
	look_at_nodes(blob, size, step);
}

/* A copy that ends exactly at its end, so that any step past it is seen. */
static void try_cut(const struct tree *t, size_t size, bool tell)
{
	u8 *copy = malloc(size ? size : 1);

	memcpy(copy, t->blob, size);
	if (tell && size >= FDT_HEADER_BYTES)
		put32(copy + 4, (u32)size);
	if (size >= FDT_HEADER_BYTES)
		try_blob(copy, size, 1);
	free(copy);
}

static void survives_cuts(void **state)
{
	uint64_t seed = 1;

	for (unsigned i = 0; i < nr_boards + nr_odd; i++) {
		const struct tree *t = i < nr_boards ? &boards[i] :
						       &odd[i - nr_boards];

		for (int k = 0; k < CUTS; k++) {
			size_t size = noise(&seed) % t->size;

			try_cut(t, size, k % 2);
			if (k < 2)
				try_cut(t, 40 + size % 64, k % 2);
		}
	}
}

static const u32 words[] = { 0, 1, 2, 3, 4, 9, 0x7fffffff, 0x80000000,
			     0xffffffff, 0xfffffff0, 0x1000, 0xfffff000 };

static void mutate(u8 *p, size_t size, uint64_t *seed)
{
	int n = 1 + noise(seed) % 6;

	while (n--) {
		u64 v = noise(seed);
		size_t at = v % 3 ? v / 3 % size : v / 3 % min(size,
							    (size_t)400);

		switch (noise(seed) % 4) {
		case 0:
			p[at] ^= (u8)(1 << v % 8);
			break;
		case 1:
			p[at] = (u8)noise(seed);
			break;
		case 2:
			at = min(at & ~3ul, (size - 4) & ~3ul);
			put32(p + at, words[v / 7 % ARRAY_SIZE(words)]);
			break;
		default:	/* one place over another */
			at = min(at & ~3ul, (size - 64) & ~3ul);
			memmove(p + at, p + (v / 11 % (size - 64) & ~3ul),
				4 + v % 60);
		}
	}
}

struct value {
	size_t at, len;
};

/* Where the values stand that start-up reads. */
static size_t find_values(const struct tree *t, struct value *v)
{
	static const char *const names[] = {
		"reg", "ranges", "status", "device_type", "#address-cells",
		"#size-cells", "interrupt-parent", "interrupts",
		"interrupts-extended", "#interrupt-cells", "phandle",
		"timebase-frequency", "riscv,isa", "riscv,isa-extensions",
		"mmu-type", "stdout-path", "serial0", "clocks", "#clock-cells",
		"dma-ranges", "interrupt-map", "compatible", "no-map",
	};
	struct fdt fdt;
	size_t n = 0;
	int node, len;

	if (fdt_open(&fdt, t->blob, t->size))
		return 0;
	fdt_for_each_node(&fdt, node) {
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
			const u8 *p = fdt_prop(&fdt, node, names[i], &len);

			if (p && len >= 4 && n < MAX_VALUES)
				v[n++] = (struct value){
					(size_t)(p - t->blob), (size_t)len
				};
		}
	}
	return n;
}

/* Damage that leaves a tree a tree. */
static void mutate_values(u8 *p, const struct value *v, size_t n,
			  uint64_t *seed)
{
	for (int left = 1 + noise(seed) % 12; left && n; left--) {
		const struct value *one = &v[noise(seed) % n];
		size_t at = one->at + (noise(seed) % one->len & ~3ul);
		const struct value *other = &v[noise(seed) % n];

		switch (noise(seed) % 4) {
		case 0:
			p[one->at + noise(seed) % one->len] ^=
				(u8)(1 << noise(seed) % 8);
			break;
		case 1:
			put32(p + min(at, one->at + one->len - 4),
			      words[noise(seed) % ARRAY_SIZE(words)]);
			break;
		case 2:
			put32(p + min(at, one->at + one->len - 4),
			      (u32)noise(seed));
			break;
		default:
			memmove(p + one->at, p + other->at,
				min(one->len, other->len));
		}
	}
}

static void survives_mutations(void **state)
{
	static struct value values[MAX_VALUES];
	uint64_t seed = 2;
	int whole = 0, started = 0;

	for (unsigned i = 0; i < nr_boards + nr_odd; i++) {
		const struct tree *t = i < nr_boards ? &boards[i] :
						       &odd[i - nr_boards];
		size_t n = find_values(t, values);
		u8 *copy = malloc(t->size);

		for (int k = 0; k < MUTANTS; k++) {
			memcpy(copy, t->blob, t->size);
			if (k % 4)
				mutate_values(copy, values, n, &seed);
			else
				mutate(copy, t->size, &seed);
			try_blob(copy, t->size, 40);
			whole += strcmp(reason, "damaged") != 0;
			started += reason[0] == 0;
		}
		free(copy);
	}
	print_message("%d damaged trees were still trees, %d started\n", whole,
		      started);
	assert_true(whole > 800 && started > 400);
}

/* --- odd ones ------------------------------------------------------------------------ */

static void odd_start(const char *name, u64 hart, const char *line)
{
	const struct tree *t = tree_named(name);

	if (!start(t->blob, t->size, hart, line))
		fail_msg("%s: %s", name, reason);
	start_sane();
	look_at_nodes(t->blob, t->size, 1);
}

static void odd_refused(const char *name, u64 hart, const char *why)
{
	const struct tree *t = tree_named(name);

	assert_false(start(t->blob, t->size, hart, ""));
	if (!strstr(reason, why))
		fail_msg("%s: %s", name, reason);
}

/* The tree of the JH7110's first firmware: the monitor core says that it is
 * okay and translates; memory is not where its node's name says. */
static void leaves_the_monitor_core_alone(void **state)
{
	odd_start("factory_jh7110", 1, "");
	assert_int_equal(nr_harts, 4);
	assert_false(is_hart(0));
	assert_int_equal(boot_ram[0].start, 0x40000000);
	assert_int_equal(boot_free_ram[0].start,
			 0x40200000 + ALIGN_UP(IMAGE_BYTES, PAGE_SIZE));
	assert_string_equal(cpu_info[0].uarch, "sifive,u74-mc");
}

static void takes_large_and_sparse_ids(void **state)
{
	odd_start("sparse_harts", 0x100000007ull, "");
	assert_int_equal(nr_harts, 3);
	assert_int_equal(harts[1].firmware_id, 5);
	assert_int_equal(harts[2].firmware_id, 0x8000000000000000ull);
	odd_start("sparse_harts", 5, "maxcpus=2");
	assert_int_equal(nr_harts, 2);
	odd_refused("sparse_harts", 1, "does not list the boot hart");
}

static void sorts_memory(void **state)
{
	odd_start("odd_memory", 0, "");
	/* two banks that touch and one inside, and one above */
	assert_int_equal(boot_ram_count, 2);
	assert_int_equal(boot_ram[0].start, 0x80000000);
	assert_int_equal(boot_ram[0].end, 0xa0000000);
	assert_int_equal(boot_ram[1].start, 0x100001000ull);
	assert_int_equal(boot_ram[1].end, 0x140000000ull);
	assert_int_equal(boot_no_map_count, 2);
	odd_start("odd_memory", 0, "mem=256M");
	assert_int_equal(ram_bytes(), 256 * MIB);
}

static void refuses_what_cannot_boot(void **state)
{
	odd_refused("no_memory", 0, "names no memory");
	odd_refused("no_timebase", 0, "no timebase-frequency");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_boards),
		cmocka_unit_test(takes_every_board),
		cmocka_unit_test(leaves_the_monitor_core_alone),
		cmocka_unit_test(takes_large_and_sparse_ids),
		cmocka_unit_test(sorts_memory),
		cmocka_unit_test(refuses_what_cannot_boot),
		cmocka_unit_test(survives_cuts),
		cmocka_unit_test(survives_mutations),
	};

	return cmocka_run_group_tests(tests, read_all, drop_all);
}
