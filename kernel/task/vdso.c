/*
 * vdso - maps the vDSO: one page of data, then the image.
 *
 * Theory:  the pages are those of the kernel image itself, the same frames in
 *          every program.  The image finds its data on the page before it.
 */
#include "exec_impl.h"

#include <arch/signal.h>
#include <arch/smp.h>
#include <arch/vdso.h>
#include <kernel/assert.h>
#include <task/exec.h>
#include <task/init.h>
#include <time/clock.h>

#define MAX_VDSO_PAGES 8

static struct page *data_page[1];
static struct page *image_pages[MAX_VDSO_PAGES];
static unsigned nr_image_pages;

size_t vdso_total_size(void)
{
	return (1 + nr_image_pages) * PAGE_SIZE;
}

int vdso_map(struct mm *mm, unsigned long at)
{
	unsigned long image = at + PAGE_SIZE;
	int err;

	err = mm_map_special(mm, &at, PAGE_SIZE, VM_READ | VM_MAYREAD,
			     data_page, "[vvar]");
	if (err)
		return err;
	err = mm_map_special(mm, &image, nr_image_pages * PAGE_SIZE,
			     VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC |
			     VM_SPECIAL_VDSO, image_pages, "[vdso]");
	if (!err)
		mm->vdso = image;
	return err;
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
