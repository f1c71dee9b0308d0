/*
 * fair - the cold part of the fair class: weights, and a tree with more than
 *        one node.  The idea of it all stands in fair_impl.h.
 * Locks:   rq->lock.
 */
#include "fair_impl.h"

/* Linux's table: each step of nice is some 10 % of processor time. */
static const u32 nice_to_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

/* --- least vruntime of each subtree ---------------------------------------- */

static bool min_compute(struct sched_entity *se)
{
	u64 m = se->vruntime, old = se->min_vruntime;

	if (se->node.left)
		if (is_before(node_se(se->node.left)->min_vruntime, m))
			m = node_se(se->node.left)->min_vruntime;
	if (se->node.right)
		if (is_before(node_se(se->node.right)->min_vruntime, m))
			m = node_se(se->node.right)->min_vruntime;
	se->min_vruntime = m;
	return m != old;
}

static void min_propagate(struct rb_node *n, struct rb_node *stop)
{
	for (; n != stop; n = rb_parent(n))
		if (!min_compute(node_se(n)))
			break;
}

static void min_copy(struct rb_node *old, struct rb_node *new_node)
{
	node_se(new_node)->min_vruntime = node_se(old)->min_vruntime;
}

static void min_rotate(struct rb_node *old, struct rb_node *new_node)
{
	node_se(new_node)->min_vruntime = node_se(old)->min_vruntime;
	min_compute(node_se(old));
}

static const struct rb_augment_ops fair_min_ops = {
	.propagate = min_propagate,
	.copy = min_copy,
	.rotate = min_rotate,
};

void fair_insert_among(struct fair_rq *fr, struct sched_entity *se)
{
	struct rb_node **link = &fr->tree.root.node, *parent = NULL;
	bool leftmost = true;

	se->min_vruntime = se->vruntime;
	while (*link) {
		struct sched_entity *p = node_se(*link);

		parent = *link;
		if (is_before(se->vruntime, p->min_vruntime))
			p->min_vruntime = se->vruntime;
		if (is_before(se->vdeadline, p->vdeadline)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_link_node(&se->node, parent, link);
	rb_insert_augmented_cached(&se->node, &fr->tree, leftmost, &fair_min_ops);
}

void fair_erase_among(struct fair_rq *fr, struct sched_entity *se)
{
	rb_erase_augmented_cached(&se->node, &fr->tree, &fair_min_ops);
}

struct sched_entity *fair_walk_down(const struct fair_rq *fr)
{
	struct rb_node *n = fr->tree.root.node;

	while (n) {
		struct rb_node *l = n->left;

		if (l && is_eligible(fr, node_se(l)->min_vruntime))
			n = l;
		else if (is_eligible(fr, node_se(n)->vruntime))
			return node_se(n);
		else
			n = n->right;
	}
	return node_se(fr->tree.leftmost);
}

void fair_set_curr(struct runq *rq, struct task *t)
{
	tree_erase(&rq->fair, &t->se);
	rq->fair.curr = &t->se;
}

void fair_yield(struct runq *rq, struct task *t)
{
	t->se.vdeadline += weighted(t->se.slice_ns, t->se.weight);
}

u64 fair_slice_left(const struct runq *rq, const struct task *t)
{
	s64 v = (s64)(t->se.vdeadline - t->se.vruntime);

	if (v <= 0)
		return 0;
	return (u64)v * t->se.weight / NICE0_WEIGHT;
}

/* Weight from policy and priority; not while queued. */
void fair_set_weight(struct task *t)
{
	u32 old = t->se.weight;
	int prio = max(t->prio, MAX_RT_PRIO);

	t->se.weight = t->policy == SCHED_IDLE ?
			       IDLE_WEIGHT :
			       nice_to_weight[min(prio, MAX_PRIO - 1) -
					      MAX_RT_PRIO];
	if (old && old != t->se.weight)
		t->se.vlag = t->se.vlag * (s64)old / (s64)t->se.weight;
}

void fair_init(struct fair_rq *fr)
{
	fr->tree = RB_ROOT_CACHED;
	fr->base = 1ull << 40;
}
