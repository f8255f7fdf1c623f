/*
 * fsx.c - a file exercised at random, in the manner of the old fsx: reads, writes, loads and stores through mappings,
 * truncations down and up, syncs and new openings, each compared with a model in memory. One process alone, and several
 * on regions of one file which meet in the middle of pages.
 *
 *	fsx --helper campaign SEED OPERATIONS [FOLDER]  a longer run: one process, then four
 */
#include "guest.h"

#define FILE_MOST (160 * 1024UL)

static unsigned long random_state;
static unsigned char *model, *scratch;
static unsigned long size_now;
static int fd;
static long operation;

static unsigned long below(unsigned long limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * 0x2545f4914f6cdd1d >> 33) % limit;
}

static void begin(unsigned long seed)
{
	random_state = (seed * 0x9e3779b97f4a7c15) | 1;
	model = map_anonymous(FILE_MOST);
	scratch = map_anonymous(FILE_MOST);
	size_now = 0;
}

static void compare(const unsigned char *seen, unsigned long offset, unsigned long length, const char *what)
{
	if (memcmp(seen, model + offset, length) == 0)
		return;
	for (unsigned long i = 0; i < length; i++)
		if (seen[i] != model[offset + i])
			FAIL("operation %ld, %s of %lu bytes at %lu (size %lu): "
			     "expected 0x%02x at offset %lu, seen 0x%02x",
			     operation, what, length, offset, size_now, model[offset + i], offset + i, seen[i]);
}

static void read_some(unsigned long offset, unsigned long length)
{
	CHECK_EQ(pread(fd, scratch, length, offset), length);
	compare(scratch, offset, length, "read");
}

static void write_some(unsigned long offset, unsigned long length)
{
	unsigned char value = below(256);

	for (unsigned long i = 0; i < length; i++)
		model[offset + i] = value + i % 7;
	CHECK_EQ(pwrite(fd, model + offset, length, offset), length);
}

// A mapping of just the pages that hold the bytes; the caller's byte is at the result.
static unsigned char *map_some(unsigned long offset, unsigned long length, int prot, int flags)
{
	unsigned long inside = offset % PAGE;

	return map_file(fd, inside + length, prot, flags, offset - inside) + inside;
}

static void unmap_some(unsigned char *at, unsigned long length)
{
	unsigned long inside = (unsigned long)at % PAGE;

	MUST(munmap(at - inside, inside + length));
}

static void load_some(unsigned long offset, unsigned long length)
{
	unsigned char *p = map_some(offset, length, PROT_READ, below(2) ? MAP_SHARED : MAP_PRIVATE);

	compare(p, offset, length, "load");
	unmap_some(p, length);
}

static void store_some(unsigned long offset, unsigned long length)
{
	unsigned char *p = map_some(offset, length, RW, MAP_SHARED), value = below(256);

	for (unsigned long i = 0; i < length; i++)
		p[i] = model[offset + i] = value + i % 5;
	if (below(4) == 0)
		MUST(msync(p - (unsigned long)p % PAGE, length, below(4) ? MS_ASYNC : MS_SYNC));
	unmap_some(p, length);
}

// Stores to a private mapping are nobody else's.
static void store_privately(unsigned long offset, unsigned long length)
{
	unsigned char *p = map_some(offset, length, RW, MAP_PRIVATE);

	memset(p, below(256), length);
	unmap_some(p, length);
}

static void write_from_mapping(unsigned long offset, unsigned long length, unsigned long from)
{
	unsigned char *p = map_some(from, length, PROT_READ, MAP_SHARED);

	if (from + length <= offset || offset + length <= from) {
		memcpy(model + offset, model + from, length);
		CHECK_EQ(pwrite(fd, p, length, offset), length);
	}
	unmap_some(p, length);
}

static void truncate_to(unsigned long size)
{
	MUST(ftruncate(fd, size));
	if (size < size_now)
		memset(model + size, 0, size_now - size);
	size_now = size;
	CHECK_EQ(file_size(fd), size);
}

