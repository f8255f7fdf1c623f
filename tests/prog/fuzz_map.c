/*
 * fuzz_map.c - a random differential program: the same seed makes the same mapping calls, stores, loads, reads, writes,
 * truncations and forks on every kernel, and what they gave is printed. Where Linux and Lectern print different lines,
 * one of them is wrong. tools/fuzz runs it on both and compares.
 *
 *	fuzz_map SEED STEPS             a line with the whole state's hash every 100 steps
 *	fuzz_map SEED STEPS COUNT       COUNT programs, from SEED on
 *	fuzz_map -f FILE                programs from a file, each line `SEED STEP STEP FROM-TO ...`: only these
 *	                                steps, and every call is told
 *
 * All happens in one arena of address space that is reserved first, so that no address depends on the kernel's choice;
 * places are printed as page numbers in it. What POSIX leaves open is kept out: nothing is stored or compared
 * behind the end of a file, in its last page, and a copy that would run into a hole is made one byte long.
 * A second process, a fork of the first with the same files, takes some of the steps.
 */
#include "fuzz_huge.h"

static int choose_protection(void)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_NONE,
					   PROT_READ | PROT_EXEC };

	return protections[below(8)];
}

/* ---- mappings -------------------------------------------------------------------------------- */

// Gives whether it was mapped.
static int map_at(u64 page, u64 nr)
{
	static const int extra[] = { 0, 0, 0, 0, 0, MAP_POPULATE, MAP_NORESERVE, MAP_LOCKED, MAP_STACK,
				     MAP_SHARED_VALIDATE, MAP_SHARED_VALIDATE | 1 << 27 };
	int protection = choose_protection(), file = below(NR_FILES + 1) - 1;
	int flags = below(2) ? MAP_SHARED : MAP_PRIVATE, way = below(16);
	u64 index = below(FILE_PAGES);

	flags |= way == 0 ? MAP_FIXED_NOREPLACE : MAP_FIXED;
	flags |= extra[below(11)];
	if (file < 0) {
		flags |= MAP_ANONYMOUS;
		index = 0;
	}
	int fd = file < 0 ? -1 : way < 3 ? read_only[file] : way == 3 ? write_only[file] : files[file];
	void *p = mmap(arena + page * PAGE, nr * PAGE - below(50), protection, flags, fd, index * PAGE);
	long result = p == MAP_FAILED ? -errno : (unsigned char *)p - arena;
	if (p != MAP_FAILED)
		set_views(page, nr, file, index);
	record(result, "mmap(page %lu, %lu pages, prot %d, flags %#x, file %d%s, page %lu)", page, nr, protection,
	       flags, file, fd < 0 || way > 3 ? "" : way == 3 ? " write-only" : " read-only", index);
	return p != MAP_FAILED;
}

static void step_map(void)
{
	u64 page, nr;

	choose_range(&page, &nr);
	map_at(page, nr);
}

static void step_unmap(void)
{
	u64 page, nr;

	choose_range(&page, &nr);
	long result = outcome(munmap(arena + page * PAGE, nr * PAGE - below(100)));
	set_views(page, nr, -1, 0);
	record(result, "munmap(page %lu, %lu pages)", page, nr);
}

static void step_protect(void)
{
	u64 page, nr;
	int protection = choose_protection();

	choose_range(&page, &nr);
	record(outcome(mprotect(arena + page * PAGE, nr * PAGE, protection)), "mprotect(page %lu, %lu pages, prot %d)",
	       page, nr, protection);
}

static void step_sync(void)
{
	static const int flags[] = { MS_ASYNC, MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_SYNC | MS_ASYNC, 0,
				     MS_ASYNC | MS_INVALIDATE, MS_ASYNC };
	u64 page, nr;
	int flag = flags[below(8)];

	choose_range(&page, &nr);
	record(outcome(msync(arena + page * PAGE, nr * PAGE, flag)), "msync(page %lu, %lu pages, flags %d)", page, nr,
	       flag);
}

// MADV_FREE may take effect now, later or never: DONTNEED_LOCKED behind it makes it now.
static void step_advise(void)
{
	static const int advices[] = { MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE,
				       MADV_WILLNEED, MADV_RANDOM, MADV_NORMAL, MADV_SEQUENTIAL, MADV_DONTFORK,
				       MADV_DOFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD,
				       MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_POPULATE_READ,
				       MADV_POPULATE_WRITE, MADV_REMOVE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, 99 };
	u64 page, nr;
	int advice = advices[below(sizeof(advices) / sizeof(advices[0]))];

	choose_range(&page, &nr);
	long result = outcome(madvise(arena + page * PAGE, nr * PAGE, advice));
	if (advice == MADV_FREE)
		madvise(arena + page * PAGE, nr * PAGE, MADV_DONTNEED_LOCKED);
	record(result, "madvise(page %lu, %lu pages, advice %d)", page, nr, advice);
}

