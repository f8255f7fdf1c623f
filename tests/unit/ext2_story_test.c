// Single stories about changing a file system: rules of names, every level of the block map, a full
// disk, the end of a file, errors of the disk. e2fsck judges after each.
// BUILD: -DDEBUG -iquote tests/unit/host tests/unit/host_kernel.c tests/unit/host_disk.c
// BUILD: fs/ext2/super.c fs/ext2/check.c fs/ext2/alloc.c fs/ext2/map.c fs/ext2/hole.c
// BUILD: fs/ext2/inode.c fs/ext2/dir.c fs/ext2/name.c fs/ext2/file.c fs/ext2/symlink.c
// BUILD: fs/inode.c fs/times.c fs/inode_sync.c fs/dentry.c fs/path.c fs/open.c fs/change.c
// BUILD: fs/file.c fs/file_read.c fs/file_write.c fs/file_seek.c fs/file_sync.c
// BUILD: fs/allocate.c fs/locks.c fs/seals.c fs/mount.c fs/executing.c
// BUILD: kernel/cache/cache.c kernel/cache/truncate.c kernel/cache/readahead.c kernel/cache/pagelock.c
// BUILD: kernel/cache/writeback.c kernel/cache/flusher.c kernel/dev/block.c kernel/dev/plug.c
// BUILD: kernel/dev/bio.c kernel/mm/iobuf.c kernel/mm/radix_alloc.c kernel/lib/radix.c
// BUILD: kernel/lib/format.c
// BUILD: kernel/sync/spinlock.c kernel/sync/mutex.c kernel/sync/rwlock.c
// BUILD: kernel/sync/look.c kernel/sync/wait.c kernel/sync/lockcheck.c
#include "host_kernel.h"
#include "kernel.h"
#include "fs/ext2/ext2.h"
#include <abi/errno.h>
#include <abi/mount.h>

static char image[128];

static void make_disk(const char *options, const char *size)
{
	snprintf(image, sizeof(image), "%s/change.img", host_temporary());
	require(host_run("rm -f %s && mke2fs -qF -t ext2 -b 4096 %s %s %s > /dev/null 2>&1", image,
			 options, image, size) == 0);
	host_load(&host_disk, image);
	require(host_mount(0) == 0);
}

static void test_triple(void)
{
	// First page of each level, the last of the double, one deep in the triple.
	static const u64 pages[] = { 0, 11, 12, 1035, 1036, 1049611, 1049612, 1049613, 50000000 };
	u8 buffer[PAGE_SIZE], back[PAGE_SIZE];
	bool good = true;

	make_disk("", "64M");
	struct dentry *root = host_look("/mnt");
	struct statfs before, after;

	dentry_put(root);
	root->sb->ops->statfs(root->sb, &before);
	struct file *f = host_open("/mnt/deep", O_CREAT | O_RDWR);

	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		memset(buffer, (int)i + 1, PAGE_SIZE);
		good = good && host_write(f, buffer, PAGE_SIZE,
					  pages[i] * PAGE_SIZE) == (ssize_t)PAGE_SIZE;
	}
	require(inode_sync(f->inode, false) == 0);
	cache_drop_clean(&f->inode->cache);
	cache_drop_clean(&host_disk.device.cache);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		good = good && host_read(f, back, PAGE_SIZE,
					 pages[i] * PAGE_SIZE) == (ssize_t)PAGE_SIZE;
		good = good && back[0] == i + 1 && back[PAGE_SIZE - 1] == i + 1;
	}
	ok(good, "direct, indirect, double and triple indirect blocks");
	// 9 data blocks; pointer blocks: 1 + (1 + 2) + (1 + 1 + 1 + 1 + 1)
	ok(f->inode->nr_sectors == (9 + 1 + 3 + 5) * 8, "and each is counted");
	require(file_sync(f, 0, U64_MAX, false) == 0);
	ok(host_write(f, buffer, 1, ext2_max_file_size()) == -EFBIG, "past the largest size: EFBIG");
	ok(host_write(f, buffer, 10, ext2_max_file_size() - 5) == 5,
	   "up to the largest size: a short count");
	ok(host_truncate("/mnt/deep", 1036 * PAGE_SIZE + 1) == 0,
	   "cut in the middle of the double level");
	ok(f->inode->nr_sectors == (5 + 1 + 2) * 8, "what is past the end is freed");
	ok(host_truncate("/mnt/deep", 0) == 0 && f->inode->nr_sectors == 0,
	   "cut to nothing: no block is left");
	file_put(f);
	require(path_unlink(root_dentry(), "/mnt/deep", false) == 0);
	dentries_drop_unused(U64_MAX);
	root = host_look("/mnt");
	root->sb->ops->statfs(root->sb, &after);
	dentry_put(root);
	ok(before.f_bfree == after.f_bfree && before.f_ffree == after.f_ffree,
	   "all blocks and the inode are free again");
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

