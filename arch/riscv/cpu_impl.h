#pragma once
/* What is known of each hart. */
#include <arch/task.h>
#include <kernel/config.h>
#include <lib/compiler.h>
#include <lib/fdt.h>

/* A set of ISA extensions out of the table in isa.c. */
struct isa_set {
	u64 bits[2];
};

struct cpu_info {
	struct isa_set isa;
	unsigned long mvendorid, marchid, mimpid;
	u32 cboz_block;
	char uarch[32];
};

extern struct cpu_info cpu_info[MAX_HARTS];	/* const after start-up */
extern struct isa_set isa_common;

void isa_all(struct isa_set *s);
void isa_and(struct isa_set *s, const struct isa_set *o);
bool isa_has(const struct isa_set *s, const char *name);
/* The extensions that a cpu node names. */
void isa_read(const struct fdt *fdt, int node, struct isa_set *out);
/* IMAFDC, as distributions are built. */
bool isa_runs_linux(const struct isa_set *s);
/* "rv64imafdc_zba..."; the length written. */
size_t isa_format(const struct isa_set *s, char *buf, size_t size);

void fp_load(const struct fp_state *fp);
