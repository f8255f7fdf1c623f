/*
 * One page cache. A store through a mapping is what the next read() returns, a write() is what the
 * next load sees, and two mappings of one file are one memory, at once and without msync. At the end
 * thousands of random operations are compared with a plain array.
 *
 * coherent [--quiet] [--file PATH] [--seed N] [--count N]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAP_PAGES = 8, MAP_SIZE = MAP_PAGES * DEMO_PAGE, LONGEST = 6000 };

struct file {
	int fd, append_fd;
	unsigned char *a, *b;           /* two mappings of the same bytes */
	long size;
};

static unsigned char model[MAP_SIZE];   /* what the file should hold; zeros behind its end */

/* A small generator, so that a seed means the same on every system. */
static unsigned long state;

static unsigned long random_below(unsigned long limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static void open_all(struct file *f, const char *path)
{
	f->size = 2 * DEMO_PAGE;
	f->fd = demo_file(path, f->size);
	f->append_fd = open(path, O_WRONLY | O_APPEND);
	f->a = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	f->b = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (f->append_fd < 0 || f->a == MAP_FAILED || f->b == MAP_FAILED)
		err(1, "%s", path);
}

static void simple_story(struct file *f)
{
	char buffer[8] = "";

	memcpy(f->a + 100, "stored", 6);
	if (pread(f->fd, buffer, 6, 100) != 6)
		err(1, "pread");
	demo_say("store through the map, then read():   \"%s\"\n", buffer);
	demo_claim("read() saw the store at once", !memcmp(buffer, "stored", 6));

	if (pwrite(f->fd, "write", 5, 200) != 5)
		err(1, "pwrite");
	demo_say("write(), then load through the map:   \"%.5s\"\n", f->a + 200);
	demo_claim("the load saw the write at once", !memcmp(f->a + 200, "write", 5));

	f->b[300] = 'B';
	demo_say("store through map B, load through A:  \"%c\"\n", f->a[300]);
	demo_claim("two maps are one memory", f->a[300] == 'B');
	uint64_t frame_a = page_frame(f->a), frame_b = page_frame(f->b);
	demo_say("frames under A and B:                 %s and %s\n",
		 demo_count(frame_a ? (long)frame_a : COUNTER_ABSENT),
		 demo_count(frame_b ? (long)frame_b : COUNTER_ABSENT));
	demo_report("frame_a", frame_a ? (long)frame_a : COUNTER_ABSENT);
	demo_report("frame_b", frame_b ? (long)frame_b : COUNTER_ABSENT);
	demo_claim("one frame under both", frame_a == frame_b);

	if (write(f->append_fd, "appended", 8) != 8)
		err(1, "append");
	demo_say("append to the file, load behind:      \"%.8s\"\n\n", f->a + f->size);
	demo_claim("the map shows what was appended", !memcmp(f->b + f->size, "appended", 8));
	if (ftruncate(f->fd, 0) < 0 || ftruncate(f->fd, f->size) < 0)
		err(1, "ftruncate");
}

/* One random operation on both the file and the model. Returns false when they disagree. */
static bool random_step(struct file *f)
{
	static unsigned char buffer[LONGEST];
	long offset = (long)random_below(f->size);
	long len = 1 + (long)random_below(random_below(8) ? 64 : LONGEST);
	unsigned char fill = (unsigned char)random_below(256);
	unsigned char *map = random_below(2) ? f->a : f->b;

	if (len > f->size - offset)
		len = f->size - offset;
	switch (random_below(6)) {
	case 0:
	case 1:
		memset(map + offset, fill, len);
		memset(model + offset, fill, len);
		return true;
	case 2:
		memset(buffer, fill, len);
		memset(model + offset, fill, len);
		return pwrite(f->fd, buffer, len, offset) == len;
	case 3:
		return pread(f->fd, buffer, len, offset) == len &&
		       !memcmp(buffer, model + offset, len);
	case 4:
		return !memcmp(map + offset, model + offset, len);
	default:
		len = 1 + (long)random_below(100);
		if (random_below(16) || f->size + len > MAP_SIZE)
			return true;
		memset(buffer, fill, len);
		memset(model + f->size, fill, len);
		f->size += len;
		return write(f->append_fd, buffer, len) == len;
	}
}

static long random_story(struct file *f, long count)
{
	long wrong = 0;

	memset(model, 0, sizeof(model));
	for (long i = 0; i < count; i++)
		if (!random_step(f)) {
			if (!wrong++)
				demo_say("  operation %ld is the first that differs\n", i);
		}
	struct stat st;
	if (fstat(f->fd, &st) < 0)
		err(1, "fstat");
	demo_claim("the size is right", st.st_size == f->size);
	demo_claim("at the end all bytes are equal", !memcmp(f->a, model, f->size));
	return wrong;
}

int main(int argc, char **argv)
{
	const char *path = "/tmp/coherent.dat";
	long seed = 1, count = 10000;
	struct file f;

	for (int i = 1; i < argc; i++) {
		if (demo_option(argv[i]))
			continue;
		if (!strcmp(argv[i], "--file") && i + 1 < argc)
			path = argv[++i];
		else if (!strcmp(argv[i], "--seed"))
			seed = demo_number(argc, argv, &i);
		else if (!strcmp(argv[i], "--count"))
			count = demo_number(argc, argv, &i);
		else
			errx(2, "usage: coherent [--quiet] [--file path] [--seed n] [--count n]");
	}
	state = (unsigned long)seed * 0x9e3779b97f4a7c15ul + 1;
	open_all(&f, path);
	simple_story(&f);
	demo_say("%ld random operations from seed %ld: store, load, read, write, append\n", count,
		seed);
	long wrong = random_story(&f, count);
	demo_say("  operations that differ from the model: %ld\n", wrong);
	demo_report("operations", count);
	demo_report("differences", wrong);
	demo_claim("file, maps and model agree", wrong == 0);
	return demo_end("what would be different if read() copied from a cache of its own?",
			"--seed N, --count N: another story, a longer one");
}
