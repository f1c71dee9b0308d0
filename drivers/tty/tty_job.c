/*
 * tty_job - terminals and job control: controlling terminal, foreground
 * process group, background reads and writes, sessions that end.
 *
 * Locks:   tty->ctrl_lock guards pgrp and session; a process's tty pointer is
 *          guarded by its siglock.  Order: siglock, then ctrl_lock.
 * Life:    a process's tty pointer owns no reference: a terminal is hung up
 *          before its last reference goes, and that clears the pointers of
 *          the whole session.
 */
#include <arch/uaccess.h>
#include <kernel/init.h>
#include <signal/signal.h>
#include <task/process.h>
#include "tty_impl.h"

struct tty *tty_current_get(void)
{
	struct sighand *sh = task_lock_sighand(current);
	struct tty *t = NULL;

	if (!sh)
		return NULL;
	if (current->process->tty)
		t = tty_get(current->process->tty);
	task_unlock_sighand(sh);
	return t;
}

static struct pid *pgrp_get(struct tty *t)
{
	struct pid *p = NULL;

	irq_lock(&t->ctrl_lock);
	if (t->pgrp)
		p = pid_get(t->pgrp);
	irq_unlock(&t->ctrl_lock);
	return p;
}

void tty_signal_fg(struct tty *t, int sig)
{
	struct pid *p = pgrp_get(t);

	if (!p)
		return;
	ignore_error(signal_send_pgrp(sig, SIG_INFO_KERNEL, p));
	pid_put(p);
}

/* For a background process: SIGTTIN or SIGTTOU to its group, or -EIO where
 * that would be for nothing. 0 in the foreground. */
int tty_check_change_intr(struct tty *t, int sig)
{
	struct pid *fg, *mine;
	bool is_fg;
	int err = 0;

	if (current->process->tty != t)
		return 0;
	fg = pgrp_get(t);
	rcu_read_lock();
	mine = pid_get(task_pgrp(current));
	rcu_read_unlock();
	is_fg = !fg || fg == mine;
	if (fg)
		pid_put(fg);
	if (is_fg)
		goto out;
	if (signal_is_ignored(current, sig) ||
	    (current->blocked & SIGMASK(sig))) {
		err = sig == SIGTTIN ? -EIO : 0;
	} else if (pgrp_is_orphaned(mine)) {
		err = -EIO;
	} else {
		ignore_error(signal_send_pgrp(sig, SIG_INFO_KERNEL, mine));
		flag_set(&current->work, WORK_SIGNAL);
		err = -ERESTARTSYS;
	}
out:
	pid_put(mine);
	return err;
}

static void set_pgrp_session(struct tty *t, struct pid *pgrp,
			     struct pid *session)
{
	struct pid *op, *os;

	if (pgrp)
		pid_get(pgrp);
	if (session)
		pid_get(session);
	irq_lock(&t->ctrl_lock);
	op = t->pgrp;
	os = t->session;
	t->pgrp = pgrp;
	t->session = session;
	irq_unlock(&t->ctrl_lock);
	if (op)
		pid_put(op);
	if (os)
		pid_put(os);
}

/* Makes t the terminal of current's process; old ones are let go. */
static void process_take_tty(struct tty *t)
{
	struct sighand *sh = task_lock_sighand(current);

	if (!sh)
		return;
	current->process->tty = t;
	task_unlock_sighand(sh);
}

/* On open: a session leader without a terminal gets this one. */
void tty_set_controlling(struct tty *t)
{
	struct process *p = current->process;

	if (!p->is_session_leader || p->tty || READ_ONCE(t->session))
		return;
	set_pgrp_session(t, task_pgrp(current), task_session(current));
	process_take_tty(t);
}

/* All members of a session lose the terminal. */
static void session_clear_tty(struct pid *session)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry(t, &all_tasks, all_node) {
		struct sighand *sh;

		if (!task_is_leader(t) || task_session(t) != session)
			continue;
		sh = task_lock_sighand(t);
		if (!sh)
			continue;
		t->process->tty = NULL;
		task_unlock_sighand(sh);
	}
	rcu_read_unlock();
}

static long set_ctty(struct tty *t, int arg)
{
	struct process *p = current->process;

	if (p->is_session_leader && t->session == task_session(current))
		return 0;
	if (!p->is_session_leader || p->tty)
		return -EPERM;
	if (t->session) {
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		session_clear_tty(t->session);
	}
	set_pgrp_session(t, task_pgrp(current), task_session(current));
	process_take_tty(t);
	return 0;
}

