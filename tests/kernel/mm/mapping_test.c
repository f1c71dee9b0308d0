/* The page cache, over a pretended device that knows each page's content. */
#include <kernel/init.h>
#include <kernel/waitq.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/mapping.h>

static unsigned reads, writes;

static u64 word_of(u64 index)
{
	return index * 0x9e3779b97f4a7c15ull + 1;
}

static int fake_read(struct mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u64 *w = page_to_va(pages[i]);

		for (unsigned k = 0; k < PAGE_SIZE / 8; k++)
			w[k] = word_of(pages[i]->index);
		reads++;
		page_flag_set(pages[i], PG_UPTODATE);
		page_unlock(pages[i]);
	}
	return 0;
}

static int fake_write(struct mapping *m, struct writeback *wb)
{
	u64 index = wb->start;
	struct page *p;

	while ((p = mapping_next_dirty(m, &index, wb->end))) {
		ST_CHECK(page_clear_dirty_for_io(p));
		page_start_writeback(p);
		page_unlock(p);
		writes++;
		page_end_writeback(p, 0);
		page_put(p);
	}
	return 0;
}

static const struct mapping_ops fake_ops = {
	.read_pages = fake_read,
	.write_pages = fake_write,
};
static const struct mapping_ops mem_ops;

static ssize_t read_at(struct mapping *m, struct readahead *ra, void *buf,
		       size_t n, u64 pos)
{
	struct kvec v = { buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, false);
	return filemap_read(m, ra, &it, &pos);
}

static ssize_t write_at(struct mapping *m, void *buf, size_t n, u64 pos)
{
	struct kvec v = { buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, true);
	return filemap_write(m, &it, &pos);
}

SELFTEST(filemap_reads_ahead_sequentially)
{
	static u64 buf[PAGE_SIZE / 8];
	struct readahead ra = { 0 };
	struct mapping m;
	u64 n = 600;

	mapping_init(&m, &fake_ops, NULL);
	m.size = n * PAGE_SIZE - 100;
	reads = 0;
	for (u64 i = 0; i < n; i++) {
		ssize_t got = read_at(&m, &ra, buf, PAGE_SIZE, i * PAGE_SIZE);

		ST_CHECK(got == (ssize_t)(i == n - 1 ? PAGE_SIZE - 100
						     : PAGE_SIZE));
		ST_CHECK(buf[0] == word_of(i) && buf[100] == word_of(i));
	}
	ST_CHECK(reads == n);
	ST_CHECK(ra.size == 256);
	ST_CHECK(read_at(&m, &ra, buf, 8, m.size) == 0);
	mapping_destroy(&m);
	ST_CHECK(m.nr_pages == 0);
}

SELFTEST(filemap_partial_write_reads_first)
{
	static u64 buf[PAGE_SIZE / 8];
	struct readahead ra = { 0 };
	struct mapping m;
	u64 x = 42;

	mapping_init(&m, &fake_ops, NULL);
	m.size = 10 * PAGE_SIZE;
	ST_CHECK(write_at(&m, &x, 8, 3 * PAGE_SIZE + 16) == 8);
	ST_CHECK(read_at(&m, &ra, buf, PAGE_SIZE, 3 * PAGE_SIZE) ==
		 (ssize_t)PAGE_SIZE);
	ST_CHECK(buf[1] == word_of(3) && buf[2] == 42 && buf[3] == word_of(3));
	ST_CHECK(mapping_is_dirty(&m));
	writes = 0;
	ST_CHECK(mapping_write(&m, 0, ULONG_MAX, true) == 0);
	ST_CHECK(writes == 1 && !mapping_is_dirty(&m));
	/* beyond the end: zeroes before it, size moves up */
	ST_CHECK(write_at(&m, &x, 8, 20 * PAGE_SIZE + 8) == 8);
	ST_CHECK(mapping_size(&m) == 20 * PAGE_SIZE + 16);
	ST_CHECK(read_at(&m, &ra, buf, 100, 20 * PAGE_SIZE) == 16);
	ST_CHECK(buf[0] == 0 && buf[1] == 42);
	mapping_truncate(&m, 0);
	ST_CHECK(m.nr_pages == 0 && !mapping_is_dirty(&m));
	mapping_destroy(&m);
}

