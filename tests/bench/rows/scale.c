/*
 * scale.c - the same work by as many workers as there are processors, each pinned to one: threads of one process, and
 * processes. All start together at a gate; the time is from its opening to the last worker's end, so that with
 * perfect scaling the time for an operation falls with the number of processors.
 */
#include "bench.h"
#include <abi/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_WORKERS	8
#define STACK_SIZE	(64 * 1024ul)
#define ANON_SIZE	(32 * MIB)      // for each worker
#define FILE_SIZE	(16 * MIB)
#define FILE_MAPS	8               // so many mappings of it for each worker
#define CALLS		8192ul
#define READS		16384ul

int thread_start(void *stack_end, void (*function)(void *), void *argument, int *tid);          // thread.asm

struct gate {                           // in memory that all workers share
	atomic_uint arrived, is_open;
	uint64_t opened;
	uint64_t ended[MAX_WORKERS];
};

struct work {
	void (*prepare)(struct work *w);        // untimed
	void (*run)(struct work *w);            // timed
	uint64_t ops;                           // of each worker
	int fd;                                 // shared by all
	char *memory[FILE_MAPS];                // the worker's own
};

struct worker {
	struct work work;
	struct gate *gate;
	unsigned int number, workers;
	int tid;
};

static char stacks[MAX_WORKERS][STACK_SIZE] __attribute__((aligned(16)));
static struct worker crew[MAX_WORKERS];

// The last to arrive opens the gate and notes the time.
static void pass_gate(struct gate *gate, unsigned int workers)
{
	if (atomic_fetch_add(&gate->arrived, 1) + 1 == workers) {
		gate->opened = now();
		atomic_store(&gate->is_open, 1);
	}
	for (unsigned int turns = 0; !atomic_load(&gate->is_open); turns++)
		if (turns > 1000)
			sched_yield();
}

static void work(void *argument)
{
	struct worker *me = argument;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(me->number, &set);
	sched_setaffinity(0, sizeof(set), &set);        // a wish: where it is refused, the scheduler decides
	if (me->work.prepare)
		me->work.prepare(&me->work);
	pass_gate(me->gate, me->workers);
	me->work.run(&me->work);
	me->gate->ended[me->number] = now();
}

static unsigned int count_workers(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < 1 ? 1 : online > MAX_WORKERS ? MAX_WORKERS : (unsigned int)online;
}

static void run_threads(unsigned int workers)
{
	for (unsigned int i = 0; i < workers; i++)
		CHECK(thread_start(stacks[i] + STACK_SIZE, work, &crew[i], &crew[i].tid) > 0);
	for (unsigned int i = 0; i < workers; i++) {
		int tid;

		while ((tid = __atomic_load_n(&crew[i].tid, __ATOMIC_ACQUIRE)) != 0)
			syscall(SYS_futex, &crew[i].tid, FUTEX_WAIT, tid, NULL, NULL, 0);
	}
}

static void run_processes(unsigned int workers)
{
	pid_t children[MAX_WORKERS];

	for (unsigned int i = 0; i < workers; i++) {
		children[i] = fork_child();
		if (children[i] == 0) {
			work(&crew[i]);
			_exit(0);
		}
	}
	for (unsigned int i = 0; i < workers; i++)
		wait_child(children[i]);
}

static void run_crew(void (*start)(unsigned int workers), struct work what)
{
	struct gate *gate = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	unsigned int workers = count_workers();
	uint64_t last = 0;

	for (unsigned int i = 0; i < workers; i++)
		crew[i] = (struct worker){ .work = what, .gate = gate, .number = i, .workers = workers };
	start(workers);
	for (unsigned int i = 0; i < workers; i++)
		if (gate->ended[i] > last)
			last = gate->ended[i];
	add_result(what.ops * workers, last - gate->opened);
	for (unsigned int i = 0; i < workers; i++)      // what threads have left in the space they share
		for (int m = 0; m < FILE_MAPS; m++)
			if (crew[i].work.memory[m])
				unmap(crew[i].work.memory[m], what.fd < 0 ? ANON_SIZE : FILE_SIZE);
	unmap(gate, PAGE);
}

