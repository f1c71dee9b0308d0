/*
 * list - circular doubly linked lists, and hash chains.
 *
 * A struct list is both the head and the link.  A hash chain has a head of
 * one word; its _rcu forms let readers walk while one writer, which holds
 * the chain's lock, changes it.
 */
#pragma once

#include <lib/compiler.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list name = LIST_INIT(name)

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline void list_insert_between(struct list *n, struct list *prev,
				       struct list *next)
{
	n->next = next;
	n->prev = prev;
	next->prev = n;
	WRITE_ONCE(prev->next, n);
}

/* As the first element after head. */
static inline void list_add(struct list *n, struct list *head)
{
	list_insert_between(n, head, head->next);
}

/* As the last element before head; also "before this element". */
static inline void list_add_tail(struct list *n, struct list *head)
{
	list_insert_between(n, head->prev, head);
}

/* Leaves n's links as they were: not to be touched until added again. */
static inline void list_del(struct list *n)
{
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
}

/* Afterwards list_empty(n) is true, and deleting again is harmless. */
static inline void list_del_init(struct list *n)
{
	list_del(n);
	list_init(n);
}

static inline bool list_empty(const struct list *head)
{
	return READ_ONCE(head->next) == head;
}

static inline bool list_is_singular(const struct list *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline bool list_is_first(const struct list *n, const struct list *head)
{
	return n->prev == head;
}

static inline bool list_is_last(const struct list *n, const struct list *head)
{
	return n->next == head;
}

static inline void list_move(struct list *n, struct list *head)
{
	list_del(n);
	list_add(n, head);
}

static inline void list_move_tail(struct list *n, struct list *head)
{
	list_del(n);
	list_add_tail(n, head);
}

/* new takes the place of old, whose links stay as they were. */
static inline void list_replace(struct list *old, struct list *new_one)
{
	list_insert_between(new_one, old->prev, old->next);
}

static inline void list_splice_between(struct list *from, struct list *prev,
				       struct list *next)
{
	from->next->prev = prev;
	from->prev->next = next;
	next->prev = from->prev;
	prev->next = from->next;
	list_init(from);
}

/* Moves all of from to the front of to; from is empty afterwards. */
static inline void list_splice(struct list *from, struct list *to)
{
	if (!list_empty(from))
		list_splice_between(from, to, to->next);
}

/* Moves all of from to the end of to; from is empty afterwards. */
static inline void list_splice_tail(struct list *from, struct list *to)
{
	if (!list_empty(from))
		list_splice_between(from, to->prev, to);
}

/* Cuts head up to and including last into the empty list out. */
static inline void list_cut(struct list *out, struct list *head,
			    struct list *last)
{
	struct list *rest = last->next;

	if (last == head) {
		list_init(out);
		return;
	}
	out->next = head->next;
	out->prev = last;
	out->next->prev = out;
	last->next = out;
	head->next = rest;
	rest->prev = head;
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(e, member) \
	list_entry((e)->member.next, __typeof__(*(e)), member)
#define list_prev_entry(e, member) \
	list_entry((e)->member.prev, __typeof__(*(e)), member)

/* The links themselves; NULL if the list is empty. */
static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
	return list_empty(head) ? NULL : head->prev;
}

/* Unlinks and returns the first link; NULL if the list is empty. */
static inline struct list *list_pop(struct list *head)
{
	struct list *n = list_first(head);

	if (n)
		list_del_init(n);
	return n;
}

static inline size_t list_count(const struct list *head)
{
	const struct list *p;
	size_t n = 0;

	for (p = head->next; p != head; p = p->next)
		n++;
	return n;
}

#define list_for_each(p, head) \
	for (p = (head)->next; p != (head); p = p->next)
#define list_for_each_safe(p, n, head) \
	for (p = (head)->next, n = p->next; p != (head); p = n, n = p->next)
#define list_for_each_reverse(p, head) \
	for (p = (head)->prev; p != (head); p = p->prev)
#define list_for_each_entry(e, head, member)                                \
	for (e = list_first_entry(head, __typeof__(*(e)), member);          \
	     &(e)->member != (head); e = list_next_entry(e, member))
#define list_for_each_entry_reverse(e, head, member)                        \
	for (e = list_last_entry(head, __typeof__(*(e)), member);           \
	     &(e)->member != (head); e = list_prev_entry(e, member))
#define list_for_each_entry_safe(e, n, head, member)                        \
	for (e = list_first_entry(head, __typeof__(*(e)), member),          \
	     n = list_next_entry(e, member);                                \
	     &(e)->member != (head); e = n, n = list_next_entry(n, member))
/* Goes on after e. */
#define list_for_each_entry_continue(e, head, member)                       \
	for (e = list_next_entry(e, member); &(e)->member != (head);        \
	     e = list_next_entry(e, member))
/* Starts with e itself. */
#define list_for_each_entry_from(e, head, member) \
	for (; &(e)->member != (head); e = list_next_entry(e, member))

/* Publishes n to readers that walk without a lock. */
static inline void list_add_rcu(struct list *n, struct list *head)
{
	n->next = head->next;
	n->prev = head;
	STORE_RELEASE(head->next, n);
	n->next->prev = n;
}

static inline void list_add_tail_rcu(struct list *n, struct list *head)
{
	struct list *prev = head->prev;

	n->next = head;
	n->prev = prev;
	STORE_RELEASE(prev->next, n);
	head->prev = n;
}

/* n's next stays valid for readers: free n only after a grace period. */
static inline void list_del_rcu(struct list *n)
{
	list_del(n);
}

#define list_for_each_entry_rcu(e, head, member)                            \
	for (e = list_entry(READ_ONCE((head)->next), __typeof__(*(e)),      \
			    member);                                        \
	     &(e)->member != (head);                                        \
	     e = list_entry(READ_ONCE((e)->member.next), __typeof__(*(e)),  \
			    member))

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;	/* NULL while on no chain */
};

