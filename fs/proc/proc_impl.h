#pragma once
/* What the files of /proc share with each other. */
#include <fs/proc.h>
#include <task/cred.h>
#include <task/pid.h>
#include <task/process.h>

#define PROC_ROOT_INO 1u

struct proc_node;
struct task_entry;

/* What an inode of /proc stands for. */
struct proc_inode {
	struct pid *pid;	/* owns a reference; NULL: no task's. const */
	const struct task_entry *te;	/* NULL: a task's directory. const */
	struct proc_node *node;	/* registered entry; or NULL. const */
	int fd;			/* below fd/ and fdinfo/. const */
	bool is_thread;		/* below task/. const */
	struct inode inode;
};

static inline struct proc_inode *proc_i(const struct inode *i)
{
	return container_of((struct inode *)i, struct proc_inode, inode);
}

/* Whose text it is and who will read it. */
struct task_view {
	struct task *t;
	struct pid_ns *ns;	/* numbers are shown as there */
	bool is_thread;		/* of this thread alone */
	const struct cred *opener;	/* of the file */
	u64 pos;		/* of a write */
	bool is_cut;		/* it brought more than its text */
};

/* One name in a task's directory. */
struct task_entry {
	const char *name;
	u32 mode;		/* with the type */
	u8 where;		/* IN_* */
	u8 access;		/* NEED_* */
	int (*show)(struct seq *s, const struct task_view *v);
	int (*write)(const struct task_view *v, char *text, size_t len);
	int (*target)(struct task *t, struct path *out);	/* magic link */
	const struct file_ops *fops;
	const struct inode_ops *ops;
	unsigned kind;		/* for `target` of namespaces */
};
#define IN_PROCESS 1u
#define IN_THREAD 2u
#define IN_BOTH 3u

#define NEED_READ 1u		/* ptrace_may_access READ, else EACCES */
#define NEED_ATTACH 2u		/* ATTACH, else EACCES */
#define NEED_TRACE 4u		/* ATTACH, else EPERM */
#define NEED_TO_WRITE 8u	/* CAP_SYS_ADMIN to open for it, else EACCES */

/* --- super.c ------------------------------------------------------------*/
/* What hidepid= keeps from others: who may not ptrace a task and is not in
 * the group gid= ... */
enum hidepid {
	HIDEPID_OFF,
	HIDEPID_NO_ACCESS,	/* cannot look into its directory */
	HIDEPID_INVISIBLE,	/* does not even see the directory */
	HIDEPID_NOT_PTRACEABLE = 4,	/* whatever its groups are */
};

struct proc_super {
	struct pid_ns *ns;	/* owns a reference. const */
	u32 hide;		/* HIDEPID_*. sb.inode_lock; read without */
	u32 gid;
	bool pids_only;		/* subset=pid */
};

static inline struct proc_super *proc_super(const struct super_block *sb)
{
	return sb->priv;
}

static inline struct pid_ns *proc_ns(const struct super_block *sb)
{
	return proc_super(sb)->ns;
}

/* May current do to t what is not allowed from `least` on? */
bool proc_may_see(const struct super_block *sb, struct task *t,
		  enum hidepid least);
/* Operations of a task's directory; inode_lock held. */
const struct inode_ops *proc_task_dir_ops_of(const struct super_block *sb)
	__must_hold(&sb->inode_lock);
int __must_check proc_inode_new(struct super_block *sb, u32 mode, u64 ino,
				struct proc_inode **out);
extern const struct dentry_ops proc_task_dentry_ops;
extern const struct super_ops proc_super_ops;

/* --- tree.c: registered entries -----------------------------------------*/
int __must_check proc_node_lookup(struct inode *dir, struct dentry *d);
/* Emits the children at positions `base` on; false: buffer full. */
bool proc_node_iterate(struct proc_node *n, struct dir_ctx *c, u64 base);
struct proc_node *proc_root_node(void);
int proc_node_setattr(struct dentry *d, struct iattr *a);
/* Gives the node's inode its mode and owner. */
void proc_node_owner(struct inode *i, const struct proc_node *n);
/* What a registered file was registered as. */
const struct proc_entry *proc_entry_of(const struct file *f);
u64 proc_node_count(struct proc_node *n);

/* --- base.c: directories of tasks ---------------------------------------*/
extern const struct inode_ops proc_task_dir_ops, proc_hidden_dir_ops;
extern const struct file_ops proc_task_dir_fops;
/* The task (referenced) an inode is about, or NULL: gone. */
struct task *proc_task(const struct inode *i);
/* For pid_of_dir_hook. */
struct pid *proc_pid_of_dir(struct file *f);
int __must_check proc_task_dir_attach(struct super_block *sb, struct pid *pid,
				      bool is_thread, struct dentry *d);
