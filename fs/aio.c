/*
 * aio - contexts of asynchronous I/O and their events.
 *
 * Theory:  what is submitted is done at once, by the caller, as Linux does with
 *          files in its page cache; only the answer waits in the context's
 *          ring until it is fetched.  So nothing can be cancelled.  The number
 *          of a context is the address of a page in the process, because C
 *          libraries look there for Linux's ring; it is empty, which tells
 *          them to ask by system call.
 * Locks:   aio_lock for the list; aio_ctx.lock for the ring.
 * Life:    the list has a reference until io_destroy or the end of the address
 *          space; a caller has one.
 */
#include <fs/aio.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>

#define PROT_RW 3		/* PROT_READ and PROT_WRITE of Linux */

struct aio_ctx {
	struct ref refs;
	struct list node;		/* aio_lock */
	struct mm *mm;			/* const: for comparison only */
	unsigned long id;		/* const */
	unsigned max;			/* const */
	struct spinlock lock;
	unsigned head, nr, reserved;	/* lock */
	bool is_dead;			/* atomic */
	struct waitq wait;
	struct io_event *ring;
};

u64 sysctl_aio_max_nr = 65536;
static struct spinlock aio_lock = SPINLOCK_INIT(RANK_SPIN, "aio contexts");
static LIST_HEAD(contexts);		/* aio_lock */
static u64 total;			/* aio_lock; racy reads */

u64 aio_nr(void)
{
	return READ_ONCE(total);
}

void aio_put(struct aio_ctx *c)
{
	if (!ref_put(&c->refs))
		return;
	kvfree(c->ring);
	kfree(c);
}

static void remove_locked(struct aio_ctx *c) __must_hold(&aio_lock)
{
	list_del_init(&c->node);
	total -= c->max;
	WRITE_ONCE(c->is_dead, true);
}

/* The address space ends. */
static void aio_exit(struct mm *mm)
{
	struct aio_ctx *c, *n;
	LIST_HEAD(gone);

	spin_lock(&aio_lock);
	list_for_each_entry_safe(c, n, &contexts, node)
		if (c->mm == mm) {
			remove_locked(c);
			list_add(&c->node, &gone);
		}
	spin_unlock(&aio_lock);
	list_for_each_entry_safe(c, n, &gone, node) {
		list_del(&c->node);
		aio_put(c);
	}
}

/* Reserves the room and puts it on the list. */
static int publish(struct aio_ctx *c)
{
	struct aio_ctx *o;
	int err = 0;

	spin_lock(&aio_lock);
	if (total + c->max > sysctl_aio_max_nr)
		err = -EAGAIN;
	list_for_each_entry(o, &contexts, node)
		if (o->mm == c->mm && o->id == c->id)
			err = -EAGAIN;	/* its page was unmapped */
	if (!err) {
		total += c->max;
		list_add(&c->node, &contexts);
		store_release(&c->mm->aio_release, aio_exit);
	}
	spin_unlock(&aio_lock);
	return err;
}

static int map_page(unsigned long *addr)
{
	struct map_request rq = {
		.len = PAGE_SIZE, .prot = PROT_RW,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS,
		.may_flags = VM_MAYREAD | VM_MAYWRITE,
	};

	return mm_map(current->mm, &rq, addr);
}

int aio_create(unsigned nr, unsigned long *id)
{
	struct aio_ctx *c;
	int err;

	if (nr > READ_ONCE(sysctl_aio_max_nr))
		return -EAGAIN;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	ref_init(&c->refs, 1);
	spin_init(&c->lock, RANK_SPIN_LEAF, "aio ring");
	waitq_init(&c->wait);
	c->mm = current->mm;
	c->max = nr;
	c->ring = kvmalloc(nr * sizeof(*c->ring), GFP_KERNEL);
	err = c->ring ? map_page(&c->id) : -ENOMEM;
	if (err)
		goto err_ctx;
	err = publish(c);
	if (err)
		goto err_page;
	*id = c->id;
	return 0;
err_page:
	ignore_error(mm_unmap(current->mm, c->id, PAGE_SIZE));
err_ctx:
	aio_put(c);
	return err;
}

struct aio_ctx *aio_find(unsigned long id)
{
	struct aio_ctx *c, *found = NULL;

	if (!READ_ONCE(current->mm->aio_release))
		return NULL;
	spin_lock(&aio_lock);
	list_for_each_entry(c, &contexts, node)
		if (c->mm == current->mm && c->id == id) {
			ref_get(&c->refs);
			found = c;
			break;
		}
	spin_unlock(&aio_lock);
	return found;
}

int aio_destroy(unsigned long id)
{
	struct aio_ctx *c = aio_find(id);
	bool ours;

	if (!c)
		return -EINVAL;
	spin_lock(&aio_lock);
	ours = !c->is_dead;
	if (ours)
		remove_locked(c);
	spin_unlock(&aio_lock);
	if (ours) {
		wake_all(&c->wait);
		ignore_error(mm_unmap(current->mm, id, PAGE_SIZE));
		aio_put(c);
	}
	aio_put(c);
	return ours ? 0 : -EINVAL;
}

/* --- events -----------------------------------------------------------------*/
int aio_reserve(struct aio_ctx *c)
{
	int err = -EAGAIN;

	spin_lock(&c->lock);
	if (c->nr + c->reserved < c->max) {
		c->reserved++;
		err = 0;
	}
	spin_unlock(&c->lock);
	return err;
}

void aio_unreserve(struct aio_ctx *c)
{
	spin_lock(&c->lock);
	c->reserved--;
	spin_unlock(&c->lock);
}

void aio_complete(struct aio_ctx *c, const struct io_event *e)
{
	spin_lock(&c->lock);
	c->reserved--;
	c->ring[(c->head + c->nr++) % c->max] = *e;
	spin_unlock(&c->lock);
	wake_all(&c->wait);
}

int aio_wait(struct aio_ctx *c, unsigned want, u64 deadline)
{
	int err = wait_event_intr_until(&c->wait, READ_ONCE(c->nr) >= want ||
					READ_ONCE(c->is_dead), deadline);

	if (READ_ONCE(c->is_dead))
		return -EINVAL;
	return err == -ETIMEDOUT ? 0 : err;
}

unsigned aio_take(struct aio_ctx *c, struct io_event *e, unsigned n)
{
	unsigned i;

	spin_lock(&c->lock);
	n = min(n, c->nr);
	for (i = 0; i < n; i++)
		e[i] = c->ring[(c->head + i) % c->max];
	c->head = (c->head + n) % c->max;
	c->nr -= n;
	spin_unlock(&c->lock);
	return n;
}
