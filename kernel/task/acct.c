/*
 * acct - process accounting: a record for each process that ends (acct(5)).
 *
 * Theory:  the last thread of a process writes the record, version 3 of 64
 *          bytes, to the end of the file that was named for its pid namespace
 *          and for each one above.  Appending is atomic by the file's own
 *          lock.  While the file system is nearly full nothing is written.
 * Locks:   acct_lock guards pid_ns.acct.
 * Life:    a namespace holds one reference, a writer another one.  The open
 *          file keeps its mount busy until accounting ends.
 */
#include "task_impl.h"

#include <fs/vfs.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <task/acct.h>
#include <task/cred.h>

#define ACCT_VERSION 3
#define AFORK 1u		/* did not exec */
#define ASU 2u			/* used a capability */
#define ACORE 8u
#define AXSIG 16u		/* killed by a signal */

#define CHECK_NS (30 * NSEC_PER_SEC)
#define SUSPEND_PERCENT 2
#define RESUME_PERCENT 4

struct acct {
	struct ref refs;
	struct file *file;		/* owns a reference. const */
	const struct cred *cred;	/* who switched it on. const */
	struct pid_ns *ns;		/* const */
	u64 check_at;			/* racy: looks once more */
	bool is_active;			/* racy */
};

struct acct_v3 {
	u8 flag, version;
	u16 tty;
	u32 exitcode, uid, gid, pid, ppid, btime, etime;
	u16 utime, stime, mem, io, rw, minflt, majflt, swaps;
	char comm[16];
};
static_assert(sizeof(struct acct_v3) == 64, "acct_v3");

static struct spinlock acct_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "acct");

/* --- numbers ------------------------------------------------------------------*/
/* 13 bits times a power of 8, the last digit that goes rounded. */
static u16 small_float(u64 v)
{
	u64 round = 0;
	u16 exp = 0;

	while (v + round > 0x1fff) {
		v += round;
		round = v >> 2 & 1;
		v >>= 3;
		exp++;
	}
	return exp > 7 ? 0xffff : (u16)(exp << 13 | (v + round));
}

/* A float of IEEE 754, cut. */
static u32 ieee_float(u64 v)
{
	unsigned bit;

	if (!v)
		return 0;
	bit = __fls64(v);
	return (bit + 127) << 23 | ((u32)(v << (63 - bit) >> 40) & 0x7fffff);
}

static u64 ticks_of(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_HZ);
}

/* --- records ------------------------------------------------------------------*/
static u8 flags_of(const struct task *t)
{
	u32 f = t->group_leader->flags | t->flags;

	return (u8)((t->group_leader->flags & TF_FORKNOEXEC ? AFORK : 0) |
		    (f & TF_SUPERPRIV ? ASU : 0) |
		    (f & TF_DUMPCORE ? ACORE : 0) |
		    (f & TF_SIGNALED ? AXSIG : 0));
}

static u16 tty_of(struct task *t)
{
	struct sighand *s = t->sighand;
	struct tty *tty;
	u32 dev = 0;

	irq_lock(&s->lock);
	tty = t->process->tty;
	if (tty && tty_dev_hook)
		dev = tty_dev_hook(tty);
	irq_unlock(&s->lock);
	return MAJOR(dev) < 256 && MINOR(dev) < 256 ?
		       (u16)(MAJOR(dev) << 8 | MINOR(dev)) : 0;
}

/* What is the same for all namespaces. */
static void fill(struct acct_v3 *r, struct task *t)
{
	u64 elapsed = clock_ns() - t->group_leader->start_ns;
	struct task_sums s;

	process_usage(t->process, &s);
	*r = (struct acct_v3){
		.flag = flags_of(t),
		.version = ACCT_VERSION,
		.tty = tty_of(t),
		.exitcode = (u32)t->group_leader->exit_code,
		.btime = (u32)((clock_realtime_ns() - elapsed) / NSEC_PER_SEC),
		.etime = ieee_float(ticks_of(elapsed)),
		.utime = small_float(ticks_of(s.utime)),
		.stime = small_float(ticks_of(s.stime)),
		.mem = small_float(t->mm ? t->mm->total_vm * PAGE_SIZE / 1024 :
					   0),
		.minflt = small_float(s.min_flt),
		.majflt = small_float(s.maj_flt),
	};
	memcpy(r->comm, t->comm, sizeof(r->comm));
}

