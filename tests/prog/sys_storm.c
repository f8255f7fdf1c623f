/*
 * sys_storm.c - many processes change one tree of names, and the bytes behind them, at the same time.
 * What each call may answer is known whoever comes first; when the storm is over, the tree can be walked and
 * removed to the last name. (The harness runs e2fsck over the disk afterwards.)
 */
#include "guest.h"

#include <sched.h>

#define WORKERS 6
#define STEPS 1500

static unsigned long seed;

static unsigned int random_below(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed >> 20) % n;
}

static void run_workers(void (*work)(int))
{
	pid_t child[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			seed = 88172645463325252ul * (unsigned long)(i + 1);
			work(i);
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_CHILD(child[i]);
}

// One of a few names, so that everybody meets; up to three levels deep.
static const char *any_name(char *out)
{
	switch (random_below(3)) {
	case 0:
		sprintf(out, "n%u", random_below(6));
		break;
	case 1:
		sprintf(out, "n%u/n%u", random_below(6), random_below(6));
		break;
	default:
		sprintf(out, "n%u/n%u/n%u", random_below(6), random_below(6), random_below(6));
	}
	return out;
}

// The call has succeeded or failed with one of these.
static void allowed(const char *what, long result, const int *errors)
{
	if (result >= 0)
		return;
	for (int i = 0; errors[i]; i++) {
		if (errno == errors[i])
			return;
	}
	FAIL("%s: seen %s", what, errno_name(errno));
}
#define ALLOWED(call, ...) allowed(#call, (call), (const int[]){ __VA_ARGS__, 0 })

static void change_names(int worker)
{
	char a[40], b[40], buffer[100];

	(void)worker;
	for (int i = 0; i < STEPS; i++) {
		int fd;

		any_name(a);
		any_name(b);
		switch (random_below(9)) {
		case 0:
			ALLOWED(mkdir(a, 0755), EEXIST, ENOENT, ENOTDIR, ELOOP);
			break;
		case 1:
			ALLOWED(rmdir(a), ENOENT, ENOTDIR, ENOTEMPTY, ELOOP);
			break;
		case 2:
		case 3:
			ALLOWED(rename(a, b), ENOENT, ENOTDIR, ENOTEMPTY, EEXIST, EISDIR, EINVAL, ELOOP);
			break;
		case 4:
			ALLOWED(unlink(a), ENOENT, ENOTDIR, EISDIR, ELOOP);
			break;
		case 5:
			ALLOWED(link(a, b), ENOENT, ENOTDIR, EEXIST, EPERM, ELOOP);
			break;
		case 6:
			ALLOWED(symlink(a, b), ENOENT, ENOTDIR, EEXIST, ELOOP);
			break;
		default:
			fd = open(a, O_RDWR | O_CREAT, 0644);
			ALLOWED(fd, ENOENT, ENOTDIR, EISDIR, ELOOP);
			if (fd < 0)
				break;
			CHECK_EQ(write(fd, "some bytes", 10), 10);
			CHECK(pread(fd, buffer, 10, 0) == 10);
			close(fd);
		}
	}
}

// Removes everything below the current directory's `path`; how many names there were.
static int remove_tree(const char *path)
{
	char below[200];
	struct stat st;
	int nr = 1;

	CHECK_EQ(lstat(path, &st), 0);
	if (!S_ISDIR(st.st_mode)) {
		CHECK_EQ(unlink(path), 0);
		return nr;
	}
	DIR *d = opendir(path);

	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		nr += remove_tree(below);
		rewinddir(d);
	}
	closedir(d);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(rmdir(path), 0);
	return nr;
}

TEST(names_that_all_change_at_once_stay_a_tree)
{
	CHECK_EQ(mkdir("tree", 0755), 0);
	CHECK_EQ(chdir("tree"), 0);
	run_workers(change_names);
	CHECK_EQ(chdir(".."), 0);
	remove_tree("tree");
	CHECK_ERR(access("tree", F_OK), ENOENT);
}

static void move_directories(int worker)
{
	(void)worker;
	for (int i = 0; i < STEPS; i++) {
		switch (random_below(4)) {
		case 0:
			ALLOWED(rename("a/x", "b/y"), ENOENT, ENOTEMPTY, EEXIST, EINVAL);
			break;
		case 1:
			ALLOWED(rename("b/y", "a/x"), ENOENT, ENOTEMPTY, EEXIST, EINVAL);
			break;
		case 2:
			ALLOWED(rename("a/x/in", "b/in"), ENOENT, ENOTEMPTY, EEXIST, EINVAL);
			break;
		default:
			ALLOWED(rename("b/in", "b/y/in"), ENOENT, ENOTEMPTY, EEXIST, EINVAL);
		}
	}
}

