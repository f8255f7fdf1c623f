/*
 * iotrace - runs a program and prints each request to a disk meanwhile: when it was queued, by whom, what for, how
 * long it waited and how long the disk took. A request that went together with the one above it has + for its times.
 *
 * usage: iotrace PROGRAM [ARGUMENT]...
 *
 * The kernel keeps the requests in a ring, /proc/iotrace, while /proc/sys/kernel/iotrace is 1.
 * A write of the flusher is the flusher's, whoever stored what it writes.
 */
#include "lib/util.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SWITCH "/proc/sys/kernel/iotrace"
#define LOG "/proc/iotrace"

static long nr_lines, nr_requests, nr_sectors;

static void set_switch(const char *value)
{
	int fd = open(SWITCH, O_WRONLY);

	if (fd < 0 || write(fd, value, 1) != 1)
		err(126, SWITCH);
	close(fd);
}

/* The number behind the last line. */
static long next_sequence(void)
{
	char *text = read_whole(LOG, NULL), *last;
	long next = 1;

	if (!text)
		err(126, LOG);
	size_t length = strlen(text);

	if (length) {
		text[length - 1] = 0;
		last = strrchr(text, '\n');
		next = atol(last ? last + 1 : text) + 1;
	}
	free(text);
	return next;
}

static void show_line(const char *line, long first, long *start)
{
	long sequence, seconds, micro, sector, sectors, waited, done;
	int tid, together, error;
	char who[17], disk[9], kind[8], waited_text[24], together_text[16];

	if (sscanf(line, "%ld %ld.%ld %d %16s %8s %7s %ld %ld %23s %ld %15s %d", &sequence, &seconds, &micro, &tid, who,
		   disk, kind, &sector, &sectors, waited_text, &done, together_text, &error) != 13 || sequence < first)
		return;
	micro += seconds * 1000000;
	if (!nr_lines++) {
		*start = micro;
		fprintf(stderr, "%12s %-15s %s %-6s %9s %5s %10s %8s\n", "ms", "who", "dsk", "kind", "sector",
			"KiB", "waited us", "disk us");
	}
	nr_sectors += sectors;
	fprintf(stderr, "%8ld.%03ld %-15s %s %-6s %9ld %5ld", (micro - *start) / 1000,
		(micro - *start) % 1000, who, disk, kind, sector, sectors / 2);
	waited = atol(waited_text);
	together = atoi(together_text);
	if (together) {
		nr_requests++;
		fprintf(stderr, " %10ld %8ld", waited, done - waited);
	} else {
		fputs("          +        +", stderr);
	}
	fprintf(stderr, error ? "  error %d\n" : "\n", error);
}

static void show_log(long first)
{
	char *text = read_whole(LOG, NULL), *line = text;
	long start = 0;

	if (text && atol(text) > first)
		fprintf(stderr, "(%ld requests were overwritten before they could be read)\n", atol(text) - first);
	while (line && *line) {
		char *end = strchr(line, '\n');

		if (end)
			*end = 0;
		show_line(line, first, &start);
		line = end ? end + 1 : NULL;
	}
	free(text);
	fprintf(stderr, "%ld bios in %ld requests, %ld KiB\n", nr_lines, nr_requests, nr_sectors / 2);
}

static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(126, "fork");
	if (pid == 0) {
		execvp(argv[0], argv);
		err(errno == ENOENT ? 127 : 126, "%s", argv[0]);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(126, "wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: iotrace PROGRAM [ARGUMENT]...");
	set_switch("1");
	long first = next_sequence();
	int status = run(argv + 1);

	set_switch("0");
	show_log(first);
	return status;
}
