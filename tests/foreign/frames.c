/*
 * frames.c - ten processes and one copy of libc. Each child reports where a page of libc's code lies in memory, and
 * stays until all have. The parent says how many frames there are, and, as far as it is told, how often each is mapped.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 10, PAGES = 3 };

// The frame under an address; 0 where the system does not tell.
static unsigned long frame_of(void *address)
{
	unsigned long entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0 || pread(fd, &entry, 8, (off_t)((unsigned long)address / 4096 * 8)) != 8)
		entry = 0;
	close(fd);
	return entry >> 63 ? entry & ((1ul << 55) - 1) : 0;
}

static unsigned long times_mapped(unsigned long frame)
{
	unsigned long nr = 0;
	int fd = open("/proc/kpagecount", O_RDONLY);

	if (fd < 0 || pread(fd, &nr, 8, (off_t)(frame * 8)) != 8)
		nr = 0;
	close(fd);
	return nr;
}

static int compare(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void child(int out, int wait_for)
{
	char end;
	char text[20];

	// Called, so that the pages are there.
	snprintf(text, sizeof(text), "%g", strtod("1.5", NULL));
	qsort(text, 3, 1, compare);
	unsigned long frames[PAGES] = { frame_of((void *)snprintf), frame_of((void *)qsort), frame_of((void *)strtod) };

	write(out, frames, sizeof(frames));
	read(wait_for, &end, 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	int out[2], hold[2];
	unsigned long frames[CHILDREN][PAGES];

	if (argc == 3)
		child(atoi(argv[1]), atoi(argv[2]));
	pipe(out);
	pipe(hold);
	for (int i = 0; i < CHILDREN; i++) {
		if (fork() == 0) {
			char a[12], b[12];

			close(hold[1]);
			sprintf(a, "%d", out[1]);
			sprintf(b, "%d", hold[0]);
			execl(argv[0], argv[0], a, b, (char *)NULL);    // a fresh program, its own mappings
			_exit(127);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		read(out[0], frames[i], sizeof(frames[i]));
	for (int page = 0; page < PAGES; page++) {
		int different = 0;

		for (int i = 1; i < CHILDREN; i++)
			different += frames[i][page] != frames[0][page];
		printf("page %d of libc: %d of %d processes have another frame\n", page, different, CHILDREN);
		if (getenv("SHOW_FRAMES"))
			printf("frame %lu mapped %lu times\n", frames[0][page], times_mapped(frames[0][page]));
	}
	close(hold[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}
