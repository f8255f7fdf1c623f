/*
 * map_split.c - areas that are cut in the middle by munmap, mprotect and mmap: each piece goes on
 * showing the right bytes of the file, and /proc/self/maps tells the pieces.
 */
#include "guest.h"

static unsigned char *map_ten(int *fd, int prot, int flags)
{
	*fd = make_file("data", 10 * PAGE);
	return map_file(*fd, 10 * PAGE, prot, flags, 0);
}

TEST(tail_after_munmap_in_the_middle_has_its_file_offset)
{
	int fd;
	unsigned char *p = map_ten(&fd, PROT_READ, MAP_SHARED);

	MUST(munmap(p + 4 * PAGE, 2 * PAGE));
	check_pattern(p + 6 * PAGE, 4 * PAGE, 6 * PAGE);
	check_pattern(p, 4 * PAGE, 0);
}

TEST(tail_of_private_after_munmap_has_its_file_offset)
{
	int fd;
	unsigned char *p = map_ten(&fd, RW, MAP_PRIVATE);

	MUST(munmap(p + 4 * PAGE, 2 * PAGE));
	store(p + 8 * PAGE, 0xee);
	CHECK_EQ(load(p + 8 * PAGE), 0xee);
	check_pattern(p + 6 * PAGE, 2 * PAGE, 6 * PAGE);
	check_pattern(p + 8 * PAGE + 1, 2 * PAGE - 1, 8 * PAGE + 1);
}

TEST(tail_after_munmap_of_the_start_has_its_file_offset)
{
	int fd;
	unsigned char *p = map_ten(&fd, PROT_READ, MAP_SHARED);

	MUST(munmap(p, 3 * PAGE));
	check_pattern(p + 3 * PAGE, 7 * PAGE, 3 * PAGE);
	CHECK_SIGNAL(load(p + 2 * PAGE), SIGSEGV, SEGV_MAPERR, p + 2 * PAGE);
}

TEST(head_after_munmap_of_the_end_is_right)
{
	int fd;
	unsigned char *p = map_ten(&fd, PROT_READ, MAP_SHARED);

	MUST(munmap(p + 7 * PAGE, 3 * PAGE));
	check_pattern(p, 7 * PAGE, 0);
	CHECK_SIGNAL(load(p + 7 * PAGE), SIGSEGV, SEGV_MAPERR, p + 7 * PAGE);
}

TEST(hole_in_the_middle_faults)
{
	int fd;
	unsigned char *p = map_ten(&fd, PROT_READ, MAP_SHARED);

	check_pattern(p, 10 * PAGE, 0);         // all present, so the page tables must be cleared too
	MUST(munmap(p + 4 * PAGE, 2 * PAGE));
	CHECK_SIGNAL(load(p + 4 * PAGE), SIGSEGV, SEGV_MAPERR, p + 4 * PAGE);
	CHECK_SIGNAL(load(p + 6 * PAGE - 1), SIGSEGV, SEGV_MAPERR, p + 6 * PAGE - 1);
}

TEST(tail_of_a_mapping_with_offset_is_right)
{
	int fd = make_file("data", 10 * PAGE);
	unsigned char *p = map_file(fd, 6 * PAGE, PROT_READ, MAP_SHARED, 3 * PAGE);

	MUST(munmap(p + PAGE, PAGE));
	MUST(munmap(p + 3 * PAGE, PAGE));
	check_pattern(p, PAGE, 3 * PAGE);
	check_pattern(p + 2 * PAGE, PAGE, 5 * PAGE);
	check_pattern(p + 4 * PAGE, 2 * PAGE, 7 * PAGE);
}

TEST(stores_to_the_tail_reach_the_right_offset)
{
	int fd;
	unsigned char *p = map_ten(&fd, RW, MAP_SHARED);

	MUST(munmap(p + 2 * PAGE, 3 * PAGE));
	store(p + 9 * PAGE + 17, 0xaa);
	CHECK_EQ(file_byte(fd, 9 * PAGE + 17), 0xaa);
	CHECK_EQ(file_byte(fd, 6 * PAGE + 17), pattern(6 * PAGE + 17));
}

