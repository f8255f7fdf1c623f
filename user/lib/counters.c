/*
 * What the kernel counts, as a program reads it. Lectern has /proc/self/counts; Linux has only
 * getrusage, so there most counters are absent and the programs print n/a.
 */
#include "util.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { COUNTER_FILE_SIZE = 16384 };

/* Into a static buffer and with plain read(), so that looking at the counters changes them as little as possible. */
long counter_in(const char *path, const char *name)
{
	static char data[COUNTER_FILE_SIZE];
	size_t used = 0, len = strlen(name);
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return COUNTER_ABSENT;
	while (used < sizeof(data) - 1 && (n = read(fd, data + used, sizeof(data) - 1 - used)) > 0)
		used += n;
	close(fd);
	data[used] = '\0';
	for (char *line = data; line && *line; ) {
		if (!strncmp(line, name, len) && (line[len] == ' ' || line[len] == ':'))
			return strtol(line + len + 1, NULL, 10);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return COUNTER_ABSENT;
}

long counter_global(const char *name)
{
	return counter_in("/proc/vmstat", name);
}

long counter_own(const char *name)
{
	struct rusage usage;
	long value = counter_in("/proc/self/counts", name);

	if (value != COUNTER_ABSENT || getrusage(RUSAGE_SELF, &usage) < 0)
		return value;
	if (!strcmp(name, "minor_faults"))
		return usage.ru_minflt;
	if (!strcmp(name, "major_faults"))
		return usage.ru_majflt;
	return COUNTER_ABSENT;
}

uint64_t page_frame(const volatile void *address)
{
	const uint64_t present = 1ull << 63, frame_mask = (1ull << 55) - 1;
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return 0;
	off_t offset = (off_t)((uintptr_t)address / 4096 * sizeof(entry));
	ssize_t n = pread(fd, &entry, sizeof(entry), offset);
	close(fd);
	return n == sizeof(entry) && entry & present ? entry & frame_mask : 0;
}
