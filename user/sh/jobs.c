/*
 * Jobs: the children of the shell, a pipeline each. With a terminal that allows it, every job is a
 * process group of its own and the foreground one owns the terminal, so that ^C reaches the job
 * and not the shell. Without (a script, or a terminal that refuses), children stay in the shell's
 * group and an interactive shell merely survives the signal.
 */
#include "sh.h"
#include "util.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum process_state { PROCESS_RUNS, PROCESS_STOPPED, PROCESS_OVER };

struct process {
	pid_t pid;
	enum process_state state;
	int status;                     /* as wait gave it, once over */
};

struct job {
	struct job *next;
	int number;                     /* [n], 0 until it goes to the background or stops */
	pid_t group;                    /* 0 without job control */
	char *source;
	size_t nr_processes;
	struct process *processes;
};

static struct job *jobs;
static int terminal = -1;               /* with job control: its descriptor */
static pid_t shell_group;
static struct termios shell_modes;

void jobs_init(void)
{
	pid_t owner;

	interactive_signals();
	shell_group = getpgrp();
	owner = tcgetpgrp(0);
	if (owner < 0 || owner != shell_group)
		return;
	if (getpid() != shell_group && setpgid(0, 0) == 0)
		shell_group = getpid();
	if (tcsetpgrp(0, shell_group) < 0)
		return;
	terminal = fcntl(0, F_DUPFD_CLOEXEC, 20);
	if (terminal >= 0)
		tcgetattr(terminal, &shell_modes);
}

struct job *job_create(const char *source)
{
	struct job *j = must(calloc(1, sizeof(*j)));

	j->source = must(strdup(source ? source : ""));
	j->next = jobs;
	jobs = j;
	return j;
}

static void job_free(struct job *j)
{
	struct job **link = &jobs;

	while (*link != j)
		link = &(*link)->next;
	*link = j->next;
	free(j->source);
	free(j->processes);
	free(j);
}

void jobs_forget(void)
{
	while (jobs)
		job_free(jobs);
}

/* What every child of the shell does first. */
static void become_subshell(void)
{
	child_signals();
	sh.in_child = true;
	sh.interactive = false;
	terminal = -1;
	jobs_forget();
	/* A ^C that came before the signals were set back was meant for this process. */
	if (interrupt_seen)
		raise(SIGINT);
}

pid_t fork_subshell(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		sh_fatal("cannot fork: %s", strerror(errno));
	if (pid == 0)
		become_subshell();
	return pid;
}

/* Both parent and child put the child in its group, so that neither can be too late. */
static void join_group(struct job *j, pid_t pid)
{
	if (!j->group)
		j->group = pid;
	setpgid(pid, j->group);
}

/* Without job control a background command must not eat the shell's input nor its ^C. */
static void detach_from_terminal(void)
{
	int null = open("/dev/null", O_RDONLY);

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if (null >= 0) {
		dup2(null, 0);
		close(null);
	}
}

pid_t job_fork(struct job *j, enum ground ground)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		sh_fatal("cannot fork: %s", strerror(errno));
	if (pid == 0) {
		if (terminal >= 0) {
			join_group(j, getpid());
			if (ground == FOREGROUND)
				tcsetpgrp(terminal, j->group);  /* SIGTTOU is still ignored */
		}
		bool control = terminal >= 0;
		become_subshell();
		if (ground == BACKGROUND && !control)
			detach_from_terminal();
		return 0;
	}
	if (terminal >= 0) {
		join_group(j, pid);
		if (ground == FOREGROUND)
			tcsetpgrp(terminal, j->group);
	}
	j->processes = must(realloc(j->processes, (j->nr_processes + 1) * sizeof(struct process)));
	j->processes[j->nr_processes++] = (struct process){ .pid = pid };
	return pid;
}

static int status_of(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return status_of(status);
}

