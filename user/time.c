/* time command [argument ...]: runs it, then tells real, user and system time, and its page faults. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *name, long seconds, long microseconds)
{
	fprintf(stderr, "%s\t%ldm%ld.%03lds\n", name, seconds / 60, seconds % 60,
		microseconds / 1000);
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage usage;
	int status;

	if (argc < 2)
		errx(2, "usage: time command [argument ...]");
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		int error = errno;
		warn("%s", argv[1]);
		_exit(error == ENOENT ? 127 : 126);
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			err(1, "wait");
	clock_gettime(CLOCK_MONOTONIC, &end);
	long long elapsed =
		(end.tv_sec - start.tv_sec) * 1000000LL + (end.tv_nsec - start.tv_nsec) / 1000;
	show("real", (long)(elapsed / 1000000), (long)(elapsed % 1000000));
	show("user", usage.ru_utime.tv_sec, usage.ru_utime.tv_usec);
	show("sys", usage.ru_stime.tv_sec, usage.ru_stime.tv_usec);
	fprintf(stderr, "faults\t%ld minor, %ld major\n", usage.ru_minflt, usage.ru_majflt);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
