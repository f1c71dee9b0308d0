/*
 * dcache - names in memory: which dentry a name has, and for how long.
 *
 * Theory:  a dentry's count is its users plus one while it is hashed; so a
 *          cached one without users has 1, and ref_tryget() works on it under
 *          RCU.  Who wants to take one out of use swaps the count from the
 *          value that says "nobody else" to 0: then no walk can get it.
 *          Dentries are never given back for another type while a reader may
 *          look (SLAB_RCU), but are reused at once: a reader trusts what it
 *          read only if seq, which grows with each change of name, parent,
 *          inode or use, is still the same.  A reader on a hash chain may be
 *          led astray by reuse and miss; misses are asked again under the
 *          directory's lock.  Negative dentries are cached like others.
 *          A free one has an odd seq.
 *          All hashed dentries are on the LRU; its end decides what goes.
 *          D_REFERENCED alone is set and cleared without the lock, atomically;
 *          losing it does no harm.
 * Locks:   move_lock > dentry.lock > bucket lock, lru_lock.  parent->lock
 *          guards its children; names and parents change under the
 *          directories' inode locks and move_lock.
 * Life:    dentry_alloc() gives one reference.  A dentry owns one of its
 *          parent and one of its inode.
 */
#include "vfs_impl.h"
#include <kernel/assert.h>
#include <kernel/rcu.h>
#include <lib/string.h>
#include <mm/slab.h>

#define DHASH_LOCKS 64

struct long_name {
	struct rcu_head rcu;
	struct ref refs;	/* a replaced dentry shares its name */
	u64 words[];
};

struct hlist_head *dentry_table;
struct seqcount rename_seq;		/* move_lock */
static struct spinlock move_lock = SPINLOCK_INIT(RANK_SPIN, "dentry move");
static struct spinlock bucket_locks[DHASH_LOCKS];
static struct slab_cache *cache;
static LIST_HEAD(lru);			/* lru_lock */
static struct spinlock lru_lock = SPINLOCK_INIT(RANK_DENTRY_LRU, "dentry lru");
static u64 lru_count;			/* lru_lock; racy reads */

static const struct dentry_ops no_ops;

/* --- names ---------------------------------------------------------------------*/
void qname_make(struct qname *q, const char *name, size_t len)
{
	size_t n = DIV_ROUND_UP(len, 8);
	u64 h = 0;

	assert(len && len <= NAME_MAX);
	q->words[n - 1] = 0;
	memcpy(q->words, name, len);
	for (size_t i = 0; i < n; i++)
		h = hash_mix(h, q->words[i]);
	q->len = (u32)len;
	q->hash = qname_finish(h);
}

u32 name_hash(const char *name, size_t len)
{
	struct qname q;

	if (!len || len > NAME_MAX)
		return 0;
	qname_make(&q, name, len);
	return q.hash;
}

static void free_long_name(struct rcu_head *head)
{
	kfree(container_of(head, struct long_name, rcu));
}

static void name_release(struct dentry *d)
{
	struct long_name *n;

	if (d->name == d->inline_name)
		return;
	n = container_of((const u64 *)d->name, struct long_name, words[0]);
	if (ref_put(&n->refs))
		call_rcu(&n->rcu, free_long_name);
}

static int name_set(struct dentry *d, const struct qname *q)
{
	size_t bytes = DIV_ROUND_UP(q->len, 8) * 8;
	struct long_name *n;

	d->hash = q->hash;
	d->len = q->len;
	/* A NUL follows, for those who print it. */
	if (q->len < DNAME_INLINE) {
		memcpy(d->inline_name, q->words, bytes);
		d->inline_name[q->len] = 0;
		d->name = d->inline_name;
		return 0;
	}
	n = kzalloc(sizeof(*n) + bytes + 8, GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	ref_init(&n->refs, 1);
	memcpy(n->words, q->words, bytes);
	d->name = (const char *)n->words;
	return 0;
}

/* --- making --------------------------------------------------------------------*/
static void dentry_ctor(void *obj)
{
	struct dentry *d = obj;

	memset(d, 0, sizeof(*d));
	d->seq.seq = 1;			/* odd: free */
	spin_init(&d->lock, RANK_DENTRY, "dentry");
}

static void init_dentry(struct dentry *d, struct super_block *sb)
{
	d->flags = D_UNHASHED;
	hlist_node_init(&d->hash_node);
	d->ops = &no_ops;
	d->sb = sb;
	d->inode = NULL;
	d->priv = NULL;
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->alias);
	list_init(&d->lru);
}

