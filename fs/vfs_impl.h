#pragma once
/* What the files of the VFS core share with each other only. */
#include <fs/vfs.h>
#include <kernel/spinlock.h>
#include <lib/hash.h>

/* --- names ------------------------------------------------------------------
 * A component as 8-byte words, padded with zeros: hashed and compared so. */
struct qname {
	u32 hash, len;
	u64 words[NAME_MAX / 8 + 2];
};

#define QNAME_ONES 0x0101010101010101ull
#define QNAME_HIGHS 0x8080808080808080ull

/* The sign bit of the first byte that is 0 or '/' (garbage above it). */
static __always_inline u64 qname_ends(u64 w)
{
	u64 s = w ^ QNAME_ONES * '/';

	return (((w - QNAME_ONES) & ~w) | ((s - QNAME_ONES) & ~s)) &
	       QNAME_HIGHS;
}

/* All ones in the bytes below the first sign bit of m. */
static __always_inline u64 qname_below(u64 m)
{
	return ((m & -m) >> 7) - 1;
}

/* How many bytes the mask of qname_below() covers. */
static __always_inline u32 qname_count(u64 below)
{
	return (u32)((below & QNAME_ONES) * QNAME_ONES >> 56);
}

static __always_inline u32 qname_finish(u64 h)
{
	return (u32)(h >> 32) ^ (u32)h;
}

/*
 * Parses the component at s, which ends at '/' or NUL, into q; returns its
 * end.  Loads are aligned words, of which each has a byte of the string.
 * len is above NAME_MAX if it is too long.
 */
static __always_inline const char *qname_parse(const char *s, struct qname *q)
{
	const u64 *p = (const u64 *)((uintptr_t)s & ~7ul);
	unsigned sh = ((uintptr_t)s & 7) * 8, n = 0;
	u64 cur = *p, h = 0, below, carry;
	u64 m = qname_ends(cur | ((1ull << sh) - 1));
	const char *end;

	carry = cur >> sh;
	if (likely(m)) {
		below = qname_below(m);
		carry = (cur & below) >> sh;
		end = (const char *)p + qname_count(below);
		q->words[n++] = carry;
		h = hash_mix(h, carry);
		goto out;
	}
	for (;;) {
		cur = *++p;
		m = qname_ends(cur);
		if (m)
			break;
		q->words[n] = carry | cur << 1 << (63 - sh);
		h = hash_mix(h, q->words[n++]);
		carry = cur >> sh;
		if (unlikely(n > NAME_MAX / 8)) {
			q->len = NAME_MAX + 1;
			q->hash = 0;
			return s;
		}
	}
	below = qname_below(m);
	cur &= below;
	end = (const char *)p + qname_count(below);
	q->words[n] = carry | cur << 1 << (63 - sh);
	h = hash_mix(h, q->words[n++]);
	carry = cur >> sh;
	if (end - s > (long)n * 8) {
		q->words[n] = carry;
		h = hash_mix(h, q->words[n++]);
	}
out:
	q->len = (u32)(end - s);
	q->hash = qname_finish(h);
	return end;
}

/* A name that is known to be short enough (len <= NAME_MAX). */
void qname_make(struct qname *q, const char *name, size_t len);

static __always_inline bool qname_is_dot(const struct qname *q)
{
	return q->len == 1 && q->words[0] == '.';
}

static __always_inline bool qname_is_dotdot(const struct qname *q)
{
	return q->len == 2 && q->words[0] == ('.' | '.' << 8);
}

/* p, made to depend on v: what is loaded through it is ordered after the load
 * that gave v, at no cost (RVWMO rule 9), where a fence costs 10 ns. */
static __always_inline const void *ptr_after(const void *p, u64 v)
{
	u64 w = v;

	OPTIMIZER_HIDE(w);
	return (const char *)p + (w ^ v);
}

/* True if the version is still `seq`, asked after the load that gave v. */
static __always_inline bool dentry_seq_same(const struct dentry *d, u32 seq,
					    u64 v)
{
	const struct dentry *e = ptr_after(d, v);

	return READ_ONCE(e->seq.seq) == seq;
}

/* --- dcache.c --------------------------------------------------------------*/
#define DHASH_BITS 15
extern struct hlist_head *dentry_table;
extern struct seqcount rename_seq;	/* grows with each move */

static __always_inline struct hlist_head *dentry_bucket(const struct dentry *p,
							u32 hash)
{
	return dentry_table + hash64((uintptr_t)p >> 4 ^ (u64)hash << 24,
				     DHASH_BITS);
}

static __always_inline bool dentry_matches(const struct dentry *d,
					   const struct qname *q)
{
	const u64 *name;
	u32 i = 0;

	if (READ_ONCE(d->hash) != q->hash || READ_ONCE(d->len) != q->len)
		return false;
	name = (const u64 *)READ_ONCE(d->name);
	do {
		if (name[i] != q->words[i])
			return false;
	} while (++i * 8 < q->len);
	return true;
}

