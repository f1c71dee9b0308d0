#pragma once
/*
 * /proc for the other rooms: files that are not about one task.
 *
 *	static int foo_show(struct seq *s, void *arg) { ... return 0; }
 *	static const struct proc_entry foo_entries[] = {
 *		{ .name = "sys/foo/bar", .mode = 0444, .show = foo_show },
 *	};
 *	proc_register(foo_entries, ARRAY_SIZE(foo_entries));
 *
 * at INIT_FS or later.
 */
#include <fs/seq.h>

struct proc_entry {
	const char *name;	/* below /proc; its directories are made */
	u32 mode;		/* with S_IFLNK, S_IFDIR if not a file */
	int (*show)(struct seq *s, void *arg);	/* the whole text */
	/* One write call's text, NUL-terminated: 0 or -Exxx. */
	int (*write)(char *text, size_t len, void *arg);
	const char *link;	/* target of a symbolic link */
	const struct file_ops *fops;	/* instead of show and write */
	/* CAP_SYS_RESOURCE in a user namespace makes one its owner. */
	bool is_per_user_ns;
	void *arg;
};

/* The table must live for ever. */
void proc_register(const struct proc_entry *table, unsigned n);

/* show and write of a plain number, with its limits. */
struct proc_int {
	int *value;
	int min, max;
};
int proc_int_show(struct seq *s, void *arg);
int proc_int_write(char *text, size_t len, void *arg);
