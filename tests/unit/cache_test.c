/*
 * cache_test.c - the page cache and write-back with many threads and a disk that answers when the test says so:
 * one fill for many readers, errors and who hears of them, stores during write-back, truncation
 * against everything, and random use of it all, after which memory and disk agree with a model.
 * The invariants of cache.h are checked after every step.
 */
// BUILD: -DDEBUG -iquote tests/unit/host tests/unit/host_threads.c tests/unit/host_fiber.c tests/unit/cache_world.c
// BUILD: kernel/lib/format.c kernel/cache/cache.c kernel/cache/truncate.c kernel/cache/writeback.c
// BUILD: kernel/cache/flusher.c kernel/dev/plug.c kernel/cache/pagelock.c kernel/lib/radix.c kernel/sync/spinlock.c
// BUILD: kernel/sync/mutex.c kernel/sync/look.c kernel/sync/wait.c kernel/sync/lockcheck.c
#include "cache_world.h"
#include "host_threads.h"
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include <abi/errno.h>

struct reader {
	pgoff_t index;
	int error;
	struct page *page;
	struct host_thread *thread;
};

static void read_one(void *argument)
{
	struct reader *r = argument;

	r->error = cache_get(&world.cache, r->index, &r->page);
}

static void start_reader(struct reader *r, pgoff_t index)
{
	*r = (struct reader){ .index = index };
	r->thread = host_thread(read_one, r);
}

static u8 first_byte(const struct page *p)
{
	return *(u8 *)page_address(p);
}

static bool is_cached(pgoff_t index)
{
	struct page *p = cache_find(&world.cache, index);

	if (p)
		page_put(p);
	return p != NULL;
}

static bool has(pgoff_t index, u32 flag)
{
	struct page *p = cache_find(&world.cache, index);
	bool result = p && page_has(p, flag);

	if (p)
		page_put(p);
	return result;
}

static void test_one_fill(void)
{
	struct reader r[3];

	world_begin(16);
	world.disk[5][0] = 0x55;
	for (int i = 0; i < 3; i++)
		start_reader(&r[i], 5);
	host_run_threads();
	ok(world.nr_requests == 1 && host_nr_threads() == 3,
	   "three readers of one absent page make one request, and wait");
	world_answer(0, 0);
	host_run_threads();
	ok(host_nr_threads() == 0 && r[0].page == r[1].page && r[1].page == r[2].page && r[0].error == 0,
	   "all get the same page");
	ok(first_byte(r[0].page) == 0x55 && world.nr_reads == 1, "with the bytes of the disk");
	for (int i = 0; i < 3; i++)
		page_put(r[i].page);
	world_end();
}

static void test_failed_fill(void)
{
	struct reader r[3], later;

	world_begin(16);
	for (int i = 0; i < 3; i++)
		start_reader(&r[i], 7);
	host_run_threads();
	world_answer(0, -EIO);
	host_run_threads();
	ok(host_nr_threads() == 0 && r[0].error == -EIO && r[1].error == -EIO && r[2].error == -EIO,
	   "a failed fill is reported to everybody who waited");
	ok(!is_cached(7), "and its page does not stay");
	start_reader(&later, 7);
	host_run_threads();
	ok(world.nr_requests == 1, "a later reader asks the disk anew");
	world_answer(0, 0);
	host_run_threads();
	ok(later.error == 0 && later.page, "and gets the page");
	page_put(later.page);
	world_end();
}

static void read_ahead(void *argument)
{
	struct page *p;

	(void)argument;
	require(cache_add_many(&world.cache, 6, 1, &p) == 1);
	world.cache.ops->fill(&world.cache, &p, 1);
	page_put(p);
}

static void test_failed_read_ahead(void)
{
	struct reader r;

	world_begin(16);
	host_thread(read_ahead, NULL);
	host_run_threads();
	ok(host_nr_threads() == 0 && world.nr_requests == 1, "who reads ahead does not wait");
	world_answer(0, -EIO);
	start_reader(&r, 6);
	host_run_threads();
	ok(world.nr_requests == 1, "its failure is not the answer for a reader who comes later");
	world_answer(0, 0);
	host_run_threads();
	ok(r.error == 0 && r.page, "who gets the page");
	page_put(r.page);
	world_end();
}

