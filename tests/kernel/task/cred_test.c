/* Credentials: copies are private, capabilities follow the uids. */
#include <kernel/init.h>
#include <task/cred.h>

SELFTEST(cred_copy_is_private)
{
	struct cred *c;

	ST_CHECK(!cred_prepare(&c));
	c->euid = 1000;
	ST_CHECK(current->cred->euid == 0);
	cred_put(c);
}

SELFTEST(cred_leaving_root_drops_caps)
{
	struct cred *c;

	ST_CHECK(!cred_prepare(&c));
	c->uid = c->euid = c->suid = 1000;
	cred_fix_caps(c, current->cred);
	ST_CHECK(!c->permitted && !c->effective);
	cred_put(c);
}

SELFTEST(cred_keepcaps_keeps_permitted)
{
	struct cred *c;

	ST_CHECK(!cred_prepare(&c));
	c->securebits |= SECBIT_KEEP_CAPS;
	c->uid = c->euid = c->suid = 1000;
	cred_fix_caps(c, current->cred);
	ST_CHECK(c->permitted == CAP_ALL && !c->effective);
	cred_put(c);
}

SELFTEST(cred_groups_are_searched)
{
	struct group_list *g;
	struct cred c = { .egid = 5 };

	ST_CHECK(!group_list_create(3, &g));
	g->gid[0] = 30;
	g->gid[1] = 10;
	g->gid[2] = 20;
	group_list_sort(g);
	c.groups = g;
	ST_CHECK(in_group(&c, 10) && in_group(&c, 20) && in_group(&c, 30));
	ST_CHECK(in_group(&c, 5) && !in_group(&c, 15));
	group_list_put(g);
}

SELFTEST(user_is_found_again)
{
	struct user_struct *a = NULL, *b = NULL;

	ST_CHECK(!user_find(4242, &a) && !user_find(4242, &b));
	ST_CHECK(a == b);
	user_put(a);
	user_put(b);
}
