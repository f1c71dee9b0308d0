/* System V semaphores, shared memory and message queues. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>

#include "test.h"

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int semset(int n)
{
	int id = semget(IPC_PRIVATE, n, 0600);

	CHECK(id >= 0);
	return id;
}

static int op(int id, int num, int n, int flags)
{
	struct sembuf b = { (unsigned short)num, (short)n, (short)flags };

	return semop(id, &b, 1);
}

static int value(int id, int num)
{
	return semctl(id, num, GETVAL);
}

static void set(int id, int num, int v)
{
	union arg a = { .val = v };

	CHECK(semctl(id, num, SETVAL, a) == 0);
}

static void nap(void)
{
	struct timespec ts = { 0, 2000000 };

	nanosleep(&ts, NULL);
}

/* Waits until that many sleep for the semaphore. */
static void await(int id, int num, int cmd, int n)
{
	while (semctl(id, num, cmd) != n)
		nap();
}

static void gone(int id)
{
	CHECK(semctl(id, 0, IPC_RMID) == 0);
}

TEST(sem_values)
{
	unsigned short v[3] = { 1, 2, 3 }, w[3];
	union arg a = { .array = v };
	struct semid_ds d;
	int id = semset(3);

	CHECK(semctl(id, 0, SETALL, a) == 0);
	a.array = w;
	CHECK(semctl(id, 0, GETALL, a) == 0);
	CHECK(w[0] == 1 && w[1] == 2 && w[2] == 3);
	CHECK(op(id, 1, 5, 0) == 0);
	CHECK_EQ(value(id, 1), 7);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_ERR(op(id, 0, -2, IPC_NOWAIT), EAGAIN);
	CHECK_ERR(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	CHECK_ERR(op(id, 3, 1, 0), EFBIG);
	CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
	CHECK_ERR(op(id, 0, 32767, 0), ERANGE);
	a.val = 32768;
	CHECK_ERR(semctl(id, 0, SETVAL, a), ERANGE);
	a.val = -1;
	CHECK_ERR(semctl(id, 0, SETVAL, a), ERANGE);
	a.buf = &d;
	CHECK(semctl(id, 0, IPC_STAT, a) == 0);
	CHECK_EQ(d.sem_nsems, 3);
	CHECK(d.sem_otime >= time(NULL) - 5);
	CHECK_EQ(d.sem_perm.mode, 0600);
	gone(id);
	CHECK_ERR(value(id, 0), EINVAL);
}

TEST(sem_arguments)
{
	struct sembuf b[2] = { { 0, 1, 0 }, { 1, 1, 0 } };
	struct timespec bad = { 0, 1000000000 };
	int id = semset(2);

	CHECK_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	CHECK_ERR(semop(id, b, 0), EINVAL);
	CHECK_ERR(semop(id, b, 501), E2BIG);
	CHECK_ERR(semop(-1, b, 1), EINVAL);
	CHECK_ERR(semop(id, (void *)8, 1), EFAULT);
	CHECK_ERR(semctl(id, 0, 99), EINVAL);
	CHECK_ERR(semtimedop(id, b, 1, &bad), EINVAL);
	CHECK(semop(id, b, 2) == 0);
	CHECK(value(id, 0) == 1 && value(id, 1) == 1);
	gone(id);
	CHECK_ERR(semop(id, b, 1), EINVAL);
}

TEST(sem_all_or_nothing)
{
	struct sembuf b[3] = { { 0, -1, 0 }, { 1, 2, 0 },
			       { 2, -1, IPC_NOWAIT } };
	int id = semset(3);

	set(id, 0, 1);
	CHECK_ERR(semop(id, b, 3), EAGAIN);
	CHECK(value(id, 0) == 1 && value(id, 1) == 0);
	set(id, 2, 1);
	CHECK(semop(id, b, 3) == 0);
	CHECK(value(id, 0) == 0 && value(id, 1) == 2 && value(id, 2) == 0);
	gone(id);
}

TEST(sem_the_same_one_twice)
{
	struct sembuf b[2] = { { 0, 0, 0 }, { 0, 1, 0 } };
	struct sembuf c[2] = { { 0, -1, 0 }, { 0, 0, IPC_NOWAIT } };
	int id = semset(1);

	CHECK(semop(id, b, 2) == 0);
	CHECK_EQ(value(id, 0), 1);
	CHECK(semop(id, c, 2) == 0);
	CHECK_EQ(value(id, 0), 0);
	gone(id);
}

TEST(sem_sleepers_are_woken)
{
	int id = semset(2);
	pid_t down = fork(), zero;

	if (!down)
		_exit(op(id, 0, -3, 0));
	await(id, 0, GETNCNT, 1);
	CHECK(op(id, 0, 2, 0) == 0);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	CHECK(op(id, 0, 1, 0) == 0);
	CHECK_CHILD(down);
	CHECK_EQ(value(id, 0), 0);
	set(id, 1, 1);
	zero = fork();
	if (!zero)
		_exit(op(id, 1, 0, 0));
	await(id, 1, GETZCNT, 1);
	CHECK(op(id, 1, -1, 0) == 0);
	CHECK_CHILD(zero);
	gone(id);
}

TEST(sem_several_at_once_keep_their_order)
{
	struct sembuf both[2] = { { 0, -1, 0 }, { 1, -1, 0 } };
	int id = semset(2);
	pid_t first = fork(), second;

	if (!first)
		_exit(semop(id, both, 2));
	await(id, 0, GETNCNT, 1);
	second = fork();
	if (!second)
		_exit(op(id, 0, -1, 0));
	await(id, 0, GETNCNT, 2);
	/* The first cannot go on without the other semaphore. */
	CHECK(op(id, 0, 1, 0) == 0);
	CHECK_CHILD(second);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	CHECK(op(id, 0, 1, 0) == 0);
	await(id, 1, GETNCNT, 1);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK(op(id, 1, 1, 0) == 0);
	CHECK_CHILD(first);
	CHECK(value(id, 0) == 0 && value(id, 1) == 0);
	gone(id);
}

TEST(sem_removal_wakes_all)
{
	struct sembuf both[2] = { { 0, -1, 0 }, { 1, 0, 0 } };
	int id = semset(2);
	pid_t a = fork(), b;

	if (!a)
		_exit(!(op(id, 0, -1, 0) == -1 && errno == EIDRM));
	b = fork();
	if (!b)
		_exit(!(semop(id, both, 2) == -1 && errno == EIDRM));
	await(id, 0, GETNCNT, 2);
	gone(id);
	CHECK_CHILD(a);
	CHECK_CHILD(b);
}

static void on_signal(int sig)
{
}

TEST(sem_signals_and_time)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };
	struct timespec ts = { 0, 20000000 };
	struct sembuf b = { 0, -1, 0 };
	int id = semset(1);
	pid_t pid;

	CHECK_ERR(semtimedop(id, &b, 1, &ts), EAGAIN);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	pid = fork();
	if (!pid) {
		sigaction(SIGUSR1, &sa, NULL);
		_exit(!(op(id, 0, -1, 0) == -1 && errno == EINTR));
	}
	await(id, 0, GETNCNT, 1);
	nap();
	kill(pid, SIGUSR1);
	CHECK_CHILD(pid);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	gone(id);
}

