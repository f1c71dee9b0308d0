#pragma once
/*
 * /proc/snapshot: the state of all tasks at one moment (docs/snapshot.md).
 * Little-endian.  A later version may append to the header and to the record;
 * what stands here keeps its place.
 */
#include <lib/compiler.h>
#include <lib/types.h>

#define SNAPSHOT_MAGIC 0x50414e5357544157ull	/* "WATWSNAP" */
#define SNAPSHOT_VERSION 1u

struct snapshot_header {
	u64 magic;
	u32 version;
	u32 header_size;	/* of this structure */
	u32 field_size, nr_fields;	/* descriptions follow the header */
	u32 record_size, nr_records;	/* then come the records */
	u64 records_at;		/* from the start of the file */
	u64 texts_at, texts_size;	/* command lines; 0: not asked for */
	u64 boot_ns;		/* CLOCK_BOOTTIME of the moment */
	u64 real_ns;		/* CLOCK_REALTIME of the moment */
	u64 memory_pages;	/* MemTotal */
	u32 page_size, nr_harts;
	u32 hidden;		/* 1: tasks are left out (hidepid=) */
	u32 _pad;
};
static_assert(sizeof(struct snapshot_header) == 96, "snapshot header");

enum { SNAPSHOT_UNSIGNED, SNAPSHOT_SIGNED, SNAPSHOT_TEXT };

struct snapshot_field {
	char name[16];
	u16 offset, size;
	u16 kind;		/* SNAPSHOT_* */
	u16 _pad;
};
static_assert(sizeof(struct snapshot_field) == 24, "snapshot field");

/* A thread.  A process's leader comes first, its other threads follow. */
struct snapshot_record {
	s32 tid, tgid, ppid, pgid, sid, tpgid;
	u32 tty;		/* as in stat; 0: none */
	u32 flags;		/* as in stat */
	u32 uid, euid, gid, egid;
	u8 state;		/* letter as in stat */
	u8 policy;
	s8 nice;
	u8 is_leader;
	s32 prio;
	u32 rt_priority, hart, threads;
	s32 exit_signal;
	u32 text_at, text_size;	/* command line, from texts_at */
	u64 start_ns;		/* CLOCK_BOOTTIME */
	u64 utime_ns, stime_ns;	/* of this thread */
	u64 min_flt, maj_flt;
	u64 nvcsw, nivcsw, run_delay_ns;
	/* Leaders only: of the whole process, dead threads included ... */
	u64 all_utime_ns, all_stime_ns, all_min_flt, all_maj_flt;
	/* ... and of its reaped children. */
	u64 kids_utime_ns, kids_stime_ns, kids_min_flt, kids_maj_flt;
	u64 vsize_bytes, rss_pages, locked_pages;
	char comm[16];
};
static_assert(sizeof(struct snapshot_record) == 248, "snapshot record");
