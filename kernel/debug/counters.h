#pragma once
/*
 * counters.h - what the kernel counts for everybody, one number a CPU, summed when read.
 * The names are those of /proc/vmstat: Linux's where Linux has one.
 */
#include "types.h"

#define COUNTERS(X) \
	X(PGFAULT, "pgfault") X(PGMAJFAULT, "pgmajfault") X(COW_COPIES, "cow_copies") X(ZERO_FILLS, "zero_fills") \
	X(MAP_FAULTS, "map_faults") X(FAULT_AROUND, "fault_around") X(DIRTY_FAULTS, "dirty_faults") \
	X(RACE_FAULTS, "race_faults") \
	X(PGPGIN, "pgpgin") X(PGPGOUT, "pgpgout") X(PGALLOC, "pgalloc_normal") X(PGFREE, "pgfree") \
	X(DISK_READS, "disk_reads") X(DISK_WRITES, "disk_writes") X(DISK_FLUSHES, "disk_flushes") \
	X(NR_DIRTIED, "nr_dirtied") X(NR_WRITTEN, "nr_written") X(DIRTY_PAUSES, "dirty_pauses") \
	X(PAGES_READ, "pages_read") X(PAGES_WRITTEN, "pages_written") \
	X(CACHE_HITS, "cache_hits") X(CACHE_MISSES, "cache_misses") X(CACHE_EVICTIONS, "cache_evictions") \
	X(TLB_SHOOTDOWNS, "tlb_shootdowns") X(TLB_IPIS, "tlb_ipis") X(CONTEXT_SWITCHES, "context_switches") \
	X(FORKS, "forks") X(SYSCALLS, "syscalls") X(INTERRUPTS, "interrupts") \
	X(DISK_ERRORS, "disk_errors") X(RMAP_AREAS, "rmap_areas") \
	X(READAHEAD_PAGES, "readahead_pages") X(READAHEAD_HITS, "readahead_hits") \
	X(READAHEAD_ASYNC, "readahead_async") \
	X(PGSCAN, "pgscan") X(PGSTEAL, "pgsteal") X(PGACTIVATE, "pgactivate") X(ALLOCSTALL, "allocstall_normal") \
	X(WORKINGSET_REFAULT, "workingset_refault") X(WORKINGSET_ACTIVATE, "workingset_activate") \
	X(WORKINGSET_DISTANCE, "workingset_refault_distance") \
	X(TABLES_FREED, "page_tables_freed") X(PSWPIN, "pswpin") X(PSWPOUT, "pswpout") \
	X(SWAP_FAULTS, "swap_faults") X(OOM_KILL, "oom_kill") \
	X(PGLAZYFREE, "pglazyfree") X(PGLAZYFREED, "pglazyfreed") \
	X(THP_FAULT, "thp_fault_alloc") X(THP_FALLBACK, "thp_fault_fallback") X(THP_COLLAPSE, "thp_collapse_alloc") \
	X(THP_SPLIT, "thp_split_page") \
	X(SPLICE_PAGES, "splice_pages_moved") X(SPLICE_BYTES, "splice_bytes_copied")

enum counter {
#define X(symbol, name) COUNTER_##symbol,
	COUNTERS(X)
#undef X
	NR_COUNTERS
};

u64 counter_read(enum counter which);           // the sum over all CPUs
const char *counter_name(enum counter which);
// One addition on the word of this CPU (x86/cpu.h); an interrupt in between may lose a count of its own.
#define count_add(which, n) (this_cpu()->counters[which] += (n))
#define count(which) count_add(which, 1)