static void give_up_writing(void *argument)
{
	struct page *p;

	(void)argument;
	require(cache_get_locked(&world.cache, 3, &p) == 0 && !page_has(p, PAGE_UPTODATE));
	host_yield();
	page_unlock(p);
	page_put(p);
}

static void test_given_up_page(void)
{
	struct reader r[2];

	world_begin(16);
	host_thread(give_up_writing, NULL);
	host_run_threads();
	start_reader(&r[0], 3);
	start_reader(&r[1], 3);
	host_run_threads();
	ok(world.nr_requests == 1, "a page that a writer has given up is filled once by those who want it");
	world_answer(0, 0);
	host_run_threads();
	ok(host_nr_threads() == 0 && r[0].page == r[1].page && !r[0].error, "and they get it");
	page_put(r[0].page);
	page_put(r[1].page);
	world_end();
}

static void hold_lock(void *argument)
{
	struct page *p = argument;

	page_lock(p);
	host_yield();
	host_yield();
	page_unlock(p);
}

static void test_page_lock(void)
{
	struct reader r;

	world_begin(16);
	start_reader(&r, 15);
	host_run_threads();
	for (int i = 0; i < 5; i++)
		host_thread(hold_lock, r.page);
	host_run_threads();
	ok(host_nr_threads() == 0 && !page_has(r.page, PAGE_LOCKED), "five threads take the lock of a page in turn");
	page_put(r.page);
	world_end();
}

static void overwrite_one(void *argument)
{
	(void)argument;
	world_overwrite(7, 0x77);
}

static void test_overwrite_failed(void)
{
	struct reader r;

	world_begin(16);
	start_reader(&r, 7);
	host_run_threads();
	host_thread(overwrite_one, NULL);
	host_run_threads();
	world_answer(0, -EIO);
	host_run_threads();
	ok(host_nr_threads() == 0 && r.error == -EIO && is_cached(7) && has(7, PAGE_UPTODATE) && !has(7, PAGE_FAILED),
	   "a writer who overwrites a page whose fill has failed is not stopped by that");
	world_check();
	world_end();
}

/* --- write-back ------------------------------------------------------------------- */

struct syncer {
	enum sync_mode mode;
	int error;
	struct host_thread *thread;
};

static void sync_all(void *argument)
{
	struct syncer *s = argument;

	s->error = cache_write_back(&world.cache, 0, U64_MAX - 1, s->mode);
}

static void start_sync(struct syncer *s, enum sync_mode mode)
{
	*s = (struct syncer){ .mode = mode };
	s->thread = host_thread(sync_all, s);
	host_run_threads();
}

static void store_some(void *argument)
{
	(void)argument;
	for (pgoff_t i = 2; i < 8; i++)
		require(world_store(i * PAGE_SIZE, (u8)(0x40 + i)) == 0);
}

static void dirty_some(void)
{
	host_thread(store_some, NULL);
	do {
		host_run_threads();
	} while (world_answer(0, 0));
	require(world.cache.nr_dirty == 6 && host_nr_threads() == 0);
}

static void test_write_back(void)
{
	struct syncer s;

	world_begin(16);
	dirty_some();
	ok(world.nr_shown_writable == 6, "a stored page is shown writable");
	start_sync(&s, SYNC_WAIT);
	ok(world.nr_requests == 6 && world.nr_store_calls == 1, "neighbours are written in one call");
	ok(world.nr_shown_writable == 0 && has(4, PAGE_WRITEBACK) && !has(4, PAGE_DIRTY),
	   "write-protected, then clean, then under way");
	ok(!host_has_ended(s.thread), "SYNC_WAIT waits");
	world_answer_all(0);
	host_run_threads();
	ok(host_has_ended(s.thread) && s.error == 0 && world.disk[4][0] == 0x44 && world.disk[7][0] == 0x47,
	   "until all is on the disk");
	ok(world.cache.nr_dirty == 0 && world.cache.nr_writeback == 0 && nr_dirty_pages == 0 && nr_writeback_pages == 0,
	   "nothing is dirty any more");
	start_sync(&s, SYNC_WAIT);
	ok(host_has_ended(s.thread) && world.nr_requests == 0, "clean pages are not written");
	world_end();
}

