/* Address spaces: areas, faults, copy-on-write. */
#include <arch/uaccess.h>
#include <kernel/init.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/mm.h>
#include <mm/slab.h>

#define RW 3u
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static struct mm *enter(void)
{
	struct mm *mm = NULL;

	ST_CHECK(mm_create(&mm) == 0);
	mm_set_layout(mm, false, 8ul << 20);
	mm_switch_current(mm);
	return mm;
}

static void leave(struct mm *mm)
{
	mm_switch_current(NULL);
	mm_put(mm);
}

static unsigned long map_at(unsigned long addr, size_t len, unsigned prot,
			    unsigned flags)
{
	struct map_request rq = { .addr = addr, .len = len, .prot = prot,
				  .flags = flags };
	unsigned long out = 0;
	int err = mm_map(current->mm, &rq, &out);

	return err ? (unsigned long)err : out;
}

static u32 peek(unsigned long addr)
{
	u32 v = 0;

	ST_CHECK(get_user(v, (u32 __user *)addr) == 0);
	return v;
}

static bool poke(unsigned long addr, u32 v)
{
	return put_user(v, (u32 __user *)addr) == 0;
}

SELFTEST(anonymous_memory_reads_zero_and_keeps)
{
	struct mm *mm = enter();
	unsigned long a = map_at(0, 64 * PAGE_SIZE, RW, ANON);

	ST_CHECK(!(a & ~PAGE_MASK) && a);
	ST_CHECK(peek(a) == 0 && mm->rss.anon == 0);
	for (u32 i = 0; i < 64; i++)
		ST_CHECK(poke(a + i * PAGE_SIZE + 8, i));
	for (u32 i = 0; i < 64; i++)
		ST_CHECK(peek(a + i * PAGE_SIZE + 8) == i);
	ST_CHECK(mm->rss.anon == 64);
	ST_CHECK(mm_unmap(mm, a, 64 * PAGE_SIZE) == 0);
	ST_CHECK(mm->rss.anon == 0 && mm->rss.tables == 0 && !mm->nr_vmas);
	ST_CHECK(!poke(a, 1));
	leave(mm);
}

SELFTEST(mappings_merge_and_split)
{
	struct mm *mm = enter();
	unsigned long a = map_at(0, 8 * PAGE_SIZE, RW, ANON);
	unsigned long b = map_at(0, 8 * PAGE_SIZE, RW, ANON);

	ST_CHECK(b + 8 * PAGE_SIZE == a && mm->nr_vmas == 1);
	ST_CHECK(mm_protect(mm, a, PAGE_SIZE, 1) == 0 && mm->nr_vmas == 3);
	ST_CHECK(!poke(a, 1) && poke(a + PAGE_SIZE, 1));
	ST_CHECK(mm_protect(mm, a, PAGE_SIZE, RW) == 0 && mm->nr_vmas == 1);
	ST_CHECK(mm_unmap(mm, a, PAGE_SIZE) == 0 && mm->nr_vmas == 2);
	ST_CHECK(map_at(a, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE) == a);
	ST_CHECK(map_at(a, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE) ==
		 (unsigned long)-EEXIST);
	ST_CHECK(mm->nr_vmas == 1);
	ST_CHECK(mm_protect(mm, a + 100 * PAGE_SIZE, PAGE_SIZE, RW) ==
		 -ENOMEM);
	leave(mm);
}

SELFTEST(protection_none_keeps_content)
{
	struct mm *mm = enter();
	unsigned long a = map_at(0, 4 * PAGE_SIZE, RW, ANON);
	u32 v = 0;

	ST_CHECK(poke(a, 77) && peek(a + PAGE_SIZE) == 0);
	ST_CHECK(mm_protect(mm, a, 4 * PAGE_SIZE, 0) == 0);
	ST_CHECK(get_user(v, (u32 __user *)a) == -EFAULT);
	ST_CHECK(mm_access(mm, a, &v, 4, false, true) == 4 && v == 77);
	ST_CHECK(mm_access(mm, a, &v, 4, false, false) == 0);
	ST_CHECK(mm_protect(mm, a, 4 * PAGE_SIZE, RW) == 0);
	ST_CHECK(peek(a) == 77 && poke(a + PAGE_SIZE, 5) && mm->rss.anon == 2);
	leave(mm);
}

