/*
 * hostile.c - every system call number with arguments that no honest program gives: wild pointers, kernel addresses,
 * huge lengths, closed and odd descriptors, misaligned structures, all drawn from a seed. Nothing is expected of
 * the answers; the kernel must go on, and its audit (which the runner reads behind every program) must find nothing.
 * The caller is root, and some of these calls would change the machine for good: so never on another system.
 *
 * LECTERN ONLY: as root these calls could harm the machine they run on.
 *
 *	hostile --helper campaign SEED CHILDREN         a longer run, by eight at once
 */
#include "guest.h"

#include <sys/time.h>

#define CALLS_A_CHILD 300
#define WORKERS 8                       // of a campaign, each with a child at a time, which often waits
#define NR_NUMBERS 470

static unsigned long random_state;

static unsigned long next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d;
}

static unsigned long below(unsigned long limit)
{
	return (next_random() >> 33) % limit;
}

// What would end the run, reach other processes, take the file system away or set the clock that other tests look at.
static bool is_left_out(long number, unsigned long first)
{
	switch (number) {
	case SYS_exit: case SYS_exit_group: case SYS_reboot: case SYS_kill: case SYS_tkill: case SYS_tgkill:
	case SYS_rt_sigqueueinfo: case SYS_mount: case SYS_umount2: case SYS_pause: case SYS_rt_sigsuspend:
	case SYS_rt_sigreturn: case SYS_sync:
	case SYS_clock_settime: case SYS_settimeofday: case SYS_adjtimex: case SYS_clock_adjtime:
	case 155: case 161: case 297:           // pivot_root, chroot, rt_tgsigqueueinfo
		return true;
	case SYS_prlimit64: case SYS_setpgid:
		return first != 0;
	}
	return false;
}

static unsigned char *valid, *read_only, *reserved;

static void make_places(void)
{
	static const char *const names[] = { "a", "b", "a/b", ".", "c", "" };

	valid = map_anonymous(4 * PAGE);
	MUST(munmap(valid + 2 * PAGE, 2 * PAGE));               // a hole behind it
	read_only = map_file(make_file("a", 3 * PAGE), 3 * PAGE, PROT_READ, MAP_SHARED, 0);
	reserved = MUST(mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0));
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		strcpy((char *)valid + i * 16, names[i]);
}

static unsigned long any_argument(void)
{
	static const unsigned long odd[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 64, 255, 4095, 4096, 4097, 65536, 1ul << 20, 1ul << 31, 1ul << 32, 1ul << 40,
		1ul << 46, 1ul << 47, 1ul << 62, 1ul << 63, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000,
		0xffff800000000000, 0xffffffff80000000, 0xffffffff80100000, 0xfffffffffffff000, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, -1ul, -2ul, -100ul, -4096ul, 0xfee00000, 0xb8000,
	};

	switch (below(10)) {
	case 0: case 1:
		return below(12);                               // descriptors and flags
	case 2: case 3:
		return (unsigned long)valid + below(6) * 16;    // names, structures
	case 4:
		return (unsigned long)valid + 2 * PAGE - below(64);     // runs into the hole
	case 5:
		return (unsigned long)read_only + below(3 * PAGE);
	case 6:
		return (unsigned long)reserved + below(PAGE);
	case 7:
		return next_random() >> below(64);
	default:
		return odd[below(sizeof(odd) / sizeof(odd[0]))];
	}
}

static void limit(int which, unsigned long value)
{
	struct rlimit both = { value, value };

	(void)!setrlimit(which, &both);
}

// The descriptors 0 to 9 of a child: of every kind, and nothing that leads back to the runner.
static void open_odd_files(void)
{
	int ends[2];

	for (int fd = 0; fd < 20; fd++)
		close(fd);
	open("/dev/null", O_RDWR);
	open("a", O_RDWR);
	open(".", O_RDONLY);
	(void)!pipe(ends);
	open("/proc/self/maps", O_RDONLY);
	open("/dev/zero", O_RDWR);
	open("a", O_WRONLY | O_APPEND);
	open("/proc", O_RDONLY);
	open("/proc/self/mem", O_RDWR);
}

static volatile long *calls_made;       // by the children of this worker; in memory that they share with it

static void on_alarm(int number)
{
	(void)number;
}

// A call that waits is interrupted soon.
// (Calls that catch, block or stop the alarm are drawn, too: then the parent ends it.)
static void interrupt_often(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 4000 }, { 0, 4000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void be_hostile(unsigned long seed)
{
	static const int limits[] = { RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_NOFILE };
	static const unsigned long values[] = { 64ul << 20, 4ul << 20, 16ul << 20, 64 };
	pid_t self = getpid();

	random_state = (seed * 0x9e3779b97f4a7c15) | 1;
	make_places();
	default_signals();
	open_odd_files();
	for (int i = 0; i < 4; i++)
		limit(limits[i], values[i]);
	for (int signal_number = 1; signal_number < 32; signal_number++)
		if (signal_number != SIGSEGV && signal_number != SIGBUS)
			signal(signal_number, SIG_IGN);
	interrupt_often();
	for (int i = 0; i < CALLS_A_CHILD; i++) {
		long number = below(20) ? (long)below(NR_NUMBERS) : (long)next_random();
		unsigned long a[6];

		for (int j = 0; j < 6; j++)
			a[j] = any_argument();
		if (is_left_out(number & 0xffffffff, a[0]))
			continue;
		syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		++*calls_made;
		if (syscall(SYS_getpid) != self)
			_exit(0);               // the call was a fork
	}
	_exit(0);
}

// However it ends: by itself, by a signal, or by ours when it makes no calls any more.
static void run_child(unsigned long seed)
{
	struct timespec moment = { 0, 1000000 };
	long seen = *calls_made;
	pid_t child = MUST(fork());

	if (child == 0)
		be_hostile(seed);
	for (int idle = 0; idle < 60; idle++) {
		int status;

		if (waitpid(child, &status, WNOHANG) == child)
			return;
		if (*calls_made != seen)
			idle = 0;
		seen = *calls_made;
		nanosleep(&moment, NULL);
	}
	kill(child, SIGKILL);
	wait_status(child);
}

static void run_children(unsigned long seed, long nr)
{
	if (access("/proc/audit", F_OK) != 0 && access("/proc/self/counts", F_OK) != 0)
		FAIL("expected to run on Lectern");
	signal(SIGCHLD, SIG_DFL);
	calls_made = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	for (long i = 0; i < nr; i++)
		run_child(seed + i);
	say("# %ld children made %ld calls\n", nr, *calls_made);
}

TEST(hostile_arguments_do_no_harm)
{
	run_children(1000, 25);
}

TEST(hostile_arguments_from_a_fresh_seed_do_no_harm)
{
	unsigned long seed = (unsigned long)time(NULL);

	say("# seed %lu\n", seed);
	run_children(seed, 15);
}

// The workers share out the seeds; each has a folder for itself.
HELPER(campaign)
{
	pid_t child[WORKERS];

	CHECK(argc >= 3);
	unsigned long seed = strtoul(argv[1], NULL, 10);
	long share = strtol(argv[2], NULL, 10) / WORKERS + 1;

	for (int i = 0; i < WORKERS; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			char folder[] = "/tmp/hostile0";

			folder[12] += i;
			mkdir(folder, 0755);
			MUST(chdir(folder));
			run_children(seed + i * share, share);
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_CHILD(child[i]);
	const char *audit = slurp("/proc/audit");

	say("# %.300s\n", audit ? audit : "no audit");
	return audit && strncmp(audit, "audit: clean", 12) != 0;
}
