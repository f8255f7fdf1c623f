/*
 * sys_moved.c - what moves by reference inside the kernel, and what is copied: pages in pipes.
 */
#include "moving.h"

/* ---- nothing is copied ----------------------------------------------------------------------- */

struct moved {
	long pages, bytes;
};

// What the kernel has moved by reference and copied so far, for everybody; -1 where it does not tell.
static struct moved moved_so_far(void)
{
	const char *text = slurp("/proc/vmstat");
	struct moved m = { number_named(text, "splice_pages_moved"), number_named(text, "splice_bytes_copied") };

	return m;
}

static void check_moved(struct moved before, long pages, long bytes)
{
	struct moved now = moved_so_far();

	if (before.pages == -1)
		return;                         // not here
	CHECK_EQ(now.pages - before.pages, pages);
	CHECK_EQ(now.bytes - before.bytes, bytes);
}

TEST(splice_from_a_file_moves_its_pages)
{
	int fd = make_file("a", 8 * PAGE), p[2];
	unsigned char *shown = map_file(fd, 8 * PAGE, RW, MAP_SHARED, 0);
	struct moved before;
	long at = 0;

	MUST(pipe(p));
	check_pattern(shown, 8 * PAGE, 0);
	before = moved_so_far();
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 8 * PAGE, 0), 8 * PAGE);
	check_moved(before, 8, 0);
	store(&shown[5], 0);            // the very page: what is in the pipe changes with it
	CHECK_EQ(read(p[0], big, 8 * PAGE), 8 * PAGE);
	CHECK_EQ(big[5], 0);
	check_pattern(big + 6, 8 * PAGE - 6, 6);
}

TEST(spliced_pages_outlive_the_file)
{
	int fd = make_file("a", 4 * PAGE), p[2];
	long at = 0;

	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 2 * PAGE, 0), 2 * PAGE);
	MUST(unlink("a"));
	close(fd);
	check_stream(p[0], 2 * PAGE, 0);
}

TEST(vmsplice_moves_the_pages_of_the_program)
{
	unsigned char *memory = map_anonymous(4 * PAGE);
	struct iovec piece = { memory, 4 * PAGE };
	struct moved before;
	int p[2];

	MUST(pipe(p));
	memset(memory, 'a', 4 * PAGE);
	before = moved_so_far();
	CHECK_EQ(do_vmsplice(p[1], &piece, 1, 8 /* SPLICE_F_GIFT */), 4 * PAGE);
	check_moved(before, 4, 0);
	memory[PAGE] = 'b';             // not to be done, and seen at the other end
	MUST(munmap(memory, 2 * PAGE)); // the pipe keeps the pages
	CHECK_EQ(read(p[0], big, 4 * PAGE), 4 * PAGE);
	CHECK_BYTES(big, PAGE, 'a');
	CHECK_EQ(big[PAGE], 'b');
	CHECK_BYTES(big + PAGE + 1, 3 * PAGE - 1, 'a');
}

TEST(vmspliced_pages_outlive_the_process)
{
	int p[2];

	MUST(pipe(p));
	pid_t child = MUST(fork());

	if (child == 0) {
		unsigned char *memory = map_anonymous(3 * PAGE);
		struct iovec piece = { memory + 100, 2 * PAGE };

		memset(memory, 'x', 3 * PAGE);
		_exit(do_vmsplice(p[1], &piece, 1, 0) != 2 * PAGE);
	}
	CHECK_CHILD(child);
	CHECK_EQ(read(p[0], big, sizeof(big)), 2 * PAGE);
	CHECK_BYTES(big, 2 * PAGE, 'x');
}

TEST(tee_and_splice_between_pipes_share_pages)
{
	int p[2], q[2], r[2];
	struct moved before;

	MUST(pipe(p));
	MUST(pipe(q));
	MUST(pipe(r));
	memset(big, 'm', 2 * PAGE);
	CHECK_EQ(write(p[1], big, 2 * PAGE), 2 * PAGE);
	before = moved_so_far();
	CHECK_EQ(do_tee(p[0], q[1], 2 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(do_splice(q[0], NULL, r[1], NULL, 2 * PAGE, 0), 2 * PAGE);
	check_moved(before, 4, 0);
	CHECK_EQ(available(p[0]), 2 * PAGE);
	CHECK_EQ(available(q[0]), 0);
	CHECK_EQ(read(p[0], big, 2 * PAGE), 2 * PAGE);
	memset(big, 0, 2 * PAGE);
	CHECK_EQ(read(r[0], big, 2 * PAGE), 2 * PAGE);
	CHECK_BYTES(big, 2 * PAGE, 'm');
}

TEST(write_after_tee_is_not_seen_in_the_other_pipe)
{
	int p[2], q[2];

	MUST(pipe(p));
	MUST(pipe(q));
	CHECK_EQ(write(p[1], "one", 3), 3);
	CHECK_EQ(do_tee(p[0], q[1], 3, 0), 3);
	CHECK_EQ(write(p[1], "two", 3), 3);     // into the same page, behind
	CHECK_EQ(write(q[1], "TWO", 3), 3);     // not into it
	CHECK_EQ(read(p[0], big, 100), 6);
	CHECK(memcmp(big, "onetwo", 6) == 0);
	CHECK_EQ(read(q[0], big, 100), 6);
	CHECK(memcmp(big, "oneTWO", 6) == 0);
}

TEST(write_behind_a_spliced_page_does_not_touch_the_file)
{
	int fd = make_file("a", PAGE), p[2];
	long at = 0;

	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 1, 0), 1);
	CHECK_EQ(write(p[1], "overwritten?", 12), 12);
	CHECK_EQ(read(p[0], big, 100), 13);
	CHECK(memcmp(big + 1, "overwritten?", 12) == 0);
	CHECK_EQ(pread(fd, big, PAGE, 0), PAGE);
	check_pattern(big, PAGE, 0);
}

