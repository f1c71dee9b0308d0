/* Slab caches and kmalloc. */
#include <arch/task.h>
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmap.h>

#define N 500

static void ctor(void *obj)
{
	*(u64 *)obj = 0x600d;
}

SELFTEST(slab_objects_do_not_overlap)
{
	struct slab_cache *c = slab_cache_create("test-72", 72, 0, 0, NULL);
	static u8 *objs[N];

	for (int i = 0; i < N; i++) {
		objs[i] = slab_alloc(c, GFP_KERNEL);
		ST_CHECK(objs[i] && IS_ALIGNED((uintptr_t)objs[i], 16));
		memset(objs[i], i, 72);
	}
	for (int i = 0; i < N; i++) {
		ST_CHECK(objs[i][0] == (u8)i && objs[i][71] == (u8)i);
		slab_free(c, objs[i]);
	}
}

SELFTEST(slab_constructor_runs_once)
{
	struct slab_cache *c = slab_cache_create("test-ctor", 40, 0, 0, ctor);
	u64 *a = slab_alloc(c, GFP_KERNEL);

	ST_CHECK(*a == 0x600d);
	*a = 0x600e;
	slab_free(c, a);
	ST_CHECK(slab_alloc(c, GFP_KERNEL) == a && *a == 0x600e);
	slab_free(c, a);
}

SELFTEST(kmalloc_sizes_and_alignment)
{
	for (size_t n = 1; n <= 1u << 20; n += n / 3 + 1) {
		u8 *p = kmalloc(n, GFP_KERNEL);

		ST_CHECK(p && ksize(p) >= n);
		if (!p)
			continue;
		if (is_pow2(n) && n <= 4096)
			ST_CHECK(IS_ALIGNED((uintptr_t)p, n));
		memset(p, 0x11, n);
		kfree(p);
	}
	ST_CHECK(!kmalloc_array(1ul << 40, 1ul << 30, GFP_KERNEL));
}

SELFTEST(krealloc_keeps_content)
{
	char *p = kmemdup("0123456789abcdef", 16, GFP_KERNEL);

	p = krealloc(p, 5000, GFP_KERNEL);
	ST_CHECK(p && !memcmp(p, "0123456789abcdef", 16));
	kfree(p);
}

SELFTEST(alloc_fails_on_demand)
{
	void *a, *b;

	alloc_fail_at(2);
	a = kmalloc(64, GFP_KERNEL);
	b = kmalloc(64, GFP_KERNEL);
	alloc_fail_at(0);
	ST_CHECK(!a || !b);	/* the first may have needed a page too */
	kfree(a);
	kfree(b);
}

SELFTEST(vmalloc_is_usable_and_goes_away)
{
	u8 *p = vzalloc(5 * PAGE_SIZE + 1);

	ST_CHECK(p && is_vmalloc(p) && mem_is_zero(p, 5 * PAGE_SIZE + 1));
	memset(p, 7, 5 * PAGE_SIZE + 1);
	vfree(p);
	p = kvmalloc(8ul << 20, GFP_KERNEL);
	ST_CHECK(p && is_vmalloc(p));
	kvfree(p);
}

SELFTEST(kernel_stacks_are_recycled)
{
	void *s[12];

	for (int i = 0; i < 12; i++) {
		s[i] = kstack_alloc();
		ST_CHECK(s[i]);
		memset(s[i], i, KSTACK_SIZE);
	}
	for (int i = 0; i < 12; i++) {
		ST_CHECK(((u8 *)s[i])[KSTACK_SIZE - 1] == i);
		kstack_free(s[i]);
	}
}
