/*
 * clock.c - the clock of the benchmark. The vDSO is a small shared library that the kernel maps into every process
 * (AT_SYSINFO_EHDR says where): its clock_gettime is found here by name, as a C library does it. Idle time is what
 * must be left out where a row waits for the disk, since a disk's speed is not the kernel's.
 */
#include "bench.h"
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

typedef int clock_function(clockid_t clock, struct timespec *time);

static clock_function *read_clock = clock_gettime;
static uint64_t started, idle_before;

struct result result;
bool measures_idle;

static clock_function *find_symbol(const char *base, const Elf64_Dyn *dynamic, uint64_t offset)
{
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;
	const uint32_t *hash = NULL;

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const char *at = base + dynamic->d_un.d_ptr - offset;

		if (dynamic->d_tag == DT_SYMTAB)
			symbols = (const Elf64_Sym *)at;
		else if (dynamic->d_tag == DT_STRTAB)
			strings = at;
		else if (dynamic->d_tag == DT_HASH)
			hash = (const uint32_t *)at;
	}
	if (!symbols || !strings || !hash)
		return NULL;
	for (uint32_t i = 0; i < hash[1]; i++)          // nchain: the number of symbols
		if (symbols[i].st_shndx && !strcmp(strings + symbols[i].st_name, "__vdso_clock_gettime"))
			return (clock_function *)(base + symbols[i].st_value - offset);
	return NULL;
}

static clock_function *find_vdso_clock(const char *base)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + header->e_phoff);
	const Elf64_Dyn *dynamic = NULL;
	uint64_t offset = 0;

	for (int i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
			offset = segments[i].p_vaddr;
		else if (segments[i].p_type == PT_DYNAMIC)
			dynamic = (const Elf64_Dyn *)(base + segments[i].p_offset);
	}
	return dynamic ? find_symbol(base, dynamic, offset) : NULL;
}

void clock_init(void)
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
	clock_function *found = vdso ? find_vdso_clock(vdso) : NULL;

	if (found)
		read_clock = found;
}

uint64_t now(void)
{
	struct timespec time;

	if (read_clock(CLOCK_MONOTONIC, &time))
		fail("clock_gettime");
	return (uint64_t)time.tv_sec * 1000000000ul + (uint64_t)time.tv_nsec;
}

uint64_t cycles(void)
{
	return __builtin_ia32_rdtsc();
}

static bool read_text(const char *path, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return false;
	while (used < size - 1 && (n = read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = '\0';
	return used > 0;
}

static uint64_t number_behind(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	while (at && *at && (*at < '0' || *at > '9'))
		at++;
	return at ? strtoul(at, NULL, 10) : 0;
}

// To the nanosecond from /proc/timer_list, else in hundredths of a second from /proc/uptime.
uint64_t idle_time(void)
{
	static char text[16384];

	if (read_text("/proc/timer_list", text, sizeof(text)) && strstr(text, ".idle_sleeptime"))
		return number_behind(text, ".idle_sleeptime") + number_behind(text, ".iowait_sleeptime");
	if (!read_text("/proc/uptime", text, sizeof(text)) || !strchr(text, ' '))
		return 0;
	char *rest;
	uint64_t seconds = strtoul(strchr(text, ' '), &rest, 10);
	return seconds * 1000000000ul + (*rest == '.' ? strtoul(rest + 1, NULL, 10) * 10000000ul : 0);
}

void begin(void)
{
	if (measures_idle)
		idle_before = idle_time();
	started = now();
}

void add_result(uint64_t ops, uint64_t ns)
{
	result.ops += ops;
	result.ns += ns;
}

void end(uint64_t ops)
{
	add_result(ops, now() - started);
	if (measures_idle) {
		uint64_t idle = idle_time();

		result.knows_idle = idle != 0;
		result.idle += idle - idle_before;
	}
}
