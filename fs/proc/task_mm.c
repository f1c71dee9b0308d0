/*
 * task_mm - texts about a task's address space: maps, smaps, command line,
 * environment, auxiliary vector.
 */
#include "proc_impl.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>

#define NAME_COLUMN 73u

/* --- maps ---------------------------------------------------------------*/
const char *proc_area_name(const struct mm *mm, struct vma *v)
{
	if (v->ops && v->ops->name) {
		const char *name = v->ops->name(v);

		if (name)
			return name;
	}
	if (v->file)
		return NULL;
	if (v->start <= mm->brk && v->end >= mm->start_brk &&
	    mm->start_brk < mm->brk)
		return "[heap]";
	if (v->start <= mm->start_stack && v->end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

static void put_hex(struct seq *s, u64 v, unsigned width)
{
	char *to = seq_reserve(s, 16);

	if (to)
		s->len += fmt_hex(to, v, width);
}

static void pad_to(struct seq *s, size_t line, unsigned column)
{
	do
		seq_putc(s, ' ');
	while (s->len - line < column && !s->is_short);
}

static void put_area(struct seq *s, struct mm *mm, struct vma *v)
{
	const struct inode *i = v->file ? v->file->inode : NULL;
	const char *name = proc_area_name(mm, v);
	size_t line = s->len;
	const char perms[] = {
		' ', v->flags & VM_READ ? 'r' : '-',
		v->flags & VM_WRITE ? 'w' : '-', v->flags & VM_EXEC ? 'x' : '-',
		v->flags & VM_MAYSHARE ? 's' : 'p', ' ', 0,
	};

	put_hex(s, v->start, 8);
	seq_putc(s, '-');
	put_hex(s, v->end, 8);
	seq_puts(s, perms);
	put_hex(s, i ? v->pgoff << PAGE_SHIFT : 0, 8);
	seq_putc(s, ' ');
	put_hex(s, i ? MAJOR(i->sb->dev) : 0, 2);
	seq_putc(s, ':');
	put_hex(s, i ? MINOR(i->sb->dev) : 0, 2);
	seq_u64(s, " ", i ? i->ino : 0);
	seq_putc(s, ' ');
	if (name || i || v->anon_name)
		pad_to(s, line, NAME_COLUMN);
	if (name)
		seq_puts(s, name);
	else if (i)
		seq_path(s, &v->file->path, "\n");
	else if (v->anon_name)
		seq_printf(s, "[anon:%s]", v->anon_name);
	seq_putc(s, '\n');
}

/* Lets writers in now and then: a long text takes long. */
#define AREAS_AT_ONCE 8u

static struct vma *next_area_relock(struct mm *mm, struct vma *v, unsigned *n)
	__no_analysis
{
	unsigned long end = v->end;

	if (++*n % AREAS_AT_ONCE)
		return vma_next(v);
	rwsem_read_unlock(&mm->map_lock);
	cond_resched();
	rwsem_read_lock(&mm->map_lock);
	return vma_find(mm, end);
}

typedef void area_fn(struct seq *s, struct mm *mm, struct vma *v, void *arg);

/* A part is full: what was printed of v behind `len` comes with the next. */
static bool ends_part(struct seq *s, struct vma *v, size_t len)
{
	if (s->len <= SEQ_PART_MAX || !len)
		return false;
	s->len = len;
	s->next = v->start;
	return true;
}

static int print_areas(struct seq *s, struct mm *mm, area_fn *fn, void *arg)
{
	int err = rwsem_read_lock_killable(&mm->map_lock);
	unsigned n = 0;
	struct vma *v;

	if (err)
		return err;
	for (v = vma_find(mm, s->from); v; v = next_area_relock(mm, v, &n)) {
		size_t len = s->len;

		fn(s, mm, v, arg);
		if (ends_part(s, v, len))
			break;
	}
	rwsem_read_unlock(&mm->map_lock);
	return 0;
}

/* A text that was begun before exec() ends there. */
static int for_each_area(struct seq *s, const struct task_view *view,
			 area_fn *fn, void *arg)
{
	struct mm *mm = task_get_mm(view->t);
	int err = 0;

	if (!mm)
		return 0;
	if (!s->from || s->tag == mm->id) {
		s->tag = mm->id;
		err = print_areas(s, mm, fn, arg);
	}
	mm_put(mm);
	return err;
}

static void maps_area(struct seq *s, struct mm *mm, struct vma *v, void *arg)
{
	put_area(s, mm, v);
}

int proc_maps(struct seq *s, const struct task_view *v)
{
	return for_each_area(s, v, maps_area, NULL);
}

/* --- smaps --------------------------------------------------------------*/
static void put_bytes(struct seq *s, const char *name, u64 bytes)
{
	seq_printf(s, "%s%8llu kB\n", name, bytes >> 10);
}

static void put_use(struct seq *s, const struct vma_stats *t)
{
	put_bytes(s, "Shared_Clean:   ", t->shared_clean);
	put_bytes(s, "Shared_Dirty:   ", t->shared_dirty);
	put_bytes(s, "Private_Clean:  ", t->private_clean);
	put_bytes(s, "Private_Dirty:  ", t->private_dirty);
	put_bytes(s, "Referenced:     ", t->referenced);
	put_bytes(s, "Anonymous:      ", t->anonymous);
}

/* There is no same-page merging and no huge page, and MADV_FREE frees at
 * once: nothing of that is ever mapped. */
static void put_rest(struct seq *s, const struct vma_stats *t)
{
	put_bytes(s, "KSM:            ", 0);
	put_bytes(s, "LazyFree:       ", 0);
	put_bytes(s, "AnonHugePages:  ", 0);
	put_bytes(s, "ShmemPmdMapped: ", 0);
	put_bytes(s, "FilePmdMapped:  ", 0);
	put_bytes(s, "Shared_Hugetlb: ", 0);
	put_bytes(s, "Private_Hugetlb:", 0);
	put_bytes(s, "Swap:           ", t->swap);
	put_bytes(s, "SwapPss:        ", t->swap);
	put_bytes(s, "Locked:         ", t->locked);
}

static void put_sums(struct seq *s, const struct vma_stats *t, bool is_rollup)
{
	put_bytes(s, "Rss:            ", t->rss);
	put_bytes(s, "Pss:            ", t->pss);
	put_bytes(s, "Pss_Dirty:      ", t->pss_dirty);
	if (is_rollup) {
		put_bytes(s, "Pss_Anon:       ", t->pss_anon);
		put_bytes(s, "Pss_File:       ", t->pss_file);
		put_bytes(s, "Pss_Shmem:      ", t->pss_shmem);
	}
	put_use(s, t);
	put_rest(s, t);
}

static void put_vm_flags(struct seq *s, const struct vma *v)
{
	static const struct {
		unsigned long flag;
		char name[4];
	} names[] = {
		{ VM_READ, "rd " }, { VM_WRITE, "wr " }, { VM_EXEC, "ex " },
		{ VM_SHARED, "sh " }, { VM_MAYREAD, "mr " },
		{ VM_MAYWRITE, "mw " }, { VM_MAYEXEC, "me " },
		{ VM_MAYSHARE, "ms " }, { VM_GROWSDOWN, "gd " },
		{ VM_PFNMAP, "pf " }, { VM_LOCKED, "lo " }, { VM_IO, "io " },
		{ VM_SEQ_READ, "sr " }, { VM_RAND_READ, "rr " },
		{ VM_DONTCOPY, "dc " }, { VM_DONTEXPAND, "de " },
		{ VM_LOCKONFAULT, "lf " }, { VM_ACCOUNT, "ac " },
		{ VM_NORESERVE, "nr " }, { VM_WIPEONFORK, "wf " },
		{ VM_DONTDUMP, "dd " }, { VM_HUGEPAGE, "hg " },
		{ VM_NOHUGEPAGE, "nh " }, { VM_SEALED, "sl " },
	};

	seq_puts(s, "VmFlags: ");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (v->flags & names[i].flag)
			seq_puts(s, names[i].name);
	seq_putc(s, '\n');
}

static void smaps_area(struct seq *s, struct mm *mm, struct vma *v, void *arg)
{
	struct vma_stats t = { 0 };

	vma_get_stats(v, &t);
	put_area(s, mm, v);
	put_bytes(s, "Size:           ", v->end - v->start);
	put_bytes(s, "KernelPageSize: ", PAGE_SIZE);
	put_bytes(s, "MMUPageSize:    ", PAGE_SIZE);
	put_sums(s, &t, false);
	seq_printf(s, "THPeligible:    %8u\n", 0);
	put_vm_flags(s, v);
}

int proc_smaps(struct seq *s, const struct task_view *v)
{
	return for_each_area(s, v, smaps_area, NULL);
}

struct rollup {
	struct vma_stats sum;
	unsigned long start, end;
};

static void rollup_area(struct seq *s, struct mm *mm, struct vma *v, void *arg)
{
	struct rollup *r = arg;
	struct vma_stats t = { 0 };

	vma_get_stats(v, &t);
	for (unsigned i = 0; i < sizeof(t) / sizeof(u64); i++)
		((u64 *)&r->sum)[i] += ((const u64 *)&t)[i];
	if (!r->end)
		r->start = v->start;
	r->end = v->end;
}

int proc_smaps_rollup(struct seq *s, const struct task_view *v)
{
	struct rollup r = { .end = 0 };
	size_t line = s->len;
	int err = for_each_area(s, v, rollup_area, &r);

	if (err)
		return err;
	put_hex(s, r.start, 8);
	seq_putc(s, '-');
	put_hex(s, r.end, 8);
	seq_puts(s, " ---p 00000000 00:00 0 ");
	pad_to(s, line, NAME_COLUMN);
	seq_puts(s, "[rollup]\n");
	put_sums(s, &r.sum, true);
	return 0;
}

/* --- numa_maps: there is one node --------------------------------------*/
static void put_count(struct seq *s, const char *name, u64 n)
{
	if (n)
		seq_u64(s, name, n);
}

static void numa_area(struct seq *s, struct mm *mm, struct vma *v, void *arg)
{
	const char *name = v->file ? NULL : proc_area_name(mm, v);
	struct vma_places n;

	vma_get_places(v, &n);
	put_hex(s, v->start, 8);
	seq_puts(s, " default");
	if (v->file) {
		seq_puts(s, " file=");
		seq_path(s, &v->file->path, "\n\t= ");
	} else if (name && !strcmp(name, "[heap]")) {
		seq_puts(s, " heap");
	} else if (name && !strcmp(name, "[stack]")) {
		seq_puts(s, " stack");
	}
	if (n.pages) {
		put_count(s, " anon=", n.anon);
		put_count(s, " dirty=", n.dirty);
		if (n.pages != n.anon && n.pages != n.dirty)
			seq_u64(s, " mapped=", n.pages);
		put_count(s, " mapmax=", n.mapmax > 1 ? n.mapmax : 0);
		if (n.active < n.pages)
			seq_u64(s, " active=", n.active);
		put_count(s, " writeback=", n.writeback);
		seq_u64(s, " N0=", n.pages);
		seq_u64(s, " kernelpagesize_kB=", PAGE_SIZE >> 10);
	}
	seq_putc(s, '\n');
}

int proc_numa_maps(struct seq *s, const struct task_view *v)
{
	return for_each_area(s, v, numa_area, NULL);
}

/* --- clear_refs ---------------------------------------------------------*/
enum { CLEAR_ALL = 1, CLEAR_ANON, CLEAR_MAPPED, CLEAR_PEAK = 5 };

int proc_clear_refs_write(const struct task_view *v, char *text, size_t len)
{
	struct mm *mm;
	int what, err = 0;

	if (str_to_int(str_trim(text), 10, &what) ||
	    ((what < CLEAR_ALL || what > CLEAR_MAPPED) && what != CLEAR_PEAK))
		return -EINVAL;
	mm = task_get_mm(v->t);
	if (!mm)
		return 0;
	if (what == CLEAR_PEAK)
		WRITE_ONCE(mm->hiwater_rss, mm_rss_pages(mm));
	else
		err = mm_forget_accesses(mm, what != CLEAR_MAPPED,
					 what != CLEAR_ANON);
	mm_put(mm);
	return err;
}

/* --- the command line and the environment -------------------------------*/
/* Appends [from, to) of mm; the number of bytes that could be read. */
static size_t put_memory(struct seq *s, struct mm *mm, unsigned long from,
			 unsigned long to)
{
	size_t done = 0, n, want;
	char *buf;

	while (from + done < to) {
		want = min(to - from - done, PAGE_SIZE);
		buf = seq_reserve(s, want);
		if (!buf)
			break;
		n = mm_access(mm, from + done, buf, want, false, true);
		s->len += n;
		done += n;
		if (n < want)
			break;
	}
	return done;
}

/*
 * A program that writes over its arguments (setproctitle) shows that it did
 * by the missing NUL at their end: then the text is what is there up to the
 * first NUL, in the environment's place too.
 */
static void put_command_line(struct seq *s, struct mm *mm, size_t max)
{
	unsigned long start = mm->arg_start, end = mm->arg_end;
	size_t from = s->len;
	char last = 0;

	if (!start || end <= start)
		return;
	if (mm_access(mm, end - 1, &last, 1, false, true) != 1)
		return;
	if (!last) {
		put_memory(s, mm, start, min(end, start + max));
		return;
	}
	if (mm->env_start == end && mm->env_end > end)
		end = mm->env_end;
	put_memory(s, mm, start, min(end, start + max));
	s->len = min(s->len, from + strnlen(s->buf + from, s->len - from) + 1);
}

void proc_put_command_line(struct seq *s, struct task *t, size_t max)
{
	struct mm *mm = task_get_mm(t);

	if (!mm)
		return;
	put_command_line(s, mm, max);
	mm_put(mm);
}

int proc_cmdline(struct seq *s, const struct task_view *v)
{
	proc_put_command_line(s, v->t, 1ul << 31);
	return 0;
}

int proc_environ(struct seq *s, const struct task_view *v)
{
	struct mm *mm = task_get_mm(v->t);

	if (!mm)
		return 0;
	if (mm->env_start)
		put_memory(s, mm, mm->env_start, mm->env_end);
	mm_put(mm);
	return 0;
}

int proc_auxv(struct seq *s, const struct task_view *v)
{
	struct mm *mm = task_get_mm(v->t);

	if (!mm)
		return 0;
	seq_write(s, (const char *)mm->auxv, mm->auxv_len * sizeof(u64));
	mm_put(mm);
	return 0;
}
