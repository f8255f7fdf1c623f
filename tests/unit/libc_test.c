// Tests of libc as programs get it: linked with libc.a and nothing else, run on the host's Linux.
// (The same binary runs on Lectern.) `make units` builds it (see the Makefile); by hand, after
// `make programs`:
//
//	cc="gcc -std=gnu11 -O2 -ffreestanding -nostdinc -Ilibc/include -Ikernel -fno-pic"
//	$cc -fno-stack-protector -c tests/unit/libc_test.c -o build/libc_test.o
//	set -- build/obj/libc/crt0.asm.o build/libc_test.o build/libc/libc.a
//	ld -static -z noexecstack -z separate-code -o build/tests/unit/libc_test "$@"

#include <assert.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "libc_checks.h"

static char directory[] = "/tmp/libc_testXXXXXX";

// Bytes of this process's address space that are mapped, by /proc/self/statm.
static long mapped_pages(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return atol(text);
}

static void heap_gives_memory_back(void)
{
	static void *pieces[20000];
	long before = mapped_pages();

	for (int i = 0; i < 20000; i++)
		pieces[i] = malloc(1000);
	void *large = malloc(50 << 20);
	CHECK(mapped_pages() - before > 4000 + 12800);
	for (int i = 0; i < 20000; i++)
		free(pieces[i]);
	free(large);
	CHECK(mapped_pages() - before < 300);
}

// Runs a function in a child. Answers the wait status.
static int child_status(void (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		function();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void free_twice(void)
{
	void *volatile piece = malloc(100);
	void *volatile other = malloc(100);

	free(piece);
	free(piece);
	free(other);
}

static void free_inside(void)
{
	char *volatile piece = malloc(100);

	free(piece + 16);
}

static void heap_notices_misuse(void)
{
	int status = child_status(free_twice);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = child_status(free_inside);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static jmp_buf place;
static volatile bool jumps_wanted = true;

static void jump_deep(int depth)
{
	if (depth > 0) {
		jump_deep(depth - 1);
		CHECK(!"came back");
	} else if (jumps_wanted) {
		longjmp(place, 5);
	}
}

static void jumps_come_back_with_their_value(void)
{
	volatile int nr_returns = 0;
	int value = setjmp(place);

	nr_returns++;
	if (value == 0)
		jump_deep(20);
	CHECK(value == 5 && nr_returns == 2);
	nr_returns = 0;
	value = setjmp(place);
	if (nr_returns++ == 0)
		longjmp(place, 0);
	CHECK(value == 1);
}

static sigjmp_buf signal_place;
static volatile sig_atomic_t nr_signals;
static volatile siginfo_t seen_info;

static void jump_handler(int signal)
{
	(void)signal;
	siglongjmp(signal_place, 3);
}

static void jumps_out_of_handlers_restore_the_mask(void)
{
	sigset_t mask;

	signal(SIGUSR1, jump_handler);
	if (sigsetjmp(signal_place, 1) == 0) {
		raise(SIGUSR1);
		CHECK(!"came back");
	}
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CHECK(!sigismember(&mask, SIGUSR1));
	signal(SIGUSR1, SIG_DFL);
}

static void info_handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)signal;
	nr_signals++;
	seen_info = *info;
	// Steps over the two bytes of the mov below, if that is where we come from.
	if (info->si_signo == SIGSEGV)
		interrupted->uc_mcontext.gregs[REG_RIP] += 2;
}

static void handlers_get_the_fault_and_may_change_the_registers(void)
{
	struct sigaction action = { .sa_sigaction = info_handler, .sa_flags = SA_SIGINFO };
	struct sigaction old;
	char *guarded = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	nr_signals = 0;
	CHECK(sigaction(SIGSEGV, &action, &old) == 0 && old.sa_handler == SIG_DFL);
	__asm__ volatile("movb %%cl, (%0)" : : "a"(guarded + 5), "c"(1) : "memory");
	CHECK(nr_signals == 1 && seen_info.si_addr == guarded + 5);
	CHECK(seen_info.si_code == SEGV_ACCERR);
	munmap(guarded, 4096);
	__asm__ volatile("movb %%cl, (%0)" : : "a"(guarded), "c"(1) : "memory");
	CHECK(nr_signals == 2 && seen_info.si_code == SEGV_MAPERR);
	CHECK(sigaction(SIGSEGV, &old, &action) == 0 && action.sa_flags == SA_SIGINFO);
	CHECK(action.sa_sigaction == info_handler);
}

static void signals_wait_while_they_are_blocked(void)
{
	struct sigaction action = { .sa_sigaction = info_handler, .sa_flags = SA_SIGINFO };
	struct timespec none = { 0, 0 };
	sigset_t set, pending, mask;
	siginfo_t info;

	nr_signals = 0;
	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	CHECK(sigaddset(&set, SIGUSR2) == 0 && sigaddset(&set, 0) == -1);
	CHECK(sigaddset(&set, 65) == -1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	union sigval value = { .sival_int = 77 };
	CHECK(sigqueue(getpid(), SIGUSR2, value) == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2) && nr_signals == 0);
	sigfillset(&mask);
	sigdelset(&mask, SIGUSR2);
	CHECK(sigsuspend(&mask) == -1 && errno == EINTR && nr_signals == 1);
	CHECK(seen_info.si_code == SI_QUEUE && seen_info.si_int == 77);
	CHECK(sigtimedwait(&set, &info, &none) == -1 && errno == EAGAIN);
	kill(getpid(), SIGUSR2);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR2 && info.si_pid == getpid());
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR2, SIG_DFL);
	CHECK(nr_signals == 1);
}

