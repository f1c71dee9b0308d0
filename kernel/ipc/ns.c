/*
 * ns - IPC namespaces: who shares ids, limits and queues.
 *
 * Life:    counted by the nsproxies that name it, and by attached segments.
 *          The last put deletes all objects; nobody can be sleeping on one,
 *          since who sleeps has the namespace.
 */
#include "ipc_impl.h"

#include <ipc/mqueue.h>
#include <kernel/init.h>
#include <lib/errno.h>

#define SHM_LIMIT (ULONG_MAX - (1ul << 24))

#define IDS_INIT(n)                                                            \
	{ .lock = MUTEX_INIT(init_ipc_ns.ids[n].lock, RANK_SLEEP_C, "ipc ids"), \
	  .max_index = -1, .last_index = -1, .next_id = -1 }

struct ipc_ns init_ipc_ns = {
	.refs = REF_INIT(1),
	.ino = 0xefffffffu,
	.owner = NS_OWNER_INIT,
	.ids = { IDS_INIT(0), IDS_INIT(1), IDS_INIT(2) },
	.sem_ctls = { 32000, 1024000000, 500, 32000 },
	.shm_ctlmax = SHM_LIMIT,
	.shm_ctlall = SHM_LIMIT,
	.shm_ctlmni = 4096,
	.msg_ctlmax = 8192,
	.msg_ctlmnb = 16384,
	.msg_ctlmni = 32000,
};

static void (*const delete_unlock[IPC_KINDS])(struct ipc_obj *o) = {
	[IPC_SEM] = sem_delete_unlock,
	[IPC_SHM] = shm_delete_unlock,
	[IPC_MSG] = msg_delete_unlock,
};

static void ids_init(struct ipc_ids *ids)
{
	mutex_init(&ids->lock, RANK_SLEEP_C, "ipc ids");
	ids->table = NULL;
	ids->in_use = 0;
	ids->seq = 0;
	ids->max_index = -1;
	ids->last_index = -1;
	ids->next_id = -1;
}

int ipc_ns_create(struct user_ns *user, struct ipc_ns **out)
{
	struct ipc_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	int err;

	if (!ns)
		return -ENOMEM;
	err = ns_owner_init(&ns->owner, user, NS_COUNT_IPC);
	if (err) {
		kfree(ns);
		return err;
	}
	ref_init(&ns->refs, 1);
	ns->ino = ns_new_ino();
	for (int k = 0; k < IPC_KINDS; k++)
		ids_init(&ns->ids[k]);
	memcpy(ns->sem_ctls, (int[]){ 32000, 1024000000, 500, 32000 },
	       sizeof(ns->sem_ctls));
	ns->shm_ctlmax = ns->shm_ctlall = SHM_LIMIT;
	ns->shm_ctlmni = 4096;
	ns->msg_ctlmax = 8192;
	ns->msg_ctlmnb = 16384;
	ns->msg_ctlmni = 32000;
	*out = ns;
	return 0;
}

static void delete_all(struct ipc_ns *ns, enum ipc_kind kind) __no_analysis
{
	struct ipc_ids *ids = &ns->ids[kind];
	struct ipc_obj *o;

	mutex_lock(&ids->lock);
	for (int i = ids->max_index; i >= 0; i--)
		if (!ipc_lock_index(ns, kind, i, &o))
			delete_unlock[kind](o);
	mutex_unlock(&ids->lock);
}

void ipc_ns_put(struct ipc_ns *ns)
{
	if (ns == &init_ipc_ns || !ref_put(&ns->refs))
		return;
	mqueue_ns_release(ns->mq);
	for (int k = 0; k < IPC_KINDS; k++) {
		delete_all(ns, (enum ipc_kind)k);
		kvfree(ns->ids[k].table);
	}
	ns_owner_release(&ns->owner, NS_COUNT_IPC);
	kfree(ns);
}