TEST(sem_undo)
{
	struct sembuf b[2] = { { 0, -2, SEM_UNDO }, { 1, 3, SEM_UNDO } };
	int id = semset(2);
	pid_t pid;

	set(id, 0, 5);
	pid = fork();
	if (!pid) {
		if (semop(id, b, 2) || value(id, 0) != 3 || value(id, 1) != 3)
			_exit(1);
		if (op(id, 0, -1, SEM_UNDO))
			_exit(1);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(value(id, 0), 5);
	CHECK_EQ(value(id, 1), 0);
	CHECK_EQ(semctl(id, 0, GETPID), pid);
	/* SETVAL forgets what was to be undone. */
	pid = fork();
	if (!pid) {
		union arg a = { .val = 9 };

		_exit(op(id, 0, -1, SEM_UNDO) || semctl(id, 0, SETVAL, a));
	}
	CHECK_CHILD(pid);
	CHECK_EQ(value(id, 0), 9);
	gone(id);
}

TEST(sem_undo_wakes_and_is_not_inherited)
{
	int id = semset(1);
	pid_t holder, waiter;

	set(id, 0, 1);
	holder = fork();
	if (!holder) {
		if (op(id, 0, -1, SEM_UNDO))
			_exit(1);
		if (!fork())
			_exit(0);	/* has nothing to undo */
		wait(NULL);
		pause();
	}
	while (value(id, 0))
		nap();
	waiter = fork();
	if (!waiter)
		_exit(op(id, 0, -1, 0));
	await(id, 0, GETNCNT, 1);
	nap();
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	kill(holder, SIGKILL);
	CHECK_CHILD(waiter);
	CHECK(waitpid(holder, NULL, 0) == holder);
	gone(id);
}

TEST(sem_keys_and_rights)
{
	key_t key = 0x48570001;
	union arg a;
	struct semid_ds d;
	int id;
	pid_t pid;

	id = semget(key, 1, 0);
	if (id >= 0)
		gone(id);
	CHECK_ERR(semget(key, 1, 0600), ENOENT);
	id = semget(key, 2, IPC_CREAT | 0640);
	CHECK(id >= 0);
	CHECK_EQ(semget(key, 0, 0), id);
	CHECK_EQ(semget(key, 2, IPC_CREAT), id);
	CHECK_ERR(semget(key, 2, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERR(semget(key, 3, 0), EINVAL);
	if (!geteuid()) {
		pid = fork();
		if (!pid) {
			CHECK(setgid(1234) == 0 && setuid(1234) == 0);
			CHECK_ERR(semget(key, 0, 0400), EACCES);
			CHECK_ERR(op(id, 0, 1, 0), EACCES);
			CHECK_ERR(value(id, 0), EACCES);
			CHECK_ERR(semctl(id, 0, IPC_RMID), EPERM);
			a.buf = &d;
			CHECK_ERR(semctl(id, 0, IPC_STAT, a), EACCES);
			fflush(stdout);
			_exit(0);
		}
		CHECK_CHILD(pid);
		a.buf = &d;
		CHECK(semctl(id, 0, IPC_STAT, a) == 0);
		d.sem_perm.uid = 1234;
		d.sem_perm.mode = 0604;
		CHECK(semctl(id, 0, IPC_SET, a) == 0);
		pid = fork();
		if (!pid) {
			CHECK(setgid(1234) == 0 && setuid(1234) == 0);
			CHECK(op(id, 0, 1, 0) == 0);
			gone(id);
			_exit(0);
		}
		CHECK_CHILD(pid);
	} else {
		gone(id);
	}
}

TEST(sem_info)
{
	union arg a;
	struct seminfo i;
	struct semid_ds d;
	int id = semset(4), last, n, found = 0;

	a.info = &i;
	last = semctl(0, 0, IPC_INFO, a);
	CHECK(last >= 0);
	CHECK(i.semmni == 32000 && i.semmsl == 32000 && i.semopm == 500);
	CHECK(i.semmns == 1024000000 && i.semvmx == 32767);
	CHECK(i.semmap == 1024000000 && i.semmnu == 1024000000);
	CHECK(i.semusz == 20 && i.semume == 500 && i.semaem == 32767);
	last = semctl(0, 0, SEM_INFO, a);
	CHECK(i.semusz >= 1 && i.semaem >= 4);
	a.buf = &d;
	for (n = 0; n <= last; n++) {
		if (semctl(n, 0, SEM_STAT, a) == id)
			found++;
		if (semctl(n, 0, SEM_STAT_ANY, a) == id)
			found += d.sem_nsems == 4;
	}
	CHECK_EQ(found, 2);
	gone(id);
}

/* --- shared memory --------------------------------------------------------*/
static struct shmid_ds shm_state(int id)
{
	struct shmid_ds d;

	CHECK(shmctl(id, IPC_STAT, &d) == 0);
	return d;
}

static int segment(size_t size)
{
	int id = shmget(IPC_PRIVATE, size, 0600);

	CHECK(id >= 0);
	return id;
}

TEST(shm_is_shared_and_inherited)
{
	int id = segment(10000);
	int *p = shmat(id, NULL, 0);
	pid_t pid;

	CHECK(p != (void *)-1);
	CHECK_EQ(p[0], 0);
	CHECK_EQ(shm_state(id).shm_nattch, 1);
	pid = fork();
	if (!pid) {
		p[2000] = 77;
		_exit(shm_state(id).shm_nattch != 2);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(p[2000], 77);
	CHECK_EQ(shm_state(id).shm_nattch, 1);
	CHECK_EQ(shm_state(id).shm_lpid, pid);
	CHECK_EQ(shm_state(id).shm_cpid, getpid());
	CHECK_EQ(shm_state(id).shm_segsz, 10000);
	CHECK(shmdt(p) == 0);
	CHECK_EQ(shm_state(id).shm_nattch, 0);
	CHECK_EQ(shm_state(id).shm_lpid, getpid());
	CHECK_ERR(shmdt(p), EINVAL);
	p = shmat(id, NULL, SHM_RDONLY);
	CHECK(p != (void *)-1);
	CHECK_EQ(p[2000], 77);
	CHECK_ERR(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(shm_removal_waits_for_the_last)
{
	key_t key = 0x48570002;
	int id = shmget(key, 4096, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0), *q;

	CHECK(p != (void *)-1);
	strcpy(p, "still here");
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK_EQ(shm_state(id).shm_perm.mode, 01600);
	CHECK_ERR(shmget(key, 4096, 0), ENOENT);
	q = shmat(id, NULL, 0);
	CHECK(q != (void *)-1 && q != p);
	CHECK_STR(q, "still here");
	CHECK(shmdt(p) == 0);
	CHECK_EQ(shm_state(id).shm_nattch, 1);
	CHECK(shmdt(q) == 0);
	CHECK_ERR(shmctl(id, IPC_STAT, &(struct shmid_ds){ 0 }), EINVAL);
}

TEST(shm_addresses)
{
	size_t page = 4096;
	int id = segment(3 * page), other = segment(page);
	char *room = mmap(NULL, 8 * page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;

	CHECK(room != MAP_FAILED);
	CHECK_ERR(shmat(id, room, 0), EINVAL);
	CHECK_ERR(shmat(id, room + 1, 0), EINVAL);
	CHECK_ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK(shmat(id, room + 123, SHM_REMAP | SHM_RND) == room);
	room[0] = 1;
	CHECK(munmap(room + page, page) == 0);
	CHECK_EQ(shm_state(id).shm_nattch, 2);	/* it was split */
	CHECK_ERR(shmdt(room + 2 * page), EINVAL);
	CHECK(shmat(other, room + page, 0) == room + page);
	CHECK(shmdt(room) == 0);
	CHECK_EQ(shm_state(id).shm_nattch, 0);
	CHECK_EQ(shm_state(other).shm_nattch, 1);
	CHECK(shmdt(room + page) == 0);
	p = shmat(id, room, 0);
	CHECK(p == room);
	CHECK_ERR(shmdt(room + 1), EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmctl(other, IPC_RMID, NULL) == 0);
}

TEST(shm_arguments)
{
	int id = segment(4096);

	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, ~0ul, 0600), EINVAL);
	CHECK_ERR((long)shmat(-1, NULL, 0), EINVAL);
	CHECK_ERR(shmctl(id, 99, NULL), EINVAL);
	CHECK_ERR(shmctl(id, IPC_STAT, (void *)8), EFAULT);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK_ERR((long)shmat(id, NULL, 0), EINVAL);
}

#ifndef SHM_NORESERVE
#define SHM_NORESERVE 010000
#endif

TEST(shm_is_promised)
{
	size_t much = 1ul << 40;	/* more than there is */
	int id = shmget(IPC_PRIVATE, much, 0600 | SHM_NORESERVE);

	CHECK(id >= 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK_ERR(shmget(IPC_PRIVATE, much, 0600), ENOMEM);
	CHECK_ERR(shmget(IPC_PRIVATE, 1ul << 63, 0600 | SHM_NORESERVE),
		  EINVAL);
}

TEST(shm_goes_with_exec_and_exit)
{
	int id = segment(4096);
	pid_t pid = fork();

	if (!pid) {
		if (shmat(id, NULL, 0) == (void *)-1)
			_exit(1);
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(shm_state(id).shm_nattch, 0);
	CHECK(shm_state(id).shm_dtime != 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(shm_info_and_lock)
{
	struct shminfo i;
	struct shm_info n;
	struct shmid_ds d;
	int id = segment(8192), last, k, found = 0;
	char *p = shmat(id, NULL, 0);

	p[0] = 1;
	CHECK(shmctl(0, IPC_INFO, (void *)&i) >= 0);
	CHECK(i.shmmin == 1 && i.shmmni == 4096 && i.shmseg == 4096);
	CHECK(i.shmmax == ULONG_MAX - (1ul << 24) && i.shmall == i.shmmax);
	last = shmctl(0, SHM_INFO, (void *)&n);
	CHECK(last >= 0);
	CHECK(n.used_ids >= 1 && n.shm_tot >= 2 && n.shm_rss >= 1);
	for (k = 0; k <= last; k++) {
		found += shmctl(k, SHM_STAT, &d) == id;
		found += shmctl(k, SHM_STAT_ANY, &d) == id;
	}
	CHECK_EQ(found, 2);
	CHECK(shmctl(id, SHM_LOCK, NULL) == 0);
	CHECK_EQ(shm_state(id).shm_perm.mode, 02600);
	CHECK(shmctl(id, SHM_UNLOCK, NULL) == 0);
	CHECK_EQ(shm_state(id).shm_perm.mode, 0600);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(shm_in_maps)
{
	char line[256], want[64], *found = NULL;
	int id = shmget(0x48570003, 4096, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0);
	FILE *f = fopen("/proc/self/maps", "r");

	CHECK(f && p != (void *)-1);
	snprintf(want, sizeof(want), "%lx-", (long)p);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, want);
	CHECK(found);
	CHECK(strstr(line, "rw-s 00000000"));
	snprintf(want, sizeof(want), " %d ", id);
	CHECK(strstr(line, want));
	CHECK(strstr(line, " /SYSV48570003 (deleted)\n"));
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

/* --- messages -------------------------------------------------------------*/
struct message {
	long type;
	char text[100];
};

static int queue(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	CHECK(id >= 0);
	return id;
}

static int put(int id, long type, const char *text, int flags)
{
	struct message m = { .type = type };

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text) + 1, flags);
}

static void expect(int id, long type, int flags, const char *text, long got)
{
	struct message m;

	CHECK_EQ(msgrcv(id, &m, sizeof(m.text), type, flags | IPC_NOWAIT),
		 strlen(text) + 1);
	CHECK_STR(m.text, text);
	CHECK_EQ(m.type, got);
}

TEST(msg_types)
{
	struct message m;
	int id = queue();

	CHECK(put(id, 5, "five", 0) == 0);
	CHECK(put(id, 3, "three", 0) == 0);
	CHECK(put(id, 9, "nine", 0) == 0);
	CHECK(put(id, 3, "three again", 0) == 0);
	expect(id, 2, MSG_COPY, "nine", 9);
	expect(id, 3, 0, "three", 3);
	expect(id, -8, 0, "three again", 3);
	expect(id, 5, MSG_EXCEPT, "nine", 9);
	CHECK_ERR(msgrcv(id, &m, 100, -4, IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgrcv(id, &m, 2, 0, IPC_NOWAIT), E2BIG);
	CHECK_EQ(msgrcv(id, &m, 2, 0, IPC_NOWAIT | MSG_NOERROR), 2);
	CHECK(m.text[0] == 'f' && m.text[1] == 'i');
	CHECK_ERR(msgrcv(id, &m, 100, 0, IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgrcv(id, &m, 100, 0, IPC_NOWAIT | MSG_COPY), ENOMSG);
	CHECK_ERR(msgrcv(id, &m, 100, 0, MSG_COPY), EINVAL);
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
}

TEST(msg_arguments_and_state)
{
	struct message m = { .type = 0 };
	struct msqid_ds d;
	int id = queue();

	CHECK_ERR(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = 1;
	CHECK_ERR(msgsnd(id, &m, 8193, 0), EINVAL);
	CHECK_ERR(msgsnd(id, &m, -1, 0), EINVAL);
	CHECK_ERR(msgsnd(-1, &m, 1, 0), EINVAL);
	CHECK_ERR(msgrcv(id, &m, -1, 0, 0), EINVAL);
	CHECK(put(id, 1, "", 0) == 0);
	CHECK(put(id, 1, "abc", 0) == 0);
	CHECK(msgctl(id, IPC_STAT, &d) == 0);
	CHECK_EQ(d.msg_qnum, 2);
	CHECK_EQ(d.msg_qbytes, 16384);
	CHECK_EQ(d.msg_lspid, getpid());
	CHECK_EQ(d.msg_lrpid, 0);
	CHECK(d.msg_stime && !d.msg_rtime && d.msg_ctime);
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
	CHECK_ERR(put(id, 1, "x", 0), EINVAL);
}

TEST(msg_full_queue_and_sleepers)
{
	struct message m;
	struct msqid_ds d;
	int id = queue();
	pid_t pid;

	CHECK(msgctl(id, IPC_STAT, &d) == 0);
	d.msg_qbytes = 8;
	CHECK(msgctl(id, IPC_SET, &d) == 0);
	CHECK(put(id, 1, "1234567", 0) == 0);
	CHECK_ERR(put(id, 1, "1", IPC_NOWAIT), EAGAIN);
	pid = fork();
	if (!pid)
		_exit(put(id, 2, "abc", 0));
	nap();
	expect(id, 1, 0, "1234567", 1);
	CHECK(msgrcv(id, &m, 100, 2, 0) == 4);
	CHECK_CHILD(pid);
	CHECK(msgctl(id, IPC_STAT, &d) == 0);
	CHECK_EQ(d.msg_lspid, pid);
	CHECK_EQ(d.msg_lrpid, getpid());
	pid = fork();
	if (!pid)
		_exit(!(msgrcv(id, &m, 100, 7, 0) == -1 && errno == EIDRM));
	nap();
	CHECK(put(id, 1, "no", 0) == 0);
	nap();
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
	/* It may not even have begun to wait. */
	CHECK(waitpid(pid, NULL, 0) == pid);
}

TEST(msg_handed_over)
{
	struct message m;
	int id = queue(), i;
	pid_t pid = fork();

	if (!pid) {
		for (i = 0; i < 500; i++)
			if (msgrcv(id, &m, 100, 1, 0) != 3 ||
			    put(id, 2, "ok", 0))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 500; i++) {
		CHECK(put(id, 1, "go", 0) == 0);
		CHECK(msgrcv(id, &m, 100, 2, 0) == 3);
	}
	CHECK_CHILD(pid);
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
}

TEST(msg_info)
{
	struct msginfo i;
	struct msqid_ds d;
	int id = queue(), last, k, found = 0;

	CHECK(put(id, 1, "abc", 0) == 0);
	CHECK(msgctl(0, IPC_INFO, (void *)&i) >= 0);
	CHECK(i.msgmax == 8192 && i.msgmnb == 16384 && i.msgmni == 32000);
	CHECK(i.msgpool == 512000 && i.msgmap == 16384 && i.msgtql == 16384);
	CHECK(i.msgssz == 16 && i.msgseg == 0xffff);
	last = msgctl(0, MSG_INFO, (void *)&i);
	CHECK(i.msgpool >= 1 && i.msgmap >= 1 && i.msgtql >= 4);
	for (k = 0; k <= last; k++) {
		found += msgctl(k, MSG_STAT, &d) == id;
		found += msgctl(k, MSG_STAT_ANY, &d) == id;
	}
	CHECK_EQ(found, 2);
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
}

/* --- ids, /proc, namespaces -----------------------------------------------*/
TEST(ids_are_not_used_again_soon)
{
	int a = queue(), b;

	CHECK(msgctl(a, IPC_RMID, NULL) == 0);
	b = queue();
	CHECK(a != b);
	CHECK(msgctl(b, IPC_RMID, NULL) == 0);
}

static void first_line(const char *name, const char *want)
{
	char line[256];
	FILE *f = fopen(name, "r");

	CHECK(f && fgets(line, sizeof(line), f));
	CHECK_STR(line, want);
	fclose(f);
}

TEST(proc_files)
{
	char line[256], want[64];
	int id = semset(7);
	FILE *f;

	first_line("/proc/sysvipc/sem", "       key      semid perms      nse"
		   "ms   uid   gid  cuid  cgid      otime      ctime\n");
	first_line("/proc/sysvipc/shm",
		   "       key      shmid perms                  size  cpid  "
		   "lpid nattch   uid   gid  cuid  cgid      atime      dtime"
		   "      ctime                   rss                  swap\n");
	first_line("/proc/sysvipc/msg",
		   "       key      msqid perms      cbytes       qnum lspid "
		   "lrpid   uid   gid  cuid  cgid      stime      rtime      "
		   "ctime\n");
	first_line("/proc/sys/kernel/sem", "32000\t1024000000\t500\t32000\n");
	first_line("/proc/sys/kernel/shmmax", "18446744073692774399\n");
	first_line("/proc/sys/kernel/shmall", "18446744073692774399\n");
	first_line("/proc/sys/kernel/shmmni", "4096\n");
	first_line("/proc/sys/kernel/msgmni", "32000\n");
	first_line("/proc/sys/kernel/msgmax", "8192\n");
	first_line("/proc/sys/kernel/msgmnb", "16384\n");
	first_line("/proc/sys/kernel/shm_rmid_forced", "0\n");
	snprintf(want, sizeof(want), "%10d %10d   600 %10d ", 0, id, 7);
	f = fopen("/proc/sysvipc/sem", "r");
	while (fgets(line, sizeof(line), f) && strncmp(line, want,
						       strlen(want)))
		;
	CHECK(!strncmp(line, want, strlen(want)));
	gone(id);
}

TEST(namespace_of_its_own)
{
	int id = semset(1);

	if (geteuid())
		SKIP("needs root");
	CHECK(unshare(CLONE_NEWIPC) == 0);
	CHECK_ERR(value(id, 0), EINVAL);
	CHECK_EQ(semset(1), 0);
	CHECK_EQ(segment(1), 0);
	CHECK(shmat(0, NULL, 0) != (void *)-1);
}

static void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

TEST(tunables)
{
	int id;

	if (geteuid())
		SKIP("needs root");
	CHECK(unshare(CLONE_NEWIPC) == 0);
	put_file("/proc/sys/kernel/sem", "10 20 5 2\n");
	first_line("/proc/sys/kernel/sem", "10\t20\t5\t2\n");
	CHECK_ERR(semget(IPC_PRIVATE, 11, 0600), EINVAL);
	semset(10);
	id = semset(10);
	CHECK_ERR(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	gone(id);
	CHECK_ERR(op(id, 0, 1, 0), EINVAL);
	put_file("/proc/sys/kernel/msgmax", "10");
	CHECK_ERR(put(queue(), 1, "0123456789", 0), EINVAL);
	put_file("/proc/sys/kernel/msg_next_id", "32771");
	CHECK_EQ(queue(), 32771);
	first_line("/proc/sys/kernel/msg_next_id", "-1\n");
	put_file("/proc/sys/kernel/shmall", "2");
	segment(4097);
	CHECK_ERR(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
}

TEST(segments_of_the_dead)
{
	struct shmid_ds d;
	int kept, orphan, pipefd[2];
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	CHECK(unshare(CLONE_NEWIPC) == 0 && pipe(pipefd) == 0);
	kept = segment(4096);
	pid = fork();
	if (!pid) {
		orphan = segment(4096);
		_exit(write(pipefd[1], &orphan, sizeof(orphan)) < 0);
	}
	CHECK(read(pipefd[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	CHECK_CHILD(pid);
	CHECK_EQ(shm_state(orphan).shm_nattch, 0);
	put_file("/proc/sys/kernel/shm_rmid_forced", "1\n");
	CHECK_ERR(shmctl(orphan, IPC_STAT, &d), EINVAL);
	CHECK(shmctl(kept, IPC_STAT, &d) == 0);
	pid = fork();
	if (!pid) {
		orphan = segment(4096);
		_exit(write(pipefd[1], &orphan, sizeof(orphan)) < 0);
	}
	CHECK(read(pipefd[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	CHECK_CHILD(pid);
	CHECK_ERR(shmctl(orphan, IPC_STAT, &d), EINVAL);
	CHECK(shmat(kept, NULL, 0) != (void *)-1);
	CHECK_EQ(shm_state(kept).shm_nattch, 1);
}

TEST(killed_sleepers_leave_nothing)
{
	struct sembuf both[2] = { { 0, -1, SEM_UNDO }, { 1, -1, 0 } };
	int id = semset(2), seg = segment(4096), q = queue(), i;
	struct message m;
	pid_t pid[4];

	set(id, 0, 1);
	for (i = 0; i < 40; i++) {
		pid[0] = fork();
		if (!pid[0]) {
			shmat(seg, NULL, 0);
			_exit(semop(id, both, 2));
		}
		pid[1] = fork();
		if (!pid[1])
			_exit(op(id, 1, -1, 0));
		pid[2] = fork();
		if (!pid[2])
			_exit(msgrcv(q, &m, 100, 1, 0) != 0);
		await(id, 1, GETNCNT, 2);
		kill(pid[0], SIGKILL);
		if (i & 1)
			CHECK(op(id, 1, 1, 0) == 0);
		kill(pid[1], SIGKILL);
		kill(pid[2], SIGKILL);
		CHECK(waitpid(pid[0], NULL, 0) == pid[0]);
		CHECK(waitpid(pid[1], NULL, 0) == pid[1]);
		CHECK(waitpid(pid[2], NULL, 0) == pid[2]);
		CHECK_EQ(semctl(id, 1, GETNCNT), 0);
		CHECK_EQ(value(id, 0), 1);
		set(id, 1, 0);
		CHECK_EQ(shm_state(seg).shm_nattch, 0);
	}
	CHECK(put(q, 1, "x", 0) == 0);
	expect(q, 1, 0, "x", 1);
	gone(id);
	CHECK(msgctl(q, IPC_RMID, NULL) == 0);
	CHECK(shmctl(seg, IPC_RMID, NULL) == 0);
}
