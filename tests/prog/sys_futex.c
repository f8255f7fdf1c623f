/*
 * sys_futex.c - waiting for a word of memory: each operation of futex(2) and its errors, and robust lists: the locks
 * that a thread leaves behind when it ends.
 */
#include "threads.h"

#include <abi/futex.h>

static long futex(volatile unsigned int *word, int operation, unsigned int value, unsigned long timeout_or_value2,
		  volatile unsigned int *word2, unsigned int value3)
{
	return syscall(SYS_futex, word, operation, value, timeout_or_value2, word2, value3);
}

static volatile unsigned int *shared_words(void)
{
	return MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

struct sleeper {
	struct thread thread;
	volatile unsigned int *word;
	unsigned int value, bits;
	volatile long result;
};

static void sleep_on_word(void *argument)
{
	struct sleeper *s = argument;

	s->result = raw_call(SYS_futex, (long)s->word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, (long)s->value,
			     0, 0, (long)s->bits);
}

static void sleeper_begin(struct sleeper *s, volatile unsigned int *word, unsigned int bits)
{
	s->word = word;
	s->value = *word;
	s->bits = bits;
	s->result = 1;
	thread_begin(&s->thread, sleep_on_word, s);
	wait_until_asleep(s->thread.tid);
}

/* ---- the operations -------------------------------------------------------------------------- */

TEST(futex_wait_returns_when_the_word_differs)
{
	volatile unsigned int word = 5;

	CHECK_ERR(futex(&word, FUTEX_WAIT, 4, 0, NULL, 0), EAGAIN);
	CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 4, 0, NULL, ~0u), EAGAIN);
}

TEST(futex_wake_counts_who_was_woken)
{
	static volatile unsigned int word;
	static struct sleeper s[3];

	for (int i = 0; i < 3; i++)
		sleeper_begin(&s[i], &word, ~0u);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 2, 0, NULL, 0), 2);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, 0, NULL, 0), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 100, 0, NULL, 0), 0);
	for (int i = 0; i < 3; i++) {
		thread_join(&s[i].thread);
		CHECK_EQ(s[i].result, 0);
	}
}

TEST(futex_wake_asked_for_none_wakes_one)
{
	static volatile unsigned int word;
	static struct sleeper s[2];

	for (int i = 0; i < 2; i++)
		sleeper_begin(&s[i], &word, ~0u);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 0, 0, NULL, 0), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 0, 0, NULL, 0), 1);
	for (int i = 0; i < 2; i++)
		thread_join(&s[i].thread);
}

TEST(futex_bits_choose_whom_to_wake)
{
	static volatile unsigned int word;
	static struct sleeper s[2];

	sleeper_begin(&s[0], &word, 1);
	sleeper_begin(&s[1], &word, 2);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, NULL, 4), 0);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, NULL, 2), 1);
	thread_join(&s[1].thread);
	CHECK_EQ(s[0].thread.tid != 0, 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, NULL, 1), 1);
	thread_join(&s[0].thread);
	CHECK_ERR(futex(&word, FUTEX_WAKE_BITSET, 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, 0, NULL, 0), EINVAL);
}

TEST(futex_requeue_moves_those_it_does_not_wake)
{
	static volatile unsigned int from = 7, to;
	static struct sleeper s[4];

	for (int i = 0; i < 4; i++)
		sleeper_begin(&s[i], &from, ~0u);
	CHECK_ERR(futex(&from, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, &to, 8), EAGAIN);
	CHECK_EQ(futex(&from, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, &to, 7), 3);
	CHECK_EQ(futex(&to, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, NULL, 0), 2);
	CHECK_EQ(futex(&from, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 10, &to, 0), 1);
	CHECK_EQ(futex(&from, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, NULL, 0), 0);
	CHECK_EQ(futex(&to, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, NULL, 0), 1);
	for (int i = 0; i < 4; i++)
		thread_join(&s[i].thread);
	CHECK_ERR(futex(&from, FUTEX_REQUEUE, (unsigned int)-1, 0, &to, 0), EINVAL);
	CHECK_ERR(futex(&from, FUTEX_REQUEUE, 0, (unsigned long)-1, &to, 0), EINVAL);
}

