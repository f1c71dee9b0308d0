/*
 * blocks - what it costs to run known code at another virtual address.
 *
 * Theory: a processor fetches by physical address; an emulator may keep its
 *         translations by the virtual one, and then makes all of them anew.
 *         A row of short basic blocks, run at an address where it has not
 *         run yet, tells the two apart by a factor of fifty.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <lib/compiler.h>

#define BLOCKS 64
#define STR_(x) #x
#define STR(x) STR_(x)

__asm__(".section .text.blocks, \"ax\"\n"
	".balign 512\n"	/* not across a page */
	".option push\n"
	".option norvc\n"
	".option norelax\n"
	"block_row:\n"
	"	.rept "
	STR(BLOCKS) "\n"
	"	j 1f\n"
	"1:\n"
	"	.endr\n"
	"	ret\n"
	".option pop\n"
	".previous\n");
extern const char block_row[];

paddr_t arch_block_row(void)
{
	return image_to_pa(block_row);
}

u64 arch_block_price_ns(unsigned long va)
{
	void (*run)(void) = (void (*)(void))va;
	u64 first, again;

	first = arch_read_time();
	run();
	first = arch_read_time() - first;
	again = arch_read_time();
	run();
	again = arch_read_time() - again;
	first -= min(first, again);
	return first * 1000000000 / boot_timebase / BLOCKS;
}
