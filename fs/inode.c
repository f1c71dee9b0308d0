/*
 * inode - the cache of inodes: their life, numbers, dirt and counts.
 *
 * Theory:  an inode with users has refs > 0.  A hashed inode without users
 *          and with links waits on the LRU; one without links, or unhashed,
 *          is evicted at once.  Going from 0 to 1 and the decision to free
 *          both happen under state_lock, so they exclude each other.  An inode
 *          that is being freed keeps its place in the hash until its file
 *          system has written it; who looks its number up waits for that.
 *          The memory is of the type for ever or for a grace period: lock-free
 *          walks read mode, owner and ops and validate by the dentry's seq.
 * Locks:   hash shards (RANK_INODE_HASH) > state_lock > sb->inode_lock,
 *          lru_lock.  The shrinker goes the other way by trylock.
 * Life:    inode_alloc() gives one reference.
 */
#include "vfs_impl.h"
#include <fs/device.h>
#include <fs/locks.h>
#include <fs/pipe.h>
#include <kernel/assert.h>
#include <lib/string.h>
#include <mm/slab.h>

#define IHASH_BITS 13
#define IHASH_SHARDS 64

static struct slab_cache *inode_cache;
static struct hlist_head *inode_table;
static struct spinlock shards[IHASH_SHARDS];
static struct waitq state_queues[16];	/* I_NEW, I_FREEING, I_SYNC */
static LIST_HEAD(lru);			/* lru_lock */
static struct spinlock lru_lock = SPINLOCK_INIT(RANK_INODE_LRU, "inode lru");
static u64 lru_count;			/* lru_lock; racy reads */
static u64 last_ino;			/* atomic */

static const struct inode_ops no_inode_ops;
static const struct file_ops no_file_ops;
static const struct mapping_ops no_mapping_ops;

static unsigned bucket_of(const struct super_block *sb, u64 ino)
{
	return (unsigned)hash64(ino ^ (uintptr_t)sb >> 5, IHASH_BITS);
}

static struct spinlock *shard_of(unsigned bucket)
{
	return &shards[bucket % IHASH_SHARDS];
}

static struct waitq *queue_of(const struct inode *i)
{
	return &state_queues[hash_ptr(i, 4)];
}

struct waitq *inode_state_queue(struct inode *i)
{
	return queue_of(i);
}

/* --- making ------------------------------------------------------------------*/
static void init_plain(struct inode *i)
{
	i->mode = 0;
	i->uid = i->gid = 0;
	i->nlink = 1;
	i->rdev = 0;
	i->state = 0;
	i->blocks = 0;
	i->generation = 0;
	i->flags = 0;
	i->version = 0;
	i->dirtied_ns = 0;
	i->link = NULL;
	i->write_count = 0;
	i->write_hint = 0;
	i->locks = NULL;
	i->marks = NULL;
	i->priv = NULL;
	i->atime = i->mtime = i->ctime = i->btime = (struct timespec64){ 0 };
}

static void init_locks(struct inode *i)
{
	mapping_init(&i->data, &no_mapping_ops, i);
	mutex_init(&i->lock, RANK_INODE, "inode");
	spin_init(&i->state_lock, RANK_INODE_STATE, "inode state");
}

/* Of our own cache: locks and an empty page cache outlive an inode. */
static void inode_ctor(void *obj)
{
	init_locks(obj);
}

static void reset_mapping(struct mapping *m)
{
	m->ops = &no_mapping_ops;
	m->size = 0;
	m->writable_vmas = 0;
	m->flags = 0;
	m->wb_err_seq = 0;
	m->wb_err = 0;
	m->gfp = GFP_USER;
}

static void init_inode(struct inode *i, struct super_block *sb)
{
	init_plain(i);
	ref_init(&i->refs, 1);
	i->sb = sb;
	i->blkbits = sb->blkbits;
	WRITE_ONCE(i->ops, &no_inode_ops);
	i->fops = &no_file_ops;
	i->mapping = &i->data;
	hlist_node_init(&i->hash_node);
	list_init(&i->dirty_node);
	list_init(&i->lru_node);
	list_init(&i->dentries);
}

int inode_alloc(struct super_block *sb, struct inode **out)
{
	struct inode *i;
	int err;

	if (sb->ops->alloc_inode) {
		err = sb->ops->alloc_inode(sb, &i);
		if (err)
			return err;
		init_locks(i);
	} else {
		i = slab_alloc(inode_cache, GFP_KERNEL);
		if (!i)
			return -ENOMEM;
		reset_mapping(&i->data);
	}
	init_inode(i, sb);
	i->ino = fetch_add_relaxed(&last_ino, 1) + 1;
	spin_lock(&sb->inode_lock);
	list_add_tail(&i->sb_node, &sb->inodes);
	spin_unlock(&sb->inode_lock);
	*out = i;
	return 0;
}

