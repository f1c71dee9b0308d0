#pragma once
/* The operations behind setuid(2) and its relatives: 0, -EPERM, ... */
#include <task/cred.h>

int cred_setuid(u32 uid);
int cred_setreuid(u32 uid, u32 euid);
int cred_setresuid(u32 uid, u32 euid, u32 suid);
int cred_setgid(u32 gid);
int cred_setregid(u32 gid, u32 egid);
int cred_setresgid(u32 gid, u32 egid, u32 sgid);
long cred_setfsuid(u32 uid);	/* the former one, always */
long cred_setfsgid(u32 gid);
int cred_setgroups(struct group_list *g);	/* sorted; takes a reference */
int cred_capset(capset_t effective, capset_t permitted, capset_t inheritable);
