/*
 * init: the first process. The kernel has mounted / and /dev; init mounts /proc, /sys and /dev/shm. With arguments it
 * runs them as the only job, reports the status on the kernel's log and powers off; without, it
 * starts a shell on the console and powers off when that shell ends. It buries orphans meanwhile,
 * and goes on, with a message, when something fails.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends the machine. Also called from the signal handler, so only system calls. */
static _Noreturn void shut_down(int command)
{
	if (waitpid(-1, NULL, WNOHANG) >= 0)
		kill(-1, SIGKILL);              /* whoever is left loses the terminal first */
	sync();
	reboot(command);
	static const char text[] = "init: the kernel refused to power off\n";
	if (write(2, text, sizeof(text) - 1) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void on_signal(int signal)
{
	shut_down(signal == SIGTERM ? RB_AUTOBOOT : RB_POWER_OFF);
}

/* 0, 1 and 2 must be open, or the first file that a program opens becomes its output. */
static void open_console(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/console", O_RDWR) < 0)
			open("/dev/null", O_RDWR);
}

static void log_line(const char *text)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "%s", text);
	if (fd >= 0)
		close(fd);
}

static void show_greeting(void)
{
	char text[1024];
	int fd = open("/etc/motd", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (write(1, text, n) < 0)
			break;
	close(fd);
}

/* A session of its own, so that ^C on the console reaches it and not init. */
static void become_job(void)
{
	signal(SIGUSR2, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	setsid();
	if (ioctl(0, TIOCSCTTY, 0) < 0 && errno != ENOTTY)
		warn("no controlling terminal");
}

static void run_job(char **job)
{
	char path[256];

	become_job();
	snprintf(path, sizeof(path), "%s%s", strchr(job[0], '/') ? "" : "/bin/", job[0]);
	execv(path, job);
	int error = errno;
	warn("%s", path);
	_exit(error == ENOENT ? 127 : 126);
}

/* Waits for pid and buries everyone else who dies. Returns 0..255, or 128+signal. */
static int wait_for(pid_t pid)
{
	int status;

	for (;;) {
		pid_t dead = wait(&status);

		if (dead == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (dead < 0 && errno != EINTR) {
			warn("wait");
			return 255;
		}
	}
}

int main(int argc, char **argv)
{
	static char *shell[] = { "sh", NULL };
	bool has_job = argc > 1;
	char line[80];

	if (getpid() != 1)
		errx(1, "only the kernel starts me");
	open_console();
	if (mount("proc", "/proc", "proc", 0, NULL) < 0 && errno != EBUSY)
		warn("cannot mount /proc");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) < 0 && errno != EBUSY && errno != ENOENT)
		warn("cannot mount /sys");
	if (mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL) < 0 && errno != EBUSY)
		warn("cannot mount /dev/shm");
	signal(SIGUSR2, on_signal);
	signal(SIGTERM, on_signal);
	setenv("PATH", "/bin:/sbin:/demo", 0);
	setenv("HOME", "/root", 0);
	setenv("TERM", "vt100", 0);
	if (!has_job)
		show_greeting();

	pid_t pid = fork();
	if (pid < 0)
		warn("cannot fork");
	if (pid == 0)
		run_job(has_job ? argv + 1 : shell);
	int status = pid < 0 ? 255 : wait_for(pid);
	if (has_job) {
		snprintf(line, sizeof(line), "init: job exited with status %d\n", status);
		log_line(line);
	}
	shut_down(RB_POWER_OFF);
}
