/*
 * swap_basic.c - private memory that was sent to the swap area and comes back: contents, counts, fork, mremap,
 * mprotect, the views in /proc. Each test makes its own swap file. MADV_PAGEOUT sends pages away when the test
 * wants it, so nothing here depends on how much memory there is.
 *
 * LECTERN ONLY: swapon wants a privileged process and a file system that Linux can swap to
 */
#include "swapping.h"

#include <sched.h>

TEST(pages_come_back_as_they_went)
{
	start_swap();
	unsigned char *memory = filled(AREA_PAGES);

	page_out(memory, AREA_PAGES);
	CHECK_EQ(nr_swapped(memory, AREA_PAGES), AREA_PAGES);
	check_filled(memory, AREA_PAGES);
	CHECK_EQ(nr_swapped(memory, AREA_PAGES), 0);
	// And once more, changed.
	store(memory + 5 * PAGE, 77);
	page_out(memory, AREA_PAGES);
	CHECK_EQ(load(memory + 5 * PAGE), 77);
	stop_swap();
}

TEST(private_copies_of_a_file_leave_too)
{
	start_swap();
	int fd = make_file("file", 16 * PAGE);
	// Not at the address that would be the page's number in the file.
	unsigned char *memory = MUST(mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE, fd, 4 * PAGE));

	for (unsigned long i = 0; i < 8 * PAGE; i += 8)
		*(volatile unsigned long *)(memory + i) = i * 2654435761UL;
	page_out(memory, 8);
	CHECK_EQ(nr_swapped(memory, 8), 8);
	check_filled(memory, 8);
	// Past a new end of the file private copies go, wherever they are.
	page_out(memory, 8);
	MUST(ftruncate(fd, 6 * PAGE));
	CHECK_EQ(nr_swapped(memory, 8), 2);
	CHECK_SIGNAL(load(memory + 2 * PAGE), SIGBUS, BUS_ADRERR, memory + 2 * PAGE);
	check_filled(memory, 2);
	stop_swap();
}

TEST(an_unchanged_page_is_not_written_twice)
{
	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");
	unsigned char *memory = filled(16);

	page_out(memory, 16);
	check_filled(memory, 16);
	CHECK(number_of("/proc/meminfo", "SwapCached") >= 16 * 4);
	long copies = number_of("/proc/vmstat", "cow_copies ");

	store(memory + 3 * PAGE, load(memory + 3 * PAGE));
	CHECK_EQ(number_of("/proc/vmstat", "cow_copies "), copies);
	long out = number_of("/proc/vmstat", "pswpout ");

	page_out(memory, 16);
	CHECK_EQ(nr_swapped(memory, 16), 16);
	CHECK_EQ(number_of("/proc/vmstat", "pswpout ") - out, 1);
	check_filled(memory, 16);
	MUST(munmap(memory, 16 * PAGE));        // what was kept goes with the last who could want it
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before);
	CHECK_EQ(number_of("/proc/meminfo", "SwapCached"), 0);
	stop_swap();
}

TEST(slots_are_kept_over_fork_and_exit)
{
	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");
	unsigned char *memory = filled(16);

	page_out(memory, 16);
	check_filled(memory, 16);
	pid_t child = MUST(fork());

	if (child == 0) {
		store(memory + PAGE, 1);
		_exit(load(memory + PAGE) != 1);
	}
	CHECK_CHILD(child);
	store(memory + 2 * PAGE, load(memory + 2 * PAGE));
	page_out(memory, 16);
	check_filled(memory, 16);
	MUST(munmap(memory, 16 * PAGE));
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before);
	stop_swap();
}

TEST(neighbours_go_in_one_request_and_come_back_in_one)
{
	start_swap();
	unsigned char *memory = filled(32);
	long writes = number_of("/proc/vmstat", "disk_writes "), out = number_of("/proc/vmstat", "pswpout ");

	page_out(memory, 32);
	CHECK_EQ(number_of("/proc/vmstat", "pswpout ") - out, 32);
	CHECK(number_of("/proc/vmstat", "disk_writes ") - writes <= 8);
	long reads = number_of("/proc/vmstat", "disk_reads ");

	check_filled(memory, 32);
	CHECK(number_of("/proc/vmstat", "disk_reads ") - reads <= 10);
	stop_swap();
}

TEST(a_store_to_a_swapped_page)
{
	start_swap();
	unsigned char *memory = filled(4);

	page_out(memory, 4);
	store(memory + PAGE, 9);
	CHECK_EQ(load(memory + PAGE), 9);
	CHECK_EQ(load(memory + PAGE + 8), (unsigned char)((PAGE + 8) * 2654435761UL));
	stop_swap();
}

