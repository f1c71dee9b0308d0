/* Asynchronous I/O by system call: contexts, submissions, events. */
#include "test.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static char name[] = "/tmp/aioXXXXXX";

static long setup(unsigned n, aio_context_t *c)
{
	return syscall(SYS_io_setup, n, c);
}

static long submit(aio_context_t c, long n, struct iocb **list)
{
	return syscall(SYS_io_submit, c, n, list);
}

static long events(aio_context_t c, long want, long n, struct io_event *e,
		   long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return syscall(SYS_io_getevents, c, want, n, e, ms < 0 ? NULL : &t);
}

static struct iocb request(int fd, int op, void *buf, size_t n, long long at)
{
	return (struct iocb){ .aio_fildes = (unsigned)fd,
			      .aio_lio_opcode = (unsigned short)op,
			      .aio_buf = (unsigned long)buf, .aio_nbytes = n,
			      .aio_offset = at, .aio_data = (unsigned)op + 70 };
}

TEST(contexts_come_and_go)
{
	aio_context_t c = 0, d = 0;

	CHECK_ERR(setup(1, (void *)8L), EFAULT);
	CHECK_ERR(setup(0, &c), EINVAL);
	CHECK_ERR(setup(~0u, &c), EINVAL);
	CHECK_ERR(setup(1000000, &c), EAGAIN);
	CHECK(setup(4, &c) == 0 && c != 0);
	CHECK_ERR(setup(4, &c), EINVAL);
	CHECK(setup(4, &d) == 0 && d != c);
	CHECK(syscall(SYS_io_destroy, c) == 0);
	CHECK_ERR(syscall(SYS_io_destroy, c), EINVAL);
	CHECK_ERR(syscall(SYS_io_destroy, 0), EINVAL);
	CHECK_ERR(submit(c, 1, NULL), EINVAL);
	CHECK_ERR(events(c, 0, 1, NULL, 0), EINVAL);
}

TEST(bytes_are_written_and_read)
{
	char in[16] = "", a[4], b[4];
	struct iovec v[2] = { { a, 4 }, { b, 4 } };
	int fd = mkstemp(name), ev = eventfd(0, EFD_NONBLOCK);
	struct iocb w = request(fd, IOCB_CMD_PWRITE, "asynchronous", 12, 0);
	struct iocb s = request(fd, IOCB_CMD_FSYNC, NULL, 0, 0);
	struct iocb r = request(fd, IOCB_CMD_PREAD, in, 16, 1);
	struct iocb rv = request(fd, IOCB_CMD_PREADV, v, 2, 0);
	struct iocb *list[] = { &w, &s, &r, &rv };
	struct io_event e[8];
	aio_context_t c = 0;
	eventfd_t n = 0;

	CHECK(setup(8, &c) == 0);
	w.aio_flags = r.aio_flags = IOCB_FLAG_RESFD;
	w.aio_resfd = r.aio_resfd = (unsigned)ev;
	CHECK_EQ(submit(c, 4, list), 4);
	CHECK_EQ(events(c, 4, 8, e, -1), 4);
	for (int i = 0; i < 4; i++) {
		CHECK(e[i].data >= 70);
		CHECK_EQ(e[i].res, e[i].obj == (unsigned long)&w ? 12 :
				   e[i].obj == (unsigned long)&s ? 0 :
				   e[i].obj == (unsigned long)&r ? 11 : 8);
	}
	CHECK_STR(in, "synchronous");
	CHECK(memcmp(a, "asyn", 4) == 0 && memcmp(b, "chro", 4) == 0);
	CHECK(eventfd_read(ev, &n) == 0 && n == 2);
	CHECK(syscall(SYS_io_destroy, c) == 0);
}

TEST(what_cannot_be_submitted)
{
	int fd = mkstemp(name), ro = open(name, O_RDONLY);
	struct iocb r = request(99, IOCB_CMD_PREAD, &r, 1, 0), *p = &r;
	struct iocb *bad = (void *)8L;
	struct io_event e;
	aio_context_t c = 0;

	CHECK(setup(1, &c) == 0);
	CHECK_ERR(submit(c, -1, &p), EINVAL);
	CHECK_EQ(submit(c, 0, &p), 0);
	CHECK_ERR(submit(c, 1, (void *)8L), EFAULT);
	CHECK_ERR(submit(c, 1, &bad), EFAULT);
	CHECK_ERR(submit(c, 1, &p), EBADF);
	r = request(fd, 77, NULL, 0, 0);
	CHECK_ERR(submit(c, 1, &p), EINVAL);
	r = request(ro, IOCB_CMD_PWRITE, &r, 1, 0);
	CHECK_ERR(submit(c, 1, &p), EBADF);
	r = request(fd, IOCB_CMD_PREAD, &r, 1, -1);
	CHECK_ERR(submit(c, 1, &p), EINVAL);
	r = request(fd, IOCB_CMD_PREAD, &r, 1, 0);
	r.aio_reserved2 = 1;
	CHECK_ERR(submit(c, 1, &p), EINVAL);
	r = request(fd, IOCB_CMD_PREAD, &r, 1, 0);
	r.aio_flags = IOCB_FLAG_RESFD;
	r.aio_resfd = (unsigned)fd;
	CHECK_ERR(submit(c, 1, &p), EINVAL);
	CHECK_ERR(syscall(SYS_io_cancel, c, NULL, &e), EFAULT);
	CHECK_ERR(syscall(SYS_io_cancel, 0, &r, &e), EINVAL);
}

TEST(waiting_for_events)
{
	struct io_event e;
	aio_context_t c = 0;

	CHECK(setup(1, &c) == 0);
	CHECK_EQ(events(c, 0, 1, &e, -1), 0);
	CHECK_EQ(events(c, 1, 1, &e, 10), 0);
	CHECK_ERR(events(c, 2, 1, &e, 0), EINVAL);
	CHECK_ERR(events(c, -1, 1, &e, 0), EINVAL);
	CHECK_ERR(syscall(SYS_io_getevents, c, 1, 1, &e, 8L), EFAULT);
	CHECK_EQ(syscall(SYS_io_pgetevents, c, 0, 1, &e, NULL, NULL), 0);
	CHECK_ERR(syscall(SYS_io_pgetevents, c, 0, 1, &e, NULL, 8L), EFAULT);
}

TEST(a_child_has_none_of_them)
{
	aio_context_t c = 0;
	struct io_event e;
	pid_t pid;

	CHECK(setup(1, &c) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK_ERR(events(c, 0, 1, &e, 0), EINVAL);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(events(c, 0, 1, &e, 0), 0);
}
