#pragma once
/* Usage sums in the form of getrusage(2). */
#include <task/process.h>
#include <uapi/task.h>

static inline struct timeval64 ns_to_timeval(u64 ns)
{
	return (struct timeval64){
		.sec = (s64)(ns / NSEC_PER_SEC),
		.usec = (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC),
	};
}

static inline void rusage_fill(struct rusage *r, const struct task_sums *s)
{
	*r = (struct rusage){
		.utime = ns_to_timeval(s->utime),
		.stime = ns_to_timeval(s->stime),
		.maxrss = (s64)s->maxrss * 4,
		.minflt = (s64)s->min_flt,
		.majflt = (s64)s->maj_flt,
		.inblock = (s64)s->in_blocks,
		.oublock = (s64)s->out_blocks,
		.nvcsw = (s64)s->nvcsw,
		.nivcsw = (s64)s->nivcsw,
	};
}
