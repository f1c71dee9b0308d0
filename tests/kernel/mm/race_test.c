/*
 * Races: tasks on all harts share one address space, or one small memory, and
 * do to each other what they can.
 */
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mm.h>
#include <mm/slab.h>

#define WORKERS 4
#define PAGES 64ul

static struct mm *shared;
static unsigned long area;
static struct mapping file;
static struct completion done[WORKERS];
static u32 failures;		/* atomic */
static void (*body)(u64 *seed);
static unsigned rounds;

static u64 next_random(u64 *s)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return *s >> 33;
}

static void worker(void *arg)
{
	u64 seed = (u64)(uintptr_t)arg * 77 + 1;

	mm_get(shared);
	mm_switch_current(shared);
	for (unsigned i = 0; i < rounds; i++) {
		body(&seed);
		cond_resched();
	}
	mm_switch_current(NULL);
	mm_put(shared);
	complete(&done[(uintptr_t)arg]);
}

static void run_workers(void (*fn)(u64 *), unsigned n)
{
	body = fn;
	rounds = n;
	failures = 0;
	for (long i = 0; i < WORKERS; i++) {
		completion_init(&done[i]);
		ST_CHECK(kthread_create(worker, (void *)i,
					(int)((u32)i % nr_harts), NULL,
					"mm-race") == 0);
	}
	for (long i = 0; i < WORKERS; i++)
		wait_for_completion(&done[i]);
	ST_CHECK(failures == 0);
}

static unsigned long anon_at(unsigned long addr, size_t len)
{
	struct map_request rq = {
		.addr = addr, .len = len, .prot = 3,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS |
			 (addr ? MAP_FIXED : 0),
	};
	unsigned long out = 0;

	if (mm_map(shared, &rq, &out))
		fetch_add(&failures, 1);
	return out;
}

/* Each word holds its own page number, or zero: nothing else may ever be
 * seen, whoever unmaps, protects or copies in between. */
static void anon_step(u64 *seed)
{
	unsigned long i = next_random(seed) % PAGES;
	unsigned long n = 1 + next_random(seed) % 8;
	u32 __user *p = (u32 __user *)(area + i * PAGE_SIZE);
	unsigned long len = min(n, PAGES - i) * PAGE_SIZE;
	struct mm *child;
	u32 v = 0;

	switch (next_random(seed) % 16) {
	case 0:
		anon_at((unsigned long)p, len);
		break;
	case 1:
		ignore_error(mm_advise(current->mm, (unsigned long)p, len, 4));
		break;
	case 2:
		ignore_error(mm_protect(shared, (unsigned long)p, len, 1));
		break;
	case 3:
		ignore_error(mm_protect(shared, (unsigned long)p, len, 3));
		break;
	case 4:
		if (next_random(seed) % 4 == 0 && !mm_fork(shared, &child))
			mm_put(child);
		break;
	case 5:
		ignore_error(mm_protect(shared, (unsigned long)p, len, 0));
		break;
	case 6 ... 11:
		if (put_user((u32)i, p))
			break;	/* not writable now */
		break;
	default:
		if (!get_user(v, p) && v != 0 && v != i)
			fetch_add(&failures, 1);
	}
}

SELFTEST(race_of_faults_and_changes)
{
	ST_CHECK(mm_create(&shared) == 0);
	mm_set_layout(shared, false, 8ul << 20);
	area = anon_at(0, PAGES * PAGE_SIZE);
	run_workers(anon_step, 700);
	ST_CHECK(mm_unmap(shared, area, PAGES * PAGE_SIZE) == 0);
	ST_CHECK(shared->rss.anon == 0 && shared->rss.tables == 0);
	mm_put(shared);
}

/* --- a file that is mapped, read, written, truncated and reclaimed --- */

static int read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u32 *w = page_to_va(pages[i]);

		for (unsigned k = 0; k < PAGE_SIZE / 4; k++)
			w[k] = (u32)pages[i]->index;
		page_flag_set(pages[i], PG_UPTODATE);
		page_unlock(pages[i]);
	}
	return 0;
}

static int write_pages(struct mapping *m, struct writeback *wb)
{
	u64 index = wb->start;
	struct page *p;

	while ((p = mapping_next_dirty(m, &index, wb->end))) {
		if (page_clear_dirty_for_io(p))
			page_start_writeback(p);
		page_unlock(p);
		if (page_test(p, PG_WRITEBACK))
			page_end_writeback(p, 0);
		page_put(p);
	}
	return 0;
}

static const struct mapping_ops file_ops = {
	.read_pages = read_pages, .write_pages = write_pages,
};
static const struct vma_ops file_vma_ops = { .fault = filemap_fault };
static struct mutex file_lock = MUTEX_INIT(file_lock, RANK_INODE, "test");

