/*
 * shim - the kernel around a file system, for one thread on the host: page cache, VFS
 * inodes, locks that only check, and a disk in memory.
 */
#include "shim.h"
#include <fs/locks.h>
#include <kernel/mutex.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <task/cred.h>
#include <stdarg.h>
#include <stdio.h>
#include <lib/string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define SHIM_MAP_FLAGS (0x02 | 0x20)	/* private, anonymous */
#define ARENA_PAGES 65536ul

static struct cred shim_cred = { .effective = ~0ull };
static struct fs_struct shim_fs = { .umask = 022 };
static struct task shim_task = { .cred = &shim_cred, .fs = &shim_fs };
struct task *shim_current = &shim_task;
char *shim_arena, *shim_pages;
bool shim_quiet;
long shim_pages_used;

#define DIE(...)                                                               \
	do {                                                                   \
		fprintf(stderr, "shim: " __VA_ARGS__);                         \
		fprintf(stderr, "\n");                                         \
		abort();                                                       \
	} while (0)

/* --- print, time, chance */

void print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > (shim_quiet ? LOG_CRIT : LOG_WARNING))
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	abort();
}

void bug(const char *file, int line, const char *expr)
{
	DIE("BUG %s:%d %s", file, line, expr);
}

void warn(const char *file, int line, const char *what)
{
	DIE("WARN %s:%d %s", file, line, what);
}

void ref_warn(struct ref *r, const char *what)
{
	DIE("reference %s", what);
}

static struct clock_params shim_clock;
struct clock_params *clock_params = &shim_clock;

struct timespec64 time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct timespec64){ ts.tv_sec, ts.tv_nsec };
}

u64 random_u64(void)
{
	return (u64)random() << 40 ^ (u64)random() << 16 ^ (u64)random();
}

u32 random_u32_below(u32 n)
{
	return (u32)(random_u64() % n);
}

bool capable(int cap)
{
	return true;
}

bool in_group(const struct cred *c, u32 gid)
{
	return true;
}

/* --- locks: one thread never waits */

void spin_contended(struct spinlock *l)
{
	DIE("spinlock taken twice");
}

void lock_debug_acquire(struct spinlock *l)
{
}

void lock_debug_release(struct spinlock *l)
{
}

void cond_resched(void)
{
}

void preempt_schedule(void)
{
}

void spin_init(struct spinlock *l, enum lock_rank rank, const char *name)
{
	memset(l, 0, sizeof(*l));
}

void irq_lock_init(struct irqlock *l, enum lock_rank rank, const char *name)
{
	memset(l, 0, sizeof(*l));
}

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name)
{
	memset(m, 0, sizeof(*m));
}

void mutex_lock(struct mutex *m)
{
	if (m->owner)
		DIE("mutex taken twice");
	m->owner = (unsigned long)current;
}

void mutex_unlock(struct mutex *m)
{
	if (!m->owner)
		DIE("mutex not held");
	m->owner = 0;
}

void rwsem_init(struct rwsem *s, enum lock_rank rank, const char *name)
{
	memset(s, 0, sizeof(*s));
}

void rwsem_read_lock(struct rwsem *s)
{
	if (s->count < 0)
		DIE("rwsem read under write");
	s->count++;
}

void rwsem_read_unlock(struct rwsem *s)
{
	s->count--;
}

void rwsem_write_lock(struct rwsem *s)
{
	if (s->count)
		DIE("rwsem taken twice");
	s->count = -1;
}

void rwsem_write_unlock(struct rwsem *s)
{
	s->count = 0;
}

void completion_init(struct completion *c)
{
	c->done = 0;
}

void complete(struct completion *c)
{
	c->done++;
}

void wait_for_completion(struct completion *c)
{
	if (!c->done)
		DIE("would wait for ever");
}

/* --- memory */

struct slab_cache {
	size_t size;
};

struct slab_cache *slab_cache_create(const char *name, size_t size,
				     size_t align, unsigned flags,
				     void (*ctor)(void *obj))
{
	struct slab_cache *c = malloc(sizeof(*c));

	c->size = size;
	return c;
}

void *slab_alloc(struct slab_cache *c, unsigned gfp)
{
	return malloc(c->size);
}

void slab_free(struct slab_cache *c, void *obj)
{
	free(obj);
}

void *kmalloc(size_t n, unsigned gfp)
{
	return malloc(n);
}

