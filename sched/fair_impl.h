#pragma once
/*
 * fair_impl - the hot part of the class of SCHED_OTHER, BATCH and IDLE: earliest
 *             eligible virtual deadline first.
 *
 * Theory:  each entity has a virtual run time that grows as it runs, slower
 *          for greater weights.  The weighted mean V of all of them is where
 *          an ideal machine, which runs everybody at once, would stand:
 *          V - vruntime is what an entity is owed.  One that is owed nothing
 *          or more is eligible; each asks for slices, due one weighted slice
 *          after its vruntime; of the eligible ones the earliest deadline
 *          runs.  (Stoica and Abdel-Wahab, "Earliest eligible virtual
 *          deadline first", 1995.)
 *
 *          V is kept as two sums over the tree relative to `base`, so that
 *          the products stay small: V = base + sum_wv / sum_w.  To ask if v
 *          is eligible needs no division: (v - base) * sum_w <= sum_wv.
 *          The tree is ordered by deadline and each node knows the least
 *          vruntime below it, so the pick is one walk down: left if somebody
 *          there is eligible, else this node, else right.
 *
 *          What an entity is owed is kept (bounded) while it sleeps, so
 *          sleeping is neither rewarded nor punished.  Placing an entity with
 *          lag l changes V itself; l * (W + w) / W makes up for that.
 *
 *          slice_over says that the running task had a whole slice since it
 *          was picked: whoever wakes then preempts it.  Before that a waking
 *          task needs a deadline that is earlier by a margin, since a switch
 *          of address spaces costs tens of microseconds.
 *
 *          All of it is inline in core.c: a switch of tasks cannot afford the
 *          calls (docs/sched.md).  The cold part is fair.c.
 * Locks:   rq->lock.
 */
#include "sched_impl.h"

#define REBASE_NS (1ll << 30)

static inline struct sched_entity *node_se(const struct rb_node *n)
{
	return rb_entry(n, struct sched_entity, node);
}

static inline s64 key_of(const struct fair_rq *fr, u64 v)
{
	return (s64)(v - fr->base);
}

static inline bool is_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* --- the tree and its sums -------------------------------------------------- */

/* Mostly the tree is empty, or has this one node. */
static inline void tree_insert(struct fair_rq *fr, struct sched_entity *se)
{
	if (likely(!fr->tree.leftmost)) {
		se->min_vruntime = se->vruntime;
		rb_insert_only_cached(&se->node, &fr->tree);
	} else {
		fair_insert_among(fr, se);
	}
	fr->sum_wv += key_of(fr, se->vruntime) * (s64)se->weight;
	fr->sum_w += se->weight;
}

static inline void tree_erase(struct fair_rq *fr, struct sched_entity *se)
{
	if (likely(fr->sum_w == se->weight))
		fr->tree = RB_ROOT_CACHED;
	else
		fair_erase_among(fr, se);
	fr->sum_wv -= key_of(fr, se->vruntime) * (s64)se->weight;
	fr->sum_w -= se->weight;
}

/* Both sums with the running entity in them. */
static inline void sums(const struct fair_rq *fr, s64 *wv, u64 *w)
{
	*wv = fr->sum_wv;
	*w = fr->sum_w;
	if (fr->curr) {
		*wv += key_of(fr, fr->curr->vruntime) * (s64)fr->curr->weight;
		*w += fr->curr->weight;
	}
}

static inline u64 mean(const struct fair_rq *fr)
{
	s64 wv, q;
	u64 w;

	if (!fr->sum_w)
		return fr->curr ? fr->curr->vruntime : fr->base;
	sums(fr, &wv, &w);
	q = wv / (s64)w;
	if (wv < 0 && q * (s64)w != wv)
		q--;			/* round down */
	return fr->base + (u64)q;
}

static inline bool is_eligible(const struct fair_rq *fr, u64 v)
{
	s64 wv;
	u64 w;

	sums(fr, &wv, &w);
	return key_of(fr, v) * (s64)w <= wv;
}

