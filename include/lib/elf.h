/*
 * elf - the ELF64 format, for the program loader and for core dumps.
 *
 * The checks are pure: they look at headers that the caller has read, and
 * promise that the arithmetic of a loader on them cannot overflow.
 */
#pragma once

#include <lib/compiler.h>

#define EI_NIDENT 16
#define EI_CLASS 4
#define EI_DATA 5
#define EI_VERSION 6
#define EI_OSABI 7
#define ELFMAG "\177ELF"
#define SELFMAG 4
#define ELFCLASS64 2
#define ELFDATA2LSB 1
#define EV_CURRENT 1
#define ELFOSABI_NONE 0

#define ET_NONE 0
#define ET_REL 1
#define ET_EXEC 2
#define ET_DYN 3
#define ET_CORE 4

#define EM_RISCV 243
#define EF_RISCV_RVC 0x0001
#define EF_RISCV_FLOAT_ABI 0x0006

#define PT_NULL 0
#define PT_LOAD 1
#define PT_DYNAMIC 2
#define PT_INTERP 3
#define PT_NOTE 4
#define PT_SHLIB 5
#define PT_PHDR 6
#define PT_TLS 7
#define PT_GNU_EH_FRAME 0x6474e550
#define PT_GNU_STACK 0x6474e551
#define PT_GNU_RELRO 0x6474e552
#define PT_GNU_PROPERTY 0x6474e553
#define PT_RISCV_ATTRIBUTES 0x70000003
#define PN_XNUM 0xffff

#define PF_X 1
#define PF_W 2
#define PF_R 4

#define SHT_NULL 0
#define SHT_PROGBITS 1
#define SHT_SYMTAB 2
#define SHT_STRTAB 3
#define SHT_RELA 4
#define SHT_NOTE 7
#define SHT_NOBITS 8

/* Auxiliary vector. */
#define AT_NULL 0
#define AT_IGNORE 1
#define AT_EXECFD 2
#define AT_PHDR 3
#define AT_PHENT 4
#define AT_PHNUM 5
#define AT_PAGESZ 6
#define AT_BASE 7
#define AT_FLAGS 8
#define AT_ENTRY 9
#define AT_NOTELF 10
#define AT_UID 11
#define AT_EUID 12
#define AT_GID 13
#define AT_EGID 14
#define AT_PLATFORM 15
#define AT_HWCAP 16
#define AT_CLKTCK 17
#define AT_SECURE 23
#define AT_BASE_PLATFORM 24
#define AT_RANDOM 25
#define AT_HWCAP2 26
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN 28
#define AT_EXECFN 31
#define AT_SYSINFO_EHDR 33
#define AT_L1I_CACHESIZE 40
#define AT_L1I_CACHEGEOMETRY 41
#define AT_L1D_CACHESIZE 42
#define AT_L1D_CACHEGEOMETRY 43
#define AT_L2_CACHESIZE 44
#define AT_L2_CACHEGEOMETRY 45
#define AT_L3_CACHESIZE 46
#define AT_L3_CACHEGEOMETRY 47
#define AT_MINSIGSTKSZ 51

/* Notes of core files and of PTRACE_GETREGSET. */
#define NT_PRSTATUS 1
#define NT_PRFPREG 2
#define NT_PRPSINFO 3
#define NT_AUXV 6
#define NT_SIGINFO 0x53494749
#define NT_FILE 0x46494c45
#define NT_RISCV_CSR 0x900
#define NT_RISCV_VECTOR 0x901
#define NT_GNU_PROPERTY_TYPE_0 5

struct elf64_ehdr {
	u8 e_ident[EI_NIDENT];
	u16 e_type;
	u16 e_machine;
	u32 e_version;
	u64 e_entry;
	u64 e_phoff;
	u64 e_shoff;
	u32 e_flags;
	u16 e_ehsize;
	u16 e_phentsize;
	u16 e_phnum;
	u16 e_shentsize;
	u16 e_shnum;
	u16 e_shstrndx;
};

struct elf64_phdr {
	u32 p_type;
	u32 p_flags;
	u64 p_offset;
	u64 p_vaddr;
	u64 p_paddr;
	u64 p_filesz;
	u64 p_memsz;
	u64 p_align;
};

struct elf64_shdr {
	u32 sh_name;
	u32 sh_type;
	u64 sh_flags;
	u64 sh_addr;
	u64 sh_offset;
	u64 sh_size;
	u32 sh_link;
	u32 sh_info;
	u64 sh_addralign;
	u64 sh_entsize;
};

struct elf64_sym {
	u32 st_name;
	u8 st_info;
	u8 st_other;
	u16 st_shndx;
	u64 st_value;
	u64 st_size;
};

struct elf64_rela {
	u64 r_offset;
	u64 r_info;
	s64 r_addend;
};

struct elf64_dyn {
	s64 d_tag;
	u64 d_val;
};

struct elf64_nhdr {
	u32 n_namesz;
	u32 n_descsz;
	u32 n_type;
};

static_assert(sizeof(struct elf64_ehdr) == 64, "ELF ABI");
static_assert(sizeof(struct elf64_phdr) == 56, "ELF ABI");
static_assert(sizeof(struct elf64_shdr) == 64, "ELF ABI");

/* As Linux: a table of program headers of at most one page. */
#define ELF_MAX_PHDRS_BYTES 4096

/* What a loader needs to know of all PT_LOAD together. */
struct elf_span {
	u64 lo;			/* lowest p_vaddr, rounded down to a page */
	u64 hi;			/* end of the highest segment */
	u64 align;		/* largest p_align, at least a page */
	unsigned int loads;
};

/*
 * A 64-bit little-endian RISC-V program or shared object with a usable
 * table of program headers: 0, else -ENOEXEC.
 */
int __must_check elf_check_header(const struct elf64_ehdr *eh);

/*
 * All segments: sizes and ends do not overflow and stay below limit (the end
 * of user space), file size not above memory size, offset and address agree
 * modulo the page, PT_LOAD in ascending order (not required to be apart).
 * 0 with *span filled; -ENOEXEC, or -EINVAL without any PT_LOAD;
 * -ENOMEM if one lies beyond limit.
 */
int __must_check elf_check_phdrs(const struct elf64_phdr *ph, unsigned int n,
				 u64 limit, struct elf_span *span);

/* The first header of a type, or NULL. */
const struct elf64_phdr *elf_find_phdr(const struct elf64_phdr *ph,
				       unsigned int n, u32 type);
