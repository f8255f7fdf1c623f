#pragma once
/*
 * posix_timer.h - timer_create and its kin: a process's timers,
 * each with a number, that send a signal or are only looked at.
 */
#include "types.h"
#include <abi/signal.h>
#include <abi/time.h>

struct process;

#define TIMER_OVERRUN_MAX 0x7fffffffl   // no overrun is told as more

struct posix_timer_times {
	u64 left_ns, period_ns;         // left 0: not set
};

// The number of a new timer of the current process. target_tid: SIGEV_THREAD_ID; 0: the process.
// signal 0: SIGEV_NONE. id_is_value: the signal's value is the number. -EAGAIN, -ENOMEM.
i64 posix_timer_create(int clock, int signal, int target_tid, union sigval value, bool id_is_value);
// left: from now on, or with TIMER_ABSTIME a time of its clock; 0: stop it. -EINVAL: no such timer. *old as it was.
int posix_timer_set(int id, int flags, const struct posix_timer_times *fresh, struct posix_timer_times *old) MUST_CHECK;
int posix_timer_get(int id, struct posix_timer_times *out) MUST_CHECK;
int posix_timer_overrun(int id);                // of the last signal that was taken; -EINVAL
int posix_timer_delete(int id);
void posix_timers_delete_all(struct process *p);        // exec, exit
void posix_timer_taken(int id, int overrun);    // the current process has taken a timer's signal
