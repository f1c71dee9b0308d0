/* the block layer on the first disk of the machine: look-up, reading through
 * the cache and past it */
#include <fs/device.h>
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/slab.h>

static struct block_device *first_disk(void)
{
	return blkdev_next(NULL);
}

SELFTEST(blkdev_is_found_by_name_and_number)
{
	struct block_device *b = first_disk(), *other;
	char text[40] = "/dev/";

	if (!b)
		return;		/* a machine without disks */
	other = blkdev_find_name(b->name);
	ST_CHECK(other == b);
	if (other)
		blkdev_put(other);
	other = blkdev_find_dev(b->dev);
	ST_CHECK(other == b);
	if (other)
		blkdev_put(other);
	strlcat(text, b->name, sizeof(text));
	ST_CHECK(blkdev_resolve(text, &other) == 0 && other == b);
	if (other)
		blkdev_put(other);
	ST_CHECK(blkdev_resolve("/dev/nothing", &other) == -ENOENT);
	blkdev_put(b);
}

SELFTEST(cached_and_direct_reads_agree)
{
	struct block_device *b = first_disk();
	struct page *cached, *p;
	struct bio *bio;

	if (!b)
		return;
	p = page_alloc(GFP_KERNEL, 0);
	ST_CHECK(p);
	ST_CHECK(page_cache_read(&b->inode->data, 0, &cached) == 0);
	ST_CHECK(bio_alloc(b, BIO_READ, 0, 1, GFP_KERNEL, &bio) == 0);
	ST_CHECK(bio_add_page(bio, p, 0, PAGE_SIZE));
	ST_CHECK(bio_submit_wait(bio) == 0);
	if (!page_test(cached, PG_DIRTY))
		ST_CHECK(!memcmp(page_to_va(p), page_to_va(cached),
				 PAGE_SIZE));
	bio_free(bio);
	page_put(cached);
	page_put(p);
	blkdev_put(b);
}

SELFTEST(reading_past_the_end_fails)
{
	struct block_device *b = first_disk();
	struct page *p;
	struct bio *bio;

	if (!b)
		return;
	p = page_alloc(GFP_KERNEL, 0);
	ST_CHECK(bio_alloc(b, BIO_READ, b->sectors, 1, GFP_KERNEL, &bio) == 0);
	ST_CHECK(bio_add_page(bio, p, 0, 512));
	ST_CHECK(bio_submit_wait(bio) == -EIO);
	bio_free(bio);
	page_put(p);
	blkdev_put(b);
}

SELFTEST(a_claim_excludes_the_other)
{
	struct block_device *b = first_disk();
	int me, you;

	if (!b)
		return;
	if (blkdev_claim(b, &me) == 0) {
		ST_CHECK(blkdev_claim(b, &you) == -EBUSY);
		blkdev_release(b, &me);
	}
	blkdev_put(b);
}
