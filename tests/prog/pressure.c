/*
 * pressure.c - work that does not fit into memory, each piece with a result that can be told right from wrong. It
 * runs in machines of little RAM (tests/test_pressure.py, `make soak`), so it is no TEST() program: it takes sizes.
 *
 *	pressure sum MIB [EVERY]        a file summed through one mapping; each so manieth page (16) holds a number
 *	pressure crowd N MIB            N processes, each with so much private memory, all at once
 *	pressure shared N MIB           the same, in memory that they share
 *	pressure files N                N files of 4 KiB, made, read, removed
 *	pressure forks N MIB            N children of a process with so much memory; each changes its own
 *	pressure sort MIB               a file of random words sorted in its mapping
 *	pressure eat MIB                touches so much memory and says when it is all there
 *	pressure free N MIB             N pieces of so much memory are filled, and given up (MADV_FREE) but a page
 *
 * Several parts are separated by --, and run one after the other.
 * It prints what it has found, then "ok", and asks the kernel's audit, unless -n comes first:
 * beside others that are at work the audit has no quiet moment. Exit status 0: all right.
 */
#define _GNU_SOURCE
#include "pressure.h"

#include <sys/wait.h>

// gcc takes our fork for a setjmp.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

// Waits for every child; each must have exited with 0.
static void wait_all(int nr)
{
	int status, failed = 0;

	for (int i = 0; i < nr; i++) {
		if (wait(&status) == -1)
			die("wait");
		if (status) {
			printf("pressure: a child ended with status %x\n", status);
			failed++;
		}
	}
	if (failed)
		wrong("children that failed", (unsigned long)failed, 0);
}

/* --- the pieces --------------------------------------------------------------- */

static int do_sum(char **argv)
{
	unsigned long bytes = strtoul(argv[0], NULL, 0) * MIB, sum = 0, expected = 0, nr_ones = 0;
	unsigned long stride = (argv[1] ? strtoul(argv[1], NULL, 0) : 16) * PAGE;
	int fd = new_file("pressure.sum", bytes);

	for (unsigned long at = 0; at < bytes; at += stride) {
		uint64_t number = at / PAGE + 1;

		if (pwrite(fd, &number, sizeof(number), (off_t)at) != sizeof(number))
			die("pwrite");
		expected += number;
	}
	volatile uint64_t *words = map(bytes, MAP_SHARED, fd);

	for (unsigned long at = 0; at < bytes; at += PAGE) {
		sum += words[at / 8];
		nr_ones += words[at / 8 + 511] == 0;
	}
	if (sum != expected)
		wrong("sum", sum, expected);
	if (nr_ones != bytes / PAGE)
		wrong("pages that end in zeros", nr_ones, bytes / PAGE);
	printf("sum of %lu MiB: %lu\n", bytes / MIB, sum);
	close(fd);
	unlink("pressure.sum");
	munmap((void *)words, bytes);
	return 0;
}

// Fills, then walks three times in an order of its own, changing as it goes, and at last knows every page's number.
static void use_memory(uint64_t *words, unsigned long bytes, uint64_t seed)
{
	unsigned long nr = bytes / PAGE, words_a_page = PAGE / 8;

	for (unsigned long i = 0; i < nr; i++) {
		words[i * words_a_page] = seed + i;
		words[i * words_a_page + words_a_page - 1] = ~(seed + i);
	}
	for (int round = 1; round <= 3; round++) {
		unsigned long step = 7919 % nr ? 7919 : 1;

		while (nr % step == 0 && step > 1)
			step++;
		for (unsigned long n = 0, i = seed % nr; n < nr; n++, i = (i + 1) % nr)
			words[i * words_a_page]++;
	}
	for (unsigned long i = 0; i < nr; i++) {
		if (words[i * words_a_page] != seed + i + 3)
			wrong("a page's first word", words[i * words_a_page], seed + i + 3);
		if (words[i * words_a_page + words_a_page - 1] != ~(seed + i))
			wrong("a page's last word", words[i * words_a_page + words_a_page - 1], ~(seed + i));
	}
}

// A crowd is one only when all are there at once: each fills its memory, tells, and waits for the word to go on.
static void fill_and_meet(uint64_t *mine, unsigned long bytes, int ready, int go)
{
	char word;

	for (unsigned long at = 0; at < bytes; at += PAGE)
		mine[at / 8] = at;
	if (write(ready, "r", 1) != 1 || read(go, &word, 1) != 0)
		die("meet");
}

