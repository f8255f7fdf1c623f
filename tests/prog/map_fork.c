/*
 * map_fork.c - what fork does to memory: private pages part at the first store on either side,
 * shared pages stay one, and this holds down a long line of children.
 */
#include "guest.h"

TEST(childs_store_is_not_seen_by_the_parent)
{
	unsigned char *p = map_anonymous(8 * PAGE);

	memset(p, 1, 8 * PAGE);
	pid_t child = MUST(fork());
	if (child == 0) {
		memset(p, 2, 8 * PAGE);
		CHECK_BYTES(p, 8 * PAGE, 2);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_BYTES(p, 8 * PAGE, 1);
}

TEST(parents_store_is_not_seen_by_the_child)
{
	unsigned char *p = map_anonymous(8 * PAGE);
	struct gate gate = gate_make();

	memset(p, 1, 8 * PAGE);
	pid_t child = MUST(fork());
	if (child == 0) {
		gate_wait(gate);
		CHECK_BYTES(p, 8 * PAGE, 1);
		_exit(0);
	}
	memset(p, 2, 8 * PAGE);
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK_BYTES(p, 8 * PAGE, 2);
}

TEST(both_sides_store_to_one_page)
{
	unsigned char *p = map_anonymous(PAGE);
	struct gate to_child = gate_make(), to_parent = gate_make();

	memset(p, 1, PAGE);
	pid_t child = MUST(fork());
	if (child == 0) {
		gate_wait(to_child);
		store(p + 1, 3);
		CHECK_EQ(load(p), 1);
		CHECK_EQ(load(p + 2), 1);
		gate_open(to_parent);
		_exit(0);
	}
	store(p, 2);
	gate_open(to_child);
	gate_wait(to_parent);
	CHECK_EQ(load(p), 2);
	CHECK_EQ(load(p + 1), 1);
	CHECK_CHILD(child);
}

TEST(pages_untouched_before_fork_are_apart)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	pid_t child = MUST(fork());
	if (child == 0) {
		store(p, 7);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 0);
}

TEST(zero_page_read_before_fork_is_apart)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_EQ(load(p), 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		store(p, 7);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 0);
	store(p, 8);
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
}

TEST(frames_are_shared_until_the_store)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	memset(p, 1, 2 * PAGE);
	unsigned long first = frame_of(p), second = frame_of(p + PAGE);
	if (!first)
		SKIP("/proc/self/pagemap shows no frames");
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(frame_of(p), first);
		store(p + PAGE, 2);
		CHECK(frame_of(p + PAGE) != second);
		CHECK_EQ(frame_of(p), first);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(frame_of(p), first);
}

TEST(last_owner_keeps_its_frame)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 1);
	unsigned long frame = frame_of(p);
	if (!frame || own_count("cow_copies") < 0)
		SKIP("Linux copies now and then, when a list of its own still holds the page");
	pid_t child = MUST(fork());
	if (child == 0)
		_exit(0);
	CHECK_CHILD(child);
	store(p, 2);                                    // nobody else holds it: no copy is needed
	CHECK_EQ(frame_of(p), frame);
}

static int static_data = 5;
static int static_zero;

TEST(stack_heap_and_static_data_are_apart)
{
	int local = 6;
	volatile int *heap = malloc(sizeof(int)), *stack = &local;
	volatile int *data = &static_data, *bss = &static_zero;

	*heap = 7;
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(*heap + *stack + *data + *bss, 18);
		*heap = *stack = *data = *bss = 100;
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(*heap, 7);
	CHECK_EQ(*stack, 6);
	CHECK_EQ(*data, 5);
	CHECK_EQ(*bss, 0);
}

TEST(shared_private_and_anonymous_together)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *shared = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	unsigned char *private = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, PAGE);
	unsigned char *anonymous = map_anonymous(PAGE);
	unsigned char *common = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	store(private, 1);                              // one copied page, one not
	store(anonymous, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		store(shared, 2);
		store(private, 2);
		store(private + PAGE, 2);
		store(anonymous, 2);
		store(common, 2);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(shared), 2);
	CHECK_EQ(load(private), 1);
	CHECK_EQ(load(private + PAGE), pattern(2 * PAGE));
	CHECK_EQ(load(anonymous), 1);
	CHECK_EQ(load(common), 2);
	CHECK_EQ(file_byte(fd, 0), 2);
	CHECK_EQ(file_byte(fd, PAGE), pattern(PAGE));
}

// Each generation checks what its fathers left, changes one page, and forks the next.
static void generation(unsigned char *p, unsigned char *common, int depth)
{
	for (int i = 0; i < 12; i++)
		CHECK_EQ(load(p + i * PAGE), i < depth ? 100 + i : 1);
	if (depth == 12)
		_exit(0);
	store(p + depth * PAGE, 100 + depth);
	store(common + depth, 1);
	pid_t child = MUST(fork());
	if (child == 0)
		generation(p, common, depth + 1);
	CHECK_CHILD(child);
	CHECK_EQ(load(p + depth * PAGE), 100 + depth);
	if (depth < 11)
		CHECK_EQ(load(p + (depth + 1) * PAGE), 1);
	if (depth > 0)
		_exit(0);
}

TEST(chain_of_twelve_generations)
{
	unsigned char *p = map_anonymous(12 * PAGE);
	unsigned char *common = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	memset(p, 1, 12 * PAGE);
	generation(p, common, 0);
	CHECK_BYTES(common, 12, 1);
}

