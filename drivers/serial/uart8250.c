/*
 * uart8250 - UARTs of the 16550 family (National Semiconductor PC16550D data
 * sheet), also Synopsys DesignWare's with 32-bit registers.
 */
#include <drivers/driver.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "serial_impl.h"

#define RBR 0
#define THR 0
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define USR 31		/* DesignWare: read clears a busy interrupt */

#define IER_RX 1u
#define IER_TX 2u
#define IER_LINE 4u
#define FCR_ENABLE 1u
#define FCR_CLEAR 6u
#define FCR_TRIGGER_8 0x80u
#define MCR_DTR_RTS_OUT2 0x0bu
#define LSR_DR 1u
#define LSR_BI 16u
#define LSR_THRE 32u
#define LSR_TEMT 64u
#define IIR_BUSY 7u
#define FIFO_SIZE 16u

struct uart8250 {
	struct uart u;
	u32 shift, width;
	u8 ier;
	bool is_dw;
};

static u32 numbers;	/* taken. probes never run at the same time */

static u8 rd(struct uart8250 *p, unsigned reg)
{
	void __iomem *a = (char __iomem *)p->u.base + (reg << p->shift);

	return p->width == 4 ? (u8)mmio_read32(a) : mmio_read8(a);
}

static void wr(struct uart8250 *p, unsigned reg, u8 v)
{
	void __iomem *a = (char __iomem *)p->u.base + (reg << p->shift);

	if (p->width == 4)
		mmio_write32(a, v);
	else
		mmio_write8(a, v);
}

static size_t u8250_tx_room(struct uart *u)
{
	struct uart8250 *p = container_of(u, struct uart8250, u);

	return rd(p, LSR) & LSR_THRE ? FIFO_SIZE : 0;
}

static void u8250_tx(struct uart *u, const u8 *s, size_t n)
{
	struct uart8250 *p = container_of(u, struct uart8250, u);

	while (n--)
		wr(p, THR, *s++);
}

static void u8250_tx_irq(struct uart *u, bool on)
{
	struct uart8250 *p = container_of(u, struct uart8250, u);

	p->ier = on ? p->ier | IER_TX : p->ier & ~IER_TX;
	wr(p, IER, p->ier);
}

static bool u8250_tx_empty(struct uart *u)
{
	return rd(container_of(u, struct uart8250, u), LSR) & LSR_TEMT;
}

static int u8250_rx(struct uart *u, bool *brk)
{
	struct uart8250 *p = container_of(u, struct uart8250, u);
	u8 lsr = rd(p, LSR), c;

	if (!(lsr & LSR_DR))
		return -1;
	c = rd(p, RBR);
	if (lsr & LSR_BI) {
		*brk = true;
		return -1;
	}
	return c;
}

static const struct uart_ops u8250_ops = {
	.tx_room = u8250_tx_room,
	.tx = u8250_tx,
	.tx_irq = u8250_tx_irq,
	.tx_empty = u8250_tx_empty,
	.rx = u8250_rx,
};

static bool u8250_interrupt(void *ctx)
{
	struct uart8250 *p = ctx;
	u8 iir = rd(p, IIR);

	if (p->is_dw && (iir & 0xf) == IIR_BUSY)
		rd(p, USR);
	else if (iir & 1)
		return false;
	uart_interrupt(&p->u);
	return true;
}

static int u8250_probe(struct device *dev)
{
	struct uart8250 *p = kzalloc(sizeof(*p), GFP_KERNEL);
	char name[16];
	u32 irq, index;
	int err;

	if (!p)
		return -ENOMEM;
	err = device_ioremap(dev, 0, &p->u.base, NULL);
	if (err)
		goto err_free;
	err = device_irq(dev, 0, &irq);
	if (err)
		goto err_free;
	p->shift = device_prop_u32_or(dev, "reg-shift", 0);
	p->width = device_prop_u32_or(dev, "reg-io-width", 1);
	p->is_dw = strcmp(dev->compatible, "snps,dw-apb-uart") == 0;
	p->u.ops = &u8250_ops;
	err = uart_number(dev, &numbers, &index);
	if (err)
		goto err_free;
	wr(p, IER, 0);
	wr(p, FCR, FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER_8);
	wr(p, LCR, rd(p, LCR) | 3);	/* 8 bits; the firmware set the speed */
	wr(p, MCR, MCR_DTR_RTS_OUT2);
	ksnprintf(name, sizeof(name), "ttyS%u", index);
	err = uart_register(&p->u, name, MKDEV(4, 64 + index));
	if (err)
		goto err_free;
	err = irq_request(irq, u8250_interrupt, p, p->u.tty->name);
	if (err)
		return err;	/* published: it stays, without input */
	p->ier = IER_RX | IER_LINE;
	wr(p, IER, p->ier);
	return 0;
err_free:
	kfree(p);
	return err;
}

DRIVER(uart8250) = {
	.name = "uart8250",
	.match = { "ns16550a", "ns16550", "snps,dw-apb-uart" },
	.probe = u8250_probe,
};
