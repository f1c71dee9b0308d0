/*
 * vdso - maps the vDSO: one page of data, then the image.
 *
 * Theory:  the pages are those of the kernel image itself, the same frames in
 *          every program.  The image finds its data on the page before it.
 *          Programs in a time namespace have another data page, a copy whose
 *          version is CLOCK_SEQ_ASK.
 */
#include "exec_impl.h"

#include <arch/signal.h>
#include <arch/smp.h>
#include <arch/vdso.h>
#include <kernel/assert.h>
#include <lib/string.h>
#include <task/exec.h>
#include <task/init.h>
#include <task/time_ns.h>
#include <time/clock.h>

#define MAX_VDSO_PAGES 8

static struct page *data_page[1];
static struct page *shifted_page[1];	/* made once. atomic */
static struct page *image_pages[MAX_VDSO_PAGES];
static unsigned nr_image_pages;

size_t vdso_total_size(void)
{
	return (1 + nr_image_pages) * PAGE_SIZE;
}

int vdso_map(struct mm *mm, unsigned long at)
{
	/* Shared by all namespaces: where this program will live. */
	bool is_shifted = current->nsproxy->time_for_children != &init_time_ns;
	unsigned long image = at + PAGE_SIZE;
	int err;

	err = mm_map_special(mm, &at, PAGE_SIZE, VM_READ | VM_MAYREAD,
			     is_shifted ? shifted_page : data_page, "[vvar]");
	if (err)
		return err;
	err = mm_map_special(mm, &image, nr_image_pages * PAGE_SIZE,
			     VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC |
			     VM_SPECIAL_VDSO, image_pages, "[vdso]");
	if (!err)
		mm->vdso = image;
	return err;
}

int vdso_prepare_shifted(void)
{
	struct clock_params *p;
	struct page *none = NULL, *page;

	if (LOAD_ACQUIRE(shifted_page[0]))
		return 0;
	p = pages_alloc_va(GFP_KERNEL, 0);
	if (!p)
		return -ENOMEM;
	memcpy(p, clock_params, PAGE_SIZE);
	p->seq = CLOCK_SEQ_ASK;
	page = va_to_page(p);
	if (!__atomic_compare_exchange_n(&shifted_page[0], &none, page, false,
					 __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		pages_free_va(p, 0);
	return 0;
}

int vdso_choose_clock(struct mm *mm, bool is_shifted)
{
	return is_shifted ? mm_swap_special(mm, data_page, shifted_page) :
			    mm_swap_special(mm, shifted_page, data_page);
}

size_t exec_min_sigstack(void)
{
	return arch_signal_frame_size();
}

void exec_init(void)
{
	paddr_t pa = image_to_pa(vdso_start);

	nr_image_pages = (unsigned)DIV_ROUND_UP(
		(size_t)(vdso_end - vdso_start), PAGE_SIZE);
	BUG_ON(nr_image_pages > MAX_VDSO_PAGES);
	for (unsigned i = 0; i < nr_image_pages; i++)
		image_pages[i] = pa_to_page(pa + i * PAGE_SIZE);
	data_page[0] = pa_to_page(image_to_pa(clock_params));
	static_assert(sizeof(*clock_params) <= VDSO_PROBE_OFFSET,
		      "the clock and the harts' page halves");
	arch_vdso_probe_fill((void *)((char *)clock_params +
				      VDSO_PROBE_OFFSET));
}