TEST(every_other_page_unmapped)
{
	int fd;
	unsigned char *p = map_ten(&fd, PROT_READ, MAP_SHARED);

	for (int i = 0; i < 10; i += 2)
		MUST(munmap(p + i * PAGE, PAGE));
	for (int i = 1; i < 10; i += 2)
		check_pattern(p + i * PAGE, PAGE, i * PAGE);
	for (int i = 0; i < 10; i += 2)
		CHECK_SIGNAL(load(p + i * PAGE), SIGSEGV, SEGV_MAPERR, p + i * PAGE);
}

TEST(mprotect_in_the_middle_keeps_both_ends_writable)
{
	int fd;
	unsigned char *p = map_ten(&fd, RW, MAP_SHARED);

	MUST(mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ));
	store(p + 3 * PAGE, 1);
	store(p + 6 * PAGE, 2);
	CHECK_SIGNAL(store(p + 4 * PAGE, 3), SIGSEGV, SEGV_ACCERR, p + 4 * PAGE);
	CHECK_SIGNAL(store(p + 6 * PAGE - 1, 3), SIGSEGV, SEGV_ACCERR, p + 6 * PAGE - 1);
	CHECK_EQ(file_byte(fd, 3 * PAGE), 1);
	CHECK_EQ(file_byte(fd, 6 * PAGE), 2);
	CHECK_EQ(file_byte(fd, 4 * PAGE), pattern(4 * PAGE));
}

TEST(tail_after_mprotect_in_the_middle_has_its_file_offset)
{
	int fd;
	unsigned char *p = map_ten(&fd, RW, MAP_PRIVATE);

	MUST(mprotect(p + 4 * PAGE, 2 * PAGE, PROT_NONE));
	check_pattern(p + 6 * PAGE, 4 * PAGE, 6 * PAGE);
	MUST(mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ));
	check_pattern(p, 10 * PAGE, 0);
}

TEST(split_by_a_mapping_of_the_same_file)
{
	int fd;
	unsigned char *p = map_ten(&fd, PROT_READ, MAP_SHARED);

	MUST(mmap(p + 4 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 9 * PAGE));
	check_pattern(p, 4 * PAGE, 0);
	check_pattern(p + 4 * PAGE, PAGE, 9 * PAGE);
	check_pattern(p + 5 * PAGE, 5 * PAGE, 5 * PAGE);
}

TEST(split_pieces_unmapped_one_by_one)
{
	unsigned char *p = map_anonymous(16 * PAGE);

	memset(p, 7, 16 * PAGE);
	for (int i = 15; i >= 0; i--) {
		int page = i * 5 % 16;                  // each page once, in a scattered order
		CHECK_EQ(load(p + page * PAGE), 7);
		MUST(munmap(p + page * PAGE, PAGE));
		CHECK_SIGNAL(load(p + page * PAGE), SIGSEGV, SEGV_MAPERR, p + page * PAGE);
	}
}

TEST(split_survives_fork)
{
	int fd;
	unsigned char *p = map_ten(&fd, RW, MAP_SHARED);

	MUST(munmap(p + 4 * PAGE, PAGE));
	MUST(mprotect(p + 7 * PAGE, PAGE, PROT_READ));
	pid_t child = MUST(fork());
	if (child == 0) {
		check_pattern(p + 5 * PAGE, 5 * PAGE, 5 * PAGE);
		store(p + 9 * PAGE, 1);
		CHECK_SIGNAL(load(p + 4 * PAGE), SIGSEGV, SEGV_MAPERR, p + 4 * PAGE);
		CHECK_SIGNAL(store(p + 7 * PAGE, 1), SIGSEGV, SEGV_ACCERR, p + 7 * PAGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p + 9 * PAGE), 1);
}

/* ---- as /proc/self/maps tells it ------------------------------------------------------------- */

TEST(maps_line_of_a_file)
{
	struct map_line line;
	struct stat status;
	char folder[256], path[300];
	int fd = make_file("data", 10 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, PROT_READ, MAP_SHARED, 4 * PAGE);

	MUST(fstat(fd, &status));
	CHECK(getcwd(folder, sizeof(folder)) != NULL);
	snprintf(path, sizeof(path), "%s/data", folder);
	CHECK(map_line_at(p, &line));
	CHECK_EQ(line.start, p);
	CHECK_EQ(line.end, p + 3 * PAGE);
	CHECK_STR(line.permissions, "r--s");
	CHECK_EQ(line.offset, 4 * PAGE);
	CHECK_EQ(line.inode, status.st_ino);
	CHECK_STR(line.path, path);
}

