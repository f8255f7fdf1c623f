/*
 * futex.c - system calls about futexes and the list of robust ones.
 */
#include "kernel.h"
#include "proc/futex.h"
#include "proc/process.h"
#include "sys/calls.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/futex.h>
#include <abi/time.h>

// When a wait ends at the latest, by the monotonic clock. U64_MAX: never.
static int futex_deadline(const struct timespec __user *user, u32 command, u32 flags, u64 *out)
{
	struct timespec t;

	*out = U64_MAX;
	if (!user)
		return 0;
	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
		return -EINVAL;
	u64 ns = min((u64)t.tv_sec, 1ul << 33) * 1000000000 + (u64)t.tv_nsec;
	u64 now = clock_monotonic_ns();

	if (command == FUTEX_WAIT)
		*out = now + ns;
	else if (flags & FUTEX_CLOCK_REALTIME)
		*out = now + (ns > clock_realtime_ns() ? ns - clock_realtime_ns() : 0);
	else
		*out = ns;
	return 0;
}

i64 sys_futex(u64 address, int operation, u32 value, u64 timeout_or_value2, u64 address2, u32 value3)
{
	u32 command = (u32)operation & FUTEX_CMD_MASK;
	bool is_shared = !(operation & FUTEX_PRIVATE_FLAG);
	u64 deadline;
	int error;

	if (operation & FUTEX_CLOCK_REALTIME && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;         // as Linux answers, whatever its man page says of FUTEX_WAIT
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		error = futex_deadline((void *)timeout_or_value2, command, (u32)operation, &deadline);
		if (error)
			return error;
		return futex_wait(address, is_shared, value, deadline,
				  command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : value3);
	case FUTEX_WAKE:
		return futex_wake(address, is_shared, value, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, is_shared, value, value3);
	case FUTEX_REQUEUE:
		return futex_requeue(address, address2, is_shared, value, (u32)timeout_or_value2, NULL);
	case FUTEX_WAKE_OP:
		return futex_wake_op(address, address2, is_shared, value, (u32)timeout_or_value2, value3);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(address, address2, is_shared, value, (u32)timeout_or_value2, &value3);
	}
	return -ENOSYS;
}

i64 sys_set_robust_list(void __user *head, u64 size)
{
	if (size != 24)
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

// musl asks this to learn whether robust mutexes are to be had.
i64 sys_get_robust_list(int tid, void *__user *head, u64 __user *size)
{
	void *list = NULL;
	u64 bytes = 24;

	spin_lock(&process_table_lock);
	struct thread *t = tid ? thread_find(tid, NULL) : current;

	if (t)
		list = (void *)t->robust_list;
	spin_unlock(&process_table_lock);
	if (!t)
		return -ESRCH;
	return copy_to_user(head, &list, 8) || copy_to_user(size, &bytes, 8) ? -EFAULT : 0;
}
