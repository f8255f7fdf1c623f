/*
 * sys_timers.c - timer_create and its kin: signals with a value, once and again and again, overruns, threads,
 * and who keeps a timer. No test knows how long anything takes: only that it comes.
 */
#include "threads.h"

#include <abi/signal.h>
#include <abi/time.h>

#define MS 1000000l

static long timer_make(int clock, int notify, int signo, long value, int tid, int *id)
{
	struct sigevent e = { .sigev_notify = notify, .sigev_signo = signo, .sigev_tid = tid };

	e.sigev_value.sival_ptr = (void *)value;
	return syscall(SYS_timer_create, clock, &e, id);
}

static struct itimerspec times(long value_ns, long period_ns)
{
	struct itimerspec t = { { period_ns / 1000000000, period_ns % 1000000000 },
				{ value_ns / 1000000000, value_ns % 1000000000 } };

	return t;
}

static long timer_start(int id, int flags, long value_ns, long period_ns)
{
	struct itimerspec t = times(value_ns, period_ns);

	return syscall(SYS_timer_settime, id, flags, &t, NULL);
}

static long left_of(int id)
{
	struct itimerspec now;

	MUST(syscall(SYS_timer_gettime, id, &now));
	return now.it_value.tv_sec * 1000000000 + now.it_value.tv_nsec;
}

static sigset_t only(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return set;
}

// Waits for the signal, which must be blocked.
static siginfo_t wait_for(int number)
{
	sigset_t set = only(number);
	siginfo_t info;

	CHECK_EQ(MUST(sigwaitinfo(&set, &info)), number);
	return info;
}

static void block(int number)
{
	sigset_t set = only(number);

	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
}

TEST(timer_sends_its_signal_with_its_value)
{
	int id;

	block(SIGUSR1);
	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0x123456789abc, 0, &id));
	CHECK_EQ(left_of(id), 0);
	MUST(timer_start(id, 0, MS, 0));
	siginfo_t info = wait_for(SIGUSR1);

	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_fields.timer.timerid, id);
	CHECK_EQ(info.si_fields.timer.overrun, 0);
	CHECK(info.si_fields.timer.value.sival_ptr == (void *)0x123456789abc);
	CHECK_EQ(left_of(id), 0);               // once
	CHECK_EQ(syscall(SYS_timer_getoverrun, id), 0);
}

TEST(timer_without_an_event_is_sigalrm_with_its_number)
{
	int id;

	block(SIGALRM);
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
	MUST(timer_start(id, 0, MS, 0));
	CHECK_EQ(wait_for(SIGALRM).si_fields.timer.value.sival_int, id);
}

TEST(timer_comes_again_and_again_until_it_is_stopped)
{
	struct itimerspec old, none = times(0, 0);
	int id;

	block(SIGUSR1);
	MUST(timer_make(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id));
	MUST(timer_start(id, 0, MS, 2 * MS));
	for (int i = 0; i < 5; i++)
		wait_for(SIGUSR1);
	MUST(syscall(SYS_timer_settime, id, 0, &none, &old));
	CHECK_EQ(old.it_interval.tv_nsec, 2 * MS);
	CHECK_EQ(left_of(id), 0);
}

TEST(expirations_while_the_signal_is_pending_are_overruns)
{
	sigset_t pending;
	int id;
	struct timespec nap = { 0, MS };

	block(SIGUSR1);
	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id));
	MUST(timer_start(id, 0, MS, MS));
	do {
		MUST(nanosleep(&nap, NULL));
		sigpending(&pending);
	} while (!sigismember(&pending, SIGUSR1));
	for (int i = 0; i < 10; i++)
		MUST(nanosleep(&nap, NULL));
	siginfo_t info = wait_for(SIGUSR1);

	CHECK(info.si_fields.timer.overrun >= 5);       // one signal for all of them
	CHECK_EQ(syscall(SYS_timer_getoverrun, id), info.si_fields.timer.overrun);
}

TEST(absolute_times_of_both_clocks)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };

	block(SIGUSR1);
	for (int i = 0; i < 2; i++) {
		struct timespec now;
		int id;

		MUST(clock_gettime(clocks[i], &now));
		MUST(timer_make(clocks[i], SIGEV_SIGNAL, SIGUSR1, i, 0, &id));
		MUST(timer_start(id, TIMER_ABSTIME, now.tv_sec * 1000000000 + now.tv_nsec, 0));         // over already
		CHECK_EQ(wait_for(SIGUSR1).si_fields.timer.value.sival_int, i);
		MUST(timer_start(id, TIMER_ABSTIME, (now.tv_sec + 1000) * 1000000000 + now.tv_nsec, 0));
		CHECK(left_of(id) > 900 * 1000 * MS && left_of(id) <= 1000 * 1000 * MS);
	}
}

