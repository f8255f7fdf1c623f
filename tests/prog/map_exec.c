/*
 * map_exec.c - execve and memory: the new program's memory is mappings of its file; the old program's
 * are gone, with nothing lost; and a file that is no program is refused.
 */
#include "guest.h"

#include <elf.h>

#define FAR_ADDRESS ((unsigned char *)0x200000000000)

static int initialised[4] = { 11, 22, 33, 44 };
static char zeroes[64 * 1024];

HELPER(check_data)
{
	for (int i = 0; i < 4; i++)
		CHECK_EQ(((volatile int *)initialised)[i], 11 * (i + 1));
	CHECK_BYTES(zeroes, sizeof(zeroes), 0);
	return 0;
}

TEST(data_are_fresh_and_bss_is_zero)
{
	for (int i = 0; i < 4; i++)
		((volatile int *)initialised)[i] = 9;
	memset(zeroes, 0xff, sizeof(zeroes));
	for (int round = 0; round < 3; round++) {
		pid_t child = MUST(fork());
		if (child == 0)
			test_exec("check_data", NULL, NULL, NULL);
		CHECK_CHILD(child);
	}
}

struct frames {
	unsigned long text, constants, data;
};

static const char constant_page[2 * PAGE] = "x";

static struct frames own_frames(void)
{
	struct frames frames;

	load(constant_page + PAGE);
	store(&initialised[0], 11);
	frames.text = frame_of((void *)own_frames);
	frames.constants = frame_of(constant_page + PAGE);
	frames.data = frame_of(initialised);
	return frames;
}

HELPER(report_frames)
{
	struct frames frames = own_frames();

	CHECK_EQ(write(3, &frames, sizeof(frames)), sizeof(frames));
	return 0;
}

TEST(text_frames_are_shared_by_all_who_run_it)
{
	struct frames mine = own_frames(), theirs;
	int ends[2];

	if (!mine.text)
		SKIP("/proc/self/pagemap shows no frames");
	MUST(pipe(ends));
	pid_t child = MUST(fork());
	if (child == 0) {
		if (ends[1] != 3)
			MUST(dup2(ends[1], 3));
		test_exec("report_frames", NULL, NULL, NULL);
	}
	CHECK_EQ(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
	CHECK_CHILD(child);
	CHECK_EQ(theirs.text, mine.text);
	CHECK_EQ(theirs.constants, mine.constants);
	CHECK(theirs.data != mine.data);
}

TEST(text_is_a_mapping_of_the_program_file)
{
	struct map_line line;

	CHECK(map_line_at((void *)own_frames, &line));
	CHECK_STR(line.permissions, "r-xp");
	CHECK_STR(line.path, test_program);
	CHECK(map_line_at(initialised, &line));
	CHECK_STR(line.permissions, "rw-p");
}

TEST(text_frame_is_the_one_that_mmap_shows)
{
	struct map_line line;

	CHECK(map_line_at((void *)own_frames, &line));
	int fd = MUST(open(test_program, O_RDONLY));
	unsigned long at = (unsigned long)own_frames - line.start;
	unsigned char *p = map_file(fd, line.end - line.start, PROT_READ, MAP_SHARED, line.offset);
	CHECK_EQ(load(p + at), load((void *)own_frames));
	if (!frame_of(p + at))
		SKIP("/proc/self/pagemap shows no frames");
	CHECK_EQ(frame_of(p + at), frame_of((void *)own_frames));
}

HELPER(check_gone)
{
	CHECK_SIGNAL(load(FAR_ADDRESS), SIGSEGV, SEGV_MAPERR, FAR_ADDRESS);
	CHECK_SIGNAL(load(FAR_ADDRESS + PAGE), SIGSEGV, SEGV_MAPERR, FAR_ADDRESS + PAGE);
	return 0;
}

TEST(old_mappings_are_gone)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		int fd = make_file("data", PAGE);
		MUST(mmap(FAR_ADDRESS, PAGE, RW, ANON | MAP_FIXED, -1, 0));
		MUST(mmap(FAR_ADDRESS + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
		store(FAR_ADDRESS, 1);
		store(FAR_ADDRESS + PAGE, 1);
		test_exec("check_gone", NULL, NULL, NULL);
	}
	CHECK_CHILD(child);
}

TEST(shared_dirty_pages_are_kept)
{
	int fd = make_file("data", 2 * PAGE);
	pid_t child = MUST(fork());

	if (child == 0) {
		unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
		store(p + PAGE + 1, 0x44);
		test_exec("check_data", NULL, NULL, NULL);
	}
	CHECK_CHILD(child);
	CHECK_EQ(file_byte(fd, PAGE + 1), 0x44);
}

TEST(failed_exec_keeps_the_old_program)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 5);
	MUST(close(make_file("junk", 100)));
	MUST(chmod("junk", 0755));
	char *argv[] = { "junk", NULL };
	for (int i = 0; i < 10; i++)
		CHECK_ERR(execv("junk", argv), ENOEXEC);
	CHECK_EQ(load(p), 5);
}