TEST(futex_wake_op_changes_the_second_word)
{
	static const struct {
		unsigned int before, operation, after;
	} cases[] = {
		{ 5, FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 0), 9 },
		{ 5, FUTEX_OP(FUTEX_OP_SET, -3, FUTEX_OP_CMP_EQ, 0), (unsigned int)-3 },
		{ 5, FUTEX_OP(FUTEX_OP_ADD, 9, FUTEX_OP_CMP_EQ, 0), 14 },
		{ 5, FUTEX_OP(FUTEX_OP_ADD, -6, FUTEX_OP_CMP_EQ, 0), (unsigned int)-1 },
		{ 5, FUTEX_OP(FUTEX_OP_OR, 10, FUTEX_OP_CMP_EQ, 0), 15 },
		{ 5, FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_EQ, 0), 4 },
		{ 5, FUTEX_OP(FUTEX_OP_XOR, 12, FUTEX_OP_CMP_EQ, 0), 9 },
		{ 5, FUTEX_OP(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 31, FUTEX_OP_CMP_EQ, 0), 0x80000005 },
	};
	volatile unsigned int *word = shared_words();

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		word[1] = cases[i].before;
		CHECK_EQ(futex(&word[0], FUTEX_WAKE_OP, 1, 1, &word[1], cases[i].operation), 0);
		CHECK_EQ(word[1], cases[i].after);
	}
	CHECK_ERR(futex(&word[0], FUTEX_WAKE_OP, 1, 1, &word[1], FUTEX_OP(6, 0, FUTEX_OP_CMP_EQ, 0)), ENOSYS);
	CHECK_ERR(futex(&word[0], FUTEX_WAKE_OP, 1, 1, (void *)16, FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)),
		  EFAULT);
	// An unknown comparison is found out when the word is changed already.
	word[1] = 3;
	CHECK_ERR(futex(&word[0], FUTEX_WAKE_OP, 1, 1, &word[1], FUTEX_OP(FUTEX_OP_SET, 8, 9, 0)), ENOSYS);
	CHECK_EQ(word[1], 8);
}

// Wakes of the second word when the comparison of what it was holds.
static long woken_by(unsigned int was, int comparison, int argument)
{
	static volatile unsigned int word[2];
	static struct sleeper s;

	word[1] = was;
	sleeper_begin(&s, &word[1], ~0u);
	long nr = futex(&word[0], FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 1, &word[1],
			FUTEX_OP(FUTEX_OP_ADD, 1, comparison, argument));

	futex(&word[1], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, NULL, 0);
	thread_join(&s.thread);
	return nr;
}

TEST(futex_wake_op_compares_what_the_word_was)
{
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_EQ, 5), 1);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_EQ, 6), 0);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_NE, 6), 1);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_NE, 5), 0);
	CHECK_EQ(woken_by((unsigned int)-5, FUTEX_OP_CMP_LT, 0), 1);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_LT, 5), 0);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_LE, 5), 1);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_LE, -6), 0);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_GT, -6), 1);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_GT, 5), 0);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_GE, 5), 1);
	CHECK_EQ(woken_by(5, FUTEX_OP_CMP_GE, 6), 0);
}

