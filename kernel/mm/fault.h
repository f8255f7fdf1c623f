#pragma once
/*
 * fault.h - one function answers every page fault.
 * A fault is a value that travels: the trap code asks, each layer adds its part of the answer, and the same record
 * becomes the siginfo, the fault-log entry and the panic text.
 */
#include "types.h"

struct addrspace;
struct cache;
struct page;

enum fault_access { FAULT_READ = 1, FAULT_WRITE = 2, FAULT_EXEC = 4 };  // = AREA_READ, _WRITE, _EXEC
enum fault_verb { VERB_NONE, VERB_ZERO, VERB_MAP, VERB_DIRTY, VERB_COPY, VERB_SWAP, VERB_RACE };
enum fault_result {
	FAULT_OK,
	FAULT_RETRY,            // inside mm only: fault.page must first be made ready, with no lock held
	FAULT_NO_AREA,          // SIGSEGV SEGV_MAPERR
	FAULT_NO_PERMISSION,    // SIGSEGV SEGV_ACCERR
	FAULT_PAST_END,         // SIGBUS BUS_ADRERR: wholly past the end of the file
	FAULT_IO,               // SIGBUS BUS_ADRERR: error says why (-EIO, -ENOSPC)
	FAULT_NO_MEMORY,        // the process is killed
};
enum fault_need {
	NEED_NOTHING,
	NEED_FILL,              // the page of fault.cache at fault.index must be read
	NEED_UNLOCK,            // fault.page is locked by somebody: wait
	NEED_RESERVE,           // fault.page has no place on disk yet
	NEED_READ_AHEAD,        // fault.page carries a mark: the next window must be started
	NEED_SWAP,              // the page of swap entry fault.index must be read
};
struct file;

struct fault {
	/* the question */
	vaddr_t address, rip;
	enum fault_access access;
	bool from_user, was_present;
	/* the answer */
	enum fault_result result;
	enum fault_verb verb;
	bool did_io;
	int error;                      // negative errno when result is FAULT_IO
	/* between two rounds: what must be made ready with no lock held; both referenced */
	enum fault_need need;
	struct page *page;
	struct file *file;              // keeps the cache
	struct cache *cache;
	u64 index;
	u32 advice;                     // AREA_RANDOM, AREA_SEQUENTIAL of the area
};

// Resolves the fault or says why not; counts and logs it. May sleep; no lock of the space held.
enum fault_result fault_resolve(struct addrspace *as, struct fault *f);
const char *fault_result_name(enum fault_result r);
const char *fault_verb_name(enum fault_verb v);
