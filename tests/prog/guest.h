#pragma once
/*
 * guest.h - what the tests of mapping need again and again: pages and files with a known pattern,
 * gates between processes, and the views that the kernel gives of itself (/proc/self/maps, pagemap,
 * counts). Everything fails the running test by itself when it cannot do its work, except where the
 * contract says otherwise.
 */
#include "test.h"

#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

typedef volatile unsigned char cell;            // a byte in a mapping: each access is really done

// The byte which make_file puts at this offset: never 0, and different in neighbouring pages.
static inline unsigned char pattern(unsigned long offset)
{
	return 1 + (offset + offset / PAGE * 41) % 251;
}

static inline unsigned char load(const volatile void *address)
{
	__asm__("" : "+r"(address));            // keeps the compiler from judging the address
	return *(cell *)address;
}

static inline void store(volatile void *address, unsigned char value)
{
	__asm__("" : "+r"(address));
	*(cell *)address = value;
}

/* ---- files ----------------------------------------------------------------------------------- */

// A child that ends at once.
static TEST_UNUSED pid_t fork_exit(int status)
{
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(status);
	return child;
}

// A child that lives until it is killed.
static TEST_UNUSED pid_t fork_sleeper(void)
{
	pid_t child = MUST(fork());

	while (child == 0)
		pause();
	return child;
}

// A new file of this many bytes in the pattern, open for reading and writing.
static TEST_UNUSED int make_file(const char *name, unsigned long size)
{
	unsigned char page[PAGE];
	int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));

	for (unsigned long at = 0; at < size; at += PAGE) {
		unsigned long n = size - at < PAGE ? size - at : PAGE;
		for (unsigned long i = 0; i < n; i++)
			page[i] = pattern(at + i);
		CHECK_EQ(write(fd, page, n), n);
	}
	return fd;
}

// The byte of the file that read() sees at this offset.
static TEST_UNUSED unsigned char file_byte(int fd, off_t offset)
{
	unsigned char byte = 0;

	CHECK_EQ(pread(fd, &byte, 1, offset), 1);
	return byte;
}

static TEST_UNUSED void put_byte(int fd, off_t offset, unsigned char value)
{
	CHECK_EQ(pwrite(fd, &value, 1, offset), 1);
}

static TEST_UNUSED long file_size(int fd)
{
	struct stat status;

	MUST(fstat(fd, &status));
	return status.st_size;
}

// Ends the test where the work folder is Linux's tmpfs, for the few facts in which it differs from a
// file system on a disk: it leaves stores past the end of the last page in place when the file grows,
// and it gives a hole its block when the hole is only read through a mapping.
static TEST_UNUSED void skip_on_linux_tmpfs(void)
{
	struct statfs fs;

	MUST(statfs(".", &fs));
	if (fs.f_type == 0x01021994 && access("/proc/self/counts", F_OK) != 0)
		SKIP("Linux's tmpfs differs here");
}

// [start, start + length) shows the pattern from this offset on.
static TEST_UNUSED void check_pattern(const volatile void *start, unsigned long length,
				      unsigned long offset)
{
	for (unsigned long i = 0; i < length; i++)
		if (((cell *)start)[i] != pattern(offset + i))
			FAIL("expected file offset %lu (0x%02x) at byte %lu, seen 0x%02x", offset + i,
			     pattern(offset + i), i, ((cell *)start)[i]);
}

/* ---- mappings -------------------------------------------------------------------------------- */

static TEST_UNUSED unsigned char *map_file(int fd, unsigned long length, int prot, int flags,
					   off_t offset)
{
	return MUST(mmap(NULL, length, prot, flags, fd, offset));
}

static TEST_UNUSED unsigned char *map_anonymous(unsigned long length)
{
	return MUST(mmap(NULL, length, RW, ANON, -1, 0));
}

// An address at which this many bytes are surely not mapped, and beside which nothing is.
static TEST_UNUSED unsigned char *find_hole(unsigned long length)
{
	unsigned char *start = MUST(mmap(NULL, length + 2 * PAGE, PROT_NONE, ANON, -1, 0));

	MUST(munmap(start + PAGE, length));
	return start + PAGE;
}

/* ---- other processes ------------------------------------------------------------------------- */

// A gate lets one waiting process through per gate_open().
struct gate {
	int ends[2];
};

static TEST_UNUSED struct gate gate_make(void)
{
	struct gate gate;

	MUST(pipe(gate.ends));
	return gate;
}

static TEST_UNUSED void gate_open(struct gate gate)
{
	CHECK_EQ(write(gate.ends[1], "", 1), 1);
}

static TEST_UNUSED void gate_wait(struct gate gate)
{
	char byte;

	CHECK_EQ(read(gate.ends[0], &byte, 1), 1);
}

/* ---- the kernel's views of itself ------------------------------------------------------------ */

// The whole text of a file of /proc into a static buffer; NULL if there is no such file.
static TEST_UNUSED const char *slurp(const char *path)
{
	static char text[256 * 1024];
	unsigned long length = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd == -1)
		return NULL;
	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = 0;
	return text;
}

struct map_line {
	unsigned long start, end, offset, inode;
	char permissions[8], path[256];
};

static TEST_UNUSED const char *map_line_parse(const char *text, struct map_line *line)
{
	char *next;
	unsigned long i = 0;

	line->start = strtoul(text, &next, 16);
	line->end = strtoul(next + 1, &next, 16);
	memcpy(line->permissions, next + 1, 4);
	line->permissions[4] = 0;
	line->offset = strtoul(next + 6, &next, 16);
	next = strchr(next + 1, ' ');           // over the device number
	line->inode = strtoul(next, &next, 10);
	while (*next == ' ')
		next++;
	while (*next && *next != '\n') {
		if (i < sizeof(line->path) - 1)
			line->path[i++] = *next;
		next++;
	}
	line->path[i] = 0;
	return *next ? next + 1 : next;
}

// The line of /proc/self/maps which holds this address; false if there is none.
static TEST_UNUSED bool map_line_at(const volatile void *address, struct map_line *line)
{
	const char *text = slurp("/proc/self/maps");

	CHECK(text != NULL);
	while (*text) {
		text = map_line_parse(text, line);
		if (line->start <= (unsigned long)address && (unsigned long)address < line->end)
			return true;
	}
	return false;
}

// The /proc/self/pagemap word of this address (0 if there is no such file).
static TEST_UNUSED unsigned long pagemap_word(const volatile void *address)
{
	unsigned long word = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd == -1)
		return 0;
	if (pread(fd, &word, 8, (unsigned long)address / PAGE * 8) != 8)
		word = 0;
	close(fd);
	return word;
}

// The frame number which is mapped at this address; 0 if it may not be known or nothing is mapped.
static TEST_UNUSED unsigned long frame_of(const volatile void *address)
{
	unsigned long word = pagemap_word(address);

	return word >> 63 ? word & ((1UL << 55) - 1) : 0;
}

// The number behind a name at the start of a line, in a text like "name value" or "Name:  value kB";
// -1 if there is no such line.
static TEST_UNUSED long number_named(const char *text, const char *name)
{
	unsigned long length = strlen(name);

	while (text && *text) {
		if (strncmp(text, name, length) == 0 && strchr(" :\t", text[length])) {
			text += length;
			while (*text == ' ' || *text == ':' || *text == '\t')
				text++;
			return strtol(text, NULL, 10);
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return -1;
}

// One of Lectern's own counts of this process; -1 on other systems.
static TEST_UNUSED long own_count(const char *name)
{
	return number_named(slurp("/proc/self/counts"), name);
}

static TEST_UNUSED long minor_faults(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}
