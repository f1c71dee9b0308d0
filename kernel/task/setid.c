/*
 * setid - changes of user and group ids, and of capabilities.
 *
 * Theory:  each makes a copy of the credentials, applies the rules of
 *          credentials(7) to it, and commits or drops it.  ~0 leaves an id.
 *          Ids are kernel ids: the system calls have translated them.
 */
#include "task_impl.h"

#include <lib/errno.h>
#include <task/setid.h>

#define KEEP (~0u)

/* Commits unless err; the real user's counts follow. */
static int finish(struct cred *c, int err)
{
	if (!err && c->uid != current->cred->uid)
		err = cred_set_user(c);
	if (err) {
		cred_put(c);
		return err;
	}
	cred_commit(c);
	return 0;
}

static bool is_one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == KEEP || id == a || id == b || id == c;
}

int cred_setresuid(u32 uid, u32 euid, u32 suid)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	if (!(is_one_of(uid, old->uid, old->euid, old->suid) &&
	      is_one_of(euid, old->uid, old->euid, old->suid) &&
	      is_one_of(suid, old->uid, old->euid, old->suid)) &&
	    !ns_capable(old->user_ns, CAP_SETUID))
		return finish(c, -EPERM);
	c->uid = uid == KEEP ? c->uid : uid;
	c->euid = euid == KEEP ? c->euid : euid;
	c->suid = suid == KEEP ? c->suid : suid;
	c->fsuid = c->euid;
	cred_fix_caps(c, old);
	return finish(c, 0);
}

int cred_setuid(u32 uid)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err;

	if (uid == KEEP)
		return -EINVAL;
	err = cred_prepare(&c);
	if (err)
		return err;
	if (ns_capable(old->user_ns, CAP_SETUID))
		c->uid = c->suid = uid;
	else if (uid != old->uid && uid != old->suid)
		return finish(c, -EPERM);
	c->euid = c->fsuid = uid;
	cred_fix_caps(c, old);
	return finish(c, 0);
}

int cred_setreuid(u32 uid, u32 euid)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	if (!(is_one_of(uid, old->uid, old->euid, old->euid) &&
	      is_one_of(euid, old->uid, old->euid, old->suid)) &&
	    !ns_capable(old->user_ns, CAP_SETUID))
		return finish(c, -EPERM);
	c->uid = uid == KEEP ? c->uid : uid;
	c->euid = euid == KEEP ? c->euid : euid;
	if (uid != KEEP || (euid != KEEP && euid != old->uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	cred_fix_caps(c, old);
	return finish(c, 0);
}

int cred_setresgid(u32 gid, u32 egid, u32 sgid)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	if (!(is_one_of(gid, old->gid, old->egid, old->sgid) &&
	      is_one_of(egid, old->gid, old->egid, old->sgid) &&
	      is_one_of(sgid, old->gid, old->egid, old->sgid)) &&
	    !ns_capable(old->user_ns, CAP_SETGID))
		return finish(c, -EPERM);
	c->gid = gid == KEEP ? c->gid : gid;
	c->egid = egid == KEEP ? c->egid : egid;
	c->sgid = sgid == KEEP ? c->sgid : sgid;
	c->fsgid = c->egid;
	return finish(c, 0);
}

int cred_setgid(u32 gid)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err;

	if (gid == KEEP)
		return -EINVAL;
	err = cred_prepare(&c);
	if (err)
		return err;
	if (ns_capable(old->user_ns, CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != old->gid && gid != old->sgid)
		return finish(c, -EPERM);
	c->egid = c->fsgid = gid;
	return finish(c, 0);
}

int cred_setregid(u32 gid, u32 egid)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	if (!(is_one_of(gid, old->gid, old->egid, old->egid) &&
	      is_one_of(egid, old->gid, old->egid, old->sgid)) &&
	    !ns_capable(old->user_ns, CAP_SETGID))
		return finish(c, -EPERM);
	c->gid = gid == KEEP ? c->gid : gid;
	c->egid = egid == KEEP ? c->egid : egid;
	if (gid != KEEP || (egid != KEEP && egid != old->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return finish(c, 0);
}

/* Capabilities about files come and go with a privileged fsuid. */
#define FS_CAPS                                                                \
	(1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE |                        \
	 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER |                    \
	 1ull << CAP_FSETID | 1ull << CAP_MKNOD | 1ull << CAP_LINUX_IMMUTABLE)

long cred_setfsuid(u32 uid)
{
	const struct cred *old = current->cred;
	u32 was = old->fsuid;
	struct cred *c;

	if (uid == KEEP || uid == was || cred_prepare(&c))
		return was;
	if (!is_one_of(uid, old->uid, old->euid, old->suid) &&
	    !ns_capable(old->user_ns, CAP_SETUID)) {
		cred_put(c);
		return was;
	}
	c->fsuid = uid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (was == cred_root(c) && uid != cred_root(c))
			c->effective &= ~FS_CAPS;
		if (was != cred_root(c) && uid == cred_root(c))
			c->effective |= c->permitted & FS_CAPS;
	}
	cred_commit(c);
	return was;
}

long cred_setfsgid(u32 gid)
{
	const struct cred *old = current->cred;
	u32 was = old->fsgid;
	struct cred *c;

	if (gid == KEEP || gid == was || cred_prepare(&c))
		return was;
	if (!is_one_of(gid, old->gid, old->egid, old->sgid) &&
	    !ns_capable(old->user_ns, CAP_SETGID)) {
		cred_put(c);
		return was;
	}
	c->fsgid = gid;
	cred_commit(c);
	return was;
}

int cred_setgroups(struct group_list *g)
{
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	group_list_put(c->groups);
	c->groups = group_list_get(g);
	cred_commit(c);
	return 0;
}

int cred_capset(capset_t effective, capset_t permitted, capset_t inheritable)
{
	const struct cred *old = current->cred;
	struct cred *c;
	int err;

	effective &= CAP_ALL;
	permitted &= CAP_ALL;
	inheritable &= CAP_ALL;
	if ((inheritable & ~(old->inheritable | old->permitted)) &&
	    !ns_capable(old->user_ns, CAP_SETPCAP))
		return -EPERM;
	if ((inheritable & ~(old->inheritable | old->bounding)) ||
	    (permitted & ~old->permitted) || (effective & ~permitted))
		return -EPERM;
	err = cred_prepare(&c);
	if (err)
		return err;
	c->effective = effective;
	c->permitted = permitted;
	c->inheritable = inheritable;
	c->ambient &= permitted & inheritable;
	cred_commit(c);
	return 0;
}
