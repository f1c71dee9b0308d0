#pragma once
/* Contexts of asynchronous I/O: io_setup(2) and its kin.  docs/vfs.md. */
#include <fs/vfs.h>

struct aio_ctx;

struct iocb {			/* struct iocb of Linux */
	u64 data;
	u32 key, rw_flags;
	u16 opcode;
	s16 prio;
	u32 fd;
	u64 buf, nbytes;
	s64 offset;
	u64 reserved;
	u32 flags, resfd;
};
struct io_event {
	u64 data, obj;
	s64 res, res2;
};

int __must_check aio_create(unsigned nr, unsigned long *id);
/* By its number, in the calling process; referenced; or NULL. */
struct aio_ctx *aio_find(unsigned long id);
void aio_put(struct aio_ctx *c);
int __must_check aio_destroy(unsigned long id);
/* A place for an event is reserved, then used or given back. */
int __must_check aio_reserve(struct aio_ctx *c);
void aio_unreserve(struct aio_ctx *c);
void aio_complete(struct aio_ctx *c, const struct io_event *e);
/* Waits for `want` events or the deadline; takes up to n. */
int __must_check aio_wait(struct aio_ctx *c, unsigned want, u64 deadline_ns);
unsigned aio_take(struct aio_ctx *c, struct io_event *e, unsigned n);

extern u64 sysctl_aio_max_nr;
u64 aio_nr(void);			/* events that all contexts have room for */