static void check_fork(unsigned pages)
{
	struct mm *mm = enter(), *child;
	unsigned long a = map_at(0, pages * PAGE_SIZE, RW, ANON);
	u32 v;

	for (u32 i = 0; i < pages; i++)
		ST_CHECK(poke(a + i * PAGE_SIZE, i + 1));
	ST_CHECK(mm_fork(mm, &child) == 0);
	ST_CHECK(child->rss.anon == pages);
	for (u32 i = 0; i < pages; i += 2)
		ST_CHECK(poke(a + i * PAGE_SIZE, 1000 + i));
	for (u32 i = 0; i < pages; i++) {
		v = 0;
		ST_CHECK(mm_access(child, a + i * PAGE_SIZE, &v, 4, false,
				   false) == 4 && v == i + 1);
	}
	v = 99;
	ST_CHECK(mm_access(child, a + PAGE_SIZE, &v, 4, true, false) == 4);
	ST_CHECK(peek(a + PAGE_SIZE) == 2);
	mm_put(child);
	for (u32 i = 0; i < pages; i++)
		ST_CHECK(poke(a + i * PAGE_SIZE, i));
	ST_CHECK(mm->rss.anon == pages);
	leave(mm);
}

SELFTEST(fork_copies_on_write)
{
	check_fork(4);		/* copied early */
	check_fork(600);	/* shared; two tables */
}

SELFTEST(pinned_page_stays_with_the_parent)
{
	struct mm *mm = enter(), *child;
	unsigned long a = map_at(0, 100 * PAGE_SIZE, RW, ANON);
	struct page *p;
	unsigned got;

	for (u32 i = 0; i < 100; i++)
		ST_CHECK(poke(a + i * PAGE_SIZE, 1));
	ST_CHECK(mm_get_pages(mm, a, 1, true, false, &p, &got) == 0 &&
		 got == 1);
	ST_CHECK(mm_fork(mm, &child) == 0);
	ST_CHECK(poke(a, 2));
	ST_CHECK(*(u32 *)page_to_va(p) == 2);
	page_put(p);
	mm_put(child);
	leave(mm);
}

SELFTEST(mremap_moves_content)
{
	struct mm *mm = enter();
	unsigned long a = map_at(0, 700 * PAGE_SIZE, RW, ANON), b;

	for (u32 i = 0; i < 700; i++)
		ST_CHECK(poke(a + i * PAGE_SIZE, i));
	map_at(a + 700 * PAGE_SIZE, PAGE_SIZE, 1, ANON | MAP_FIXED);
	ST_CHECK(mm_remap(a, 700 * PAGE_SIZE, 900 * PAGE_SIZE, 0, 0, &b) ==
		 -ENOMEM);
	ST_CHECK(mm_remap(a, 700 * PAGE_SIZE, 900 * PAGE_SIZE, 1, 0, &b) ==
		 0 && b != a);
	for (u32 i = 0; i < 700; i++)
		ST_CHECK(peek(b + i * PAGE_SIZE) == i);
	ST_CHECK(poke(b + 899 * PAGE_SIZE, 1) && !poke(a, 1));
	ST_CHECK(mm->rss.anon == 701);
	ST_CHECK(mm_remap(b, 900 * PAGE_SIZE, PAGE_SIZE, 0, 0, &a) == 0);
	ST_CHECK(a == b && mm->rss.anon == 1);
	leave(mm);
}

SELFTEST(heap_grows_and_shrinks)
{
	struct mm *mm = enter();
	unsigned long b = 0x10000000;

	mm->start_brk = b;
	mm->brk = b;
	ST_CHECK(mm_brk(0) == b);
	ST_CHECK(mm_brk(b + 10000) == b + 10000 && mm->nr_vmas == 1);
	ST_CHECK(poke(b + 9996, 3) && !poke(b + 4 * PAGE_SIZE, 3));
	ST_CHECK(mm_brk(b + 100000) == b + 100000 && mm->nr_vmas == 1);
	ST_CHECK(mm_brk(b) == b && mm->nr_vmas == 0);
	leave(mm);
}