static volatile uintptr_t handler_frame;

static void stack_handler(int signal)
{
	char here;

	(void)signal;
	handler_frame = (uintptr_t)&here;
}

static void handlers_run_on_their_own_stack(void)
{
	struct sigaction action = { .sa_handler = stack_handler, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
	stack_t off = { .ss_flags = SS_DISABLE };

	CHECK(sigaltstack(&stack, NULL) == 0);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	CHECK(handler_frame - (uintptr_t)stack.ss_sp < 65536);
	CHECK(sigaltstack(&off, NULL) == 0);
	signal(SIGUSR1, SIG_DFL);
	free(stack.ss_sp);
}

static void files_are_written_and_read_back(void)
{
	char line[64], path[PATH_MAX];
	char *long_line = NULL;
	size_t room = 0;

	snprintf(path, sizeof(path), "%s/file", directory);
	FILE *file = fopen(path, "w");
	CHECK(file && fprintf(file, "line %d\n", 1) == 7 && fputs("line 2\n", file) == 0);
	for (int i = 0; i < 10000; i++)
		fputc('a' + i % 26, file);
	CHECK(ftell(file) == 10014 && fclose(file) == 0);
	struct stat st;
	CHECK(stat(path, &st) == 0 && st.st_size == 10014 && S_ISREG(st.st_mode));
	file = fopen(path, "r");
	CHECK_TEXT(fgets(line, 4, file), "lin");
	CHECK_TEXT(fgets(line, sizeof(line), file), "e 1\n");
	CHECK(getline(&long_line, &room, file) == 7 && strcmp(long_line, "line 2\n") == 0);
	CHECK(getline(&long_line, &room, file) == 10000 && long_line[9999] == 'a' + 9999 % 26);
	CHECK(getline(&long_line, &room, file) == -1 && feof(file) && !ferror(file));
	CHECK(fgets(line, sizeof(line), file) == NULL);
	CHECK(fputc('x', file) == EOF && ferror(file));
	fclose(file);
	free(long_line);
}

static void files_seek_and_take_bytes_back(void)
{
	char text[32], path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/seek", directory);
	FILE *file = fopen(path, "w+");
	CHECK(fwrite("0123456789", 1, 10, file) == 10);
	CHECK(fseek(file, 2, SEEK_SET) == 0 && fgetc(file) == '2' && ftell(file) == 3);
	CHECK(ungetc('x', file) == 'x' && ungetc('y', file) == 'y');
	CHECK(fgetc(file) == 'y' && fgetc(file) == 'x' && fgetc(file) == '3');
	CHECK(fseek(file, -1, SEEK_CUR) == 0 && fputc('A', file) == 'A');
	CHECK(fseek(file, 0, SEEK_END) == 0 && ftell(file) == 10);
	rewind(file);
	CHECK(fread(text, 3, 4, file) == 3 && memcmp(text, "012A456789", 10) == 0 && feof(file));
	clearerr(file);
	CHECK(fgetc(file) == EOF && ungetc('z', file) == 'z' && !feof(file) && fgetc(file) == 'z');
	fclose(file);
	CHECK(fopen(path, "q") == NULL && errno == EINVAL);
	file = fopen(path, "a");
	fputs("end", file);
	fclose(file);
	CHECK(stat(path, &(struct stat){ 0 }) == 0 && access(path, R_OK) == 0);
	CHECK(fopen("/nowhere/at/all", "r") == NULL && errno == ENOENT);
}

static void line_buffers_show_whole_lines(void)
{
	char text[64];
	int fds[2];

	CHECK(pipe2(fds, O_NONBLOCK) == 0);
	FILE *file = fdopen(fds[1], "w");
	setvbuf(file, NULL, _IOLBF, 0);
	fprintf(file, "no newline");
	CHECK(read(fds[0], text, sizeof(text)) == -1 && errno == EAGAIN);
	fprintf(file, " yet\nrest");
	CHECK(read(fds[0], text, sizeof(text)) == 19);
	setvbuf(file, NULL, _IONBF, 0);
	fputc('!', file);
	CHECK(read(fds[0], text, sizeof(text)) == 1 && text[0] == '!');
	fclose(file);
	CHECK(read(fds[0], text, sizeof(text)) == 0);
	close(fds[0]);
}

static void text_is_scanned(void)
{
	int a = 0, b = 0, n = 0;
	unsigned long address = 0, end = 0;
	char word[16], permissions[5], c;
	double real;
	short small;

	CHECK(sscanf("12 -34", "%d %d", &a, &b) == 2 && a == 12 && b == -34);
	CHECK(sscanf("00400000-00401000 r-xp x", "%lx-%lx %4s%n", &address, &end, permissions,
		     &n) == 3);
	CHECK(address == 0x400000 && end == 0x401000 && n == 22);
	CHECK_TEXT(permissions, "r-xp");
	CHECK(sscanf("0x1f 077 10", "%i %i %x", &a, &b, (unsigned int *)&n) == 3);
	CHECK(a == 31 && b == 63 && n == 16);
	CHECK(sscanf("key=value rest", "%15[^=]=%c", word, &c) == 2 && c == 'v');
	CHECK_TEXT(word, "key");
	CHECK(sscanf("abc123", "%*[a-c]%3d", &a) == 1 && a == 123);
	CHECK(sscanf("3.5e1 70000", "%lf %hd", &real, &small) == 2 && real == 35 && small == 4464);
	CHECK(sscanf("", "%d", &a) == EOF && sscanf("x", "%d", &a) == 0);
	CHECK(sscanf("5%", "%d%%%n", &a, &n) == 1 && n == 2);
	CHECK(sscanf("MemTotal:   1234 kB", "MemTotal: %lu kB", &address) == 1 && address == 1234);
}

static void environment_changes(void)
{
	CHECK(setenv("LECTERN_A", "one", 1) == 0);
	CHECK_TEXT(getenv("LECTERN_A"), "one");
	CHECK(setenv("LECTERN_A", "two", 0) == 0);
	CHECK_TEXT(getenv("LECTERN_A"), "one");
	CHECK(setenv("LECTERN_A", "three", 1) == 0);
	CHECK_TEXT(getenv("LECTERN_A"), "three");
	for (int i = 0; i < 50; i++) {
		char name[16];
		snprintf(name, sizeof(name), "LECTERN_%d", i);
		CHECK(setenv(name, name + 8, 1) == 0);
	}
	CHECK_TEXT(getenv("LECTERN_37"), "37");
	CHECK(unsetenv("LECTERN_A") == 0 && getenv("LECTERN_A") == NULL);
	CHECK(setenv("A=B", "x", 1) == -1 && errno == EINVAL);
	CHECK(getenv("LECTERN") == NULL);
}

static void say_done(void)
{
	write(STDOUT_FILENO, "# atexit ran\n", 13);
	_exit(9);
}

static void exit_in_order(void)
{
	atexit(say_done);
	exit(4);
}

static void fail_assertion(void)
{
	assert(directory[0] == '?');
}

static void programs_end_as_they_should(void)
{
	int status = child_status(exit_in_order);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	status = child_status(fail_assertion);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = child_status(abort);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void commands_run(void)
{
	char line[32];

	CHECK(WEXITSTATUS(system("exit 7")) == 7);
	FILE *file = popen("echo from a child", "r");
	CHECK_TEXT(fgets(line, sizeof(line), file), "from a child\n");
	CHECK(pclose(file) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("sh", "sh", "-c", "exit $1", "name", "23", (char *)NULL);
		_exit(1);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 23);
	char *const argv[] = { "nothing", NULL };
	CHECK(execvp("there-is-no-such-program", argv) == -1 && errno == ENOENT);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return alphasort(a, b);
}

static void directories_are_listed_and_globbed(void)
{
	char path[PATH_MAX];
	struct dirent **entries;
	struct dirent *entry;
	glob_t found;
	int nr = 0;

	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/entry%03d.txt", directory, i);
		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	DIR *dir = opendir(directory);
	while ((entry = readdir(dir)))
		nr += strncmp(entry->d_name, "entry", 5) == 0 && entry->d_type == DT_REG;
	CHECK(nr == 200);
	rewinddir(dir);
	CHECK(readdir(dir) != NULL && closedir(dir) == 0);
	CHECK(opendir("/nowhere") == NULL && errno == ENOENT);
	nr = scandir(directory, &entries, NULL, compare_names);
	CHECK(nr >= 202 && strcmp(entries[2]->d_name, "entry000.txt") == 0);
	while (nr > 0)
		free(entries[--nr]);
	free(entries);
	snprintf(path, sizeof(path), "%s/entry*[3-4]7.t?t", directory);
	CHECK(glob(path, 0, NULL, &found) == 0 && found.gl_pathc == 4);
	CHECK_TEXT(basename(found.gl_pathv[3]), "entry147.txt");
	globfree(&found);
	snprintf(path, sizeof(path), "%s/none*", directory);
	CHECK(glob(path, 0, NULL, &found) == GLOB_NOMATCH);
	CHECK(glob(path, GLOB_NOCHECK, NULL, &found) == 0 && strcmp(found.gl_pathv[0], path) == 0);
	globfree(&found);
}

static void links_and_paths_resolve(void)
{
	char path[PATH_MAX], target[PATH_MAX], expected[PATH_MAX];

	snprintf(path, sizeof(path), "%s/link", directory);
	CHECK(symlink("./file", path) == 0);
	ssize_t n = readlink(path, target, sizeof(target));
	CHECK(n == 6 && memcmp(target, "./file", 6) == 0);
	snprintf(expected, sizeof(expected), "%s/file", directory);
	snprintf(target, sizeof(target), "%s/../%s//./link", directory, basename(directory));
	char *resolved = realpath(target, NULL);
	CHECK_TEXT(resolved, expected);
	free(resolved);
	CHECK(realpath("/nowhere/x", target) == NULL && errno == ENOENT);
	CHECK_TEXT(realpath("/", target), "/");
	struct stat st;
	CHECK(lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && unlink(path) == 0);
	char parts[] = "/usr/lib/";
	CHECK_TEXT(dirname(parts), "/usr");
	CHECK(chdir(directory) == 0 && getcwd(target, sizeof(target)) == target);
	CHECK_TEXT(target, directory);
	CHECK(chdir("/") == 0);
}

static void options_are_taken(void)
{
	char *argv[] = { "prog", "-ab", "value", "-cjoined", "--long=x", "--num", "5", "--fl", "-z",
			 "--", "-d", NULL };
	static const struct option long_options[] = {
		{ "long", required_argument, NULL, 'L' },
		{ "num", required_argument, NULL, 'N' },
		{ "flag", no_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};
	char seen[64] = "";
	int letter;

	opterr = 0;
	optind = 0;
	while ((letter = getopt_long(11, argv, "ab:c:d", long_options, NULL)) != -1) {
		size_t n = strlen(seen);
		snprintf(seen + n, sizeof(seen) - n, "%c%s.", letter, optarg ? optarg : "");
	}
	CHECK_TEXT(seen, "a.bvalue.cjoined.Lx.N5.F.?.");
	CHECK(optind == 10 && optopt == 'z');
	char *short_argv[] = { "prog", "-n", "5", "file", NULL };
	optind = 0;
	CHECK(getopt(4, short_argv, "n:") == 'n' && strcmp(optarg, "5") == 0);
	CHECK(getopt(4, short_argv, "n:") == -1 && optind == 3);
}

static void system_calls_set_errno(void)
{
	struct utsname name;
	struct timespec time = { 0, 1000000 };
	struct statfs fs;
	struct termios settings;
	char pieces[2][4];
	struct iovec vector[2] = { { pieces[0], 4 }, { pieces[1], 4 } };
	int fds[2];

	CHECK(close(-1) == -1 && errno == EBADF);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(syscall(SYS_getpid) == getpid() && syscall(100000) == -1 && errno == ENOSYS);
	CHECK(uname(&name) == 0 && strcmp(name.machine, "x86_64") == 0);
	CHECK(nanosleep(&time, NULL) == 0 && clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	time.tv_nsec = 2000000000;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL) == EINVAL);
	CHECK(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(9999) == 0);
	CHECK(statfs("/", &fs) == 0 && fs.f_bsize > 0);
	CHECK(pipe(fds) == 0 && write(fds[1], "abcdefg", 7) == 7);
	CHECK(tcgetattr(fds[0], &settings) == -1 && errno == ENOTTY && !isatty(fds[0]));
	struct pollfd poll_fd = { .fd = fds[0], .events = POLLIN };
	CHECK(poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLIN));
	CHECK(readv(fds[0], vector, 2) == 7 && memcmp(pieces, "abcdefg", 7) == 0);
	close(fds[0]);
	close(fds[1]);
}

static void break_moves(void)
{
	char *old = sbrk(0);
	char *grown = sbrk(10000);

	CHECK(grown == old);
	memset(grown, 1, 10000);
	CHECK(sbrk(0) == old + 10000 && sbrk(-10000) == old + 10000 && sbrk(0) == old);
}

static void remaining_files_remove(void)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *dir = opendir(directory);

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] != '.')
			remove(path);
	}
	closedir(dir);
	if (remove(directory))
		warn("%s", directory);
}