TEST(directories_that_are_moved_to_and_fro_do_not_lock_up)
{
	CHECK_EQ(mkdir("a", 0755) | mkdir("b", 0755) | mkdir("a/x", 0755) | mkdir("a/x/in", 0755), 0);
	run_workers(move_directories);
	CHECK_EQ(remove_tree("a") + remove_tree("b"), 4);
}

static void write_own(int worker)
{
	char name[40], other[40];
	unsigned char bytes[9000], back[9000];

	sprintf(name, "d%d/w%d", worker % 2, worker);
	for (int round = 0; round < 60; round++) {
		unsigned int n = 1 + random_below(sizeof(bytes)), at = random_below(20000);
		int fd = MUST(open(name, O_RDWR | O_CREAT, 0644));

		memset(bytes, 1 + (worker * 60 + round) % 250, n);
		CHECK_EQ(pwrite(fd, bytes, n, at), n);
		sprintf(other, "d%u/w%d", random_below(2), worker);
		CHECK_EQ(rename(name, other), 0);
		strcpy(name, other);
		CHECK_EQ(pread(fd, back, n, at), n);
		CHECK(memcmp(bytes, back, n) == 0);
		if (random_below(4) == 0)
			CHECK_EQ(ftruncate(fd, random_below(30000)), 0);
		if (random_below(8) == 0)
			CHECK_EQ(fsync(fd), 0);
		if (random_below(4) == 0)
			CHECK_EQ(unlink(name), 0);
		close(fd);
	}
}

TEST(each_finds_its_own_bytes_in_shared_directories)
{
	CHECK_EQ(mkdir("d0", 0755) | mkdir("d1", 0755), 0);
	run_workers(write_own);
	remove_tree("d0");
	remove_tree("d1");
}

#define RECORD 100
#define RECORDS 300

static void append(int worker)
{
	char record[RECORD];
	int fd = MUST(open("log", O_WRONLY | O_APPEND));

	memset(record, 'A' + worker, sizeof(record));
	for (int i = 0; i < RECORDS; i++)
		CHECK_EQ(write(fd, record, sizeof(record)), RECORD);
}

TEST(appended_records_stand_whole_and_all_are_there)
{
	char record[RECORD];
	int nr[WORKERS] = { 0 }, fd = MUST(open("log", O_RDWR | O_CREAT, 0644));

	run_workers(append);
	while (read(fd, record, sizeof(record)) == RECORD) {
		CHECK(record[0] >= 'A' && record[0] < 'A' + WORKERS);
		CHECK_BYTES(record, RECORD, record[0]);
		nr[record[0] - 'A']++;
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(nr[i], RECORDS);
}

static void create_and_remove(int worker)
{
	char name[16];

	(void)worker;
	for (int i = 0; i < STEPS; i++) {
		sprintf(name, "f%u", random_below(3));
		int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

		ALLOWED(fd, EEXIST);
		if (fd >= 0) {
			struct stat st;

			CHECK_EQ(write(fd, name, 2), 2);
			CHECK_EQ(fstat(fd, &st), 0);
			CHECK(st.st_nlink <= 1 && st.st_size == 2);
			close(fd);
		}
		ALLOWED(unlink(name), ENOENT);
	}
}

TEST(one_name_made_and_removed_by_all)
{
	run_workers(create_and_remove);
	for (int i = 0; i < 3; i++) {
		char name[16];

		sprintf(name, "f%d", i);
		(void)unlink(name);
	}
	CHECK_EQ(rmdir("."), -1);
}

// Worker 0 cuts and grows; the others store, write and read.
// What lies past a cut must be zeros when the file grows again.
static void cut_and_store(int worker)
{
	int fd = MUST(open("shared", O_RDWR));
	unsigned char bytes[3000];

	memset(bytes, 7, sizeof(bytes));
	for (int i = 0; i < 300; i++) {
		if (worker == 0) {
			CHECK_EQ(ftruncate(fd, 5 * PAGE + 100), 0);
			CHECK_EQ(ftruncate(fd, 40 * PAGE), 0);
		} else if (worker % 2) {
			CHECK_EQ(pwrite(fd, bytes, sizeof(bytes), random_below(5 * PAGE - 3000)), sizeof(bytes));
		} else {
			ssize_t n = pread(fd, bytes, sizeof(bytes), 5 * PAGE + 100 + random_below(34 * PAGE));

			CHECK(n >= 0);
			CHECK_BYTES(bytes, n, 0);
		}
	}
}

TEST(what_was_never_written_reads_as_zeros_while_the_file_is_cut)
{
	int fd = MUST(open("shared", O_RDWR | O_CREAT, 0644));

	CHECK_EQ(ftruncate(fd, 40 * PAGE), 0);
	run_workers(cut_and_store);
}