void *kzalloc(size_t n, unsigned gfp)
{
	return calloc(1, n);
}

void kfree(void *p)
{
	free(p);
}

void *kvmalloc(size_t n, unsigned gfp)
{
	return malloc(n);
}

void *kvzalloc(size_t n, unsigned gfp)
{
	return calloc(1, n);
}

void kvfree(void *p)
{
	free(p);
}

static unsigned long next_pfn;
static LIST_HEAD(free_pages);

struct page *page_alloc(unsigned gfp, unsigned order)
{
	struct list *l = list_pop(&free_pages);
	struct page *p;

	if (l) {
		p = list_entry(l, struct page, lru);
	} else {
		if (next_pfn == ARENA_PAGES)
			DIE("no pages left");
		p = pfn_to_page(next_pfn++);
	}
	memset(p, 0, sizeof(*p));
	memset(page_to_va(p), 0xa5, PAGE_SIZE);
	ref_init(&p->refs, 1);
	shim_pages_used++;
	return p;
}

void page_put(struct page *p)
{
	if (!ref_put(&p->refs))
		return;
	if (p->mapping)
		DIE("cached page freed");
	list_add(&p->lru, &free_pages);
	shim_pages_used--;
}

void page_flag_set(struct page *p, unsigned long f)
{
	p->flags |= f;
}

void page_flag_clear(struct page *p, unsigned long f)
{
	p->flags &= ~f;
}

void page_lock(struct page *p)
{
	if (p->flags & PG_LOCKED)
		DIE("page locked twice");
	p->flags |= PG_LOCKED;
}

void page_unlock(struct page *p)
{
	if (!(p->flags & PG_LOCKED))
		DIE("page not locked");
	p->flags &= ~PG_LOCKED;
}

void page_wait_clear(struct page *p, unsigned long bit)
{
	if (p->flags & bit)
		DIE("would wait for a page for ever");
}

void page_clear_wake(struct page *p, unsigned long bit)
{
	p->flags &= ~bit;
}

void vmstat_add(enum vmstat item, long n)
{
}

/* --- page cache */

static void *node_alloc(void)
{
	return malloc(sizeof(struct radix_node));
}

static void node_free(struct radix_node *n)
{
	free(n);
}

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host)
{
	memset(m, 0, sizeof(*m));
	m->pages = (struct radix_root)RADIX_ROOT_INIT(node_alloc, node_free);
	m->ops = ops;
	m->host = host;
	list_init(&m->vmas);
}

struct page *page_cache_find(struct mapping *m, u64 index)
{
	struct page *p = radix_lookup(&m->pages, index);

	if (p)
		page_get(p);
	return p;
}

struct page *page_cache_find_lock(struct mapping *m, u64 index)
{
	struct page *p = page_cache_find(m, index);

	if (p)
		page_lock(p);
	return p;
}

int page_cache_grab(struct mapping *m, u64 index, struct page **page)
{
	struct page *p = page_cache_find_lock(m, index);

	if (!p) {
		p = page_alloc(0, 0);
		p->flags = PG_LOCKED;
		p->mapping = m;
		p->index = index;
		page_get(p);
		if (radix_insert(&m->pages, index, p))
			DIE("radix");
		m->nr_pages++;
	}
	*page = p;
	return 0;
}

int page_cache_read(struct mapping *m, u64 index, struct page **page)
{
	struct page *p;
	int err = page_cache_grab(m, index, &p);

	if (err)
		return err;
	if (p->flags & PG_UPTODATE) {
		page_unlock(p);
	} else {
		err = m->ops->read_pages(m, &p, 1);
		if (!(p->flags & PG_UPTODATE)) {
			page_put(p);
			return -EIO;
		}
	}
	*page = p;
	return err;
}

void page_cache_remove(struct page *p)
{
	struct mapping *m = p->mapping;

	if (p->flags & PG_PRIVATE && m->ops->page_release)
		m->ops->page_release(m, p);
	radix_delete(&m->pages, p->index);
	m->nr_pages--;
	p->mapping = NULL;
	p->flags &= ~PG_DIRTY;
	page_put(p);
}

void page_mark_dirty(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!(p->flags & PG_LOCKED))
		DIE("dirtying an unlocked page");
	if (p->flags & PG_DIRTY)
		return;
	p->flags |= PG_DIRTY;
	radix_tag_set(&m->pages, p->index, TAG_DIRTY);
	inode_mark_dirty(m->host, I_DIRTY_PAGES);
}