TEST(many_children_of_one_page)
{
	unsigned char *p = map_anonymous(PAGE);
	pid_t child[20];

	store(p, 1);
	for (int i = 0; i < 20; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			CHECK_EQ(load(p), 1);
			store(p, i);
			CHECK_EQ(load(p), i);
			_exit(0);
		}
	}
	store(p, 99);
	for (int i = 0; i < 20; i++)
		CHECK_CHILD(child[i]);
	CHECK_EQ(load(p), 99);
}

TEST(grandchild_of_a_dead_child_keeps_its_pages)
{
	unsigned char *p = map_anonymous(4 * PAGE);
	unsigned char *common = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct gate go = gate_make(), done = gate_make();

	memset(p, 1, 4 * PAGE);
	pid_t child = MUST(fork());
	if (child == 0) {
		memset(p, 2, 2 * PAGE);
		if (MUST(fork()) == 0) {
			gate_wait(go);
			CHECK_BYTES(p, 2 * PAGE, 2);
			CHECK_BYTES(p + 2 * PAGE, 2 * PAGE, 1);
			store(common, 1);
			gate_open(done);
		}
		_exit(0);
	}
	CHECK_CHILD(child);
	MUST(munmap(p, 4 * PAGE));
	close(done.ends[1]);            // so that a grandchild which failed is end of file for us
	gate_open(go);
	gate_wait(done);
	CHECK_EQ(load(common), 1);
}

TEST(mappings_made_after_fork_are_ones_own)
{
	struct gate gate = gate_make();
	unsigned char *hole = find_hole(PAGE);

	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(mmap(hole, PAGE, RW, ANON | MAP_FIXED, -1, 0));
		store(hole, 1);
		gate_open(gate);
		_exit(0);
	}
	gate_wait(gate);
	CHECK_SIGNAL(load(hole), SIGSEGV, SEGV_MAPERR, hole);
	CHECK_CHILD(child);
}

TEST(child_unmapping_leaves_the_parent)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	memset(p, 3, 4 * PAGE);
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(munmap(p, 4 * PAGE));
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_BYTES(p, 4 * PAGE, 3);
}

TEST(kernel_write_into_a_shared_copy_parts_it)
{
	unsigned char *p = map_anonymous(PAGE);
	int fd = make_file("data", PAGE);

	store(p, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(pread(fd, p, PAGE, 0), PAGE);  // the copy must be broken by the kernel's store
		check_pattern(p, PAGE, 0);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 1);
}

TEST(large_memory_over_fork)
{
	unsigned long pages = 1024;
	unsigned char *p = map_anonymous(pages * PAGE);

	for (unsigned long i = 0; i < pages; i++)
		store(p + i * PAGE, i % 255);
	pid_t child = MUST(fork());
	if (child == 0) {
		for (unsigned long i = 0; i < pages; i += 3)
			store(p + i * PAGE, 255);
		for (unsigned long i = 0; i < pages; i++)
			CHECK_EQ(load(p + i * PAGE), i % 3 ? i % 255 : 255);
		_exit(0);
	}
	for (unsigned long i = 1; i < pages; i += 3)
		store(p + i * PAGE, 254);
	CHECK_CHILD(child);
	for (unsigned long i = 0; i < pages; i++)
		CHECK_EQ(load(p + i * PAGE), i % 3 == 1 ? 254 : i % 255);
}

// Where page i of the sparse memory below lies:
// lines of a page table with one entry, tables with a few, neighbours that differ.
static unsigned char *sparse_at(unsigned char *base, unsigned long i)
{
	return base + i * i * 3 * PAGE;
}

static int is_left_out(unsigned long i)
{
	return i % 7 == 3;
}

static void check_sparse(unsigned char *base, unsigned long nr, int in_child)
{
	unsigned char state;

	for (unsigned long i = 0; i < nr; i++) {
		unsigned char *p = sparse_at(base, i);

		if (in_child && is_left_out(i))
			CHECK_ERR(mincore(p, PAGE, &state), ENOMEM);
		else
			CHECK_EQ(load(p), i + 1);
	}
}

TEST(many_areas_and_few_pages_over_fork)
{
	const unsigned long nr = 100;
	unsigned char *base =
		MUST(mmap(NULL, nr * nr * 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	MUST(munmap(base, nr * nr * 3 * PAGE));
	for (unsigned long i = 0; i < nr; i++) {
		int how = i % 3 ? MAP_PRIVATE : MAP_SHARED;
		unsigned char *p = MUST(mmap(sparse_at(base, i), PAGE, RW, how | MAP_ANONYMOUS | MAP_FIXED, -1, 0));

		store(p, i + 1);
		if (is_left_out(i))
			MUST(madvise(p, PAGE, MADV_DONTFORK));
	}
	pid_t child = MUST(fork());
	if (child == 0) {
		check_sparse(base, nr, 1);
		for (unsigned long i = 0; i < nr; i++) {        // the copy's tree takes changes like any other
			if (is_left_out(i) || i % 2 == 0)
				MUST(mmap(sparse_at(base, i), PAGE, RW,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
			else
				MUST(munmap(sparse_at(base, i), PAGE));
		}
		pid_t grandchild = MUST(fork());
		if (grandchild == 0) {
			for (unsigned long i = 0; i < nr; i += 2)
				CHECK_EQ(load(sparse_at(base, i)), 0);
			_exit(0);
		}
		CHECK_CHILD(grandchild);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_sparse(base, nr, 0);
}