TEST(fork_shares_slots_and_both_sides_keep_theirs)
{
	start_swap();
	unsigned char *memory = filled(AREA_PAGES);

	page_out(memory, AREA_PAGES);
	pid_t child = MUST(fork());

	if (child == 0) {
		for (unsigned long i = 0; i < AREA_PAGES; i += 2)
			store(memory + i * PAGE, 200);
		for (unsigned long i = 0; i < AREA_PAGES; i++)
			CHECK_EQ(load(memory + i * PAGE), i % 2 ? (unsigned char)(i * PAGE * 2654435761UL) : 200);
		page_out(memory, AREA_PAGES);
		for (unsigned long i = 0; i < AREA_PAGES; i += 2)
			CHECK_EQ(load(memory + i * PAGE), 200);
		_exit(0);
	}
	check_filled(memory, AREA_PAGES);
	CHECK_CHILD(child);
	check_filled(memory, AREA_PAGES);
	stop_swap();
}

TEST(exit_and_munmap_give_slots_back)
{
	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");
	pid_t child = MUST(fork());

	if (child == 0) {
		unsigned char *memory = filled(AREA_PAGES);

		page_out(memory, AREA_PAGES);
		CHECK(number_of("/proc/meminfo", "SwapFree") <= before - (long)AREA_PAGES * 4);
		CHECK_EQ(number_of("/proc/self/status", "VmSwap"), AREA_PAGES * 4);
		MUST(munmap(memory, AREA_PAGES * PAGE));
		CHECK_EQ(number_of("/proc/self/status", "VmSwap"), 0);
		memory = filled(AREA_PAGES);
		page_out(memory, AREA_PAGES);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before);
	stop_swap();
}

