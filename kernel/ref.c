/*
 * ref - reports misused reference counts, and makes them stick.
 *
 * Theory:  a count that was used after it reached zero, or that overflowed,
 *          cannot be trusted again; saturated, the object leaks, and nobody
 *          frees what somebody uses.
 */
#include <kernel/print.h>
#include <kernel/ref.h>

void ref_warn(struct ref *r, const char *what)
{
	static u32 warned;

	__atomic_store_n(&r->n, REF_SATURATED, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&warned, 1u, __ATOMIC_RELAXED))
		return;
	pr_err("reference count at %p %s\n", (void *)r, what);
	backtrace_print();
}
