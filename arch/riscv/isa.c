/*
 * isa - names of ISA extensions: read from the device tree, shown in
 * /proc/cpuinfo, told by AT_HWCAP and riscv_hwprobe(2).
 */
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/vdso.h>
#include <kernel/hart.h>
#include <lib/printf.h>
#include <lib/string.h>

#include "cpu_impl.h"
#include "smp_impl.h"

/* Linux 6.12's order of printing.  probe: bit of RISCV_HWPROBE_KEY_IMA_EXT_0
 * plus one. */
static const struct {
	char name[12];
	u8 probe;
} extensions[] = {
	{ "i", 0 }, { "m", 0 }, { "a", 0 }, { "f", 0 }, { "d", 1 },
	{ "q", 0 }, { "c", 2 }, { "v", 3 }, { "h", 0 }, { "zicbom", 0 },
	{ "zicboz", 7 }, { "ziccrse", 0 }, { "zicntr", 0 }, { "zicond", 36 },
	{ "zicsr", 0 }, { "zifencei", 0 }, { "zihintntl", 30 },
	{ "zihintpause", 37 }, { "zihpm", 0 }, { "zimop", 43 },
	{ "zacas", 35 }, { "zawrs", 49 }, { "zfa", 33 }, { "zfh", 28 },
	{ "zfhmin", 29 }, { "zca", 44 }, { "zcb", 45 }, { "zcd", 46 },
	{ "zcf", 47 }, { "zcmop", 48 }, { "zba", 4 }, { "zbb", 5 },
	{ "zbc", 8 }, { "zbkb", 9 }, { "zbkc", 10 }, { "zbkx", 11 },
	{ "zbs", 6 }, { "zknd", 12 }, { "zkne", 13 }, { "zknh", 14 },
	{ "zkr", 0 }, { "zksed", 15 }, { "zksh", 16 }, { "zkt", 17 },
	{ "ztso", 34 }, { "zvbb", 18 }, { "zvbc", 19 }, { "zve32f", 39 },
	{ "zve32x", 38 }, { "zve64d", 42 }, { "zve64f", 41 },
	{ "zve64x", 40 }, { "zvfh", 31 }, { "zvfhmin", 32 }, { "zvkb", 20 },
	{ "zvkg", 21 }, { "zvkned", 22 }, { "zvknha", 23 }, { "zvknhb", 24 },
	{ "zvksed", 25 }, { "zvksh", 26 }, { "zvkt", 27 }, { "smaia", 0 },
	{ "smstateen", 0 }, { "ssaia", 0 }, { "sscofpmf", 0 }, { "sstc", 0 },
	{ "svade", 0 }, { "svadu", 0 }, { "svinval", 0 }, { "svnapot", 0 },
	{ "svpbmt", 0 }, { "svvptc", 0 },
};
static_assert(ARRAY_SIZE(extensions) <= 128, "struct isa_set");

static int find(const char *name, size_t n)
{
	for (unsigned i = 0; i < ARRAY_SIZE(extensions); i++)
		if (!strncmp(extensions[i].name, name, n) &&
		    !extensions[i].name[n])
			return (int)i;
	return -1;
}

static void set(struct isa_set *s, const char *name, size_t n)
{
	int i = n < sizeof(extensions[0].name) ? find(name, n) : -1;

	if (i >= 0)
		s->bits[i / 64] |= 1ull << (i % 64);
}

static bool test(const struct isa_set *s, unsigned i)
{
	return s->bits[i / 64] >> (i % 64) & 1;
}

void isa_all(struct isa_set *s)
{
	s->bits[0] = s->bits[1] = ~0ull;
}

void isa_and(struct isa_set *s, const struct isa_set *o)
{
	s->bits[0] &= o->bits[0];
	s->bits[1] &= o->bits[1];
}

bool isa_has(const struct isa_set *s, const char *name)
{
	int i = find(name, strlen(name));

	return i >= 0 && test(s, (unsigned)i);
}

bool isa_runs_linux(const struct isa_set *s)
{
	for (const char *p = "imafdc"; *p; p++)
		if (!test(s, (unsigned)find(p, 1)))
			return false;
	return true;
}

/* "rv64imafdc_zicsr_zba": letters first; a name of several letters begins
 * with z, s or x and reaches to the next underscore. */
static void read_string(const char *p, struct isa_set *out)
{
	p += str_has_prefix(p, "rv64") ? 4 : 0;
	while (*p) {
		size_t n = strcspn(p, "_");

		if (*p == '_') {
			p++;
			continue;
		}
		if ((*p == 'z' || *p == 's' || *p == 'x') && n > 1) {
			/* old trees end the letters in "su" */
			if (!str_has_prefix(p, "su_") && strcmp(p, "su"))
				set(out, p, n);
			p += n;
			continue;
		}
		if (*p == 'g')
			for (const char *g = "imafd"; *g; g++)
				set(out, g, 1);
		set(out, p++, 1);
	}
	/* part of the base when that string was specified */
	set(out, "zicsr", 5);
	set(out, "zifencei", 8);
	set(out, "zicntr", 6);
	set(out, "zihpm", 5);
}

void isa_read(const struct fdt *fdt, int node, struct isa_set *out)
{
	const char *s;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0;
	     (s = fdt_prop_string(fdt, node, "riscv,isa-extensions", i)); i++)
		set(out, s, strlen(s));
	if (!out->bits[0] && (s = fdt_prop_string(fdt, node, "riscv,isa", 0)))
		read_string(s, out);
}