/* Moves the origin along with V, so that the products stay small. */
static inline void rebase(struct fair_rq *fr, u64 v)
{
	s64 d = (s64)(v - fr->base);

	if (likely(d < REBASE_NS && d > -REBASE_NS))
		return;
	fr->sum_wv -= d * (s64)fr->sum_w;
	fr->base = v;
}

static inline void place(struct fair_rq *fr, struct sched_entity *se, bool is_new)
{
	u64 v = mean(fr), vslice = weighted(se->slice_ns, se->weight);
	u64 w = fr->sum_w + (fr->curr ? fr->curr->weight : 0);
	s64 lag = se->vlag;

	rebase(fr, v);
	if (lag && w)
		v -= (u64)(lag * (s64)(w + se->weight) / (s64)w);
	se->vruntime = v;
	se->vdeadline = v + (is_new ? vslice / 2 : vslice);
}

static inline void fair_enqueue(struct runq *rq, struct task *t, bool is_new)
{
	place(&rq->fair, &t->se, is_new);
	tree_insert(&rq->fair, &t->se);
	rq->fair.nr++;
}

static inline void save_lag(struct fair_rq *fr, struct sched_entity *se)
{
	s64 limit = (s64)weighted(2 * se->slice_ns, se->weight);
	s64 lag = fr->nr > 1 ? (s64)(mean(fr) - se->vruntime) : 0;

	se->vlag = clamp(lag, -limit, limit);
}

static inline void fair_dequeue(struct runq *rq, struct task *t)
{
	struct fair_rq *fr = &rq->fair;

	save_lag(fr, &t->se);
	if (fr->curr == &t->se)
		fr->curr = NULL;
	else
		tree_erase(fr, &t->se);
	fr->nr--;
}

static inline void fair_update(struct runq *rq, struct task *t, u64 delta)
{
	struct fair_rq *fr = &rq->fair;
	struct sched_entity *se = &t->se;

	se->vruntime += weighted(delta, se->weight);
	if (!fr->sum_w)
		fr->base = se->vruntime;
	if (is_before(se->vruntime, se->vdeadline))
		return;
	se->vdeadline = se->vruntime + weighted(se->slice_ns, se->weight);
	rq->slice_over = true;
}

/* The running entity goes back among the others. */
static inline void fair_put(struct runq *rq, struct task *t)
{
	assert(rq->fair.curr == &t->se);
	rq->fair.curr = NULL;
	tree_insert(&rq->fair, &t->se);
}

/* Who was woken for this hart goes first, unless it had far too much. */
static inline struct sched_entity *handed_over(struct runq *rq)
{
	struct task *t = rq->handoff;

	rq->handoff = NULL;
	if (!t || !is_fair_task(t))
		return NULL;
	return is_eligible(&rq->fair, t->se.vruntime - SLICE_NS) ? &t->se
								 : NULL;
}

static inline struct sched_entity *best(const struct fair_rq *fr)
{
	struct sched_entity *first = node_se(fr->tree.leftmost);

	if (fr->nr == 1 || is_eligible(fr, first->vruntime))
		return first;
	return fair_walk_down(fr);
}

/* The tree is not empty, and nobody is running. */
static inline struct task *fair_pick(struct runq *rq)
{
	struct fair_rq *fr = &rq->fair;
	struct sched_entity *se = rq->handoff ? handed_over(rq) : NULL;

	if (!se)
		se = best(fr);
	tree_erase(fr, se);
	fr->curr = se;
	rq->slice_over = false;
	return se_task(se);
}

/* t was just queued beside a running fair task. */
static inline bool fair_preempts(struct runq *rq, struct task *t)
{
	const struct task *c = rq->hart->curr;
	bool is_idle = t->policy == SCHED_IDLE;

	if ((c->policy == SCHED_IDLE) != is_idle)
		return !is_idle;
	if (t->policy == SCHED_BATCH)
		return false;
	if (rq->slice_over)
		return true;
	return is_before(t->se.vdeadline + WAKE_MARGIN_NS, c->se.vdeadline) &&
	       is_eligible(&rq->fair, t->se.vruntime);
}
