/*
 * abi-test: no-musl no-dynamic timeout=240
 *
 * Programs that are no good: cut short, with flipped bits, with sizes and
 * addresses from nowhere.  Each ends in an errno, a signal or an exit status.
 */
#define TEST_SECONDS 100
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define BASE 0x10000UL
#define CODE_AT 256
#define RUN_FAILED 100		/* + errno: execve came back */
#define PATIENCE_NS 500000000L

/* A whole static program by hand: _exit(7). */
struct tiny {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	char pad[CODE_AT - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	unsigned code[4];
};

static char dir[] = "/tmp/elf.XXXXXX";

static struct tiny tiny_make(void)
{
	struct tiny t = {
		.eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
				     ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_RISCV,
			.e_version = 1, .e_entry = BASE + CODE_AT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2 },
		.ph = { { .p_type = PT_LOAD, .p_flags = PF_R | PF_X,
			  .p_vaddr = BASE, .p_paddr = BASE,
			  .p_filesz = sizeof(struct tiny),
			  .p_memsz = sizeof(struct tiny), .p_align = 4096 },
			{ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W,
			  .p_align = 16 } },
		/* li a0, 7; li a7, 93; ecall; unimp */
		.code = { 0x00700513, 0x05d00893, 0x00000073, 0 },
	};

	return t;
}

static void enter(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(mkdtemp(dir) && chdir(dir) == 0);
}

static void leave(void)
{
	CHECK(unlink("p") == 0 && chdir("/") == 0 && rmdir(dir) == 0);
}

/* The program "p", made of these bytes. */
static void store(const void *bytes, size_t n)
{
	int fd = open("p", O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && close(fd) == 0);
}

static void become_program(void)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR);

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_CPU, &(struct rlimit){ 2, 2 });
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execve("p", argv, envp);
	_exit(RUN_FAILED + errno);
}

/* The status of a run of "p"; SIGKILL if it does not end. */
static int run(void)
{
	struct timespec patience = { 0, PATIENCE_NS };
	sigset_t set;
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		become_program();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (sigtimedwait(&set, NULL, &patience) < 0) {
			kill(pid, SIGKILL);
			CHECK_EQ(waitpid(pid, &status, 0), pid);
			break;
		}
	}
	CHECK(WIFEXITED(status) || WIFSIGNALED(status));
	return status;
}

#define CHECK_RUN_ERR(err)                                                     \
	do {                                                                   \
		int run_status = run();                                        \
                                                                               \
		CHECK(WIFEXITED(run_status));                                  \
		CHECK_EQ(WEXITSTATUS(run_status), RUN_FAILED + (err));         \
	} while (0)

static void check_good(void)
{
	struct tiny t = tiny_make();
	int status;

	store(&t, sizeof(t));
	status = run();
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
}

TEST(a_program_made_by_hand_runs)
{
	enter();
	check_good();
	leave();
}

TEST(cut_short)
{
	struct tiny t = tiny_make();
	size_t n;

	enter();
	for (n = 0; n < sizeof(t); n += 3) {
		store(&t, n);
		if (n < sizeof(Elf64_Ehdr))
			CHECK_RUN_ERR(ENOEXEC);
		else
			run();
	}
	check_good();
	leave();
}

TEST(every_bit_of_the_headers_flipped)
{
	size_t bits = (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr)) * 8, i;

	enter();
	for (i = 0; i < bits; i++) {
		struct tiny t = tiny_make();

		((unsigned char *)&t)[i / 8] ^= (unsigned char)(1 << i % 8);
		store(&t, sizeof(t));
		run();
	}
	check_good();
	leave();
}

static void with_header(void (*change)(struct tiny *), int err)
{
	struct tiny t = tiny_make();

	change(&t);
	store(&t, sizeof(t));
	if (err)
		CHECK_RUN_ERR(err);
	else
		CHECK(WIFSIGNALED(run()));
}

static void no_headers(struct tiny *t)
{
	t->eh.e_phnum = 0;
}

