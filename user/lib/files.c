/* Reading, writing and naming files, as most commands need it. */
#include "util.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BLOCK = 65536 };

const char *path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_join(const char *directory, const char *name)
{
	size_t len = strlen(directory), size = len + strlen(name) + 2;
	char *path = malloc(size);

	if (!path)
		err(2, "out of memory");
	snprintf(
		path, size, "%s%s%s", directory, len && directory[len - 1] == '/' ? "" : "/", name);
	return path;
}

int write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= n;
	}
	return 0;
}

int copy_stream(int from, int to)
{
	static char block[COPY_BLOCK];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write_all(to, block, n) < 0)
			return -1;
	}
	return 0;
}

/* Everything that fd still holds. /proc files say size 0, so the end is where read() says. */
static char *read_to_end(int fd, size_t *len)
{
	size_t size = 4096, used = 0;
	char *data = malloc(size);
	ssize_t n;

	while (data && (n = read(fd, data + used, size - used - 1)) != 0) {
		if (n < 0 && errno != EINTR) {
			free(data);
			return NULL;
		}
		if (n > 0)
			used += n;
		if (size - used <= 1) {
			size *= 2;
			char *larger = realloc(data, size);

			if (!larger)
				free(data);
			data = larger;
		}
	}
	if (data)
		data[used] = '\0';
	if (len)
		*len = used;
	return data;
}

char *read_whole(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return NULL;
	char *data = read_to_end(fd, len);
	int error = errno;
	close(fd);
	errno = error;
	return data;
}

int for_each_input(
	int argc, char **argv, int (*use)(int fd, const char *name, void *state), void *state)
{
	int status = 0;

	if (!argc)
		return use(0, "standard input", state);
	for (int i = 0; i < argc; i++) {
		bool is_stdin = !strcmp(argv[i], "-");
		int fd = is_stdin ? 0 : open(argv[i], O_RDONLY);

		if (fd < 0) {
			warn("%s", argv[i]);
			status = 1;
			continue;
		}
		status |= use(fd, argv[i], state);
		if (!is_stdin)
			close(fd);
	}
	return status;
}

int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	warn("write error");
	return 1;
}
