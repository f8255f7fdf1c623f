// LECTERN ONLY: it counts what reaches the disk, which other systems share with others.
/*
 * sys_disk.c - what the disk is asked for: requests that join, flushes, /proc/diskstats and the trace of requests.
 */
#include "guest.h"

#include <sys/mount.h>

struct stats { long reads, reads_joined, sectors_read, writes, writes_joined, sectors_written, in_flight, flushes; };

static struct stats stats(void)
{
	long v[20] = { 0 }, nr = 0;
	const char *text = slurp("/proc/diskstats"), *at;

	CHECK(text != NULL);
	at = strstr(text, "vda ");
	CHECK(at != NULL);
	at += 4;
	for (char *end; *at && *at != '\n' && nr < 20; at = end, nr++)
		v[nr] = strtol(at, &end, 10);
	CHECK_EQ(nr, 17);
	return (struct stats){ v[0], v[1], v[2], v[4], v[5], v[6], v[8], v[15] };
}

static void set_knob(const char *path, const char *value)
{
	int fd = MUST(open(path, O_WRONLY));

	CHECK_EQ(write(fd, value, strlen(value)), (long)strlen(value));
	close(fd);
}

// The flusher stays away.
static void be_quiet(void)
{
	set_knob("/proc/sys/vm/dirty_writeback_centisecs", "0");
	sync();
}

static void be_usual(void)
{
	set_knob("/proc/sys/vm/dirty_writeback_centisecs", "500");
}

TEST(diskstats_counts_requests)
{
	static char bytes[64 * PAGE];
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));

	be_quiet();
	struct stats before = stats();

	CHECK_EQ(write(fd, bytes, sizeof(bytes)), (long)sizeof(bytes));
	MUST(fsync(fd));
	struct stats after = stats();

	CHECK(after.sectors_written - before.sectors_written >= 64 * 8);
	CHECK(after.writes - before.writes >= 1 && after.writes - before.writes < 16);
	CHECK_EQ(after.flushes - before.flushes, 1);
	CHECK_EQ(after.in_flight, 0);
	be_usual();
}

TEST(a_long_file_is_written_in_long_requests)
{
	static char bytes[PAGE];
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));

	be_quiet();
	memset(bytes, 'l', sizeof(bytes));
	for (int i = 0; i < 2048; i++)
		CHECK_EQ(write(fd, bytes, PAGE), (long)PAGE);
	struct stats before = stats();

	MUST(fdatasync(fd));
	struct stats after = stats();

	printf("# %ld requests, %ld bios joined\n", after.writes - before.writes,
	       after.writes_joined - before.writes_joined);
	// 8 MiB: at 1 MiB each 8, a pointer block in between twice, and a few blocks that lead there.
	CHECK(after.writes - before.writes <= 24);
	CHECK(after.writes_joined - before.writes_joined >= 10);
	be_usual();
}

TEST(pages_stored_in_any_order_go_in_order)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	static char bytes[512 * PAGE];
	volatile char *p;

	be_quiet();
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), (long)sizeof(bytes));
	MUST(fsync(fd));
	p = mmap(NULL, sizeof(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < 512; i++)
		p[(i * 173 % 512) * PAGE] = 'x';
	struct stats before = stats();

	MUST(msync((void *)p, sizeof(bytes), MS_SYNC));
	struct stats after = stats();

	CHECK(after.sectors_written - before.sectors_written >= 512 * 8);
	CHECK(after.writes - before.writes <= 8);
	be_usual();
}

TEST(nothing_written_needs_no_flush)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));

	be_quiet();
	CHECK_EQ(write(fd, "bytes", 5), 5);
	MUST(fsync(fd));
	struct stats before = stats();

	for (int i = 0; i < 10; i++)
		MUST(fdatasync(fd));
	struct stats after = stats();

	CHECK_EQ(after.flushes - before.flushes, 0);
	CHECK_EQ(after.writes - before.writes, 0);
	CHECK_EQ(pwrite(fd, "b", 1, 0), 1);
	MUST(fdatasync(fd));
	CHECK_EQ(stats().flushes - after.flushes, 1);
	be_usual();
}

