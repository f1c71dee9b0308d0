/*
 * ids - the objects of System V IPC by key and by id.
 *
 * Theory:  an id is an index into a table and, above it, a sequence number
 *          that grows each time the search for a free index wraps, so that
 *          the id of a removed object does not soon mean another.  Indexes
 *          are given out in rising order within a small range that grows
 *          with the number of objects.  Keys are looked for one by one:
 *          there are few objects, and a program asks once.
 * Locks:   ids.lock for the table, keys, making and removing; below all
 *          locks of mm, since a segment may end with an address space.  An
 *          object's own lock for what is in it: a user finds the object in
 *          the table under RCU and locks it, nothing else.
 * Life:    the table's reference goes with removal; users that sleep hold
 *          none, since they are told first.
 */
#include "ipc_impl.h"

#include <fs/seq.h>
#include <lib/errno.h>

#define TABLE_FIRST 64

static int index_of(int id)
{
	return id & (IPC_MNI_MAX - 1);
}

/* --- life -----------------------------------------------------------------*/
void ipc_obj_init(struct ipc_obj *o, struct ipc_ns *ns,
		  const struct ipc_want *w, void (*free)(struct ipc_obj *))
{
	const struct cred *c = current_cred();

	ref_init(&o->refs, 1);
	spin_init(&o->lock, RANK_SPIN, "ipc_obj.lock");
	o->key = w->key;
	o->mode = (u32)w->flags & 0777;
	o->uid = o->cuid = c->euid;
	o->gid = o->cgid = c->egid;
	o->ns = ns;
	o->free = free;
}

static void free_rcu(struct rcu_head *head)
{
	struct ipc_obj *o = container_of(head, struct ipc_obj, rcu);

	o->free(o);
}

void ipc_obj_put(struct ipc_obj *o)
{
	if (ref_put(&o->refs))
		call_rcu(&o->rcu, free_rcu);
}

static void table_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct ipc_table, rcu));
}

