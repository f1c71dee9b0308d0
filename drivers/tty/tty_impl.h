#pragma once
/* Types of the terminal layer.  docs/tty.md. */
#include <drivers/tty.h>
#include <fs/vfs.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <task/pid.h>

/* tty_core.c */
extern const struct file_ops tty_fops;
int tty_check_change_intr(struct tty *t, int sig);
int tty_open_file(struct tty *t, struct file *f, bool may_control);
/* Was the terminal hung up since the file was opened? */
bool file_hupped(const struct file *f);

/* ldisc.c: all with tty->lock held unless said */
void ldisc_reset_locked(struct tty *t);
bool ldisc_readable_locked(struct tty *t, size_t min);
size_t ldisc_chars_locked(struct tty *t);
void ldisc_stop_locked(struct tty *t, bool stop);
/* Not held. */
ssize_t ldisc_read(struct tty *t, struct file *f, struct iter *it,
		   unsigned flags);
ssize_t ldisc_write(struct tty *t, struct file *f, struct iter *it,
		    unsigned flags);
void ldisc_termios_changed_locked(struct tty *t, const struct termios_k *old);
void ldisc_flush_input(struct tty *t);

/* tty_ioctl.c */
long tty_ioctl(struct file *f, unsigned cmd, unsigned long arg);

/* tty_job.c */
void tty_set_controlling(struct tty *t);
long tty_job_ioctl(struct tty *t, struct tty *real, struct file *f,
		   unsigned cmd, unsigned long arg, bool *handled);
void tty_signal_session_hup(struct tty *t);
void tty_signal_fg(struct tty *t, int sig);

/* pty.c */
struct tty *pty_slave_get(u32 index);

#define T_FLAG(t, member, bit) ((t)->termios.member & (bit))
#define I_FLAG(t, bit) T_FLAG(t, iflag, bit)
#define O_FLAG(t, bit) T_FLAG(t, oflag, bit)
#define L_FLAG(t, bit) T_FLAG(t, lflag, bit)
#define C_CHAR(t, i) ((t)->termios.cc[i])

#define PTY_MAX 4096u		/* pairs */
