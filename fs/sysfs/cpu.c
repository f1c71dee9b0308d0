/*
 * cpu - /sys/devices/system: processors and the one memory node, as lscpu and
 * C libraries read them.
 */
#include "sysfs_impl.h"
#include <kernel/hart.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <mm/page.h>

static unsigned long all_harts(void)
{
	return (unsigned long)(nr_harts < 64 ? (1ull << nr_harts) - 1 : ~0ull);
}

static unsigned long online(void)
{
	return (unsigned long)READ_ONCE(online_harts.bits);
}

static int put_list(struct seq *s, unsigned long mask)
{
	char *to = seq_reserve(s, 256);

	if (to)
		s->len += (size_t)format_bitlist(to, 256, &mask, nr_harts);
	seq_putc(s, '\n');
	return 0;
}

static int put_mask(struct seq *s, unsigned long mask)
{
	char *to = seq_reserve(s, 64);

	if (to)
		s->len += (size_t)format_bitmask(to, 64, &mask, nr_harts);
	seq_putc(s, '\n');
	return 0;
}

/* --- cpuN/topology: every hart is a core of one package -----------------*/
static int core_id(struct seq *s, u64 cpu)
{
	seq_u64(s, "", cpu);
	seq_putc(s, '\n');
	return 0;
}

static int package_id(struct seq *s, u64 cpu)
{
	seq_puts(s, "0\n");
	return 0;
}

static int own_mask(struct seq *s, u64 cpu)
{
	return put_mask(s, 1ul << cpu);
}

static int own_list(struct seq *s, u64 cpu)
{
	return put_list(s, 1ul << cpu);
}

static int package_mask(struct seq *s, u64 cpu)
{
	return put_mask(s, online());
}

static int package_list(struct seq *s, u64 cpu)
{
	return put_list(s, online());
}

SYS_FILE(core_id_file, core_id);
SYS_FILE(package_id_file, package_id);
SYS_FILE(own_mask_file, own_mask);
SYS_FILE(own_list_file, own_list);
SYS_FILE(package_mask_file, package_mask);
SYS_FILE(package_list_file, package_list);

SYS_DIR(sys_topology_dir, { "core_cpus", &own_mask_file },
	{ "core_cpus_list", &own_list_file }, { "core_id", &core_id_file },
	{ "core_siblings", &package_mask_file },
	{ "core_siblings_list", &package_list_file },
	{ "package_cpus", &package_mask_file },
	{ "package_cpus_list", &package_list_file },
	{ "physical_package_id", &package_id_file },
	{ "thread_siblings", &own_mask_file },
	{ "thread_siblings_list", &own_list_file });

static void node_target(struct seq *s, u64 cpu)
{
	seq_puts(s, "../../node/node0");
}

static const struct sys_type node_link = {
	.mode = S_IFLNK | 0777, .target = node_target,
};

SYS_DIR(sys_one_cpu_dir, { "node0", &node_link },
	{ "topology", &sys_topology_dir });

/* --- cpu ----------------------------------------------------------------*/
static int possible_show(struct seq *s, u64 key)
{
	return put_list(s, all_harts());
}

static int online_show(struct seq *s, u64 key)
{
	return put_list(s, online());
}

static int offline_show(struct seq *s, u64 key)
{
	return put_list(s, all_harts() & ~online());
}

static int kernel_max_show(struct seq *s, u64 key)
{
	seq_u64(s, "", MAX_HARTS - 1);
	seq_putc(s, '\n');
	return 0;
}

SYS_FILE(possible_file, possible_show);
SYS_FILE(online_file, online_show);
SYS_FILE(offline_file, offline_show);
SYS_FILE(kernel_max_file, kernel_max_show);

static const struct sys_entry cpu_files[] = {
	{ "kernel_max", &kernel_max_file },
	{ "offline", &offline_file },
	{ "online", &online_file },
	{ "possible", &possible_file },
	{ "present", &possible_file },
};

