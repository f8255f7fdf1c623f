/*
 * page_race.c - stores, loads, read(), write(), truncation, holes and write-back at one page at one time,
 * by five processes, against a model that says at every look what can be there, whoever came first.
 *
 * The page holds a few words ("slots"), each with one process that gives it rising numbers, and zeros.
 * A cut takes away the page, or a part ("zone") of it, and brings zeros back. The model:
 *  - a word is zero or a number that its owner has begun to store, whole; but when the kernel copied it onto itself
 *    while a cut came, byte by byte, half of it may stay until the next store;
 *  - no number is seen that was stored, and done with, before a cut that has ended: growth never shows old bytes;
 *  - a number whose store began behind the last cut and has ended is seen, or a later one: nothing is lost;
 *  - nobody sees a number fall;
 *  - in the end mapping, read() and the disk hold the same bytes, and beside the slots nothing but zeros.
 *
 *	page_race --helper minute SECONDS               a long run; prints what it saw
 */
#include "guest.h"

#include <sched.h>

typedef unsigned long u64;

enum { MAPPERS = 2, OWNERS, ZONES = 2, NR_SLOTS = OWNERS * ZONES };     // the last owner stores by write()

#define PAGE_AT PAGE                            // the raced page is the second
#define MIDDLE 1234                             // of the page, where its second zone begins
#define WHOLE_SIZE (2 * PAGE + 100)

struct slot {
	u64 started;                            // the number whose store began last
	u64 completed;                          // the one that ended last: cut << 32 | number, behind that cut
	u64 floor;                              // numbers up to this one are gone for good
	u64 copied;                             // the last number that was copied onto itself
};

// In memory that all processes share; every access is atomic.
static struct model {
	struct slot slots[NR_SLOTS];
	u64 cuts_begun[ZONES], cuts_done[ZONES];
	u64 stop, stored, refused, looked, must, torn, synced, cuts;
} *model;

static int file;
static unsigned char *shared_view, *private_view;       // of the page
static u64 random_state;

#define GET(place) __atomic_load_n(&(place), __ATOMIC_SEQ_CST)
#define PUT(place, value) __atomic_store_n(&(place), (value), __ATOMIC_SEQ_CST)
#define COUNT(place) __atomic_add_fetch(&(place), 1, __ATOMIC_SEQ_CST)

static u64 below(u64 limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * 0x2545f4914f6cdd1d >> 33) % limit;
}

static int zone_of(int slot)
{
	return slot / OWNERS;
}

// Of a slot in the page: the first word is one, and the last.
static u64 place_of(int slot)
{
	u64 nr = slot % OWNERS;

	return zone_of(slot) ? PAGE - 8 - nr * 24 : nr * 8;
}

// The word for a number: half of it says whether it is whole, since read() and write() copy byte by byte.
static u64 word_of(int slot, u64 number)
{
	u64 check = (number + 1) * 0x9e3779b97f4a7c15 + slot * 0xd1342543de82ef95;

	return (check >> 32 | 1) << 32 | number;
}

/* ---- accesses that may find the page gone ---------------------------------------------------- */

static sigjmp_buf landing;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	u64 at = (u64)info->si_addr;

	(void)number, (void)context;
	if (info->si_code != BUS_ADRERR || ((at & -PAGE) != (u64)shared_view && (at & -PAGE) != (u64)private_view))
		FAIL("expected SIGBUS in the page with BUS_ADRERR, seen code %d at 0x%lx", info->si_code, at);
	siglongjmp(landing, 1);
}

static bool try_store(int slot, u64 word)
{
	if (sigsetjmp(landing, 0))
		return false;
	*(volatile u64 *)(shared_view + place_of(slot)) = word;
	return true;
}

static bool try_load(const unsigned char *view, int slot, u64 *word)
{
	if (sigsetjmp(landing, 0))
		return false;
	*word = *(const volatile u64 *)(view + place_of(slot));
	return true;
}

static bool fetch(int way, int slot, u64 *word)
{
	if (way < 2)
		return try_load(way ? private_view : shared_view, slot, word);
	ssize_t n = MUST(pread(file, word, 8, PAGE_AT + place_of(slot)));

	CHECK(n >= 0 && n <= 8);               // few: a cut came amid the word
	return n == 8;
}

/* ---- the look -------------------------------------------------------------------------------- */

static u64 last_seen[NR_SLOTS];                 // by this process

