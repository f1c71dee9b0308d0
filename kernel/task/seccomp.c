/*
 * seccomp - filters of system calls.
 *
 * Theory:  a filter is a checked program of classic BPF; each points to the
 *          one that was set before it, and all of them are asked: the
 *          strictest answer counts.  A task with a mode has WORK_SECCOMP, so
 *          that its calls take the slow entry; others do not pay.
 *          Filters never change and are only ever added in front, so a task
 *          walks its own list without a lock, also while another thread
 *          gives it a longer one (TSYNC): the old list is part of the new.
 * Locks:   sighand->lock for task.seccomp of all threads; exec_lock keeps an
 *          exec away while threads are synchronised.
 * Life:    a filter is counted by the tasks that it is the first of, and by
 *          the filters that point to it.
 */
#include "task_impl.h"

#include <arch/trap.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <lib/cbpf.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <task/ptrace.h>
#include <task/seccomp.h>

#define OP_STRICT 0
#define OP_FILTER 1
#define OP_ACTION_AVAIL 2

#define FLAG_TSYNC 1u
#define FLAG_LOG 2u
#define FLAG_SPEC_ALLOW 4u	/* there is nothing to mitigate */
#define FLAG_TSYNC_ESRCH 16u
#define FLAGS_KNOWN (FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW | FLAG_TSYNC_ESRCH)

#define RET_KILL_PROCESS 0x80000000u
#define RET_KILL_THREAD 0x00000000u
#define RET_TRAP 0x00030000u
#define RET_ERRNO 0x00050000u
#define RET_USER_NOTIF 0x7fc00000u
#define RET_TRACE 0x7ff00000u
#define RET_LOG 0x7ffc0000u
#define RET_ALLOW 0x7fff0000u
#define RET_ACTION 0xffff0000u

#define MAX_PATH_INSNS 32768	/* of all filters of a task */
#define INSNS_PER_FILTER 4	/* what each costs beside its program */
#define MAX_ERRNO 4095

struct seccomp_filter {
	struct ref refs;
	u32 n;
	bool log;			/* all but ALLOW are told */
	struct seccomp_filter *prev;	/* owns a reference. const */
	struct cbpf_insn prog[];
};

struct seccomp_data {			/* uapi */
	s32 nr;
	u32 arch;
	u64 instruction_pointer;
	u64 args[6];
};
static_assert(sizeof(struct seccomp_data) == 64, "seccomp_data");

struct fprog {				/* struct sock_fprog */
	u16 len;
	u64 filter;
};

static void filter_put(struct seccomp_filter *f)
{
	struct seccomp_filter *prev;

	while (f && ref_put(&f->refs)) {
		prev = f->prev;
		kvfree(f);
		f = prev;
	}
}

/* --- at a system call ----------------------------------------------------------- */

/* The numbers of what strict mode allows. */
#define NR_READ 63
#define NR_WRITE 64
#define NR_EXIT 93
#define NR_RT_SIGRETURN 139

static void note(const struct regs *r, u32 action)
{
	pr_info("seccomp: uid=%u pid=%d comm=\"%s\" sig=%d syscall=%ld ip=0x%lx code=0x%x\n",
		current->cred->uid, current->tgid, current->comm,
		action & 0x7fff0000 ? 0 : 31, regs_syscall_nr(r),
		arch_user_pc(current), action);
}

/* The strictest answer; *from: the filter that gave it. */
static u32 ask(const struct regs *r, const struct seccomp_filter **from)
{
	struct seccomp_data d = {
		.nr = (s32)regs_syscall_nr(r),
		.arch = AUDIT_ARCH_NATIVE,
		.instruction_pointer = arch_user_pc(current),
	};
	const struct seccomp_filter *f = LOAD_ACQUIRE(current->seccomp.filter);
	u32 ret = RET_ALLOW, now;

	for (unsigned i = 0; i < 6; i++)
		d.args[i] = regs_syscall_arg(r, i);
	for (*from = f; f; f = f->prev) {
		now = cbpf_run(f->prog, &d, sizeof(d));
		if ((s32)(now & RET_ACTION) < (s32)(ret & RET_ACTION)) {
			ret = now;
			*from = f;
		}
	}
	return ret;
}

/* A SIGSYS that tells of the call, as if it had not been made. */
static void trap(struct regs *r, u32 data, bool is_fatal)
{
	struct siginfo info;

	memset(&info, 0, sizeof(info));
	info.signo = SIGSYS;
	info.err = (s32)data;
	info.code = SYS_SECCOMP;
	info.sys.call_addr = arch_user_pc(current);
	info.sys.syscall = (s32)regs_syscall_nr(r);
	info.sys.arch = AUDIT_ARCH_NATIVE;
	regs_set_return(r, (long)regs_syscall_arg(r, 0));
	r->syscall = -1;
	if (is_fatal)
		signal_force_fatal_info(&info);
	else
		signal_force_info(&info);
}

