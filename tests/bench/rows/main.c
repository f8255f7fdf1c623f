/*
 * main.c - chooses the rows, finds for each a number of operations that takes long enough, repeats, and prints the
 * fastest. One line a row, its fields apart by blanks:
 *
 *	row NAME OPERATIONS NS IDLE_NS EACH   IDLE_NS is "-" for a row that does not wait, or where nobody knows;
 *	                                      EACH: ns for an operation without idling
 *	fail NAME WHAT ERRNO
 *	# ...                                 remarks; "# clock" lines check the clock by the time stamp counter
 *
 * bench [options] [ROW | @FAMILY | PART*]...     also with commas between them; PART*: every row of which this is a
 *                                                 part; none: all that need no file of a special size, nor several
 *                                                 processors
 *   -d FOLDER  where the data files are, or are made (.)      -n OPS  so many operations, no calibration
 *   -t MS      let a run last so long at least (40)            -r N   runs of each row (3)
 *   -l         list the rows with their families
 * bench --make FILE MIB      writes a data file
 * bench --clock              only remarks: both clocks for a while, and the memory that is free
 */
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct row *const families[] = {
	machine_rows, memory_rows, file_rows, process_rows, area_rows, disk_rows, big_rows, scale_rows, NULL
};
static const char *const usual[] = { "machine", "memory", "file", "process", "area", "cold", NULL };

const char *data_folder = ".", *own_path;
static const char *running = "bench";   // the row, for fail()
static uint64_t shortest_ns = 40 * 1000000ul, fixed_ops;
static unsigned int runs = 3;

void fail(const char *what)
{
	printf("fail %s errno=%d %s\n", running, errno, what);
	fflush(stdout);
	_exit(1);
}

static void run_once(const struct row *row, uint64_t ops)
{
	memset(&result, 0, sizeof(result));
	row->run(ops);
	CHECK(result.ops != 0);
}

// Operations with which a run lasts long enough: eight times as many until it can be told.
static uint64_t calibrate(const struct row *row)
{
	for (uint64_t n = 1;;) {
		run_once(row, n);
		if (result.ns >= shortest_ns || (row->most && result.ops >= row->most))
			return result.ops;
		if (result.ns < shortest_ns / 16)
			n = result.ops * 8;
		else
			n = result.ops * (shortest_ns + shortest_ns / 8) / result.ns + 1;
		if (row->most && n > row->most)
			n = row->most;
	}
}

static uint64_t busy(const struct result *r)
{
	return r->ns > r->idle ? r->ns - r->idle : 0;
}

static bool is_faster(const struct result *a, const struct result *b)
{
	return b->ops == 0 || (unsigned __int128)busy(a) * b->ops < (unsigned __int128)busy(b) * a->ops;
}

static void measure(const struct row *row)
{
	struct result best = { 0 };
	uint64_t ops;

	running = row->name;
	measures_idle = row->waits;
	ops = fixed_ops ? fixed_ops : calibrate(row);
	for (unsigned int i = 0; i < runs; i++) {
		run_once(row, ops);
		if (is_faster(&result, &best))
			best = result;
	}
	char idle[24] = "-";
	uint64_t hundredths = busy(&best) * 100 / best.ops;

	if (best.knows_idle)
		snprintf(idle, sizeof(idle), "%lu", best.idle);
	printf("row %-22s %10lu %13lu %12s %12lu.%02lu\n", row->name, best.ops, best.ns, idle, hundredths / 100,
	       hundredths % 100);
	fflush(stdout);
}

static int measure_in_child(const struct row *row)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		measure(row);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		printf("fail %s errno=%d no process\n", row->name, errno);
		return 1;
	}
	if (WIFSIGNALED(status))
		printf("fail %s killed by signal %d\n", row->name, WTERMSIG(status));
	fflush(stdout);
	return status != 0;
}

static bool is_usual(const char *family)
{
	for (int i = 0; usual[i]; i++)
		if (!strcmp(usual[i], family))
			return true;
	return false;
}

static bool names(const char *word, size_t len, const struct row *row)
{
	char part[64];

	if (len == 0 || len >= sizeof(part))
		return false;
	memcpy(part, word, len);
	part[len] = '\0';
	if (part[0] == '@')
		return !strcmp(part + 1, row->family);
	if (part[len - 1] != '*')
		return !strcmp(part, row->name);
	part[len - 1] = '\0';
	return strstr(row->name, part) != NULL;
}

static bool is_chosen(const struct row *row, int count, char **words)
{
	for (int i = 0; i < count; i++)
		for (const char *word = words[i]; word; word = strchr(word, ',')) {
			word += *word == ',';
			if (names(word, strcspn(word, ","), row))
				return true;
		}
	return count == 0 && is_usual(row->family);
}

static void tell_clock(const char *when)
{
	printf("# clock %s tsc %lu monotonic %lu\n", when, cycles(), now());
	fflush(stdout);
}

static int make_file(const char *path, uint64_t mib)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	running = path;
	CHECK(fd >= 0);
	write_pattern(fd, mib * MIB);
	return close(fd) != 0;
}

static void tell_memory(void)
{
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "MemFree:", 8) || !strncmp(line, "MemTotal:", 9))
			printf("# %s", line);
	if (file)
		fclose(file);
}

static int check_clock(void)
{
	uint64_t start = now();

	tell_clock("begin");
	tell_memory();
	while (now() - start < 100000000ul)
		;
	tell_clock("end");
	return 0;
}

static void list_rows(void)
{
	for (int i = 0; families[i]; i++)
		for (const struct row *row = families[i]; row->name; row++)
			printf("%-22s @%s\n", row->name, row->family);
}

static void parse_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "d:t:r:n:l")) != -1) {
		if (option == 'd')
			data_folder = optarg;
		else if (option == 't')
			shortest_ns = strtoul(optarg, NULL, 10) * 1000000;
		else if (option == 'r')
			runs = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			fixed_ops = strtoul(optarg, NULL, 10);
		else if (option == 'l')
			list_rows();
		if (option == 'l' || option == '?')
			exit(option == '?' ? 2 : 0);
	}
}

int main(int argc, char **argv)
{
	int failed = 0, done = 0;

	if (argc == 2 && !strcmp(argv[1], "--exit"))
		_exit(0);                       // what the row fork_exec_wait starts
	own_path = argv[0];
	clock_init();
	if (argc == 2 && !strcmp(argv[1], "--clock"))
		return check_clock();
	if (argc == 4 && !strcmp(argv[1], "--make"))
		return make_file(argv[2], strtoul(argv[3], NULL, 10));
	parse_options(argc, argv);
	tell_clock("begin");
	for (int i = 0; families[i]; i++)
		for (const struct row *row = families[i]; row->name; row++)
			if (is_chosen(row, argc - optind, argv + optind)) {
				failed += measure_in_child(row);
				done++;
			}
	tell_clock("end");
	if (!done)
		fprintf(stderr, "bench: no such row; -l lists them\n");
	return failed || !done;
}
