/*
 * swap_shared.c - shared memory in swap: MAP_SHARED | MAP_ANONYMOUS, memfd and files of a tmpfs.
 * What was sent away is met by every way that leads to a file's bytes: loads and stores, read and write,
 * truncation, holes, SEEK_DATA, mincore, splice, swapoff. Whether a page is in memory is asked of mincore,
 * since a shared page leaves no trace in the page table.
 *
 * LECTERN ONLY: swapon wants a privileged process and a file system that Linux can swap to
 */
#define _GNU_SOURCE
#include "swapping.h"

#include <sys/mount.h>

#define PUNCH 3                         // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
#define WORD(offset) ((offset) * 2654435761UL)

static unsigned long nr_here(unsigned char *memory, unsigned long pages)
{
	unsigned char here[AREA_PAGES];
	unsigned long nr = 0;

	MUST(mincore(memory, pages * PAGE, here));
	for (unsigned long i = 0; i < pages; i++)
		nr += here[i] & 1;
	return nr;
}

static unsigned char *shared(unsigned long pages)
{
	unsigned char *memory = mmap(NULL, pages * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	fill(memory, pages);
	return memory;
}

// A memfd whose pages are in swap, all of them; where it is mapped goes to *memory.
static int swapped_file(unsigned long pages, unsigned char **memory)
{
	int fd = (int)MUST(syscall(SYS_memfd_create, "swapped", 0));

	MUST(ftruncate(fd, pages * PAGE));
	*memory = map_file(fd, pages * PAGE, RW, MAP_SHARED, 0);
	fill(*memory, pages);
	page_out(*memory, pages);
	CHECK_EQ(nr_here(*memory, pages), 0);
	return fd;
}

static unsigned long word_at(int fd, unsigned long offset)
{
	unsigned long word = 0;

	CHECK_EQ(pread(fd, &word, sizeof(word), offset), sizeof(word));
	return word;
}

TEST(shared_anonymous_pages_come_back_as_they_went)
{
	start_swap();
	unsigned char *memory = shared(AREA_PAGES);
	long out = number_of("/proc/vmstat", "pswpout "), in = number_of("/proc/vmstat", "pswpin ");

	page_out(memory, AREA_PAGES);
	CHECK_EQ(nr_here(memory, AREA_PAGES), 0);
	CHECK_EQ(number_of("/proc/vmstat", "pswpout ") - out, AREA_PAGES);
	check_filled(memory, AREA_PAGES);
	CHECK_EQ(number_of("/proc/vmstat", "pswpin ") - in, AREA_PAGES);
	CHECK_EQ(nr_here(memory, AREA_PAGES), AREA_PAGES);
	store(memory + 5 * PAGE, 77);
	page_out(memory, AREA_PAGES);
	CHECK_EQ(load(memory + 5 * PAGE), 77);
	CHECK_EQ(load(memory + 5 * PAGE + 8), (unsigned char)WORD(5 * PAGE + 8));
	stop_swap();
}

TEST(an_unchanged_page_is_not_written_twice)
{
	start_swap();
	unsigned char *memory = shared(16);

	page_out(memory, 16);
	check_filled(memory, 16);
	store(memory + 3 * PAGE, load(memory + 3 * PAGE));
	long out = number_of("/proc/vmstat", "pswpout ");

	page_out(memory, 16);
	CHECK_EQ(nr_here(memory, 16), 0);
	CHECK_EQ(number_of("/proc/vmstat", "pswpout ") - out, 1);
	check_filled(memory, 16);
	stop_swap();
}

TEST(neighbours_go_in_one_request_and_come_back_in_few)
{
	start_swap();
	unsigned char *memory = shared(32);
	long writes = number_of("/proc/vmstat", "disk_writes ");

	page_out(memory, 32);
	CHECK(number_of("/proc/vmstat", "disk_writes ") - writes <= 8);
	long reads = number_of("/proc/vmstat", "disk_reads ");

	check_filled(memory, 32);
	CHECK(number_of("/proc/vmstat", "disk_reads ") - reads <= 10);
	stop_swap();
}

TEST(parent_and_child_see_one_page)
{
	start_swap();
	unsigned char *memory = shared(4);
	struct gate away = gate_make(), done = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(away);
		CHECK_EQ(load(memory + 8), (unsigned char)WORD(8));
		store(memory + PAGE, 42);
		gate_open(done);
		_exit(0);
	}
	page_out(memory, 4);                    // shown by us alone: the child has not touched it
	gate_open(away);
	gate_wait(done);
	CHECK_EQ(load(memory + PAGE), 42);
	CHECK_CHILD(child);
	stop_swap();
}