static void kill_for(struct regs *r, u32 action, u32 data)
{
	if (action == RET_KILL_THREAD && READ_ONCE(current->process->live) > 1)
		do_exit(SIGSYS);
	trap(r, data, true);
}

static bool run_filters(struct regs *r, bool after_trace);

/* The tracer decides, and may have changed the call: so it is asked again. */
static bool trace(struct regs *r, u32 data)
{
	if (!ptrace_event_enabled(current, PTRACE_EVENT_SECCOMP)) {
		regs_set_return(r, -ENOSYS);
		return false;
	}
	ptrace_event(PTRACE_EVENT_SECCOMP, data);
	if (fatal_signal_pending(current) || regs_syscall_nr(r) < 0)
		return false;
	return run_filters(r, true);
}

static bool run_filters(struct regs *r, bool after_trace)
{
	const struct seccomp_filter *from;
	u32 ret = ask(r, &from), data = ret & ~RET_ACTION;

	if (from && from->log && (ret & RET_ACTION) != RET_ALLOW)
		note(r, ret & RET_ACTION);
	switch (ret & RET_ACTION) {
	case RET_ALLOW:
		return true;
	case RET_LOG:
		if (!from->log)
			note(r, RET_LOG);
		return true;
	case RET_TRACE:
		return after_trace || trace(r, data);
	case RET_USER_NOTIF:		/* nobody listens */
		regs_set_return(r, -ENOSYS);
		return false;
	case RET_ERRNO:
		regs_set_return(r, -(long)min(data, (u32)MAX_ERRNO));
		return false;
	case RET_TRAP:
		trap(r, data, false);
		return false;
	}
	kill_for(r, ret & RET_ACTION, data);
	return false;
}

bool seccomp_syscall_enter(struct regs *r)
{
	if (current->seccomp.mode == SECCOMP_MODE_FILTER)
		return run_filters(r, false);
	switch (regs_syscall_nr(r)) {
	case NR_READ:
	case NR_WRITE:
	case NR_EXIT:
	case NR_RT_SIGRETURN:
		return true;
	}
	do_exit(SIGKILL);
}

/* --- setting ---------------------------------------------------------------------- */

static void set_mode_locked(struct task *t, u32 mode)
{
	WRITE_ONCE(t->seccomp.mode, mode);
	smp_wmb();
	flag_set(&t->work, WORK_SECCOMP);
}

static bool may_set_locked(u32 mode)
{
	return !current->seccomp.mode || current->seccomp.mode == mode;
}

static long set_strict(void)
{
	struct sighand *s = current->sighand;
	long ret = -EINVAL;

	irq_lock(&s->lock);
	if (may_set_locked(SECCOMP_MODE_STRICT)) {
		set_mode_locked(current, SECCOMP_MODE_STRICT);
		ret = 0;
	}
	irq_unlock(&s->lock);
	return ret;
}

static int copy_program(const struct fprog *fp, struct seccomp_filter *f)
{
	const void __user *from = (const void __user *)(uintptr_t)fp->filter;
	u16 *valid;
	int err;

	if (copy_from_user(f->prog, from, fp->len * sizeof(f->prog[0])))
		return -EFAULT;
	valid = kmalloc_array(fp->len, sizeof(*valid), GFP_KERNEL);
	if (!valid)
		return -ENOMEM;
	err = cbpf_check(f->prog, fp->len, sizeof(struct seccomp_data), valid);
	kfree(valid);
	return err;
}