static void seq_bump(struct dentry *d)
{
	seq_write_begin(&d->seq);
	seq_write_end(&d->seq);
}

int dentry_alloc_q(struct dentry *parent, const struct qname *q,
		   struct dentry **out)
{
	struct dentry *d = slab_alloc(cache, GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	init_dentry(d, parent->sb);
	if (name_set(d, q)) {
		slab_free(cache, d);
		return -ENOMEM;
	}
	d->parent = dentry_get(parent);
	seq_write_end(&d->seq);
	ref_init(&d->refs, 1);
	spin_lock(&parent->lock);
	list_add_tail(&d->sibling, &parent->children);
	spin_unlock(&parent->lock);
	*out = d;
	return 0;
}

int dentry_alloc(struct dentry *parent, const char *name, size_t len,
		 struct dentry **out)
{
	struct qname q;

	if (!len || len > NAME_MAX)
		return len ? -ENAMETOOLONG : -ENOENT;
	qname_make(&q, name, len);
	return dentry_alloc_q(parent, &q, out);
}

static u32 type_flags(const struct inode *i)
{
	if (S_ISDIR(i->mode))
		return D_DIR;
	return S_ISLNK(i->mode) ? D_SYMLINK : 0;
}

static void set_inode_locked(struct dentry *d, struct inode *i)
{
	d->flags &= ~(D_DIR | D_SYMLINK);
	if (i) {
		d->flags |= type_flags(i);
		spin_lock(&i->state_lock);
		list_add(&d->alias, &i->dentries);
		spin_unlock(&i->state_lock);
	}
	if (d->ops->revalidate)
		d->flags |= D_REVALIDATE;
	d->inode = i;
}

int dentry_alloc_root(struct super_block *sb, struct inode *i,
		      struct dentry **out)
{
	struct dentry *d = slab_alloc(cache, GFP_KERNEL);
	struct qname q;

	if (!d)
		return -ENOMEM;
	qname_make(&q, "/", 1);
	init_dentry(d, sb);
	ignore_error(name_set(d, &q));		/* short: cannot fail */
	d->flags |= D_ROOT;
	d->parent = d;
	set_inode_locked(d, i);
	seq_write_end(&d->seq);
	ref_init(&d->refs, 1);
	*out = d;
	return 0;
}

/* --- the hash and the LRU --------------------------------------------------------*/
static struct spinlock *bucket_lock(const struct hlist_head *b)
{
	return &bucket_locks[(size_t)(b - dentry_table) % DHASH_LOCKS];
}

static void lru_insert(struct dentry *d)
{
	spin_lock(&lru_lock);
	list_add(&d->lru, &lru);
	lru_count++;
	spin_unlock(&lru_lock);
}

static void lru_remove(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (!list_empty(&d->lru)) {
		list_del_init(&d->lru);
		lru_count--;
	}
	spin_unlock(&lru_lock);
}

/* The cache takes a reference. */
static void hash_locked(struct dentry *d)
{
	struct hlist_head *b = dentry_bucket(d->parent, d->hash);

	spin_lock(bucket_lock(b));
	hlist_add_head_rcu(&d->hash_node, b);
	spin_unlock(bucket_lock(b));
	d->flags &= ~D_UNHASHED;
}

static void unhash_locked(struct dentry *d)
{
	struct hlist_head *b = dentry_bucket(d->parent, d->hash);

	spin_lock(bucket_lock(b));
	hlist_del_rcu(&d->hash_node);
	spin_unlock(bucket_lock(b));
	d->flags |= D_UNHASHED;
}

void dentry_attach(struct dentry *d, struct inode *i)
{
	bool is_new;

	spin_lock(&d->lock);
	is_new = (d->flags & (D_UNHASHED | D_ROOT)) == D_UNHASHED;
	if (is_new)
		dentry_get(d);
	seq_write_begin(&d->seq);
	set_inode_locked(d, i);
	if (is_new)
		hash_locked(d);
	seq_write_end(&d->seq);
	if (is_new)
		lru_insert(d);
	spin_unlock(&d->lock);
}

void dentry_set_inode(struct dentry *d, struct inode *i)
{
	spin_lock(&d->lock);
	seq_write_begin(&d->seq);
	set_inode_locked(d, i);
	seq_write_end(&d->seq);
	spin_unlock(&d->lock);
}

static struct inode *take_inode_locked(struct dentry *d)
{
	struct inode *i = d->inode;

