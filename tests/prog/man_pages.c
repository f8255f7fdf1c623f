/*
 * man_pages.c - sentences of the manual (mmap, madvise, mlock, posix_fadvise, memfd_create, fallocate, fcntl)
 * that no other test asks for. The table of all sentences is docs/contract.md.
 */
#define _GNU_SOURCE
#include "guest.h"

#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

static int nr_resident(void *start, unsigned long nr_pages)
{
	unsigned char vector[64];
	int nr = 0;

	MUST(mincore(start, nr_pages * PAGE, vector));
	for (unsigned long i = 0; i < nr_pages; i++)
		nr += vector[i] & 1;
	return nr;
}

/* ---- mmap ------------------------------------------------------------------------------------ */

TEST(populate_with_nonblock_does_nothing)
{
	unsigned char *p = MUST(mmap(NULL, 8 * PAGE, RW, ANON | MAP_POPULATE | MAP_NONBLOCK, -1, 0));

	CHECK_EQ(nr_resident(p, 8), 0);
	p = MUST(mmap(NULL, 8 * PAGE, RW, ANON | MAP_NONBLOCK, -1, 0));
	CHECK_EQ(nr_resident(p, 8), 0);
}

TEST(flags_that_are_ignored)
{
	static const int flags[] = { MAP_DENYWRITE, MAP_EXECUTABLE, 0 /* MAP_FILE */, MAP_STACK, MAP_NORESERVE,
				     MAP_NONBLOCK };
	int fd = make_file("file", PAGE);

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED | flags[i], 0);

		check_pattern(p, PAGE, 0);
		put_byte(fd, 0, pattern(0));    // nobody is kept from writing
		MUST(munmap(p, PAGE));
	}
}

TEST(map_32bit_is_ignored_with_fixed)
{
	unsigned char *hole = find_hole(PAGE);

	CHECK((unsigned long)hole > 1ul << 31);
	CHECK_EQ(mmap(hole, PAGE, RW, ANON | MAP_FIXED | MAP_32BIT, -1, 0), hole);
}

TEST(map_sync_wants_memory_that_is_a_disk)
{
	int fd = make_file("file", PAGE);

	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), EOPNOTSUPP);
}

TEST(null_and_fixed_is_address_zero)
{
	// Root may on Linux; here nothing is mapped so low.
	unsigned char *p = mmap(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0);

	CHECK(p == NULL || (p == MAP_FAILED && errno == EPERM));
}

TEST(hint_below_the_lowest_address_is_moved_up)
{
	unsigned char *p = MUST(mmap((void *)4096, PAGE, RW, ANON, -1, 0));

	CHECK((unsigned long)p >= 4096);
	CHECK(p != NULL);
}

TEST(failed_populate_is_no_error)
{
	int fd = make_file("file", PAGE);
	unsigned char *p = MUST(mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0));

	CHECK_EQ(load(p), pattern(0));
}