/* ---- what is no program ---------------------------------------------------------------------- */

static unsigned char image[4 * 1024 * 1024];
static long image_size;
static Elf64_Ehdr *const header = (Elf64_Ehdr *)image;

static void read_image(void)
{
	int fd = MUST(open(test_program, O_RDONLY));
	ssize_t n;

	image_size = 0;
	while ((n = read(fd, image + image_size, sizeof(image) - image_size)) > 0)
		image_size += n;
	MUST(close(fd));
	CHECK(image_size > 1000 && image_size < (long)sizeof(image));
}

static void write_image(long size)
{
	int fd = MUST(open("program", O_WRONLY | O_CREAT | O_TRUNC, 0755));

	for (long done = 0; done < size; )
		done += MUST(write(fd, image + done, size - done));
	MUST(close(fd));
}

// Only what the headers stand in, of the file that is there already.
static void write_head(void)
{
	int fd = MUST(open("program", O_WRONLY));

	CHECK_EQ(write(fd, image, 512), 512);
	MUST(close(fd));
}

static int run_image(void)
{
	char *argv[] = { "program", "--helper", "check_data", NULL };
	pid_t child = MUST(fork());

	if (child == 0) {
		default_signals();
		execv("./program", argv);
		_exit(100 + errno);
	}
	return wait_status(child);
}

static void check_refused(void)
{
	int status = run_image();

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 100 + ENOEXEC)
		FAIL("expected execve to give ENOEXEC, seen status 0x%x", status);
}

// A program whose headers lie may be refused, or killed when it is too late to refuse: never run.
static void check_does_not_run(void)
{
	int status = run_image();

	if (WIFEXITED(status) && WEXITSTATUS(status) <= 100)
		FAIL("expected that it does not run, seen exit status %d", WEXITSTATUS(status));
}

static Elf64_Phdr *first_load(void)
{
	Elf64_Phdr *segment = (Elf64_Phdr *)(image + header->e_phoff);

	while (segment->p_type != PT_LOAD)
		segment++;
	return segment;
}

#define DAMAGED(title, damage, size, check)						\
	TEST(title)									\
	{										\
		read_image();								\
		damage;									\
		write_image(size);							\
		check();								\
	}

TEST(copied_program_runs)
{
	read_image();
	write_image(image_size);
	CHECK_EQ(run_image(), 0);
}

DAMAGED(empty_file_is_enoexec, (void)0, 0, check_refused)
DAMAGED(text_file_is_enoexec, memset(image, 'x', 300), 300, check_refused)
DAMAGED(wrong_magic_is_enoexec, image[0] = 0, image_size, check_refused)
DAMAGED(cut_in_the_header_is_enoexec, (void)0, 40, check_refused)
DAMAGED(cut_in_the_segment_table_is_enoexec, (void)0, sizeof(Elf64_Ehdr) + 10, check_refused)
DAMAGED(foreign_machine_is_enoexec, header->e_machine = 3 /* i386 */, image_size, check_refused)
DAMAGED(object_file_is_enoexec, header->e_type = ET_REL, image_size, check_refused)
DAMAGED(no_segments_is_enoexec, header->e_phnum = 0, image_size, check_refused)
DAMAGED(wrong_segment_size_is_enoexec, header->e_phentsize = 32, image_size, check_refused)
DAMAGED(segment_table_past_the_end_is_enoexec, header->e_phoff = 1UL << 40, image_size,
	check_refused)
DAMAGED(segment_table_negative_is_enoexec, header->e_phoff = -64UL, image_size, check_refused)
DAMAGED(segment_in_kernel_space_does_not_run, first_load()->p_vaddr = 0xffff800000000000,
	image_size, check_does_not_run)
DAMAGED(segment_of_all_memory_does_not_run, first_load()->p_memsz = -1UL, image_size,
	check_does_not_run)
DAMAGED(segment_unaligned_does_not_run, first_load()->p_vaddr += 1, image_size, check_does_not_run)
DAMAGED(entry_in_nowhere_does_not_run, header->e_entry = 0x10, image_size, check_does_not_run)
DAMAGED(cut_after_the_headers_does_not_run, (void)0, 1000, check_does_not_run)

// The entry is sent to nowhere, so that whatever is loaded ends at its first instruction.
TEST(random_damage_never_hurts_the_system)
{
	unsigned long random = 12345;

	read_image();
	write_image(image_size);
	unsigned char saved[512];
	memcpy(saved, image, sizeof(saved));
	for (int round = 0; round < 60; round++) {
		memcpy(image, saved, sizeof(saved));
		for (int i = 0; i < 4; i++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			image[4 + (random >> 33) % 400] = random >> 24;
		}
		header->e_entry = 0x10;
		write_head();
		check_does_not_run();
	}
	memcpy(image, saved, sizeof(saved));
	write_head();
	CHECK_EQ(run_image(), 0);
}
