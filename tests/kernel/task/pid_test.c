/* Numbers: found while alive, not given out again at once. */
#include <kernel/init.h>
#include <kernel/rcu.h>
#include <task/pid.h>

static int alloc_and_drop(void)
{
	struct pid *p;
	int nr;

	if (pid_alloc(&init_pid_ns, NULL, 0, &p))
		return -1;
	nr = p->numbers[0].nr;
	write_lock(&tasklist_lock);
	pid_unhash(p);
	write_unlock(&tasklist_lock);
	return nr;
}

SELFTEST(pid_is_found_until_unhashed)
{
	struct pid *p, *found;
	int nr;

	ST_CHECK(!pid_alloc(&init_pid_ns, NULL, 0, &p));
	nr = p->numbers[0].nr;
	found = pid_find_get(nr);
	ST_CHECK(found == p);
	write_lock(&tasklist_lock);
	pid_unhash(p);
	write_unlock(&tasklist_lock);
	ST_CHECK(!pid_find_get(nr));
	pid_put(found);
}

SELFTEST(pid_is_not_reused_soon)
{
	int a = alloc_and_drop(), b = alloc_and_drop();

	ST_CHECK(a > 0 && b > 0 && a != b);
}

SELFTEST(pid_wanted_twice_exists)
{
	int want = 31000;
	struct pid *p, *q;

	ST_CHECK(!pid_alloc(&init_pid_ns, &want, 1, &p));
	ST_CHECK(p->numbers[0].nr == want);
	ST_CHECK(pid_alloc(&init_pid_ns, &want, 1, &q) == -EEXIST);
	write_lock(&tasklist_lock);
	pid_unhash(p);
	write_unlock(&tasklist_lock);
}

SELFTEST(pid_nested_namespace_counts_from_one)
{
	struct pid_ns *ns;
	struct pid *p;

	ST_CHECK(!pid_ns_create(&init_pid_ns, &init_user_ns, &ns));
	ST_CHECK(!pid_alloc(ns, NULL, 0, &p));
	ST_CHECK(pid_nr_ns(p, ns) == 1);
	ST_CHECK(pid_nr_ns(p, &init_pid_ns) > 1);
	write_lock(&tasklist_lock);
	pid_unhash(p);
	write_unlock(&tasklist_lock);
	pid_ns_put(ns);
}