	if (!i)
		return NULL;
	spin_lock(&i->state_lock);
	list_del_init(&d->alias);
	spin_unlock(&i->state_lock);
	WRITE_ONCE(d->inode, NULL);
	return i;
}

/* --- ending ------------------------------------------------------------------------*/
/* No reference is left and it is off the hash and the LRU: frees it and gives
 * back the parent, whose reference the caller puts. */
static struct dentry *free_dentry(struct dentry *d)
{
	struct dentry *parent = d->parent;
	struct inode *i;

	if (parent != d) {
		spin_lock(&parent->lock);
		list_del_init(&d->sibling);
		spin_unlock(&parent->lock);
	}
	seq_write_begin(&d->seq);	/* odd until it is used again */
	i = take_inode_locked(d);
	name_release(d);
	d->name = d->inline_name;
	d->hash = 0;
	WRITE_ONCE(d->parent, NULL);
	if (d->ops->release)
		d->ops->release(d);
	slab_free(cache, d);
	inode_put(i);
	return parent == d ? NULL : parent;
}

/* The count is 0 by the caller's doing while it was hashed. */
static struct dentry *kill_cached(struct dentry *d)
{
	lru_remove(d);
	spin_lock(&d->lock);
	seq_bump(d);
	unhash_locked(d);
	spin_unlock(&d->lock);
	return free_dentry(d);
}

/* True, and the count is 0, if the caller and the cache are all that have it.
 * The cache's reference is there while the lock is held and it is hashed. */
static bool claim_locked(struct dentry *d)
{
	return !(d->flags & D_UNHASHED) && cmpxchg(&d->refs.n, 2, 0);
}

/* A dentry that wants to go with its last user: true if it may now. */
static bool drop_if_last_user(struct dentry *d)
{
	bool ok;

	if (ref_count(&d->refs) != 2)
		return false;
	spin_lock(&d->lock);
	ok = claim_locked(d);
	spin_unlock(&d->lock);
	return ok;
}

/* Drops one reference; the parent, if its own is to be dropped then. */
static struct dentry *put_one(struct dentry *d)
{
	if ((READ_ONCE(d->flags) & D_NOCACHE) && drop_if_last_user(d))
		return kill_cached(d);
	return ref_put(&d->refs) ? free_dentry(d) : NULL;
}

/* No recursion: a chain of removed directories may be long. */
void dentry_put_nocache(struct dentry *d)
{
	while (d)
		d = put_one(d);
}

void dentry_put_last(struct dentry *d)
{
	dentry_put_nocache(free_dentry(d));
}

void dentry_drop(struct dentry *d)
{
	spin_lock(&d->lock);
	if (d->flags & (D_UNHASHED | D_ROOT)) {
		spin_unlock(&d->lock);
		return;
	}
	seq_bump(d);
	unhash_locked(d);
	lru_remove(d);
	spin_unlock(&d->lock);
	dentry_put(d);			/* the cache's; the caller has one */
}

static bool turn_negative(struct dentry *d)
{
	struct inode *i;

	if (READ_ONCE(d->flags) & D_NOCACHE)
		return false;
	spin_lock(&d->lock);
	if (!claim_locked(d)) {
		spin_unlock(&d->lock);
		return false;
	}
	seq_write_begin(&d->seq);
	i = take_inode_locked(d);
	d->flags &= ~(D_DIR | D_SYMLINK);
	seq_write_end(&d->seq);
	spin_unlock(&d->lock);
	ref_init(&d->refs, 2);
	inode_put(i);
	return true;
}

void dentry_delete(struct dentry *d)
{
	if (!turn_negative(d))
		dentry_drop(d);
}

/* --- looking up ---------------------------------------------------------------------*/
struct dentry *dentry_find_q(struct dentry *parent, const struct qname *q)
{
	struct dentry *d, *found = NULL;
	u32 seq;

	rcu_read_lock();
	hlist_for_each_entry_rcu(d, dentry_bucket(parent, q->hash), hash_node) {
		seq = READ_ONCE(d->seq.seq);
		smp_rmb();
		if ((seq & 1) || READ_ONCE(d->parent) != parent ||
		    !dentry_matches(d, q) || !ref_tryget(&d->refs))
			continue;
		smp_rmb();
		/* Unhashed: reused for the same name, and not looked up yet. */
		if (READ_ONCE(d->seq.seq) == seq &&
		    !(READ_ONCE(d->flags) & D_UNHASHED)) {
			found = d;
			break;
		}
		rcu_read_unlock();
		dentry_put(d);
		return NULL;
	}
	rcu_read_unlock();
	if (found && !(READ_ONCE(found->flags) & D_REFERENCED))
		fetch_or(&found->flags, D_REFERENCED);
	return found;
}

/* With the directory's lock held names do not come and go; only a dentry
 * that the shrinker has at its mercy is passed over. */
static struct dentry *find_sure(struct dentry *parent, const struct qname *q)
{
	struct hlist_head *b = dentry_bucket(parent, q->hash);
	struct dentry *d;