TEST(splice_to_a_file_copies_once)
{
	int fd = make_file("a", 4 * PAGE), out = MUST(open("b", O_RDWR | O_CREAT, 0644)), p[2];
	struct moved before = moved_so_far();
	long at = 0;

	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 4 * PAGE, 0), 4 * PAGE);
	CHECK_EQ(do_splice(p[0], NULL, out, NULL, 4 * PAGE, 0), 4 * PAGE);
	check_moved(before, 4, 4 * PAGE);
	check_file(out, 4 * PAGE, 0);
}

TEST(sendfile_and_copy_file_range_copy_once)
{
	int fd = make_file("a", 4 * PAGE), out = MUST(open("b", O_RDWR | O_CREAT, 0644)), p[2];
	long at = 0, to = 4 * PAGE;
	struct moved before = moved_so_far();

	MUST(pipe(p));
	CHECK_EQ(do_sendfile(out, fd, &at, 4 * PAGE), 4 * PAGE);
	at = 0;
	CHECK_EQ(do_copy(fd, &at, out, &to, 4 * PAGE, 0), 4 * PAGE);
	check_moved(before, 8, 8 * PAGE);
	before = moved_so_far();
	at = 0;
	CHECK_EQ(do_sendfile(p[1], fd, &at, 4 * PAGE), 4 * PAGE);
	check_moved(before, 4, 0);
	check_stream(p[0], 4 * PAGE, 0);
}

TEST(sendfile_to_a_full_pipe_returns_what_it_sent)
{
	int fd = make_file("a", 100 * 1024), p[2];
	long at = 0;

	MUST(pipe(p));
	CHECK_EQ(do_sendfile(p[1], fd, &at, 100 * 1024), 65536);
	CHECK_EQ(at, 65536);
}

// Takes parts of parts out, while there is no room for one more: nothing is lost or doubled.
TEST(part_of_a_page_refused_goes_back)
{
	int p[2], q[2];

	MUST(pipe(p));
	MUST(pipe(q));
	for (int i = 0; i < 16; i++) {
		memset(big, 'a' + i, PAGE);
		CHECK_EQ(write(p[1], big, PAGE), PAGE);
		CHECK_EQ(write(q[1], big, PAGE), PAGE);
	}
	CHECK_ERR(do_splice(p[0], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(do_splice(p[0], NULL, q[1], NULL, 5000, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(available(p[0]), 65536);
	CHECK_EQ(read(q[0], big, PAGE), PAGE);
	CHECK_EQ(do_splice(p[0], NULL, q[1], NULL, 100, 0), 100);
	CHECK_EQ(available(p[0]), 65536 - 100);
	CHECK_EQ(available(q[0]), 15 * PAGE + 100);
	for (int i = 0; i < 16; i++) {
		CHECK_EQ(read(p[0], big, i ? PAGE : PAGE - 100), i ? PAGE : PAGE - 100);
		CHECK_BYTES(big, i ? PAGE : PAGE - 100, 'a' + i);
	}
}

TEST(pipe_can_be_made_larger_and_smaller)
{
	int p[2];

	MUST(pipe(p));
	CHECK_EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 0), 4096);
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 4097), 8192);
	CHECK_EQ(fcntl(p[1], F_GETPIPE_SZ), 8192);
	MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
	CHECK_EQ(write(p[1], big, 3 * PAGE), 2 * PAGE);
	CHECK_ERR(write(p[1], big, 1), EAGAIN);
	CHECK_ERR(fcntl(p[0], F_SETPIPE_SZ, 4096), EBUSY);
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	memset(big, 'q', sizeof(big));
	CHECK_EQ(write(p[1], big, sizeof(big)), sizeof(big));
	CHECK_EQ(available(p[0]), sizeof(big) + 2 * PAGE);
	CHECK_EQ(read(p[0], big, 2 * PAGE), 2 * PAGE);
	memset(big, 0, sizeof(big));
	CHECK_EQ(read(p[0], big, sizeof(big)), sizeof(big));
	CHECK_BYTES(big, sizeof(big), 'q');
	CHECK_EQ(fcntl(p[0], F_SETPIPE_SZ, 4096), 4096);
}

TEST(small_writes_share_a_page)
{
	int p[2];

	MUST(pipe(p));
	MUST(fcntl(p[0], F_SETPIPE_SZ, 4096));
	MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(write(p[1], big, 1000), 1000);
	CHECK_ERR(write(p[1], big, 1000), EAGAIN);      // all or nothing
	CHECK_EQ(write(p[1], big, 96), 96);
	CHECK_ERR(write(p[1], big, 1), EAGAIN);
	CHECK_EQ(read(p[0], big, 1000), 1000);
	CHECK_ERR(write(p[1], big, 1), EAGAIN);         // the room is in front: the page is not free
	CHECK_EQ(read(p[0], big, 5000), 3096);
	CHECK_EQ(write(p[1], big, 4096), 4096);
}
