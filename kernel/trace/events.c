/*
 * events - the table of events: their fields, for tracefs' `format` files and
 * for filters, and their text.
 */
#include "events_impl.h"

#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>

#define F(type, member, text, sign)                                            \
	{ text, offsetof(struct type, member),                                 \
	  sizeof(((struct type *)0)->member), sign }
#define FIELDS(name) static const struct trace_field name##_fields[]

FIELDS(print) = {
	F(te_print, ip, "unsigned long ip", false),
	{ "char buf[]", sizeof(struct te_print), 0, false },
};
FIELDS(sched_switch) = {
	F(te_switch, prev_comm, "char prev_comm[16]", false),
	F(te_switch, prev_pid, "pid_t prev_pid", true),
	F(te_switch, prev_prio, "int prev_prio", true),
	F(te_switch, prev_state, "long prev_state", true),
	F(te_switch, next_comm, "char next_comm[16]", false),
	F(te_switch, next_pid, "pid_t next_pid", true),
	F(te_switch, next_prio, "int next_prio", true),
};
FIELDS(wakeup) = {
	F(te_wakeup, comm, "char comm[16]", false),
	F(te_wakeup, pid, "pid_t pid", true),
	F(te_wakeup, prio, "int prio", true),
	F(te_wakeup, target_cpu, "int target_cpu", true),
};
FIELDS(fork) = {
	F(te_fork, parent_comm, "char parent_comm[16]", false),
	F(te_fork, parent_pid, "pid_t parent_pid", true),
	F(te_fork, child_comm, "char child_comm[16]", false),
	F(te_fork, child_pid, "pid_t child_pid", true),
};
FIELDS(exit) = {
	F(te_exit, comm, "char comm[16]", false),
	F(te_exit, pid, "pid_t pid", true),
	F(te_exit, prio, "int prio", true),
};
FIELDS(rename) = {
	F(te_rename, pid, "pid_t pid", true),
	F(te_rename, oldcomm, "char oldcomm[16]", false),
	F(te_rename, newcomm, "char newcomm[16]", false),
	F(te_rename, oom_score_adj, "short oom_score_adj", true),
};
FIELDS(sys_enter) = {
	F(te_sys_enter, id, "long id", true),
	F(te_sys_enter, args, "unsigned long args[6]", false),
};
FIELDS(sys_exit) = {
	F(te_sys_exit, id, "long id", true),
	F(te_sys_exit, ret, "long ret", true),
};
FIELDS(fault) = {
	F(te_fault, address, "unsigned long address", false),
	F(te_fault, ip, "unsigned long ip", false),
	F(te_fault, error_code, "unsigned long error_code", false),
};
FIELDS(generate) = {
	F(te_sig_generate, sig, "int sig", true),
	F(te_sig_generate, err, "int errno", true),
	F(te_sig_generate, code, "int code", true),
	F(te_sig_generate, comm, "char comm[16]", false),
	F(te_sig_generate, pid, "pid_t pid", true),
	F(te_sig_generate, group, "int group", true),
	F(te_sig_generate, result, "int result", true),
};
FIELDS(deliver) = {
	F(te_sig_deliver, sig, "int sig", true),
	F(te_sig_deliver, err, "int errno", true),
	F(te_sig_deliver, code, "int code", true),
	F(te_sig_deliver, sa_handler, "unsigned long sa_handler", false),
	F(te_sig_deliver, sa_flags, "unsigned long sa_flags", false),
};
FIELDS(irq_entry) = {
	F(te_irq_entry, irq, "int irq", true),
	F(te_irq_entry, name, "__data_loc char[] name", false),
};
FIELDS(irq_exit) = {
	F(te_irq_exit, irq, "int irq", true),
	F(te_irq_exit, ret, "int ret", true),
};
FIELDS(timer_start) = {
	F(te_timer_start, hrtimer, "void * hrtimer", false),
	F(te_timer_start, function, "void * function", false),
	F(te_timer_start, expires, "s64 expires", true),
	F(te_timer_start, softexpires, "s64 softexpires", true),
};
FIELDS(timer) = {
	F(te_timer, hrtimer, "void * hrtimer", false),
};
FIELDS(timer_expire) = {
	F(te_timer_expire, hrtimer, "void * hrtimer", false),
	F(te_timer_expire, now, "s64 now", true),
	F(te_timer_expire, function, "void * function", false),
};
FIELDS(tlb) = {
	F(te_tlb, reason, "int reason", true),
	F(te_tlb, pages, "unsigned long pages", false),
};
FIELDS(shootdown) = {
	F(te_shootdown, harts, "unsigned long harts", false),
};
FIELDS(block) = {
	F(te_block, dev, "dev_t dev", false),
	F(te_block, sector, "sector_t sector", false),
	F(te_block, nr_sector, "unsigned int nr_sector", false),
	F(te_block, error, "int error", true),
	F(te_block, bytes, "unsigned int bytes", false),
	F(te_block, rwbs, "char rwbs[8]", false),
	F(te_block, comm, "char comm[16]", false),
};
FIELDS(page) = {
	F(te_page, pfn, "unsigned long pfn", false),
	F(te_page, order, "unsigned int order", false),
	F(te_page, gfp_flags, "unsigned int gfp_flags", false),
};

