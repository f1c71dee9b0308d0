#pragma once
/*
 * Address spaces.  docs/memory.md.
 *
 * Life: mm.users counts tasks (and /proc, ptrace) that use it as an address
 * space: the last mm_put() unmaps all.  mm.refs counts lazy borrowers that
 * only keep the tables (kernel tasks); the last mm_drop() frees.
 * Locks: map_lock: areas.  Page-table pages have a spinlock each; faults take
 * map_lock shared.
 */
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <lib/rbtree.h>
#include <mm/page.h>

struct file;
struct mapping;
struct task;
struct user_ns;
struct regs;

/* vma.flags: low bits are what /proc/PID/maps and mprotect see. */
#define VM_READ		0x1ul
#define VM_WRITE	0x2ul
#define VM_EXEC		0x4ul
#define VM_SHARED	0x8ul
#define VM_MAYREAD	0x10ul
#define VM_MAYWRITE	0x20ul
#define VM_MAYEXEC	0x40ul
#define VM_MAYSHARE	0x80ul
#define VM_GROWSDOWN	0x100ul
#define VM_LOCKED	0x2000ul
#define VM_IO		0x4000ul
#define VM_SEQ_READ	0x8000ul
#define VM_RAND_READ	0x10000ul
#define VM_DONTCOPY	0x20000ul
#define VM_DONTEXPAND	0x40000ul
#define VM_ACCOUNT	0x100000ul
#define VM_LOCKONFAULT	0x80000ul
#define VM_NORESERVE	0x200000ul
#define VM_HUGEPAGE	0x20000000ul	/* advice only */
#define VM_NOHUGEPAGE	0x40000000ul
#define VM_WIPEONFORK	0x2000000ul
#define VM_DONTDUMP	0x4000000ul
#define VM_PFNMAP	0x400ul
#define VM_SPECIAL_VDSO	0x10000000ul
#define VM_SEALED	0x8000000000000000ul

struct vma;

struct vma_fault {
	struct vma *vma;
	unsigned long addr;	/* page aligned */
	u64 index;		/* in vma->mapping */
	unsigned flags;		/* FAULT_* */
	struct page *page;	/* out: referenced, up to date */
};

/* Any may be NULL. */
struct vma_ops {
	void (*open)(struct vma *v);	/* copied or split: take references */
	void (*close)(struct vma *v);
	/* Finds the page: 0 with f->page, or the signal's -errno: -EFAULT
	 * (SIGSEGV), -EIO/-ENXIO beyond EOF (SIGBUS), -ENOMEM (OOM),
	 * -EINTR (killed). May sleep; map_lock is held shared. */
	int (*fault)(struct vma_fault *f);
	/* A shared page is about to become writable (page locked). */
	int (*mkwrite)(struct vma *v, struct page *p);
	/* Peek or poke for ptrace on special areas. */
	int (*access)(struct vma *v, unsigned long addr, void *buf, size_t n,
		      bool write);
	const char *(*name)(struct vma *v);	/* "[vdso]" */
	int (*mprotect)(struct vma *v, unsigned long new_flags);
};

struct vma {
	struct rb_node node;		/* map_lock */
	unsigned long start, end;	/* map_lock */
	unsigned long flags;		/* VM_*. map_lock */
	unsigned prot;			/* PROT_* for pte_make. map_lock */
	struct mm *mm;
	unsigned long gap;		/* augmented: largest gap below */
	unsigned long subtree_gap;
	const struct vma_ops *ops;	/* NULL: anonymous private */
	struct file *file;		/* reference held by ops->open/close */
	struct mapping *mapping;	/* page cache behind it, or NULL */
	u64 pgoff;			/* page index of start */
	struct list mapping_node;	/* mapping->mmap_lock */
	void *priv;
	const char *anon_name;
	bool has_anon;			/* private pages may be in it; only
					 * grows. map_lock shared is enough */
	bool is_forked;			/* had some at fork: shares with others.
					 * map_lock */
};

struct mm {
	struct ref users, refs;
	struct rwsem map_lock;
	struct rb_root vmas __guarded_by(&map_lock);
	struct vma *last_vma;		/* look-up cache. atomic hint */
	u32 nr_vmas;			/* map_lock */
	u32 stagger;			/* counts large mappings. map_lock */
	struct pte *root;		/* const */
	paddr_t root_pa;
	struct cpumask active;		/* harts that run it now. atomic */
	u64 tlb_gen;			/* last flush it asked for. atomic */
	unsigned long mmap_base;	/* top of the mmap region. const */
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;	/* map_lock */
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long vdso;
	u64 auxv[2 * 32];
	u32 auxv_len;
	struct {
		s64 file, anon, shmem, swap, tables;
	} rss;				/* pages. atomic */
	u64 hiwater_rss, hiwater_vm;
	u64 total_vm, locked_vm, data_vm, stack_vm, exec_vm; /* map_lock */
	struct file *exe_file;		/* RCU-ish: under alloc lock */
	struct user_ns *user_ns;	/* of exe_file; goes with it */
	unsigned long def_flags;	/* mlockall */
	u32 dumpable;
	u32 membarrier_state;
	struct task *owner;
	u64 id;				/* of this one only, ever. const */
	int oom_score_adj_min;
	bool is_aslr;
	bool is_thp_disabled;		/* PR_SET_THP_DISABLE; kept by exec */
	bool has_dontcopy;		/* some area had VM_DONTCOPY once */
	void (*exe_release)(struct mm *mm);	/* drops exe_file */
	void (*aio_release)(struct mm *mm);	/* set with the first context */
	struct list zombie_node;	/* freed once no hart has it loaded */
};