TEST(futex_errors)
{
	volatile unsigned int *word = shared_words();
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 }, soon = { 0, 1000 };

	CHECK_ERR(futex((void *)((char *)word + 1), FUTEX_WAIT, 0, 0, NULL, 0), EINVAL);
	CHECK_ERR(futex((void *)((char *)word + 2), FUTEX_WAKE, 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(futex((void *)find_hole(PAGE), FUTEX_WAIT, 0, 0, NULL, 0), EFAULT);
	CHECK_ERR(futex((void *)find_hole(PAGE), FUTEX_WAKE, 1, 0, NULL, 0), EFAULT);
	CHECK_ERR(futex((void *)~7ul, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, NULL, 0), EFAULT);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, (unsigned long)&bad, NULL, 0), EINVAL);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, (unsigned long)&negative, NULL, 0), EINVAL);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, 16, NULL, 0), EFAULT);
	CHECK_ERR(futex(word, FUTEX_WAIT, 0, (unsigned long)&soon, NULL, 0), ETIMEDOUT);
	CHECK_ERR(futex(word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, 0, NULL, 0), ENOSYS);
	CHECK_ERR(futex(word, 77, 1, 0, NULL, 0), ENOSYS);
}

TEST(futex_private_and_shared_time_out_at_an_absolute_time)
{
	volatile unsigned int *word = shared_words();
	struct timespec now, real;

	MUST(clock_gettime(CLOCK_MONOTONIC, &now));
	MUST(clock_gettime(CLOCK_REALTIME, &real));
	CHECK_ERR(futex(word, FUTEX_WAIT_BITSET, 0, (unsigned long)&now, NULL, ~0u), ETIMEDOUT);
	CHECK_ERR(futex(word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0,
			(unsigned long)&real, NULL, ~0u), ETIMEDOUT);
}

TEST(futex_shared_is_one_by_way_of_two_mappings)
{
	int fd = make_file("file", 2 * PAGE);
	volatile unsigned int *word = (void *)map_file(fd, PAGE, RW, MAP_SHARED, PAGE);
	struct gate ready = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		volatile unsigned int *other = (void *)(map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0) + PAGE);

		gate_open(ready);
		_exit(futex(other, FUTEX_WAIT, *other, 0, NULL, 0) != 0);
	}
	gate_wait(ready);
	while (futex(word, FUTEX_WAKE, 1, 0, NULL, 0) == 0)
		sched_yield();
	CHECK_CHILD(child);
}

/* ---- robust lists ---------------------------------------------------------------------------- */

struct lock {
	struct robust_list entry;
	volatile unsigned int word;
};

#define WORD_OFFSET ((long)offsetof(struct lock, word) - (long)offsetof(struct lock, entry))

struct holder {                         // in memory that parent and child share
	struct robust_list_head head;
	struct lock lock[4];
};