SELFTEST(stack_grows_down_to_its_guard)
{
	struct mm *mm = enter();
	struct vma *v = NULL;
	unsigned long top = mm->start_stack;

	ST_CHECK(mm_map_stack(mm, top, 0, &v) == 0);
	ST_CHECK(poke(top - 8, 1));
	ST_CHECK(poke(top - 300 * PAGE_SIZE, 1));
	ST_CHECK(v->start == top - 300 * PAGE_SIZE);
	map_at(top - 800 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED);
	ST_CHECK(poke(top - 540 * PAGE_SIZE, 1));
	ST_CHECK(!poke(top - 600 * PAGE_SIZE, 1));
	leave(mm);
}

SELFTEST(advice_drops_pages)
{
	struct mm *mm = enter(), *child;
	unsigned long a = map_at(0, 4 * PAGE_SIZE, RW, ANON);
	u32 v = 1;

	ST_CHECK(poke(a, 5) && poke(a + PAGE_SIZE, 6));
	ST_CHECK(mm_advise(current->mm, a, PAGE_SIZE, 4) == 0 && peek(a) == 0);
	ST_CHECK(mm_advise(current->mm, a + PAGE_SIZE, PAGE_SIZE, 18) == 0);
	ST_CHECK(mm_fork(mm, &child) == 0);
	ST_CHECK(mm_access(child, a + PAGE_SIZE, &v, 4, false, false) == 4 &&
		 v == 0);
	mm_put(child);
	ST_CHECK(peek(a + PAGE_SIZE) == 6);
	ST_CHECK(mm_advise(current->mm, a, 8 * PAGE_SIZE, 0) == -ENOMEM);
	ST_CHECK(mm_advise(current->mm, a, PAGE_SIZE, 12345) == -EINVAL);
	leave(mm);
}

/* A model of the address space, page by page: 0 unmapped, else protection. */
#define MODEL_PAGES 96u

static u64 next_random(u64 *s)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return *s >> 33;
}

static void check_model(struct mm *mm, unsigned long base, const u8 *model)
{
	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		struct vma *v = vma_find_exact(mm, base + i * PAGE_SIZE);

		ST_CHECK(!v == !model[i]);
		if (v && model[i])
			ST_CHECK((v->flags & 3) == (model[i] & 3u));
	}
}

SELFTEST(random_operations_agree_with_a_model)
{
	struct mm *mm = enter();
	unsigned long base = 0x20000000;
	u8 model[MODEL_PAGES] = { 0 };
	u64 seed = 12345;

	for (int n = 0; n < 3000; n++) {
		unsigned at = (unsigned)next_random(&seed) % MODEL_PAGES;
		unsigned len = 1 + (unsigned)next_random(&seed) %
				   min(MODEL_PAGES - at, 12u);
		unsigned long addr = base + at * PAGE_SIZE;
		unsigned prot = next_random(&seed) & 1 ? 3 : 1;
		bool whole = true;

		switch (next_random(&seed) % 4) {
		case 0:
			ST_CHECK(map_at(addr, len * PAGE_SIZE, prot,
					ANON | MAP_FIXED) == addr);
			memset(model + at, (int)(prot | 8), len);
			break;
		case 1:
			ST_CHECK(mm_unmap(mm, addr, len * PAGE_SIZE) == 0);
			memset(model + at, 0, len);
			break;
		case 2:
			for (unsigned i = at; i < at + len; i++)
				whole &= model[i] != 0;
			if (!whole)
				break;
			ST_CHECK(mm_protect(mm, addr, len * PAGE_SIZE,
					    prot) == 0);
			memset(model + at, (int)(prot | 8), len);
			break;
		default:
			ST_CHECK(poke(addr, 1) == ((model[at] & 2) != 0));
		}
	}
	check_model(mm, base, model);
	leave(mm);
}