static int attach(struct file *f, struct vma *v)
{
	v->mapping = &file;
	v->ops = &file_vma_ops;
	return 0;
}

static void file_map(unsigned flags, unsigned prot)
{
	struct map_request rq = {
		.addr = area, .len = PAGES * PAGE_SIZE, .prot = prot,
		.flags = flags | MAP_FIXED, .file = (struct file *)&file,
		.attach = attach,
		.may_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};
	unsigned long out;

	if (mm_map(shared, &rq, &out))
		fetch_add(&failures, 1);
}

static void file_read(unsigned long i)
{
	u32 buf[8] = { 0 };
	struct kvec v = { buf, sizeof(buf) };
	u64 pos = i * PAGE_SIZE + 64;
	struct iter it;

	iter_kvec(&it, &v, 1, sizeof(buf), false);
	if (filemap_read(&file, NULL, &it, &pos) == (ssize_t)sizeof(buf) &&
	    buf[0] != i && buf[0] != 0)
		fetch_add(&failures, 1);
}

static void file_write(unsigned long i)
{
	u32 buf[8];
	struct kvec v = { buf, sizeof(buf) };
	u64 pos = i * PAGE_SIZE + 64;
	struct iter it;

	for (int k = 0; k < 8; k++)
		buf[k] = (u32)i;
	iter_kvec(&it, &v, 1, sizeof(buf), true);
	mutex_lock(&file_lock);
	if (filemap_write(&file, &it, &pos) < 0)
		fetch_add(&failures, 1);
	mutex_unlock(&file_lock);
}

static void file_truncate(unsigned long pages)
{
	mutex_lock(&file_lock);
	__atomic_store_n(&file.size, pages * PAGE_SIZE, __ATOMIC_RELEASE);
	mapping_truncate(&file, file.size);
	__atomic_store_n(&file.size, PAGES * PAGE_SIZE, __ATOMIC_RELEASE);
	mutex_unlock(&file_lock);
}

static void file_step(u64 *seed)
{
	unsigned long i = next_random(seed) % PAGES;
	u32 __user *p = (u32 __user *)(area + i * PAGE_SIZE);
	u32 v = 0;

	switch (next_random(seed) % 24) {
	case 0:
		file_map(MAP_SHARED, 3);
		break;
	case 1:
		file_map(MAP_PRIVATE, 3);
		break;
	case 2:
		file_truncate(i);
		break;
	case 3:
		ignore_error(mapping_write(&file, 0, ULONG_MAX, true));
		break;
	case 4:
		mapping_invalidate(&file, 0, ULONG_MAX);
		break;
	case 5:
		drop_caches(1);
		break;
	case 6:
		ignore_error(mm_unmap(shared, (unsigned long)p, PAGE_SIZE));
		break;
	case 7 ... 9:
		file_read(i);
		break;
	case 10 ... 12:
		file_write(i);
		break;
	case 13 ... 17:
		if (put_user((u32)i, p))
			break;	/* not writable now */
		break;
	default:
		if (!get_user(v, p) && v != i && v != 0)
			fetch_add(&failures, 1);
	}
}

SELFTEST(race_of_file_users)
{
	ST_CHECK(mm_create(&shared) == 0);
	mm_set_layout(shared, false, 8ul << 20);
	mapping_init(&file, &file_ops, NULL);
	file.size = PAGES * PAGE_SIZE;
	area = 0x40000000;
	file_map(MAP_SHARED, 3);
	run_workers(file_step, 300);
	mm_put(shared);
	ST_CHECK(list_empty(&file.vmas) && file.writable_vmas == 0);
	mapping_destroy(&file);
	ST_CHECK(file.nr_pages == 0);
}

/* --- allocator --- */

static void *slots[64];

static void alloc_step(u64 *seed)
{
	unsigned i = (unsigned)next_random(seed) % ARRAY_SIZE(slots);
	u32 n = 16 + (u32)next_random(seed) % 6000;
	u32 *p = kmalloc(n, GFP_KERNEL), *old;

	if (!p)
		return;
	p[0] = n;
	p[n / 4 - 1] = ~n;
	old = xchg(&slots[i], p);
	if (!old)
		return;
	n = old[0];
	if (old[n / 4 - 1] != ~n)
		fetch_add(&failures, 1);
	kfree(old);
}

SELFTEST(race_of_allocations)
{
	ST_CHECK(mm_create(&shared) == 0);
	run_workers(alloc_step, 8000);
	mm_put(shared);
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
		kfree(slots[i]);
		slots[i] = NULL;
	}
}
