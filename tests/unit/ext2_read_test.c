// Reads a tree that mke2fs made from the host's files, and compares every byte; checks what a mount
// refuses.
// BUILD: -DDEBUG -iquote tests/unit/host tests/unit/host_kernel.c tests/unit/host_disk.c
// BUILD: fs/ext2/super.c fs/ext2/check.c fs/ext2/alloc.c fs/ext2/map.c fs/ext2/hole.c
// BUILD: fs/ext2/inode.c fs/ext2/dir.c fs/ext2/name.c fs/ext2/file.c fs/ext2/symlink.c
// BUILD: fs/inode.c fs/times.c fs/inode_sync.c fs/dentry.c fs/path.c fs/open.c fs/change.c
// BUILD: fs/file.c fs/file_read.c fs/file_write.c fs/file_seek.c fs/file_sync.c
// BUILD: fs/allocate.c fs/locks.c fs/seals.c fs/mount.c fs/executing.c
// BUILD: kernel/cache/cache.c kernel/cache/truncate.c kernel/cache/readahead.c kernel/cache/pagelock.c
// BUILD: kernel/cache/writeback.c kernel/cache/flusher.c kernel/dev/block.c kernel/dev/plug.c
// BUILD: kernel/dev/bio.c kernel/mm/iobuf.c kernel/mm/radix_alloc.c kernel/lib/radix.c kernel/lib/format.c
// BUILD: kernel/sync/spinlock.c kernel/sync/mutex.c kernel/sync/rwlock.c
// BUILD: kernel/sync/look.c kernel/sync/wait.c kernel/sync/lockcheck.c
#include "host_kernel.h"
#include "kernel.h"
#include "fs/ext2/ext2.h"
#include <abi/errno.h>
#include <abi/mount.h>

static char image[128];

static void make_tree(void)
{
	const char *t = host_temporary();

	require(host_run("mkdir -p %s/tree/sub/deeper/still && cd %s/tree && cp -r /usr/include/linux headers && "
			 "cp /bin/bash /usr/bin/ld.bfd . 2>/dev/null; ln -s sub/deeper short && "
			 "ln -s ./sub/../sub/../sub/../sub/../sub/../sub/../sub/deeper/still/../../deeper long && "
			 "ln -s loop loop && echo hello > sub/deeper/still/file && "
			 "ln sub/deeper/still/file second-name && truncate -s 3G sparse && "
			 "printf end | dd of=sparse bs=1 seek=3221225400 conv=notrunc 2>/dev/null; "
			 "mkfifo pipe; : > empty", t, t) == 0);
	snprintf(image, sizeof(image), "%s/tree.img", t);
}

static void make_image(const char *options)
{
	require(host_run("rm -f %s && mke2fs -qF -t ext2 -b 4096 %s -d %s/tree %s 96M > /dev/null 2>&1",
			 image, options, host_temporary(), image) == 0);
	host_load(&host_disk, image);
}

// Compares one file with the host's, in pieces of odd sizes.
static bool is_same(const char *path, const char *host_path)
{
	static u8 ours[70000], theirs[70000];
	FILE *h = fopen(host_path, "r");
	struct file *f = host_open(path, O_RDONLY);
	u64 position = 0;
	bool same = h && f;

	while (same) {
		size_t n = 1 + host_random() % sizeof(ours), got = fread(theirs, 1, n, h);
		ssize_t mine = host_read(f, ours, n, position);

		same = mine == (ssize_t)got && memcmp(ours, theirs, got) == 0;
		if (!got)
			break;
		position += got;
	}
	if (h)
		fclose(h);
	if (f)
		file_put(f);
	return same;
}

static void compare_tree(const char *what)
{
	char list[160], line[512], path[600], host_path[700], name[200];
	u32 nr = 0, nr_same = 0;

	snprintf(list, sizeof(list), "%s/list", host_temporary());
	require(host_run("cd %s/tree && find . -type f ! -name sparse > %s", host_temporary(),
			 list) == 0);
	FILE *f = fopen(list, "r");

	while (fgets(line, sizeof(line), f)) {
		line[strlen(line) - 1] = 0;
		snprintf(path, sizeof(path), "/mnt/%s", line);
		snprintf(host_path, sizeof(host_path), "%s/tree/%s", host_temporary(), line);
		nr++;
		nr_same += is_same(path, host_path);
	}
	fclose(f);
	snprintf(name, sizeof(name), "%s: %u of %u files read as they are", what, nr_same, nr);
	ok(nr > 100 && nr_same == nr, name);
}

