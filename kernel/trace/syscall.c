/*
 * syscall - system calls seen from the outside: events, latencies, strace=.
 *
 * Theory:  a task with WORK_SYSTRACE takes the slow way through the entry
 *          code, so what is off costs nothing.  Switching on sets the bit of
 *          every task; a new task gets it in task_link(), under the lock that
 *          makes it visible.  Switching off clears nothing: each task drops
 *          the bit at its next call.
 *          strace=NAME marks the tasks that execute a program of that name,
 *          and their children; each of their calls is a message.
 * Locks:   the marks are the owner task's; counts belong to their hart.
 */
#include "events_impl.h"

#include <arch/task.h>
#include <arch/uaccess.h>
#include <kernel/init.h>
#include <kernel/preempt.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <lib/errno.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <syscall_names.h>
#include <time/clock.h>

#define STRING_MAX 40

u32 trace_latencies_on;
struct trace_latency *trace_latencies[MAX_HARTS];
static const char *strace_name;		/* const after init */

static void param_strace(const char *value)
{
	strace_name = *value ? value : NULL;
}
PARAM("strace", param_strace);

static bool everyone_is_traced(void)
{
	return READ_ONCE(trace_latencies_on) ||
	       trace_event_is_on(TE_SYS_ENTER) ||
	       trace_event_is_on(TE_SYS_EXIT);
}

void trace_syscalls_update(void)
{
	struct task *t;

	if (!everyone_is_traced())
		return;
	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node)
		if (!is_kernel_task(t))
			flag_set(&t->work, WORK_SYSTRACE);
	rcu_read_unlock();
}

void trace_task_init(struct task *t)
{
	t->flags |= current->flags & TF_STRACE;
	if ((t->flags & TF_STRACE) ||
	    (everyone_is_traced() && !is_kernel_task(t)))
		flag_set(&t->work, WORK_SYSTRACE);
}

void trace_task_exec(struct task *t)
{
	if (strace_name && !strncmp(t->comm, strace_name, sizeof(t->comm) - 1))
		t->flags |= TF_STRACE;
	if ((t->flags & TF_STRACE) || everyone_is_traced())
		flag_set(&t->work, WORK_SYSTRACE);
}

/* --- strace= ----------------------------------------------------------------*/

static int put_string(char *buf, size_t size, unsigned long at)
{
	char text[STRING_MAX + 1];
	size_t n;
	int err = strncpy_from_user(text, (const char __user *)at,
				    sizeof(text), &n);

	if (err && err != -ENAMETOOLONG)
		return kscnprintf(buf, size, "0x%lx", at);
	text[STRING_MAX] = 0;
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '.';
	return kscnprintf(buf, size, "\"%s\"%s", text, err ? "..." : "");
}

static int put_arg(char *buf, size_t size, char kind, unsigned long v)
{
	if (kind == 's')
		return put_string(buf, size, v);
	if (kind == 'd')
		return kscnprintf(buf, size, "%d", (int)v);
	return kscnprintf(buf, size, v > 9 ? "0x%lx" : "%lu", v);
}

static void strace_enter(struct regs *r)
{
	long nr = regs_syscall_nr(r);
	const char *name = NULL, *kinds = "xxxxxx";
	char text[256];
	int n;

	if (nr >= 0 && nr < NR_SYSCALLS)
		name = syscall_names[nr];
	if (name)
		kinds = name + strlen(name) + 1;
	n = name ? kscnprintf(text, sizeof(text), "%s(", name) :
		   kscnprintf(text, sizeof(text), "syscall_%ld(", nr);
	for (unsigned i = 0; kinds[i]; i++) {
		size_t room = sizeof(text) - (size_t)n;

		n += kscnprintf(text + n, room, i ? ", " : "");
		n += put_arg(text + n, sizeof(text) - (size_t)n, kinds[i],
			     regs_syscall_arg(r, i));
	}
	pr_info("strace: %s[%d] %s)\n", current->comm, current->tid, text);
}

static void strace_exit(struct regs *r)
{
	long nr = regs_syscall_nr(r), ret = regs_return(r);
	const char *name = nr >= 0 && nr < NR_SYSCALLS ? syscall_names[nr] :
							 NULL;

	pr_info("strace: %s[%d] %s = %ld\n", current->comm, current->tid,
		name ? name : "?", ret);
}

/* --- latencies --------------------------------------------------------------*/

static void count_latency(long nr, u64 ns)
{
	struct trace_latency *l;
	u32 us = (u32)(ns / NSEC_PER_USEC);

	preempt_disable();
	l = trace_latencies[current->hart->id];
	if (l && nr >= 0 && nr < NR_SYSCALLS) {
		l += nr;
		l->count++;
		l->sum += ns;
		l->max_us = max(l->max_us, us);
		l->bucket[min(ns ? 64 - (u32)__builtin_clzl(ns) : 0u,
			      TRACE_LAT_BUCKETS - 1u)]++;
	}
	preempt_enable();
}

/* --- from the entry code ----------------------------------------------------*/

static void write_enter(const struct regs *r)
{
	struct te_sys_enter *e = trace_begin(TE_SYS_ENTER, sizeof(*e));

	if (!e)
		return;
	e->id = regs_syscall_nr(r);
	for (unsigned i = 0; i < 6; i++)
		e->args[i] = regs_syscall_arg(r, i);
	trace_end(TE_SYS_ENTER, e);
}

static void write_exit(const struct regs *r)
{
	struct te_sys_exit *e = trace_begin(TE_SYS_EXIT, sizeof(*e));

	if (!e)
		return;
	e->id = regs_syscall_nr(r);
	e->ret = regs_return(r);
	trace_end(TE_SYS_EXIT, e);
}

void trace_sys_enter(struct regs *r)
{
	struct task *t = current;

	if (!everyone_is_traced() && !(t->flags & TF_STRACE)) {
		flag_clear(&t->work, WORK_SYSTRACE);
		return;
	}
	if (t->flags & TF_STRACE)
		strace_enter(r);
	if (trace_event_is_on(TE_SYS_ENTER))
		write_enter(r);
	t->syscall_ns = READ_ONCE(trace_latencies_on) ? clock_ns() : 0;
}

void trace_sys_exit(struct regs *r)
{
	struct task *t = current;

	if (t->syscall_ns)
		count_latency(regs_syscall_nr(r), clock_ns() - t->syscall_ns);
	t->syscall_ns = 0;
	if (trace_event_is_on(TE_SYS_EXIT))
		write_exit(r);
	if (t->flags & TF_STRACE)
		strace_exit(r);
}
