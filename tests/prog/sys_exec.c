/*
 * sys_exec.c - execve and everything but memory: what the new program is given, which descriptors and
 * signals it keeps, and what cannot be run.
 */
#include "guest.h"

#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

/* ---- what the new program is given ----------------------------------------------------------- */

HELPER(check_arguments)
{
	CHECK_EQ(argc, 4);
	CHECK_STR(argv[0], "check_arguments");
	CHECK_STR(argv[1], "");
	CHECK_STR(argv[2], "two words");
	CHECK_STR(argv[3], "\xc3\xa4'\"\\");
	CHECK(argv[4] == NULL);
	CHECK_STR(environ[0], "COLOR=red");
	CHECK_STR(environ[1], "EMPTY=");
	CHECK(environ[2] == NULL);
	return 0;
}

TEST(arguments_and_environment_arrive)
{
	char *argv[] = { test_program, "--helper", "check_arguments", "", "two words",
			 "\xc3\xa4'\"\\", NULL };
	char *env[] = { "COLOR=red", "EMPTY=", NULL };
	pid_t child = MUST(fork());

	if (child == 0) {
		execve(test_program, argv, env);
		FAIL("execve: %s", errno_name(errno));
	}
	CHECK_CHILD(child);
}

HELPER(check_auxiliary)
{
	const Elf64_Phdr *headers = (const void *)getauxval(AT_PHDR);
	bool found = false;

	CHECK_EQ(getauxval(AT_PAGESZ), PAGE);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK(headers != NULL);
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		unsigned long entry = getauxval(AT_ENTRY);
		if (headers[i].p_type == PT_LOAD && entry >= headers[i].p_vaddr
		    && entry < headers[i].p_vaddr + headers[i].p_memsz)
			found = true;
	}
	CHECK(found);
	CHECK_STR((const char *)getauxval(AT_EXECFN), test_program);
	CHECK(getauxval(AT_RANDOM) != 0);
	load((void *)(getauxval(AT_RANDOM) + 15));
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_EGID), getegid());
	CHECK_EQ(getauxval(AT_SECURE), 0);
	return 0;
}

TEST(auxiliary_vector_is_right)
{
	pid_t child = MUST(fork());

	if (child == 0)
		test_exec("check_auxiliary", NULL, NULL, NULL);
	CHECK_CHILD(child);
}

HELPER(count_arguments)
{
	return argc == 3001 && strlen(argv[3000]) == 20 ? 0 : 1;
}

TEST(many_arguments_arrive)
{
	static char *argv[3004], text[3000][24];
	pid_t child = MUST(fork());

	if (child == 0) {
		argv[0] = test_program;
		argv[1] = "--helper";
		argv[2] = "count_arguments";
		for (int i = 0; i < 3000; i++) {
			snprintf(text[i], sizeof(text[i]), "argument %011d", i);
			argv[3 + i] = text[i];
		}
		execv(test_program, argv);
		_exit(1);
	}
	CHECK_CHILD(child);
}

HELPER(check_pid)
{
	return getpid() == strtol(argv[1], NULL, 10) ? 0 : 1;
}

TEST(process_number_stays)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		char text[20];
		snprintf(text, sizeof(text), "%d", (int)getpid());
		test_exec("check_pid", text, NULL, NULL);
	}
	CHECK_CHILD(child);
}

/* ---- descriptors and signals ----------------------------------------------------------------- */

HELPER(check_descriptors)
{
	char byte;

	CHECK_ERR(fcntl(atoi(argv[1]), F_GETFD), EBADF);
	CHECK_ERR(fcntl(atoi(argv[2]), F_GETFD), EBADF);
	CHECK_EQ(read(atoi(argv[3]), &byte, 1), 1);
	CHECK_EQ((unsigned char)byte, pattern(10));
	return 0;
}

TEST(close_on_exec_closes_and_others_stay)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		char text[3][20];
		int fd[3];
		make_file("data", 100);
		fd[0] = MUST(open("data", O_RDONLY | O_CLOEXEC));
		fd[1] = MUST(open("data", O_RDONLY));
		fd[2] = MUST(open("data", O_RDONLY));
		MUST(fcntl(fd[1], F_SETFD, FD_CLOEXEC));
		MUST(lseek(fd[2], 10, SEEK_SET));       // the position stays, too
		for (int i = 0; i < 3; i++)
			snprintf(text[i], sizeof(text[i]), "%d", fd[i]);
		test_exec("check_descriptors", text[0], text[1], text[2]);
	}
	CHECK_CHILD(child);
}

static void ignore_it(int number)
{
	(void)number;
}

HELPER(check_signals)
{
	struct sigaction action;
	sigset_t blocked;

	MUST(sigaction(SIGUSR1, NULL, &action));
	CHECK(action.sa_handler == SIG_DFL);
	MUST(sigaction(SIGUSR2, NULL, &action));
	CHECK(action.sa_handler == SIG_IGN);
	MUST(sigprocmask(SIG_BLOCK, NULL, &blocked));
	CHECK(sigismember(&blocked, SIGTERM));
	CHECK(!sigismember(&blocked, SIGINT));
	return 0;
}

TEST(handlers_are_reset_and_masks_stay)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		sigset_t set;
		signal(SIGUSR1, ignore_it);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		test_exec("check_signals", NULL, NULL, NULL);
	}
	CHECK_CHILD(child);
}

/* ---- what cannot be run ---------------------------------------------------------------------- */

TEST(names_that_cannot_be_run)
{
	char *argv[] = { "x", NULL };
	char path[300];

	make_file("plain", 100);
	snprintf(path, sizeof(path), "plain/below");
	CHECK_ERR(execv("missing", argv), ENOENT);
	CHECK_ERR(execv("", argv), ENOENT);
	CHECK_ERR(execv(path, argv), ENOTDIR);
	CHECK_ERR(execv(".", argv), EACCES);
	MUST(chmod("plain", 0644));
	CHECK_ERR(execv("plain", argv), EACCES);        // nobody's x bit: not even root may
	MUST(symlink("loop", "loop"));
	CHECK_ERR(execv("loop", argv), ELOOP);
	memset(path, 'n', 290);
	path[290] = 0;
	CHECK_ERR(execv(path, argv), ENAMETOOLONG);
}

TEST(bad_pointers_are_efault)
{
	CHECK_ERR(syscall(SYS_execve, 8, NULL, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_execve, test_program, 8, NULL), EFAULT);
	char *argv[] = { "x", (char *)8, NULL };
	CHECK_ERR(syscall(SYS_execve, test_program, argv, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_execve, test_program, argv + 2, 0xffff800000000000), EFAULT);
}

TEST(argument_too_long_is_e2big)
{
	static char text[200 * 1024];
	char *argv[] = { test_program, text, NULL };

	memset(text, 'a', sizeof(text) - 1);
	CHECK_ERR(execv(test_program, argv), E2BIG);    // one string: at most 128 KiB
}