static void test_wait_for_others(void)
{
	struct syncer first, second;

	world_begin(16);
	dirty_some();
	start_sync(&first, SYNC_START);
	ok(host_has_ended(first.thread) && world.nr_requests == 6, "SYNC_START does not wait");
	start_sync(&second, SYNC_WAIT);
	ok(!host_has_ended(second.thread) && world.nr_requests == 6, "SYNC_WAIT waits for what others have started");
	world_answer_all(0);
	host_run_threads();
	ok(host_has_ended(second.thread), "and no longer");
	world_end();
}

static void store_behind(void *argument)
{
	(void)argument;
	require(world_store(12 * PAGE_SIZE, 0x77) == 0);
}

// One page is under way and dirty again, so that a sync has to wait;
// meanwhile a page behind all that it wants becomes dirty.
static void test_sync_ends(void)
{
	struct syncer s;

	world_begin(16);
	dirty_some();
	start_sync(&s, SYNC_START);
	host_thread(store_some, NULL);
	host_run_threads();
	start_sync(&s, SYNC_WAIT);
	ok(!host_has_ended(s.thread), "a page that is dirty again is waited for");
	host_thread(store_behind, NULL);
	host_run_threads();
	while (!has(12, PAGE_DIRTY) && world_answer(world.nr_requests - 1, 0))
		host_run_threads();
	for (u32 i = 0; i < 40 && !host_has_ended(s.thread); i++) {
		world_answer_all(0);
		host_run_threads();
	}
	ok(host_has_ended(s.thread) && world.cache.nr_dirty == 1 && has(12, PAGE_DIRTY),
	   "what is stored behind it later is not");
	start_sync(&s, SYNC_WAIT);
	world_answer_all(0);
	host_run_threads();
	world_end();
}

static void test_wait_only(void)
{
	struct syncer s;

	world_begin(16);
	dirty_some();
	cache_wait_written(&world.cache, 0, U64_MAX);
	ok(world.nr_requests == 0, "waiting for writes starts none");
	start_sync(&s, SYNC_START);
	world_answer(5, 0);
	world_answer(4, 0);
	cache_wait_written(&world.cache, 6, 7);
	ok(world.nr_requests == 4, "and waits for those of its range only");
	world_answer_all(0);
	world_end();
}

static void write_in_background(void *argument)
{
	(void)argument;
	cache_write_in_background(&world.cache);
}

static void test_back_off(void)
{
	struct syncer s;

	world_begin(16);
	dirty_some();
	world_set_clock(0);
	host_thread(write_in_background, NULL);
	host_run_threads();
	ok(world.nr_requests == 6, "the flusher starts to write");
	world_answer_all(-EIO);
	host_thread(write_in_background, NULL);
	host_run_threads();
	ok(world.nr_requests == 0 && world.cache.nr_dirty == 6, "and leaves a cache alone whose writes have failed");
	start_sync(&s, SYNC_WAIT);
	ok(world.nr_requests == 6, "who insists is served at once");
	world_answer_all(-EIO);
	host_run_threads();
	ok(s.error == -EIO, "and told");
	world_set_clock(100ul * 1000000000);
	host_thread(write_in_background, NULL);
	host_run_threads();
	ok(world.nr_requests == 6, "later it tries again");
	world_answer_all(0);
	ok(world.cache.nr_dirty == 0, "and nothing was lost");
	dirty_some();
	world_set_clock(0);
	host_thread(write_in_background, NULL);
	host_run_threads();
	ok(world.nr_requests == 6, "a success ends the pause");
	world_answer_all(0);
	world_end();
}

static void store_again(void *argument)
{
	(void)argument;
	require(world_store(4 * PAGE_SIZE, 0x99) == 0);
}

