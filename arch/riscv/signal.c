/*
 * signal - the frame of a signal handler on the user stack, and the way back.
 *
 * Theory:  the layout is Linux's struct rt_sigframe, to the byte: siginfo,
 *          ucontext with registers and FP state, then a chain of extension
 *          headers that ends in a null one; vector state if the task has
 *          some.  Registers are copied straight from where they are kept.
 */
#include <arch/signal.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <lib/string.h>

#include "smp_impl.h"
#include "trap_impl.h"
#include "uaccess_impl.h"

#define RISCV_V_MAGIC 0x53465457
#define SIGNAL_FRAME_ALIGN 16

struct ctx_hdr {
	u32 magic, size;
};

struct sigcontext {
	unsigned long regs[32];
	struct fp_state fp;	/* its last word, as the next ones, unused */
	u32 unused[63];		/* the rest of a quad-precision state */
	u32 reserved;		/* 0 */
	struct ctx_hdr ext;	/* first extension header, or the end */
} __aligned(16);
static_assert(sizeof(struct sigcontext) == 784 &&
	      offsetof(struct sigcontext, reserved) == 772, "sigcontext");

struct uc_head {
	unsigned long flags;
	unsigned long link;
	struct {
		unsigned long sp;
		u32 flags;
		u32 _pad;
		unsigned long size;
	} stack;
	u64 sigmask;
	u8 unused[128];		/* for larger masks, and alignment */
} __aligned(16);

#define UC_HEAD_USED offsetof(struct uc_head, unused)

struct ucontext {
	struct uc_head head;
	struct sigcontext mc;
};
static_assert(offsetof(struct ucontext, mc) == 176, "ucontext");

struct sigframe {
	u8 info[SIGINFO_SIZE];	/* as kept, then zeros */
	u8 info_rest[128 - SIGINFO_SIZE];
	struct ucontext uc;
};
static_assert(sizeof(struct sigframe) == 1088, "rt_sigframe");

/* Follows the first header, in the user's frame. */
struct sig_vector {
	unsigned long vstart, vl, vtype, vcsr, vlenb;
	unsigned long data;	/* user address of the registers */
};

static size_t vector_part(const struct task *t)
{
	return t->arch.vector ? sizeof(struct ctx_hdr) +
					sizeof(struct sig_vector) +
					vector_bytes() :
				0;
}

static void fill_head(struct uc_head *h, const struct signal_setup *s)
{
	h->flags = 0;
	h->link = 0;
	h->stack.sp = s->altstack.sp;
	h->stack.flags = (u32)s->altstack.flags;
	h->stack._pad = 0;
	h->stack.size = s->altstack.size;
	h->sigmask = s->mask;
}

/* Each part goes straight to its place, by words: the frame is aligned.  The
 * range is checked once. */
static int put_frame(unsigned long at, const struct regs *r,
		     const struct signal_setup *s, struct ctx_hdr ext)
{
	struct sigframe *f = (struct sigframe *)at;
	struct uc_head head;
	size_t left;

	if (!access_ok((void __user *)at, sizeof(*f)))
		return -EFAULT;
	fill_head(&head, s);
	uaccess_begin();
	left = user_copy_words(f->info, s->siginfo, sizeof(f->info));
	left |= user_clear(f->info_rest, sizeof(f->info_rest));
	left |= user_copy_words(&f->uc.head, &head, UC_HEAD_USED);
	left |= user_clear(f->uc.head.unused, sizeof(f->uc.head.unused));
	left |= user_copy_words(f->uc.mc.regs, r, sizeof(f->uc.mc.regs));
	left |= user_copy_words(&f->uc.mc.fp, &current->arch.fp,
				sizeof(f->uc.mc.fp));
	left |= user_clear(f->uc.mc.unused, sizeof(f->uc.mc.unused) +
						  sizeof(f->uc.mc.reserved));
	left |= user_copy_words(&f->uc.mc.ext, &ext, sizeof(ext));
	uaccess_end();
	return left ? -EFAULT : 0;
}

/* The vector state at `where`, and the end of the chain. */
static int put_vector(unsigned long where)
{
	struct arch_vector *v = current->arch.vector;
	struct sig_vector sv;
	struct ctx_hdr end = { 0, 0 };

	vector_save_current();
	sv = (struct sig_vector){ v->vstart, v->vl, v->vtype, v->vcsr,
				  v->vlenb, where + sizeof(sv) };
	if (copy_to_user((void __user *)where, &sv, sizeof(sv)) ||
	    copy_to_user((void __user *)sv.data, v->data, vector_bytes()) ||
	    copy_to_user((void __user *)(sv.data + vector_bytes()), &end,
			 sizeof(end)))
		return -EFAULT;
	return 0;
}

