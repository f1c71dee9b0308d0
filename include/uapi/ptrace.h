#pragma once
/* What tracers see: Linux's structures of ptrace(2), in our words. */
#include <lib/compiler.h>
#include <lib/types.h>

#define PTRACE_SYSCALL_INFO_NONE 0
#define PTRACE_SYSCALL_INFO_ENTRY 1
#define PTRACE_SYSCALL_INFO_EXIT 2
#define PTRACE_SYSCALL_INFO_SECCOMP 3

struct ptrace_syscall_info {
	u8 op, _pad[3];
	u32 arch;
	u64 instruction_pointer, stack_pointer;
	union {
		struct { u64 nr, args[6]; } entry;
		struct { s64 rval; u8 is_error; } exit;
		struct { u64 nr, args[6]; u32 ret_data; } seccomp;
	};
};
static_assert(sizeof(struct ptrace_syscall_info) == 88, "syscall info");

struct ptrace_peeksiginfo_args {
	u64 off;
	u32 flags;
	s32 nr;
};
static_assert(sizeof(struct ptrace_peeksiginfo_args) == 16, "peeksiginfo");
#define PTRACE_PEEKSIGINFO_SHARED 1u
