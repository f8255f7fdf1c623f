#pragma once
/*
 * alarm.h - ITIMER_REAL: a SIGALRM to the process after some time, once or again and again.
 */
#include "types.h"
#include <abi/time.h>

struct process;

int alarm_set(struct process *p, const struct itimerval *value, struct itimerval *old) MUST_CHECK;  // -ENOMEM, -EINVAL
void alarm_get(struct process *p, struct itimerval *out);
void alarm_free(struct process *p);
