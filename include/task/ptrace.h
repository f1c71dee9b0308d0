#pragma once
/*
 * ptrace(2): the tracer's requests, and the stops of the tracee.
 * docs/ptrace.md.
 */
#include <arch/task.h>
#include <kernel/task.h>

/* task.ptrace: 0 if not traced. */
#define PT_PTRACED	0x00001u
#define PT_SYSCALL	0x00002u	/* stops at system calls */
#define PT_SYSEMU	0x00004u	/* stops at entry, and skips the call */
#define PT_OPT_SHIFT	3		/* PTRACE_O_* from here */
#define PT_SEIZED	0x10000u
#define PT_CAP		0x20000u	/* the tracer had CAP_SYS_PTRACE */
#define PT_OPTIONS	(PTRACE_O_MASK << PT_OPT_SHIFT)

#define PTRACE_TRACEME		0
#define PTRACE_PEEKTEXT		1
#define PTRACE_PEEKDATA		2
#define PTRACE_POKETEXT		4
#define PTRACE_POKEDATA		5
#define PTRACE_CONT		7
#define PTRACE_KILL		8
#define PTRACE_ATTACH		16
#define PTRACE_DETACH		17
#define PTRACE_SYSCALL		24
#define PTRACE_SYSEMU		31
#define PTRACE_SETOPTIONS	0x4200
#define PTRACE_GETEVENTMSG	0x4201
#define PTRACE_GETSIGINFO	0x4202
#define PTRACE_SETSIGINFO	0x4203
#define PTRACE_GETREGSET	0x4204
#define PTRACE_SETREGSET	0x4205
#define PTRACE_SEIZE		0x4206
#define PTRACE_INTERRUPT	0x4207
#define PTRACE_LISTEN		0x4208
#define PTRACE_PEEKSIGINFO	0x4209
#define PTRACE_GETSIGMASK	0x420a
#define PTRACE_SETSIGMASK	0x420b
#define PTRACE_GET_SYSCALL_INFO	0x420e

#define PTRACE_O_TRACESYSGOOD	1u
#define PTRACE_O_EXITKILL	(1u << 20)
#define PTRACE_O_MASK		(0xffu | PTRACE_O_EXITKILL)

#define PTRACE_EVENT_FORK	1
#define PTRACE_EVENT_VFORK	2
#define PTRACE_EVENT_CLONE	3
#define PTRACE_EVENT_EXEC	4
#define PTRACE_EVENT_VFORK_DONE	5
#define PTRACE_EVENT_EXIT	6
#define PTRACE_EVENT_SECCOMP	7
#define PTRACE_EVENT_STOP	128

#define PTRACE_EVENTMSG_SYSCALL_ENTRY	1
#define PTRACE_EVENTMSG_SYSCALL_EXIT	2

static inline bool ptrace_event_enabled(const struct task *t, int event)
{
	return READ_ONCE(t->ptrace) & (1u << (PT_OPT_SHIFT + event));
}

/* True if the tracer is of another process than the real parent. */
bool ptrace_is_reparented(const struct task *t);

/* --- the tracee's side: kernel/signal/trap.c ------------------------------ */
/* Stops current for its tracer with a wait status of `code`; the signal that
 * the tracer resumed it with, or 0.  No locks held. */
int ptrace_notify(int code, unsigned long message);
/* Stops if the event was asked for. */
void ptrace_event(int event, unsigned long message);
/* An exec is done; old_tid: current's number before, in the tracer's eyes. */
void ptrace_event_exec(unsigned long old_tid);
/* arch_hooks. */
bool ptrace_syscall_enter(struct regs *r);
void ptrace_syscall_exit(struct regs *r);

/* --- the tracer's side ----------------------------------------------------- */
/* addr and data as ptrace(2) has them; the result or -Exxx. */
long do_ptrace(long request, int pid, unsigned long addr, unsigned long data);
/* A new task is traced by its maker's tracer.  tasklist_lock held for
 * writing; t is not visible yet. */
void ptrace_inherit(struct task *t);
/* t is traced no more, and wakes if it is in a stop.  tasklist_lock held for
 * writing. */
void ptrace_unlink(struct task *t);
/* An exiting tracer lets all its tracees go.  No locks held. */
void ptrace_exit(struct task *tracer);
/* Number of t as its parent (the tracer, if any) sees it. */
unsigned long ptrace_tid(struct task *t);
