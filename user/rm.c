/* rm [-r] [-f] [-d] [-v] file ...: removes names; -r directories and all in them. */
#include "tree.h"
#include "util.h"
#include <err.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int flags = 0;
	int letter, status = 0;

	while ((letter = getopt(argc, argv, "rRfdv")) != -1) {
		switch (letter) {
		case 'r':
		case 'R':
			flags |= REMOVE_RECURSIVE;
			break;
		case 'f':
			flags |= REMOVE_FORCE;
			break;
		case 'd':
			flags |= REMOVE_EMPTY;
			break;
		case 'v':
			flags |= REMOVE_VERBOSE;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc && !(flags & REMOVE_FORCE))
		errx(2, "usage: rm [-rfdv] file ...");
	for (char **path = argv + optind; *path; path++) {
		const char *last = path_last(*path);

		if (!strcmp(last, ".") || !strcmp(last, "..")) {
			warnx("refusing to remove '.' or '..': '%s'", *path);
			status = 1;
			continue;
		}
		status |= remove_tree(*path, flags);
	}
	return status | finish_output();
}
