/* Core dumps: that there is one, its name, and what is in it. */
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static volatile unsigned long marker[1024] = { 0x1122334455667788 };
static char *fresh;

static void set_pattern(const char *text)
{
	int fd = open("/proc/sys/kernel/core_pattern", O_WRONLY);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) > 0);
	close(fd);
	fd = open("/proc/sys/kernel/core_uses_pid", O_WRONLY);
	CHECK(fd >= 0 && write(fd, "0", 1) == 1);
	close(fd);
}

static void new_folder(void)
{
	static char name[] = "/tmp/coreXXXXXX";

	if (getuid())
		SKIP("only root sets the pattern");
	CHECK(mkdtemp(name) && chdir(name) == 0);
}

static void limit(unsigned long n)
{
	struct rlimit r = { n, RLIM_INFINITY };

	CHECK(setrlimit(RLIMIT_CORE, &r) == 0);
}

static int dies(void (*fn)(void), pid_t *pid)
{
	int status;

	*pid = fork();
	if (*pid == 0) {
		fn();
		_exit(9);
	}
	CHECK(waitpid(*pid, &status, 0) == *pid);
	return status;
}

static void *sleeps(void *arg)
{
	sleep(100);
	return arg;
}

static void aborts(void)
{
	pthread_t t;

	marker[512] = 0x99aabbccddeeff00;
	for (int i = 0; i < 2; i++)
		pthread_create(&t, NULL, sleeps, NULL);
	usleep(50000);
	abort();
}

static void faults(void)
{
	volatile int *volatile p = (int *)8;

	*p = 1;
}

static int has_core(const char *name)
{
	struct stat st;
	int found = stat(name, &st) == 0;

	if (found)
		unlink(name);
	return found;
}

/* The word at that address, as the file has it. */
static unsigned long word_at(const char *core, unsigned long addr)
{
	Elf64_Ehdr *e = (void *)core;
	Elf64_Phdr *p = (void *)(core + e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && p[i].p_vaddr <= addr &&
		    addr - p[i].p_vaddr < p[i].p_filesz)
			return *(unsigned long *)(core + p[i].p_offset + addr -
						  p[i].p_vaddr);
	return 0;
}

static int count_notes(const char *core, unsigned type, const char **first)
{
	Elf64_Ehdr *e = (void *)core;
	Elf64_Phdr *p = (void *)(core + e->e_phoff);
	const char *at, *end;
	int n = 0;

	CHECK_EQ(p->p_type, PT_NOTE);
	at = core + p->p_offset;
	end = at + p->p_filesz;
	while (at < end) {
		Elf64_Nhdr *h = (void *)at;

		at += sizeof(*h) + ((h->n_namesz + 3) & ~3u);
		if (h->n_type == type && n++ == 0)
			*first = at;
		at += (h->n_descsz + 3) & ~3u;
	}
	return n;
}

static char *read_all(const char *name)
{
	struct stat st;
	int fd = open(name, O_RDONLY);
	size_t done = 0;
	ssize_t n;
	char *p;

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	p = malloc((size_t)st.st_size);
	while ((n = read(fd, p + done, (size_t)st.st_size - done)) > 0)
		done += (size_t)n;
	CHECK_EQ(done, st.st_size);
	close(fd);
	return p;
}

