#pragma once
/*
 * timerfd.h - a timer in a descriptor: a read gives how often it has expired.
 */
#include "types.h"

struct file;

struct timerfd_times {
	u64 value_ns;                   // when it expires next; 0: it is not set
	u64 period_ns;                  // 0: once
};

enum timerfd_clock { TIMERFD_MONOTONIC, TIMERFD_REALTIME };
// How value_ns is meant: the latter by the timer's clock.
enum timerfd_value { TIMERFD_FROM_NOW, TIMERFD_ABSOLUTE };

// A new open file, referenced. flags: O_NONBLOCK. -ENOMEM.
int timerfd_create(enum timerfd_clock clock, u32 flags, struct file **out) MUST_CHECK;
bool file_is_timerfd(const struct file *f);
// Expirations that were not read are forgotten. *old: as it was, from now. May sleep.
void timerfd_set(struct file *f, const struct timerfd_times *fresh, enum timerfd_value how, struct timerfd_times *old);
void timerfd_get(struct file *f, struct timerfd_times *out);    // from now. May sleep
