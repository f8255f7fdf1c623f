/*
 * A database index in a file. A B+tree of 4 KiB nodes is looked up at random: through a mapping a node is a pointer,
 * and a warm lookup costs no call and no copy; with read() it is a call and 4 KiB copied for each level. When the
 * file does not fit into memory the lines cross: then each mapped page has to be unmapped again, everywhere.
 * With O_DIRECT nothing is copied and nothing is kept:
 * a database that does so has a cache of its own, this one has none.
 *
 * btree [--quiet] [--io mmap|read|direct|cached|all] [--keys N] [--lookups N] [--file PATH]
 */
#define _GNU_SOURCE
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FANOUT = 255, MAX_LEVELS = 6 };

struct node {                                   /* one page; page 0 of the file is the root */
	uint64_t count, level;                  /* level 0: leaves, whose values are values */
	uint64_t key[FANOUT], value[FANOUT];    /* else the pages of the nodes below */
};
_Static_assert(sizeof(struct node) == DEMO_PAGE, "a node is a page");

struct tree {
	int fd;
	struct node *map;                       /* NULL: nodes are read */
	struct node buffer __attribute__((aligned(DEMO_PAGE)));
	bool is_direct;                         /* by O_DIRECT, from the disk into the buffer */
	long levels;
};

static long keys = 1000000, lookups = 10000;
static const char *path = "/tmp/btree.dat", *io = "all";

static uint64_t key_of(uint64_t i)
{
	return i * 7 + 3;
}

static void put(int fd, uint64_t page, const struct node *node)
{
	if (pwrite(fd, node, sizeof(*node), (off_t)(page * DEMO_PAGE)) != sizeof(*node))
		err(1, "%s", path);
}

/* Level by level from the leaves up; a node's keys are the smallest ones of the nodes below it. */
static void build(int fd, struct tree *tree)
{
	uint64_t nr[MAX_LEVELS], first[MAX_LEVELS], span = 1, page = 1;
	static struct node node;
	int top = 0;

	for (nr[0] = (keys + FANOUT - 1) / FANOUT; nr[top] > 1; top++)
		nr[top + 1] = (nr[top] + FANOUT - 1) / FANOUT;
	for (int level = 0; level <= top; level++, span *= FANOUT) {
		first[level] = level == top ? 0 : page;
		for (uint64_t n = 0; n < nr[level]; n++) {
			uint64_t below = level ? nr[level - 1] : (uint64_t)keys;

			memset(&node, 0, sizeof(node));
			node.level = (uint64_t)level;
			for (uint64_t i = n * FANOUT; i < below && i < (n + 1) * FANOUT; i++, node.count++) {
				node.key[node.count] = key_of(i * span);
				node.value[node.count] = level ? first[level - 1] + i : i;
			}
			put(fd, level == top ? 0 : page++, &node);
		}
	}
	tree->levels = top + 1;
}

static const struct node *get(struct tree *tree, uint64_t page)
{
	if (tree->map)
		return &tree->map[page];
	if (pread(tree->fd, &tree->buffer, DEMO_PAGE, (off_t)(page * DEMO_PAGE)) != DEMO_PAGE)
		err(1, "%s", path);
	return &tree->buffer;
}

/* The value of the largest key that is not above this one. */
static uint64_t look_up(struct tree *tree, uint64_t key)
{
	uint64_t page = 0;

	for (;;) {
		const struct node *node = get(tree, page);
		uint64_t low = 0, high = node->count;

		while (high - low > 1) {
			uint64_t middle = (low + high) / 2;

			if (node->key[middle] <= key)
				low = middle;
			else
				high = middle;
		}
		if (!node->level)
			return node->key[low] == key ? node->value[low] : ~0ul;
		page = node->value[low];
	}
}

static long run_lookups(struct tree *tree)
{
	uint64_t x = 88172645463325252ul;
	long right = 0;

	for (long i = 0; i < lookups; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		right += look_up(tree, key_of(x % (uint64_t)keys)) == x % (uint64_t)keys;
	}
	return right;
}