static int do_crowd(char **argv, int flags)
{
	int ready[2], go[2];
	int nr = atoi(argv[0]);
	unsigned long bytes = strtoul(argv[1], NULL, 0) * MIB;
	uint64_t *shared = flags & MAP_SHARED ? map(bytes * (unsigned long)nr, flags | MAP_ANONYMOUS, -1) : NULL;

	if (pipe(ready) == -1 || pipe(go) == -1)
		die("pipe");
	for (int i = 0; i < nr; i++) {
		pid_t child = fork();

		if (child == -1)
			die("fork");
		if (child == 0) {
			close(go[1]);
			uint64_t *mine = shared ? shared + i * (bytes / 8) : map(bytes, flags | MAP_ANONYMOUS, -1);

			fill_and_meet(mine, bytes, ready[1], go[0]);
			use_memory(mine, bytes, (uint64_t)(i + 1) << 32);
			_exit(0);
		}
	}
	close(ready[1]);
	char word;

	for (int i = 0; i < nr && read(ready[0], &word, 1) == 1; i++)   // fewer, when one was killed
		;
	close(go[1]);
	wait_all(nr);
	for (int i = 0; shared && i < nr; i++)  // what they left is here, too
		if (shared[i * (bytes / 8)] != ((uint64_t)(i + 1) << 32) + 3)
			wrong("a child's first word", shared[i * (bytes / 8)], ((uint64_t)(i + 1) << 32) + 3);
	printf("%d processes with %lu MiB each\n", nr, bytes / MIB);
	return 0;
}

static int do_files(char **argv)
{
	int nr = atoi(argv[0]);
	char name[64], page[PAGE];

	if (mkdir("pressure.files", 0755) == -1)
		die("mkdir");
	for (int i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "pressure.files/%d", i);
		memset(page, i % 251, sizeof(page));
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (fd == -1 || write(fd, page, PAGE) != (ssize_t)PAGE)
			die(name);
		close(fd);
	}
	for (int i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "pressure.files/%d", i);
		int fd = open(name, O_RDONLY);

		if (fd == -1 || read(fd, page, PAGE) != (ssize_t)PAGE)
			die(name);
		if ((unsigned char)page[17] != i % 251 || (unsigned char)page[PAGE - 1] != i % 251)
			wrong(name, (unsigned char)page[17], (unsigned long)i % 251);
		close(fd);
		if (unlink(name) == -1)
			die(name);
	}
	if (rmdir("pressure.files") == -1)
		die("rmdir");
	printf("%d files\n", nr);
	return 0;
}

static int do_forks(char **argv)
{
	int nr = atoi(argv[0]);
	unsigned long bytes = strtoul(argv[1], NULL, 0) * MIB, pages = bytes / PAGE;
	uint64_t *words = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (unsigned long i = 0; i < pages; i++)
		words[i * 512] = i;
	for (int n = 0; n < nr; n++) {
		pid_t child = fork();

		if (child == -1)
			die("fork");
		if (child == 0) {
			for (unsigned long i = (unsigned long)n % 16; i < pages; i += 16)
				words[i * 512] = (uint64_t)(n + 1) << 32 | i;
			for (unsigned long i = 0; i < pages; i++) {
				uint64_t expected = i % 16 == (unsigned long)n % 16 ? (uint64_t)(n + 1) << 32 | i : i;

				if (words[i * 512] != expected)
					wrong("a child's page", words[i * 512], expected);
			}
			_exit(0);
		}
	}
	wait_all(nr);
	for (unsigned long i = 0; i < pages; i++)
		if (words[i * 512] != i)
			wrong("the parent's page", words[i * 512], i);
	printf("%d children of %lu MiB\n", nr, bytes / MIB);
	return 0;
}

static void sift(uint64_t *heap, unsigned long at, unsigned long nr)
{
	for (unsigned long child; (child = 2 * at + 1) < nr; at = child) {
		if (child + 1 < nr && heap[child + 1] > heap[child])
			child++;
		if (heap[at] >= heap[child])
			return;
		uint64_t word = heap[at];

		heap[at] = heap[child];
		heap[child] = word;
	}
}

