/*
 * fuzz_map.c - a random differential program: the same seed makes the same mapping calls, stores,
 * loads, reads, writes, truncations and forks on every kernel, and what they gave is printed. Where
 * Linux and Lectern print different lines, one of them is wrong.
 *
 *	fuzz_map SEED STEPS             a line every 100 steps, and the whole state's hash
 *	fuzz_map SEED STEPS FROM        also every single step from number FROM on
 *
 * All happens in one arena of address space that is reserved first, by MAP_FIXED, so that no address
 * depends on the kernel's choice; addresses are printed as offsets into it. What POSIX leaves open is
 * kept out: the bytes of a file's last page past its end are hashed only after they were zeroed by a
 * change of the size, and a copy that would run into a hole is made one byte long.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define ARENA_PAGES 48UL
#define FILE_PAGES 24UL
#define NR_FILES 2

typedef unsigned long u64;

static unsigned char *arena;
static int files[NR_FILES];
static u64 random_state, running_hash;
static long step, first_verbose;
static unsigned char buffer[8 * PAGE];

/* ---- chance and the record ------------------------------------------------------------------- */

static u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d;
}

static u64 below(u64 limit)
{
	return (next_random() >> 33) % limit;
}

static u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static u64 mix_bytes(u64 hash, const unsigned char *bytes, u64 length)
{
	for (u64 i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return mix(hash, length);
}

// One step's call and what came of it: into the hash, and onto the output when asked for.
static void record(const char *what, u64 a, u64 b, u64 c, long result)
{
	running_hash = mix(mix(mix(mix(running_hash, a), b), c), result);
	if (first_verbose >= 0 && step >= first_verbose)
		printf("%ld %s %lu %lu %lu = %ld\n", step, what, a, b, c, result);
}

// The result of a call as a number that is the same everywhere: 0 or more, or -errno.
static long outcome(long result)
{
	return result == -1 ? -errno : result;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static sigjmp_buf landing;
static volatile int fault_signal, fault_code;
static volatile u64 fault_offset;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = number;
	fault_code = info->si_code;
	fault_offset = (unsigned char *)info->si_addr - arena;
	siglongjmp(landing, 1);
}

static void catch_faults(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

// The byte at this offset of the arena, or -(signal * 1000 + code).
static long try_load(u64 offset)
{
	if (sigsetjmp(landing, 1) == 0)
		return *(volatile unsigned char *)(arena + offset);
	if (fault_offset != offset)
		return -999999;
	return -(fault_signal * 1000 + fault_code);
}

static long try_store(u64 offset, unsigned char value)
{
	if (sigsetjmp(landing, 1) == 0) {
		*(volatile unsigned char *)(arena + offset) = value;
		return 0;
	}
	if (fault_offset != offset)
		return -999999;
	return -(fault_signal * 1000 + fault_code);
}

/* ---- the model of what is where -------------------------------------------------------------- */

// Which file page a page of the arena shows; only to know what may be compared.
static struct view {
	int file;                       // -1: none
	u64 index;
} views[ARENA_PAGES];

static u64 sizes[NR_FILES];

// A byte past the end of file, in the last page: unspecified when it was stored to.
static int is_past_end(u64 offset)
{
	struct view *view = &views[offset / PAGE];

	return view->file >= 0 && view->index * PAGE + offset % PAGE >= sizes[view->file];
}

static void set_views(u64 page, u64 nr, int file, u64 index)
{
	for (u64 i = 0; i < nr; i++) {
		views[page + i].file = file;
		views[page + i].index = index + i;
	}
}

// A range of whole pages in the arena.
static void choose_range(u64 *page, u64 *nr)
{
	*page = below(ARENA_PAGES);
	*nr = 1 + below(below(4) ? 4 : ARENA_PAGES);
	if (*page + *nr > ARENA_PAGES)
		*nr = ARENA_PAGES - *page;
}

static int choose_protection(void)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

	return protections[below(5)];
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void step_map(void)
{
	u64 page, nr;
	int protection = choose_protection(), file = below(3) - 1;
	int flags = MAP_FIXED | (below(2) ? MAP_SHARED : MAP_PRIVATE);
	u64 index = below(FILE_PAGES);

	choose_range(&page, &nr);
	if (file < 0)
		flags |= MAP_ANONYMOUS;
	void *p = mmap(arena + page * PAGE, nr * PAGE, protection, flags, file < 0 ? -1 : files[file],
		       file < 0 ? 0 : index * PAGE);
	long result = p == MAP_FAILED ? -errno : (unsigned char *)p - arena;
	if (p != MAP_FAILED)
		set_views(page, nr, file, index);
	record("map", page * 100 + nr, flags * 8 + protection, (file + 1) * 100 + index, result);
}

static void step_unmap(void)
{
	u64 page, nr;

	choose_range(&page, &nr);
	long result = outcome(munmap(arena + page * PAGE, nr * PAGE - below(100)));
	set_views(page, nr, -1, 0);
	record("unmap", page, nr, 0, result);
}

static void step_protect(void)
{
	u64 page, nr;
	int protection = choose_protection();

	choose_range(&page, &nr);
	record("protect", page, nr, protection,
	       outcome(mprotect(arena + page * PAGE, nr * PAGE, protection)));
}

static void step_sync(void)
{
	static const int flags[] = { MS_ASYNC, MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_SYNC | MS_ASYNC };
	u64 page, nr;
	int flag = flags[below(5)];

	choose_range(&page, &nr);
	record("sync", page, nr, flag, outcome(msync(arena + page * PAGE, nr * PAGE, flag)));
}

static void step_load(void)
{
	u64 offset = below(ARENA_PAGES * PAGE);
	long seen = try_load(offset);

	record("load", offset, 0, 0, seen >= 0 && is_past_end(offset) ? 0 : seen);
}

static void step_store(void)
{
	u64 offset = below(ARENA_PAGES * PAGE);
	unsigned char value = below(256);

	record("store", offset, value, 0, try_store(offset, value));
}

// A run of stores, so that pages get dirty in bulk.
static void step_store_many(void)
{
	u64 page, nr;
	long result = 0;

	choose_range(&page, &nr);
	for (u64 i = 0; i < nr; i++)
		result = result * 3 + try_store((page + i) * PAGE + below(PAGE), below(256));
	record("stores", page, nr, 0, result);
}

static void step_read_file(void)
{
	int file = below(NR_FILES);
	u64 offset = below(FILE_PAGES * PAGE), length = below(3 * PAGE);
	ssize_t n = pread(files[file], buffer, length, offset);
	long result = outcome(n);

	if (n > 0)
		result = mix_bytes(n, buffer, n) >> 1;
	record("read", file, offset, length, result);
}

static void step_write_file(void)
{
	int file = below(NR_FILES);
	u64 offset = below(FILE_PAGES * PAGE), length = below(2 * PAGE);

	memset(buffer, below(256), length);
	long result = outcome(pwrite(files[file], buffer, length, offset));
	if (result > 0 && offset + result > sizes[file])
		sizes[file] = offset + result;
	record("write", file, offset, length, result);
}

// What stands behind the end in the last page is unspecified until the size changes: this changes it
// by a truncation, which zeroes.
static void step_truncate(void)
{
	int file = below(NR_FILES);
	u64 size = below(3) ? below(FILE_PAGES * PAGE) : below(FILE_PAGES) * PAGE;
	long result = outcome(ftruncate(files[file], size));

	if (result == 0)
		sizes[file] = size;
	record("truncate", file, size, 0, result);
}

// Whether the kernel may copy this whole range: no byte of it is out of reach.
static int is_reachable(u64 offset, u64 length, int for_store)
{
	for (u64 at = offset; at < offset + length; at += PAGE - at % PAGE) {
		long seen = try_load(at);
		if (seen < 0 || (for_store && try_store(at, seen) < 0))
			return 0;
	}
	return 1;
}

// read() into the arena, or write() from it: the kernel's own accesses fault, too.
static void step_copy(void)
{
	int file = below(NR_FILES), to_arena = below(2);
	u64 length = 1 + below(2 * PAGE), offset = below(ARENA_PAGES * PAGE - length);
	u64 at = below(FILE_PAGES * PAGE);
	int whole = is_reachable(offset, length, to_arena);

	for (u64 i = offset; i < offset + length; i++)
		if (is_past_end(i))
			length = 0;     // the bytes there are unspecified
	if (!whole && length > 0) {
		// How much is done before the hole is unspecified; that it cannot all be done is not.
		length = 1;
		whole = is_reachable(offset, 1, to_arena);
		at %= sizes[file] + 1;  // ext4 sets the size to where a write failed; no other does
	}
	long result = outcome(to_arena ? pread(files[file], arena + offset, length, at)
			      : pwrite(files[file], arena + offset, length, at));
	if (!to_arena && result > 0 && at + result > sizes[file])
		sizes[file] = at + result;
	record(to_arena ? "readin" : "writeout", file * 2 + whole, offset * 10000 + length, at, result);
}

static u64 hash_state(void);

// A child stores here and there and goes; its private stores must not be seen, its shared ones must.
static void step_fork(void)
{
	u64 offsets[6];
	int status = 0;

	for (int i = 0; i < 6; i++)
		offsets[i] = below(ARENA_PAGES * PAGE);
	unsigned char value = below(256);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		long result = 0;
		for (int i = 0; i < 6; i++)
			result = result * 7 + try_store(offsets[i], value + i);
		_exit((result ^ hash_state()) & 0x7f);
	}
	if (child == -1 || waitpid(child, &status, 0) != child) {
		printf("fork: %s\n", strerror(errno));
		exit(2);
	}
	record("fork", offsets[0], offsets[5], value, status);
}

/* ---- the whole state ------------------------------------------------------------------------- */

// Every byte of the arena that can be read and is specified, and every byte of the files.
static u64 hash_state(void)
{
	u64 hash = 1;

	for (u64 page = 0; page < ARENA_PAGES; page++) {
		long seen = try_load(page * PAGE);
		if (seen < 0) {
			hash = mix(hash, seen);
			continue;
		}
		u64 length = PAGE, start = views[page].index * PAGE;
		u64 size = views[page].file >= 0 ? sizes[views[page].file] : 0;
		if (views[page].file >= 0 && start + PAGE > size)
			length = size > start ? size - start : 0;
		hash = mix_bytes(hash, arena + page * PAGE, length);
	}
	for (int file = 0; file < NR_FILES; file++) {
		struct stat status;
		fstat(files[file], &status);
		hash = mix(hash, status.st_size);
		if ((u64)status.st_size != sizes[file])
			printf("%ld size of file %d: model %lu, seen %ld\n", step, file, sizes[file],
			       (long)status.st_size);
		for (u64 at = 0; at < sizes[file]; at += sizeof(buffer)) {
			ssize_t n = pread(files[file], buffer, sizeof(buffer), at);
			hash = n < 0 ? mix(hash, -errno) : mix_bytes(hash, buffer, n);
		}
	}
	return hash;
}

static void one_step(void)
{
	static void (*const steps[])(void) = {
		step_map, step_map, step_unmap, step_protect, step_sync, step_load, step_load, step_store,
		step_store, step_store_many, step_store_many, step_read_file, step_write_file,
		step_truncate, step_copy, step_copy,
	};

	if (below(40) == 0)
		step_fork();
	else
		steps[below(sizeof(steps) / sizeof(steps[0]))]();
}

static void prepare(void)
{
	const char *folder = getenv("TESTDIR");
	char path[300];

	arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	for (int i = 0; i < NR_FILES; i++) {
		snprintf(path, sizeof(path), "%s/fuzz-%d-%d", folder ? folder : "/tmp", (int)getpid(), i);
		files[i] = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (files[i] == -1) {
			perror(path);
			exit(2);
		}
		unlink(path);
	}
	set_views(0, ARENA_PAGES, -1, 0);
	catch_faults();
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: fuzz_map SEED STEPS [FROM]\n");
		return 2;
	}
	long steps = strtol(argv[2], NULL, 10);
	first_verbose = argc > 3 ? strtol(argv[3], NULL, 10) : -1;
	random_state = strtoul(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 | 1;
	prepare();
	for (step = 1; step <= steps; step++) {
		one_step();
		if (step % 100 == 0) {
			running_hash = mix(running_hash, hash_state());
			printf("%ld %016lx\n", step, running_hash);
		}
	}
	printf("end %016lx\n", mix(running_hash, hash_state()));
	return 0;
}
