#pragma once
/* rseq(2): restartable sequences.  docs/rseq.md. */
#include <arch/task.h>
#include <kernel/task.h>

#define RSEQ_FEATURE_SIZE 28	/* up to mm_cid */
#define RSEQ_ALIGN 32

long do_rseq(void __user *area, u32 len, int flags, u32 sig);
/* Before user mode, and before a signal's frame is built: current was
 * switched away from its own code, or moved.  May force SIGSEGV. */
void rseq_resume(struct regs *r);
