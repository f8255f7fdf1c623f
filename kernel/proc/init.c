/*
 * init.c - the first process: the only one that comes from nowhere.
 * What others get from their parent it is given here, and then it runs its program by exec like any other.
 */
#include "kernel.h"
#include "boot/bootinfo.h"
#include "fs/vfs.h"
#include "lib/format.h"
#include "proc/exec.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "x86/fpu.h"
#include "x86/switch.h"
#include <abi/errno.h>

// Descriptors 0, 1 and 2 of the first process; all others come from it by fork.
static void open_standard_files(struct dentry *root)
{
	char stdio[16] = "console", path[32];
	struct file *f;

	command_line_get("stdio", stdio, sizeof(stdio));
	format_string(path, sizeof(path), "/dev/%s", stdio);
	int error = path_open(root, path, O_RDWR, 0, &f);

	if (error) {
		printk("init: %s cannot be opened: error %d\n", path, error);
		return;
	}
	for (int fd = 0; fd < 3 && !error; fd++)
		error = fd_install(file_hold(f), fd, false) == fd ? 0 : -EMFILE;
	file_put(f);
}

void process_start_init(const char *path, char **arguments)
{
	static const char *const environment[] = { "HOME=/root", "PATH=/bin:/sbin:/demo", "TERM=vt100", NULL };
	struct process *me = process_alloc();
	struct exec_strings argv, envp;

	if (!me || fpu_thread_init(current) || exec_strings_init(&argv) || exec_strings_init(&envp))
		panic("no memory for init");
	me->files = file_table_create();
	me->handlers = signal_handlers_create();
	me->cwd = dentry_hold(root_dentry());
	me->root = dentry_hold(root_dentry());
	for (u32 i = 0; i < ARRAY_SIZE(me->limits); i++)
		me->limits[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	me->limits[RLIMIT_STACK].rlim_cur = 8ul << 20;
	me->limits[RLIMIT_NOFILE] = (struct rlimit){ FILES_MAX, FILES_MAX };
	me->limits[RLIMIT_MEMLOCK] = (struct rlimit){ 8ul << 20, 8ul << 20 };
	if (!me->files || !me->handlers)
		panic("no memory for init");
	spin_lock(&process_table_lock);
	me->pid = current->tid = number_alloc_locked();
	me->group = me->session = me->pid;
	process_enter_locked(me);
	thread_enter_locked(me, current);
	spin_unlock(&process_table_lock);
	open_standard_files(me->root);

	int error = 0;

	for (; *arguments && !error; arguments++)
		error = exec_strings_add(&argv, *arguments);
	for (u32 i = 0; environment[i] && !error; i++)
		error = exec_strings_add(&envp, environment[i]);
	if (!error)
		error = process_exec(me->root, path, &argv, &envp);
	if (error)
		panic("%s cannot be started: error %d", path, error);
	exec_strings_free(&argv);
	exec_strings_free(&envp);
	trap_return_to_user(thread_user_frame(current));
}