/* Room for index; ids.lock held. */
static int table_reserve(struct ipc_ids *ids, int index)
	__must_hold(&ids->lock)
{
	struct ipc_table *old = ids->table, *t;
	int size = old ? old->size : TABLE_FIRST;

	if (old && index < size)
		return 0;
	while (size <= index)
		size *= 2;
	t = kvzalloc(sizeof(*t) + (size_t)size * sizeof(t->slot[0]),
		     GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	t->size = size;
	if (old)
		memcpy(t->slot, old->slot,
		       (size_t)old->size * sizeof(t->slot[0]));
	rcu_assign(ids->table, t);
	if (old)
		call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

/* --- numbers --------------------------------------------------------------*/
static struct ipc_obj *slot_at(struct ipc_ids *ids, int index)
	__must_hold(&ids->lock)
{
	return ids->table && index < ids->table->size ?
		       ids->table->slot[index] : NULL;
}

static int find_free(struct ipc_ids *ids, int from, int to)
	__must_hold(&ids->lock)
{
	for (int i = from; i < to; i++)
		if (!slot_at(ids, i))
			return i;
	return -1;
}

static int next_index(struct ipc_ids *ids) __must_hold(&ids->lock)
{
	int range = max(ids->in_use * 3 / 2, TABLE_FIRST);
	int index;

	range = min(range, IPC_MNI_MAX);
	index = find_free(ids, ids->last_index + 1, range);
	if (index < 0)
		index = find_free(ids, 0, range);
	if (index < 0)
		return -ENOSPC;
	if (index <= ids->last_index)
		ids->seq = (ids->seq + 1) & (INT_MAX >> IPC_INDEX_BITS);
	ids->last_index = index;
	return index;
}

/* The id that /proc/sys asked for, if its place is free. */
static int choose_id(struct ipc_ids *ids, int *id) __must_hold(&ids->lock)
{
	int wanted = ids->next_id, index;

	if (wanted >= 0) {
		ids->next_id = -1;
		*id = wanted;
		if (!slot_at(ids, index_of(wanted)))
			return table_reserve(ids, index_of(wanted));
	}
	index = next_index(ids);
	if (index < 0)
		return index;
	*id = ids->seq << IPC_INDEX_BITS | index;
	return table_reserve(ids, index);
}

static int add_locked(struct ipc_ids *ids, struct ipc_obj *o,
		      const struct ipc_want *w) __must_hold(&ids->lock)
{
	int err, index;

	if (ids->in_use >= min(w->limit, IPC_MNI_MAX))
		return -ENOSPC;
	err = choose_id(ids, &o->id);
	if (err)
		return err;
	index = index_of(o->id);
	if (w->named)
		w->named(o);
	rcu_assign(ids->table->slot[index], o);
	ids->in_use++;
	ids->max_index = max(ids->max_index, index);
	return o->id;
}

void ipc_remove_locked(struct ipc_obj *o, enum ipc_kind kind) __no_analysis
{
	struct ipc_ids *ids = &o->ns->ids[kind];

	assert_mutex_held(&ids->lock);
	o->is_deleted = true;
	rcu_assign(ids->table->slot[index_of(o->id)], NULL);
	ids->in_use--;
	while (ids->max_index >= 0 && !ids->table->slot[ids->max_index])
		ids->max_index--;
}

/* --- look-up --------------------------------------------------------------*/
int ipc_lock_index(struct ipc_ns *ns, enum ipc_kind kind, int index,
		   struct ipc_obj **out) __no_analysis
{
	struct ipc_obj *o = NULL;
	struct ipc_table *t;

	rcu_read_lock();
	t = rcu_dereference(ns->ids[kind].table);
	index = index_of(index);
	if (t && index < t->size)
		o = rcu_dereference(t->slot[index]);
	if (!o) {
		rcu_read_unlock();
		return -EINVAL;
	}
	spin_lock(&o->lock);
	rcu_read_unlock();
	*out = o;
	if (likely(!o->is_deleted))
		return 0;
	spin_unlock(&o->lock);
	return -EIDRM;
}

int ipc_lock_id(struct ipc_ns *ns, enum ipc_kind kind, int id,
		struct ipc_obj **out) __no_analysis
{
	int err;

	if (id < 0)
		return -EINVAL;
	err = ipc_lock_index(ns, kind, id, out);
	if (err || likely((*out)->id == id))
		return err;
	spin_unlock(&(*out)->lock);
	return -EINVAL;
}

int ipc_lock_owned(struct ipc_ns *ns, enum ipc_kind kind, int id,
		   struct ipc_obj **out) __no_analysis
{
	u32 euid = current_euid();
	int err = ipc_lock_id(ns, kind, id, out);

	if (err || euid == (*out)->cuid || euid == (*out)->uid ||
	    ns_capable(ns->owner.user_ns, CAP_SYS_ADMIN))
		return err;
	spin_unlock(&(*out)->lock);
	return -EPERM;
}

int ipc_permits(struct ipc_obj *o, int flags)
{
	u32 want = (u32)(flags >> 6 | flags >> 3 | flags), granted = o->mode;
	u32 euid = current_euid();

	if (euid == o->cuid || euid == o->uid)
		granted >>= 6;
	else if (in_group_fs(o->cgid) || in_group_fs(o->gid))
		granted >>= 3;
	if (!(want & ~granted & 7) ||
	    ns_capable(o->ns->owner.user_ns, CAP_IPC_OWNER))
		return 0;
	return -EACCES;
}

int ipc_stat(const struct ipc_stat *st, int id, int cmd, void *to) __no_analysis
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_obj *o;
	int err;

	err = cmd == IPC_STAT ? ipc_lock_id(ns, st->kind, id, &o) :
				ipc_lock_index(ns, st->kind, id, &o);
	if (err)
		return err;
	if (cmd != st->any)
		err = ipc_permits(o, 0444);
	if (!err) {
		st->fill(o, to);
		err = cmd == IPC_STAT ? 0 : o->id;
	}
	spin_unlock(&o->lock);
	return err;
}

static struct ipc_obj *find_key(struct ipc_ids *ids, int key)
	__must_hold(&ids->lock)
{
	for (int i = 0; i <= ids->max_index; i++)
		if (ids->table->slot[i] && ids->table->slot[i]->key == key)
			return ids->table->slot[i];
	return NULL;
}

/* --- the get calls --------------------------------------------------------*/
static int use_existing(struct ipc_obj *o, const struct ipc_want *w)
{
	int err = 0;

	if ((w->flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	spin_lock(&o->lock);
	if (w->check)
		err = w->check(o, w);
	if (!err)
		err = ipc_permits(o, w->flags);
	spin_unlock(&o->lock);
	return err ? err : o->id;
}

/* The existing one's id, -ENOENT if there is none and none is wanted, else
 * -EAGAIN: one must be made. */
static int look_for_key(struct ipc_ids *ids, const struct ipc_want *w)
	__must_hold(&ids->lock)
{
	struct ipc_obj *o = NULL;

	if (w->key != IPC_PRIVATE)
		o = find_key(ids, w->key);
	if (o)
		return use_existing(o, w);
	return w->key == IPC_PRIVATE || (w->flags & IPC_CREAT) ? -EAGAIN :
								 -ENOENT;
}

int ipc_get(struct ipc_ns *ns, enum ipc_kind kind, const struct ipc_want *w)
{
	struct ipc_ids *ids = &ns->ids[kind];
	struct ipc_obj *o;
	int ret, err;

	mutex_lock(&ids->lock);
	ret = look_for_key(ids, w);
	mutex_unlock(&ids->lock);
	if (ret != -EAGAIN)
		return ret;
	err = w->create(ns, w, &o);
	if (err)
		return err;
	mutex_lock(&ids->lock);
	ret = look_for_key(ids, w);
	if (ret == -EAGAIN) {
		ret = add_locked(ids, o, w);
		if (ret >= 0)
			o = NULL;
	}
	mutex_unlock(&ids->lock);
	if (o)
		o->free(o);	/* nobody ever saw it */
	return ret;
}

void ipc_for_each(struct ipc_ns *ns, enum ipc_kind kind,
		  void (*fn)(struct ipc_obj *o, void *arg), void *arg)
	__no_analysis
{
	struct ipc_ids *ids = &ns->ids[kind];

	assert_mutex_held(&ids->lock);
	for (int i = 0; i <= ids->max_index; i++) {
		struct ipc_obj *o = ids->table->slot[i];

		if (!o)
			continue;
		spin_lock(&o->lock);
		fn(o, arg);
		spin_unlock(&o->lock);
	}
}

/* --- owners ---------------------------------------------------------------*/
void ipc_fill_perm(struct ipc64_perm *p, const struct ipc_obj *o)
{
	const struct user_ns *ns = current_user_ns();

	memset(p, 0, sizeof(*p));
	p->key = o->key;
	p->uid = from_kuid_munged(ns, o->uid);
	p->gid = from_kgid_munged(ns, o->gid);
	p->cuid = from_kuid_munged(ns, o->cuid);
	p->cgid = from_kgid_munged(ns, o->cgid);
	p->mode = o->mode;
	p->seq = (u16)(o->id >> IPC_INDEX_BITS);
}

int ipc_change_perm(struct ipc_obj *o, const struct ipc64_perm *p)
{
	u32 uid = make_kuid(current_user_ns(), p->uid);
	u32 gid = make_kgid(current_user_ns(), p->gid);

	if (uid == INVALID_ID || gid == INVALID_ID)
		return -EINVAL;
	o->uid = uid;
	o->gid = gid;
	o->mode = (o->mode & ~0777u) | (p->mode & 0777);
	return 0;
}

void ipc_show_name(struct seq *s, const struct ipc_obj *o)
{
	seq_printf(s, "%10d %10d  %4o", o->key, o->id, o->mode);
}

void ipc_show_owner(struct seq *s, const struct ipc_obj *o)
{
	const struct user_ns *ns = current_user_ns();

	seq_printf(s, " %5u %5u %5u %5u", from_kuid_munged(ns, o->uid),
		   from_kgid_munged(ns, o->gid), from_kuid_munged(ns, o->cuid),
		   from_kgid_munged(ns, o->cgid));
}

/* --- sleeping -------------------------------------------------------------*/
void ipc_wake(struct ipc_sleeper *s, int result)
{
	struct task *t = s->task;

	store_release(&s->result, result);
	/* The waker of a ping-pong mostly sleeps next. */
	current->wake_sync = true;
	task_wake(t);
	current->wake_sync = false;
}

bool ipc_sleep(struct ipc_sleeper *s, u64 deadline)
{
	for (;;) {
		bool in_time = true;

		set_task_state(TASK_INTERRUPTIBLE);
		if (load_acquire(&s->result) == IPC_PENDING &&
		    !signal_pending(current))
			in_time = schedule_until(deadline);
		set_task_state(TASK_RUNNING);
		if (load_acquire(&s->result) != IPC_PENDING)
			return true;
		if (!in_time || signal_pending(current))
			return false;
	}
}