TEST(contents)
{
	const char *note;
	char *core, name[64];
	Elf64_Ehdr *e;
	pid_t pid;
	int status;

	new_folder();
	set_pattern("c.%e.%p.%s.%%");
	limit(RLIM_INFINITY);
	fresh = malloc(100000);
	memset(fresh, 0x5a, 100000);
	prctl(PR_SET_NAME, "na/me");
	status = dies(aborts, &pid);
	CHECK_EQ(WTERMSIG(status), SIGABRT);
	CHECK(WCOREDUMP(status));
	snprintf(name, sizeof(name), "c.na!me.%d.6.%%", pid);
	core = read_all(name);
	e = (void *)core;
	CHECK(!memcmp(core, ELFMAG, SELFMAG) && e->e_type == ET_CORE);
	CHECK_EQ(e->e_machine, EM_RISCV);
	CHECK_EQ(word_at(core, (unsigned long)&marker[0]), marker[0]);
	CHECK_EQ(word_at(core, (unsigned long)&marker[512]),
		 0x99aabbccddeeff00);
	CHECK_EQ(word_at(core, ((unsigned long)fresh + 4096) & ~7ul),
		 0x5a5a5a5a5a5a5a5a);
	CHECK_EQ(count_notes(core, NT_PRSTATUS, &note), 3);
	CHECK_EQ(*(int *)note, SIGABRT);
	CHECK_EQ(*(short *)(note + 12), SIGABRT);
	CHECK_EQ(*(int *)(note + 32), pid);
	CHECK_EQ(count_notes(core, NT_FPREGSET, &note), 3);
	CHECK_EQ(count_notes(core, NT_PRPSINFO, &note), 1);
	CHECK_EQ(*(int *)(note + 24), pid);
	CHECK_STR(note + 40, "na/me");
	CHECK_EQ(count_notes(core, NT_SIGINFO, &note), 1);
	CHECK_EQ(*(int *)note, SIGABRT);
	CHECK_EQ(count_notes(core, NT_AUXV, &note), 1);
	CHECK_EQ(count_notes(core, NT_FILE, &note), 1);
	CHECK_EQ(((unsigned long *)note)[1], 4096);
}

TEST(when_not)
{
	pid_t pid;
	int status;

	new_folder();
	set_pattern("core");
	limit(0);
	status = dies(faults, &pid);
	CHECK(WTERMSIG(status) == SIGSEGV && !WCOREDUMP(status));
	CHECK(!has_core("core"));
	limit(RLIM_INFINITY);
	status = dies(faults, &pid);
	CHECK(WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
	CHECK(has_core("core"));
	prctl(PR_SET_DUMPABLE, 0);
	status = dies(faults, &pid);
	CHECK(WTERMSIG(status) == SIGSEGV && !WCOREDUMP(status));
	prctl(PR_SET_DUMPABLE, 1);
	CHECK(symlink("elsewhere", "core") == 0);
	status = dies(faults, &pid);
	CHECK(WCOREDUMP(status) && has_core("core") && !has_core("elsewhere"));
	CHECK(mkdir("core", 0700) == 0);
	status = dies(faults, &pid);
	CHECK(!WCOREDUMP(status));
	rmdir("core");
}

TEST(signals_from_others)
{
	siginfo_t si;
	pid_t pid;
	int status;

	new_folder();
	set_pattern("core.%p");
	limit(RLIM_INFINITY);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	usleep(20000);
	CHECK(kill(pid, SIGQUIT) == 0);
	CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED) == 0);
	CHECK_EQ(si.si_code, CLD_DUMPED);
	CHECK_EQ(si.si_status, SIGQUIT);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, SIGTERM);
}

TEST(a_kill_ends_it)
{
	size_t size = 96u << 20;
	char *p;
	pid_t pid;
	int status;

	new_folder();
	set_pattern("core");
	limit(RLIM_INFINITY);
	pid = fork();
	if (pid == 0) {
		p = malloc(size);
		memset(p, 'x', size);
		abort();
	}
	while (access("core", F_OK))
		usleep(1000);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, SIGKILL);
	unlink("core");
}

TEST(the_filter)
{
	char text[16] = "";
	int fd = open("/proc/self/coredump_filter", O_RDWR);

	CHECK(fd >= 0 && read(fd, text, 15) == 9);
	CHECK_STR(text, "00000033\n");
	CHECK(pwrite(fd, "0x12", 4, 0) == 4);
	CHECK(pread(fd, text, 15, 0) == 9);
	CHECK_STR(text, "00000012\n");
}
