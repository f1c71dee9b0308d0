/*
 * prctl - the odd settings of a task or its process.
 */
#include "task_impl.h"

#include <arch/uaccess.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <task/seccomp.h>
#include <task/user_dispatch.h>

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_GET_KEEPCAPS 7
#define PR_SET_KEEPCAPS 8
#define PR_GET_TIMING 13
#define PR_SET_TIMING 14
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_GET_SECCOMP 21
#define PR_SET_SECCOMP 22
#define PR_CAPBSET_READ 23
#define PR_CAPBSET_DROP 24
#define PR_GET_SECUREBITS 27
#define PR_SET_SECUREBITS 28
#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define PR_SET_MM 35
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_GET_TID_ADDRESS 40
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#define PR_CAP_AMBIENT 47
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SET_PTRACER 0x59616d61
#define PR_SET_VMA 0x53564d41

#define PR_CAP_AMBIENT_IS_SET 1
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_LOWER 3
#define PR_CAP_AMBIENT_CLEAR_ALL 4

static int set_name(const char __user *u)
{
	char name[16] = { 0 };
	size_t len;
	int err = strncpy_from_user(name, u, sizeof(name) - 1, &len);

	if (err && err != -ENAMETOOLONG)
		return err;
	name[sizeof(name) - 1] = '\0';
	task_set_comm(current, name);
	return 0;
}

static int get_name(char __user *u)
{
	char name[16];

	irq_lock(&current->alloc_lock);
	memcpy(name, current->comm, sizeof(name));
	irq_unlock(&current->alloc_lock);
	return copy_to_user(u, name, sizeof(name));
}

/* All processes below a subreaper learn of it, now and when forked. */
static void mark_descendants(struct task *t)
{
	struct task *th, *c;

	for_each_thread(th, t->process) {
		list_for_each_entry(c, &th->children, sibling) {
			if (c->process->has_child_subreaper)
				continue;
			c->process->has_child_subreaper = true;
		}
	}
}

static void set_subreaper(bool on)
{
	struct task *t, *up;

	current->process->is_child_subreaper = on;
	if (!on)
		return;
	read_lock(&tasklist_lock);
	mark_descendants(current);
	/* Deeper ones: whoever has a marked ancestor. */
	list_for_each_entry_rcu(t, &all_tasks, all_node)
		for (up = t; up != &boot_task && up != up->real_parent;
		     up = up->real_parent)
			if (up->real_parent->process == current->process) {
				t->process->has_child_subreaper = true;
				break;
			}
	read_unlock(&tasklist_lock);
}

/* Changes one field of the credentials. */
static int change_cred(void (*change)(struct cred *c, unsigned long a),
		       unsigned long a)
{
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	change(c, a);
	cred_commit(c);
	return 0;
}

static void drop_bounding(struct cred *c, unsigned long cap)
{
	c->bounding &= ~(1ull << cap);
}

static void set_securebits(struct cred *c, unsigned long bits)
{
	c->securebits = (u32)bits;
}

static void set_ambient(struct cred *c, unsigned long bits)
{
	c->ambient = bits;
}

