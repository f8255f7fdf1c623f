/* ps [-l]: the processes, from /proc/PID/stat. -l: faults, sizes and state too. */
#include "util.h"
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICKS_PER_SECOND = 100 };

struct process {
	int pid, parent, group;
	char state, name[64], command[256];
	unsigned long minor_faults, major_faults, ticks, size_bytes, resident_pages;
	char terminal[16];
};

/* The words of a command line lie there NUL-separated; a kernel thread has none. */
static void read_command(struct process *p)
{
	char path[40];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", p->pid);
	char *text = read_whole(path, &len);
	if (!text || !len) {
		snprintf(p->command, sizeof(p->command), "[%s]", p->name);
		free(text);
		return;
	}
	for (size_t i = 0; i + 1 < len; i++)
		if (!text[i])
			text[i] = ' ';
	snprintf(p->command, sizeof(p->command), "%s", text);
	free(text);
}

static void name_terminal(struct process *p, int device)
{
	int major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);

	if (!device)
		strcpy(p->terminal, "?");
	else if (major == 4 && minor >= 64)
		snprintf(p->terminal, sizeof(p->terminal), "ttyS%d", minor - 64);
	else if (major == 136)
		snprintf(p->terminal, sizeof(p->terminal), "pts/%d", minor);
	else if (major == 5 && minor == 1)
		strcpy(p->terminal, "console");
	else
		snprintf(p->terminal, sizeof(p->terminal), "%d:%d", major, minor);
}

/* False: it ended meanwhile. The name stands in parentheses and may hold any character. */
static bool read_process(struct process *p, int pid)
{
	char path[40];
	unsigned long user, system;
	int device;

	*p = (struct process){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	char *text = read_whole(path, NULL);
	char *open = text ? strchr(text, '(') : NULL, *close = text ? strrchr(text, ')') : NULL;
	bool ok = false;
	if (open && close) {
		snprintf(p->name, sizeof(p->name), "%.*s", (int)(close - open - 1), open + 1);
		ok = sscanf(close + 1,
			     " %c %d %d %*d %d %*d %*u %lu %*u %lu %*u %lu %lu %*d %*d %*d %*d "
			     "%*d %*d %*u %lu %lu",
			     &p->state, &p->parent, &p->group, &device, &p->minor_faults,
			     &p->major_faults, &user, &system, &p->size_bytes,
			     &p->resident_pages) == 10;
	}
	free(text);
	if (!ok)
		return false;
	p->ticks = user + system;
	name_terminal(p, device);
	read_command(p);
	return true;
}

static void show(const struct process *p, bool lengthy)
{
	unsigned long seconds = p->ticks / TICKS_PER_SECOND;

	if (lengthy)
		printf("%c %5d %5d %5d %7lu %5lu %8lu %7lu ", p->state, p->pid, p->parent, p->group,
			p->minor_faults, p->major_faults, p->size_bytes / 1024,
			p->resident_pages * 4);
	else
		printf("%5d %5d %c ", p->pid, p->parent, p->state);
	printf("%-8s %3lu:%02lu %s\n", p->terminal, seconds / 60, seconds % 60, p->command);
}

static int compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool lengthy = false;
	size_t count = 0, size = 0;
	int option, *pids = NULL;

	while ((option = getopt(argc, argv, "elfa")) != -1) {
		if (option == '?')
			return 2;
		lengthy |= option == 'l';
	}
	if (!proc)
		err(1, "/proc");
	while ((entry = readdir(proc))) {
		long pid;

		if (!number_parse(entry->d_name, &pid))
			continue;
		if (count == size) {
			size = size ? 2 * size : 64;
			pids = realloc(pids, size * sizeof(*pids));
			if (!pids)
				err(1, "out of memory");
		}
		pids[count++] = (int)pid;
	}
	closedir(proc);
	if (count)
		qsort(pids, count, sizeof(*pids), compare_numbers);
	if (lengthy)
		printf("S   PID  PPID  PGRP  MINFLT MAJFL   VSZ KB  RSS KB TTY        TIME "
		       "COMMAND\n");
	else
		printf("  PID  PPID S TTY        TIME COMMAND\n");
	for (size_t i = 0; i < count; i++) {
		struct process p;

		if (read_process(&p, pids[i]))
			show(&p, lengthy);
	}
	return finish_output();
}
