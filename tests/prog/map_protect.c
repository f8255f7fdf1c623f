/*
 * map_protect.c - mprotect: what it keeps, what it refuses, and how far it gets before it fails.
 */
#include "guest.h"

static long raw_mprotect(unsigned long start, unsigned long length, int prot)
{
	return syscall(SYS_mprotect, start, length, prot);
}

TEST(dirty_shared_page_keeps_its_content)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	memset(p, 0x61, PAGE);
	MUST(mprotect(p, PAGE, PROT_READ));
	CHECK_BYTES(p, PAGE, 0x61);
	MUST(mprotect(p, PAGE, PROT_NONE));
	MUST(mprotect(p, PAGE, RW));
	CHECK_BYTES(p, PAGE, 0x61);
	CHECK_EQ(file_byte(fd, PAGE - 1), 0x61);
}

TEST(dirty_private_page_keeps_its_content)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p + 9, 0x62);
	MUST(mprotect(p, PAGE, PROT_NONE));
	MUST(mprotect(p, PAGE, PROT_READ));
	CHECK_EQ(load(p + 9), 0x62);
	CHECK_EQ(load(p + 10), pattern(10));
	CHECK_EQ(file_byte(fd, 9), pattern(9));
}

TEST(dirty_anonymous_page_keeps_its_content)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	memset(p, 0x63, 4 * PAGE);
	MUST(mprotect(p, 4 * PAGE, PROT_NONE));
	MUST(mprotect(p, 4 * PAGE, PROT_READ));
	CHECK_BYTES(p, 4 * PAGE, 0x63);
}

TEST(made_writable_again_it_stores_again)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	for (int i = 0; i < 20; i++) {
		store(p + i, i);
		MUST(mprotect(p, PAGE, PROT_READ));
		CHECK_SIGNAL(store(p + i, 99), SIGSEGV, SEGV_ACCERR, p + i);
		MUST(mprotect(p, PAGE, RW));
	}
	for (int i = 0; i < 20; i++)
		CHECK_EQ(file_byte(fd, i), i);
}

TEST(readonly_private_made_writable_copies)
{
	make_file("data", PAGE);
	int fd = MUST(open("data", O_RDONLY));
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_PRIVATE, 0);

	CHECK_EQ(load(p), pattern(0));
	MUST(mprotect(p, PAGE, RW));
	store(p, 1);
	CHECK_EQ(load(p), 1);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(copy_on_write_survives_protection_changes)
{
	unsigned char *p = map_anonymous(PAGE);
	struct gate gate = gate_make();

	store(p, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(mprotect(p, PAGE, PROT_READ));
		MUST(mprotect(p, PAGE, RW));            // must not make the shared frame writable
		store(p, 2);
		gate_open(gate);
		_exit(0);
	}
	gate_wait(gate);
	CHECK_EQ(load(p), 1);
	CHECK_CHILD(child);
}

TEST(zero_page_stays_zero_when_made_writable)
{
	unsigned char *p = MUST(mmap(NULL, 2 * PAGE, PROT_READ, ANON, -1, 0));

	CHECK_EQ(load(p), 0);
	CHECK_EQ(load(p + PAGE), 0);
	MUST(mprotect(p, 2 * PAGE, RW));
	store(p, 1);
	CHECK_EQ(load(p + PAGE), 0);
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
}

TEST(none_to_read_shows_the_file)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_NONE, MAP_SHARED, 0);

	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_ACCERR, p);
	MUST(mprotect(p, 2 * PAGE, PROT_READ));
	check_pattern(p, 2 * PAGE, 0);
}

TEST(exec_permission_comes_and_goes)
{
	unsigned char *p = map_anonymous(PAGE);
	void (*code)(void) = (void (*)(void))p;

	store(p, 0xc3);
	MUST(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	code();
	CHECK_SIGNAL(store(p, 0xc3), SIGSEGV, SEGV_ACCERR, p);
	MUST(mprotect(p, PAGE, PROT_READ));
	CHECK_SIGNAL(code(), SIGSEGV, SEGV_ACCERR, p);
}

TEST(only_the_named_pages_change)
{
	unsigned char *p = map_anonymous(5 * PAGE);

	memset(p, 1, 5 * PAGE);
	MUST(mprotect(p + PAGE, 1, PROT_READ));         // one byte is its whole page
	store(p, 2);
	CHECK_SIGNAL(store(p + PAGE, 2), SIGSEGV, SEGV_ACCERR, p + PAGE);
	CHECK_SIGNAL(store(p + 2 * PAGE - 1, 2), SIGSEGV, SEGV_ACCERR, p + 2 * PAGE - 1);
	store(p + 2 * PAGE, 2);
}

TEST(range_over_several_areas_changes_all)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_anonymous(4 * PAGE);

	MUST(mmap(p + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	MUST(mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	for (int i = 0; i < 4; i++)
		store(p + i * PAGE, 5);
	MUST(mprotect(p, 4 * PAGE, PROT_READ));
	for (int i = 0; i < 4; i++) {
		CHECK_SIGNAL(store(p + i * PAGE, 6), SIGSEGV, SEGV_ACCERR, p + i * PAGE);
		CHECK_EQ(load(p + i * PAGE), 5);
	}
}

TEST(child_has_its_own_protections)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(mprotect(p, PAGE, PROT_NONE));
		_exit(0);
	}
	CHECK_CHILD(child);
	store(p, 2);
	CHECK_EQ(load(p), 2);
}

TEST(length_zero_is_no_error)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_EQ(mprotect(p, 0, PROT_NONE), 0);
	store(p, 1);
}

