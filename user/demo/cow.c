/*
 * Copy on write. A private mapping shows the file's own page until the first store; the store gets a
 * copy, and the file never sees it. fork shares all private pages in the same way: whoever stores
 * first gets a copy, and nothing else is copied.
 *
 * cow [--quiet] [--file PATH] [--pages N]      N: anonymous pages that the forking process owns
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child tells its parent. */
struct finding {
	uint64_t frame_before, frame_after;
	char seen;
	long copies;
};

static const char *frame_text(uint64_t frame)
{
	return demo_count(frame ? (long)frame : COUNTER_ABSENT);
}

static void report_frame(const char *name, uint64_t frame)
{
	demo_report(name, frame ? (long)frame : COUNTER_ABSENT);
}

static char byte_in_file(int fd)
{
	char c = 0;

	if (pread(fd, &c, 1, 0) != 1)
		err(1, "pread");
	return c;
}

static void child_tells(volatile char *page, char store, int out)
{
	struct finding f = { .frame_before = page_frame(page), .seen = page[0] };

	counter_own("cow_copies");      /* from here on our stack and buffers are copies already */
	long before = counter_own("cow_copies");

	if (store) {
		page[0] = store;
		f.copies = demo_difference(counter_own("cow_copies"), before);
	}
	f.frame_after = page_frame(page);
	_exit(write(out, &f, sizeof(f)) == sizeof(f) ? 0 : 1);
}

/* A child that looks at the page, and stores into it when `store` is not 0. */
static struct finding ask_child(volatile char *page, char store)
{
	struct finding f = { 0 };
	int ends[2];

	if (pipe(ends) < 0)
		err(1, "pipe");
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0)
		child_tells(page, store, ends[1]);
	close(ends[1]);
	if (read(ends[0], &f, sizeof(f)) != sizeof(f))
		errx(1, "the child told nothing");
	close(ends[0]);
	waitpid(child, NULL, 0);
	return f;
}

/* Two views of one page of the file, one of which is stored into. */
static volatile char *private_store(int fd)
{
	volatile char *page = mmap(NULL, DEMO_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	volatile char *other = mmap(NULL, DEMO_PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	if (page == MAP_FAILED || other == MAP_FAILED)
		err(1, "mmap");
	char sum = (char)(page[0] ^ other[0]);
	uint64_t shared = page_frame(page), twin = page_frame(other);
	long copies = counter_own("cow_copies");
	page[0] = 'P';
	copies = demo_difference(counter_own("cow_copies"), copies);
	uint64_t copied = page_frame(page);

	demo_say("two private maps, both read:   frames %s and %s\n", frame_text(shared),
		frame_text(twin));
	demo_say("after a store into the first:  frames %s and %s, %s page copied\n",
		frame_text(copied), frame_text(page_frame(other)), demo_count(copies));
	report_frame("frame_shared", shared);
	report_frame("frame_twin", twin);
	report_frame("frame_copied", copied);
	demo_report("store_copies", copies);
	demo_claim("before the store both maps showed the same frame", sum == 0 && shared == twin);
	demo_claim(
		"the store moved the first map to a frame of its own", !copied || copied != shared);
	demo_claim("the second map stayed", page_frame(other) == twin && other[0] == 'F');
	demo_claim("the file never saw the store", byte_in_file(fd) == 'F');
	return page;
}

static void fork_and_store(volatile char *page, int fd)
{
	uint64_t parent = page_frame(page);
	struct finding child = ask_child(page, 'C'), sibling = ask_child(page, 0);

	demo_say("\nfork; the child has frame      %s, the parent %s\n",
		frame_text(child.frame_before), frame_text(parent));
	demo_say("the child stores:              child %s, parent %s, %s page copied\n",
		frame_text(child.frame_after), frame_text(page_frame(page)),
		demo_count(child.copies));
	report_frame("frame_parent", parent);
	report_frame("frame_child_before", child.frame_before);
	report_frame("frame_child_after", child.frame_after);
	demo_report("child_copies", child.copies);
	demo_claim("fork shared the page", child.frame_before == parent);
	demo_claim("the child's store gave it a copy", !parent || child.frame_after != parent);
	demo_claim("parent and sibling do not see it", page[0] == 'P' && sibling.seen == 'P');
	demo_claim("nor does the file", byte_in_file(fd) == 'F');
}

/* A process with many pages forks: the child stores into one, and one is copied. */
static void fork_of_large(long nr_pages)
{
	char *memory = mmap(NULL, nr_pages * DEMO_PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	for (long i = 0; i < nr_pages; i++)
		memory[i * DEMO_PAGE] = 'm';
	long before = counter_own("cow_copies");
	struct finding f = ask_child(memory + nr_pages / 2 * DEMO_PAGE, 'c');
	long own = demo_difference(counter_own("cow_copies"), before);

	demo_say("\na process with %ld pages forks; the child stores into one: %s of them copied\n",
		nr_pages, demo_count(f.copies));
	demo_report("large_pages", nr_pages);
	demo_report("large_child_copies", f.copies);
	if (f.copies != COUNTER_ABSENT)
		demo_claim("one store, one copy", f.copies == 1 && own < 16);
}

int main(int argc, char **argv)
{
	const char *path = "/tmp/cow.dat";
	long nr_pages = 1024;

	for (int i = 1; i < argc; i++) {
		if (demo_option(argv[i]))
			continue;
		if (!strcmp(argv[i], "--file") && i + 1 < argc)
			path = argv[++i];
		else if (!strcmp(argv[i], "--pages"))
			nr_pages = demo_number(argc, argv, &i);
		else
			errx(2, "usage: cow [--quiet] [--file path] [--pages n]");
	}
	int fd = demo_file(path, DEMO_PAGE);
	if (pwrite(fd, "F", 1, 0) != 1 || !nr_pages)
		err(1, "%s", path);
	counter_own("cow_copies");              /* so that the code itself is present */
	fork_and_store(private_store(fd), fd);
	fork_of_large(nr_pages);
	return demo_end("the parent stores after the child did: is a page copied again?",
		"--pages N: fork a larger process; which number grows?");
}
