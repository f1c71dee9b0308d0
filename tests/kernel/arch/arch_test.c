/* The architecture: page-table rights, bad addresses, timers, other harts. */
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/task.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <time/clock.h>

SELFTEST(arch_entries_carry_rights)
{
	struct pte p = pte_make(0x80001000, PROT_R | PROT_W | PROT_USER);

	ST_CHECK(pte_present(p) && pte_is_leaf(p) && !pte_is_table(p));
	ST_CHECK(pte_writable(p) && pte_dirty(p) && pte_accessed(p));
	ST_CHECK(pte_is_user(p) && !pte_executable(p));
	ST_CHECK(pte_pa(p) == 0x80001000);
	p = pte_set_prot(pte_wrprotect(p), PROT_R | PROT_X | PROT_USER);
	ST_CHECK(!pte_writable(p) && !pte_dirty(p) && pte_executable(p));
	ST_CHECK(pte_pa(p) == 0x80001000);
	p = pte_make(0x80001000, PROT_USER);
	ST_CHECK(!pte_present(p) && !pte_none(p) && !pte_is_swap(p));
	p = pte_make_swap(0x123456789);
	ST_CHECK(pte_is_swap(p) && !pte_present(p) && !pte_none(p));
	ST_CHECK(pte_swap_value(p) == 0x123456789);
	ST_CHECK(pte_is_table(pte_make_table(0x80001000)));
}

static bool text_seen(void *arg, unsigned long pc)
{
	*(unsigned *)arg += pc >= (unsigned long)_text &&
			    pc < (unsigned long)_etext;
	return true;
}

SELFTEST(arch_stack_walk_finds_callers)
{
	unsigned n = 0;

	arch_stack_walk(current, text_seen, &n);
	ST_CHECK(n >= 2);
}

SELFTEST(arch_bad_kernel_addresses_are_an_error)
{
	u64 word = 5, copy = 0;
	void *gone = vmalloc(PAGE_SIZE);

	ST_CHECK(copy_from_kernel_nofault(&copy, &word, sizeof(copy)) == 0);
	ST_CHECK(copy == 5);
	ST_CHECK(copy_from_kernel_nofault(&copy, NULL, 8) == -EFAULT);
	ST_CHECK(copy_from_kernel_nofault(&copy, (void *)-8ul, 16) == -EFAULT);
	ST_CHECK(copy_from_kernel_nofault(&copy, (void *)(VMAP_END - 8), 8) ==
		 -EFAULT);
	ST_CHECK(gone && !copy_from_kernel_nofault(&copy, gone, 8));
	vfree(gone);
	ST_CHECK(copy_from_kernel_nofault(&copy, gone, 8) == -EFAULT);
}

SELFTEST(arch_user_range_ends_at_user_end)
{
	char c;

	ST_CHECK(access_ok((void __user *)(USER_END - 8), 8));
	ST_CHECK(!access_ok((void __user *)(USER_END - 8), 9));
	ST_CHECK(!access_ok((void __user *)-1ul, 2));
	ST_CHECK(copy_from_user(&c, (void __user *)_text, 1) == -EFAULT);
	ST_CHECK(copy_to_user((void __user *)&c, "x", 1) == -EFAULT);
}

SELFTEST(arch_text_is_not_writable)
{
	unsigned long addresses[] = {
		(unsigned long)_text, (unsigned long)_rodata,
		(unsigned long)pa_to_va(image_to_pa(_text)),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		paddr_t pa = kernel_va_to_pa(addresses[i]);

		ST_CHECK(pa != 0);
		ST_CHECK(pa >= image_to_pa(_text));
	}
	ST_CHECK(kernel_va_to_pa((unsigned long)_data) ==
		 image_to_pa(_data));
	ST_CHECK(kernel_va_to_pa(VMAP_END - PAGE_SIZE) == 0);
}

SELFTEST(arch_unmapped_pages_are_gone_on_all_harts)
{
	struct cpumask all = online_harts;
	u64 *page = vmalloc(PAGE_SIZE);

	if (!page)
		return;
	*page = 7;
	for (int i = 0; i < 20; i++)
		tlb_flush_harts(&all);
	ST_CHECK(*page == 7);
	vfree(page);
	icache_flush_all();
}

SELFTEST(arch_interrupts_nest_by_count)
{
	ST_CHECK(!current->irq_depth);
	irqs_off();
	irqs_off();
	ST_CHECK(!arch_irqs_enabled());
	irqs_on();
	ST_CHECK(!arch_irqs_enabled());
	irqs_on();
	ST_CHECK(arch_irqs_enabled() || current->irqs_masked);
}

SELFTEST(arch_hwprobe_and_cpuinfo_agree)
{
	struct hwprobe_pair p[] = { { 3, 0 }, { 4, 0 }, { 999, 5 } };
	char *text = kmalloc(2048, GFP_KERNEL);

	arch_hwprobe(p, ARRAY_SIZE(p), 1);
	ST_CHECK(p[0].key == 3 && p[0].value == 1);
	ST_CHECK((p[1].value & 3) == 3);
	ST_CHECK(p[2].key == -1 && p[2].value == 0);
	ST_CHECK((arch_hwcap() & 0x112d) == 0x112d);
	if (!text)
		return;
	text[arch_cpuinfo(0, text, 2047)] = 0;
	ST_CHECK(strstr(text, "isa\t\t: rv64imafdc"));
	ST_CHECK(str_has_suffix(text, "\n\n"));
	kfree(text);
}
