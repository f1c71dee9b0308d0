/*
 * latency - how long system calls take: `syscall_latency`.
 *
 * Theory:  each hart counts by call and by the power of two of its time; a
 *          read adds the harts up.  "1" switches on and starts at zero, "0"
 *          switches off and keeps what was counted.
 * Locks:   tracefs_lock; the counts are read while harts count on.
 */
#include "tracefs_impl.h"

#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <syscall_names.h>

#define TABLE_BYTES (NR_SYSCALLS * sizeof(struct trace_latency))

static int tables_get(void)
{
	for_each_hart(h) {
		struct trace_latency *l = trace_latencies[h->id];

		if (!l) {
			l = kvmalloc(TABLE_BYTES, GFP_KERNEL);
			if (!l)
				return -ENOMEM;
		}
		memset(l, 0, TABLE_BYTES);
		store_release(&trace_latencies[h->id], l);
	}
	return 0;
}

static int latency_write(char *text, size_t len, u64 key)
{
	bool on;
	int err = str_to_bool(text, &on);

	if (err)
		return err;
	mutex_lock(&tracefs_lock);
	if (on)
		err = tables_get();
	if (!err) {
		WRITE_ONCE(trace_latencies_on, on);
		trace_syscalls_update();
	}
	mutex_unlock(&tracefs_lock);
	return err;
}

static void add_up(unsigned nr, struct trace_latency *sum)
{
	memset(sum, 0, sizeof(*sum));
	for_each_hart(h) {
		const struct trace_latency *l = trace_latencies[h->id];

		if (!l)
			continue;
		l += nr;
		sum->sum += l->sum;
		sum->count += l->count;
		sum->max_us = max(sum->max_us, l->max_us);
		for (unsigned i = 0; i < TRACE_LAT_BUCKETS; i++)
			sum->bucket[i] += l->bucket[i];
	}
}

static void show_call(struct seq *s, const char *name,
		      const struct trace_latency *l)
{
	seq_printf(s, "%-20s %8u %10llu %10u ", name, l->count,
		   l->sum / l->count, l->max_us);
	for (unsigned i = 0; i < TRACE_LAT_BUCKETS; i++)
		if (l->bucket[i])
			seq_printf(s, " <%lluns:%u", 1ull << i, l->bucket[i]);
	seq_putc(s, '\n');
}

static int latency_show(struct seq *s, u64 key)
{
	struct trace_latency l;

	seq_printf(s, "# %s\n# call                   count    mean_ns     max_us  histogram\n",
		   trace_latencies_on ? "on" : "off");
	for (unsigned i = 0; i < NR_SYSCALLS; i++) {
		add_up(i, &l);
		if (l.count)
			show_call(s, syscall_names[i] ? syscall_names[i] : "?",
				  &l);
	}
	return 0;
}

const struct trace_type trace_latency_file = {
	.mode = S_IFREG | 0640, .show = latency_show, .write = latency_write,
};
