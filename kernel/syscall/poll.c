/* The system calls of pipe, poll and select. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/pipe.h>
#include <fs/poll.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <signal/signal.h>
#include <syscall_prototypes.h>
#include <task/process.h>

long sys_pipe2(int __user *fds, int flags)
{
	struct file *f[2];
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create((unsigned)flags, f);
	if (err)
		return err;
	err = fd_add_pair(f, (unsigned)flags & O_CLOEXEC, fds);
	if (err) {
		file_put(f[0]);
		file_put(f[1]);
	}
	return err;
}

/* A relative timeout in user memory to a deadline: 0 none, POLL_NO_WAIT. */
static int get_deadline(const struct timespec64 __user *ts, u64 *deadline)
{
	struct timespec64 t;
	u64 ns;

	*deadline = 0;
	if (!ts)
		return 0;
	if (copy_from_user(&t, ts, sizeof(t)))
		return -EFAULT;
	if (!timespec_valid(&t))
		return -EINVAL;
	ns = timespec_to_ns(&t);
	*deadline = POLL_NO_WAIT;
	if (ns && add_overflow(clock_ns(), ns, deadline))
		*deadline = 0;
	return 0;
}

/* Writes back the time that is left, as Linux does for ppoll and pselect6. */
static void put_remaining(struct timespec64 __user *ts, u64 deadline)
{
	struct timespec64 t = { 0, 0 };
	u64 now;

	if (!ts || !deadline || (current->personality & 0x4000000))
		return;
	now = clock_ns();
	if (deadline > now && deadline != POLL_NO_WAIT)
		t = ns_to_timespec(deadline - now);
	ignore_error(copy_to_user(ts, &t, sizeof(t)));
}

#define FAST_POLLFDS 30u

static int poll_copy_back(struct pollfd __user *u, const struct pollfd *k,
			  unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (put_user(k[i].revents, &u[i].revents))
			return -EFAULT;
	return 0;
}

static long poll_user(struct pollfd __user *ufds, unsigned n, u64 deadline)
{
	struct pollfd fast[FAST_POLLFDS], *fds = fast;
	long ret;

	if (n > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > FAST_POLLFDS) {
		fds = kvmalloc((size_t)n * sizeof(*fds), GFP_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	ret = copy_from_user(fds, ufds, (size_t)n * sizeof(*fds));
	if (!ret)
		ret = do_poll(fds, n, deadline);
	if (ret >= 0 && poll_copy_back(ufds, fds, n))
		ret = -EFAULT;
	if (fds != fast)
		kvfree(fds);
	return ret;
}

long sys_ppoll(struct pollfd __user *fds, unsigned n,
	       struct timespec64 __user *ts, const u64 __user *mask,
	       size_t size)
{
	u64 deadline;
	long ret = get_deadline(ts, &deadline);

	if (ret)
		return ret;
	ret = sigmask_set_temp(mask, size);
	if (ret)
		return ret;
	ret = poll_user(fds, n, deadline);
	sigmask_restore_temp(ret == -EINTR);
	put_remaining(ts, deadline);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

#define FAST_WORDS 4u

static int copy_set_in(unsigned long *k, const unsigned long __user *u,
		       unsigned words)
{
	return u ? copy_from_user(k, u, words * sizeof(long)) : 0;
}

static int copy_set_out(unsigned long __user *u, const unsigned long *k,
			unsigned words)
{
	return u ? copy_to_user(u, k, words * sizeof(long)) : 0;
}

static long select_user(int n, unsigned long __user *in,
			unsigned long __user *out, unsigned long __user *ex,
			u64 deadline)
{
	unsigned long fast[3 * FAST_WORDS], *k = fast;
	unsigned words;
	long ret;

	if (n < 0)
		return -EINVAL;
	n = min_t(int, n, (int)FD_SET_LIMIT);
	words = ((unsigned)n + 63) / 64;
	if (words > FAST_WORDS) {
		k = kvmalloc(3ul * words * sizeof(long), GFP_KERNEL);
		if (!k)
			return -ENOMEM;
	}
	if (copy_set_in(k, in, words) || copy_set_in(k + words, out, words) ||
	    copy_set_in(k + 2 * words, ex, words)) {
		ret = -EFAULT;
		goto out_free;
	}
	ret = do_select(n, in ? k : NULL, out ? k + words : NULL,
			ex ? k + 2 * words : NULL, deadline);
	if (ret >= 0 &&
	    (copy_set_out(in, k, words) || copy_set_out(out, k + words, words) ||
	     copy_set_out(ex, k + 2 * words, words)))
		ret = -EFAULT;
out_free:
	if (k != fast)
		kvfree(k);
	return ret;
}

struct sigset_arg {		/* pselect6's last argument */
	const u64 __user *mask;
	size_t size;
};

long sys_pselect6(int n, unsigned long __user *in, unsigned long __user *out,
		  unsigned long __user *ex, struct timespec64 __user *ts,
		  const struct sigset_arg __user *sig)
{
	struct sigset_arg s = { NULL, 0 };
	u64 deadline;
	long ret;

	if (sig && copy_from_user(&s, sig, sizeof(s)))
		return -EFAULT;
	ret = get_deadline(ts, &deadline);
	if (ret)
		return ret;
	ret = sigmask_set_temp(s.mask, s.size);
	if (ret)
		return ret;
	ret = select_user(n, in, out, ex, deadline);
	sigmask_restore_temp(ret == -EINTR);
	put_remaining(ts, deadline);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
