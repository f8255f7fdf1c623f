/*
 * The shell: `sh` on a terminal, `sh FILE args`, `sh -c 'commands' name args`. This file reads the
 * arguments and holds the shell's state; sh.h says where everything else is.
 */
#include "sh.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

struct shell sh = { .name = "sh" };

static sigjmp_buf prompt;

static void message(const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", sh.name);
	if (!sh.interactive && sh.input)
		fprintf(stderr, "%d: ", sh.input->line > 1 ? sh.input->line - 1 : 1);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void sh_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
}

void sh_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(format, args);
	va_end(args);
	sh.status = 2;
	if (sh.interactive)
		sh_abort_to_prompt();
	sh_exit(2);
}

void sh_exit(int status)
{
	sh.status = status;
	sh.flow = FLOW_NONE;
	trap_run_exit();
	fflush(stdout);
	_exit(status);
}

void sh_abort_to_prompt(void)
{
	siglongjmp(prompt, 1);
}

/* Commands are read until the end; an error or ^C in the middle of one comes back here. */
static void run_interactive(struct input *in)
{
	char **params = sh.params;
	int nr_params = sh.nr_params;

	if (sigsetjmp(prompt, 1)) {
		if (interrupt_seen)
			fputc('\n', stderr);
		interrupt_seen = 0;
		redir_restore(NULL);
		vars_restore(NULL);
		sh.flow = FLOW_NONE;
		sh.condition_depth = sh.loop_depth = sh.function_depth = 0;
		sh.params = params;
		sh.nr_params = nr_params;
		in->pos = in->len;
	}
	exec_source(in);
	fputc('\n', stderr);
}

static void usage(void)
{
	fprintf(stderr, "usage: sh [-efiux] [-c commands [name]] [file] [argument ...]\n");
	exit(2);
}

/* Options into the state; returns the index of the first argument behind them. */
static int read_options(int argc, char **argv, bool *commands, bool *interactive)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "--"))
			return i + 1;
		for (const char *p = argv[i] + 1; *p; p++) {
			switch (*p) {
			case 'c': *commands = true; break;
			case 'i': *interactive = true; break;
			case 'e': sh.exit_on_error = true; break;
			case 'x': sh.trace = true; break;
			case 'u': sh.no_unset = true; break;
			case 'f': sh.no_glob = true; break;
			case 'l': case 's': break;
			default: usage();
			}
		}
	}
	return i;
}

static void open_script(struct input *in, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		int error = errno;

		fprintf(stderr, "sh: %s: %s\n", path, strerror(error));
		exit(error == ENOENT ? 127 : 126);
	}
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);      /* 3 to 9 belong to the script */
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	input_open_fd(in, fd, path);
}

int main(int argc, char **argv)
{
	bool commands = false, interactive = false;
	struct input in;

	sh.pid = getpid();
	vars_init(environ);
	int i = read_options(argc, argv, &commands, &interactive);
	if (commands) {
		if (i == argc)
			usage();
		input_open_string(&in, argv[i++]);
		if (i < argc)
			sh.name = argv[i++];
	} else if (i < argc) {
		sh.name = argv[i];
		open_script(&in, argv[i++]);
	} else {
		input_open_fd(&in, 0, NULL);
		interactive |= isatty(0) && isatty(2);
		in.prompts = interactive;
	}
	sh.params = argv + i;
	sh.nr_params = argc - i;
	sh.interactive = interactive;
	if (interactive)
		jobs_init();
	if (in.prompts)
		run_interactive(&in);
	else
		exec_source(&in);
	sh_exit(sh.status);
}
