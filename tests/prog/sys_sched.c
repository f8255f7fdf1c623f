/*
 * sys_sched.c - on which processors a thread runs, and how nice it is.
 */
#include "threads.h"

#include <sys/resource.h>

static unsigned long allowed_at_first(void)
{
	unsigned long mask[16] = { 0 };

	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) > 0);
	CHECK(mask[0] != 0);
	return mask[0];
}

static long set_mask(int pid, unsigned long mask)
{
	unsigned long wide[16] = { mask };

	return syscall(SYS_sched_setaffinity, pid, sizeof(wide), wide);
}

static unsigned long get_mask(int pid)
{
	unsigned long wide[16] = { 0 };

	CHECK(syscall(SYS_sched_getaffinity, pid, sizeof(wide), wide) > 0);
	return wide[0];
}

static int own_cpu(void)
{
	unsigned int cpu = 999;

	MUST(syscall(SYS_getcpu, &cpu, NULL, NULL));
	return (int)cpu;
}

TEST(thread_runs_where_it_may)
{
	unsigned long all = allowed_at_first();

	for (int round = 0; round < 20; round++)
		for (int cpu = 0; cpu < 64; cpu++) {
			if (!(all & 1ul << cpu))
				continue;
			MUST(set_mask(0, 1ul << cpu));
			CHECK_EQ(own_cpu(), cpu);       // at once
			CHECK_EQ(get_mask(0), 1ul << cpu);
			sched_yield();
			CHECK_EQ(own_cpu(), cpu);
		}
	MUST(set_mask(0, all));
	CHECK_EQ(get_mask(0), all);
}

TEST(affinity_is_inherited)
{
	unsigned long all = allowed_at_first(), highest = 1ul << (63 - __builtin_clzl(all));

	MUST(set_mask(0, highest));
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(!(get_mask(0) == highest && 1ul << own_cpu() == highest));
	CHECK_CHILD(child);
}

static volatile int where, spins;

static void spin(void *argument)
{
	(void)argument;
	while (spins)
		where = 1 + own_cpu();
}

static void sleep_on_spins(void *argument)
{
	(void)argument;
	raw_call(SYS_futex, (long)&spins, 0 /* FUTEX_WAIT */, 1, 0, 0, 0);
	where = 1 + own_cpu();
}

TEST(another_thread_is_moved_while_it_runs_and_while_it_sleeps)
{
	unsigned long all = allowed_at_first();
	struct thread t;

	spins = 1;
	thread_begin(&t, spin, NULL);
	for (int round = 0; round < 10; round++)
		for (int cpu = 0; cpu < 64; cpu++) {
			if (!(all & 1ul << cpu))
				continue;
			MUST(set_mask(t.tid, 1ul << cpu));
			CHECK_EQ(get_mask(t.tid), 1ul << cpu);
			CHECK_EQ(get_mask(0), all);
			while (where != 1 + cpu)
				sched_yield();
		}
	spins = 0;
	thread_join(&t);
	int last = 63 - __builtin_clzl(all);

	spins = 1;
	where = 0;
	thread_begin(&t, sleep_on_spins, NULL);
	wait_until_asleep(t.tid);
	MUST(set_mask(t.tid, 1ul << last));
	raw_call(SYS_futex, (long)&spins, 1 /* FUTEX_WAKE */, 1, 0, 0, 0);
	thread_join(&t);
	CHECK_EQ(where, 1 + last);
}

TEST(many_threads_are_moved_about)
{
	unsigned long all = allowed_at_first();
	pid_t child[6];

	for (int i = 0; i < 6; i++) {
		child[i] = MUST(fork());
		while (child[i] == 0)
			sched_yield();
	}
	for (int round = 0; round < 300; round++)
		for (int i = 0; i < 6; i++) {
			unsigned long one = all & (1ul << (round + i) % 4);

			MUST(set_mask(child[i], one ? one : all));
		}
	for (int i = 0; i < 6; i++) {
		MUST(kill(child[i], SIGKILL));
		CHECK_KILLED(child[i], SIGKILL);
	}
}

TEST(affinity_errors)
{
	unsigned long all = allowed_at_first(), mask;

	CHECK_ERR(set_mask(0, 0), EINVAL);
	CHECK_ERR(set_mask(999999, all), ESRCH);
	CHECK_ERR(syscall(SYS_sched_setaffinity, 0, 8, (void *)16), EFAULT);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 7, &mask), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 1024, (void *)16), EFAULT);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 999999, 1024, &mask), ESRCH);
	CHECK_EQ(get_mask(0), all);
}

static long nice_of(int which, int who)
{
	return 20 - MUST(syscall(SYS_getpriority, which, who));
}

static void make_nicer(void *argument)
{
	*(long *)argument = raw_call(SYS_setpriority, PRIO_PROCESS, 0, 7, 0, 0, 0);
}

// Whoever runs the tests may be nice itself.
static void begin_ordinary(void)
{
	if (setpriority(PRIO_PROCESS, 0, 0))
		SKIP("the runner is nice, and may not stop being so");
}

TEST(nice_values_are_kept_and_inherited)
{
	const char *stat;
	long priority, value;

	begin_ordinary();
	CHECK_EQ(nice_of(PRIO_PROCESS, 0), 0);
	MUST(setpriority(PRIO_PROCESS, 0, 5));
	CHECK_EQ(nice_of(PRIO_PROCESS, 0), 5);
	CHECK_EQ(nice_of(PRIO_PROCESS, getpid()), 5);
	MUST(setpriority(PRIO_PROCESS, 0, 100));        // cut off
	CHECK_EQ(nice_of(PRIO_PROCESS, 0), 19);
	MUST(setpriority(PRIO_PROCESS, 0, 3));
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(nice_of(PRIO_PROCESS, 0) != 3);
	CHECK_CHILD(child);
	stat = strrchr(slurp("/proc/self/stat"), ')') + 2;
	for (int field = 3; field < 18; field++)
		stat = strchr(stat, ' ') + 1;
	priority = strtol(stat, NULL, 10);
	value = strtol(strchr(stat, ' '), NULL, 10);
	CHECK_EQ(priority, 23);
	CHECK_EQ(value, 3);
}

TEST(nice_value_is_the_threads_own)
{
	struct thread t;
	long result = -1;

	begin_ordinary();
	thread_begin(&t, make_nicer, &result);
	thread_join(&t);
	CHECK_EQ(result, 0);
	CHECK_EQ(nice_of(PRIO_PROCESS, 0), 0);
}

TEST(nice_of_a_group_is_its_best)
{
	struct gate go = gate_make();

	begin_ordinary();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(go);
		_exit(0);
	}
	MUST(setpriority(PRIO_PROCESS, child, 9));
	CHECK_EQ(nice_of(PRIO_PROCESS, child), 9);
	MUST(setpriority(PRIO_PROCESS, 0, 4));
	CHECK_EQ(nice_of(PRIO_PGRP, 0), 4);
	MUST(setpriority(PRIO_PGRP, 0, 6));
	CHECK_EQ(nice_of(PRIO_PROCESS, child), 6);
	CHECK_EQ(nice_of(PRIO_PROCESS, 0), 6);
	gate_open(go);
	CHECK_CHILD(child);
	CHECK_ERR(syscall(SYS_getpriority, PRIO_PROCESS, 999999), ESRCH);
	CHECK_ERR(syscall(SYS_getpriority, 3, 0), EINVAL);
	CHECK_ERR(syscall(SYS_setpriority, PRIO_USER, 54321, 0), ESRCH);
}