static void open_anew(const char *name)
{
	if (below(2))
		MUST(fsync(fd));
	MUST(close(fd));
	fd = MUST(open(name, O_RDWR));
	CHECK_EQ(file_size(fd), size_now);
}

// A range within [low, high), not empty.
static void choose(unsigned long low, unsigned long high, unsigned long *offset, unsigned long *length)
{
	*offset = low + below(high - low);
	*length = 1 + below(below(3) ? 3 * PAGE : 16 * PAGE);
	if (*length > high - *offset)
		*length = high - *offset;
}

// What changes no size, within a range of the file.
static void same_size_operation(unsigned long low, unsigned long high)
{
	unsigned long offset, length, from;

	choose(low, high, &offset, &length);
	switch (below(8)) {
	case 0: case 1:
		read_some(offset, length);
		break;
	case 2:
		load_some(offset, length);
		break;
	case 3: case 4:
		store_some(offset, length);
		break;
	case 5:
		store_privately(offset, length);
		break;
	case 6:
		from = low + below(high - low - length + 1);
		write_from_mapping(offset, length, from);
		break;
	default:
		write_some(offset, length);
	}
}

static void exercise_alone(unsigned long seed, long operations)
{
	unsigned long offset, length;

	begin(seed);
	fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0644));
	for (operation = 1; operation <= operations; operation++) {
		unsigned long way = below(16);

		if (way == 0 || size_now == 0) {
			truncate_to(below(FILE_MOST));
		} else if (way < 3) {
			choose(0, FILE_MOST, &offset, &length);
			write_some(offset, length);
			if (offset + length > size_now)
				size_now = offset + length;
		} else if (way == 3 && below(4) == 0) {
			open_anew("file");
		} else {
			same_size_operation(0, size_now);
		}
		if (operation % 500 == 0) {
			load_some(0, size_now ? size_now : 1);
			read_some(0, size_now);
		}
	}
	MUST(close(fd));
}

#define WORKERS 4

// Each worker has a part of the file for itself; the borders lie within pages.
static void exercise_together(unsigned long seed, long operations)
{
	pid_t child[WORKERS];

	fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0644));
	MUST(ftruncate(fd, FILE_MOST));
	for (int i = 0; i < WORKERS; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			unsigned long low = i * (FILE_MOST / WORKERS) + i * 1111;
			unsigned long high = (i + 1) * (FILE_MOST / WORKERS) + (i + 1) * 1111;

			if (high > FILE_MOST)
				high = FILE_MOST;
			begin(seed + i);
			size_now = FILE_MOST;
			MUST(close(fd));
			fd = MUST(open("file", O_RDWR));
			for (operation = 1; operation <= operations; operation++) {
				if (below(60) == 0)
					open_anew("file");
				same_size_operation(low, high);
			}
			read_some(low, high - low);
			load_some(low, high - low);
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_CHILD(child[i]);
	MUST(close(fd));
}

TEST(one_process_finds_what_it_put)
{
	exercise_alone(1, 10000);
}

TEST(one_process_with_a_fresh_seed_finds_what_it_put)
{
	unsigned long seed = (unsigned long)time(NULL);

	say("# seed %lu\n", seed);
	exercise_alone(seed, 5000);
}

TEST(processes_on_regions_of_one_file_find_what_they_put)
{
	exercise_together(7, 2000);
}

HELPER(campaign)
{
	CHECK(argc >= 3);
	MUST(chdir(argc > 3 ? argv[3] : "/tmp"));
	mkdir("fsx", 0755);
	MUST(chdir("fsx"));
	unsigned long seed = strtoul(argv[1], NULL, 10);
	long operations = strtol(argv[2], NULL, 10);

	for (long done = 0; done < operations; done += 10000) {
		exercise_alone(seed++, 5000);
		exercise_together(seed, 1250);
		say("# seed %lu: %ld operations\n", seed, done + 10000);
	}
	return 0;
}
