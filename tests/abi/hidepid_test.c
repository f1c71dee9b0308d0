/* Options of a proc mount: hidepid=, gid=, subset=. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DIR_NAME "/tmp/hidepid"

static void mount_proc(const char *options)
{
	if (getuid() != 0)
		exit(TEST_SKIPPED);
	mkdir(DIR_NAME, 0755);
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("proc", DIR_NAME, "proc", 0, options) == 0);
}

static void become(unsigned id)
{
	CHECK(setgroups(0, NULL) == 0);
	CHECK(setresgid(id, id, id) == 0);
	CHECK(setresuid(id, id, id) == 0);
}

static int lists_init(void)
{
	DIR *d = opendir(DIR_NAME);
	struct dirent *e;
	int found = 0;

	CHECK(d);
	while ((e = readdir(d)))
		found |= !strcmp(e->d_name, "1");
	closedir(d);
	return found;
}

static int open_stat(void)
{
	return open(DIR_NAME "/1/stat", O_RDONLY);
}

TEST(off_shows_all)
{
	mount_proc("hidepid=0");
	become(1234);
	CHECK(lists_init());
	CHECK(open_stat() >= 0);
}

TEST(noaccess_closes_directories)
{
	struct stat st;

	mount_proc("hidepid=1");
	become(1234);
	CHECK(lists_init());
	CHECK(stat(DIR_NAME "/1", &st) == 0);
	CHECK_ERR(open_stat(), EPERM);
	CHECK(open(DIR_NAME "/self/stat", O_RDONLY) >= 0);
}

TEST(invisible_hides_them)
{
	struct stat st;

	mount_proc("hidepid=invisible");
	CHECK(lists_init());
	CHECK(open_stat() >= 0);
	become(1234);
	CHECK(!lists_init());
	CHECK_ERR(stat(DIR_NAME "/1", &st), ENOENT);
	CHECK_ERR(open_stat(), ENOENT);
	CHECK_ERR(open(DIR_NAME "/1", O_RDONLY | O_DIRECTORY), ENOENT);
	CHECK(open(DIR_NAME "/self/stat", O_RDONLY) >= 0);
}

TEST(ptraceable_denies_even_the_group)
{
	mount_proc("hidepid=4,gid=77");
	become(77);
	CHECK(!lists_init());
	CHECK_ERR(open_stat(), ENOENT);
}

TEST(the_group_sees_all)
{
	mount_proc("hidepid=2,gid=77");
	become(77);
	CHECK(lists_init());
	CHECK(open_stat() >= 0);
}

TEST(a_remount_changes_what_is_cached)
{
	pid_t pid;
	int status;

	mount_proc("");
	CHECK(open_stat() >= 0);
	CHECK(mount(NULL, DIR_NAME, NULL, MS_REMOUNT, "hidepid=2") == 0);
	pid = fork();
	if (!pid) {
		become(1234);
		CHECK_ERR(open_stat(), ENOENT);
		_exit(0);
	}
	CHECK(wait(&status) == pid && status == 0);
	CHECK(mount(NULL, DIR_NAME, NULL, MS_REMOUNT, "hidepid=0") == 0);
	become(1234);
	CHECK(open_stat() >= 0);
}

TEST(mounts_differ)
{
	mount_proc("hidepid=2");
	become(1234);
	CHECK_ERR(open_stat(), ENOENT);
	CHECK(open("/proc/1/stat", O_RDONLY) >= 0);
}

TEST(subset_has_processes_alone)
{
	struct stat st;

	mount_proc("subset=pid");
	CHECK(lists_init());
	CHECK_ERR(stat(DIR_NAME "/meminfo", &st), ENOENT);
	CHECK(stat(DIR_NAME "/self/stat", &st) == 0);
	CHECK(stat(DIR_NAME "/thread-self", &st) == 0);
}

TEST(nonsense_is_refused)
{
	mount_proc("");
	CHECK_ERR(mount("proc", DIR_NAME, "proc", 0, "hidepid=3"), EINVAL);
	CHECK_ERR(mount("proc", DIR_NAME, "proc", 0, "hidepid=x"), EINVAL);
	CHECK_ERR(mount("proc", DIR_NAME, "proc", 0, "subset=all"), EINVAL);
	CHECK_ERR(mount("proc", DIR_NAME, "proc", 0, "gid=-5"), EINVAL);
	CHECK_ERR(mount("proc", DIR_NAME, "proc", 0, "nonsense"), EINVAL);
}
