/* System calls of System V IPC. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <ipc/ipc.h>
#include <kernel/task.h>
#include <signal/signal.h>
#include <time/clock.h>

long sys_semget(int key, int nsems, int flags)
{
	return sem_get(key, nsems, flags);
}

long sys_semctl(int id, int num, int cmd, unsigned long arg)
{
	return sem_ctl(id, num, cmd, arg);
}

long sys_semop(int id, struct sembuf __user *ops, unsigned n)
{
	return sem_op(id, ops, n, 0);
}

long sys_semtimedop(int id, struct sembuf __user *ops, unsigned n,
		    const struct timespec64 __user *uts)
{
	struct timespec64 ts;
	u64 deadline = 0;

	if (uts) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		if (add_overflow(timespec_to_ns(&ts), clock_ns(), &deadline))
			deadline = DEADLINE_NEVER;
	}
	return sem_op(id, ops, n, deadline);
}

long sys_shmget(int key, size_t size, int flags)
{
	return shm_get(key, size, flags);
}

long sys_shmat(int id, unsigned long addr, int flags)
{
	unsigned long at;
	int err = shm_attach(id, addr, flags, &at);

	return err ? err : (long)at;
}

long sys_shmdt(unsigned long addr)
{
	return shm_detach(addr);
}

long sys_shmctl(int id, int cmd, void __user *buf)
{
	return shm_ctl(id, cmd, buf);
}

long sys_msgget(int key, int flags)
{
	return msg_get(key, flags);
}

long sys_msgsnd(int id, const void __user *buf, size_t size, int flags)
{
	return msg_send(id, buf, size, flags);
}

long sys_msgrcv(int id, void __user *buf, size_t size, long type, int flags)
{
	return msg_receive(id, buf, size, type, flags);
}

long sys_msgctl(int id, int cmd, void __user *buf)
{
	return msg_ctl(id, cmd, buf);
}