static void test_full(void)
{
	static u8 buffer[100000];
	struct file *f, *g;
	ssize_t n;
	u64 position = 0;

	make_disk("-N 64", "4M");
	f = host_open("/mnt/big", O_CREAT | O_RDWR);
	memset(buffer, 7, sizeof(buffer));
	while ((n = host_write(f, buffer, sizeof(buffer), position)) == (ssize_t)sizeof(buffer))
		position += (u64)n;
	ok(n > 0 && n < (ssize_t)sizeof(buffer) && n % (ssize_t)PAGE_SIZE != 1,
	   "the last write is short");
	position += (u64)n;
	ok(inode_size(f->inode) == position, "the size is what was written");
	ok(host_write(f, buffer, 10, PAGE_ALIGN_UP(position)) == -ENOSPC, "then ENOSPC");
	ok(inode_size(f->inode) == position, "which leaves the size alone");
	ok(host_write(f, buffer, 10, 5) == 10, "overwriting still works");
	g = host_open("/mnt/empty", O_CREAT | O_RDWR);
	ok(g != NULL, "an empty file has room");
	ok(host_write(g, buffer, 1, 0) == -ENOSPC && inode_size(g->inode) == 0, "but not for a byte");
	ok(path_mkdir(root_dentry(), "/mnt/dir", 0755) == -ENOSPC, "nor has a directory");
	ok(host_truncate("/mnt/empty", 10 * PAGE_SIZE) == 0, "a hole has");
	ok(host_store(g, 5, 1) == -ENOSPC, "a store into it is told now");
	file_put(g);
	u32 nr = 0;
	char path[32];

	for (int error = 0; !error; nr++) {
		sprintf(path, "/mnt/f%u", nr);
		error = path_create(root_dentry(), path, S_IFREG | 0644, 0);
		if (error)
			ok(error == -ENOSPC && nr > 40, "no inodes: ENOSPC");
	}
	require(inode_sync(f->inode, false) == 0);
	file_put(f);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent about a full disk");
}

