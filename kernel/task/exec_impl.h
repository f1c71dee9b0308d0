#pragma once
/* exec's state between its files. */
#include "task_impl.h"

#include <fs/vfs.h>
#include <lib/elf.h>
#include <mm/mm.h>

#define BINPRM_BUF_SIZE 256
#define MAX_ARG_STRLEN (32 * PAGE_SIZE)

struct binprm {
	struct file *file;	/* to be interpreted. owned, writers denied */
	struct file *exe;	/* the program /proc/PID/exe names; = file */
	struct mm *mm;		/* the new address space; owned until swapped */
	struct cred *cred;	/* owned until committed */
	const char *filename;	/* as the caller named it */
	char *interp;		/* what is run for it; allocated, or NULL */
	char *fdpath;		/* "/dev/fd/N", allocated, or NULL */
	/* the stack under construction */
	unsigned long p;	/* lowest byte used */
	unsigned long limit;	/* p may not go below */
	struct page *page;	/* of `page_addr`, pinned; or NULL */
	unsigned long page_addr;
	u64 *strings;		/* addresses: argv, then envp */
	u32 argc, envc, max_strings;
	unsigned long exec_str;	/* address of the file name */
	/* credentials */
	bool is_secure;		/* AT_SECURE */
	bool has_fcaps;
	bool is_unsafe;		/* shared or traced: no more rights */
	bool is_unreadable;	/* the caller may not read it: no dump */
	bool is_path_gone;	/* fdpath names a close-on-exec descriptor */
	bool is_committed;	/* past the point of no return */
	int depth;		/* of interpreters */
	char buf[BINPRM_BUF_SIZE];
};

/* --- exec_args.c: strings and tables on the new stack */
struct user_strings {
	const char __user *const __user *user;	/* one of the two */
	const char *const *kernel;
};
int __must_check args_begin(struct binprm *b);
/* Counts both lists and copies name, environment and arguments. */
int __must_check args_copy(struct binprm *b, const struct user_strings *argv,
			   const struct user_strings *envp);
/* Another argv[0], pushed below the rest (scripts). */
int __must_check args_push_front(struct binprm *b, const char *s);
int __must_check args_drop_first(struct binprm *b);
int __must_check stack_write(struct binprm *b, unsigned long addr,
			     const void *from, size_t n);
void stack_unpin(struct binprm *b);

/* --- exec.c */
/* From here on errors kill. */
int __must_check exec_commit(struct binprm *b);
int __must_check exec_open(int dfd, const char *name, unsigned flags,
			   struct file **out);
void exec_close(struct file *f);

/* --- exec_cred.c */
int __must_check exec_prepare_cred(struct binprm *b);
/* Under exec_lock: a tracer may have come since.  */
void exec_recheck_cred(struct binprm *b);
/* Set-id bits and file capabilities of b->file. */
int __must_check exec_fill_cred(struct binprm *b);

/* --- formats: -ENOEXEC if it is not theirs; script replaces b->file. */
int __must_check script_load(struct binprm *b);
int __must_check elf_load(struct binprm *b);
