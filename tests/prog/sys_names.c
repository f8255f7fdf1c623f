/*
 * sys_names.c - names: links, symbolic links, rename, directories, and the way through them.
 */
#include "guest.h"

static void touch_file(const char *name)
{
	int fd = MUST(open(name, O_WRONLY | O_CREAT, 0644));

	MUST(close(fd));
}

static int link_count(const char *name)
{
	struct stat status;

	MUST(lstat(name, &status));
	return status.st_nlink;
}

static unsigned long inode_of(const char *name)
{
	struct stat status;

	MUST(lstat(name, &status));
	return status.st_ino;
}

static bool exists(const char *name)
{
	struct stat status;

	return lstat(name, &status) == 0;
}

/* ---- links ----------------------------------------------------------------------------------- */

TEST(slash_behind_a_link_of_proc_wants_a_directory)
{
	CHECK_ERR(open("/proc/self/exe/", O_RDONLY), ENOTDIR);
	struct stat status;

	CHECK_ERR(stat("/proc/self/exe/", &status), ENOTDIR);
	MUST(stat("/proc/self/cwd/", &status));
}

TEST(running_program_cannot_be_truncated_by_open)
{
	CHECK_ERR(open("/proc/self/exe", O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERR(open("/proc/self/exe", O_WRONLY | O_TRUNC), ETXTBSY);
	CHECK_ERR(truncate("/proc/self/exe", 0), ETXTBSY);
}

TEST(hard_link_is_the_same_file)
{
	touch_file("a");
	MUST(link("a", "b"));
	CHECK_EQ(inode_of("a"), inode_of("b"));
	CHECK_EQ(link_count("a"), 2);
	MUST(unlink("a"));
	CHECK_EQ(link_count("b"), 1);
	CHECK_ERR(link("missing", "c"), ENOENT);
	touch_file("c");
	CHECK_ERR(link("b", "c"), EEXIST);
	CHECK_ERR(link(".", "d"), EPERM);
}

TEST(unlinked_open_file_lives_on)
{
	struct stat status;
	int fd = make_file("a", 2 * PAGE);

	MUST(unlink("a"));
	CHECK(!exists("a"));
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_nlink, 0);
	CHECK_EQ(file_byte(fd, PAGE), pattern(PAGE));
	put_byte(fd, 3 * PAGE, 1);
	CHECK_EQ(file_byte(fd, 3 * PAGE), 1);
}

TEST(unlink_errors)
{
	MUST(mkdir("folder", 0755));
	touch_file("a");
	CHECK_ERR(unlink("missing"), ENOENT);
	CHECK_ERR(unlink("folder"), EISDIR);
	CHECK_ERR(unlink("a/b"), ENOTDIR);
	CHECK_ERR(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR), ENOTDIR);
	CHECK_EQ(unlinkat(AT_FDCWD, "folder", AT_REMOVEDIR), 0);
	CHECK_ERR(unlinkat(AT_FDCWD, "a", 0x8000), EINVAL);
}

TEST(symlink_holds_its_text)
{
	char text[100];

	MUST(symlink("some/where", "link"));
	memset(text, '#', sizeof(text));
	CHECK_EQ(readlink("link", text, sizeof(text)), 10);
	CHECK_EQ(memcmp(text, "some/where#", 11), 0);
	CHECK_EQ(readlink("link", text, 4), 4);
	CHECK_ERR(readlink("missing", text, 4), ENOENT);
	CHECK_ERR(readlink(".", text, 4), EINVAL);
	CHECK_ERR(syscall(SYS_readlink, "link", text, 0), EINVAL);
	CHECK_ERR(symlink("x", "link"), EEXIST);
	CHECK_ERR(symlink("", "empty"), ENOENT);
}

