/*
 * syslog - the kernel's log as syslog(2) reads it.
 *
 * Locks:   syslog_lock orders readers of the shared position.
 */
#include "task_impl.h"

#include <arch/uaccess.h>
#include <kernel/print.h>
#include <lib/errno.h>
#include <task/membarrier.h>

enum {
	LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_READ_CLEAR,
	LOG_CLEAR, LOG_CONSOLE_OFF, LOG_CONSOLE_ON, LOG_CONSOLE_LEVEL,
	LOG_SIZE_UNREAD, LOG_SIZE_BUFFER,
};

#define CHUNK 4096
#define LOG_BUFFER_BYTES (128 * 1024)

static struct mutex syslog_lock =
	MUTEX_INIT(syslog_lock, RANK_SLEEP_LEAF, "syslog_lock");
static u64 read_seq, clear_seq;		/* syslog_lock */
static int saved_level = -1;		/* syslog_lock */

/* Copies records from *seq on; at most len bytes, whole records.  Nothing is
 * held while they go to the user, whose page may fault and wait for long; so
 * what could not be copied is gone for the next reader. */
static long copy_records(u64 *seq, char __user *u, int len)
{
	char *buf = kmalloc(CHUNK, GFP_KERNEL);
	long done = 0;
	size_t n;

	if (!buf)
		return -ENOMEM;
	while (done < len) {
		mutex_lock(&syslog_lock);
		n = log_read(seq, buf, min((size_t)(len - done), (size_t)CHUNK),
			     true);
		mutex_unlock(&syslog_lock);
		if (!n)
			break;
		if (copy_to_user(u + done, buf, n)) {
			done = done ? done : -EFAULT;
			break;
		}
		done += (long)n;
	}
	kfree(buf);
	return done;
}

static long read_new(char __user *u, int len)
{
	long n = wait_event_intr(log_waitq(), log_next_seq() > read_seq);

	if (n)
		return -ERESTARTSYS;
	return copy_records(&read_seq, u, len);
}

/* The sizes of records are not known beforehand: those that fit into the
 * buffer's end are found by reading. */
static long read_all(char __user *u, int len, bool clear)
{
	u64 seq;
	long n;

	mutex_lock(&syslog_lock);
	seq = max(clear_seq, log_first_seq());
	mutex_unlock(&syslog_lock);
	n = copy_records(&seq, u, len);
	mutex_lock(&syslog_lock);
	if (clear)
		clear_seq = log_next_seq();
	mutex_unlock(&syslog_lock);
	return n;
}

static long count_unread(void)
{
	char *buf = kmalloc(CHUNK, GFP_KERNEL);
	u64 seq;
	long total = 0;
	size_t n;

	if (!buf)
		return -ENOMEM;
	mutex_lock(&syslog_lock);
	seq = read_seq;
	mutex_unlock(&syslog_lock);
	while ((n = log_read(&seq, buf, CHUNK, true)))
		total += (long)n;
	kfree(buf);
	return total;
}

static long set_console(int type, int level)
{
	if (type == LOG_CONSOLE_OFF) {
		if (saved_level < 0)
			saved_level = console_loglevel;
		console_loglevel = 1;
	} else if (type == LOG_CONSOLE_ON) {
		if (saved_level >= 0)
			console_loglevel = saved_level;
		saved_level = -1;
	} else {
		if (level < 1 || level > 8)
			return -EINVAL;
		console_loglevel = level;
		saved_level = -1;
	}
	return 0;
}

long do_syslog(int type, char __user *u, int len)
{
	bool is_open = !READ_ONCE(sysctl_dmesg_restrict) &&
		       (type == LOG_READ_ALL || type == LOG_SIZE_BUFFER);

	if (!is_open && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (type >= LOG_READ && type <= LOG_READ_CLEAR) {
		if (!u || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
	}
	switch (type) {
	case LOG_CLOSE:
	case LOG_OPEN:
		return 0;
	case LOG_READ:
		return read_new(u, len);
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		return read_all(u, len, type == LOG_READ_CLEAR);
	case LOG_CLEAR:
		clear_seq = log_next_seq();
		return 0;
	case LOG_CONSOLE_OFF:
	case LOG_CONSOLE_ON:
	case LOG_CONSOLE_LEVEL:
		return set_console(type, len);
	case LOG_SIZE_UNREAD:
		return count_unread();
	case LOG_SIZE_BUFFER:
		return LOG_BUFFER_BYTES;
	}
	return -EINVAL;
}
