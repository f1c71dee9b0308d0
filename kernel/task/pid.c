/*
 * pid - numbers of tasks, in nested namespaces.
 *
 * Theory:  a namespace is a bitmap of used numbers, searched from the last
 *          one given out, so that a number is not used again soon.  Its pages
 *          come when first needed.  A struct pid carries one number for its
 *          own namespace and one for each above; all sit in one hash table.
 * Locks:   pid_lock: bitmaps and hash chains.  Look-up is RCU.  Which tasks
 *          hang on a pid is tasklist_lock's.
 * Life:    the hash holds a reference from pid_alloc() until a grace period
 *          after pid_unhash(), so whoever finds a pid under RCU may use it
 *          until rcu_read_unlock(), and longer after pid_get().
 */
#include "task_impl.h"

#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>
#include <lib/bitmap.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <task/acct.h>

#define PID_LIMIT	4194304		/* above all numbers */
#define RESERVED_PIDS	300		/* not used again after the first round */
#define BITS_PER_PAGE	(PAGE_SIZE * 8)
#define MAP_PAGES	(PID_LIMIT / BITS_PER_PAGE)
#define MAX_PID_LEVEL	32
#define HASH_BITS	11

static struct irqlock pid_lock = IRQLOCK_INIT(RANK_IRQ, "pid_lock");
static struct hlist_head pid_hash[1u << HASH_BITS];
static unsigned long *init_map[MAP_PAGES];
static struct slab_cache *pid_cache;	/* of level 0 */
static u64 next_ino = 1000;		/* pid_lock */

int sysctl_pid_max = 32768;

struct pid_ns init_pid_ns = {
	.refs = REF_INIT(1),
	.ino = 0xeffffffcu,
	.owner = NS_OWNER_INIT,
	.last = 2,		/* 1 and 2 are asked for by number */
	.map = init_map,
	.empty = WAITQ_INIT(init_pid_ns.empty),
};

struct pid init_struct_pid = {
	.refs = REF_INIT(1),
	.poll = WAITQ_INIT(init_struct_pid.poll),
	.numbers = { { .nr = 0, .ns = &init_pid_ns } },
};

static struct hlist_head *chain_of(int nr, const struct pid_ns *ns)
{
	return &pid_hash[hash64((u64)nr ^ (uintptr_t)ns >> 4, HASH_BITS)];
}

static bool number_is_used(struct pid_ns *ns, int nr)
{
	unsigned long *page = ns->map[nr / BITS_PER_PAGE];

	return page && bit_test(page, nr % BITS_PER_PAGE);
}

static int number_take(struct pid_ns *ns, int nr)
{
	unsigned long **page = &ns->map[nr / BITS_PER_PAGE];

	if (!*page)
		*page = pages_alloc_va(GFP_ATOMIC | GFP_ZERO, 0);
	if (!*page)
		return -ENOMEM;
	bit_set(*page, nr % BITS_PER_PAGE);
	ns->nr_used++;
	return 0;
}

/* The first free number in [from, to), or -1. */
static int find_free(struct pid_ns *ns, int from, int to)
{
	while (from < to) {
		unsigned long *page = ns->map[from / BITS_PER_PAGE];
		int base = ALIGN_DOWN(from, (int)BITS_PER_PAGE);
		int bit = from - base;

		if (page)
			bit = (int)find_next_zero(page, BITS_PER_PAGE, bit);
		if (bit < (int)BITS_PER_PAGE)
			return base + bit < to ? base + bit : -1;
		from = base + BITS_PER_PAGE;
	}
	return -1;
}

static int number_alloc(struct pid_ns *ns, int *out)
{
	int max = READ_ONCE(sysctl_pid_max);
	int low = ns->last > RESERVED_PIDS ? RESERVED_PIDS : 1;
	int nr, err;

	nr = find_free(ns, ns->last + 1, max);
	if (nr < 0)
		nr = find_free(ns, low, max);
	if (nr < 0)
		return -EAGAIN;
	/* The first one is not there yet, or its clone failed: nobody would
	 * be a parent to orphans. */
	if (nr != 1 && ns->level && !READ_ONCE(ns->reaper))
		return -ENOMEM;
	err = number_take(ns, nr);
	if (err)
		return err;
	ns->last = nr;
	*out = nr;
	return 0;
}