// Op: the first store to a page; each worker in a region of its own.
static void map_own_memory(struct work *w)
{
	w->memory[0] = map_memory(ANON_SIZE);
}

static void store_own_memory(struct work *w)
{
	store_pages(w->memory[0], ANON_SIZE / PAGE);
}

static const struct work anon_work = {
	.prepare = map_own_memory, .run = store_own_memory, .ops = ANON_SIZE / PAGE, .fd = -1,
};

// Op: the first load from a page of a cached file; each worker by mappings of its own, all of one file.
static void map_shared_file(struct work *w)
{
	for (int i = 0; i < FILE_MAPS; i++)
		w->memory[i] = map(FILE_SIZE, PROT_READ, MAP_SHARED, w->fd);
}

static void load_shared_file(struct work *w)
{
	for (int i = 0; i < FILE_MAPS; i++)
		for (volatile char *at = w->memory[i]; at < w->memory[i] + FILE_SIZE; at += PAGE)
			(void)*at;
}

static const struct work file_work = {
	.prepare = map_shared_file, .run = load_shared_file, .ops = FILE_MAPS * (FILE_SIZE / PAGE),
};

// Op: mmap() and munmap() of a page.
static void map_and_unmap(struct work *w)
{
	for (uint64_t i = 0; i < w->ops; i++)
		unmap(map_memory(PAGE), PAGE);
}

static const struct work call_work = { .run = map_and_unmap, .ops = CALLS, .fd = -1 };

// Op: pread() of 4 KiB of one cached file through one open file.
static void read_shared_file(struct work *w)
{
	char page[PAGE] __attribute__((aligned(16)));

	for (uint64_t i = 0; i < w->ops; i++)
		CHECK(pread(w->fd, page, PAGE, (off_t)(i * PAGE % FILE_SIZE)) == (ssize_t)PAGE);
}

static const struct work read_work = { .run = read_shared_file, .ops = READS };

static void run_on_file(void (*start)(unsigned int), struct work what)
{
	what.fd = open_data("bench.read", FILE_SIZE);
	warm(what.fd, FILE_SIZE);
	run_crew(start, what);
	close(what.fd);
}

static void run_threads_anon(uint64_t n) { (void)n; run_crew(run_threads, anon_work); }
static void run_threads_file(uint64_t n) { (void)n; run_on_file(run_threads, file_work); }
static void run_threads_mmap(uint64_t n) { (void)n; run_crew(run_threads, call_work); }
static void run_threads_pread(uint64_t n) { (void)n; run_on_file(run_threads, read_work); }
static void run_processes_anon(uint64_t n) { (void)n; run_crew(run_processes, anon_work); }
static void run_processes_file(uint64_t n) { (void)n; run_on_file(run_processes, file_work); }
static void run_processes_mmap(uint64_t n) { (void)n; run_crew(run_processes, call_work); }
static void run_processes_pread(uint64_t n) { (void)n; run_on_file(run_processes, read_work); }

const struct row scale_rows[] = {
	{ "threads_fault_anon", "scale", run_threads_anon, 1, false },
	{ "threads_fault_file", "scale", run_threads_file, 1, false },
	{ "threads_mmap_munmap", "scale", run_threads_mmap, 1, false },
	{ "threads_pread_4k", "scale", run_threads_pread, 1, false },
	{ "processes_fault_anon", "scale", run_processes_anon, 1, false },
	{ "processes_fault_file", "scale", run_processes_file, 1, false },
	{ "processes_mmap_munmap", "scale", run_processes_mmap, 1, false },
	{ "processes_pread_4k", "scale", run_processes_pread, 1, false },
	{ NULL, NULL, NULL, 0, false },
};