static void many_headers(struct tiny *t)
{
	t->eh.e_phnum = 65535;
}

static void odd_headers(struct tiny *t)
{
	t->eh.e_phentsize = 32;
}

static void far_headers(struct tiny *t)
{
	t->eh.e_phoff = 1UL << 62;
}

static void other_machine(struct tiny *t)
{
	t->eh.e_machine = EM_X86_64;
}

static void an_object(struct tiny *t)
{
	t->eh.e_type = ET_REL;
}

static void in_the_kernel(struct tiny *t)
{
	t->ph[0].p_vaddr = 0xffffffff80000000UL;
}

static void huge_memory(struct tiny *t)
{
	t->ph[0].p_memsz = 1UL << 50;
}

static void wrapping_memory(struct tiny *t)
{
	t->ph[0].p_memsz = -4096UL;
}

static void more_file_than_memory(struct tiny *t)
{
	t->ph[0].p_filesz = t->ph[0].p_memsz + 8192;
}

static void entry_in_the_kernel(struct tiny *t)
{
	t->eh.e_entry = 0xffffffff80200000UL;
}

static void entry_nowhere(struct tiny *t)
{
	t->eh.e_entry = 0x7654321000UL;
}

TEST(headers_from_nowhere)
{
	enter();
	with_header(no_headers, ENOEXEC);
	with_header(many_headers, ENOEXEC);
	with_header(odd_headers, ENOEXEC);
	with_header(far_headers, ENOEXEC);
	with_header(other_machine, ENOEXEC);
	with_header(an_object, ENOEXEC);
	with_header(in_the_kernel, 0);
	with_header(huge_memory, 0);
	with_header(wrapping_memory, 0);
	with_header(more_file_than_memory, 0);
	with_header(entry_in_the_kernel, 0);
	with_header(entry_nowhere, 0);
	check_good();
	leave();
}

/* The second header names an interpreter that stands in the padding. */
static void interpreter(const char *name, size_t size, int err)
{
	struct tiny t = tiny_make();

	t.ph[1].p_type = PT_INTERP;
	t.ph[1].p_offset = offsetof(struct tiny, pad);
	t.ph[1].p_filesz = t.ph[1].p_memsz = size;
	memcpy(t.pad, name, strlen(name) + 1);
	store(&t, sizeof(t));
	CHECK_RUN_ERR(err);
}

TEST(interpreters)
{
	struct tiny t = tiny_make();

	enter();
	interpreter("/no/such/file", 14, ENOENT);
	interpreter("/no/such/file", 13, ENOEXEC);	/* no end */
	interpreter("/", 1, ENOEXEC);
	interpreter("/", 5000, ENOEXEC);
	interpreter("/", 2, EACCES);
	interpreter("/etc/passwd", 12, EACCES);
	interpreter("/dev/null", 10, EACCES);
	t.ph[1].p_type = PT_INTERP;
	t.ph[1].p_offset = 1 << 20;
	t.ph[1].p_filesz = 8;
	store(&t, sizeof(t));
	CHECK_RUN_ERR(EIO);
	check_good();
	leave();
}

static unsigned long next_random(void)
{
	static unsigned long seed = 88172645463325252UL;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A dynamic program of the system, damaged in its headers at random. */
TEST(a_real_program_damaged)
{
	static char whole[1 << 20], copy[1 << 20];
	int i, j, fd = open("/usr/bin/env", O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, whole, sizeof(whole));
	CHECK(n > 4096);
	enter();
	for (i = 0; i < 150; i++) {
		memcpy(copy, whole, (size_t)n);
		for (j = 0; j < 1 + i % 4; j++)
			copy[64 + next_random() % 600] ^=
				(char)(1 << next_random() % 8);
		store(copy, (size_t)n);
		run();
	}
	for (i = 0; i < 40; i++) {
		store(whole, next_random() % (size_t)n);
		run();
	}
	check_good();
	leave();
}