static void fill_names(struct acct_v3 *r, const struct acct *a, struct task *t)
{
	const struct user_ns *user = a->cred->user_ns;

	r->uid = from_kuid_munged(user, t->real_cred->uid);
	r->gid = from_kgid_munged(user, t->real_cred->gid);
	rcu_read_lock();
	r->pid = (u32)pid_nr_ns(t->group_leader->thread_pid, a->ns);
	r->ppid = (u32)pid_nr_ns(rcu_dereference(t->real_parent)
					 ->group_leader->thread_pid, a->ns);
	rcu_read_unlock();
}

/* --- the file -----------------------------------------------------------------*/
static void acct_put(struct acct *a)
{
	if (!a || !ref_put(&a->refs))
		return;
	file_put(a->file);
	cred_put(a->cred);
	kfree(a);
}

static struct acct *acct_get(struct pid_ns *ns)
{
	struct acct *a;

	if (likely(!READ_ONCE(ns->acct)))
		return NULL;
	spin_lock(&acct_lock);
	a = ns->acct;
	if (a)
		ref_get(&a->refs);
	spin_unlock(&acct_lock);
	return a;
}

static bool has_space(struct acct *a)
{
	struct kstatfs st;
	u64 now = clock_ns();
	bool ok;

	if (now < a->check_at || vfs_statfs(&a->file->path, &st))
		return a->is_active;
	a->check_at = now + CHECK_NS;
	ok = a->is_active ?
		st.bavail > st.blocks * SUSPEND_PERCENT / 100 :
		st.bavail >= st.blocks * RESUME_PERCENT / 100;
	if (ok != a->is_active)
		print(LOG_INFO, "Process accounting %s\n",
		      ok ? "resumed" : "paused");
	a->is_active = ok;
	return ok;
}

/* The limit of the dead on its files is not ours. */
static void append(const struct acct *a, const struct acct_v3 *r)
{
	struct rlimit *lim = &current->process->rlim[RLIMIT_FSIZE];
	struct kvec v = { (void *)r, sizeof(*r) };
	const struct cred *old = cred_override(a->cred);
	u64 cur = lim->cur, pos = 0;
	struct iter it;

	iter_kvec(&it, &v, 1, sizeof(*r), true);
	lim->cur = RLIM_INFINITY;
	/* A file that takes no more loses records. */
	ignore_error((int)vfs_write(a->file, &it, &pos,
				    file_iocb_flags(a->file)));
	lim->cur = cur;
	cred_revert(old);
}

void acct_process(void)
{
	struct task *t = current;
	struct pid_ns *ns;
	struct acct_v3 r;
	struct acct *a;

	for (ns = task_pid_ns(t); ns; ns = ns->parent) {
		a = acct_get(ns);
		if (likely(!a))
			continue;
		if (has_space(a)) {
			fill(&r, t);
			fill_names(&r, a, t);
			append(a, &r);
		}
		acct_put(a);
	}
}

/* --- on and off ---------------------------------------------------------------*/
static void acct_replace(struct pid_ns *ns, struct acct *a)
{
	struct acct *old;

	spin_lock(&acct_lock);
	old = ns->acct;
	ns->acct = a;
	spin_unlock(&acct_lock);
	acct_put(old);
}

void acct_off(struct pid_ns *ns)
{
	acct_replace(ns, NULL);
}

static int open_file(const char *name, struct file **out)
{
	int err = do_open(AT_FDCWD, name, O_WRONLY | O_APPEND | O_LARGEFILE, 0,
			  0, out);

	if (err)
		return err;
	if (!S_ISREG((*out)->inode->mode))
		err = -EACCES;
	else if ((*out)->inode->sb->fs->flags & FS_SHOWS_SYSTEM)
		err = -EINVAL;
	else if (!(*out)->ops->write_iter)
		err = -EIO;
	if (err)
		file_put(*out);
	return err;
}

int acct_on(const char *name)
{
	struct pid_ns *ns = task_pid_ns(current);
	struct acct *a;
	int err;

	if (!name) {
		acct_off(ns);
		return 0;
	}
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	err = open_file(name, &a->file);
	if (err) {
		kfree(a);
		return err;
	}
	ref_init(&a->refs, 1);
	a->cred = cred_get(current->cred);
	a->ns = ns;
	a->is_active = true;
	acct_replace(ns, a);
	return 0;
}
