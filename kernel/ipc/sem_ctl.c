/*
 * sem_ctl - making, asking and removing semaphore sets: semget, semctl.
 *
 * Locks:   the set's lock; what user memory gets is gathered under it and
 *          copied out later.
 */
#include "sem_impl.h"

#include <fs/seq.h>
#include <lib/errno.h>

enum {
	GETPID = 11, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL,
	SEM_STAT, SEM_INFO, SEM_STAT_ANY,
};

struct semid64_ds {
	struct ipc64_perm perm;
	s64 otime, ctime;
	unsigned long nsems, _unused[2];
};
static_assert(sizeof(struct semid64_ds) == 88, "semid64_ds");

struct seminfo {
	s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz,
		semvmx, semaem;
};

/* --- making ---------------------------------------------------------------*/
static void set_free(struct ipc_obj *o)
{
	struct sem_set *set = set_of(o);

	for (u32 i = 0; i < set->nsems; i++)
		pid_put(set->sems[i].pid);
	kvfree(set);
}

static int set_create(struct ipc_ns *ns, const struct ipc_want *w,
		      struct ipc_obj **out)
{
	u32 n = (u32)w->size;
	struct sem_set *set;

	if (!n)
		return -EINVAL;
	if (READ_ONCE(ns->used_sems) + (s64)n > READ_ONCE(ns->sem_ctls[1]))
		return -ENOSPC;
	set = kvzalloc(sizeof(*set) + n * sizeof(set->sems[0]), GFP_KERNEL);
	if (!set)
		return -ENOMEM;
	ipc_obj_init(&set->obj, ns, w, set_free);
	set->nsems = n;
	set->ctime = ipc_now();
	list_init(&set->alter);
	list_init(&set->zero);
	list_init(&set->undos);
	for (u32 i = 0; i < n; i++) {
		list_init(&set->sems[i].alter);
		list_init(&set->sems[i].zero);
	}
	*out = &set->obj;
	return 0;
}

static void set_named(struct ipc_obj *o)
{
	fetch_add_relaxed(&o->ns->used_sems, (int)set_of(o)->nsems);
}

static int set_check(struct ipc_obj *o, const struct ipc_want *w)
{
	return w->size > set_of(o)->nsems ? -EINVAL : 0;
}

int sem_get(int key, int nsems, int flags)
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_want w = {
		.key = key, .flags = flags, .size = (size_t)nsems,
		.limit = READ_ONCE(ns->sem_ctls[3]),
		.create = set_create, .check = set_check, .named = set_named,
	};

	if (nsems < 0 || nsems > READ_ONCE(ns->sem_ctls[0]))
		return -EINVAL;
	return ipc_get(ns, IPC_SEM, &w);
}

/* --- removing -------------------------------------------------------------*/
static void wake_list(struct list *l)
{
	struct sem_queue *q, *next;

	list_for_each_entry_safe(q, next, l, node) {
		list_del_init(&q->node);
		ipc_wake(&q->sleeper, -EIDRM);
	}
}

void sem_delete_unlock(struct ipc_obj *o) __no_analysis
{
	struct sem_set *set = set_of(o);
	LIST_HEAD(dead);

	ipc_remove_locked(o, IPC_SEM);
	fetch_add_relaxed(&o->ns->used_sems, -(int)set->nsems);
	sem_undos_detach(set, &dead);
	wake_list(&set->alter);
	wake_list(&set->zero);
	for (u32 i = 0; i < set->nsems; i++) {
		wake_list(&set->sems[i].alter);
		wake_list(&set->sems[i].zero);
	}
	spin_unlock(&o->lock);
	sem_undos_free(&dead);
	ipc_obj_put(o);
}

/* --- the whole set --------------------------------------------------------*/
static void fill_stat(struct ipc_obj *o, void *to)
{
	const struct sem_set *set = set_of(o);
	struct semid64_ds *d = to;

	memset(d, 0, sizeof(*d));
	ipc_fill_perm(&d->perm, &set->obj);
	d->otime = set->otime;
	d->ctime = set->ctime;
	d->nsems = set->nsems;
}

