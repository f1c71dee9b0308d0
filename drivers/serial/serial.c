/*
 * serial - the common half of the UART drivers.
 *
 * Theory:  written bytes go to the device at once while it has room, the rest
 *          waits in a ring that the transmit interrupt drains.  The kernel's
 *          own messages bypass the ring after pushing it out, so that they
 *          appear in order and also when the machine is dying.
 * Locks:   uart.lock (RANK_CONSOLE: messages are printed under many locks)
 *          guards the ring and the transmitter.  Received bytes are collected
 *          under it and handed to the tty without it.
 */
#include <drivers/driver.h>
#include <kernel/assert.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <task/sysrq.h>
#include <time/clock.h>
#include "serial_impl.h"

#define RX_BATCH 64u
#define SYSRQ_NS (5 * NSEC_PER_SEC)
#define UART_NUMBERS 32u

static u32 ring_used(const struct uart *u)
{
	return u->head - u->tail;
}

/* Sends from the ring while the device takes bytes. */
static void drain_locked(struct uart *u)
{
	size_t room;

	while (ring_used(u) && (room = u->ops->tx_room(u))) {
		u32 off = u->tail % UART_RING;
		size_t n = min_t(size_t, min_t(size_t, room, ring_used(u)),
				 UART_RING - off);

		u->ops->tx(u, u->ring + off, n);
		u->tail += (u32)n;
	}
	if (u->irq_on != (ring_used(u) != 0)) {
		u->irq_on = !u->irq_on;
		u->ops->tx_irq(u, u->irq_on);
	}
}

static size_t uart_write(struct tty *t, const u8 *s, size_t n)
{
	struct uart *u = t->priv;
	size_t done = 0;

	irq_lock(&u->lock);
	n = min_t(size_t, n, UART_RING - ring_used(u));
	while (done < n) {
		u32 off = u->head % UART_RING;
		size_t k = min_t(size_t, n - done, UART_RING - off);

		memcpy(u->ring + off, s + done, k);
		u->head += (u32)k;
		done += k;
	}
	drain_locked(u);
	irq_unlock(&u->lock);
	return done;
}

static size_t uart_room(struct tty *t)
{
	struct uart *u = t->priv;

	return UART_RING - ring_used(u);
}

static size_t uart_pending(struct tty *t)
{
	struct uart *u = t->priv;

	return ring_used(u);
}

static void uart_flush(struct tty *t)
{
	struct uart *u = t->priv;

	irq_lock(&u->lock);
	u->tail = u->head;
	irq_unlock(&u->lock);
}

static const struct tty_ops uart_tty_ops = {
	.write = uart_write,
	.room = uart_room,
	.pending = uart_pending,
	.flush = uart_flush,
};

static void put_poll(struct uart *u, const u8 *s, size_t n)
{
	while (n) {
		size_t room = u->ops->tx_room(u);

		room = min_t(size_t, room, n);
		u->ops->tx(u, s, room);
		s += room;
		n -= room;
	}
}

/* What the ring holds, then the text. */
static void flush_and_write(struct uart *u, const char *s, size_t n)
{
	while (ring_used(u)) {
		u32 off = u->tail % UART_RING;
		size_t k = min_t(size_t, ring_used(u), UART_RING - off);

		put_poll(u, u->ring + off, k);
		u->tail += (u32)k;
	}
	while (n) {
		const char *nl = memchr(s, '\n', n);
		size_t k = nl ? (size_t)(nl - s) : n;

		put_poll(u, (const u8 *)s, k);
		if (nl)
			put_poll(u, (const u8 *)"\r\n", 2);
		k += nl != NULL;
		s += k;
		n -= k;
	}
}

static void uart_console_write(struct console *c, const char *s, size_t n)
{
	struct uart *u = c->priv;

	if (panicking && spin_is_locked(&u->lock.raw)) {
		flush_and_write(u, s, n);	/* its holder was stopped */
		return;
	}
	irq_lock(&u->lock);
	flush_and_write(u, s, n);
	irq_unlock(&u->lock);
}

/* A break on the console makes the next key within 5 s one for sysrq; a
 * second break is the program's. */
static void take_break(struct uart *u)
{
	u64 now = clock_ns();

	if (READ_ONCE(sysctl_sysrq) && now >= u->sysrq_until) {
		u->sysrq_until = now + SYSRQ_NS;
		return;
	}
	u->sysrq_until = 0;
	tty_input_break(u->tty);
}

static void take_input(struct uart *u, const u8 *s, u32 n)
{
	bool is_sysrq = u->sysrq_until && clock_ns() < u->sysrq_until;

	u->sysrq_until = 0;
	if (is_sysrq) {
		sysrq_key((char)*s++, true);
		n--;
	}
	if (n)
		tty_input(u->tty, s, n);
}

void uart_interrupt(struct uart *u)
{
	u8 buf[RX_BATCH];
	bool brk, has_room;
	u32 n;

	do {
		n = 0;
		brk = false;
		irq_lock(&u->lock);
		while (n < RX_BATCH) {
			int c = u->ops->rx(u, &brk);

			if (c < 0)
				break;
			buf[n++] = (u8)c;
		}
		drain_locked(u);
		/* Also when a message of the kernel's pushed the ring out. */
		has_room = ring_used(u) < UART_RING / 2;
		irq_unlock(&u->lock);
		if (n)
			take_input(u, buf, n);
		if (brk)
			take_break(u);
		if (has_room)
			tty_wakeup(u->tty);
	} while (n == RX_BATCH || brk);
}

int uart_number(struct device *dev, u32 *taken, u32 *out)
{
	u32 n;

	if (!fdt_alias_of(device_fdt(), dev->fdt_node, "serial", &n) ||
	    n >= UART_NUMBERS || *taken & 1u << n) {
		if (*taken == ~0u)
			return -ENOSPC;
		n = __ffs64(~(u64)*taken);
	}
	*taken |= 1u << n;
	*out = n;
	return 0;
}

int uart_register(struct uart *u, const char *name, u32 dev)
{
	int err;

	irq_lock_init(&u->lock, RANK_CONSOLE, "uart");
	strscpy(u->name, name, sizeof(u->name));
	err = tty_create(name, dev, &uart_tty_ops, u, &u->tty);
	if (err)
		return err;
	u->console.name = u->name;
	u->console.write = uart_console_write;
	u->console.priv = u;
	console_register(&u->console);
	return 0;
}
