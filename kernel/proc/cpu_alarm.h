#pragma once
/*
 * cpu_alarm.h - the interval timers by processor time: ITIMER_VIRTUAL (user time, SIGVTALRM) and ITIMER_PROF (all,
 * SIGPROF) of a process. They are looked at by the ticks of its threads, so they are late by a tick at most.
 */
#include "types.h"
#include <abi/time.h>

struct process;

// which: ITIMER_VIRTUAL or ITIMER_PROF. Of the current process. May sleep. -EINVAL, -ENOMEM.
int cpu_alarm_set(int which, const struct itimerval *value, struct itimerval *old) MUST_CHECK;
void cpu_alarm_get(int which, struct itimerval *out);
void cpu_alarms_tick(struct process *p);        // a tick has found a thread of it, which has set some
void cpu_alarms_free(struct process *p);        // the process is ending: its last thread