extern struct mm init_mm;	/* the kernel's own table */

int __must_check mm_create(struct mm **out);
/* Copy for fork: areas, page tables copy-on-write; eager for what the child
 * surely writes (stack page). The parent is current. */
int __must_check mm_fork(struct mm *from, struct mm **out);
static inline void mm_get(struct mm *mm)
{
	ref_get(&mm->users);
}
void mm_put(struct mm *mm);		/* may sleep */
void mm_drop(struct mm *mm);
/* The mm of a task with a users reference, or NULL. */
struct mm *task_get_mm(struct task *t);
/* Loads another mm as current's own (exec); the caller drops the old one. */
void mm_switch_current(struct mm *mm);
/* exec: sets the layout (randomised unless told) before mapping: mmap_base,
 * and start_stack as the suggested top of the stack. */
void mm_set_layout(struct mm *mm, bool randomize, unsigned long stack_rlimit);

/* The area that contains addr or the first above. map_lock held. */
struct vma *vma_find(struct mm *mm, unsigned long addr);
static inline struct vma *vma_find_exact(struct mm *mm, unsigned long addr)
{
	struct vma *v = vma_find(mm, addr);

	return v && v->start <= addr ? v : NULL;
}
struct vma *vma_first(struct mm *mm);
struct vma *vma_next(struct vma *v);

/* What mmap() wants, resolved by the system call layer. */
struct map_request {
	unsigned long addr, len;
	unsigned prot;			/* Linux PROT_* (READ 1 WRITE 2 EXEC 4) */
	unsigned flags;			/* Linux MAP_* */
	struct file *file;		/* NULL: anonymous */
	u64 pgoff;
	struct mapping *image;		/* without addr: its home; or NULL */
	unsigned long may_flags;	/* VM_MAY* that the file allows */
	/* Called with the new area set up: file's mmap operation, sets
	 * vma->ops and vma->mapping, takes references. */
	int (*attach)(struct file *f, struct vma *v);
};
#define MAP_SHARED		1u
#define MAP_PRIVATE		2u
#define MAP_SHARED_VALIDATE	3u
#define MAP_TYPE		0xfu
#define MAP_FIXED		0x10u
#define MAP_ANONYMOUS		0x20u
#define MAP_GROWSDOWN		0x100u
#define MAP_DENYWRITE		0x800u
#define MAP_EXECUTABLE		0x1000u
#define MAP_LOCKED		0x2000u
#define MAP_NORESERVE		0x4000u
#define MAP_POPULATE		0x8000u
#define MAP_NONBLOCK		0x10000u
#define MAP_STACK		0x20000u
#define MAP_HUGETLB		0x40000u
#define MAP_SYNC		0x80000u
#define MAP_FIXED_NOREPLACE	0x100000u

/* All take map_lock themselves and work on current->mm unless given one. */
int __must_check mm_map(struct mm *mm, const struct map_request *rq,
			unsigned long *addr);
/* Where processes map len bytes of a file first, if that is the same for all
 * of them (mm/home.c); else 0. */
unsigned long image_home(struct mapping *m, size_t len);
/* How far from its region's start a position-independent program goes. */
unsigned long program_offset(struct mapping *m);
int __must_check mm_unmap(struct mm *mm, unsigned long addr, size_t len);
/* All areas with these operations that are left of an object mapped at addr
 * (shmdt). -EINVAL: none. */
int __must_check mm_unmap_object(unsigned long addr,
				 const struct vma_ops *ops);
int __must_check mm_protect(struct mm *mm, unsigned long addr, size_t len,
			    unsigned prot);
int __must_check mm_remap(unsigned long addr, size_t old_len, size_t new_len,
			  unsigned flags, unsigned long new_addr,
			  unsigned long *out);
unsigned long mm_brk(unsigned long brk);	/* the (old or new) break */
/* Shared pages of a file give place to others of it (remap_file_pages). */
int __must_check mm_remap_pages(unsigned long start, size_t size, u64 pgoff,
				bool populate);
/* In another's mm only what leaves its contents alone, like WILLNEED. */
int __must_check mm_advise(struct mm *mm, unsigned long addr, size_t len,
			   int advice);
/* No change but new bytes from here on: mseal(2). */
int __must_check mm_seal(unsigned long addr, size_t len);
int __must_check mm_sync(unsigned long addr, size_t len, int flags);
int __must_check mm_lock_range(unsigned long addr, size_t len, unsigned flags);
int __must_check mm_unlock_range(unsigned long addr, size_t len);
int __must_check mm_lock_all(unsigned flags);
int __must_check mm_unlock_all(void);
/* Of a file for which may_tell() says no, every page counts as resident. */
int __must_check mm_incore(unsigned long addr, size_t len, u8 __user *vec,
			   bool (*may_tell)(const struct file *f));