struct count {
	struct directory_emit emit;
	struct file *file;
	u32 nr, room;
};

static bool count_entry(struct directory_emit *e, const char *name, size_t length, u64 next,
			u64 number, u8 type)
{
	struct count *c = container_of(e, struct count, emit);

	require(length && length <= NAME_LENGTH_MAX && name && number);
	(void)type;
	if (!c->room)
		return false;
	c->room--;
	c->nr++;
	c->file->position = next;
	return true;
}

// In small bites, as getdents would.
static u32 count_directory(const char *path)
{
	struct count c = { .emit = { count_entry } };
	u32 before;

	c.file = host_open(path, O_RDONLY);
	require(c.file);
	do {
		before = c.nr;
		c.room = 3;
		read_lock(&c.file->inode->lock);
		require(c.file->ops->read_directory(c.file, &c.emit) == 0);
		read_unlock(&c.file->inode->lock);
	} while (c.nr != before);
	file_put(c.file);
	return c.nr;
}

static u32 host_count(const char *path)
{
	char list[160], line[32];
	FILE *f;

	snprintf(list, sizeof(list), "%s/count", host_temporary());
	require(host_run("ls -fa %s/tree/%s | wc -l > %s", host_temporary(), path, list) == 0);
	f = fopen(list, "r");
	require(fgets(line, sizeof(line), f));
	fclose(f);
	u32 n = 0;

	for (char *c = line; *c >= '0' && *c <= '9'; c++)
		n = n * 10 + (u32)(*c - '0');
	return n;
}

static int look_error(const char *path)
{
	struct dentry *d = host_look(path);

	if (d)
		dentry_put(d);
	return host_error;
}

static void check_names(void)
{
	struct dentry *a = host_look("/mnt/second-name"), *b =
		host_look("/mnt/short/still/../still/file");
	struct dentry *c = host_look("/mnt/long/still/file"), *d =
		host_look("/mnt/sub/../../mnt/sub/deeper/");

	ok(a && b && c && a->inode == b->inode && b == c,
	   "hard links, short and long symbolic links lead to one inode");
	ok(a->inode->nr_links == 2, "the link count is two");
	ok(d && S_ISDIR(d->inode->mode), "dots cross the mount in both directions");
	char buffer[100], *path;

	ok(dentry_path(b, root_dentry(), buffer, sizeof(buffer), &path) == 0 &&
	   strcmp(path, "/mnt/sub/deeper/still/file") == 0, "the path of a dentry");
	dentry_put(a);
	dentry_put(b);
	dentry_put(c);
	dentry_put(d);
	ok(look_error("/mnt/loop") == -ELOOP, "a link to itself: ELOOP");
	ok(look_error("/mnt/second-name/") == -ENOTDIR, "a slash behind a file: ENOTDIR");
	ok(look_error("/mnt/second-name/x") == -ENOTDIR, "a file as a directory: ENOTDIR");
	ok(look_error("/mnt/nothing") == -ENOENT && look_error("/mnt/nothing") == -ENOENT,
	   "an absent name: ENOENT, cached too");
	ok(look_error("") == -ENOENT, "the empty path: ENOENT");
	char name[NAME_LENGTH_MAX + 20] = "/mnt/";

	memset(name + 5, 'x', NAME_LENGTH_MAX + 1);
	ok(look_error(name) == -ENAMETOOLONG, "a name of 256 bytes: ENAMETOOLONG");
}

static void check_sparse(void)
{
	struct file *f = host_open("/mnt/sparse", O_RDONLY);
	u8 bytes[100];
	u64 reads = host_disk.nr_reads;

	ok(f && inode_size(f->inode) == 3ul << 30, "a sparse file of 3 GiB");
	ok(host_read(f, bytes, 100, 1ul << 30) == 100 && bytes[0] == 0 && bytes[99] == 0,
	   "its hole is zeros");
	ok(host_disk.nr_reads - reads <= 3, "and costs no data reads");
	ok(host_read(f, bytes, 100, 3221225400ul) == 72 && memcmp(bytes, "end", 3) == 0 &&
	   bytes[3] == 0, "its last bytes");
	ok(host_read(f, bytes, 100, 3ul << 30) == 0, "nothing behind the end");
	file_put(f);
}

