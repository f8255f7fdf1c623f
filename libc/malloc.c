// The heap: malloc, free and their relatives, upon mmap alone.
//
// Small requests come out of runs: 64 KiB of address space, aligned to 64 KiB, cut into pieces of
// one size class behind a header. Large requests are mappings of their own with the same header.
// Either way the header of a piece stands at the 64 KiB boundary below the piece's address minus
// one, so that free() finds it without a table, also for pieces that are themselves aligned to 64
// KiB or more.
//
//	run:	| header | piece | piece | piece | never used yet ... |
//	large:	| header | one piece ...                              |
//
// A run whose last piece comes back is unmapped, but for a few that wait for the next class that
// needs one. What a run has never handed out is never touched, and costs no memory.
//
// Invariant: a run is in its class's list if, and only if, it has a piece to give.

#include "internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	RUN_SIZE = 64 * 1024,
	HEADER_SIZE = 64,
	NR_CLASSES = 38,
	LARGE_CLASS = NR_CLASSES,
	MAX_SMALL = 32736,
	MAX_SPARE_RUNS = 8,
	PAGE = 4096,
};

// "lectern!" and its complement: of a header in use, of a freed one.
#define RUN_MAGIC	0x216e72657463656cul
#define FREED_MAGIC	(~RUN_MAGIC)

// A piece that nobody uses points to the next such.
struct piece {
	struct piece *next;
	unsigned long magic;	// FREED_MAGIC, to notice a second free
};

struct run {
	unsigned long magic;
	size_t mapped;			// bytes of the mapping, from here
	struct piece *free;
	struct run *next;
	struct run *previous;
	unsigned short class;
	unsigned short nr_used;
	unsigned int fresh;		// offset of the first piece that was never handed out
	size_t offset;			// of a large piece from here
};

_Static_assert(sizeof(struct run) <= HEADER_SIZE, "the header has its place");

// Multiples of 16; steps of an eighth to a quarter; at last what divides a run evenly.
static const unsigned short class_sizes[NR_CLASSES] = {
	16, 32, 48, 64, 80, 96, 112, 128,
	160, 192, 224, 256, 320, 384, 448, 512,
	640, 768, 896, 1024, 1280, 1536, 1792, 2048,
	2560, 3072, 3584, 4096, 5120, 6144, 7168, 8176,
	9344, 10912, 13088, 16368, 21824, MAX_SMALL,
};

static struct run *class_runs[NR_CLASSES];
static struct run *spare_runs;
static int nr_spare_runs;

