/*
 * ptrace_request - what a tracer reads and writes of a tracee that is frozen
 * in a stop: memory, registers, options, signals (ptrace(2)).
 */
#include "ptrace_impl.h"

#include <arch/ptrace.h>
#include <arch/uaccess.h>
#include <lib/elf.h>
#include <lib/string.h>
#include <mm/iter.h>
#include <mm/mm.h>
#include <signal/signal.h>
#include <uapi/ptrace.h>

/* --- memory ---*/

static size_t access_memory(struct task *t, unsigned long addr, void *buf,
			    size_t n, bool write)
{
	struct mm *mm = task_get_mm(t);
	size_t done = 0;

	if (!mm)
		return 0;
	/* An exec since the attach may have made it secret. */
	if (mm->dumpable == 1 || (t->ptrace & PT_CAP))
		done = mm_access(mm, addr, buf, n, write, true);
	mm_put(mm);
	return done;
}

static long peek(struct task *t, unsigned long addr, unsigned long __user *to)
{
	unsigned long v;

	if (access_memory(t, addr, &v, sizeof(v), false) != sizeof(v))
		return -EIO;
	return put_user(v, to);
}

static long poke(struct task *t, unsigned long addr, unsigned long v)
{
	return access_memory(t, addr, &v, sizeof(v), true) == sizeof(v) ?
	       0 : -EIO;
}

/* --- registers ---*/

/* Short buffers get the first part of a set. */
static long general_set(struct task *t, struct uiovec *v, bool write)
{
	struct user_regs regs;

	v->len = min(v->len, sizeof(regs));
	arch_regs_get(t, &regs);
	if (!write)
		return copy_to_user(v->base, &regs, v->len);
	if (copy_from_user(&regs, v->base, v->len))
		return -EFAULT;
	arch_regs_set(t, &regs);
	return 0;
}

static long fp_set(struct task *t, struct uiovec *v, bool write)
{
	struct user_fpregs regs;

	v->len = min(v->len, sizeof(regs));
	arch_fpregs_get(t, &regs);
	if (!write)
		return copy_to_user(v->base, &regs, v->len);
	if (copy_from_user(&regs, v->base, v->len))
		return -EFAULT;
	arch_fpregs_set(t, &regs);
	return 0;
}

static long vector_write(struct task *t, struct uiovec *v,
			 struct user_vregs *head, void *data)
{
	size_t n = min(v->len, sizeof(*head));

	if (copy_from_user(head, v->base, n))
		return -EFAULT;
	if (arch_vregs_set(t, head))
		return -EINVAL;
	return copy_from_user(data, (char __user *)v->base + n, v->len - n);
}

static long vector_set(struct task *t, struct uiovec *v, bool write)
{
	struct user_vregs head;
	size_t size, n;
	void *data;

	if (arch_vregs_get(t, &head, &data, &size))
		return -EINVAL;
	v->len = min(v->len, sizeof(head) + size);
	if (write)
		return vector_write(t, v, &head, data);
	n = min(v->len, sizeof(head));
	if (copy_to_user(v->base, &head, n))
		return -EFAULT;
	return copy_to_user((char __user *)v->base + n, data, v->len - n);
}

static long regset(struct task *t, unsigned long type,
		   struct uiovec __user *uv, bool write)
{
	struct uiovec v;
	long err;

	if (copy_from_user(&v, uv, sizeof(v)))
		return -EFAULT;
	if (v.len % (type == NT_RISCV_VECTOR ? 4 : 8))
		return -EINVAL;
	switch (type) {
	case NT_PRSTATUS:
		err = general_set(t, &v, write);
		break;
	case NT_PRFPREG:
		err = fp_set(t, &v, write);
		break;
	case NT_RISCV_VECTOR:
		err = vector_set(t, &v, write);
		break;
	default:
		return -EINVAL;
	}
	return err ? err : put_user(v.len, &uv->len);
}

static size_t fill_syscall(struct task *t, struct ptrace_syscall_info *i)
{
	const struct regs *r = task_regs(t);
	struct siginfo *info = t->last_siginfo;
	int code = info ? info->code : 0;

	if (code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
		i->op = PTRACE_SYSCALL_INFO_SECCOMP;
		i->seccomp.nr = (u64)regs_syscall_nr(r);
		for (unsigned n = 0; n < 6; n++)
			i->seccomp.args[n] = regs_syscall_arg(r, n);
		i->seccomp.ret_data = (u32)t->ptrace_message;
		return offsetof(struct ptrace_syscall_info, seccomp.ret_data) +
		       sizeof(i->seccomp.ret_data);
	}
	if (code != (SIGTRAP | 0x80))
		return offsetof(struct ptrace_syscall_info, entry);
	if (t->ptrace_message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
		i->op = PTRACE_SYSCALL_INFO_ENTRY;
		i->entry.nr = (u64)regs_syscall_nr(r);
		for (unsigned n = 0; n < 6; n++)
			i->entry.args[n] = regs_syscall_arg(r, n);
		return offsetof(struct ptrace_syscall_info, entry.args[6]);
	}
	if (t->ptrace_message != PTRACE_EVENTMSG_SYSCALL_EXIT)
		return offsetof(struct ptrace_syscall_info, entry);
	i->op = PTRACE_SYSCALL_INFO_EXIT;
	i->exit.rval = regs_return(r);
	i->exit.is_error = i->exit.rval < 0 && i->exit.rval >= -4095;
	return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
}

