/* mount; mount [-r] [-t type] [-o options] source directory: shows what is mounted, or mounts. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned long set, clear;
} words[] = {
	{ "ro", MS_RDONLY, 0 }, { "rw", 0, MS_RDONLY }, { "noatime", MS_NOATIME, 0 },
	{ "nosuid", MS_NOSUID, 0 }, { "nodev", MS_NODEV, 0 }, { "noexec", MS_NOEXEC, 0 },
	{ "sync", MS_SYNCHRONOUS, 0 }, { "remount", MS_REMOUNT, 0 }, { "defaults", 0, 0 },
};

static int show_mounts(void)
{
	char device[128], directory[256], type[64], options[256], *line = NULL;
	FILE *mounts = fopen("/proc/mounts", "r");
	size_t size = 0;

	if (!mounts)
		err(1, "/proc/mounts");
	while (getline(&line, &size, mounts) >= 0)
		if (sscanf(line, "%127s %255s %63s %255s", device, directory, type, options) == 4)
			printf("%s on %s type %s (%s)\n", device, directory, type, options);
	free(line);
	fclose(mounts);
	return finish_output();
}

/* Takes the words this program knows out of `text`; the file system gets the rest. */
static unsigned long parse_options(char *text, char *rest, size_t size)
{
	unsigned long flags = 0;

	*rest = '\0';
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof(words) / sizeof(words[0]) && strcmp(words[i].name, word))
			i++;
		if (i < sizeof(words) / sizeof(words[0])) {
			flags = (flags | words[i].set) & ~words[i].clear;
			continue;
		}
		size_t len = strlen(rest);
		snprintf(rest + len, size - len, "%s%s", len ? "," : "", word);
	}
	return flags;
}

int main(int argc, char **argv)
{
	const char *type = "ext2";
	unsigned long flags = 0;
	char rest[256] = "";
	int option;

	while ((option = getopt(argc, argv, "rt:o:")) != -1) {
		if (option == '?')
			return 2;
		if (option == 'r')
			flags |= MS_RDONLY;
		if (option == 't')
			type = optarg;
		if (option == 'o')
			flags |= parse_options(optarg, rest, sizeof(rest));
	}
	argv += optind;
	argc -= optind;
	if (!argc)
		return show_mounts();
	if (argc != 2)
		errx(2, "usage: mount [-r] [-t type] [-o options] source directory");
	if (mount(argv[0], argv[1], type, flags, rest) < 0)
		err(1, "cannot mount %s on %s", argv[0], argv[1]);
	return 0;
}
