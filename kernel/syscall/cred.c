/* System calls about users, groups and capabilities. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/pid.h>
#include <task/setid.h>
#include <uapi/task.h>

#define NGROUPS_MAX 65536
#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

/* Ids of the caller's namespace.  ~0 stays: "do not change". */
static int take_uid(u32 *uid)
{
	u32 kuid = make_kuid(current_user_ns(), *uid);

	if (*uid != ~0u && kuid == INVALID_ID)
		return -EINVAL;
	*uid = kuid;
	return 0;
}

static int take_gid(u32 *gid)
{
	u32 kgid = make_kgid(current_user_ns(), *gid);

	if (*gid != ~0u && kgid == INVALID_ID)
		return -EINVAL;
	*gid = kgid;
	return 0;
}

static u32 show_uid(u32 kuid)
{
	return from_kuid_munged(current_user_ns(), kuid);
}

static u32 show_gid(u32 kgid)
{
	return from_kgid_munged(current_user_ns(), kgid);
}

long sys_getuid(void)
{
	return show_uid(current->cred->uid);
}

long sys_geteuid(void)
{
	return show_uid(current->cred->euid);
}

long sys_getgid(void)
{
	return show_gid(current->cred->gid);
}

long sys_getegid(void)
{
	return show_gid(current->cred->egid);
}

static int put_three(u32 a, u32 b, u32 c, u32 __user *pa, u32 __user *pb,
		     u32 __user *pc)
{
	if (put_user(a, pa) || put_user(b, pb) || put_user(c, pc))
		return -EFAULT;
	return 0;
}

long sys_getresuid(u32 __user *uid, u32 __user *euid, u32 __user *suid)
{
	const struct cred *c = current->cred;

	return put_three(show_uid(c->uid), show_uid(c->euid),
			 show_uid(c->suid), uid, euid, suid);
}

long sys_getresgid(u32 __user *gid, u32 __user *egid, u32 __user *sgid)
{
	const struct cred *c = current->cred;

	return put_three(show_gid(c->gid), show_gid(c->egid),
			 show_gid(c->sgid), gid, egid, sgid);
}

long sys_setuid(u32 uid)
{
	return take_uid(&uid) ? -EINVAL : cred_setuid(uid);
}

long sys_setreuid(u32 uid, u32 euid)
{
	if (take_uid(&uid) || take_uid(&euid))
		return -EINVAL;
	return cred_setreuid(uid, euid);
}

long sys_setresuid(u32 uid, u32 euid, u32 suid)
{
	if (take_uid(&uid) || take_uid(&euid) || take_uid(&suid))
		return -EINVAL;
	return cred_setresuid(uid, euid, suid);
}

long sys_setfsuid(u32 uid)
{
	ignore_error(take_uid(&uid));	/* ~0 then: no change */
	return show_uid((u32)cred_setfsuid(uid));
}

long sys_setgid(u32 gid)
{
	return take_gid(&gid) ? -EINVAL : cred_setgid(gid);
}

long sys_setregid(u32 gid, u32 egid)
{
	if (take_gid(&gid) || take_gid(&egid))
		return -EINVAL;
	return cred_setregid(gid, egid);
}

long sys_setresgid(u32 gid, u32 egid, u32 sgid)
{
	if (take_gid(&gid) || take_gid(&egid) || take_gid(&sgid))
		return -EINVAL;
	return cred_setresgid(gid, egid, sgid);
}

long sys_setfsgid(u32 gid)
{
	ignore_error(take_gid(&gid));	/* ~0 then: no change */
	return show_gid((u32)cred_setfsgid(gid));
}

long sys_getgroups(int size, u32 __user *list)
{
	const struct group_list *g = current->cred->groups;
	u32 n = g ? g->n : 0;

	if (size < 0)
		return -EINVAL;
	if (size) {
		if (n > (u32)size)
			return -EINVAL;
		for (u32 i = 0; i < n; i++)
			if (put_user(show_gid(g->gid[i]), list + i))
				return -EFAULT;
	}
	return n;
}

static int take_groups(struct group_list *g, const u32 __user *list)
{
	int err = copy_from_user(g->gid, list, g->n * sizeof(u32));

	for (u32 i = 0; !err && i < g->n; i++) {
		g->gid[i] = make_kgid(current_user_ns(), g->gid[i]);
		if (g->gid[i] == INVALID_ID)
			err = -EINVAL;
	}
	return err;
}

long sys_setgroups(int size, const u32 __user *list)
{
	struct group_list *g;
	int err;

	if (!ns_capable(current_user_ns(), CAP_SETGID) ||
	    !user_ns_may_setgroups(current_user_ns()))
		return -EPERM;
	if ((unsigned)size > NGROUPS_MAX)
		return -EINVAL;
	err = group_list_create((u32)size, &g);
	if (err)
		return err;
	err = take_groups(g, list);
	if (!err) {
		group_list_sort(g);
		err = cred_setgroups(g);
	}
	group_list_put(g);
	return err;
}

/* How many struct cap_data the version has; an unknown one is told ours. */
static int check_version(struct cap_header __user *uh, struct cap_header *h,
			 unsigned *n)
{
	if (copy_from_user(h, uh, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case CAP_VERSION_1:
		*n = 1;
		return 0;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		*n = 2;
		return 0;
	}
	if (put_user(CAP_VERSION_3, &uh->version))
		return -EFAULT;
	return -EINVAL;
}

long sys_capget(struct cap_header __user *uh, struct cap_data __user *ud)
{
	struct cap_header h;
	struct cap_data d[2];
	const struct cred *c;
	struct task *t;
	unsigned n;
	int err = check_version(uh, &h, &n);

	if (err)
		return !ud && err == -EINVAL ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	t = h.pid ? task_find_get(h.pid) : task_get(current);
	if (!t)
		return -ESRCH;
	c = task_cred_get(t);
	task_put(t);
	for (unsigned i = 0; i < 2; i++) {
		d[i].effective = (u32)(c->effective >> 32 * i);
		d[i].permitted = (u32)(c->permitted >> 32 * i);
		d[i].inheritable = (u32)(c->inheritable >> 32 * i);
	}
	cred_put(c);
	return ud ? copy_to_user(ud, d, n * sizeof(d[0])) : 0;
}

long sys_capset(struct cap_header __user *uh, const struct cap_data __user *ud)
{
	struct cap_header h;
	struct cap_data d[2] = { 0 };
	unsigned n;
	int err = check_version(uh, &h, &n);

	if (err)
		return err;
	if (h.pid && h.pid != task_vpid(current))
		return -EPERM;
	if (copy_from_user(d, ud, n * sizeof(d[0])))
		return -EFAULT;
	return cred_capset(d[0].effective | (u64)d[1].effective << 32,
			   d[0].permitted | (u64)d[1].permitted << 32,
			   d[0].inheritable | (u64)d[1].inheritable << 32);
}
