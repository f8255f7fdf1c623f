/* touch [-c] [-a] [-m] [-r file] [-d @SECONDS] file ...: sets times, makes what is not there. */
#include "util.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	bool create = true, access_only = false, change_only = false;
	int option, status = 0;
	long seconds;
	struct stat st;

	while ((option = getopt(argc, argv, "camr:d:")) != -1) {
		switch (option) {
		case 'c':
			create = false;
			break;
		case 'a':
			access_only = true;
			break;
		case 'm':
			change_only = true;
			break;
		case 'r':
			if (stat(optarg, &st) < 0)
				err(1, "%s", optarg);
			times[0] = st.st_atim;
			times[1] = st.st_mtim;
			break;
		case 'd':
			if (*optarg != '@' || !number_parse(optarg + 1, &seconds))
				errx(1, "invalid date '%s': only @SECONDS is understood", optarg);
			times[0] = times[1] = (struct timespec){ .tv_sec = seconds };
			break;
		default:
			return 2;
		}
	}
	if (optind == argc)
		errx(2, "usage: touch [-cam] [-r file] [-d @seconds] file ...");
	if (access_only && !change_only)
		times[1].tv_nsec = UTIME_OMIT;
	if (change_only && !access_only)
		times[0].tv_nsec = UTIME_OMIT;
	for (char **path = argv + optind; *path; path++) {
		int fd = create ? open(*path, O_WRONLY | O_CREAT | O_NONBLOCK, 0666) : -1;

		if (fd >= 0)
			close(fd);
		if (utimensat(AT_FDCWD, *path, times, 0) < 0 && (create || errno != ENOENT)) {
			warn("%s", *path);
			status = 1;
		}
	}
	return status;
}
