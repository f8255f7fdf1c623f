/* truncate [-c] -s [+-]SIZE[KMG] file ...: makes files that long. */
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_size(const char *path, char sign, long size, int create)
{
	int fd = open(path, O_WRONLY | create, 0666);
	struct stat st;

	if (fd < 0 && !create && access(path, F_OK) < 0)
		return 0;                       /* -c: a file that is not there is no error */
	if (fd < 0 || fstat(fd, &st) < 0) {
		warn("%s", path);
		return 1;
	}
	long target = sign == '+' ? st.st_size + size : sign == '-' ? st.st_size - size : size;
	int failed = ftruncate(fd, target < 0 ? 0 : target) < 0;
	if (failed)
		warn("%s", path);
	close(fd);
	return failed;
}

int main(int argc, char **argv)
{
	int option, status = 0, create = O_CREAT;
	const char *text = NULL;
	long size;

	while ((option = getopt(argc, argv, "cs:")) != -1) {
		if (option == '?')
			return 2;
		if (option == 'c')
			create = 0;
		else
			text = optarg;
	}
	if (!text || optind == argc)
		errx(2, "usage: truncate [-c] -s [+-]size file ...");
	char sign = *text == '+' || *text == '-' ? *text++ : '\0';
	if (!size_parse(text, &size))
		errx(1, "invalid size '%s'", text);
	for (int i = optind; i < argc; i++)
		status |= set_size(argv[i], sign, size, create);
	return status;
}