TEST(data_limit_counts_private_writable_memory)
{
	struct rlimit limit = { 4 << 20, RLIM_INFINITY };
	int fd = make_file("file", PAGE);
	unsigned char *p;

	MUST(setrlimit(RLIMIT_DATA, &limit));
	CHECK_ERR(mmap(NULL, 5 << 20, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, 5 << 20, RW, MAP_PRIVATE, fd, 0), ENOMEM);
	MUST(mmap(NULL, 5 << 20, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	p = MUST(mmap(NULL, 5 << 20, PROT_READ, ANON, -1, 0));
	CHECK_ERR(mprotect(p, 5 << 20, RW), ENOMEM);
	MUST(mprotect(p, 1 << 20, RW));
	CHECK_ERR(mremap(p, 1 << 20, 5 << 20, MREMAP_MAYMOVE), ENOMEM);
}

/* ---- madvise --------------------------------------------------------------------------------- */

TEST(advice_for_nothing_tells_what_is_known)
{
	static const int known[] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23 };

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		CHECK_EQ(madvise(0, 0, known[i]), 0);
	CHECK_ERR(madvise(0, 0, 99), EINVAL);
	CHECK_ERR(madvise(0, 0, -1), EINVAL);
}

TEST(wipe_on_fork_stays_in_the_grandchild)
{
	unsigned char *p = map_anonymous(PAGE);
	int status;

	MUST(madvise(p, PAGE, 18 /* MADV_WIPEONFORK */));
	store(p, 1);
	pid_t child = MUST(fork());

	if (child == 0) {
		store(p, 2);
		pid_t grandchild = fork();

		if (grandchild == 0)
			_exit(load(p));
		status = wait_status(grandchild);
		_exit(WEXITSTATUS(status));
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 1);
}

/* ---- mincore, mlock -------------------------------------------------------------------------- */

TEST(mincore_errors)
{
	unsigned char *p = map_anonymous(4 * PAGE), vector[4];

	CHECK_ERR(mincore(p + 1, PAGE, vector), EINVAL);
	CHECK_ERR(mincore(p, PAGE, (void *)16), EFAULT);
	CHECK_ERR(mincore(p, ~0ul, vector), ENOMEM);
	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(mincore(p, 4 * PAGE, vector), ENOMEM);
	CHECK_EQ(mincore(p, 0, vector), 0);
}

TEST(later_mlockall_ends_future_locks)
{
	unsigned char *p;

	MUST(mlockall(MCL_CURRENT | MCL_FUTURE));
	p = map_anonymous(4 * PAGE);
	CHECK_EQ(nr_resident(p, 4), 4);
	MUST(mlockall(MCL_CURRENT));
	p = map_anonymous(4 * PAGE);
	CHECK_EQ(nr_resident(p, 4), 0);
	MUST(munlockall());
}

static long locked_kib(void)
{
	return number_named(slurp("/proc/self/status"), "VmLck");
}

HELPER(tell_locked)
{
	return locked_kib() != 0;
}

TEST(exec_ends_locks)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 || locked_kib() == 0)
			_exit(2);
		test_exec("tell_locked", NULL, NULL, NULL);
	}
	CHECK_CHILD(child);
}

TEST(status_shows_what_is_locked)
{
	unsigned char *p = map_anonymous(8 * PAGE);
	long before = locked_kib();

	MUST(mlock(p + 1, 2 * PAGE));           // three pages hold a part of it
	CHECK_EQ(locked_kib(), before + 12);
	MUST(mlock(p + PAGE, PAGE));
	CHECK_EQ(locked_kib(), before + 12);
	MUST(mremap(p, 8 * PAGE, 2 * PAGE, 0));
	CHECK_EQ(locked_kib(), before + 8);
	MUST(munlock(p, 2 * PAGE));
	CHECK_EQ(locked_kib(), before);
	p = MUST(mmap(NULL, 4 * PAGE, RW, ANON | MAP_LOCKED, -1, 0));
	CHECK_EQ(locked_kib(), before + 16);
}