// One access to a slot, judged. What is known before it and what is known behind it bound what may be there.
static void look(int slot, int way)
{
	struct slot *s = &model->slots[slot];
	u64 floor = GET(s->floor), completed = GET(s->completed), word = 0, number;
	bool is_there;
	int tries = 0;

	while ((is_there = fetch(way, slot, &word)) && word && word != word_of(slot, (unsigned)word)) {
		COUNT(model->torn);
		if (++tries < 1000)
			continue;
		if (GET(s->copied) == GET(s->started))
			return;
		sched_yield();                  // whoever is in the middle of a copy may have lost its processor
		if (tries == 1000000)
			FAIL("expected a whole number in slot %d, seen 0x%016lx again and again", slot, word);
	}
	bool must = completed && completed >> 32 == GET(model->cuts_begun[zone_of(slot)]);
	u64 started = GET(s->started);

	COUNT(model->looked);
	if (must)
		COUNT(model->must);
	number = is_there ? (unsigned)word : 0;
	if (must && number < (unsigned)completed)
		FAIL("expected number %lu or later in slot %d by way %d, seen %lu%s", completed & 0xffffffff, slot, way,
		     number, is_there ? "" : " (no page)");
	if (number && (number <= floor || number > started))
		FAIL("expected zero or a number of %lu to %lu in slot %d by way %d, seen %lu", floor + 1, started, slot,
		     way, number);
	if (number && number < last_seen[slot])
		FAIL("expected number %lu or later in slot %d by way %d, seen %lu", last_seen[slot], slot, way, number);
	if (number)
		last_seen[slot] = number;
}

/* ---- the five -------------------------------------------------------------------------------- */

static void make_views(void)
{
	shared_view = map_file(file, PAGE, RW, MAP_SHARED, PAGE_AT);
	private_view = map_file(file, PAGE, PROT_READ, MAP_PRIVATE, PAGE_AT);
}

// The next number into an own slot. Some ways take it through the kernel once more, from and to the very same place.
static void put_next(int slot, bool by_write)
{
	struct slot *s = &model->slots[slot];
	u64 number = GET(s->started) + 1, word = word_of(slot, number), way = below(8), cut;
	off_t at = PAGE_AT + place_of(slot);
	bool ok;

	PUT(s->started, number);
	cut = GET(model->cuts_done[zone_of(slot)]);
	if (by_write && way) {
		CHECK_EQ(pwrite(file, &word, 8, at), 8);
		ok = true;
	} else {
		ok = try_store(slot, word);
		if (ok && !way)
			PUT(s->copied, number);
		ssize_t n = !ok || way ? 0 : by_write ? pwrite(file, shared_view + place_of(slot), 8, at)
			    : pread(file, shared_view + place_of(slot), 8, at);
		if (n == -1)
			CHECK_EQ(errno, EFAULT);
	}
	if (ok)
		PUT(s->completed, cut << 32 | number);
	COUNT(*(ok ? &model->stored : &model->refused));
}

static void be_owner(int me)
{
	for (int i = 0; i < 100 || !GET(model->stop); i++) {
		put_next(me + (int)below(ZONES) * OWNERS, me == MAPPERS);
		look((int)below(NR_SLOTS), (int)below(3));
		if (below(64) == 0)
			MUST(madvise(shared_view, PAGE, MADV_DONTNEED));
		if (below(256) == 0) {
			MUST(munmap(shared_view, PAGE));
			MUST(munmap(private_view, PAGE));
			make_views();
		}
	}
}

