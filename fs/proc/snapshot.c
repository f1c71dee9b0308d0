/*
 * snapshot - /proc/snapshot: the state of all tasks, at one moment, in one
 * read (docs/snapshot.md).
 *
 * Theory:  records are filled in under one hold of the task list, so that
 *          parents, groups and sessions fit each other and no task is there
 *          twice or missing.  A record holds what /proc/PID/{stat,status}
 *          tell everybody, and costs a few locks of its task but no walk of
 *          its address space.  The lock keeps interrupts off: room is made
 *          before, and if there are more tasks by then, all is done again.
 *          Command lines stand in user memory, which may have to be read
 *          from a disk: /proc/snapshot_args adds them after the lock was
 *          dropped, of the very tasks that were seen.
 * Locks:   one_at_a_time, so that readers together do not keep writers of
 *          the task list away for longer than one does; tasklist_lock, and
 *          below it siglock, alloc_lock, pi_lock of the tasks.
 * Rejected: RCU instead of the lock, which shows a child and misses its
 *          parent; times of a process without its threads, which every
 *          reader would have to add up.
 */
#include "proc_impl.h"
#include <drivers/tty.h>
#include <kernel/init.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <sched/sched.h>
#include <task/fork.h>
#include <task/posix_timer.h>
#include <task/time_ns.h>
#include <uapi/snapshot.h>

#define TEXT_MAX 4096u		/* of one command line */
#define SPARE_RECORDS 32u	/* tasks made before the lock is held */

static struct mutex one_at_a_time =
	MUTEX_INIT(one_at_a_time, RANK_SLEEP_A, "snapshot");

#define FIELD(f, k)                                                            \
	{ #f, offsetof(struct snapshot_record, f),                             \
	  sizeof(((struct snapshot_record *)0)->f), k, 0 }
#define NUMBER(f) FIELD(f, SNAPSHOT_UNSIGNED)
#define SIGNED(f) FIELD(f, SNAPSHOT_SIGNED)

static const struct snapshot_field fields[] = {
	SIGNED(tid), SIGNED(tgid), SIGNED(ppid), SIGNED(pgid), SIGNED(sid),
	SIGNED(tpgid), NUMBER(tty), NUMBER(flags), NUMBER(uid), NUMBER(euid),
	NUMBER(gid), NUMBER(egid), FIELD(state, SNAPSHOT_TEXT), NUMBER(policy),
	SIGNED(nice), NUMBER(is_leader), SIGNED(prio), NUMBER(rt_priority),
	NUMBER(hart), NUMBER(threads), SIGNED(exit_signal), NUMBER(text_at),
	NUMBER(text_size), NUMBER(start_ns), NUMBER(utime_ns),
	NUMBER(stime_ns), NUMBER(min_flt), NUMBER(maj_flt), NUMBER(nvcsw),
	NUMBER(nivcsw), NUMBER(run_delay_ns), NUMBER(all_utime_ns),
	NUMBER(all_stime_ns), NUMBER(all_min_flt), NUMBER(all_maj_flt),
	NUMBER(kids_utime_ns), NUMBER(kids_stime_ns), NUMBER(kids_min_flt),
	NUMBER(kids_maj_flt), NUMBER(vsize_bytes), NUMBER(rss_pages),
	NUMBER(locked_pages), FIELD(comm, SNAPSHOT_TEXT),
};

/* What is being made. */
struct shot {
	struct snapshot_record *rec;	/* in the reader's buffer */
	struct task **tasks;		/* one for each, or NULL: no texts */
	u32 room, n, hidden;
	const struct super_block *sb;
};

/* --- a record; tasklist_lock held ----------------------------------------*/
static void note_ids(struct snapshot_record *r, struct task *t,
		     const struct pid_ns *ns)
{
	const struct cred *c = rcu_dereference(t->real_cred);
	struct task *parent = rcu_dereference(t->real_parent);

	r->tgid = pid_nr_ns(t->process->pids[PIDTYPE_TGID], ns);
	r->ppid = parent ?
		  pid_nr_ns(parent->process->pids[PIDTYPE_TGID], ns) : 0;
	r->pgid = pid_nr_ns(task_pgrp(t), ns);
	r->sid = pid_nr_ns(task_session(t), ns);
	r->uid = from_kuid_munged(current_user_ns(), c->uid);
	r->euid = from_kuid_munged(current_user_ns(), c->euid);
	r->gid = from_kgid_munged(current_user_ns(), c->gid);
	r->egid = from_kgid_munged(current_user_ns(), c->egid);
}

