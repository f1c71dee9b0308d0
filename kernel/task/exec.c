/*
 * exec - replaces the program of a process.
 *
 * Theory:  the new address space, the strings on its stack and the new
 *          credentials are made beside the running program; every error up
 *          to exec_commit() leaves the caller as it was.  Commit ends the
 *          other threads, makes the caller the leader under the process's
 *          number, gives it handlers and files of its own, and swaps the
 *          address space.  What fails later ends the process.
 * Locks:   process.exec_lock from the swap until the credentials are
 *          published: who looks at memory by credentials takes it too.
 */
#include "exec_impl.h"

#include <arch/smp.h>
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/trace.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <task/exec.h>
#include <task/fork.h>
#include <task/init.h>
#include <task/ptrace.h>

#define MAX_DEPTH 5
#define AT_EXEC_FLAGS (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)
#define ADDR_NO_RANDOMIZE 0x0040000u
#define PER_CLEAR_ON_SETID 0x05f40000u	/* READ_IMPLIES_EXEC and such */

/* --- the file -----------------------------------------------------------------*/

static int may_exec(const struct path *p)
{
	struct inode *i = p->dentry->inode;

	if (!S_ISREG(i->mode) || (p->mnt->flags & MNT_NOEXEC) ||
	    (p->mnt->sb->flags & SB_NOEXEC))
		return -EACCES;
	return inode_permission(i, MAY_EXEC | MAY_OPEN);
}

