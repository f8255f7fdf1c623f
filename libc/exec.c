// The exec family. All come down to execve, which only comes back to report a failure.

#include "internal.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int execve(const char *path, char *const argv[], char *const env[])
{
	return (int)CALL(SYS_execve, path, argv, env);
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int fexecve(int fd, char *const argv[], char *const env[])
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return execve(path, argv, env);
}

// Has the shell run a file that is no program the kernel knows.
static int script_exec(const char *path, char *const argv[], char *const env[])
{
	size_t nr = 0;

	while (argv[nr])
		nr++;
	const char *shell_argv[nr + 2];
	shell_argv[0] = "sh";
	shell_argv[1] = path;
	for (size_t i = 1; i <= nr; i++)
		shell_argv[i + 1] = argv[i];
	if (nr == 0)
		shell_argv[2] = NULL;
	return execve("/bin/sh", (char *const *)shell_argv, env);
}

static int file_exec(const char *path, char *const argv[], char *const env[])
{
	execve(path, argv, env);
	if (errno == ENOEXEC)
		script_exec(path, argv, env);
	return -1;
}

// Looks for a name without a slash in the directories of PATH. EACCES, if one of them forbade it,
// is told rather than ENOENT.
int execvpe(const char *name, char *const argv[], char *const env[])
{
	const char *directory = getenv("PATH");
	char path[PATH_MAX];
	bool was_forbidden = false;

	if (strchr(name, '/'))
		return file_exec(name, argv, env);
	if (!*name) {
		errno = ENOENT;
		return -1;
	}
	if (!directory)
		directory = "/bin:/usr/bin:/sbin:/demo";
	for (;;) {
		size_t length = strcspn(directory, ":");
		int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)length, directory,
				 length > 0 ? "/" : "", name);
		if ((size_t)n < sizeof(path)) {
			file_exec(path, argv, env);
			if (errno == EACCES)
				was_forbidden = true;
			else if (errno != ENOENT && errno != ENOTDIR)
				return -1;
		}
		if (!directory[length])
			break;
		directory += length + 1;
	}
	errno = was_forbidden ? EACCES : ENOENT;
	return -1;
}

int execvp(const char *name, char *const argv[])
{
	return execvpe(name, argv, environ);
}

// The number of arguments up to the NULL, the first one included.
static size_t arguments_count(va_list args)
{
	va_list copy;
	size_t nr = 1;

	va_copy(copy, args);
	while (va_arg(copy, char *))
		nr++;
	va_end(copy);
	return nr;
}

// Fills in an array of nr + 1 arguments; the list stands behind the NULL then.
static void arguments_collect(char **argv, const char *arg0, size_t nr, va_list *args)
{
	argv[0] = (char *)arg0;
	for (size_t i = 1; i <= nr; i++)
		argv[i] = va_arg(*args, char *);
}

int execl(const char *path, const char *arg0, ...)
{
	va_list args;

	va_start(args, arg0);
	size_t nr = arguments_count(args);
	char *argv[nr + 1];
	arguments_collect(argv, arg0, nr, &args);
	va_end(args);
	return execv(path, argv);
}

int execlp(const char *name, const char *arg0, ...)
{
	va_list args;

	va_start(args, arg0);
	size_t nr = arguments_count(args);
	char *argv[nr + 1];
	arguments_collect(argv, arg0, nr, &args);
	va_end(args);
	return execvp(name, argv);
}

// The environment follows the NULL.
int execle(const char *path, const char *arg0, ...)
{
	va_list args;

	va_start(args, arg0);
	size_t nr = arguments_count(args);
	char *argv[nr + 1];
	arguments_collect(argv, arg0, nr, &args);
	char *const *env = va_arg(args, char *const *);
	va_end(args);
	return execve(path, argv, env);
}
