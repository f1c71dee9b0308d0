/*
 * tracefs - /sys/kernel/tracing: the trace rings as files (docs/trace.md).
 *
 * Theory:  as in sysfs a node is a type and a key, and nothing is stored but
 *          what the dentry cache holds.
 * Locks:   tracefs_lock guards the settings.
 * Life:    one superblock for all mounts.
 */
#include "tracefs_impl.h"

#include <kernel/init.h>
#include <lib/hash.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define TRACEFS_MAGIC 0x74726163

struct trace_inode {
	struct trace_node node;		/* const */
	struct inode inode;
};

static struct slab_cache *cache;

struct trace_node *trace_node_of(const struct inode *i)
{
	return &container_of((struct inode *)i, struct trace_inode,
			     inode)->node;
}

bool trace_child_is(struct trace_child *c, const char *name,
		    const struct trace_type *type, u64 key)
{
	strscpy(c->name, name, sizeof(c->name));
	c->node = (struct trace_node){ type, key };
	return true;
}

/* --- the files of the top ---------------------------------------------------*/

static int running_show(struct seq *s, u64 key)
{
	seq_printf(s, "%u\n", READ_ONCE(trace_running));
	return 0;
}

static int running_write(char *text, size_t len, u64 key)
{
	bool on;
	int err = str_to_bool(text, &on);

	if (!err)
		WRITE_ONCE(trace_running, on);
	return err;
}

static int tracer_show(struct seq *s, u64 key)
{
	seq_puts(s, "nop\n");
	return 0;
}

static int tracer_write(char *text, size_t len, u64 key)
{
	return str_equal(str_trim(text), "nop") ? 0 : -EINVAL;
}

/* All are the one monotonic clock of the machine. */
static const char clocks[][8] = { "local", "global", "mono", "boot" };
static u32 clock_chosen;

static int clock_show(struct seq *s, u64 key)
{
	for (u32 i = 0; i < ARRAY_SIZE(clocks); i++)
		seq_printf(s, i == clock_chosen ? "%s[%s]" : "%s%s",
			   i ? " " : "", clocks[i]);
	seq_putc(s, '\n');
	return 0;
}

static int clock_write(char *text, size_t len, u64 key)
{
	char *name = str_trim(text);

	for (u32 i = 0; i < ARRAY_SIZE(clocks); i++) {
		if (!str_equal(name, clocks[i]))
			continue;
		WRITE_ONCE(clock_chosen, i);
		return 0;
	}
	return -EINVAL;
}

static int size_show(struct seq *s, u64 key)
{
	u32 harts_on = 0;

	for_each_hart(h)
		harts_on++;
	seq_printf(s, "%u\n", trace_buffers_kb() * (key == 1 ? harts_on : 1));
	return 0;
}

static int size_write(char *text, size_t len, u64 key)
{
	u32 kb;
	int err = str_to_u32(str_trim(text), 10, &kb);

	if (err || !kb || kb > 1u << 20)
		return -EINVAL;
	mutex_lock(&tracefs_lock);
	err = trace_buffers_resize(kb);
	mutex_unlock(&tracefs_lock);
	return err;
}

static int marker_write(char *text, size_t len, u64 key)
{
	int err;

	mutex_lock(&tracefs_lock);
	err = trace_buffers_get();
	mutex_unlock(&tracefs_lock);
	if (!err)
		trace_print_write(text, len, 0);
	return err;
}

static int comms_show(struct seq *s, u64 key)
{
	char comm[16];
	s32 pid;

	for (u32 i = 0; trace_comm_nth(i, &pid, comm); i++)
		if (pid)
			seq_printf(s, "%d %s\n", pid, comm);
	return 0;
}

static int cpumask_show(struct seq *s, u64 key)
{
	seq_printf(s, "%llx\n", online_harts.bits);
	return 0;
}

static int nothing_show(struct seq *s, u64 key)
{
	return 0;
}

#define FILE_RW(nm, sh, wr)                                                    \
	static const struct trace_type nm = { .mode = S_IFREG | 0640,          \
					      .show = sh, .write = wr }
#define FILE_RO(nm, sh)                                                        \
	static const struct trace_type nm = { .mode = S_IFREG | 0440,          \
					      .show = sh }
FILE_RW(running_file, running_show, running_write);
FILE_RW(tracer_file, tracer_show, tracer_write);
FILE_RO(tracers_file, tracer_show);
FILE_RW(clock_file, clock_show, clock_write);
FILE_RW(size_file, size_show, size_write);
FILE_RO(total_file, size_show);
FILE_RO(comms_file, comms_show);
FILE_RO(cpumask_file, cpumask_show);
FILE_RO(nothing_file, nothing_show);
static const struct trace_type marker_file = {
	.mode = S_IFREG | 0220, .write = marker_write,
};

