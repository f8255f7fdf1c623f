#pragma once
/*
 * pressure.h - what the programs share that run in machines of little RAM (tests/test_pressure.py): memory and
 * files of any size, the kernel's counts and its audit, and the end of a run that went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB (1ul << 20)
#define RW (PROT_READ | PROT_WRITE)
#define SHARED __attribute__((unused)) static           // each program uses some of them

SHARED void die(const char *what)
{
	printf("pressure: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

SHARED void wrong(const char *what, unsigned long seen, unsigned long expected)
{
	printf("pressure: %s: %lu, expected %lu\n", what, seen, expected);
	fflush(stdout);
	_exit(1);
}

SHARED uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

SHARED void *map(unsigned long bytes, int flags, int fd)
{
	void *p = mmap(NULL, bytes, RW, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

// As many bytes, all of them a hole.
SHARED int new_file(const char *name, unsigned long bytes)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd == -1 || ftruncate(fd, (off_t)bytes) == -1)
		die(name);
	return fd;
}

// The number behind a name at the start of a line of a file of /proc.
SHARED unsigned long number_in(const char *path, const char *name)
{
	static char text[16 * 1024];
	int fd = open(path, O_RDONLY);
	ssize_t n, length = 0;

	if (fd == -1)
		die(path);
	while ((n = read(fd, text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += n;
	close(fd);
	text[length] = 0;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, strlen(name)) && strchr(": \t", line[strlen(name)]))
			return strtoul(line + strlen(name) + strspn(line + strlen(name), ": \t"), NULL, 10);
	}
	errno = ENOENT;
	die(name);
	return 0;
}

SHARED unsigned long vmstat(const char *name)
{
	return number_in("/proc/vmstat", name);
}

// The kernel's own check of its counts; 0 when it is clean, or there is none.
SHARED int audit(void)
{
	char text[4096];
	int fd = open("/proc/audit", O_RDONLY);

	if (fd == -1)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	if (!strncmp(text, "audit: clean", 12))
		return 0;
	printf("%s", text);
	return 1;
}
