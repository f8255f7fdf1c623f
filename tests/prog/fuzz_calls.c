/*
 * fuzz_calls.c - the file calls with arguments that make no sense, in every mixture: they may answer what they like,
 * but nobody dies, and afterwards files still work. The seed is printed: FUZZ_SEED=n repeats a run.
 */
#include "guest.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define NR_STEPS 3000

// LECTERN ONLY: chance may find a call that hurts the machine it runs on

static unsigned long random_state;

static unsigned long random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static const int calls[] = {
	SYS_read, SYS_write, SYS_open, SYS_close, SYS_stat, SYS_fstat, SYS_lstat, SYS_lseek, SYS_pread64,
	SYS_pwrite64, SYS_readv, SYS_writev, SYS_access, SYS_pipe, SYS_select, SYS_dup, SYS_dup2,
	SYS_sendfile, SYS_fcntl, SYS_fsync, SYS_fdatasync, SYS_truncate, SYS_ftruncate, SYS_getcwd, SYS_chdir,
	SYS_fchdir, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_unlink, SYS_symlink, SYS_readlink,
	SYS_chmod, SYS_fchmod, SYS_chown, SYS_fchown, SYS_lchown, SYS_umask, SYS_utime, SYS_mknod, SYS_statfs,
	SYS_fstatfs, SYS_utimes, SYS_openat, SYS_mkdirat, SYS_mknodat, SYS_fchownat, SYS_futimesat,
	SYS_newfstatat, SYS_unlinkat, SYS_renameat, SYS_linkat, SYS_symlinkat, SYS_readlinkat, SYS_fchmodat,
	SYS_faccessat, SYS_utimensat, SYS_dup3, SYS_pipe2, SYS_preadv, SYS_pwritev, SYS_getdents64,
	SYS_renameat2, SYS_memfd_create, SYS_statx, SYS_poll, SYS_ioctl, SYS_mmap, SYS_munmap, SYS_msync,
};

static const char *const paths[] = {
	"a", "b", "c", "d", "d/e", "d/f", "./d/../a", "", ".", "d/", "a/", "nothing/at/all",
	"/proc/self/maps", "/proc/self/fd", "/proc/self/fd/5", "/proc/1/status",
	"/proc/meminfo", "/proc/self/exe/", "/proc/self/cwd/a", "link", "fifo",
};

static char *memory;                    // three pages: writable, read-only, none

static unsigned long random_argument(void)
{
	static const unsigned long odd[] = { 0, 1, 2, 7, 8, 4095, 4096, 4097, 65536, 0x7fffffff, 0x80000000,
					     0xffffffff, ~0UL, 1UL << 47, 1UL << 63, 0x7ffffffff000,
					     0xffff800000000000, (unsigned long)AT_FDCWD };

	switch (random_word() % 8) {
	case 0:
		return random_word() % 16 + 3;
	case 1:
		return odd[random_word() % (sizeof(odd) / sizeof(odd[0]))];
	case 2:
	case 3:
		return (unsigned long)paths[random_word() % (sizeof(paths) / sizeof(paths[0]))];
	case 4:
		return (unsigned long)memory + random_word() % (3 * PAGE);
	case 5:
		return (unsigned long)memory;
	case 6:
		return random_word() % 64;
	default:
		return 1UL << random_word() % 64;
	}
}

// Calls that would only wait, or that would end the frame around us.
static bool is_harmless(int call, unsigned long *a)
{
	if (call == SYS_open || call == SYS_openat)     // a FIFO must not make us wait
		a[call == SYS_open ? 1 : 2] |= O_NONBLOCK;
	if ((call == SYS_poll || call == SYS_select) && (call == SYS_poll ? (int)a[2] : 1))
		return false;
	if (call == SYS_close || call == SYS_dup2 || call == SYS_dup3)
		return (unsigned)a[call == SYS_close ? 0 : 1] > 2;
	// Addresses that the program lives at must stay.
	if (call == SYS_munmap || call == SYS_mmap)
		return a[0] >= (unsigned long)memory && a[0] < (unsigned long)memory + 3 * PAGE && a[1] <= PAGE;
	return true;
}

static void prepare(void)
{
	memory = (char *)map_anonymous(3 * PAGE);
	memset(memory, 1, 2 * PAGE);
	MUST(mprotect(memory + PAGE, PAGE, PROT_READ));
	MUST(mprotect(memory + 2 * PAGE, PAGE, PROT_NONE));
	make_file("a", 10000);
	make_file("b", 0);
	MUST(mkdir("d", 0755));
	make_file("d/e", 5000);
	MUST(symlink("a", "link"));
	MUST(mkfifo("fifo", 0644));
	MUST(open(".", O_RDONLY));
	MUST(open("/dev/zero", O_RDWR));
	MUST(open("fifo", O_RDWR | O_NONBLOCK));
}

static void random_call(void)
{
	unsigned long a[6];
	int call = calls[random_word() % (sizeof(calls) / sizeof(calls[0]))];

	for (int i = 0; i < 6; i++)
		a[i] = random_argument();
	if (is_harmless(call, a))
		syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void run(unsigned long seed)
{
	struct rlimit small = { 32 << 20, 32 << 20 };
	sigset_t all;

	random_state = seed * 2654435761u + 1;
	MUST(setrlimit(RLIMIT_FSIZE, &small));
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&all);
	for (int fd = 0; fd < 3; fd++)          // what is written must not look like TAP
		MUST(dup2(MUST(open("/dev/null", O_RDWR)), fd));
	prepare();
	alarm(3);                               // a call that waits is no fault
	for (int i = 0; i < NR_STEPS; i++)
		random_call();
}

static unsigned long seed_given(void)
{
	const char *text = getenv("FUZZ_SEED");

	return text ? strtoul(text, NULL, 0) : (unsigned long)time(NULL) ^ (unsigned long)getpid() << 20;
}

TEST(senseless_file_calls_harm_nobody)
{
	unsigned long seed = seed_given();
	struct utsname name;

	MUST(uname(&name));
	if (strcmp(name.sysname, "Lectern"))
		SKIP("chance may find a call that hurts the machine it runs on");
	for (unsigned long round = 0; round < 8; round++) {
		char folder[32];
		pid_t child;

		say("# seed %lu\n", seed + round);
		snprintf(folder, sizeof(folder), "round%lu", round);
		MUST(mkdir(folder, 0755));
		child = MUST(fork());
		if (child == 0) {
			MUST(chdir(folder));
			run(seed + round);
			_exit(0);
		}
		int status = wait_status(child);

		CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGALRM);
	}
	int fd = make_file("afterwards", 3 * PAGE);

	CHECK_EQ(file_byte(fd, 2 * PAGE + 7), pattern(2 * PAGE + 7));
}
