/*
 * kthread - kernel tasks.
 *
 * Theory:  a kernel task has no address space, ignores all signals, and is a
 *          child of kthreadd, which nobody waits for: it is reaped when its
 *          function returns.
 * Life:    the creator may keep a reference; the start record belongs to the
 *          new task.
 */
#include "task_impl.h"

#include <kernel/work.h>
#include <task/fork.h>
#include <task/init.h>

struct kthread_start {
	void (*fn)(void *arg);
	void *arg;
};

void __noreturn kernel_task_run(void (*fn)(void *arg), void *arg)
{
	fn(arg);
	if (current->mm)
		arch_return_to_user();
	do_exit(0);
}

static void kthread_main(void *arg)
{
	struct kthread_start s = *(struct kthread_start *)arg;

	kfree(arg);
	kernel_task_run(s.fn, s.arg);
}

int kthread_create(void (*fn)(void *arg), void *arg, int hart,
		   struct task **out, const char *name)
{
	struct kthread_start *s = kmalloc(sizeof(*s), GFP_KERNEL);
	struct clone_args_k a = {
		.flags = CLONE_FS, .fn = kthread_main, .arg = s, .hart = hart,
		.name = name, .exit_signal = SIGCHLD,
	};
	struct task *t;
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct kthread_start){ fn, arg };
	err = task_create_kernel(&a, &t);
	if (err) {
		kfree(s);
		return err;
	}
	if (out)
		*out = t;
	else
		task_put(t);
	return 0;
}
