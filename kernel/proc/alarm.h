#pragma once
/*
 * alarm.h - ITIMER_REAL: a SIGALRM to the process after some time, once or again and again.
 */
#include "types.h"
#include <abi/time.h>

struct process;

bool timeval_is_valid(const struct timeval *t);         // not negative, less than a second of microseconds
u64 timeval_ns(const struct timeval *t);                // of a valid one, cut off at 30 years

int alarm_set(struct process *p, const struct itimerval *value, struct itimerval *old) MUST_CHECK;  // -ENOMEM, -EINVAL
void alarm_get(struct process *p, struct itimerval *out);
void alarm_free(struct process *p);
