/* uniq [-c] [-d] [-u] [-i] [input [output]]: neighbouring equal lines once. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool counts, only_repeated, only_single, fold;

static void show(const char *line, unsigned long times)
{
	if ((only_repeated && times == 1) || (only_single && times > 1))
		return;
	if (counts)
		printf("%7lu ", times);
	puts(line);
}

/* The next line without its newline, to be freed; NULL at the end. */
static char *next_line(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len = getline(&line, &size, stdin);

	if (len < 0) {
		free(line);
		return NULL;
	}
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	return line;
}

int main(int argc, char **argv)
{
	unsigned long times = 1;
	int option;

	while ((option = getopt(argc, argv, "cdui")) != -1) {
		if (option == '?')
			return 2;
		counts |= option == 'c';
		only_repeated |= option == 'd';
		only_single |= option == 'u';
		fold |= option == 'i';
	}
	if (optind < argc && strcmp(argv[optind], "-") && !freopen(argv[optind], "r", stdin))
		err(1, "%s", argv[optind]);
	if (optind + 1 < argc && !freopen(argv[optind + 1], "w", stdout))
		err(1, "%s", argv[optind + 1]);
	char *before = next_line(), *line;
	while (before && (line = next_line())) {
		if (!(fold ? strcasecmp(line, before) : strcmp(line, before))) {
			times++;
			free(line);
			continue;
		}
		show(before, times);
		free(before);
		before = line;
		times = 1;
	}
	if (before)
		show(before, times);
	if (ferror(stdin))
		err(1, "standard input");
	return finish_output();
}
