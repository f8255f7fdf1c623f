/* ln [-s] [-f] [-v] target [name]; ln [-sfv] target ... directory: links, -s symbolic ones. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool symbolic, force, verbose;

static int make_link(const char *target, const char *name)
{
	if (force)
		unlink(name);
	if ((symbolic ? symlink(target, name) : link(target, name)) < 0) {
		warn("failed to create %s link '%s'", symbolic ? "symbolic" : "hard", name);
		return 1;
	}
	if (verbose)
		printf("'%s' -> '%s'\n", name, target);
	return 0;
}

int main(int argc, char **argv)
{
	int option, status = 0;
	struct stat st;

	while ((option = getopt(argc, argv, "sfv")) != -1) {
		if (option == '?')
			return 2;
		symbolic |= option == 's';
		force |= option == 'f';
		verbose |= option == 'v';
	}
	argv += optind;
	argc -= optind;
	if (argc < 1)
		errx(2, "usage: ln [-sfv] target [name]");
	const char *last = argc == 1 ? "." : argv[argc - 1];
	bool into = stat(last, &st) == 0 && S_ISDIR(st.st_mode);
	if (argc > 2 && !into)
		errx(1, "%s: not a directory", last);
	if (!into)
		return make_link(argv[0], last) | finish_output();
	for (int i = 0; i < (argc == 1 ? 1 : argc - 1); i++) {
		char *name = argc == 1 ? path_join(".", path_last(argv[i])) :
			path_join(last, path_last(argv[i]));

		status |= make_link(argv[i], name);
		free(name);
	}
	return status | finish_output();
}