static void note_tty(struct snapshot_record *r, struct task *t,
		     const struct pid_ns *ns)
{
	struct sighand *h = task_lock_sighand(t);
	struct tty *tty;

	r->tpgid = -1;
	if (!h)
		return;
	r->threads = t->process->nr_threads;
	tty = t->process->tty;
	if (tty) {
		r->tty = (u32)dev_encode(tty->dev);
		irq_lock(&tty->ctrl_lock);
		if (tty->pgrp)
			r->tpgid = pid_nr_ns(tty->pgrp, ns);
		irq_unlock(&tty->ctrl_lock);
	}
	task_unlock_sighand(h);
}

static void note_memory(struct snapshot_record *r, struct task *t)
{
	struct mm *mm;

	irq_lock(&t->alloc_lock);
	memcpy(r->comm, t->comm, sizeof(r->comm));
	mm = is_kernel_task(t) ? NULL : t->mm;
	if (mm) {
		r->vsize_bytes = mm->total_vm * PAGE_SIZE;
		r->rss_pages = mm_rss_pages(mm);
		r->locked_pages = mm->locked_vm;
	}
	irq_unlock(&t->alloc_lock);
}

static void note_task(struct snapshot_record *r, struct task *t)
{
	r->flags = proc_linux_flags(t);
	r->state = (u8)task_state_char(t);
	r->policy = (u8)t->policy;
	r->nice = (s8)task_nice(t);
	r->prio = t->prio - MAX_RT_PRIO;
	r->rt_priority = t->rt_priority;
	r->hart = READ_ONCE(t->hart)->id;
	r->exit_signal = t->exit_signal;
	r->start_ns = t->start_boot_ns +
		      (u64)time_ns_offset(CLOCK_BOOTTIME);
	task_times(t, &r->utime_ns, &r->stime_ns);
	r->min_flt = t->min_flt;
	r->maj_flt = t->maj_flt;
	r->nvcsw = t->nvcsw;
	r->nivcsw = t->nivcsw;
	r->run_delay_ns = READ_ONCE(t->run_delay_ns);
}

static void add_to_process(struct snapshot_record *all,
			   const struct snapshot_record *r)
{
	all->all_utime_ns += r->utime_ns;
	all->all_stime_ns += r->stime_ns;
	all->all_min_flt += r->min_flt;
	all->all_maj_flt += r->maj_flt;
}

static void note_sums(struct snapshot_record *r, const struct process *p)
{
	r->is_leader = 1;
	r->all_utime_ns = p->dead.utime;
	r->all_stime_ns = p->dead.stime;
	r->all_min_flt = p->dead.min_flt;
	r->all_maj_flt = p->dead.maj_flt;
	r->kids_utime_ns = p->children.utime;
	r->kids_stime_ns = p->children.stime;
	r->kids_min_flt = p->children.min_flt;
	r->kids_maj_flt = p->children.maj_flt;
}

/* The next record, or NULL: no room, or its number is not seen here. */
static struct snapshot_record *note(struct shot *shot, struct task *t)
{
	const struct pid_ns *ns = proc_ns(shot->sb);
	struct snapshot_record *r = &shot->rec[shot->n];
	int tid = pid_nr_ns(t->thread_pid, ns);

	if (!tid)
		return NULL;
	if (shot->n >= shot->room) {
		shot->n = shot->room + 1;
		return NULL;
	}
	*r = (struct snapshot_record){ .tid = tid };
	note_ids(r, t, ns);
	note_tty(r, t, ns);
	note_memory(r, t);
	note_task(r, t);
	if (shot->tasks)
		shot->tasks[shot->n] = ref_tryget(&t->refs) ? t : NULL;
	shot->n++;
	return r;
}

static void note_process(struct shot *shot, struct task *leader)
{
	struct snapshot_record *all = note(shot, leader), *r;
	struct task *t;

	if (!all)
		return;
	note_sums(all, leader->process);
	add_to_process(all, all);
	for_each_thread(t, leader->process) {
		r = t == leader ? NULL : note(shot, t);
		if (r)
			add_to_process(all, r);
	}
}

