#pragma once
/*
 * What programs see of tasks, clocks and limits: Linux's structures for
 * riscv64, in our words.
 */
#include <lib/compiler.h>
#include <lib/types.h>

struct timeval64 {
	s64 sec, usec;
};

struct timezone_k {
	s32 minuteswest, dsttime;
};

struct itimerval64 {
	struct timeval64 interval, value;
};

struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal;
	u64 stack, stack_size, tls;
	u64 set_tid, set_tid_size;
	u64 cgroup;
};
static_assert(sizeof(struct clone_args) == 88, "clone_args");
#define CLONE_ARGS_SIZE_VER0 64

struct rusage {
	struct timeval64 utime, stime;
	s64 maxrss, ixrss, idrss, isrss;
	s64 minflt, majflt, nswap, inblock, oublock;
	s64 msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
static_assert(sizeof(struct rusage) == 144, "rusage");

struct tms {
	s64 utime, stime, cutime, cstime;
};

struct utsname {
	char sysname[65], nodename[65], release[65], version[65];
	char machine[65], domainname[65];
};
static_assert(sizeof(struct utsname) == 390, "utsname");

struct sysinfo {
	s64 uptime;
	u64 loads[3];
	u64 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};
static_assert(sizeof(struct sysinfo) == 112, "sysinfo");

struct sched_param {
	s32 priority;
};

struct sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};
static_assert(sizeof(struct sched_attr) == 56, "sched_attr");
#define SCHED_ATTR_SIZE_VER0 48

struct sigevent {
	u64 value;
	s32 signo, notify;
	s32 tid;
	s32 _pad[11];
};
static_assert(sizeof(struct sigevent) == 64, "sigevent");

struct timex {
	u32 modes, _p0;
	s64 offset, freq, maxerror, esterror;
	s32 status, _p1;
	s64 constant, precision, tolerance;
	struct timeval64 time;
	s64 tick, ppsfreq, jitter;
	s32 shift, _p2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai;
	s32 _p3[11];
};
static_assert(sizeof(struct timex) == 208, "timex");

struct cap_header {
	u32 version;
	s32 pid;
};

struct cap_data {
	u32 effective, permitted, inheritable;
};