TEST(long_symlink_is_kept_in_a_block)
{
	char target[200], text[300];

	memset(target, 't', sizeof(target));    // over 60 bytes: no room for it in an ext2 inode
	target[199] = 0;
	MUST(symlink(target, "link"));
	CHECK_EQ(readlink("link", text, sizeof(text)), 199);
	CHECK_EQ(memcmp(text, target, 199), 0);
	CHECK_ERR(open("link", O_RDONLY), ENOENT);
}

TEST(symlinks_are_followed_in_the_middle)
{
	MUST(mkdir("real", 0755));
	touch_file("real/a");
	MUST(symlink("real", "folder"));
	MUST(symlink("../real/a", "real/up"));
	MUST(open("folder/a", O_RDONLY));
	MUST(open("folder/up", O_RDONLY));
	CHECK_EQ(inode_of("folder/a"), inode_of("real/a"));
	MUST(symlink("folder/", "slash"));
	MUST(open("slash/a", O_RDONLY));
}

TEST(symlink_loop_is_eloop)
{
	MUST(symlink("b", "a"));
	MUST(symlink("a", "b"));
	CHECK_ERR(open("a", O_RDONLY), ELOOP);
	CHECK_ERR(open("a/x", O_RDONLY), ELOOP);
	CHECK_ERR(chdir("b"), ELOOP);
	MUST(symlink("self/x", "self"));
	CHECK_ERR(open("self", O_RDONLY), ELOOP);
}

TEST(chain_of_forty_symlinks_is_followed)
{
	char name[20], target[20] = "end";

	touch_file("end");
	for (int i = 0; i < 41; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		MUST(symlink(target, name));
		strcpy(target, name);
	}
	MUST(open("l39", O_RDONLY));
	CHECK_ERR(open("l40", O_RDONLY), ELOOP);
}

/* ---- lengths --------------------------------------------------------------------------------- */