SELFTEST(filemap_holes_of_memory_files)
{
	static u8 buf[3 * PAGE_SIZE];
	struct readahead ra = { 0 };
	struct mapping m;

	mapping_init(&m, &mem_ops, NULL);
	m.flags = MAP_NO_WRITEBACK | MAP_NO_RECLAIM;
	memset(buf, 0xaa, sizeof(buf));
	ST_CHECK(write_at(&m, buf, 10, 5 * PAGE_SIZE - 5) == 10);
	ST_CHECK(m.nr_pages == 2);
	ST_CHECK(read_at(&m, &ra, buf, sizeof(buf), 3 * PAGE_SIZE) ==
		 (ssize_t)(2 * PAGE_SIZE + 5));
	ST_CHECK(mem_is_zero(buf, 2 * PAGE_SIZE - 5));
	ST_CHECK(buf[2 * PAGE_SIZE - 5] == 0xaa &&
		 buf[2 * PAGE_SIZE + 4] == 0xaa);
	ST_CHECK(m.nr_pages == 2);
	mapping_destroy(&m);
}

SELFTEST(truncate_and_punch_zero_the_edges)
{
	static u8 buf[4 * PAGE_SIZE];
	struct readahead ra = { 0 };
	struct mapping m;

	mapping_init(&m, &mem_ops, NULL);
	m.flags = MAP_NO_WRITEBACK | MAP_NO_RECLAIM;
	memset(buf, 0x55, sizeof(buf));
	ST_CHECK(write_at(&m, buf, sizeof(buf), 0) == (ssize_t)sizeof(buf));
	mapping_punch(&m, 100, 2 * PAGE_SIZE + 100);
	ST_CHECK(m.nr_pages == 3);
	ST_CHECK(read_at(&m, &ra, buf, sizeof(buf), 0) ==
		 (ssize_t)sizeof(buf));
	ST_CHECK(buf[99] == 0x55 && buf[2 * PAGE_SIZE + 100] == 0x55);
	ST_CHECK(mem_is_zero(buf + 100, 2 * PAGE_SIZE));
	m.size = PAGE_SIZE / 2;
	mapping_truncate(&m, m.size);
	ST_CHECK(m.nr_pages == 1);
	m.size = PAGE_SIZE;
	ST_CHECK(read_at(&m, &ra, buf, PAGE_SIZE, 0) == (ssize_t)PAGE_SIZE);
	ST_CHECK(mem_is_zero(buf + PAGE_SIZE / 2, PAGE_SIZE / 2));
	mapping_destroy(&m);
}

SELFTEST(clean_pages_can_be_dropped)
{
	static u64 buf[PAGE_SIZE / 8];
	struct readahead ra = { 0 };
	struct mapping m;
	u64 x = 1;

	mapping_init(&m, &fake_ops, NULL);
	m.size = 64 * PAGE_SIZE;
	for (u64 i = 0; i < 64; i++)
		read_at(&m, &ra, buf, PAGE_SIZE, i * PAGE_SIZE);
	ST_CHECK(write_at(&m, &x, 8, 7 * PAGE_SIZE) == 8);
	ST_CHECK(mapping_invalidate(&m, 0, ULONG_MAX) == 63);
	ST_CHECK(m.nr_pages == 1);
	ST_CHECK(mapping_write(&m, 0, ULONG_MAX, true) == 0);
	drop_caches(1);
	ST_CHECK(m.nr_pages == 0);
	mapping_destroy(&m);
}

SELFTEST(iter_goes_forth_and_back)
{
	char a[5], b[7], out[13] = "";
	struct kvec v[2] = { { a, 5 }, { b, 7 } };
	struct iter it;

	iter_kvec(&it, v, 2, 12, false);
	ST_CHECK(copy_to_iter("hello,world!", 12, &it) == 12 && !it.count);
	iter_revert(&it, 9);
	ST_CHECK(it.count == 9);
	ST_CHECK(copy_to_iter("LO", 2, &it) == 2);
	iter_revert(&it, 5);
	it.is_source = true;
	ST_CHECK(copy_from_iter(out, 12, &it) == 12);
	ST_CHECK(!memcmp(out, "helLO,world!", 12));
}
