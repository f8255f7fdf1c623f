// LECTERN ONLY: it sets the whole machine's limits for dirty pages.
/*
 * sys_writeback.c - when dirty pages go to disk: by age, by amount, and how writers are held to the limits.
 * Counts of pages, never times: what must happen by itself is waited for by looking at the counts.
 */
#include "guest.h"

#define KNOBS 6
#define VM "/proc/sys/vm/"

static const char *const knobs[KNOBS] = {
	"dirty_background_ratio", "dirty_ratio", "dirty_background_bytes", "dirty_bytes", "dirty_expire_centisecs",
	"dirty_writeback_centisecs",
};
static const long usual[KNOBS] = { 10, 20, 0, 0, 3000, 500 };

static int set(const char *knob, long value)
{
	char path[80], text[32];
	int fd, length, result;

	snprintf(path, sizeof(path), VM "%s", knob);
	length = snprintf(text, sizeof(text), "%ld\n", value);
	fd = MUST(open(path, O_WRONLY));
	result = write(fd, text, length) == length ? 0 : -errno;
	close(fd);
	return result;
}

static long get(const char *knob)
{
	char path[80];

	snprintf(path, sizeof(path), VM "%s", knob);
	const char *text = slurp(path);

	CHECK(text != NULL);
	return strtol(text, NULL, 10);
}

static void set_usual(void)
{
	for (int i = 0; i < KNOBS; i++) {
		if (usual[i] || i >= 4)
			CHECK_EQ(set(knobs[i], usual[i]), 0);
	}
}

static long vmstat(const char *name)
{
	long n = number_named(slurp("/proc/vmstat"), name);

	CHECK(n >= 0);
	return n;
}

static long unwritten(void)
{
	const char *text = slurp("/proc/vmstat");

	return number_named(text, "nr_dirty") + number_named(text, "nr_writeback");
}

static void write_pages(int fd, long first, long count)
{
	static char page[PAGE];

	memset(page, 'w', sizeof(page));
	for (long i = first; i < first + count; i++)
		CHECK_EQ(pwrite(fd, page, PAGE, i * (long)PAGE), (long)PAGE);
}

TEST(knobs_have_linux_defaults)
{
	for (int i = 0; i < KNOBS; i++)
		CHECK_EQ(get(knobs[i]), usual[i]);
}

TEST(bytes_and_ratio_exclude_each_other)
{
	CHECK_EQ(set("dirty_bytes", 1 << 20), 0);
	CHECK_EQ(get("dirty_bytes"), 1 << 20);
	CHECK_EQ(get("dirty_ratio"), 0);
	CHECK_EQ(set("dirty_ratio", 30), 0);
	CHECK_EQ(get("dirty_bytes"), 0);
	CHECK_EQ(get("dirty_ratio"), 30);
	CHECK_EQ(set("dirty_ratio", 101), -EINVAL);
	CHECK_EQ(set("dirty_expire_centisecs", -1), -EINVAL);
	set_usual();
}

TEST(old_pages_are_written_by_themselves)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	long before;

	MUST(fsync(fd));
	before = vmstat("nr_written");
	write_pages(fd, 0, 16);
	CHECK(unwritten() >= 16);
	CHECK_EQ(set("dirty_expire_centisecs", 1), 0);
	CHECK_EQ(set("dirty_writeback_centisecs", 1), 0);
	while (unwritten() > 0)
		usleep(1000);
	CHECK(vmstat("nr_written") - before >= 16);
	set_usual();
}

// A store through a mapping while the flusher writes the same page all the time.
TEST(stores_during_write_back_are_kept)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	volatile unsigned *p;
	unsigned on_disk = 0;

	MUST(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(set("dirty_expire_centisecs", 0), 0);
	CHECK_EQ(set("dirty_writeback_centisecs", 1), 0);
	long before = vmstat("nr_written");

	for (unsigned i = 1; vmstat("nr_written") - before < 20; i++)
		*p = i;
	unsigned last = *p;

	while (unwritten() > 0)
		usleep(1000);
	MUST(munmap((void *)p, PAGE));
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	CHECK_EQ(pread(fd, &on_disk, sizeof(on_disk), 0), sizeof(on_disk));
	CHECK_EQ(on_disk, last);
	set_usual();
}