static void be_syncer(void)
{
	for (int i = 0; i < 20 || !GET(model->stop); i++) {
		switch (i % 6) {
		case 0:
			MUST(msync(shared_view, PAGE, MS_SYNC));
			break;
		case 1:
			MUST(msync(shared_view, PAGE, MS_ASYNC));
			break;
		case 2:
			MUST(fdatasync(file));
			break;
		case 3:
			MUST(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
			break;
		case 4:
			madvise(shared_view, PAGE, MADV_PAGEOUT);
			break;
		default:
			MUST(syscall(SYS_sync_file_range, file, PAGE_AT, PAGE, 7L));
		}
		COUNT(model->synced);
		look((int)below(NR_SLOTS), (int)below(3));
	}
}

static void cut_and_grow(int way)
{
	static const unsigned long sizes[] = { PAGE_AT, PAGE_AT + MIDDLE, 0, PAGE_AT - 5 };
	int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (way < 4) {
		MUST(ftruncate(file, sizes[way]));
		MUST(ftruncate(file, WHOLE_SIZE));
	} else if (way == 4) {
		MUST(fallocate(file, hole, PAGE_AT, PAGE));
	} else {
		MUST(fallocate(file, hole, PAGE_AT + MIDDLE, PAGE - MIDDLE));
	}
}

static void be_cutter(long cuts)
{
	for (long i = 0; i < cuts; i++) {
		int way = (int)below(6), first_zone = way == 1 || way == 5;
		u64 gone[NR_SLOTS], until = GET(model->stored) + below(60);

		for (int slot = 0; slot < NR_SLOTS; slot++)
			gone[slot] = (unsigned)GET(model->slots[slot].completed);
		for (int zone = first_zone; zone < ZONES; zone++)
			COUNT(model->cuts_begun[zone]);
		cut_and_grow(way);
		for (int slot = first_zone * OWNERS; slot < NR_SLOTS; slot++)
			PUT(model->slots[slot].floor, gone[slot]);
		for (int zone = first_zone; zone < ZONES; zone++)
			COUNT(model->cuts_done[zone]);
		COUNT(model->cuts);
		// The others get something done in between, but are not waited for for ever.
		for (int n = 0; n < 2000 && GET(model->stored) < until; n++)
			sched_yield();
	}
	PUT(model->stop, 1);
}

/* ---- a round --------------------------------------------------------------------------------- */

// Nobody else runs any more: now everything is known, but whether a number that came amid a cut stayed.
static void check_the_end(void)
{
	static unsigned char before[WHOLE_SIZE], after[WHOLE_SIZE];

	make_views();
	for (int slot = 0; slot < NR_SLOTS; slot++)
		for (int way = 0; way < 3; way++)
			look(slot, way);
	CHECK_EQ(pread(file, before, WHOLE_SIZE, 0), WHOLE_SIZE);
	CHECK(memcmp(before + PAGE_AT, shared_view, PAGE) == 0);
	MUST(fsync(file));
	MUST(munmap(shared_view, PAGE));
	MUST(munmap(private_view, PAGE));
	MUST(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));   // the next read is from the disk
	CHECK_EQ(pread(file, after, WHOLE_SIZE, 0), WHOLE_SIZE);
	CHECK(memcmp(before, after, WHOLE_SIZE) == 0);
	for (int slot = 0; slot < NR_SLOTS; slot++)
		memset(after + PAGE_AT + place_of(slot), 0, 8);
	CHECK_BYTES(after, WHOLE_SIZE, 0);
	CHECK_EQ(file_size(file), WHOLE_SIZE);
}

static void be_worker(int worker, long cuts, u64 seed)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER };

	MUST(sigaction(SIGBUS, &action, NULL));
	random_state = (seed + 1) * 0x9e3779b97f4a7c15 + (u64)worker * 0xd1342543de82ef95;
	make_views();
	if (worker < OWNERS)
		be_owner(worker);
	else if (worker == OWNERS)
		be_syncer();
	else
		be_cutter(cuts);
}

static void race(int fd, long cuts, u64 seed)
{
	pid_t child[OWNERS + 2];

	file = fd;
	MUST(ftruncate(file, 0));
	MUST(ftruncate(file, WHOLE_SIZE));
	memset(last_seen, 0, sizeof(last_seen));
	model = MUST(mmap(NULL, sizeof(*model), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	for (int i = 0; i < OWNERS + 2; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			be_worker(i, cuts, seed);
			_exit(0);
		}
	}
	int status = wait_status(child[OWNERS + 1]);

	PUT(model->stop, 1);                    // even if the cutter could not say so
	for (int i = 0; i <= OWNERS; i++)
		CHECK_CHILD(child[i]);
	CHECK_EQ(status, 0);
	check_the_end();
}

TEST(all_that_can_happen_to_a_page_of_a_file_at_once_keeps_to_the_model)
{
	race(MUST(open("raced", O_RDWR | O_CREAT, 0644)), 25, 1);
}

TEST(all_that_can_happen_to_a_page_of_a_memfd_at_once_keeps_to_the_model)
{
	race((int)MUST(syscall(SYS_memfd_create, "raced", 0)), 25, 2);
}

// Rounds of a file on the disk and of one in memory in turn.
HELPER(minute)
{
	CHECK(argc >= 2);
	mkdir("/tmp/page_race", 0755);
	MUST(chdir("/tmp/page_race"));
	int fds[] = { MUST(open("raced", O_RDWR | O_CREAT, 0644)), (int)MUST(syscall(SYS_memfd_create, "raced", 0)) };
	time_t end = time(NULL) + strtol(argv[1], NULL, 10);
	long cuts = 0;

	for (u64 seed = 1; time(NULL) < end; seed++) {
		race(fds[seed % 2], 300, seed);
		cuts += model->cuts;
		say("# round %lu, a file %s: %lu cuts, %lu stores, %lu refused; "
		    "%lu looks, %lu torn, %lu had to see a number; %lu syncs\n",
		    seed, seed % 2 ? "in memory" : "on the disk", model->cuts, model->stored, model->refused,
		    model->looked, model->torn, model->must, model->synced);
		MUST(munmap(model, sizeof(*model)));
	}
	say("# %ld cuts: the model holds\n", cuts);
	return 0;
}
