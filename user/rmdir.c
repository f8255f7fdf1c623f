/* rmdir [-p] directory ...: removes empty directories; -p their parents too. */
#include "util.h"
#include <err.h>
#include <string.h>
#include <unistd.h>

static int remove_one(const char *path)
{
	if (rmdir(path) == 0)
		return 0;
	warn("failed to remove '%s'", path);
	return 1;
}

int main(int argc, char **argv)
{
	bool parents = false;
	int option, status = 0;

	while ((option = getopt(argc, argv, "p")) != -1) {
		if (option == '?')
			return 2;
		parents = true;
	}
	if (optind == argc)
		errx(2, "usage: rmdir [-p] directory ...");
	for (char **path = argv + optind; *path; path++) {
		int failed = remove_one(*path);
		char *slash;

		while (parents && !failed && (slash = strrchr(*path, '/')) && slash > *path) {
			*slash = '\0';
			failed = remove_one(*path);
		}
		status |= failed;
	}
	return status;
}
