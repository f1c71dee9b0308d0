#pragma once
/* Classic BPF as system call filters use it. */
#include <lib/compiler.h>
#include <lib/types.h>

struct cbpf_insn {		/* struct sock_filter */
	u16 code;
	u8 jt, jf;
	u32 k;
};
#define CBPF_MAX_INSNS 4096
#define CBPF_MEM_WORDS 16

/* -EINVAL unless the program ends in every run, reads only whole words of
 * size bytes of data, and only memory that it wrote before.  valid: scratch
 * of n words. */
int __must_check cbpf_check(const struct cbpf_insn *prog, unsigned n,
			    unsigned size, u16 *valid);
/* The value of a checked program. */
u32 cbpf_run(const struct cbpf_insn *prog, const void *data, unsigned size);