/* Take over what waitpid said about one process. */
static void process_update(struct process *p, int status)
{
	if (WIFSTOPPED(status)) {
		p->state = PROCESS_STOPPED;
	} else {
		p->state = PROCESS_OVER;
		p->status = status;
	}
}

static bool job_has(struct job *j, enum process_state state)
{
	for (size_t i = 0; i < j->nr_processes; i++)
		if (j->processes[i].state == state)
			return true;
	return false;
}

static int job_status(struct job *j)
{
	return j->nr_processes ? status_of(j->processes[j->nr_processes - 1].status) : 0;
}

static void give_number(struct job *j)
{
	int highest = 0;

	if (j->number)
		return;
	for (struct job *other = jobs; other; other = other->next)
		if (other->number > highest)
			highest = other->number;
	j->number = highest + 1;
}

static void tell_death(struct job *j)
{
	int status = j->processes[j->nr_processes - 1].status;

	/* When ^C ended any of them, the loop or list that the job stood in ends too. */
	for (size_t i = 0; i < j->nr_processes && sh.interactive; i++)
		if (WIFSIGNALED(j->processes[i].status) &&
			WTERMSIG(j->processes[i].status) == SIGINT)
			interrupt_seen = 1;
	if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGPIPE || WTERMSIG(status) == SIGINT)
		return;
	fprintf(stderr, "%s%s\n", strsignal(WTERMSIG(status)),
		WCOREDUMP(status) ? " (core dumped)" : "");
}

static void take_terminal_back(struct job *j)
{
	if (terminal < 0)
		return;
	tcsetpgrp(terminal, shell_group);
	if (job_has(j, PROCESS_STOPPED) || job_status(j) > 128)
		tcsetattr(terminal, TCSADRAIN, &shell_modes);
	else
		tcgetattr(terminal, &shell_modes);
}

/* A ^C that reached the shell while the job did not own the terminal yet was meant for the job. */
static void pass_interrupt_on(struct job *j)
{
	if (!interrupt_seen || !j->group)
		return;
	interrupt_seen = 0;
	kill(-j->group, SIGINT);
}

int job_wait_foreground(struct job *j)
{
	int status;

	for (size_t i = 0; i < j->nr_processes; i++) {
		struct process *p = &j->processes[i];

		while (p->state == PROCESS_RUNS) {
			pass_interrupt_on(j);
			pid_t pid = waitpid(p->pid, &status, terminal >= 0 ? WUNTRACED : 0);

			if (pid == p->pid)
				process_update(p, status);
			else if (errno != EINTR)
				process_update(p, 127 << 8);
		}
	}
	take_terminal_back(j);
	interrupt_seen = 0;                     /* a ^C, if any, was the job's to decide on */
	if (job_has(j, PROCESS_STOPPED)) {
		give_number(j);
		fprintf(stderr, "\n[%d] Stopped    %s\n", j->number, j->source);
		return 128 + SIGTSTP;
	}
	tell_death(j);
	status = job_status(j);
	job_free(j);
	return status;
}

void job_start_background(struct job *j)
{
	sh.last_background = j->processes[j->nr_processes - 1].pid;
	give_number(j);
	if (sh.interactive)
		fprintf(stderr, "[%d] %d\n", j->number, (int)sh.last_background);
}

/* Look, without waiting, at everything that runs behind. */
static void poll_jobs(void)
{
	int status;

	for (struct job *j = jobs; j; j = j->next)
		for (size_t i = 0; i < j->nr_processes; i++) {
			struct process *p = &j->processes[i];

			if (p->state != PROCESS_OVER &&
			    waitpid(p->pid, &status, WNOHANG | WUNTRACED) == p->pid)
				process_update(p, status);
		}
}

static const char *job_state_text(struct job *j)
{
	static char text[32];
	int status = job_status(j);

	if (job_has(j, PROCESS_STOPPED))
		return "Stopped";
	if (job_has(j, PROCESS_RUNS))
		return "Running";
	if (!status)
		return "Done";
	if (status > 128)
		return strsignal(status - 128);
	snprintf(text, sizeof(text), "Done(%d)", status);
	return text;
}

