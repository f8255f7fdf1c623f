#pragma once
/*
 * fuzz_moves.h - the steps of fuzz_map that move bytes inside the kernel (splice, tee, vmsplice, sendfile), that advise
 * about files, lock them between the two processes, and seal them.
 *
 * What a pipe holds may be the pages themselves, and what a store or a write does to them there is unspecified:
 * so a pipe is empty again at the end of its step, and nothing is moved from a file into itself.
 */
#include "fuzz_bytes.h"

#include <sys/file.h>
#include <sys/uio.h>

static int pipe_ends[2], second_ends[2];        // neither waits

static void make_pipes(void)
{
	if (pipe2(pipe_ends, O_NONBLOCK) || pipe2(second_ends, O_NONBLOCK)) {
		perror("pipe2");
		exit(2);
	}
}

// Takes all out of a pipe: how much it was, and what.
static long drain(int end)
{
	u64 hash = 1;
	ssize_t n;

	while ((n = read(end, buffer, sizeof(buffer))) > 0)
		hash = mix_bytes(hash, buffer, n);
	return mix(hash, n < 0 ? errno : 0) >> 1;
}

static void has_written(int file, long at, long result)
{
	if (result > 0 && (u64)(at + result) > sizes[file])
		sizes[file] = at + result;
}

// Two files, never the same.
static void choose_files(int *from, int *to)
{
	*from = below(NR_FILES);
	*to = (*from + 1 + below(NR_FILES - 1)) % NR_FILES;
}

/* ---- through a pipe -------------------------------------------------------------------------- */

static void step_splice(void)
{
	long source = below(FILE_PAGES * PAGE), target = below(FILE_PAGES * PAGE), start = target;
	u64 length = 1 + below(6 * PAGE), few = 1 + below(6 * PAGE), flags = below(4);
	int from, to;

	choose_files(&from, &to);
	long in = outcome(syscall(SYS_splice, files[from], &source, pipe_ends[1], NULL, length, flags));
	long twice = outcome(syscall(SYS_tee, pipe_ends[0], second_ends[1], few, flags | 2));
	long out = outcome(syscall(SYS_splice, pipe_ends[0], NULL, files[to], &target, few, flags | 2));

	has_written(to, start, out);
	long result = drain(pipe_ends[0]) ^ drain(second_ends[0]);
	record(result, "splice(file %d to %d, %lu bytes, tee and on %lu, flags %lu) = %ld %ld %ld, ends at %ld and %ld",
	       from, to, length, few, flags, in, twice, out, source, target);
}

// Whether the kernel may take these bytes of the arena, and what they are is specified. Shortens a range of which
// only a part can be reached to one byte.
static int choose_bytes(u64 *offset, u64 *length, int for_store)
{
	*length = 1 + below(2 * PAGE);
	*offset = below(ARENA_PAGES * PAGE - *length);
	if (!is_reachable(*offset, *length, for_store))
		*length = 1;
	for (u64 i = *offset; i < *offset + *length; i++)
		if (is_past_end(i))
			return 0;
	return 1;
}

static void step_vmsplice(void)
{
	u64 offset, length, to_arena = below(3) == 0, flags = below(2) * 2;
	int is_known = choose_bytes(&offset, &length, to_arena);
	struct iovec piece = { arena + offset, length };
	unsigned char value = below(256);

	if (!is_known)
		return;
	if (to_arena) {
		memset(buffer, value, length);
		if (write(pipe_ends[1], buffer, length) < 0)
			return;
	}
	long result = outcome(syscall(SYS_vmsplice, pipe_ends[!to_arena], &piece, 1ul, flags));
	long rest = drain(pipe_ends[0]);

	record(to_arena && result < 0 ? result : rest ^ result, "vmsplice(%s page %lu, byte %lu, %lu bytes) = %ld",
	       to_arena ? "into" : "from", offset / PAGE, offset % PAGE, length, result);
}

static void step_sendfile(void)
{
	long source = below(FILE_PAGES * PAGE), target = below(FILE_PAGES * PAGE);
	u64 length = below(5 * PAGE);
	int from, to;

	choose_files(&from, &to);
	lseek(files[to], target, SEEK_SET);
	long result = outcome(syscall(SYS_sendfile, files[to], files[from], &source, length));

	has_written(to, target, result);
	record(result, "sendfile(file %d to %d, %lu bytes, ends at %ld and %ld)", from, to, length, source,
	       (long)lseek(files[to], 0, SEEK_CUR));
}

