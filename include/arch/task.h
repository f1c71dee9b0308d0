#pragma once
/*
 * What the ISA keeps for each task: the registers a switch saves, FP and
 * vector state, and the frame of user registers at the top of its kernel
 * stack.  docs/entry.md.
 */
#include <lib/compiler.h>
#include <lib/types.h>

struct hart;
struct task;

/*
 * User (or interrupted kernel) registers, Linux's user_regs_struct order
 * first.  On a fast system call only what C may clobber is valid;
 * callee-saved ones are filled in by regs_complete paths (signals, ptrace,
 * clone, exec: their table entries are marked `full`).
 */
struct regs {
	unsigned long pc;	/* sepc */
	unsigned long ra, sp, gp, tp;
	unsigned long t0, t1, t2;
	unsigned long s0, s1;
	unsigned long a0, a1, a2, a3, a4, a5, a6, a7;
	unsigned long s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	unsigned long t3, t4, t5, t6;
	unsigned long status;	/* sstatus at entry, or 0: default user */
	unsigned long cause;
	unsigned long badaddr;
	unsigned long orig_a0;	/* a0 before the system call */
	long syscall;		/* number while in a system call, else -1 */
	unsigned long _pad;	/* keeps the stack 16-byte aligned */
};

/* What the trap entry finds at the very top of each kernel stack, above the
 * user registers.  Set by arch_task_init_*; others leave it alone. */
struct stack_anchor {
	struct task *task;	/* const */
	unsigned long scratch;	/* trap entry only */
};

struct fp_state {
	u64 f[32];
	u32 fcsr;
	u32 _pad;
};

struct arch_vector;

/* Saved by a context switch; offsets known to assembly. */
struct arch_task {
	unsigned long ra, sp;
	unsigned long s[12];
	unsigned long has_fp;	/* 0: kernel task, never has FP state */
	struct hart *fp_hart;	/* whose FP registers equal fp, or NULL */
	struct fp_state fp;
	struct arch_vector *vector;	/* NULL until first used. owner task */
};

/* Vector state: allocated at the first vector instruction of a task. */
struct arch_vector {
	unsigned long vstart, vl, vtype, vcsr, vlenb;
	u8 data[] __aligned(16);	/* 32 registers */
};
/* Memory for it, of the given size (at most 32 KiB + 64), 16-byte aligned;
 * NULL: none left.  May sleep.  Filled in by start-up code of floor 3 or
 * above; without them the vector unit stays off. */
extern void *(*arch_vector_alloc)(size_t size);
extern void (*arch_vector_free)(void *p);

/* The user register frame of a task (valid while it is in the kernel). */
static __always_inline struct regs *regs_at_top(void *stack_top)
{
	return (struct regs *)((char *)stack_top -
			       sizeof(struct stack_anchor)) - 1;
}
struct regs *task_regs(struct task *t);

#define KSTACK_SIZE 16384

/* Switches registers, FP state and kernel stack from prev to next; returns in
 * next's context with the task that ran before (for next). Interrupts off. */
struct task *arch_switch(struct task *prev, struct task *next);

/* Prepares a new task so that the first switch to it calls
 * sched_first_run(prev) and then fn(arg) (kernel task)... */
void arch_task_init_kernel(struct task *t, void (*fn)(void *), void *arg);
/* ... or returns to user mode with a copy of the parent's registers, a0 = 0,
 * and the given stack and TLS if not 0.  FP state is copied; vector registers
 * do not survive a system call, as on Linux. The parent is current. */
int __must_check arch_task_init_user(struct task *t, const struct regs *parent,
				     unsigned long sp, bool set_tls,
				     unsigned long tls);
/* Frees what arch holds for a task. */
void arch_task_free(struct task *t);

/* Fresh registers for a program: everything 0 but pc and sp; FP state
 * initial. Affects current. */
void arch_start_user(struct regs *r, unsigned long pc, unsigned long sp);

/* Leaves for user mode with task_regs(current); for the first user task after
 * exec from a kernel task. Never returns. */
void __noreturn arch_return_to_user(void);

/* System call argument i (0..5), number, and result of a stopped or current
 * task, for ptrace, seccomp and /proc/PID/syscall. */
static inline unsigned long regs_syscall_arg(const struct regs *r, unsigned i)
{
	return i ? (&r->a0)[i] : r->orig_a0;
}

/* The number as the program gave it, or as its tracer changed it. */
static inline long regs_syscall_nr(const struct regs *r)
{
	return (long)r->a7;
}

static inline void regs_set_return(struct regs *r, long v)
{
	r->a0 = (unsigned long)v;
}

static inline long regs_return(const struct regs *r)
{
	return (long)r->a0;
}
/* What e_machine and word size make of it in audit's eyes: RISC-V, 64 bits,
 * little-endian. */
#define AUDIT_ARCH_NATIVE 0xc00000f3u
/* Steps back so that the system call runs again with its first arguments. */
void regs_restart_syscall(struct regs *r);
/* The same, but as restart_syscall(2). */
void regs_restart_block(struct regs *r);
/* True on return from a system call (not a trap). */
static inline bool regs_in_syscall(const struct regs *r)
{
	return r->syscall >= 0;
}

unsigned long arch_user_sp(struct task *t);
unsigned long arch_user_pc(struct task *t);

/* Stack walk by frame pointer of a task that does not run, or of current when
 * t is current; calls fn(arg, pc) from the innermost frame; stops on false. */
void arch_stack_walk(struct task *t, bool (*fn)(void *arg, unsigned long pc),
		     void *arg);

/* Does pc lie in the ways into the kernel, before any C function? */
bool arch_is_entry(unsigned long pc);

/* Of a task that runs elsewhere and does not answer: calls whose frames lie on
 * its stack, outermost last; the first may be over. */
void arch_stack_search(struct task *t,
		       bool (*fn)(void *arg, unsigned long pc), void *arg);

/* FP state of current into t->arch.fp if the registers are newer, and back. */
void arch_fp_save(void);
void arch_fp_restore(void);
