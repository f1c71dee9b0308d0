#pragma once
/*
 * Device interrupts: numbers are the controller's, as the device tree gives
 * them (one root controller; chained ones register a range).
 */
#include <lib/compiler.h>
#include <lib/types.h>

struct irq_chip {
	const char *name;
	void (*mask)(u32 hwirq);
	void (*unmask)(u32 hwirq);
	/* Claims, handles by irq_dispatch(), completes all that is pending.
	 * From the trap, interrupts off. */
	void (*handle)(void);
	void (*set_affinity)(u32 hwirq, u32 hart);
	void (*hart_online)(void);	/* once on each hart, also on
					 * those online already */
};

/* The handler runs in interrupt context, does the least and hands on to a
 * work. Returns true if the device had asked. */
int __must_check irq_request(u32 irq, bool (*handler)(void *ctx), void *ctx,
			     const char *name);
void irq_free(u32 irq, void *ctx);
/* From a task. */
void irq_chip_register(struct irq_chip *chip, u32 nr_irqs);
/* From the chip's handle(). */
void irq_dispatch(u32 irq);
/* From the trap: external interrupt on this hart. */
void irq_external(void);
/* Brings the chip up on this (secondary) hart. */
void irq_hart_online(void);

/* For /proc/interrupts: false past the last. counts[MAX_HARTS]. */
bool irq_stat(u32 index, u32 *irq, const char **chip, const char **name,
	      u64 *counts);
