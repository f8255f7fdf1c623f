#pragma once
/*
 * rtc.h - the battery clock, read once at boot. It is taken to keep UTC.
 */
#include "types.h"

u64 rtc_read_seconds(void);             // since 1970
