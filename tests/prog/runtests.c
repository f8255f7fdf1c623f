/*
 * runtests.c - runs test programs one after the other and says how each ended.
 *
 *	runtests [-v] PROG...           run whole programs (a path, or a name in /tests)
 *	runtests [-v] -t NAME PROG      run one test of a program
 *
 * It prints "== PROG", the program's own output, "== PROG exit N" (128 + signal if it was killed), and
 * where the kernel has /proc/audit, "== PROG audit: TEXT" with the first line of it; when that is not
 * clean the further lines follow, each after "# ". With -v the seconds that the program took are told.
 * The exit status is 0 only if every program exited with 0 and every audit was clean.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int verbose;

static void find_program(const char *name, char *path, size_t size)
{
	if (strchr(name, '/'))
		snprintf(path, size, "%s", name);
	else
		snprintf(path, size, "/tests/%s", name);
}

// The program's exit status as a shell tells it: 127 if it could not be started.
static int run_program(const char *path, const char *test)
{
	char *argv[] = { (char *)path, (char *)test, NULL };
	int status;

	pid_t child = fork();
	if (child == 0) {
		execv(path, argv);
		printf("# %s: %s\n", path, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	if (child == -1) {
		printf("# fork: %s\n", strerror(errno));
		return 127;
	}
	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			return 127;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static size_t read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, size - 1 - length)) > 0)
		length += n;
	text[length] = 0;
	return length;
}

// Prints the kernel's audit, if it has one; 0 when it is clean or there is none.
static int print_audit(const char *name)
{
	static char text[64 * 1024];
	int fd = open("/proc/audit", O_RDONLY);

	if (fd == -1)
		return 0;
	read_all(fd, text, sizeof(text));
	close(fd);
	char *line = text, *end = strchr(line, '\n');
	if (end)
		*end = 0;
	printf("== %s audit: %s\n", name, strncmp(line, "audit: ", 7) == 0 ? line + 7 : line);
	if (strcmp(line, "audit: clean") == 0)
		return 0;
	while (end && end[1]) {
		line = end + 1;
		end = strchr(line, '\n');
		if (end)
			*end = 0;
		printf("# %s\n", line);
	}
	return 1;
}

static int run_one(const char *name, const char *test)
{
	struct timespec before, after;
	char path[300];

	find_program(name, path, sizeof(path));
	printf("== %s\n", name);
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &before);
	int status = run_program(path, test);
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (verbose) {
		long ms = (after.tv_sec - before.tv_sec) * 1000
			+ (after.tv_nsec - before.tv_nsec) / 1000000;
		printf("# took %ld.%03ld s\n", ms / 1000, ms % 1000);
	}
	printf("== %s exit %d\n", name, status);
	int dirty = print_audit(name);
	fflush(stdout);
	return status != 0 || dirty;
}

int main(int argc, char **argv)
{
	const char *test = NULL;
	int failed = 0, i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-v") == 0) {
			verbose = 1;
		} else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc) {
			test = argv[++i];
		} else {
			i = argc;
			break;
		}
	}
	if (i >= argc) {
		fprintf(stderr, "usage: runtests [-v] [-t NAME] PROG...\n");
		return 2;
	}
	for (; i < argc; i++)
		failed += run_one(argv[i], test);
	return failed ? 1 : 0;
}