TEST(unaligned_start_is_einval)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(raw_mprotect((unsigned long)p + 1, PAGE, PROT_READ), EINVAL);
	store(p, 1);
}

TEST(unknown_protection_bits_are_einval)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(raw_mprotect((unsigned long)p, PAGE, 0x4000), EINVAL);
}

TEST(hole_is_enomem)
{
	unsigned char *hole = find_hole(2 * PAGE);

	CHECK_ERR(raw_mprotect((unsigned long)hole, PAGE, PROT_READ), ENOMEM);
}

TEST(range_that_wraps_is_enomem)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(raw_mprotect((unsigned long)p, -PAGE, PROT_READ), ENOMEM);
}

TEST(kernel_range_is_enomem)
{
	CHECK_ERR(raw_mprotect(0xffff800000000000, PAGE, RW), ENOMEM);
}

TEST(pages_before_the_hole_are_changed)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(raw_mprotect((unsigned long)p, 3 * PAGE, PROT_READ), ENOMEM);
	CHECK_SIGNAL(store(p, 1), SIGSEGV, SEGV_ACCERR, p);     // as Linux: done up to the hole
	store(p + 2 * PAGE, 1);
}

TEST(write_on_shared_readonly_descriptor_is_eacces)
{
	make_file("data", PAGE);
	int fd = MUST(open("data", O_RDONLY));
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_ERR(raw_mprotect((unsigned long)p, PAGE, RW), EACCES);
	CHECK_ERR(raw_mprotect((unsigned long)p, PAGE, PROT_WRITE), EACCES);
	CHECK_EQ(mprotect(p, PAGE, PROT_NONE), 0);
	CHECK_EQ(mprotect(p, PAGE, PROT_READ), 0);
	CHECK_EQ(load(p), pattern(0));
}

TEST(eacces_holds_after_the_descriptor_is_closed)
{
	make_file("data", PAGE);
	int fd = MUST(open("data", O_RDONLY));
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	MUST(close(fd));
	CHECK_ERR(raw_mprotect((unsigned long)p, PAGE, RW), EACCES);
}

#ifndef PROT_SEM
#define PROT_SEM 8
#endif
#ifndef PROT_GROWSDOWN
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP 0x02000000
#endif

TEST(prot_sem_is_taken_and_means_nothing)
{
	unsigned char *p = map_anonymous(PAGE);

	MUST(mprotect(p, PAGE, PROT_READ | PROT_SEM));
	CHECK_SIGNAL(store(p, 1), SIGSEGV, SEGV_ACCERR, p);
	MUST(mprotect(p, PAGE, RW | PROT_SEM));
	store(p, 1);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | 16), EINVAL);
	CHECK_EQ(mprotect(p, 0, PROT_READ | 16), 0);            // nothing to do: nothing is looked at
	CHECK_ERR(mprotect(p + 1, 0, PROT_READ), EINVAL);
}

TEST(prot_growsdown_begins_where_the_area_does)
{
	unsigned char *hole = find_hole(64 * PAGE);
	unsigned char *p = MUST(mmap(hole + 32 * PAGE, 4 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
	unsigned char *plain = map_anonymous(4 * PAGE);

	memset(p, 1, 4 * PAGE);
	MUST(mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
	CHECK_SIGNAL(store(p, 2), SIGSEGV, SEGV_ACCERR, p);
	CHECK_SIGNAL(store(p + 2 * PAGE, 2), SIGSEGV, SEGV_ACCERR, p + 2 * PAGE);
	store(p + 3 * PAGE, 2);                                 // behind what was asked for
	CHECK_ERR(mprotect(plain + PAGE, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	CHECK_ERR(mprotect(plain, PAGE, PROT_READ | PROT_GROWSUP), EINVAL);     // no area grows upwards
	CHECK_ERR(mprotect(plain, PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN), EINVAL);
	CHECK_ERR(mprotect(hole, PAGE, PROT_READ | PROT_GROWSDOWN), ENOMEM);
	CHECK_ERR(mprotect(hole, PAGE, PROT_READ | PROT_GROWSUP), ENOMEM);
	store(plain, 3);
}
