/*
 * reboot - the orderly end of the machine: what is dirty reaches the disks,
 * then the firmware takes over.
 */
#include "task_impl.h"

#include <arch/smp.h>
#include <fs/vfs.h>
#include <kernel/print.h>

void remount_all_readonly(void)
{
	struct mount *m;

	if (!init_mnt_ns)
		return;
	list_for_each_entry_reverse(m, &init_mnt_ns->mounts, ns_node) {
		struct super_block *sb = m->sb;
		unsigned flags = sb->flags | SB_RDONLY;

		if (!sb->bdev || sb_is_readonly(sb) || !sb->ops->remount)
			continue;
		if (!sb->ops->remount(sb, &flags, NULL))
			sb->flags |= SB_RDONLY;
	}
}

static void quiesce(const char *what)
{
	irqs_unmask();
	sync_all(true);
	remount_all_readonly();
	pr_notice("reboot: %s\n", what);
}

void __noreturn kernel_poweroff(void)
{
	quiesce("Power down");
	arch_poweroff();
	arch_halt();
}

void __noreturn kernel_restart(void)
{
	quiesce("Restarting system");
	arch_reboot();
	arch_halt();
}

void __noreturn kernel_halt(void)
{
	quiesce("System halted");
	arch_halt();
}
