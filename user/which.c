/* which name ...: where the path finds each program. */
#include "util.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool search(const char *name)
{
	const char *path = getenv("PATH");
	char candidate[4096];

	if (strchr(name, '/')) {
		if (is_program(name))
			puts(name);
		return is_program(name);
	}
	while (path && *path) {
		int len = (int)strcspn(path, ":");

		snprintf(candidate, sizeof(candidate), "%.*s/%s", len ? len : 1, len ? path : ".",
			name);
		if (is_program(candidate)) {
			puts(candidate);
			return true;
		}
		path += len + (path[len] == ':');
	}
	return false;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		if (!search(argv[i]))
			status = 1;
	return status | finish_output();
}
