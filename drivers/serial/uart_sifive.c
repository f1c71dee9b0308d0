/*
 * uart_sifive - the UART of SiFive's chips (FU540-C000 manual, chapter 13).
 */
#include <drivers/driver.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include "serial_impl.h"

#define TXDATA 0x00
#define RXDATA 0x04
#define TXCTRL 0x08
#define RXCTRL 0x0c
#define IE 0x10
#define IP 0x14
#define TX_FULL 0x80000000u
#define RX_EMPTY 0x80000000u
#define CTRL_ENABLE 1u
#define IRQ_TX 1u
#define IRQ_RX 2u
#define TX_WATERMARK (1u << 16)

static u32 numbers;	/* taken. probes never run at the same time */

static u32 rd(struct uart *u, unsigned reg)
{
	return mmio_read32((char __iomem *)u->base + reg);
}

static void wr(struct uart *u, unsigned reg, u32 v)
{
	mmio_write32((char __iomem *)u->base + reg, v);
}

static size_t sifive_tx_room(struct uart *u)
{
	return rd(u, TXDATA) & TX_FULL ? 0 : 1;
}

static void sifive_tx(struct uart *u, const u8 *s, size_t n)
{
	while (n--)
		wr(u, TXDATA, *s++);
}

static void sifive_tx_irq(struct uart *u, bool on)
{
	wr(u, IE, on ? IRQ_RX | IRQ_TX : IRQ_RX);
}

static bool sifive_tx_empty(struct uart *u)
{
	return rd(u, IP) & IRQ_TX;
}

static int sifive_rx(struct uart *u, bool *brk)
{
	u32 v = rd(u, RXDATA);

	return v & RX_EMPTY ? -1 : (int)(v & 0xff);
}

static const struct uart_ops sifive_ops = {
	.tx_room = sifive_tx_room,
	.tx = sifive_tx,
	.tx_irq = sifive_tx_irq,
	.tx_empty = sifive_tx_empty,
	.rx = sifive_rx,
};

static bool sifive_interrupt(void *ctx)
{
	struct uart *u = ctx;

	if (!(rd(u, IP) & rd(u, IE)))
		return false;
	uart_interrupt(u);
	return true;
}

static int sifive_probe(struct device *dev)
{
	struct uart *u = kzalloc(sizeof(*u), GFP_KERNEL);
	char name[16];
	u32 irq, index;
	int err;

	if (!u)
		return -ENOMEM;
	err = device_ioremap(dev, 0, &u->base, NULL);
	if (!err)
		err = device_irq(dev, 0, &irq);
	if (!err)
		err = uart_number(dev, &numbers, &index);
	if (err)
		goto err_free;
	u->ops = &sifive_ops;
	wr(u, IE, 0);
	wr(u, TXCTRL, CTRL_ENABLE | TX_WATERMARK);
	wr(u, RXCTRL, CTRL_ENABLE);
	ksnprintf(name, sizeof(name), "ttySIF%u", index);
	err = uart_register(u, name, MKDEV(204, 64 + index));
	if (err)
		goto err_free;
	err = irq_request(irq, sifive_interrupt, u, u->tty->name);
	if (err)
		return err;
	wr(u, IE, IRQ_RX);
	return 0;
err_free:
	kfree(u);
	return err;
}

DRIVER(uart_sifive) = {
	.name = "uart_sifive",
	.match = { "sifive,uart0" },
	.probe = sifive_probe,
};