static void step_lock(void)
{
	static const char *const names[] = { "munlock", "munlock", "munlock", "mlock", "mlock2", "mlockall",
					     "munlockall", "munlockall" };
	u64 page, nr, way = below(8);
	long result;

	choose_range(&page, &nr);
	if (way < 3)
		result = munlock(arena + page * PAGE, nr * PAGE);
	else if (way == 3)
		result = mlock(arena + page * PAGE, nr * PAGE);
	else if (way == 4)
		result = mlock2(arena + page * PAGE, nr * PAGE, MLOCK_ONFAULT);
	else if (way == 5)
		result = mlockall(MCL_CURRENT | MCL_ONFAULT);
	else
		result = munlockall();
	record(outcome(result), "%s(page %lu, %lu pages)", names[way], page, nr);
}

static void step_resident(void)
{
	unsigned char vector[ARENA_PAGES];
	u64 page, nr;

	choose_range(&page, &nr);
	record(outcome(mincore(arena + page * PAGE, nr * PAGE, vector)), "mincore(page %lu, %lu pages)", page, nr);
}

/* ---- mremap ---------------------------------------------------------------------------------- */

// The model's part of a move that succeeded.
static void move_views(u64 page, u64 nr, u64 to, u64 new_nr, int flags)
{
	struct view view = views[page];

	if (page == to) {
		if (new_nr < nr)
			set_views(page + new_nr, nr - new_nr, -1, 0);
		else
			set_views(page, new_nr, view.file, view.index);
		return;
	}
	if (!(flags & MREMAP_DONTUNMAP))
		set_views(page, nr, -1, 0);
	set_views(to, new_nr, view.file, view.index);
}

// Only within one mapping made by one call, or one page: where Linux joins its areas is its own affair.
static void step_remap(void)
{
	static const int ways[] = { 0, MREMAP_MAYMOVE, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED,
				    MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
				    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, MREMAP_FIXED };
	u64 page = below(ARENA_PAGES - 5), nr = 1, new_nr = 1 + below(5), target = below(ARENA_PAGES - 5);
	int flags = ways[below(8)];

	if (below(2)) {
		nr = 1 + below(5);
		if (!map_at(page, nr))
			nr = 1;
		for (u64 i = 0; i < nr; i++)
			if (below(2))
				try_store((page + i) * PAGE + below(PAGE), below(256));
	}
	if (flags & MREMAP_DONTUNMAP) {
		new_nr = below(8) ? nr : new_nr;
		munlockall();           // Linux takes the lock from all of the old area, however much it was joined to
	}
	if (below(8) == 0)
		nr = 0;                 // a second view
	void *place = flags & MREMAP_FIXED ? arena + target * PAGE : NULL;
	unsigned char *p = mremap(arena + page * PAGE, nr * PAGE, new_nr * PAGE - below(30), flags, place);
	long result = p == MAP_FAILED ? -errno : p - arena;

	if (p == MAP_FAILED) {
		result = -errno;
	} else if (result >= 0 && result < (long)(ARENA_PAGES * PAGE)) {
		move_views(page, nr, result / PAGE, new_nr, flags);
	} else {
		result = 1;             // to a place of the kernel's: and back
		void *back = mremap(p, new_nr * PAGE, new_nr * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				    arena + target * PAGE);
		if (back == MAP_FAILED)
			result = 1000 + errno;
		else if (target < page + nr && page < target + new_nr && !(flags & MREMAP_DONTUNMAP)) {
			struct view view = views[page];
			set_views(page, nr, -1, 0);
			set_views(target, new_nr, view.file, view.index);
		} else {
			move_views(page, nr, target, new_nr, flags);
			if (page == target)
				set_views(page, new_nr, views[page].file, views[page].index);
		}
	}
	record(result, "mremap(page %lu, %lu pages, to %lu pages, flags %d, at %lu)", page, nr, new_nr, flags, target);
}

/* ---- any step --------------------------------------------------------------------------------- */

static void random_step(void)
{
	static void (*const steps[])(void) = {
		step_map, step_map, step_map, step_map, step_unmap, step_protect, step_protect, step_sync,
		step_advise, step_advise, step_lock, step_resident, step_remap, step_remap, step_load,
		step_store, step_store_many, step_store_many, step_read_file, step_write_file, step_truncate,
		step_copy, step_copy, step_allocate, step_copy_range, step_splice, step_vmsplice,
		step_sendfile, step_vectors, step_advise_file, step_lock_file, step_seal, step_huge, step_huge,
	};

	if (below(40) == 0)
		step_fork();
	else
		steps[below(sizeof(steps) / sizeof(steps[0]))]();
}