static struct holder *holder_make(void)
{
	return MUST(mmap(NULL, sizeof(struct holder), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// In the child: it holds the first nr locks, `more` in each word.
static void hold(struct holder *h, int nr, unsigned int more)
{
	struct robust_list *previous = &h->head.list;

	h->head.futex_offset = WORD_OFFSET;
	for (int i = 0; i < nr; i++) {
		h->lock[i].word = (unsigned int)own_tid() | more;
		previous->next = &h->lock[i].entry;
		previous = &h->lock[i].entry;
	}
	previous->next = &h->head.list;
	if (syscall(SYS_set_robust_list, &h->head, sizeof(h->head)) != 0)
		_exit(9);
}

#define IN_CHILD(...)						\
	({							\
		pid_t child_ = MUST(fork());			\
		if (child_ == 0) {				\
			__VA_ARGS__;				\
			_exit(0);				\
		}						\
		child_;						\
	})

TEST(robust_locks_are_marked_at_exit)
{
	struct holder *h = holder_make();

	CHECK_CHILD(IN_CHILD(hold(h, 3, 0)));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h->lock[i].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[3].word, 0);
}

TEST(robust_locks_are_marked_when_killed)
{
	struct holder *h = holder_make();
	pid_t child = IN_CHILD(hold(h, 2, 0); kill(getpid(), SIGKILL));

	CHECK_KILLED(child, SIGKILL);
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[1].word, FUTEX_OWNER_DIED);
}

TEST(robust_waiter_is_woken_and_the_mark_stays)
{
	struct holder *h = holder_make();
	struct gate go = gate_make(), held = gate_make();
	pid_t owner = IN_CHILD(hold(h, 1, FUTEX_WAITERS); gate_open(held); gate_wait(go));

	gate_wait(held);
	unsigned int value = h->lock[0].word;

	CHECK_EQ(value, (unsigned int)owner | FUTEX_WAITERS);
	gate_open(go);
	// It ends before or while we wait: the word differs, or we are woken.
	if (futex(&h->lock[0].word, FUTEX_WAIT, value, 0, NULL, 0) == -1)
		CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	CHECK_CHILD(owner);
}

TEST(robust_locks_of_others_are_left_alone)
{
	struct holder *h = holder_make();

	CHECK_CHILD(IN_CHILD(hold(h, 3, 0); h->lock[1].word = 1; h->lock[0].word = 0));
	CHECK_EQ(h->lock[0].word, 0);
	CHECK_EQ(h->lock[1].word, 1);
	CHECK_EQ(h->lock[2].word, FUTEX_OWNER_DIED);
}

TEST(robust_pending_lock_is_marked_once)
{
	struct holder *h = holder_make();

	// Taken, but not yet in the list; and in the list already.
	CHECK_CHILD(IN_CHILD(hold(h, 1, 0); h->lock[3].word = (unsigned int)own_tid();
			     h->head.list_op_pending = &h->lock[3].entry));
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[3].word, FUTEX_OWNER_DIED);
	CHECK_CHILD(IN_CHILD(hold(h, 2, 0); h->head.list_op_pending = &h->lock[1].entry));
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[1].word, FUTEX_OWNER_DIED);
}

TEST(robust_pending_lock_given_up_wakes_the_next)
{
	struct holder *h = holder_make();
	struct gate go = gate_make(), held = gate_make();

	h->lock[0].word = 0;            // unlocked by the owner, who ended before it woke anybody
	pid_t owner = IN_CHILD(hold(h, 0, 0); h->head.list_op_pending = &h->lock[0].entry; gate_open(held);
			       gate_wait(go));
	pid_t waiter = IN_CHILD(gate_wait(held); gate_open(go);
				while (futex(&h->lock[0].word, FUTEX_WAIT, 0, 0, NULL, 0) != 0) { });
	int status;

	CHECK_CHILD(owner);
	// The waiter may come too late for it, and too late for one wake of ours: so until it has ended.
	while (MUST(waitpid(waiter, &status, WNOHANG)) == 0) {
		futex(&h->lock[0].word, FUTEX_WAKE, 1, 0, NULL, 0);
		sched_yield();
	}
	CHECK_EQ(status, 0);
	CHECK_EQ(h->lock[0].word, 0);
}

TEST(robust_pending_wakes_who_sleeps_already)
{
	struct holder *h = holder_make();

	pid_t sleeper = IN_CHILD(if (futex(&h->lock[0].word, FUTEX_WAIT, 0, 0, NULL, 0) != 0) _exit(1));
	char path[64], state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", sleeper);
	while (state != 'S') {
		const char *text = slurp(path);

		state = strrchr(text, ')')[2];
		sched_yield();
	}
	CHECK_CHILD(IN_CHILD(hold(h, 0, 0); h->head.list_op_pending = &h->lock[0].entry));
	CHECK_CHILD(sleeper);
}

TEST(robust_bad_pointers_are_harmless)
{
	struct holder *h = holder_make();
	static const unsigned long bad[] = { 0, 8, 0x7fffffffefff, 0xffff800000000000, ~0ul, ~7ul, 0x8000000000000000 };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct robust_list *wild = (struct robust_list *)bad[i];

		CHECK_CHILD(IN_CHILD(hold(h, 2, 0); h->lock[0].entry.next = wild));
		CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
		CHECK_CHILD(IN_CHILD(hold(h, 2, 0); h->head.list.next = wild));
		CHECK_CHILD(IN_CHILD(hold(h, 1, 0); h->head.list_op_pending = wild));
		CHECK_CHILD(IN_CHILD(hold(h, 1, 0); h->head.futex_offset = (long)bad[i]));
		CHECK_CHILD(IN_CHILD(syscall(SYS_set_robust_list, wild, sizeof(h->head))));
	}
	// Behind a word that cannot be reached nothing is looked at.
	CHECK_CHILD(IN_CHILD(hold(h, 2, 0); h->head.list.next = (void *)find_hole(PAGE)));
	CHECK(h->lock[1].word != FUTEX_OWNER_DIED);
}