TEST(name_of_255_bytes_is_the_longest)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	touch_file(name);
	CHECK(exists(name));
	name[255] = 'n';
	name[256] = 0;
	CHECK_ERR(open(name, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
	CHECK_ERR(mkdir(name, 0755), ENAMETOOLONG);
	CHECK_ERR(stat(name, &(struct stat){ 0 }), ENAMETOOLONG);
}

TEST(path_of_4096_bytes_is_enametoolong)
{
	static char path[4200];

	for (int i = 0; i < 4190; i += 2)
		memcpy(path + i, "./", 2);
	path[4094] = '.';
	path[4095] = 0;
	MUST(open(path, O_RDONLY));
	path[4095] = '/';
	CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
}

/* ---- rename ---------------------------------------------------------------------------------- */

TEST(rename_moves_a_file)
{
	touch_file("a");
	MUST(mkdir("folder", 0755));
	unsigned long inode = inode_of("a");
	MUST(rename("a", "folder/b"));
	CHECK(!exists("a"));
	CHECK_EQ(inode_of("folder/b"), inode);
	CHECK_EQ(link_count("folder/b"), 1);
}

TEST(rename_replaces_a_file)
{
	int old = make_file("b", 10);

	touch_file("a");
	unsigned long inode = inode_of("a");
	MUST(rename("a", "b"));
	CHECK(!exists("a"));
	CHECK_EQ(inode_of("b"), inode);
	CHECK_EQ(file_byte(old, 5), pattern(5));
}

TEST(rename_to_itself_or_its_link_does_nothing)
{
	touch_file("a");
	MUST(link("a", "b"));
	CHECK_EQ(rename("a", "a"), 0);
	CHECK_EQ(rename("a", "b"), 0);
	CHECK(exists("a") && exists("b"));
}

TEST(rename_of_directories)
{
	MUST(mkdir("one", 0755));
	MUST(mkdir("two", 0755));
	MUST(mkdir("one/inner", 0755));
	touch_file("one/a");
	MUST(rename("one/inner", "two/inner"));
	CHECK_EQ(link_count("one"), 2);
	CHECK_EQ(link_count("two"), 3);
	CHECK_EQ(inode_of("two/inner/.."), inode_of("two"));
	CHECK_ERR(rename("two", "one"), ENOTEMPTY);
	MUST(unlink("one/a"));
	MUST(rename("two", "one"));             // an empty directory is replaced
	CHECK(exists("one/inner"));
	CHECK(!exists("two"));
}

TEST(rename_errors)
{
	touch_file("file");
	MUST(mkdir("folder", 0755));
	MUST(mkdir("folder/inner", 0755));
	CHECK_ERR(rename("missing", "x"), ENOENT);
	CHECK_ERR(rename("folder", "folder/inner/x"), EINVAL);
	CHECK_ERR(rename("folder", "folder/x"), EINVAL);
	CHECK_ERR(rename("folder", "file"), ENOTDIR);
	CHECK_ERR(rename("file", "folder"), EISDIR);
	CHECK_ERR(rename("file", "missing/x"), ENOENT);
	CHECK_ERR(rename("file", "file/x"), ENOTDIR);
	CHECK(exists("folder/inner") && exists("file"));
}

TEST(rename_moves_a_symlink_itself)
{
	touch_file("a");
	MUST(symlink("a", "link"));
	MUST(rename("link", "other"));
	CHECK(exists("a"));
	CHECK(!exists("link"));
	char text[10];
	CHECK_EQ(readlink("other", text, sizeof(text)), 1);
}

/* ---- directories ----------------------------------------------------------------------------- */

TEST(mkdir_makes_an_empty_directory)
{
	struct stat status;

	umask(022);
	MUST(mkdir("folder", 0777));
	MUST(stat("folder", &status));
	CHECK_EQ(status.st_mode, S_IFDIR | 0755);
	CHECK_EQ(inode_of("folder/."), inode_of("folder"));
	CHECK_EQ(inode_of("folder/.."), inode_of("."));
	CHECK_ERR(mkdir("folder", 0755), EEXIST);
	CHECK_ERR(mkdir("missing/x", 0755), ENOENT);
	touch_file("a");
	CHECK_ERR(mkdir("a/x", 0755), ENOTDIR);
	MUST(mkdir("slash/", 0755));
}

TEST(link_counts_of_directories)
{
	MUST(mkdir("folder", 0755));
	CHECK_EQ(link_count("folder"), 2);
	MUST(mkdir("folder/x", 0755));
	MUST(mkdir("folder/y", 0755));
	CHECK_EQ(link_count("folder"), 4);
	MUST(rmdir("folder/x"));
	CHECK_EQ(link_count("folder"), 3);
}

TEST(rmdir_removes_only_what_is_empty)
{
	MUST(mkdir("folder", 0755));
	touch_file("folder/a");
	CHECK_ERR(rmdir("folder"), ENOTEMPTY);
	MUST(unlink("folder/a"));
	CHECK_ERR(rmdir("folder/."), EINVAL);
	MUST(rmdir("folder"));
	CHECK_ERR(rmdir("folder"), ENOENT);
	touch_file("a");
	CHECK_ERR(rmdir("a"), ENOTDIR);
	CHECK_ERR(rmdir("/"), EBUSY);
}

TEST(removed_current_directory_is_empty)
{
	MUST(mkdir("folder", 0755));
	MUST(chdir("folder"));
	MUST(rmdir("../folder"));
	CHECK_ERR(open("a", O_WRONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERR(mkdir("b", 0755), ENOENT);
	CHECK(getcwd((char[100]){ 0 }, 100) == NULL);
	CHECK_EQ(errno, ENOENT);
}

TEST(chdir_and_getcwd_agree)
{
	char start[300], path[300], expected[320];

	CHECK(getcwd(start, sizeof(start)) != NULL);
	MUST(mkdir("folder", 0755));
	MUST(chdir("folder"));
	snprintf(expected, sizeof(expected), "%s/folder", start);
	CHECK(getcwd(path, sizeof(path)) != NULL);
	CHECK_STR(path, expected);
	CHECK_ERR(syscall(SYS_getcwd, path, 3), ERANGE);
	MUST(chdir(".."));
	CHECK(getcwd(path, sizeof(path)) != NULL);
	CHECK_STR(path, start);
	touch_file("a");
	CHECK_ERR(chdir("a"), ENOTDIR);
	CHECK_ERR(chdir("missing"), ENOENT);
	int fd = MUST(open("folder", O_RDONLY));
	MUST(fchdir(fd));
	CHECK(getcwd(path, sizeof(path)) != NULL);
	CHECK_STR(path, expected);
	MUST(chdir("/"));
	CHECK(getcwd(path, sizeof(path)) != NULL);
	CHECK_STR(path, "/");
	MUST(chdir(".."));
	CHECK(getcwd(path, sizeof(path)) != NULL);
	CHECK_STR(path, "/");
}

TEST(readdir_lists_each_name_once)
{
	static int seen[600];
	char name[40];
	struct dirent *entry;
	int dots = 0;

	MUST(mkdir("folder", 0755));
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "folder/a-rather-long-name-%d", i);
		touch_file(name);
	}
	DIR *folder = opendir("folder");
	CHECK(folder != NULL);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.') {
			dots++;
			continue;
		}
		CHECK_EQ(entry->d_type, DT_REG);
		seen[atoi(entry->d_name + 19)]++;
	}
	CHECK_EQ(dots, 2);
	for (int i = 0; i < 600; i++)
		CHECK_EQ(seen[i], 1);
	rewinddir(folder);
	CHECK(readdir(folder) != NULL);
	closedir(folder);
}