TEST(read_and_write_meet_pages_in_swap)
{
	unsigned char *memory;
	unsigned long word = 99;

	start_swap();
	int fd = swapped_file(8, &memory);

	CHECK_EQ(word_at(fd, 2 * PAGE + 16), WORD(2 * PAGE + 16));
	page_out(memory, 8);
	// A part of a page: the rest comes from swap.
	CHECK_EQ(pwrite(fd, &word, sizeof(word), 5 * PAGE + 8), sizeof(word));
	CHECK_EQ(word_at(fd, 5 * PAGE + 8), 99);
	CHECK_EQ(word_at(fd, 5 * PAGE + 16), WORD(5 * PAGE + 16));
	CHECK_EQ(*(volatile unsigned long *)(memory + 5 * PAGE + 8), 99);
	stop_swap();
}

TEST(a_page_overwritten_whole_is_not_read_first)
{
	static unsigned char page[PAGE];
	unsigned char *memory;
	struct stat before, after;

	start_swap();
	int fd = swapped_file(4, &memory);
	long in = number_of("/proc/vmstat", "pswpin ");

	memset(page, 7, PAGE);
	MUST(fstat(fd, &before));
	CHECK_EQ(pwrite(fd, page, PAGE, PAGE), PAGE);
	CHECK_EQ(number_of("/proc/vmstat", "pswpin ") - in, 0);
	MUST(fstat(fd, &after));
	CHECK_EQ(after.st_blocks, before.st_blocks);
	CHECK_EQ(load(memory + PAGE + 100), 7);
	CHECK_EQ(load(memory + 2 * PAGE + 8), (unsigned char)WORD(2 * PAGE + 8));
	stop_swap();
}

TEST(blocks_and_data_are_counted_wherever_they_are)
{
	unsigned char *memory;
	struct stat st;

	start_swap();
	int fd = swapped_file(8, &memory);

	MUST(ftruncate(fd, 16 * PAGE));
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 8 * PAGE / 512);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 8 * PAGE);
	load(memory + 3 * PAGE);
	CHECK_EQ(lseek(fd, PAGE, SEEK_HOLE), 8 * PAGE);
	CHECK_ERR(lseek(fd, 8 * PAGE, SEEK_DATA), ENXIO);
	stop_swap();
}

TEST(truncation_gives_slots_back_and_growth_shows_zeros)
{
	unsigned char *memory;

	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");
	int fd = swapped_file(8, &memory);

	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before - 8 * 4);
	MUST(ftruncate(fd, 3 * PAGE + 100));
	CHECK(number_of("/proc/meminfo", "SwapFree") >= before - 4 * 4);
	CHECK_SIGNAL(load(memory + 4 * PAGE), SIGBUS, BUS_ADRERR, memory + 4 * PAGE);
	MUST(ftruncate(fd, 8 * PAGE));
	CHECK_EQ(word_at(fd, 3 * PAGE + 88), WORD(3 * PAGE + 88));
	CHECK_EQ(word_at(fd, 3 * PAGE + 104), 0);       // the tail was in swap
	CHECK_EQ(load(memory + 5 * PAGE + 8), 0);
	check_filled(memory, 3);
	stop_swap();
}

TEST(growth_zeroes_a_tail_that_is_in_swap)
{
	start_swap();
	int fd = (int)MUST(syscall(SYS_memfd_create, "tail", 0));
	unsigned char *memory;

	MUST(ftruncate(fd, 100));
	memory = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	store(memory + 50, 5);
	store(memory + 200, 6);                 // past the end: no part of the file
	page_out(memory, 1);
	CHECK_EQ(nr_here(memory, 1), 0);
	MUST(ftruncate(fd, PAGE));
	CHECK_EQ(load(memory + 50), 5);
	CHECK_EQ(load(memory + 200), 0);
	stop_swap();
}

TEST(a_hole_is_punched_where_pages_are_in_swap)
{
	unsigned char *memory;
	struct stat st;

	start_swap();
	int fd = swapped_file(8, &memory);
	long before = number_of("/proc/meminfo", "SwapFree");

	MUST(fallocate(fd, PUNCH, 2 * PAGE, 3 * PAGE + 100));
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before + 3 * 4);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 5 * PAGE / 512);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 2 * PAGE);
	CHECK_EQ(lseek(fd, 2 * PAGE, SEEK_DATA), 5 * PAGE);
	CHECK_EQ(word_at(fd, 3 * PAGE + 8), 0);
	CHECK_EQ(word_at(fd, 5 * PAGE + 8), 0);
	CHECK_EQ(word_at(fd, 5 * PAGE + 104), WORD(5 * PAGE + 104));
	MUST(madvise(memory, PAGE, MADV_REMOVE));
	CHECK_EQ(word_at(fd, 8), 0);
	stop_swap();
}