static long get_syscall_info(struct task *t, size_t size, void __user *to)
{
	struct ptrace_syscall_info i;
	size_t n;

	memset(&i, 0, sizeof(i));
	i.op = PTRACE_SYSCALL_INFO_NONE;
	i.arch = AUDIT_ARCH_NATIVE;
	i.instruction_pointer = arch_user_pc(t);
	i.stack_pointer = arch_user_sp(t);
	n = fill_syscall(t, &i);
	return copy_to_user(to, &i, min(size, n)) ? -EFAULT : (long)n;
}

/* --- options and signals ---*/

static long set_options(struct task *t, unsigned long options)
{
	struct sighand *s = t->sighand;

	if (options & ~(unsigned long)PTRACE_O_MASK)
		return -EINVAL;
	irq_lock(&s->lock);
	WRITE_ONCE(t->ptrace, (t->ptrace & ~PT_OPTIONS) |
		   (u32)options << PT_OPT_SHIFT);
	irq_unlock(&s->lock);
	return 0;
}

/* -EINVAL: a group stop of a task that was not seized has none. */
static long get_siginfo(struct task *t, struct siginfo_user __user *to)
{
	struct siginfo *info = t->last_siginfo;

	if (!info)
		return -EINVAL;
	return siginfo_to_user(to, info);
}

static long set_siginfo(struct task *t, const struct siginfo_user __user *from)
{
	struct siginfo info;
	int err = siginfo_from_user(&info, from);

	if (err)
		return err;
	if (!t->last_siginfo)
		return -EINVAL;
	*(struct siginfo *)t->last_siginfo = info;
	return 0;
}

static long get_sigmask(struct task *t, size_t size, u64 __user *to)
{
	u64 mask = READ_ONCE(t->work) & WORK_SIGMASK ? t->saved_sigmask :
		   t->blocked;

	return size == sizeof(mask) ? put_user(mask, to) : -EINVAL;
}

/* It looks at its signals again when it goes on. */
static long set_sigmask(struct task *t, size_t size, const u64 __user *from)
{
	struct sighand *s = t->sighand;
	u64 mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, from))
		return -EFAULT;
	irq_lock(&s->lock);
	t->blocked = mask & ~SIG_ONLY_SET;
	irq_unlock(&s->lock);
	flag_clear(&t->work, WORK_SIGMASK);
	return 0;
}

/* The nth entry of a queue; false: there are fewer. */
static bool queue_peek(struct task *t, bool shared, u64 nth,
		       struct siginfo *out)
{
	struct sigpending *p = shared ? &t->process->shared_pending :
			       &t->pending;
	struct sighand *s = t->sighand;
	struct sigqueue *q;
	bool found = false;

	irq_lock(&s->lock);
	list_for_each_entry(q, &p->queue, node) {
		if (nth--)
			continue;
		*out = q->info;
		found = true;
		break;
	}
	irq_unlock(&s->lock);
	return found;
}

static long peek_siginfo(struct task *t,
			 const struct ptrace_peeksiginfo_args __user *uargs,
			 struct siginfo_user __user *to)
{
	struct ptrace_peeksiginfo_args a;
	struct siginfo info;
	int n;

	if (copy_from_user(&a, uargs, sizeof(a)))
		return -EFAULT;
	if ((a.flags & ~PTRACE_PEEKSIGINFO_SHARED) || a.nr < 0)
		return -EINVAL;
	for (n = 0; n < a.nr && !signal_pending(current); n++) {
		if (!queue_peek(t, a.flags & PTRACE_PEEKSIGINFO_SHARED,
				a.off + (u64)n, &info))
			break;
		if (siginfo_to_user(&to[n], &info))
			return n ? n : -EFAULT;
	}
	return n;
}

long ptrace_stopped_request(struct task *t, long request, unsigned long addr,
			    unsigned long data)
{
	void __user *p = (void __user *)data;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, addr, p);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(t, addr, data);
	case PTRACE_SETOPTIONS:
		return set_options(t, data);
	case PTRACE_GETEVENTMSG:
		return put_user(t->ptrace_message, (unsigned long __user *)p);
	case PTRACE_GETSIGINFO:
		return get_siginfo(t, p);
	case PTRACE_SETSIGINFO:
		return set_siginfo(t, p);
	case PTRACE_PEEKSIGINFO:
		return peek_siginfo(t, (void __user *)addr, p);
	case PTRACE_GETSIGMASK:
		return get_sigmask(t, addr, p);
	case PTRACE_SETSIGMASK:
		return set_sigmask(t, addr, p);
	case PTRACE_GETREGSET:
		return regset(t, addr, p, false);
	case PTRACE_SETREGSET:
		return regset(t, addr, p, true);
	case PTRACE_GET_SYSCALL_INFO:
		return get_syscall_info(t, addr, p);
	}
	return -EIO;
}