/* ---- the second process ---------------------------------------------------------------------- */

static struct {
	pid_t pid;
	int commands[2], replies[2];
} peer;

// Takes the steps it is told; step 0 asks for the hash of its memory.
static void be_peer(void)
{
	close(peer.commands[1]);
	close(peer.replies[0]);
	is_peer = 1;
	while (read(peer.commands[0], &step, sizeof(step)) == sizeof(step)) {
		if (step) {
			draw_for_step(2);
			random_step();
			fflush(stdout);
		} else {
			running_hash = mix(mix(running_hash, hash_arena()), hash_huge());
		}
		if (write(peer.replies[1], &running_hash, sizeof(running_hash)) != sizeof(running_hash))
			break;
	}
	_exit(0);
}

static void start_peer(void)
{
	fflush(stdout);
	if (pipe(peer.commands) || pipe(peer.replies) || (peer.pid = fork()) == -1) {
		perror("the second process");
		exit(2);
	}
	if (peer.pid == 0)
		be_peer();
	close(peer.commands[0]);
	close(peer.replies[1]);
	record(0, "start the peer");
}

static void stop_peer(void)
{
	int status;

	close(peer.commands[1]);
	close(peer.replies[0]);
	waitpid(peer.pid, &status, 0);
	peer.pid = 0;
	record(status, "stop the peer");
}

static void ask_peer(long number)
{
	u64 answer = 0;

	fflush(stdout);
	if (write(peer.commands[1], &number, sizeof(number)) != sizeof(number) ||
	    read(peer.replies[0], &answer, sizeof(answer)) != sizeof(answer))
		printf("%lu:%ld the peer does not answer\n", seed, step);
	running_hash = mix(running_hash, answer);
}

/* ---- programs -------------------------------------------------------------------------------- */

static void one_step(void)
{
	draw_for_step(1);
	u64 way = below(200);

	if (peer.pid && way == 0)
		stop_peer();
	else if (!peer.pid && way < 5)
		start_peer();
	else if (peer.pid && way < 70)
		ask_peer(step);
	else
		random_step();
}

static u64 hash_all(void)
{
	running_hash = mix(mix(mix(running_hash, hash_arena()), hash_huge()), hash_files());
	if (peer.pid)
		ask_peer(0);
	return running_hash;
}

// In a process of its own, so that every program begins alike.
static void in_child(void (*run)(char *), char *argument)
{
	int status;

	fflush(stdout);
	pid_t child = fork();

	if (child == 0) {
		signal(SIGPIPE, SIG_IGN);
		make_world();
		make_pipes();
		make_huge_arena();
		run(argument);
		printf("%lu end %016lx\n", seed, hash_all());
		fflush(stdout);
		_exit(0);
	}
	if (child == -1 || waitpid(child, &status, 0) != child || status)
		printf("%lu ended with status %#x\n", seed, status);
}

static void run_steps(char *count)
{
	long steps = strtol(count, NULL, 10);

	for (step = 1; step <= steps; step++) {
		one_step();
		if (step % 100 == 0)
			printf("%lu %ld %016lx\n", seed, step, hash_all());
	}
}

// A list of steps and FROM-TO ranges. The files are looked at behind every step, so that a wrong byte is seen early.
static void run_list(char *list)
{
	while (*list && *list != '\n') {
		long from = strtol(list, &list, 10), to = from;

		if (*list == '-')
			to = strtol(list + 1, &list, 10);
		for (step = from; step <= to; step++) {
			one_step();
			printf("%lu:%ld state %016lx\n", seed, step, hash_all());
		}
		while (*list == ' ')
			list++;
	}
}

static int run_file(const char *path)
{
	static char line[1 << 16];
	FILE *f = fopen(path, "r");

	if (!f) {
		perror(path);
		return 2;
	}
	is_verbose = 1;
	while (fgets(line, sizeof(line), f)) {
		char *list;

		seed = strtoul(line, &list, 10);
		printf("program %s", line);
		in_child(run_list, list + 1);
	}
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "-f") == 0)
		return run_file(argv[2]);
	if (argc < 3) {
		fprintf(stderr, "usage: fuzz_map SEED STEPS [COUNT] | -f FILE\n");
		return 2;
	}
	seed = strtoul(argv[1], NULL, 10);
	for (long count = argc > 3 ? strtol(argv[3], NULL, 10) : 1; count > 0; count--, seed++)
		in_child(run_steps, argv[2]);
	return 0;
}
