/* mkdir [-p] [-v] [-m MODE] directory ...: -p makes parents too and accepts what is there. */
#include "util.h"
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int failed = mkdir(path, 0777) < 0 && !is_directory(path);
		if (failed)
			warn("cannot create directory '%s'", path);
		*slash = '/';
		if (failed)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool parents = false, verbose = false;
	const char *mode_text = NULL;
	mode_t mode = 0777;
	int option, status = 0;

	while ((option = getopt(argc, argv, "pvm:")) != -1) {
		if (option == '?')
			return 2;
		parents |= option == 'p';
		verbose |= option == 'v';
		if (option == 'm')
			mode_text = optarg;
	}
	if (mode_text && !mode_parse(mode_text, 0777 | S_IFDIR, &mode))
		errx(1, "invalid mode '%s'", mode_text);
	if (optind == argc)
		errx(2, "usage: mkdir [-p] [-m mode] directory ...");
	for (char **path = argv + optind; *path; path++) {
		if (parents && make_parents(*path)) {
			status = 1;
		} else if (mkdir(*path, mode) < 0) {
			if (parents && errno == EEXIST && is_directory(*path))
				continue;
			warn("cannot create directory '%s'", *path);
			status = 1;
		} else {
			if (mode_text)
				chmod(*path, mode);     /* not reduced by the umask */
			if (verbose)
				printf("mkdir: created directory '%s'\n", *path);
		}
	}
	return status | finish_output();
}
