/* mountlist - walks the mounts of a namespace, for /proc/PID/mounts. */
#include "mount_impl.h"

int mnt_ns_for_each(struct mnt_namespace *ns,
		    int (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m;
	int err = 0;

	mutex_lock(&mount_mutex);
	list_for_each_entry(m, &ns->mounts, ns_node) {
		err = fn(m, arg);
		if (err)
			break;
	}
	mutex_unlock(&mount_mutex);
	return err;
}
