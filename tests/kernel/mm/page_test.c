/* Frames: the buddy lists, per-hart lists, references. */
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/page.h>

SELFTEST(page_blocks_are_aligned_and_distinct)
{
	struct page *p[MAX_ORDER + 1];

	for (unsigned o = 0; o <= MAX_ORDER; o++) {
		p[o] = page_alloc(GFP_KERNEL, o);
		ST_CHECK(p[o]);
		if (!p[o])
			return;
		ST_CHECK(IS_ALIGNED(page_to_pfn(p[o]), 1ul << o));
		ST_CHECK(pfn_valid(page_to_pfn(p[o])));
		memset(page_to_va(p[o]), (int)o + 1, PAGE_SIZE << o);
	}
	for (unsigned o = 0; o <= MAX_ORDER; o++) {
		u8 *b = page_to_va(p[o]);

		ST_CHECK(!memcmp(b, b + 1, (PAGE_SIZE << o) - 1));
		ST_CHECK(*b == o + 1);
		page_free(p[o], o);
	}
}

SELFTEST(page_zeroed_on_demand)
{
	struct page *p = page_alloc(GFP_KERNEL, 2);

	memset(page_to_va(p), 0xff, 4 * PAGE_SIZE);
	page_free(p, 2);
	p = page_alloc(GFP_KERNEL | GFP_ZERO, 2);
	ST_CHECK(mem_is_zero(page_to_va(p), 4 * PAGE_SIZE));
	page_free(p, 2);
}

SELFTEST(page_all_memory_comes_back)
{
	static struct page *pages[3000];
	u64 before = mem_free_pages(), after;
	unsigned n = 0;

	for (; n < ARRAY_SIZE(pages); n++) {
		pages[n] = page_alloc(GFP_KERNEL, n % 5 == 0 ? 3 : 0);
		if (!pages[n])
			break;
	}
	ST_CHECK(n == ARRAY_SIZE(pages));
	ST_CHECK(mem_free_pages() + 3000 <= before + 256);
	for (unsigned i = 0; i < n; i++)
		page_free(pages[i], i % 5 == 0 ? 3 : 0);
	after = mem_free_pages();
	ST_CHECK(after + 64 > before && before + 64 > after);
}

SELFTEST(page_late_reference_frees_a_block_whole)
{
	struct page *p = page_alloc(GFP_KERNEL, 3);
	u64 before = mem_free_pages();

	page_get(p);		/* as a look-up without locks may */
	page_free(p, 3);
	ST_CHECK(mem_free_pages() >= before + 7);
	page_put(p);
	ST_CHECK(mem_free_pages() >= before + 8);
}

SELFTEST(page_lock_excludes)
{
	struct page *p = page_alloc(GFP_KERNEL, 0);

	ST_CHECK(page_trylock(p));
	ST_CHECK(!page_trylock(p));
	page_unlock(p);
	page_lock(p);
	ST_CHECK(page_test(p, PG_LOCKED));
	page_unlock(p);
	page_put(p);
}