/* Opened, and closed to writers. */
static int open_path(const struct path *p, struct file **out)
{
	struct file *f;
	int err = may_exec(p);

	if (!err)
		err = file_open_path(p, O_RDONLY, &f);
	if (err)
		return err;
	err = inode_deny_write(f->inode);
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

int exec_open(int dfd, const char *name, unsigned flags, struct file **out)
{
	unsigned look = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	int err;

	if (flags & AT_EMPTY_PATH)
		look |= LOOKUP_EMPTY;
	err = path_lookup(dfd, name, look, &p);
	if (err)
		return err;
	if ((flags & AT_SYMLINK_NOFOLLOW) && S_ISLNK(p.dentry->inode->mode))
		err = -ELOOP;
	else
		err = open_path(&p, out);
	path_put(&p);
	return err;
}

void exec_close(struct file *f)
{
	inode_allow_write(f->inode);
	file_put(f);
}

static void mm_release_exe(struct mm *mm)
{
	if (mm->exe_file)
		exec_close(mm->exe_file);
	mm->exe_file = NULL;
	if (mm->user_ns)
		user_ns_put(mm->user_ns);
	mm->user_ns = NULL;
}

/* --- one thread ------------------------------------------------------------------*/

/* Takes the place of the old leader, a zombie: its number, its family. */
static void become_leader(struct task *t, struct task *old)
{
	struct pid *old_tid = t->thread_pid;

	list_replace(&old->sibling, &t->sibling);
	list_init(&old->sibling);
	t->thread_pid = old->thread_pid;
	old->thread_pid = old_tid;
	STORE_RELEASE(t->thread_pid->thread, t);
	STORE_RELEASE(old_tid->thread, old);
	swap(t->tid, old->tid);
	t->process->leader = t;
	t->group_leader = t;
	old->group_leader = t;
	t->exit_signal = SIGCHLD;
	old->exit_signal = -1;
	t->start_ns = old->start_ns;
	t->start_boot_ns = old->start_boot_ns;
	old->exit_state = EXIT_DEAD;
	/* Its tracer may wait for it, and shall see that it is gone. */
	if (old->ptrace)
		wake_parent(old->parent);
}

/* The leader must be a zombie before its place can be taken. */
static int replace_leader(struct task *t)
{
	struct process *p = t->process;
	struct task *old = p->leader;

	for (;;) {
		write_lock(&tasklist_lock);
		p->notify_count = -1;
		if (old->exit_state)
			break;
		set_task_state(TASK_KILLABLE);
		write_unlock(&tasklist_lock);
		schedule();
		if (fatal_signal_pending(t)) {
			set_task_state(TASK_RUNNING);
			return -EAGAIN;
		}
	}
	if (task_pid_ns(t)->reaper == old)
		task_pid_ns(t)->reaper = t;
	become_leader(t, old);
	write_unlock(&tasklist_lock);
	task_release(old);
	return 0;
}

static int wait_for_threads(struct process *p)
{
	struct task *t = current;

	while (READ_ONCE(p->notify_count)) {
		set_task_state(TASK_KILLABLE);
		if (READ_ONCE(p->notify_count) && !fatal_signal_pending(t))
			schedule();
		set_task_state(TASK_RUNNING);
		if (fatal_signal_pending(t))
			return -EAGAIN;
	}
	return 0;
}

/* Another program from here on: the parent asked for a signal of the old one,
 * and the old one's children may send this one none but SIGCHLD. */
static void end_group_exec(struct task *t, bool is_alone)
{
	struct process *p = t->process;

	write_lock(&tasklist_lock);
	p->group_exec = NULL;
	p->notify_count = 0;
	if (is_alone) {
		t->exit_signal = SIGCHLD;
		p->exec_id++;
	}
	write_unlock(&tasklist_lock);
}

/* Ends all other threads.  -EAGAIN: we are being killed ourselves. */
static int end_threads(struct task *t)
{
	struct process *p = t->process;
	struct sighand *s = t->sighand;
	int err;

	irq_lock(&s->lock);
	if ((p->flags & PF_EXITING) || p->group_exec) {
		irq_unlock(&s->lock);
		return -EAGAIN;
	}
	p->group_exec = t;
	p->notify_count = signal_zap_threads(p);
	if (!task_is_leader(t))
		p->notify_count--;
	irq_unlock(&s->lock);
	err = wait_for_threads(p);
	if (!err && !task_is_leader(t))
		err = replace_leader(t);
	end_group_exec(t, !err);
	return err;
}

/* Handlers of our own, if another process shares them (CLONE_SIGHAND). */
static int unshare_sighand(struct task *t)
{
	struct sighand *old = t->sighand, *s;
	int err;

	if (ref_count(&old->refs) == 1)
		return 0;
	err = sighand_create(&s);
	if (err)
		return err;
	write_lock(&tasklist_lock);
	irq_lock(&old->lock);
	memcpy(s->action, old->action, sizeof(s->action));
	rcu_assign(t->sighand, s);
	t->process->siglock = &s->lock;
	irq_unlock(&old->lock);
	write_unlock(&tasklist_lock);
	sighand_put(old);
	return 0;
}

/* --- the point of no return ------------------------------------------------------*/

/* If 0, exec_lock stays held, for exec_commit(): not analysed. */
static int swap_mm(struct binprm *b) __no_analysis
{
	struct task *t = current;
	struct mm *old = t->mm;
	int err;

	if (old)
		task_mm_release(t, old);
	err = mutex_lock_killable(&t->process->exec_lock);
	if (err)
		return err;
	stack_unpin(b);
	mm_switch_current(b->mm);
	b->mm->owner = t;
	b->mm = NULL;
	t->robust_list = NULL;
	if (!old)
		return 0;
	process_note_maxrss(t->process, old);
	mm_put(old);
	return 0;
}

static void reset_task(struct task *t)
{
	t->flags &= ~(TF_FORKNOEXEC | TF_KERNEL);
	t->flags &= ~TF_NO_SETAFF;
	t->altstack.sp = 0;
	t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
	t->clear_child_tid = NULL;
	t->set_child_tid = NULL;
	t->restart.fn = no_restart;
	flag_clear(&t->work, WORK_DISPATCH);
	memset(&t->rseq, 0, sizeof(t->rseq));
}

static void set_name(struct binprm *b)
{
	const char *slash = strrchr(b->filename, '/');

	task_set_comm(current, b->fdpath ? b->file->path.dentry->name :
		      slash ? slash + 1 : b->filename);
	trace_task_exec(current);
}

/* Rights of the new program; exec_lock is held. */
static void install_cred(struct binprm *b)
{
	struct task *t = current;
	bool keep_secret;

	exec_recheck_cred(b);
	keep_secret = b->is_secure || b->is_unreadable;

	if (b->is_secure) {
		t->pdeath_signal = 0;
		t->personality &= ~PER_CLEAR_ON_SETID;
		if (t->process->rlim[RLIMIT_STACK].cur > 8u << 20)
			t->process->rlim[RLIMIT_STACK].cur = 8u << 20;
	}
	cred_commit(b->cred);
	b->cred = NULL;
	t->mm->dumpable = keep_secret ?
			  (u32)READ_ONCE(sysctl_suid_dumpable) : 1;
}

/* Who may look into it: if its user cannot read the program, it takes more
 * than what its namespace gives. */
static struct user_ns *mm_owner(struct binprm *b)
{
	const struct inode *i = b->file->inode;
	struct user_ns *ns = current_user_ns();

	while (b->is_unreadable && ns != &init_user_ns &&
	       (from_kuid(ns, i->uid) == INVALID_ID ||
		from_kgid(ns, i->gid) == INVALID_ID))
		ns = ns->parent;
	return user_ns_get(ns);
}

static void set_exe(struct binprm *b)
{
	struct mm *mm = b->mm;

	mm->user_ns = mm_owner(b);
	mm->exe_file = file_get(b->file);
	mm->exe_release = mm_release_exe;
	/* Was not denied to writers before: file is. */
	ignore_error(inode_deny_write(b->file->inode));
}

/* swap_mm() returns with exec_lock held: not analysed. */
int exec_commit(struct binprm *b) __no_analysis
{
	struct task *t = current;
	bool was_kernel = is_kernel_task(t);
	int err;

	err = exec_fill_cred(b);
	if (err)
		return err;
	b->is_unreadable = inode_permission(b->file->inode, MAY_READ) != 0;
	b->is_committed = true;
	err = end_threads(t);
	if (!err)
		err = files_unshare();
	if (err)
		return err;
	set_exe(b);
	err = nsproxy_enter_time(&t->nsproxy, NULL);
	if (!err)
		err = swap_mm(b);
	if (err)
		return err;
	posix_timers_delete_all(t->process);
	signal_drop_timers();
	err = unshare_sighand(t);
	if (!err) {
		reset_task(t);
		files_close_on_exec(t->files);
		set_name(b);
		signal_flush_handlers(t, was_kernel);
		install_cred(b);
	}
	mutex_unlock(&t->process->exec_lock);
	return err;
}

/* --- execve --------------------------------------------------------------------------*/

static int read_head(struct binprm *b)
{
	u64 pos = 0;
	ssize_t n;

	memset(b->buf, 0, sizeof(b->buf));
	n = file_read_kernel(b->file, b->buf, sizeof(b->buf), &pos);
	return n < 0 ? (int)n : 0;
}

static int load_any(struct binprm *b)
{
	int err;

	for (;;) {
		err = read_head(b);
		if (err)
			return err;
		err = elf_load(b);
		if (err != -ENOEXEC || b->is_committed)
			return err;
		err = script_load(b);
		if (err)
			return err;
		/* The script's file descriptor will be gone. */
		if (b->is_path_gone && !b->depth)
			return -ENOENT;
		if (++b->depth > MAX_DEPTH)
			return -ELOOP;
	}
}

static bool wants_randomize(void)
{
	return sysctl_randomize_va_space &&
	       !(current->personality & ADDR_NO_RANDOMIZE);
}

static int prepare_mm(struct binprm *b)
{
	bool random = wants_randomize();
	int err = mm_create(&b->mm);

	if (err)
		return err;
	if (random)
		current->flags |= TF_RANDOMIZE;
	else
		current->flags &= ~TF_RANDOMIZE;
	mm_set_layout(b->mm, random, rlimit(RLIMIT_STACK));
	return args_begin(b);
}

static void binprm_free(struct binprm *b)
{
	stack_unpin(b);
	if (b->mm)
		mm_put(b->mm);
	if (b->cred)
		cred_put(b->cred);
	if (b->file)
		exec_close(b->file);
	kvfree(b->strings);
	kfree(b->interp);
	kfree(b->fdpath);
	kfree(b);
}

/* What /proc and AT_EXECFN call a program that was given by descriptor. */
static int name_by_fd(struct binprm *b, int dfd, const char *name)
{
	size_t n = strlen(name) + 32;

	b->filename = name;
	if (dfd == AT_FDCWD || name[0] == '/')
		return 0;
	b->fdpath = kmalloc(n, GFP_KERNEL);
	if (!b->fdpath)
		return -ENOMEM;
	if (name[0])
		ksnprintf(b->fdpath, n, "/dev/fd/%d/%s", dfd, name);
	else
		ksnprintf(b->fdpath, n, "/dev/fd/%d", dfd);
	b->filename = b->fdpath;
	return 0;
}

static int exec_with(struct binprm *b, int dfd, const char *name,
		     const struct user_strings *argv,
		     const struct user_strings *envp, unsigned flags)
{
	int err;

	err = name_by_fd(b, dfd, name);
	if (!err)
		err = exec_prepare_cred(b);
	if (!err)
		err = exec_open(dfd, name, flags, &b->file);
	if (!err)
		err = prepare_mm(b);
	if (!err)
		err = args_copy(b, argv, envp);
	if (err)
		return err;
	b->is_path_gone = b->fdpath && fd_cloexec(dfd);
	return load_any(b);
}

static int exec_common(int dfd, const char *name,
		       const struct user_strings *argv,
		       const struct user_strings *envp, unsigned flags)
{
	struct binprm *b = kzalloc(sizeof(*b), GFP_KERNEL);
	bool is_committed;
	int err;

	if (!b)
		return -ENOMEM;
	current->in_exec = true;
	err = exec_with(b, dfd, name, argv, envp, flags);
	current->in_exec = false;
	is_committed = b->is_committed;
	binprm_free(b);
	/* Nothing is left that the error could be returned to. */
	if (err && is_committed && !fatal_signal_pending(current))
		signal_force_fatal(SIGSEGV);
	return err;
}

int do_execve_kernel(const char *path, const char *const *argv,
		     const char *const *envp)
{
	struct user_strings a = { .kernel = argv }, e = { .kernel = envp };

	return exec_common(AT_FDCWD, path, &a, &e, 0);
}

int do_execve(int dfd, const char __user *path,
	      const char __user *const __user *argv,
	      const char __user *const __user *envp, unsigned flags)
{
	struct user_strings a = { .user = argv }, e = { .user = envp };
	unsigned long old_tid = ptrace_tid(current);
	struct filename fn;
	int err;

	if (flags & ~AT_EXEC_FLAGS)
		return -EINVAL;
	irqs_unmask();
	err = filename_get(path, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0,
			   &fn);
	if (err)
		return err;
	err = exec_common(dfd, fn.name, &a, &e, flags);
	filename_put(&fn);
	if (!err)
		ptrace_event_exec(old_tid);
	return err;
}