static void put_tasks(struct shot *shot)
{
	u32 n = min(shot->n, shot->room);

	for (u32 i = 0; shot->tasks && i < n; i++)
		if (shot->tasks[i])
			task_put(shot->tasks[i]);
}

/* --- the file -----------------------------------------------------------*/
static int take(struct seq *s, struct shot *shot, struct snapshot_header *h)
{
	struct task *t;

	read_lock(&tasklist_lock);
	h->boot_ns = clock_ns();
	h->real_ns = clock_realtime_ns();
	list_for_each_entry(t, &all_tasks, all_node) {
		if (!t->thread_pid || !task_is_leader(t))
			continue;
		if (proc_may_see(shot->sb, t, HIDEPID_NO_ACCESS))
			note_process(shot, t);
		else
			h->hidden = 1;
	}
	read_unlock(&tasklist_lock);
	if (shot->n <= shot->room) {
		s->len += shot->n * sizeof(*shot->rec);
		return 0;
	}
	put_tasks(shot);
	return -EAGAIN;
}

static void put_texts(struct seq *s, struct shot *shot, size_t records_at)
{
	size_t texts_at = s->len, from;
	struct snapshot_record *r;

	for (u32 i = 0; i < shot->n && !s->is_short; i++) {
		r = (struct snapshot_record *)(s->buf + records_at) + i;
		if (!shot->tasks[i] || !r->is_leader)
			continue;
		from = s->len;
		proc_put_command_line(s, shot->tasks[i], TEXT_MAX);
		/* The buffer may have moved. */
		r = (struct snapshot_record *)(s->buf + records_at) + i;
		r->text_at = (u32)(from - texts_at);
		r->text_size = (u32)(s->len - from);
	}
}

static void put_header(struct seq *s, struct snapshot_header *h)
{
	*h = (struct snapshot_header){
		.magic = SNAPSHOT_MAGIC, .version = SNAPSHOT_VERSION,
		.header_size = sizeof(*h), .field_size = sizeof(*fields),
		.nr_fields = ARRAY_SIZE(fields),
		.record_size = sizeof(struct snapshot_record),
		.records_at = sizeof(*h) + sizeof(fields),
		.memory_pages = mem_total_pages(),
		.page_size = PAGE_SIZE, .nr_harts = nr_harts,
	};
	seq_write(s, (const char *)h, sizeof(*h));
	seq_write(s, (const char *)fields, sizeof(fields));
}

static int print(struct seq *s, const struct super_block *sb, bool has_texts)
{
	struct shot shot = { .sb = sb,
			     .room = (u32)task_count() + SPARE_RECORDS };
	struct snapshot_header h;
	int err = -ENOMEM;

	if (has_texts) {
		shot.tasks = kvmalloc(shot.room * sizeof(struct task *),
				      GFP_KERNEL);
		if (!shot.tasks)
			return err;
	}
	s->len = 0;
	put_header(s, &h);
	shot.rec = (void *)seq_reserve(s, shot.room * sizeof(*shot.rec));
	if (!shot.rec)
		goto out;
	mutex_lock(&one_at_a_time);
	err = take(s, &shot, &h);
	mutex_unlock(&one_at_a_time);
	if (err)
		goto out;
	h.nr_records = shot.n;
	if (has_texts) {
		h.texts_at = s->len;
		put_texts(s, &shot, h.records_at);
		h.texts_size = s->len - h.texts_at;
		put_tasks(&shot);
	}
	memcpy(s->buf, &h, sizeof(h));
out:
	kvfree(shot.tasks);
	return err;
}

static int fill(struct seq *s, struct file *f)
{
	bool has_texts = proc_entry_of(f)->arg;
	int err;

	do
		err = print(s, f->inode->sb, has_texts);
	while (err == -EAGAIN && !fatal_signal_pending(current));
	return err == -EAGAIN ? -EINTR : err;
}

static ssize_t snapshot_read(struct file *f, struct iter *it, u64 *pos,
			     unsigned flags)
{
	return seq_read(f, it, pos, fill);
}

static const struct file_ops snapshot_fops = {
	.read_iter = snapshot_read,
	.llseek = seq_llseek,
	.release = seq_release,
};

static const struct proc_entry entries[] = {
	{ .name = "snapshot", .mode = 0444, .fops = &snapshot_fops },
	{ .name = "snapshot_args", .mode = 0444, .fops = &snapshot_fops,
	  .arg = (void *)1 },
};

static void snapshot_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, snapshot_init);
