#pragma once
/* For tests that need more than one task. */
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <sched/sched.h>

#define MAX_CREW 16

/* Some tasks that run fn(crew, number) and are waited for. */
struct crew {
	void (*fn)(struct crew *c, int i);
	struct {
		struct crew *crew;
		int i;
		struct task *task;
	} member[MAX_CREW];
	int n;
	struct completion done;
	void *priv;
};

static inline void crew_main(void *arg)
{
	__typeof__(((struct crew *)0)->member[0]) *m = arg;

	m->crew->fn(m->crew, m->i);
	complete(&m->crew->done);
}

/* hart -1: anywhere. */
static inline void crew_start(struct crew *c, int n, int hart,
			      void (*fn)(struct crew *c, int i))
{
	completion_init(&c->done);
	c->fn = fn;
	c->n = n;
	for (int i = 0; i < n; i++) {
		c->member[i].crew = c;
		c->member[i].i = i;
		if (kthread_create(crew_main, &c->member[i], hart,
				   &c->member[i].task, "crew")) {
			ST_CHECK(!"kthread_create");
			complete(&c->done);
			c->member[i].task = NULL;
		}
	}
}

static inline void crew_join(struct crew *c)
{
	for (int i = 0; i < c->n; i++)
		wait_for_completion(&c->done);
	for (int i = 0; i < c->n; i++)
		if (c->member[i].task)
			task_put(c->member[i].task);
}
