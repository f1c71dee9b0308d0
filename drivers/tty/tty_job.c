/*
 * tty_job - terminals and job control: controlling terminal, foreground
 * process group, background reads and writes, sessions that end.
 *
 * Locks:   tty->ctrl_lock guards pgrp and session; a process's tty pointer is
 *          guarded by its siglock.  Order: tasklist_lock, siglock, ctrl_lock.
 * Life:    a process's tty pointer owns no reference: a terminal is hung up
 *          before its last reference goes, and that clears the pointers of
 *          the whole session.  So a terminal becomes that of a session and of
 *          its leader in one step, and none does whose other end has gone;
 *          a new process has its parent's pointer from when it is in the
 *          session (tasklist_lock).
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

static struct pid *session_get(struct tty *t)
{
	struct pid *p = NULL;

	irq_lock(&t->ctrl_lock);
	if (t->session)
		p = pid_get(t->session);
	irq_unlock(&t->ctrl_lock);
	return p;
}

static void pids_put(struct pid *a, struct pid *b)
{
	if (a)
		pid_put(a);
	if (b)
		pid_put(b);
}

/* It is nobody's terminal any more. */
static void forget_session(struct tty *t)
{
	struct pid *pgrp, *session;

	irq_lock(&t->ctrl_lock);
	pgrp = t->pgrp;
	session = t->session;
	t->pgrp = t->session = NULL;
	irq_unlock(&t->ctrl_lock);
	pids_put(pgrp, session);
}

/* Makes t the terminal of current, a session leader, and of its session, if
 * it still belongs to `owner` (NULL: to nobody) and current has none.
 * Whoever hangs it up sees both or neither. */
static bool take_tty(struct tty *t, const struct pid *owner)
{
	struct pid *pgrp, *session;
	struct sighand *sh;
	bool done;

	rcu_read_lock();
	pgrp = pid_get(task_pgrp(current));
	session = pid_get(task_session(current));
	rcu_read_unlock();
	sh = task_lock_sighand(current);
	irq_lock(&t->ctrl_lock);
	done = !READ_ONCE(t->other_closed) && t->session == owner &&
	       !current->process->tty;
	if (done) {
		swap(t->pgrp, pgrp);
		swap(t->session, session);
		current->process->tty = t;
	}
	irq_unlock(&t->ctrl_lock);
	task_unlock_sighand(sh);
	pids_put(pgrp, session);
	return done;
}

/* On open: a session leader without a terminal gets this one. */
void tty_set_controlling(struct tty *t)
{
	struct process *p = current->process;

	if (!p->is_session_leader || p->tty || READ_ONCE(t->session))
		return;
	take_tty(t, NULL);
}

static void give_tty_up(void)
{
	struct sighand *sh = task_lock_sighand(current);

	if (!sh)
		return;
	current->process->tty = NULL;
	task_unlock_sighand(sh);
}

/* All members of a session lose the terminal. */
static void session_clear_tty(struct pid *session)
{
	struct process *p;

	read_lock(&tasklist_lock);
	for_each_pid_process(p, session, PIDTYPE_SID) {
		irq_lock(p->siglock);
		p->tty = NULL;
		irq_unlock(p->siglock);
	}
	read_unlock(&tasklist_lock);
}

static long set_ctty(struct tty *t, int arg)
{
	struct process *p = current->process;
	struct pid *owner = session_get(t);
	long err = 0;

	if (p->is_session_leader && owner == task_session(current))
		goto out;
	err = -EPERM;
	if (!p->is_session_leader || p->tty)
		goto out;
	if (owner) {
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			goto out;
		session_clear_tty(owner);
	}
	if (take_tty(t, owner))
		err = 0;
out:
	pids_put(owner, NULL);
	return err;
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

/* Takes the reference of *pgrp and gives that of the group before, unless the
 * session has lost the terminal meanwhile. */
static void set_foreground(struct tty *t, struct pid **pgrp)
{
	irq_lock(&t->ctrl_lock);
	if (t->session)
		swap(t->pgrp, *pgrp);
	irq_unlock(&t->ctrl_lock);
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
		set_foreground(real, &p);
	pids_put(p, NULL);
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
			give_tty_up();
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
	forget_session(t);
	session_clear_tty(session);
	tty_put(t);
}

/* SIGHUP and SIGCONT to the session leader and the foreground group. */
void tty_signal_session_hup(struct tty *t)
{
	struct pid *session = session_get(t);
	struct task *leader;

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
	forget_session(t);
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

static u32 dev_of(const struct tty *t)
{
	return t->dev;
}

static void job_init(void)
{
	tty_session_exit_hook = disassociate;
	tty_dev_hook = dev_of;
}
INIT(INIT_FS, job_init);
