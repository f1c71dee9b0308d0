/*
 * text - one instruction of the kernel's text, changed while it runs.
 *
 * Theory:  text is never writable where it is executed.  Its page is mapped a
 *          second time for the store; a store of four aligned bytes is seen
 *          whole or not at all, and either instruction is a right one.
 * Locks:   the caller serialises.
 */
#include <arch/mmu.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/trace_ring.h>
#include <lib/errno.h>
#include <mm/vmap.h>

static int text_write(u32 *at, u32 insn)
{
	u32 __iomem *alias = ioremap(image_to_pa(at), sizeof(*at));

	if (!alias)
		return -ENOMEM;
	assert(IS_ALIGNED((unsigned long)at, 4));
	*(volatile u32 *)(unsigned long)alias = insn;
	icache_flush_all();
	iounmap(alias);
	return 0;
}

static void text_init(void)
{
	trace_text_write_hook = text_write;
}
INIT(INIT_CORE, text_init);