/* --- per_cpu ----------------------------------------------------------------*/

static void put_time(struct seq *s, const char *what, u64 ns)
{
	u64 us = ns / 1000;

	seq_printf(s, "%s ts: %5llu.%06llu\n", what, us / 1000000,
		   us % 1000000);
}

static int stats_show(struct seq *s, u64 key)
{
	const struct trace_ring *r = &trace_rings[key - 1];
	u64 now = clock_ns(), oldest = 0;

	mutex_lock(&tracefs_lock);
	if (r->slots)
		oldest = r->slots[max(r->read_page,
				      r->head >= r->nr ?
				      r->head + 1 - r->nr : 0) % r->nr].page->ts;
	seq_printf(s, "entries: %llu\noverrun: %llu\ncommit overrun: 0\nbytes: %llu\n",
		   r->entries - r->overrun - r->read_events, r->overrun,
		   r->bytes);
	put_time(s, "oldest event", oldest);
	put_time(s, "now", now);
	seq_printf(s, "dropped events: 0\nread events: %llu\n",
		   r->read_events);
	mutex_unlock(&tracefs_lock);
	return 0;
}
FILE_RO(stats_file, stats_show);

static bool cpu_child(u64 key, unsigned i, struct trace_child *out)
{
	static const struct {
		const char *name;
		const struct trace_type *type;
	} files[] = {
		{ "buffer_size_kb", &total_file }, { "stats", &stats_file },
		{ "trace", &trace_text_file },
		{ "trace_pipe", &trace_pipe_file },
		{ "trace_pipe_raw", &trace_raw_file },
	};

	return i < ARRAY_SIZE(files) &&
	       trace_child_is(out, files[i].name, files[i].type,
			      i ? key : 0);
}

static const struct trace_type cpu_dir = {
	.mode = S_IFDIR | 0750, .child = cpu_child,
};

static bool per_cpu_child(u64 key, unsigned i, struct trace_child *out)
{
	char name[16];

	for_each_hart(h) {
		if (i--)
			continue;
		ksnprintf(name, sizeof(name), "cpu%u", h->id);
		return trace_child_is(out, name, &cpu_dir, h->id + 1);
	}
	return false;
}

static const struct trace_type per_cpu_dir = {
	.mode = S_IFDIR | 0750, .child = per_cpu_child,
};

static bool no_child(u64 key, unsigned i, struct trace_child *out)
{
	return false;
}

static const struct trace_type empty_dir = {
	.mode = S_IFDIR | 0750, .child = no_child,
};

static bool root_child(u64 key, unsigned i, struct trace_child *out)
{
	static const struct {
		const char *name;
		const struct trace_type *type;
	} files[] = {
		{ "available_events", &trace_available_file },
		{ "available_tracers", &tracers_file },
		{ "buffer_size_kb", &size_file },
		{ "buffer_total_size_kb", &total_file },
		{ "current_tracer", &tracer_file },
		{ "events", &trace_events_dir },
		{ "options", &empty_dir },
		{ "per_cpu", &per_cpu_dir },
		{ "printk_formats", &nothing_file },
		{ "saved_cmdlines", &comms_file },
		{ "set_event", &trace_set_event_file },
		{ "syscall_latency", &trace_latency_file },
		{ "trace", &trace_text_file },
		{ "trace_clock", &clock_file },
		{ "trace_marker", &marker_file },
		{ "trace_pipe", &trace_pipe_file },
		{ "tracing_cpumask", &cpumask_file },
		{ "tracing_on", &running_file },
	};

	return i < ARRAY_SIZE(files) &&
	       trace_child_is(out, files[i].name, files[i].type,
			      files[i].type == &total_file);
}

static const struct trace_type root_dir = {
	.mode = S_IFDIR | 0700, .child = root_child,
};

/* --- text files -------------------------------------------------------------*/

static int fill(struct seq *s, struct file *f)
{
	const struct trace_node *n = trace_node_of(f->inode);

	return n->type->show(s, n->key);
}

static ssize_t file_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	if (!trace_node_of(f->inode)->type->show)
		return -EINVAL;
	return seq_read(f, it, pos, fill);
}

static ssize_t file_write(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	const struct trace_node *n = trace_node_of(f->inode);
	char *text;
	size_t len;
	int err;

	if (!n->type->write)
		return -EINVAL;
	irqs_unmask();
	err = seq_write_text(it, &text, &len);
	if (err)
		return err;
	err = n->type->write(text, len, n->key);
	kfree(text);
	return err ? err : (ssize_t)len;
}

