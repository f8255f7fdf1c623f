#pragma once
/*
 * poll.h - waiting for one of many files. A poll_table collects the wait queues that the files name;
 * between a look at all files and the sleep, any wake-up on any of them is seen.
 *
 *      poll_begin(&table);
 *      do {
 *              poll_restart(&table);
 *              for each file: ready |= poll_file(&table, f) & wanted;
 *      } while (!ready && poll_sleep(&table, deadline) == 0);
 *      poll_end(&table);
 */
#include "types.h"
#include "sync/wait.h"

struct file;

#define POLL_CHUNK 16

struct poll_entry {
	struct waiter waiter;
	struct wait_queue *queue;
	struct file *file;              // referenced: it owns the queue
};

struct poll_chunk {
	struct poll_chunk *next;
	u32 nr;
	struct poll_entry entries[POLL_CHUNK];
};

struct poll_table {                     // used by one thread
	// Who is not poll but epoll has its own way to stand in a queue. NULL: poll's.
	void (*enter)(struct poll_table *table, struct wait_queue *queue);
	struct poll_chunk *chunks;      // the newest first
	struct file *file;              // the one being asked
	int error;                      // -ENOMEM: some queue could not be added
};

void poll_begin(struct poll_table *table);
void poll_restart(struct poll_table *table);            // leaves every queue
u32 poll_file(struct poll_table *table, struct file *f);        // POLL*; enters its queues. May sleep
// Sleeps until one of the files may have changed. 0; -EINTR; -ETIMEDOUT; -ENOMEM. deadline U64_MAX: never.
int poll_sleep(struct poll_table *table, u64 deadline_ns) MUST_CHECK;
void poll_end(struct poll_table *table);
