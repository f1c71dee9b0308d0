/*
 * task - the list of all tasks and the references to one.
 *
 * Locks:   tasklist_lock guards all_tasks and the family links; readers that
 *          only walk may use RCU instead.
 * Life:    see <kernel/task.h>; floor 5 makes and frees tasks.
 */
#include <kernel/assert.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct rwlock tasklist_lock = RWLOCK_INIT;
struct list all_tasks = LIST_INIT(all_tasks);
void (*task_free_hook)(struct task *t);

void task_put(struct task *t)
{
	if (!ref_put(&t->refs))
		return;
	BUG_ON(!task_free_hook);
	task_free_hook(t);
}
