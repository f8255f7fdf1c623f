#pragma once
/*
 * fuzz_bytes.h - the steps of fuzz_map that move bytes: loads and stores, what read, write,
 * truncation and allocation do to the files, copies between a file and the arena, and a child that stores.
 */
#include "fuzz_world.h"

// A range of whole pages in the arena.
static void choose_range(u64 *page, u64 *nr)
{
	*page = below(ARENA_PAGES);
	*nr = 1 + below(below(4) ? 4 : ARENA_PAGES);
	if (*page + *nr > ARENA_PAGES)
		*nr = ARENA_PAGES - *page;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void step_load(void)
{
	u64 offset = below(ARENA_PAGES * PAGE);
	long seen = try_load(offset);

	record(seen >= 0 && is_past_end(offset) ? 0 : seen, "load(page %lu, byte %lu)", offset / PAGE, offset % PAGE);
}

static void step_store(void)
{
	u64 offset = below(ARENA_PAGES * PAGE);
	unsigned char value = below(256);

	record(try_store(offset, value), "store(page %lu, byte %lu, value %d)", offset / PAGE, offset % PAGE, value);
}

// A run of stores, so that pages get dirty in bulk.
static void step_store_many(void)
{
	u64 page, nr;
	long result = 0;

	choose_range(&page, &nr);
	for (u64 i = 0; i < nr; i++)
		result = result * 3 + try_store((page + i) * PAGE + below(PAGE), below(256));
	record(result, "stores(page %lu, %lu pages)", page, nr);
}

static void step_read_file(void)
{
	int file = below(NR_FILES);
	u64 offset = below(FILE_PAGES * PAGE), length = below(3 * PAGE);
	ssize_t n = pread(files[file], buffer, length, offset);
	long result = outcome(n);

	if (n > 0)
		result = mix_bytes(n, buffer, n) >> 1;
	record(result, "pread(file %d, %lu bytes at %lu)", file, length, offset);
}

static void step_write_file(void)
{
	int file = below(NR_FILES);
	u64 offset = below(FILE_PAGES * PAGE), length = below(2 * PAGE);
	unsigned char value = below(256);

	memset(buffer, value, length);
	long result = outcome(pwrite(files[file], buffer, length, offset));
	if (result > 0 && offset + result > sizes[file])
		sizes[file] = offset + result;
	record(result, "pwrite(file %d, %lu bytes of %d at %lu)", file, length, value, offset);
}

static void step_truncate(void)
{
	int file = below(NR_FILES);
	u64 size = below(3) ? below(FILE_PAGES * PAGE) : below(FILE_PAGES) * PAGE;
	long result = outcome(ftruncate(files[file], size));

	if (result == 0)
		sizes[file] = size;
	record(result, "ftruncate(file %d, %lu)", file, size);
}

// Places for bytes, or none: mode 0 may grow the file, a hole shows zeros in every mapping.
// KEEP_SIZE alone is asked for within the file only: ext2 cannot tell places past the end from holes.
static void step_allocate(void)
{
	static const int modes[] = { 0, 0, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				     FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, FALLOC_FL_PUNCH_HOLE,
				     FALLOC_FL_KEEP_SIZE };
	int file = below(NR_FILES), mode = modes[below(6)];
	u64 offset = below(FILE_PAGES * PAGE), length = below(below(2) ? PAGE : 6 * PAGE);
	if (mode == FALLOC_FL_KEEP_SIZE && offset + length > sizes[file]) {
		offset = offset < sizes[file] ? offset : 0;
		length = sizes[file] - offset;
	}
	long result = outcome(syscall(SYS_fallocate, files[file], mode, offset, length));

	if (result == 0 && mode == 0 && offset + length > sizes[file])
		sizes[file] = offset + length;
	record(result, "fallocate(file %d, mode %d, %lu bytes at %lu)", file, mode, length, offset);
}

static void step_copy_range(void)
{
	int from = below(NR_FILES), to = below(NR_FILES);
	long source = below(FILE_PAGES * PAGE), target = below(FILE_PAGES * PAGE), start = target;
	u64 length = below(3 * PAGE);
	long result = outcome(syscall(SYS_copy_file_range, files[from], &source, files[to], &target, length, 0));

	if (result > 0 && (u64)start + result > sizes[to])
		sizes[to] = start + result;
	record(result, "copy_file_range(file %d to %d, %lu bytes, ends at %ld and %ld)", from, to, length,
	       source, target);
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
	record(result, "%s(file %d, page %lu, byte %lu, %lu bytes at %lu)", to_arena ? "read into" : "write from", file,
	       offset / PAGE, offset % PAGE, length, at);
}

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
		_exit((result ^ hash_arena()) & 0x7f);
	}
	if (child == -1 || waitpid(child, &status, 0) != child) {
		printf("fork: %s\n", strerror(errno));
		exit(2);
	}
	record(status, "fork, store(page %lu), ... store(page %lu), value %d", offsets[0] / PAGE, offsets[5] / PAGE,
	       value);
}