// Several pieces of the arena at once; what only partly works stops at a place that is unspecified.
static void step_vectors(void)
{
	u64 offsets[3], lengths[3], to_arena = below(2), at = below(FILE_PAGES * PAGE);
	int file = below(NR_FILES), nr = 1 + below(3);
	struct iovec pieces[3];

	for (int i = 0; i < nr; i++) {
		if (!choose_bytes(&offsets[i], &lengths[i], to_arena) ||
		    !is_reachable(offsets[i], lengths[i], to_arena))
			return;
		pieces[i] = (struct iovec){ arena + offsets[i], lengths[i] };
	}
	long result = outcome(to_arena ? preadv(files[file], pieces, nr, at) : pwritev(files[file], pieces, nr, at));

	if (!to_arena)
		has_written(file, at, result);
	record(result, "%s(file %d, %d pieces, first at page %lu, at %lu)", to_arena ? "preadv" : "pwritev", file, nr,
	       offsets[0] / PAGE, at);
}

/* ---- advice, locks, seals -------------------------------------------------------------------- */

static void step_advise_file(void)
{
	int file = below(NR_FILES), way = below(4), advice = below(8);
	u64 offset = below(FILE_PAGES * PAGE), length = below(8) ? below(4 * PAGE) : 0, flags = below(9);
	int fd = below(8) ? files[file] : write_only[file];
	long result;

	if (way < 2)
		result = syscall(SYS_fadvise64, fd, offset, length, advice);
	else if (way == 2)
		result = syscall(SYS_readahead, fd, offset, length);
	else
		result = syscall(SYS_sync_file_range, fd, offset, length, flags);
	record(outcome(result), "advise file %d%s way %d, %lu bytes at %lu, advice %d, flags %lu", file,
	       fd == files[file] ? "" : " write-only", way, length, offset, advice, flags);
}

// No lock waits. The process and its peer are two owners, the descriptors for reading only a second file.
static void step_lock_file(void)
{
	static const int types[] = { F_RDLCK, F_WRLCK, F_UNLCK, F_UNLCK };
	static const int commands[] = { F_SETLK, F_SETLK, F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_SETLK };
	static const int operations[] = { LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN, LOCK_UN | LOCK_NB };
	int file = below(NR_FILES), command = commands[below(6)], way = below(4);
	struct flock lock = { .l_type = types[below(4)], .l_whence = below(4) ? SEEK_SET : SEEK_END };
	int fd = below(4) ? files[file] : read_only[file];
	long result;

	lock.l_start = lock.l_whence == SEEK_SET ? below(2000) : below(200) - (long)below(200);
	lock.l_len = below(3) ? (long)below(500) : below(2) ? 0 : -(long)below(100);
	int type = lock.l_type;
	if (way == 0)
		result = outcome(flock(fd, operations[below(4)]));
	else
		result = outcome(fcntl(fd, command, &lock));
	if (way && command == F_GETLK && result == 0)
		result = 10 + (lock.l_type != F_UNLCK);
	record(result, "%s(file %d%s, command %d, type %d)", way ? "fcntl" : "flock", file,
	       fd == files[file] ? "" : " read-only", command, type);
}

// One thing done to a file that may be sealed; `view` is a mapping of it, or MAP_FAILED.
static void seal_or_change(int fd, void **view, int flags)
{
	u64 way = below(7), at = below(4), nr = 1 + below(5), seals = 1 << below(5) | (below(4) ? 0 : 1 << below(5));
	int protection = below(2) ? PROT_READ : PROT_READ | PROT_WRITE;
	long result;

	if (way == 0) {
		result = ftruncate(fd, (nr - 1) * PAGE);
	} else if (way == 1) {
		result = pwrite(fd, "sealed", 6, at * PAGE);
	} else if (way < 4) {
		result = fcntl(fd, 1033 /* F_ADD_SEALS */, seals);
	} else if (way == 4) {
		result = fcntl(fd, 1034 /* F_GET_SEALS */);
	} else if (way == 5) {
		if (*view != MAP_FAILED)
			munmap(*view, PAGE);
		*view = mmap(NULL, PAGE, protection, flags, fd, 0);
		result = *view == MAP_FAILED ? -1 : mprotect(*view, PAGE, PROT_READ | PROT_WRITE);
	} else {
		result = syscall(SYS_fallocate, fd, at & 1 ? 3 : 0, at * PAGE, nr * PAGE);
	}
	record(outcome(result), "sealed: way %lu, page %lu, %lu pages, prot %d, flags %d, seals %#lx",
	       way, at, nr, protection, flags, seals);
}

// A file that is made, sealed and forgotten in one step.
static void step_seal(void)
{
	int fd = (int)syscall(SYS_memfd_create, "sealed", below(8) ? 2u : 0u);
	int flags = below(2) ? MAP_SHARED : MAP_PRIVATE;
	void *view = MAP_FAILED;

	record(outcome(ftruncate(fd, 3 * PAGE)), "a file to seal");
	for (int i = 0; i < 8; i++)
		seal_or_change(fd, &view, flags);
	if (view != MAP_FAILED)
		munmap(view, PAGE);
	close(fd);
}