int arch_signal_setup(struct regs *r, const struct signal_setup *s)
{
	size_t extra = vector_part(current);
	unsigned long at = s->stack_top ? s->stack_top : r->sp;
	struct ctx_hdr ext = { 0, 0 };

	at -= sizeof(struct sigframe) + extra;
	at &= ~(SIGNAL_FRAME_ALIGN - 1ul);
	arch_fp_save();
	if (extra) {
		ext = (struct ctx_hdr){ RISCV_V_MAGIC, (u32)extra };
		if (put_vector(at + sizeof(struct sigframe)))
			return -EFAULT;
	}
	if (put_frame(at, r, s, ext))
		return -EFAULT;
	r->pc = s->handler;
	r->ra = s->restorer ? s->restorer : s->vdso + vdso_sigreturn_at;
	r->sp = at;
	r->a0 = (unsigned long)s->sig;
	r->a1 = at + offsetof(struct sigframe, info);
	r->a2 = at + offsetof(struct sigframe, uc);
	return 0;
}

/* The extension chain: nothing, or vector state and then nothing. */
static int get_vector(struct ctx_hdr ext, unsigned long where)
{
	struct arch_vector *v = current->arch.vector;
	struct sig_vector sv;
	struct ctx_hdr end;

	if (!ext.magic && !ext.size)
		return 0;
	if (ext.magic != RISCV_V_MAGIC || !v ||
	    ext.size != vector_part(current) ||
	    copy_from_user(&sv, (void __user *)where, sizeof(sv)) ||
	    sv.data != where + sizeof(sv) ||
	    copy_from_user(&end, (void __user *)(sv.data + vector_bytes()),
			   sizeof(end)) ||
	    end.magic || end.size)
		return -EINVAL;
	vector_save_current();
	if (copy_from_user(v->data, (void __user *)sv.data, vector_bytes()))
		return -EFAULT;
	v->vstart = sv.vstart;
	v->vl = sv.vl;
	v->vtype = sv.vtype;
	v->vcsr = sv.vcsr;
	vector_load_current();
	return 0;
}

/* Straight into the frame and the FP state: a failure kills anyway. */
static size_t get_frame(const struct sigframe *f, struct regs *r,
			struct uc_head *head, struct ctx_hdr *ext)
{
	struct fp_state *fp = &current->arch.fp;
	struct {
		u32 unused, reserved;
		struct ctx_hdr ext;
	} tail;
	size_t left;

	uaccess_begin();
	left = user_copy_words(head, &f->uc.head, UC_HEAD_USED);
	left |= user_copy_words(r, f->uc.mc.regs, sizeof(f->uc.mc.regs));
	left |= user_copy_words(fp, &f->uc.mc.fp, sizeof(*fp));
	left |= user_copy_words(&tail, &f->uc.mc.unused[62], sizeof(tail));
	uaccess_end();
	fp->fcsr &= 0xff;
	fp->_pad = 0;
	r->syscall = -1;
	*ext = tail.ext;
	return left | tail.reserved;
}

/* The handler may have interrupted an lr/sc pair, and stored to its word. */
static void drop_reservation(void)
{
	unsigned long word = 0;

	__asm__ volatile("sc.d zero, zero, (%0)" ::"r"(&word) : "memory");
}

int arch_signal_return(struct regs *r, u64 *mask, unsigned long altstack[3])
{
	unsigned long at = r->sp;
	struct ctx_hdr ext;
	struct uc_head head;
	size_t failed;

	if (at & (SIGNAL_FRAME_ALIGN - 1) ||
	    !access_ok((void __user *)at, sizeof(struct sigframe)))
		return -EFAULT;
	arch_fp_save();
	drop_reservation();
	failed = get_frame((const struct sigframe *)at, r, &head, &ext);
	arch_fp_restore();
	if (failed || get_vector(ext, at + sizeof(struct sigframe)))
		return -EFAULT;
	*mask = head.sigmask;
	altstack[0] = head.stack.sp;
	altstack[1] = head.stack.flags;
	altstack[2] = head.stack.size;
	return 0;
}

size_t arch_signal_frame_size(void)
{
	size_t n = sizeof(struct sigframe);

	if (vector_bytes())
		n += sizeof(struct ctx_hdr) + sizeof(struct sig_vector) +
		     vector_bytes();
	return ALIGN_UP(n, (size_t)SIGNAL_FRAME_ALIGN);
}