#define STATES "\"|\", { 0x01, \"S\" }, { 0x02, \"D\" }, { 0x04, \"T\" }, "    \
	       "{ 0x08, \"t\" }, { 0x10, \"X\" }, { 0x20, \"Z\" }, "           \
	       "{ 0x40, \"P\" }, { 0x80, \"I\" }"
#define FMT_WAKEUP "\"comm=%s pid=%d prio=%d target_cpu=%03d\", REC->comm, "   \
		   "REC->pid, REC->prio, REC->target_cpu"
#define FMT_FAULT "\"address=0x%lx ip=0x%lx error_code=0x%lx\", "              \
		  "REC->address, REC->ip, REC->error_code"
#define FMT_TIMER "\"hrtimer=%p\", REC->hrtimer"
#define FMT_BLOCK                                                              \
	"\"%d,%d %s %u () %llu + %u [%s]\", "                                  \
	"((unsigned int) ((REC->dev) >> 20)), "                                \
	"((unsigned int) ((REC->dev) & ((1U << 20) - 1))), REC->rwbs, "        \
	"REC->bytes, (unsigned long long)REC->sector, REC->nr_sector, "        \
	"REC->comm"
#define FMT_DONE                                                               \
	"\"%d,%d %s () %llu + %u [%d]\", "                                     \
	"((unsigned int) ((REC->dev) >> 20)), "                                \
	"((unsigned int) ((REC->dev) & ((1U << 20) - 1))), REC->rwbs, "        \
	"(unsigned long long)REC->sector, REC->nr_sector, REC->error"

