/* free [-b|-k|-m|-h]: memory in use, from /proc/meminfo. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *meminfo;
static unsigned long unit = 1024;
static bool human;

/* In bytes; 0 when the kernel does not tell. */
static unsigned long value(const char *name)
{
	size_t len = strlen(name);

	for (char *line = meminfo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':')
			return strtoul(line + len + 1, NULL, 10) * 1024;
	}
	return 0;
}

static void show(unsigned long bytes)
{
	char text[32];

	if (human)
		show_human(text, bytes);
	else
		snprintf(text, sizeof(text), "%lu", bytes / unit);
	printf(" %11s", text);
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "bkmgh")) != -1) {
		switch (option) {
		case 'b': unit = 1; break;
		case 'k': unit = 1024; break;
		case 'm': unit = 1024 * 1024; break;
		case 'g': unit = 1024 * 1024 * 1024; break;
		case 'h': human = true; break;
		default: return 2;
		}
	}
	meminfo = read_whole("/proc/meminfo", NULL);
	if (!meminfo)
		err(1, "/proc/meminfo");
	unsigned long total = value("MemTotal"), unused = value("MemFree");
	unsigned long cache = value("Buffers") + value("Cached") + value("SReclaimable");
	unsigned long available = value("MemAvailable");

	printf("%-6s %11s %11s %11s %11s %11s %11s\n", "", "total", "used", "free", "shared",
	       "buff/cache", "available");
	printf("%-6s", "Mem:");
	show(total);
	show(total > available && available ? total - available : total - unused - cache);
	show(unused);
	show(value("Shmem"));
	show(cache);
	show(available);
	printf("\n%-6s", "Swap:");
	show(value("SwapTotal"));
	show(value("SwapTotal") - value("SwapFree"));
	show(value("SwapFree"));
	putchar('\n');
	return finish_output();
}