static void test_store_meanwhile(void)
{
	struct syncer s;

	world_begin(16);
	dirty_some();
	start_sync(&s, SYNC_START);
	world_pick_up(4);                       // the disk has read the old bytes
	host_thread(store_again, NULL);
	host_run_threads();
	ok(host_nr_threads() == 0 && has(4, PAGE_DIRTY) && has(4, PAGE_WRITEBACK),
	   "a store during write-back goes on, and is noted");
	world_answer_all(0);
	ok(has(4, PAGE_DIRTY) && !has(5, PAGE_DIRTY) && world.disk[4][0] == 0x44,
	   "the page stays dirty when the write is done");
	start_sync(&s, SYNC_WAIT);
	ok(world.nr_requests == 1, "it alone is written again");
	world_answer_all(0);
	host_run_threads();
	ok(world.disk[4][0] == 0x99 && !has(4, PAGE_DIRTY), "and nothing is lost");
	dirty_some();
	start_sync(&s, SYNC_START);
	host_thread(store_again, NULL);
	host_run_threads();
	start_sync(&s, SYNC_WAIT);
	ok(world.nr_requests == 6 && !host_has_ended(s.thread), "one page is never written twice at a time");
	world_answer_all(0);
	host_run_threads();
	world_answer_all(0);
	host_run_threads();
	ok(host_has_ended(s.thread) && world.disk[4][0] == 0x99, "the second sync writes the second store");
	world_end();
}

static void test_failed_write(void)
{
	struct syncer s;
	u32 opener[3];

	world_begin(16);
	dirty_some();
	opener[0] = opener[1] = cache_error_mark(&world.cache);
	start_sync(&s, SYNC_WAIT);
	world_answer(2, -EIO);
	world_answer_all(0);
	host_run_threads();
	ok(s.error == -EIO, "who waits for a failed write is told");
	ok(world.cache.nr_dirty == 1 && has(4, PAGE_DIRTY) && nr_dirty_pages == 1, "the page stays dirty");
	ok(cache_error_check(&world.cache, &opener[0]) == -EIO && cache_error_check(&world.cache, &opener[1]) == -EIO,
	   "every opener is told");
	ok(cache_error_check(&world.cache, &opener[0]) == 0 && cache_error_check(&world.cache, &opener[1]) == 0,
	   "once");
	opener[2] = cache_error_mark(&world.cache);
	ok(cache_error_check(&world.cache, &opener[2]) == 0, "one who opens later is not");
	start_sync(&s, SYNC_WAIT);
	world_answer_all(0);
	host_run_threads();
	ok(s.error == 0 && world.disk[4][0] == 0x44, "the next sync tries again, and reports only itself");
	world_end();
}

/* --- truncation --------------------------------------------------------------------- */

struct cutter {
	u64 size;
	struct host_thread *thread;
};

static void cut(void *argument)
{
	world_set_size(((struct cutter *)argument)->size);
}

static void start_cut(struct cutter *c, u64 size)
{
	*c = (struct cutter){ .size = size };
	c->thread = host_thread(cut, c);
	host_run_threads();
}

static bool nothing_past(pgoff_t end)
{
	for (pgoff_t i = end; i < WORLD_PAGES; i++) {
		if (is_cached(i) || world.shown[i].page)
			return false;
	}
	return true;
}

static void test_truncate_and_fill(void)
{
	struct reader r;
	struct cutter c;

	world_begin(16);
	start_reader(&r, 9);
	host_run_threads();
	start_cut(&c, 4 * PAGE_SIZE);
	ok(!host_has_ended(c.thread), "a truncation waits for a fill past the new end");
	world_answer(0, 0);
	host_run_threads();
	ok(host_has_ended(c.thread) && host_has_ended(r.thread) && nothing_past(4), "then the page is gone");
	if (!r.error)
		page_put(r.page);
	world_end();
}