static void test_rules(void)
{
	make_disk("", "8M");
	struct dentry *r = root_dentry();

	require(path_mkdir(r, "/mnt/a", 0755) == 0 && path_mkdir(r, "/mnt/a/b", 0755) == 0 &&
		path_mkdir(r, "/mnt/c", 0755) == 0);
	require(path_create(r, "/mnt/file", S_IFREG | 0644, 0) == 0 &&
		path_create(r, "/mnt/a/x", S_IFREG | 0644, 0) == 0);
	ok(path_rename(r, "/mnt/a", r, "/mnt/a/b/a", 0) == -EINVAL, "a directory into itself: EINVAL");
	ok(path_rename(r, "/mnt/a/b", r, "/mnt/a", 0) == -ENOTEMPTY, "onto its own parent: ENOTEMPTY");
	ok(path_rename(r, "/mnt/c", r, "/mnt/a", 0) == -ENOTEMPTY,
	   "onto a directory that is not empty: ENOTEMPTY");
	ok(path_rename(r, "/mnt/c", r, "/mnt/file", 0) == -ENOTDIR, "a directory onto a file: ENOTDIR");
	ok(path_rename(r, "/mnt/file", r, "/mnt/c", 0) == -EISDIR, "a file onto a directory: EISDIR");
	ok(path_rename(r, "/mnt/file", r, "/mnt/a/x", RENAME_NOREPLACE) == -EEXIST, "RENAME_NOREPLACE");
	ok(path_rename(r, "/mnt/file", r, "/new", 0) == -EXDEV, "onto another disk: EXDEV");
	ok(path_rename(r, "/mnt/c", r, "/mnt/a/b", 0) == 0, "onto an empty directory");
	ok(path_rename(r, "/mnt/a/b", r, "/mnt/b", 0) == 0, "up a level");
	ok(path_unlink(r, "/mnt/a", true) == -ENOTEMPTY, "rmdir of a full directory: ENOTEMPTY");
	ok(path_unlink(r, "/mnt/a", false) == -EISDIR &&
	   path_unlink(r, "/mnt/file", true) == -ENOTDIR, "EISDIR, ENOTDIR");
	ok(path_unlink(r, "/mnt", true) == -EBUSY, "rmdir of a mount point: EBUSY");
	ok(path_unlink(r, "/mnt/b/.", true) == -EINVAL &&
	   path_unlink(r, "/mnt/b/..", true) == -ENOTEMPTY, "rmdir of dots");
	ok(path_mkdir(r, "/mnt/b", 0755) == -EEXIST && path_mkdir(r, "/mnt/z/y", 0755) == -ENOENT,
	   "EEXIST, ENOENT");
	ok(path_mkdir(r, "/mnt/slash//", 0755) == 0, "slashes behind a new directory");
	struct file *f = host_open("/mnt/file", O_RDWR | O_CREAT | O_EXCL);

	ok(!f && host_error == -EEXIST, "O_EXCL: EEXIST");
	f = host_open("/mnt/a", O_RDWR);
	ok(!f && host_error == -EISDIR, "a directory for writing: EISDIR");
	f = host_open("/mnt/file", O_RDONLY | O_DIRECTORY);
	ok(!f && host_error == -ENOTDIR, "O_DIRECTORY: ENOTDIR");
	require(path_symlink(r, "/mnt/dangling", "nowhere") == 0);
	f = host_open("/mnt/dangling", O_RDWR | O_NOFOLLOW);
	ok(!f && host_error == -ELOOP, "O_NOFOLLOW: ELOOP");
	f = host_open("/mnt/dangling", O_RDWR | O_CREAT);
	struct dentry *d = host_look("/mnt/nowhere");

	ok(f && d && d->inode == f->inode, "O_CREAT through a dangling link makes its target");
	file_put(f);
	dentry_put(d);
	f = host_open("/mnt/b", O_RDONLY);
	require(path_unlink(r, "/mnt/b", true) == 0);
	ok(path_create(f->dentry, "late", S_IFREG, 0) == -ENOENT,
	   "nothing is made in a removed directory");
	file_put(f);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

static void test_tail(void)
{
	u8 buffer[PAGE_SIZE];
	bool clean = true;

	make_disk("", "8M");
	struct file *f = host_open("/mnt/tail", O_CREAT | O_RDWR);

	memset(buffer, 'a', sizeof(buffer));
	require(host_write(f, buffer, 100, 0) == 100);
	require(host_store(f, 50, 'X') == 0 && host_store(f, 100, 'Y') == 0 &&
		host_store(f, 4095, 'Z') == 0);
	require(inode_sync(f->inode, false) == 0);
	blk_t block;

	require(ext2_map(ext2_node(f->inode), 0, EXT2_MAP_READ, &block, NULL) == 0 && block);
	const u8 *disk = host_disk.bytes + block * BLOCK_SIZE;

	for (u32 i = 100; i < PAGE_SIZE; i++)
		clean = clean && !disk[i];
	ok(disk[50] == 'X' && disk[99] == 'a' && clean, "stores past the end do not reach the disk");
	require(host_store(f, 200, 'Q') == 0);
	require(host_write(f, "end", 3, 5000) == 3);
	require(host_read(f, buffer, PAGE_SIZE, 0) == (ssize_t)PAGE_SIZE);
	for (u32 i = 100; i < PAGE_SIZE; i++)
		clean = clean && !buffer[i];
	ok(clean && buffer[50] == 'X', "nor become part of the file when a write makes it longer");
	require(host_store(f, 5003, 'P') == 0 && host_truncate("/mnt/tail", 6000) == 0);
	require(host_read(f, buffer, 10, 5000) == 10);
	ok(memcmp(buffer, "end\0\0\0\0\0\0", 10) == 0, "nor when truncate does");
	require(inode_sync(f->inode, false) == 0);
	cache_drop_clean(&f->inode->cache);
	require(host_truncate("/mnt/tail", 60) == 0 && inode_sync(f->inode, false) == 0);
	cache_drop_clean(&f->inode->cache);
	require(host_truncate("/mnt/tail", 4000) == 0 && host_read(f, buffer, 4000, 0) == 4000);
	for (u32 i = 60; i < 4000; i++)
		clean = clean && !buffer[i];
	ok(clean && buffer[59] == 'a', "what was cut off does not come back");
	file_put(f);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

static void test_contiguous(void)
{
	static u8 buffer[1 << 20];
	u64 writes;

	make_disk("", "64M");
	struct file *f = host_open("/mnt/long", O_CREAT | O_RDWR);

	require(host_write(f, buffer, sizeof(buffer), 0) == sizeof(buffer));
	writes = host_disk.nr_writes;
	require(cache_write_back(&f->inode->cache, 0, U64_MAX - 1, SYNC_WAIT) == 0);
	ok(host_disk.nr_writes - writes <= 10, "256 pages go to disk in few requests");
	file_put(f);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

static void test_errors(void)
{
	u8 buffer[PAGE_SIZE];

	make_disk("", "8M");
	struct file *f = host_open("/mnt/file", O_CREAT | O_RDWR), *g = host_open("/mnt/file", O_RDWR);

	memset(buffer, 1, sizeof(buffer));
	require(host_write(f, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer));
	host_disk.fail_writes_from = host_disk.nr_writes + 1;
	ok(file_sync(f, 0, U64_MAX, false) == -EIO, "a failed write is told by fsync");
	host_disk.fail_writes_from = 0;
	ok(file_sync(g, 0, U64_MAX, false) == -EIO, "and by the other opener's");
	ok(file_sync(f, 0, U64_MAX, false) == 0 && file_sync(g, 0, U64_MAX, false) == 0,
	   "once to each; the page was written later");
	cache_drop_clean(&f->inode->cache);
	host_disk.fail_reads_from = host_disk.nr_reads + 1;
	ok(host_read(f, buffer, 10, 0) == -EIO, "a failed read: EIO");
	host_disk.fail_reads_from = 0;
	ok(host_read(f, buffer, 10, 0) == 10 && buffer[9] == 1, "and the next one asks the disk again");
	file_put(f);
	file_put(g);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

// Another file's writes, a block of its pointers among them, are under way and do not end.
static void test_own_pages(void)
{
	static u8 buffer[20 * PAGE_SIZE];
	blk_t first, pointers;
	u32 nr;

	make_disk("", "64M");
	struct file *slow = host_open("/mnt/slow", O_CREAT | O_RDWR), *f;

	require(host_write(slow, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer));
	f = host_open("/mnt/file", O_CREAT | O_RDWR);
	require(host_write(f, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer));
	require(ext2_map_run(ext2_node(slow->inode), 0, 1, &first, &nr) == 0);
	pointers = ext2_node(slow->inode)->block[EXT2_NR_DIRECT];
	require(pointers > first && pointers <= first + 21);
	host_disk.held_first = first;
	host_disk.held_behind = first + 21;     // its pages and its pointers
	require(cache_write_back(&slow->inode->cache, 0, U64_MAX - 1, SYNC_START) == 0);
	require(cache_write_back(&host_disk.device.cache, pointers, pointers, SYNC_START) == 0);
	ok(file_sync(f, 0, U64_MAX, false) == 0, "fsync does not wait for another file's writes");
	ok(cache_is_clean(&f->inode->cache) && slow->inode->cache.nr_writeback == 20, "which are still under way");
	ok(!host_disk.is_volatile[ext2_node(f->inode)->block[0]] &&
	   !host_disk.is_volatile[ext2_node(f->inode)->block[EXT2_NR_DIRECT]],
	   "its own pages and pointers are durable");
	host_disk.held_behind = host_disk.held_first;
	file_put(f);
	file_put(slow);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

static void test_wberr_clean(void)
{
	u8 buffer[PAGE_SIZE];

	require(host_mount_with("wberr=no") == -EINVAL);
	snprintf(image, sizeof(image), "%s/change.img", host_temporary());
	require(host_run("rm -f %s && mke2fs -qF -t ext2 -b 4096 %s 8M > /dev/null 2>&1", image, image) == 0);
	host_load(&host_disk, image);
	require(host_mount_with("wberr=clean") == 0);
	struct file *f = host_open("/mnt/file", O_CREAT | O_RDWR);

	memset(buffer, 1, sizeof(buffer));
	require(host_write(f, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer));
	require(file_sync(f, 0, U64_MAX, false) == 0);
	memset(buffer, 2, sizeof(buffer));
	require(host_write(f, buffer, sizeof(buffer), 0) == (ssize_t)sizeof(buffer));
	host_disk.fail_writes_from = host_disk.nr_writes + 1;
	host_disk.fails_once = true;
	ok(file_sync(f, 0, U64_MAX, true) == -EIO, "wberr=clean: a failed write is told");
	host_disk.fail_writes_from = 0;
	host_disk.fails_once = false;
	ok(cache_is_clean(&f->inode->cache) && file_sync(f, 0, U64_MAX, true) == 0, "and its page is clean");
	cache_drop_clean(&f->inode->cache);
	ok(host_read(f, buffer, 1, 0) == 1 && buffer[0] == 1, "and may be forgotten");
	file_put(f);
	host_unmount();
	ok(host_is_sound(&host_disk), "e2fsck is silent");
}

int main(void)
{
	host_start();
	test_rules();
	test_triple();
	test_full();
	test_tail();
	test_contiguous();
	test_errors();
	test_own_pages();
	test_wberr_clean();
	return tap_end();
}
