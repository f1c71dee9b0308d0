#pragma once
/*
 * The socket layer: what the system calls see of every protocol family.
 * docs/sockets.md.
 */
#include <fs/vfs.h>

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_MAX 46

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_TYPES 11		/* there is none from here on */
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC O_CLOEXEC
#define SOCK_NONBLOCK O_NONBLOCK

#define MSG_OOB 0x1u
#define MSG_PEEK 0x2u
#define MSG_CTRUNC 0x8u
#define MSG_TRUNC 0x20u
#define MSG_DONTWAIT 0x40u
#define MSG_EOR 0x80u
#define MSG_WAITALL 0x100u
#define MSG_NOSIGNAL 0x4000u
#define MSG_MORE 0x8000u
#define MSG_WAITFORONE 0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SOL_SOCKET 1
#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_PRIORITY 12
#define SO_LINGER 13
#define SO_PASSCRED 16
#define SO_PEERCRED 17
#define SO_RCVLOWAT 18
#define SO_SNDLOWAT 19
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_MARK 36
#define SO_PROTOCOL 38
#define SO_DOMAIN 39
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD 253

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

#define SOCK_ADDR_MAX 128

struct ucred {
	s32 pid;
	u32 uid, gid;
};

/* Descriptors and credentials that travel with a message. */
struct scm {
	unsigned nr_files;
	struct file **files;	/* own references; kmalloc'd */
	struct ucred cred;
	bool has_cred;
};
void scm_destroy(struct scm *s);

struct msg {
	u8 addr[SOCK_ADDR_MAX];	/* in: to; out: from */
	int addr_len;
	struct iter it;
	struct scm scm;		/* in: moves out on success; out: moves in */
	unsigned flags;		/* MSG_*; out: MSG_TRUNC, MSG_CTRUNC ... */
};

struct fd;
struct socket;

/* Any may be NULL: -EOPNOTSUPP.  Bytes or 0, else -Exxx. */
struct proto_ops {
	int family;
	int (*bind)(struct socket *s, const void *addr, int len);
	int (*connect)(struct socket *s, const void *addr, int len,
		       bool nonblock);
	int (*listen)(struct socket *s, int backlog);
	/* Gives the new connection's state to `to`, a bare socket. */
	int (*accept)(struct socket *s, struct socket *to, bool nonblock);
	int (*pair)(struct socket *a, struct socket *b);
	int (*getname)(struct socket *s, void *addr, int *len, bool peer);
	ssize_t (*sendmsg)(struct socket *s, struct msg *m);
	ssize_t (*recvmsg)(struct socket *s, struct msg *m);
	int (*shutdown)(struct socket *s, int how);
	u32 (*poll)(struct socket *s, struct poll_table *pt);
	long (*ioctl)(struct socket *s, unsigned cmd, unsigned long arg);
	int (*setsockopt)(struct socket *s, int level, int name,
			  const void __user *val, int len);
	int (*getsockopt)(struct socket *s, int level, int name, void *val,
			  int *len);	/* kernel buffer of *len <= 256 */
	struct fasync **(*fasync)(struct socket *s);	/* its list */
	void (*flush)(struct socket *s);	/* each close; may be NULL */
	void (*release)(struct socket *s);
};

struct socket {
	const struct proto_ops *ops;
	int family, type, protocol;	/* const */
	struct file *file;		/* back pointer, no reference */
	void *sk;			/* the protocol's */
	bool pass_cred;
	u32 options;		/* bit SO_x, for those that are a bit; the
				 * protocol gives them a meaning, if any */
	u32 priority, mark;
	s32 linger_s;			/* if options has SO_LINGER */
	u64 rcv_timeo_ns, snd_timeo_ns;	/* 0: none */
};

struct net_family {
	int family;
	int (*create)(struct socket *s, int type, int protocol);
	struct net_family *next;
};
void net_family_register(struct net_family *f);

/* The socket of a file, or NULL. */
struct socket *file_socket(struct file *f);
/* The socket of a descriptor; release *fd after use. */
int __must_check socket_find(int n, struct fd *fd, struct socket **out);
int __must_check socket_create(int family, int type, int protocol,
			       unsigned flags, struct file **out);
static inline bool socket_nonblock(const struct socket *s, unsigned msg_flags)
{
	return (s->file->flags & O_NONBLOCK) || (msg_flags & MSG_DONTWAIT);
}
/* 0: for ever. */
static inline u64 socket_deadline(u64 timeo_ns)
{
	return timeo_ns ? clock_ns() + timeo_ns : 0;
}
