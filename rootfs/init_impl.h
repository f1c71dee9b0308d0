/* init_impl - what the parts of init know of each other. */
#pragma once

#include "sys_impl.h"

#define NEW_ROOT "/newroot"

/* boot.c: the directories that every program expects, and the machine's name.
 * Each step may fail: a kernel without the file system is used as it is. */
void boot_mounts(void);
void boot_hostname(void);
void boot_loopback(void);
void boot_modules(void);

/* root.c: finds the root file system and mounts it on NEW_ROOT, as the
 * kernel's command line says.  True if it is there. */
int root_find(void);
/* Makes NEW_ROOT the root and drops what the initramfs held. */
void root_switch(void);
/* The value of `key` (which ends in `=`), or for a flag its mere presence. */
int cmdline_get(const char *key, char *value, size_t size);

/* down.c: stops every process, detaches the disks and calls reboot(2). */
__attribute__((noreturn)) void down(unsigned long how);
/* The command of that name (poweroff, reboot, halt): tells pid 1. */
int down_command(const char *name, int force);

/* comp/comp.c: true if what is mounted on NEW_ROOT is a competition's test
 * disk, and the command line does not ask for anything else. */
int comp_is_test_disk(void);
/* Runs its groups and powers off. */
__attribute__((noreturn)) void comp_main(void);