TEST(writers_are_held_to_the_limit)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	long limit = 1024, most = 0;

	MUST(fsync(fd));
	sync();
	CHECK_EQ(set("dirty_background_bytes", limit / 2 * PAGE), 0);
	CHECK_EQ(set("dirty_bytes", limit * PAGE), 0);
	for (long i = 0; i < 8192; i += 16) {
		write_pages(fd, i, 16);
		long now = unwritten();

		most = now > most ? now : most;
	}
	// A few blocks of the disk come on top of the pages that are held back.
	CHECK(most <= limit + 64);
	MUST(fsync(fd));
	set_usual();
}

TEST(many_writers_are_held_to_the_limit)
{
	long limit = 512, most = 0;
	pid_t pids[4];

	sync();
	CHECK_EQ(set("dirty_background_bytes", limit / 2 * PAGE), 0);
	CHECK_EQ(set("dirty_bytes", limit * PAGE), 0);
	for (int i = 0; i < 4; i++) {
		pids[i] = MUST(fork());
		if (!pids[i]) {
			char name[8] = { 'f', (char)('0' + i) };

			write_pages(MUST(open(name, O_CREAT | O_RDWR, 0600)), 0, 1500);
			_exit(0);
		}
	}
	for (int left = 4, status; left;) {
		long now = unwritten();

		most = now > most ? now : most;
		if (waitpid(-1, &status, WNOHANG) > 0) {
			CHECK_EQ(status, 0);
			left--;
		}
		usleep(1000);
	}
	CHECK(most <= limit + 128);
	for (int i = 0; i < 4; i++) {
		char name[8] = { 'f', (char)('0' + i) };
		struct stat st;

		MUST(stat(name, &st));
		CHECK_EQ(st.st_size, 1500L * (long)PAGE);
	}
	set_usual();
}

TEST(dirtied_and_written_are_counted)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	long dirtied, written;

	write_pages(fd, 0, 10);
	sync();
	dirtied = vmstat("nr_dirtied");
	written = vmstat("nr_written");
	write_pages(fd, 0, 10);
	CHECK_EQ(vmstat("nr_dirtied") - dirtied, 10);
	MUST(fdatasync(fd));
	CHECK(vmstat("nr_written") - written >= 10);
}

/* --- a disk that is slow, or fails: run by tests/test_disk.py, which says how --- */

static void store_pages(unsigned char *map, long first, long count)
{
	for (long i = first; i < first + count; i++)
		store(map + i * (long)PAGE, 's');
}

/*
 * The disk takes far fewer pages than a writer makes. Slowed down more and more above the middle, he never comes to
 * the hard limit: a third of the way there, as many pages are written while he waits as he may dirty after that.
 * He writes, or he stores through a mapping.
 */
HELPER(slowed_by_a_slow_disk)
{
	const long hard = 640, background = 64, middle = (background + hard) / 2, pages = 16384;
	int fd = MUST(open("/tmp/slow", O_CREAT | O_RDWR | O_TRUNC, 0600));
	bool writes = !strcmp(argv[1], "write");
	long most = 0, pauses;

	MUST(ftruncate(fd, pages * (long)PAGE));
	unsigned char *map = map_file(fd, pages * (long)PAGE, RW, MAP_SHARED, 0);

	sync();
	CHECK_EQ(set("dirty_background_bytes", background * PAGE), 0);
	CHECK_EQ(set("dirty_bytes", hard * PAGE), 0);
	pauses = vmstat("dirty_pauses");
	for (long i = 0; vmstat("dirty_pauses") - pauses < 8; i += 16) {
		CHECK(i < pages);                       // else the disk is not slow, or nobody is slowed down
		if (writes)
			write_pages(fd, i, 16);
		else
			store_pages(map, i, 16);
		long now = unwritten();

		most = now > most ? now : most;
	}
	say("# at most %ld pages: free up to %ld, stopped at %ld\n", most, middle, hard);
	// 32 beyond the third are 480. Pages that pass from dirty to being written may be seen twice, 64 at once.
	CHECK(most <= hard - 64);
	set_usual();
	MUST(fsync(fd));
	return 0;
}