TEST(mremap_takes_swapped_pages_along)
{
	start_swap();
	unsigned char *memory = filled(AREA_PAGES), *to = find_hole(AREA_PAGES * PAGE);

	page_out(memory, AREA_PAGES);
	CHECK(mremap(memory, AREA_PAGES * PAGE, AREA_PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(nr_swapped(to, AREA_PAGES), AREA_PAGES);
	check_filled(to, AREA_PAGES);
	// What has moved while it was here can leave, too.
	page_out(to, AREA_PAGES);
	CHECK_EQ(nr_swapped(to, AREA_PAGES), AREA_PAGES);
	check_filled(to, AREA_PAGES);
	stop_swap();
}

TEST(protection_is_that_of_the_area_not_of_then)
{
	start_swap();
	unsigned char *memory = filled(4);

	page_out(memory, 4);
	MUST(mprotect(memory, 4 * PAGE, PROT_NONE));
	CHECK_SIGNAL(load(memory), SIGSEGV, SEGV_ACCERR, memory);
	MUST(mprotect(memory, 4 * PAGE, PROT_READ));
	check_filled(memory, 4);
	CHECK_SIGNAL(store(memory, 1), SIGSEGV, SEGV_ACCERR, memory);
	// Hidden pages leave as well.
	MUST(mprotect(memory, 4 * PAGE, PROT_NONE));
	page_out(memory, 4);
	CHECK_EQ(nr_swapped(memory, 4), 4);
	MUST(mprotect(memory, 4 * PAGE, RW));
	check_filled(memory, 4);
	store(memory, 1);
	stop_swap();
}

TEST(dontneed_forgets_swapped_pages)
{
	start_swap();
	unsigned char *memory = filled(4);

	page_out(memory, 4);
	MUST(madvise(memory, 2 * PAGE, MADV_DONTNEED));
	CHECK_EQ(load(memory), 0);
	CHECK_EQ(load(memory + PAGE + 8), 0);
	CHECK_EQ(load(memory + 2 * PAGE + 8), (unsigned char)((2 * PAGE + 8) * 2654435761UL));
	stop_swap();
}

TEST(mincore_tells_swapped_from_here)
{
	start_swap();
	unsigned char *memory = filled(16), here[16];

	page_out(memory, 16);
	MUST(mincore(memory, 16 * PAGE, here));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(here[i] & 1, 0);
	load(memory + 3 * PAGE);
	MUST(mincore(memory, 16 * PAGE, here));
	CHECK_EQ(here[3] & 1, 1);
	stop_swap();
}

TEST(locked_memory_stays)
{
	start_swap();
	unsigned char *memory = filled(4);

	MUST(mlock(memory, 4 * PAGE));
	CHECK_ERR(madvise(memory, 4 * PAGE, MADV_PAGEOUT), EINVAL);
	CHECK_EQ(nr_swapped(memory, 4), 0);
	MUST(munlock(memory, 4 * PAGE));
	page_out(memory, 4);
	CHECK_EQ(nr_swapped(memory, 4), 4);
	check_filled(memory, 4);
	stop_swap();
}

TEST(swapoff_brings_everything_back)
{
	start_swap();
	unsigned char *memory = filled(AREA_PAGES);
	struct gate ready = gate_make(), go = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		page_out(memory, AREA_PAGES);
		store(memory + 3 * PAGE, 33);
		page_out(memory, AREA_PAGES);
		gate_open(ready);
		gate_wait(go);
		CHECK_EQ(nr_swapped(memory, AREA_PAGES), 0);
		CHECK_EQ(load(memory + 3 * PAGE), 33);
		store(memory + 3 * PAGE, (unsigned char)(3 * PAGE * 2654435761UL));
		_exit(0);
	}
	gate_wait(ready);
	page_out(memory, AREA_PAGES);
	stop_swap();
	CHECK_EQ(number_of("/proc/meminfo", "SwapTotal"), 0);
	gate_open(go);
	CHECK_CHILD(child);
	CHECK_EQ(nr_swapped(memory, AREA_PAGES), 0);
	check_filled(memory, AREA_PAGES);
}

// Areas of two sizes come and go under the same number, while others swap and fault: an entry that was seen just before
// swapoff names nothing any more, or a slot that the new area does not have.
TEST(faults_race_with_swapoff)
{
	struct gate ready = gate_make();
	pid_t children[3];

	make_swap_file("large", SWAP_BYTES);
	make_swap_file("small", SWAP_BYTES / 32);
	for (int i = 0; i < 3; i++) {
		children[i] = MUST(fork());
		if (children[i] == 0) {
			unsigned char *memory = filled(AREA_PAGES);

			gate_open(ready);
			for (;;) {
				page_out(memory, AREA_PAGES);
				check_filled(memory, AREA_PAGES);
				fill(memory, AREA_PAGES);       // else they would leave again without being written
			}
		}
	}
	for (int i = 0; i < 3; i++)
		gate_wait(ready);
	for (int round = 0; round < 40; round++) {
		const char *name = round % 2 ? "small" : "large";
		long out = number_of("/proc/vmstat", "pswpout ");

		MUST(syscall(SYS_swapon, name, 0));
		while (number_of("/proc/vmstat", "pswpout ") - out < 20)
			sched_yield();
		MUST(syscall(SYS_swapoff, name));
	}
	for (int i = 0; i < 3; i++) {
		MUST(kill(children[i], SIGKILL));
		MUST(waitpid(children[i], NULL, 0));
	}
}

TEST(what_is_no_swap_area_is_refused)
{
	int fd = make_file("plain", 64 * 1024);

	close(fd);
	CHECK_ERR(syscall(SYS_swapon, "plain", 0), EINVAL);
	CHECK_ERR(syscall(SYS_swapon, "absent", 0), ENOENT);
	CHECK_ERR(syscall(SYS_swapon, "/dev/vda", 0), EBUSY);
	CHECK_ERR(syscall(SYS_swapon, "/dev/null", 0), EINVAL);
	CHECK_ERR(syscall(SYS_swapoff, "plain"), EINVAL);
	CHECK_ERR(syscall(SYS_swapon, "plain", 0x80000000), EINVAL);
	// A hole has no place to swap to.
	make_swap_file("holey", 1 << 20);
	fd = MUST(open("holey", O_RDWR));
	MUST(fallocate(fd, 3, 64 * 1024, 64 * 1024));
	close(fd);
	CHECK_ERR(syscall(SYS_swapon, "holey", 0), EINVAL);
}

TEST(a_swap_file_in_use_is_not_written_to)
{
	start_swap();
	CHECK_ERR(open("swapfile", O_WRONLY), ETXTBSY);
	CHECK_ERR(syscall(SYS_swapon, "swapfile", 0), EBUSY);
	stop_swap();
	close(MUST(open("swapfile", O_WRONLY)));
}

TEST(higher_priority_is_filled_first)
{
	make_swap_file("low", 1 << 20);
	make_swap_file("high", 1 << 18);
	MUST(syscall(SYS_swapon, "low", SWAP_FLAG_PREFER | 1));
	MUST(syscall(SYS_swapon, "high", SWAP_FLAG_PREFER | 5));
	unsigned char *memory = filled(AREA_PAGES);
	const char *text;
	unsigned long size, used;

	page_out(memory, AREA_PAGES);
	text = strstr(slurp("/proc/swaps"), "/high");
	CHECK(text != NULL);
	CHECK_EQ(sscanf(text, "/high file %lu %lu 5", &size, &used), 2);
	CHECK_EQ(size, (1 << 18) / 1024 - 4);
	CHECK_EQ(used, AREA_PAGES * 4);
	unsigned char *more = filled(AREA_PAGES);

	page_out(more, AREA_PAGES);
	check_filled(memory, AREA_PAGES);
	check_filled(more, AREA_PAGES);
	MUST(syscall(SYS_swapoff, "high"));
	MUST(syscall(SYS_swapoff, "low"));
	check_filled(memory, AREA_PAGES);
	check_filled(more, AREA_PAGES);
}
