/*
 * main - the portable start of the kernel, on the boot hart.
 *
 * arch/ has found memory and harts, built the kernel's page tables and made
 * the boot task current.  The levels of <kernel/init.h> run in order; then
 * this task becomes the boot hart's idle task.
 */
#include <arch/boot.h>
#include <arch/smp.h>
#include <fs/fdtable.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/main.h>
#include <kernel/print.h>
#include <lib/compiler.h>
#include <mm/init.h>
#include <sched/sched.h>
#include <task/process.h>

static const char *init_path;
static const char *rdinit_path = "/init";

static void param_init(const char *value)
{
	init_path = value;
}
PARAM("init", param_init);

static void param_rdinit(const char *value)
{
	rdinit_path = value;
}
PARAM("rdinit", param_rdinit);

#define MAX_WORDS 32

/* Runs a program as pid 1; returns only if it cannot be run. */
static int run_init(const char *path)
{
	const char *argv[MAX_WORDS + 2] = { path };
	const char *envp[MAX_WORDS + 3] = { "HOME=/", "TERM=linux" };
	unsigned i;

	for (i = 0; i < MAX_WORDS && init_argv_extra[i]; i++)
		argv[i + 1] = init_argv_extra[i];
	for (i = 0; i < MAX_WORDS && init_envp_extra[i]; i++)
		envp[i + 2] = init_envp_extra[i];
	return do_execve_kernel(path, argv, envp);
}

static void open_console(void)
{
	struct file *f;
	int fd;

	if (file_open("/dev/console", O_RDWR, 0, &f)) {
		pr_warn("no /dev/console: init starts without one\n");
		return;
	}
	for (int i = 0; i < 3; i++) {
		if (fd_add(i ? file_get(f) : f, 0, &fd))
			return;
	}
}

/* As Linux: init= or nothing; without it the usual places. */
static void run_some_init(bool from_initramfs)
{
	static const char *const places[] = {
		"/sbin/init", "/etc/init", "/bin/init", "/bin/sh",
	};
	int err;

	if (from_initramfs) {
		err = run_init(rdinit_path);
		if (!err)
			return;
		pr_err("cannot run %s from the initramfs: error %d\n",
		       rdinit_path, err);
	}
	if (init_path) {
		err = run_init(init_path);
		if (!err)
			return;
		panic("Requested init %s failed (error %d).\n", init_path, err);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		if (!run_init(places[i]))
			return;
	panic("No working init found.  Try passing init= option to kernel.\n");
}

/* Body of pid 1 before its first program. */
static void init_task(void *arg)
{
	bool from_initramfs;

	init_run(INIT_FS);
	initramfs_begin();
	init_run(INIT_DRIVER);
	from_initramfs = mount_root();
	init_run(INIT_LATE);
	if (selftest_requested) {
		int failed = selftest_run_all();

		pr_notice("selftest: %d failed\n", failed);
		kernel_poweroff();
	}
	open_console();
	run_some_init(from_initramfs);
	pr_debug("init after %lu ms\n",
		 (unsigned long)(clock_ns() / NSEC_PER_MSEC));
}

void kernel_main(void)
{
	params_parse(boot_command_line);
	init_run(INIT_EARLY);
	pr_notice("Linux version 6.12.0-hartwood (Hartwood)\n");
	pr_notice("Kernel command line: %s\n", saved_command_line);
	mm_init();
	init_run(INIT_MM);
	sched_init();
	process_init();
	init_run(INIT_SCHED);
	smp_start_all();
	init_run(INIT_CORE);
	if (process_start_init(init_task, NULL))
		panic("cannot start the first task\n");
	sched_idle_loop();
}
