#pragma once
/* What stands in the rings, event by event: Linux's fields where Linux has
 * the event. */
#include <kernel/trace_ring.h>

struct te_switch {
	struct trace_entry e;
	char prev_comm[16];
	s32 prev_pid, prev_prio;
	s64 prev_state;
	char next_comm[16];
	s32 next_pid, next_prio;
};

struct te_wakeup {
	struct trace_entry e;
	char comm[16];
	s32 pid, prio, target_cpu;
};

struct te_fork {
	struct trace_entry e;
	char parent_comm[16];
	s32 parent_pid;
	char child_comm[16];
	s32 child_pid;
};

struct te_exit {
	struct trace_entry e;
	char comm[16];
	s32 pid, prio;
};

struct te_rename {
	struct trace_entry e;
	s32 pid;
	char oldcomm[16], newcomm[16];
	s16 oom_score_adj;
};

struct te_sys_enter {
	struct trace_entry e;
	s64 id;
	u64 args[6];
};

struct te_sys_exit {
	struct trace_entry e;
	s64 id, ret;
};

struct te_fault {
	struct trace_entry e;
	u64 address, ip, error_code;
};

struct te_sig_generate {
	struct trace_entry e;
	s32 sig, err, code;
	char comm[16];
	s32 pid, group, result;
};

struct te_sig_deliver {
	struct trace_entry e;
	s32 sig, err, code;
	u64 sa_handler, sa_flags;
};

struct te_irq_entry {
	struct trace_entry e;
	s32 irq;
	u32 name;		/* offset | length << 16 */
	char text[16];
};

struct te_irq_exit {
	struct trace_entry e;
	s32 irq, ret;
};

struct te_timer_start {
	struct trace_entry e;
	u64 hrtimer, function;
	s64 expires, softexpires;
};

struct te_timer {
	struct trace_entry e;
	u64 hrtimer;
};

struct te_timer_expire {
	struct trace_entry e;
	u64 hrtimer;
	s64 now;
	u64 function;
};

struct te_tlb {
	struct trace_entry e;
	s32 reason;
	u64 pages;
};

struct te_shootdown {
	struct trace_entry e;
	u64 harts;
};

struct te_block {
	struct trace_entry e;
	u32 dev;
	u64 sector;
	u32 nr_sector;
	s32 error;
	u32 bytes;
	char rwbs[8];
	char comm[16];
};

struct te_page {
	struct trace_entry e;
	u64 pfn;
	u32 order, gfp_flags;
};

struct te_print {
	struct trace_entry e;
	u64 ip;
	char buf[];
};