static const struct file_ops file_fops = {
	.read_iter = file_read,
	.write_iter = file_write,
	.llseek = seq_llseek,
	.release = seq_release,
};

/* --- inodes -----------------------------------------------------------------*/

static int setattr(struct dentry *d, struct iattr *a)
{
	const struct trace_node *n = trace_node_of(d->inode);

	if (a->valid & ATTR_SIZE) {
		if (n->type->truncate)
			n->type->truncate(n->key);
		a->valid &= ~(u32)ATTR_SIZE;
	}
	return simple_setattr(d, a);
}

static const struct inode_ops file_ops = {
	.setattr = setattr,
};

static u64 child_ino(const struct inode *dir, const char *name, size_t len)
{
	return hash_bytes(name, len, dir->ino) >> 8 | 1ull << 56;
}

static int lookup(struct inode *dir, struct dentry *d);

static const struct inode_ops dir_ops = {
	.lookup = lookup,
	.setattr = setattr,
};

static int iterate(struct file *f, struct dir_ctx *c)
{
	const struct trace_node *n = trace_node_of(f->inode);
	struct trace_child child;
	size_t len;

	if (!dir_emit_dots(f, c))
		return 0;
	while (n->type->child(n->key, (unsigned)c->pos - 2, &child)) {
		len = strlen(child.name);
		if (!c->emit(c, child.name, len, c->pos,
			     child_ino(f->inode, child.name, len),
			     (child.node.type->mode & S_IFMT) >> 12))
			break;
		c->pos++;
	}
	return 0;
}

static const struct file_ops dir_fops = {
	.iterate = iterate,
	.llseek = seq_llseek,
};

static int new_inode(struct super_block *sb, const struct trace_node *n,
		     u64 ino, struct inode **out)
{
	struct inode *i;
	int err = inode_alloc(sb, &i);

	if (err)
		return err;
	*trace_node_of(i) = *n;
	i->ino = ino;
	i->mode = n->type->mode;
	i->flags = S_NOATIME;
	i->atime = i->mtime = i->ctime = time_now();
	if (S_ISDIR(i->mode)) {
		i->ops = &dir_ops;
		i->fops = &dir_fops;
		i->nlink = 2;
	} else {
		i->ops = &file_ops;
		i->fops = n->type->fops ? n->type->fops : &file_fops;
	}
	*out = i;
	return 0;
}

static bool find_child(const struct trace_node *dir, const char *name,
		       size_t len, struct trace_node *out)
{
	struct trace_child c;

	for (unsigned i = 0; dir->type->child(dir->key, i, &c); i++) {
		if (strlen(c.name) == len && !memcmp(c.name, name, len)) {
			*out = c.node;
			return true;
		}
	}
	return false;
}

static int lookup(struct inode *dir, struct dentry *d)
{
	struct trace_node n;
	struct inode *i;
	int err;

	if (!find_child(trace_node_of(dir), d->name, d->len, &n))
		return -ENOENT;
	err = new_inode(dir->sb, &n, child_ino(dir, d->name, d->len), &i);
	if (!err)
		dentry_attach(d, i);
	return err;
}

/* --- the superblock ---------------------------------------------------------*/

static int alloc_inode(struct super_block *sb, struct inode **out)
{
	struct trace_inode *ti = slab_alloc(cache, GFP_KERNEL);

	if (!ti)
		return -ENOMEM;
	*out = &ti->inode;
	return 0;
}

static void free_inode(struct inode *i)
{
	slab_free(cache, container_of(i, struct trace_inode, inode));
}

static int statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = TRACEFS_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.is_type_stable = true,
	.statfs = statfs,
};

static int fill_super(struct super_block *sb, char *opts)
{
	const struct trace_node root = { &root_dir, 0 };
	struct inode *i;
	int err;

	sb->ops = &super_ops;
	sb->magic = TRACEFS_MAGIC;
	err = new_inode(sb, &root, 1, &i);
	if (err)
		return err;
	err = dentry_alloc_root(sb, i, &sb->root);
	if (err)
		inode_put(i);
	return err;
}

static int mount(const struct filesystem *fs, unsigned flags, const char *dev,
		 char *opts, struct super_block **out)
{
	if (opts && *opts)
		return -EINVAL;
	return mount_nodev(fs, flags, opts, fill_super, out);
}

static const struct filesystem tracefs = {
	.name = "tracefs",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = mount,
};
FILESYSTEM(tracefs);

static void tracefs_init(void)
{
	cache = slab_cache_create("tracefs_inode_cache",
				  sizeof(struct trace_inode), 64,
				  SLAB_RECLAIM | SLAB_RCU | SLAB_PANIC, NULL);
}
INIT(INIT_CORE, tracefs_init);
