#pragma once
/*
 * writeback.h - the flusher: dirty pages go to disk by age and by amount.
 */
#include "types.h"

void writeback_start(void);             // starts the flusher thread
void writeback_wake(void);              // look now (too much is dirty); any context
void writeback_throttle(void);          // a writer waits here while far too much is dirty. May sleep; no locks held
void writeback_page_gone(void);         // a dirty page was dropped (truncation): one less to wait for; any context
extern u64 nr_dirty_pages, nr_writeback_pages;  // atomic, all caches
