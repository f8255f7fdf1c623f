/* uptime: how long the system runs, and how busy it was. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>

int main(void)
{
	char *text = read_whole("/proc/uptime", NULL), *load = read_whole("/proc/loadavg", NULL);
	time_t now = time(NULL);
	struct tm *broken = localtime(&now);

	if (!text)
		err(1, "/proc/uptime");
	unsigned long seconds = strtoul(text, NULL, 10), days = seconds / 86400;
	if (broken)
		printf(" %02d:%02d:%02d", broken->tm_hour, broken->tm_min, broken->tm_sec);
	printf(" up ");
	if (days)
		printf("%lu day%s, ", days, days > 1 ? "s" : "");
	if (seconds >= 3600)
		printf("%lu:%02lu", seconds / 3600 % 24, seconds / 60 % 60);
	else if (seconds >= 60)
		printf("%lu min", seconds / 60);
	else
		printf("%lu s", seconds);
	if (load) {
		char averages[3][16];

		if (sscanf(load, "%15s %15s %15s", averages[0], averages[1], averages[2]) == 3)
			printf(",  load average: %s, %s, %s", averages[0], averages[1],
				averages[2]);
	}
	putchar('\n');
	return finish_output();
}