/* exec: the initial stack area below `top`; returns it mapped. */
int __must_check mm_map_stack(struct mm *mm, unsigned long top,
			      unsigned long flags, struct vma **out);
/* A special area whose pages are given (vDSO): `pages` of n entries. */
int __must_check mm_swap_special(struct mm *mm, struct page **from,
				 struct page **to);
int __must_check mm_map_special(struct mm *mm, unsigned long *addr, size_t len,
				unsigned long flags, struct page **pages,
				const char *name);

/* Resolves a user fault of current. 0, or a signal with *code. */
int mm_fault(struct regs *r, unsigned long addr, unsigned flags, int *code);
/* Faults pages in for the kernel. -EFAULT. */
int __must_check mm_fault_in(unsigned long addr, size_t len, bool write);
/* Pins n pages of another or own address space; *got of them, referenced. */
int __must_check mm_get_pages(struct mm *mm, unsigned long addr, unsigned n,
			      bool write, bool force, struct page **pages,
			      unsigned *got);
/* Reads or writes another address space (ptrace, /proc/PID/mem,
 * process_vm_*, exec's argument pages); bytes done. */
size_t mm_access(struct mm *mm, unsigned long addr, void *buf, size_t n,
		 bool write, bool force);

/* Generic area operations for page-cache files: fault-around included. The
 * fs supplies open/close for the file reference. */
int filemap_fault(struct vma_fault *f);

/* Identity of a futex word: shared pages by (mapping or mm, index). */
struct futex_key {
	u64 a;		/* mm or inode number-ish */
	u64 b;		/* page index or address */
	u32 off;
	bool is_shared;
};
int __must_check mm_futex_key(const u32 __user *p, bool is_shared, bool write,
			      struct futex_key *key);

/* Sums for /proc: pages. */
static inline u64 mm_rss_pages(const struct mm *mm)
{
	s64 n = mm->rss.file + mm->rss.anon + mm->rss.shmem;

	return n > 0 ? (u64)n : 0;
}
/* Per-area numbers for smaps, walking the tables; map_lock held. */
struct vma_stats {
	u64 rss, pss, pss_dirty, pss_anon, pss_file, pss_shmem;
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, swap, locked;
};
void vma_get_stats(struct vma *v, struct vma_stats *s);
/* The same for numa_maps, in pages; mapmax: most entries that one has. */
struct vma_places {
	u64 pages, anon, dirty, active, writeback, mapmax;
};
void vma_get_places(struct vma *v, struct vma_places *s);
/* Pages of areas without, with a file look unused until the next access. */
int __must_check mm_forget_accesses(struct mm *mm, bool anon, bool file);
/* pagemap entry of one page (bits as /proc/PID/pagemap). */
u64 mm_pagemap(struct mm *mm, unsigned long addr);

/* Words of a frame as /proc/kpageflags and kpagecount show them. */
u64 frame_flags(pfn_t pfn);
u64 frame_mapcount(pfn_t pfn);

/* Shared anonymous memory needs tmpfs: floor 6 fills this in.  Returns a
 * referenced file of `size` bytes, that count as promised as long as it lives
 * if is_promised; -ENOMEM if they cannot be. */
extern int (*shmem_file_hook)(const char *name, u64 size, bool is_promised,
			      struct file **out);
/* The file's mmap operation, for areas that mm makes from a file itself. */
extern int (*file_attach_hook)(struct file *f, struct vma *v);
/* fsync of a byte range, for msync; NULL: write-back of the page cache. */
extern int (*file_sync_hook)(struct file *f, u64 start, u64 end);
/* A hole in the bytes of a file, for madvise. */
extern int (*file_punch_hook)(struct file *f, u64 start, u64 len);
/* How mm lets go of and takes files it holds (set by fs core). */
extern void (*file_put_hook)(struct file *f);
extern void (*file_get_hook)(struct file *f);
/* Limits that mm asks for: RLIMIT_* of current, set by floor 5. */
extern u64 (*rlimit_hook)(unsigned resource, bool is_hard);
extern bool (*capable_hook)(int cap);
/* Kills when memory is gone: floor 5. */
extern void (*oom_kill_hook)(void);

/* Overcommit, /proc/sys/vm. */
extern int sysctl_overcommit_memory, sysctl_overcommit_ratio;
extern u64 sysctl_overcommit_kbytes;	/* 0: the ratio holds */
extern int sysctl_dirty_background_ratio, sysctl_dirty_ratio;
extern u32 sysctl_max_map_count;
extern unsigned long sysctl_mmap_min_addr;
extern int sysctl_randomize_va_space;	/* 0 with norandmaps */
/* -ENOMEM if the pages cannot be promised; charged otherwise. */
int __must_check vm_commit(u64 pages);
void vm_uncommit(u64 pages);
u64 vm_committed_pages(void);
u64 vm_commit_limit_pages(void);
