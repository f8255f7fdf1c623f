/*
 * memory.c - rows on anonymous memory: the cheapest calls, faults, protection, and a fault that becomes a signal.
 */
#include "bench.h"
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

// Op: one call that does nothing but ask for a number (in and out of the kernel).
static void run_null_syscall(uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++)
		(void)getppid();
	end(n);
}

// Op: one reading of the monotonic clock, through the vDSO if there is one.
static void run_clock(uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++)
		(void)now();
	end(n);
}

// Op: mmap() and munmap() of one page that nobody touches.
static void run_mmap_munmap(uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++)
		unmap(map_memory(PAGE), PAGE);
	end(n);
}

// Op: the same with one store to the page.
static void run_mmap_touch_munmap(uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++) {
		volatile char *page = map_memory(PAGE);

		*page = 1;
		unmap(page, PAGE);
	}
	end(n);
}

// Op: the first store to a page of a fresh region.
static void run_fault_anon(uint64_t n)
{
	for (uint64_t done = 0; done < n; done += REGION_PAGES) {
		char *region = map_memory(REGION);

		begin();
		store_pages(region, REGION_PAGES);
		end(REGION_PAGES);
		unmap(region, REGION);
	}
}

// Op: a page of munmap() of a region that has all its pages.
static void run_munmap_populated(uint64_t n)
{
	for (uint64_t done = 0; done < n; done += REGION_PAGES) {
		char *region = map_memory(REGION);

		store_pages(region, REGION_PAGES);
		begin();
		unmap(region, REGION);
		end(REGION_PAGES);
	}
}

// Op: one of two mprotect() of one page, that take and give the right to store; a store behind each pair.
static void run_mprotect_toggle(uint64_t n)
{
	volatile char *page = map_memory(PAGE);

	*page = 1;
	begin();
	for (uint64_t i = 0; i < n; i += 2) {
		CHECK(mprotect((void *)page, PAGE, PROT_READ) == 0);
		CHECK(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0);
		*page = (char)i;
	}
	end((n + 1) & ~1ul);
	unmap(page, PAGE);
}

// Op: a page of mprotect(PROT_READ) of a region that has all its pages.
static void run_mprotect_region(uint64_t n)
{
	char *region = map_memory(REGION);

	for (uint64_t done = 0; done < n; done += REGION_PAGES) {
		store_pages(region, REGION_PAGES);
		begin();
		CHECK(mprotect(region, REGION, PROT_READ) == 0);
		end(REGION_PAGES);
		CHECK(mprotect(region, REGION, PROT_READ | PROT_WRITE) == 0);
	}
	unmap(region, REGION);
}

static char *guarded;
static volatile uint64_t signals_seen;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if ((char *)info->si_addr != guarded)
		fail("SIGSEGV with another address");
	if (mprotect(guarded, PAGE, PROT_READ | PROT_WRITE))
		fail("mprotect in the handler");
	signals_seen++;
}

// Op: a store to a read-only page, its SIGSEGV, mprotect() in the handler, the store again, mprotect() back.
static void run_sigsegv(uint64_t n)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	guarded = map_memory(PAGE);
	*guarded = 0;
	signals_seen = 0;
	CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
	CHECK(mprotect(guarded, PAGE, PROT_READ) == 0);
	begin();
	for (uint64_t i = 0; i < n; i++) {
		*(volatile char *)guarded = (char)i;
		CHECK(mprotect(guarded, PAGE, PROT_READ) == 0);
	}
	end(n);
	CHECK(signals_seen == n);
	CHECK(*(volatile char *)guarded == (char)(n - 1));
	unmap(guarded, PAGE);
}

const struct row memory_rows[] = {
	{ "null_syscall", "memory", run_null_syscall, 0, false },
	{ "clock_gettime", "memory", run_clock, 0, false },
	{ "mmap_munmap", "memory", run_mmap_munmap, 0, false },
	{ "mmap_touch_munmap", "memory", run_mmap_touch_munmap, 0, false },
	{ "fault_anon", "memory", run_fault_anon, 0, false },
	{ "munmap_populated", "memory", run_munmap_populated, 0, false },
	{ "mprotect_toggle", "memory", run_mprotect_toggle, 0, false },
	{ "mprotect_region", "memory", run_mprotect_region, 0, false },
	{ "sigsegv_mprotect", "memory", run_sigsegv, 0, false },
	{ NULL, NULL, NULL, 0, false },
};