TEST(silent_timer_is_only_looked_at)
{
	struct itimerspec now;
	int id;

	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0, 0, &id));
	MUST(timer_start(id, 0, 1000 * 1000 * MS, 0));
	CHECK(left_of(id) > 0);
	MUST(timer_start(id, 0, MS, 0));
	while (left_of(id))
		sched_yield();
	MUST(timer_start(id, 0, MS, 7 * MS));
	for (int i = 0; i < 1000; i++) {
		MUST(syscall(SYS_timer_gettime, id, &now));
		CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 7 * MS);
		CHECK_EQ(now.it_interval.tv_nsec, 7 * MS);
	}
}

static volatile int tid_that_caught;

static void catch(int number)
{
	(void)number;
	tid_that_caught = own_tid();
}

static void wait_for_signal(void *argument)
{
	(void)argument;
	while (!tid_that_caught)
		raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

TEST(signal_goes_to_the_thread_that_was_named)
{
	struct thread t;
	int id, tid;

	signal(SIGUSR1, catch);
	thread_begin(&t, wait_for_signal, NULL);
	tid = t.tid;
	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 0, tid, &id));
	MUST(timer_start(id, 0, MS, 0));
	thread_join(&t);
	CHECK_EQ(tid_that_caught, tid);
	CHECK_ERR(timer_make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 0, 1, &id), EINVAL);
}

TEST(deleted_timer_is_gone)
{
	int id, again;

	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGKILL, 0, 0, &id));
	MUST(timer_start(id, 0, 1000 * 1000 * MS, 0));
	MUST(syscall(SYS_timer_delete, id));
	CHECK_ERR(syscall(SYS_timer_delete, id), EINVAL);
	CHECK_ERR(timer_start(id, 0, MS, 0), EINVAL);
	CHECK_ERR(syscall(SYS_timer_getoverrun, id), EINVAL);
	for (int i = 0; i < 100; i++) {
		MUST(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, 0, &again));
		MUST(syscall(SYS_timer_delete, again));
	}
}

HELPER(has_no_timer)
{
	struct itimerspec now;

	return syscall(SYS_timer_gettime, atoi(argv[1]), &now) != -1;
}

TEST(timers_end_with_exec_and_are_not_inherited)
{
	struct itimerspec now;
	char number[16];
	int id;

	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGKILL, 0, 0, &id));
	MUST(timer_start(id, 0, 1000 * 1000 * MS, 0));
	snprintf(number, sizeof(number), "%d", id);
	pid_t child = MUST(fork());

	if (child == 0) {
		int own;

		if (syscall(SYS_timer_gettime, id, &now) != -1)
			_exit(1);
		if (timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGKILL, 0, 0, &own) ||
		    timer_start(own, 0, 1000 * 1000 * MS, 0))
			_exit(2);
		snprintf(number, sizeof(number), "%d", own);
		test_exec("has_no_timer", number, NULL, NULL);
	}
	CHECK_CHILD(child);
	MUST(syscall(SYS_timer_gettime, id, &now));
}

TEST(process_may_end_while_its_timers_run)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = MUST(fork());

		if (child == 0) {
			signal(SIGUSR1, SIG_IGN);
			for (int j = 0; j < 10; j++) {
				int id;

				if (timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id) ||
				    timer_start(id, 0, 1 + j * 1000, 100000))
					_exit(1);
			}
			_exit(0);
		}
		CHECK_CHILD(child);
	}
}

TEST(timer_errors)
{
	struct itimerspec bad = times(0, 0);
	int id;

	CHECK_ERR(timer_make(77, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id), EINVAL);
	CHECK_ERR(timer_make(CLOCK_MONOTONIC_RAW, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id), EOPNOTSUPP);
	CHECK_ERR(timer_make(CLOCK_MONOTONIC, 9, SIGUSR1, 0, 0, &id), EINVAL);
	CHECK_ERR(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0, 0, &id), EINVAL);
	CHECK_ERR(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 0, 0, &id), EINVAL);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)16, &id), EFAULT);
	CHECK_ERR(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, 0, (void *)16), EFAULT);
	MUST(timer_make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id));
	bad.it_value.tv_nsec = 1000000000;
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
	bad = times(0, 0);
	bad.it_value.tv_sec = -1;
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, (void *)16, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_timer_gettime, id + 1, &bad), EINVAL);
	CHECK_ERR(syscall(SYS_timer_gettime, id, (void *)16), EFAULT);
}