static void test_truncate_and_write_back(void)
{
	struct syncer s;
	struct cutter c;

	world_begin(16);
	dirty_some();
	start_sync(&s, SYNC_WAIT);
	start_cut(&c, 4 * PAGE_SIZE);
	ok(!host_has_ended(c.thread) && world.nr_shown == 2,
	   "it waits for writes under way; nothing past the end is shown meanwhile");
	world_answer_all(0);
	host_run_threads();
	ok(host_has_ended(c.thread) && host_has_ended(s.thread) && nothing_past(4) && has(3, PAGE_UPTODATE),
	   "and keeps what lies before");
	world_end();
	world_begin(16);
	dirty_some();
	start_cut(&c, 0);
	ok(host_has_ended(c.thread) && nothing_past(0) && world.cache.nr_dirty == 0 && nr_dirty_pages == 0,
	   "dirty pages past the end are dropped unwritten");
	world_end();
}

static void store_past_end(void *argument)
{
	(void)argument;
	require(world_store(PAGE_SIZE + 50, 0x11) == 0);
	require(world_store(PAGE_SIZE + 200, 0x22) == 0);
	require(world_store(PAGE_SIZE + 4000, 0x33) == 0);
}

static void test_tails(void)
{
	struct cutter c;
	struct syncer s;

	world_begin(16);
	host_thread(store_past_end, NULL);
	host_run_threads();
	world_answer_all(0);
	host_run_threads();
	start_cut(&c, PAGE_SIZE + 100);
	struct page *p = cache_find(&world.cache, 1);
	u8 *bytes = page_address(p);

	ok(bytes[50] == 0x11 && bytes[200] == 0 && bytes[4000] == 0, "what lies past the new end in its page is zero");
	host_thread(store_past_end, NULL);      // the page is still partly the file's
	host_run_threads();
	start_cut(&c, PAGE_SIZE + 3000);
	ok(bytes[50] == 0x11 && bytes[200] == 0, "what was stored past the end is not there when the file grows");
	page_put(p);
	start_sync(&s, SYNC_WAIT);
	world_answer_all(0);
	host_run_threads();
	ok(world.disk[1][50] == 0x11 && world.disk[1][200] == 0, "nor on the disk");
	world_end();
}

/* --- eviction, throttling --------------------------------------------------------------- */

static bool evicts(pgoff_t index)
{
	struct page *p = cache_find(&world.cache, index);
	bool is_gone = false;

	if (!p)
		return false;
	if (page_try_lock(p)) {
		is_gone = cache_try_evict(p);
		page_unlock(p);
	}
	page_put(p);
	return is_gone;
}

static void test_eviction(void)
{
	struct reader r;
	struct syncer s;

	world_begin(16);
	dirty_some();
	ok(!evicts(4), "a dirty page does not leave");
	start_sync(&s, SYNC_START);
	ok(!evicts(4), "nor one under write-back");
	world_answer_all(0);
	ok(!evicts(4), "nor one that is shown");
	world_unmap(4);
	start_reader(&r, 4);
	host_run_threads();
	ok(!evicts(4), "nor one that somebody holds");
	page_put(r.page);
	ok(evicts(4) && !is_cached(4), "a clean one that nobody uses leaves");
	world_unmap(5);
	ok(cache_drop_clean(&world.cache) == 1 && !is_cached(5), "all such pages can be dropped at once");
	world_end();
}

static void write_throttled(void *argument)
{
	(void)argument;
	writeback_throttle();
}

static void test_throttle(void)
{
	struct host_thread *t;
	struct syncer s;
	struct cutter c;

	world_begin(16);
	dirty_some();
	t = host_thread(write_throttled, NULL);
	host_run_threads();
	ok(host_has_ended(t), "a writer is not held up while little is dirty");
	world_set_memory(20);                   // frames: six dirty pages are more than a fifth
	t = host_thread(write_throttled, NULL);
	host_run_threads();
	ok(!host_has_ended(t), "one is while far too much is");
	start_sync(&s, SYNC_START);
	world_answer(0, 0);
	world_answer(0, 0);
	host_run_threads();
	ok(host_has_ended(t), "finished writes let it go on");
	world_answer_all(0);
	dirty_some();
	t = host_thread(write_throttled, NULL);
	host_run_threads();
	start_cut(&c, 0);
	ok(host_has_ended(t), "so do dirty pages that are dropped");
	world_end();
}

