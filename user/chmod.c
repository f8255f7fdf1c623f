/* chmod [-R] mode file ...: mode in octal or as u+x,go-w. */
#include "util.h"
#include <dirent.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int change(const char *text, const char *path, bool recursive);

static int change_inside(const char *text, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int status = 0;

	if (!dir) {
		warn("%s", path);
		return 1;
	}
	while ((entry = readdir(dir))) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		char *inner = path_join(path, entry->d_name);
		if (lstat(inner, &st) == 0 && !S_ISLNK(st.st_mode))
			status |= change(text, inner, true);
		free(inner);
	}
	closedir(dir);
	return status;
}

static int change(const char *text, const char *path, bool recursive)
{
	struct stat st;
	mode_t mode;

	if (stat(path, &st) < 0) {
		warn("%s", path);
		return 1;
	}
	if (!mode_parse(text, st.st_mode, &mode))
		errx(1, "invalid mode '%s'", text);
	if (chmod(path, mode) < 0) {
		warn("%s", path);
		return 1;
	}
	return recursive && S_ISDIR(st.st_mode) ? change_inside(text, path) : 0;
}

int main(int argc, char **argv)
{
	bool recursive = false;
	int i = 1, status = 0;

	/* Not getopt: "-w" is a mode. */
	if (i < argc && !strcmp(argv[i], "-R")) {
		recursive = true;
		i++;
	}
	if (argc - i < 2)
		errx(2, "usage: chmod [-R] mode file ...");
	for (int file = i + 1; file < argc; file++)
		status |= change(argv[i], argv[file], recursive);
	return status;
}