	spin_lock(bucket_lock(b));
	hlist_for_each_entry(d, b, hash_node) {
		if (d->parent == parent && dentry_matches(d, q) &&
		    ref_tryget(&d->refs))
			break;
	}
	spin_unlock(bucket_lock(b));
	return d;
}

static int revalidate(struct dentry *d)
{
	if (!(READ_ONCE(d->flags) & D_REVALIDATE))
		return 1;
	return d->ops->revalidate(d, false);
}

static int ask_fs(struct dentry *parent, const struct qname *q,
		  struct dentry **out)
{
	struct inode *dir = parent->inode;
	struct dentry *d;
	int err;

	if (dir->flags & S_DEAD)
		return -ENOENT;
	if (!dir->ops->lookup)
		return -ENOTDIR;
	err = dentry_alloc_q(parent, q, &d);
	if (err)
		return err;
	err = dir->ops->lookup(dir, d);
	*out = d;
	if (err > 0)
		*out = d->priv;
	if (err)
		dentry_put(d);
	return min(err, 0);
}

int dentry_lookup_q(struct dentry *parent, const struct qname *q,
		    struct dentry **out)
{
	struct dentry *d = find_sure(parent, q);
	int ok;

	assert_mutex_held(&parent->inode->lock);
	if (!d)
		return ask_fs(parent, q, out);
	ok = revalidate(d);
	if (ok > 0) {
		*out = d;
		return 0;
	}
	dentry_drop(d);
	dentry_put(d);
	return ok < 0 ? ok : ask_fs(parent, q, out);
}

int dentry_lookup(struct dentry *parent, const char *name, size_t len,
		  struct dentry **out)
{
	struct qname q;

	if (!len)
		return -ENOENT;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	qname_make(&q, name, len);
	return dentry_lookup_q(parent, &q, out);
}

/* --- renaming -----------------------------------------------------------------------*/
bool dentry_is_below(struct dentry *d, struct dentry *top)
{
	bool is_below = false;
	u32 seq;

	do {
		struct dentry *p = d;

		rcu_read_lock();
		seq = seq_read_begin(&rename_seq);
		while (p && p != top && p != READ_ONCE(p->parent))
			p = READ_ONCE(p->parent);
		is_below = p == top;
		rcu_read_unlock();
	} while (seq_read_retry(&rename_seq, seq));
	return is_below;
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	bool a_inline = a->name == a->inline_name;
	bool b_inline = b->name == b->inline_name;
	u64 *x = (u64 *)a->inline_name, *y = (u64 *)b->inline_name;

	for (unsigned i = 0; i < DNAME_INLINE / 8; i++)
		swap(x[i], y[i]);
	swap(a->name, b->name);
	if (b_inline)
		a->name = a->inline_name;
	if (a_inline)
		b->name = b->inline_name;
	swap(a->hash, b->hash);
	swap(a->len, b->len);
}

/* od takes nd's name; nd keeps it too, for those who still have it open. */
static void copy_name(struct dentry *od, struct dentry *nd)
{
	name_release(od);
	if (nd->name == nd->inline_name) {
		memcpy(od->inline_name, nd->inline_name, DNAME_INLINE);
		od->name = od->inline_name;
	} else {
		struct long_name *n = container_of((const u64 *)nd->name,
						   struct long_name, words[0]);

		ref_get(&n->refs);
		od->name = nd->name;
	}
	od->hash = nd->hash;
	od->len = nd->len;
}

static void move_child(struct dentry *d, struct dentry *to)
{
	struct dentry *from = d->parent;

	if (from == to)
		return;
	spin_lock(&from->lock);
	list_del_init(&d->sibling);
	spin_unlock(&from->lock);
	spin_lock(&to->lock);
	list_add_tail(&d->sibling, &to->children);
	spin_unlock(&to->lock);
	WRITE_ONCE(d->parent, to);
}

/* The flags are the dentry's lock's: a mount may just set or take its own. */
static bool unhash_if_hashed(struct dentry *d)
{
	bool was_hashed;

	spin_lock(&d->lock);
	was_hashed = !(d->flags & D_UNHASHED);
	if (was_hashed)
		unhash_locked(d);
	spin_unlock(&d->lock);
	return was_hashed;
}

static void hash(struct dentry *d)
{
	spin_lock(&d->lock);
	hash_locked(d);
	spin_unlock(&d->lock);
}

/* Only moves look at two dentries, and move_lock orders them; the inode locks
 * of the directories keep everyone else from either. */
void dentry_move(struct dentry *od, struct dentry *nd, bool exchange)
{
	struct dentry *op = od->parent, *np = nd->parent;
	bool od_hashed, nd_hashed;

	spin_lock(&move_lock);
	seq_write_begin(&rename_seq);
	seq_write_begin(&od->seq);
	seq_write_begin(&nd->seq);
	od_hashed = unhash_if_hashed(od);
	nd_hashed = unhash_if_hashed(nd);
	if (exchange) {
		swap_names(od, nd);
		move_child(nd, op);
		hash(nd);
	} else {
		copy_name(od, nd);
		if (op != np)
			dentry_get(np);
	}
	move_child(od, np);
	hash(od);
	seq_write_end(&nd->seq);
	seq_write_end(&od->seq);
	seq_write_end(&rename_seq);
	spin_unlock(&move_lock);
	if (!od_hashed) {
		dentry_get(od);
		lru_insert(od);
	}
	if (exchange && !nd_hashed) {
		dentry_get(nd);
		lru_insert(nd);
	}
	if (exchange)
		return;
	if (op != np)
		dentry_put(op);
	if (nd_hashed) {
		lru_remove(nd);
		dentry_put(nd);
	}
}

/* --- shrinking ----------------------------------------------------------------------*/
static bool is_victim(struct dentry *d, struct super_block *sb, bool is_all)
{
	if (sb && d->sb != sb)
		return false;
	if (!is_all && (d->flags & D_REFERENCED)) {
		fetch_and(&d->flags, ~D_REFERENCED);
		return false;
	}
	return cmpxchg(&d->refs.n, 1, 0);
}

/* Takes one out from the end of the LRU; budget: how many to look at. */
static struct dentry *take_victim(struct super_block *sb, u64 *budget)
{
	struct dentry *d;

