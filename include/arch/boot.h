#pragma once
/* What start-up found out from the firmware. */
#include <lib/compiler.h>
#include <lib/types.h>

/* The validated device tree. const after init */
extern const void *boot_fdt;
extern size_t boot_fdt_size;
/* The ISA's id of the hart that booted. */
extern u64 boot_firmware_hart;
/* /chosen bootargs. const after init */
extern const char *boot_command_line;
/* Counter ticks per second (timebase-frequency). const after init */
extern u64 boot_timebase;