static long get_pgrp(struct tty *t, struct tty *real, int __user *arg)
{
	struct pid *p;
	int nr = 0;

	if (t == real && current->process->tty != real)
		return -ENOTTY;
	p = pgrp_get(real);
	if (p) {
		nr = pid_vnr(p);
		pid_put(p);
	}
	return put_user(nr, arg);
}

static long set_pgrp(struct tty *real, const int __user *arg)
{
	struct pid *p;
	struct task *leader;
	long err;
	int nr;

	err = tty_check_change_intr(real, SIGTTOU);
	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (current->process->tty != real ||
	    real->session != task_session(current))
		return -ENOTTY;
	if (get_user(nr, arg))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	rcu_read_lock();
	p = pid_find(nr);
	if (p)
		pid_get(p);
	err = p ? 0 : -ESRCH;
	if (!err) {
		leader = pid_task(p, PIDTYPE_PGID);
		if (!leader || task_session(leader) != task_session(current))
			err = -EPERM;
	}
	rcu_read_unlock();
	if (!err)
		set_pgrp_session(real, p, real->session);
	if (p)
		pid_put(p);
	return err;
}

static long get_sid(struct tty *t, struct tty *real, int __user *arg)
{
	struct pid *s;
	int nr;

	if (t == real && current->process->tty != real)
		return -ENOTTY;
	irq_lock(&real->ctrl_lock);
	s = real->session;
	nr = s ? pid_vnr(s) : 0;
	irq_unlock(&real->ctrl_lock);
	return s ? put_user(nr, arg) : -ENOTTY;
}

/* The session leader gives its terminal up: SIGHUP and SIGCONT to the
 * foreground, nobody in the session has it any more. */
static void disassociate(bool on_exit)
{
	struct tty *t = tty_current_get();
	struct pid *session;

	if (!t)
		return;
	if (!current->process->is_session_leader) {
		if (!on_exit)
			process_take_tty(NULL);
		tty_put(t);
		return;
	}
	if (on_exit && !t->is_pty)
		tty_signal_session_hup(t);
	else {
		tty_signal_fg(t, SIGHUP);
		tty_signal_fg(t, SIGCONT);
	}
	session = task_session(current);
	set_pgrp_session(t, NULL, NULL);
	session_clear_tty(session);
	tty_put(t);
}

/* SIGHUP and SIGCONT to the session leader and the foreground group. */
void tty_signal_session_hup(struct tty *t)
{
	struct pid *session = NULL;
	struct task *leader;

	irq_lock(&t->ctrl_lock);
	if (t->session)
		session = pid_get(t->session);
	irq_unlock(&t->ctrl_lock);
	tty_signal_fg(t, SIGHUP);
	tty_signal_fg(t, SIGCONT);
	if (!session)
		return;
	rcu_read_lock();
	leader = pid_task(session, PIDTYPE_SID);
	if (leader && leader->process->is_session_leader) {
		ignore_error(signal_send(SIGHUP, SIG_INFO_KERNEL, leader,
					 SIG_TO_PROCESS));
		ignore_error(signal_send(SIGCONT, SIG_INFO_KERNEL, leader,
					 SIG_TO_PROCESS));
	}
	rcu_read_unlock();
	session_clear_tty(session);
	set_pgrp_session(t, NULL, NULL);
	pid_put(session);
}

#define TIOCSCTTY 0x540E
#define TIOCGPGRP 0x540F
#define TIOCSPGRP 0x5410
#define TIOCNOTTY 0x5422
#define TIOCGSID 0x5429

long tty_job_ioctl(struct tty *t, struct tty *real, struct file *f,
		   unsigned cmd, unsigned long arg, bool *handled)
{
	*handled = true;
	switch (cmd) {
	case TIOCSCTTY:
		return set_ctty(real, (int)arg);
	case TIOCGPGRP:
		return get_pgrp(t, real, (int __user *)arg);
	case TIOCSPGRP:
		return set_pgrp(real, (const int __user *)arg);
	case TIOCGSID:
		return get_sid(t, real, (int __user *)arg);
	case TIOCNOTTY:
		if (current->process->tty != t)
			return -ENOTTY;
		disassociate(false);
		return 0;
	}
	*handled = false;
	return 0;
}

static void job_init(void)
{
	tty_session_exit_hook = disassociate;
}
INIT(INIT_FS, job_init);