TEST(robust_word_without_write_permission_is_harmless)
{
	struct holder *h = holder_make();

	CHECK_CHILD(IN_CHILD(hold(h, 1, 0); h->lock[0].word = (unsigned int)own_tid(); mprotect(h, PAGE, PROT_READ)));
	CHECK(h->lock[0].word != FUTEX_OWNER_DIED);
}

TEST(robust_circle_ends)
{
	struct holder *h = holder_make();

	CHECK_CHILD(IN_CHILD(hold(h, 3, 0); h->lock[2].entry.next = &h->lock[0].entry));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h->lock[i].word, FUTEX_OWNER_DIED);
}

TEST(robust_list_is_walked_for_2048_entries)
{
	enum { NR = 2060 };
	struct lock *lock = MUST(mmap(NULL, NR * sizeof(struct lock), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct holder *h = holder_make();
	int marked = 0;

	CHECK_CHILD(IN_CHILD(hold(h, 0, 0); h->head.list.next = &lock[0].entry;
			     for (int i = 0; i < NR; i++) {
				     lock[i].word = (unsigned int)own_tid();
				     lock[i].entry.next = i + 1 < NR ? &lock[i + 1].entry : &h->head.list;
			     }));
	for (int i = 0; i < NR; i++)
		marked += lock[i].word == FUTEX_OWNER_DIED;
	CHECK_EQ(marked, 2048);
}

static void end_holding(void *argument)
{
	hold(argument, 2, 0);
}

TEST(robust_list_belongs_to_the_thread)
{
	struct holder *h = holder_make();
	struct robust_list_head *head = (void *)1;
	size_t size = 0;
	struct thread t;

	CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &size), 0);
	CHECK_EQ(size, sizeof(struct robust_list_head));
	thread_begin(&t, end_holding, h);
	thread_join(&t);
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[1].word, FUTEX_OWNER_DIED);
	CHECK_ERR(syscall(SYS_get_robust_list, 999999999, &head, &size), ESRCH);
	CHECK_ERR(syscall(SYS_set_robust_list, h, sizeof(h->head) + 1), EINVAL);
	MUST(syscall(SYS_set_robust_list, &h->head, sizeof(h->head)));
	CHECK_EQ(syscall(SYS_get_robust_list, getpid(), &head, &size), 0);
	CHECK(head == &h->head);
	// The child of a fork begins without.
	CHECK_CHILD(IN_CHILD(syscall(SYS_get_robust_list, 0, &head, &size); _exit(head != NULL)));
}

HELPER(ends_at_once)
{
	return 0;
}

TEST(robust_locks_are_marked_at_exec)
{
	struct holder *h = holder_make();

	CHECK_CHILD(IN_CHILD(hold(h, 2, 0); test_exec("ends_at_once", NULL, NULL, NULL)));
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[1].word, FUTEX_OWNER_DIED);
}

TEST(robust_pi_entry_is_marked_and_wakes_nobody)
{
	struct holder *h = holder_make();

	CHECK_CHILD(IN_CHILD(hold(h, 2, 0); h->head.list.next = (void *)((unsigned long)&h->lock[0].entry | 1)));
	CHECK_EQ(h->lock[0].word, FUTEX_OWNER_DIED);
	CHECK_EQ(h->lock[1].word, FUTEX_OWNER_DIED);
}