TEST(maps_lines_after_a_split)
{
	struct map_line line;
	int fd;
	unsigned char *p = map_ten(&fd, RW, MAP_SHARED);

	MUST(munmap(p + 4 * PAGE, 2 * PAGE));
	MUST(mprotect(p + 8 * PAGE, PAGE, PROT_READ));
	CHECK(map_line_at(p, &line));
	CHECK_EQ(line.end, p + 4 * PAGE);
	CHECK_EQ(line.offset, 0);
	CHECK(!map_line_at(p + 4 * PAGE, &line));
	CHECK(!map_line_at(p + 6 * PAGE - 1, &line));
	CHECK(map_line_at(p + 6 * PAGE, &line));
	CHECK_EQ(line.end, p + 8 * PAGE);
	CHECK_EQ(line.offset, 6 * PAGE);
	CHECK_STR(line.permissions, "rw-s");
	CHECK(map_line_at(p + 8 * PAGE, &line));
	CHECK_EQ(line.start, p + 8 * PAGE);
	CHECK_EQ(line.end, p + 9 * PAGE);
	CHECK_EQ(line.offset, 8 * PAGE);
	CHECK_STR(line.permissions, "r--s");
	CHECK(map_line_at(p + 9 * PAGE, &line));
	CHECK_EQ(line.offset, 9 * PAGE);
}

TEST(maps_permissions_of_each_protection)
{
	static const struct { int prot; const char *text; } cases[] = {
		{ PROT_NONE, "---p" }, { PROT_READ, "r--p" }, { RW, "rw-p" },
		{ PROT_READ | PROT_EXEC, "r-xp" }, { RW | PROT_EXEC, "rwxp" }, { PROT_EXEC, "--xp" },
	};
	struct map_line line;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char *p = map_anonymous(3 * PAGE);
		MUST(mprotect(p + PAGE, PAGE, cases[i].prot));
		CHECK(map_line_at(p + PAGE, &line));
		CHECK_STR(line.permissions, cases[i].text);
	}
}

TEST(maps_lines_rise_and_do_not_overlap)
{
	struct map_line line;
	unsigned long last = 0;
	int lines = 0;
	unsigned char *p = map_anonymous(9 * PAGE);

	MUST(munmap(p + PAGE, PAGE));
	MUST(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
	for (const char *text = slurp("/proc/self/maps"); *text; lines++) {
		text = map_line_parse(text, &line);
		CHECK(line.start >= last);
		CHECK(line.end > line.start);
		CHECK_EQ(line.start % PAGE, 0);
		last = line.end;
	}
	CHECK(lines >= 5);
}

TEST(equal_neighbours_become_one_line_again)
{
	struct map_line line;
	unsigned char *p = map_anonymous(8 * PAGE);

	MUST(mprotect(p, PAGE, PROT_NONE));             // both ends kept apart from other areas
	MUST(mprotect(p + 7 * PAGE, PAGE, PROT_NONE));
	MUST(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	CHECK(map_line_at(p + PAGE, &line));
	CHECK_EQ(line.end, p + 3 * PAGE);
	MUST(mprotect(p + 3 * PAGE, PAGE, RW));
	CHECK(map_line_at(p + PAGE, &line));
	CHECK_EQ(line.start, p + PAGE);
	CHECK_EQ(line.end, p + 7 * PAGE);
}

TEST(maps_names_stack_and_heap)
{
	struct map_line line;
	int local = 0;

	CHECK(map_line_at(&local, &line));
	CHECK_STR(line.path, "[stack]");
	unsigned char *end = (unsigned char *)syscall(SYS_brk, 0);
	CHECK_EQ(syscall(SYS_brk, end + 4 * PAGE), end + 4 * PAGE);
	CHECK(map_line_at(end + PAGE, &line));
	CHECK_STR(line.path, "[heap]");
}
