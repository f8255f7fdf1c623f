/*
 * sys_sync.c - sync_file_range and syncfs: arguments, and that bytes stay what they are.
 */
#include "guest.h"

#define ALL (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

TEST(sync_file_range_refuses_bad_arguments)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600)), ends[2];

	CHECK_ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
	CHECK_ERR(sync_file_range(fd, -1, 0, ALL), EINVAL);
	CHECK_ERR(sync_file_range(fd, 0, -1, ALL), EINVAL);
	CHECK_ERR(sync_file_range(fd, 0x7fffffffffffffff, 1, ALL), EINVAL);
	CHECK_ERR(sync_file_range(99, 0, 0, ALL), EBADF);
	MUST(pipe(ends));
	CHECK_ERR(sync_file_range(ends[0], 0, 0, ALL), ESPIPE);
}

TEST(sync_file_range_writes_a_part)
{
	char page[PAGE];
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));

	for (int i = 0; i < 8; i++) {
		memset(page, 'a' + i, sizeof(page));
		CHECK_EQ(write(fd, page, PAGE), (long)PAGE);
	}
	MUST(sync_file_range(fd, 2 * PAGE, 3 * PAGE, ALL));
	MUST(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	MUST(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_AFTER));
	MUST(sync_file_range(fd, 0, 0, 0));
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(pread(fd, page, PAGE, i * (long)PAGE), (long)PAGE);
		CHECK(page[0] == 'a' + i && page[PAGE - 1] == 'a' + i);
	}
}

TEST(sync_file_range_of_a_mapping)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	char *p;

	MUST(ftruncate(fd, 4 * PAGE));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	memset(p, 'm', 4 * PAGE);
	MUST(sync_file_range(fd, 0, 4 * PAGE, ALL));
	p[PAGE] = 'n';
	MUST(sync_file_range(fd, 0, 4 * PAGE, ALL));
	CHECK(p[0] == 'm' && p[PAGE] == 'n');
}
