/*
 * coredump - the memory and registers of a process that dies of a fault, as
 * an ELF file that debuggers open (core(5)).
 *
 * Theory:  the thread that takes the signal kills the others at once, so no
 *          state changes any more, and waits until each has come to its exit:
 *          there they park, with complete registers.  Then it writes, reading
 *          memory as a debugger would.  It may be killed: the file ends short.
 *          The areas are noted down first, since sizes stand before contents.
 * Locks:   sighand->lock for the counting; map_lock while areas are noted.
 */
#include "task_impl.h"

#include <arch/ptrace.h>
#include <fs/vfs.h>
#include <kernel/hart.h>
#include <lib/elf.h>
#include <lib/errno.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <task/coredump.h>

#define NT_SIGINFO 0x53494749
#define NT_FILE 0x46494c45
#define MAX_FILE_NOTE (4u << 20)

enum {				/* /proc/PID/coredump_filter */
	DUMP_ANON_PRIVATE = 1, DUMP_ANON_SHARED = 2, DUMP_MAPPED_PRIVATE = 4,
	DUMP_MAPPED_SHARED = 8, DUMP_ELF_HEADERS = 16,
};

char core_pattern[CORE_PATTERN_SIZE] = "core";
int sysctl_core_uses_pid;

struct area {
	unsigned long start, end, dump, flags;
};

struct timeval64 {
	s64 sec, usec;
};

struct prstatus {			/* uapi: elf_prstatus */
	s32 signo, code, err;
	s16 cursig;
	u64 sigpend, sighold;
	s32 pid, ppid, pgrp, sid;
	struct timeval64 utime, stime, cutime, cstime;
	struct user_regs regs;
	s32 fpvalid;
};
static_assert(sizeof(struct prstatus) == 376, "elf_prstatus");

struct prpsinfo {			/* uapi: elf_prpsinfo */
	char state, sname, zomb, nice;
	u64 flag;
	u32 uid, gid;
	s32 pid, ppid, pgrp, sid;
	char fname[16], psargs[80];
};
static_assert(sizeof(struct prpsinfo) == 136, "elf_prpsinfo");

struct core {
	const struct siginfo *info;
	struct mm *mm;
	struct file *file;
	u64 pos, limit;
	struct area *areas;
	unsigned n;
	char *notes;
	size_t len, size;
};

/* --- notes ---------------------------------------------------------------------- */

