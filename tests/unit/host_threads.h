#pragma once
/*
 * host_threads.h - kernel threads on the host, one at a time. The test's main function starts them and lets them
 * run until all have ended or sleep; then it makes happen what they wait for (a disk's answer), and lets them run on.
 */
#include "types.h"

struct host_thread;

void host_threads_start(void);
struct host_thread *host_thread(void (*f)(void *argument), void *argument);    // runs at the next host_run_threads
void host_run_threads(void);            // until none can run; which one is next is random
bool host_has_ended(const struct host_thread *t);
u32 host_nr_threads(void);              // that have not ended
void host_forget_threads(void);         // frees those that have ended; all have
// Inside a thread: others may run.
void host_yield(void);