static void measure(struct tree *tree, const char *name, const char *phase, bool warm)
{
	long evictions = counter_global("cache_evictions"), shootdowns = counter_global("tlb_shootdowns");
	struct demo_cost before = demo_cost();
	long right = run_lookups(tree);
	struct demo_cost c = demo_cost_since(before);
	long copied = tree->map || tree->is_direct ? 0 : lookups * tree->levels * (DEMO_PAGE / 1024);
	char line[64];

	evictions = demo_difference(counter_global("cache_evictions"), evictions);
	shootdowns = demo_difference(counter_global("tlb_shootdowns"), shootdowns);
	demo_say("%-7s%-5s calls %7s  copied %7ld KiB  faults %6ld  disk requests %6s  "
		 "evicted %6s  shootdowns %5s  %5lld us\n",
		 name, phase, demo_count(c.calls), copied, c.minor + c.major, demo_count(c.reads),
		 demo_count(evictions), demo_count(shootdowns), c.ns / 1000);
	snprintf(line, sizeof(line), "%s_%s", name, phase);
	demo_report_cost(line, c);
	snprintf(line, sizeof(line), "%s_%s_evictions", name, phase);
	demo_report(line, evictions);
	demo_claim("every key was found, with its value", right == lookups);
	if (!demo_kernel_counts())
		return;
	if (!tree->map)
		demo_claim("a call for each level of each lookup", c.calls == lookups * tree->levels);
	else
		demo_claim("no call at all", c.calls == 0);
	if (tree->map && warm && evictions == 0)
		demo_claim("and warm, no fault", c.minor + c.major == 0);
	if (tree->is_direct)                    /* and at first some for the blocks that say where the file lies */
		demo_claim("a request to the disk for each, warm or cold",
			   c.reads >= lookups * tree->levels && c.reads <= lookups * tree->levels * 11 / 10 + 8);
}

static void run_way(struct tree *tree, const char *name, size_t size)
{
	int fd = tree->fd;

	if (strcmp(io, "all") && strcmp(io, name) && (strcmp(io, "cached") || !strcmp(name, "direct")))
		return;
	demo_forget_cache(fd);
	tree->map = strcmp(name, "mmap") ? NULL : demo_map(fd, size, PROT_READ, MAP_SHARED);
	tree->is_direct = !strcmp(name, "direct");
	if (tree->is_direct && (tree->fd = open(path, O_RDONLY | O_DIRECT)) < 0)
		err(1, "%s with O_DIRECT", path);
	measure(tree, name, "cold", false);
	measure(tree, name, "warm", true);
	if (tree->map)
		munmap(tree->map, size);
	if (tree->is_direct)
		close(tree->fd);
	tree->fd = fd;
}

int main(int argc, char **argv)
{
	static struct tree tree;
	struct stat st;

	demo_options(argc, argv, (struct demo_knob[]){
		{ "--io", NULL, &io }, { "--keys", &keys, NULL }, { "--lookups", &lookups, NULL },
		{ "--file", NULL, &path }, { NULL, NULL, NULL } });
	if (keys < FANOUT || keys > 100000000 || lookups < 1)
		errx(2, "--keys wants %d to 100000000", FANOUT);
	demo_kernel_counts();
	int fd = demo_file(path, 0);
	build(fd, &tree);
	if (fstat(fd, &st) < 0)
		err(1, "%s", path);
	demo_say("%ld keys in a tree of %ld levels, %ld nodes, %ld MiB; %ld lookups at random.\n\n", keys, tree.levels,
		 (long)st.st_size / DEMO_PAGE, (long)st.st_size >> 20, lookups);
	demo_report("levels", tree.levels);
	demo_report("lookups", lookups);
	tree.fd = fd;
	run_way(&tree, "mmap", (size_t)st.st_size);
	run_way(&tree, "read", (size_t)st.st_size);
	run_way(&tree, "direct", (size_t)st.st_size);
	return demo_end("a database that uses the mapping cannot say which page shall leave, "
			"or when a dirty one is written: what would it need?",
			"--keys N: a file larger than memory; then compare evictions and shootdowns");
}
