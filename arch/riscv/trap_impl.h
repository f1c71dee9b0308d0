#pragma once
/* What entry.S calls. */
#include <arch/task.h>

extern char entry_begin[], entry_end[];

void trap_user(struct regs *r);
void trap_kernel(struct regs *r);
void trap_overflow(struct regs *r);
void irq_entry(struct regs *r, unsigned long cause, bool is_user);
void user_exit_work(struct regs *r);
void syscall_slow(struct regs *r);
void __noreturn kernel_task_returned(void);
void kernel_task_start(void);
void user_task_start(void);

/* switch.S */
void fp_store(struct fp_state *fp);
void fp_load(const struct fp_state *fp);
void vector_store(struct arch_vector *v);
void vector_load(const struct arch_vector *v);
/* vector.c, from arch_switch */
void vector_switch(struct task *prev, struct task *next);
/* Gives current vector state; false: it has some, or there is no memory. */
bool vector_first_use(void);
/* Drops it, e.g. at exec. */
void vector_drop(struct task *t);
