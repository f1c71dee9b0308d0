/* Leases on files, and other questions to fcntl(2). */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#define F_CREATED_QUERY_ 1028
#define F_GET_RW_HINT_ 1035
#define F_SET_RW_HINT_ 1036

static char name[] = "/tmp/leaseXXXXXX";
static volatile int got, got_fd;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got = sig;
	got_fd = info->si_fd;
}

static void catch(int sig)
{
	struct sigaction a = { .sa_sigaction = on_signal,
			       .sa_flags = SA_SIGINFO | SA_RESTART };

	CHECK(sigaction(sig, &a, NULL) == 0);
}

static int file(int flags)
{
	if (strchr(name, 'X'))
		close(mkstemp(name));
	return open(name, flags);
}

static void set_break_time(const char *seconds)
{
	int fd = open("/proc/sys/fs/lease-break-time", O_WRONLY);

	CHECK(fd >= 0 && write(fd, seconds, strlen(seconds)) > 0);
	close(fd);
}

TEST(what_is_open_cannot_be_leased)
{
	int rw = file(O_RDWR), ro, pair[2];

	CHECK_EQ(fcntl(rw, F_GETLEASE), F_UNLCK);
	CHECK_ERR(fcntl(rw, F_SETLEASE, 77), EINVAL);
	CHECK_ERR(fcntl(rw, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_ERR(fcntl(rw, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK(fcntl(rw, F_SETLEASE, F_WRLCK) == 0);
	CHECK_EQ(fcntl(rw, F_GETLEASE), F_WRLCK);
	CHECK_ERR(fcntl(rw, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK(fcntl(rw, F_SETLEASE, F_UNLCK) == 0);
	ro = file(O_RDONLY);
	CHECK_ERR(fcntl(rw, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK_ERR(fcntl(ro, F_SETLEASE, F_RDLCK), EAGAIN);
	close(rw);
	CHECK(fcntl(ro, F_SETLEASE, F_RDLCK) == 0);
	CHECK_EQ(fcntl(ro, F_GETLEASE), F_RDLCK);
	CHECK(pipe(pair) == 0);
	CHECK_ERR(fcntl(pair[0], F_SETLEASE, F_RDLCK), EINVAL);
}

TEST(a_conflicting_open_is_told_and_refused)
{
	int ro = file(O_RDONLY);

	catch(SIGIO);
	CHECK(fcntl(ro, F_SETLEASE, F_RDLCK) == 0);
	CHECK(file(O_RDONLY) >= 0);
	CHECK_EQ(got, 0);
	CHECK_ERR(file(O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
	CHECK_EQ(got, SIGIO);
	CHECK_EQ(fcntl(ro, F_GETLEASE), F_UNLCK);
	CHECK(fcntl(ro, F_SETLEASE, F_UNLCK) == 0);
	CHECK(file(O_WRONLY | O_NONBLOCK) >= 0);
	CHECK_ERR(fcntl(ro, F_SETLEASE, F_RDLCK), EAGAIN);
}

TEST(the_opener_waits_until_it_is_given_back)
{
	int rw = file(O_RDWR);
	pid_t pid;

	catch(SIGUSR1);
	CHECK(fcntl(rw, F_SETSIG, SIGUSR1) == 0);
	CHECK(fcntl(rw, F_SETLEASE, F_WRLCK) == 0);
	pid = fork();
	if (pid == 0) {
		close(rw);
		CHECK(file(O_RDONLY) >= 0);
		_exit(0);
	}
	while (!got)
		usleep(1000);
	CHECK(got == SIGUSR1 && got_fd == rw);
	CHECK_EQ(fcntl(rw, F_GETLEASE), F_RDLCK);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(fcntl(rw, F_SETLEASE, F_UNLCK) == 0);
	CHECK_CHILD(pid);
}

TEST(after_the_time_it_is_taken)
{
	int ro = file(O_RDONLY);

	catch(SIGIO);
	set_break_time("1");
	CHECK(fcntl(ro, F_SETLEASE, F_RDLCK) == 0);
	CHECK(truncate(name, 0) == 0);
	CHECK_EQ(got, SIGIO);
	CHECK_EQ(fcntl(ro, F_GETLEASE), F_UNLCK);
	CHECK_ERR(fcntl(ro, F_SETLEASE, F_UNLCK), EAGAIN);
	set_break_time("45");
}

TEST(it_ends_with_the_last_descriptor)
{
	int ro = file(O_RDONLY), copy = dup(ro);

	CHECK(fcntl(ro, F_SETLEASE, F_RDLCK) == 0);
	close(ro);
	CHECK_EQ(fcntl(copy, F_GETLEASE), F_RDLCK);
	close(copy);
	CHECK(file(O_WRONLY | O_NONBLOCK) >= 0);
}

TEST(a_file_of_others_needs_a_capability)
{
	int ro = file(O_RDONLY);

	CHECK(chmod(name, 0644) == 0 && setuid(1000) == 0);
	CHECK_ERR(fcntl(ro, F_SETLEASE, F_RDLCK), EACCES);
}

TEST(hints_and_who_made_the_file)
{
	unsigned long long hint = 9;
	char path[] = "/tmp/madeXXXXXX";
	int fd = mkstemp(path), again = open(path, O_RDWR | O_CREAT, 0600);

	CHECK(fcntl(fd, F_GET_RW_HINT_, &hint) == 0 && hint == 0);
	hint = 2;
	CHECK(fcntl(fd, F_SET_RW_HINT_, &hint) == 0);
	hint = 0;
	CHECK(fcntl(again, F_GET_RW_HINT_, &hint) == 0 && hint == 2);
	hint = 77;
	CHECK_ERR(fcntl(fd, F_SET_RW_HINT_, &hint), EINVAL);
	CHECK_EQ(fcntl(fd, F_CREATED_QUERY_), 1);
	CHECK_EQ(fcntl(again, F_CREATED_QUERY_), 0);
}