static void free_rcu(struct rcu_head *head)
{
	struct inode *i = container_of(head, struct inode, rcu);

	i->sb->ops->free_inode(i);
}

static void free_memory(struct inode *i)
{
	const struct super_ops *ops = i->sb->ops;

	if (!ops->alloc_inode)
		slab_free(inode_cache, i);
	else if (ops->is_type_stable)
		ops->free_inode(i);
	else
		call_rcu(&i->rcu, free_rcu);
}

/* --- ending ------------------------------------------------------------------*/
static void lru_remove(struct inode *i)
{
	spin_lock(&lru_lock);
	if (!list_empty(&i->lru_node)) {
		list_del_init(&i->lru_node);
		lru_count--;
	}
	spin_unlock(&lru_lock);
}

static void lru_insert(struct inode *i)
{
	spin_lock(&lru_lock);
	if (list_empty(&i->lru_node)) {
		list_add(&i->lru_node, &lru);
		lru_count++;
	}
	spin_unlock(&lru_lock);
}

static void unhash(struct inode *i)
{
	struct spinlock *l = shard_of(bucket_of(i->sb, i->ino));

	spin_lock(l);
	hlist_del_init(&i->hash_node);
	spin_unlock(l);
}

static void leave_lists(struct inode *i)
{
	struct super_block *sb = i->sb;

	if (!list_empty(&i->lru_node))	/* nobody adds it any more */
		lru_remove(i);
	spin_lock(&sb->inode_lock);
	list_del_init(&i->dirty_node);
	list_del_init(&i->sb_node);
	spin_unlock(&sb->inode_lock);
}

static void free_extras(struct inode *i)
{
	if (i->locks)
		locks_inode_free(i);
	if (S_ISFIFO(i->mode) && i->pipe)
		pipe_free_inode(i);
}

/* refs is 0 and I_FREEING is set by the caller. */
static void evict(struct inode *i)
{
	assert(i->state & I_FREEING);
	irqs_unmask();			/* it may have many pages */
	if (i->nlink && (i->state & I_DIRTY))
		ignore_error(inode_sync(i, false));	/* errseq tells */
	leave_lists(i);
	wait_event(queue_of(i), !(READ_ONCE(i->state) & I_SYNC));
	if (i->sb->ops->evict_inode)
		i->sb->ops->evict_inode(i);
	if (!radix_empty(&i->data.pages)) {
		mapping_destroy(&i->data);
		mapping_init(&i->data, &no_mapping_ops, i);
	}
	free_extras(i);
	if (!hlist_unhashed(&i->hash_node)) {
		unhash(i);
		wake_if_waiting(queue_of(i), 0);
	}
	free_memory(i);
}

/* True if the last user may leave it in the cache. */
static bool is_worth_keeping(const struct inode *i)
{
	return i->nlink && !hlist_unhashed(&i->hash_node) &&
	       (READ_ONCE(i->sb->flags) & SB_ACTIVE);
}

static noinline void put_last(struct inode *i)
{
	spin_lock(&i->state_lock);
	if (!ref_put(&i->refs)) {
		spin_unlock(&i->state_lock);
		return;
	}
	if (is_worth_keeping(i)) {
		lru_insert(i);
		spin_unlock(&i->state_lock);
		return;
	}
	i->state |= I_FREEING;
	spin_unlock(&i->state_lock);
	evict(i);
}