static int ctl_stat(int id, int cmd, void __user *to)
{
	static const struct ipc_stat stat = { IPC_SEM, SEM_STAT_ANY, fill_stat };
	struct semid64_ds d;
	int ret = ipc_stat(&stat, id, cmd, &d);

	return ret >= 0 && copy_to_user(to, &d, sizeof(d)) ? -EFAULT : ret;
}

static int ctl_info(int cmd, void __user *to)
{
	struct ipc_ns *ns = current_ipc();
	struct ipc_ids *ids = &ns->ids[IPC_SEM];
	struct seminfo i = {
		.semmap = 1024000000, .semmni = ns->sem_ctls[3],
		.semmns = ns->sem_ctls[1], .semmnu = 1024000000,
		.semmsl = ns->sem_ctls[0], .semopm = ns->sem_ctls[2],
		.semume = 500, .semusz = 20, .semvmx = SEMVMX,
		.semaem = SEMAEM,
	};
	int last;

	mutex_lock(&ids->lock);
	if (cmd == SEM_INFO) {
		i.semusz = ids->in_use;
		i.semaem = READ_ONCE(ns->used_sems);
	}
	last = max(ids->max_index, 0);
	mutex_unlock(&ids->lock);
	return copy_to_user(to, &i, sizeof(i)) ? -EFAULT : last;
}

static int change_owned(int id, const struct semid64_ds *d) __no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_owned(current_ipc(), IPC_SEM, id, &o);

	if (err)
		return err;
	if (!d) {
		sem_delete_unlock(o);
		return 0;
	}
	err = ipc_change_perm(o, &d->perm);
	if (!err)
		set_of(o)->ctime = ipc_now();
	spin_unlock(&o->lock);
	return err;
}

static int ctl_owner(int id, int cmd, const void __user *from)
{
	struct ipc_ids *ids = &current_ipc()->ids[IPC_SEM];
	struct semid64_ds d;
	int err;

	if (cmd == IPC_SET && copy_from_user(&d, from, sizeof(d)))
		return -EFAULT;
	mutex_lock(&ids->lock);
	err = change_owned(id, cmd == IPC_SET ? &d : NULL);
	mutex_unlock(&ids->lock);
	return err;
}

/* --- all values -----------------------------------------------------------*/
/* Locked, and the caller may do what `mode` says. */
static int lock_permitted(int id, int mode, struct sem_set **out)
	__no_analysis
{
	struct ipc_obj *o;
	int err = ipc_lock_id(current_ipc(), IPC_SEM, id, &o);

	if (err)
		return err;
	err = ipc_permits(o, mode);
	if (err)
		spin_unlock(&o->lock);
	*out = set_of(o);
	return err;
}

static void store_values(struct sem_set *set, const u16 *v)
{
	struct sem_undo *u;

	for (u32 i = 0; i < set->nsems; i++) {
		set->sems[i].val = v[i];
		ipc_set_pid(&set->sems[i].pid, current_tgid());
	}
	list_for_each_entry(u, &set->undos, by_set)
		memset(u->adjust, 0, set->nsems * sizeof(s16));
	set->ctime = ipc_now();
	sem_settle(set, NULL, 0);
}

static int exchange_values(struct sem_set *set, int cmd, u16 *v)
{
	int err = 0;

	spin_lock(&set->obj.lock);
	if (set->obj.is_deleted)
		err = -EIDRM;
	else if (cmd == SETALL)
		store_values(set, v);
	else
		for (u32 i = 0; i < set->nsems; i++)
			v[i] = (u16)set->sems[i].val;
	spin_unlock(&set->obj.lock);
	return err;
}

