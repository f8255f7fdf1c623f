/*
 * cp [-r] [-p] [-f] [-v] source target; cp ... source ... directory. -r copies directories, -p
 * keeps mode, owner and times. Links inside a tree are copied as links.
 */
#include "tree.h"
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int flags = 0;
	int letter, status = 0;
	struct stat st;

	while ((letter = getopt(argc, argv, "rRpfva")) != -1) {
		switch (letter) {
		case 'r':
		case 'R':
			flags |= COPY_RECURSIVE;
			break;
		case 'p':
			flags |= COPY_PRESERVE;
			break;
		case 'a':
			flags |= COPY_RECURSIVE | COPY_PRESERVE | COPY_LINKS;
			break;
		case 'f':
			flags |= COPY_FORCE;
			break;
		case 'v':
			flags |= COPY_VERBOSE;
			break;
		default:
			return 2;
		}
	}
	argv += optind;
	argc -= optind;
	if (argc < 2)
		errx(2, "usage: cp [-rpfv] source ... target");
	const char *target = argv[argc - 1];
	bool into = stat(target, &st) == 0 && S_ISDIR(st.st_mode);
	if (argc > 2 && !into)
		errx(1, "target '%s' is not a directory", target);
	for (int i = 0; i < argc - 1; i++) {
		char *path = into ? target_in_directory(target, argv[i]) : strdup(target);

		status |= copy_tree(argv[i], path, flags);
		free(path);
	}
	return status | finish_output();
}
