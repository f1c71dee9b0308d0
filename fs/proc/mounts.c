/*
 * mounts - /proc/PID/{mounts,mountinfo,mountstats}, and their poll().
 *
 * Theory:  a file belongs to the mount namespace that the task had at open.
 *          poll() reports EPOLLERR | EPOLLPRI once after each change.
 * Life:    an open file owns a reference of the namespace and its text.
 */
#include "proc_impl.h"
#include <mm/slab.h>
#include <task/ns.h>

enum { FORM_MOUNTS, FORM_MOUNTINFO, FORM_MOUNTSTATS };
#define ENTRY_MAX (3 * PATH_MAX)

/* seq_read() works on a file of its own, whose text is private to it. */
struct mounts_file {
	struct file text;	/* only lock and priv are used */
	struct mnt_namespace *ns;
	int form;
	u64 seen;		/* seq at the last poll. atomic */
};

static int open_form(struct inode *i, struct file *f, int form)
{
	struct task *t = proc_task(i);
	struct mounts_file *mf;
	struct nsproxy *n;
	int err = -EINVAL;

	if (!t)
		return -ESRCH;
	n = proc_get_nsproxy(t);
	task_put(t);
	if (!n)
		return err;
	mf = kzalloc(sizeof(*mf), GFP_KERNEL);
	if (!mf) {
		err = -ENOMEM;
	} else {
		spin_init(&mf->text.lock, RANK_SPIN, "mounts text");
		mf->ns = n->mnt;
		ref_get(&mf->ns->refs);
		mf->form = form;
		mf->seen = READ_ONCE(mf->ns->seq);
		f->priv = mf;
		err = 0;
	}
	nsproxy_put(n);
	return err;
}

static int mounts_open(struct inode *i, struct file *f)
{
	return open_form(i, f, FORM_MOUNTS);
}

static int mountinfo_open(struct inode *i, struct file *f)
{
	return open_form(i, f, FORM_MOUNTINFO);
}

static int mountstats_open(struct inode *i, struct file *f)
{
	return open_form(i, f, FORM_MOUNTSTATS);
}

static void mounts_release(struct file *f)
{
	struct mounts_file *mf = f->priv;

	if (!mf)
		return;
	seq_release(&mf->text);
	mnt_ns_put(mf->ns);
	kfree(mf);
}

struct printer {
	struct seq *s;
	int form;
};

static int put_mount(struct mount *m, void *arg)
{
	struct printer *p = arg;
	char *to = seq_reserve(p->s, ENTRY_MAX);

	if (!to)
		return -ENOMEM;
	p->s->len += mount_show(m, p->form, to, ENTRY_MAX);
	return 0;
}

static int fill(struct seq *s, struct file *f)
{
	struct mounts_file *mf = container_of(f, struct mounts_file, text);
	struct printer p = { s, mf->form };

	return mnt_ns_for_each(mf->ns, put_mount, &p);
}

static ssize_t mounts_read(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	struct mounts_file *mf = f->priv;

	return seq_read(&mf->text, it, pos, fill);
}

static u32 mounts_poll(struct file *f, struct poll_table *pt)
{
	struct mounts_file *mf = f->priv;
	u64 now;

	poll_wait(f, &mf->ns->poll, pt);
	now = READ_ONCE(mf->ns->seq);
	if (__atomic_exchange_n(&mf->seen, now, __ATOMIC_RELAXED) != now)
		return EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLPRI;
	return EPOLLIN | EPOLLRDNORM;
}

#define MOUNTS_FOPS(kind)                                                      \
	const struct file_ops proc_##kind##_fops = {                           \
		.open = kind##_open, .release = mounts_release,                \
		.read_iter = mounts_read, .poll = mounts_poll,                 \
		.llseek = seq_llseek,                                          \
	}
MOUNTS_FOPS(mounts);
MOUNTS_FOPS(mountinfo);
MOUNTS_FOPS(mountstats);