static int filter_create(const void __user *arg, struct seccomp_filter **out)
{
	struct seccomp_filter *f;
	struct fprog fp;
	int err;

	if (copy_from_user(&fp, arg, sizeof(fp)))
		return -EFAULT;
	if (!fp.len || fp.len > CBPF_MAX_INSNS)
		return -EINVAL;
	/* else a set-id program could be misled */
	if (!current->no_new_privs &&
	    !ns_capable(current_user_ns(), CAP_SYS_ADMIN))
		return -EACCES;
	f = kvzalloc(sizeof(*f) + fp.len * sizeof(f->prog[0]), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	ref_init(&f->refs, 1);
	f->n = fp.len;
	err = copy_program(&fp, f);
	if (err)
		kvfree(f);
	else
		*out = f;
	return err;
}

static bool is_ancestor(const struct seccomp_filter *of,
			const struct seccomp_filter *f)
{
	for (; of; of = of->prev)
		if (of == f)
			return true;
	return !f;
}

/* A thread whose filters are not a part of ours, as we see its number. */
static int find_diverged_locked(void)
{
	struct task *t;

	for_each_thread(t, current->process) {
		if (t == current || (READ_ONCE(t->flags) & TF_EXITING))
			continue;
		if (t->seccomp.mode == SECCOMP_MODE_DISABLED)
			continue;
		if (t->seccomp.mode != SECCOMP_MODE_FILTER ||
		    !is_ancestor(current->seccomp.filter, t->seccomp.filter))
			return task_vpid(t);
	}
	return 0;
}

static void sync_threads_locked(void)
{
	struct task *t;

	for_each_thread(t, current->process) {
		struct seccomp_filter *old = t->seccomp.filter;

		if (t == current || (READ_ONCE(t->flags) & TF_EXITING))
			continue;
		ref_get(&current->seccomp.filter->refs);
		STORE_RELEASE(t->seccomp.filter, current->seccomp.filter);
		t->seccomp.count = current->seccomp.count;
		if (current->no_new_privs)
			t->no_new_privs = true;
		set_mode_locked(t, SECCOMP_MODE_FILTER);
		filter_put(old);	/* never the last: it is in the list */
	}
}

static long attach_locked(struct seccomp_filter *f, unsigned flags)
{
	struct seccomp_filter *g;
	u64 total = f->n;
	int tid;

	if (!may_set_locked(SECCOMP_MODE_FILTER))
		return -EINVAL;
	for (g = current->seccomp.filter; g; g = g->prev)
		total += g->n + INSNS_PER_FILTER;
	if (total > MAX_PATH_INSNS)
		return -ENOMEM;
	if (flags & FLAG_TSYNC) {
		tid = find_diverged_locked();
		if (tid)
			return flags & FLAG_TSYNC_ESRCH ? -ESRCH : tid;
	}
	f->log = flags & FLAG_LOG;
	f->prev = current->seccomp.filter;
	STORE_RELEASE(current->seccomp.filter, f);
	current->seccomp.count++;
	set_mode_locked(current, SECCOMP_MODE_FILTER);
	if (flags & FLAG_TSYNC)
		sync_threads_locked();
	return 0;
}

static long set_filter(unsigned flags, const void __user *arg)
{
	struct sighand *s = current->sighand;
	struct seccomp_filter *f = NULL;
	long ret;

	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;
	ret = filter_create(arg, &f);
	if (ret)
		return ret;
	ret = mutex_lock_killable(&current->process->exec_lock);
	if (ret)
		goto out_put;
	irq_lock(&s->lock);
	ret = attach_locked(f, flags);
	irq_unlock(&s->lock);
	mutex_unlock(&current->process->exec_lock);
out_put:
	if (ret)
		filter_put(f);
	return ret;
}

static long action_avail(const u32 __user *arg)
{
	u32 action;

	if (copy_from_user(&action, arg, sizeof(action)))
		return -EFAULT;
	switch (action) {
	case RET_KILL_PROCESS:
	case RET_KILL_THREAD:
	case RET_TRAP:
	case RET_ERRNO:
	case RET_TRACE:
	case RET_LOG:
	case RET_ALLOW:
		return 0;
	}
	return -EOPNOTSUPP;
}

long do_seccomp(unsigned op, unsigned flags, void __user *arg)
{
	switch (op) {
	case OP_STRICT:
		return flags || arg ? -EINVAL : set_strict();
	case OP_FILTER:
		return set_filter(flags, arg);
	case OP_ACTION_AVAIL:
		return flags ? -EINVAL : action_avail(arg);
	}
	return -EINVAL;
}

long seccomp_set_mode(unsigned long mode, void __user *filter)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return set_strict();
	case SECCOMP_MODE_FILTER:
		return set_filter(0, filter);
	}
	return -EINVAL;
}

/* --- life --------------------------------------------------------------------------- */

void seccomp_inherit_locked(struct task *t)
{
	if (likely(!current->seccomp.mode) || (t->flags & TF_KERNEL))
		return;
	t->seccomp = current->seccomp;
	if (t->seccomp.filter)
		ref_get(&t->seccomp.filter->refs);
	if (current->no_new_privs)
		t->no_new_privs = true;
	set_mode_locked(t, t->seccomp.mode);
}

void seccomp_release(struct task *t)
{
	filter_put(t->seccomp.filter);
}
