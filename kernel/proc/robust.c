/*
 * robust.c - what a thread leaves locked when it ends (set_robust_list).
 * The C library keeps a list of the robust mutexes that the thread holds, in the thread's own memory; the kernel only
 * walks it, at the thread's end and at exec, marks each word as left by its owner and wakes one who waits for it.
 * Nothing in the list is to be trusted: it may be cut off, a circle, or point anywhere. A bad address ends the walk; a
 * word whose owner is somebody else is left alone; and after so many entries it is enough.
 */
#include "kernel.h"
#include "proc/futex.h"
#include "proc/sched.h"
#include "proc/thread.h"
#include "x86/uaccess.h"
#include <abi/futex.h>

#define ENTRIES_MAX 2048                // as Linux: more than any program holds at once
#define ENTRY_IS_PI 1ul                 // the lowest bit of a pointer to an entry

enum entry_kind { ENTRY_IN_LIST, ENTRY_PENDING };

struct robust_walk {
	u64 head;                       // user address of struct robust_list_head
	u64 word_offset;                // from an entry to its futex word
	u64 pending;                    // the entry that was being put in or taken out, with its bit; 0: none
	u32 owner;                      // whose locks
};

// The word is left by its owner, as the others will see it. False: there is no such word.
static bool leave_word(u64 address, const struct robust_walk *walk, enum entry_kind kind, bool is_pi)
{
	u32 __user *word = (u32 __user *)address;
	u32 value, seen;

	if (address & 3 || copy_from_user(&value, word, sizeof(value)))
		return false;
	// Unlocked already, but perhaps the wake-up did not follow: the thread ended between the two.
	if (kind == ENTRY_PENDING && !is_pi && !(value & FUTEX_TID_MASK)) {
		(void)futex_wake(address, true, 1, FUTEX_BITSET_MATCH_ANY);
		return true;
	}
	for (;;) {
		if ((value & FUTEX_TID_MASK) != walk->owner)
			return true;
		if (user_compare_exchange(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen))
			return false;
		if (seen == value)
			break;
		value = seen;
	}
	if (!is_pi && value & FUTEX_WAITERS)
		(void)futex_wake(address, true, 1, FUTEX_BITSET_MATCH_ANY);
	return true;
}

static bool leave_entry(u64 entry, const struct robust_walk *walk, enum entry_kind kind)
{
	return leave_word((entry & ~ENTRY_IS_PI) + walk->word_offset, walk, kind, entry & ENTRY_IS_PI);
}

// False: it led to a bad address.
static bool walk_entries(const struct robust_walk *walk, u64 entry)
{
	for (u32 nr = 0; (entry & ~ENTRY_IS_PI) != walk->head && nr < ENTRIES_MAX; nr++) {
		u64 next;
		// Read before the word is given away: whoever takes the lock may free the entry.
		bool has_next = !copy_from_user(&next, (const void __user *)(entry & ~ENTRY_IS_PI), sizeof(next));

		if ((entry & ~ENTRY_IS_PI) != (walk->pending & ~ENTRY_IS_PI) &&
		    !leave_entry(entry, walk, ENTRY_IN_LIST))
			return false;
		if (!has_next)
			return false;
		entry = next;
		sched_point();
	}
	return true;
}

void robust_list_leave(struct thread *t)
{
	struct robust_list_head head;
	struct robust_walk walk = { .head = (u64)t->robust_list, .owner = (u32)t->tid };

	t->robust_list = NULL;
	if (copy_from_user(&head, (const void __user *)walk.head, sizeof(head)))
		return;
	walk.word_offset = (u64)head.futex_offset;
	walk.pending = (u64)head.list_op_pending;
	if (walk_entries(&walk, (u64)head.list.next) && walk.pending)
		(void)leave_entry(walk.pending, &walk, ENTRY_PENDING);
}