static bool nth_hart(unsigned i, const struct sys_type *type,
		     struct sys_child *out)
{
	if (i >= nr_harts)
		return false;
	ksnprintf(out->name, sizeof(out->name), "cpu%u", i);
	out->node = (struct sys_node){ type, i };
	return true;
}

static bool cpu_child(u64 key, unsigned i, struct sys_child *out)
{
	if (i < ARRAY_SIZE(cpu_files))
		return sys_array_child(cpu_files, ARRAY_SIZE(cpu_files), 0, i,
				       out);
	return nth_hart(i - ARRAY_SIZE(cpu_files), &sys_one_cpu_dir, out);
}

static const struct sys_type cpu_dir = {
	.mode = S_IFDIR | 0755, .child = cpu_child,
};

/* --- node ---------------------------------------------------------------*/
static void put_pages(struct seq *s, const char *name, u64 pages)
{
	seq_printf(s, "Node 0 %-15s %8llu kB\n", name,
		   pages << (PAGE_SHIFT - 10));
}

static int node_meminfo(struct seq *s, u64 key)
{
	u64 total = mem_total_pages(), free = mem_free_pages();

	put_pages(s, "MemTotal:", total);
	put_pages(s, "MemFree:", free);
	put_pages(s, "MemUsed:", total - free);
	put_pages(s, "Dirty:", (u64)vmstat_read(VM_DIRTY));
	put_pages(s, "Writeback:", (u64)vmstat_read(VM_WRITEBACK));
	put_pages(s, "FilePages:", (u64)vmstat_read(VM_FILE));
	put_pages(s, "Mapped:", (u64)vmstat_read(VM_MAPPED));
	put_pages(s, "AnonPages:", (u64)vmstat_read(VM_ANON));
	put_pages(s, "Shmem:", (u64)vmstat_read(VM_SHMEM));
	put_pages(s, "KernelStack:", (u64)vmstat_read(VM_KSTACK));
	put_pages(s, "PageTables:", (u64)vmstat_read(VM_TABLES));
	put_pages(s, "Slab:", (u64)vmstat_read(VM_SLAB));
	return 0;
}

static int node_mask(struct seq *s, u64 key)
{
	return put_mask(s, online());
}

static int node_distance(struct seq *s, u64 key)
{
	seq_puts(s, "10\n");
	return 0;
}

static int node_zero(struct seq *s, u64 key)
{
	seq_puts(s, "0\n");
	return 0;
}

SYS_FILE(node_meminfo_file, node_meminfo);
SYS_FILE(node_mask_file, node_mask);
SYS_FILE(distance_file, node_distance);
SYS_FILE(zero_file, node_zero);

static const struct sys_entry node_files[] = {
	{ "cpulist", &online_file },
	{ "cpumap", &node_mask_file },
	{ "distance", &distance_file },
	{ "meminfo", &node_meminfo_file },
};

static void cpu_target(struct seq *s, u64 cpu)
{
	seq_u64(s, "../../cpu/cpu", cpu);
}

static const struct sys_type cpu_link = {
	.mode = S_IFLNK | 0777, .target = cpu_target,
};

static bool node0_child(u64 key, unsigned i, struct sys_child *out)
{
	if (i < ARRAY_SIZE(node_files))
		return sys_array_child(node_files, ARRAY_SIZE(node_files), 0,
				       i, out);
	return nth_hart(i - ARRAY_SIZE(node_files), &cpu_link, out);
}

static const struct sys_type node0_dir = {
	.mode = S_IFDIR | 0755, .child = node0_child,
};

SYS_DIR(sys_node_dir, { "has_cpu", &zero_file }, { "has_memory", &zero_file },
	{ "has_normal_memory", &zero_file }, { "node0", &node0_dir },
	{ "online", &zero_file }, { "possible", &zero_file });
SYS_DIR(sys_system_dir, { "cpu", &cpu_dir }, { "node", &sys_node_dir });