TEST(the_trace_tells_each_request)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	const char *text, *write_line, *flush_line;

	be_quiet();
	set_knob("/proc/sys/kernel/iotrace", "1");
	CHECK_EQ(write(fd, "bytes", 5), 5);
	MUST(fsync(fd));
	text = slurp("/proc/iotrace");
	CHECK(text != NULL);
	write_line = strstr(text, "sys_disk vda write ");
	flush_line = strstr(text, "sys_disk vda flush 0 0 ");
	CHECK(write_line != NULL && flush_line != NULL && write_line < flush_line);
	set_knob("/proc/sys/kernel/iotrace", "0");
	long length = strlen(slurp("/proc/iotrace"));

	CHECK_EQ(pwrite(fd, "more", 4, 0), 4);
	MUST(fsync(fd));
	CHECK_EQ((long)strlen(slurp("/proc/iotrace")), length);
	be_usual();
}

/* ---- a file system that is mounted synchronous ------------------------------------------------ */

static struct stats last;

// The call before has waited for the disk: something was written and flushed, and sync finds nothing to add.
static void check_all_is_written(const char *what)
{
	struct stats after = stats(), synced;

	if (after.sectors_written == last.sectors_written || after.flushes == last.flushes)
		FAIL("%s: expected writes and a flush, seen %ld sectors, %ld flushes", what,
		     after.sectors_written - last.sectors_written, after.flushes - last.flushes);
	sync();
	synced = stats();
	if (synced.sectors_written != after.sectors_written)
		FAIL("%s: expected nothing to be left, seen %ld sectors written by sync", what,
		     synced.sectors_written - after.sectors_written);
	last = synced;
}

TEST(synchronous_mount_has_written_when_a_call_returns)
{
	static char bytes[3 * PAGE];
	int fd;

	be_quiet();
	MUST(mount("none", "/", NULL, MS_REMOUNT | MS_SYNCHRONOUS, NULL));
	sync();
	last = stats();
	fd = MUST(open("new", O_CREAT | O_RDWR, 0600));
	check_all_is_written("open of a new file");
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), (long)sizeof(bytes));
	check_all_is_written("write");
	CHECK_EQ(pwrite(fd, "over", 4, 100), 4);
	check_all_is_written("write over old bytes");
	MUST(ftruncate(fd, 5));
	check_all_is_written("ftruncate");
	MUST(mkdir("folder", 0700));
	check_all_is_written("mkdir");
	MUST(link("new", "folder/other"));
	check_all_is_written("link");
	MUST(rename("new", "folder/newer"));
	check_all_is_written("rename");
	MUST(symlink("nowhere", "link"));
	check_all_is_written("symlink");
	MUST(unlink("folder/other"));
	check_all_is_written("unlink");
	MUST(open("folder/newer", O_WRONLY | O_TRUNC));
	check_all_is_written("O_TRUNC");
	MUST(mount("none", "/", NULL, MS_REMOUNT, NULL));
	last = stats();
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), (long)sizeof(bytes));
	MUST(mkdir("usual", 0700));
	CHECK_EQ(stats().sectors_written, last.sectors_written);
	be_usual();
}

// Reads and writes of many processes at once, so that requests join, wait and pass each other.
TEST(many_processes_use_the_disk_at_once)
{
	pid_t pids[8];

	for (int i = 0; i < 8; i++) {
		pids[i] = MUST(fork());
		if (pids[i])
			continue;
		char name[8] = { 'f', (char)('0' + i) }, page[PAGE];
		int fd = MUST(open(name, O_CREAT | O_RDWR, 0600));

		for (int round = 0; round < 3; round++) {
			for (int n = 0; n < 40; n++) {
				memset(page, 'a' + (i * 7 + n + round) % 26, sizeof(page));
				CHECK_EQ(pwrite(fd, page, PAGE, (n * 17 % 40) * (long)PAGE), (long)PAGE);
			}
			MUST(fsync(fd));
			MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
			for (int n = 0; n < 40; n++) {
				CHECK_EQ(pread(fd, page, PAGE, (n * 17 % 40) * (long)PAGE), (long)PAGE);
				CHECK_EQ(page[PAGE - 1], 'a' + (i * 7 + n + round) % 26);
			}
		}
		_exit(0);
	}
	for (int i = 0, status; i < 8; i++) {
		MUST(waitpid(pids[i], &status, 0));
		CHECK_EQ(status, 0);
	}
}
