/*
 * follow.c - reading a ring that the kernel fills while a program runs. The ring is read again and again, from the last
 * sequence number on; a gap in the numbers is said. Where each CPU has a ring, the numbers are CPU:NUMBER.
 * Process numbers are given upwards, so whoever is not older than the program is taken
 * for its child: on a quiet machine that is so.
 */
#include "follow.h"
#include "util.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RINGS 64

struct follower {
	const char *log;
	void (*show)(char *rest, int pid, bool shows_pid);
	long next[MAX_RINGS];   /* the first sequence number not seen yet */
	int root;               /* the program's pid; 0: it has not started yet */
	bool has_children;
	long nr_lost;
};

static bool is_ours(const struct follower *f, int pid)
{
	return pid >= f->root;
}

/* "12 ..." or "3:12 ...". Its ring's place moves behind it. NULL: seen before, or no such line. */
static char *take_number(struct follower *f, char *line)
{
	char *end;
	long ring = 0, sequence = strtol(line, &end, 10);

	if (*end == ':') {
		ring = sequence;
		sequence = strtol(end + 1, &end, 10);
	}
	if (*end != ' ' || ring < 0 || ring >= MAX_RINGS || sequence < f->next[ring])
		return NULL;
	if (f->next[ring])      /* 0: the log was empty, its first number is any */
		f->nr_lost += sequence - f->next[ring];
	f->next[ring] = sequence + 1;
	return end;
}

static void show_line(struct follower *f, char *line)
{
	long seconds, fraction;
	int pid, used = 0;

	line = take_number(f, line);
	if (!line || !f->root || sscanf(line, "%ld.%ld %d %n", &seconds, &fraction, &pid, &used) < 3 ||
	    !is_ours(f, pid))
		return;
	f->has_children |= pid != f->root;
	f->show(line + used, pid, f->has_children);
}

static void read_log(struct follower *f)
{
	char *text = read_whole(f->log, NULL), *line = text;

	if (!text)
		err(126, "%s: this kernel keeps no such log", f->log);
	while (line && *line) {
		char *end = strchr(line, '\n');

		if (end)
			*end = 0;
		show_line(f, line);
		line = end ? end + 1 : NULL;
	}
	free(text);
}

int follow_program(char **argv, const char *log, void (*prepare)(void),
		   void (*show)(char *rest, int pid, bool shows_pid))
{
	struct follower f = { .log = log, .show = show };
	const struct timespec moment = { .tv_nsec = 2000000 };
	int status;

	setlinebuf(stderr);     /* a line goes as a whole: the program prints meanwhile */
	read_log(&f);           /* what is in the ring before the program starts is not its */
	f.nr_lost = 0;
	f.root = fork();
	if (f.root < 0)
		err(126, "fork");
	if (f.root == 0) {
		if (prepare)
			prepare();
		execvp(argv[0], argv);
		err(errno == ENOENT ? 127 : 126, "%s", argv[0]);
	}
	while (waitpid(f.root, &status, WNOHANG) == 0) {
		read_log(&f);
		nanosleep(&moment, NULL);
	}
	read_log(&f);
	if (f.nr_lost)
		fprintf(stderr, "(%ld lines were overwritten before they could be read)\n", f.nr_lost);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