TEST(names_removed_while_reading_are_no_trouble)
{
	struct dirent *entry;
	char name[300];
	int removed = 0;

	MUST(mkdir("folder", 0755));
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "folder/file%d", i);
		touch_file(name);
	}
	DIR *folder = opendir("folder");
	CHECK(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.') {
			snprintf(name, sizeof(name), "folder/%s", entry->d_name);
			MUST(unlink(name));
			removed++;
		}
	closedir(folder);
	CHECK_EQ(removed, 200);
	MUST(rmdir("folder"));
}

TEST(getdents_errors)
{
	char block[1024];
	int fd = MUST(open(".", O_RDONLY));

	CHECK_ERR(syscall(SYS_getdents64, fd, block, 4), EINVAL);
	CHECK(syscall(SYS_getdents64, fd, block, sizeof(block)) > 0);
	CHECK_EQ(syscall(SYS_getdents64, fd, block, sizeof(block)), 0);
	int file = make_file("a", 10);
	CHECK_ERR(syscall(SYS_getdents64, file, block, sizeof(block)), ENOTDIR);
	CHECK_ERR(syscall(SYS_getdents64, 99, block, sizeof(block)), EBADF);
}

TEST(names_are_used_again_after_removal)
{
	char name[40];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "%0*d", i % 30 + 3, i);
			touch_file(name);
		}
		for (int i = 99; i >= 0; i--) {
			snprintf(name, sizeof(name), "%0*d", i % 30 + 3, i);
			MUST(unlink(name));
			CHECK(!exists(name));
		}
	}
}

TEST(deep_directories)
{
	for (int i = 0; i < 60; i++) {
		MUST(mkdir("deep", 0755));
		MUST(chdir("deep"));
	}
	touch_file("bottom");
	char path[1000];
	CHECK(getcwd(path, sizeof(path)) != NULL);
	MUST(chdir("/"));
	strcat(path, "/bottom");
	CHECK(exists(path));
	for (int i = 0; i <= 60; i++) {         // and away with them, from below
		if (i == 0)
			MUST(unlink(path));
		else
			MUST(rmdir(path));
		*strrchr(path, '/') = 0;
	}
}