/* Cached child, referenced; false misses are possible under change. */
struct dentry *dentry_find_q(struct dentry *parent, const struct qname *q);
int __must_check dentry_alloc_q(struct dentry *parent, const struct qname *q,
				struct dentry **out);
/* parent's inode lock held: finds or asks the fs. */
int __must_check dentry_lookup_q(struct dentry *parent, const struct qname *q,
				 struct dentry **out);
/* Drops every unused dentry of sb; used at its end. */
void dentry_shrink_sb(struct super_block *sb);
/* Drops the unused children, e.g. names known to be absent. */
void dentry_prune_children(struct dentry *d);
bool dentry_is_below(struct dentry *d, struct dentry *top);
void dcache_init(void);

/* Gives an unhashed dentry its inode, without a name in the cache. */
void dentry_set_inode(struct dentry *d, struct inode *i);

#define S_DEAD 64u		/* inode.flags: a removed directory */
#define S_LINKABLE 128u		/* O_TMPFILE: may be given a name */
#define LOOKUP_CACHED 2048u	/* -EAGAIN if the walk would sleep */
#define LOOKUP_SCOPED (LOOKUP_BENEATH | LOOKUP_IN_ROOT)

/* --- inode.c ---------------------------------------------------------------*/
void inode_init_caches(void);
/* Where waiters for state bits sleep. */
struct waitq *inode_state_queue(struct inode *i);
/* Frees all cached inodes of a superblock; false if some are in use. */
bool inode_evict_all(struct super_block *sb);
extern u64 file_coarse_sec;	/* seconds of real time, up to 5 s late */

/* --- attr.c ----------------------------------------------------------------*/
/* The inode's lock is held: rules of its flags, set-id bits, times. */
int __must_check inode_change(struct dentry *d, struct iattr *a);
int __must_check truncate_checked(struct dentry *d, u64 size, u32 extra,
				  struct file *f);
extern const struct file_ops chrdev_fops;

/* --- perms ------------------------------------------------------------------*/
/* security.capability (file_caps.c); the inode's lock is held.  As current
 * writes it, to what is stored; and back: -EINVAL, -EPERM, -EOVERFLOW. */
struct vfs_caps;
bool xattr_is_caps(const char *name);
int __must_check caps_to_disk(struct inode *i, const void *v, size_t n,
			      struct vfs_caps *c, size_t *len);
int __must_check caps_from_disk(struct inode *i, struct vfs_caps *c,
				size_t *len);
/* The file changes: it has them no more. */
int __must_check inode_drop_caps(struct inode *i);
/* -EPERM: current may not mount such a file system. */
int __must_check filesystem_may_mount(const struct filesystem *fs);
/* Its device nodes are not to be opened: those a user made for himself. */
static inline bool path_has_no_devices(const struct path *p)
{
	return (p->mnt->flags & MNT_NODEV) ||
	       p->mnt->sb->user_ns != &init_user_ns;
}
int __must_check may_create(const struct path *dir, struct dentry *d);
int __must_check may_delete(const struct path *dir, struct dentry *d,
			    bool is_dir);

/* Search permission, at the price of a few loads in the usual cases. */
static __always_inline int inode_may_search(struct inode *i)
{
	const struct inode_ops *ops = READ_ONCE(i->ops);

	if (unlikely(ops->permission))
		return inode_permission(i, MAY_EXEC);
	if (likely((READ_ONCE(i->mode) & 0111) == 0111))
		return 0;
	return inode_permission_generic(i, MAY_EXEC);
}

/* How much may be written at pos; -EFBIG (and SIGXFSZ) beyond the limits. */
int write_limit(const struct inode *i, u64 pos, u64 *room);

/* The mode of a new inode: umask, and the set-gid rule. */
u32 mode_for_create(const struct inode *dir, u32 mode);

/* --- namei.c, walk.c ------------------------------------------------------*/
struct link_frame {
	const char *rest;	/* of the name that held the link */
	void (*done)(void *);	/* lets go of the link's text */
	void *arg;
};

#define MAX_LINKS 40
#define RCU_LINKS 4
#define WALK_FRAMES 2

