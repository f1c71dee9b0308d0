/*
 * proc - /proc/sysvipc and the tunables of /proc/sys/kernel, of the
 * namespace of who reads.
 */
#include "ipc_impl.h"

#include <fs/proc.h>
#include <kernel/init.h>
#include <lib/errno.h>

static const struct {
	const char *head;
	void (*show)(struct ipc_obj *o, void *seq);
} tables[IPC_KINDS] = {
	[IPC_SEM] = {
		"       key      semid perms      nsems   uid   gid  cuid  cgid"
		"      otime      ctime\n", sem_show },
	[IPC_SHM] = {
		"       key      shmid perms                  size  cpid  lpid"
		" nattch   uid   gid  cuid  cgid      atime      dtime      "
		"ctime                   rss                  swap\n",
		shm_show },
	[IPC_MSG] = {
		"       key      msqid perms      cbytes       qnum lspid lrpid"
		"   uid   gid  cuid  cgid      stime      rtime      ctime\n",
		msg_show },
};

static int table_show(struct seq *s, void *arg)
{
	enum ipc_kind kind = (enum ipc_kind)(uintptr_t)arg;
	struct ipc_ns *ns = current_ipc();

	seq_puts(s, tables[kind].head);
	mutex_lock(&ns->ids[kind].lock);
	ipc_for_each(ns, kind, tables[kind].show, s);
	mutex_unlock(&ns->ids[kind].lock);
	return 0;
}

/* --- tunables -------------------------------------------------------------*/
/* A word of struct ipc_ns, by its place. */
struct ipc_word {
	u16 offset;
	bool is_long;
	s64 min, max;
};

#define INT_AT(f, lo, hi)                                                      \
	{ .offset = offsetof(struct ipc_ns, f), .min = (lo), .max = (hi) }
#define LONG_AT(f)                                                             \
	{ .offset = offsetof(struct ipc_ns, f), .is_long = true }

static const struct ipc_word
	shmmax = LONG_AT(shm_ctlmax), shmall = LONG_AT(shm_ctlall),
	shmmni = INT_AT(shm_ctlmni, 0, IPC_MNI_MAX),
	rmid_forced = INT_AT(shm_rmid_forced, 0, 1),
	msgmax = INT_AT(msg_ctlmax, 0, INT_MAX),
	msgmnb = INT_AT(msg_ctlmnb, 0, INT_MAX),
	msgmni = INT_AT(msg_ctlmni, 0, IPC_MNI_MAX),
	sem_next = INT_AT(ids[IPC_SEM].next_id, 0, INT_MAX),
	shm_next = INT_AT(ids[IPC_SHM].next_id, 0, INT_MAX),
	msg_next = INT_AT(ids[IPC_MSG].next_id, 0, INT_MAX);

static void *word_of(const struct ipc_word *w)
{
	return (char *)current_ipc() + w->offset;
}

static int word_show(struct seq *s, void *arg)
{
	const struct ipc_word *w = arg;

	if (w->is_long)
		seq_u64(s, "", READ_ONCE(*(unsigned long *)word_of(w)));
	else
		seq_s64(s, "", READ_ONCE(*(int *)word_of(w)));
	seq_putc(s, '\n');
	return 0;
}

static int word_write(char *text, size_t len, void *arg)
{
	const struct ipc_word *w = arg;
	u64 v;
	int n;

	if (w->is_long) {
		if (str_to_u64(str_trim(text), 0, NULL, &v))
			return -EINVAL;
		WRITE_ONCE(*(unsigned long *)word_of(w), (unsigned long)v);
		return 0;
	}
	if (str_to_int(str_trim(text), 0, &n) || n < w->min || n > w->max)
		return -EINVAL;
	WRITE_ONCE(*(int *)word_of(w), n);
	if (w == &rmid_forced && n)
		shm_drop_orphans(current_ipc());
	return 0;
}

static int sem_ctls_show(struct seq *s, void *arg)
{
	const int *v = current_ipc()->sem_ctls;

	seq_printf(s, "%d\t%d\t%d\t%d\n", v[0], v[1], v[2], v[3]);
	return 0;
}

static int sem_ctls_write(char *text, size_t len, void *arg)
{
	struct ipc_ns *ns = current_ipc();
	int v[4];

	memcpy(v, ns->sem_ctls, sizeof(v));
	for (int i = 0; i < 4; i++) {
		char *word = str_trim(text);
		size_t n = strcspn(word, " \t\n");
		bool is_last = !word[n];

		if (!*word)
			break;
		word[n] = 0;
		if (str_to_int(word, 0, &v[i]) || v[i] < 0)
			return -EINVAL;
		text = is_last ? word + n : word + n + 1;
	}
	if (v[3] > IPC_MNI_MAX)
		return -ERANGE;
	memcpy(ns->sem_ctls, v, sizeof(v));
	return 0;
}

#define TABLE(nm, k)                                                           \
	{ .name = "sysvipc/" nm, .mode = 0444, .show = table_show,             \
	  .arg = (void *)(uintptr_t)(k) }
#define WORD(nm, md, w)                                                        \
	{ .name = "sys/kernel/" nm, .mode = md, .show = word_show,             \
	  .write = word_write, .arg = (void *)&(w) }

static const struct proc_entry entries[] = {
	TABLE("sem", IPC_SEM),
	TABLE("shm", IPC_SHM),
	TABLE("msg", IPC_MSG),
	{ .name = "sys/kernel/sem", .mode = 0644, .show = sem_ctls_show,
	  .write = sem_ctls_write },
	WORD("shmmax", 0644, shmmax),
	WORD("shmall", 0644, shmall),
	WORD("shmmni", 0644, shmmni),
	WORD("shm_rmid_forced", 0644, rmid_forced),
	WORD("msgmax", 0644, msgmax),
	WORD("msgmnb", 0644, msgmnb),
	WORD("msgmni", 0644, msgmni),
	WORD("sem_next_id", 0444, sem_next),
	WORD("shm_next_id", 0444, shm_next),
	WORD("msg_next_id", 0444, msg_next),
};

static void ipc_proc_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, ipc_proc_init);
