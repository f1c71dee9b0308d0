#pragma once
/* The tables that the linker collects. */
#include <kernel/init.h>

extern const struct init_entry __init_table_start[], __init_table_end[];
extern const struct param_entry __param_table_start[], __param_table_end[];
extern const struct selftest_entry __selftest_table_start[],
	__selftest_table_end[];