	spin_lock(&lru_lock);
	while (*budget && !list_empty(&lru)) {
		(*budget)--;
		d = list_last_entry(&lru, struct dentry, lru);
		if (is_victim(d, sb, sb != NULL)) {
			list_del_init(&d->lru);
			lru_count--;
			spin_unlock(&lru_lock);
			return d;
		}
		list_move(&d->lru, &lru);
	}
	spin_unlock(&lru_lock);
	return NULL;
}

static u64 shrink(struct super_block *sb, u64 budget)
{
	struct dentry *d;
	u64 freed = 0;

	while ((d = take_victim(sb, &budget))) {
		dentry_put(kill_cached(d));
		freed++;
	}
	return freed;
}

void dentry_shrink_sb(struct super_block *sb)
{
	while (shrink(sb, READ_ONCE(lru_count)))
		cond_resched();
}

/* A cached child that nobody uses; on the LRU means that it is hashed. */
static struct dentry *take_child(struct dentry *d)
{
	struct dentry *c, *found = NULL;

	spin_lock(&d->lock);
	spin_lock(&lru_lock);
	list_for_each_entry(c, &d->children, sibling) {
		if (!list_empty(&c->lru) && cmpxchg(&c->refs.n, 1, 0)) {
			list_del_init(&c->lru);
			lru_count--;
			found = c;
			break;
		}
	}
	spin_unlock(&lru_lock);
	spin_unlock(&d->lock);
	return found;
}

void dentry_prune_children(struct dentry *d)
{
	struct dentry *c;

	while ((c = take_child(d)))
		dentry_put(kill_cached(c));
}

static u64 shrink_count(void)
{
	return READ_ONCE(lru_count);
}

static u64 shrink_scan(u64 nr, unsigned gfp)
{
	if (!(gfp & GFP_FS))
		return 0;
	return shrink(NULL, nr) / 16;	/* that many to a page */
}

static struct shrinker dentry_shrinker = {
	.name = "dentries", .count = shrink_count, .scan = shrink_scan,
};

void dcache_init(void)
{
	for (unsigned i = 0; i < DHASH_LOCKS; i++)
		spin_init(&bucket_locks[i], RANK_DENTRY_LRU, "dentry hash");
	cache = slab_cache_create("dentry", sizeof(struct dentry), 64,
				  SLAB_RECLAIM | SLAB_RCU | SLAB_PANIC,
				  dentry_ctor);
	dentry_table = kvzalloc(sizeof(*dentry_table) << DHASH_BITS,
				GFP_KERNEL);
	BUG_ON(!dentry_table);
	shrinker_register(&dentry_shrinker);
}