enum last_type { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/* One path walk.  With LOOKUP_RCU path and root are borrowed and seq, m_seq
 * tell their versions; else both own references. */
struct walk {
	struct path path, root;
	struct inode *inode;
	u32 seq, m_seq, r_seq;
	unsigned flags;			/* LOOKUP_* */
	int dfd;
	bool has_root, wants_dir;
	u8 last_type;
	u32 links, depth;
	const char *name;		/* what is left */
	struct link_frame *frames;
	struct link_frame few_frames[WALK_FRAMES];
	struct qname last;
};

void namei_init(void);
void walk_init(struct walk *w, int dfd, const char *name, unsigned flags);
/* Under rcu_read_lock(): 0, -ENOENT (sure), or -ECHILD: walk with references.
 * With LOOKUP_PARENT it ends at the parent, the name in w->last. */
int __must_check walk_rcu(struct walk *w);
/* References of the result, if it is still true: else -ECHILD. */
int __must_check walk_legitimize(struct walk *w);
bool walk_still_valid(const struct walk *w);
int __must_check walk_ref(struct walk *w);	/* whole walk */
void walk_done(struct walk *w);			/* drops all but w->path */
/* The last component turned out to be a link: goes on with its text, again
 * up to the last component. */
int __must_check walk_follow_last(struct walk *w, const struct path *link);
int __must_check path_lookup_walk(int dfd, const char *name, unsigned flags,
				  struct path *out);
/* Parent and last name of a path, for unlink and rename; has no lock. */
int __must_check path_parent(int dfd, const char *name, unsigned flags,
			     struct walk *w);


/* --- mount.c ---------------------------------------------------------------*/
extern struct seqcount mount_seq;
extern struct hlist_head *mount_table;
#define MHASH_BITS 9
static __always_inline struct hlist_head *mount_bucket(const struct mount *m,
						       const struct dentry *d)
{
	return mount_table + hash64((uintptr_t)m >> 5 ^ (uintptr_t)d << 7,
				    MHASH_BITS);
}
/* The mount on (m, d); RCU. */
static __always_inline struct mount *mount_find_rcu(const struct mount *m,
						    const struct dentry *d)
{
	struct mount *c;

	hlist_for_each_entry_rcu(c, mount_bucket(m, d), hash_node)
		if (READ_ONCE(c->parent) == m && READ_ONCE(c->mountpoint) == d)
			return c;
	return NULL;
}
/* A walk came into m. */
static __always_inline void mount_used(struct mount *m, unsigned lookup)
{
	if (unlikely(READ_ONCE(m->is_expired)) && !(lookup & LOOKUP_NO_USE))
		WRITE_ONCE(m->is_expired, 0u);
}
/* Goes down into what is mounted on p, as deep as it goes. */
void path_follow_mounts(struct path *p);
/* From the root of a mount up to where it is mounted; false at the top. */
bool path_follow_up(struct path *p);
void mount_get(struct mount *m);
void mount_put(struct mount *m);
bool dentry_is_mounted(const struct dentry *d);
/* Something is mounted on d in the namespace of m. */
bool mount_is_in_ns(const struct mount *m, const struct dentry *d);
/* A mount went from under it: detaches whatever is mounted on d (rmdir). */
void mounts_detach_dentry(struct dentry *d);
void mount_init(void);
/* File-access times are to be updated through this mount. */
bool atime_needs_update(const struct mount *m, struct inode *i);
void path_accessed(const struct path *p);

/* Waits until what initramfs_begin() began is unpacked. */
void initramfs_wait(void);

/* --- file.c, super.c ---------------------------------------------------------*/
void file_init_caches(void);
int __must_check file_alloc(unsigned flags, struct file **out);
void file_free_unopened(struct file *f);
/* May it be opened O_DIRECT? */
bool file_can_direct(const struct file *f);
/* Fills a fresh file for path (reference moves in) and opens it. */
int __must_check vfs_open(struct file *f, struct path *p);
extern struct super_block *pseudo_sb;	/* inodes without a path */
extern struct mount *pseudo_mnt;
void pseudo_init(void);
void super_init(void);
/* Calls fn for each superblock with a reference. */
void super_for_each(void (*fn)(struct super_block *sb, void *arg), void *arg);

/* Bits for fsnotify_*: inotify's. */
#define FSN_ACCESS 0x1u
#define FSN_MODIFY 0x2u
#define FSN_ATTRIB 0x4u
#define FSN_CLOSE_WRITE 0x8u
#define FSN_CLOSE_NOWRITE 0x10u
#define FSN_OPEN 0x20u
#define FSN_MOVED_FROM 0x40u
#define FSN_MOVED_TO 0x80u
#define FSN_CREATE 0x100u
#define FSN_DELETE 0x200u
#define FSN_DELETE_SELF 0x400u
#define FSN_MOVE_SELF 0x800u
static inline void notify_dentry(struct dentry *d, u32 mask)
{
	if (unlikely(READ_ONCE(notify_watchers)))
		fsnotify_dentry(d, mask);
}
static inline void notify_file(struct file *f, u32 mask)
{
	if (unlikely(READ_ONCE(notify_watchers)))
		fsnotify_file(f, mask);
}