size_t isa_format(const struct isa_set *s, char *buf, size_t size)
{
	size_t n = (size_t)kscnprintf(buf, size, "rv64");

	for (unsigned i = 0; i < ARRAY_SIZE(extensions); i++) {
		const char *name = extensions[i].name;

		if (test(s, i))
			n += (size_t)kscnprintf(buf + n, size - n, "%s%s",
						name[1] ? "_" : "", name);
	}
	return n;
}

size_t arch_cpuinfo(u32 hart, char *buf, size_t size)
{
	const struct cpu_info *c = &cpu_info[hart];
	size_t n;

	n = (size_t)kscnprintf(buf, size,
			       "processor\t: %u\nhart\t\t: %llu\nisa\t\t: ",
			       hart, harts[hart].firmware_id);
	n += isa_format(&isa_common, buf + n, size - n);
	n += (size_t)kscnprintf(buf + n, size - n, "\nmmu\t\t: sv39\n");
	if (c->uarch[0])
		n += (size_t)kscnprintf(buf + n, size - n, "uarch\t\t: %s\n",
					c->uarch);
	n += (size_t)kscnprintf(buf + n, size - n,
				"mvendorid\t: 0x%lx\nmarchid\t\t: 0x%lx\n"
				"mimpid\t\t: 0x%lx\nhart isa\t: ",
				c->mvendorid, c->marchid, c->mimpid);
	n += isa_format(&c->isa, buf + n, size - n);
	n += (size_t)kscnprintf(buf + n, size - n, "\n\n");
	return n;
}

unsigned long arch_hwcap(void)
{
	unsigned long cap = 0;

	for (const char *p = "imafdc"; *p; p++)
		if (test(&isa_common, (unsigned)find(p, 1)))
			cap |= 1ul << (*p - 'a');
	if (cpu_has_vector)
		cap |= 1ul << ('v' - 'a');
	return cap;
}

/* --- riscv_hwprobe(2) -------------------------------------------------- */

enum {
	KEY_MVENDORID,
	KEY_MARCHID,
	KEY_MIMPID,
	KEY_BASE_BEHAVIOR,
	KEY_IMA_EXT_0,
	KEY_CPUPERF_0,
	KEY_ZICBOZ_BLOCK_SIZE,
	KEY_HIGHEST_VIRT_ADDRESS,
	KEY_TIME_CSR_FREQ,
	KEY_MISALIGNED_SCALAR_PERF,
};
#define MISALIGNED_EMULATED 1
#define MISALIGNED_FAST 3

static u64 probe_id(s64 key, u64 mask)
{
	u64 first = ~0ull;

	for (u32 i = 0; i < nr_harts; i++) {
		const struct cpu_info *c = &cpu_info[i];
		u64 id = key == KEY_MVENDORID ? c->mvendorid :
			 key == KEY_MARCHID ? c->marchid : c->mimpid;

		if (!(mask >> i & 1))
			continue;
		if (first == ~0ull)
			first = id;
		else if (first != id)
			return ~0ull;
	}
	return first;
}

static u64 probe_extensions(u64 mask)
{
	struct isa_set s;
	u64 v = 0;

	isa_all(&s);
	for (u32 i = 0; i < nr_harts; i++)
		if (mask >> i & 1)
			isa_and(&s, &cpu_info[i].isa);
	if (test(&s, (unsigned)find("f", 1)) &&
	    test(&s, (unsigned)find("d", 1)))
		v |= 1;
	for (unsigned i = 0; i < ARRAY_SIZE(extensions); i++)
		if (extensions[i].probe > 1 && test(&s, i))
			v |= 1ull << (extensions[i].probe - 1);
	if (!cpu_has_vector)
		v &= ~(1ull << 2);
	return v;
}

static u64 probe_cboz(u64 mask)
{
	u64 size = 0;

	for (u32 i = 0; i < nr_harts; i++)
		if (mask >> i & 1)
			size = size && size != cpu_info[i].cboz_block ?
				       0 : cpu_info[i].cboz_block;
	return isa_has(&isa_common, "zicboz") ? size : 0;
}

static bool probe_one(struct hwprobe_pair *p, u64 mask)
{
	switch (p->key) {
	case KEY_MVENDORID:
	case KEY_MARCHID:
	case KEY_MIMPID:
		p->value = probe_id(p->key, mask);
		return true;
	case KEY_BASE_BEHAVIOR:
		p->value = 1;
		return true;
	case KEY_IMA_EXT_0:
		p->value = probe_extensions(mask);
		return true;
	case KEY_CPUPERF_0:
	case KEY_MISALIGNED_SCALAR_PERF:
		p->value = cpu_misaligned_fast ? MISALIGNED_FAST :
						 MISALIGNED_EMULATED;
		return true;
	case KEY_ZICBOZ_BLOCK_SIZE:
		p->value = probe_cboz(mask);
		return true;
	case KEY_HIGHEST_VIRT_ADDRESS:
		p->value = USER_END;
		return true;
	case KEY_TIME_CSR_FREQ:
		p->value = boot_timebase;
		return true;
	default:
		return false;
	}
}

void arch_hwprobe(struct hwprobe_pair *pairs, size_t n, u64 mask)
{
	for (size_t i = 0; i < n; i++) {
		pairs[i].value = 0;
		if (!probe_one(&pairs[i], mask))
			pairs[i].key = -1;
	}
}

void arch_vdso_probe_fill(struct vdso_probe *v)
{
	struct hwprobe_pair p;

	static_assert(VDSO_PROBE_KEYS == KEY_MISALIGNED_SCALAR_PERF + 1,
		      "the vDSO knows the keys that the call knows");
	for (unsigned i = 0; i < VDSO_PROBE_KEYS; i++) {
		p.key = i;
		arch_hwprobe(&p, 1, online_harts.bits);
		v->values[i] = p.value;
	}
}