// The smallest class that holds size bytes.
static unsigned int class_of(size_t size)
{
	unsigned int low = 0;
	unsigned int high = NR_CLASSES - 1;

	if (size <= 128)
		return size == 0 ? 0 : (unsigned int)(size - 1) / 16;
	while (low < high) {
		unsigned int middle = (low + high) / 2;
		if (class_sizes[middle] < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct run *run_of(void *memory)
{
	return (struct run *)(((uintptr_t)memory - 1) & ~(uintptr_t)(RUN_SIZE - 1));
}

// The program has damaged the heap or freed something twice: it cannot go on.
static _Noreturn void heap_is_broken(const char *text, void *memory)
{
	dprintf(STDERR_FILENO, "%s: heap: %s at %p\n", program_invocation_short_name, text, memory);
	abort();
}

// The run of a piece that the program hands in.
static struct run *run_checked(void *memory)
{
	struct run *run = run_of(memory);

	if (run->magic != RUN_MAGIC)
		heap_is_broken("not from malloc, or freed already", memory);
	return run;
}

// Anonymous memory of that length, or NULL.
static char *pages_map(size_t length)
{
	char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	return start == MAP_FAILED ? NULL : start;
}

// Memory in which the address at offset (of one page, or 0) is a multiple of alignment (64 KiB or
// more). The length is one of whole pages. NULL and ENOMEM if there is none.
static char *pages_map_aligned(size_t length, size_t alignment, size_t offset)
{
	char *start = pages_map(length);
	size_t room;

	// Mappings tend to lie side by side, so that the next run often is right at the first try.
	if (!start || (((uintptr_t)start + offset) & (alignment - 1)) == 0)
		return start;
	munmap(start, length);

	if (__builtin_add_overflow(length, alignment, &room))
		return NULL;
	start = pages_map(room);
	if (!start)
		return NULL;
	uintptr_t wanted = ((uintptr_t)start + offset + alignment - 1) & ~(alignment - 1);
	size_t before = wanted - offset - (uintptr_t)start;
	if (before > 0)
		munmap(start, before);
	if (room - before > length)
		munmap(start + before + length, room - before - length);
	return start + before;
}

static void list_add(struct run *run)
{
	struct run **head = &class_runs[run->class];

	run->previous = NULL;
	run->next = *head;
	if (*head)
		(*head)->previous = run;
	*head = run;
}

static void list_remove(struct run *run)
{
	if (run->previous)
		run->previous->next = run->next;
	else
		class_runs[run->class] = run->next;
	if (run->next)
		run->next->previous = run->previous;
}

// An empty run for a class, in its list. NULL: no memory.
static struct run *run_create(unsigned int class)
{
	struct run *run = spare_runs;

	if (run) {
		spare_runs = run->next;
		nr_spare_runs--;
	} else {
		run = (struct run *)pages_map_aligned(RUN_SIZE, RUN_SIZE, 0);
		if (!run)
			return NULL;
	}
	run->magic = RUN_MAGIC;
	run->mapped = RUN_SIZE;
	run->free = NULL;
	run->class = (unsigned short)class;
	run->nr_used = 0;
	run->fresh = HEADER_SIZE;
	list_add(run);
	return run;
}

// Gives an empty run back, or keeps it as a spare one.
static void run_destroy(struct run *run)
{
	list_remove(run);
	run->magic = FREED_MAGIC;
	if (nr_spare_runs < MAX_SPARE_RUNS) {
		run->next = spare_runs;
		spare_runs = run;
		nr_spare_runs++;
	} else {
		munmap(run, RUN_SIZE);
	}
}

static bool run_is_full(struct run *run)
{
	return !run->free && run->fresh + class_sizes[run->class] > RUN_SIZE;
}

static void *small_alloc(unsigned int class)
{
	struct run *run = class_runs[class];
	struct piece *piece;

	if (!run && !(run = run_create(class)))
		return NULL;
	if (run->free) {
		piece = run->free;
		if (piece->magic != FREED_MAGIC)
			heap_is_broken("written after it was freed", piece);
		run->free = piece->next;
		piece->magic = 0;
	} else {
		piece = (struct piece *)((char *)run + run->fresh);
		run->fresh += class_sizes[class];
	}
	run->nr_used++;
	if (run_is_full(run))
		list_remove(run);
	return piece;
}

static void small_free(struct run *run, void *memory)
{
	struct piece *piece = memory;
	size_t offset = (size_t)((char *)memory - (char *)run) - HEADER_SIZE;

	if (offset % class_sizes[run->class] != 0)
		heap_is_broken("freed in the middle of a piece", memory);
	// The mark may also be the program's own data: only then is the list searched.
	if (piece->magic == FREED_MAGIC) {
		for (struct piece *p = run->free; p; p = p->next) {
			if (p == piece)
				heap_is_broken("freed twice", memory);
		}
	}
	if (run_is_full(run))
		list_add(run);
	piece->next = run->free;
	piece->magic = FREED_MAGIC;
	run->free = piece;
	if (--run->nr_used == 0)
		run_destroy(run);
}

// A mapping of its own. The memory is zero.
static void *large_alloc(size_t size, size_t alignment)
{
	size_t offset = alignment > HEADER_SIZE ? alignment : HEADER_SIZE;
	size_t run_alignment = RUN_SIZE;
	size_t piece_offset = 0;
	size_t length;

	// The header of a piece at a multiple of 64 KiB is 64 KiB below.
	if (alignment > RUN_SIZE) {
		offset = RUN_SIZE;
		run_alignment = alignment;
		piece_offset = RUN_SIZE;
	}
	if (__builtin_add_overflow(size, offset + PAGE - 1, &length) || length > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	length &= ~(size_t)(PAGE - 1);
	struct run *run = (struct run *)pages_map_aligned(length, run_alignment, piece_offset);
	if (!run) {
		errno = ENOMEM;
		return NULL;
	}
	run->magic = RUN_MAGIC;
	run->class = LARGE_CLASS;
	run->mapped = length;
	run->offset = offset;
	return (char *)run + offset;
}

// size bytes, aligned to 16. NULL and ENOMEM if there is no memory. 0 bytes are a piece, too.
void *malloc(size_t size)
{
	if (size > MAX_SMALL)
		return large_alloc(size, 16);
	return small_alloc(class_of(size));
}

void free(void *memory)
{
	if (!memory)
		return;
	struct run *run = run_checked(memory);
	if (run->class != LARGE_CLASS) {
		small_free(run, memory);
		return;
	}
	if ((char *)run + run->offset != memory)
		heap_is_broken("freed in the middle of a piece", memory);
	int saved_errno = errno;
	munmap(run, run->mapped);
	errno = saved_errno;
}

// nr * size bytes of zero.
void *calloc(size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (bytes > MAX_SMALL)
		return large_alloc(bytes, 16);
	void *memory = malloc(bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}

// How many bytes the piece really has.
size_t malloc_usable_size(void *memory)
{
	if (!memory)
		return 0;
	struct run *run = run_checked(memory);
	return run->class == LARGE_CLASS ? run->mapped - run->offset : class_sizes[run->class];
}

// Makes a large piece shorter or longer where it is. Answers whether that worked.
static bool large_resize(struct run *run, size_t size)
{
	size_t length;

	if (__builtin_add_overflow(size, run->offset + PAGE - 1, &length))
		return false;
	length &= ~(size_t)(PAGE - 1);
	if (length < run->mapped)
		munmap((char *)run + length, run->mapped - length);
	else if (length > run->mapped && mremap(run, run->mapped, length, 0) == MAP_FAILED)
		return false;
	run->mapped = length;
	return true;
}

// A piece of another size with the same content. NULL and ENOMEM: the old piece is as it was.
void *realloc(void *memory, size_t size)
{
	if (!memory)
		return malloc(size);
	struct run *run = run_checked(memory);
	int saved_errno = errno;
	if (run->class == LARGE_CLASS) {
		if (size > MAX_SMALL && large_resize(run, size)) {
			errno = saved_errno;
			return memory;
		}
	} else if (size <= MAX_SMALL && class_of(size) == run->class) {
		return memory;
	}

	void *moved = malloc(size);
	if (!moved)
		return NULL;
	errno = saved_errno;
	size_t usable = malloc_usable_size(memory);
	memcpy(moved, memory, size < usable ? size : usable);
	free(memory);
	return moved;
}

void *reallocarray(void *memory, size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(memory, bytes);
}

// Memory at a multiple of a power of two. The answer is 0 or the error; errno stays.
int posix_memalign(void **memory, size_t alignment, size_t size)
{
	int saved_errno = errno;

	if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	void *piece = alignment <= 16 ? malloc(size) : large_alloc(size, alignment);
	errno = saved_errno;
	if (!piece)
		return ENOMEM;
	*memory = piece;
	return 0;
}

void *memalign(size_t alignment, size_t size)
{
	void *memory;
	int error = posix_memalign(&memory, alignment < 8 ? 8 : alignment, size);

	if (error) {
		errno = error;
		return NULL;
	}
	return memory;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}
