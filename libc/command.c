// Running shell commands: system, popen, pclose.

#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stdio_file.h"

static _Noreturn void shell_exec(const char *command)
{
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

// Waits for one child, through interruptions. Answers its status, or -1.
static int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

// Answers the shell's wait status. The terminal's signals are the command's while it runs.
int system(const char *command)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction old_interrupt, old_quit;
	sigset_t child_mask = 1ul << (SIGCHLD - 1);
	sigset_t old_mask;

	if (!command)
		return access("/bin/sh", X_OK) == 0;
	sigaction(SIGINT, &ignore, &old_interrupt);
	sigaction(SIGQUIT, &ignore, &old_quit);
	sigprocmask(SIG_BLOCK, &child_mask, &old_mask);
	pid_t pid = fork();
	if (pid == 0) {
		sigaction(SIGINT, &old_interrupt, NULL);
		sigaction(SIGQUIT, &old_quit, NULL);
		sigprocmask(SIG_SETMASK, &old_mask, NULL);
		shell_exec(command);
	}
	int status = pid < 0 ? -1 : child_wait(pid);
	sigaction(SIGINT, &old_interrupt, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	return status;
}

// A file that is the standard output ("r") or input ("w") of a shell command.
FILE *popen(const char *command, const char *mode)
{
	bool is_read = mode[0] == 'r';
	int fds[2];

	if ((!is_read && mode[0] != 'w') || pipe2(fds, O_CLOEXEC))
		return NULL;
	int ours = fds[is_read ? 0 : 1];
	int theirs = fds[is_read ? 1 : 0];
	FILE *file = fdopen(ours, is_read ? "r" : "w");
	pid_t pid = file ? fork() : -1;
	if (pid == 0) {
		int standard = is_read ? STDOUT_FILENO : STDIN_FILENO;
		if (theirs == standard)
			fcntl(theirs, F_SETFD, 0);
		else
			dup2(theirs, standard);
		shell_exec(command);
	}
	close(theirs);
	if (pid < 0) {
		if (file)
			fclose(file);
		else
			close(ours);
		return NULL;
	}
	file->pid = pid;
	return file;
}

// Closes it and answers the command's wait status.
int pclose(FILE *file)
{
	pid_t pid = file->pid;

	fclose(file);
	return child_wait(pid);
}
