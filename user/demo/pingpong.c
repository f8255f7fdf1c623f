/*
 * A shared mapping as a channel. Two processes that map the same file on their own meet in one page
 * frame: a store by one is a load by the other, with no system call and no copy in between. The
 * same ball through two pipes costs four system calls and four copies a round trip.
 *
 * pingpong [--quiet] [--file PATH] [--rounds N] [--spin N]     N loads before giving up the CPU
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 64 };

/* The page that both see. */
struct court {
	atomic_long ball;               /* even: the parent has it; odd: the child */
	atomic_long child_frame;
	atomic_long child_yields;
};

static long rounds = 10000, spin = 1000;

static struct court *map_court(const char *path)
{
	int fd = open(path, O_RDWR);
	struct court *court = fd < 0 ? MAP_FAILED :
		mmap(NULL, DEMO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (court == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return court;
}

/* Until the ball has this number. Returns how often the CPU was given up. */
static long wait_for(struct court *court, long number)
{
	long yields = 0, loads = 0;

	while (atomic_load(&court->ball) != number)
		if (++loads > spin) {
			sched_yield();
			yields++;
			loads = 0;
		}
	return yields;
}

static void child_plays(const char *path)
{
	struct court *court = map_court(path);
	long yields = 0;

	atomic_fetch_add(&court->ball, 0);      /* a store, so that the page is here */
	atomic_store(&court->child_frame, (long)page_frame(court));
	for (long i = 0; i < rounds; i++) {
		yields += wait_for(court, 2 * i + 1);
		atomic_store(&court->ball, 2 * i + 2);
	}
	atomic_store(&court->child_yields, yields);
	_exit(0);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void tell_time(const char *what, long long nanoseconds)
{
	demo_say("%s %ld round trips in %lld ms\n", what, rounds, nanoseconds / 1000000);
}

static void play_in_memory(const char *path)
{
	/* Before anything is mapped: each maps for itself. */
	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0)
		child_plays(path);
	struct court *court = map_court(path);
	atomic_fetch_add(&court->ball, 0);
	long yields = 0, frame = (long)page_frame(court);
	long calls = counter_own("syscalls");
	long long start = now();
	for (long i = 0; i < rounds; i++) {
		atomic_store(&court->ball, 2 * i + 1);
		yields += wait_for(court, 2 * i + 2);
	}
	long long elapsed = now() - start;
	calls = demo_difference(counter_own("syscalls"), calls);
	waitpid(child, NULL, 0);
	long child_frame = atomic_load(&court->child_frame);

	tell_time("memory:", elapsed);
	demo_say("  frame here %s, frame there %s; bytes copied by the kernel: 0\n",
		 demo_count(frame ? frame : COUNTER_ABSENT),
		 demo_count(child_frame ? child_frame : COUNTER_ABSENT));
	demo_say("  sched_yield: %ld here, %ld there; all system calls here: %s\n", yields,
		 atomic_load(&court->child_yields), demo_count(calls));
	demo_report("rounds", rounds);
	demo_report("frame_parent", frame ? frame : COUNTER_ABSENT);
	demo_report("frame_child", child_frame ? child_frame : COUNTER_ABSENT);
	demo_report("memory_yields", yields);
	demo_report("memory_syscalls", calls);
	demo_report("memory_bytes_copied", 0);
	demo_claim("both processes had the same frame", frame == child_frame);
	demo_claim("every ball came back", atomic_load(&court->ball) == 2 * rounds);
	/* Three or four calls read the counter and the clock; the others only gave up the CPU. */
	if (calls != COUNTER_ABSENT)
		demo_claim("no system call but sched_yield", calls - yields < 12);
}

static bool pass(int from, int to, char *message)
{
	return read(from, message, MESSAGE) == MESSAGE && write(to, message, MESSAGE) == MESSAGE;
}

static void play_with_pipes(void)
{
	char message[MESSAGE] = "ball";
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		err(1, "pipe");
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		for (long i = 0; i < rounds; i++)
			if (!pass(there[0], back[1], message))
				_exit(1);
		_exit(0);
	}
	long calls = counter_own("syscalls"), done = 0;
	long long start = now();
	while (done < rounds && write(there[1], message, MESSAGE) == MESSAGE &&
	       read(back[0], message, MESSAGE) == MESSAGE)
		done++;
	long long elapsed = now() - start;
	calls = demo_difference(counter_own("syscalls"), calls);
	waitpid(child, NULL, 0);

	/* Each message goes into the pipe and out of it: two copies, there and back. */
	long copied = rounds * 4 * MESSAGE;
	tell_time("\npipes: ", elapsed);
	demo_say("  system calls here: %s; bytes copied by the kernel: %ld\n", demo_count(calls),
		copied);
	demo_report("pipe_syscalls", calls);
	demo_report("pipe_bytes_copied", copied);
	demo_claim("every message came back", done == rounds);
	if (calls != COUNTER_ABSENT)
		demo_claim("two system calls a round trip on this side alone", calls >= 2 * rounds);
}

int main(int argc, char **argv)
{
	const char *path = "/tmp/pingpong.dat";

	for (int i = 1; i < argc; i++) {
		if (demo_option(argv[i]))
			continue;
		if (!strcmp(argv[i], "--file") && i + 1 < argc)
			path = argv[++i];
		else if (!strcmp(argv[i], "--rounds"))
			rounds = demo_number(argc, argv, &i);
		else if (!strcmp(argv[i], "--spin"))
			spin = demo_number(argc, argv, &i);
		else
			errx(2, "usage: pingpong [--quiet] [--file path] [--rounds n] [--spin n]");
	}
	close(demo_file(path, DEMO_PAGE));
	counter_own("syscalls");
	fflush(stdout);
	play_in_memory(path);
	fflush(stdout);
	play_with_pipes();
	return demo_end("with one CPU, who decides how many sched_yield there are, and with two?",
		"--spin N: loads before giving up the CPU; try 0, and 1000000 with one CPU");
}