static int number_reserve(struct pid_ns *ns, int nr)
{
	if (nr < 1 || nr >= READ_ONCE(sysctl_pid_max))
		return -EINVAL;
	if (nr != 1 && ns->level && !ns->reaper)
		return -EINVAL;
	if (number_is_used(ns, nr))
		return -EEXIST;
	return number_take(ns, nr);
}

static void number_free(struct pid_ns *ns, int nr)
{
	bit_clear(ns->map[nr / BITS_PER_PAGE], nr % BITS_PER_PAGE);
	/* Only the namespace's init is left, and it may wait for that. */
	if (--ns->nr_used <= 1 && ns->is_closed)
		wake_all(&ns->empty);
}

/* set_tid asks for numbers: in each namespace with the right to. */
static int may_choose(const struct pid_ns *ns, unsigned n)
{
	for (; n; n--, ns = ns->parent)
		if (!ns_capable(ns->owner.user_ns, CAP_CHECKPOINT_RESTORE) &&
		    !ns_capable(ns->owner.user_ns, CAP_SYS_ADMIN))
			return -EPERM;
	return 0;
}

static int fill_numbers_locked(struct pid *p, struct pid_ns *ns,
			       const int *set_tid, unsigned n)
{
	int level = (int)ns->level, i, err = 0;

	for (i = level; i >= 0; i--, ns = ns->parent) {
		int nr = 0;

		if (ns->is_closed)
			err = -ENOMEM;
		else if ((unsigned)(level - i) < n)
			err = number_reserve(ns, nr = set_tid[level - i]);
		else
			err = number_alloc(ns, &nr);
		if (err)
			break;
		p->numbers[i].nr = nr;
		p->numbers[i].ns = ns;
	}
	if (!err)
		return 0;
	while (++i <= level) {
		ns = p->numbers[i].ns;
		number_free(ns, p->numbers[i].nr);
		if (!ns->nr_used)
			ns->last = 0;	/* as if it had not been tried */
	}
	return err;
}

static void publish_locked(struct pid *p)
{
	for (u32 i = 0; i <= p->level; i++)
		hlist_add_head_rcu(&p->numbers[i].node,
				   chain_of(p->numbers[i].nr,
					    p->numbers[i].ns));
	p->ino = next_ino++;
}

static struct pid *pid_new(u32 level)
{
	size_t size = sizeof(struct pid) +
		      (level + 1) * sizeof_field(struct pid, numbers[0]);
	struct pid *p = level ? kmalloc(size, GFP_KERNEL) :
				slab_alloc(pid_cache, GFP_KERNEL);

	if (!p)
		return NULL;
	memset(p, 0, size);
	ref_init(&p->refs, 1);
	p->level = level;
	waitq_init(&p->poll);
	return p;
}

static void pid_free(struct pid *p)
{
	if (p->level)
		kfree(p);
	else
		slab_free(pid_cache, p);
}

int pid_alloc(struct pid_ns *ns, const int *set_tid, unsigned n,
	      struct pid **out)
{
	struct pid *p;
	int err;

	if (n > ns->level + 1)
		return -EINVAL;
	err = set_tid && !is_kernel_task(current) ? may_choose(ns, n) : 0;
	if (err)
		return err;
	p = pid_new(ns->level);
	if (!p)
		return -ENOMEM;
	irq_lock(&pid_lock);
	err = fill_numbers_locked(p, ns, set_tid, n);
	if (!err)
		publish_locked(p);
	irq_unlock(&pid_lock);
	if (err) {
		pid_free(p);
		return err;
	}
	pid_ns_get(ns);
	*out = p;
	return 0;
}

void pid_put(struct pid *p)
{
	struct pid_ns *ns;

	if (!p || !ref_put(&p->refs))
		return;
	ns = pid_own_ns(p);
	pid_free(p);
	pid_ns_put(ns);
}

static void pid_put_rcu(struct rcu_head *head)
{
	pid_put(container_of(head, struct pid, rcu));
}