bool page_clear_dirty_for_io(struct page *p)
{
	if (!(p->flags & PG_DIRTY))
		return false;
	p->flags &= ~PG_DIRTY;
	radix_tag_clear(&p->mapping->pages, p->index, TAG_DIRTY);
	return true;
}

void page_start_writeback(struct page *p)
{
	if (p->flags & PG_WRITEBACK)
		DIE("write-back twice");
	p->flags |= PG_WRITEBACK;
	page_get(p);
}

void page_end_writeback(struct page *p, int err)
{
	if (err && p->mapping)
		p->mapping->wb_err = err;
	p->flags &= ~PG_WRITEBACK;
	page_put(p);
}

struct page *mapping_next_dirty(struct mapping *m, u64 *index, u64 end)
{
	unsigned long at = *index;
	struct page *p = radix_next_tag(&m->pages, &at, TAG_DIRTY);

	if (!p || at > end)
		return NULL;
	page_get(p);
	page_lock(p);
	*index = at + 1;
	return p;
}

int mapping_write(struct mapping *m, u64 first, u64 last, bool is_sync)
{
	struct writeback wb = { .start = first, .end = last,
				.is_sync = is_sync, .nr_to_write = LONG_MAX };
	int err = 0;

	if (m->ops && m->ops->write_pages)
		err = m->ops->write_pages(m, &wb);
	if (!err && is_sync) {
		err = m->wb_err;
		m->wb_err = 0;
	}
	return err;
}

