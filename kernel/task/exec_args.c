/*
 * exec_args - arguments and environment, built in the new program's stack.
 *
 * Theory:  strings go from the top of the new stack downwards, straight from
 *          the old program's memory into the pages the new one will have; the
 *          address of each is noted on the way, so that nothing is scanned
 *          again for the tables.  One page at a time is pinned.
 */
#include "exec_impl.h"

#include <arch/uaccess.h>
#include <lib/string.h>

#define MAX_STRINGS 0x7fffffffu
#define SPARE_STRINGS 8		/* that nested scripts may push */
#define ARG_MIN (128 * 1024ul)
#define ARG_MAX (6 * 1024 * 1024ul)

void stack_unpin(struct binprm *b)
{
	if (b->page)
		page_put(b->page);
	b->page = NULL;
}

/* The kernel's view of the new stack at addr. */
static int stack_pin(struct binprm *b, unsigned long addr, char **out)
{
	unsigned long page = addr & PAGE_MASK;
	struct mm *mm = b->mm ? b->mm : current->mm;	/* before, after swap */
	unsigned got;
	int err;

	if (!b->page || b->page_addr != page) {
		stack_unpin(b);
		err = mm_get_pages(mm, page, 1, true, true, &b->page, &got);
		if (err || !got) {
			b->page = NULL;
			return -E2BIG;
		}
		b->page_addr = page;
	}
	*out = (char *)page_to_va(b->page) + (addr - page);
	return 0;
}

int stack_write(struct binprm *b, unsigned long addr, const void *from,
		size_t n)
{
	const char *s = from;
	char *to;
	int err;

	while (n) {
		size_t part = min(n, PAGE_SIZE - (addr & ~PAGE_MASK));

		err = stack_pin(b, addr, &to);
		if (err)
			return err;
		memcpy(to, s, part);
		addr += part;
		s += part;
		n -= part;
	}
	return 0;
}

/* From the end, as the stack grows: pages come in order. */
static int copy_down(struct binprm *b, const char __user *user,
		     const char *kernel, size_t n)
{
	char *to;
	int err;

	while (n) {
		size_t part = min(n, ((b->p - 1) & ~PAGE_MASK) + 1);

		if (fatal_signal_pending(current))
			return -ERESTARTNOHAND;
		b->p -= part;
		n -= part;
		err = stack_pin(b, b->p, &to);
		if (err)
			return err;
		if (kernel)
			memcpy(to, kernel + n, part);
		else if (copy_from_user(to, user + n, part))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

static int push_kernel(struct binprm *b, const char *s)
{
	size_t n = strlen(s) + 1;

	if (n > MAX_ARG_STRLEN || n > b->p - b->limit)
		return -E2BIG;
	return copy_down(b, NULL, s, n);
}

static int push_user(struct binprm *b, const char __user *s)
{
	size_t n;

	if (strnlen_user(s, MAX_ARG_STRLEN, &n))
		return -EFAULT;
	if (n >= MAX_ARG_STRLEN || n + 1 > b->p - b->limit)
		return -E2BIG;
	return copy_down(b, s, NULL, n + 1);
}

static int count(const struct user_strings *v, u32 *out)
{
	const char __user *s;
	u32 n = 0;

	*out = 0;
	if (v->kernel) {
		while (v->kernel[n])
			n++;
	} else if (v->user) {
		for (;; n++) {
			if (get_user(s, v->user + n))
				return -EFAULT;
			if (!s)
				break;
			if (n >= MAX_STRINGS)
				return -E2BIG;
			if (fatal_signal_pending(current))
				return -ERESTARTNOHAND;
		}
	}
	*out = n;
	return 0;
}

/* Pushes a list, last string first; notes addresses at strings[base..]. */
static int push_list(struct binprm *b, const struct user_strings *v, u32 n,
		     u64 *where)
{
	const char __user *s;
	int err = 0;

	while (n-- && !err) {
		if (v->kernel)
			err = push_kernel(b, v->kernel[n]);
		else if (get_user(s, v->user + n))
			err = -EFAULT;
		else
			err = push_user(b, s);
		where[n] = b->p;
	}
	return err;
}

/* A quarter of the stack's limit, but not too little nor too much; the
 * tables of pointers count too. */
static int set_limit(struct binprm *b)
{
	u64 room = clamp(rlimit(RLIMIT_STACK) / 4, (u64)ARG_MIN, (u64)ARG_MAX);
	u64 tables = (u64)(max(b->argc, 1u) + b->envc) * sizeof(u64);

	if (tables >= room)
		return -E2BIG;
	b->limit = b->p - (room - tables);
	return 0;
}

int args_begin(struct binprm *b)
{
	struct vma *stack;
	int err;

	err = mm_map_stack(b->mm, b->mm->start_stack, 0, &stack);
	if (err)
		return err;
	b->p = stack->end - sizeof(u64);
	return 0;
}

static int copy_all(struct binprm *b, const struct user_strings *argv,
		    const struct user_strings *envp)
{
	static const char *const empty[] = { "", NULL };
	struct user_strings one = { .kernel = empty };
	bool has_args = b->argc;
	struct mm *mm = b->mm;
	int err;

	err = push_kernel(b, b->filename);
	if (err)
		return err;
	b->exec_str = b->p;
	mm->env_end = b->p;
	err = push_list(b, envp, b->envc, b->strings + b->max_strings -
			b->envc);
	if (err)
		return err;
	mm->env_start = b->p;
	mm->arg_end = b->p;
	/* Linux never runs a program without argv[0]. */
	b->argc = max(b->argc, 1u);
	err = push_list(b, has_args ? argv : &one, b->argc,
			b->strings + b->max_strings - b->envc - b->argc);
	mm->arg_start = b->p;
	return err;
}

int args_copy(struct binprm *b, const struct user_strings *argv,
	      const struct user_strings *envp)
{
	int err;

	err = count(argv, &b->argc);
	if (!err)
		err = count(envp, &b->envc);
	if (!err)
		err = set_limit(b);
	if (err)
		return err;
	b->max_strings = SPARE_STRINGS + 8 + max(b->argc, 1u) + b->envc;
	b->strings = kvmalloc(b->max_strings * sizeof(u64), GFP_KERNEL);
	if (!b->strings)
		return -ENOMEM;
	return copy_all(b, argv, envp);
}

int args_push_front(struct binprm *b, const char *s)
{
	u32 at = b->max_strings - b->envc - b->argc;
	int err;

	if (!at)
		return -E2BIG;
	err = push_kernel(b, s);
	if (err)
		return err;
	b->strings[at - 1] = b->p;
	b->argc++;
	b->mm->arg_start = b->p;
	return 0;
}

int args_drop_first(struct binprm *b)
{
	u32 at = b->max_strings - b->envc - b->argc;

	if (!b->argc)
		return -EFAULT;
	/* The lowest string: its room is used again. */
	b->p = b->argc > 1 ? b->strings[at + 1] : b->mm->arg_end;
	b->argc--;
	return 0;
}
