#pragma once
/*
 * audit.h - walks every page table, cache and list and compares them with every page's counts.
 */
#include "types.h"

// Appends a line for each disagreement; returns their number.
// Stops nothing: meant for quiet moments (end of a test). May sleep.
u64 audit_run(void (*report)(void *owner, const char *line), void *owner);
void audit_init(void);
