/*
 * bench.h - what the rows of the benchmark share.
 *
 * The same static binary runs on Lectern and on Linux. A row is one function: it does something `n` times or a
 * little more, between begin() and end(), and says to end() how many operations that was. Time is the monotonic
 * clock; where QEMU counts instructions, a nanosecond is one instruction of the machine, kernel and user together.
 * Each row runs in a child of its own, so that all start from the same small address space, and checks what it
 * has computed: a wrong result is a failed row, however fast it was.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE		4096ul
#define PAGE_WORDS	(PAGE / sizeof(uint64_t))
#define MIB		(1ul << 20)
#define REGION		(16 * MIB)      // what most rows on memory and cached files work on
#define REGION_PAGES	(REGION / PAGE)
#define CHUNK		(64 * 1024ul)   // one read() of the rows that read

struct row {
	const char *name, *family;
	void (*run)(uint64_t n);        // NULL ends a table
	uint64_t most;                  // operations at which calibration stops; 0: no limit
	bool waits;                     // for the disk: the time without idling is told too
};

// The families, a table each, in the order in which they run.
extern const struct row machine_rows[], memory_rows[], file_rows[], process_rows[], area_rows[], disk_rows[],
	big_rows[], scale_rows[];

// --- clock.c: time, and when it counts ---

void clock_init(void);                  // once, before anything else here
uint64_t now(void);                     // monotonic nanoseconds, through the vDSO where the kernel offers one
uint64_t idle_time(void);               // ns that CPU 0 had nothing to do; 0: the kernel does not say
uint64_t cycles(void);                  // the time stamp counter
void begin(void);
void end(uint64_t ops);                 // adds the time since begin() and these operations to the result
void add_result(uint64_t ops, uint64_t ns);     // the same for rows that take the time themselves

struct result {
	uint64_t ops, ns, idle;
	bool knows_idle;
};
extern struct result result;            // of the run that is going on
extern bool measures_idle;              // begin() and end() look at idle_time()

// --- main.c: options and errors ---

extern const char *data_folder;         // where the data files are
extern const char *own_path;            // of this program
void fail(const char *what) __attribute__((noreturn));          // prints "ROW FAIL what", ends the row
#define CHECK(condition) ((condition) ? (void)0 : fail(#condition))

// --- data.c: files with a pattern, memory, children ---

// Word number i of every data file is i * PATTERN, so that any part of it can be checked.
#define PATTERN		0x9e3779b97f4a7c15ul

extern uint64_t chunk[CHUNK / sizeof(uint64_t)];        // a page-aligned buffer
void write_pattern(int fd, uint64_t size);
// Opens a data file; one that is not there, or shorter, is made. Size 0: it must be there.
int open_data(const char *name, uint64_t size);
uint64_t file_size(int fd);
void warm(int fd, uint64_t size);       // all of it into the page cache
void drop_caches(int fd);               // the disk has it all, memory nothing
uint64_t sum_words(const uint64_t *words, uint64_t count);      // count: a multiple of 8
uint64_t pattern_sum(uint64_t words);   // of a file's first words
uint64_t read_and_sum(int fd);          // by read(), from the start to the end
void map_and_sum(int fd, uint64_t size);// timed: one mapping, every word, unmapped; op: a page

void *map(uint64_t size, int protection, int flags, int fd);
char *map_memory(uint64_t size);        // private and anonymous
void unmap(const volatile void *start, uint64_t size);
void store_pages(char *start, uint64_t pages);
extern uint32_t shuffled[];
void shuffle(uint64_t count);           // shuffled[0..count) is a fixed permutation

pid_t fork_child(void);
void wait_child(pid_t child);           // it must end with status 0
