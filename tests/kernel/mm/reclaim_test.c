/* Reclaim: more file than memory, and running out for good. */
#include <kernel/init.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/slab.h>

#define SMALL_MACHINE (512ull << 20 >> PAGE_SHIFT)

static int read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		*(u64 *)page_to_va(pages[i]) = pages[i]->index;
		page_flag_set(pages[i], PG_UPTODATE);
		page_unlock(pages[i]);
	}
	return 0;
}

static const struct mapping_ops ops = { .read_pages = read_pages };

static bool read_one(struct mapping *m, struct readahead *ra, u64 index)
{
	u64 word = ~0ull, pos = index * PAGE_SIZE;
	struct kvec v = { &word, 8 };
	struct iter it;

	iter_kvec(&it, &v, 1, 8, false);
	return filemap_read(m, ra, &it, &pos) == 8 && word == index;
}

SELFTEST(reclaim_lets_a_file_larger_than_memory_through)
{
	u64 n = mem_total_pages() * 3 / 2, bad = 0;
	struct readahead ra = { 0 };
	struct mapping m;

	if (mem_total_pages() > SMALL_MACHINE)
		return;		/* would take long */
	mapping_init(&m, &ops, NULL);
	m.size = n * PAGE_SIZE;
	for (u64 i = 0; i < n; i++) {
		bad += !read_one(&m, &ra, i);
		if (i % 64 == 0)
			bad += !read_one(&m, NULL, i % 512); /* used often */
	}
	ST_CHECK(!bad);
	ST_CHECK(m.nr_pages < mem_total_pages());
	mapping_destroy(&m);
	ST_CHECK(m.nr_pages == 0);
}

SELFTEST(running_out_of_memory_is_an_error)
{
	struct list taken = LIST_INIT(taken);
	u64 n = 0;

	if (mem_total_pages() > SMALL_MACHINE)
		return;
	for (;; n++) {
		struct page *p = page_alloc(GFP_KERNEL | GFP_NOWARN, 0);

		if (!p)
			break;
		list_add(&p->lru, &taken);
	}
	ST_CHECK(n > mem_total_pages() / 2);
	while (!list_empty(&taken)) {
		struct page *p = list_first_entry(&taken, struct page, lru);

		list_del(&p->lru);
		page_free(p, 0);
	}
	ST_CHECK(mem_free_pages() >= n);
}