#define E(sys, nm, set, fmt)                                                   \
	{ sys, nm, set##_fields, ARRAY_SIZE(set##_fields), fmt }

const struct trace_event_type trace_event_types[NR_TRACE_EVENTS] = {
	[TE_PRINT] = E("ftrace", "print", print,
		"\"%ps: %s\", (void *)REC->ip, REC->buf"),
	[TE_SCHED_SWITCH] = E("sched", "sched_switch", sched_switch,
		"\"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d next_prio=%d\", REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & 0xff) ? __print_flags(REC->prev_state & 0xff, " STATES ") : \"R\", REC->prev_state & 0x100 ? \"+\" : \"\", REC->next_comm, REC->next_pid, REC->next_prio"),
	[TE_SCHED_WAKEUP] = E("sched", "sched_wakeup", wakeup, FMT_WAKEUP),
	[TE_SCHED_WAKEUP_NEW] = E("sched", "sched_wakeup_new", wakeup,
		FMT_WAKEUP),
	[TE_SCHED_FORK] = E("sched", "sched_process_fork", fork,
		"\"comm=%s pid=%d child_comm=%s child_pid=%d\", REC->parent_comm, REC->parent_pid, REC->child_comm, REC->child_pid"),
	[TE_SCHED_EXIT] = E("sched", "sched_process_exit", exit,
		"\"comm=%s pid=%d prio=%d\", REC->comm, REC->pid, REC->prio"),
	[TE_TASK_RENAME] = E("task", "task_rename", rename,
		"\"pid=%d oldcomm=%s newcomm=%s oom_score_adj=%hd\", REC->pid, REC->oldcomm, REC->newcomm, REC->oom_score_adj"),
	[TE_SYS_ENTER] = E("raw_syscalls", "sys_enter", sys_enter,
		"\"NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)\", REC->id, REC->args[0], REC->args[1], REC->args[2], REC->args[3], REC->args[4], REC->args[5]"),
	[TE_SYS_EXIT] = E("raw_syscalls", "sys_exit", sys_exit,
		"\"NR %ld = %ld\", REC->id, REC->ret"),
	[TE_FAULT_USER] = E("exceptions", "page_fault_user", fault, FMT_FAULT),
	[TE_FAULT_KERNEL] = E("exceptions", "page_fault_kernel", fault,
		FMT_FAULT),
	[TE_SIGNAL_GENERATE] = E("signal", "signal_generate", generate,
		"\"sig=%d errno=%d code=%d comm=%s pid=%d grp=%d res=%d\", REC->sig, REC->errno, REC->code, REC->comm, REC->pid, REC->group, REC->result"),
	[TE_SIGNAL_DELIVER] = E("signal", "signal_deliver", deliver,
		"\"sig=%d errno=%d code=%d sa_handler=%lx sa_flags=%lx\", REC->sig, REC->errno, REC->code, REC->sa_handler, REC->sa_flags"),
	[TE_IRQ_ENTRY] = E("irq", "irq_handler_entry", irq_entry,
		"\"irq=%d name=%s\", REC->irq, __get_str(name)"),
	[TE_IRQ_EXIT] = E("irq", "irq_handler_exit", irq_exit,
		"\"irq=%d ret=%s\", REC->irq, REC->ret ? \"handled\" : \"unhandled\""),
	[TE_TIMER_START] = E("timer", "hrtimer_start", timer_start,
		"\"hrtimer=%p function=%ps expires=%llu softexpires=%llu\", REC->hrtimer, REC->function, (unsigned long long)REC->expires, (unsigned long long)REC->softexpires"),
	[TE_TIMER_CANCEL] = E("timer", "hrtimer_cancel", timer, FMT_TIMER),
	[TE_TIMER_EXPIRE] = E("timer", "hrtimer_expire_entry", timer_expire,
		"\"hrtimer=%p function=%ps now=%llu\", REC->hrtimer, REC->function, (unsigned long long)REC->now"),
	[TE_TIMER_DONE] = E("timer", "hrtimer_expire_exit", timer, FMT_TIMER),
	[TE_TLB_FLUSH] = E("tlb", "tlb_flush", tlb,
		"\"pages:%ld reason:%s (%d)\", REC->pages, __print_symbolic(REC->reason, { 0, \"flush on task switch\" }, { 1, \"remote shootdown\" }, { 2, \"local shootdown\" }, { 3, \"local mm shootdown\" }), REC->reason"),
	[TE_TLB_SHOOTDOWN] = E("tlb", "tlb_shootdown", shootdown,
		"\"harts=0x%lx\", REC->harts"),
	[TE_BLOCK_ISSUE] = E("block", "block_rq_issue", block, FMT_BLOCK),
	[TE_BLOCK_COMPLETE] = E("block", "block_rq_complete", block, FMT_DONE),
	[TE_PAGE_ALLOC] = E("kmem", "mm_page_alloc", page,
		"\"pfn=0x%lx order=%d gfp_flags=0x%x\", REC->pfn, REC->order, REC->gfp_flags"),
	[TE_PAGE_FREE] = E("kmem", "mm_page_free", page,
		"\"pfn=0x%lx order=%d\", REC->pfn, REC->order"),
};

/* --- text -------------------------------------------------------------------*/

struct out {
	char *buf;
	size_t size, len;
};

static void __printf(2, 3) put(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	o->len += (size_t)kvscnprintf(o->buf + o->len, o->size - o->len, fmt,
				      ap);
	va_end(ap);
}

static void put_symbol(struct out *o, const char *name, u64 addr)
{
	char text[64];

	symbol_format(addr, text, sizeof(text));
	text[strcspn(text, "+")] = 0;
	put(o, "%s%s", name, text);
}

static void put_switch(struct out *o, const struct te_switch *e)
{
	static const char letters[] = "SDTtXZPI";
	u32 s = (u32)e->prev_state & 0xff;
	char state = 'R';

	for (u32 i = 0; s && i < 8; i++)
		if (s >> i & 1)
			state = letters[i];
	put(o, "prev_comm=%.16s prev_pid=%d prev_prio=%d prev_state=%c%s ==> next_comm=%.16s next_pid=%d next_prio=%d",
	    e->prev_comm, e->prev_pid, e->prev_prio, state,
	    e->prev_state & 0x100 ? "+" : "", e->next_comm, e->next_pid,
	    e->next_prio);
}

static void put_sys_enter(struct out *o, const struct te_sys_enter *e)
{
	put(o, "NR %lld (%llx, %llx, %llx, %llx, %llx, %llx)",
	    (long long)e->id, e->args[0], e->args[1], e->args[2], e->args[3],
	    e->args[4], e->args[5]);
}

static void put_block(struct out *o, const struct te_block *e, bool done)
{
	put(o, "%u,%u %s ", e->dev >> 20, e->dev & 0xfffff, e->rwbs);
	if (done)
		put(o, "() %llu + %u [%d]", e->sector, e->nr_sector, e->error);
	else
		put(o, "%u () %llu + %u [%.16s]", e->bytes, e->sector,
		    e->nr_sector, e->comm);
}

static void put_signal(struct out *o, const struct trace_entry *entry,
		       bool generate)
{
	const struct te_sig_generate *g = (const void *)entry;
	const struct te_sig_deliver *d = (const void *)entry;

	put(o, "sig=%d errno=%d code=%d ", g->sig, g->err, g->code);
	if (generate)
		put(o, "comm=%.16s pid=%d grp=%d res=%d", g->comm, g->pid,
		    g->group, g->result);
	else
		put(o, "sa_handler=%llx sa_flags=%llx", d->sa_handler,
		    d->sa_flags);
}

static void put_timer(struct out *o, const struct trace_entry *entry,
		      enum trace_event ev)
{
	const struct te_timer_start *s = (const void *)entry;
	const struct te_timer_expire *x = (const void *)entry;

	put(o, "hrtimer=%p", (void *)s->hrtimer);
	if (ev == TE_TIMER_START) {
		put_symbol(o, " function=", s->function);
		put(o, " expires=%lld softexpires=%lld", (long long)s->expires,
		    (long long)s->softexpires);
	} else if (ev == TE_TIMER_EXPIRE) {
		put_symbol(o, " function=", x->function);
		put(o, " now=%lld", (long long)x->now);
	}
}

static void put_task(struct out *o, const struct trace_entry *entry,
		     enum trace_event ev)
{
	const struct te_fork *f = (const void *)entry;
	const struct te_exit *x = (const void *)entry;
	const struct te_rename *r = (const void *)entry;
	const struct te_wakeup *w = (const void *)entry;

	if (ev == TE_SCHED_FORK)
		put(o, "comm=%.16s pid=%d child_comm=%.16s child_pid=%d",
		    f->parent_comm, f->parent_pid, f->child_comm,
		    f->child_pid);
	else if (ev == TE_SCHED_EXIT)
		put(o, "comm=%.16s pid=%d prio=%d", x->comm, x->pid, x->prio);
	else if (ev == TE_TASK_RENAME)
		put(o, "pid=%d oldcomm=%.16s newcomm=%.16s oom_score_adj=%d",
		    r->pid, r->oldcomm, r->newcomm, r->oom_score_adj);
	else
		put(o, "comm=%.16s pid=%d prio=%d target_cpu=%03d", w->comm,
		    w->pid, w->prio, w->target_cpu);
}

static void put_tlb(struct out *o, const struct te_tlb *e)
{
	static const char *const why[] = {
		"flush on task switch", "remote shootdown", "local shootdown",
		"local mm shootdown",
	};

	put(o, "pages:%lld reason:%s (%d)", (long long)e->pages,
	    why[e->reason & 3], e->reason);
}

static void put_text(struct out *o, const struct trace_entry *entry,
		     enum trace_event ev)
{
	const struct te_sys_exit *sx = (const void *)entry;
	const struct te_fault *f = (const void *)entry;
	const struct te_irq_entry *in = (const void *)entry;
	const struct te_irq_exit *ix = (const void *)entry;
	const struct te_page *pg = (const void *)entry;

	switch (ev) {
	case TE_SCHED_SWITCH:
		put_switch(o, (const void *)entry);
		break;
	case TE_SYS_ENTER:
		put_sys_enter(o, (const void *)entry);
		break;
	case TE_SYS_EXIT:
		put(o, "NR %lld = %lld", (long long)sx->id,
		    (long long)sx->ret);
		break;
	case TE_FAULT_USER:
	case TE_FAULT_KERNEL:
		put(o, "address=0x%llx ip=0x%llx error_code=0x%llx",
		    f->address, f->ip, f->error_code);
		break;
	case TE_SIGNAL_GENERATE:
	case TE_SIGNAL_DELIVER:
		put_signal(o, entry, ev == TE_SIGNAL_GENERATE);
		break;
	case TE_IRQ_ENTRY:
		put(o, "irq=%d name=%.16s", in->irq, in->text);
		break;
	case TE_IRQ_EXIT:
		put(o, "irq=%d ret=%s", ix->irq,
		    ix->ret ? "handled" : "unhandled");
		break;
	case TE_TIMER_START:
	case TE_TIMER_CANCEL:
	case TE_TIMER_EXPIRE:
	case TE_TIMER_DONE:
		put_timer(o, entry, ev);
		break;
	case TE_TLB_FLUSH:
		put_tlb(o, (const void *)entry);
		break;
	case TE_TLB_SHOOTDOWN:
		put(o, "harts=0x%llx",
		    ((const struct te_shootdown *)entry)->harts);
		break;
	case TE_BLOCK_ISSUE:
	case TE_BLOCK_COMPLETE:
		put_block(o, (const void *)entry, ev == TE_BLOCK_COMPLETE);
		break;
	case TE_PAGE_ALLOC:
		put(o, "pfn=0x%llx order=%u gfp_flags=0x%x", pg->pfn,
		    pg->order, pg->gfp_flags);
		break;
	case TE_PAGE_FREE:
		put(o, "pfn=0x%llx order=%u", pg->pfn, pg->order);
		break;
	default:
		put_task(o, entry, ev);
		break;
	}
}

size_t trace_format(const struct trace_view *v, char *buf, size_t size)
{
	struct out o = { buf, size, 0 };
	enum trace_event ev = trace_event_of(v->entry->type);
	const struct te_print *p = (const void *)v->entry;

	if (ev == NR_TRACE_EVENTS)
		return 0;
	if (ev == TE_PRINT) {
		put(&o, "tracing_mark_write: %.*s",
		    (int)(v->size - sizeof(*p)), p->buf);
		if (o.len && buf[o.len - 1] == '\n')
			o.len--;
	} else {
		put(&o, "%s: ", trace_event_types[ev].name);
		put_text(&o, v->entry, ev);
	}
	return o.len;
}
