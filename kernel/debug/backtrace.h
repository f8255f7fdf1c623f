#pragma once
/*
 * backtrace.h - who called whom, by frame pointers, with names from the table that the build links in (tools/ksyms).
 */
#include "types.h"

// The function that the address lies in, and how far in; NULL: none.
const char *symbol_of(u64 address, u64 *offset);
// Logs the address rip and then the callers that the chain of frame pointers from rbp tells.
void backtrace_print(u64 rip, u64 rbp);
