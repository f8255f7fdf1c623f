/*
 * task.c - the threads of a process: /proc/PID/task. A thread is known by its number only, and looked for each time;
 * what is shown of it is copied under process_table_lock, which keeps it from ending.
 */
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "proc/process.h"
#include <abi/errno.h>

struct proc_entry proc_task_directory_entry = { .name = NULL };

int proc_task_next(int pid, int tid)
{
	struct thread *t;
	int found = -1;

	spin_lock(&process_table_lock);
	struct process *p = process_find_locked(pid);

	if (p) {
		list_for_each(t, &p->threads, process_link) {
			if (t->tid >= tid && (found < 0 || t->tid < found))
				found = t->tid;
		}
		// A leader that has ended, or a zombie, is still there for its number.
		if (pid >= tid && (found < 0 || pid < found))
			found = pid;
	}
	spin_unlock(&process_table_lock);
	return found;
}

// process_table_lock held. The thread a target means: of a process its leader.
static struct thread *thread_of(struct process *p, const struct proc_target *target)
{
	struct thread *t;

	list_for_each(t, &p->threads, process_link) {
		if (t->tid == (target->tid ? target->tid : target->pid))
			return t;
	}
	return NULL;
}

int proc_thread_name(const struct proc_target *target, char *name, const char *fresh)
{
	int error = 0;

	spin_lock(&process_table_lock);
	struct process *p = process_find_locked(target->pid);
	struct thread *t = p ? thread_of(p, target) : NULL;

	if (!p || (fresh && !t))
		error = -ESRCH;
	else if (fresh)
		string_copy(t->name, fresh, sizeof(t->name));
	else
		string_copy(name, t ? t->name : p->name, sizeof(t->name));
	spin_unlock(&process_table_lock);
	return error;
}
