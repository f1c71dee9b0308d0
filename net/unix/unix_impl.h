#pragma once
/*
 * What the files of AF_UNIX share; theory and locks in af_unix.c.
 */
#include <fs/vfs.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <net/socket.h>

#define UNIX_PATH_MAX 108

struct sockaddr_un {
	u16 family;
	char path[UNIX_PATH_MAX];
};

struct unix_addr {
	struct ref refs;
	int len;			/* of the sockaddr */
	struct sockaddr_un name;
};

struct unix_sock;

struct unix_msg {
	struct list node;
	struct unix_sock *from;		/* owns a reference; charged to it */
	struct scm scm;
	u32 len, off, charge;
	u8 data[];
};

enum unix_state { UNIX_CLOSED, UNIX_LISTEN, UNIX_CONNECTED };

struct unix_sock {
	struct ref refs;
	struct irqlock lock;
	int type;			/* const */
	enum unix_state state;		/* lock */
	struct list queue;		/* unix_msg, or pending connections */
	u32 queued;			/* lock */
	struct unix_sock *peer;		/* lock; owns a reference */
	u32 shut;			/* 1 read, 2 write. lock */
	int err;			/* SO_ERROR. lock */
	struct list accept_node;	/* in the listener's queue. its lock */
	u32 backlog;			/* lock */
	struct mutex bind_lock, read_lock;
	struct waitq wait;		/* readers, writers, accept, connect */
	struct fasync *fasync;
	s64 wmem;			/* atomic: bytes of ours under way */
	u32 sndbuf;
	u32 rcvbuf;			/* told back; bounds nothing here */
	struct unix_addr *addr;		/* set once. atomic */
	struct path path;		/* bound to */
	struct list name_node;		/* abstract. names_lock */
	struct list all_node;		/* see show.c */
	struct ucred peer_cred;
	struct socket *sock;		/* lock; NULL: orphan */
	bool dead;
	/* garbage.c; its lock */
	struct list flight_node;	/* in flight at all */
	u64 nr_flying;			/* messages that hold its file */
	u64 nr_unexplained;		/* of those not found in the search */
	bool is_suspect, is_reached;
};

extern const struct proto_ops unix_ops;

struct unix_sock *unix_alloc(int type);
void unix_put(struct unix_sock *u);
/* The peer, referenced; or NULL. */
struct unix_sock *unix_peer_get(struct unix_sock *u);
/* The caller as its peer is to see it. */
void unix_fill_cred(struct ucred *c);

/* show.c */
void unix_show_init(void);
void unix_show_add(struct unix_sock *u);
void unix_show_del(struct unix_sock *u);

/* name.c */
void unix_names_init(void);
int __must_check unix_bind(struct socket *s, const void *addr, int len);
void unix_unbind(struct unix_sock *u);
/* The socket of that name and type, referenced. */
int __must_check unix_name_find(const void *addr, int len, int type,
				struct unix_sock **out);
int __must_check unix_getname(struct socket *s, void *addr, int *len,
			      bool peer);

/* connect.c */
int __must_check unix_pair(struct socket *sa, struct socket *sb);
int __must_check unix_listen(struct socket *s, int backlog);
int __must_check unix_connect(struct socket *s, const void *addr, int len,
			      bool nonblock);
int __must_check unix_accept(struct socket *s, struct socket *to,
			     bool nonblock);
/* The oldest connection nobody has accepted, taken from the queue; or NULL. */
struct unix_sock *unix_take_connection(struct unix_sock *l);

/* send.c, receive.c */
ssize_t unix_sendmsg(struct socket *s, struct msg *m);
ssize_t unix_recvmsg(struct socket *s, struct msg *m);
/* There is room for what u wants to send. */
bool unix_has_wspace(struct unix_sock *u);
/* Nothing more will come: shut down, or the peer is gone. */
bool unix_at_end(struct unix_sock *u);
/* Throws away what is queued and unread. */
void unix_drop_messages(struct unix_sock *u);
/* Frees a message that is on no queue, with what it carries. May sleep. */
void unix_msg_free(struct unix_msg *m);

/* garbage.c */
/* The message's descriptors take off, or land: they are the caller's now. */
void unix_take_off(struct scm *scm);
void unix_land(struct scm *scm);
/* References to files in flight are taken between these two. */
void unix_flight_lock(void);
void unix_flight_unlock(void);
/* True if the message has been left to the collector: it holds sockets, whose
 * release may free more messages, and so on. */
bool unix_free_later(struct unix_msg *m);
/* A socket was closed: looks for those that only hold each other. */
void unix_collect(void);
/* One in flight is being closed: the same, when its reference is gone. */
void unix_collect_soon(void);
