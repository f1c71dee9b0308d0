#pragma once
/* What UART drivers share: a transmit ring, a tty, a kernel console. */
#include <drivers/tty.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>

#define UART_RING 4096u

struct device;
struct uart;

struct uart_ops {
	/* Bytes the device takes now; 0: wait for its interrupt. lock held */
	size_t (*tx_room)(struct uart *u);
	void (*tx)(struct uart *u, const u8 *s, size_t n);	/* n <= room */
	void (*tx_irq)(struct uart *u, bool on);
	/* True if all is on the wire. */
	bool (*tx_empty)(struct uart *u);
	/* One received byte, or -1; sets *brk for a break. */
	int (*rx)(struct uart *u, bool *brk);
};

struct uart {
	const struct uart_ops *ops;	/* const */
	void __iomem *base;		/* const */
	void *priv;			/* const */
	struct irqlock lock;		/* RANK_CONSOLE */
	u8 ring[UART_RING];		/* lock */
	u32 head, tail;			/* lock */
	bool irq_on;			/* lock */
	u64 sysrq_until;		/* a break was seen. interrupt */
	struct tty *tty;
	struct console console;
	char name[16];
};

/* The number in a UART's name, as Linux gives it: N where the alias serialN
 * names it, else the lowest one free.  taken has a bit for each number given;
 * -ENOSPC. */
int __must_check uart_number(struct device *dev, u32 *taken, u32 *out);
/* Makes the tty `name` and the console of the same name. */
int __must_check uart_register(struct uart *u, const char *name, u32 dev);
/* From the device's interrupt: receives, sends on. */
void uart_interrupt(struct uart *u);
