/*
 * One dictionary, ten readers. Each spell checker needs all of a sorted word file in memory. Those that map it share
 * the frames of the page cache: free memory falls by one dictionary, once. Those that read it into memory of their
 * own pay for it each, and the cache has it besides; where memory ends before that, their copies go to the swap area.
 *
 * dict [--quiet] [--size BYTES] [--processes N] [--file PATH]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORD = 16, LOOKUPS = 1000, MAX_PROCESSES = 64, PIECE = 65536 };

static long size = 8 << 20, processes = 10;
static const char *path = "/tmp/dict.txt";

/* Word number i: the number's digits to the base of 26, so that they are sorted. */
static void spell(char *word, long i)
{
	memset(word, ' ', WORD);
	for (int at = 9; at >= 0; at--, i /= 26)
		word[at] = (char)('a' + i % 26);
	word[WORD - 1] = '\n';
}

static void make_dictionary(void)
{
	static char piece[PIECE];
	int fd = demo_file(path, 0);

	for (long at = 0; at < size; at += PIECE) {
		for (long i = 0; i < PIECE / WORD; i++)
			spell(piece + i * WORD, at / WORD + i);
		if (write(fd, piece, PIECE) != PIECE)
			err(1, "%s", path);
	}
	demo_forget_cache(fd);
	close(fd);
}

static const char *load(bool mapped)
{
	int fd = open(path, O_RDONLY);
	long done = 0;
	ssize_t n;

	if (fd < 0)
		err(1, "%s", path);
	if (mapped)
		return demo_map(fd, (size_t)size, PROT_READ, MAP_SHARED);
	char *own = malloc((size_t)size);
	if (!own)
		err(1, "malloc");
	while (done < size && (n = read(fd, own + done, (size_t)(size - done))) > 0)
		done += n;
	if (done != size)
		err(1, "%s", path);
	return own;
}

/* Is the dictionary sorted (this looks at all of it), and are these words in it? Gives how many are not. */
static long check_spelling(const char *words)
{
	long wrong = 0;
	char word[WORD];

	for (long at = WORD; at < size; at += WORD)
		wrong += memcmp(words + at - WORD, words + at, WORD) >= 0;
	for (long i = 0; i < LOOKUPS; i++) {
		long low = 0, high = size / WORD, wanted = i * 7919 % (size / WORD);

		spell(word, wanted);
		while (high - low > 1) {
			long middle = (low + high) / 2;

			if (memcmp(words + middle * WORD, word, WORD) <= 0)
				low = middle;
			else
				high = middle;
		}
		wrong += low != wanted;
	}
	return wrong;
}

struct told {
	long wrong, share_kib;                  /* share: pages, each divided by those who map it */
};

/* A pipe for each time that all wait: a fast one must not take the word that was meant for a slow one. */
enum { LOAD, SHARE, END, NR_WORDS };

static void checker(bool mapped, int go[NR_WORDS][2], int tell)
{
	struct told t = { 0 };
	char byte;

	if (write(tell, &t, sizeof(t)) != sizeof(t) || read(go[LOAD][0], &byte, 1) != 1)
		_exit(1);
	t.wrong = check_spelling(load(mapped));
	if (write(tell, &t, sizeof(t)) != sizeof(t) || read(go[SHARE][0], &byte, 1) != 1)
		_exit(1);
	t.share_kib = counter_in("/proc/self/smaps_rollup", "Pss");
	_exit(write(tell, &t, sizeof(t)) != sizeof(t) || read(go[END][0], &byte, 1) != 1);
}

/* All processes get to the same point; what they tell is added up. */
static struct told gather(int from)
{
	struct told sum = { 0 }, t;

	for (long i = 0; i < processes; i++) {
		if (read(from, &t, sizeof(t)) != sizeof(t))
			errx(1, "a checker told nothing");
		sum.wrong += t.wrong;
		sum.share_kib += t.share_kib;
	}
	return sum;
}

static void release(int to)
{
	char bytes[MAX_PROCESSES] = "";

	if (write(to, bytes, (size_t)processes) != processes)
		err(1, "pipe");
}

static void run(const char *name, bool mapped, long wanted_kib)
{
	int go[NR_WORDS][2], tell[2];
	char line[64];

	if (pipe(go[LOAD]) < 0 || pipe(go[SHARE]) < 0 || pipe(go[END]) < 0 || pipe(tell) < 0)
		err(1, "pipe");
	for (long i = 0; i < processes; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child == 0)
			checker(mapped, go, tell[1]);
	}
	gather(tell[0]);                        /* they are there, and have loaded nothing */
	long before = counter_in("/proc/meminfo", "MemFree"), swapped = counter_global("pswpout");
	bool fits = wanted_kib < counter_in("/proc/meminfo", "MemTotal") * 3 / 4;
	release(go[LOAD][1]);
	long wrong = gather(tell[0]).wrong;
	long used = before - counter_in("/proc/meminfo", "MemFree");
	release(go[SHARE][1]);
	long share = gather(tell[0]).share_kib / processes;
	release(go[END][1]);
	while (wait(NULL) > 0)
		;
	swapped = demo_difference(counter_global("pswpout"), swapped);
	demo_say("%s: free memory fell by %6ld KiB  [%s]  each process's share: %s KiB; pages swapped: %s\n",
		 name, used, demo_bar(used, size / 1024 * (processes + 1), 44), demo_count(share), demo_count(swapped));
	snprintf(line, sizeof(line), "%s_swapped", name);
	demo_report(line, swapped);
	snprintf(line, sizeof(line), "%s_used_kib", name);
	demo_report(line, used);
	snprintf(line, sizeof(line), "%s_share_kib", name);
	demo_report(line, share);
	demo_claim("every checker found every word", wrong == 0);
	if (!demo_kernel_counts())              /* on Linux others take and give memory meanwhile */
		return;
	if (!fits)
		demo_claim("what did not fit went to the swap area", swapped > 0);
	else
		demo_claim(mapped ? "the dictionary is in memory once" :
				    "the dictionary is in memory for each, and once more",
			   used >= wanted_kib && used <= wanted_kib + wanted_kib / 20 + 60 * processes);
}

int main(int argc, char **argv)
{
	demo_options(argc, argv, (struct demo_knob[]){
		{ "--size", &size, NULL }, { "--processes", &processes, NULL }, { "--file", NULL, &path },
		{ NULL, NULL, NULL } });
	size -= size % PIECE;
	if (size < PIECE || processes < 1 || processes > MAX_PROCESSES)
		errx(2, "--size from %d, --processes from 1 to %d", PIECE, MAX_PROCESSES);
	demo_kernel_counts();
	make_dictionary();
	demo_say("%ld processes with a dictionary of %ld KiB each.\n\n", processes, size >> 10);
	demo_report("size_kib", size >> 10);
	demo_report("processes", processes);
	run("mmap", true, size / 1024);
	int fd = open(path, O_RDONLY);
	demo_forget_cache(fd);
	close(fd);
	run("read", false, size / 1024 * (processes + 1));
	return demo_end("the share of a mapping process is a tenth of its resident memory: "
			"why is that number useful, and when is it not?",
			"--size: so large that the second way does not fit into memory any more");
}