/* ---- interval timers by processor time ---------------------------------------------------------- */

static volatile int nr_prof, nr_virtual;

static void count_cpu_signal(int number)
{
	if (number == SIGPROF)
		nr_prof++;
	else
		nr_virtual++;
}

static void catch_cpu_signals(void)
{
	struct sigaction action = { .sa_handler = count_cpu_signal, .sa_flags = SA_RESTART };

	MUST(sigaction(SIGPROF, &action, NULL));
	MUST(sigaction(SIGVTALRM, &action, NULL));
}

static void set_interval(int which, long value_us, long period_us)
{
	struct itimerval t = { { 0, period_us }, { 0, value_us } };

	MUST(syscall(SYS_setitimer, which, &t, NULL));
}

static struct itimerval interval(int which)
{
	struct itimerval t;

	MUST(syscall(SYS_getitimer, which, &t));
	return t;
}

static long cpu_time_us(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t));
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

TEST(prof_timer_counts_processor_time)
{
	long start;

	catch_cpu_signals();
	start = cpu_time_us();
	set_interval(ITIMER_PROF, 40000, 0);
	while (!nr_prof)
		;
	CHECK(cpu_time_us() - start >= 30000);
	CHECK_EQ(interval(ITIMER_PROF).it_value.tv_usec, 0);    // once
	CHECK_EQ(nr_virtual, 0);
}

TEST(virtual_timer_comes_again_and_again_until_it_is_stopped)
{
	catch_cpu_signals();
	set_interval(ITIMER_VIRTUAL, 10000, 10000);
	while (nr_virtual < 3)
		;
	CHECK_EQ(interval(ITIMER_VIRTUAL).it_interval.tv_usec, 10000);
	set_interval(ITIMER_VIRTUAL, 0, 0);
	CHECK_EQ(interval(ITIMER_VIRTUAL).it_value.tv_usec, 0);
	CHECK_EQ(nr_prof, 0);
}

TEST(sleep_is_no_processor_time)
{
	struct timespec t = { 0, 300000000 };

	catch_cpu_signals();
	set_interval(ITIMER_PROF, 200000, 0);
	set_interval(ITIMER_VIRTUAL, 200000, 0);
	MUST(nanosleep(&t, NULL));
	CHECK_EQ(nr_prof + nr_virtual, 0);
	CHECK(interval(ITIMER_PROF).it_value.tv_usec > 0);
	CHECK(interval(ITIMER_VIRTUAL).it_value.tv_usec > 0);
}

TEST(interval_timers_are_not_inherited_by_fork)
{
	pid_t child;

	set_interval(ITIMER_PROF, 900000, 500000);
	set_interval(ITIMER_REAL, 900000, 500000);
	child = MUST(fork());
	if (child == 0)
		_exit(interval(ITIMER_PROF).it_value.tv_usec != 0 || interval(ITIMER_REAL).it_value.tv_usec != 0);
	CHECK_CHILD(child);
	set_interval(ITIMER_REAL, 0, 0);
}

TEST(time_in_the_kernel_is_told_apart)
{
	static char bytes[1 << 16];
	struct rusage before, after;
	int fd = MUST(open("/dev/zero", O_RDONLY));

	MUST(getrusage(RUSAGE_SELF, &before));
	do {
		CHECK_EQ(read(fd, bytes, sizeof(bytes)), (long)sizeof(bytes));
		MUST(getrusage(RUSAGE_SELF, &after));
	} while (after.ru_stime.tv_sec == before.ru_stime.tv_sec &&
		 after.ru_stime.tv_usec < before.ru_stime.tv_usec + 20000);
	before = after;
	do {
		for (volatile int i = 0; i < 1000000; i++)
			;
		MUST(getrusage(RUSAGE_SELF, &after));
	} while (after.ru_utime.tv_sec == before.ru_utime.tv_sec &&
		 after.ru_utime.tv_usec < before.ru_utime.tv_usec + 20000);
}

TEST(setitimer_errors)
{
	struct itimerval t = { { 0, 0 }, { 0, 1000000 } };

	CHECK_ERR(syscall(SYS_setitimer, ITIMER_PROF, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_setitimer, ITIMER_VIRTUAL, &t, NULL), EINVAL);
	t.it_value.tv_usec = 0;
	CHECK_ERR(syscall(SYS_setitimer, 3, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_getitimer, 3, &t), EINVAL);
	CHECK_ERR(syscall(SYS_getitimer, ITIMER_PROF, 16), EFAULT);
	CHECK_ERR(syscall(SYS_setitimer, ITIMER_PROF, 16, NULL), EFAULT);
}
