/*
 * elf_run SEED FIRST LAST FILE... - runs damaged copies of programs.
 *
 * Only headers, the dynamic section and lengths are damaged: the code stays,
 * so what runs is not worse than a crash.  As user 65534, with little memory
 * and processor time.  Any errno, signal or status is right; a child that
 * cannot be killed ends the run.
 */
#include "fuzz.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define RUN_FAILED 100
#define RUN_MS 1500
#define HEAD 4096

static unsigned long state;

static unsigned long random_word(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t load(const char *name, unsigned char **out)
{
	struct stat st;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || fstat(fd, &st))
		return 0;
	*out = mmap(NULL, st.st_size + 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE, fd, 0);
	close(fd);
	return *out == MAP_FAILED ? 0 : st.st_size;
}

/* Where a mutation may do something: headers, or the dynamic section. */
static size_t place(const unsigned char *p, size_t size)
{
	const Elf64_Ehdr *eh = (const void *)p;
	const Elf64_Phdr *ph = (const void *)(p + sizeof(*eh));
	size_t i = random_word() % 14;

	if (random_word() % 4 == 0)
		return random_word() % sizeof(*eh);
	if (i < eh->e_phnum && i < 12 && eh->e_phoff == sizeof(*eh)) {
		if (ph[i].p_type == PT_DYNAMIC || ph[i].p_type == PT_INTERP)
			if (random_word() % 3 == 0 && ph[i].p_filesz &&
			    ph[i].p_offset + ph[i].p_filesz <= size)
				return ph[i].p_offset +
				       random_word() % ph[i].p_filesz;
		return sizeof(*eh) + i * sizeof(*ph) +
		       random_word() % sizeof(*ph);
	}
	return random_word() % (size < HEAD ? size : HEAD);
}

static void damage(unsigned char *p, size_t size)
{
	static const unsigned long wild[] = {
		0, 1, 7, 0xfff, 0x1000, 0x7fffffff, 0xffffffff, 1UL << 38,
		(1UL << 38) - 4096, 0x7fffffffffffffff, -1UL, -4096UL,
		0xffffffc000000000, 0xffffffff80000000,
	};
	size_t at = place(p, size);
	unsigned long w = wild[random_word() % (sizeof(wild) / 8)];

	switch (random_word() % 3) {
	case 0:
		p[at] ^= 1 << random_word() % 8;
		break;
	case 1:
		p[at] = random_word();
		break;
	default:
		if ((at & ~7UL) + 8 <= size)
			memcpy(p + (at & ~7UL), &w, 8);
		break;
	}
}

static int store(const unsigned char *p, size_t size)
{
	int fd;

	unlink("p");
	fd = open("p", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (fd < 0 || write(fd, p, size) != (ssize_t)size)
		return -1;
	return close(fd);
}

static void run(void)
{
	struct rlimit seconds = { 1, 1 }, memory = { 1 << 28, 1 << 28 };
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR);

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_AS, &memory);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (setgid(65534) || setuid(65534))
		_exit(99);
	execve("p", argv, envp);
	_exit(RUN_FAILED + errno);
}

static int one(const char *name, unsigned long seed, int counts[4])
{
	unsigned char *p;
	size_t size = load(name, &p), keep;
	int i, status;
	pid_t pid;

	if (!size)
		return 0;
	state = seed * 0x9e3779b97f4a7c15UL + 1;
	for (i = 0; i < 8; i++)
		random_word();
	for (i = 1 + random_word() % 4; i > 0; i--)
		damage(p, size);
	keep = random_word() % 5 ? size : random_word() % 2 ?
	       random_word() % size : random_word() % HEAD;
	status = store(p, keep);
	munmap(p, size + 4096);
	if (status)
		return 0;
	pid = fork();
	if (pid == 0)
		run();
	status = fuzz_wait(pid, RUN_MS);
	if (status == STUCK) {
		printf("mutant %lu of %s: STUCK\n", seed, name);
		return -1;
	}
	counts[WIFSIGNALED(status) ? 0 : WEXITSTATUS(status) < RUN_FAILED ?
	       1 : 2]++;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long seed, i, last;
	int counts[4] = { 0 };

	if (argc < 5)
		return 2;
	fuzz_prepare();
	seed = strtoul(argv[1], NULL, 0) * 1000003;
	last = strtoul(argv[3], NULL, 0);
	if (mkdir("/tmp/elf", 0755) || chdir("/tmp/elf"))
		return 2;
	for (i = strtoul(argv[2], NULL, 0); i <= last; i++) {
		if (i % 50 == 0)
			printf("mutant %lu\n", i);
		if (one(argv[4 + i % (argc - 4)], seed + i, counts))
			return 1;
	}
	printf("%d signals, %d statuses, %d refused\n", counts[0], counts[1],
	       counts[2]);
	printf("all done\n");
	return 0;
}