static bool job_over(struct job *j)
{
	return !job_has(j, PROCESS_RUNS) && !job_has(j, PROCESS_STOPPED);
}

void jobs_report(void)
{
	struct job *next;

	poll_jobs();
	for (struct job *j = jobs; j; j = next) {
		next = j->next;
		if (!job_over(j))
			continue;
		fprintf(stderr, "[%d] %-10s %s\n", j->number, job_state_text(j), j->source);
		job_free(j);
	}
}

int jobs_builtin(int argc, char **argv)
{
	bool pids_only = argc > 1 && !strcmp(argv[1], "-p");
	struct job *next;

	poll_jobs();
	for (struct job *j = jobs; j; j = next) {
		next = j->next;
		if (pids_only)
			printf("%d\n", (int)j->processes[0].pid);
		else
			printf("[%d] %-10s %s\n", j->number, job_state_text(j), j->source);
		if (job_over(j) && !pids_only)
			job_free(j);
	}
	return 0;
}

/* %2 or 2: that job; nothing: the one that started last. */
static struct job *job_named(const char *name)
{
	if (!name)
		return jobs;
	if (*name == '%')
		name++;
	for (struct job *j = jobs; j; j = j->next)
		if (j->number == atoi(name))
			return j;
	return NULL;
}

static struct job *job_with_process(pid_t pid)
{
	for (struct job *j = jobs; j; j = j->next)
		for (size_t i = 0; i < j->nr_processes; i++)
			if (j->processes[i].pid == pid)
				return j;
	return NULL;
}

static void job_continue(struct job *j)
{
	for (size_t i = 0; i < j->nr_processes; i++)
		if (j->processes[i].state == PROCESS_STOPPED)
			j->processes[i].state = PROCESS_RUNS;
	kill(j->group ? -j->group : j->processes[0].pid, SIGCONT);
}

int fg_builtin(int argc, char **argv)
{
	struct job *j = job_named(argc > 1 ? argv[1] : NULL);

	if (!j) {
		sh_warn("fg: no such job");
		return 1;
	}
	fprintf(stderr, "%s\n", j->source);
	if (terminal >= 0)
		tcsetpgrp(terminal, j->group);
	job_continue(j);
	return job_wait_foreground(j);
}

int bg_builtin(int argc, char **argv)
{
	struct job *j = job_named(argc > 1 ? argv[1] : NULL);

	if (!j) {
		sh_warn("bg: no such job");
		return 1;
	}
	job_continue(j);
	return 0;
}

/* Wait until j is over, unless a trapped signal comes first: then 128+signal. */
static int wait_for_job(struct job *j)
{
	int status;

	for (size_t i = 0; i < j->nr_processes; i++)
		while (j->processes[i].state != PROCESS_OVER) {
			if (waitpid(j->processes[i].pid, &status, 0) >= 0)
				process_update(&j->processes[i], status);
			else if (errno == EINTR && trap_pending())
				return 128 + trap_pending();
			else if (errno == EINTR && interrupt_seen)
				return 128 + SIGINT;
			else if (errno != EINTR)
				process_update(&j->processes[i], 127 << 8);
		}
	status = job_status(j);
	job_free(j);
	return status;
}

int wait_builtin(int argc, char **argv)
{
	int status = 0;

	if (argc == 1) {
		while (jobs && !trap_pending() && !interrupt_seen)
			status = wait_for_job(jobs);
		return trap_pending() || interrupt_seen ? status : 0;
	}
	for (int i = 1; i < argc; i++) {
		struct job *j = argv[i][0] == '%' ? job_named(argv[i]) :
			job_with_process(atoi(argv[i]));

		status = j ? wait_for_job(j) : 127;
	}
	return status;
}