static int reserve(struct core *c, size_t n)
{
	size_t size = max(c->size * 2, (c->len + n + 4095) & ~4095ul);
	char *p;

	if (c->len + n <= c->size)
		return 0;
	p = kvmalloc(size, GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	memcpy(p, c->notes, c->len);
	kvfree(c->notes);
	c->notes = p;
	c->size = size;
	return 0;
}

static int note(struct core *c, u32 type, const void *data, size_t n)
{
	u32 head[5] = { 5, (u32)n, type };
	size_t padded = (n + 3) & ~3ul;

	memcpy(&head[3], "CORE\0\0\0", 8);
	if (reserve(c, sizeof(head) + padded))
		return -ENOMEM;
	memcpy(c->notes + c->len, head, sizeof(head));
	memcpy(c->notes + c->len + sizeof(head), data, n);
	memset(c->notes + c->len + sizeof(head) + n, 0, padded - n);
	c->len += sizeof(head) + padded;
	return 0;
}

static struct timeval64 timeval(u64 ns)
{
	return (struct timeval64){ (s64)(ns / NSEC_PER_SEC),
				   (s64)(ns % NSEC_PER_SEC / 1000) };
}

static int note_status(struct core *c, struct task *t)
{
	struct prstatus s;
	u64 user, sys;

	memset(&s, 0, sizeof(s));
	s.signo = s.cursig = (s16)c->info->signo;
	s.code = c->info->code;
	s.err = c->info->err;
	s.sigpend = t->pending.set;
	s.sighold = t->blocked;
	s.pid = task_vpid(t);
	s.ppid = task_vppid(t);
	s.pgrp = task_vpgid(t);
	s.sid = task_vsid(t);
	task_times(t, &user, &sys);
	s.utime = timeval(user);
	s.stime = timeval(sys);
	s.cutime = timeval(t->process->children.utime);
	s.cstime = timeval(t->process->children.stime);
	arch_regs_get(t, &s.regs);
	s.fpvalid = 1;
	return note(c, NT_PRSTATUS, &s, sizeof(s));
}

static int note_fp(struct core *c, struct task *t)
{
	struct user_fpregs f;

	memset(&f, 0, sizeof(f));
	arch_fpregs_get(t, &f);
	return note(c, NT_PRFPREG, &f, sizeof(f));
}

static int note_process(struct core *c)
{
	size_t n = min(c->mm->arg_end - c->mm->arg_start, 79ul);
	struct task *t = current;
	struct prpsinfo s;

	memset(&s, 0, sizeof(s));
	s.sname = 'R';
	s.nice = (char)task_nice(t);
	s.flag = t->flags;
	s.uid = from_kuid_munged(t->cred->user_ns, t->cred->uid);
	s.gid = from_kgid_munged(t->cred->user_ns, t->cred->gid);
	s.pid = task_vtgid(t);
	s.ppid = task_vppid(t);
	s.pgrp = task_vpgid(t);
	s.sid = task_vsid(t);
	strscpy(s.fname, t->comm, sizeof(s.fname));
	n = mm_access(c->mm, c->mm->arg_start, s.psargs, n, false, true);
	for (size_t i = 0; i + 1 < n; i++)
		if (!s.psargs[i])
			s.psargs[i] = ' ';
	return note(c, NT_PRPSINFO, &s, sizeof(s));
}

/* Count, page size; start, end, page of each; then the names. */
static int fill_files(struct mm *mm, char *buf, size_t *len)
{
	u64 *head = (u64 *)buf, *e = head + 2;
	char *names, *name;
	struct vma *v;

	head[0] = 0;
	head[1] = PAGE_SIZE;
	for (v = vma_first(mm); v; v = vma_next(v))
		head[0] += v->file != NULL;
	names = (char *)(e + 3 * head[0]);
	for (v = vma_first(mm); v; v = vma_next(v)) {
		if (!v->file)
			continue;
		if (names + PAGE_SIZE > buf + MAX_FILE_NOTE)
			return -E2BIG;
		*e++ = v->start;
		*e++ = v->end;
		*e++ = v->pgoff;
		if (path_format(&v->file->path, names, PAGE_SIZE, &name))
			name = (char *)"";
		memmove(names, name, strlen(name) + 1);
		names += strlen(names) + 1;
	}
	*len = (size_t)(names - buf);
	return 0;
}

static int note_files(struct core *c)
{
	char *buf = kvmalloc(MAX_FILE_NOTE, GFP_KERNEL);
	size_t len;
	int err;

	if (!buf)
		return 0;		/* a debugger can do without */
	rwsem_read_lock(&c->mm->map_lock);
	err = fill_files(c->mm, buf, &len);
	rwsem_read_unlock(&c->mm->map_lock);
	err = err ? 0 : note(c, NT_FILE, buf, len);
	kvfree(buf);
	return err;
}

/* The parked threads: none of them comes or goes. */
static unsigned collect_others(struct task **list, unsigned max)
{
	struct task *t;
	unsigned n = 0;

	read_lock(&tasklist_lock);
	for_each_thread(t, current->process)
		if (t->in_core && n < max)
			list[n++] = t;
	read_unlock(&tasklist_lock);
	return n;
}

static int note_others(struct core *c)
{
	unsigned n = READ_ONCE(current->process->nr_threads);
	struct task **list;
	int err = 0;

	list = kmalloc_array(n, sizeof(list[0]), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	n = collect_others(list, n);
	for (unsigned i = 0; !err && i < n; i++) {
		task_wait_inactive(list[i]);
		err = note_status(c, list[i]);
		if (!err)
			err = note_fp(c, list[i]);
	}
	kfree(list);
	return err;
}

static int make_notes(struct core *c)
{
	struct siginfo_user info = { .info = *c->info };
	int err = note_status(c, current);

	if (!err)
		err = note_process(c);
	if (!err)
		err = note(c, NT_SIGINFO, &info, sizeof(info));
	if (!err)
		err = note(c, NT_AUXV, c->mm->auxv,
			   c->mm->auxv_len * sizeof(c->mm->auxv[0]));
	if (!err)
		err = note_files(c);
	if (!err)
		err = note_fp(c, current);
	return err ? err : note_others(c);
}

/* --- areas ------------------------------------------------------------------------ */

static bool is_elf_header(struct mm *mm, unsigned long at)
{
	char magic[SELFMAG];

	return mm_access(mm, at, magic, SELFMAG, false, true) == SELFMAG &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

/* How much of it is written; all but the head's look are known here. */
static unsigned long dump_size(const struct vma *v, u32 filter, bool *look)
{
	bool is_shared = v->flags & VM_SHARED;

	*look = false;
	if (v->flags & VM_SPECIAL_VDSO)
		return v->end - v->start;
	if (v->flags & (VM_DONTDUMP | VM_IO | VM_PFNMAP))
		return 0;
	if (!v->file && !is_shared)
		return filter & DUMP_ANON_PRIVATE ? v->end - v->start : 0;
	if (is_shared && (!v->file || !v->file->path.dentry->inode->nlink))
		return filter & DUMP_ANON_SHARED ? v->end - v->start : 0;
	if (filter & (is_shared ? DUMP_MAPPED_SHARED : DUMP_MAPPED_PRIVATE))
		return v->end - v->start;
	if (v->has_anon && (filter & DUMP_ANON_PRIVATE))
		return v->end - v->start;
	*look = (filter & DUMP_ELF_HEADERS) && !v->pgoff &&
		(v->flags & VM_READ);
	return 0;
}

static int note_areas(struct core *c)
{
	u32 filter = current->process->core_filter;
	struct vma *v;
	bool look;

	rwsem_read_lock(&c->mm->map_lock);
	c->areas = kvmalloc((c->mm->nr_vmas + 1ul) * sizeof(*c->areas),
			    GFP_KERNEL);
	for (v = vma_first(c->mm); c->areas && v; v = vma_next(v)) {
		struct area *a = &c->areas[c->n++];

		*a = (struct area){ v->start, v->end, 0, v->flags };
		a->dump = dump_size(v, filter, &look);
		if (look)
			a->dump = 1;	/* settled below */
	}
	rwsem_read_unlock(&c->mm->map_lock);
	for (unsigned i = 0; i < c->n; i++)
		if (c->areas[i].dump == 1)
			c->areas[i].dump =
				is_elf_header(c->mm, c->areas[i].start) ?
					PAGE_SIZE : 0;
	return c->areas ? 0 : -ENOMEM;
}

/* --- the file --------------------------------------------------------------------- */

static int emit(struct core *c, const void *data, size_t n)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (c->pos + n > c->limit)
		return -EFBIG;
	return file_write_kernel(c->file, data, n, &c->pos) == (ssize_t)n ?
	       0 : -EIO;
}

static int emit_header(struct core *c)
{
	struct elf64_ehdr h;

	memset(&h, 0, sizeof(h));
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[4] = 2;		/* 64 bits, little-endian, version 1 */
	h.e_ident[5] = 1;
	h.e_ident[6] = 1;
	h.e_type = ET_CORE;
	h.e_machine = EM_RISCV;
	h.e_version = 1;
	h.e_phoff = sizeof(h);
	h.e_flags = EF_RISCV_RVC | 4;	/* double-float ABI */
	h.e_ehsize = sizeof(h);
	h.e_phentsize = sizeof(struct elf64_phdr);
	h.e_phnum = (u16)(c->n + 1);
	return emit(c, &h, sizeof(h));
}

static int emit_program_headers(struct core *c)
{
	struct elf64_phdr p = { .p_type = PT_NOTE, .p_filesz = c->len };
	u64 at;
	int err;

	p.p_offset = sizeof(struct elf64_ehdr) + (c->n + 1ul) * sizeof(p);
	at = (p.p_offset + c->len + PAGE_SIZE - 1) & PAGE_MASK;
	err = emit(c, &p, sizeof(p));
	for (unsigned i = 0; !err && i < c->n; i++) {
		const struct area *a = &c->areas[i];

		p = (struct elf64_phdr){
			.p_type = PT_LOAD, .p_offset = at,
			.p_vaddr = a->start, .p_filesz = a->dump,
			.p_memsz = a->end - a->start, .p_align = PAGE_SIZE,
			.p_flags = (a->flags & VM_READ ? PF_R : 0) |
				   (a->flags & VM_WRITE ? PF_W : 0) |
				   (a->flags & VM_EXEC ? PF_X : 0),
		};
		at += a->dump;
		err = emit(c, &p, sizeof(p));
	}
	return err;
}

/* Pages that were never touched stay holes. */
static int emit_area(struct core *c, const struct area *a, void *page)
{
	unsigned long at;
	int err = 0;

	for (at = a->start; !err && at < a->start + a->dump; at += PAGE_SIZE) {
		if (mm_access(c->mm, at, page, PAGE_SIZE, false, true) ==
		    PAGE_SIZE && memchr_inv(page, 0, PAGE_SIZE)) {
			err = emit(c, page, PAGE_SIZE);
			continue;
		}
		if (c->pos + PAGE_SIZE > c->limit)
			return -EFBIG;
		if (fatal_signal_pending(current))
			return -EINTR;
		c->pos += PAGE_SIZE;
	}
	return err;
}

static int write_core(struct core *c)
{
	void *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	int err = page ? 0 : -ENOMEM;

	if (!err)
		err = emit_header(c);
	if (!err)
		err = emit_program_headers(c);
	if (!err)
		err = emit(c, c->notes, c->len);
	c->pos = (c->pos + PAGE_SIZE - 1) & PAGE_MASK;
	for (unsigned i = 0; !err && i < c->n; i++)
		err = emit_area(c, &c->areas[i], page);
	kfree(page);
	/* holes at the end count too */
	if (!err && vfs_truncate(&c->file->path, c->pos))
		err = -EIO;
	return err;
}

/* --- its name ----------------------------------------------------------------------- */

static size_t format_one(char what, char *to, size_t n, int sig)
{
	switch (what) {
	case '%':
		return (size_t)ksnprintf(to, n, "%%");
	case 'p':
		return (size_t)ksnprintf(to, n, "%d", task_vtgid(current));
	case 'P':
		return (size_t)ksnprintf(to, n, "%d", current->tgid);
	case 'i':
		return (size_t)ksnprintf(to, n, "%d", task_vpid(current));
	case 'I':
		return (size_t)ksnprintf(to, n, "%d", current->tid);
	case 'u':
		return (size_t)ksnprintf(to, n, "%u", current->cred->uid);
	case 'g':
		return (size_t)ksnprintf(to, n, "%u", current->cred->gid);
	case 'd':
		return (size_t)ksnprintf(to, n, "%u", current->mm->dumpable);
	case 's':
		return (size_t)ksnprintf(to, n, "%d", sig);
	case 't':
		return (size_t)ksnprintf(to, n, "%llu",
					clock_realtime_ns() / NSEC_PER_SEC);
	case 'c':
		return (size_t)ksnprintf(to, n, "%llu", rlimit(RLIMIT_CORE));
	}
	return 0;
}

/* Names that a task chose must not leave the folder. */
static size_t format_name(char what, char *to, size_t n)
{
	char node[UTS_FIELD], domain[UTS_FIELD];
	size_t len;

	if (what == 'h') {
		uts_get_names(node, domain);
		len = (size_t)ksnprintf(to, n, "%s", node);
	} else {
		len = (size_t)ksnprintf(to, n, "%s", current->comm);
	}
	for (size_t i = 0; i < min(len, n - 1); i++)
		if (to[i] == '/')
			to[i] = '!';
	return len;
}

static int format_pattern(char *to, size_t n, int sig)
{
	bool has_pid = false;
	size_t len = 0;

	for (const char *p = core_pattern; *p && len + 1 < n; p++) {
		if (*p != '%') {
			to[len++] = *p;
			continue;
		}
		if (!*++p)
			break;
		has_pid |= *p == 'p';
		if (*p == 'e' || *p == 'h')
			len += format_name(*p, to + len, n - len);
		else
			len += format_one(*p, to + len, n - len, sig);
	}
	if (len + 1 < n && !has_pid && READ_ONCE(sysctl_core_uses_pid))
		len += (size_t)ksnprintf(to + len, n - len, ".%d",
					task_vtgid(current));
	if (len + 1 >= n || !len)
		return -ENAMETOOLONG;
	to[len] = 0;
	return to[0] == '|' ? -EOPNOTSUPP : 0;
}

/* A new file always; an older one goes. */
static int open_core(struct core *c)
{
	char *name = kmalloc(PAGE_SIZE, GFP_KERNEL);
	const struct inode *i;
	int err;

	if (!name)
		return -ENOMEM;
	err = format_pattern(name, PAGE_SIZE, c->info->signo);
	if (!err) {
		ignore_error(do_unlink(AT_FDCWD, name)); /* none is fine */
		err = do_open(AT_FDCWD, name, O_CREAT | O_RDWR | O_NOFOLLOW |
			      O_LARGEFILE | O_EXCL, 0600, 0, &c->file);
	}
	kfree(name);
	if (err) {
		c->file = NULL;
		return err;
	}
	i = c->file->inode;
	return S_ISREG(i->mode) && i->uid == current->cred->fsuid ? 0 : -EPERM;
}

/* --- the other threads ---------------------------------------------------------------- */

void core_park_relock(struct sighand *s) __no_analysis
{
	struct process *p = current->process;

	current->in_core = true;
	if (!--p->core_pending)
		wake_all(&p->core_wait);
	irq_unlock(&s->lock);
	/* the dumper ends soon: it can be killed */
	wait_event(&p->core_wait, !(READ_ONCE(p->flags) & PF_GROUP_COREDUMP));
	irq_lock(&s->lock);
}

static bool stop_others(int sig)
{
	struct process *p = current->process;
	struct sighand *s = current->sighand;
	struct task *t;
	bool first;

	irq_lock(&s->lock);
	first = !(p->flags & PF_EXITING) && !p->group_exec;
	if (first) {
		p->core_pending = 0;
		for_each_thread(t, p)
			if (t != current &&
			    !(READ_ONCE(t->flags) & TF_EXITING))
				p->core_pending++;
		signal_start_group_exit(p, sig);
		p->flags |= PF_GROUP_COREDUMP;
	}
	irq_unlock(&s->lock);
	if (first)
		wait_event(&p->core_wait, !READ_ONCE(p->core_pending));
	return first;
}

static void release_others(int status)
{
	struct process *p = current->process;
	struct sighand *s = current->sighand;

	irq_lock(&s->lock);
	/* SIGKILL ended it, and is what it died of. */
	if (!fatal_signal_pending(current))
		p->group_exit_code = status;
	p->flags &= ~PF_GROUP_COREDUMP;
	irq_unlock(&s->lock);
	wake_all(&p->core_wait);
}

bool core_wanted(struct task *t)
{
	bool may;

	if (task_rlimit(t, RLIMIT_CORE) < PAGE_SIZE)
		return false;
	irq_lock(&t->alloc_lock);	/* an exec may change it */
	may = t->mm && t->mm->dumpable == 1;
	irq_unlock(&t->alloc_lock);
	return may && !is_kernel_task(t);
}

void core_dump(const struct siginfo *info)
{
	struct core c = { .info = info, .mm = current->mm,
			  .limit = rlimit(RLIMIT_CORE) };
	int err;

	if (!core_wanted(current) || !stop_others(info->signo))
		return;
	current->flags |= TF_DUMPCORE;
	err = open_core(&c);
	if (!err)
		err = note_areas(&c);
	if (!err)
		err = make_notes(&c);
	if (!err)
		err = write_core(&c);
	if (c.file)
		file_put(c.file);
	kvfree(c.areas);
	kvfree(c.notes);
	release_others(info->signo | (err ? 0 : 0x80));
}
