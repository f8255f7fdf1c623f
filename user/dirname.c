/* dirname path ...: all but the last part of a name. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <string.h>

/* Cuts slashes off the end, but never a leading one. */
static size_t without_slashes(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: dirname path ...");
	for (int i = 1; i < argc; i++) {
		const char *path = argv[i];
		size_t len = without_slashes(path, strlen(path));

		while (len > 0 && path[len - 1] != '/')
			len--;
		len = without_slashes(path, len);
		printf("%.*s\n", len ? (int)len : 1, len ? path : ".");
	}
	return finish_output();
}
