#pragma once
/* The signal frame on the user stack: Linux's rt_sigframe for riscv64. */
#include <arch/task.h>
#include <lib/compiler.h>

/* What a signal may fill of the 128 bytes that user memory has for it. */
#define SIGINFO_SIZE 48

struct signal_setup {
	int sig;
	const void *siginfo;	/* SIGINFO_SIZE bytes of the user form */
	unsigned long handler;
	unsigned long restorer;	/* 0: the vDSO's */
	unsigned long vdso;	/* where current's vDSO image is mapped */
	u64 mask;		/* to be restored by sigreturn */
	unsigned long stack_top; /* 0: below the current sp; else altstack */
	struct {
		unsigned long sp, flags, size;
	} altstack;		/* as uc_stack */
};

/* Builds the frame and points the registers at the handler. -EFAULT. */
int __must_check arch_signal_setup(struct regs *r,
				   const struct signal_setup *s);
/* sigreturn: restores registers, FP and vector state from the frame at sp;
 * gives back the mask and the stack to be set. -EFAULT. */
int __must_check arch_signal_return(struct regs *r, u64 *mask,
				    unsigned long altstack[3]);
/* The largest frame arch_signal_setup() builds: AT_MINSIGSTKSZ. */
size_t arch_signal_frame_size(void);
