/*
 * irq - device interrupts: handlers by number, the controllers, statistics.
 *
 * Theory:  each controller registers a range of numbers; the first is the root
 *          that the harts' external interrupt line belongs to.  Handlers of a
 *          shared line are asked in turn.  A line whose interrupts nobody
 *          claims, again and again, is masked, so that it cannot hang the
 *          machine.
 *
 *          Dispatch takes no lock: an action is published by a release store
 *          and removed after a grace period.
 * Locks:   table_lock guards changes.  Counts belong to their hart.
 * Context: irq_request, irq_free: tasks.  The rest: interrupts.
 */
#include <irq/irq.h>
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/trace.h>
#include <lib/errno.h>

#define MAX_IRQS 256
#define MAX_ACTIONS 192
#define MAX_CHIPS 4
#define SPURIOUS_LIMIT 1000

struct action {
	bool (*handler)(void *ctx);
	void *ctx;
	const char *name;
	struct action *next;
	bool is_used;
};

struct irq_desc {
	struct action *actions;		/* RCU */
	u32 spurious;
	bool is_off;			/* gave up on it */
};

static struct irqlock table_lock = IRQLOCK_INIT(RANK_IRQ_DESC, "irq_table");
static struct irq_desc descs[MAX_IRQS] __guarded_by(&table_lock);
static struct action actions[MAX_ACTIONS] __guarded_by(&table_lock);
static u32 counts[MAX_IRQS][MAX_HARTS];
static struct {
	struct irq_chip *chip;
	u32 first, count;
} chips[MAX_CHIPS] __guarded_by(&table_lock);
static u32 nr_chips;			/* only grows */

static void bring_up(void *arg)
{
	((struct irq_chip *)arg)->hart_online();
}

void irq_chip_register(struct irq_chip *chip, u32 nr_irqs)
{
	u32 first = 0;

	irq_lock(&table_lock);
	if (nr_chips)
		first = chips[nr_chips - 1].first + chips[nr_chips - 1].count;
	if (nr_chips == MAX_CHIPS || first + nr_irqs > MAX_IRQS) {
		irq_unlock(&table_lock);
		pr_err("irq: no room for the controller %s\n", chip->name);
		return;
	}
	chips[nr_chips].chip = chip;
	chips[nr_chips].first = first;
	chips[nr_chips].count = nr_irqs;
	STORE_RELEASE(nr_chips, nr_chips + 1);
	irq_unlock(&table_lock);
	/* harts that come online later call it themselves */
	if (chip->hart_online)
		hart_call_all(bring_up, chip);
}

static struct irq_chip *chip_of(u32 irq, u32 *hwirq)
{
	for (u32 i = 0; i < LOAD_ACQUIRE(nr_chips); i++) {
		if (irq < chips[i].first ||
		    irq >= chips[i].first + chips[i].count)
			continue;
		*hwirq = irq - chips[i].first;
		return chips[i].chip;
	}
	return NULL;
}

static struct action *action_alloc(void)
{
	for (u32 i = 0; i < MAX_ACTIONS; i++) {
		if (actions[i].is_used)
			continue;
		actions[i].is_used = true;
		return &actions[i];
	}
	return NULL;
}

int irq_request(u32 irq, bool (*handler)(void *ctx), void *ctx,
		const char *name)
{
	struct irq_chip *chip;
	struct action *a;
	u32 hwirq;

	chip = chip_of(irq, &hwirq);
	if (!chip)
		return -EINVAL;
	irq_lock(&table_lock);
	a = action_alloc();
	if (a) {
		a->handler = handler;
		a->ctx = ctx;
		a->name = name;
		a->next = descs[irq].actions;
		rcu_assign(descs[irq].actions, a);
		if (!a->next)
			chip->unmask(hwirq);
	}
	irq_unlock(&table_lock);
	return a ? 0 : -ENOMEM;
}

void irq_free(u32 irq, void *ctx)
{
	struct irq_chip *chip;
	struct action **p, *a = NULL;
	u32 hwirq;

	chip = chip_of(irq, &hwirq);
	if (!chip)
		return;
	irq_lock(&table_lock);
	for (p = &descs[irq].actions; *p; p = &(*p)->next) {
		if ((*p)->ctx != ctx)
			continue;
		a = *p;
		WRITE_ONCE(*p, a->next);
		break;
	}
	if (a && !descs[irq].actions)
		chip->mask(hwirq);
	irq_unlock(&table_lock);
	if (!a)
		return;
	synchronize_rcu();
	WRITE_ONCE(a->is_used, false);
}

static void __cold spurious(u32 irq)
{
	struct irq_desc *d = &descs[irq];
	struct irq_chip *chip;
	u32 hwirq;

	if (++d->spurious < SPURIOUS_LIMIT || d->is_off)
		return;
	d->is_off = true;
	chip = chip_of(irq, &hwirq);
	if (chip)
		chip->mask(hwirq);
	pr_err("irq %u: nobody cared, switched off\n", irq);
}

void __hot irq_dispatch(u32 irq)
{
	struct action *a;
	bool handled = false;

	if (unlikely(irq >= MAX_IRQS))
		return;
	counts[irq][hart_id()]++;
	a = rcu_dereference(descs[irq].actions);
	trace_irq_entry(irq, a ? a->name : "none");
	for (; a; a = READ_ONCE(a->next))
		handled |= a->handler(a->ctx);
	trace_irq_exit(irq, handled);
	if (likely(handled))
		descs[irq].spurious = 0;
	else
		spurious(irq);
}

void __hot irq_external(void)
{
	if (likely(LOAD_ACQUIRE(nr_chips)))
		chips[0].chip->handle();
}

void irq_hart_online(void)
{
	for (u32 i = 0; i < LOAD_ACQUIRE(nr_chips); i++)
		if (chips[i].chip->hart_online)
			chips[i].chip->hart_online();
}

bool irq_stat(u32 index, u32 *irq, const char **chip, const char **name,
	      u64 *out)
{
	struct irq_chip *c;
	struct action *a;
	u32 hwirq;

	for (u32 i = 0; i < MAX_IRQS; i++) {
		a = rcu_dereference(descs[i].actions);
		if (!a || index--)
			continue;
		c = chip_of(i, &hwirq);
		*irq = i;
		*chip = c ? c->name : "";
		*name = a->name;
		for (u32 h = 0; h < MAX_HARTS; h++)
			out[h] = counts[i][h];
		return true;
	}
	return false;
}
