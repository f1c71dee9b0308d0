/*
 * exec_cred - what rights a new program has: set-id bits, file capabilities
 * (capabilities(7), "Transformation of capabilities during execve()").
 */
#include "exec_impl.h"

#include <lib/string.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <task/file_caps.h>
#include <task/ptrace.h>

struct file_caps {
	capset_t permitted, inheritable;
	bool is_effective;
};

/* -ENODATA: it has none that count here. */
static int read_file_caps(struct inode *i, struct file_caps *c)
{
	struct vfs_caps d = { 0 };
	size_t n = 0, want;
	u32 magic, root = 0;

	if (!i->ops->getxattr || (i->flags & S_NOSEC))
		return -ENODATA;
	if (i->ops->getxattr(i, XATTR_CAPS, &d, sizeof(d), &n))
		return -ENODATA;
	magic = le32_get(d.magic);
	switch (magic & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_1:
		want = VFS_CAPS_1_BYTES;
		break;
	case VFS_CAP_REVISION_2:
		want = VFS_CAPS_2_BYTES;
		break;
	case VFS_CAP_REVISION_3:
		want = VFS_CAPS_3_BYTES;
		root = le32_get(d.rootid);
		break;
	default:
		return -EINVAL;
	}
	if (n != want)
		return -EINVAL;
	/* For the root of another namespace: not for ours. */
	if (!kuid_is_root_here(make_kuid(i->sb->user_ns, root)))
		return -ENODATA;
	c->permitted = le32_get(d.data[0].permitted);
	c->inheritable = le32_get(d.data[0].inheritable);
	if (want > VFS_CAPS_1_BYTES) {
		c->permitted |= (u64)le32_get(d.data[1].permitted) << 32;
		c->inheritable |= (u64)le32_get(d.data[1].inheritable) << 32;
	}
	c->permitted &= CAP_ALL;
	c->inheritable &= CAP_ALL;
	c->is_effective = magic & VFS_CAP_EFFECTIVE;
	return 0;
}

static bool may_gain(const struct binprm *b)
{
	return mnt_may_suid(b->file->path.mnt) && !current->no_new_privs;
}

static void apply_set_id(struct binprm *b)
{
	struct inode *i = b->file->inode;
	u32 mode = READ_ONCE(i->mode);

	b->cred->euid = current->cred->euid;
	b->cred->egid = current->cred->egid;
	if (!(mode & (S_ISUID | S_ISGID)) || !may_gain(b))
		return;
	/* Nobody that the namespace has a name for. */
	if (from_kuid(b->cred->user_ns, i->uid) == INVALID_ID ||
	    from_kgid(b->cred->user_ns, i->gid) == INVALID_ID)
		return;
	if (mode & S_ISUID)
		b->cred->euid = i->uid;
	if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		b->cred->egid = i->gid;
}

static int apply_file_caps(struct binprm *b, bool *is_effective)
{
	struct cred *c = b->cred;
	struct file_caps f;
	int err;

	*is_effective = false;
	c->permitted = 0;
	/* What no_new_privs forbids is taken away later, as from the traced. */
	if (!mnt_may_suid(b->file->path.mnt))
		return 0;
	err = read_file_caps(b->file->inode, &f);
	if (err)
		return err == -ENODATA ? 0 : err;
	b->has_fcaps = true;
	*is_effective = f.is_effective;
	c->permitted = (c->bounding & f.permitted) |
		       (c->inheritable & f.inheritable);
	/* A program that counts on what it does not get must not run. */
	if (f.is_effective && (f.permitted & ~c->permitted))
		return -EPERM;
	return 0;
}

static void apply_root(struct binprm *b, bool *is_effective)
{
	struct cred *c = b->cred;
	u32 root = cred_root(c);

	if (c->securebits & SECBIT_NOROOT)
		return;
	/* A set-uid-root program with capabilities: these win. */
	if (b->has_fcaps && c->uid != root && c->euid == root)
		return;
	if (c->uid == root || c->euid == root)
		c->permitted = c->bounding | c->inheritable;
	if (c->euid == root)
		*is_effective = true;
}

static bool is_traced_unsafely(const struct task *t)
{
	u32 how = READ_ONCE(t->ptrace);

	return how && !(how & PT_CAP);
}

/* Someone looks over the shoulder: no more rights than the caller has. */
static void drop_unsafe_gains(struct binprm *b, const struct cred *old)
{
	struct cred *c = b->cred;
	bool gains = c->permitted & ~old->permitted;
	bool ids = c->euid != old->uid || c->egid != old->gid;

	bool no_new = current->no_new_privs;

	if ((!b->is_unsafe && !no_new) || !(gains || ids))
		return;
	if (no_new || !ns_capable(c->user_ns, CAP_SETUID)) {
		c->euid = old->uid;
		c->egid = old->gid;
	}
	c->permitted &= old->permitted;
}

int exec_fill_cred(struct binprm *b)
{
	const struct cred *old = current->cred;
	struct cred *c = b->cred;
	bool is_effective, ids_differ;
	int err;

	apply_set_id(b);
	err = apply_file_caps(b, &is_effective);
	if (err)
		return err;
	apply_root(b, &is_effective);
	drop_unsafe_gains(b, old);
	ids_differ = c->euid != old->uid || c->egid != old->gid;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	if (b->has_fcaps || ids_differ)
		c->ambient = 0;
	c->permitted |= c->ambient;
	c->effective = is_effective ? c->permitted : c->ambient;
	c->securebits &= ~SECBIT_KEEP_CAPS;
	b->is_secure = ids_differ ||
		       (c->uid != cred_root(c) &&
			(is_effective || (c->permitted & ~c->ambient)));
	return 0;
}

/* Another process sees our fs through its own eyes.  Who only looks, as /proc
 * does, holds a reference for a moment too. */
static bool shares_fs(const struct task *t)
{
	bool found = false;
	struct task *o;

	if (!t->fs || (u32)ref_count(&t->fs->refs) <= t->process->nr_threads)
		return false;
	rcu_read_lock();
	list_for_each_entry_rcu(o, &all_tasks, all_node)
		if (o->process != t->process && READ_ONCE(o->fs) == t->fs) {
			found = true;
			break;
		}
	rcu_read_unlock();
	return found;
}

/* A tracer came since, or another thread made a process that shares our fs.
 * From now on nobody can: exec_lock is held, and we are alone. */
void exec_recheck_cred(struct binprm *b)
{
	struct cred *c = b->cred;

	if (b->is_unsafe ||
	    (!is_traced_unsafely(current) && !shares_fs(current)))
		return;
	b->is_unsafe = true;
	drop_unsafe_gains(b, current->cred);
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	c->effective &= c->permitted;
}

int exec_prepare_cred(struct binprm *b)
{
	struct task *t = current;

	b->is_unsafe = is_traced_unsafely(t) ||
		       (!is_kernel_task(t) && shares_fs(t));
	return cred_prepare(&b->cred);
}
