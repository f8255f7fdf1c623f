#pragma once
/*
 * futex.h - waiting for a word of user memory to change. Private futexes are named by (address space, address),
 * shared ones by (file, page, offset), so that two mappings of one word are one futex.
 */
#include "types.h"

// deadline_ns monotonic, U64_MAX: none. bits: FUTEX_BITSET_MATCH_ANY for the plain forms.
// 0, -EAGAIN (the word is not expected), -EINTR-like, -ETIMEDOUT, -EFAULT, -EINVAL. May sleep.
i64 futex_wait(u64 address, bool is_shared, u32 expected, u64 deadline_ns, u32 bits);
i64 futex_wake(u64 address, bool is_shared, u32 nr, u32 bits);
// REQUEUE, CMP_REQUEUE: wakes nr_wake, moves up to nr_move of the rest to the other word.
// compare: NULL or the expected value.
i64 futex_requeue(u64 from, u64 to, bool is_shared, u32 nr_wake, u32 nr_move, const u32 *compare);
// WAKE_OP: changes the second word as `operation` says and wakes up to nr of the first,
// and nr2 of the second when the word was as `operation` compares it. -ENOSYS: no such operation.
i64 futex_wake_op(u64 address, u64 address2, bool is_shared, u32 nr, u32 nr2, u32 operation);
void futex_wake_address(u64 address, u32 nr);   // thread exit: as a shared and as a private futex
// robust.c: the current thread (at its end, or at exec) leaves the locks in its list.
// t->robust_list is not NULL. May sleep.
struct thread;
void robust_list_leave(struct thread *t);
void futexes_init(void);
