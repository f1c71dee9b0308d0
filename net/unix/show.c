/*
 * show - /proc/net/unix: all local sockets, for lsof, fuser and ss.
 * Locks: all_lock guards the list, which no socket leaves before its last
 *        reference is gone; a socket's own lock is taken inside.
 */
#include "unix_impl.h"

#include <fs/proc.h>
#include <lib/string.h>

static struct spinlock all_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "unix all");
static LIST_HEAD(all_sockets);		/* all_lock */

void unix_show_add(struct unix_sock *u)
{
	spin_lock(&all_lock);
	list_add_tail(&u->all_node, &all_sockets);
	spin_unlock(&all_lock);
}

void unix_show_del(struct unix_sock *u)
{
	spin_lock(&all_lock);
	list_del(&u->all_node);
	spin_unlock(&all_lock);
}

/* Abstract names begin with a NUL, which is shown as @, like any other. */
static void put_name(struct seq *s, const struct unix_addr *a)
{
	int n = a->len - (int)offsetof(struct sockaddr_un, path);

	if (n > 0 && a->name.path[0])
		n = (int)strnlen(a->name.path, (size_t)n);
	seq_putc(s, ' ');
	for (int i = 0; i < n; i++)
		seq_putc(s, a->name.path[i] ? a->name.path[i] : '@');
}

/* enum socket_state of <linux/net.h>. */
enum { SS_UNCONNECTED = 1, SS_CONNECTING, SS_CONNECTED, SS_DISCONNECTING };

#define SO_ACCEPTCON 0x10000u

static void put_socket(struct seq *s, struct unix_sock *u)
{
	const struct unix_addr *a = load_acquire(&u->addr);
	bool is_connected, is_open, listens;
	u64 ino = 0;

	irq_lock(&u->lock);
	is_connected = u->state == UNIX_CONNECTED;
	listens = u->state == UNIX_LISTEN;
	is_open = u->sock && u->sock->file;
	if (is_open)
		ino = u->sock->file->inode->ino;
	irq_unlock(&u->lock);
	/* The first column would be an address of the kernel's. */
	seq_printf(s, "%016x: %08X %08X %08X %04X %02X %5llu", 0,
		   ref_count(&u->refs), 0, listens ? SO_ACCEPTCON : 0, u->type,
		   is_open ? (is_connected ? SS_CONNECTED : SS_UNCONNECTED) :
			     (is_connected ? SS_CONNECTING : SS_DISCONNECTING),
		   ino);
	if (a)
		put_name(s, a);
	seq_putc(s, '\n');
}

static int unix_show(struct seq *s, void *arg)
{
	struct unix_sock *u;

	seq_puts(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	spin_lock(&all_lock);
	list_for_each_entry(u, &all_sockets, all_node)
		put_socket(s, u);
	spin_unlock(&all_lock);
	return 0;
}

static const struct proc_entry entries[] = {
	{ .name = "net/unix", .mode = 0444, .show = unix_show },
};

void unix_show_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