static int capbset_drop(unsigned long cap)
{
	if (!ns_capable(current_user_ns(), CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	return change_cred(drop_bounding, cap);
}

static int securebits(unsigned long bits)
{
	u32 now = current->cred->securebits;
	u32 locked = (now & SECBIT_LOCKS) >> 1;

	if ((locked & (now ^ bits)) || (now & SECBIT_LOCKS & ~bits) ||
	    (bits & ~(unsigned long)SECBIT_ALL) ||
	    !ns_capable(current_user_ns(), CAP_SETPCAP))
		return -EPERM;
	return change_cred(set_securebits, bits);
}

static int keep_caps(unsigned long on)
{
	u32 now = current->cred->securebits;

	if (on > 1)
		return -EINVAL;
	if (now & SECBIT_KEEP_CAPS << 1)
		return -EPERM;
	return change_cred(set_securebits, on ? now | SECBIT_KEEP_CAPS :
			   now & ~SECBIT_KEEP_CAPS);
}

static int cap_ambient(unsigned long op, unsigned long cap, long *ret)
{
	const struct cred *c = current->cred;
	u64 bit = 1ull << (cap & 63);

	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		return cap ? -EINVAL : change_cred(set_ambient, 0);
	if (cap > CAP_LAST)
		return -EINVAL;
	switch (op) {
	case PR_CAP_AMBIENT_IS_SET:
		*ret = !!(c->ambient & bit);
		return 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & bit) ||
		    (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		return change_cred(set_ambient, c->ambient | bit);
	case PR_CAP_AMBIENT_LOWER:
		return change_cred(set_ambient, c->ambient & ~bit);
	}
	return -EINVAL;
}

static int set_dumpable(unsigned long v)
{
	if (v > 1)
		return -EINVAL;
	current->mm->dumpable = (u32)v;
	return 0;
}

static int set_pdeath(unsigned long sig)
{
	if (sig > NSIG)
		return -EINVAL;
	current->pdeath_signal = (int)sig;
	return 0;
}

int do_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4,
	     unsigned long a5, long *ret)
{
	const struct cred *c = current->cred;
	bool no_345 = !a3 && !a4 && !a5;

	*ret = 0;
	switch (option) {
	case PR_SET_PDEATHSIG:
		return set_pdeath(a2);
	case PR_GET_PDEATHSIG:
		return put_user(current->pdeath_signal, (int __user *)a2);
	case PR_GET_DUMPABLE:
		*ret = current->mm->dumpable;
		return 0;
	case PR_SET_DUMPABLE:
		return set_dumpable(a2);
	case PR_GET_KEEPCAPS:
		*ret = !!(c->securebits & SECBIT_KEEP_CAPS);
		return 0;
	case PR_SET_KEEPCAPS:
		return keep_caps(a2);
	case PR_GET_TIMING:
		return 0;
	case PR_SET_TIMING:
		return a2 ? -EINVAL : 0;
	case PR_SET_NAME:
		return set_name((const char __user *)a2);
	case PR_GET_NAME:
		return get_name((char __user *)a2);
	case PR_GET_SECCOMP:
		*ret = current->seccomp.mode;
		return 0;
	case PR_SET_SECCOMP:
		*ret = seccomp_set_mode(a2, (void __user *)a3);
		return 0;
	case PR_CAPBSET_READ:
		*ret = a2 <= CAP_LAST && (c->bounding >> a2 & 1);
		return a2 <= CAP_LAST ? 0 : -EINVAL;
	case PR_CAPBSET_DROP:
		return capbset_drop(a2);
	case PR_GET_SECUREBITS:
		*ret = c->securebits;
		return 0;
	case PR_SET_SECUREBITS:
		return securebits(a2);
	case PR_SET_TIMERSLACK:
		sched_set_slack(current, a2);
		return 0;
	case PR_GET_TIMERSLACK:
		*ret = (long)current->timer_slack_ns;
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		set_subreaper(a2);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)current->process->is_child_subreaper,
				(int __user *)a2);
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || !no_345)
			return -EINVAL;
		current->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		*ret = current->no_new_privs;
		return a2 || !no_345 ? -EINVAL : 0;
	case PR_GET_TID_ADDRESS:
		return put_user((u64)(uintptr_t)current->clear_child_tid,
				(u64 __user *)a2);
	case PR_SET_THP_DISABLE:
		if (!no_345)
			return -EINVAL;
		current->mm->is_thp_disabled = a2;
		return 0;
	case PR_GET_THP_DISABLE:
		*ret = current->mm->is_thp_disabled;
		return a2 || !no_345 ? -EINVAL : 0;
	case PR_SET_SYSCALL_USER_DISPATCH:
		return user_dispatch_set(a2, a3, a4, a5);
	case PR_SET_PTRACER:
		return ptrace_scope_set_tracer(a2);
	case PR_CAP_AMBIENT:
		return a4 || a5 ? -EINVAL : cap_ambient(a2, a3, ret);
	}
	return -EINVAL;
}