static int ctl_all(int id, int cmd, void __user *user) __no_analysis
{
	struct sem_set *set;
	size_t n;
	u16 *v;
	int err = lock_permitted(id, cmd == GETALL ? 0444 : 0222, &set);

	if (err)
		return err;
	ref_get(&set->obj.refs);
	n = set->nsems;
	spin_unlock(&set->obj.lock);
	v = kvmalloc(n * sizeof(*v), GFP_KERNEL);
	err = v ? 0 : -ENOMEM;
	if (!err && cmd == SETALL && copy_from_user(v, user, n * sizeof(*v)))
		err = -EFAULT;
	for (size_t i = 0; !err && cmd == SETALL && i < n; i++)
		if (v[i] > SEMVMX)
			err = -ERANGE;
	if (!err)
		err = exchange_values(set, cmd, v);
	if (!err && cmd == GETALL && copy_to_user(user, v, n * sizeof(*v)))
		err = -EFAULT;
	kvfree(v);
	ipc_obj_put(&set->obj);
	return err;
}

/* --- one semaphore --------------------------------------------------------*/
static int count_list(const struct list *l, u32 num, bool for_zero)
{
	const struct sem_queue *q;
	int n = 0;

	list_for_each_entry(q, l, node)
		if (q->blocking->num == num && !q->blocking->op == for_zero)
			n++;
	return n;
}

/* Who sleeps for this one: by the operation that could not be done. */
static int count_sleepers(const struct sem_set *set, u32 num, bool for_zero)
{
	const struct sem *s = &set->sems[num];

	return count_list(&s->alter, num, for_zero) +
	       count_list(&s->zero, num, for_zero) +
	       count_list(&set->alter, num, for_zero) +
	       count_list(&set->zero, num, for_zero);
}

static int set_value(struct sem_set *set, u32 num, int val)
{
	struct sem_undo *u;

	if (val < 0 || val > SEMVMX)
		return -ERANGE;
	list_for_each_entry(u, &set->undos, by_set)
		u->adjust[num] = 0;
	set->sems[num].val = val;
	ipc_set_pid(&set->sems[num].pid, current_tgid());
	set->ctime = ipc_now();
	sem_settle(set, NULL, 0);
	return 0;
}

static int ask_one(struct sem_set *set, u32 num, int cmd, int val)
{
	switch (cmd) {
	case GETVAL:
		return set->sems[num].val;
	case GETPID:
		return ipc_pid_nr(set->sems[num].pid);
	case GETNCNT:
		return count_sleepers(set, num, false);
	case GETZCNT:
		return count_sleepers(set, num, true);
	default:
		return set_value(set, num, val);
	}
}

static int ctl_one(int id, int num, int cmd, int val) __no_analysis
{
	struct ipc_obj *o;
	bool is_there;
	int ret;

	if (cmd == SETVAL && (val < 0 || val > SEMVMX))
		return -ERANGE;
	ret = ipc_lock_id(current_ipc(), IPC_SEM, id, &o);
	if (ret)
		return ret;
	is_there = num >= 0 && (u32)num < set_of(o)->nsems;
	/* Linux asks for rights first but for SETVAL. */
	if (cmd == SETVAL && !is_there)
		ret = -EINVAL;
	else
		ret = ipc_permits(o, cmd == SETVAL ? 0222 : 0444);
	if (!ret)
		ret = is_there ? ask_one(set_of(o), (u32)num, cmd, val) :
				 -EINVAL;
	spin_unlock(&o->lock);
	return ret;
}

int sem_ctl(int id, int num, int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return ctl_info(cmd, user);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return ctl_stat(id, cmd, user);
	case IPC_SET:
	case IPC_RMID:
		return ctl_owner(id, cmd, user);
	case GETALL:
	case SETALL:
		return ctl_all(id, cmd, user);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETVAL:
		return ctl_one(id, num, cmd, (int)arg);
	}
	return -EINVAL;
}

void sem_show(struct ipc_obj *o, void *seq)
{
	struct sem_set *set = set_of(o);
	struct seq *s = seq;

	ipc_show_name(s, o);
	seq_printf(s, " %10u", set->nsems);
	ipc_show_owner(s, o);
	seq_printf(s, " %10llu %10llu\n", (u64)set->otime, (u64)set->ctime);
}