// Runs of a MiB by heap sort, then merged by passes from one file to another: each pass reads and writes in order.
static int do_sort(char **argv)
{
	unsigned long bytes = strtoul(argv[0], NULL, 0) * MIB, nr = bytes / 8, run = MIB / 8;
	int fds[2] = { new_file("pressure.sort", bytes), new_file("pressure.merge", bytes) };
	uint64_t *from = map(bytes, MAP_SHARED, fds[0]), *to = map(bytes, MAP_SHARED, fds[1]);
	uint64_t state = 88172645463325252ul, sum = 0;

	for (unsigned long i = 0; i < nr; i++)
		sum += from[i] = next_random(&state);
	for (unsigned long start = 0; start < nr; start += run) {
		uint64_t *heap = from + start;

		for (unsigned long i = run / 2; i-- > 0;)
			sift(heap, i, run);
		for (unsigned long left = run; left-- > 1;) {
			uint64_t word = heap[0];

			heap[0] = heap[left];
			heap[left] = word;
			sift(heap, 0, left);
		}
	}
	for (; run < nr; run *= 2) {
		for (unsigned long start = 0; start < nr; start += 2 * run) {
			unsigned long middle = start + run < nr ? start + run : nr;
			unsigned long end = start + 2 * run < nr ? start + 2 * run : nr;
			unsigned long a = start, b = middle;

			for (unsigned long i = start; i < end; i++)
				to[i] = b == end || (a < middle && from[a] <= from[b]) ? from[a++] : from[b++];
		}
		uint64_t *other = from;

		from = to;
		to = other;
	}
	for (unsigned long i = 0; i < nr; i++) {
		sum -= from[i];
		if (i && from[i - 1] > from[i])
			wrong("a word out of order, at", i, 0);
	}
	if (sum)
		wrong("the sum's difference", sum, 0);
	printf("%lu MiB sorted\n", bytes / MIB);
	munmap(from, bytes);
	munmap(to, bytes);
	unlink("pressure.sort");
	unlink("pressure.merge");
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static int do_eat(char **argv)
{
	unsigned long bytes = strtoul(argv[0], NULL, 0) * MIB;
	volatile char *memory = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	for (unsigned long at = 0; at < bytes; at += PAGE)
		memory[at] = 1;
	printf("%lu MiB eaten\n", bytes / MIB);
	return 0;
}

// No swap is needed: what was given up is taken when the next piece wants memory. One page of each is taken back.
static int do_free(char **argv)
{
	unsigned long nr = strtoul(argv[0], NULL, 0), words = strtoul(argv[1], NULL, 0) * MIB / 8;
	volatile uint64_t *pieces[64];

	for (unsigned long i = 0; i < nr && i < 64; i++) {
		pieces[i] = map(words * 8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		for (unsigned long w = 0; w < words; w++)
			pieces[i][w] = i + w + 1;
		if (madvise((void *)pieces[i], words * 8, MADV_FREE) == -1)
			die("madvise");
		pieces[i][words / 2] = i;
	}
	for (unsigned long i = 0; i < nr && i < 64; i++) {
		if (pieces[i][words / 2] != i || pieces[i][words / 2 + 1] != i + words / 2 + 2)
			wrong("a page that was taken back", pieces[i][words / 2 + 1], i + words / 2 + 2);
		for (unsigned long w = 1; w < words; w += PAGE / 8)
			if (pieces[i][w] && pieces[i][w] != i + w + 1)
				wrong("a page that was given up", pieces[i][w], 0);
	}
	return 0;
}

/* --- which -------------------------------------------------------------------- */

static int run_part(int argc, char **argv)
{
	if ((argc == 2 || argc == 3) && !strcmp(argv[0], "sum"))
		return do_sum(argv + 1);
	if (argc == 3 && !strcmp(argv[0], "crowd"))
		return do_crowd(argv + 1, MAP_PRIVATE);
	if (argc == 3 && !strcmp(argv[0], "shared"))
		return do_crowd(argv + 1, MAP_SHARED);
	if (argc == 2 && !strcmp(argv[0], "files"))
		return do_files(argv + 1);
	if (argc == 3 && !strcmp(argv[0], "forks"))
		return do_forks(argv + 1);
	if (argc == 2 && !strcmp(argv[0], "sort"))
		return do_sort(argv + 1);
	if (argc == 3 && !strcmp(argv[0], "free"))
		return do_free(argv + 1);
	if (argc == 2 && !strcmp(argv[0], "eat"))
		return do_eat(argv + 1);
	fprintf(stderr, "pressure: what is `%s` with %d words?\n", argc ? argv[0] : "", argc);
	return 2;
}

static int asks_audit = 1;

// Each part in a process of its own, so that what it leaves behind is the kernel's affair only.
static int run_in_child(int argc, char **argv)
{
	int status;

	fflush(stdout);
	pid_t child = fork();

	if (child == 0)
		exit(run_part(argc, argv));
	if (child == -1 || waitpid(child, &status, 0) == -1)
		die("a part");
	if (status)
		printf("pressure: %s ended with status %x\n", argv[0], status);
	return status || (asks_audit && audit());
}

int main(int argc, char **argv)
{
	int failed = 0, first = 1;

	if (chdir("/tmp") == -1)
		die("/tmp");
	if (argc > 1 && !strcmp(argv[1], "-n")) {
		asks_audit = 0;
		first = 2;
	}
	for (int start = first; start < argc; start++) {
		int end = start;

		while (end < argc && strcmp(argv[end], "--"))
			end++;
		argv[end] = NULL;               // as main's own words end
		failed += run_in_child(end - start, argv + start);
		start = end;
	}
	printf(failed ? "not ok\n" : "ok\n");
	return failed != 0;
}