void pid_unhash(struct pid *p)
{
	irq_lock(&pid_lock);
	for (u32 i = 0; i <= p->level; i++) {
		hlist_del_rcu(&p->numbers[i].node);
		number_free(p->numbers[i].ns, p->numbers[i].nr);
	}
	irq_unlock(&pid_lock);
	call_rcu(&p->rcu, pid_put_rcu);
}

static struct pid *pid_find_ns(int nr, const struct pid_ns *ns)
{
	struct hlist_node *n = READ_ONCE(chain_of(nr, ns)->first);

	for (; n; n = READ_ONCE(n->next)) {
		/* The entry is one of an array of unknown length: its fields
		 * tell which struct pid it belongs to. */
		__typeof__(&((struct pid *)0)->numbers[0]) e;

		e = (void *)((char *)n -
			     offsetof(struct pid, numbers[0].node) +
			     offsetof(struct pid, numbers));
		if (e->nr == nr && e->ns == ns)
			return container_of((void *)(e - ns->level),
					    struct pid, numbers);
	}
	return NULL;
}

struct pid *pid_find(int nr)
{
	return nr > 0 ? pid_find_ns(nr, task_pid_ns(current)) : NULL;
}

struct pid *pid_find_get(int nr)
{
	struct pid *p;

	rcu_read_lock();
	p = pid_find(nr);
	if (p && !ref_tryget(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct task *pid_task(struct pid *p, enum pid_type type)
{
	struct process *pr;
	struct task *t;

	if (!p)
		return NULL;
	if (type == PIDTYPE_PID || type == PIDTYPE_TGID) {
		t = READ_ONCE(p->thread);
		if (t && type == PIDTYPE_TGID && !task_is_leader(t))
			return NULL;
		return t;
	}
	pr = pid_process_of(READ_ONCE(p->tasks[type].first), type);
	return pr ? READ_ONCE(pr->leader) : NULL;
}

struct task *pid_task_get(struct pid *p)
{
	struct task *t;

	rcu_read_lock();
	t = pid_task(p, PIDTYPE_PID);
	if (t && !ref_tryget(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct task *task_find_get(int nr)
{
	struct task *t;

	rcu_read_lock();
	t = pid_task_get(pid_find(nr));
	rcu_read_unlock();
	return t;
}

int pid_nr_ns(const struct pid *p, const struct pid_ns *ns)
{
	if (p && ns->level <= p->level && p->numbers[ns->level].ns == ns)
		return p->numbers[ns->level].nr;
	return 0;
}

int pid_vnr(const struct pid *p)
{
	return pid_nr_ns(p, task_pid_ns(current));
}

/* An exec exchanges thread_pid, and the old one may be freed. */
int task_vpid(struct task *t)
{
	int nr;

	rcu_read_lock();
	nr = pid_vnr(READ_ONCE(t->thread_pid));
	rcu_read_unlock();
	return nr;
}

int task_vtgid(struct task *t)
{
	return pid_vnr(t->process->pids[PIDTYPE_TGID]);
}

int task_vppid(struct task *t)
{
	int nr;

	rcu_read_lock();
	nr = task_vtgid(rcu_dereference(t->real_parent));
	rcu_read_unlock();
	return nr;
}

struct pid *task_pgrp(struct task *t)
{
	return rcu_dereference(t->process->pids[PIDTYPE_PGID]);
}

struct pid *task_session(struct task *t)
{
	return rcu_dereference(t->process->pids[PIDTYPE_SID]);
}

int task_vpgid(struct task *t)
{
	int nr;

	rcu_read_lock();
	nr = pid_vnr(task_pgrp(t));
	rcu_read_unlock();
	return nr;
}

int task_vsid(struct task *t)
{
	int nr;

	rcu_read_lock();
	nr = pid_vnr(task_session(t));
	rcu_read_unlock();
	return nr;
}

/* The next used number >= nr, or -1. Racy by nature. */
static int number_next_used(struct pid_ns *ns, int nr)
{
	while (nr < PID_LIMIT) {
		unsigned long *page = READ_ONCE(ns->map[nr / BITS_PER_PAGE]);
		int base = ALIGN_DOWN(nr, (int)BITS_PER_PAGE);
		size_t bit;

		if (page) {
			bit = find_next_bit(page, BITS_PER_PAGE, nr - base);
			if (bit < BITS_PER_PAGE)
				return base + (int)bit;
		}
		nr = base + BITS_PER_PAGE;
	}
	return -1;
}

struct task *task_next_tgid(int *nr)
{
	struct pid_ns *ns = task_pid_ns(current);
	struct task *t = NULL;

	rcu_read_lock();
	for (int n = max(*nr, 1); !t; n++) {
		n = number_next_used(ns, n);
		if (n < 0)
			break;
		t = pid_task(pid_find_ns(n, ns), PIDTYPE_TGID);
		if (t && !ref_tryget(&t->refs))
			t = NULL;
		*nr = n;
	}
	rcu_read_unlock();
	return t;
}

int pid_ns_create(struct pid_ns *parent, struct user_ns *user,
		  struct pid_ns **out)
{
	struct pid_ns *ns;
	int err = -ENOMEM;

	/* Whoever sees a process of it must see whose it is. */
	if (!user_ns_is_below(user, parent->owner.user_ns))
		return -EINVAL;
	if (parent->level + 1 > MAX_PID_LEVEL)
		return -ENOSPC;
	ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return err;
	ns->map = kzalloc(MAP_PAGES * sizeof(ns->map[0]), GFP_KERNEL);
	if (ns->map)
		err = ns_owner_init(&ns->owner, user, NS_COUNT_PID);
	if (err) {
		kfree(ns->map);
		kfree(ns);
		return err;
	}
	ref_init(&ns->refs, 1);
	ns->level = parent->level + 1;
	ns->parent = pid_ns_get(parent);
	waitq_init(&ns->empty);
	irq_lock(&pid_lock);
	ns->ino = 0xf0000000u + next_ino++;
	irq_unlock(&pid_lock);
	*out = ns;
	return 0;
}

void pid_ns_put(struct pid_ns *ns)
{
	while (ns && ns != &init_pid_ns && ref_put(&ns->refs)) {
		struct pid_ns *parent = ns->parent;

		for (unsigned i = 0; i < MAP_PAGES; i++)
			if (ns->map[i])
				pages_free_va(ns->map[i], 0);
		kfree(ns->map);
		ns_owner_release(&ns->owner, NS_COUNT_PID);
		kfree(ns);
		ns = parent;
	}
}

static void kill_members(struct pid_ns *ns)
{
	struct task *t;

	read_lock(&tasklist_lock);
	for (int n = 2; (n = number_next_used(ns, n)) >= 0; n++) {
		t = pid_task(pid_find_ns(n, ns), PIDTYPE_PID);
		if (t)
			signal_send(SIGKILL, SIG_INFO_KERNEL, t,
				    SIG_TO_PROCESS);
	}
	read_unlock(&tasklist_lock);
}

/* Others' children hang on us now and are reaped here; those whose parents
 * live outside are reaped there. */
void pid_ns_zap(struct pid_ns *ns)
{
	struct wait_request rq;

	irq_lock(&pid_lock);
	ns->is_closed = true;
	irq_unlock(&pid_lock);
	if (READ_ONCE(ns->reboot_signal))
		current->process->group_exit_code = (int)ns->reboot_signal;
	kill_members(ns);
	do {
		rq = (struct wait_request){ .type = PIDTYPES,
					    .options = WEXITED | __WALL };
		flag_clear(&current->work, WORK_SIGNAL | WORK_KILL);
	} while (do_wait(&rq) != -ECHILD);
	wait_event(&ns->empty, READ_ONCE(ns->nr_used) <=
		   (thread_group_empty(current->process) ? 1u : 2u));
	acct_off(ns);
}

void pid_ns_end(struct pid_ns *ns, int sig)
{
	WRITE_ONCE(ns->reboot_signal, (u32)sig);
	read_lock(&tasklist_lock);
	signal_send(SIGKILL, SIG_INFO_KERNEL, ns->reaper, SIG_TO_PROCESS);
	read_unlock(&tasklist_lock);
	do_exit(0);
}

void pid_init(void)
{
	int per_hart = (int)nr_harts * 1024;

	if (per_hart > sysctl_pid_max)
		sysctl_pid_max = per_hart;
	pid_cache = slab_cache_create(
		"pid", sizeof(struct pid) + sizeof_field(struct pid, numbers[0]),
		0, SLAB_PANIC, NULL);
}