static void check_image(const char *what, const char *options)
{
	char name[160];

	make_image(options);
	int error = host_mount(0);

	snprintf(name, sizeof(name), "%s: mounts", what);
	ok(error == 0, name);
	if (error)
		return;
	compare_tree(what);
	snprintf(name, sizeof(name), "%s: directories are whole", what);
	ok(count_directory("/mnt/headers") == host_count("headers") &&
	   count_directory("/mnt/sub") == 3, name);
	host_unmount();
	snprintf(name, sizeof(name), "%s: e2fsck is silent after unmounting", what);
	ok(host_is_sound(&host_disk), name);
}

static void patch(u64 offset, u32 value, u32 nr_bytes)
{
	memcpy(host_disk.bytes + EXT2_SUPER_OFFSET + offset, &value, nr_bytes);
}

static void check_refusals(void)
{
	static const struct { const char *name; u32 offset, value, nr_bytes; } cases[] = {
		{ "no magic", 56, 0x1234, 2 }, { "block size 1024", 24, 0, 4 },
			{ "absurd block size", 24, 77, 4 },
		{ "extents", 96, 0x42, 4 }, { "journal to be replayed", 96, 0x6, 4 },
			{ "unknown feature", 96, 0x80000002, 4 },
		{ "no blocks", 4, 0, 4 }, { "too many blocks", 4, 0xffffffff, 4 },
			{ "no inodes in a group", 40, 0, 4 },
		{ "too many inodes in a group", 40, 0x10000, 4 }, { "no blocks in a group", 32, 0, 4 },
		{ "too many blocks in a group", 32, 0x10000, 4 }, { "inode size 0", 88, 0, 2 },
			{ "inode size 100", 88, 100, 2 },
		{ "inode size 8192", 88, 8192, 2 }, { "inode count", 0, 17, 4 },
			{ "revision 9", 76, 9, 4 },
		{ "first data block 1", 20, 1, 4 }, { "first inode 0", 84, 0, 4 },
	};
	char name[100];

	make_image("");
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 old;

		memcpy(&old, host_disk.bytes + EXT2_SUPER_OFFSET + cases[i].offset, 4);
		patch(cases[i].offset, cases[i].value, cases[i].nr_bytes);
		int error = host_mount(0);

		if (!error)
			host_unmount();
		snprintf(name, sizeof(name), "refused: %s", cases[i].name);
		ok(error == -EINVAL, name);
		patch(cases[i].offset, old, 4);
	}
	patch(100, 0x8 | 3, 4);
	ok(host_mount(0) == 0, "a read-only compatible feature is mounted");
	struct file *f = host_open("/mnt/new", O_CREAT | O_RDWR);

	ok(!f && host_error == -EROFS, "but not written");
	host_unmount();
	patch(100, 3, 4);
	u8 *group = host_disk.bytes + BLOCK_SIZE;
	u32 saved;

	for (u32 field = 0; field < 12; field += 4) {
		memcpy(&saved, group + field, 4);
		memset(group + field, 0xff, 4);
		snprintf(name, sizeof(name), "refused: a group's field at %u out of range", field);
		ok(host_mount(0) == -EINVAL, name);
		memcpy(group + field, &saved, 4);
	}
	host_disk.device.nr_blocks = 10;
	ok(host_mount(0) == -EINVAL, "refused: the device is smaller than the file system");
}

static void drop_everything(void)
{
	dentries_drop_unused(U64_MAX);
	inodes_drop_unused(U64_MAX);
	cache_drop_clean(&host_root_disk.device.cache);
}

int main(void)
{
	host_start();
	make_tree();
	check_image("defaults", "");
	drop_everything();
	u64 frames = host_frames;

	check_image("inodes of 128 bytes", "-I 128");
	check_image("small groups", "-g 1024");
	check_image("no file types, no sparse_super", "-O ^filetype,^sparse_super,^resize_inode");
	check_image("indexed directories", "-O dir_index");
	check_image("revision 0", "-r 0 -O none -I 128");
	make_image("");
	require(host_mount(MS_RDONLY) == 0);
	u64 writes = host_disk.nr_writes;

	check_names();
	check_sparse();
	host_unmount();
	ok(host_disk.nr_writes == writes, "a read-only mount writes nothing");
	check_refusals();
	drop_everything();
	ok(host_frames == frames && host_objects_of("dentry") == 1 &&
	   host_objects_of("ext2_inode") == 2 &&
	   host_objects_of("file") == 0, "no memory is lost");
	return tap_end();
}
