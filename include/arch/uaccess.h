#pragma once
/*
 * User memory is touched only here.  Each function returns 0 or -EFAULT and
 * may sleep (a page fault), unless pagefault_disable() is in force: then an
 * absent page is -EFAULT.
 */
#include <arch/mmu.h>
#include <kernel/preempt.h>
#include <lib/errno.h>

static inline bool access_ok(const void __user *p, size_t n)
{
	unsigned long a = (unsigned long)p;

	return n <= USER_END && a <= USER_END - n;
}

int __must_check copy_from_user(void *dst, const void __user *src, size_t n);
int __must_check copy_to_user(void __user *dst, const void *src, size_t n);
int __must_check clear_user(void __user *dst, size_t n);
/* For short counts: bytes NOT copied. */
size_t __must_check copy_from_user_partial(void *dst, const void __user *src,
					   size_t n);
size_t __must_check copy_to_user_partial(void __user *dst, const void *src,
					 size_t n);
size_t __must_check clear_user_partial(void __user *dst, size_t n);

/* Copies a string with its NUL: *len is its length without it.
 * -ENAMETOOLONG if there is no NUL within size bytes. */
int __must_check strncpy_from_user(char *dst, const char __user *src,
				   size_t size, size_t *len);
/* Length without NUL, at most max (then no NUL was found). */
int __must_check strnlen_user(const char __user *s, size_t max, size_t *len);

/* Where the instruction `insn` goes on when its access fails. */
#define EX_ENTRY(insn, fixup)                                                  \
	".pushsection __ex_table, \"a\"\n"                                     \
	".balign 8\n"                                                          \
	".quad " insn ", " fixup "\n"                                          \
	".popsection\n"

/* True if user access is open only inside these functions; else it always is,
 * since the switch costs a TLB flush (measured at boot). const after init */
extern bool uaccess_toggles_sum;

static __always_inline void uaccess_begin(void)
{
	if (CONFIG_SUM_TOGGLE || unlikely(uaccess_toggles_sum))
		__asm__ volatile("csrs sstatus, %0" ::"r"(1ul << 18)
				 : "memory");
}

static __always_inline void uaccess_end(void)
{
	if (CONFIG_SUM_TOGGLE || unlikely(uaccess_toggles_sum))
		__asm__ volatile("csrc sstatus, %0" ::"r"(1ul << 18)
				 : "memory");
}

/* Loads and stores without checks, between uaccess_begin() and _end(). */
#define __UACCESS_LOAD(insn, out, p, fault)                                    \
	__asm__ goto volatile("1: " insn " %0, 0(%1)\n"                        \
			      EX_ENTRY("1b", "%l[" #fault "]")                 \
			      : "=r"(out)                                      \
			      : "r"(p)                                         \
			      : "memory"                                       \
			      : fault)
#define __UACCESS_STORE(insn, v, p, fault)                                     \
	__asm__ goto volatile("1: " insn " %z0, 0(%1)\n"                        \
			      EX_ENTRY("1b", "%l[" #fault "]")                 \
			      :                                                \
			      : "rJ"(v), "r"(p)                                \
			      : "memory"                                       \
			      : fault)

/* x = *p and *p = x for 1, 2, 4, 8 byte scalars. */
static __always_inline int __must_check
uaccess_get(u64 *out, const void __user *p, unsigned size)
{
	u64 v;

	might_fault();
	if (unlikely(!access_ok(p, size)))
		goto bad;
	uaccess_begin();
	switch (size) {
	case 1:
		__UACCESS_LOAD("lbu", v, p, fault);
		break;
	case 2:
		__UACCESS_LOAD("lhu", v, p, fault);
		break;
	case 4:
		__UACCESS_LOAD("lwu", v, p, fault);
		break;
	default:
		__UACCESS_LOAD("ld", v, p, fault);
		break;
	}
	uaccess_end();
	*out = v;
	return 0;
fault:
	uaccess_end();
bad:
	*out = 0;
	return -EFAULT;
}

static __always_inline int __must_check uaccess_put(u64 v, void __user *p,
						    unsigned size)
{
	might_fault();
	if (unlikely(!access_ok(p, size)))
		return -EFAULT;
	uaccess_begin();
	switch (size) {
	case 1:
		__UACCESS_STORE("sb", v, p, fault);
		break;
	case 2:
		__UACCESS_STORE("sh", v, p, fault);
		break;
	case 4:
		__UACCESS_STORE("sw", v, p, fault);
		break;
	default:
		__UACCESS_STORE("sd", v, p, fault);
		break;
	}
	uaccess_end();
	return 0;
fault:
	uaccess_end();
	return -EFAULT;
}

#define get_user(x, p)                                                         \
	({                                                                     \
		u64 _v;                                                        \
		int _e = uaccess_get(&_v, (p), sizeof(*(p)));                  \
		(x) = (__typeof__(x))(__typeof__(*(p)))_v;                     \
		_e;                                                            \
	})
#define put_user(x, p) uaccess_put((u64)(x), (p), sizeof(*(p)))

/* Atomics on a user int, for futexes: *old gets the former value. */
int __must_check user_cmpxchg32(u32 __user *p, u32 expect, u32 val, u32 *old);
enum user_op { USER_SWAP, USER_ADD, USER_OR, USER_ANDN, USER_XOR };
int __must_check user_atomic32(u32 __user *p, enum user_op op, u32 arg,
			       u32 *old);

static inline void pagefault_disable(void)
{
	current->pagefault_disabled++;
	barrier();
}

static inline void pagefault_enable(void)
{
	barrier();
	current->pagefault_disabled--;
}

/* A kernel address that may be bad (debuggers, dumps): 0 or -EFAULT. */
int __must_check copy_from_kernel_nofault(void *dst, const void *src, size_t n);

/* True if the instruction at pc may fault; then *fixup is where to go on. */
bool exception_fixup(unsigned long pc, unsigned long *fixup);
/* Sorts the table, once at start-up. */
void exception_table_init(void);
