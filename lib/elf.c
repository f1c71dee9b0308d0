/*
 * elf - is this ELF file safe to work with?
 */
#include <lib/elf.h>
#include <lib/errno.h>
#include <lib/string.h>

#define PAGE 4096ULL

int elf_check_header(const struct elf64_ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return -ENOEXEC;
	if (eh->e_machine != EM_RISCV)
		return -ENOEXEC;
	if (eh->e_phentsize != sizeof(struct elf64_phdr) || !eh->e_phnum ||
	    eh->e_phnum > ELF_MAX_PHDRS_BYTES / sizeof(struct elf64_phdr))
		return -ENOEXEC;
	if (eh->e_phoff > (u64)S64_MAX - ELF_MAX_PHDRS_BYTES)
		return -ENOEXEC;
	return 0;
}

static int check_load(const struct elf64_phdr *p, u64 limit, u64 *end)
{
	u64 file_end;

	if (p->p_filesz > p->p_memsz ||
	    ((p->p_offset ^ p->p_vaddr) & (PAGE - 1)))
		return -ENOEXEC;
	if (add_overflow(p->p_offset, p->p_filesz, &file_end) ||
	    file_end > (u64)S64_MAX - PAGE)
		return -ENOEXEC;
	if (p->p_align > 1 && !is_pow2(p->p_align))
		return -ENOEXEC;
	if (add_overflow(p->p_vaddr, p->p_memsz, end) || *end > limit)
		return -ENOMEM;
	return 0;
}

/* A segment of no size takes part in nothing, but must be sound. */
int elf_check_phdrs(const struct elf64_phdr *ph, unsigned int n, u64 limit,
		    struct elf_span *span)
{
	struct elf_span s = { U64_MAX, 0, PAGE, 0 };
	unsigned int i;
	u64 end, last = 0;
	int err;

	for (i = 0; i < n; i++, ph++) {
		if (ph->p_type != PT_LOAD)
			continue;
		err = check_load(ph, limit, &end);
		if (err)
			return err;
		if (ph->p_vaddr < last)
			return -ENOEXEC;
		last = ph->p_vaddr;
		s.lo = min(s.lo, ALIGN_DOWN(ph->p_vaddr, PAGE));
		s.hi = max(s.hi, end);
		s.align = max(s.align, ph->p_align);
		s.loads++;
	}
	if (!s.loads)
		return -EINVAL;
	*span = s;
	return 0;
}

const struct elf64_phdr *elf_find_phdr(const struct elf64_phdr *ph,
				       unsigned int n, u32 type)
{
	for (; n; n--, ph++) {
		if (ph->p_type == type)
			return ph;
	}
	return NULL;
}
