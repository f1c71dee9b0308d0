#pragma once
/*
 * User namespaces: whose names for ids, whose capabilities.
 *
 * Every id in the kernel is that of the first namespace ("kernel id": kuid,
 * kgid).  What a system call takes is made one, what it shows is made from one,
 * at its border.  INVALID_ID is the answer for an id that has no name.
 */
#include <kernel/ref.h>
#include <lib/types.h>

struct cred;

#define INVALID_ID (~0u)
#define OVERFLOW_ID 65534u	/* shown for one that has no name */
#define MAX_USER_NS_LEVEL 32

enum id_kind { ID_UID, ID_GID, ID_PROJID, ID_KINDS };

struct id_extent {
	u32 first, lower, count;	/* lower: a kernel id */
};

struct id_map {
	u32 n;
	struct id_extent extents[];
};

/* Namespaces that a user may have, by kind: /proc/sys/user. */
enum ns_count {
	NS_COUNT_USER, NS_COUNT_PID, NS_COUNT_UTS, NS_COUNT_IPC, NS_COUNT_MNT,
	NS_COUNT_TIME, NS_COUNTS
};

struct user_count;
struct user_ns {
	struct ref refs;
	u32 level;			/* 0: the first. const */
	struct user_ns *parent;		/* owns a reference. const */
	u32 owner, group;		/* its maker's effective ids. const */
	u64 ino;			/* const */
	bool parent_could_setfcap;	/* its maker had CAP_SETFCAP. const */
	bool denies_setgroups;		/* maps_mutex */
	struct id_map *maps[ID_KINDS];	/* NULL: none yet; set once. atomic */
	int max[NS_COUNTS];		/* sysctl. atomic */
	struct user_count *counts;	/* by user. count_lock */
};

extern struct user_ns init_user_ns;
static inline struct user_ns *user_ns_get(struct user_ns *ns)
{
	if (unlikely(ns != &init_user_ns))
		ref_get(&ns->refs);
	return ns;
}
void user_ns_put(struct user_ns *ns);
/* Puts c, not published yet, into a new namespace with all capabilities there.
 * -ENOSPC, -EPERM, -ENOMEM. */
int __must_check user_ns_create(struct cred *c);
/* As user_ns_create(), into one that exists: takes a reference. */
void cred_enter_user_ns(struct cred *c, struct user_ns *ns);
/* Is ns `top`, or below it? */
bool user_ns_is_below(const struct user_ns *ns, const struct user_ns *top);

/* --- whose a namespace of another kind is ---------------------------------*/
struct ns_owner {
	struct user_ns *user_ns;	/* owns a reference. const */
	u32 uid;			/* who is charged for it. const */
};
#define NS_OWNER_INIT { .user_ns = &init_user_ns }
/* Charges current's effective user. -ENOSPC, -ENOMEM. */
int __must_check ns_owner_init(struct ns_owner *o, struct user_ns *ns,
			       enum ns_count kind);
void ns_owner_release(struct ns_owner *o, enum ns_count kind);

/* --- ids ------------------------------------------------------------------*/
u32 id_to_kernel(const struct user_ns *ns, enum id_kind kind, u32 id);
u32 id_from_kernel(const struct user_ns *ns, enum id_kind kind, u32 id);

static inline u32 make_kuid(const struct user_ns *ns, u32 uid)
{
	return likely(ns == &init_user_ns) ? uid :
					     id_to_kernel(ns, ID_UID, uid);
}
static inline u32 make_kgid(const struct user_ns *ns, u32 gid)
{
	return likely(ns == &init_user_ns) ? gid :
					     id_to_kernel(ns, ID_GID, gid);
}
static inline u32 from_kuid(const struct user_ns *ns, u32 kuid)
{
	return likely(ns == &init_user_ns) ? kuid :
					     id_from_kernel(ns, ID_UID, kuid);
}
static inline u32 from_kgid(const struct user_ns *ns, u32 kgid)
{
	return likely(ns == &init_user_ns) ? kgid :
					     id_from_kernel(ns, ID_GID, kgid);
}
u32 id_munged(const struct user_ns *ns, enum id_kind kind, u32 id);
static inline u32 from_kuid_munged(const struct user_ns *ns, u32 kuid)
{
	return likely(ns == &init_user_ns) ? kuid : id_munged(ns, ID_UID, kuid);
}
static inline u32 from_kgid_munged(const struct user_ns *ns, u32 kgid)
{
	return likely(ns == &init_user_ns) ? kgid : id_munged(ns, ID_GID, kgid);
}

/* --- /proc/PID/{uid_map,gid_map,projid_map,setgroups} ---------------------*/
struct file;
struct seq;
void id_map_show(struct seq *s, const struct user_ns *ns, enum id_kind kind,
		 struct user_ns *reader);
/* `text` is scratch space and ends in 0; `opener` is who opened the file. */
int __must_check id_map_write(struct user_ns *ns, enum id_kind kind, char *text,
			      const struct cred *opener);
bool user_ns_may_setgroups(const struct user_ns *ns);
int __must_check user_ns_deny_setgroups(struct user_ns *ns, bool deny);
