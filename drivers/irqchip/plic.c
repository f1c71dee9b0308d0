/*
 * plic - the RISC-V platform-level interrupt controller.
 *
 * Theory:  each source has a priority, and an enable bit in each context; a
 *          context is one hart in one mode, listed by interrupts-extended.
 *          A source is enabled in one context only, that of the hart it is
 *          routed to, and masked by priority 0: a completion is ignored while
 *          the enable bit is clear, so that bit must not serve as the mask.
 * Locks:   lock (a leaf) guards the enable words, which 32 sources share.
 * Context: handle() with interrupts off; the rest anywhere.
 */
#include <drivers/driver.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>

#define PLIC_PRIORITY(irq) (4 * (irq))
#define PLIC_ENABLE(ctx, irq) (0x2000 + 0x80 * (ctx) + (irq) / 32 * 4)
#define PLIC_CONTEXT(ctx) (0x200000 + 0x1000 * (ctx))
#define PLIC_THRESHOLD 0
#define PLIC_CLAIM 4
#define PLIC_MAX_SOURCES 1024
#define SUPERVISOR_EXTERNAL 9
#define NO_CONTEXT ~0u

static struct irqlock lock = IRQLOCK_INIT(RANK_LEAF, "plic");
static void __iomem *base;		/* const after probe */
static u32 nr_sources;			/* const after probe */
static u32 context_of[MAX_HARTS];	/* const after probe */
static u8 routed[PLIC_MAX_SOURCES] __guarded_by(&lock);	/* hart id */

static void __iomem *reg(size_t offset)
{
	return (char __iomem *)base + offset;
}

static void set_enable_locked(u32 irq, u32 hart, bool on) __must_hold(&lock)
{
	void __iomem *p = reg(PLIC_ENABLE(context_of[hart], irq));
	u32 bit = 1u << irq % 32;
	u32 v = mmio_read32(p);

	mmio_write32(p, on ? v | bit : v & ~bit);
}

static void plic_mask(u32 irq)
{
	mmio_write32(reg(PLIC_PRIORITY(irq)), 0);
}

static void plic_unmask(u32 irq)
{
	irq_lock(&lock);
	set_enable_locked(irq, routed[irq], true);
	mmio_write32(reg(PLIC_PRIORITY(irq)), 1);
	irq_unlock(&lock);
}

static void plic_set_affinity(u32 irq, u32 hart)
{
	if (hart >= nr_harts || context_of[hart] == NO_CONTEXT)
		return;
	irq_lock(&lock);
	if (routed[irq] != hart) {
		set_enable_locked(irq, routed[irq], false);
		routed[irq] = (u8)hart;
		set_enable_locked(irq, hart, true);
	}
	irq_unlock(&lock);
}

static void plic_handle(void)
{
	void __iomem *claim;
	u32 irq;

	claim = reg(PLIC_CONTEXT(context_of[hart_id()]) + PLIC_CLAIM);
	while ((irq = mmio_read32(claim)) != 0) {
		irq_dispatch(irq);
		mmio_write32(claim, irq);
	}
}

static void plic_hart_online(void)
{
	u32 ctx = context_of[hart_id()];

	if (ctx != NO_CONTEXT)
		mmio_write32(reg(PLIC_CONTEXT(ctx) + PLIC_THRESHOLD), 0);
}

static struct irq_chip plic_chip = {
	.name = "SiFive PLIC",
	.mask = plic_mask,
	.unmask = plic_unmask,
	.handle = plic_handle,
	.set_affinity = plic_set_affinity,
	.hart_online = plic_hart_online,
};

/* Which of our harts the interrupt controller node inside a cpu belongs to. */
static bool find_hart(int intc, u32 *id)
{
	const struct fdt *fdt = device_fdt();
	struct fdt_region cpu;

	if (fdt_reg_raw(fdt, fdt_parent(fdt, intc), 0, &cpu))
		return false;
	for (u32 i = 0; i < nr_harts; i++) {
		if (harts[i].firmware_id == cpu.base) {
			*id = i;
			return true;
		}
	}
	return false;
}

/* The number of contexts of harts that we use. */
static u32 find_contexts(struct device *dev)
{
	struct fdt_args a;
	u32 found = 0, hart;

	for (u32 i = 0; i < MAX_HARTS; i++)
		context_of[i] = NO_CONTEXT;
	for (unsigned i = 0; !fdt_irq(device_fdt(), dev->fdt_node, i, &a);
	     i++) {
		if (!a.count || a.cells[0] != SUPERVISOR_EXTERNAL ||
		    !find_hart(a.node, &hart) ||
		    context_of[hart] != NO_CONTEXT)
			continue;
		context_of[hart] = i;
		found++;
	}
	return found;
}

/* All sources off, in all contexts that are ours. */
static void reset_sources(void)
{
	for (u32 irq = 1; irq <= nr_sources; irq++)
		plic_mask(irq);
	for (u32 i = 0; i < nr_harts; i++) {
		u32 ctx = context_of[i];

		if (ctx == NO_CONTEXT)
			continue;
		for (u32 irq = 0; irq <= nr_sources; irq += 32)
			mmio_write32(reg(PLIC_ENABLE(ctx, irq)), 0);
	}
}

/* Sources go to the boot hart, if it takes interrupts at all. */
static void route_sources(void)
{
	u32 hart = 0;

	while (context_of[hart] == NO_CONTEXT)
		hart++;
	for (u32 irq = 0; irq <= nr_sources; irq++)
		routed[irq] = (u8)hart;
}

static int plic_probe(struct device *dev)
{
	u32 contexts;
	int err;

	err = device_prop_u32(dev, "riscv,ndev", &nr_sources);
	if (err)
		return err;
	if (nr_sources >= PLIC_MAX_SOURCES)
		return -EINVAL;
	contexts = find_contexts(dev);
	if (!contexts)
		return -ENODEV;
	err = device_ioremap(dev, 0, &base, NULL);
	if (err)
		return err;
	reset_sources();
	route_sources();
	irq_chip_register(&plic_chip, nr_sources + 1);
	pr_info("plic: %u sources, %u harts\n", nr_sources, contexts);
	return 0;
}

DRIVER(plic) = {
	.name = "plic",
	.match = { "sifive,plic-1.0.0", "riscv,plic0",
		   "starfive,jh7110-plic" },
	.flags = DRIVER_EARLY,
	.probe = plic_probe,
};
