/*
 * elf - loads ELF programs: static, static-PIE, and with an interpreter.
 *
 * Theory:  all headers are read and checked while the old program still is
 *          there, so that a bad file is an error.  Then the point of no
 *          return; segments are areas over the file's page cache, nothing is
 *          copied; only the tail of the last file page of a .bss is zeroed.
 *          Where a program may lie: ET_EXEC at its addresses; ET_DYN with an
 *          interpreter at two thirds of the user space, without one (and the
 *          interpreter itself) where mmap puts things; as Linux does, so that
 *          brk and mmap have room to grow.
 */
#include "exec_impl.h"

#include <arch/smp.h>
#include <arch/uaccess.h>
#include <kernel/random.h>
#include <lib/string.h>
#include <task/exec.h>
#include <task/rseq.h>

#define DYN_BASE ((TASK_SIZE / 3 * 2) & PAGE_MASK)
#define BRK_SPREAD (1ul << 30)

struct elf_file {
	struct file *file;
	struct elf64_ehdr eh;
	struct elf64_phdr *ph;		/* allocated */
	struct elf_span span;
	u64 bias;			/* added to each p_vaddr */
};

struct elf_program {
	struct elf_file exe, interp;
	bool has_interp;
	bool is_stack_exec;
	u64 phdr_addr;			/* for AT_PHDR */
	u64 brk;
};

/* --- reading -----------------------------------------------------------------*/

static int read_exactly(struct file *f, void *buf, size_t n, u64 pos)
{
	ssize_t got = file_read_kernel(f, buf, n, &pos);

	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -EIO;
}

static int read_headers(struct elf_file *e)
{
	size_t size;
	int err;

	err = elf_check_header(&e->eh);
	if (err)
		return err;
	size = e->eh.e_phnum * sizeof(e->ph[0]);
	e->ph = kmalloc(size, GFP_KERNEL);
	if (!e->ph)
		return -ENOMEM;
	err = read_exactly(e->file, e->ph, size, e->eh.e_phoff);
	if (err)
		return -ENOEXEC;
	return 0;
}

/* As on Linux, segments from nowhere are found out only when they are mapped:
 * the old program is gone by then, and the signal is SIGSEGV. */
static int check_segments(struct elf_program *p)
{
	struct elf_file *e = &p->exe, *in = &p->interp;
	int err;

	err = elf_check_phdrs(e->ph, e->eh.e_phnum, TASK_SIZE, &e->span);
	if (err || !p->has_interp)
		return err;
	return elf_check_phdrs(in->ph, in->eh.e_phnum, TASK_SIZE, &in->span);
}