static void wait_for(const char *name, long value)
{
	while (vmstat(name) < value)
		usleep(1000);
}

// Writes of the file's first three pages fail, each once.
HELPER(told_once)
{
	static char page[PAGE] = "again";
	int a = MUST(open(argv[1], O_RDWR)), b = MUST(open(argv[1], O_RDONLY)), c;

	CHECK_EQ(pwrite(a, page, PAGE, 0), (long)PAGE);
	CHECK_ERR(fsync(a), EIO);
	CHECK_EQ(vmstat("nr_dirty_stuck"), 1);
	CHECK_EQ(fsync(a), 0);                          // which has tried again
	CHECK_EQ(vmstat("nr_dirty_stuck"), 0);
	CHECK_ERR(fsync(b), EIO);
	CHECK_EQ(fsync(b), 0);
	c = MUST(open(argv[1], O_RDONLY));
	CHECK_EQ(fsync(c), 0);
	// The next error meets nobody: who opens the file then hears of it.
	long errors = vmstat("disk_errors");

	CHECK_EQ(pwrite(a, page, PAGE, PAGE), (long)PAGE);
	close(a);
	close(b);
	close(c);
	CHECK_EQ(set("dirty_expire_centisecs", 1), 0);
	CHECK_EQ(set("dirty_writeback_centisecs", 1), 0);
	wait_for("disk_errors", errors + 1);
	a = MUST(open(argv[1], O_RDWR));
	CHECK_ERR(fsync(a), EIO);
	CHECK_EQ(fsync(a), 0);
	c = MUST(open(argv[1], O_RDONLY));
	CHECK_EQ(fsync(c), 0);
	// And the flusher tries again by itself.
	CHECK_EQ(pwrite(a, page, PAGE, 2 * PAGE), (long)PAGE);
	wait_for("disk_errors", errors + 2);
	while (vmstat("nr_dirty_stuck") > 0 || unwritten() > 0)
		usleep(1000);
	CHECK_ERR(fsync(a), EIO);
	CHECK_EQ(fsync(a), 0);
	return 0;
}

// No write of the file's first 250 pages ever goes well.
HELPER(held_by_a_bad_disk)
{
	static char page[PAGE];
	const long limit = 64;
	int fd = MUST(open(argv[1], O_RDWR)), other = MUST(open("/tmp/other", O_CREAT | O_RDWR, 0600));
	unsigned char *map = MUST(mmap(NULL, 256 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	long taken = 0;

	sync();
	CHECK_EQ(set("dirty_background_bytes", limit / 2 * PAGE), 0);
	CHECK_EQ(set("dirty_bytes", limit * PAGE), 0);
	while (taken < 250 && pwrite(fd, page, PAGE, taken * (long)PAGE) == (long)PAGE)
		taken++;
	CHECK_EQ(errno, EIO);
	CHECK(taken >= limit && taken <= 2 * limit);
	CHECK_ERR(pwrite(fd, page, PAGE, 249 * PAGE), EIO);
	CHECK_SIGNAL(store(map + 249 * PAGE, 1), SIGBUS, BUS_ADRERR, map + 249 * PAGE);
	store(map + PAGE, 1);                           // what is dirty already costs nobody anything
	CHECK_EQ(pwrite(fd, page, PAGE, 0), (long)PAGE);
	CHECK_ERR(fsync(fd), EIO);
	// Others on the same disk go on.
	write_pages(other, 0, 3 * limit);
	CHECK_EQ(fsync(other), 0);
	// What is cut off need not be written any more.
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(vmstat("nr_dirty_stuck"), 0);
	CHECK_EQ(pwrite(fd, page, PAGE, 0), (long)PAGE);
	set_usual();
	return strncmp(slurp("/proc/audit"), "audit: clean", 12) != 0;
}