static void store_eighteen(void *argument)
{
	(void)argument;
	for (pgoff_t i = 0; i < 18; i++)
		require(world_store(i * PAGE_SIZE, 1) == 0);
}

static u32 nr_throttled;

static void write_often(void *argument)
{
	(void)argument;
	for (nr_throttled = 0; nr_throttled < 40; nr_throttled++)
		writeback_throttle();
}

static void test_slow_down(void)
{
	struct host_thread *t;
	struct syncer s;

	world_begin(24);
	host_thread(store_eighteen, NULL);
	do {
		host_run_threads();
	} while (world_answer(0, 0));
	require(world.cache.nr_dirty == 18);
	world_set_memory(100);                  // marks at 10 and 20 pages, the middle is 15
	t = host_thread(write_often, NULL);
	host_run_threads();
	ok(!host_has_ended(t) && nr_throttled == 31, "between middle and mark a writer waits once in 32 pages");
	start_sync(&s, SYNC_START);
	world_answer(0, 0);
	world_answer(0, 0);
	host_run_threads();
	ok(!host_has_ended(t) && nr_throttled == 31, "for more than two pages when it is close to the mark");
	world_answer(0, 0);
	host_run_threads();
	ok(host_has_ended(t), "and no longer than until the middle is reached");
	world_answer_all(0);
	world_end();
}

/* --- everything at once --------------------------------------------------------------------- */

#define NR_WORKERS 6

static void worker(void *argument)
{
	(void)argument;
	for (int i = 0; i < 60; i++) {
		u64 position = host_random() % (WORLD_PAGES * PAGE_SIZE);
		struct page *p;

		switch (host_random() % 10) {
		case 0: case 1: case 2: case 3:
			(void)world_store(position, (u8)host_random());
			break;
		case 4: case 5:
			if (position < world.cache.size && cache_get(&world.cache, position >> PAGE_SHIFT, &p) == 0)
				page_put(p);
			break;
		case 6:
			(void)!cache_write_back(&world.cache, 0, U64_MAX - 1,
						host_random() & 1 ? SYNC_WAIT : SYNC_START);
			break;
		case 7:
			world_set_size(host_random() & 1 ? position : position & PAGE_MASK);
			break;
		case 8:
			world_unmap(position >> PAGE_SHIFT);
			evicts(position >> PAGE_SHIFT);
			break;
		case 9:
			if (host_random() & 1)
				world_overwrite(position >> PAGE_SHIFT, (u8)host_random());
			else
				host_yield();
		}
		world_check();
	}
}

// Lets the threads run, and answers at random, with an error now and then, until all have ended.
static void finish(u32 error_one_in)
{
	for (;;) {
		host_run_threads();
		world_check();
		if (!world.nr_requests)
			break;
		u32 which = (u32)(host_random() % world.nr_requests);

		world_answer(which, error_one_in && host_random() % error_one_in == 0 ? -EIO : 0);
		world_check();
	}
	require(host_nr_threads() == 0);
}

static void test_random(void)
{
	for (int round = 0; round < 300; round++) {
		struct syncer s;

		world_begin(WORLD_PAGES);
		world.is_random = true;
		for (int i = 0; i < NR_WORKERS; i++)
			host_thread(worker, NULL);
		finish(round % 3 == 0 ? 0 : 12);
		start_sync(&s, SYNC_WAIT);
		finish(0);
		require(s.error == 0 && world.cache.nr_dirty == 0);
		world_compare();
		world_end();
	}
	ok(true, "300 rounds of everything at once: the disk has what the model has");
}

int main(void)
{
	host_threads_start();
	cache_room_init();
	test_one_fill();
	test_failed_fill();
	test_failed_read_ahead();
	test_given_up_page();
	test_page_lock();
	test_overwrite_failed();
	test_write_back();
	test_wait_for_others();
	test_store_meanwhile();
	test_sync_ends();
	test_wait_only();
	test_back_off();
	test_failed_write();
	test_truncate_and_fill();
	test_truncate_and_write_back();
	test_tails();
	test_eviction();
	test_throttle();
	test_slow_down();
	test_random();
	return tap_end();
}