static int open_interp(struct elf_program *p, const struct elf64_phdr *ph)
{
	char *name;
	int err = -ENOEXEC;

	if (ph->p_filesz < 2 || ph->p_filesz > PATH_MAX)
		return -ENOEXEC;
	name = kmalloc(ph->p_filesz, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	err = read_exactly(p->exe.file, name, ph->p_filesz, ph->p_offset);
	if (!err && name[ph->p_filesz - 1])
		err = -ENOEXEC;
	if (!err)
		err = exec_open(AT_FDCWD, name, 0, &p->interp.file);
	kfree(name);
	return err;
}

/* A broken interpreter is a bad library. */
static int read_interp(struct elf_program *p)
{
	struct elf_file *e = &p->interp;
	int err;

	err = read_exactly(e->file, &e->eh, sizeof(e->eh), 0);
	if (err)
		return err;
	err = read_headers(e);
	return err == -ENOEXEC || err == -EINVAL ? -ELIBBAD : err;
}

static int read_program(struct binprm *b, struct elf_program *p)
{
	const struct elf64_phdr *ph;
	int err;

	memcpy(&p->exe.eh, b->buf, sizeof(p->exe.eh));
	p->exe.file = b->file;
	err = read_headers(&p->exe);
	if (err)
		return err;
	ph = elf_find_phdr(p->exe.ph, p->exe.eh.e_phnum, PT_GNU_STACK);
	p->is_stack_exec = ph && (ph->p_flags & PF_X);
	ph = elf_find_phdr(p->exe.ph, p->exe.eh.e_phnum, PT_INTERP);
	if (!ph)
		return 0;
	p->has_interp = true;
	err = open_interp(p, ph);
	return err ? err : read_interp(p);
}

static void program_free(struct elf_program *p)
{
	kfree(p->exe.ph);
	kfree(p->interp.ph);
	if (p->interp.file)
		exec_close(p->interp.file);
	kfree(p);
}

/* --- mapping --------------------------------------------------------------------*/

static unsigned prot_of(const struct elf64_phdr *ph)
{
	return (ph->p_flags & PF_R ? 1 : 0) | (ph->p_flags & PF_W ? 2 : 0) |
	       (ph->p_flags & PF_X ? 4 : 0);
}

static int attach_file(struct file *f, struct vma *v)
{
	return f->ops->mmap ? f->ops->mmap(f, v) : -ENODEV;
}

static int map_anon(u64 addr, u64 len, unsigned prot)
{
	struct map_request rq = {
		.addr = addr, .len = len, .prot = prot,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		.may_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};
	unsigned long got;

	return len ? mm_map(current->mm, &rq, &got) : 0;
}

/* The file's part of a segment. */
static int map_file(struct elf_file *e, const struct elf64_phdr *ph,
		    u64 addr, u64 len, unsigned flags, unsigned long *got)
{
	struct map_request rq = {
		.addr = addr, .len = len, .prot = prot_of(ph),
		.flags = flags | MAP_PRIVATE, .file = e->file,
		.pgoff = ph->p_offset >> PAGE_SHIFT,
		.may_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		.attach = attach_file,
	};

	return mm_map(current->mm, &rq, got);
}

/* Zeroes from the end of the file's bytes to the end of their page, and adds
 * anonymous pages up to the segment's end. */
static int map_bss(const struct elf64_phdr *ph, u64 vaddr)
{
	u64 start = vaddr + ph->p_filesz;
	u64 end = ALIGN_UP(vaddr + ph->p_memsz, PAGE_SIZE);
	u64 page = ALIGN_UP(start, PAGE_SIZE);

	if (ph->p_memsz <= ph->p_filesz)
		return 0;
	if ((ph->p_flags & PF_W) && ph->p_filesz && page > start &&
	    clear_user((void __user *)(uintptr_t)start, page - start))
		return -EFAULT;
	return end > page ? map_anon(page, end - page, prot_of(ph)) : 0;
}

static int map_segment(struct elf_file *e, const struct elf64_phdr *ph,
		       unsigned flags)
{
	u64 vaddr = e->bias + ph->p_vaddr, off = vaddr & ~PAGE_MASK;
	unsigned long got;
	int err;

	if (!ph->p_filesz) {
		u64 end = ALIGN_UP(vaddr + ph->p_memsz, PAGE_SIZE);

		return map_anon(vaddr - off, end - (vaddr - off), prot_of(ph));
	}
	err = map_file(e, ph, vaddr - off,
		       ALIGN_UP(ph->p_filesz + off, PAGE_SIZE), flags, &got);
	return err ? err : map_bss(ph, vaddr);
}

/* Finds room for the whole of a position-independent file. */
static int choose_bias(struct elf_file *e, u64 hint)
{
	u64 size = e->span.hi - e->span.lo, align = e->span.align;
	struct map_request rq = {
		.addr = hint, .len = size + (align - PAGE_SIZE),
		.image = e->file->mapping,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		.may_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};
	unsigned long at;
	u64 base;
	int err;

	rq.len = ALIGN_UP(rq.len, PAGE_SIZE);
	if (rq.len < size)
		return -ENOMEM;
	err = mm_map(current->mm, &rq, &at);
	if (err)
		return err;
	/* Only the place is wanted, not the area. */
	err = mm_unmap(current->mm, at, rq.len);
	base = ALIGN_UP((u64)at, align);
	e->bias = base - e->span.lo;
	return err;
}

static int map_all(struct elf_file *e, unsigned flags)
{
	for (unsigned i = 0; i < e->eh.e_phnum; i++) {
		const struct elf64_phdr *ph = &e->ph[i];
		int err;

		if (ph->p_type != PT_LOAD || !ph->p_memsz)
			continue;
		err = map_segment(e, ph, flags);
		if (err)
			return err;
		/* Later segments may overlap the first's last page. */
		flags = MAP_FIXED;
	}
	return 0;
}

static bool is_random(void)
{
	return current->flags & TF_RANDOMIZE;
}

static int map_program(struct elf_program *p)
{
	struct elf_file *e = &p->exe;
	u64 hint = 0;
	int err;

	if (e->eh.e_type == ET_EXEC)
		return map_all(e, MAP_FIXED_NOREPLACE);
	if (p->has_interp)
		hint = DYN_BASE + (is_random() ?
				   program_offset(e->file->mapping) : 0);
	err = choose_bias(e, hint);
	return err ? err : map_all(e, MAP_FIXED);
}

static int map_interp(struct elf_program *p)
{
	struct elf_file *e = &p->interp;
	int err;

	if (!p->has_interp)
		return 0;
	if (e->eh.e_type != ET_EXEC) {
		err = choose_bias(e, 0);
		if (err)
			return err;
	}
	return map_all(e, MAP_FIXED);
}

/* --- vDSO -----------------------------------------------------------------------*/

static int map_vdso(struct mm *mm)
{
	struct map_request rq = {
		.len = vdso_total_size(), .prot = 1,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS,
		.may_flags = VM_MAYREAD,
	};
	unsigned long at;
	int err;

	err = mm_map(mm, &rq, &at);	/* finds the place */
	if (!err)
		err = mm_unmap(mm, at, rq.len);
	return err ? err : vdso_map(mm, at);
}

/* --- layout of the rest ------------------------------------------------------------*/

static void note_layout(struct elf_program *p)
{
	struct mm *mm = current->mm;
	struct elf_file *e = &p->exe;
	u64 start_code = ~0ull, end_code = 0, start_data = 0, end_data = 0;

	for (unsigned i = 0; i < e->eh.e_phnum; i++) {
		const struct elf64_phdr *ph = &e->ph[i];
		u64 at = ph->p_vaddr + e->bias;

		if (ph->p_type != PT_LOAD)
			continue;
		if ((ph->p_flags & PF_X) && at < start_code)
			start_code = at;
		start_data = max(start_data, at);
		if (ph->p_flags & PF_X)
			end_code = max(end_code, at + ph->p_filesz);
		end_data = max(end_data, at + ph->p_filesz);
		p->brk = max(p->brk, at + ph->p_memsz);
		if (ph->p_offset <= e->eh.e_phoff &&
		    e->eh.e_phoff < ph->p_offset + ph->p_filesz)
			p->phdr_addr = e->eh.e_phoff - ph->p_offset + at;
	}
	mm->start_code = start_code;
	mm->end_code = end_code;
	mm->start_data = start_data;
	mm->end_data = end_data;
}

static void set_brk(struct elf_program *p)
{
	struct mm *mm = current->mm;
	u64 brk = ALIGN_UP(p->brk, PAGE_SIZE);

	if (is_random() && sysctl_randomize_va_space > 1) {
		/* A static PIE lies among the mappings: its heap must not. */
		if (p->exe.eh.e_type == ET_DYN && !p->has_interp)
			brk = DYN_BASE;
		brk += random_u32_below(BRK_SPREAD >> PAGE_SHIFT) * PAGE_SIZE;
	}
	mm->start_brk = brk;
	mm->brk = brk;
}

/* --- tables on the stack -----------------------------------------------------------*/

static void aux_put(struct mm *mm, u64 key, u64 value)
{
	mm->auxv[mm->auxv_len++] = key;
	mm->auxv[mm->auxv_len++] = value;
}

static void fill_auxv(struct binprm *b, struct elf_program *p, u64 random_addr)
{
	const struct cred *c = current->cred;
	struct mm *mm = current->mm;

	mm->auxv_len = 0;
	if (mm->vdso)
		aux_put(mm, AT_SYSINFO_EHDR, mm->vdso);
	aux_put(mm, AT_HWCAP, arch_hwcap());
	aux_put(mm, AT_PAGESZ, PAGE_SIZE);
	aux_put(mm, AT_CLKTCK, USER_HZ);
	aux_put(mm, AT_PHDR, p->phdr_addr);
	aux_put(mm, AT_PHENT, sizeof(struct elf64_phdr));
	aux_put(mm, AT_PHNUM, p->exe.eh.e_phnum);
	aux_put(mm, AT_BASE, p->has_interp ? p->interp.bias +
		p->interp.span.lo : 0);
	aux_put(mm, AT_FLAGS, 0);
	aux_put(mm, AT_ENTRY, p->exe.eh.e_entry + p->exe.bias);
	aux_put(mm, AT_UID, from_kuid_munged(c->user_ns, c->uid));
	aux_put(mm, AT_EUID, from_kuid_munged(c->user_ns, c->euid));
	aux_put(mm, AT_GID, from_kgid_munged(c->user_ns, c->gid));
	aux_put(mm, AT_EGID, from_kgid_munged(c->user_ns, c->egid));
	aux_put(mm, AT_SECURE, b->is_secure);
	aux_put(mm, AT_RANDOM, random_addr);
	aux_put(mm, AT_HWCAP2, 0);
	aux_put(mm, AT_EXECFN, b->exec_str);
	aux_put(mm, AT_MINSIGSTKSZ, exec_min_sigstack());
	aux_put(mm, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	aux_put(mm, AT_RSEQ_ALIGN, RSEQ_ALIGN);
	aux_put(mm, AT_NULL, 0);
}

/* argc, argv, NULL, envp, NULL, auxv: the strings' addresses are known. */
static int write_tables(struct binprm *b, u64 sp)
{
	const u64 *argv = b->strings + b->max_strings - b->envc - b->argc;
	const u64 *envp = argv + b->argc;
	u64 argc = b->argc, null = 0;
	int err;

	err = stack_write(b, sp, &argc, 8);
	sp += 8;
	if (!err)
		err = stack_write(b, sp, argv, b->argc * 8);
	sp += b->argc * 8;
	if (!err)
		err = stack_write(b, sp, &null, 8);
	sp += 8;
	if (!err)
		err = stack_write(b, sp, envp, b->envc * 8);
	sp += b->envc * 8;
	if (!err)
		err = stack_write(b, sp, &null, 8);
	if (!err)
		err = stack_write(b, sp + 8, current->mm->auxv,
				  current->mm->auxv_len * 8);
	return err;
}

static int build_stack(struct binprm *b, struct elf_program *p,
		       unsigned long *sp_out)
{
	struct mm *mm = current->mm;
	u8 seed[16];
	u64 sp = b->p, random_addr;
	int err;

	if (is_random())
		sp -= random_u32_below(8192) & ~15u;
	random_addr = (sp & ~15ull) - sizeof(seed);
	random_bytes(seed, sizeof(seed));
	err = stack_write(b, random_addr, seed, sizeof(seed));
	if (err)
		return err;
	fill_auxv(b, p, random_addr);
	sp = random_addr - (3 + (u64)b->argc + b->envc + mm->auxv_len) * 8;
	sp &= ~15ull;
	mm->start_stack = sp;
	*sp_out = sp;
	err = write_tables(b, sp);
	stack_unpin(b);
	return err;
}

static int make_stack_executable(struct binprm *b)
{
	struct vma *v;
	unsigned long start, end;

	rwsem_read_lock(&current->mm->map_lock);
	v = vma_find(current->mm, b->p);
	start = v->start;
	end = v->end;
	rwsem_read_unlock(&current->mm->map_lock);
	return mm_protect(current->mm, start, end - start, 7);
}

/* --- the loader -----------------------------------------------------------------------*/

static int load_image(struct binprm *b, struct elf_program *p)
{
	unsigned long sp;
	u64 entry;
	int err = 0;

	if (p->is_stack_exec)
		err = make_stack_executable(b);
	if (!err)
		err = map_program(p);
	if (err)
		return err;
	note_layout(p);
	set_brk(p);
	err = map_interp(p);
	if (!err)
		err = map_vdso(current->mm);
	if (!err)
		err = build_stack(b, p, &sp);
	if (err)
		return err;
	entry = p->has_interp ? p->interp.eh.e_entry + p->interp.bias :
				p->exe.eh.e_entry + p->exe.bias;
	if (entry >= TASK_SIZE)
		return -ENOEXEC;
	arch_start_user(task_regs(current), entry, sp);
	return 0;
}

int elf_load(struct binprm *b)
{
	struct elf_program *p;
	int err;

	if (memcmp(b->buf, ELFMAG, SELFMAG))
		return -ENOEXEC;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	err = read_program(b, p);
	if (!err)
		err = exec_commit(b);
	if (!err)
		err = check_segments(p);
	if (!err)
		err = load_image(b, p);
	program_free(p);
	return err;
}