TEST(lock_moves_and_grows_with_mremap)
{
	unsigned char *p = map_anonymous(4 * PAGE), *to = find_hole(8 * PAGE);
	long before = locked_kib();

	MUST(mlock(p, 4 * PAGE));
	CHECK_EQ(mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	CHECK_EQ(locked_kib(), before + 32);
	CHECK_EQ(nr_resident(to, 8), 8);
}

/* ---- posix_fadvise --------------------------------------------------------------------------- */

static long fadvise(int fd, long offset, long length, int advice)
{
	return syscall(SYS_fadvise64, fd, offset, length, advice);
}

TEST(fadvise_errors)
{
	int fd = make_file("file", PAGE), ends[2];

	MUST(pipe(ends));
	CHECK_ERR(fadvise(-1, 0, 0, 0), EBADF);
	CHECK_ERR(fadvise(ends[0], 0, 0, 0), ESPIPE);
	CHECK_ERR(fadvise(fd, 0, 0, 6), EINVAL);
	CHECK_ERR(fadvise(fd, 0, 0, -1), EINVAL);
	CHECK_ERR(fadvise(fd, 0, -1, 0), EINVAL);
	for (int advice = 0; advice < 6; advice++)
		CHECK_EQ(fadvise(fd, 0, 0, advice), 0);
	CHECK_EQ(fadvise(fd, 1000 * PAGE, PAGE, 3), 0);         // a region that is not there
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(fadvise_dontneed_frees_whole_clean_pages)
{
	int fd = make_file("file", 4 * PAGE + 100);
	unsigned char *p = map_file(fd, 5 * PAGE, PROT_READ, MAP_SHARED, 0);

	skip_on_linux_tmpfs();
	MUST(fsync(fd));
	MUST(munmap(p, 5 * PAGE));              // mapped pages stay
	p = map_file(fd, 5 * PAGE, PROT_READ, MAP_SHARED, 0);
	CHECK_EQ(nr_resident(p, 5), 5);
	CHECK_EQ(fadvise(fd, 1, 2 * PAGE, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(nr_resident(p, 5), 4);         // only the second lies in it whole
	CHECK_EQ(fadvise(fd, 3 * PAGE, PAGE + 100, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(nr_resident(p, 5), 2);         // the last reaches to the end of the file
	CHECK_EQ(fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(nr_resident(p, 5), 0);
	check_pattern(p, 4 * PAGE + 100, 0);
}

/* ---- memfd_create, fallocate, fcntl ---------------------------------------------------------- */

TEST(memfd_name_is_shown_and_limited)
{
	char name[260], path[64], link[300] = "";
	int fd = (int)MUST(syscall(SYS_memfd_create, "a name", 0));

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK_STR(link, "/memfd:a name (deleted)");
	memset(name, 'n', sizeof(name));
	name[250] = 0;
	CHECK_ERR(syscall(SYS_memfd_create, name, 0), EINVAL);
	name[249] = 0;
	close((int)MUST(syscall(SYS_memfd_create, name, 0)));
	close((int)MUST(syscall(SYS_memfd_create, "a name", 0)));      // names need not differ
	CHECK_ERR(syscall(SYS_memfd_create, (void *)16, 0), EFAULT);
	CHECK_ERR(syscall(SYS_memfd_create, "x", 0x8000), EINVAL);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
}

TEST(fallocate_errors)
{
	int fd = make_file("file", PAGE), ends[2], folder = MUST(open(".", O_RDONLY));

	MUST(pipe(ends));
	CHECK_ERR(fallocate(fd, 0, -1, PAGE), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, -5), EINVAL);
	CHECK_ERR(fallocate(fd, 0, INT64_MAX, 2), EFBIG);
	CHECK_ERR(fallocate(ends[1], 0, 0, 1), ESPIPE);
	CHECK_ERR(fallocate(folder, 0, 0, 1), EBADF);           // not open for writing
	CHECK_ERR(fallocate(-1, 0, 0, 1), EBADF);
	CHECK_ERR(fallocate(fd, 2 /* PUNCH_HOLE without KEEP_SIZE */, 0, PAGE), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, 0x4000, 0, PAGE), EOPNOTSUPP);
	CHECK_EQ(file_size(fd), PAGE);
}

HELPER(hold_lock)
{
	struct gate held = { { atoi(argv[1]), atoi(argv[1]) } }, go = { { atoi(argv[2]), atoi(argv[2]) } };

	gate_open(held);
	gate_wait(go);
	return 0;
}

TEST(record_lock_is_kept_over_exec)
{
	struct gate held = gate_make(), go = gate_make();
	struct flock lock = { .l_type = F_WRLCK };
	int fd = make_file("file", 10);
	pid_t child = MUST(fork());

	if (child == 0) {
		char a[16], b[16];

		if (fcntl(fd, F_SETLK, &lock) != 0)
			_exit(9);
		snprintf(a, sizeof(a), "%d", held.ends[1]);
		snprintf(b, sizeof(b), "%d", go.ends[0]);
		test_exec("hold_lock", a, b, NULL);
	}
	gate_wait(held);
	CHECK_ERR(fcntl(fd, F_SETLK, &lock), EAGAIN);
	gate_open(go);
	CHECK_CHILD(child);
	MUST(fcntl(fd, F_SETLK, &lock));
}

TEST(ofd_lock_is_inherited_and_ends_with_the_last_close)
{
	struct gate go = gate_make();
	struct flock lock = { .l_type = F_WRLCK }, ask;
	int fd = make_file("file", 10), other = MUST(open("file", O_RDWR));

	MUST(fcntl(fd, 37 /* F_OFD_SETLK */, &lock));
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(go);
		_exit(0);
	}
	close(fd);
	ask = lock;
	MUST(fcntl(other, 36 /* F_OFD_GETLK */, &ask));
	CHECK_EQ(ask.l_type, F_WRLCK);          // the child has it open
	gate_open(go);
	CHECK_CHILD(child);
	ask = lock;
	MUST(fcntl(other, 36, &ask));
	CHECK_EQ(ask.l_type, F_UNLCK);
}
