#pragma once
/*
 * Terminals, as serial drivers and ptys use them.  A driver fills a struct
 * tty_driver_port-like set of operations and calls tty_create(); input goes
 * to tty_input() from any context.  docs/tty.md.
 */
#include <fs/device.h>
#include <kernel/lock_types.h>
#include <kernel/mutex.h>
#include <kernel/waitq.h>
#include <kernel/work.h>

struct pid;
struct tty;

#define NCCS 19
struct termios_k {		/* struct termios2 of the kernel ABI */
	u32 iflag, oflag, cflag, lflag;
	u8 line;
	u8 cc[NCCS];
	u32 ispeed, ospeed;
};
static_assert(sizeof(struct termios_k) == 44, "termios2");

#define VINTR 0
#define VQUIT 1
#define VERASE 2
#define VKILL 3
#define VEOF 4
#define VTIME 5
#define VMIN 6
#define VSWTC 7
#define VSTART 8
#define VSTOP 9
#define VSUSP 10
#define VEOL 11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE 14
#define VLNEXT 15
#define VEOL2 16

#define IGNBRK 0000001u
#define BRKINT 0000002u
#define IGNPAR 0000004u
#define PARMRK 0000010u
#define INPCK 0000020u
#define ISTRIP 0000040u
#define INLCR 0000100u
#define IGNCR 0000200u
#define ICRNL 0000400u
#define IUCLC 0001000u
#define IXON 0002000u
#define IXANY 0004000u
#define IXOFF 0010000u
#define IMAXBEL 0020000u
#define IUTF8 0040000u

#define OPOST 0000001u
#define OLCUC 0000002u
#define ONLCR 0000004u
#define OCRNL 0000010u
#define ONOCR 0000020u
#define ONLRET 0000040u
#define TABDLY 0014000u
#define XTABS 0014000u

#define CBAUD 0010017u
#define B38400 0000017u
#define B115200 0010002u
#define CSIZE 0000060u
#define CS8 0000060u
#define CREAD 0000200u
#define HUPCL 0002000u
#define CLOCAL 0004000u

#define ISIG 0000001u
#define ICANON 0000002u
#define ECHO 0000010u
#define ECHOE 0000020u
#define ECHOK 0000040u
#define ECHONL 0000100u
#define NOFLSH 0000200u
#define TOSTOP 0000400u
#define ECHOCTL 0001000u
#define ECHOPRT 0002000u
#define ECHOKE 0004000u
#define FLUSHO 0010000u
#define PENDIN 0040000u
#define IEXTEN 0100000u

struct winsize {
	u16 row, col, xpixel, ypixel;
};

/* What a driver does.  write and room are called with tty->lock held (an
 * irqlock): they must not sleep. */
struct tty_ops {
	/* Takes up to n bytes; returns how many. tty_wakeup() follows when
	 * there is room again. */
	size_t (*write)(struct tty *t, const u8 *buf, size_t n);
	size_t (*room)(struct tty *t);
	/* Bytes not yet sent. NULL: 0. */
	size_t (*pending)(struct tty *t);
	int (*open)(struct tty *t, struct file *f);
	void (*close)(struct tty *t, struct file *f);	/* each; not in count */
	void (*set_termios)(struct tty *t, const struct termios_k *old);
	/* Input space is free again (after a refusal). */
	void (*unthrottle)(struct tty *t);
	void (*flush)(struct tty *t);		/* drop what is not sent */
	/* Something that the other end of a pty may be told: TIOCPKT_*. The
	 * lock may be held. */
	void (*packet)(struct tty *t, u8 bits);
	void (*resize)(struct tty *t);
	long (*ioctl)(struct tty *t, struct file *f, unsigned cmd,
		      unsigned long arg);
	void (*free)(struct tty *t);
};

#define TIOCPKT_FLUSHREAD 1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP 4
#define TIOCPKT_START 8
#define TIOCPKT_NOSTOP 16
#define TIOCPKT_DOSTOP 32

#define TTY_BUF 4096u

struct tty {
	struct ref refs;
	const struct tty_ops *ops;	/* const */
	void *priv;			/* driver's. const */
	char name[16];			/* "ttyS0", "pts/3". const */
	u32 dev;			/* const */
	u32 index;
	bool is_pty, is_master;
	struct char_device cdev;
	struct tty *link;		/* other end of a pty. lock */

	struct irqlock lock;		/* RANK_TTY_IRQ */
	struct termios_k termios;	/* lock */
	struct termios_k fixed;		/* bits that stay as they are. lock */
	struct winsize winsize;		/* lock */
	u32 count;			/* opens. lock */
	bool stopped;			/* ^S. lock */
	u32 hang_ups;			/* a file of an older one is dead. lock */
	bool exclusive;
	bool other_closed;		/* pty: no one at the other end */
	bool packet;			/* master: packet mode */
	u32 ctrl_status;		/* packet mode events. lock */
	bool pty_locked;

	/* job control: ctrl_lock (RANK_TTY_IRQ after lock is never nested) */
	struct irqlock ctrl_lock;
	struct pid *pgrp, *session;	/* own references */

	/* line discipline. lock */
	u8 buf[TTY_BUF];
	u64 delim[TTY_BUF / 64];	/* bit: this byte ends a line */
	u32 head, canon_head, tail;	/* only grow; index by mod */
	u32 lines;			/* complete lines in it */
	u32 column, canon_column;
	bool lnext;			/* next is literal */
	bool erasing;
	bool throttled;
	bool push;			/* left canonical mode with bytes */
	u32 sig_pending;		/* bit sig: to be sent after unlock */

	struct mutex read_lock;		/* RANK_TTY: one reader */
	struct mutex write_lock;	/* RANK_TTY: whole writes */
	struct waitq read_wait, write_wait;
	struct work hangup_work;
	struct list node;
};

extern const struct termios_k tty_std_termios;

/* A terminal without a device node (the caller registers cdev or devpts). */
int __must_check tty_alloc(const struct tty_ops *ops, void *priv, u32 dev,
			   struct tty **out);
/* tty_alloc, named, with a node in /dev. */
int __must_check tty_create(const char *name, u32 dev, const struct tty_ops *ops,
			    void *priv, struct tty **out);
static inline struct tty *tty_get(struct tty *t)
{
	ref_get(&t->refs);
	return t;
}
void tty_put(struct tty *t);
/* Received bytes. Any context. Returns how many were taken (a pty's writer
 * keeps the rest; a UART drops it). */
size_t tty_input(struct tty *t, const u8 *s, size_t n);
/* A break was received. */
void tty_input_break(struct tty *t);
/* There is room to write again. Any context. */
void tty_wakeup(struct tty *t);
void tty_hangup(struct tty *t);
/* The calling process's terminal, referenced; or NULL. */
struct tty *tty_current_get(void);
/* Space for input now. lock held or racy. */
size_t tty_input_room(struct tty *t);
/* /dev/console is this one from now on, if console= names it or none was. */
void tty_set_console(struct tty *t, const char *name);
/* devpts shows a node for each pair, which an open ptmx made; NULL: it goes.
 * Filled in by fs/devpts. */
extern int (*pty_node_hook)(u32 index, const struct file *ptmx);
