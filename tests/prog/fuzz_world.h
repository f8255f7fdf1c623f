#pragma once
/*
 * fuzz_world.h - what a random differential program stands on: chance that every kernel draws alike, the record of
 * what came of each step, and the arena of address space and the files on which all happens.
 *
 * Each step draws from a state of its own, made of the seed and the step's number: a step that is left out changes no
 * other step's choices, so that a failing program can be made shorter by leaving out steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define ARENA_PAGES 48UL
#define FREE_ABOVE 64UL         // where an mremap without a place of its own goes
#define FILE_PAGES 24UL
#define NR_FILES 3             // the last one lives in memory

typedef unsigned long u64;

static unsigned char *arena;
static int files[NR_FILES], read_only[NR_FILES], write_only[NR_FILES];
static u64 random_state, running_hash, seed;
static long step;
static int is_verbose, is_peer;
static unsigned char buffer[8 * PAGE];

/* ---- chance and the record ------------------------------------------------------------------- */

static u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static u64 mix_bytes(u64 hash, const unsigned char *bytes, u64 length)
{
	u64 word;

	for (u64 i = 0; i + 8 <= length; i += 8) {
		memcpy(&word, bytes + i, 8);
		hash = mix(hash, word);
	}
	for (u64 i = length & ~7UL; i < length; i++)
		hash = mix(hash, bytes[i]);
	return mix(hash, length);
}

static void draw_for_step(u64 salt)
{
	random_state = mix(mix(mix(1, seed), step), salt) | 1;
}

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

// The result of a call as a number that is the same everywhere: 0 or more, or -errno.
static long outcome(long result)
{
	return result == -1 ? -errno : result;
}

// One call and what came of it: into the hash, and onto the output when asked for.
static __attribute__((format(printf, 2, 3))) void record(long result, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	running_hash = mix(mix_bytes(running_hash, (unsigned char *)text, length), result);
	if (is_verbose)
		printf("%lu:%ld %s%s = %ld\n", seed, step, is_peer ? "peer: " : "", text, result);
}

/* ---- the model of what is where -------------------------------------------------------------- */

// Which file page a page of the arena shows; only to know what may be compared.
static struct view {
	int file;                       // -1: none
	u64 index;
} views[ARENA_PAGES];

static u64 *sizes;                      // of the files; seen by all processes

// A byte past the end of file, in the last page: unspecified when it was stored to.
static int is_past_end(u64 offset)
{
	struct view *view = &views[offset / PAGE % ARENA_PAGES];

	return offset < ARENA_PAGES * PAGE && view->file >= 0 &&
	       view->index * PAGE + offset % PAGE >= sizes[view->file];
}

static void set_views(u64 page, u64 nr, int file, u64 index)
{
	for (u64 i = 0; i < nr; i++) {
		views[page + i].file = file;
		views[page + i].index = index + i;
	}
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

// Stores only where what becomes of it is specified.
static long try_store(u64 offset, unsigned char value)
{
	if (is_past_end(offset) && try_load(offset) >= 0)
		return 1;
	if (sigsetjmp(landing, 1) == 0) {
		*(volatile unsigned char *)(arena + offset) = value;
		return 0;
	}
	if (fault_offset != offset)
		return -999999;
	return -(fault_signal * 1000 + fault_code);
}

/* ---- the whole state ------------------------------------------------------------------------- */

// Every byte of the arena that can be read and is specified.
static u64 hash_arena(void)
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
	return hash;
}

// Every byte of the files.
static u64 hash_files(void)
{
	u64 hash = 1;

	for (int file = 0; file < NR_FILES; file++) {
		struct stat status;
		fstat(files[file], &status);
		hash = mix(hash, status.st_size);
		if ((u64)status.st_size != sizes[file])
			printf("%lu:%ld size of file %d: model %lu, seen %ld\n", seed, step, file, sizes[file],
			       (long)status.st_size);
		for (u64 at = 0; at < sizes[file]; at += sizeof(buffer)) {
			ssize_t n = pread(files[file], buffer, sizeof(buffer), at);
			hash = n < 0 ? mix(hash, -errno) : mix_bytes(hash, buffer, n);
		}
	}
	return hash;
}

/* ---- the beginning --------------------------------------------------------------------------- */

static void *must_map(u64 length, int protection, int flags)
{
	void *p = mmap(NULL, length, protection, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static int must_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd == -1) {
		perror(path);
		exit(2);
	}
	return fd;
}

// A new world. Above the arena stands a page that is never unmapped, so that nothing grows out of it, and above that a
// hole which is the highest there is: what the kernel finds a place for goes there, and not into a hole of the arena.
static void make_world(void)
{
	const char *folder = getenv("TESTDIR");
	char path[300];

	sizes = must_map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	arena = must_map((ARENA_PAGES + 1 + FREE_ABOVE) * PAGE, PROT_NONE, MAP_PRIVATE);
	munmap(arena + (ARENA_PAGES + 1) * PAGE, FREE_ABOVE * PAGE);
	for (int i = 0; i < NR_FILES; i++) {
		if (i < NR_FILES - 1) {
			snprintf(path, sizeof(path), "%s/fuzz-%d-%d", folder ? folder : "/tmp", (int)getpid(), i);
			files[i] = must_open(path, O_RDWR | O_CREAT | O_TRUNC);
		} else {
			files[i] = (int)syscall(SYS_memfd_create, "fuzz", 0);
			snprintf(path, sizeof(path), "/proc/self/fd/%d", files[i]);
		}
		read_only[i] = must_open(path, O_RDONLY);
		write_only[i] = must_open(path, O_WRONLY);
		if (i < NR_FILES - 1)
			unlink(path);
	}
	set_views(0, ARENA_PAGES, -1, 0);
	catch_faults();
}
