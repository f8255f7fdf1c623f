/*
 * process.c - rows on processes: fork, exec, the copies after fork, and what two of them say to each other.
 */
#include "bench.h"
#include <unistd.h>

#define COW_PAGES	1024ul
#define RING		8

// Op: the child's first store to a page that its parent has stored to; timed in the child.
static void run_fork_cow(uint64_t n)
{
	char *region = map_memory(COW_PAGES * PAGE);

	for (uint64_t done = 0; done < n; done += COW_PAGES) {
		uint64_t took;
		int ends[2];

		store_pages(region, COW_PAGES);
		CHECK(pipe(ends) == 0);
		pid_t child = fork_child();
		if (child == 0) {
			took = now();
			for (uint64_t i = 0; i < COW_PAGES; i++)
				((volatile char *)region)[i * PAGE] = 2;
			took = now() - took;
			_exit(write(ends[1], &took, sizeof(took)) != sizeof(took));
		}
		CHECK(read(ends[0], &took, sizeof(took)) == sizeof(took));
		wait_child(child);
		close(ends[0]);
		close(ends[1]);
		CHECK(*(volatile char *)region == 1);
		add_result(COW_PAGES, took);
	}
	unmap(region, COW_PAGES * PAGE);
}

// Op: fork(), the child's _exit(), wait().
static void run_fork_exit(uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++) {
		pid_t child = fork_child();

		if (child == 0)
			_exit(0);
		wait_child(child);
	}
	end(n);
}

// Op: the same of a process that has stored to 16 MiB.
static void run_fork_exit_16m(uint64_t n)
{
	char *region = map_memory(REGION);

	store_pages(region, REGION_PAGES);
	run_fork_exit(n);
	unmap(region, REGION);
}

// Op: fork(), execve() of this program with --exit, wait().
static void run_fork_exec(uint64_t n)
{
	char *arguments[] = { (char *)own_path, "--exit", NULL };
	char *environment[] = { NULL };

	begin();
	for (uint64_t i = 0; i < n; i++) {
		pid_t child = fork_child();

		if (child == 0) {
			execve(own_path, arguments, environment);
			_exit(127);
		}
		wait_child(child);
	}
	end(n);
}

// Op: one byte into a pipe and out of it, by the same process.
static void run_pipe_self(uint64_t n)
{
	int ends[2];
	char byte = 0;

	CHECK(pipe(ends) == 0);
	begin();
	for (uint64_t i = 0; i < n; i++)
		CHECK(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
	end(n);
	close(ends[0]);
	close(ends[1]);
}

// A member of the ring: passes the byte on until its pipe ends.
static void pass_on(int pipes[RING][2], int members, int me)
{
	int out = pipes[(me + 1) % members][1];
	char byte;

	for (int i = 0; i < members; i++) {     // only its own ends, so that the end of file travels too
		if (i != me)
			close(pipes[i][0]);
		if (pipes[i][1] != out)
			close(pipes[i][1]);
	}
	while (read(pipes[me][0], &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
	_exit(0);
}

// A byte goes round a ring of processes, of which this is number 0. Gives the ns of so many rounds.
static uint64_t go_round(uint64_t rounds, int members)
{
	int pipes[RING][2];
	pid_t children[RING];
	char byte = 0;
	uint64_t took;

	for (int i = 0; i < members; i++)
		CHECK(pipe(pipes[i]) == 0);
	for (int i = 1; i < members; i++) {
		children[i] = fork_child();
		if (children[i] == 0)
			pass_on(pipes, members, i);
	}
	CHECK(write(pipes[1][1], &byte, 1) == 1 && read(pipes[0][0], &byte, 1) == 1);
	took = now();
	for (uint64_t i = 0; i < rounds; i++)
		CHECK(write(pipes[1][1], &byte, 1) == 1 && read(pipes[0][0], &byte, 1) == 1);
	took = now() - took;
	for (int i = 0; i < members; i++)
		close(pipes[i][1]);
	for (int i = 1; i < members; i++)
		wait_child(children[i]);
	for (int i = 0; i < members; i++)
		close(pipes[i][0]);
	return took;
}

// Op: one byte to another process and back.
static void run_pipe_pingpong(uint64_t n)
{
	add_result(n, go_round(n, 2));
}

// Op: a hop in a ring of 8 processes, less what the pipe itself costs: a wake-up, a sleep and a switch.
static void run_context_switch(uint64_t n)
{
	uint64_t rounds = (n + RING - 1) / RING, pipes_alone, all;

	run_pipe_self(rounds * RING);
	pipes_alone = result.ns;
	all = go_round(rounds, RING);
	CHECK(all > pipes_alone);
	result.ns = all - pipes_alone;
	result.ops = rounds * RING;
}

const struct row process_rows[] = {
	{ "fork_cow", "process", run_fork_cow, 0, false },
	{ "fork_exit_wait", "process", run_fork_exit, 0, false },
	{ "fork_exit_wait_16m", "process", run_fork_exit_16m, 0, false },
	{ "fork_exec_wait", "process", run_fork_exec, 0, false },
	{ "pipe_self", "process", run_pipe_self, 0, false },
	{ "pipe_pingpong", "process", run_pipe_pingpong, 0, false },
	{ "context_switch", "process", run_context_switch, 0, false },
	{ NULL, NULL, NULL, 0, false },
};