/* --- files --- */

static int file_read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		memset(page_to_va(pages[i]), (int)pages[i]->index + 1,
		       PAGE_SIZE);
		page_flag_set(pages[i], PG_UPTODATE);
		page_unlock(pages[i]);
	}
	return 0;
}

static const struct mapping_ops file_ops = { .read_pages = file_read_pages };
static const struct vma_ops file_vma_ops = { .fault = filemap_fault };
static struct mapping *test_mapping;

static int attach(struct file *f, struct vma *v)
{
	v->mapping = test_mapping;
	v->ops = &file_vma_ops;
	return 0;
}

static unsigned long map_file(size_t len, unsigned prot, unsigned flags)
{
	struct map_request rq = {
		.len = len, .prot = prot, .flags = flags,
		.file = (struct file *)test_mapping, .attach = attach,
		.may_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};
	unsigned long out = 0;
	int err = mm_map(current->mm, &rq, &out);

	return err ? (unsigned long)err : out;
}

SELFTEST(files_are_mapped_around_and_tracked)
{
	struct mm *mm = enter();
	struct mapping m;
	unsigned long a, b;
	struct page *p;

	mapping_init(&m, &file_ops, NULL);
	m.size = 100 * PAGE_SIZE;
	test_mapping = &m;
	a = map_file(200 * PAGE_SIZE, RW, MAP_SHARED);
	b = map_file(200 * PAGE_SIZE, RW, MAP_PRIVATE);
	ST_CHECK(peek(a + 5 * PAGE_SIZE) == 0x06060606);
	ST_CHECK(mm->rss.file > 1);
	ST_CHECK(!mapping_is_dirty(&m));
	ST_CHECK(poke(a + 5 * PAGE_SIZE, 9) && mapping_is_dirty(&m));
	ST_CHECK(peek(b + 5 * PAGE_SIZE) == 9);
	ST_CHECK(poke(b + 5 * PAGE_SIZE, 10) && peek(a + 5 * PAGE_SIZE) == 9);
	ST_CHECK(!poke(a + 100 * PAGE_SIZE, 1));
	p = page_cache_find_lock(&m, 5);
	ST_CHECK(p && page_clear_dirty_for_io(p) && !mapping_is_dirty(&m));
	page_unlock(p);
	page_put(p);
	ST_CHECK(poke(a + 5 * PAGE_SIZE, 11) && mapping_is_dirty(&m));
	m.size = 3 * PAGE_SIZE;
	mapping_truncate(&m, m.size);
	ST_CHECK(!poke(a + 5 * PAGE_SIZE, 1) && !poke(b + 5 * PAGE_SIZE, 1));
	ST_CHECK(peek(a + 2 * PAGE_SIZE) == 0x03030303);
	ST_CHECK(mm_unmap(mm, a, 200 * PAGE_SIZE) == 0);
	leave(mm);
	ST_CHECK(list_empty(&m.vmas) && m.writable_vmas == 0);
	mapping_destroy(&m);
}

SELFTEST(force_write_leaves_the_file_alone)
{
	struct mm *mm = enter();
	struct mapping m;
	unsigned long a;
	u32 v = 0xdead, w = 0;

	mapping_init(&m, &file_ops, NULL);
	m.size = 10 * PAGE_SIZE;
	test_mapping = &m;
	a = map_file(10 * PAGE_SIZE, 5, MAP_PRIVATE);
	ST_CHECK(peek(a) == 0x01010101);
	ST_CHECK(mm_access(mm, a, &v, 4, true, false) == 0);
	ST_CHECK(mm_access(mm, a, &v, 4, true, true) == 4);
	ST_CHECK(mm_access(mm, a, &w, 4, false, true) == 4 && w == 0xdead);
	ST_CHECK(peek(a) == 0xdead && !poke(a, 1) && !mapping_is_dirty(&m));
	leave(mm);
	mapping_destroy(&m);
}
