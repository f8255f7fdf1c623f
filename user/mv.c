/*
 * mv [-f] [-n] [-v] source target; mv ... source ... directory: renames; between file systems,
 * copies and removes.
 */
#include "tree.h"
#include "util.h"
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int move(const char *source, const char *target)
{
	if (rename(source, target) == 0)
		return 0;
	if (errno != EXDEV) {
		warn("cannot move '%s' to '%s'", source, target);
		return 1;
	}
	if (copy_tree(source, target, COPY_RECURSIVE | COPY_PRESERVE | COPY_LINKS | COPY_FORCE))
		return 1;
	return remove_tree(source, REMOVE_RECURSIVE | REMOVE_FORCE);
}

int main(int argc, char **argv)
{
	bool keep = false, verbose = false;
	int letter, status = 0;
	struct stat st;

	while ((letter = getopt(argc, argv, "fnv")) != -1) {
		if (letter == '?')
			return 2;
		keep |= letter == 'n';
		verbose |= letter == 'v';
	}
	argv += optind;
	argc -= optind;
	if (argc < 2)
		errx(2, "usage: mv [-fnv] source ... target");
	const char *target = argv[argc - 1];
	bool into = stat(target, &st) == 0 && S_ISDIR(st.st_mode);
	if (argc > 2 && !into)
		errx(1, "target '%s' is not a directory", target);
	for (int i = 0; i < argc - 1; i++) {
		char *path = into ? target_in_directory(target, argv[i]) : strdup(target);

		if (!keep || lstat(path, &st) < 0) {
			int failed = move(argv[i], path);

			status |= failed;
			if (verbose && !failed)
				printf("renamed '%s' -> '%s'\n", argv[i], path);
		}
		free(path);
	}
	return status | finish_output();
}