static void messages_are_known(void)
{
	CHECK_TEXT(strerror(ENOENT), "No such file or directory");
	CHECK_TEXT(strerror(9999), "Unknown error 9999");
	CHECK_TEXT(strerror(-1), "Unknown error -1");
	CHECK_TEXT(strsignal(SIGSEGV), "Segmentation fault");
	errno = EBADF;
	CHECK_TEXT(formatted("%m"), "Bad file descriptor");
}

static void kernel_functions_test(void)
{
	RUN(heap_gives_memory_back);
	RUN(heap_notices_misuse);
	RUN(jumps_come_back_with_their_value);
	RUN(jumps_out_of_handlers_restore_the_mask);
	RUN(handlers_get_the_fault_and_may_change_the_registers);
	RUN(signals_wait_while_they_are_blocked);
	RUN(handlers_run_on_their_own_stack);
	RUN(files_are_written_and_read_back);
	RUN(files_seek_and_take_bytes_back);
	RUN(line_buffers_show_whole_lines);
	RUN(text_is_scanned);
	RUN(environment_changes);
	RUN(programs_end_as_they_should);
	RUN(commands_run);
	RUN(directories_are_listed_and_globbed);
	RUN(links_and_paths_resolve);
	RUN(options_are_taken);
	RUN(system_calls_set_errno);
	RUN(break_moves);
	RUN(messages_are_known);
}

int main(void)
{
	if (!mkdtemp(directory))
		err(1, "%s", directory);
	pure_tests_run();
	kernel_functions_test();
	remaining_files_remove();
	return tests_finish();
}