/* An inode of something in the directory that `dir` stands for. */
int __must_check proc_task_inode(struct inode *dir, struct task *t, u32 mode,
				 unsigned index, struct proc_inode **out);
void proc_refresh_owner(struct task *t, struct inode *i);
u64 proc_task_ino(const struct pid *p, bool is_thread, unsigned index);
/* Digits only, no leading zero, > 0. */
bool proc_parse_id(const struct dentry *d, int *out);
int __must_check proc_check_access(struct task *t, unsigned need);
/* ptrace_get_mm() with the errors of /proc. */
int __must_check proc_get_mm(struct task *t, unsigned need, struct mm **out);
/* The process's other objects, referenced; NULL: none. */
struct files *proc_get_files(struct task *t);
struct nsproxy *proc_get_nsproxy(struct task *t);
int proc_task_setattr(struct dentry *d, struct iattr *a);
int proc_magic_follow(struct dentry *d, struct inode *i, struct path *out);
int proc_magic_text(struct dentry *d, struct inode *i, const char **text,
		    void (**done)(void *), void **arg);
/* Text of a path, as get_link gives it. */
int __must_check proc_path_text(const struct path *p, const char **text,
				void (**done)(void *), void **arg);

/* --- what the table of a task's files is made of ------------------------*/
extern const struct file_ops proc_text_fops;
extern const struct inode_ops proc_file_ops, proc_magic_ops;

typedef int proc_show_fn(struct seq *s, const struct task_view *v);
typedef int proc_write_fn(const struct task_view *v, char *text, size_t len);
proc_show_fn proc_stat, proc_status, proc_statm, proc_children;	/* array.c */
/* "[heap]" and such, or NULL. */
const char *proc_area_name(const struct mm *mm, struct vma *v);
long proc_maps_ioctl(struct file *f, unsigned cmd, unsigned long arg);
proc_show_fn proc_maps, proc_smaps, proc_smaps_rollup, proc_cmdline,
	proc_environ, proc_auxv, proc_numa_maps;		/* task_mm.c */
int proc_clear_refs_write(const struct task_view *v, char *text, size_t len);
extern const struct file_ops proc_mem_fops, proc_pagemap_fops;	/* mem.c */
proc_show_fn proc_io, proc_limits, proc_schedstat, proc_sched, proc_stack,
	proc_wchan, proc_syscall, proc_comm, proc_fail_nth, proc_personality,
	proc_oom_score, proc_oom_adj, proc_oom_score_adj, proc_timers,
	proc_timerslack;					/* misc.c */
proc_show_fn proc_uid_map, proc_gid_map, proc_projid_map, proc_setgroups,
	proc_timens_offsets;					/* ns_maps.c */
proc_write_fn proc_uid_map_write, proc_gid_map_write, proc_projid_map_write,
	proc_setgroups_write, proc_timens_offsets_write;
int proc_coredump_filter(struct seq *s, const struct task_view *v);
int proc_coredump_filter_write(const struct task_view *v, char *text,
			       size_t len);
proc_write_fn proc_comm_write, proc_fail_nth_write, proc_oom_adj_write,
	proc_oom_score_adj_write, proc_timerslack_write;
extern const struct file_ops proc_fd_fops, proc_fdinfo_fops;	/* fd.c */
extern const struct inode_ops proc_fd_dir_ops, proc_fdinfo_dir_ops;
int proc_link_getattr(const struct path *p, struct kstat *st, u32 mask,
		      unsigned flags);
int proc_own_permission(struct inode *i, unsigned mask);
extern const struct file_ops proc_map_files_fops;	/* map_files.c */
extern const struct inode_ops proc_map_files_dir_ops;
extern const struct file_ops proc_ns_fops;			/* ns.c */
extern const struct inode_ops proc_ns_dir_ops;
extern const struct file_ops proc_mounts_fops, proc_mountinfo_fops,
	proc_mountstats_fops;					/* mounts.c */
extern const struct file_ops proc_threads_fops;			/* base.c */
extern const struct inode_ops proc_threads_dir_ops;
u32 proc_linux_flags(const struct task *t);			/* array.c */
/* At most `max` bytes of /proc/PID/cmdline.			   task_mm.c */
void proc_put_command_line(struct seq *s, struct task *t, size_t max);
/* The name of a task, with newlines and backslashes escaped. */
void proc_put_comm(struct seq *s, struct task *t);

#define PROC_RELEASE "6.12.0-hartwood"
#define PROC_VERSION "#1 SMP PREEMPT Hartwood"