void inode_put(struct inode *i)
{
	int n;

	if (!i)
		return;
	n = ref_count(&i->refs);
	while (n > 1)
		if (__atomic_compare_exchange_n(&i->refs.n, &n, n - 1, true,
						__ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	put_last(i);
}

static void get_locked(struct inode *i)
{
	__atomic_add_fetch(&i->refs.n, 1, __ATOMIC_RELAXED);
}

/* A reference unless it is being freed. */
static bool inode_tryget(struct inode *i)
{
	bool ok;

	spin_lock(&i->state_lock);
	ok = !(i->state & I_FREEING);
	if (ok)
		get_locked(i);
	spin_unlock(&i->state_lock);
	return ok;
}

/* --- the hash ---------------------------------------------------------------*/
static struct inode *find_locked(unsigned bucket, struct super_block *sb,
				 u64 ino)
{
	struct inode *i;

	hlist_for_each_entry(i, &inode_table[bucket], hash_node)
		if (i->ino == ino && i->sb == sb)
			return i;
	return NULL;
}

static bool still_hashed(unsigned bucket, struct inode *i, u64 ino,
			 struct super_block *sb)
{
	bool is_there;

	spin_lock(shard_of(bucket));
	is_there = find_locked(bucket, sb, ino) == i &&
		   (READ_ONCE(i->state) & I_FREEING);
	spin_unlock(shard_of(bucket));
	return is_there;
}

/* 0 with a reference, or NULL: none; -EAGAIN: look again. */
static int find_get(unsigned bucket, struct super_block *sb, u64 ino,
		    struct inode **out)
{
	struct inode *i;
	bool ok = true;

	spin_lock(shard_of(bucket));
	i = find_locked(bucket, sb, ino);
	if (i)
		ok = inode_tryget(i);
	spin_unlock(shard_of(bucket));
	*out = i;
	if (!i)
		return 0;
	if (!ok) {
		/* Its memory may go at any time: only the address is used. */
		wait_event(queue_of(i), !still_hashed(bucket, i, ino, sb));
		return -EAGAIN;
	}
	wait_event(queue_of(i), !(READ_ONCE(i->state) & I_NEW));
	if (unlikely(hlist_unhashed(&i->hash_node))) {
		inode_put(i);
		return -EAGAIN;
	}
	return 0;
}

static void hash_new_locked(unsigned bucket, struct inode *i, u64 ino)
{
	i->ino = ino;
	i->state |= I_NEW;
	hlist_add_head(&i->hash_node, &inode_table[bucket]);
}

int inode_get_locked(struct super_block *sb, u64 ino, struct inode **out)
{
	unsigned bucket = bucket_of(sb, ino);
	struct inode *i;
	int err;

	for (;;) {
		err = find_get(bucket, sb, ino, out);
		if (!err && *out)
			return 0;
		if (err)
			continue;
		err = inode_alloc(sb, &i);
		if (err)
			return err;
		spin_lock(shard_of(bucket));
		if (!find_locked(bucket, sb, ino)) {
			hash_new_locked(bucket, i, ino);
			spin_unlock(shard_of(bucket));
			*out = i;
			return 0;
		}
		spin_unlock(shard_of(bucket));
		i->nlink = 0;
		i->state |= I_FREEING;
		leave_lists(i);
		mapping_destroy(&i->data);
		free_memory(i);
	}
}

void inode_hash_insert(struct inode *i)
{
	unsigned bucket = bucket_of(i->sb, i->ino);

	spin_lock(shard_of(bucket));
	if (hlist_unhashed(&i->hash_node))
		hlist_add_head(&i->hash_node, &inode_table[bucket]);
	spin_unlock(shard_of(bucket));
}

/* NULL: it is in now; else the one that has its number. */
static struct inode *hash_if_free(unsigned bucket, struct inode *i)
{
	struct inode *o;

	spin_lock(shard_of(bucket));
	o = find_locked(bucket, i->sb, i->ino);
	if (o && (READ_ONCE(o->state) & I_FREEING))
		o = NULL;
	if (!o)
		hlist_add_head(&i->hash_node, &inode_table[bucket]);
	else if (!(READ_ONCE(o->state) & I_NEW))
		o = i;
	spin_unlock(shard_of(bucket));
	return o;
}

static bool is_found(unsigned bucket, const struct inode *i,
		     struct super_block *sb, u64 ino)
{
	bool yes;

	spin_lock(shard_of(bucket));
	yes = find_locked(bucket, sb, ino) == i;
	spin_unlock(shard_of(bucket));
	return yes;
}

/* Who comes with the handle of a file that had the number before reads what is
 * free on disk: that ends as soon as it is seen. */
int inode_hash_fresh(struct inode *i)
{
	unsigned bucket = bucket_of(i->sb, i->ino);
	struct inode *o;

	while (unlikely((o = hash_if_free(bucket, i)))) {
		if (o == i)
			return -EEXIST;
		wait_event(queue_of(o), !is_found(bucket, o, i->sb, i->ino));
	}
	return 0;
}

int inode_find(struct super_block *sb, u64 ino, struct inode **out)
{
	while (find_get(bucket_of(sb, ino), sb, ino, out))
		;	/* it was being freed, and is gone now */
	return *out ? 0 : -ESTALE;
}

void inode_unlock_new(struct inode *i)
{
	spin_lock(&i->state_lock);
	i->state &= ~I_NEW;
	spin_unlock(&i->state_lock);
	wake_if_waiting(queue_of(i), 0);
}

void inode_fail_new(struct inode *i)
{
	unhash(i);
	inode_unlock_new(i);
	inode_put(i);
}

/* --- dirt --------------------------------------------------------------------*/
void inode_mark_dirty(struct inode *i, u32 what)
{
	struct super_block *sb = i->sb;

	if ((READ_ONCE(sb->flags) & SB_NOWRITEBACK) ||
	    (READ_ONCE(i->state) & what) == what)
		return;
	spin_lock(&i->state_lock);
	i->state |= what;
	if (list_empty(&i->dirty_node) && !(i->state & I_FREEING)) {
		i->dirtied_ns = clock_ns();
		spin_lock(&sb->inode_lock);
		list_add_tail(&i->dirty_node, &sb->dirty);
		spin_unlock(&sb->inode_lock);
	}
	spin_unlock(&i->state_lock);
}

/* --- reclaim -----------------------------------------------------------------*/
/* Takes the oldest that nobody uses for eviction; NULL: none now. */
static struct inode *take_victim(u64 *budget)
{
	struct inode *i;

	spin_lock(&lru_lock);
	while (*budget && !list_empty(&lru)) {
		(*budget)--;
		i = list_last_entry(&lru, struct inode, lru_node);
		if (!spin_trylock(&i->state_lock)) {
			list_move(&i->lru_node, &lru);
			continue;
		}
		list_del_init(&i->lru_node);
		lru_count--;
		if (ref_count(&i->refs) == 0 && !(i->state & I_FREEING) &&
		    !(i->state & I_DIRTY)) {
			i->state |= I_FREEING;
			spin_unlock(&i->state_lock);
			spin_unlock(&lru_lock);
			return i;
		}
		/* One that is being evicted may have left the list just now:
		 * it looked while it was off, and does not look again. */
		if (ref_count(&i->refs) == 0 && !(i->state & I_FREEING)) {
			list_add(&i->lru_node, &lru);
			lru_count++;
		}
		spin_unlock(&i->state_lock);
	}
	spin_unlock(&lru_lock);
	return NULL;
}

static u64 shrink_count(void)
{
	return READ_ONCE(lru_count);
}

static u64 shrink_scan(u64 nr, unsigned gfp)
{
	struct inode *i;
	u64 budget = nr, freed = 0;

	if (!(gfp & GFP_FS))
		return 0;
	while ((i = take_victim(&budget))) {
		evict(i);
		freed++;
	}
	return freed / 4;	/* about that many to a page */
}

static struct shrinker inode_shrinker = {
	.name = "inodes", .count = shrink_count, .scan = shrink_scan,
};

/* Claims one without users for eviction. */
static struct inode *claim_unused(struct super_block *sb, bool *has_users)
{
	struct inode *i;

	spin_lock(&sb->inode_lock);
	list_for_each_entry(i, &sb->inodes, sb_node) {
		if (!spin_trylock(&i->state_lock)) {
			*has_users = true;
			continue;
		}
		if (!(i->state & I_FREEING) && ref_count(&i->refs) == 0) {
			i->state |= I_FREEING;
			spin_unlock(&i->state_lock);
			spin_unlock(&sb->inode_lock);
			return i;
		}
		*has_users = true;
		spin_unlock(&i->state_lock);
	}
	spin_unlock(&sb->inode_lock);
	return NULL;
}

/* Nothing can find them any more: the superblock is off the tree. */
bool inode_evict_all(struct super_block *sb)
{
	bool has_users = false;
	struct inode *i;

	while ((i = claim_unused(sb, &has_users))) {
		has_users = false;
		evict(i);
		cond_resched();
	}
	return !has_users;
}

void inode_init_caches(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(shards); i++)
		spin_init(&shards[i], RANK_INODE_HASH, "inode hash");
	for (unsigned i = 0; i < ARRAY_SIZE(state_queues); i++)
		waitq_init(&state_queues[i]);
	inode_cache = slab_cache_create("inode", sizeof(struct inode), 64,
					SLAB_RECLAIM | SLAB_RCU | SLAB_PANIC,
					inode_ctor);
	inode_table = kvzalloc(sizeof(*inode_table) << IHASH_BITS, GFP_KERNEL);
	BUG_ON(!inode_table);
	shrinker_register(&inode_shrinker);
}
