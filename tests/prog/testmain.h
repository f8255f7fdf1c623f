#pragma once
/*
 * testmain.h - main() of a test program: picks the tests, runs each in a child, judges how it ended.
 * Included by test.h only.
 *
 * Invariant: the line "ok" is printed by the child as its very last act before it exits with
 * TEST_PASSED; every other end makes the parent print "not ok". So each test has exactly one line.
 */

static void test_crashed(int number, siginfo_t *info, TEST_UNUSED void *context)
{
	// SA_RESETHAND: returning runs the instruction again, and then the default action ends us.
	say("# crash: %s, code %d, address %p\n", signal_name(number), info->si_code, info->si_addr);
}

static void test_report_crashes(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = test_crashed;
	action.sa_flags = SA_SIGINFO | SA_RESETHAND;
	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], &action, NULL);
}

// Removes a file, or a folder with all that is in it. Errors do not matter here.
static void test_remove(const char *path)
{
	struct stat status;
	struct dirent *entry;
	char inner[600];

	if (unlink(path) == 0 || lstat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return;
	chmod(path, 0700);
	DIR *folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		test_remove(inner);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}

static void test_folder(char *path, size_t size, pid_t owner)
{
	const char *parent = getenv("TESTDIR");

	snprintf(path, size, "%s/test-%d", parent && *parent ? parent : "/tmp", (int)owner);
}

static void test_run_here(const struct test *test)
{
	char path[300];

	test_current = test;
	test_owner = getpid();
	test_folder(path, sizeof(path), test_owner);
	test_remove(path);
	if (mkdir(path, 0755) != 0 || chdir(path) != 0)
		FAIL("expected to make the work folder %s, seen %s", path, errno_name(errno));
	test_report_crashes();
	test->run();
	if (getpid() != test_owner)
		FAIL("expected a forked child to end by _exit, seen it come back from %s", test->name);
	say("ok %d - %s\n", test_number, test->name);
}

static void test_woken(TEST_UNUSED int number)
{
}

static long test_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Waits for the child until the deadline. SIGCHLD cuts the naps short; should it come just before a
// nap, that nap's few milliseconds are all that is lost.
static bool test_wait(pid_t child, long limit_ms, int *status)
{
	long deadline = test_now_ms() + limit_ms, nap_ms = 1;

	while (waitpid(child, status, WNOHANG) != child) {
		if (test_now_ms() > deadline) {
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			waitpid(child, status, 0);
			return false;
		}
		struct timespec nap = { 0, nap_ms * 1000000 };
		nanosleep(&nap, NULL);
		if (nap_ms < 16)
			nap_ms *= 2;
	}
	return true;
}

static bool test_run(const struct test *test)
{
	const char *limit = getenv("TEST_TIMEOUT");
	long seconds = limit ? strtol(limit, NULL, 10) : 60;
	char path[300];
	int status;

	pid_t child = fork();
	if (child == 0) {
		// Whoever started us (nohup, a shell's background) may have had signals ignored.
		for (int number = 1; number < 32; number++)
			signal(number, SIG_DFL);
		setpgid(0, 0);
		test_run_here(test);
		_exit(TEST_PASSED);
	}
	if (child == -1) {
		say("# fork: %s\nnot ok %d - %s\n", errno_name(errno), test_number, test->name);
		return false;
	}
	bool in_time = test_wait(child, seconds * 1000, &status);
	kill(-child, SIGKILL);          // what the test forked and did not wait for
	test_folder(path, sizeof(path), child);
	test_remove(path);
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == TEST_PASSED)
		return true;
	if (!in_time)
		say("# expected the test to end, seen it running after %ld s\n", seconds);
	else if (WIFSIGNALED(status))
		say("# expected the test to end by itself, seen it killed by %s\n",
		    signal_name(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != TEST_FAILED)
		say("# expected the test to reach its end, seen exit status %d\n", WEXITSTATUS(status));
	say("not ok %d - %s\n", test_number, test->name);
	return false;
}

static const struct test *test_find(const char *name)
{
	for (const struct test *const *t = __start_test_table; t < __stop_test_table; t++)
		if (strcmp((*t)->name, name) == 0)
			return *t;
	return NULL;
}

// The table in the order of the source lines, helpers left out; returns how many.
static int test_sorted(const struct test **list, int room)
{
	int nr = 0;

	for (const struct test *const *t = __start_test_table; t < __stop_test_table; t++) {
		if (!(*t)->run || nr == room)
			continue;
		int i = nr++;
		for (; i > 0 && list[i - 1]->line > (*t)->line; i--)
			list[i] = list[i - 1];
		list[i] = *t;
	}
	return nr;
}

static int test_named(const struct test **list, int nr_names, char **names)
{
	for (int i = 0; i < nr_names; i++) {
		list[i] = test_find(names[i]);
		if (!list[i] || !list[i]->run) {
			say("# no test is named %s\n", names[i]);
			exit(2);
		}
	}
	return nr_names;
}

static void test_find_program(const char *argv0)
{
	char folder[300] = "";

	if (strncmp(argv0, "./", 2) == 0)
		argv0 += 2;
	if (argv0[0] != '/' && getcwd(folder, sizeof(folder)))
		snprintf(test_program, sizeof(test_program), "%s/%s", folder, argv0);
	else
		snprintf(test_program, sizeof(test_program), "%s", argv0);
}

int main(int argc, char **argv)
{
	static const struct test *list[256];
	int nr, failed = 0;

	test_find_program(argv[0]);
	if (argc > 2 && strcmp(argv[1], "--helper") == 0) {
		const struct test *helper = test_find(argv[2]);
		return helper && helper->helper ? helper->helper(argc - 2, argv + 2) : 2;
	}
	if (argc == 3 && strcmp(argv[1], "-n") == 0) {
		test_number = 1;
		test_named(list, 1, argv + 2);
		test_run_here(list[0]);
		char path[300];
		test_folder(path, sizeof(path), getpid());
		test_remove(path);
		return 0;
	}
	bool only_list = argc == 2 && strcmp(argv[1], "-l") == 0;
	if (argc > 1 && !only_list)
		nr = test_named(list, argc - 1 < 256 ? argc - 1 : 256, argv + 1);
	else
		nr = test_sorted(list, 256);
	signal(SIGCHLD, test_woken);
	if (!only_list)
		say("1..%d\n", nr);
	for (int i = 0; i < nr; i++) {
		test_number = i + 1;
		if (only_list)
			say("%s\n", list[i]->name);
		else if (!test_run(list[i]))
			failed++;
	}
	if (failed)
		say("# %d of %d tests failed\n", failed, nr);
	return failed ? 1 : 0;
}