TEST(a_private_copy_is_made_of_a_page_in_swap)
{
	unsigned char *memory;

	start_swap();
	int fd = swapped_file(4, &memory);
	unsigned char *private = map_file(fd, 4 * PAGE, RW, MAP_PRIVATE, 0);

	store(private + PAGE, 1);
	CHECK_EQ(load(private + PAGE + 8), (unsigned char)WORD(PAGE + 8));
	CHECK_EQ(word_at(fd, PAGE), WORD(PAGE));
	page_out(private, 4);
	CHECK_EQ(load(private + PAGE), 1);
	stop_swap();
}

TEST(splice_moves_pages_out_of_swap)
{
	unsigned char *memory, bytes[64];
	int ends[2];
	long long at = 3 * PAGE;

	start_swap();
	int fd = swapped_file(4, &memory);

	MUST(pipe(ends));
	CHECK_EQ(syscall(SYS_splice, fd, &at, ends[1], NULL, sizeof(bytes), 0), sizeof(bytes));
	page_out(memory, 4);                    // the pipe holds it: it stays as it is
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(*(unsigned long *)(bytes + 8), WORD(3 * PAGE + 8));
	stop_swap();
}

TEST(files_of_a_tmpfs_swap_and_go)
{
	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");

	MUST(mkdir("mounted", 0700));
	MUST(mount("none", "mounted", "tmpfs", 0, "size=64k"));
	int fd = make_file("mounted/file", 16 * PAGE);
	unsigned char *memory = map_file(fd, 16 * PAGE, RW, MAP_SHARED, 0), byte = 1;

	load(memory);
	page_out(memory, 16);
	CHECK(number_of("/proc/meminfo", "SwapFree") < before);
	// The limit counts what is in swap, too.
	CHECK_ERR(pwrite(fd, &byte, 1, 16 * PAGE), ENOSPC);
	CHECK_EQ(file_byte(fd, 7 * PAGE + 3), pattern(7 * PAGE + 3));
	page_out(memory, 16);
	MUST(munmap(memory, 16 * PAGE));
	close(fd);
	MUST(unlink("mounted/file"));
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before);
	MUST(umount2("mounted", 0));
	stop_swap();
}

TEST(exit_gives_the_slots_of_shared_memory_back)
{
	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");
	pid_t child = MUST(fork());

	if (child == 0) {
		page_out(shared(AREA_PAGES), AREA_PAGES);
		CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before - (long)AREA_PAGES * 4);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before);
	stop_swap();
}

TEST(swapoff_brings_shared_pages_back)
{
	unsigned char *memory;

	start_swap();
	unsigned char *anonymous = shared(AREA_PAGES);
	int fd = swapped_file(8, &memory);

	page_out(anonymous, AREA_PAGES);
	MUST(munmap(memory, 8 * PAGE));         // nobody shows it
	stop_swap();
	CHECK_EQ(number_of("/proc/meminfo", "SwapTotal"), 0);
	CHECK_EQ(nr_here(anonymous, AREA_PAGES), AREA_PAGES);
	check_filled(anonymous, AREA_PAGES);
	check_filled(map_file(fd, 8 * PAGE, RW, MAP_SHARED, 0), 8);
}

TEST(shmem_in_meminfo_is_what_is_in_memory)
{
	start_swap();
	long before = number_of("/proc/meminfo", "Shmem");
	unsigned char *memory = shared(AREA_PAGES);

	CHECK_EQ(number_of("/proc/meminfo", "Shmem"), before + AREA_PAGES * 4);
	page_out(memory, AREA_PAGES);
	CHECK_EQ(number_of("/proc/meminfo", "Shmem"), before);
	check_filled(memory, AREA_PAGES);
	CHECK_EQ(number_of("/proc/meminfo", "Shmem"), before + AREA_PAGES * 4);
	MUST(munmap(memory, AREA_PAGES * PAGE));
	CHECK_EQ(number_of("/proc/meminfo", "Shmem"), before);
	stop_swap();
}

TEST(locked_shared_memory_stays)
{
	start_swap();
	unsigned char *memory = shared(4);

	MUST(mlock(memory, 4 * PAGE));
	CHECK_ERR(madvise(memory, 4 * PAGE, MADV_PAGEOUT), EINVAL);
	MUST(munlock(memory, 4 * PAGE));
	page_out(memory, 4);
	CHECK_EQ(nr_here(memory, 4), 0);
	check_filled(memory, 4);
	stop_swap();
}