struct hlist_head {
	struct hlist_node *first;
};

#define HLIST_INIT { NULL }

static inline void hlist_head_init(struct hlist_head *h)
{
	h->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *n)
{
	return !READ_ONCE(n->pprev);
}

static inline bool hlist_empty(const struct hlist_head *h)
{
	return !READ_ONCE(h->first);
}

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	n->pprev = &h->first;
	if (n->next)
		n->next->pprev = &n->next;
	h->first = n;
}

static inline void hlist_add_behind(struct hlist_node *n,
				    struct hlist_node *prev)
{
	n->next = prev->next;
	n->pprev = &prev->next;
	if (n->next)
		n->next->pprev = &n->next;
	prev->next = n;
}

/* Unlinks n, which is on a chain; hlist_unhashed(n) afterwards. */
static inline void hlist_del(struct hlist_node *n)
{
	struct hlist_node *next = n->next;

	WRITE_ONCE(*n->pprev, next);
	if (next)
		next->pprev = n->pprev;
	n->next = NULL;
	n->pprev = NULL;
}

/* Like hlist_del(), for a node that may be on no chain. */
static inline void hlist_del_init(struct hlist_node *n)
{
	if (!hlist_unhashed(n))
		hlist_del(n);
}

/* The whole content of from moves to the empty head to. */
static inline void hlist_move_all(struct hlist_head *from,
				  struct hlist_head *to)
{
	to->first = from->first;
	if (to->first)
		to->first->pprev = &to->first;
	from->first = NULL;
}

#define hlist_entry(p, type, member) container_of(p, type, member)
#define hlist_entry_safe(p, type, member) ({                                \
	__typeof__(p) __hn = (p);                                           \
	__hn ? hlist_entry(__hn, type, member) : NULL;                      \
})
#define hlist_for_each(p, head) for (p = (head)->first; p; p = p->next)
#define hlist_for_each_entry(e, head, member)                               \
	for (e = hlist_entry_safe((head)->first, __typeof__(*(e)), member); \
	     e;                                                             \
	     e = hlist_entry_safe((e)->member.next, __typeof__(*(e)), member))
/* n is a struct hlist_node * that the loop uses to survive e's removal. */
#define hlist_for_each_entry_safe(e, n, head, member)                       \
	for (e = hlist_entry_safe((head)->first, __typeof__(*(e)), member); \
	     e && (n = (e)->member.next, 1);                                \
	     e = hlist_entry_safe(n, __typeof__(*(e)), member))

/* Publishes n: a reader that sees it sees all that was stored before. */
static inline void hlist_add_head_rcu(struct hlist_node *n,
				      struct hlist_head *h)
{
	struct hlist_node *first = h->first;

	n->next = first;
	WRITE_ONCE(n->pprev, &h->first);
	STORE_RELEASE(h->first, n);
	if (first)
		WRITE_ONCE(first->pprev, &n->next);
}

/* n->next stays for readers on their way: free n after a grace period. */
static inline void hlist_del_rcu(struct hlist_node *n)
{
	struct hlist_node *next = n->next;

	WRITE_ONCE(*n->pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, n->pprev);
	WRITE_ONCE(n->pprev, NULL);
}

#define hlist_for_each_entry_rcu(e, head, member)                           \
	for (e = hlist_entry_safe(READ_ONCE((head)->first),                 \
				  __typeof__(*(e)), member);                \
	     e;                                                             \
	     e = hlist_entry_safe(READ_ONCE((e)->member.next),              \
				  __typeof__(*(e)), member))
