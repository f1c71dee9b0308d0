/*
 * uaccess - copies between the kernel and user memory.
 *
 * Theory:  the range is checked against the end of user addresses, then the
 *          plain loads and stores of copy.S run.  One that faults is either
 *          resolved by the fault handler and repeated, or continues where the
 *          exception table says.  Long copies end the fast-call state first,
 *          so that interrupts wait for no more than some 10 us.
 */
#include <arch/uaccess.h>
#include <lib/bitmap.h>
#include <lib/sort.h>
#include <lib/string.h>

#include "smp_impl.h"
#include "uaccess_impl.h"

#define LONG_COPY 32768

bool uaccess_toggles_sum;

struct ex_entry {
	unsigned long insn, fixup;
};
extern struct ex_entry __ex_table_start[], __ex_table_end[];

static int compare(const void *a, const void *b, void *ctx)
{
	const struct ex_entry *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

void exception_table_init(void)
{
	sort(__ex_table_start, (size_t)(__ex_table_end - __ex_table_start),
	     sizeof(struct ex_entry), compare, NULL);
}

bool exception_fixup(unsigned long pc, unsigned long *fixup)
{
	const struct ex_entry *lo = __ex_table_start, *hi = __ex_table_end;

	while (lo < hi) {
		const struct ex_entry *mid = lo + (hi - lo) / 2;

		if (mid->insn == pc) {
			*fixup = mid->fixup;
			return true;
		}
		if (mid->insn < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static void before_long_copy(size_t n)
{
	const struct task *t = current;

	if (unlikely(n >= LONG_COPY) && !t->preempt_count)
		irqs_unmask();
}

size_t __hot copy_from_user_partial(void *dst, const void __user *src,
				    size_t n)
{
	size_t left;

	if (unlikely(!access_ok(src, n)))
		return n;
	might_fault();
	before_long_copy(n);
	uaccess_begin();
	left = user_copy(dst, (const void *)src, n);
	uaccess_end();
	return left;
}

size_t __hot copy_to_user_partial(void __user *dst, const void *src, size_t n)
{
	size_t left;

	if (unlikely(!access_ok(dst, n)))
		return n;
	might_fault();
	before_long_copy(n);
	uaccess_begin();
	left = user_copy((void *)dst, src, n);
	uaccess_end();
	return left;
}

size_t clear_user_partial(void __user *dst, size_t n)
{
	size_t left;

	if (unlikely(!access_ok(dst, n)))
		return n;
	might_fault();
	before_long_copy(n);
	uaccess_begin();
	left = user_clear((void *)dst, n);
	uaccess_end();
	return left;
}

int __hot copy_from_user(void *dst, const void __user *src, size_t n)
{
	return copy_from_user_partial(dst, src, n) ? -EFAULT : 0;
}

int __hot copy_to_user(void __user *dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) ? -EFAULT : 0;
}

int clear_user(void __user *dst, size_t n)
{
	return clear_user_partial(dst, n) ? -EFAULT : 0;
}

/* True if a word at p may be loaded without touching the next page. */
static inline bool can_load_word(unsigned long p)
{
	if (likely(cpu_misaligned_fast))
		return (p & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8;
	return !(p & 7);
}

/* Not zero if a byte of the word is zero; the lowest marked one is. */
static inline u64 zero_bytes(u64 w)
{
	return (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
}

static inline void store_word(char *dst, u64 w)
{
	if (cpu_misaligned_fast || !((unsigned long)dst & 7)) {
		*(u64 __may_alias *)dst = w;
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		dst[i] = (char)(w >> (8 * i));
}

/* max: at most that many bytes.  Stores to dst unless NULL.  The length
 * without NUL through *len, max if there is no NUL. */
static inline int scan_string(char *dst, const char __user *src, size_t max,
			      size_t *len)
{
	size_t n = 0;
	u64 w;

	while (n < max) {
		const char __user *p = src + n;

		if (can_load_word((unsigned long)p) && max - n >= 8) {
			__UACCESS_LOAD("ld", w, p, fault);
			if (dst)
				store_word(dst + n, w);
			w = zero_bytes(w);
			if (w) {
				*len = n + __ffs64(w) / 8;
				return 0;
			}
			n += 8;
			continue;
		}
		__UACCESS_LOAD("lbu", w, p, fault);
		if (dst)
			dst[n] = (char)w;
		if (!w)
			break;
		n++;
	}
	*len = n;
	return 0;
fault:
	return -EFAULT;
}

/* What of max bytes lies below the end of user addresses. */
static size_t user_room(const char __user *s, size_t max)
{
	unsigned long a = (unsigned long)s;

	return a >= USER_END ? 0 : min(max, USER_END - a);
}

int __hot strncpy_from_user(char *dst, const char __user *src, size_t size,
			    size_t *len)
{
	size_t room = user_room(src, size);
	int err;

	if (unlikely(!room))
		return size ? -EFAULT : -ENAMETOOLONG;
	might_fault();
	uaccess_begin();
	err = scan_string(dst, src, room, len);
	uaccess_end();
	if (unlikely(err))
		return err;
	if (unlikely(*len == room))
		return room < size ? -EFAULT : -ENAMETOOLONG;
	return 0;
}

int strnlen_user(const char __user *s, size_t max, size_t *len)
{
	size_t room = user_room(s, max);
	int err;

	*len = 0;
	if (!room)
		return max ? -EFAULT : 0;
	might_fault();
	uaccess_begin();
	err = scan_string(NULL, s, room, len);
	uaccess_end();
	return !err && *len == room && room < max ? -EFAULT : err;
}

int copy_from_kernel_nofault(void *dst, const void *src, size_t n)
{
	unsigned long a = (unsigned long)src;

	if (a < DIRECT_MAP_BASE || a + n < a)
		return -EFAULT;
	return user_copy(dst, src, n) ? -EFAULT : 0;
}

/* --- atomics ----------------------------------------------------------- */

int user_cmpxchg32(u32 __user *p, u32 expect, u32 val, u32 *old)
{
	unsigned long seen, failed;

	if (!access_ok(p, sizeof(*p)))
		return -EFAULT;
	uaccess_begin();
	__asm__ goto volatile(
		"1: lr.w.aqrl %0, (%2)\n"
		"	bne %0, %3, 3f\n"
		"2: sc.w.aqrl %1, %4, (%2)\n"
		"	bnez %1, 1b\n"
		"3:\n"
		EX_ENTRY("1b", "%l[fault]") EX_ENTRY("2b", "%l[fault]")
		: "=&r"(seen), "=&r"(failed)
		: "r"(p), "r"((long)(s32)expect), "r"(val)
		: "memory"
		: fault);
	uaccess_end();
	*old = (u32)seen;
	return 0;
fault:
	uaccess_end();
	return -EFAULT;
}

#define USER_AMO(insn)                                                         \
	__asm__ goto volatile("1: " insn ".aqrl %0, %2, (%1)\n"                \
			      EX_ENTRY("1b", "%l[fault]")                      \
			      : "=r"(seen)                                     \
			      : "r"(p), "r"(arg)                               \
			      : "memory"                                       \
			      : fault)

int user_atomic32(u32 __user *p, enum user_op op, u32 arg, u32 *old)
{
	unsigned long seen;

	if (!access_ok(p, sizeof(*p)))
		return -EFAULT;
	uaccess_begin();
	switch (op) {
	case USER_SWAP:
		USER_AMO("amoswap.w");
		break;
	case USER_ADD:
		USER_AMO("amoadd.w");
		break;
	case USER_OR:
		USER_AMO("amoor.w");
		break;
	case USER_ANDN:
		arg = ~arg;
		USER_AMO("amoand.w");
		break;
	default:
		USER_AMO("amoxor.w");
		break;
	}
	uaccess_end();
	*old = (u32)seen;
	return 0;
fault:
	uaccess_end();
	return -EFAULT;
}
