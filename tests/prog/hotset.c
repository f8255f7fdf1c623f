/*
 * hotset.c - which pages stay when not all can: asked in machines of little RAM (tests/test_pressure.py), so it
 * is no TEST() program. The files are holes: what counts is whether a page is in memory when it is wanted, not
 * what brings it there.
 *
 *	hotset hot HOT SCAN EVERY       HOT MiB are used behind every EVERY MiB of a scan of SCAN MiB: what stays
 *	hotset turn                     a set that was hot turns cold, and another one takes its place, which fits
 *	                                only without the first: how much of that is read again in each round
 *	hotset again PERCENT            a file as large as so much of the memory that there is, read twice. Of the
 *	                                second time: how many pages were known to have left, and how many of those
 *	                                so late that they are kept; how many reclaim looked at, how many left
 *	hotset jump TOUCHES             random touches of a file of twice the memory: how many pages they brought in
 *
 * It prints what it has found, then "ok", and asks the kernel's audit. Exit status 0: all right.
 */
#define _GNU_SOURCE
#include "pressure.h"

#define WARM_UP_LOOKS 4         // until then a policy has not seen what is used again and again
#define ROUNDS 16

struct set {
	const char *name;
	int fd;
	unsigned long pages;
	volatile uint64_t *words;
};

static struct set new_set(const char *name, unsigned long pages)
{
	struct set s = { name, new_file(name, pages * PAGE), pages, NULL };

	s.words = map(pages * PAGE, MAP_SHARED, s.fd);
	return s;
}

static void end_set(const struct set *s)
{
	munmap((void *)s->words, s->pages * PAGE);
	close(s->fd);
	unlink(s->name);
}

static void use_page(const struct set *s, unsigned long page)
{
	(void)s->words[page * (PAGE / 8)];
}

static void use_all(const struct set *s)
{
	for (unsigned long i = 0; i < s->pages; i++)
		use_page(s, i);
}

// How many of [first, first + nr) are not in memory.
static unsigned long nr_absent(const struct set *s, unsigned long first, unsigned long nr)
{
	static unsigned char vector[64 * 1024];
	unsigned long absent = 0;

	if (nr > sizeof(vector) || mincore((char *)s->words + first * PAGE, nr * PAGE, vector) == -1)
		die("mincore");
	for (unsigned long i = 0; i < nr; i++)
		absent += !(vector[i] & 1);
	return absent;
}

static unsigned long pages_for_files(void)
{
	return number_in("/proc/meminfo", "MemAvailable") * 1024 / PAGE;
}

/* --- the questions ------------------------------------------------------------ */

// As a program goes back to its index between two long records.
static int do_hot(char **argv)
{
	unsigned long every = strtoul(argv[2], NULL, 0) * MIB / PAGE, lost = 0, looks = 0;
	struct set hot = new_set("hotset.hot", strtoul(argv[0], NULL, 0) * MIB / PAGE);
	struct set scan = new_set("hotset.scan", strtoul(argv[1], NULL, 0) * MIB / PAGE);

	for (unsigned long i = 0; i < scan.pages; i++) {
		use_page(&scan, i);
		if (i % every)
			continue;
		if (i / every > WARM_UP_LOOKS) {
			lost += nr_absent(&hot, 0, hot.pages);
			looks += hot.pages;
		}
		use_all(&hot);
	}
	printf("hot set: %lu of %lu pages had to be read again\n", lost, looks);
	end_set(&hot);
	end_set(&scan);
	return 0;
}

static int do_turn(void)
{
	unsigned long memory = pages_for_files();
	struct set old = new_set("hotset.old", memory * 45 / 100), scan = new_set("hotset.scan", memory * 4);
	struct set next = new_set("hotset.next", memory * 75 / 100);

	for (unsigned long i = 0; i < scan.pages; i++) {
		use_page(&scan, i);
		if (i % (memory / 16) == 0)
			use_all(&old);
	}
	use_all(&old);
	printf("old set: %lu pages, next set: %lu pages, active: %lu pages\n", old.pages, next.pages,
	       vmstat("nr_active_file"));
	for (int round = 1; round <= ROUNDS; round++) {
		unsigned long absent = nr_absent(&next, 0, next.pages);

		use_all(&next);
		printf("round %d: %lu\n", round, absent);
	}
	end_set(&old);
	end_set(&scan);
	end_set(&next);
	return 0;
}

static int do_again(char **argv)
{
	static const char *const names[] = { "workingset_refault", "workingset_activate", "pgscan", "pgsteal" };
	unsigned long pages = pages_for_files() * strtoul(argv[0], NULL, 0) / 100, before[4], counts[4];
	int fd = new_file("hotset.again", pages * PAGE);
	char page[PAGE];

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < 4; i++)
			before[i] = vmstat(names[i]);
		for (unsigned long i = 0; i < pages; i++)
			if (pread(fd, page, PAGE, (off_t)(i * PAGE)) != (ssize_t)PAGE)
				die("pread");
	}
	for (int i = 0; i < 4; i++)
		counts[i] = vmstat(names[i]) - before[i];
	printf("file: %lu pages, known: %lu, kept: %lu, looked: %lu, gone: %lu\n", pages, counts[0], counts[1],
	       counts[2], counts[3]);
	close(fd);
	unlink("hotset.again");
	return 0;
}

static int do_jump(char **argv)
{
	struct set s = new_set("hotset.jump", pages_for_files() * 2);
	unsigned long absent = 0, fills;
	uint64_t state = 88172645463325252ul;

	use_all(&s);                    // memory is full from here on
	fills = number_in("/proc/self/counts", "cache_fills");
	for (unsigned long left = strtoul(argv[0], NULL, 0); left; left--) {
		unsigned long page = next_random(&state) % s.pages;

		absent += nr_absent(&s, page, 1);
		use_page(&s, page);
	}
	printf("touched pages that were absent: %lu, brought in: %lu\n", absent,
	       number_in("/proc/self/counts", "cache_fills") - fills);
	end_set(&s);
	return 0;
}

int main(int argc, char **argv)
{
	int failed;

	if (chdir("/tmp") == -1)
		die("/tmp");
	if (argc == 5 && !strcmp(argv[1], "hot")) {
		failed = do_hot(argv + 2);
	} else if (argc == 2 && !strcmp(argv[1], "turn")) {
		failed = do_turn();
	} else if (argc == 3 && !strcmp(argv[1], "again")) {
		failed = do_again(argv + 2);
	} else if (argc == 3 && !strcmp(argv[1], "jump")) {
		failed = do_jump(argv + 2);
	} else {
		fprintf(stderr, "hotset: what is `%s` with %d words?\n", argc > 1 ? argv[1] : "", argc - 1);
		return 2;
	}
	failed |= audit();
	printf(failed ? "not ok\n" : "ok\n");
	return failed;
}
