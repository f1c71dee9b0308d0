/* fork, exit and wait as the kernel reports them. */
#include "test.h"

#include <sys/mman.h>
#include <sys/resource.h>

TEST(child_sees_its_own_copy)
{
	volatile int value = 1;
	pid_t pid = fork();

	if (pid == 0) {
		value = 2;
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(value, 1);
}

TEST(shared_memory_stays_shared)
{
	volatile int *value = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(value != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		*value = 7;
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(*value, 7);
}

TEST(exit_status_is_the_low_byte)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0x1234);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0x34);
}

TEST(a_killed_child_reports_its_signal)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTERM);
}

TEST(stop_and_continue_are_reported)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

TEST(wait_without_children)
{
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0x4000), EINVAL);
}

TEST(waitid_leaves_the_child_with_wnowait)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 3);
	CHECK_EQ(info.si_pid, pid);
	CHECK(waitid(P_PID, pid, &info, WEXITED) == 0);
	CHECK_ERR(waitid(P_PID, pid, &info, WEXITED), ECHILD);
}

TEST(an_orphan_gets_another_parent)
{
	int fds[2];
	pid_t pid, seen = -1;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			while (getppid() == parent)
				usleep(1000);
			seen = getppid();
			CHECK(write(fds[1], &seen, sizeof(seen)) > 0);
		}
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(read(fds[0], &seen, sizeof(seen)), sizeof(seen));
	CHECK(seen > 0 && seen != pid);
}

TEST(waitid_that_does_not_ask_for_the_dead)
{
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	CHECK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT) == 0);
	CHECK_EQ(si.si_status, 3);
	/* It will not stop any more. */
	CHECK_ERR(waitid(P_PID, pid, &si, WSTOPPED), ECHILD);
	CHECK_EQ(si.si_signo, 0);
	CHECK_EQ(si.si_pid, 0);
	CHECK_ERR(waitid(P_ALL, 0, &si, WCONTINUED), ECHILD);
	CHECK(waitpid(pid, NULL, 0) == pid);
	memset(&si, 1, sizeof(si));
	CHECK_ERR(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	CHECK_EQ(si.si_signo, 0);
}