static void zero_part(struct mapping *m, u64 index, unsigned from, unsigned to)
{
	struct page *p = page_cache_find_lock(m, index);
	char *at;

	if (!p)
		return;
	at = (char *)page_to_va(p) + from;
	if (p->flags & PG_UPTODATE && !mem_is_zero(at, to - from)) {
		memset(at, 0, to - from);
		page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

static void remove_range(struct mapping *m, u64 first, u64 end)
{
	unsigned long at = first;
	struct page *p;

	while ((p = radix_next(&m->pages, &at)) && at < end) {
		page_lock(p);
		page_get(p);
		page_cache_remove(p);
		page_unlock(p);
		page_put(p);
		at++;
	}
}

void mapping_punch(struct mapping *m, u64 start, u64 end)
{
	u64 first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u64 last = end >> PAGE_SHIFT;
	unsigned head = start & ~PAGE_MASK, tail = end & ~PAGE_MASK;

	if (start >= end)
		return;
	if (start >> PAGE_SHIFT == end >> PAGE_SHIFT) {
		zero_part(m, start >> PAGE_SHIFT, head, tail);
		return;
	}
	if (head)
		zero_part(m, start >> PAGE_SHIFT, head, PAGE_SIZE);
	if (tail)
		zero_part(m, last, 0, tail);
	remove_range(m, first, last);
}

void mapping_truncate(struct mapping *m, u64 size)
{
	unsigned tail = size & ~PAGE_MASK;

	if (tail)
		zero_part(m, size >> PAGE_SHIFT, tail, PAGE_SIZE);
	remove_range(m, (size + PAGE_SIZE - 1) >> PAGE_SHIFT, ~0ul);
}

u64 mapping_invalidate(struct mapping *m, u64 first, u64 last)
{
	unsigned long at = first;
	struct page *p;

	while ((p = radix_next(&m->pages, &at)) && at <= last) {
		if (!(p->flags & (PG_DIRTY | PG_WRITEBACK | PG_LOCKED)) &&
		    ref_count(&p->refs) == 1) {
			page_lock(p);
			page_get(p);
			page_cache_remove(p);
			page_unlock(p);
			page_put(p);
		}
		at++;
	}
	return 0;
}

void mapping_destroy(struct mapping *m)
{
	remove_range(m, 0, ~0ul);
	radix_destroy(&m->pages);
}

void balance_dirty_pages(void)
{
}

/* --- iterators: kernel memory only */

void iter_kvec(struct iter *it, const struct kvec *v, unsigned nr, size_t n,
	       bool is_source)
{
	*it = (struct iter){ .kind = ITER_KVEC, .is_source = is_source,
			     .count = n, .kvec = v, .nr = nr };
}

static char *iter_at(struct iter *it)
{
	return (char *)it->kvec->base + it->off;
}

size_t zero_iter(size_t n, struct iter *it)
{
	memset(iter_at(it), 0, n);
	it->off += n;
	it->count -= n;
	return n;
}

void iter_revert(struct iter *it, size_t n)
{
	it->off -= n;
	it->count += n;
}

/* The memory is the arena's. */
int iter_get_page(struct iter *it, struct page **page, size_t *off, size_t *len)
{
	char *at = iter_at(it);

	*page = va_to_page(at);
	*off = (size_t)va_to_pa(at) & ~PAGE_MASK;
	*len = min(it->count, PAGE_SIZE - *off);
	page_get(*page);
	it->off += *len;
	it->count -= *len;
	return 0;
}

ssize_t filemap_read(struct mapping *m, struct readahead *ra, struct iter *it,
		     u64 *pos)
{
	u64 start = *pos;
	struct page *p;

	while (it->count && *pos < m->size) {
		unsigned off = *pos & ~PAGE_MASK;
		size_t n = min3((u64)(PAGE_SIZE - off), (u64)it->count,
				m->size - *pos);
		int err = page_cache_read(m, *pos >> PAGE_SHIFT, &p);

		if (err)
			return err;
		memcpy(iter_at(it), (char *)page_to_va(p) + off, n);
		page_put(p);
		it->off += n;
		it->count -= n;
		*pos += n;
	}
	return (ssize_t)(*pos - start);
}

ssize_t filemap_write(struct mapping *m, struct iter *it, u64 *pos)
{
	u64 start = *pos;
	struct page *p;
	int err = 0;

	while (it->count) {
		unsigned off = *pos & ~PAGE_MASK;
		unsigned n = (unsigned)min((u64)(PAGE_SIZE - off),
					   (u64)it->count);

		err = m->ops->write_begin(m, *pos, n, &p);
		if (err)
			break;
		memcpy((char *)page_to_va(p) + off, iter_at(it), n);
		err = m->ops->write_end(m, *pos, n, n, p);
		if (err < 0)
			break;
		it->off += n;
		it->count -= n;
		*pos += n;
	}
	return *pos > start ? (ssize_t)(*pos - start) : err;
}

/* --- inodes */

void inode_mark_dirty(struct inode *i, u32 what)
{
	i->state |= what;
	if (list_empty(&i->dirty_node) && !(i->state & I_FREEING) && i->sb)
		list_add_tail(&i->dirty_node, &i->sb->dirty);
}

static void init_inode(struct inode *i, struct super_block *sb)
{
	memset(i, 0, sizeof(*i));
	ref_init(&i->refs, 1);
	i->sb = sb;
	i->nlink = 1;
	mapping_init(&i->data, NULL, i);
	i->mapping = &i->data;
	list_init(&i->dirty_node);
	list_init(&i->lru_node);
	list_init(&i->dentries);
}

int inode_alloc(struct super_block *sb, struct inode **out)
{
	int err = sb->ops->alloc_inode(sb, out);

	if (err)
		return err;
	init_inode(*out, sb);
	list_add(&(*out)->sb_node, &sb->inodes);
	return 0;
}

int inode_sync(struct inode *i, bool data_only)
{
	u32 dirt;
	int err;

	list_del_init(&i->dirty_node);
	err = mapping_write(&i->data, 0, ~0ull >> 1, true);
	dirt = i->state & I_DIRTY_SYNC;
	i->state &= ~I_DIRTY;
	if (dirt && i->sb->ops->write_inode) {
		int e = i->sb->ops->write_inode(i, true);

		err = err ? err : e;
	}
	return err;
}

static void evict(struct inode *i)
{
	i->state |= I_FREEING;
	if (i->nlink && i->state & I_DIRTY)
		ignore_error(inode_sync(i, false));
	list_del_init(&i->dirty_node);
	list_del_init(&i->sb_node);
	i->sb->ops->evict_inode(i);
	mapping_destroy(&i->data);
	i->sb->ops->free_inode(i);
}

/* priv says "hashed". */
void inode_put(struct inode *i)
{
	if (!i || !ref_put(&i->refs))
		return;
	if (!i->nlink || !i->priv)
		evict(i);
}

int inode_get_locked(struct super_block *sb, u64 ino, struct inode **out)
{
	struct inode *i;
	int err;

	list_for_each_entry(i, &sb->inodes, sb_node) {
		if (i->ino == ino && i->priv) {
			i->refs.n++;
			*out = i;
			return 0;
		}
	}
	err = inode_alloc(sb, &i);
	if (err)
		return err;
	i->ino = ino;
	i->priv = i;
	i->state = I_NEW;
	*out = i;
	return 0;
}

void inode_unlock_new(struct inode *i)
{
	i->state &= ~I_NEW;
}

void inode_fail_new(struct inode *i)
{
	i->priv = NULL;
	i->state &= ~I_NEW;
	inode_put(i);
}

int inode_hash_fresh(struct inode *i)
{
	i->priv = i;
	return 0;
}

void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode)
{
	i->mode = mode;
}

static const struct file_ops special_fops;
void inode_init_special(struct inode *i, u32 mode, u32 rdev)
{
	i->mode = mode;
	i->rdev = rdev;
	i->fops = &special_fops;
}

void inode_set_nlink(struct inode *i, u32 n)
{
	i->nlink = n;
}

void inode_inc_nlink(struct inode *i)
{
	i->nlink++;
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

void inode_dec_nlink(struct inode *i)
{
	if (!i->nlink)
		DIE("nlink");
	i->nlink--;
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

void inode_touch(struct inode *i, unsigned which)
{
	struct timespec64 now = time_now();

	if (which & TIME_M)
		i->mtime = now;
	if (which & TIME_C)
		i->ctime = now;
	if (i->ops->update_time)
		ignore_error(i->ops->update_time(i, which));
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

int setattr_prepare(struct dentry *d, struct iattr *a)
{
	return 0;
}

void setattr_copy(struct inode *i, const struct iattr *a)
{
	if (a->valid & ATTR_MODE)
		i->mode = a->mode;
}

int inode_newsize_ok(struct inode *i, u64 size)
{
	return size > i->sb->max_bytes ? -EFBIG : 0;
}

void generic_fillattr(struct inode *i, struct kstat *st)
{
	st->blocks = i->blocks;
}

void kstat_set_dio(struct kstat *st, const struct block_device *b)
{
	st->dio_mem_align = st->dio_offset_align = b->logical_block;
}

void dentry_attach(struct dentry *d, struct inode *i)
{
	d->inode = i;
}

int dentry_alloc_root(struct super_block *sb, struct inode *i,
		      struct dentry **out)
{
	struct dentry *d = calloc(1, sizeof(*d));

	ref_init(&d->refs, 1);
	d->inode = i;
	d->sb = sb;
	*out = d;
	return 0;
}

bool dir_emit_dots(struct file *f, struct dir_ctx *c)
{
	c->pos = max(c->pos, 2ull);
	return true;
}

int mnt_want_write(struct mount *m)
{
	return 0;
}

void mnt_drop_write(struct mount *m)
{
}

ssize_t generic_read_iter(struct file *f, struct iter *it, u64 *pos, unsigned fl)
{
	return filemap_read(f->mapping, NULL, it, pos);
}

ssize_t generic_write_iter(struct file *f, struct iter *it, u64 *pos,
			   unsigned fl)
{
	return filemap_write(f->mapping, it, pos);
}

int generic_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	return -EINVAL;
}

int generic_file_mmap(struct file *f, struct vma *v)
{
	return -EINVAL;
}

/* --- superblocks */

extern const struct filesystem *const host_type;

int mount_bdev(const struct filesystem *fs, unsigned flags, const char *dev,
	       char *opts, int (*fill)(struct super_block *, char *opts),
	       struct super_block **out)
{
	struct super_block *sb = calloc(1, sizeof(*sb));
	int err;

	list_init(&sb->inodes);
	list_init(&sb->dirty);
	sb->bdev = &shim_disk;
	sb->blocksize = PAGE_SIZE;
	sb->blkbits = PAGE_SHIFT;
	sb->flags = flags | SB_ACTIVE;
	sb->fs = fs;
	strcpy(sb->id, "vda");
	err = fill(sb, opts);
	*out = sb;
	if (err) {
		fs->kill(sb);
		free(sb);
		*out = NULL;
	}
	return err;
}

static void write_all(struct super_block *sb)
{
	while (!list_empty(&sb->dirty))
		ignore_error(inode_sync(list_first_entry(&sb->dirty,
							 struct inode,
							 dirty_node),
					false));
}

void shim_sync(struct super_block *sb)
{
	write_all(sb);
	if (sb->ops->sync_fs)
		ignore_error(sb->ops->sync_fs(sb, true));
	ignore_error(inode_sync(shim_disk.inode, false));
}

void shim_drop_caches(struct super_block *sb)
{
	struct inode *i, *n;

	shim_sync(sb);
	list_for_each_entry_safe(i, n, &sb->inodes, sb_node)
		if (!i->refs.n)
			evict(i);
	mapping_invalidate(&shim_disk.inode->data, 0, ~0ull >> 1);
}

void kill_super_bdev(struct super_block *sb)
{
	struct inode *i, *n;

	if (sb->root) {
		shim_sync(sb);
		inode_put(sb->root->inode);
		free(sb->root);
	}
	sb->flags &= ~SB_ACTIVE;
	list_for_each_entry_safe(i, n, &sb->inodes, sb_node) {
		if (i->refs.n)
			DIE("inode %llu in use at unmount", i->ino);
		evict(i);
	}
	if (sb->ops->put_super)
		sb->ops->put_super(sb);
}

int shim_mount(unsigned flags, char *opts, struct super_block **out)
{
	return host_type->mount(host_type, flags, "/dev/vda", opts, out);
}

void shim_umount(struct super_block *sb)
{
	host_type->kill(sb);
	free(sb);
}

/* --- the disk */

struct block_device shim_disk;
long shim_lose_writes_after = -1;
static struct super_block disk_sb;
static struct inode disk_inode;
static u8 *disk_bytes;
static size_t disk_size;
static char disk_path[256];
static LIST_HEAD(queue);

static bool write_is_lost(void)
{
	if (shim_lose_writes_after < 0)
		return false;
	if (!shim_lose_writes_after)
		return true;
	shim_lose_writes_after--;
	return false;
}

static void do_bio(struct bio *b)
{
	u8 *at = disk_bytes + b->sector * 512;
	bool lost = b->op == BIO_WRITE && write_is_lost();

	for (u32 i = 0; i < b->nr_vecs && !lost; i++) {
		u8 *mem = (u8 *)page_to_va(b->vecs[i].page) + b->vecs[i].off;

		if (b->op == BIO_READ)
			memcpy(mem, at, b->vecs[i].len);
		else if (b->op == BIO_WRITE)
			memcpy(at, mem, b->vecs[i].len);
		at += b->vecs[i].len;
	}
	bio_end(b, 0);
}

static void disk_submit(struct block_device *d, struct bio *b)
{
	list_add_tail(&b->node, &queue);
}

static void disk_kick(struct block_device *d)
{
	struct list *l;

	while ((l = list_pop(&queue)))
		do_bio(list_entry(l, struct bio, node));
}

static const struct block_ops disk_ops = { .submit = disk_submit,
					   .kick = disk_kick };
static const struct super_ops disk_super_ops;
extern const struct mapping_ops blkdev_mapping_ops;

u8 *shim_disk_bytes(size_t *n)
{
	*n = disk_size;
	return disk_bytes;
}

void shim_disk_open(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!shim_arena) {
		shim_arena = mmap(NULL, ARENA_PAGES * PAGE_SIZE, 3,
				  SHIM_MAP_FLAGS, -1, 0);
		shim_pages = calloc(ARENA_PAGES, sizeof(struct page));
	}
	if (!f)
		DIE("no image %s", path);
	fseek(f, 0, SEEK_END);
	disk_size = (size_t)ftell(f);
	rewind(f);
	disk_bytes = malloc(disk_size);
	if (fread(disk_bytes, 1, disk_size, f) != disk_size)
		DIE("short image");
	fclose(f);
	snprintf(disk_path, sizeof(disk_path), "%s", path);
	shim_disk = (struct block_device){ .name = "vda",
					   .sectors = disk_size / 512,
					   .whole = &shim_disk,
					   .ops = &disk_ops,
					   .logical_block = 512,
					   .physical_block = 512,
					   .max_bytes = 1 << 20,
					   .max_segments = 254,
					   .has_flush = true,
					   .inode = &disk_inode };
	disk_sb.ops = &disk_super_ops;
	list_init(&disk_sb.inodes);
	list_init(&disk_sb.dirty);
	init_inode(&disk_inode, &disk_sb);
	disk_inode.bdev = &shim_disk;
	disk_inode.data.ops = &blkdev_mapping_ops;
	disk_inode.data.size = disk_size;
}

void shim_disk_close(void)
{
	FILE *f = fopen(disk_path, "wb");

	mapping_destroy(&disk_inode.data);
	fwrite(disk_bytes, 1, disk_size, f);
	fclose(f);
	free(disk_bytes);
}
